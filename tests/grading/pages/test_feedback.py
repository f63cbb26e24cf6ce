"""Feedback pages begin with the points and, for each part, what was right, the mistake, the hint and where to look."""

import io
import json
import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from lib.grading.pages.sanitize import Sanitize
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import PyFileConfigLoader

from lib.checking.answers import record
from lib.checking.student_code import Failure
from lib.grading.book.marks import Mark, NotebookMarks
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import Verdict, html
from lib.grading.pages.feedback import FeedbackPage, Graded, summary
from lib.grading.run.settings import BoundedExecute
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.browser import browser  # noqa: F401  # a fixture
from tests.course import ASSIGNMENT
from tests.explorer import student
from tests.grading.active import elements, text_of
from tests.grading.conftest import Course
from tests.grading.judge.test_judge import given_by, part_of
from tests.variants import written

STUDENTS = ["honest", "common_mistake", "untouched", "blanks_open", "one_blank_open", "solution_deleted", "empty"]
STUDENTS += ["cell_never_ends", "kernel_dies", "hundred_megabytes_of_lines", "another_name", "name_shadowed", "noisy"]
STUDENTS += ["checks_deleted", "reversed_order", "strange_cells", "folder_for_a_page"]
STUDENTS += ["metadata_missing", "answer_doubled", "answer_beside", "cut_short"]


@pytest.fixture(scope="module")
def course(graded, tmp_path_factory) -> Course:
    """Some of the graded class in a course of their own: some marked by hand, one late, one without a verdict."""
    course = Course(tmp_path_factory.mktemp("feedback") / "course")
    shutil.copytree(graded.root, course.root, ignore=shutil.ignore_patterns("submitted", "autograded", "feedback"))
    for name in STUDENTS:
        shutil.copytree(graded.root / "autograded" / name, course.root / "autograded" / name)
    course.notebook("checks_deleted").with_name("verdict.json").unlink()
    marks = {("noisy", "explain-gradient"): 2, ("noisy", "explain-random-labels"): 2}
    marks |= {("noisy", "explain-rate-and-batch"): 3, ("reversed_order", "explain-rate-and-batch"): 0}
    marks |= {("reversed_order", "explain-gradient"): 0.5, ("reversed_order", "explain-random-labels"): 0}
    marks |= {("one_blank_open", "check-cce-gradient"): 1.5}
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for (name, cell), mark in marks.items():
            grade = gradebook.find_grade(cell, ASSIGNMENT, ASSIGNMENT, name)
            grade.manual_score, grade.needs_manual_grade = mark, False
        gradebook.find_comment("loss", ASSIGNMENT, ASSIGNMENT, "one_blank_open").manual_comment = "So close!"
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-03-01 12:00:00 UTC")
        late = gradebook.find_submission(ASSIGNMENT, "reversed_order")
        late.timestamp, late.notebooks[0].late_submission_penalty = datetime(2026, 3, 2), 3
        gradebook.db.commit()
    made = course.nbgrader("generate_feedback", ASSIGNMENT)
    assert made.returncode == 0, made.stderr
    return course


def opens(course, name):
    """Give the page's summary as a student reads it."""
    apart = re.sub(r"(?=<(p|h1|h2|li|section|div)\b)", " ", course.feedback(name))
    [header] = [element for element in elements(apart) if element.get("class") == "summary"]
    return " ".join("".join(header.itertext()).split())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("honest", "21 of 21 points so far Everything is right. You have built it, and it works: congratulations!"),
        ("noisy", "28 of 28 points Everything is right."),
        ("common_mistake", "19 of 21 points so far Below is, for each part, what was right"),
        ("untouched", "0 of 28 points Nothing is right yet."),
        ("empty", "0 of 28 points Your code could not be checked, so this says nothing about it."),
        (
            "reversed_order",
            "18.5 of 28 points Your work earned 21.5 points. 3 points were taken off because it came in late. All of",
        ),
    ],
)
def test_a_page_opens_with_what_counts(course, name, text):
    assert opens(course, name).startswith(text)


def test_a_mistake_has_its_name_its_hint_and_a_place(course):
    told = opens(course, "common_mistake")
    [loss] = [part for part in course.verdict("common_mistake").parts if part.id == "check-cce"]
    assert loss.mistake
    where = "Where to look: your code in 5. Exercise: the loss and its gradient (30 minutes)."
    places = [told.index(said) for said in ("The loss: 0 of 2 points", loss.mistake.name, loss.mistake.hint, where)]
    assert places == sorted(places)
    assert "✓ Softmax, backward: 3 of 3 points" in told


def test_what_was_right_of_a_part_is_said(course):
    judged = judge(ANSWER_KEY, part_of("check-softmax-forward"), 1, None)
    first, *rest = judged.statements
    half = type(judged)(judged.id, judged.title, (type(first)("A", "It adds up.", 1, "right"), *rest))
    told = text_of(summary(graded_as(half)))
    assert "right: It adds up. (1 of 1)" in told
    assert "(✓) Softmax, forward: 1 of 3 points, partly right" in told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one_blank_open", "on line 6 is still open: one sample's own gradient"),
        ("blanks_open", "Softmax, backward: 0 of 3 points The same as in Softmax, forward."),
        ("solution_deleted", "Dense is not defined. Where to look"),
        ("solution_deleted", "Grading runs your notebook from top to bottom in a fresh kernel."),
        ("cell_never_ends", "ran longer than 4 seconds and was stopped. Look for a loop that never ends"),
        ("cell_never_ends", "It cost no points."),
        ("kernel_dies", "made the kernel die; nothing after it could run. Python itself ended there."),
        ("kernel_dies", "The training loop: 0 of 4 points Not checked: see above."),
        ("hundred_megabytes_of_lines", "put out more than is kept; the rest was dropped. Usually that is a print"),
        ("empty", "softmax_classifier.ipynb is empty. Open it in JupyterLab"),
        ("another_name", "was graded in its place. Next time, hand it in under the name it came with."),
        ("name_shadowed", "'NoneType' object has no attribute 'train'"),
    ],
)
def test_what_went_wrong_is_said_in_a_students_words(course, name, text):
    assert text in opens(course, name)


def test_written_answers_say_whether_somebody_has_read_them(course):
    waiting, read, empty = (opens(course, name) for name in ("honest", "reversed_order", "untouched"))
    assert "Up to 7 more can come: your instructor has yet to read what you wrote." in waiting
    assert waiting.count("up to 2 points Waiting for your instructor to read it.") == 2
    assert re.search(r"\(✓\) Written answer 1 in [^:]+: [^:]*: 0.5 of 2 points, partly right", read)
    assert re.search(r"✗ Written answer 3 in [^:]+: 0 of 2 points", read)
    assert empty.count("0 of 2 points Nothing was found here.") == 2


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("metadata_missing", "Waiting for your", "Waiting for your"),
        ("answer_doubled", "It wasn't found in its own cell.", "Waiting for your"),
        ("answer_beside", "It wasn't found in its own cell.", "Waiting for your"),
        ("cut_short", "It wasn't found in its own cell.", "It wasn't found in its own cell."),
    ],
)
def test_an_answer_whose_cell_lost_its_id_waits_for_a_person(course, name, first, second):
    told = opens(course, name)
    for number, text in ((1, first), (3, second)):  # the second answer's cell came later, and has 3 points
        assert re.search(rf"Written answer {number}\b.{{,80}}: up to 2 points {text}", told)
    assert "Up to 7 more can come" in told
    assert "No response." not in text_of(course.feedback(name))


@pytest.mark.parametrize(
    ("name", "free"),
    [("metadata_missing", True), ("answer_doubled", False), ("answer_beside", False), ("untouched", False)],
)
def test_a_page_says_that_a_remark_cost_nothing_only_where_nothing_was_or_may_be_lost(course, name, free):
    assert ("It cost no points." in opens(course, name)) is free


@pytest.mark.parametrize("name", ["untouched", "blanks_open", "solution_deleted"])
def test_an_open_blank_or_a_missing_name_is_not_called_wrong(course, name):
    told = opens(course, name)
    # Other tests of this class give marks by hand.
    short = [part for part in course.verdict(name).parts if not part.points and f" {part.title}: 0 of" in told]
    assert short and all(f"– {part.title}: 0 of" in told for part in short)


def test_what_an_instructor_marked_and_wrote_is_said(course):
    told = opens(course, "one_blank_open")
    assert "(✓) The loss gradient: 1.5 of 3 points, partly right (your instructor's mark)" in told
    assert "Your instructor wrote to you." in told


@pytest.mark.parametrize("name", [name for name in STUDENTS if name != "checks_deleted"])
def test_every_link_of_the_summary_leads_somewhere_on_the_page(course, name):
    page = elements(course.feedback(name))
    places = {element.get(key) for element in page for key in ("name", "id")}
    [header] = [element for element in page if element.get("class") == "summary"]
    links = [element.get("href") for element in header.iter("a")]
    assert len(links) >= 9
    assert {link[1:] for link in links} <= places


def test_a_remark_leads_to_the_cell_it_names(course):
    page = elements(course.feedback("cell_never_ends"))
    [link] = [element for element in page if element.tag == "a" and (element.text or "").startswith("Cell ")]
    [cell] = [element for element in page if element.get("id") == link.get("href")[1:]]
    assert "while True : pass" in " ".join(" ".join(cell.itertext()).split())


def test_without_a_verdict_the_page_is_nbgraders_own(course):
    plain = "--CourseDirectory.feedback_directory=plain"
    own = "--GenerateFeedback.exporter_class=nbconvert.exporters.HTMLExporter"
    made = course.nbgrader("generate_feedback", ASSIGNMENT, "--student=checks_deleted", plain, own)
    assert made.returncode == 0, made.stderr
    path = Path("checks_deleted", ASSIGNMENT, f"{ASSIGNMENT}.html")
    ours, plain = ((course.root / folder / path).read_text() for folder in ("feedback", "plain"))
    headings, expected = (
        [element.text for element in elements(page) if element.tag in ("h1", "h2", "h3")] for page in (ours, plain)
    )
    assert headings == expected and len(headings) > 20
    assert 'class="summary"' not in ours


def test_a_class_gets_the_same_pages_at_once(course):
    """To the byte, whatever was handed in: nbgrader's own command made the others, one after the other."""
    before = {name: course.feedback(name) for name in STUDENTS}
    made = course.zerolayer("feedback", ASSIGNMENT, "--force")
    assert made.returncode == 0, made.stderr
    assert f"{len(STUDENTS)} of {len(STUDENTS)} feedback pages written" in made.stdout
    assert [name for name in STUDENTS if course.feedback(name) != before[name]] == []


def test_formgraders_button_makes_the_same_page(course, monkeypatch):
    monkeypatch.chdir(course.root)
    before = course.feedback("honest")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.CourseDirectory.root = str(course.root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    result = NbGraderAPI(config=config).generate_feedback(ASSIGNMENT, "honest")
    assert result["success"], result
    assert course.feedback("honest") == before


@pytest.mark.parametrize(("assignment", "notebook"), [("other", ASSIGNMENT), (ASSIGNMENT, "other")])
def test_another_assignment_or_notebook_has_no_summary(course, assignment, notebook):
    names = {"assignment": assignment, "notebook": notebook, "student": "honest"}
    resources = {"nbgrader": names, "metadata": {"path": str(course.notebook("honest").parent)}}
    assert "summary" not in WriteSummary().preprocess(nbformat.v4.new_notebook(), resources)[1]


def graded_as(part, **more):
    """A submission of this one part alone."""
    verdict = Verdict(ASSIGNMENT, ASSIGNMENT, "x", 1, (part,), **more)
    cells = {part.id: Mark(part.points, part.max_points)}
    marks = NotebookMarks(cells, {}, frozenset(), 0.0, part.max_points, {part.id: "softmax"})
    return Graded(verdict, nbformat.v4.new_notebook(), marks)


def with_answer(graded, mark, penalty=0.0):
    """The same with a written answer, and with what being late costs."""
    own = graded.gradebook
    marks = {"cells": {**own.cells, "explain": mark}, "code": {**own.code, "explain": ""}, "penalty": penalty}
    return replace(graded, gradebook=replace(own, **marks))


def test_a_wrong_answer_without_a_name_says_what_was_asked():
    part = part_of("check-cce")
    verdict = judge(ANSWER_KEY, part, 1, given_by(part, {"cce": lambda y, yhat: 0.123}))
    assert not verdict.points and not verdict.mistake
    told = text_of(summary(graded_as(verdict)))
    assert f"wrong: {part.statements[0].text} (0 of" in told and "The numbers differ from the right ones." in told
    assert all(f"Try: {statement.hint}" in told for statement in part.statements[:2]), "as its check says at the desk"


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        (
            "yhat.log() if 1 < 2 else 3",
            "<code>line 2: return yhat.log() if 1 &lt; 2 else 3</code>",
        ),
        ("log(yhat)", "Where: <code>line 2: return log(yhat)</code>. Found NameError"),
    ],
)
def test_a_line_of_code_that_a_reason_quotes_is_marked_as_code(body, quoted):
    part = part_of("check-cce")
    verdict = judge(ANSWER_KEY, part, 1, given_by(part, written(f"def cce(y, yhat):\n    return {body}")))
    above_all = summary(graded_as(verdict))
    assert quoted in above_all, "where all of a part failed alike"
    assert quoted in html(verdict), "below a statement"


def test_an_error_in_all_of_a_part_is_said_once_with_what_to_try():
    part = part_of("check-cce")
    code = {"cce": lambda y, yhat: yhat.log()}
    told = text_of(summary(graded_as(judge(ANSWER_KEY, part, 1, given_by(part, code)))))
    assert told.count("'numpy.ndarray' object has no attribute 'log'") == 1
    assert told.count("Try: ") == 1


def test_what_being_late_costs_is_told_apart_from_what_is_right():
    """The points first, then what they are made of: praise under 0 points would be a riddle."""
    part = judge(ANSWER_KEY, part_of("check-cce"), 1, given_by(part_of("check-cce"), {}))
    right = graded_as(part)
    late = replace(right, gradebook=replace(right.gradebook, penalty=part.points))
    told = text_of(summary(late))
    assert told.startswith(
        "0 of 2 points Your work earned 2 points. 2 points were taken off because it came in late. Everything is right."
    )
    assert "can change" not in told
    assert "taken off" not in text_of(summary(right))
    told = text_of(summary(with_answer(right, Mark(0, 3, waiting=True), penalty=1.0)))
    assert (
        "1 of 2 points so far Your work earned 2 points so far. 1 point was taken off because it came in late." in told
    )
    assert "Up to 3 more can come" in told and "What being late costs can change with that." in told


def test_points_from_before_it_was_graded_again_are_called_so():
    """A later try may have another answer than the one that a person has read."""
    part = judge(ANSWER_KEY, part_of("check-cce"), 1, given_by(part_of("check-cce"), {}))
    right = graded_as(part)
    for again in (False, True):
        told = text_of(summary(with_answer(right, Mark(1, 3, by_hand=True, again=again))))
        assert ("You got these points before your work was graded again." in told) is again


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("'(' was never closed", ""),
        ("invalid syntax", ""),
        (
            "invalid character '“' (U+201C)",
            "Line 3 has the character “ (left double quotation mark), as pasted text often",
        ),
        ("invalid non-printable character U+00A0", "Line 3 has a no-break space, as pasted text often does."),
    ],
)
def test_an_error_of_a_cell_is_said_once_and_leads_there(said, advice):
    why = f"The cell softmax ended in SyntaxError: {said} (line 3)."
    missing = {"Softmax": Failure("error", why)}
    undefined = {"": record(Failure("undefined", "Softmax is not defined."))}
    part = part_of("check-softmax-forward")
    answers = {statement.name: undefined for statement in part.statements}
    graded = graded_as(judge(ANSWER_KEY, part, 1, answers, missing=missing))
    error = nbformat.v4.new_output("error", ename="SyntaxError", evalue=f"{said} (123.py, line 3)")
    cell = nbformat.v4.new_code_cell(id="it", metadata={"nbgrader": {"grade_id": "softmax"}}, outputs=[error])
    graded.notebook.cells = [cell]
    page = summary(graded)
    assert text_of(page).count("SyntaxError") == 1 and why in text_of(page)
    assert '<a href="#cell-id=it">The cell softmax</a>' in page
    assert ("pasted text" in page) is bool(advice) and advice in text_of(page)


@pytest.mark.parametrize(("attribute", "is_taken"), [("train", True), ("trian", False)])
def test_a_variable_in_the_place_of_the_checks_is_said_to_be_one(attribute, is_taken):
    problem = f"The check gave no answer. AttributeError: 'float' object has no attribute '{attribute}'"
    page = text_of(summary(graded_as(judge(ANSWER_KEY, part_of("check-train"), 1, None, problem=problem))))
    assert problem in page
    assert ("check is now a variable or a function of your own. Give it another name" in page) is is_taken


def test_what_a_student_wrote_is_text():
    attack = '<script>alert(1)</script><img src=x onerror="alert(2)"> \u202e\x1b Cell 99'
    part = judge(ANSWER_KEY, part_of("check-softmax-forward"), 1, None, problem=attack)
    graded = graded_as(part, remarks=(attack, "The cell <b onclick=x> died"))
    cells = [nbformat.v4.new_markdown_cell(f"# {attack}")]
    error = nbformat.v4.new_output("error", ename=attack, evalue=attack, traceback=[])
    cells.append(nbformat.v4.new_code_cell(metadata={"nbgrader": {"grade_id": "softmax"}}, outputs=[error]))
    graded.notebook.cells = cells
    page = elements(summary(graded))
    tags = {"html", "head", "body", "header", "h1", "h2", "p", "section", "a", "span", "i", "code"}
    assert {element.tag for element in page} == tags
    assert {key for element in page for key in element.attrib} <= {"class", "href", "aria-hidden"}
    assert text_of(summary(graded)).count("<script>alert(1)</script>") == 5
    assert not re.search("[\u202e\x1b]", summary(graded))


CONTRAST = """selector => {
  const parsed = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => parsed(colour).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return parsed(colour)[3] === 0 ? behind(element.parentElement) : colour;
  };
  return Math.min(...[...document.querySelectorAll(selector)].map(element => {
    const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => a - b);
    return (pair[1] + 0.05) / (pair[0] + 0.05);
  }));
}"""
READ = ".summary *, .text_cell_render p, .text_cell_render code, .input_area pre, .output_html *"
READ += ", .nbgrader_cell .panel-heading *, .output_area pre *"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["honest", "common_mistake", "kernel_dies", "cell_never_ends"])
def test_a_page_reads_on_a_phone_in_both_themes(course, browser, name, theme):  # noqa: F811  # the fixture
    phone = browser.new_context(viewport={"width": 375, "height": 700}, is_mobile=True, color_scheme=theme)
    page = phone.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto((course.root / "feedback" / name / ASSIGNMENT / f"{ASSIGNMENT}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate("innerWidth") == 375
    assert page.locator(".summary h1").bounding_box()["y"] < 100
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.summary p')).fontSize)") >= 16
    assert page.evaluate(CONTRAST, READ) >= 4.5
    phone.close()


NAMES = {"notebook": "x", "score": 0, "max_score": 0, "late_penalty": 0}


def exporter() -> FeedbackPage:
    """Make what makes pages, with nbgrader's templates."""
    css = Path(handlers.static_path, "node_modules", "bootstrap", "dist", "css")
    return FeedbackPage(
        template_name="feedback",
        extra_template_basedirs=[handlers.template_path],
        extra_template_paths=[str(css)],
    )


@pytest.mark.parametrize("version", [3, 4])
def test_a_notebooks_file_is_read_in_any_format_and_whatever_it_is_to_a_validator(version):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Its heading")], metadata={"x": 1e999})
    written = json.loads(json.dumps(nbformat.convert(notebook, version)))
    written["own"] = "no notebook has this"
    page, _ = exporter().from_file(io.StringIO(json.dumps(written)), {"nbgrader": NAMES, "metadata": {}})
    assert "Its heading" in text_of(page)


def test_an_explorer_that_was_run_shows_its_still_picture(tmp_path):
    """A student who takes the tag off has it run in grading: the page has the picture, and nothing of the widget."""
    source = Path(student.__file__).read_text()
    show = "from lib.explorer import explore\nexplore(Dense, Softmax, cce, cce_gradient)"
    cells = [nbformat.v4.new_code_cell(code) for code in (source, show)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": ""}})
    resources = {"metadata": {"path": str(tmp_path)}}
    notebook, _ = Sanitize().preprocess(*BoundedExecute().preprocess(notebook, resources))
    page = exporter().from_notebook_node(notebook, resources={"nbgrader": NAMES})[0]
    pictures = [element.get("src") for element in elements(page) if element.tag == "img"]
    assert [source[:22] for source in pictures] == ["data:image/png;base64,"]
    assert "Learning rate 0.1, batch size 16." in text_of(page)
    assert "widget-view" not in page
