"""Make the pictures of README.md and docs/: what people see in a term, in a browser.

    .venv/bin/pytest -n 0 -m "" benchmarks/make_pictures.py

A picture isn't compared with an older one. Each is taken of a page that shows what its alternative text says.
"""

import subprocess
import sys
from pathlib import Path

# ruff: noqa: F401, F811  # fixtures are imported, and are arguments
import tests.conftest  # it makes the environment of all tests
from tests.browser import PATIENCE, browser, lab, run_all, wait_for
from tests.course import ASSIGNMENT
from tests.explorer.test_in_lab import EXPLORE, ready
from tests.grading.conftest import lockable_here, new_course
from tests.test_term import QUESTIONS, REMARK, choose, term

DOCS = Path(__file__).parents[1] / "docs"


def take(page, name):
    """Save what the page's window, or an element, shows."""
    page.screenshot(path=DOCS / f"{name}.png", animations="disabled")


def take_file(browser, file, name, width, height):
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(file.as_uri())
    take(page, name)


def test_formgrader(browser, term):
    with term.instructor.at_jupyterlab(browser, student=False) as (page, lab):
        page.set_viewport_size({"width": 1000, "height": 620})
        for number in (1, 2):
            page.goto(f"{lab.url}/formgrader/gradebook/{ASSIGNMENT}/{ASSIGNMENT}")
            page.get_by_role("link", name=f"Submission #{number}").click()
            page.locator(f"#{QUESTIONS[0]}").wait_for(timeout=PATIENCE)
            if page.locator("a.name-shown").first.text_content().strip() == "emil":
                break
        remark = f"{QUESTIONS[0]}-comment"
        wait_for(page, "([id, words]) => document.getElementById(id)?.value === words", [remark, REMARK])
        page.locator(f"#{remark}").focus()  # formgrader scrolls there
        wait_for(page, "() => scrollY && !jQuery(':animated').length")
        page.evaluate("scrollBy({top: -230, behavior: 'instant'})")  # what the judge found stands above
        take(page, "formgrader")


def test_assignment_list(browser, term):
    with term.emil.at_jupyterlab(browser, student=True) as (page, _):
        page.set_viewport_size({"width": 1000, "height": 450})
        choose(page, "Assignment List")
        page.locator("#fetched_assignments_list").get_by_text(ASSIGNMENT).first.click()
        page.get_by_role("button", name="Validate").wait_for()
        page.get_by_role("button", name="Fetch Feedback").wait_for()
        page.keyboard.press("Control+b")  # the files beside it
        take(page, "assignment_list")


def test_feedback(browser, term):
    [file] = (term.emil.folder / ASSIGNMENT / "feedback").glob("*/*.html")
    take_file(browser, file, "feedback", 860, 620)


def test_report(browser, tmp_path):
    course = tmp_path / "course"
    for command in (["demo", f"--folder={course}"], ["report", ASSIGNMENT, f"--course-dir={course}"]):
        subprocess.run([sys.executable, "-m", "lib.grading", *command], check=True)
    take_file(browser, course / "reports" / f"{ASSIGNMENT}.html", "report", 980, 1060)


def test_explorer(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    lab.open(page, lab.write("explorer.ipynb", EXPLORE))
    run_all(page)
    ready(page)
    page.keyboard.press("Control+b")  # the files beside it
    take(page.locator(".zl-explorer").first, "explorer")
