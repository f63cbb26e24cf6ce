"""Feedback pages: points first, then for each part what was right, the mistake, the hint and where to look.

What a page says is approved as a whole (`approved/feedback.txt`), of a small unit; the class is the hostile corpus.
"""

import os
import re
import shutil
from datetime import datetime
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import PyFileConfigLoader

from lib.authoring.make_fingerprints import build
from lib.checking.challenges import SECRET, write_record
from lib.checking.student_code import Failure
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.gradebook.marks import Mark, NotebookMarks
from lib.grading.judge import judge as module
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import Verdict
from lib.grading.pages.feedback_maker import Page, render
from lib.grading.remarks import Remark
from tests.course import ASSIGNMENT
from tests.grading.active import active, elements, text_of
from tests.grading.conftest import Course
from tests.grading.judge.test_judge import given_by
from tests.grading.relu_unit import ANSWER_KEY, ReLU
from tests.variants import written

pytestmark = pytest.mark.xdist_group("a graded class")

RELU, LOSS = ANSWER_KEY.parts
SUMMARY_ENDS = "Your notebook, as it was graded"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def on(part, code):
    """The verdict on a part of the small unit."""
    with pytest.MonkeyPatch.context() as patch:  # the small unit has no folder: what would ship with it is built
        patch.setattr(module, "shipped", lambda key: build(key))
        return judge(ANSWER_KEY, part, 1, given_by(part, code, key=ANSWER_KEY))


def without(part, kind, text, **more):
    """The verdict on a part that came to nothing."""
    return judge(ANSWER_KEY, part, 1, {SECRET: {"": write_record(Failure(kind, text))}}, **more)


def unchecked(part, why):
    """The verdict on a part whose check gave no answer."""
    return judge(ANSWER_KEY, part, 1, None, problem=f"The check gave no answer. {why}")


class Open(ReLU):
    def backward(self, output_gradient):
        return output_gradient


RIGHT = on(RELU, {}), on(LOSS, {})
UNRUN = "Cell 3 ran longer than 6 seconds and was stopped."
BLANK = "The blank on line 6 is still open: the output."
NO_METHOD = "'float' object has no attribute"
REFUSED = "invalid character '“' (U+201C) (7.py, line 3)"
DEFECT = "The cell mse ended in SyntaxError: invalid character '“' (U+201C) (line 3)."


def notebook(*outputs, checked=()):
    """A notebook of the small unit, in which the cell of a function has put these out, and a check others."""
    cell, markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    named = {name: {"nbgrader": {"grade_id": name}} for name in ("relu", "mse", "check-relu", "check-mse", "explain")}
    cells = [
        markdown("# The rectifier\n\nIt is $\\max(x, 0)$.", id="h"),
        cell("class ReLU: ...", metadata=named["relu"], id="relu"),
        cell("def mse(y, yhat): ...", metadata=named["mse"], id="mse", outputs=[*outputs]),
        cell("check.relu(ReLU)", metadata=named["check-relu"], id="c1", outputs=[*checked]),
        cell("check.mse(mse)", metadata=named["check-mse"], id="c2"),
        markdown("Because *so*.", metadata=named["explain"], id="w"),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def page_on(*parts, explain=None, penalty=0.0, comments=None, shown=None, by_hand=None, **more):
    """A page on these parts, with a written answer if there is a mark for it."""
    marks = {part.id: Mark(part.points, part.max_points) for part in parts} | (by_hand or {})
    marks |= {"explain": explain} if explain else {}
    comments = {"relu": None, "mse": None, "explain": None, **(comments or {})}
    code = {"relu": "relu", "mse": "mse", "check-relu": "relu", "check-mse": "mse", "explain": "explain"}
    book = NotebookMarks(marks, comments, frozenset(k for k, v in comments.items() if v), penalty, code)
    return Page(Verdict("relu", "relu", "ada", 1, parts, **more), shown or notebook(), book)


def output(**data):
    return nbformat.v4.new_output("display_data", {key.replace("_", "/"): value for key, value in data.items()})


SAID = {
    "all is right, a person has read the answer, and a remark cost nothing": page_on(
        *RIGHT,
        explain=Mark(3, 3, by_hand=True),
        remarks=(Remark("relu.ipynb was missing; a.ipynb was graded in its place."),),
    ),
    "late, and an answer waits": page_on(*RIGHT, explain=Mark(0, 3, waiting=True), penalty=1.0),
    "late by all there is": page_on(*RIGHT, penalty=9.0),
    "one mistake has a name, and the other part fails at a line": page_on(
        on(RELU, {"ReLU": Open}),
        on(LOSS, written("def mse(y, yhat):\n    return y.log() if 1 < 2 else 3")),
        explain=Mark(0, 3),
    ),
    "a wrong answer that is no known mistake": page_on(RIGHT[0], on(LOSS, {"mse": lambda y, yhat: 0.123})),
    "a blank is open": page_on(without(RELU, "blank", BLANK), without(LOSS, "blank", BLANK), explain=Mark(0, 3)),
    "what is not defined, and a cell that ended in an error": page_on(
        without(RELU, "undefined", "ReLU is not defined."),
        without(LOSS, "undefined", "mse is not defined.", missing={"mse": Failure("error", DEFECT)}),
        shown=notebook(
            nbformat.v4.new_output("error", ename="SyntaxError", evalue="invalid character '“' (U+201C) (7.py, line 3)")
        ),
    ),
    "nothing ran": page_on(unchecked(RELU, UNRUN), unchecked(LOSS, UNRUN), remarks=(Remark(UNRUN, 3),)),
    "check is another thing": page_on(
        unchecked(RELU, f"AttributeError: {NO_METHOD} 'relu'"),
        shown=notebook(checked=[nbformat.v4.new_output("error", ename="AttributeError", evalue=f"{NO_METHOD} 'relu'")]),
    ),
    "a person marked, wrote, and was overtaken by another grading": page_on(
        on(RELU, {"ReLU": Open}),
        RIGHT[1],
        by_hand={"check-relu": Mark(2.5, 3, by_hand=True)},
        comments={"relu": "So close!", "explain": "Nearly."},
        explain=Mark(1, 3, by_hand=True, again=True),
    ),
    "an answer was lost": page_on(
        *RIGHT,
        explain=Mark(0, 3, waiting=True),
        waits={"explain": "not found"},
    ),
    "no verdict, and all that a cell may put out": page_on(
        explain=Mark(2, 3),
        shown=notebook(
            nbformat.v4.new_output("stream", text="\repoch 1\repoch 2\nprinted \x1b[31mred\x1b[0m"),
            nbformat.v4.new_output("error", ename="E", evalue="why", traceback=["Traceback", "E: why"]),
            output(text_plain="plain", text_html="<table><tr><td>in a table</td></tr></table>"),
            output(text_plain="plain", text_markdown="*emphasised*"),
            output(text_plain="a figure", image_png=PICTURE),
        ),
    ),
}


def lines_of(html):
    """Return what a reader sees, block by block; pictures as such, and code in backticks."""
    body = re.sub("</?code>", "`", html.partition("<body>")[2]).replace("<img", "[picture]<img")
    apart = re.sub(r"(?=<(p|h1|h2|h3|li|section|div|br|pre|td)\b)", "\n", body)
    return [" ".join(line.split()) for line in "".join(elements(apart)[0].itertext()).splitlines() if line.strip()]


def test_what_pages_say_and_every_link_leads_somewhere_on_its_page(tmp_path):
    """The text is held against the one that a person has approved; with APPROVE=1 this one is taken for it.

    The notebook is shown below those that say something there.
    """
    told = []
    for name, page in SAID.items():
        html = render(page, tmp_path)
        lines = lines_of(html)
        summary = lines[: lines.index(SUMMARY_ENDS)] if SUMMARY_ENDS in lines and page.lost_nothing else lines
        told.append("\n".join([f"## {name}", "", *summary]))
        places = [element.get("id") for element in elements(html) if element.get("id")]
        assert len(places) == len(set(places)), name
        assert {element.get("href")[1:] for element in elements(html) if element.tag == "a"} <= set(places), name
    text, path = "\n\n".join(told) + "\n", Path(__file__).with_name("approved") / "feedback.txt"
    if os.environ.get("APPROVE"):
        path.write_text(text, encoding="utf-8")
    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines(), f"read {path}, and give APPROVE=1"


def test_what_a_student_wrote_is_text(tmp_path):
    attack = '<script>alert(1)</script><img src=x onerror="alert(2)"> \u202e\x1b Cell 99'
    error = nbformat.v4.new_output("error", ename=attack, evalue=attack, traceback=[])
    parts = judge(ANSWER_KEY, RELU, 1, None, problem=attack), without(LOSS, "error", attack)
    remarks = Remark(attack), Remark("The cell <b onclick=x> died", 99)
    page = page_on(*parts, remarks=remarks, comments={"relu": attack},
                   shown=notebook(error, output(text_html=attack), output(text_markdown=attack)))  # fmt: skip
    page.notebook.cells[0].source = f"# {attack}"
    shown = render(page, tmp_path)
    body = shown.partition("<body>")[2]
    own = [found for found in active(body) if found[1] not in ("id", "style")]  # which are the page's
    assert own == [] and "\u202e" not in shown and "\x1b" not in body.partition(SUMMARY_ENDS)[0]
    assert text_of(shown).count("<script>alert(1)</script>") >= 6


STUDENTS = ["honest", "common_mistake", "cell_never_ends", "kernel_dies", "hundred_megabytes_of_lines", "another_name"]
STUDENTS += ["folder_for_a_page", "reversed_order", "metadata_missing", "answer_doubled", "answer_beside"]


@pytest.fixture(scope="module")
def course(graded, tmp_path_factory) -> Course:
    """Some of the graded class in a course of their own, one of them late and marked by hand; nbgrader's own pages."""
    course = Course(tmp_path_factory.mktemp("feedback") / "course")
    shutil.copytree(graded.root, course.root, ignore=shutil.ignore_patterns("submitted", "autograded", "feedback"))
    for name in STUDENTS:
        shutil.copytree(graded.root / "autograded" / name, course.root / "autograded" / name)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("explain-gradient", ASSIGNMENT, ASSIGNMENT, "reversed_order")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-03-01 12:00:00 UTC")
        late = gradebook.find_submission(ASSIGNMENT, "reversed_order")
        late.timestamp, late.notebooks[0].late_submission_penalty = datetime(2026, 3, 2), 3
        gradebook.db.commit()
    made = course.nbgrader("generate_feedback", ASSIGNMENT)
    assert made.returncode == 0, made.stderr
    return course


def test_a_remark_leads_to_the_cell_it_names(course):
    page = elements(course.feedback("cell_never_ends"))
    [link] = [element for element in page if element.tag == "a" and element.text == "See the cell."]
    [cell] = [element for element in page if element.get("id") == link.get("href")[1:]]
    assert "while True :" in " ".join(" ".join(cell.itertext()).split())


def test_three_commands_make_the_same_pages(course, monkeypatch):
    """To the byte: nbgrader's own, which made those that are there, ours, and formgrader's button."""
    before = {name: course.feedback(name) for name in STUDENTS}
    late = "17.5 of 22 points so far Your work earned 20.5 points so far. 3 points were taken off"
    assert late in " ".join(lines_of(before["reversed_order"]))
    assert not [page for page in before.values() if "0 of 0" in page], "a prediction has no points"
    assert not [page for page in before.values() if "No response." in page], "a guess is no answer to mark"
    made = course.zerolayer("feedback", ASSIGNMENT)
    assert (made.returncode, made.stderr) == (0, "")
    assert f"{len(STUDENTS)} of {len(STUDENTS)} feedback pages written" in made.stdout
    (course.root / "feedback" / "honest" / ASSIGNMENT / f"{ASSIGNMENT}.html").unlink()
    monkeypatch.chdir(course.root)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.CourseDirectory.root = str(course.root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    result = NbGraderAPI(config=config).generate_feedback(ASSIGNMENT, "honest")
    assert result["success"], result
    assert {name: course.feedback(name) for name in STUDENTS} == before


def test_a_notebook_that_is_opened_in_jupyterlab_has_no_state_of_widgets(graded):
    """A widget's state may hold a script, which runs without trust; the report links to these notebooks' folder."""
    found = [nbformat.read(path, as_version=4).metadata for path in graded.root.glob("autograded/*/*/*.ipynb")]
    assert len(found) >= 89 and {key for metadata in found for key in metadata} == {"kernelspec"}


COLOURS = """selector => {
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : colour;
  };
  return [...document.querySelectorAll(selector)].map(each => [getComputedStyle(each).color, behind(each)]);
}"""
READ = ".summary *, .text > *, .text code, .highlight pre :not(.w), .output *, .part *"


def light(colour):
    """Return a colour's luminance, as WCAG defines it."""
    parts = np.array(re.findall(r"[\d.]+", colour)[:3], float) / 255
    return [0.2126, 0.7152, 0.0722] @ np.where(parts <= 0.04, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


@pytest.fixture(scope="module")
def pages(small_class, tmp_path_factory):
    """Pages of a mistake, of open blanks, and of a file that is no notebook."""
    course = small_class.copy(tmp_path_factory.mktemp("phone"), "feedback")
    assert course.runs_here(FeedbackApp, ASSIGNMENT).returncode == 0
    return course


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_reads_on_a_phone_in_both_themes(pages, browser, theme):
    phone = browser.new_context(viewport={"width": 375, "height": 700}, is_mobile=True, color_scheme=theme)
    page = phone.new_page()
    for name in ("emil", "jomo", "lars"):
        page.goto((pages.root / "feedback" / name / ASSIGNMENT / f"{ASSIGNMENT}.html").as_uri())
        assert page.locator(".summary h1").bounding_box()["y"] < 100
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.summary p')).fontSize)") >= 16
        for pair in page.evaluate(COLOURS, READ):
            dark, bright = sorted(map(light, pair))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (name, pair)
    phone.close()
