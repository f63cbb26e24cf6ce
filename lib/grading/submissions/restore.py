"""Restoring a submitted notebook: ids, flags, points, locked cells and their places come from the gradebook.

A student may have deleted, changed, doubled or moved a check, flipped a cell's metadata, or sent another notebook.
Whatever came, what goes on from here has every cell that the course knows, once and in an order in which the checks
can work.

Some programs keep no metadata of cells, and a cell that is pasted as text has none. What such a cell is can still be
told: by the text that it was handed out with, or as the only new one between two cells that are known. An answer that
can't be found for certain is not guessed: it stays where it is, and a person looks for it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory

from lib.grading.execution.notebook import ADDED_CODE, is_skipped
from lib.grading.judge.python_cells import Allowance
from lib.grading.submissions.added_code import MOST_CHANGED, added_to_locked, run_added_code
from lib.grading.submissions.submission import UnreadableError, clean_cell, notebook_in

IN_DOUBT = (
    "Not every written answer stood in its own cell. Your instructor will look for it in your notebook. Next time,"
    " write each answer in the cell below its question."
)
LOST = (
    "The cell of this answer could not be found for certain. It may stand elsewhere in the notebook that was handed in."
)
ELSEWHERE = "The cell of this answer is as it was handed out, but a text of the student's own stands beside it."
FEW = 1 / 4
"""With less than this share of the course's cells a notebook may be another assignment's: some cells serve in both."""
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


@dataclass(frozen=True)
class Restored:
    """A notebook with every cell that the course knows, once.

    `remarks` are on what was lost, `doubts` the answers of which a person decides, each with the reason, and `reasons`
    are why a person has to look at the whole of it.
    """

    cells: list[NotebookNode]
    remarks: tuple[str, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def restore(
    cells: list[NotebookNode],
    known: dict[str, NotebookNode],
    released: Sequence[Released],
    explained: bool,
    is_empty: bool,
) -> Restored:
    """Restore what was handed in; `explained` where it is said already why something is lost."""
    submitted = [clean_cell(cell) for cell in cells]
    found, doubts = find_lost(submitted, known, released)
    for at, id in found.items():
        submitted[at].metadata["nbgrader"] = NotebookNode(grade_id=id)
    ids = {*map(course_id, submitted)} - {""}
    restored = restore_cells(submitted, known, {cell.id: cell.source for cell in released})
    if examples := {cell.source for cell in released if cell.is_example}:
        run_added_code(restored, examples)
    reasons = () if explained or not _are_anothers(ids, known) else ("may not be this assignment's notebook",)
    remarks = tuple(_remarks(ids, known, bool(found), bool(doubts), explained))
    return Restored(restored, remarks, {} if is_empty else doubts, reasons)


def read_released(
    course: CourseDirectory, assignment: str, notebook: str, known: dict[str, NotebookNode]
) -> list[Released]:
    """Read the notebook as it was handed out, if it is there with the gradebook's cells; else these have to do."""
    file = Path(course.format_path(course.release_directory, ".", assignment), f"{notebook}.ipynb")
    with suppress(UnreadableError, OSError):
        cells = notebook_in(file.read_bytes(), file.name).cells
        ids = [name if (name := course_id(cell)) in known else "" for cell in cells]
        if [id for id in ids if id] == list(known):  # else it was changed since students got theirs
            pairs = zip(ids, cells, strict=True)
            return [Released(id, cell.cell_type, cell.source, is_skipped(cell)) for id, cell in pairs]
    return [Released(id, cell.cell_type, cell.source) for id, cell in known.items()]


def _remarks(
    ids: Set[str], known: dict[str, NotebookNode], is_found: bool, is_in_doubt: bool, explained: bool
) -> Iterator[str]:
    """Say what was lost of a submission's cells, and what became of it; `explained` where it is said already why."""
    if not ids & known.keys():
        if not explained:
            yield "No cell says that it is the assignment's. Is it another notebook, or is its metadata lost?"
        return
    if _are_anothers(ids, known):
        what = "Most of its cells are another assignment's."
        if len(ids - known.keys()) < len(ids & known.keys()):
            what = "The notebook has few of this assignment's cells."
        yield f"{what} If this is the wrong notebook, hand in the right one."
    elif is_found:
        yield (
            "Cells had lost the marks by which the grader knows them. They were found by their text and their place."
            " Some programs drop these marks when they save a notebook, and so does pasting a cell as text."
        )
    if is_in_doubt:
        yield IN_DOUBT


def _are_anothers(ids: Set[str], known: dict[str, NotebookNode]) -> bool:
    """Tell whether a notebook's ids look like another assignment's: few are of this one's cells, or more of others."""
    own = ids & known.keys()
    return len(ids - own) >= len(own) or len(own) < FEW * len(known)


def assignment_of(ids: Set[str], cells: Mapping[str, Set[str]], assignment: str) -> str:
    """Return the other assignment of which more of these cells are than of this one; "" if there is none.

    `cells` has the ids of each assignment's.
    """
    counts = {name: len(ids & own) for name, own in cells.items()}
    most = max(counts, key=counts.__getitem__, default=assignment)
    return most if counts.get(most, 0) > counts.get(assignment, 0) else ""


def find_lost(
    cells: list[NotebookNode], known: Mapping[str, NotebookNode], released: Sequence[Released]
) -> tuple[dict[int, str], dict[str, str]]:
    """Find the lost ids of `cells`, by their places, and the answers that may stand elsewhere, each with the reason.

    `released` is the whole notebook in its order. Cells without an id are in it, since an answer stands between them.
    """
    ids = [name if (name := course_id(cell)) in known else "" for cell in cells]
    is_whole = set(known) <= set(ids)
    if is_whole and not any(_is_untouched(cell, known[id]) for cell, id in zip(cells, ids, strict=True) if id):
        return {}, {}
    search = _Search(cells, known, released, ids)
    if not is_whole:
        search.find_by_text()
        search.find_by_place()
    return search.found, dict(search.doubts())


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

    def find_by_text(self) -> None:
        """Find cells that are as they were handed out: in their order, or moved if there is only one of that text."""
        theirs, ours = self._tokens()
        moved = [(theirs.index(token), ours.index(token)) for token in _once_in_both(theirs, ours)]
        for at, place in [*self._anchors().items(), *moved]:
            self._give(place, self.released[at].id)

    def find_by_place(self) -> None:
        """Find solutions between two cells that are known: the only one missing there of its kind, and the only new."""
        anchors = self._anchors()
        for cell in self._lost_solutions():
            missing, places = self._around(self.released.index(cell), anchors)
            rivals = [other for other in missing if (other.kind == "code") == (cell.kind == "code")]
            new = [
                at for at in self.own if at in places and (self.cells[at].cell_type == "code") == (cell.kind == "code")
            ]
            if len(rivals) == len(new) == 1:
                self._give(new[0], cell.id)

    def doubts(self) -> Iterator[tuple[str, str]]:
        """Give each answer that may stand in another cell than its own, with the reason."""
        texts = [at for at in self.own if self.cells[at].cell_type != "code"]
        for cell in self._lost_solutions():
            if self.known[cell.id].metadata.nbgrader.grade and (self.own if cell.kind == "code" else texts):
                yield cell.id, LOST
        anchors = self._anchors() if texts else {}
        for at, cell in enumerate(self.released):
            if cell.id in self.ids and cell.id and cell.kind != "code" and texts:
                is_untouched = _is_untouched(self.cells[self.ids.index(cell.id)], self.known[cell.id])
                _, places = self._around(at, {place: other for place, other in anchors.items() if place != at})
                if is_untouched and any(text in places for text in texts):
                    yield cell.id, ELSEWHERE

    def _give(self, place: int, id: str) -> None:
        """Give a cell the id that it has lost, if that isn't given yet."""
        if id in self.known and id not in self.ids and not self.ids[place]:
            self.ids[place] = self.found[place] = id
            if place in self.own:
                self.own.remove(place)

    def _around(self, at: int, anchors: Mapping[int, int]) -> tuple[Sequence[Released], range]:
        """Give the released cells, and the places, between the two anchors around a released cell."""
        before = max((other for other in anchors if other < at), default=-1)
        after = min((other for other in anchors if other > at), default=len(self.released))
        last = anchors.get(after, len(self.cells)) if anchors else 0
        return self.released[before + 1 : after], range(anchors.get(before, -1) + 1, last)

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
    """Tell whether an answer that a person marks is as it was handed out."""
    own = master.metadata.nbgrader
    return bool(own.solution and own.grade) and is_as_released(cell, master)


def _text(kind: str, source: str) -> Token:
    return kind == "code", _squeezed(source)


def _squeezed(text: str) -> str:
    """The text without what programs change as they save it: spaces and line breaks."""
    return "".join(text.split())


def _once_in_both(theirs: Sequence[Token], ours: Sequence[Token]) -> set[Token]:
    counts = Counter(theirs), Counter(ours)
    return {token for token in counts[0] if counts[0][token] == counts[1][token] == 1}


def restore_cells(
    cells: list[NotebookNode], known: dict[str, NotebookNode], released: Mapping[str, str] = {}
) -> list[NotebookNode]:
    """Put submitted and known cells together, each known one once; `released` are the texts of those that are locked.

    The student's cells stay in the student's order. What is missing comes in front of what follows it in the source. A
    check that stands in front of a solution that precedes it there is moved behind it, and a given cell that stands
    behind anything that follows it there is moved in front.
    """
    kept, names = list(_once(cells, known, released)), list(known)
    if [id for cell in kept if (id := course_id(cell)) in known] == names:
        return kept  # in the source's order, as nearly all submissions are
    followers = {name: names[at + 1 :] for at, name in enumerate(names)}
    solutions = [name for name in names if known[name].metadata.nbgrader.solution]
    # From the end, so that what follows a missing cell is already there.
    for name in reversed(names):
        if not _places(kept, [name]):
            kept.insert(_front(kept, followers[name]), _missing(known[name]))
    for name in reversed(names):
        [place] = _places(kept, [name])
        own = known[name].metadata.nbgrader
        if not (own.grade or own.solution or own.task):  # a given cell
            kept.insert(min(place, _front(kept, followers[name])), kept.pop(place))
        elif name not in solutions:
            behind = 1 + max(_places(kept, [other for other in solutions if name in followers[other]]), default=-1)
            kept.insert(max(place, behind - 1), kept.pop(place))
    return kept


def _once(
    cells: list[NotebookNode], known: dict[str, NotebookNode], released: Mapping[str, str]
) -> Iterator[NotebookNode]:
    """Give submitted cells, each known one once, and beside a locked one a cell that runs what was added to its text.

    Not all programs keep a locked cell from being changed, and imports are often written where others are. What is
    added to a check is run before it. Of copies the one that counts is looked at: the others are run as they are.
    """
    (counted, untouched), allowance = _count_copies(cells, known), Allowance(MOST_CHANGED)
    for at, cell in enumerate(cells):
        if at not in counted:
            if at not in untouched:
                cell.metadata.pop("nbgrader", None)
                yield cell
            continue
        master = known[id := course_id(cell)]
        own, flags, given = _own(cell, master), master.metadata.nbgrader, released.get(id, cell.source)
        is_changed = cell.cell_type == "code" and not flags.solution and cell.source != given
        if added := added_to_locked(cell.source, given) if is_changed and allowance.take(cell.source) else "":
            cell.metadata = NotebookNode({ADDED_CODE: added})
            yield from [cell, own] if flags.grade else [own, cell]
        else:
            yield own


def _count_copies(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> tuple[set[int], set[int]]:
    """Give the place at which each known cell counts, and the places of further copies that nobody wrote into.

    Of copies the last counts that isn't as it was released, since a run leaves that defined. A copy below the check
    that it is for doesn't count where one above it is written: a check uses the cells above it.
    """
    copies: dict[str, list[int]] = {}
    for at, cell in enumerate(cells):
        if (name := course_id(cell)) in known:
            copies.setdefault(name, []).append(at)
    counted, untouched = set[int](), set[int]()
    for name in copies:
        written = [at for at in copies[name] if not is_as_released(cells[at], known[name])]
        check = copies.get(_check_of(name, known), [len(cells)])[-1]
        counted.add(([at for at in written if at < check] or written or copies[name])[-1])
        untouched.update(set(copies[name]) - set(written))
    return counted, untouched


def is_as_released(cell: NotebookNode, master: NotebookNode) -> bool:
    """Tell whether a cell's text is the course's, but for spaces and line ends, which programs change."""
    return bool(cell.source == master.source or _squeezed(cell.source) == _squeezed(master.source))


def _check_of(name: str, known: dict[str, NotebookNode]) -> str:
    """Name the first check that follows a cell with code in the source; none for a written answer."""
    if known[name].cell_type != "code":
        return ""
    names = list(known)
    later = ((id, known[id].metadata.nbgrader) for id in names[names.index(name) + 1 :])
    return next((id for id, flags in later if flags.grade and not flags.solution), "")


def _own(cell: NotebookNode, master: NotebookNode) -> NotebookNode:
    """Give the cell that stands for a submitted one: the course's where it is locked, else with the student's text."""
    own = _copy(master)
    if master.metadata.nbgrader.solution:
        own.source = cell.source
        if own.cell_type == "markdown" and "attachments" in cell:
            own.attachments = cell.attachments
    return own


def _missing(master: NotebookNode) -> NotebookNode:
    """Give what stands for a deleted cell. Code may live on in another, which a fresh copy of the blanks would undo."""
    cell = _copy(master)
    if cell.cell_type == "code" and cell.metadata.nbgrader.solution:
        cell.source = ""
    return cell


def _copy(master: NotebookNode) -> NotebookNode:
    """Copy a cell of the course's, for one submission: nbgrader's steps write into cells."""
    cell = clean_cell(master)
    cell.metadata["nbgrader"] = NotebookNode(master.metadata["nbgrader"])
    return cell


def _front(kept: list[NotebookNode], names: list[str]) -> int:
    return min(_places(kept, names), default=len(kept))


def _places(kept: list[NotebookNode], names: list[str]) -> list[int]:
    return [at for at, cell in enumerate(kept) if course_id(cell) in names]
