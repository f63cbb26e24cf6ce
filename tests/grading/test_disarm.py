"""Disarming: whatever a student writes is shown, and none of it runs; what is plainly meant stays."""

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.checking.answers import MIME
from lib.grading.submissions.sanitize import Disarm, cleaned, markdown
from tests.grading.pages import active, elements, text_of
from tests.submissions import pages

CONTEXT = {"cell": {"attachments": {"a.png": {"image/png": "iVBORw0KGgo="}}}, "resources": {}}


def rendered(source):
    return markdown(CONTEXT, source)


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
    assert active(cleaned(source)) == []


def test_html_outputs_keep_no_class_and_no_style():
    assert (
        cleaned("<div class='navbar-fixed-top' style='position: fixed' id='x'>over it all</div>")
        == "<div>over it all</div>"
    )


def test_plain_markdown_is_rendered():
    tags = {
        element.tag for element in elements(rendered(pages.PLAIN + "\n> quoted\n\n# A title\n\n```python\nx = 1\n```"))
    }
    assert {"strong", "em", "ul", "li", "table", "th", "td", "a", "code", "blockquote", "h1", "pre"} <= tags


def test_formulas_reach_mathjax_as_they_were_written():
    source = r"$a_1 < b$ and $$\frac{x}{y} [z]$$ and \begin{align}a &= b\end{align}"
    assert text_of(rendered(source)) == source


def test_pictures_are_embedded_and_a_missing_one_is_told(tmp_path):
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in rendered("![a](attachment:a.png)")
    assert text_of(rendered("![a graph](attachment:lost.png) ![]()")) == "a graph"


@pytest.mark.parametrize("address", ["../secret.svg", "verdict.json", "folder", "", "/etc/passwd", "pipe\0"])
def test_no_other_file_gets_into_a_page(tmp_path, address):
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    (home / "verdict.json").write_text("secret")
    (tmp_path / "secret.svg").write_text("secret")
    page = markdown({"cell": {}, "resources": {"metadata": {"path": str(home)}}}, f"![a]({address})")
    assert "base64" not in page


def test_what_one_notebook_spends_on_html_is_not_missing_in_the_next():
    """One step serves a whole class."""
    step, kept = Disarm(html_left=50), []
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
        Disarm().preprocess_cell(cell, {}, 0)
        [kept] = cell.outputs
        assert set(kept.data) == {"text/plain", "text/html", "image/png", *([MIME] if graded else [])}
        assert kept.data["text/html"] == "<b>1</b>&lt;script&gt;x&lt;/script&gt;"
        assert kept.metadata == {}
