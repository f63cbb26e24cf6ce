"""Sanitizing: whatever a student writes is shown, and none of it runs; what is plainly meant stays."""

import base64
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.coursedir import CourseDirectory
from PIL import Image

from lib.checking.answers import MIME
from lib.grading.submissions.folders import Bounds, fill
from lib.grading.submissions.page_budget import (
    BUDGET,
    NO_PICTURE,
    NO_TEXT,
    TOO_SLOW,
    Budget,
    OutOfTimeError,
    interrupt_after,
)
from lib.grading.submissions.read import clean_cell
from lib.grading.pages.sanitize import BoundPage, Sanitize, clean_html, code, markdown, terminal
from lib.grading.names import TURNS
from tests.grading.active import active, elements, text_of
from tests.submissions import pages

NOTEBOOK = Path(__file__).parents[3] / "notebooks/softmax_classifier/softmax_classifier.ipynb"
CONTEXT = {"cell": {"attachments": {"a.png": {"image/png": "iVBORw0KGgo="}}}, "resources": {}}


def rendered(source):
    return markdown({**CONTEXT, "resources": {}}, source)


def is_formula(element):
    return str(element.tag).endswith("}math")


@pytest.mark.parametrize(
    ("source", "page"),
    [
        ("H<sub>2</sub>O is <b>wet</b><br>and <I>cold</I>", "H<sub>2</sub>O is <b>wet</b><br>and <i>cold</i>"),
        ("never <b>closed", "never <b>closed</b>"),
        ("<b onclick='a()'>x</b>", "&lt;b onclick=&#x27;a()&#x27;&gt;x"),
        ("a <script>alert(1)</script> b", "a &lt;script&gt;alert(1)&lt;/script&gt; b"),
        ("<ul>\n<li>one</li>\n</ul>", "<ul>\n<li>one</li>\n</ul>"),
        ("<div class='x'>\none\n</div>", "&lt;div class=&#x27;x&#x27;&gt;\none\n"),
    ],
)
def test_html_in_markdown_says_how_text_looks_or_is_shown_as_it_was_written(source, page):
    assert page in rendered(source)


SCRAPS = [
    *pages.HTML,
    *pages.MARKDOWN.split("\n\n"),
    "](",
    "![",
    "<",
    ">",
    '"',
    "'",
    "`",
    "$",
    "\\(",
    "\n\n",
    "\n",
    " ",
    "&",
]
SCRAPS += [
    "javascript:",
    "data:",
    "&#x6a;",
    "<!--",
    "-->",
    "<![CDATA[",
    "\0",
    "\ud83d",
    "onerror=",
    "</p>",
    "| a |\n|--|\n",
    "<b>",
    "</b>",
    "<table>",
    "<td>",
    "</div>",
    "<LI >",
]
SCRAPS += [
    "# ",
    "> ",
    "- ",
    "1. ",
    "* ",
    "_",
    "~~",
    "```",
    "---",
    "<svg>",
    "<style>",
    "</title>",
    "a",
    "b.c",
    "http://",
]
pieces = st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join)


@pytest.mark.parametrize("html", [html for html in pages.HTML if "class=" not in html])
def test_what_these_tests_look_for_they_find(html):
    assert active(html)


@given(pieces)
@settings(max_examples=400, deadline=None)
def test_no_markdown_becomes_active(source):
    assert active(rendered(source)) == []


@given(pieces)
@settings(max_examples=400, deadline=None)
def test_no_html_output_stays_active(source):
    assert active(clean_html(source)) == []


def test_html_outputs_keep_no_class_and_no_style():
    assert (
        clean_html("<div class='navbar-fixed-top' style='position: fixed' id='x'>over it all</div>")
        == "<div>over it all</div>"
    )


def test_a_style_of_an_output_is_not_shown_as_text():
    output = nbformat.v4.new_output(
        "display_data", {"text/html": "<STYLE scoped>\np > b { margin: 0 }\n</style ><p>1</p>"}
    )
    cell = nbformat.v4.new_code_cell("frame", outputs=[output])
    Sanitize().preprocess_cell(cell, {}, 0)
    assert cell.outputs[0].data["text/html"] == "<p>1</p>"


def test_a_tables_cell_goes_only_so_far():
    """A thousand cells of a thousand columns each are short as text, and gigabytes in a browser."""
    row = '<table><tbody><tr><td colspan="12" rowspan="99">x</td></tr></tbody></table>'
    assert clean_html(row) == row
    for far in ("100", "1000", "65534", " 100", "+1000", "1e3", "٩٩"):
        assert "span" not in clean_html(f'<table><tr><th rowspan="{far}">x</th><td colspan="{far}">x</td></tr></table>')


def test_plain_markdown_is_rendered():
    tags = {
        element.tag for element in elements(rendered(pages.PLAIN + "\n> quoted\n\n# A title\n\n```python\nx = 1\n```"))
    }
    assert {"strong", "em", "ul", "li", "table", "th", "td", "a", "code", "blockquote", "h1", "pre"} <= tags


def test_formulas_become_mathml_which_browsers_show_by_themselves():
    html = rendered(r"$a_1 < b$ and $$\frac{x}{y} [z]$$ and \begin{align}a &= b\end{align}")
    assert [element.get("display") for element in elements(html) if is_formula(element)] == [
        "inline",
        "block",
        "block",
    ]
    assert text_of(html) == "a1<b and xy[z] and a=b"
    assert "$" not in html and "\\" not in html


@pytest.mark.parametrize(("tex", "room"), [(r"\log 2", 1), (r"\log\hat y", 1), (r"\log(p)", 0), (r"\max_k z", 0)])
def test_a_function_stands_apart_from_what_it_is_of(tex, room):
    """Else log 2 reads as the logarithm to base 2."""
    assert len([element for element in elements(rendered(f"${tex}$")) if element.tag.endswith("mspace")]) == room


def test_every_formula_of_the_course_becomes_mathml():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    html = "".join(rendered(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    assert sum(map(is_formula, elements(html))) > 100
    assert not re.search(r"<math[^>]*>((?!</math>).)*\\\w|<code>\\", html)
    assert not re.search(r"\d(ex|em|pt)\b", text_of(html)), "room between rows is shown as text"


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{position:fixed}{x}",
        r"\class{navbar-fixed-top}{x}",
        r"\cssId{check-cce}{x}",
        "{" * 1500,
        r"\frac{1}{" * 150 + "1" + "}" * 150,
        "a_" * 900,
        r"\left(" * 300,
        "a+" * 9_000,
        r"\unknown{x}",
        "&lt;script&gt;",
    ],
)
def test_no_formula_becomes_active_and_all_are_shown(tex):
    html = rendered(f"${tex}$")
    assert active(html) == []
    assert text_of(html)


@pytest.mark.parametrize(
    "tex", [r"\raise{9em}{x}", r"\lower{9em}{x}", r"\smash{x}", r"\rlap{x}", r"\llap{x}", r"\moveleft{9em}{x}"]
)
def test_no_formula_is_drawn_over_what_stands_beside_it(tex):
    """A piece that takes up less room than it needs, or lies elsewhere, could hide a verdict or points."""
    html = rendered(f"${tex}$")
    assert "mpadded" not in html
    assert "x" in text_of(html)


SLOW = [
    "***a" * 5_000,
    "~~a" * 6_600,
    "\\begin{a}" * 2_000,
    "*_" * 10_000,
    "a*" * 10_000,
    "$a$" * 6_000,
    "|a|b|\n|-|-|\n" + "|c|d|\n" * 3_000,
]


def test_all_texts_of_a_notebook_share_one_budget_of_time():
    """Without it these take a minute and more; what is past the budget is shown as it was written, with a sentence."""
    context = {"cell": {}, "resources": {}}
    Budget.of(context["resources"]).seconds /= 5  # each second of it is one of a processor
    pages = [markdown(context, text) for text in SLOW * 4]
    assert TOO_SLOW in pages[-1]
    assert all(active(page) == [] for page in pages[-2:])
    assert Budget.of(context["resources"]).seconds <= 0
    assert "<strong>" in markdown({"cell": {}, "resources": {}}, "**the next notebook**")


def test_code_and_terminal_colours_share_it():
    spent = {"resources": {BUDGET: Budget(seconds=0)}}
    assert TOO_SLOW in code(spent, "a." * 9_000)
    assert TOO_SLOW in terminal(spent, "\x1b[31ma" * 2_000)
    plenty = {"resources": {}}
    assert 'class="' in code(plenty, "import numpy") and "ansi-red-fg" in terminal(plenty, "\x1b[31mred\x1b[0m")
    assert r"\x1b[31m" in terminal(plenty, "\x1b[31m" * 200_000)


@pytest.mark.parametrize("turn", ["\u202e", "\u2066", "&#8238;"])
def test_nothing_turns_the_reading_direction(turn):
    """A line of code may be another one than it looks. A language's own marks stay."""
    text = f"# {turn}a\u200db"
    shown = [markdown(CONTEXT, text), terminal(CONTEXT, text), code(CONTEXT, text), clean_html(text)]
    assert not any(TURNS.search(text_of(html)) for html in shown)
    assert all("a\u200db" in text_of(html) for html in shown)
    assert not TURNS.search(markdown(CONTEXT, "[" * 30_000 + text))
    cells = [nbformat.v4.new_raw_cell(text), nbformat.v4.new_raw_cell("<" * 30_000 + text)]
    for latex in (f"$\\text{{{text}}}$", text, "$" * 30_000 + text):
        cells.append(nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", {"text/latex": latex})]))
    Sanitize().preprocess(nbformat.v4.new_notebook(cells=cells), {})
    shown = [cell.outputs[0].data["text/html"] if cell.cell_type == "code" else cell.source for cell in cells]
    assert not any(TURNS.search(text_of(html)) for html in shown)


@pytest.mark.parametrize("tex", [r"\unicode{x202e}", r"\text{&#x202e;stniop 0}"])
def test_no_formula_turns_the_reading_direction(tex):
    assert not TURNS.search(text_of(rendered(f"${tex}$")))


@pytest.mark.parametrize(("seconds", "is_late"), [(5, False), (0, True)])
def test_raw_cells_and_formulas_that_code_puts_out_share_it(seconds, is_late):
    """They are cleaned before they are judged, while a whole class waits."""
    formula = nbformat.v4.new_output("display_data", {"text/latex": "$x$"})
    cells = [nbformat.v4.new_raw_cell("<b>a</b>"), nbformat.v4.new_code_cell(outputs=[formula])]
    Sanitize().preprocess(nbformat.v4.new_notebook(cells=cells), {BUDGET: Budget(seconds=seconds)})
    shown = cells[0].source, cells[1].outputs[0].data["text/html"]
    assert [TOO_SLOW in html for html in shown] == [is_late] * 2
    assert ["<b>" in shown[0], "<math" in shown[1]] == [not is_late] * 2


def test_what_is_interrupted_leaves_no_timer_behind():
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(OutOfTimeError), interrupt_after(0.01):
        re.match("(a|aa)+$", "a" * 60 + "b")
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is before


def test_where_nothing_can_interrupt_only_what_is_surely_quick_is_rendered():
    with ThreadPoolExecutor(1) as threads:
        short, long = threads.map(rendered, ["**a**", "***a" * 5_000])
    assert "<strong>" in short
    assert long.startswith("<pre>")


def test_a_picture_is_not_embedded_without_end():
    picture = "A" * 5_000_000
    context = {"cell": {"attachments": {"a.png": {"image/png": picture}}}, "resources": {}}
    page = markdown(context, "![a picture](attachment:a.png)\n\n" * 40)
    assert page.count(picture) == 4
    assert page.count(NO_PICTURE) == 36
    assert NO_PICTURE in markdown(context, "![a picture](attachment:a.png)")


def test_a_picture_counts_by_its_pixels():
    """Forty kilobytes that a browser would unpack to a gigabyte."""
    file = BytesIO()
    Image.new("1", (16_000, 16_000)).save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    assert len(picture) < 100_000
    context = {"cell": {"attachments": {"a.png": {"image/png": picture}}}, "resources": {}}
    assert NO_PICTURE in markdown(context, "![a picture](attachment:a.png)")
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", {"image/png": picture})])
    shown, _ = BoundPage().preprocess(nbformat.v4.new_notebook(cells=[cell]), {})
    assert shown.cells[0].outputs[0].data == {"text/plain": NO_PICTURE}


def test_a_picture_in_html_counts_like_any_other():
    file = BytesIO()
    Image.new("1", (4_000, 4_000)).save(file, "PNG")
    picture = f'<img src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    html = nbformat.v4.new_output("display_data", {"text/html": clean_html(picture)})
    raw = nbformat.v4.new_raw_cell(clean_html(picture))
    assert "base64" in html.data["text/html"]
    cells = [nbformat.v4.new_code_cell(outputs=[html, html, html]), raw]
    shown, _ = BoundPage().preprocess(nbformat.v4.new_notebook(cells=cells), {})
    assert [output.data.get("text/plain") for output in shown.cells[0].outputs] == [None, None, NO_PICTURE]
    assert shown.cells[1].source == NO_PICTURE


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.mark.parametrize("kind", ["image/svg+xml", "IMAGE/SVG+XML", "image/svg%2bxml", "image/x", "image/svg+xml;a=b"])
def test_a_drawing_written_into_an_address_is_dropped(kind):
    drawing = f"data:{kind};base64,{base64.b64encode(SVG).decode()}"
    assert "base64" not in clean_html(f'<img src="{drawing}">')
    assert "src=" not in rendered(f"![a]({drawing})")


def test_drawings_are_the_courses_alone(tmp_path):
    """A drawing of five kilobytes can take a browser gigabytes: a student's is neither attached nor laid beside."""
    drawing = {"image/svg+xml": base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()}
    cell = clean_cell({"cell_type": "markdown", "source": "", "attachments": {"a.svg": drawing}})
    assert cell.attachments == {"a.svg": {}}
    handed_in, own = tmp_path / "handed_in", tmp_path / "own.svg"
    handed_in.mkdir()
    for name in ("mine.svg", "MINE.SVG", "figure.svg", "data.csv"):
        (handed_in / name).write_text("a student's")
    own.write_text("the course's")
    fill(tmp_path / "made", handed_in, {"figure.svg": own}, CourseDirectory(), Bounds(size=10**6, files=10))
    assert {path.name: path.read_text() for path in (tmp_path / "made").iterdir()} == {
        "figure.svg": "the course's",
        "data.csv": "a student's",
    }


def test_a_picture_beside_the_notebook_counts_too(tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(30_000_000))
    context = {"cell": {}, "resources": {"metadata": {"path": str(tmp_path)}}}
    assert NO_PICTURE in markdown(context, "![a](a.png)")


def test_outputs_of_a_notebook_share_the_budget_too():
    picture = nbformat.v4.new_output("display_data", {"image/png": "A" * 4_000_000, "text/plain": "x"})
    words = nbformat.v4.new_output("stream", text="b" * 900_000)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[picture] * 9 + [words] * 9)])
    BoundPage().preprocess(notebook, {})
    said = [output.get("data", {}).get("text/plain") for output in notebook.cells[0].outputs]
    assert said == ["x"] * 5 + [NO_PICTURE] * 4 + [None] * 2 + [NO_TEXT] * 7


def test_pictures_are_embedded_and_a_missing_one_is_told(tmp_path):
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in rendered("![a](attachment:a.png)")
    assert text_of(rendered("![a graph](attachment:lost.png) ![]()")) == "a graph"


@pytest.mark.parametrize(
    "address", ["../secret.svg", "verdict.json", "folder", "", "/etc/passwd", "pipe\0", "pipe.png"]
)
def test_no_other_file_gets_into_a_page(tmp_path, address):
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    (home / "verdict.json").write_text("secret")
    (tmp_path / "secret.svg").write_text("secret")
    os.mkfifo(home / "pipe.png")
    page = markdown({"cell": {}, "resources": {"metadata": {"path": str(home)}}}, f"![a]({address})")
    assert "base64" not in page


def test_what_one_notebook_spends_on_html_is_not_missing_in_the_next():
    """One step serves a whole class."""
    step, kept = Sanitize(html_left=50), []
    for _ in range(2):
        outputs = [nbformat.v4.new_output("display_data", {"text/html": "<b>x</b>" * 5}) for _ in range(2)]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])
        step.preprocess(notebook, {})
        kept.append([list(output.data) for output in notebook.cells[0].outputs])
    assert kept == [[["text/html"], ["text/plain"]]] * 2


def test_an_output_keeps_what_can_be_shown_and_nothing_that_it_says_of_itself():
    data = {
        "text/plain": "1",
        "text/html": "<b>1</b><script>x</script>",
        "image/png": "iVBORw0KGgo=",
        "image/jpeg": '">x',
    }
    data |= {"application/javascript": "x", "image/svg+xml": "<svg/>", MIME: {"part": "a"}}
    output = nbformat.v4.new_output("display_data", data, metadata={"text/html": {"isolated": True}})
    for graded in (False, True):
        cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(output)])
        cell.metadata["nbgrader"] = {"grade": graded}
        Sanitize().preprocess_cell(cell, {}, 0)
        [kept] = cell.outputs
        assert set(kept.data) == {"text/plain", "text/html", "image/png", *([MIME] if graded else [])}
        assert kept.data["text/html"] == "<b>1</b>&lt;script&gt;x&lt;/script&gt;"
        assert kept.metadata == {}
