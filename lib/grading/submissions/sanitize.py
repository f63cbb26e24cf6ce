"""Sanitizing what a student wrote: pages that an instructor opens show it, and run none of it.

There is one list of what HTML may say, and all that comes from a student passes through it: outputs after a run, and
Markdown each time it is rendered. HTML inside Markdown is shown as text. What is too long to be read by a person is
shown plainly, for cleaning HTML takes time that grows with the square of its length; and all of a page has one budget.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from html import escape, unescape
from pathlib import Path
from secrets import token_hex
from typing import Any

import bleach  # type: ignore[import-untyped]  # it ships no types
from bleach.css_sanitizer import CSSSanitizer  # type: ignore[import-untyped]  # part of bleach
from jinja2 import pass_context
from jinja2.runtime import Context
from mistune.plugins import import_plugin
from nbconvert.filters import Highlight2HTML, ansi2html
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Bool, Integer

from lib.checking.answers import MIME
from lib.grading.safe_files import file_below
from lib.grading.submissions import page_budget
from lib.grading.submissions.maths import mathml
from lib.grading.submissions.page_budget import NO_PICTURE, TOO_SLOW, Budget, OutOfTimeError
from lib.grading.submissions.read import is_base64
from lib.grading.submissions.state import submission_state
from lib.grading.untrusted_names import escape_turns, visible

LONGEST_FORMATTED = 20_000
"""Characters of one cell or output that are rendered as such."""
SURELY_QUICK = 1_000
"""The same where nothing can interrupt a renderer that takes too long."""
_TAGS = """
    a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li mark ol p pre s small span
    strong sub sup table tbody td tfoot th thead tr u ul"""
TAGS = frozenset(_TAGS.split())
BARE_TAG = re.compile(rf"(</?(?:{'|'.join(_TAGS.split())})\s*/?>)", re.IGNORECASE)
"""One of these without an attribute. In Markdown a tag with attributes is shown as it was written."""
EMBEDDED = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")
"""A picture of pixels within a page."""
STYLES = re.compile(r"<style\b[^<>]*>[^<]*</style\s*>", re.IGNORECASE)
"""What says how a page looks, as at the head of a table of pandas: a browser shows none of it."""
NUMBERED = re.compile(r"&#(?:[0-9]+|[xX][0-9A-Fa-f]+);?")
"""A letter that is written as its number in HTML."""
SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")
PLUGINS = [import_plugin(name) for name in MarkdownWithMath.DEFAULT_PLUGINS if name != "task_lists"]
"""Task lists are form fields."""
HIGHLIGHT = Highlight2HTML()
CSS = CSSSanitizer(allowed_css_properties=["text-align"])


class NoRoomError(Exception):
    """A picture that would be more than a page may have."""


class Sanitize(NbGraderPreprocessor):
    """Keep text, tables and pictures of a cell's outputs; drop all that might run, and what an output says of itself.

    A graded cell keeps its answers too: numbers for the judge, which replaces them.
    """

    html_left = Integer(200_000, help="Characters of HTML outputs that are kept of one notebook.").tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Called for each cell of a notebook that has been run; Markdown is left to `markdown`, which renders it."""
        # What an output says of itself (metadata, other types) may tell a page to run or fetch something.
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "data" in output:
                    output.metadata = NotebookNode()
                    output.data = NotebookNode(self._sanitized(output.data, resources, is_grade(cell)))
        elif cell.cell_type == "raw":
            source = escape_turns(cell.source)
            cell.source = _in_time(Budget.of(resources), source, lambda: clean_html(source), escape(source))
        return cell, resources

    def _sanitized(self, data: dict[str, Any], resources: dict[str, Any], graded: bool) -> dict[str, Any]:
        kept = {kind: value for kind, value in data.items() if kind in SHOWN or (graded and kind == MIME)}
        for picture in {"image/png", "image/jpeg"} & kept.keys():
            if not is_base64(kept[picture]):
                del kept[picture]
        if "text/html" in kept:
            html, state = kept.pop("text/html"), submission_state(resources)
            left = self.html_left if state.html_left is None else state.html_left
            if len(html) <= min(LONGEST_FORMATTED, left):
                state.html_left = left - len(html)
                with suppress(OutOfTimeError), Budget.of(resources).timed():
                    kept["text/html"] = clean_html(STYLES.sub("", html))
        elif "text/latex" in kept:
            latex = escape_turns(kept["text/latex"])
            plainly = f"<pre>{escape(latex)}</pre>"
            kept["text/html"] = _in_time(Budget.of(resources), latex, lambda: _formulas(latex), plainly)
        kept.pop("text/latex", None)
        return kept or {"text/plain": "An output that is not shown here."}


class BoundPage(Preprocessor):
    """Keep what a page shows of a notebook's outputs within the budget; feedback and formgrader apply it."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbconvert before it makes a page."""
        budget = Budget.of(resources)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_within_budget(output, budget) for output in cell.outputs]
            elif cell.cell_type == "raw" and not _has_room(EMBEDDED.findall(cell.source), budget):
                cell.source = NO_PICTURE
        return nb, resources


def _within_budget(output: NotebookNode, budget: Budget) -> NotebookNode:
    """Give an output as it is, or the sentence that stands for it."""
    data = output.get("data", {})
    pictures = [value for kind, value in data.items() if kind.startswith("image/")]
    pictures += EMBEDDED.findall(data.get("text/html", ""))
    texts = [value for kind, value in data.items() if not kind.startswith("image/")]
    texts += [output.get("text", ""), *output.get("traceback", ())]
    if not _has_room(pictures, budget):
        said = NO_PICTURE
    elif not budget.take(sum(len(text) for text in texts if isinstance(text, str))):
        said = page_budget.NO_TEXT
    else:
        return output
    return NotebookNode(output_type="display_data", metadata=NotebookNode(), data=NotebookNode({"text/plain": said}))


def _has_room(pictures: list[str], budget: Budget) -> bool:
    """Count pictures, in base64 or as addresses that hold them; tell whether there is room for all."""
    pixels = sum(page_budget.pixels_of(picture.rpartition(",")[2]) for picture in pictures)
    return budget.take(pictures=sum(map(len, pictures)), pixels=pixels)


@pass_context
def markdown(context: Context, source: str) -> str:
    """Render Markdown as nbconvert does, with pictures embedded and nothing active in it; nbconvert's `markdown2html`.

    Formulas become MathML. What can't be rendered, or not within the notebook's budget, is shown as it was written.
    """
    budget, source = Budget.of(context.get("resources", {})), escape_turns(source)
    plainly = f"<pre>{escape(source)}</pre>"
    renderer = _Renderer(
        budget,
        escape=True,
        attachments=context.get("cell", {}).get("attachments", {}),
        embed_images=True,
        exclude_anchor_links=True,  # a heading's id might be that of one of the page's own fields
        path=context.get("resources", {}).get("metadata", {}).get("path", ""),
    )

    def rendered() -> str:
        html = MarkdownWithMath(renderer=renderer, plugins=PLUGINS).render(source)
        return renderer.filled(clean_html(html, renderer.mark))

    try:
        html = _in_time(budget, source, rendered, plainly)
    except Exception:  # nesting may be too deep for the renderer, and text made to break it will find a way
        html = plainly
    if not budget.take(len(html) - renderer.embedded):
        html = f"<p>{TOO_SLOW}</p>{plainly}"
    return html.replace("[", "&#91;")  # nbconvert goes on to look for links, and takes for ever where none is closed


@pass_context
def code(context: Context, source: str, metadata: NotebookNode | None = None) -> str:
    """Colour code as nbconvert does, within the budget; nbconvert's `highlight_code`."""
    source = escape_turns(source)
    plainly = f'<div class="highlight"><pre>{escape(source)}</pre></div>'
    return _formatted(context, source, lambda: HIGHLIGHT(source, metadata=metadata), plainly)


@pass_context
def terminal(context: Context, text: str) -> str:
    """Write a terminal's text with its colours, within the budget; nbconvert's `ansi2html`."""
    text = escape_turns(text)
    if "\x1b" not in text:
        return escape(text)
    return _formatted(context, text, lambda: ansi2html(text), escape(visible(text, keep="\n\t")))


def _formatted(context: Context, source: str, make: Callable[[], str], plainly: str) -> str:
    """Make HTML of a student's text within the notebook's budget; else show it `plainly`."""
    budget = Budget.of(context.get("resources", {}))
    html = _in_time(budget, source, make, plainly)
    return html if budget.take(len(html)) else plainly


def _in_time(budget: Budget, source: str, make: Callable[[], str], plainly: str) -> str:
    """Make HTML of a student's text in what is left of the time; else show it `plainly`, and say why."""
    if len(source) > (LONGEST_FORMATTED if page_budget.can_interrupt() else SURELY_QUICK):
        return plainly
    try:
        with budget.timed():
            return str(make())
    except OutOfTimeError:
        return f"<p>{TOO_SLOW}</p>{plainly}"


def clean_html(html: str, mark: str = "") -> str:
    """Return HTML in which only `TAGS` are left as such, without a style, a name, or a class.

    With `mark`, the HTML is a renderer's: classes stay, and so do pictures whose data it has replaced by its mark.
    """
    attributes = {
        "*": ["class"] if mark else [],
        "a": lambda tag, name, value: name == "title" or (name == "href" and _leads_away(value)),
        "img": lambda tag, name, value: name in ("alt", "title") or (name == "src" and _is_picture(value, mark)),
        "td": lambda tag, name, value: name == "style" or _is_span(name, value),
        "th": lambda tag, name, value: name == "style" or _is_span(name, value),
    }
    protocols = {"http", "https", "mailto", "data"}
    cleaned = bleach.clean(html, tags=TAGS, attributes=attributes, protocols=protocols, css_sanitizer=CSS)
    return NUMBERED.sub(lambda found: escape(escape_turns(unescape(found[0]))), escape_turns(str(cleaned)))


def _as_written(html: str) -> str:
    """Escape HTML but for its bare tags. Whether these fit together is seen to when the whole text is cleaned."""
    return "".join(piece if at % 2 else escape(piece) for at, piece in enumerate(BARE_TAG.split(html)))


def _formulas(latex: str) -> str:
    """Write a LaTeX output as HTML: the formula that it is, or its text."""
    found = re.fullmatch(r"\s*(\$\$?)(.*?)\1\s*", latex, re.DOTALL)
    return mathml(found[2], block=found[1] == "$$") if found else f"<pre>{escape(latex)}</pre>"


def _leads_away(url: str) -> bool:
    """Tell whether a link stays on its page or leaves the page's server, where a file that was handed in might run."""
    return re.match(r"#|https?://|mailto:", url, re.IGNORECASE) is not None


def _is_span(name: str, value: str) -> bool:
    """Tell whether an attribute says how far a table's cell goes; of many that go far a browser's memory is full."""
    return name in ("colspan", "rowspan") and re.fullmatch(r"[0-9]{1,2}", value) is not None


def _is_picture(url: str, mark: str) -> bool:
    """Tell whether a picture of pixels is in the page itself.

    Fetching one elsewhere could do something there, or tell of it. A drawing (SVG) of kilobytes can take a browser
    gigabytes, and nobody can count them beforehand.
    """
    is_kept = mark and re.fullmatch(rf"data:image/[a-z+]+;base64,{mark}\d+x", url)
    return bool(is_kept or EMBEDDED.fullmatch(url))


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, for formulas as MathML, pictures that may be missing, and diagrams that stay text.

    Formulas and pictures are kept apart while HTML is cleaned, with a mark in the place of each: what is cleaned is
    short then, and holds no element that only we may write.
    """

    def __init__(self, budget: Budget, **options: Any):
        super().__init__(**options)
        self.embedded = 0
        self._budget, self.mark = budget, f"zerolayer{token_hex(8)}n"
        self._kept: list[tuple[str, str]] = []

    def filled(self, html: str) -> str:
        """Put what was kept apart into HTML that has been cleaned: markup between tags, text and pictures within."""
        pieces = re.split(r"""(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)""", html)
        mark = re.compile(rf"{self.mark}(\d+)x")
        return "".join(
            mark.sub(lambda found, inside=at % 2: self._kept[int(found[1])][inside], piece)
            for at, piece in enumerate(pieces)
        )

    def _keep(self, markup: str, text: str) -> str:
        """Keep a piece apart; give the mark that stands for it: `markup` between tags, `text` in an attribute."""
        self._kept.append((markup, text))
        return f"{self.mark}{len(self._kept) - 1}x"

    def _formula(self, body: str, tex: str, block: bool) -> str:
        return self._keep(mathml(body, block), escape(tex))

    def inline_math(self, body: str) -> str:
        """Write a formula within a line."""
        return self._formula(body, f"${body}$", block=False)

    def block_math(self, body: str) -> str:
        """Write a formula on lines of its own."""
        return self._formula(body, f"$${body}$$", block=True)

    def latex_environment(self, name: str, body: str) -> str:
        """Write a formula such as an `align`."""
        tex = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return self._formula(tex, tex, block=True)

    def inline_html(self, html: str) -> str:
        """Leave a tag that only says how text looks; nbconvert would close it before the text that it is for."""
        return _as_written(html)

    def block_html(self, html: str) -> str:
        """Do likewise in a block of HTML."""
        return f"<p>{_as_written(html.strip())}</p>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Show what a picture is of where it can't be found, and a sentence where there is no room for it."""
        try:
            return str(super().image(text, url, title))
        except NoRoomError:
            return f"<em>{NO_PICTURE}</em>"
        except (InvalidNotebook, OSError, StopIteration):
            return escape(text)

    def _embed_image_or_attachment(self, src: str) -> str:
        """Find a picture, and keep it apart: nbconvert would carry it through all that follows."""
        if src.startswith("data:") and not EMBEDDED.fullmatch(src):
            raise InvalidNotebook
        name = src.removeprefix("attachment:")
        if name != src and not isinstance(self.attachments.get(name), dict):
            raise InvalidNotebook
        kind, comma, data = str(super()._embed_image_or_attachment(src)).partition(";base64,")
        if not comma or not kind.startswith("data:image/") or not is_base64(data):
            return src
        if not self._budget.take(pictures=len(data), pixels=page_budget.pixels_of(data)):
            raise NoRoomError
        self.embedded += len(data)
        return f"{kind};base64,{self._keep('', data)}"

    def _src_to_base64(self, src: str) -> str | None:
        """Read a picture that lies beside the notebook, unless it is too large for the page."""
        file = file_below(Path(self.path), src)
        if file is None:
            return None
        if file.stat().st_size > self._budget.pictures:
            raise NoRoomError
        # nbconvert reads a file of any size.
        return super()._src_to_base64(src)

    def block_mermaidjs(self, code: str) -> str:
        """Show the diagram's text: Mermaid would run it."""
        return str(self.block_code(code))
