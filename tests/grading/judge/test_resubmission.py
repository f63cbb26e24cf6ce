"""Whoever knows all about an earlier challenge gains nothing by it: a resubmission draws another."""

import json

import nbformat
import pytest

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.grade.one import digest_of_run
from tests.course import ASSIGNMENT
from tests.submissions import as_bytes, before, right
from tests.submissions.forgers import FORGER

STUDENTS = ("in_text", "in_a_file", "in_a_file_named_like_ours")
PLACES = {"in_a_file": "kept", "in_a_file_named_like_ours": "data/verdict.json.part"}
HARVESTED = FORGER + "id = lambda name: getattr(real, name).part.id\n"
HARVESTED += "payload = lambda name, subjects: {'part': id(name), 'statements': answers[id(name)]}\n"


@pytest.fixture(scope="module")
def course(new_course, tmp_path_factory):
    """Students have handed in right notebooks and learned, by whatever channel, all that the judge was told."""
    course = new_course(tmp_path_factory.mktemp("resubmission") / "course")
    (course.root / "judge_secret").write_text("ab" * 32)  # or now and then a number would be right by chance
    course.fresh = lambda: nbformat.read(course.released(), as_version=4)

    def hand_in(student, answers=None):
        """Answer by `answers`, in the text or in a file, where there are any; else by code that is right."""
        folder, place = course.root / "submitted" / student / ASSIGNMENT, PLACES.get(student, "no")
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if student == "in_text":
            forged = f"answers = {answers!r}\n{HARVESTED}" if answers else ""
        else:
            forged = f"import os.path, json\nif os.path.exists({place!r}):\n    answers = json.load(open({place!r}))\n"
            forged += HARVESTED.replace("\n", "\n    ")
            (folder / place).write_text(json.dumps(answers)) if answers else None
        notebook = before(right(course.fresh()), "check-cce", forged)
        (folder / f"{ASSIGNMENT}.ipynb").write_bytes(as_bytes(notebook))

    course.hand_in = hand_in
    for student in STUDENTS:
        hand_in(student)
    assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    course.first = {student: course.verdict(student) for student in STUDENTS}
    return course


def test_grading_the_same_again_draws_the_same(course):
    assert [verdict.points for verdict in course.first.values()] == [21, 21, 21]
    assert course.zerolayer("grade", ASSIGNMENT, "--force").returncode == 0
    assert {student: course.verdict(student) for student in STUDENTS} == course.first


def test_what_was_right_for_another_challenge_earns_nothing(course):
    """Without a timestamp too, as Moodle and Canvas hand it over; in the notebook, or in a file that it reads."""
    answers = {student: {part.id: part.answer for part in course.first[student].parts} for student in STUDENTS}
    for student in STUDENTS:
        course.hand_in(student, answers[student])
    graded = course.zerolayer("grade", ASSIGNMENT, "--force")
    assert graded.returncode == NEEDS_A_PERSON
    assert "in_text  has more code than is looked through" in graded.stdout
    for student in STUDENTS:
        verdict = course.verdict(student)
        assert verdict.seed != course.first[student].seed
        right_again = {one.name for part in verdict.parts for one in part.statements if one.state == "right"}
        assert right_again <= {"ColumnsSumToOne"}  # this much says any softmax, of whatever scores
        assert {part.id: part.answer for part in verdict.parts} == answers[student]  # the attack itself did work


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


def test_any_change_is_a_change(course):
    files = [{}, {"a": b"1"}, {"a": b"2"}, {"b": b"2"}, {"folder/a": b"1"}, {"folder/verdict.json.part": b"1"}]
    found = {digest_of_run(course.fresh().cells, beside) for beside in files}
    for change in CHANGES.values():
        cells = course.fresh().cells
        change(cells)
        found.add(digest_of_run(cells, {}))
    assert len(found) == len(files) + len(CHANGES)


def test_outputs_and_new_ids_are_no_change(course):
    cells = course.fresh().cells
    for number, cell in enumerate(cells):
        cell.update(id=f"new-{number}")
        if cell.cell_type == "code":
            cell.update(execution_count=number, outputs=[nbformat.v4.new_output("stream", text="hello")])
    assert digest_of_run(cells, {}) == digest_of_run(course.fresh().cells, {})
