"""One visible call: what it does depends on where it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.checking.answers import MIME
from lib.checking.arguments import Undefined
from lib.checking.dispatch import CheckFailed
from lib.checking.render import Report
from tests.checking.little import LAYER, LOSS, check


def right(x: Any) -> Any:
    return (x**2).mean()


def wrong(x: Any) -> float:
    return 0.0


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A challenge beside the notebook, as at grading."""
    path = tmp_path / "challenge.json"
    path.write_text(json.dumps({"seed": 5}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    return path


def report(*given: Any, **named: Any) -> Report:
    found = check.loss(*given, **named)
    assert isinstance(found, Report)
    return found


def test_at_the_desk_nothing_raises_and_code_may_have_any_name() -> None:
    class MyOwnLayer:
        def forward(self, input: Any) -> Any:
            return input

    assert report(right).right and report(loss=right).right and check.layer(MyOwnLayer).right
    assert not report(wrong).right


def test_under_validate_a_failed_check_fails_and_a_right_one_says_nothing(
    laid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A challenge is no use there."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert check.loss(right) is None
    with pytest.raises(CheckFailed, match="check-loss: not everything is right yet") as failed:
        check.loss(wrong)
    assert failed.value._render_traceback_() == str(failed.value.report).splitlines()


def test_at_grading_the_call_answers_the_challenge(laid: Path) -> None:
    bundle = json.loads(json.dumps(check.loss(right)._repr_mimebundle_()))
    assert bundle["text/plain"] == "The answer to check-loss, for the judge."
    assert bundle[MIME]["part"] == LOSS.id and set(bundle[MIME]["shown"]) == {"desk", "secret"}
    assert set(bundle[MIME]["shown"]["secret"]) >= {"Mean", "Large", "Sign", "Whole"}


def test_a_challenge_that_cannot_be_read_falls_back_to_the_desk(laid: Path) -> None:
    for broken in ("", "{", "[]", "3", '{"seed": "5"}', '{"seed": -1}', '{"seed": true}', "{}"):
        laid.write_text(broken)
        assert check.loss(right) is None
        with pytest.raises(CheckFailed):
            check.loss(wrong)


TAKES = "This check takes loss. Its call doesn't fit:"
CALLS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((), {}, f"{TAKES} missing a required argument: 'loss'."),
    ((right, 3), {}, f"{TAKES} too many positional arguments."),
    ((), {"los": right}, f"{TAKES} missing a required argument: 'loss'."),
    ((right,), {"learning_rate": 0.1}, f"{TAKES} got an unexpected keyword argument 'learning_rate'."),
    ((right,), {"self": 1}, f"{TAKES} got an unexpected keyword argument 'self'."),
    ((right,), {"loss": right}, f"{TAKES} multiple values for argument 'loss'."),
]


def test_arguments_that_do_not_fit_are_told_in_words_at_the_desk_and_at_grading(
    laid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded = [check.loss(*given, **named).shown["secret"][""]["text"] for given, named, _ in CALLS]
    assert check.slope(right, Undefined("loss")).shown["secret"][""]["text"] == "loss is not defined."
    monkeypatch.delenv("NBGRADER_EXECUTION")
    reports = [report(*given, **named) for given, named, _ in CALLS]
    assert graded == [each.note for each in reports] == [note for *_, note in CALLS]
    assert {finding.state for each in reports for finding in each.findings} == {"not checked"}


def test_a_check_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match=r"no check called 'mse'. There are: loss, slope, layer.* delete it, and"):
        check.mse(None)


def test_the_inputs_of_a_check_can_be_taken_into_the_notebook() -> None:
    inputs = check.layer.example()
    assert inputs.keys() == LAYER.desk_inputs().keys()
    assert np.array_equal(inputs["x"], LAYER.desk_inputs()["x"])
    assert "['x'], shape (3, 4)" in repr(inputs) and max(map(len, repr(inputs).splitlines())) <= 83


def test_checks_hold_no_answer_and_load_nothing_heavy_and_fingerprints_only_after_one_has_failed() -> None:
    code = """
import sys
from lib.units.softmax_classifier import check
print(*sys.modules)
import lib.data, lib.explorer, numpy as np
check.cce(lambda y, p: -np.sum(y * np.log(np.maximum(p, 1e-9))) / y.shape[1])
print(*sys.modules)
check.cce(lambda y, p: 0.0)
print(*sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    at_first, when_right, when_wrong = map(str.split, loaded.stdout.splitlines())
    closed = ("lib.reference", "lib.grading", "lib.mistakes", "lib.answer_key")
    assert not [name for name in when_wrong if name.startswith(closed) or ".closed" in name]
    assert not {"numpy.random", "asyncio", "tomllib"} & {*at_first}
    assert not {"tensorflow", "keras", "matplotlib", "anywidget", "ipywidgets", "IPython"} & {*at_first, *when_right}
    assert ["lib.checking.fingerprints" in names for names in (when_right, when_wrong)] == [False, True]
