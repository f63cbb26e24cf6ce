"""Safe HTML: a student's Markdown, formulas, code, tables and pictures as HTML without scripts.

All HTML that isn't from our own templates is cleaned by `nh3`, which parses it as a browser does and keeps only `TAGS`.
No time limits are necessary, because markdown-it and nh3 run in linear time, and a page's `Room` limits its text and
pictures.

What formats Markdown, code and pictures is imported on first use: grading only cleans outputs.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import tostring

import nh3
from nbconvert.filters.ansi import strip_ansi
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade
from pygments.token import STANDARD_TYPES

from lib.checking.challenges import MIME
from lib.checking.results import clean as plain_text
from lib.grading.files import file_below, read_bounded
from lib.grading.safe_names import escape_bidi
from lib.grading.submissions.submitted_notebook import is_base64

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LONGEST = 20_000
"""Characters of a text that is formatted; a longer text is shown as plain text."""
# Without mpadded, with which `\smash` and `\raise` can draw words over other text.
_MATHML = """
    math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts
    mprescripts none mtable mtr mlabeledtr mtd mphantom mstyle menclose merror"""
_TAGS = """
    a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img li mark ol p pre s
    small span strong sub summary sup table tbody td tfoot th thead tr u ul"""
_OF_FORMULAS = """
    accent columnalign columnspacing display displaystyle fence form linethickness mathvariant maxsize minsize
    movablelimits notation rowspacing scriptlevel separator stretchy width"""
MATHML = frozenset(_MATHML.split())
TAGS = {*_TAGS.split(), *MATHML}
ATTRIBUTES = {name: {*_OF_FORMULAS.split()} for name in MATHML}
ATTRIBUTES |= {"a": {"href", "title"}, "img": {"src", "alt", "title"}}
ATTRIBUTES |= {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
COLOURED = {**ATTRIBUTES, "span": {"class"}, "div": {"class"}}
"""Attributes for Markdown, which contains highlighted code."""
CLASSES = frozenset({"highlight", *STANDARD_TYPES.values()})
"""The classes of highlighted code. With others, a student could cover the page or imitate a verdict."""
PICTURES = ("image/png", "image/jpeg")
SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", *PICTURES)
"""The types of a cell's output that are kept."""
IMAGE = re.compile(r'<img(?=[^>]*? src="([^"]*)")(?: [a-z]+="[^"]*")*>')
ALT = re.compile(r' alt="([^"]*)"')
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,([A-Za-z0-9+/=\s]*)")
KINDS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp", ".svg": "svg+xml"}
# latex2mathml shows the optional row spacing `\\[2ex]` as text.
ROW_SPACING = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(ex|em|pt|px|mm|cm|in|mu)\s*\]")
# latex2mathml puts no space after a function's name: `\log 2` would look like a logarithm to base 2.
FUNCTION = re.compile(r"\\(log|ln|exp|max|min)(?![A-Za-z])\s*(?=[A-Za-z0-9]|\\(?!left|right|big|quad)[A-Za-z])")
NO_PICTURE = "A picture is left out here: the notebook's pictures are too large for one page."
NO_TEXT = "The rest is left out here: the notebook's outputs are too long for one page."


@dataclass
class Room:
    """What a page may still contain: characters of formatted text, other text and pictures, and pixels of pictures."""

    formatted: int = 200_000
    text: int = 2_000_000
    pictures: int = 20_000_000
    pixels: int = 40_000_000

    def take(self, **amounts: int) -> bool:
        """Subtract the amounts and return True, or return False if there isn't enough room."""
        if any(amount > getattr(self, name) for name, amount in amounts.items()):
            return False
        for name, amount in amounts.items():
            setattr(self, name, getattr(self, name) - amount)
        return True

    def take_picture(self, data: str) -> bool:
        """Take the room of a picture in base64; a browser needs memory for each of its pixels."""
        return self.take(pictures=len(data), pixels=_pixels(data))


def markdown(text: str, room: Room, attachments: Mapping[str, Any] = {}, folder: Path | str | None = None) -> str:
    """Format Markdown and embed its pictures. Return plain text if it is too long."""
    if len(text) > LONGEST or not room.take(formatted=len(text)):
        return plain(text, room)
    embed = partial(_embed, room=room, attachments=attachments, folder=Path(folder) if folder else None)
    return IMAGE.sub(lambda found: _show(found, embed(unescape(found[1]))), _formatted(escape_bidi(plain_text(text))))


@lru_cache(4096)  # most of a notebook is the course's text, the same for a whole class
def _formatted(text: str) -> str:
    return clean(_renderer().render(text), COLOURED, pictures=True)


def _show(image: re.Match[str], address: str) -> str:
    """Return an `img` tag with its embedded picture, or the alternative text if there is no picture."""
    if address:
        return image[0].replace(f'src="{image[1]}"', f'src="{address}"', 1)
    words = ALT.search(image[0])
    return f"<em>{words[1]}</em>" if words else ""


def clean(html: str, attributes: Mapping[str, set[str]] = ATTRIBUTES, pictures: bool = False) -> str:
    """Return HTML with only `TAGS`, absolute links, and embedded pictures; with `pictures`, also other pictures."""

    def keep(tag: str, name: str, value: str) -> str | None:
        is_kept = True
        if name == "src":
            is_kept = pictures or PICTURE.fullmatch(value) is not None
        elif name in ("colspan", "rowspan"):
            is_kept = re.fullmatch("[0-9]{1,2}", value) is not None
        elif name == "class":
            is_kept = CLASSES.issuperset(value.split())
        elif tag in MATHML:
            is_kept = "-" not in value  # a negative width would draw text over the text before it
        elif name == "href":
            is_kept = re.match("#|https?://|mailto:", value, re.IGNORECASE) is not None
        return value if is_kept else None

    schemes = {"http", "https", "mailto", "data", "attachment"}
    return escape_bidi(
        nh3.clean(plain_text(html), tags=TAGS, attributes=dict(attributes), attribute_filter=keep, url_schemes=schemes)
    )


def _embed(source: str, room: Room, attachments: Mapping[str, Any], folder: Path | None) -> str:
    """Return a picture as a `data:` URL; "" if it isn't found, isn't a picture, or there is no room for it."""
    name = source.removeprefix("attachment:")
    found = attachments.get(name, {}) if name != source else {}
    addresses = [source, *(f"data:{kind};base64,{data}" for kind, data in found.items())]
    if picture := next((found for found in map(PICTURE.fullmatch, addresses) if found), None):
        return picture[0] if room.take_picture(picture[1]) else ""
    file = file_below(folder, source) if folder else None
    with suppress(OSError):
        if file and file.suffix.lower() in KINDS and (content := read_bounded(file, room.pictures)) is not None:
            data = b64encode(content).decode()
            return f"data:image/{KINDS[file.suffix.lower()]};base64,{data}" if room.take_picture(data) else ""
    return ""


def _pixels(data: str) -> int:
    """Return the number of a picture's pixels: 0 if it can't be read, and 10**9 if Pillow refuses its size."""
    from PIL import Image

    try:
        with Image.open(BytesIO(b64decode(data))) as picture:
            return picture.width * picture.height
    except Image.DecompressionBombError:
        return 10**9
    except (OSError, ValueError, SyntaxError):  # Pillow's readers raise these for data in another format
        return 0


def picture(kind: str, data: str, room: Room) -> str:
    """Return an `img` tag for a picture in a cell's output."""
    address = f"data:{kind};base64,{data}"
    if PICTURE.fullmatch(address) and room.take_picture(data):
        return f'<img src="{address}" alt="No description has been provided for this image">'
    return f"<p><em>{NO_PICTURE}</em></p>"


@lru_cache(4096)
def code(source: str) -> str:
    """Return highlighted Python code."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    source = escape_bidi(source)
    if len(source) > LONGEST:
        return f"<pre>{escape(source)}</pre>"
    return str(highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight")))


def plain(text: str, room: Room) -> str:
    """Return plain text in a `pre` tag, without a terminal's colour codes."""
    if not room.take(text=len(text)):
        return f"<p><em>{NO_TEXT}</em></p>"
    return f"<pre>{escape(escape_bidi(strip_ansi(text)))}</pre>"


@lru_cache(4096)
def mathml(tex: str, block: bool) -> str:
    """Return a formula as MathML, or its TeX source if it can't be converted."""
    from latex2mathml.converter import convert_to_element

    with suppress(Exception):  # the converter may raise anything for invalid TeX
        if len(tex) <= 2_000:
            spaced = FUNCTION.sub(r"\\\1\\,", ROW_SPACING.sub(r"\\\\", tex))
            starred = re.sub(r"\\(begin|end)\{(align|equation|gather)\}", r"\\\1{\2*}", spaced)
            formula = convert_to_element(starred, display="block" if block else "inline")
            # latex2mathml writes entities as text, and its own serializer unescapes all: `<` would open a tag.
            for element in formula.iter():
                element.text = unescape(element.text or "")
            return tostring(formula, encoding="unicode")
    return f"<code>{escape(tex)}</code>"


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.amsmath import amsmath_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    return (
        MarkdownIt("commonmark", {"html": True, "highlight": lambda text, *_: code(text)})
        .enable(["table", "strikethrough"])
        .use(dollarmath_plugin, double_inline=True, renderer=lambda tex, how: mathml(tex, how["display_mode"]))
        .use(amsmath_plugin, renderer=lambda tex: mathml(tex, block=True))
    )


def clean_outputs(cells: Iterable[NotebookNode]) -> None:
    """Keep text, tables and pictures in cells' outputs, and drop everything that might run, and all metadata.

    A graded cell keeps its answers for the judge, which replaces them. Markdown is cleaned when it is rendered.
    """
    for cell in cells:
        for output in cell.outputs if cell.cell_type == "code" else ():
            if "data" in output:
                output.metadata, output.data = NotebookNode(), NotebookNode(_clean_data(output.data, is_grade(cell)))
        if cell.cell_type == "raw":
            cell.source = clean(cell.source) if len(cell.source) <= LONGEST else escape(escape_bidi(cell.source))


def _clean_data(data: dict[str, Any], graded: bool) -> dict[str, Any]:
    safe = {kind: value for kind, value in data.items() if kind in SHOWN or (graded and kind == MIME)}
    for kind in PICTURES:
        if not is_base64(safe.get(kind, "")):
            del safe[kind]
    if latex := safe.pop("text/latex", ""):
        safe.setdefault("text/html", markdown(escape_bidi(latex), Room()))
    if (html := safe.pop("text/html", "")) and len(html) <= LONGEST and (cleaned := clean(html)):
        safe["text/html"] = cleaned
    return safe or {"text/plain": "An output that is not shown here."}
