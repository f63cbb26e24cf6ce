"""Pages that an instructor opens, in a real browser: names and notebooks that carry scripts, and none of them runs.

The same names and pages are first shown by nbgrader as it comes, where they run: what would not be an attack there
would show nothing here.
"""

import shutil
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import complete, run
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.report import ReportApp
from lib.grading.door.markup import NO_PICTURE, NO_TEXT
from lib.grading.pages.formgrader import BoundPage
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, RIGHT
from tests.browser import PATIENCE, jupyter_lab, wait_for
from tests.course import ASSIGNMENT
from tests.submissions import pages

nbgrader_apps = pytest.importorskip("nbgrader.apps")
ROOT = Path(__file__).parents[3]
ATTACK = "<img src=x onerror=\"fetch('/api/terminals',{method:'POST'});window.ran=1\"><script>window.ran=1</script>"
ID = "<img src=x onerror=window.ran=1>"
"""A student's id, which can be part of a path."""
DOCUMENT = """<html xmlns="http://www.w3.org/1999/xhtml"><body><p>my analysis</p><script>
fetch("/api/terminals", {method: "POST"}); window.ran = 1;</script></body></html>"""
FILES = ("own.html", "own.xhtml", "own.xml")
"""Files handed in beside a notebook, whose text may link to them."""
EVERYBODY = ("ada", ID)
PICTURE = "A" * 4_000_000
STOCK = "c = get_config()\nc.CourseDirectory.course_id = 'zerolayer'\n"
"""A configuration as nbgrader's users have it."""


@pytest.fixture(scope="module")
def course(new_course, tmp_path_factory, lockable_here):
    """A class of two: one with a notebook full of scripts, one with an id that is one; both with such names."""
    course = new_course(tmp_path_factory.mktemp("hostile"))
    pages.active_pages.hand_in(course.released(), course.root / "submitted" / "ada" / ASSIGNMENT)
    mean = RIGHT | {"loss": ("-np.mean(y * np.log(yhat))", RIGHT["loss"][1])}
    emil = complete(nbformat.read(course.released(), as_version=4), mean, ANSWERS)
    (course.root / "submitted" / "emil" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(emil, course.root / "submitted" / "emil" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    assert course.zerolayer("grade", ASSIGNMENT).returncode in (0, 3)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("ada", first_name=ATTACK, last_name=ATTACK, email=ATTACK)
        gradebook.add_student(ID, first_name=ATTACK, last_name=ATTACK)
        gradebook.add_submission(ASSIGNMENT, ID)
        gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, "ada").comments[0].manual_comment = ATTACK
        gradebook.db.commit()
        course.submissions = {
            student: gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student).id
            for student in (*EVERYBODY, "emil")
        }
    for step in ("submitted", "autograded"):
        notebook = complete(nbformat.read(course.released(), as_version=4), RIGHT, ANSWERS)
        (course.root / step / ID / ASSIGNMENT).mkdir(parents=True)
        nbformat.write(notebook, course.root / step / ID / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
        for name in FILES:
            (course.root / step / "ada" / ASSIGNMENT / name).write_text(DOCUMENT)
    return course


class Visitor:
    """A browser's page that opens addresses and notes what a script of a student's did there."""

    def __init__(self, page):
        self.page, self.terminals, self.outside = page, [], []
        page.on("request", self._note)

    def _note(self, request):
        if request.method == "POST" and "/api/terminals" in request.url:
            self.terminals.append(request.url)
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:", "file:")):
            self.outside.append(request.url)

    def opens(self, address):
        """Open a page; tell whether a script of a student's ran on it."""
        self.terminals.clear()
        self.page.goto(address, wait_until="networkidle", timeout=PATIENCE)
        return bool(self.page.evaluate("window.ran")) or bool(self.terminals)


def formgrader_pages(course):
    """Name formgrader's pages on which names and notebooks are shown."""
    yield "manage_assignments"
    yield f"manage_submissions/{ASSIGNMENT}"
    yield "gradebook"
    yield f"gradebook/{ASSIGNMENT}"
    yield f"gradebook/{ASSIGNMENT}/{ASSIGNMENT}"
    yield "manage_students"
    for student in EVERYBODY:
        yield f"manage_students/{quote(student)}"
        yield f"manage_students/{quote(student)}/{ASSIGNMENT}"
    yield f"manage_submissions/{quote(ID)}"
    yield f"gradebook/{quote(ID)}/{quote(ID)}"
    yield from (f"submissions/{course.submissions[student]}/" for student in EVERYBODY)


@pytest.fixture
def visit(browser):
    """Give a visitor with a fresh page that is logged in to a JupyterLab."""

    def visit(lab):
        page = browser.new_page()
        lab.log_in(page)
        opened.append(page)
        return Visitor(page)

    opened = []
    yield visit
    for page in opened:
        page.close()


def files_of(course):
    """Name the addresses at which formgrader serves what lies beside a notebook."""
    return [f"submissions/{course.submissions['ada']}/{name}" for name in FILES]


def test_nbgraders_own_pages_run_what_a_name_says(course, visit, tmp_path):
    """And what a file beside a notebook says."""
    shutil.copytree(course.root, tmp_path / "course")
    (tmp_path / "course" / "nbgrader_config.py").write_text(STOCK)
    with jupyter_lab(tmp_path / "course") as lab:
        visitor = visit(lab)
        places = [*formgrader_pages(course), *files_of(course)]
        ran = [place for place in places if visitor.opens(f"{lab.url}/formgrader/{place}")]
    assert f"submissions/{course.submissions[ID]}/" in ran  # it can't render the other one's notebook
    assert f"manage_students/{quote(ID)}" in ran and {*files_of(course)} <= {*ran}


@pytest.fixture(scope="module")
def lab(course):
    with jupyter_lab(course.root) as running:
        yield running


def test_no_script_of_a_students_runs_in_formgrader(course, lab, visit):
    visitor = visit(lab)
    ran = [place for place in formgrader_pages(course) if visitor.opens(f"{lab.url}/formgrader/{place}")]
    assert (ran, visitor.outside) == ([], [])


def test_a_file_beside_a_notebook_is_shown_and_runs_nothing(course, lab, visit):
    visitor = visit(lab)
    for place in files_of(course):
        assert not visitor.opens(f"{lab.url}/formgrader/{place}"), place
        assert "my analysis" in visitor.page.content()


def test_what_a_message_of_formgraders_says_runs_nothing(course, lab, visit):
    """Its dialogs take text for HTML: a failure names the student."""
    visitor = visit(lab)
    visitor.opens(f"{lab.url}/formgrader/manage_submissions/{ASSIGNMENT}")
    visitor.page.evaluate("text => createModal('a', 'b', text)", ATTACK)
    visitor.page.locator("#a.in").wait_for(timeout=PATIENCE)
    assert not visitor.page.evaluate("window.ran")
    assert visitor.terminals == []


def test_no_id_keeps_the_others_from_being_listed(course, lab, visit):
    """JavaScript's objects have names of their own, among which Backbone looked ids up.

    Who has such an id is missing in the list, as Backbone has it.
    """
    ids = ("__proto__", "constructor", "toString")
    visitor = visit(lab)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for id in ids:
            gradebook.add_student(id)
    try:
        visitor.opens(f"{lab.url}/formgrader/manage_students")
        visitor.page.locator('a[href$="/manage_students/ada"]').first.wait_for(timeout=PATIENCE)
    finally:
        with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
            for id in ids:
                gradebook.remove_student(id)


def test_formgrader_still_works(course, lab, visit):
    """Its own scripts run: tables are filled, dialogs open, formulas show, and marks and keys do what they did."""
    visitor = visit(lab)
    page = visitor.page
    visitor.opens(f"{lab.url}/formgrader/manage_students")
    page.get_by_text(ATTACK, exact=False).first.wait_for(timeout=PATIENCE)
    page.get_by_text("Add new student...").click()
    page.locator("#add-student-modal.in").wait_for(timeout=PATIENCE)
    visitor.opens(f"{lab.url}/formgrader/submissions/{course.submissions['ada']}/")
    page.locator(".glyphicon-eye-open").first.click()
    page.get_by_text(ATTACK, exact=False).first.wait_for(timeout=PATIENCE)
    wait_for(page, "formgrader.loaded")
    assert page.locator("math").count() > 20
    assert page.evaluate("MathJax.loaded")


def test_the_instructor_sees_points_and_verdicts(course, lab, visit):
    """A verdict names the mistake and shows no expected value."""
    visitor = visit(lab)
    page = visitor.page
    visitor.opens(f"{lab.url}/formgrader/manage_submissions/{ASSIGNMENT}")
    row = page.get_by_role("row").filter(has=page.get_by_text("emil", exact=True))
    row.filter(has_text="18 / 24").wait_for(timeout=PATIENCE)
    visitor.opens(f"{lab.url}/formgrader/submissions/{course.submissions['emil']}/")
    wait_for(page, "formgrader.loaded")
    said = page.locator("body").inner_text().split("The loss: 0 of 2 points")[1].split("Softmax, forward: 3 of 3")[0]
    assert "The loss is the mean over all entries" in said and "expected" not in said


SEEN_ABOVE = """place => {
    const at = [...document.querySelectorAll(place)].at(-1);
    const drawn = at.appendChild(document.createElement("b"));
    drawn.textContent = "24 of 24 points";
    at.scrollIntoView({block: "center"});
    const [top, own] = [at, drawn].map(each => each.getBoundingClientRect().top);
    drawn.style = `position: relative; top: ${top - own - 60}px`;
    const {x, y} = drawn.getBoundingClientRect();
    return document.elementFromPoint(x + 5, y + 5) === drawn;
}"""
"""Draws something above the place that it stands in, and tells whether it is seen there."""


def test_nothing_of_a_students_is_drawn_over_what_stands_beside_it(course, lab, visit):
    """Such as the judge's verdict, or the points that a person gives."""
    visitor = visit(lab)
    visitor.opens(f"{lab.url}/formgrader/submissions/{course.submissions['ada']}/")
    for place in (".text_cell_render", ".output_subarea"):
        assert not visitor.page.evaluate(SEEN_ABOVE, place), place


@pytest.fixture(scope="module")
def files(course):
    """The pages that are files, of students with names and words as long as they may be, by kind."""
    long = "W" * 100
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("emil", first_name=long, last_name=long)
        comment = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, "emil").comments[0]
        comment.manual_comment = long
        gradebook.db.commit()
    for student in ("ada", "emil"):
        run(FeedbackApp, course.root, ASSIGNMENT, f"--student={student}")
        run(ReportApp, course.root, ASSIGNMENT, f"--student={student}")
    page, reports, students = f"{ASSIGNMENT}.html", course.root / "reports", ("ada", "emil")
    return {
        "report": [reports / page],
        "feedback": [course.root / "feedback" / student / ASSIGNMENT / page for student in students],
        "evidence": [reports / ASSIGNMENT / f"{student}.html" for student in students],
    }


def test_no_script_runs_on_pages_that_are_files(files, browser):
    page = browser.new_page()
    visitor = Visitor(page)
    for kind, places in files.items():
        assert not visitor.opens(places[0].as_uri())
        assert visitor.outside == []
        assert page.locator("script").count() == 0
        assert (page.locator("math").count() > 20) is (kind == "feedback")
        if kind == "feedback":  # without a script and a network the browser itself lays formulas out
            above, below = (page.locator(f"mfrac > :nth-child({place})").first.bounding_box() for place in (1, 2))
            assert above["y"] + above["height"] <= below["y"] + 1
    page.close()


def test_nothing_is_wider_than_a_phone(files, browser):
    """All that can be opened is."""
    phone = browser.new_context(viewport={"width": 390, "height": 800}, is_mobile=True)
    page = phone.new_page()
    for file in (file for places in files.values() for file in places):
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [390, 390], file
    phone.close()


def test_outputs_of_a_notebook_share_the_budget_too():
    """Formgrader's page has the same room as a feedback page."""
    picture = nbformat.v4.new_output("display_data", {"image/png": PICTURE, "text/plain": "x"})
    drawn = nbformat.v4.new_output("display_data", {"text/html": f'<img src="data:image/png;base64,{PICTURE}">'})
    words = nbformat.v4.new_output("stream", text="b" * 900_000)
    cell = nbformat.v4.new_code_cell(outputs=[picture] * 4 + [words, picture, picture, words, words])
    html = nbformat.v4.new_code_cell(outputs=[drawn] * 6)
    rows = (cell, ["x"] * 4 + [None, "x", NO_PICTURE, None, NO_TEXT]), (html, [NO_TEXT] * 5 + [NO_PICTURE])
    for each, expected in rows:
        shown, _ = BoundPage().preprocess(nbformat.v4.new_notebook(cells=[each]), {})
        assert [output.get("data", {}).get("text/plain") for output in shown.cells[0].outputs] == expected
