"""Each step of a worked example is the result of right code."""

from lib.checking.help import work_example
from lib.checking.student_code import Budget
from tests.checking.desk import PARTS, key_of, subjects


def test_right_code_agrees_with_what_was_computed_by_hand() -> None:
    worked = 0
    for part in PARTS.values():
        example = work_example(part, subjects(part, {}), f"lib.units.{key_of(part).unit.name}", Budget(30))
        for step in example.steps if example else ():
            assert step.agrees, (part.id, step)
            worked += 1
    assert worked > 20
