"""What a class predicted: read with care from what was handed in, counted, and shown against what is so."""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import orjson
import pytest
from nbgrader.coursedir import CourseDirectory

from lib.grading.pages.classroom import Classroom, StudentWork
from lib.grading.pages.predictions import question_figures, read_predictions
from lib.predictions.records import MIME
from lib.units.softmax_classifier.closed.sample_class import PREDICTIONS
from lib.units.softmax_classifier.lab import QUESTIONS
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import Course
from tests.grading.pages.conftest import FILLINGS
from tests.grading.pages.test_report import page, risks  # noqa: F401  # a fixture


def test_the_report_counts_each_choice_and_marks_what_is_so(page):  # noqa: F811
    predicted = [PREDICTIONS[student] for student in FILLINGS if student in PREDICTIONS]
    body = page[page.index('<section id="predictions"') : page.index('<section id="person"')]
    tables = re.findall(r"<table>.*?</table>", body, re.DOTALL)
    assert len(tables) == len(QUESTIONS)
    for table, question in zip(tables, QUESTIONS, strict=True):
        choices = [each[question] for each in predicted if question in each]
        rows = re.findall(r"<tr.*?</tr>", table.partition("<tbody>")[2], re.DOTALL)
        assert len(rows) == len(question.choices)
        for number, (row, choice) in enumerate(zip(rows, question.choices, strict=True)):
            words, count = text_of(row.replace("<", " <")), choices.count(number)
            assert words.startswith(choice)
            assert ("✓ so it is" in words) is (number == question.right)
            assert words.endswith(f" {count} {100 * count / len(choices):.0f} %")
        assert f"({len(choices)} of 11 predicted)" in text_of(table)
    assert not risks(body)


def test_the_sample_class_predicts_everything_that_can_be_predicted():
    """So `zerolayer demo` shows it: each question is answered, rightly by some and wrongly by others."""
    for question in QUESTIONS:
        choices = [each[question] for each in PREDICTIONS.values() if question in each]
        assert question.right in choices and len(set(choices)) > 1
        assert all(0 <= choice < len(question.choices) for choice in choices)
    assert any(len(each) < len(QUESTIONS) for each in PREDICTIONS.values())


@pytest.fixture(scope="module")
def fed_back(small_class, tmp_path_factory):
    """The class in a folder of its own, with feedback for one who predicted and one who didn't."""
    course = Course(tmp_path_factory.mktemp("fed back") / "course")
    shutil.copytree(small_class.root, course.root)
    for student in ("emil", "finn"):
        made = course.nbgrader("generate_feedback", ASSIGNMENT, "--student", student)
        assert made.returncode == 0, made.stderr
    return course


def test_a_student_reads_the_own_predictions_beside_what_is_so(fed_back):
    told = text_of(fed_back.feedback("emil").replace("<", " <"))
    assert "Your predictions" in told
    for question, choice in PREDICTIONS["emil"].items():
        assert f"{question.text} You predicted: {question.choices[choice]}" in told
        right = "✓ It is so." if choice == question.right else f"Right code gives: {question.choices[question.right]}"
        assert right in told


def test_who_predicted_nothing_reads_nothing_of_it(fed_back):
    assert "finn" not in PREDICTIONS
    assert "Your predictions" not in fed_back.feedback("finn")


def handed_in(root, content, name=f"{ASSIGNMENT}.ipynb"):
    """A course in which one notebook was handed in."""
    folder = root / "submitted" / "ada" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return CourseDirectory(root=str(root))


def with_records(*records):
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {MIME: record}} for record in records]
    return {"cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs": outputs}]}


def read(course):
    return read_predictions(course, ASSIGNMENT, "ada", ASSIGNMENT, QUESTIONS)


def test_only_the_number_of_a_choice_is_taken_over(tmp_path):
    evil = "<script>alert(1)</script>"
    records = [
        {"question": evil, "choice": 0},
        {"question": "steps", "choice": evil},
        {"question": "steps", "choice": 99},
        {"question": "steps", "choice": 2, "text": evil},
        {"question": "noise", "choice": 1},
    ]
    found = read(handed_in(tmp_path, with_records(*records)))
    assert found == {"steps": 2, "noise": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        MIME.encode(),
        b"\xff\xfe" + MIME.encode(),
        b"[" * 100_000 + MIME.encode(),
        b'{"cells": [' + b"[]," * 2_100_000 + b'"' + MIME.encode() + b'"]}',
        b'{"cells": "' + MIME.encode() + b'"}',
        orjson.dumps({"cells": [None, 7, {"outputs": 3}, {"outputs": [None, {"data": [MIME]}]}]}),
        orjson.dumps(with_records({"question": "steps", "choice": 1})) + b" " * 20_000_000,
    ],
    ids=range(9),
)
def test_what_is_no_notebook_or_too_large_predicts_nothing(content, tmp_path):
    assert read(handed_in(tmp_path, content)) == {}


@pytest.mark.parametrize("kind", ["none", "folder", "link", "pipe"])
def test_what_is_no_file_predicts_nothing(kind, tmp_path):
    import os

    course = handed_in(tmp_path, with_records({"question": "steps", "choice": 1}))
    path = tmp_path / "submitted" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    other = path.rename(tmp_path / "other.ipynb")
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    assert read(course) == {}


def test_a_notebook_under_another_name_is_read_as_it_was_graded(tmp_path):
    course = handed_in(tmp_path, with_records({"question": "steps", "choice": 1}), "My work.ipynb")
    assert read(course) == {"steps": 1}


def test_predictions_in_one_of_two_notebooks_do_not_count_again_for_the_other_that_is_missing(tmp_path):
    course = handed_in(tmp_path, with_records({"question": "steps", "choice": 1}))
    graded = [(StudentWork("ada"), SimpleNamespace(notebook=name)) for name in (ASSIGNMENT, "lab")]
    [figures] = question_figures(course, SimpleNamespace(assignment=ASSIGNMENT, graded=graded), QUESTIONS)
    assert figures.total == 1


def test_a_class_without_predictions_has_no_such_section(tmp_path):
    course = handed_in(tmp_path, with_records())
    verdict = SimpleNamespace(notebook=ASSIGNMENT)
    classroom = Classroom(ASSIGNMENT, None, 28.0, (replace(StudentWork("ada"), verdict=verdict),))
    assert question_figures(course, classroom, QUESTIONS) == []
    assert question_figures(course, classroom, ()) == []
