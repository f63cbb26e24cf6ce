"""Rendered cells: what stands alike in many notebooks of a class is rendered once.

Most of a page is the course's own cells. nbconvert renders each of them by templates for each student, and then reads
the whole page again with BeautifulSoup, which takes as long. Here the page's template puts a mark where a cell stands,
or a section of the summary. nbconvert goes over the frame that is left, each cell is gone over by itself, and what came
of it is remembered.
"""

import json
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import Any

from bs4 import BeautifulSoup
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from traitlets import Bool

from lib.grading.safe_files import file_below
from lib.grading.submissions.page_budget import Budget

MOST = 20_000_000
"""Characters that are remembered."""
LONGEST = 200_000
"""Characters of one cell that is remembered."""
PICTURE = re.compile(r"!\[[^\[\]]*\]\(([\w./-]+)\)", re.ASCII)
"""A picture in Markdown that lies beside the notebook."""
SPACES = " \n\t\f\r"
"""What HTML takes for spaces."""
SECTION = re.compile("<section.*?</section>", re.DOTALL)
"""A section of a summary; no student's text can end it, being escaped."""
END = "end-of-cell"
AROUND = ("<html><body><div>", f"<{END}></{END}></div></body></html>")
"""What stands around a cell on its page, and an element by which to see whether the cell ends within that."""


@dataclass(frozen=True)
class Rendered:
    """A cell's HTML, and what it took of its page's budget. Between two `pieces` stands the id that grading gave it."""

    pieces: tuple[str, ...]
    cost: tuple[int, int, int]

    @property
    def size(self) -> int:
        """Count the characters."""
        return sum(map(len, self.pieces))


class RenderedCells:
    """The cells that were rendered so far, by their JSON. The least recently used are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Rendered] = OrderedDict()
        self._size = 0

    def find(self, cell: str) -> Rendered | None:
        """Give what is known of a cell."""
        if cell in self._known:
            self._known.move_to_end(cell)
        return self._known.get(cell)

    def keep(self, cell: str, rendered: Rendered) -> None:
        """Remember a cell."""
        if cell in self._known or rendered.size > LONGEST:
            return
        self._known[cell] = rendered
        self._size += len(cell) + rendered.size
        while self._size > MOST:
            forgotten, oldest = self._known.popitem(last=False)
            self._size -= len(forgotten) + oldest.size


class CellsOfPage:
    """The cells of one page: its template asks for each, and shows a mark in the place of those that are there."""

    def __init__(self, known: RenderedCells, budget: Budget, folder: Path):
        self._known, self._budget, self._folder = known, budget, folder
        self._mark = f"zerolayer{token_hex(8)}n"  # nobody can have written it into a cell
        self._placed: list[str] = []
        self._before, self._cell, self._anchor = budget, "", ""

    def find(self, cell: NotebookNode) -> str | None:
        """Give the mark of a cell that was rendered before, if its page's budget has room for it; else None."""
        id = str(cell.get("id", ""))
        is_plain = re.fullmatch(r"[A-Za-z0-9_-]*", id)  # else the page has it otherwise than it is written here
        self._anchor = f'"cell-id={id}"'
        self._cell = self._pictures(cell.source) + json.dumps({**cell, "id": ""} if is_plain else cell)
        rendered = self._known.find(self._cell)
        if rendered is None or not self._budget.take(*rendered.cost):
            self._before = replace(self._budget)
            return None
        return self._place(self._anchor.join(rendered.pieces))

    def keep(self, html: str) -> str:
        """Take the cell that was asked for last, now rendered; give its mark, or the cell where it has to stay."""
        finished = finish(html)
        if finished is None:
            return html
        # Another page may have room for what this one had none for.
        has_others = self._cell.count("![") > len(PICTURE.findall(self._cell))
        if self._budget.refusals == self._before.refusals and not has_others:
            pieces = tuple(finished.split(self._anchor, 1))
            self._known.keep(self._cell, Rendered(pieces, self._before.minus(self._budget)))
        return self._place(finished)

    def keep_sections(self, summary: str) -> str:
        """Give the page's summary with marks in the place of its sections, most of which many pages have."""
        return SECTION.sub(lambda section: self._keep_section(section[0]), summary)

    def _keep_section(self, html: str) -> str:
        rendered = self._known.find(html)
        if rendered is None:
            finished = finish(html)
            if finished is None:
                return html
            rendered = Rendered((finished,), (0, 0, 0))
            self._known.keep(html, rendered)
        return self._place(rendered.pieces[0])

    def _pictures(self, source: str) -> str:
        """Give digests of the pictures that a cell shows: each student has a folder of their own, with other files."""
        files = [file_below(self._folder, name) for name in PICTURE.findall(source)]
        return " ".join(blake2b(file.read_bytes()).hexdigest() if file else "-" for file in files)

    def _place(self, html: str) -> str:
        """Note a cell's HTML; give its mark, a word: a frame with tags in the place of cells takes longer to read.

        Spaces around the cell stay in the frame.
        """
        before, inner, after = _split_spaces(html)
        self._placed.append(inner)
        return f"{before}{self._mark}{len(self._placed) - 1};{after}"

    def filled(self, frame: str) -> str:
        """Put all cells into their page's frame, and join the spaces between tags as nbconvert does."""
        # By str.split and not by a regular expression, which takes longer for the spaces of a page than all else here.
        begin, *rest = frame.split(self._mark)
        *page, spaces = _split_spaces(begin)
        for piece in rest:
            number, _, after = piece.partition(";")
            for html in (self._placed[int(number)], after):
                before, inner, behind = _split_spaces(html)
                spaces += before
                if inner:
                    page += [_join(spaces) if page[-1][-1:] == ">" and inner[0] == "<" else spaces, inner]
                    spaces = behind
        return "".join((*page, spaces))


def _split_spaces(html: str) -> tuple[str, str, str]:
    """Split HTML into the spaces before it, itself, and the spaces behind it."""
    begin, inner = len(html) - len(html.lstrip(SPACES)), html.strip(SPACES)
    return html[:begin], inner, html[begin + len(inner) :]


def _join(spaces: str) -> str:
    """Write spaces between tags as BeautifulSoup writes them: one, or one line break."""
    return "\n" if "\n" in spaces else spaces[:1] and " "


class RememberCells(Preprocessor):
    """Leaves in `resources` what the template asks for each cell; comes last, and has all pages of a class share it."""

    enabled = Bool(True).tag(config=True)

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._known = RenderedCells()

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbconvert before it makes a page."""
        resources["cells"] = CellsOfPage(self._known, Budget.of(resources), Path(resources["metadata"]["path"]))
        return nb, resources


def finish(html: str) -> str | None:
    """Go over a cell as nbconvert goes over a page; None where it doesn't end within what stands around it.

    Spaces around the cell stay: where text is next to them, they are a part of it.
    """
    begin, end = AROUND
    before, inner, behind = _split_spaces(html)
    soup = BeautifulSoup(f"{begin}{inner}{end}", features="html.parser")
    last = soup.find(END)
    around = list(last.parents)[:-1] if last else []
    if [each.name for each in around] != ["div", "body", "html"] or any(each.previous_sibling for each in around):
        return None
    for picture in soup.find_all("img", alt=False):
        picture.attrs["alt"] = "No description has been provided for this image"  # nbconvert's own words
    return before + str(soup)[len(begin) : -len(end)] + behind
