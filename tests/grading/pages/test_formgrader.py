"""An instructor in formgrader, in a real browser: sees the graded class, a verdict with its hint, and marks by hand."""

import shutil
from pathlib import Path

import pytest

from lib.grading.commands.demo import run, write_sample_class
from lib.grading.commands.grade import GradeApp
from lib.units.softmax_classifier.closed.sample_class import SAMPLE_CLASS
from tests.browser import PATIENCE, jupyter_lab
from tests.course import ASSIGNMENT


@pytest.fixture(scope="module")
def course(new_course, tmp_path_factory):
    """Two students of the sample class, graded."""
    course = new_course(tmp_path_factory.mktemp("course")).root
    list(write_sample_class(SAMPLE_CLASS, course / "notebooks", course / "submitted", ASSIGNMENT))
    for folder in Path(course, "submitted").iterdir():
        if folder.name not in ("ada", "emil"):
            shutil.rmtree(folder)
    run(GradeApp, course, ASSIGNMENT)
    return course


@pytest.fixture(scope="module")
def page(browser, course):
    """A page that is logged in to a JupyterLab in the course's folder."""
    with jupyter_lab(course) as lab:
        page = browser.new_page()
        lab.log_in(page)
        page.base = f"{lab.url}/formgrader"
        yield page
        page.close()


def submission_with(page, text):
    """Open the graded submission whose page holds `text`; give back all that it says."""
    for number in (1, 2):
        page.goto(f"{page.base}/gradebook/{ASSIGNMENT}/{ASSIGNMENT}")
        page.get_by_role("link", name=f"Submission #{number}").click()
        page.get_by_text("The loss: ").first.wait_for(timeout=PATIENCE)
        said = page.locator("body").inner_text()
        if text in said:
            return said
    raise AssertionError(f"no submission shows {text!r}")


def test_the_instructor_sees_the_class_with_its_points(page):
    page.goto(f"{page.base}/manage_submissions/{ASSIGNMENT}")
    for student, points in (("ada", "21 / 28"), ("emil", "19 / 28")):
        row = page.get_by_role("row").filter(has=page.get_by_text(student, exact=True))
        row.filter(has_text=points).wait_for(timeout=PATIENCE)


def test_a_verdict_names_the_mistake_and_shows_no_expected_value(page):
    said = submission_with(page, "The loss: 0 of 2 points")
    assert "mean" in said
    assert "Softmax, forward: 3 of 3 points" in said
    assert "expected" not in said.split("The loss: 0 of 2 points")[1].split("Softmax, forward")[0]
