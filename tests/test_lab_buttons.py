"""nbgrader's buttons in JupyterLab: a student fetches, validates and submits this course, the instructor collects."""

import nbformat
import pytest

from lib.grading.commands.demo import complete
from lib.jupyterlab import lab_environment
from tests.browser import PATIENCE, jupyter_lab
from tests.course import ASSIGNMENT
from tests.grading.conftest import new_course  # noqa: F401  # a fixture
from tests.people import NOTEBOOK, Term
from tests.sample_class import ANSWERS, STUDENTS


@pytest.fixture(scope="module")
def term(new_course, tmp_path_factory):  # noqa: F811  # the fixture
    """A course whose assignment is released."""
    term = Term(tmp_path_factory.mktemp("buttons"))
    new_course(term.course)
    term.instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")
    return term


@pytest.fixture(scope="module")
def student(browser, term):
    with jupyter_lab(term.emil.folder, lab_environment(term.emil.environment)) as lab:
        yield opened(browser, lab)


@pytest.fixture(scope="module")
def instructor(browser, term):
    with jupyter_lab(term.course, lab_environment(term.instructor.environment, student=False)) as lab:
        yield opened(browser, lab)


def opened(browser, lab):
    """Return a page that shows a JupyterLab."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{lab.url}/lab?token={lab.token}")
    return page


def choose(page, item):
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def test_a_student_sees_no_authors_tools_and_fetches_what_was_released_from_the_assignment_list(student, term):
    student.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    items = student.locator(".lm-Menu[id*=nbgrader] .lm-Menu-item, .lm-Menu-content .lm-Menu-item")
    assert [each.inner_text().strip() for each in items.all() if each.is_visible()] == ["Assignment List"]
    assert student.get_by_text("Create Assignment").count() == 0
    student.get_by_role("menuitem", name="Assignment List", exact=True).click()
    released = student.locator("#released_assignments_list .list_item")
    assert released.inner_text().split() == [ASSIGNMENT, "zerolayer", "Fetch"]
    released.get_by_role("button", name="Fetch").click()
    student.locator("#fetched_assignments_list").get_by_role("button", name="Submit").wait_for()
    assert term.emil.notebook.read_bytes() == (term.course / "notebooks" / ASSIGNMENT / NOTEBOOK).read_bytes()


def test_validate_says_what_is_wrong(student, term):
    notebook = complete(nbformat.read(term.emil.notebook, as_version=4), STUDENTS["emil"], ANSWERS)
    nbformat.write(notebook, term.emil.notebook)
    fetched = student.locator("#fetched_assignments_list")
    fetched.get_by_role("button", name=ASSIGNMENT).click()
    fetched.get_by_role("link", name=ASSIGNMENT).click()
    student.get_by_role("button", name="Validate", exact=True).click()
    dialog = student.get_by_role("dialog").filter(has_text="Validation Results")
    dialog.get_by_text("The loss of one sample is not -log of its true class's probability.").wait_for()
    dialog.get_by_role("button", name="Ok").click()


def test_the_assignment_list_submits(student, term):
    choose(student, "Assignment List")
    student.locator("#fetched_assignments_list").get_by_role("button", name="Submit").click()
    student.locator("#submitted_assignments_list").get_by_text(ASSIGNMENT).first.wait_for()


def test_formgrader_opens_from_the_menu_collects_and_shows_who_handed_in(instructor):
    choose(instructor, "Formgrader")
    formgrader = instructor.frame_locator("iframe[src*=formgrader]")
    row = formgrader.get_by_role("row").filter(has_text=ASSIGNMENT)
    row.filter(has_text="released").locator(".collect a").click()
    dialog = formgrader.get_by_role("dialog").filter(has_text="Successfully collected")
    dialog.get_by_role("button", name="OK").click()
    row.get_by_role("link", name="1", exact=True).click()
    formgrader.get_by_role("row").filter(has_text="emil").filter(has_text="needs autograding").wait_for()
