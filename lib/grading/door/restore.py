"""Restoring a submitted notebook: ids, flags, points, locked cells and their places come from the gradebook.

A student may have deleted, changed, doubled or moved a check, flipped a cell's metadata, or sent another notebook.
Whatever came, what goes on from here has every cell that the course knows, once and in an order in which the checks
can work.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory

from lib.grading.door.added_code import MOST_CHANGED, added_to_locked, run_added_code
from lib.grading.door.handed_in import MOST_BYTES
from lib.grading.door.identify import Found, Released, course_id, identify
from lib.grading.door.notebook import UnreadableError, clean_cell, notebook_in
from lib.grading.files import read_bounded
from lib.grading.judge.python_cells import Allowance
from lib.grading.run.notebook import ADDED_CODE, is_skipped

IN_DOUBT = "Not every written answer stood in its own cell. Your instructor will look for it in your notebook."
FEW = 1 / 4
"""With less than this share of the course's cells a notebook may be another assignment's: some cells serve in both."""


@dataclass(frozen=True)
class Restored:
    """A notebook with every cell that the course knows, once.

    `remarks` are on what was lost, `missing` are the ids of the course's cells that were not there, `doubts` those of
    which a person decides, each with the reason, and `reasons` are why a person has to look at the whole of it.
    """

    cells: list[NotebookNode]
    remarks: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
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
    found = identify(submitted, known, released)
    for at, id in found.ids.items():
        submitted[at].metadata["nbgrader"] = NotebookNode(grade_id=id)
    ids = {*map(course_id, submitted)} - {""}
    restored = restore_cells(submitted, known, {cell.id: cell.source for cell in released})
    if examples := {cell.source for cell in released if cell.is_example}:
        run_added_code(restored, examples)
    reasons = () if explained or not _are_anothers(ids, known) else ("may not be this assignment's notebook",)
    remarks = tuple(_remarks(ids, known, found, explained))
    return Restored(restored, remarks, frozenset(known.keys() - ids), {} if is_empty else found.doubts, reasons)


def read_released(
    course: CourseDirectory, assignment: str, notebook: str, known: dict[str, NotebookNode]
) -> list[Released]:
    """Read the notebook as it was handed out, or its source, whichever is there and has the gradebook's cells.

    Without it the cells that the gradebook knows have to do.
    """
    for kept in ("release_directory", "source_directory"):
        file = Path(course.format_path(getattr(course, kept), ".", assignment), f"{notebook}.ipynb")
        with suppress(UnreadableError, OSError):
            cells = notebook_in(read_bounded(file, MOST_BYTES) or b"", file.name).cells
            ids = [name if (name := course_id(cell)) in known else "" for cell in cells]
            if [id for id in ids if id] == list(known):  # else it was changed since students got theirs
                pairs = list(zip(ids, cells, strict=True))
                if kept == "source_directory":
                    for id, cell in pairs:
                        cell.source = known[id].source if id else cell.source  # without the solution
                return [Released(id, cell.cell_type, cell.source, is_skipped(cell)) for id, cell in pairs]
    return [Released(id, cell.cell_type, cell.source) for id, cell in known.items()]


def _remarks(ids: Set[str], known: dict[str, NotebookNode], found: Found, explained: bool) -> Iterator[str]:
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
    elif found.ids:
        yield "Cells had lost the marks by which the grader knows them. They were found by their text and their place."
    if found.doubts:
        yield IN_DOUBT


def _are_anothers(ids: Set[str], known: dict[str, NotebookNode]) -> bool:
    """Tell whether a notebook's ids look like another assignment's: few are of this one's cells, or more of others."""
    own = ids & known.keys()
    return len(ids - own) >= len(own) or len(own) < FEW * len(known)


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
        written = [at for at in copies[name] if not _is_as_released(cells[at], known[name])]
        check = copies.get(_check_of(name, known), [len(cells)])[-1]
        counted.add(([at for at in written if at < check] or written or copies[name])[-1])
        untouched.update(set(copies[name]) - set(written))
    return counted, untouched


def _is_as_released(cell: NotebookNode, master: NotebookNode) -> bool:
    """Tell whether a cell's text is the course's, but for spaces and line ends, which programs change."""
    return bool(cell.source == master.source or cell.source.split() == master.source.split())


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
