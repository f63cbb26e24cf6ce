"""The unit my_unit: `zerolayer check` finds nothing wrong, and the check says what it should."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

import lib.units

COURSE = Path(__file__).parents[1]


def test_zerolayer_check_finds_nothing() -> None:
    command = [sys.executable, "-m", "lib.grading", "check", "my_unit"]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_knows_right_from_wrong() -> None:
    lib.units.enter(str(COURSE))
    check = import_module("lib.units.my_unit").check
    assert check.loss(lambda y, yhat: ((yhat - y) @ (yhat - y)) / len(y)).right
    report = str(check.loss(lambda y, yhat: np.square(y - yhat).sum()))
    assert "The squared differences are summed, not averaged" in report
