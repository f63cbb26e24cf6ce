"""A whole term, with real nbgrader: from the release to the grades, as two students and their instructor see it.

Emil uses nbgrader's buttons in JupyterLab, takes a mean over too much, and is in time. Ada types commands, has
everything right, and hands in after the due date, which costs all points here. Each person has a folder, Jupyter
settings and Jupyter data of their own. What the tests look at is kept as it was then.
"""

import csv
import os
import shlex
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from zipfile import ZipFile

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import complete
from lib.grading.judge.verdict import Verdict
from lib.jupyterlab import lab_environment
from tests.browser import jupyter_lab
from tests.course import ASSIGNMENT
from tests.grading import command_server
from tests.grading.active import elements
from tests.grading.conftest import lockable_here, new_course  # noqa: F401  # fixtures
from tests.sample_class import ANSWERS, STUDENTS

NOTEBOOK = f"{ASSIGNMENT}.ipynb"
QUESTIONS = ("explain-gradient", "explain-rate-and-batch")
MARKS = {"ada": (2, 1.5), "emil": (1, 2)}
"""What the instructor gives for the two written questions."""
REMARK = "Which probabilities does the layer pass on?"
MISTAKE = "The loss is the mean over all entries of the matrix"
HINT = "Divide by the number of samples, once: y.shape[1] counts them."
EVERYBODY = """
c = get_config()
c.CourseDirectory.course_id = "zerolayer"
c.Exchange.root = {exchange!r}
c.ExchangeCollect.check_owner = False
"""
"""What is set for all on the machine: one account hands in for everybody."""
STUDENT = "c = get_config()\nc.CourseDirectory.student_id = {name!r}\n"
WORKSHEET = """\
Identifier,"Full name",Username,Status,Grade,"Maximum Grade","Last modified (grade)"
"Participant 501","Ada King",ada,"Submitted for grading",,24.00,-
"Participant 502","Emil Stone",emil,"Submitted for grading",,24.00,-
"""
"""The assignment's grading worksheet, as it is downloaded from Moodle."""


class Person:
    """Somebody at the machine: a folder, an environment, and the commands that they give."""

    def __init__(self, name, root, settings=""):
        self.name, self.folder = name, root / name
        places = {place: root / "homes" / name / place for place in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        for place in (self.folder, *places.values()):
            place.mkdir(parents=True)
        if settings:
            (self.folder / "nbgrader_config.py").write_text(settings)
        places["JUPYTER_CONFIG_PATH"] = root / "everybody"
        self.environment = os.environ | {name: str(place) for name, place in places.items()}
        self.notebook = self.folder / ASSIGNMENT / NOTEBOOK

    def runs(self, command):
        """Run a command as it is typed in a shell, and return its output; it has to succeed."""
        program, *arguments = shlex.split(command)
        module = {"nbgrader": "nbgrader", "zerolayer": "lib.grading"}[program]
        done = command_server.run(module, arguments, self.folder, self.environment)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def solves(self):
        notebook = complete(nbformat.read(self.notebook, as_version=4), STUDENTS[self.name], ANSWERS)
        nbformat.write(notebook, self.notebook)

    @contextmanager
    def at_jupyterlab(self, browser, student):
        """Return a page that shows this person's JupyterLab, and the server."""
        with jupyter_lab(self.folder, lab_environment(self.environment, student)) as lab:
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            page.goto(f"{lab.url}/lab?token={lab.token}")
            yield page, lab
            page.close()


def choose(page, item):
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def works_by_buttons(emil, page):
    """Fetch, validate and submit; give what the menu offers a student, and what is released."""
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    items = page.locator(".lm-Menu[id*=nbgrader] .lm-Menu-item, .lm-Menu-content .lm-Menu-item")
    menu = [each.inner_text().strip() for each in items.all() if each.is_visible()]
    page.get_by_role("menuitem", name="Assignment List", exact=True).click()
    row = page.locator("#released_assignments_list .list_item")
    released = row.inner_text().split()
    row.get_by_role("button", name="Fetch").click()
    fetched = page.locator("#fetched_assignments_list")
    fetched.get_by_role("button", name="Submit").wait_for()
    emil.copy = emil.notebook.read_bytes()
    emil.solves()
    fetched.get_by_role("button", name=ASSIGNMENT).click()
    fetched.get_by_role("link", name=ASSIGNMENT).click()
    page.get_by_role("button", name="Validate", exact=True).click()
    dialog = page.get_by_role("dialog").filter(has_text="Validation Results")
    dialog.get_by_text("The loss of one sample is not -log of its true class's probability.").wait_for()
    dialog.get_by_role("button", name="Ok").click()
    choose(page, "Assignment List")
    fetched.get_by_role("button", name="Submit").click()
    page.locator("#submitted_assignments_list").get_by_text(ASSIGNMENT).first.wait_for()
    return menu, released


def collects(page):
    """Collect by formgrader's button, which is in a frame of JupyterLab."""
    choose(page, "Formgrader")
    formgrader = page.frame_locator("iframe[src*=formgrader]")
    row = formgrader.get_by_role("row").filter(has_text=ASSIGNMENT)
    row.filter(has_text="released").locator(".collect a").click()
    dialog = formgrader.get_by_role("dialog").filter(has_text="Successfully collected")
    dialog.get_by_role("button", name="OK").click()
    row.get_by_role("link", name="2", exact=True).click()
    formgrader.get_by_role("row").filter(has_text="emil").filter(has_text="needs autograding").wait_for()


def marks(page, formgrader):
    """Mark the written answers, and leave a remark on each first one."""
    for number in (1, 2):
        page.goto(f"{formgrader}/gradebook/{ASSIGNMENT}/{ASSIGNMENT}")
        page.get_by_role("link", name=f"Submission #{number}").click()
        page.locator(f"#{QUESTIONS[-1]}.needs_manual_grade").wait_for()
        student = page.locator("a.name-shown").first.text_content().strip()
        written = {**dict(zip(QUESTIONS, MARKS[student], strict=True)), f"{QUESTIONS[0]}-comment": REMARK}
        for id, value in written.items():
            with page.expect_response(lambda answer: answer.request.method == "PUT"):  # it is saved once it is left
                page.locator(f"#{id}").fill(str(value))
                page.locator(f"#{id}").press("Tab")


def submissions(course):
    """Return what the gradebook has on each student's submission now."""
    held = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for student in MARKS:
            found = gradebook.find_submission(ASSIGNMENT, student)
            grades = [grade for notebook in found.notebooks for grade in notebook.grades]
            held[student] = SimpleNamespace(
                points={grade.name: grade.score for grade in grades},
                score=found.score,
                penalty=found.late_submission_penalty,
                late=found.total_seconds_late > 0,
                to_mark={grade.name for grade in grades if grade.needs_manual_grade},
            )
    return held


@pytest.fixture(scope="module")
def term(browser, new_course, tmp_path_factory):  # noqa: F811  # the fixture
    root = tmp_path_factory.mktemp("term")
    (root / "everybody").mkdir()
    (root / "everybody" / "nbgrader_config.py").write_text(EVERYBODY.format(exchange=str(root / "exchange")))
    instructor = Person("instructor", root)
    ada, emil = (Person(name, root, STUDENT.format(name=name)) for name in MARKS)
    term = SimpleNamespace(course=instructor.folder, instructor=instructor, ada=ada, emil=emil)
    new_course(term.course)
    with (term.course / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")
    with emil.at_jupyterlab(browser, student=True) as (page, _):
        term.menu, term.released = works_by_buttons(emil, page)
    instructor.runs(f'nbgrader db assignment add {ASSIGNMENT} --duedate "{datetime.now(UTC)}"')
    ada.runs(f"nbgrader fetch_assignment {ASSIGNMENT}")
    ada.copy = ada.notebook.read_bytes()
    ada.solves()
    term.validation = ada.runs(f"nbgrader validate {ASSIGNMENT}/{NOTEBOOK}")
    ada.runs(f"nbgrader submit {ASSIGNMENT}")
    with instructor.at_jupyterlab(browser, student=False) as (page, lab):
        collects(page)
        instructor.runs(f"zerolayer grade {ASSIGNMENT}")
        term.before_marking = submissions(term.course)
        marks(page, f"{lab.url}/formgrader")
    term.after_marking = submissions(term.course)
    instructor.runs(f"zerolayer feedback {ASSIGNMENT}")
    instructor.runs(f"nbgrader release_feedback {ASSIGNMENT}")
    for student in (ada, emil):
        student.runs(f"nbgrader fetch_feedback {ASSIGNMENT}")
    (term.course / "worksheet.csv").write_text(WORKSHEET)
    instructor.runs(f"zerolayer report {ASSIGNMENT}")
    instructor.runs(f"zerolayer export {ASSIGNMENT}")
    instructor.runs(f"zerolayer export {ASSIGNMENT} --into worksheet.csv --feedback feedback.zip")
    return term


def words(page):
    """The text of a page, as it is read: its words one space apart."""
    return " ".join(" ".join(elements(page.read_text())[0].itertext()).split())


def test_students_fetch_what_was_built_and_hand_in_what_is_collected(term):
    assert term.released == [ASSIGNMENT, "zerolayer", "Fetch"]
    assert term.menu == ["Assignment List"], "and no tools for authors"
    built = (term.course / "notebooks" / ASSIGNMENT / NOTEBOOK).read_bytes()
    assert "Success! Your notebook passes all the tests." in term.validation
    for student in (term.ada, term.emil):
        assert student.copy == built
        folder = term.course / "submitted" / student.name / ASSIGNMENT
        assert (folder / NOTEBOOK).read_bytes() == student.notebook.read_bytes()
        assert (folder / "timestamp.txt").exists()


def test_grading_gives_points_names_the_mistake_and_leaves_the_written_questions_to_a_person(term):
    ada, emil = term.before_marking.values()
    assert (ada.score, emil.score) == (20, 19)
    assert (emil.points["check-cce"], emil.points["check-train"]) == (1, 4)
    assert [(each.to_mark, each.late) for each in (ada, emil)] == [(set(QUESTIONS), True), (set(QUESTIONS), False)]
    verdict = Verdict.load(term.course / "autograded" / "emil" / ASSIGNMENT)
    [loss] = [part for part in verdict.parts if part.id == "check-cce"]
    assert (loss.mistake.name, loss.mistake.hint) == (MISTAKE, HINT)


def test_marks_that_a_person_gives_in_formgrader_count_and_being_late_costs_what_the_course_says(term):
    for student, submission in term.after_marking.items():
        assert tuple(submission.points[question] for question in QUESTIONS) == MARKS[student]
        assert submission.to_mark == set()
        assert (submission.score, submission.penalty > 0) == ((23.5, True) if student == "ada" else (22, False))


def test_the_feedback_that_a_student_fetches_has_points_mistake_hint_and_remark(term):
    of_emil, of_ada = (
        words(*(each.folder / ASSIGNMENT / "feedback").glob("*/*.html")) for each in (term.emil, term.ada)
    )
    said = ("22 of 24 points", "The loss: 1 of 2 points", MISTAKE, HINT, REMARK)
    assert not [each for each in said if each not in of_emil]
    assert "The loss: 2 of 2 points" in of_ada and HINT not in of_ada


def test_the_report_names_the_mistake_and_who_was_late(term):
    report = words(term.course / "reports" / f"{ASSIGNMENT}.html")
    said = (MISTAKE, HINT, "2 submitted, 2 graded, 1 late", "only with a roster", "emil")
    assert not [each for each in said if each not in report]


EXPORTED = {
    ("grades.csv", "student_id", "raw_score"): {"ada": 23.5, "emil": 22},
    ("grades.csv", "student_id", "score"): {"ada": 0, "emil": 22},
    ("grades.csv", "student_id", "max_score"): {"ada": 24, "emil": 24},
    ("worksheet-filled.csv", "Identifier", "Grade"): {"Participant 501": 0, "Participant 502": 22},
}


def test_nbgrader_exports_points_and_penalties_and_moodle_gets_what_counts_and_the_pages(term):
    found = {}
    for name, by, column in EXPORTED:
        with (term.course / name).open() as file:
            found[name, by, column] = {row[by]: float(row[column]) for row in csv.DictReader(file)}
    assert {key: {name: rows[name] for name in EXPORTED[key]} for key, rows in found.items()} == EXPORTED
    with ZipFile(term.course / "feedback.zip") as file:
        pages = [file.read(name) for name in sorted(file.namelist())]
    folders = [term.course / "feedback" / student / ASSIGNMENT for student in ("ada", "emil")]
    assert pages == [(folder / f"{ASSIGNMENT}.html").read_bytes() for folder in folders]
