"""Notes of what was proved: which changes make one worthless, and that the ones of our own units are in force."""

import shutil

from lib.authoring import proved
from lib.authoring.new import TEMPLATE
from lib.grading import units
from lib.grading.units import Place

MATTERS = (
    *("units/mine/closed/__init__.py", "units/mine/exercise.py", "lib/checking/values.py", "lib/unit.py"),
    *("lib/grading/judge/judge.py", "lib/units/softmax_classifier/trace.py"),
)
MATTERS_NOT = ("lib/grading/pages/report.py", "units/mine/closed/proved.txt")


def test_our_own_units_are_proved_as_they_stand():
    for name, place in units.places().items():
        assert proved.is_proved(place), f"Run `zerolayer build {name}`."


def test_a_note_holds_until_what_it_depends_on_is_changed(tmp_path, monkeypatch):
    shutil.copytree(proved.LIBRARY, tmp_path / "lib")
    shutil.copytree(TEMPLATE / "my_unit", tmp_path / "units/mine")
    monkeypatch.setattr(proved, "LIBRARY", tmp_path / "lib")
    mine = Place("mine", "lib.units.mine", tmp_path / "units/mine")
    before = proved.digest(mine)
    for file in (*MATTERS_NOT, *MATTERS):
        with (tmp_path / file).open("a") as changed:
            changed.write("\n")
        assert (proved.digest(mine) != before) == (file in MATTERS), file
        before = proved.digest(mine)
