"""A term, with real parts, as the commands in README and docs tell it.

Ada has everything right and hands in once more after the due date; Emil takes a mean over too much and is in time. Each
step of the term is a fixture that needs the one before; what is looked at later is kept as it was then.
"""

from contextlib import contextmanager
from datetime import UTC, datetime

import nbformat
import pytest

from lib.grading.commands.demo import complete
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, STUDENTS
from tests.browser import PATIENCE, chromium, jupyter_lab
from tests.course import ASSIGNMENT
from tests.people import MARKS, NOTEBOOK, QUESTIONS, REMARK, Term, ended

WORKSHEET = """\
Identifier,"Full name",Username,Status,Grade,"Maximum Grade","Last modified (grade)"
"Participant 501","Ada King",ada,"Submitted for grading",,24.00,-
"Participant 502","Emil Stone",emil,"Submitted for grading",,24.00,-
"""
"""The assignment's grading worksheet, as it is downloaded from Moodle."""


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """The course is built, has a due date, and lies in the exchange."""
    term = Term(tmp_path_factory.mktemp("term"))
    term.instructor.runs("zerolayer build")
    term.instructor.runs(f'nbgrader db assignment add {ASSIGNMENT} --duedate "2100-01-31 18:00 UTC"')
    term.instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")
    return term


@pytest.fixture(scope="session")
def fetched(released):
    """Both students have a copy."""
    released.both(f"nbgrader fetch_assignment {ASSIGNMENT}")
    released.copies = [student.notebook.read_bytes() for student in released.students]
    return released


@pytest.fixture(scope="session")
def validated(fetched):
    """Both have filled in the blanks and asked nbgrader what it thinks."""
    for student in fetched.students:
        notebook = complete(nbformat.read(student.notebook, as_version=4), STUDENTS[student.name], ANSWERS)
        nbformat.write(notebook, student.notebook)
    fetched.validations = fetched.both(f"nbgrader validate {ASSIGNMENT}/{NOTEBOOK}")
    return fetched


@pytest.fixture(scope="session")
def collected(validated):
    """Both have handed in; then the due date was there, and the instructor took in what came."""
    validated.both(f"nbgrader submit {ASSIGNMENT}")
    validated.instructor.runs(f'nbgrader db assignment add {ASSIGNMENT} --duedate "{datetime.now(UTC)}"')
    validated.instructor.runs(f"nbgrader collect {ASSIGNMENT}")
    return validated


@pytest.fixture(scope="session")
def graded(collected):
    """The grader has given its points."""
    collected.said = collected.instructor.runs(f"zerolayer grade {ASSIGNMENT}")
    collected.before_marking = collected.submissions()
    return collected


@contextmanager
def formgrader(term):
    """Give a page in the instructor's JupyterLab, logged in, and formgrader's address."""
    with chromium() as browser, jupyter_lab(term.course, term.instructor.environment) as lab:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        lab.log_in(page)
        yield page, f"{lab.url}/formgrader"


@pytest.fixture(scope="session")
def marked(graded):
    """A person has read the written answers in formgrader."""
    with formgrader(graded) as (page, address):
        for number in (1, 2):
            page.goto(f"{address}/gradebook/{ASSIGNMENT}/{ASSIGNMENT}")
            page.get_by_role("link", name=f"Submission #{number}").click()
            page.locator(f"#{QUESTIONS[-1]}.needs_manual_grade").wait_for(timeout=PATIENCE)
            student = page.locator("a.name-shown").first.text_content().strip()
            written = {**dict(zip(QUESTIONS, MARKS[student], strict=True)), f"{QUESTIONS[0]}-comment": REMARK}
            for id, value in written.items():
                with page.expect_response(lambda answer: answer.request.method == "PUT"):  # it is saved once it is left
                    page.locator(f"#{id}").fill(str(value))
                    page.locator(f"#{id}").press("Tab")
    graded.after_marking = graded.submissions()
    return graded


@pytest.fixture(scope="session")
def regraded(marked):
    """Ada has handed in once more, late, which costs all points in this course; everybody is graded again."""
    with (marked.course / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    marked.ada.runs(f"nbgrader submit {ASSIGNMENT}")
    marked.instructor.runs(f"nbgrader collect {ASSIGNMENT} --update")
    marked.instructor.runs(f"zerolayer grade {ASSIGNMENT} --force")
    marked.after_regrading = marked.submissions()
    return marked


@pytest.fixture(scope="session")
def fed_back(regraded):
    """Feedback pages are with the students."""
    regraded.instructor.runs(f"zerolayer feedback {ASSIGNMENT}")
    regraded.instructor.runs(f"nbgrader release_feedback {ASSIGNMENT}")
    regraded.both(f"nbgrader fetch_feedback {ASSIGNMENT}")
    return regraded


@pytest.fixture(scope="session")
def told(fed_back):
    """The class's report is written, and its grades are exported: the term's end."""
    (fed_back.course / "worksheet.csv").write_text(WORKSHEET)
    ending = (
        f"zerolayer report {ASSIGNMENT}",
        "nbgrader export",
        "nbgrader export --exporter=lib.grading.pages.exports.CanvasExporter --to=canvas.csv",
        "nbgrader export --exporter=lib.grading.pages.exports.MoodleExporter --to=moodle.csv",
        "nbgrader export --exporter=lib.grading.pages.exports.MoodleWorksheetExporter"
        " --MoodleWorksheetExporter.worksheet=worksheet.csv --to=upload.csv",
        "nbgrader export --exporter=lib.grading.pages.exports.MoodleFeedbackExporter"
        " --MoodleFeedbackExporter.worksheet=worksheet.csv --to=feedback.zip",
    )
    for process in [fed_back.instructor.starts(command) for command in ending]:
        ended(process)
    return fed_back
