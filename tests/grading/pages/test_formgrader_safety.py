"""Pages that an instructor opens, in a real browser: names and notebooks that carry scripts, and none of them runs.

The same names and pages are first shown by nbgrader as it comes, where they run: what would not be an attack there
would show nothing here.
"""

import shutil
from urllib.parse import quote

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import run
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.report import ReportApp
from lib.grading.pages.formgrader import BoundPage
from lib.grading.submissions.safe_html import NO_PICTURE, NO_TEXT
from tests.browser import jupyter_lab, wait_for
from tests.course import ASSIGNMENT
from tests.grading.pages.conftest import FILLINGS, SERVER, SmallClass
from tests.submissions import pages

ATTACK = "<img src=x onerror=\"fetch('/api/terminals',{method:'POST'});window.ran=1\"><script>window.ran=1</script>"
ID = "<img src=x onerror=window.ran=1>"
"""A student's id, which can be part of a path."""
DOCUMENT = """<html xmlns="http://www.w3.org/1999/xhtml"><body><p>my analysis</p><script>
fetch("/api/terminals", {method: "POST"}); window.ran = 1;</script></body></html>"""
FILES = ("own.html", "own.xhtml", "own.xml")
"""Files handed in beside a notebook, whose text may link to them."""
EVERYBODY = ("ada", ID)


@pytest.fixture(scope="module")
def course(new_course, tmp_path_factory, lockable_here):
    """A class of two: one with a notebook full of scripts, one with an id that is one; both with such names."""
    course = SmallClass(new_course(tmp_path_factory.mktemp("hostile")).root)
    pages.active_pages.hand_in(course.released(), course.root / "submitted" / "ada" / ASSIGNMENT)
    course.hand_in("emil", FILLINGS["emil"])
    assert course.zerolayer("grade", ASSIGNMENT).returncode in (0, 3)
    course.hand_in(ID, FILLINGS["ada"])
    shutil.copytree(course.root / "submitted" / ID, course.root / "autograded" / ID)
    for step, name in ((step, name) for step in ("submitted", "autograded") for name in FILES):
        (course.root / step / "ada" / ASSIGNMENT / name).write_text(DOCUMENT)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("ada", first_name=ATTACK, last_name=ATTACK, email=ATTACK)
        gradebook.add_student(ID, first_name=ATTACK, last_name=ATTACK)
        gradebook.add_submission(ASSIGNMENT, ID)
        gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, "ada").comments[0].manual_comment = ATTACK
        gradebook.db.commit()
        course.submissions = {
            student: f"submissions/{gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student).id}/"
            for student in (*EVERYBODY, "emil")
        }
    return course


class Visitor:
    """A browser's page that opens addresses and notes what a script of a student's did there."""

    def __init__(self, page):
        self.page, self.home, self.terminals, self.outside = page, "", [], []
        page.on("request", self._note)

    def _note(self, request):
        if request.method == "POST" and "/api/terminals" in request.url:
            self.terminals.append(request.url)
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:", "file:")):
            self.outside.append(request.url)

    def enter(self, lab):
        """Log in to a JupyterLab, whose formgrader is visited from now on."""
        lab.log_in(self.page)
        self.home = f"{lab.url}/formgrader/"

    def opens(self, place):
        """Open a page; tell whether a script of a student's ran on it."""
        self.terminals.clear()
        self.page.goto(self.home + place, wait_until="networkidle")
        return self.ran()

    def ran(self):
        return bool(self.page.evaluate("window.ran")) or bool(self.terminals)


@pytest.fixture
def visitor(browser):
    page = browser.new_page()
    yield Visitor(page)
    page.close()


def formgrader_pages(course):
    """Name formgrader's pages on which names and notebooks are shown."""
    yield from ("manage_assignments", "manage_students", "gradebook", f"manage_submissions/{ASSIGNMENT}")
    yield from (f"gradebook/{ASSIGNMENT}", f"gradebook/{ASSIGNMENT}/{ASSIGNMENT}")
    for student in EVERYBODY:
        yield from (f"manage_students/{quote(student)}", f"manage_students/{quote(student)}/{ASSIGNMENT}")
        yield course.submissions[student]
    yield from (f"manage_submissions/{quote(ID)}", f"gradebook/{quote(ID)}/{quote(ID)}")


def files_of(course):
    """Name the addresses at which formgrader serves what lies beside a notebook."""
    return [course.submissions["ada"] + name for name in FILES]


def unguarded(course):
    """Name pages that run what a name or a file says where nothing guards them."""
    return [course.submissions[ID], f"manage_students/{quote(ID)}", *files_of(course)]


def test_nbgraders_own_pages_run_what_a_name_says(course, visitor, tmp_path):
    """And what a file beside a notebook says. The configuration is as nbgrader's users have it."""
    shutil.copytree(course.root, tmp_path / "course")
    config = "c = get_config()\nc.CourseDirectory.course_id = 'zerolayer'\n"
    (tmp_path / "course" / "nbgrader_config.py").write_text(config)
    unmended = "--ServerApp.jpserver_extensions={'lib.grading.pages.server_extension': False}"
    with jupyter_lab(tmp_path / "course", command=(*SERVER, unmended)) as lab:
        visitor.enter(lab)
        # It can't render the other one's notebook.
        assert [place for place in unguarded(course) if not visitor.opens(place)] == []


def test_no_script_runs_where_the_courses_settings_cannot_be_read(course, visitor, tmp_path):
    """Jupyter logs the error, and serves formgrader without those settings."""
    shutil.copytree(course.root, tmp_path / "course")
    (tmp_path / "course" / "nbgrader_config.py").write_text("c = get_config()\nthis is no Python\n")
    with jupyter_lab(tmp_path / "course", command=SERVER) as lab:
        visitor.enter(lab)
        assert [place for place in unguarded(course) if visitor.opens(place)] == []
        visitor.opens(course.submissions["ada"])
        assert visitor.page.locator("math").count() > 20, "it is shown as ever"


@pytest.fixture(scope="module")
def lab(course):
    with jupyter_lab(course.root) as running:
        yield running


@pytest.fixture
def formgrader(visitor, lab):
    visitor.enter(lab)
    return visitor


def test_no_script_of_a_students_runs_in_formgrader(course, formgrader):
    """Nor in its dialogs, which take text for HTML: a failure names the student."""
    ours = ("marking", f"marking/{ASSIGNMENT}/{ASSIGNMENT}/explain-gradient")
    assert [place for place in (*formgrader_pages(course), *ours) if formgrader.opens(place)] == []
    formgrader.opens(f"manage_submissions/{ASSIGNMENT}")
    formgrader.page.evaluate("text => createModal('a', 'b', text)", ATTACK)
    formgrader.page.locator("#a.in").wait_for()
    assert not formgrader.ran()
    assert formgrader.outside == []


def test_a_file_beside_a_notebook_is_shown_and_runs_nothing(course, formgrader):
    for place in files_of(course):
        assert not formgrader.opens(place), place
        assert "my analysis" in formgrader.page.content()


def test_jupyterlab_fetches_no_picture_that_a_notebook_names(course, formgrader, lab):
    """It shows those of an untrusted notebook by itself: their server would know who reads it, and when."""
    page = formgrader.page
    with page.expect_event("requestfailed", lambda asked: "example.org" in asked.url) as refused:
        lab.open(page, f"autograded/ada/{ASSIGNMENT}/{ASSIGNMENT}.ipynb")
    assert refused.value.failure == "csp"
    assert not formgrader.ran()


def test_formgrader_still_works(course, formgrader):
    """Its own scripts run: tables are filled, dialogs open, formulas show, and marks and keys do what they did.

    A verdict names the mistake and shows no expected value.
    """
    page = formgrader.page
    formgrader.opens("manage_students")
    page.get_by_text(ATTACK, exact=False).first.wait_for()
    page.get_by_text("Add new student...").click()
    page.locator("#add-student-modal.in").wait_for()
    formgrader.opens(course.submissions["ada"])
    page.locator(".glyphicon-eye-open").first.click()
    page.get_by_text(ATTACK, exact=False).first.wait_for()
    wait_for(page, "formgrader.loaded")
    assert page.locator("math").count() > 20
    assert page.evaluate("MathJax.loaded")
    formgrader.opens(f"manage_submissions/{ASSIGNMENT}")
    row = page.get_by_role("row").filter(has=page.get_by_text("emil", exact=True))
    row.filter(has_text="19 / 24").wait_for()
    formgrader.opens(course.submissions["emil"])
    text = page.locator("body").inner_text()
    assert "Mark scheme from the solution\n1 point: the formula." in text.replace("\n\n", "\n")
    said = text.split("The loss: 1 of 2 points")[1].split("Softmax, forward: 3 of 3")[0]
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


def test_nothing_of_a_students_is_drawn_over_what_stands_beside_it(course, formgrader):
    """Such as the judge's verdict, or the points that a person gives."""
    formgrader.opens(course.submissions["ada"])
    for place in (".text_cell_render", ".output_subarea"):
        assert not formgrader.page.evaluate(SEEN_ABOVE, place), place


def test_no_script_runs_on_pages_that_are_files(course, browser):
    """And with names and words as long as they may be none is wider than a phone, with all open that can be."""
    long = "W" * 100
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("emil", first_name=long, last_name=long)
        comment = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, "emil").comments[0]
        comment.manual_comment = long
        gradebook.db.commit()
    for student in ("ada", "emil"):
        run(FeedbackApp, course.root, ASSIGNMENT, f"--student={student}")
    run(ReportApp, course.root, ASSIGNMENT)
    files = sorted(file for folder in ("feedback", "reports") for file in (course.root / folder).rglob("*.html"))
    assert len(files) == 3
    phone = browser.new_context(viewport={"width": 390, "height": 800}, is_mobile=True)
    visitor = Visitor(phone.new_page())
    page = visitor.page
    for file in files:
        assert not visitor.opens(file.as_uri())
        assert visitor.outside == []
        assert page.locator("script").count() == 0
        assert (page.locator("math").count() > 20) is ("feedback" in file.parts)
        if "feedback" in file.parts:  # without a script and a network the browser itself lays formulas out
            above, below = (page.locator(f"mfrac > :nth-child({place})").first.bounding_box() for place in (1, 2))
            assert above["y"] + above["height"] <= below["y"] + 1
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [390, 390], file
    phone.close()


def test_outputs_of_a_notebook_share_the_budget_too():
    """Formgrader's page has the same room as a feedback page."""
    data = "A" * 4_000_000
    picture = nbformat.v4.new_output("display_data", {"image/png": data, "text/plain": "x"})
    drawn = nbformat.v4.new_output("display_data", {"text/html": f'<img src="data:image/png;base64,{data}">'})
    words = nbformat.v4.new_output("stream", text="b" * 900_000)
    cell = nbformat.v4.new_code_cell(outputs=[picture] * 4 + [words, picture, picture, words, words])
    html = nbformat.v4.new_code_cell(outputs=[drawn] * 6)
    rows = (cell, ["x"] * 4 + [None, "x", NO_PICTURE, None, NO_TEXT]), (html, [NO_TEXT] * 5 + [NO_PICTURE])
    for each, expected in rows:
        shown, _ = BoundPage().preprocess(nbformat.v4.new_notebook(cells=[each]), {})
        assert [output.get("data", {}).get("text/plain") for output in shown.cells[0].outputs] == expected
