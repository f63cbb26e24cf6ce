"""Restoring a submitted notebook: ids, flags, points, locked cells and the order of cells come from the gradebook.

A student may have deleted, changed, duplicated or moved a check, edited a cell's metadata, or submitted another
notebook. A restored notebook has every cell of the course exactly once, in an order in which the checks work. A cell
that has lost its id runs where it is, so its code counts; a person looks for a written answer.

Examples are released cells with a tag, which grading skips. An example or a locked cell that a student has changed runs
as a whole, before the course's own version: a student may define a helper there, and call it elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import is_grade, is_solution

from lib.grading.execution.notebook import is_skipped
from lib.grading.remarks import Remark
from lib.grading.submissions.submitted_files import step_folder
from lib.grading.submissions.submitted_notebook import Submission, UnreadableError, cells_in, clean_cell

IN_DOUBT = (
    "Some written answers were not in their own cells. Your instructor will look for them in your notebook. Next time,"
    " write each answer in the cell below its question."
)
LOST = "The cell of this answer was not found. The answer may be elsewhere in the submitted notebook."
ELSEWHERE = "The cell of this answer is unchanged, but the student added a text cell next to it."
FEW = 1 / 4
"""A notebook with less than this share of the course's cells may be another assignment's: some cells occur in both."""


class ReleasedCell(NamedTuple):
    """A cell as students got it: its id in the course or "", its source, and whether grading skips it."""

    id: str
    source: str
    is_example: bool = False


def restore(submission: Submission, known: dict[str, NotebookNode], released: Sequence[ReleasedCell]) -> Submission:
    """Return a submission with every cell of the course exactly once. Changes its cells.

    An earlier remark explains missing cells.
    """
    submitted, explained = submission.cells, bool(submission.remarks)
    ids, doubts = {*map(course_id, submitted)} - {""}, dict(find_doubts(submitted, known, released))
    restored = restore_cells(submitted, known, {cell.id: cell.source for cell in released})
    examples = {cell.source for cell in released if cell.is_example}
    for cell in restored:
        if examples and is_skipped(cell) and cell.source not in examples:
            del cell.metadata["tags"]
    submission = replace(submission, cells=restored, doubts={} if submission.empty else doubts)
    if explained:
        return submission
    is_other = _is_another_assignment(ids, known)
    reasons = ("may not be this assignment's notebook",) if is_other else ()
    remarks = [*([_explain_other(ids, known)] if is_other else []), *([IN_DOUBT] if doubts else [])]
    return replace(submission, reasons=reasons, remarks=tuple(map(Remark, remarks)))


def read_released(
    course: CourseDirectory, assignment: str, notebook: str, known: dict[str, NotebookNode]
) -> list[ReleasedCell]:
    """Read the released notebook, or the gradebook's cells if it is missing or has changed since it was released."""
    file = step_folder(course, "release", ".", assignment) / f"{notebook}.ipynb"
    with suppress(UnreadableError, OSError):
        cells = cells_in(file.read_bytes(), file.name)
        ids = [name if (name := course_id(cell)) in known else "" for cell in cells]
        if [id for id in ids if id] == list(known):
            return [ReleasedCell(id, cell.source, is_skipped(cell)) for id, cell in zip(ids, cells, strict=True)]
    return [ReleasedCell(id, cell.source) for id, cell in known.items()]


def _explain_other(ids: Set[str], known: dict[str, NotebookNode]) -> str:
    if not ids & known.keys():
        return "No cell has an id of this assignment. Is it another notebook, or is its metadata lost?"
    what = "Most of its cells are another assignment's."
    if len(ids - known.keys()) < len(ids & known.keys()):
        what = "The notebook has few of this assignment's cells."
    return f"{what} If this is the wrong notebook, submit the right one."


def _is_another_assignment(ids: Set[str], known: dict[str, NotebookNode]) -> bool:
    """True if the notebook has few of the assignment's cells, or at least as many cells of others."""
    own = ids & known.keys()
    return len(ids - own) >= len(own) or len(own) < FEW * len(known)


def assignment_of(ids: Set[str], cells: Mapping[str, Set[str]], assignment: str) -> str:
    """Return another assignment that more of the `ids` belong to than to this one, or "".

    `cells` has the cell ids of each assignment.
    """
    counts = {name: len(ids & own) for name, own in cells.items()}
    most = max(counts, key=counts.__getitem__, default=assignment)
    return most if counts.get(most, 0) > counts.get(assignment, 0) else ""


def find_doubts(
    cells: Sequence[NotebookNode], known: Mapping[str, NotebookNode], released: Sequence[ReleasedCell]
) -> Iterator[tuple[str, str]]:
    """Yield each answer that a person marks and that may be in another cell, with the reason."""
    places = {course_id(cell): at for at, cell in enumerate(cells)}
    unanswered = [
        id
        for id, source in known.items()
        if source.metadata.nbgrader.solution and source.metadata.nbgrader.grade
        if id not in places or (source.cell_type != "code" and is_as_released(cells[places[id]], source))
    ]
    if not unanswered:
        return
    texts = {_without_spaces(cell.source) for cell in released}
    is_new = [
        course_id(cell) not in known and bool(cell.source.strip()) and _without_spaces(cell.source) not in texts
        for cell in cells
    ]
    for id in unanswered:
        if id not in places:
            yield from [(id, LOST)] if any(is_new) else []
        elif any(is_new[at] and cells[at].cell_type != "code" for at in _next_to(places[id], cells)):
            yield id, ELSEWHERE


def _next_to(at: int, cells: Sequence[NotebookNode]) -> list[int]:
    return [place for place in (at - 1, at + 1) if 0 <= place < len(cells)]


def course_id(cell: NotebookNode) -> str:
    """Return the course's id in a cell's metadata, or ""."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def is_tested(cell: NotebookNode) -> bool:
    """True if only tests decide on a cell's points. A person marks solutions, texts and tasks."""
    return is_grade(cell) and cell.cell_type == "code" and not is_solution(cell)


def _without_spaces(text: str) -> str:
    return "".join(text.split())  # programs change spaces and line breaks when they save a notebook


def restore_cells(
    cells: list[NotebookNode], known: dict[str, NotebookNode], released: Mapping[str, str] = {}
) -> list[NotebookNode]:
    """Merge submitted and known cells, each known cell once; `released` has the released texts of locked cells.

    The student's cells keep their order. A missing cell is inserted before the cells that follow it in the source. A
    check is moved after the solutions that precede it in the source, and a cell that is neither graded nor a solution
    is moved before the cells that follow it there.
    """
    restored, names = list(_without_copies(cells, known, released)), list(known)
    if [id for cell in restored if (id := course_id(cell)) in known] == names:
        return restored  # in the source's order, as nearly all submissions are
    followers = {name: names[at + 1 :] for at, name in enumerate(names)}
    solutions = [name for name in names if known[name].metadata.nbgrader.solution]
    # From the end, so that the cells that follow a missing one are already there.
    for name in reversed(names):
        if not _places(restored, [name]):
            restored.insert(_first_place(restored, followers[name]), _merge(known[name]))
    for name in reversed(names):
        [place] = _places(restored, [name])
        flags = known[name].metadata.nbgrader
        if not (flags.grade or flags.solution or flags.task):
            restored.insert(min(place, _first_place(restored, followers[name])), restored.pop(place))
        elif name not in solutions:
            last = max(_places(restored, [other for other in solutions if name in followers[other]]), default=-1)
            restored.insert(max(place, last), restored.pop(place))
    return restored


def _without_copies(
    cells: list[NotebookNode], known: dict[str, NotebookNode], released: Mapping[str, str]
) -> Iterator[NotebookNode]:
    """Yield the submitted cells with each known cell once.

    Not all programs protect locked cells, and students add imports and methods to existing ones: a changed locked cell
    runs before the course's, or after it if it has only new lines and isn't a check. Of the copies that don't count,
    changed ones run as ordinary cells, others are dropped.
    """
    counted, untouched = _count_copies(cells, known)
    for at, cell in enumerate(cells):
        if at in counted:
            source_cell, original = known[id := course_id(cell)], released.get(id, cell.source)
            merged, flags = _merge(source_cell, cell), source_cell.metadata.nbgrader
            if cell.cell_type == "code" and not flags.solution and cell.source != original:
                cell.metadata = NotebookNode()
                yield from [merged, cell] if not flags.grade and _has_lines(cell.source, original) else [cell, merged]
            else:
                yield merged
        elif at not in untouched:
            cell.metadata.pop("nbgrader", None)
            yield cell


def _has_lines(text: str, original: str) -> bool:
    """True if a text has all lines of the original one, in their order."""
    lines = map(str.rstrip, text.splitlines())
    return all(line.rstrip() in lines for line in original.splitlines())


def _count_copies(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> tuple[set[int], set[int]]:
    """Return the place at which each known cell counts, and the places of unchanged copies.

    The last changed copy counts, because its definitions are in effect after a run. But a changed copy above the check
    comes before one below it, because a check uses the cells above it.
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


def is_as_released(cell: NotebookNode, source_cell: NotebookNode) -> bool:
    """True if a cell has its released text, ignoring spaces and line breaks."""
    return bool(
        cell.source == source_cell.source or _without_spaces(cell.source) == _without_spaces(source_cell.source)
    )


def _check_of(name: str, known: dict[str, NotebookNode]) -> str:
    """Return the first check after a code cell in the source; "" for a written answer."""
    if known[name].cell_type != "code":
        return ""
    names = list(known)
    later = ((id, known[id].metadata.nbgrader) for id in names[names.index(name) + 1 :])
    return next((id for id, flags in later if flags.grade and not flags.solution), "")


def _merge(source_cell: NotebookNode, cell: NotebookNode | None = None) -> NotebookNode:
    """Return a copy of the course's cell. A solution gets the text of the student's `cell`, which may be missing."""
    merged = clean_cell(source_cell)  # nbgrader's steps change cells, and each submission uses the same source cells
    merged.metadata["nbgrader"] = NotebookNode(source_cell.metadata["nbgrader"])
    if source_cell.metadata.nbgrader.solution and cell is not None:
        merged.source = cell.source
        if merged.cell_type == "markdown" and "attachments" in cell:
            merged.attachments = cell.attachments
    elif source_cell.metadata.nbgrader.solution and merged.cell_type == "code":
        merged.source = ""  # the student's code may be in another cell; running the blanks would redefine its names
    return merged


def _first_place(cells: list[NotebookNode], names: list[str]) -> int:
    return min(_places(cells, names), default=len(cells))


def _places(cells: list[NotebookNode], names: list[str]) -> list[int]:
    return [place for place, cell in enumerate(cells) if course_id(cell) in names]
