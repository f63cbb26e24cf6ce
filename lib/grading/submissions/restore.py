"""Restoring a submitted notebook: ids, flags, points, locked cells and the order of cells come from the gradebook.

A student may have deleted, changed, duplicated or moved a check, edited a cell's metadata, or submitted another
notebook. A restored notebook has every cell of the course exactly once, in an order in which the checks work.

Some programs drop the metadata of cells, and a cell pasted as text has none. The id of such a cell is found by its
released text, or because it is the only new cell between two known ones. If an answer isn't found for certain, it stays
in its place and a person looks for it.

Examples are released cells with a tag, which grading skips. A student may define a helper in an example, or in a copy
of one, and call it elsewhere. So only the course's own code is skipped. A student's statements run, each in a `try` of
its own, because the example's data may be missing. Statements added to a locked cell run in the same way.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory

from lib.grading.execution.notebook import ADDED_CODE, is_skipped
from lib.grading.judge.library_calls import NOT_RUN, Allowance, parse, parse_python, replace_all
from lib.grading.kernel.guard import guard
from lib.grading.submissions.submission import UnreadableError, clean_cell, notebook_in
from lib.grading.submissions.submitted_files import step_folder

IN_DOUBT = (
    "Some written answers were not in their own cells. Your instructor will look for them in your notebook. Next time,"
    " write each answer in the cell below its question."
)
LOST = "The cell of this answer was not found for certain. The answer may be elsewhere in the submitted notebook."
ELSEWHERE = "The cell of this answer is unchanged, but the student added a text cell next to it."
FEW = 1 / 4
"""A notebook with less than this share of the course's cells may be another assignment's: some cells occur in both."""
Token = str | tuple[bool, str]
"""What cells are compared by: an id, or whether the cell has code, and its text."""


@dataclass(frozen=True)
class ReleasedCell:
    """A cell as students got it: its id in the course or "", its type, its source, and whether grading skips it."""

    id: str
    kind: str
    source: str
    is_example: bool = False

    @cached_property
    def text(self) -> Token:
        """What cells without an id are compared by."""
        return _text(self.kind, self.source)


@dataclass(frozen=True)
class RestoredNotebook:
    """A notebook with every cell of the course exactly once.

    `remarks` are for the student. `doubts` has the answers that a person has to look for, each with the reason, and
    `reasons` says why a person has to look at the notebook as a whole.
    """

    cells: list[NotebookNode]
    remarks: tuple[str, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def restore(
    cells: list[NotebookNode],
    known: dict[str, NotebookNode],
    released: Sequence[ReleasedCell],
    explained: bool,
    is_empty: bool,
) -> RestoredNotebook:
    """Restore submitted cells; `explained` if an earlier remark says why cells are missing."""
    submitted = [clean_cell(cell) for cell in cells]
    found, doubts = find_lost_ids(submitted, known, released)
    for at, id in found.items():
        submitted[at].metadata["nbgrader"] = NotebookNode(grade_id=id)
    ids = {*map(course_id, submitted)} - {""}
    restored = restore_cells(submitted, known, {cell.id: cell.source for cell in released})
    if examples := {cell.source for cell in released if cell.is_example}:
        run_added_code(restored, examples)
    reasons = () if explained or not _is_another_assignment(ids, known) else ("may not be this assignment's notebook",)
    remarks = tuple(_remarks(ids, known, bool(found), bool(doubts), explained))
    return RestoredNotebook(restored, remarks, {} if is_empty else doubts, reasons)


def read_released(
    course: CourseDirectory, assignment: str, notebook: str, known: dict[str, NotebookNode]
) -> list[ReleasedCell]:
    """Read the released notebook, or the gradebook's cells if it is missing or has changed since it was released."""
    file = step_folder(course, "release", ".", assignment) / f"{notebook}.ipynb"
    with suppress(UnreadableError, OSError):
        cells = notebook_in(file.read_bytes(), file.name).cells
        ids = [name if (name := course_id(cell)) in known else "" for cell in cells]
        if [id for id in ids if id] == list(known):
            pairs = zip(ids, cells, strict=True)
            return [ReleasedCell(id, cell.cell_type, cell.source, is_skipped(cell)) for id, cell in pairs]
    return [ReleasedCell(id, cell.cell_type, cell.source) for id, cell in known.items()]


def _remarks(
    ids: Set[str], known: dict[str, NotebookNode], is_found: bool, is_in_doubt: bool, explained: bool
) -> Iterator[str]:
    if not ids & known.keys():
        if not explained:
            yield "No cell has an id of this assignment. Is it another notebook, or is its metadata lost?"
        return
    if _is_another_assignment(ids, known):
        what = "Most of its cells are another assignment's."
        if len(ids - known.keys()) < len(ids & known.keys()):
            what = "The notebook has few of this assignment's cells."
        yield f"{what} If this is the wrong notebook, submit the right one."
    elif is_found:
        yield (
            "Some cells had lost their ids. They were found by their text and position. Some programs drop the ids when"
            " they save a notebook, and so does pasting a cell as text."
        )
    if is_in_doubt:
        yield IN_DOUBT


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


def find_lost_ids(
    cells: list[NotebookNode], known: Mapping[str, NotebookNode], released: Sequence[ReleasedCell]
) -> tuple[dict[int, str], dict[str, str]]:
    """Return the lost ids by position in `cells`, and the answers that may be in another cell, each with the reason.

    `released` is the whole notebook in order, including cells without an id, which help to locate an answer.
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
    """A search for lost ids. `ids` has the known ids of the cells or "", and `new` the cells that the student added.

    Positions in `released` are called `at`, positions in the submitted `cells` are called `place`.
    """

    def __init__(
        self,
        cells: list[NotebookNode],
        known: Mapping[str, NotebookNode],
        released: Sequence[ReleasedCell],
        ids: list[str],
    ):
        self.cells, self.known, self.released, self.ids = cells, known, released, ids
        self.found: dict[int, str] = {}
        self.texts = [_text(cell.cell_type, cell.source) for cell in cells]
        released_texts = {cell.text for cell in released}
        self.new = [
            place
            for place, cell in enumerate(cells)
            if not ids[place] and cell.source.strip() and self.texts[place] not in released_texts
        ]

    def find_by_text(self) -> None:
        """Find unchanged cells: in the released order, or anywhere if the text occurs only once in both notebooks."""
        released, submitted = self._tokens()
        moved = [(released.index(token), submitted.index(token)) for token in _once_in_both(released, submitted)]
        for at, place in [*self._anchors().items(), *moved]:
            self._assign(place, self.released[at].id)

    def find_by_place(self) -> None:
        """Find a solution between two known cells if one of its type is missing there, and one is new."""
        anchors = self._anchors()
        for cell in self._lost_solutions():
            missing, places = self._around(self.released.index(cell), anchors)
            is_code = cell.kind == "code"
            rivals = [other for other in missing if (other.kind == "code") == is_code]
            new = [each for each in self.new if each in places and (self.cells[each].cell_type == "code") == is_code]
            if len(rivals) == len(new) == 1:
                self._assign(new[0], cell.id)

    def doubts(self) -> Iterator[tuple[str, str]]:
        """Yield each answer that may be in another cell, with the reason."""
        texts = [place for place in self.new if self.cells[place].cell_type != "code"]
        for cell in self._lost_solutions():
            if self.known[cell.id].metadata.nbgrader.grade and (self.new if cell.kind == "code" else texts):
                yield cell.id, LOST
        anchors = self._anchors() if texts else {}
        for at, cell in enumerate(self.released):
            if cell.id in self.ids and cell.id and cell.kind != "code" and texts:
                is_untouched = _is_untouched(self.cells[self.ids.index(cell.id)], self.known[cell.id])
                _, places = self._around(at, {place: other for place, other in anchors.items() if place != at})
                if is_untouched and any(text in places for text in texts):
                    yield cell.id, ELSEWHERE

    def _assign(self, place: int, id: str) -> None:
        if id in self.known and id not in self.ids and not self.ids[place]:
            self.ids[place] = self.found[place] = id
            if place in self.new:
                self.new.remove(place)

    def _around(self, at: int, anchors: Mapping[int, int]) -> tuple[Sequence[ReleasedCell], range]:
        """Return the released cells, and the submitted places, between the two anchors around a released cell."""
        before = max((other for other in anchors if other < at), default=-1)
        after = min((other for other in anchors if other > at), default=len(self.released))
        last = anchors.get(after, len(self.cells)) if anchors else 0
        return self.released[before + 1 : after], range(anchors.get(before, -1) + 1, last)

    def _lost_solutions(self) -> list[ReleasedCell]:
        missing = [cell for cell in self.released if cell.id and cell.id not in self.ids]
        return [cell for cell in missing if self.known[cell.id].metadata.nbgrader.solution]

    def _tokens(self) -> tuple[list[Token], list[Token]]:
        present = set(self.ids) - {""}
        released = [cell.id if cell.id in present else cell.text for cell in self.released]
        return released, [id or text for id, text in zip(self.ids, self.texts, strict=True)]

    def _anchors(self) -> dict[int, int]:
        """Return the places of released cells that are present in order, by their positions in the release.

        A cell that occurs several times is matched only if a neighbour matches too.
        """
        released, submitted = self._tokens()
        once = _once_in_both(released, submitted)
        # Without autojunk, which ignores frequent texts in long notebooks.
        blocks = SequenceMatcher(None, released, submitted, autojunk=False).get_matching_blocks()
        return {
            at: at - block.a + block.b
            for block in blocks
            for at in range(block.a, block.a + block.size)
            if block.size > 1 or released[at] in once
        }


def course_id(cell: NotebookNode) -> str:
    """Return the course's id in a cell's metadata, or ""."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _is_untouched(cell: NotebookNode, source_cell: NotebookNode) -> bool:
    """True if the cell is a manually graded answer with its released text."""
    flags = source_cell.metadata.nbgrader
    return bool(flags.solution and flags.grade) and is_as_released(cell, source_cell)


def _text(kind: str, source: str) -> Token:
    return kind == "code", _without_spaces(source)


def _without_spaces(text: str) -> str:
    return "".join(text.split())  # programs change spaces and line breaks when they save a notebook


def _once_in_both(first: Sequence[Token], second: Sequence[Token]) -> set[Token]:
    counts = Counter(first), Counter(second)
    return {token for token in counts[0] if counts[0][token] == counts[1][token] == 1}


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
    """Yield the submitted cells with each known cell once, and code added to a locked cell as a cell of its own.

    Not all programs protect locked cells, and students often add imports to existing ones. Code added to a check runs
    before the check. Of the copies that don't count, changed ones run as ordinary cells and unchanged ones are dropped.
    """
    (counted, untouched), allowance = _count_copies(cells, known), Allowance(MOST_CHANGED)
    for at, cell in enumerate(cells):
        if at not in counted:
            if at not in untouched:
                cell.metadata.pop("nbgrader", None)
                yield cell
            continue
        source_cell, original = known[id := course_id(cell)], released.get(id, cell.source)
        merged, flags = _merge(source_cell, cell), source_cell.metadata.nbgrader
        is_changed = cell.cell_type == "code" and not flags.solution and cell.source != original
        if added := added_to_locked(cell.source, original) if is_changed and allowance.take(cell.source) else "":
            cell.metadata = NotebookNode({ADDED_CODE: added})
            yield from [cell, merged] if flags.grade else [merged, cell]
        else:
            yield merged


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


# ---- Code that students added to examples and locked cells

MOST_CHANGED = 50_000
"""Characters of changed examples that are parsed, and as many of changed locked cells; a notebook has 15,000."""
_SPACE = r"[^\S\n]*+"
_MAGIC = re.compile(rf"(?m)^({_SPACE})%(run|time|load_ext|reload_ext|pylab|cd|env|set_env)\b{_SPACE}(.*)$")
"""A line with a magic that defines names or sets up what other code needs. `%timeit` and others only take time."""


def run_added_code(cells: Iterable[NotebookNode], examples: Collection[str]) -> None:
    """Mark students' statements in examples to be run. `examples` are released texts; unchanged cells stay skipped."""
    allowance = Allowance(MOST_CHANGED)
    for cell in cells:
        if not is_skipped(cell) or cell.source in examples:
            continue
        if code := added_code(cell.source, examples) if allowance.take(cell.source) else cell.source:
            del cell.metadata["tags"]  # nbclient would skip the cell
            cell.metadata[ADDED_CODE] = code


def added_code(source: str, examples: Iterable[str]) -> str:
    """Return the statements of a cell that no example has. An error in one of them doesn't stop the next one."""
    tree = _read(source)
    if tree is None:
        return source
    given = frozenset[str]().union(*map(_statements, examples))
    try:
        return _unparse([statement for statement in tree.body if ast.dump(statement) not in given])
    except (RecursionError, ValueError):  # nested too deep, or an integer with too many digits
        return source


def added_to_locked(source: str, released: str) -> str:
    """Return the statements that a student added to a locked cell, as `added_code` does.

    A function or class of the released cell counts only if the student has kept all of its original statements.
    """
    given, tree = _read(released), _read(source)
    if given is None or tree is None:
        return ""
    bodies = {getattr(each, "name", ""): _bodies(each) for each in given.body}
    with suppress(RecursionError, ValueError):  # as in `added_code`
        own = [each for each in tree.body if ast.dump(each) not in _statements(released)]
        return _unparse([each for each in own if bodies.get(getattr(each, "name", None), set()) <= _bodies(each)])
    return ""


def _read(source: str) -> ast.Module | None:
    # `%run helpers.py` may define names that other cells need.
    called = _MAGIC.sub(lambda found: f"{found[1]}get_ipython().run_line_magic({found[2]!r}, {found[3]!r})", source)
    return parse_python(source) or parse(called) or parse(replace_all(called, NOT_RUN))


def _bodies(statement: ast.stmt) -> set[str]:
    return {ast.dump(each) for each in getattr(statement, "body", ())}


def _unparse(statements: Iterable[ast.stmt]) -> str:
    return ast.unparse(ast.Module([each if _is_future(each) else guard(each) for each in statements], []))


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"  # has to be outermost


@lru_cache(maxsize=256)  # the examples of a course are the same for a whole class
def _statements(source: str) -> frozenset[str]:
    tree = _read(source)
    return frozenset(map(ast.dump, tree.body if tree else ()))
