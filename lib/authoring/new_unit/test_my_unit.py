"""The unit my_unit: `zerolayer check` finds nothing wrong."""

from subprocess import run
from sys import executable


def test_check_finds_nothing():
    assert run([executable, "-m", "lib.grading", "check", "my_unit"]).returncode == 0
