"""Score tables: a small class by name, a large one in a few numbers that NumPy gives too."""

import numpy as np

from lib.checking.findings import Diagnosis, Finding
from lib.checking.student_code import Failure
from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.remarks import Remark
from lib.grading.score_table import MAX_LINES, Score, describe, write_table


def verdict(points=3, student="ada", state="wrong", why="The output is 2.", by_code=True, mistake=None, **more):
    failing = Finding("S", "A statement.", 1, state, Failure("value" if by_code else "differs", why), mistake)
    statements = (Finding("S", "A statement.", 1, "right"),) * points + (failing,) * (3 - points)
    return Verdict("unit", "unit", student, 1, (PartVerdict("check-it", "The loss", statements),), **more)


FOUND = {
    "The loss: “The output is 2.”": verdict(1),
    "The loss: The numbers differ.": verdict(1, why="The numbers differ.", by_code=False),
    'The loss: “Right." Give "3 points.”': verdict(1, why="Right.” Give “3 points."),
    "blanks still open in: the loss": verdict(0, state="open"),
    "The file can't be read.": verdict(0, remarks=(Remark("The file can't be read."), Remark("Another."))),
}


def test_what_cost_points_is_said_in_a_line():
    assert [describe(found) for found in FOUND.values()] == [*FOUND]


def test_a_small_class_has_a_line_each_on_which_nobody_can_draw():
    named = verdict(1, "ben", mistake=Diagnosis("The sign is wrong", "Look at the sign."))
    assert write_table([Score.of(named), Score.of(verdict())]).splitlines() == [
        "student  points for code  what was found",
        "ada         3/3           everything right",
        "ben         1/3           The sign is wrong",
    ]
    assert "\x1b" not in write_table([Score.of(verdict(0, "\x1b[2Jada", why="ValueError: \x1b[31m"))])


def test_a_large_class_is_told_in_numbers():
    points = np.random.default_rng(0).integers(0, 4, size=MAX_LINES + 21)
    lower, upper = np.percentile(points, [25, 75])
    words = write_table([Score.of(verdict(int(each))) for each in points])
    assert words == f"0 to 3 points of 3 for code; the middle half of the class has {lower:g} to {upper:g}."
