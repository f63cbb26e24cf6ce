"""One visible call: what it does depends on where it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lib.checking.answers import MIME, Answer
from lib.checking.arguments import Undefined
from lib.checking.dispatch import Check, CheckFailed
from lib.checking.render import Report
from lib.grading.judge.challenge import challenge
from lib.grading.judge.judge import judge
from lib.reference import Softmax
from lib.reference import cce as right
from lib.reference import cce_gradient as right_gradient
from lib.unit import Part
from lib.units.softmax_classifier import UNIT, check
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.checking.desk import states


def wrong(y: Any, yhat: Any) -> float:
    return 0.0


def test_at_the_desk_nothing_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    report = check.cce(wrong)
    assert isinstance(report, Report) and not report.right


def test_under_validate_a_failed_check_fails_and_a_right_one_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(CheckFailed):
        check.cce(wrong)
    assert check.cce(right) is None


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A challenge beside the notebook, as at grading."""
    path = tmp_path / "challenge.json"
    path.write_text(json.dumps(challenge(ANSWER_KEY, 5)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    return path


@pytest.mark.parametrize("part", ANSWER_KEY.parts, ids=lambda part: part.id)
def test_at_grading_the_call_answers_the_challenge(part: Part, laid: Path) -> None:
    answered = Check(part)(*ANSWER_KEY.subjects(part))
    assert isinstance(answered, Answer)
    bundle = json.loads(json.dumps(answered._repr_mimebundle_()))
    assert bundle[MIME]["part"] == part.id
    assert bundle["text/plain"] == f"The answer to {part.id}, for the judge."
    verdict = judge(ANSWER_KEY, part, 5, bundle[MIME]["statements"])
    assert verdict.points == verdict.max_points


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"parts": 3}', '{"parts": {"check-cce": {"y_one": 1}}}', '{"parts": {"check-cce": []}}']
)
def test_a_challenge_that_cannot_be_read_falls_back_to_the_desk(broken: str, laid: Path) -> None:
    laid.write_text(broken)
    assert check.cce(right) is None
    with pytest.raises(CheckFailed):
        check.cce(wrong)


def test_a_challenge_is_no_use_at_the_desk(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert check.cce(right) is None


def test_too_few_things_are_told_in_words() -> None:
    report = check.softmax_backward()
    assert isinstance(report, Report)
    assert report.note == "This check takes Softmax. It was called with no argument."
    assert set(states(report).values()) == {"not checked"}
    report = check.cce_gradient()
    assert isinstance(report, Report)
    assert report.note == "This check takes cce_gradient and optionally cce. It was called with no argument."


def test_too_many_things_are_told_in_words(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = check.softmax_backward(Softmax, 3)
    assert isinstance(answered, Answer)
    assert (
        answered.statements["OneSampleBack"][""]["text"] == "This check takes Softmax. It was called with 2 arguments."
    )
    monkeypatch.delenv("NBGRADER_EXECUTION")
    report = check.softmax_backward(Softmax, 3)
    assert isinstance(report, Report)
    assert report.note == "This check takes Softmax. It was called with 2 arguments."


@pytest.mark.parametrize(
    ("given", "named", "note"),
    [
        ((), {"Softmix": Softmax}, "This check takes Softmax. It was called with Softmix=."),
        ((Softmax,), {"learning_rate": 0.1}, "This check takes Softmax. It was called with learning_rate=."),
        ((Softmax,), {"self": 1}, "This check takes Softmax. It was called with self=."),
        ((Softmax,), {"Softmax": Softmax}, "This check takes Softmax. It was called with Softmax twice."),
    ],
)
def test_keywords_that_no_check_knows_are_told_in_words(
    given: tuple[Any, ...], named: dict[str, Any], note: str, laid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = check.softmax_backward(*given, **named)
    assert isinstance(answered, Answer)
    assert answered.statements["OneSampleBack"][""]["text"] == note
    monkeypatch.delenv("NBGRADER_EXECUTION")
    report = check.softmax_backward(*given, **named)
    assert isinstance(report, Report)
    assert report.note == note


@pytest.mark.parametrize("part", UNIT.parts, ids=lambda part: part.id)
def test_what_is_checked_may_be_given_by_keyword(part: Part, laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = dict(zip(part.subjects, ANSWER_KEY.subjects(part), strict=True))
    answered = Check(part)(**named)
    assert isinstance(answered, Answer)
    verdict = judge(ANSWER_KEY, part, 5, json.loads(json.dumps(answered.statements)))
    assert verdict.points == verdict.max_points
    monkeypatch.delenv("NBGRADER_EXECUTION")
    report = Check(part)(**dict(reversed(named.items())))
    assert isinstance(report, Report) and report.right


def test_a_name_of_another_part_that_is_not_defined_costs_no_points_here(
    laid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, missing = check.cce_gradient.part, Undefined("cce")
    for given, named in (((right_gradient, missing), {}), ((right_gradient,), {"cce": missing})):
        answered = check.cce_gradient(*given, **named)
        assert isinstance(answered, Answer)
        verdict = judge(ANSWER_KEY, part, 5, json.loads(json.dumps(answered.statements)))
        assert verdict.points == verdict.max_points
    monkeypatch.delenv("NBGRADER_EXECUTION")
    report = check.cce_gradient(right_gradient, missing)
    assert isinstance(report, Report)
    assert report.note == "cce is not defined yet. Run the cell that defines cce first."


def test_an_argument_is_asked_for_nothing_before_it_is_checked() -> None:
    class Hostile:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("asked")

    report = check.cce(Hostile())
    assert isinstance(report, Report)
    assert "'Hostile' object is not callable" in str(report)


def test_a_student_class_may_have_any_name() -> None:
    class MyOwnLayer(Softmax):
        pass

    report = check.softmax_backward(MyOwnLayer)
    assert isinstance(report, Report) and report.right


def test_points_are_the_statements_sum() -> None:
    assert [part.points for part in ANSWER_KEY.parts] == [2, 3, 3, 1, 3, 4, 4]
    assert len({part.id for part in ANSWER_KEY.parts}) == len(ANSWER_KEY.parts)
    for part in ANSWER_KEY.parts:
        for statement in part.statements:
            assert 20 < len(statement.text) < 130
            assert statement.text.endswith(".")
            assert all(foundation in map(type, part.statements) for foundation in statement.depends_on)


def test_checks_hold_no_answer_and_load_no_heavy_module() -> None:
    code = "import sys, lib, lib.units.softmax_classifier; print(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    modules = loaded.stdout.split()
    assert not [name for name in modules if name.startswith(("lib.reference", "lib.grading"))]
    assert not {"tensorflow", "matplotlib", "IPython", "ipywidgets", "numpy.random", "asyncio"} & set(modules)
