"""Markup: whatever a student writes is shown, and none of it runs; what is plainly meant stays.

`tests.grading.active` is the oracle: it reads a page by a browser's parsing rules, with another library.
"""

import base64
import os
import re
from html import unescape
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lib.checking.challenges import MIME
from lib.grading.safe_names import BIDI_CONTROLS
from lib.grading.submissions import safe_html
from lib.grading.submissions.safe_html import NO_PICTURE, NO_TEXT, Room, clean, clean_outputs, code
from tests.grading.active import active, elements, text_of
from tests.submissions import pages

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
ATTACHED = {"a.png": {"image/png": "iVBORw0KGgo="}}

ACTIVE = [
    *(html for html in pages.HTML if "class=" not in html),
    "<a href='java\tscript:alert(1)'>a</a>",
    "<a href=' &#1;javascript:alert(1)'>a</a>",
    "<a href=//evil>a</a>",
    "<a href=x.html name=check id=points target=_top>a</a>",
    "<img srcset='//evil 1x' src=//evil>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<svg><a xlink:href='javascript:alert(1)'><text>a</text></a></svg>",
    "<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
    "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi><maction actiontype=statusline#//evil>x</maction></math>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<template><img src=x onerror=alert(1)></template>",
    "<details open ontoggle=alert(1)><summary>a</summary></details>",
    "<button formaction='javascript:alert(1)'>a</button><textarea><select><dialog open>a",
    "<video src=//evil poster=//evil onerror=alert(1)><source src=//evil></video>",
    "<p style='background:url(//evil)'>a</p>",
]
"""Pieces that a browser would run, fetch, lay over the page, or take for a part of it."""
BROKEN = r"""
](  ![  >  "  '  `  $  $$  \(  &  javascript:  data:  &#x6a;  <!--  -->  <![CDATA[  onerror=  </p>  <b>  </b>  <table>
<  <td>  </div>  #  <math>  <mtext>  <mi>  </math>  <svg>  <style>  </title>  </style>  <noscript>  <p  a"  b.c  http://
-  1.  *  _  ~~  ```  ---
"""
NOSCRIPT = "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>"  # text where scripts run, and else none
SCRAPS = [*ACTIVE, NOSCRIPT, *pages.MARKDOWN.split("\n\n"), *BROKEN.split(), "\n\n", "\n", " ", "\0", "\ud83d"]
SCRAPS += ["| a |\n|--|\n", "$\\text{"]
pieces = st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join)


def rendered(source, room=None, folder=None):
    return safe_html.markdown(source, room or Room(), ATTACHED, folder)


def picture(width, mode="1"):
    """Make a picture of so many pixels each way, in base64."""
    file = BytesIO()
    Image.new(mode, (width, width)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def output(**data):
    return nbformat.v4.new_output("display_data", {kind.replace("_", "/"): value for kind, value in data.items()})


def cleaned(*cells):
    clean_outputs(cells)
    return cells


@pytest.mark.parametrize("html", ACTIVE)
def test_what_these_tests_look_for_they_find_and_none_of_it_is_left(html):
    assert active(html)
    for page in (rendered(html), rendered(f"a {html} b\n\n- {html}"), clean(html), code(html), rendered(f"$${html}$$")):
        assert active(page) == []


@given(pieces)
def test_no_mixture_becomes_active(source):
    page = rendered(source)
    classes = {name for element in elements(page) for name in element.get("class", "").split()}
    assert active(page) == [] and classes <= safe_html.CLASSES
    assert active(clean(source)) == []
    latex, raw = nbformat.v4.new_code_cell(outputs=[output(text_latex=source)]), nbformat.v4.new_raw_cell(source)
    cleaned(latex, raw)
    assert active(latex.outputs[0].data.get("text/html", "")) == [] and active(raw.source) == []


PAGES = {
    "H<sub>2</sub>O is <b>wet</b><br>and <I>cold</I>": "<p>H<sub>2</sub>O is <b>wet</b><br>and <i>cold</i></p>",
    "never <b>closed": "<p>never <b>closed</b></p><b>\n</b>",
    "<b onclick='a()' class='points'>x</b>": "<p><b>x</b></p>",
    "a <script>alert(1)</script> b": "<p>a  b</p>",
    "<ul>\n<li>one</li>\n</ul>": "<ul>\n<li>one</li>\n</ul>",
    "<div class='navbar-fixed-top' style='position: fixed' id='x'>over it all</div>": "<div>over it all</div>",
    "![a graph](attachment:lost.png) ![]()": "<p><em>a graph</em> <em></em></p>",
    "![a > b](https://example.org/seen.png)": "<p><em>a &gt; b</em></p>",
    "![](attachment:a.png)": '<p><img src="data:image/png;base64,iVBORw0KGgo=" alt=""></p>',
    "<STYLE scoped>\np > b { margin: 0 }\n</style ><p>1</p>": "<p>1</p>",
}


def test_html_in_markdown_says_how_text_looks_and_no_more():
    assert {source: rendered(source).strip() for source in PAGES} == PAGES


def test_plain_markdown_is_rendered():
    page = rendered(pages.PLAIN + "\n> quoted\n\n# A title\n\n```python\nx = 1\n```")
    tags = {element.tag for element in elements(page)}
    assert {"strong", "em", "ul", "li", "table", "th", "td", "a", "code", "blockquote", "h1", "pre"} <= tags
    assert '<span class="mi">1</span>' in page


# Formulas


def is_formula(element):
    return str(element.tag).endswith("}math")


def test_formulas_become_mathml_which_browsers_show_by_themselves():
    html = rendered("$a_1 < b$ and $$\\frac{x}{y} [z]$$ and\n\n\\begin{align}a &= b\\end{align}")
    shown = [element.get("display") for element in elements(html) if is_formula(element)]
    assert shown == ["inline", "block", "block"]
    assert text_of(html) == "a1<b and xy[z] and a=b"


def test_every_formula_of_the_course_becomes_mathml():
    cells = [cell for file in NOTEBOOKS.glob("*/*.ipynb") for cell in nbformat.read(file, as_version=4).cells]
    html = "".join(rendered(cell.source) for cell in cells if cell.cell_type == "markdown")
    assert sum(map(is_formula, elements(html))) > 100
    assert not re.search(r"<math[^>]*>((?!</math>).)*\\\w|<code>\\", html)
    assert not re.search(r"\d(ex|em|pt)\b", text_of(html)), "room between rows is shown as text"


FORMULAS = [
    *(r"\text{<script>alert(1)</script>}", r"\text{if x<y}", r"\href{javascript:alert(1)}{x}", r"\unicode{x202e}"),
    *(r"\style{position:fixed}{x}", r"\class{navbar-fixed-top}{x}", r"\cssId{check-cce}{x}", r"\unknown{x}"),
    *("&lt;script&gt;", "a+" * 9_000, "{" * 1500, r"\frac{1}{" * 150 + "1" + "}" * 150, "a_" * 900, r"\left(" * 300),
    r"\begin{matrix}" * 130,
]


@pytest.mark.parametrize("tex", FORMULAS, ids=lambda tex: tex[:20])
def test_no_formula_becomes_active_or_turns_the_reading_direction_and_all_are_shown(tex):
    html = rendered(f"${tex}$")
    assert active(html) == []
    assert text_of(html) and not BIDI_CONTROLS.search(text_of(html))


MOVED = r"\raise{9em} \lower{9em} \smash \rlap \llap \moveleft{9em} \hspace{-9em} \kern-9em"
WIDTH = "<math><mspace width='-9em'/><mi>x</mi></math>"


@pytest.mark.parametrize("source", [*(f"${tex}{{x}}$" for tex in MOVED.split()), WIDTH])
def test_no_formula_is_drawn_over_what_stands_beside_it(source):
    """A piece that takes up less room than it needs, or lies elsewhere, could hide a verdict or points."""
    html = rendered(source)
    assert "mpadded" not in html and "-9em" not in html
    assert "x" in text_of(html)


@pytest.mark.parametrize("turn", ["\u202e", "\u2066", "&#8238;"])
def test_nothing_turns_the_reading_direction(turn):
    """A line of code may be another one than it looks. A language's own marks stay."""
    text = f"# {turn}a\u200db"
    shown = [rendered(text), code(text), clean(text), rendered("[" * 30_000 + text)]
    latex = [f"$\\text{{{text}}}$", text]
    cells = cleaned(nbformat.v4.new_raw_cell(text), nbformat.v4.new_raw_cell("<" * 30_000 + text))
    shown += [cell.source for cell in cells]
    for cell in cleaned(*(nbformat.v4.new_code_cell(outputs=[output(text_latex=each)]) for each in latex)):
        shown.append(cell.outputs[0].data["text/html"])
    assert not any(BIDI_CONTROLS.search(text_of(html)) for html in shown)
    assert all("a\u200db" in text_of(html) for html in shown)


# How much of it


LONG = r"***a ~~a \begin{a} *_ $a$ ![ [a]( ``a` <!-- <div>"
"""With these other renderers take time in the square of a text's length, or more."""


@pytest.mark.parametrize("scrap", [*LONG.split(), "<b x=", "> ", "|a|b|\n|-|-|\n"])
def test_what_is_long_is_shown_as_it_was_written_and_a_page_has_room_for_so_much(scrap):
    longest, room = scrap * (safe_html.LONGEST // len(scrap)), Room(formatted=2 * safe_html.LONGEST + 20, text=50_000)
    shown = [rendered(text, room) for text in (longest, longest + "a" * 20, longest, longest, longest, longest)]
    assert [page.startswith("<pre>") for page in shown] == [False, True, False, True, False, False]
    assert [NO_TEXT in page for page in shown] == [False] * 4 + [True] * 2
    assert active("".join(shown)) == []
    assert unescape(shown[1]) == f"<pre>{longest}{'a' * 20}</pre>"


def test_a_picture_counts_by_its_pixels():
    """Forty kilobytes that a browser would unpack to a gigabyte. It counts by its bytes, too."""
    page = safe_html.markdown("![a picture](attachment:a.png)\n\n" * 3, Room(pictures=24), ATTACHED)
    assert (page.count("base64"), page.count("<em>a picture</em>")) == (2, 1)
    data = picture(16_000)
    assert len(data) < 100_000
    assert "base64" not in safe_html.markdown("![a](attachment:a.png)", Room(), {"a.png": {"image/png": data}})
    room, fits = Room(), picture(4_000)
    shown = [safe_html.picture("image/png", each, room) for each in (data, fits, fits, fits)]
    assert [NO_PICTURE in html for html in shown] == [True, False, False, True]


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.mark.parametrize("kind", ["image/svg+xml", "IMAGE/SVG+XML", "image/svg%2bxml", "image/x", "image/svg+xml;a=b"])
def test_a_drawing_written_into_an_address_is_dropped(kind):
    drawing = f"data:{kind};base64,{base64.b64encode(SVG).decode()}"
    assert "base64" not in clean(f'<img src="{drawing}">')
    assert "src=" not in rendered(f"![a]({drawing})")
    assert "src=" not in safe_html.picture(kind, base64.b64encode(SVG).decode(), Room())


def test_no_other_file_gets_into_a_page(tmp_path):
    """A picture beside the notebook does, where there is room."""
    (home := tmp_path / "home").mkdir()
    for name in ("a.png", "verdict.json", "../secret.svg"):
        (home / name).write_bytes(bytes(30_000))
    os.mkfifo(home / "pipe.png")
    assert "data:image/png;base64,AAAA" in rendered("![a](./in/../a.png)", folder=home)
    assert "base64" not in rendered("![a](a.png)", Room(pictures=20_000), home)
    for address in ("../secret.svg", "verdict.json", "", "pipe.png", "pipe\0"):
        assert "base64" not in rendered(f"![a]({address})", folder=home)


def test_an_output_keeps_what_can_be_shown_and_nothing_that_it_says_of_itself():
    data = {"text/plain": "1", "text/html": "<b>1</b><script>x</script>", "application/javascript": "x"}
    data |= {"image/png": "iVBORw0KGgo=", "image/jpeg": '">x', "image/svg+xml": "<svg/>", MIME: {"part": "a"}}
    said = nbformat.v4.new_output("display_data", data, metadata={"text/html": {"isolated": True}})
    kept = {"text/plain": "1", "text/html": "<b>1</b>", "image/png": "iVBORw0KGgo="}
    for graded, more in ((False, {}), (True, {MIME: {"part": "a"}})):
        cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(said)])
        cell.metadata["nbgrader"] = {"grade": graded}
        [[shown]] = [each.outputs for each in cleaned(cell)]
        assert (shown.data, shown.metadata) == ({**kept, **more}, {})
    [cell] = cleaned(nbformat.v4.new_code_cell(outputs=[output(application_javascript="x")]))
    assert "not shown" in cell.outputs[0].data["text/plain"]
