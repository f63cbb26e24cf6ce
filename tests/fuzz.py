"""Claim: whatever becomes of a notebook, its class is graded to the end, and its student gets one verdict: their own.

    python -m tests.fuzz --count 2000 --seed 1

hands in the mutants 1 to 2000 (`tests.submissions.mutations`) in a scratch course, a few dozen at a time, and gives the
commands `zerolayer grade` and `zerolayer feedback`, as for a class. What then has to hold is read from the gradebook's
tables, the verdicts' files and the pages, by none of the code that wrote them. Each finding names a mutant; `--count 1
--seed` with its number makes it again. Exits with 1 if there is any finding.
"""

import argparse
import json
import os
import re
import shutil
import sqlite3
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lib.grading.commands.demo import copy_course
from lib.grading.commands.grade import NEEDS_A_PERSON
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import Course
from tests.submissions import POINTS
from tests.submissions.mutations import Mutant

CLASS = 50
"""Mutants in one class."""
PAGE = f"{ASSIGNMENT}.html"
SIGNED = re.compile(rb"signed-[0-9a-f]{16}")
SCORES = """
    select student_id, base_cell.name, grade.auto_score from submitted_assignment
    join submitted_notebook on submitted_notebook.assignment_id = submitted_assignment.id
    join grade on grade.notebook_id = submitted_notebook.id
    join base_cell on base_cell.id = grade.cell_id
"""


def graded(course: Course, mutants: list[Mutant]) -> list[str]:
    """Hand mutants in, have them graded and given feedback, and tell what isn't as it has to be, a sentence each."""
    for mutant in mutants:
        mutant.hand_in(course.released(), course.root / "submitted" / mutant.student / ASSIGNMENT)
    done = [course.zerolayer(command, ASSIGNMENT) for command in ("grade", "feedback")]
    failed = [each for each in done if each.returncode not in (0, NEEDS_A_PERSON)]
    told = [f"{' '.join(each.args[2:])} exits with {each.returncode}: {each.stderr[-2000:]}" for each in failed]
    return [*told, *findings(course, mutants)]


def findings(course: Course, mutants: list[Mutant]) -> Iterator[str]:
    """Tell what a mutant has that it shouldn't, or hasn't that it should."""
    (scores, rows), seeds = gradebook(course), Counter()
    everyones, most = {mutant.signature for mutant in mutants}, {f"check-{part}": POINTS[part] for part in POINTS}
    for mutant in mutants:
        try:
            verdict = json.loads(path_of(course, mutant, "verdict.json").read_text())
        except (OSError, ValueError) as error:
            yield f"{mutant}: no verdict can be read: {error}"
            continue
        seeds[verdict["seed"]] += 1
        points = {part["id"]: earned(part) for part in verdict["parts"]}
        expected = [
            ("rows in the gradebook", rows[mutant.student], 1),
            ("student", (verdict["student"], verdict["assignment"]), (mutant.student, ASSIGNMENT)),
            ("parts", set(points), set(most)),
            ("score in the gradebook", scores.get(mutant.student), points),
            ("parts above their maximum", [id for id in points if not 0 <= points[id] <= most[id]], []),
            ("signatures of others", signatures(course, mutant) & everyones - {mutant.signature}, set()),
            ("feedback page", (course.root / "feedback" / mutant.student / ASSIGNMENT / PAGE).is_file(), True),
        ]
        if mutant.is_harmless:
            own = mutant.signature.encode() in path_of(course, mutant, f"{ASSIGNMENT}.ipynb").read_bytes()
            expected += [("points", points, mutant.base.points), ("own signature", own, True)]
        for what, found, right in expected:
            if found != right:
                yield f"{mutant}: {what}: found {found}, expected {right}; remarks: {verdict['remarks']}"
    yield from (f"seed {seed} was posed {count} times" for seed, count in seeds.items() if count > 1)


def path_of(course: Course, mutant: Mutant, name: str) -> Path:
    return course.root / "autograded" / mutant.student / ASSIGNMENT / name


def earned(part: dict) -> float:
    return sum(statement["max_points"] for statement in part["statements"] if statement["state"] == "right")


def gradebook(course: Course) -> tuple[dict[str, dict[str, float]], Counter]:
    """Read each student's automatic points from the gradebook's tables, and how many rows each has there."""
    scores = {}
    with sqlite3.connect(course.root / "gradebook.db") as tables:
        for student, cell, score in tables.execute(SCORES):
            if cell.startswith("check-"):
                scores.setdefault(student, {})[cell] = score
        rows = Counter(student for (student,) in tables.execute("select student_id from submitted_assignment"))
    return scores, rows


def signatures(course: Course, mutant: Mutant) -> set[str]:
    """Find all signatures in what grading and feedback left for a mutant."""
    places = (course.root / step / mutant.student for step in ("autograded", "feedback"))
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return {word.decode() for path in files for word in SIGNED.findall(path.read_bytes())}


def main() -> None:
    parser = argparse.ArgumentParser(description="Grade mutated notebooks by the class, and look for what went wrong.")
    parser.add_argument("--count", type=int, default=2000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="the number of the first")
    options = parser.parse_args()
    mutants = [Mutant(number) for number in range(options.seed, options.seed + options.count)]
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # nbgrader runs alembic
    kept = []
    for first in range(0, len(mutants), CLASS):
        course, some = Course(Path(tempfile.mkdtemp(prefix="zerolayer-fuzz-"))), mutants[first : first + CLASS]
        copy_course(course.root)
        built = course.zerolayer("build", UNPROVED)
        assert built.returncode == 0, built.stderr
        found = graded(course, some)
        print(*found, f"{first + len(some)} mutants", sep="\n", flush=True)
        if found:
            kept.append(str(course.root))
        else:
            shutil.rmtree(course.root)
    if kept:
        sys.exit(f"The classes with findings are kept in {', '.join(kept)}.")
    print("No findings.")


if __name__ == "__main__":
    main()
