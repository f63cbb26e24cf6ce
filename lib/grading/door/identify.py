"""Finding the course's cells in a notebook that has lost their ids, by their text and their place.

Some programs keep no metadata of cells, and a cell that is pasted as text has none. What such a cell is can still be
told: by the text that it was handed out with, or as the only new one between two cells that are known. An answer that
can't be found for certain is not guessed: it stays where it is, and a person looks for it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from nbformat.notebooknode import NotebookNode

ALIKE = 0.5
"""The share of a released cell's lines that are in a cell which is taken for the same one, filled in or changed."""
LOST = (
    "The cell of this answer could not be found for certain. It may stand elsewhere in the notebook that was handed in."
)
ELSEWHERE = "The cell of this answer is as it was handed out, but a text of the student's own stands beside it."
Token = str | tuple[bool, str]
"""What cells are compared by: an id, or whether there is code in a cell and its text."""


@dataclass(frozen=True)
class Released:
    """A cell as it was handed out: its id in the course or "", its kind, its text, and whether grading skips it."""

    id: str
    kind: str
    source: str
    is_example: bool = False

    @cached_property
    def text(self) -> Token:
        """What it is compared by where its id isn't there."""
        return _text(self.kind, self.source)

    @cached_property
    def fixed(self) -> frozenset[str]:
        """The lines that have no blank to be filled in."""
        return frozenset(line for line in map(_squeezed, self.source.splitlines()) if line and "?" not in line)


@dataclass(frozen=True)
class Found:
    """What came of a search: lost ids by the places of their cells, and the answers in doubt, each with the reason."""

    ids: Mapping[int, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)


def identify(cells: list[NotebookNode], known: Mapping[str, NotebookNode], released: Sequence[Released]) -> Found:
    """Search `cells` for those that are `known` and have lost their ids, and for answers that stand elsewhere.

    `released` is the whole notebook in its order. Cells without an id are in it, since an answer stands between them.
    """
    ids = [name if (name := course_id(cell)) in known else "" for cell in cells]
    if set(known) <= set(ids) and not any(
        _is_untouched(cell, known[id]) for cell, id in zip(cells, ids, strict=True) if id
    ):
        return Found()
    search = _Search(cells, known, released, ids)
    if not set(known) <= set(ids):
        search.find_by_text()
        search.find_by_likeness()
        search.find_by_place()
    return Found(search.found, dict(search.doubts()))


class _Search:
    """One search. `ids` are the cells' ids as far as they are known; `own` are the cells that somebody wrote anew."""

    def __init__(
        self, cells: list[NotebookNode], known: Mapping[str, NotebookNode], released: Sequence[Released], ids: list[str]
    ):
        self.cells, self.known, self.released, self.ids = cells, known, released, ids
        self.found: dict[int, str] = {}
        self.texts = [_text(cell.cell_type, cell.source) for cell in cells]
        given = {cell.text for cell in released}
        self.own = [
            at for at, cell in enumerate(cells) if not ids[at] and cell.source.strip() and self.texts[at] not in given
        ]

    @cached_property
    def lines(self) -> list[frozenset[str]]:
        """The lines of each cell."""
        return [frozenset(map(_squeezed, cell.source.splitlines())) for cell in self.cells]

    def find_by_text(self) -> None:
        """Find cells that are as they were handed out: in their order, or moved if there is only one of that text."""
        theirs, ours = self._tokens()
        moved = [(theirs.index(token), ours.index(token)) for token in _once_in_both(theirs, ours)]
        for at, place in [*self._anchors().items(), *moved]:
            self._give(place, self.released[at].id)

    def find_by_likeness(self) -> None:
        """Find solutions of code that are filled in: only where cell and solution are like no others."""
        lost = [cell for cell in self._lost_solutions() if cell.kind == "code"]
        own = [at for at in self.own if self.cells[at].cell_type == "code"]
        pairs = [(cell.id, at) for cell in lost for at in own if self._are_alike(cell, at)]
        times = Counter(each for pair in pairs for each in pair)
        for id, at in pairs:
            if times[id] == times[at] == 1:
                self._give(at, id)

    def find_by_place(self) -> None:
        """Find solutions that are the only one missing between two cells that are known, where one new cell stands.

        One of the two has to be the solution's neighbour: where both are missing, its whole section may be, as in a
        notebook from before that section was added.
        """
        lost, anchors, chosen = self._lost_solutions(), self._anchors(), []
        for cell in lost:
            at = self.released.index(cell)
            (first, last), between = self._around(at, anchors)
            if at not in (first, last - 1):
                continue
            is_code, near = cell.kind == "code", self.released[first:last]
            rivals = [other for other in lost if other in near and (other.kind == "code") == is_code]
            given = [other for other in near if not other.id]
            new = [
                place
                for place in self.own
                if place in between
                and (self.cells[place].cell_type == "code") == is_code
                and not any(self._are_alike(other, place) for other in given)
            ]
            if len(rivals) == len(new) == 1:
                chosen.append((new[0], cell.id))
        for place, id in chosen:
            self._give(place, id)

    def doubts(self) -> Iterator[tuple[str, str]]:
        """Give each answer that may stand in another cell than its own, with the reason."""
        texts = [at for at in self.own if self.cells[at].cell_type != "code"]
        for cell in self._lost_solutions():
            if self.known[cell.id].metadata.nbgrader.grade and (self.own if cell.kind == "code" else texts):
                yield cell.id, LOST
        anchors = self._anchors() if texts else {}
        for at, cell in enumerate(self.released):
            if cell.id and cell.id in self.ids and cell.kind != "code" and texts:
                own = self.known[cell.id].metadata.nbgrader
                untouched = _is_untouched(self.cells[self.ids.index(cell.id)], self.known[cell.id])
                _, between = self._around(at, {place: other for place, other in anchors.items() if place != at})
                if own.grade and untouched and any(text in between for text in texts):
                    yield cell.id, ELSEWHERE

    def _give(self, place: int, id: str) -> None:
        """Give a cell the id that it has lost, if that isn't given yet."""
        if id in self.known and id not in self.ids and not self.ids[place]:
            self.ids[place] = self.found[place] = id
            if place in self.own:
                self.own.remove(place)

    def _are_alike(self, cell: Released, place: int) -> bool:
        """Tell whether enough of a released cell's lines, but for those with a blank, are in a submitted one."""
        return bool(cell.fixed) and len(cell.fixed & self.lines[place]) >= ALIKE * len(cell.fixed)

    def _around(self, at: int, anchors: Mapping[int, int]) -> tuple[tuple[int, int], range]:
        """Give the released cells, and the places, between the two anchors around a released cell."""
        before = max((other for other in anchors if other < at), default=-1)
        after = min((other for other in anchors if other > at), default=len(self.released))
        last = anchors.get(after, len(self.cells)) if anchors else 0
        return (before + 1, after), range(anchors.get(before, -1) + 1, last)

    def _lost_solutions(self) -> list[Released]:
        missing = [cell for cell in self.released if cell.id and cell.id not in self.ids]
        return [cell for cell in missing if self.known[cell.id].metadata.nbgrader.solution]

    def _tokens(self) -> tuple[list[Token], list[Token]]:
        present = set(self.ids) - {""}
        theirs = [cell.id if cell.id in present else cell.text for cell in self.released]
        return theirs, [id or text for id, text in zip(self.ids, self.texts, strict=True)]

    def _anchors(self) -> dict[int, int]:
        """Give the released cells that are there in their order, by their number, each with the place of its cell.

        What stands there several times is paired only beside a neighbour that is there too.
        """
        theirs, ours = self._tokens()
        once = _once_in_both(theirs, ours)
        # Without autojunk: it would pass over texts that are frequent in a long notebook.
        blocks = SequenceMatcher(None, theirs, ours, autojunk=False).get_matching_blocks()
        return {
            at: at - block.a + block.b
            for block in blocks
            for at in range(block.a, block.a + block.size)
            if block.size > 1 or theirs[at] in once
        }


def course_id(cell: NotebookNode) -> str:
    """Read which cell of the course a cell says that it is; "" if it says nothing."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _is_untouched(cell: NotebookNode, master: NotebookNode) -> bool:
    """Tell whether an answer in words is as it was handed out."""
    own = master.metadata.nbgrader
    return bool(own.solution and own.grade) and _squeezed(cell.source) == _squeezed(master.source)


def _text(kind: str, source: str) -> Token:
    return kind == "code", _squeezed(source)


def _squeezed(text: str) -> str:
    """The text without what programs change as they save it: spaces and line breaks."""
    return "".join(text.split())


def _once_in_both(theirs: Sequence[Token], ours: Sequence[Token]) -> set[Token]:
    counts = Counter(theirs), Counter(ours)
    return {token for token in counts[0] if counts[0][token] == counts[1][token] == 1}
