"""A student's text as HTML that runs nothing: Markdown, formulas, code, tables and pictures for any page.

All HTML that isn't from our own templates passes `nh3`, which reads it as a browser does and keeps what `TAGS` lists.
Nothing here needs a time limit: markdown-it and nh3 take time in proportion to a text, and a page's `Room` bounds its
text and its pictures.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring

import nh3
from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbconvert.filters import strip_ansi
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES

from lib.checking.challenges import MIME
from lib.checking.results import clean as plain_text
from lib.grading.files import file_below, read_bounded
from lib.grading.names import escape_turns
from lib.grading.submissions.submission import is_base64

LONGEST = 20_000
"""Characters of one text that is formatted; a longer one is shown as it was written."""
# Of MathML not mpadded, with which `\smash` and `\raise` lay words over those of others.
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
"""What may stand in Markdown besides, where coloured code comes from."""
CLASSES = frozenset({"highlight", *STANDARD_TYPES.values()})
"""The classes of coloured code. A student who may write any could lay a text over the page, or pass for a verdict."""
PICTURES = ("image/png", "image/jpeg")
SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", *PICTURES)
"""What is kept of a cell's output."""
IMAGE = re.compile(r'<img(?=[^>]*? src="([^"]*)")(?: [a-z]+="[^"]*")*>')
ALT = re.compile(r' alt="([^"]*)"')
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,([A-Za-z0-9+/=\s]*)")
KINDS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp", ".svg": "svg+xml"}
ROW_SPACING = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(ex|em|pt|px|mm|cm|in|mu)\s*\]")
FUNCTION = re.compile(r"\\(log|ln|exp|max|min)(?![A-Za-z])\s*(?=[A-Za-z0-9]|\\(?!left|right|big|quad)[A-Za-z])")
NO_PICTURE = "A picture is left out here: the notebook's pictures are too large for one page."
NO_TEXT = "The rest is left out here: the notebook's outputs are too long for one page."


@dataclass
class Room:
    """What is left for one page: characters of formatted text, of other text, and of pictures, and their pixels."""

    formatted: int = 200_000
    text: int = 2_000_000
    pictures: int = 20_000_000
    pixels: int = 40_000_000

    def take(self, **amounts: int) -> bool:
        """Tell whether there is room for so much more, and count it if so."""
        if any(amount > getattr(self, name) for name, amount in amounts.items()):
            return False
        for name, amount in amounts.items():
            setattr(self, name, getattr(self, name) - amount)
        return True

    def has_picture(self, data: str) -> bool:
        """Tell whether there is room for a picture in base64: a browser unpacks each of its pixels."""
        return self.take(pictures=len(data), pixels=_pixels(data))


def markdown(text: str, room: Room, attachments: Mapping[str, Any] = {}, folder: Path | str | None = None) -> str:
    """Format Markdown, with its pictures in the page; what is too long is shown as it was written."""
    if len(text) > LONGEST or not room.take(formatted=len(text)):
        return plain(text, room)
    embed = partial(_embed, room=room, attachments=attachments, folder=Path(folder) if folder else None)
    return IMAGE.sub(lambda found: _show(found, embed(unescape(found[1]))), _formatted(escape_turns(plain_text(text))))


@lru_cache(4096)  # most of a notebook is the course's, and the same in each of a class's
def _formatted(text: str) -> str:
    """Format Markdown; pictures are still to be embedded."""
    return clean(MARKDOWN.render(text), COLOURED, pictures=True)


def _show(image: re.Match[str], address: str) -> str:
    """Give a picture with what it shows; where that isn't there, what it is of."""
    if address:
        return image[0].replace(f'src="{image[1]}"', f'src="{address}"', 1)
    words = ALT.search(image[0])
    return f"<em>{words[1]}</em>" if words else ""


def clean(html: str, attributes: Mapping[str, set[str]] = ATTRIBUTES, pictures: bool = False) -> str:
    """Keep of HTML what `TAGS` lists, links that leave the page's server, and pictures that are in it."""

    def keep(tag: str, name: str, value: str) -> str | None:
        is_kept = True
        if name == "src":
            is_kept = pictures or PICTURE.fullmatch(value) is not None
        elif name in ("colspan", "rowspan"):
            is_kept = re.fullmatch("[0-9]{1,2}", value) is not None
        elif name == "class":
            is_kept = CLASSES.issuperset(value.split())
        elif tag in MATHML:
            is_kept = "-" not in value  # a width below 0 draws what follows over what stands before
        elif name == "href":
            is_kept = re.match("#|https?://|mailto:", value, re.IGNORECASE) is not None
        return value if is_kept else None

    schemes = {"http", "https", "mailto", "data", "attachment"}
    return escape_turns(
        nh3.clean(plain_text(html), tags=TAGS, attributes=dict(attributes), attribute_filter=keep, url_schemes=schemes)
    )


def _embed(source: str, room: Room, attachments: Mapping[str, Any], folder: Path | None) -> str:
    """Give a picture as an address that holds it; nothing where it isn't there, isn't one, or has no room."""
    name = source.removeprefix("attachment:")
    found = attachments.get(name, {}) if name != source else {}
    addresses = [source, *(f"data:{kind};base64,{data}" for kind, data in found.items())]
    if picture := next((found for found in map(PICTURE.fullmatch, addresses) if found), None):
        return picture[0] if room.has_picture(picture[1]) else ""
    file = file_below(folder, source) if folder else None
    with suppress(OSError):
        if file and file.suffix.lower() in KINDS and (content := read_bounded(file, room.pictures)) is not None:
            data = b64encode(content).decode()
            return f"data:image/{KINDS[file.suffix.lower()]};base64,{data}" if room.has_picture(data) else ""
    return ""


def _pixels(data: str) -> int:
    """Count a picture's pixels, from its head; none where it is no such picture, and too many for a bomb."""
    try:
        with Image.open(BytesIO(b64decode(data))) as picture:
            return picture.width * picture.height
    except Image.DecompressionBombError:
        return 10**9
    except (OSError, ValueError, SyntaxError):  # as Pillow's readers raise of what isn't one
        return 0


def picture(kind: str, data: str, room: Room) -> str:
    """Show a picture that code has put out."""
    address = f"data:{kind};base64,{data}"
    if PICTURE.fullmatch(address) and room.has_picture(data):
        return f'<img src="{address}" alt="No description has been provided for this image">'
    return f"<p><em>{NO_PICTURE}</em></p>"


@lru_cache(4096)
def code(source: str) -> str:
    """Colour code."""
    source = escape_turns(source)
    if len(source) > LONGEST:
        return f"<pre>{escape(source)}</pre>"
    return str(highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight")))


def plain(text: str, room: Room) -> str:
    """Show a text as it is, without what colours it in a terminal."""
    if not room.take(text=len(text)):
        return f"<p><em>{NO_TEXT}</em></p>"
    return f"<pre>{escape(escape_turns(strip_ansi(text)))}</pre>"


@lru_cache(4096)
def mathml(tex: str, block: bool) -> str:
    """Write a formula as MathML, and as its own text where it can't be read."""
    with suppress(Exception):  # TeX may be anything, and so may what a parser raises on it
        if len(tex) <= 2_000:
            spaced = FUNCTION.sub(r"\\\1\\,", ROW_SPACING.sub(r"\\\\", tex))
            starred = re.sub(r"\\(begin|end)\{(align|equation|gather)\}", r"\\\1{\2*}", spaced)
            formula = convert_to_element(starred, display="block" if block else "inline")
            for element in formula.iter():  # latex2mathml writes entities, and unescapes all: `<` would open a tag
                element.text = unescape(element.text or "")
            return tostring(formula, encoding="unicode")
    return f"<code>{escape(tex)}</code>"


MARKDOWN = (
    MarkdownIt("commonmark", {"html": True, "highlight": lambda text, *_: code(text)})
    .enable(["table", "strikethrough"])
    .use(dollarmath_plugin, double_inline=True, renderer=lambda tex, how: mathml(tex, how["display_mode"]))
    .use(amsmath_plugin, renderer=lambda tex: mathml(tex, block=True))
)


def clean_outputs(cells: Iterable[NotebookNode]) -> None:
    """Keep text, tables and pictures of cells' outputs; drop all that might run, and what an output says of itself.

    A graded cell keeps its answers too: numbers for the judge, which replaces them. Markdown is cleaned where it is
    rendered.
    """
    for cell in cells:
        for output in cell.outputs if cell.cell_type == "code" else ():
            if "data" in output:
                output.metadata, output.data = NotebookNode(), NotebookNode(_kept(output.data, is_grade(cell)))
        if cell.cell_type == "raw":
            cell.source = clean(cell.source) if len(cell.source) <= LONGEST else escape(escape_turns(cell.source))


def _kept(data: dict[str, Any], graded: bool) -> dict[str, Any]:
    kept = {kind: value for kind, value in data.items() if kind in SHOWN or (graded and kind == MIME)}
    for kind in PICTURES:
        if not is_base64(kept.get(kind, "")):
            del kept[kind]
    if latex := kept.pop("text/latex", ""):
        kept.setdefault("text/html", markdown(escape_turns(latex), Room()))
    if len(html := kept.pop("text/html", "")) <= LONGEST and (cleaned := clean(html)):
        kept["text/html"] = cleaned
    return kept or {"text/plain": "An output that is not shown here."}
