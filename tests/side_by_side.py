"""Grade the same submissions with two checkouts, and compare all that comes of it: verdicts, rows, cells, files.

    python tests/side_by_side.py OLD NEW [FOLDER]

For the time in which the grader is rebuilt. Each checkout has an environment of its own in `.venv`; what is handed in
is OLD's corpus of hostile submissions and its sample class. What OLD gives is kept in FOLDER, and used again. A grader
differs from itself, too, in the cells of a few submissions, which show addresses or times.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

UNIT = "softmax_classifier"
SECRET = "ab" * 32
"""The same for both, or they would draw other challenges."""
BUILD = """
import sys, lib.grading.startup
from pathlib import Path
from lib.grading.commands.demo import copy_course, run
from lib.authoring.build import Rebuild
copy_course(Path(sys.argv[1])); run(Rebuild, Path(sys.argv[1]), sys.argv[2], "--Prove.enabled=False")
"""
LAY_OUT = """
import sys
from itertools import cycle, islice
from pathlib import Path
import nbformat
from lib.grading import units
from lib.grading.commands.demo import complete
from tests.submissions import files, forgers, honest, pages, runs, submissions
root, unit = Path(sys.argv[1]), sys.argv[2]
released = root / "notebooks" / unit / f"{unit}.ipynb"
for each in submissions(honest, files, runs, forgers, pages):
    each.hand_in(released, root / "submitted" / each.name / unit)
sample = units.answer_key(unit).sample_class
for number, (name, fillings) in enumerate(islice(cycle(sample.students.items()), 30)):
    notebook = complete(nbformat.read(released, 4), fillings, sample.answers)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source += f"\\n# {number}"  # so that no two are the same
    folder = root / "submitted" / f"{name}{number:02}" / unit
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{unit}.ipynb")
"""
ROWS = {
    "grades": "s.student_id, c.name, r.auto_score, r.manual_score, r.needs_manual_grade FROM grade r",
    "comments": "s.student_id, c.name, r.auto_comment FROM comment r",
}
JOINED = """ JOIN submitted_notebook n ON r.notebook_id = n.id JOIN submitted_assignment s ON n.assignment_id = s.id
    JOIN base_cell c ON r.cell_id = c.id"""


def python(checkout: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python of a checkout's environment, which finds that checkout alone."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(checkout / ".venv/bin/python"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def grade(checkout: Path, root: Path, submitted: Path | None = None) -> None:
    """Grade the class in a course of a checkout's own: what lies in `submitted`, or else what is laid out for it."""
    shutil.rmtree(root, ignore_errors=True)
    built = python(checkout, "-c", BUILD, root, UNIT, cwd=checkout)
    assert (root / "notebooks").is_dir(), built.stdout + built.stderr
    (root / "judge_secret").write_text(SECRET)
    if submitted is None:
        laid = python(checkout, "-c", LAY_OUT, root, UNIT, cwd=checkout)
        assert laid.returncode == 0, laid.stderr
    else:
        subprocess.run(["cp", "-a", submitted, root], check=True)  # pipes and links as they are
    quick = ("--Execute.timeout=4", "--BoundedExecute.grace=3")
    run = python(checkout, "-m", "lib.grading", "grade", UNIT, *quick, cwd=root)
    (root / "said.txt").write_text(f"{run.returncode}\n{run.stdout}\n{run.stderr}")


def rows(root: Path) -> dict[str, set[str]]:
    """Read what the gradebook has of each submission, by names."""
    with closing(sqlite3.connect(root / "gradebook.db")) as book:
        queries = {name: f"SELECT {query}{JOINED}" for name, query in ROWS.items()}
        queries["times"] = "SELECT student_id, timestamp, extension FROM submitted_assignment"
        return {name: set(map(repr, book.execute(query))) for name, query in queries.items()}


def differences(old: Path, new: Path) -> dict[str, Any]:
    """Say in what two graded folders of a student's differ: what OLD's verdict has, names of files, or cells."""
    if not new.is_dir():
        return {"graded": False}
    before, after = (json.loads((folder / "verdict.json").read_text()) for folder in (old, new))
    found: dict[str, Any] = {key: (of, after.get(key)) for key, of in before.items() if of != after.get(key)}
    if parts := found.pop("parts", None):
        found["parts"] = [(one["id"], other["id"]) for one, other in zip(*parts, strict=False) if one != other]
    files = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (old, new)]
    cells = [
        [{**cell, "id": ""} for cell in json.loads((folder / f"{UNIT}.ipynb").read_text())["cells"]]
        for folder in (old, new)
    ]  # ids are drawn anew in each run
    return found | ({"files": files[0] ^ files[1]} if files[0] != files[1] else {}) | {"cells": cells[0] != cells[1]}


def main() -> None:
    """Grade with both, and print in what they differ."""
    old, new = (Path(each).resolve() for each in sys.argv[1:3])
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else mkdtemp(prefix="side-by-side-")).resolve()
    before, after = folder / "old", folder / f"new-{new.name}"
    if not (before / "said.txt").exists():
        grade(old, before)
    grade(new, after, before / "submitted")
    of_old, of_new = rows(before), rows(after)
    for name in of_old:
        gone, come = of_old[name] - of_new[name], of_new[name] - of_old[name]
        print(
            f"{name}: {len(of_old[name])} rows", *(f"- {row}" for row in gone), *(f"+ {row}" for row in come), sep="\n"
        )
    for place in sorted((before / "autograded").glob(f"*/{UNIT}")):
        if found := {name: of for name, of in differences(place, after / place.relative_to(before)).items() if of}:
            print(place.parts[-2], str(found)[:1000])
    lines = [set((root / "said.txt").read_text().replace(str(root), "").splitlines()) for root in (before, after)]
    print(*(f"{'-' if line in lines[0] else '+'} said {line}" for line in sorted(lines[0] ^ lines[1])), sep="\n")


if __name__ == "__main__":
    main()
