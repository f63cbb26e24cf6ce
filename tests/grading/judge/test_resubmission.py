"""Whoever knows all about an earlier challenge gains nothing by it: a resubmission draws another."""

import json
import shutil

import nbformat
import pytest

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.grade.unit_preprocessor import hash_submission
from tests.course import ASSIGNMENT
from tests.submissions import as_bytes, before, right
from tests.submissions.forgers import FORGER

STUDENTS = ("in_text", "in_a_file")
HARVESTED = FORGER + "id = lambda name: getattr(real, name).part.id\n"
HARVESTED += "payload = lambda name, subjects: {'part': id(name), 'statements': answers[id(name)]}\n"


def hand_in(course, student, notebook, **files):
    folder = course.root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{ASSIGNMENT}.ipynb").write_bytes(as_bytes(notebook))
    for name, text in files.items():
        (folder / name).write_text(text)


def reading(notebook):
    """Show the answers in a file beside the notebook where there are any, else answer by code that is right."""
    code = "import os.path, json\nif os.path.exists('kept'):\n    answers = json.load(open('kept'))\n"
    return before(right(notebook), "check-cce", code + HARVESTED.replace("\n", "\n    "))


@pytest.fixture(scope="module")
def course(new_course, tmp_path_factory):
    """Two students have handed in right notebooks and learned, by whatever channel, all that the judge was told."""
    course = new_course(tmp_path_factory.mktemp("resubmission") / "course")
    (course.root / "judge_secret").write_text("ab" * 32)  # or now and then a number would be right by chance
    course.fresh = lambda: nbformat.read(course.released(), as_version=4)
    hand_in(course, "in_text", right(course.fresh()))
    hand_in(course, "in_a_file", reading(course.fresh()))
    assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    course.first = {student: course.verdict(student) for student in STUDENTS}
    course.answers = {student: {part.id: part.answer for part in course.first[student].parts} for student in STUDENTS}
    return course


def test_all_is_right_at_first(course):
    assert [verdict.points for verdict in course.first.values()] == [21, 21]


def test_grading_the_same_again_draws_the_same(course):
    assert course.zerolayer("grade", ASSIGNMENT, "--force").returncode == 0
    assert {student: course.verdict(student) for student in STUDENTS} == course.first


def test_what_was_right_for_another_challenge_earns_nothing(course):
    """Without a timestamp too, as Moodle and Canvas hand it over; in the notebook, or in a file that it reads."""
    answers = course.answers
    forged = f"answers = {answers['in_text']!r}\n{HARVESTED}"
    hand_in(course, "in_text", before(right(course.fresh()), "check-cce", forged))
    hand_in(course, "in_a_file", reading(course.fresh()), kept=json.dumps(answers["in_a_file"]))
    graded = course.zerolayer("grade", ASSIGNMENT, "--force")
    assert graded.returncode == NEEDS_A_PERSON
    assert "in_text  has more code than is looked through" in graded.stdout
    for student in STUDENTS:
        verdict = course.verdict(student)
        assert verdict.seed != course.first[student].seed
        right_again = {one.name for part in verdict.parts for one in part.statements if one.state == "right"}
        assert right_again <= {"ColumnsSumToOne"}  # this much says any softmax, of whatever scores
        given = {part.id: part.answer for part in verdict.parts}
        assert given == answers[student]  # the attack itself did work


CHANGES = {
    "a space": lambda cells: cells[-1].update(source=cells[-1].source + " "),
    "a line's end": lambda cells: cells[0].update(source=cells[0].source + "\n"),
    "a kind": lambda cells: cells[-1].update(cell_type="raw"),
    "a tag": lambda cells: cells[-1].metadata.update(tags=["skip-execution"]),
    "a picture": lambda cells: cells[0].update(attachments={"x.png": {"image/png": "AAAA"}}),
    "an order": lambda cells: cells.reverse(),
    "a border": lambda cells: (cells[0].update(source="ab"), cells[1].update(source="c")),
    "another border": lambda cells: (cells[0].update(source="a"), cells[1].update(source="bc")),
}


def test_any_change_is_a_change(course, tmp_path):
    found = {hash_submission(course.fresh().cells, tmp_path)}
    for change in CHANGES.values():
        cells = course.fresh().cells
        change(cells)
        found.add(hash_submission(cells, tmp_path))
    for name, text in (("a", "1"), ("a", "2"), ("b", "2"), ("folder", None)):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        if text is None:
            (tmp_path / name).mkdir()
            name, text = "folder/a", "1"
        (tmp_path / name).write_text(text)
        found.add(hash_submission(course.fresh().cells, tmp_path))
    assert len(found) == 1 + len(CHANGES) + 4


def test_outputs_and_new_ids_are_no_change(course, tmp_path):
    before = hash_submission(course.fresh().cells, tmp_path)
    cells = course.fresh().cells
    for number, cell in enumerate(cells):
        cell.update(id=f"new-{number}")
        if cell.cell_type == "code":
            cell.update(execution_count=number, outputs=[nbformat.v4.new_output("stream", text="hello")])
    assert hash_submission(cells, tmp_path) == before
