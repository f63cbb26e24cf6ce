"""One visible call: what it does depends on where it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.checking.challenges import MIME
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


def report(*given: Any) -> Report:
    found = check.loss(*given)
    assert isinstance(found, Report)
    return found


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


def test_arguments_that_do_not_fit_are_told_in_words_at_the_desk_and_at_grading(
    laid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {(): "loss is not defined", (right, 3): "This check takes loss. It got 2 arguments."}
    graded = [check.loss(*given).shown["secret"][""]["text"] for given in calls]
    monkeypatch.delenv("NBGRADER_EXECUTION")
    reports = [report(*given) for given in calls]
    for text, each, note in zip(graded, reports, calls.values(), strict=True):
        assert text.startswith(note) and each.note.startswith(note)
    assert {finding.state for each in reports for finding in each.findings} == {"not checked"}


def test_a_check_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(
        AttributeError, match=r"no check called 'mse'. There are: loss, slope, layer.* delete that cell, and"
    ):
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
