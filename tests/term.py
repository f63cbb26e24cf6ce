"""A term, with real parts, as the commands in README and docs tell it.

Ada has everything right and hands in once more after the due date; Emil takes a mean over too much and is in time. What
is looked at later is kept as it was then.
"""

from contextlib import contextmanager
from datetime import UTC, datetime

import nbformat
import pytest

from lib.grading.commands.demo import complete
from tests.browser import PATIENCE, chromium, jupyter_lab
from tests.course import ASSIGNMENT
from tests.people import MARKS, NOTEBOOK, QUESTIONS, REMARK, Term
from tests.sample_class import ANSWERS, STUDENTS

WORKSHEET = """\
Identifier,"Full name",Username,Status,Grade,"Maximum Grade","Last modified (grade)"
"Participant 501","Ada King",ada,"Submitted for grading",,24.00,-
"Participant 502","Emil Stone",emil,"Submitted for grading",,24.00,-
"""
"""The assignment's grading worksheet, as it is downloaded from Moodle."""
ENDING = (
    f"zerolayer report {ASSIGNMENT}",
    "nbgrader export",
    f"zerolayer export {ASSIGNMENT} --into worksheet.csv --feedback feedback.zip",
)


@contextmanager
def formgrader(term):
    """Give a page in the instructor's JupyterLab, logged in, and formgrader's address."""
    with chromium() as browser, jupyter_lab(term.course, term.instructor.environment) as lab:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        lab.log_in(page)
        yield page, f"{lab.url}/formgrader"


@pytest.fixture(scope="session")
def marked(tmp_path_factory):
    """The term up to where a person has read the written answers in formgrader."""
    term = Term(tmp_path_factory.mktemp("term"))
    instructor = term.instructor
    instructor.runs("zerolayer build")
    instructor.runs(f'zerolayer build {ASSIGNMENT} --due "2100-01-31 18:00 UTC"')
    instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")

    term.both(f"nbgrader fetch_assignment {ASSIGNMENT}")
    term.copies = [student.notebook.read_bytes() for student in term.students]
    for student in term.students:
        notebook = complete(nbformat.read(student.notebook, as_version=4), STUDENTS[student.name], ANSWERS)
        nbformat.write(notebook, student.notebook)
    term.validations = term.both(f"nbgrader validate {ASSIGNMENT}/{NOTEBOOK}")
    term.both(f"nbgrader submit {ASSIGNMENT}")

    instructor.runs(f'nbgrader db assignment add {ASSIGNMENT} --duedate "{datetime.now(UTC)}"')
    instructor.runs(f"nbgrader collect {ASSIGNMENT}")
    instructor.runs(f"zerolayer grade {ASSIGNMENT}")
    term.before_marking = term.submissions()
    with formgrader(term) as (page, address):
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
    term.after_marking = term.submissions()
    return term


@pytest.fixture(scope="session")
def told(marked):
    """The term to its end: Ada hands in late, which costs all points here; pages, a report, and exported grades."""
    instructor = marked.instructor
    with (marked.course / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    marked.ada.runs(f"nbgrader submit {ASSIGNMENT}")
    instructor.runs(f"nbgrader collect {ASSIGNMENT} --update")
    instructor.runs(f"zerolayer grade {ASSIGNMENT} --force")
    marked.after_regrading = marked.submissions()
    instructor.runs(f"zerolayer feedback {ASSIGNMENT}")
    instructor.runs(f"nbgrader release_feedback {ASSIGNMENT}")
    marked.both(f"nbgrader fetch_feedback {ASSIGNMENT}")
    (marked.course / "worksheet.csv").write_text(WORKSHEET)
    for command in ENDING:
        instructor.runs(command)
    return marked
