"""Whoever knows all about an earlier challenge gains nothing by it: other work draws another, whatever is changed.

Whatever reaches the kernel is in the digest of what was handed in, and in the seed.
"""

import json
from contextlib import chdir
from itertools import product
from pathlib import Path, PurePosixPath
from random import Random

import nbformat
import pytest

from lib.checking.challenges import CHALLENGE, answer
from lib.grading import unit_registry
from lib.grading.commands.grade import GradeApp
from lib.grading.gradebook.session import GradebookSession
from lib.grading.pipeline.course import Course as Graded
from lib.grading.pipeline.grade_class import Grade
from lib.grading.pipeline.one_notebook import digest_of_run
from lib.grading.pipeline.stages import prepare
from lib.grading.safe_names import StudentId
from lib.grading.submissions.submitted_files import SubmittedFiles, read
from tests.course import ASSIGNMENT
from tests.submissions import as_bytes, before, right
from tests.submissions.changes import FORGER

FILE = f"{ASSIGNMENT}.ipynb"
HARVESTED = FORGER + "id = lambda name: getattr(real, name).part.id\n"
HARVESTED += "payload = lambda name, subjects: {'part': id(name), 'shown': answers[id(name)]}\n"
KEPT = {"in_text": "", "in_a_file": "kept", "in_a_file_of_ours": "data/verdict.json.part", "deep": "a/b/challenge.json"}
"""By student where the second try has the answers: in the notebook's own text, or in this file beside it."""


def write_files(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def hand_in(course, student, notebook, **files):
    """Lay a notebook, and files beside it, into a student's folder; give that."""
    return write_files(course.root / "submitted" / student / ASSIGNMENT, {FILE: as_bytes(notebook), **files})


def reading(notebook, file):
    """Show the answers in a file beside the notebook where there are any, else answer by code that is right."""
    code = f"import os.path, json\nif os.path.exists({file!r}):\n    answers = json.load(open({file!r}))\n"
    return before(right(notebook), "check-cce", code + HARVESTED.replace("\n", "\n    "))


@pytest.fixture(scope="module")
def course(new_course, tmp_path_factory):
    """Students have handed in right notebooks and learned, by whatever channel, all that the judge was told."""
    course = new_course(tmp_path_factory.mktemp("replay") / "course")
    (course.root / "judge_secret").write_text("cd" * 32)  # or now and then a number would be right by chance
    course.fresh = lambda: nbformat.read(course.released(), as_version=4)
    for student, file in KEPT.items():
        hand_in(course, student, reading(course.fresh(), file) if file else right(course.fresh()))
    assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    course.first = {student: course.verdict(student) for student in KEPT}
    return course


def test_grading_the_same_again_draws_the_same(course):
    assert {verdict.points for verdict in course.first.values()} == {20}
    assert course.zerolayer("grade", ASSIGNMENT, "--force").returncode == 0
    assert {student: course.verdict(student) for student in KEPT} == course.first


def test_what_was_right_for_another_challenge_earns_nothing(course):
    """Without a timestamp too, as Moodle and Canvas hand it over; in the notebook, or in a file that it reads, also
    under a name that is the grader's own at the top of the folder: that earned all points."""
    key = unit_registry.answer_key(ASSIGNMENT)
    answers = {
        student: {part.id: answer(part, verdict.seed, key.subjects(part)) for part in key.parts}
        for student, verdict in course.first.items()
    }
    forged = f"answers = {answers['in_text']!r}\n{HARVESTED}"
    hand_in(course, "in_text", before(right(course.fresh()), "check-cce", forged))
    for student, file in KEPT.items():
        if file:
            hand_in(course, student, reading(course.fresh(), file), **{file: json.dumps(answers[student]).encode()})
    graded = course.zerolayer("grade", ASSIGNMENT)
    assert graded.returncode == 0, graded.stdout
    assert f"{len(KEPT)} of {len(KEPT)} submissions graded" in graded.stdout, "it is other work than before"
    for student in KEPT:
        verdict = course.verdict(student)
        if student == "deep":  # the course's configuration keeps this name out of every folder
            assert (verdict.points, verdict.seed) == (20, course.first[student].seed)
        else:
            assert verdict.seed != course.first[student].seed
            right_again = {one.name for part in verdict.parts for one in part.statements if one.state == "right"}
            assert right_again <= {
                "ColumnsSumToOne",
                "ColumnsSumToZero",
            }  # so much says any softmax, of whatever scores
        assert not any(part.problem for part in verdict.parts), "the attack itself did work"


# The pipeline as plain data: no folder, and no run


PARTS = ("data", "verdict.json", "verdict.json.part", "challenge.json", "kept", ".ipynb_checkpoints", "x.html", "y.svg")
PARTS += ("timestamp.txt", "feedback", "figures", "__pycache__", "z.pyc", "w.ipynb")
DEEP = ["/".join(parts) for length in (2, 3) for parts in product(PARTS, repeat=length)]


def test_a_file_reaches_the_kernel_and_changes_the_seed_or_does_neither(course):
    """For any name, at any depth, whether the file comes, goes or changes: there are as many seeds as runs differ."""
    off, reach, app, whole = [], set(), GradeApp(), as_bytes(right(course.fresh()))
    with chdir(course.root):
        app.initialize([])
        converter = Grade(coursedir=app.coursedir, parent=app)
        with GradebookSession(app.coursedir.db_url, "zerolayer", ASSIGNMENT) as book:
            graded = Graded(converter, book, ASSIGNMENT)
            for name in [*PARTS, *(f"data/{part}" for part in PARTS), *Random(1).sample(DEEP, 80)]:
                seeds, seen = set(), set()
                for files in ({}, {name: b"1"}, {name: b"2"}):
                    names = {PurePosixPath(name): content for name, content in {FILE: whole, **files}.items()}
                    work = prepare(graded, SubmittedFiles(StudentId("ada"), Path("nowhere"), names))
                    run = work.files
                    seeds.add(work.notebooks[ASSIGNMENT].seed)
                    seen.add(repr(sorted((name, content) for name, content in run.items() if name != CHALLENGE)))
                    reach |= files.keys() & (run.keys() - {CHALLENGE})
                off += [name] if len(seeds) != len(seen) else []
    assert not off
    assert {"kept", "data/kept", "data/verdict.json.part"} <= reach
    assert not reach & {"verdict.json", "verdict.json.part", "challenge.json", "data/verdict.json", "x.html/kept"}


CHANGES = {
    "a space": lambda cells: cells[-1].update(source=cells[-1].source + " "),
    "a kind": lambda cells: cells[-1].update(cell_type="raw"),
    "a tag": lambda cells: cells[-1].metadata.update(tags=["skip-execution"]),
    "a picture": lambda cells: cells[0].update(attachments={"x.png": {"image/png": "AAAA"}}),
    "an order": lambda cells: cells.reverse(),
    "a border": lambda cells: (cells[0].update(source="ab"), cells[1].update(source="c")),
    "another border": lambda cells: (cells[0].update(source="a"), cells[1].update(source="bc")),
}
FILES = ({}, {"a": b"1"}, {"a": b"2"}, {"b": b"2"}, {"folder/a": b"1"}, {"a": b"1", "b": b"2"}, {"a": b"1 1 b 1 2"})


def test_any_change_is_a_change(course, tmp_path):
    found = {digest_of_run(course.fresh().cells, files) for files in FILES}
    for change in CHANGES.values():
        cells = course.fresh().cells
        change(cells)
        found.add(digest_of_run(cells, {}))
    assert len(found) == len(FILES) + len(CHANGES)
    again = [*FILES, FILES[-1]]
    folders = [write_files(tmp_path / str(number), {FILE: b"{}", **files}) for number, files in enumerate(again)]
    *digests, last = [read(folder, StudentId("ada")).digest for folder in folders]
    assert len({*digests}) == len(FILES) and last == digests[-1]
