"""Notes of what was proved: which changes make one worthless, and that the ones of our own units are in force."""

import shutil
from pathlib import Path

import lib.units
from lib.authoring import proof
from lib.authoring.new import files_of, write_all
from lib.grading import unit_registry

MATTERS = ("units/mine/closed/mistakes.toml", "units/mine/exercise.py", "solutions/mine/mine.ipynb")
MATTERS += ("lib/checking/results.py", "lib/unit.py")
MATTERS_NOT = ("lib/grading/pages/report_pages.py", "units/mine/closed/proved.txt", "units/other/exercise.py")


def test_our_own_units_are_proved_as_they_stand():
    for name, place in unit_registry.find_all().items():
        assert proof.is_proved(place, Path("solutions", name)), f"Run `zerolayer check {name}`."


def test_a_note_holds_until_what_it_depends_on_is_changed(tmp_path, monkeypatch):
    shutil.copytree(proof.LIBRARY, tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in "mine", "other":
        write_all(tmp_path, dict(files_of(name)))
    monkeypatch.setattr(proof, "LIBRARY", tmp_path / "lib")
    lib.units.enter(str(tmp_path))
    mine, solutions = unit_registry.find_all()["mine"], tmp_path / "solutions/mine"
    before = proof.digest(mine, solutions)
    for file in (*MATTERS_NOT, *MATTERS):
        with (tmp_path / file).open("a") as changed:
            changed.write("\n")
        assert (proof.digest(mine, solutions) != before) == (file in MATTERS), file
        before = proof.digest(mine, solutions)
