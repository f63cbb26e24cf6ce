"""Notes of what was proved: which changes make one worthless, and that the ones of our own units are in force."""

import shutil
from pathlib import Path

import pytest

from lib.grading import units
from lib.grading.commands import proved
from lib.grading.units import Place
from tests.grading.relu_unit import ANSWER_KEY


@pytest.mark.parametrize("unit", [*units.places()])
def test_our_own_units_are_proved_as_they_stand(unit):
    assert proved.is_proved(units.answer_key(unit)), f"Run `zerolayer build {unit}`."


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the library, with a unit in a course's folder."""
    root = tmp_path_factory.mktemp("copied")
    shutil.copytree(proved.LIBRARY, root / "lib")
    shutil.copytree(root / "lib/grading/commands/new_unit/my_unit", root / "units/mine")
    return root


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("units/mine/closed/__init__.py", True),
        ("units/mine/exercise.py", True),
        ("lib/checking/values.py", True),
        ("lib/grading/judge/judge.py", True),
        ("lib/units/softmax_classifier/loop/spies.py", True),
        ("lib/unit.py", True),
        ("lib/grading/pages/report.py", False),
        ("units/mine/closed/proved.txt", False),
    ],
)
def test_a_note_holds_until_what_it_depends_on_is_changed(copied, monkeypatch, file, matters):
    monkeypatch.setattr(proved, "LIBRARY", copied / "lib")
    mine = Place("mine", "lib.units.mine", copied / "units/mine")
    before = proved.digest(mine)
    assert before == proved.digest(mine)
    with Path(copied, file).open("a") as changed:
        changed.write("\n")
    assert (proved.digest(mine) != before) == matters


def test_an_answer_key_from_elsewhere_has_no_note():

    proved.note(ANSWER_KEY)
    assert not proved.is_proved(ANSWER_KEY)
