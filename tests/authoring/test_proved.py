"""Notes of what was proved: which changes make one worthless, and that the ones of our own units are in force."""

import shutil
from pathlib import Path

import lib.units
from lib.authoring import proved
from lib.authoring.new import files_of, write_all
from lib.grading import units

MATTERS = ("units/mine/closed/mistakes.toml", "units/mine/exercise.py", "solutions/mine/mine.ipynb")
MATTERS += ("lib/checking/values.py", "lib/unit.py")
MATTERS_NOT = ("lib/grading/pages/report.py", "units/mine/closed/proved.txt", "units/other/exercise.py")


def test_our_own_units_are_proved_as_they_stand():
    for name, place in units.places().items():
        assert proved.is_proved(place, Path("solutions", name)), f"Run `zerolayer check {name}`."


def test_a_note_holds_until_what_it_depends_on_is_changed(tmp_path, monkeypatch):
    shutil.copytree(proved.LIBRARY, tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in "mine", "other":
        write_all(tmp_path, dict(files_of(name)))
    monkeypatch.setattr(proved, "LIBRARY", tmp_path / "lib")
    lib.units.enter(str(tmp_path))
    mine, solutions = units.places()["mine"], tmp_path / "solutions/mine"
    before = proved.digest(mine, solutions)
    for file in (*MATTERS_NOT, *MATTERS):
        with (tmp_path / file).open("a") as changed:
            changed.write("\n")
        assert (proved.digest(mine, solutions) != before) == (file in MATTERS), file
        before = proved.digest(mine, solutions)
