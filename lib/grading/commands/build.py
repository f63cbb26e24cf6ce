"""Building the student version: each blank of a solution turns into the `?` that its marker shows.

In a solution cell a blank is ordinary, running code. A marker behind the statement says what the student sees:

    T = np.dot(left, right)  #? T = np.dot(?, ?)  # the product of the two

The template replaces the statement, also one of several lines; every other byte of the cell stays. Each `?` stands
for one expression, and what is around it must be the statement's own text, so a marker can't drift from its code.

Among nbgrader's preprocessors of `generate_assignment`, `Blanks` takes the place of ClearSolutions. `NoLeak` comes
last: it refuses a finished notebook if something that a blank hides can still be read, in it or in a file beside it.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor
from nbgrader.utils import find_all_files, is_solution

from lib.blanks import masked, misplaced, open_blanks
from lib.grading.errors import CannotBuild
from lib.grading.grade.unit_preprocessor import UnitPreprocessor

__all__ = ["Blanks", "CannotBuild", "Hidden", "NoLeak", "student_source"]

Resources = dict[str, Any]


@dataclass(frozen=True)
class Hidden:
    """An expression that a blank hides, and the place (cell and line) of the blank."""

    place: str
    expression: str


@dataclass(frozen=True)
class _Marker:
    """A statement and the template that replaces it. Both, with the marker's `#?`, are `source[start:end]`."""

    place: str
    statement: str
    template: str
    start: int
    end: int


class Blanks(ClearSolutions):
    """Code solutions become blanks; Markdown answers are cleared as nbgrader does. Called by GenerateAssignment.

    An assignment without a unit may also have nbgrader's own solution regions and whole cells to clear.
    """

    _is_plain = False
    """Whether the assignment at hand is nbgrader's own, without a unit."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called once for each notebook; leaves in `resources["blanks"]`, for `NoLeak`, what its blanks hide."""
        resources["blanks"] = []
        assignment = resources.get("nbgrader", {}).get("assignment")
        self._is_plain = assignment is not None and not UnitPreprocessor(parent=self).answers_of(assignment)
        if not self._is_plain:
            # Where a notebook doesn't say its language, the browser edition asks each student which kernel to take.
            nb.metadata.setdefault("language_info", {"name": "python"})
        # nbgrader's own also takes out solution regions of Markdown, and the marks of cells that it has cleared.
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Called for each cell."""
        if cell.cell_type != "code":
            return super().preprocess_cell(cell, resources, cell_index)
        place = place_of(cell, cell_index, resources)
        if self._is_plain and not (is_solution(cell) and any(_markers(cell.source, place))):
            return super().preprocess_cell(cell, resources, cell_index)
        self._refuse_regions(cell.source, place)
        if is_solution(cell):
            cell.source, hidden = student_source(cell.source, place)
            resources["blanks"] += hidden
        else:
            _refuse_markers(cell.source, place)
        return cell, resources

    def _refuse_regions(self, source: str, place: str) -> None:
        for number, line in enumerate(source.split("\n"), 1):
            if self.begin_solution_delimeter in line or self.end_solution_delimeter in line:
                raise CannotBuild(
                    f"{place}, line {number}: a solution region in code would not be cleared",
                    found=line.strip(),
                    expected=f"a marker behind each statement to hide, {_EXAMPLE}",
                    attempt="take the region's two lines out and mark the statements between them",
                )


class NoLeak(NbGraderPreprocessor):
    """Refuses a finished notebook if something that a blank hides can still be read, in it or in a file beside it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called last, once for each notebook."""
        for index, cell in enumerate(nb.cells):
            place = place_of(cell, index, resources)
            refuse_leak(resources["blanks"], cell.source, place)
            for part in ("outputs", "metadata", "attachments"):
                refuse_leak(resources["blanks"], "\n".join(_texts_in(cell.get(part))), f"{place}, {part}")
        refuse_leak(
            resources["blanks"], "\n".join(_texts_in(nb.metadata)), f"{resources['unique_key']}.ipynb, metadata"
        )
        if resources["blanks"] and (folder := resources.get("metadata", {}).get("path")):
            # As nbgrader finds what it copies into the release.
            for file in sorted(map(Path, find_all_files(folder, [*CourseDirectory(parent=self).ignore, "*.ipynb"]))):
                refuse_leak(resources["blanks"], file.read_text(errors="replace"), str(file.relative_to(folder)))
        return nb, resources


_EXAMPLE = "like  T = np.dot(a, b)  #? T = ?  # what it is for"


def student_source(source: str, place: str) -> tuple[str, list[Hidden]]:
    """Turn a code cell's markers into blanks: the cell as students see it, and what its blanks hide.

    Raises CannotBuild where that isn't certain; `place` names the cell in its message.
    """
    for blank in open_blanks(source):
        raise CannotBuild(
            f"{place}, line {blank.line}: a ? stands in the solution itself",
            found=source.split("\n")[blank.line - 1].strip(),
            expected=f"code that runs, and the ? in a marker behind it, {_EXAMPLE}",
            attempt="write the answer where the ? is",
        )
    markers = list(_markers(source, place))
    if not markers:
        raise CannotBuild(
            f"{place}: a solution cell without a blank would be given away whole",
            found="no marker",
            expected=f"one behind each statement to hide, {_EXAMPLE}",
            attempt="mark a statement, or make it a cell that is not a solution",
        )
    hidden = [Hidden(marker.place, expression) for marker in markers for expression in _match_template(marker)]
    for marker in reversed(markers):  # from the end: what stands before keeps its place
        source = source[: marker.start] + marker.template + source[marker.end :]
    if stray := misplaced(source):
        raise CannotBuild(
            f"{place}, line {stray.line} of the student version: a ? stands where Python allows no expression",
            found=source.split("\n")[stray.line - 1].strip(),
            expected="each ? in the place of an expression",
            attempt="keep names that are defined or imported, and blank what is computed",
        )
    return source, hidden


def _markers(source: str, place: str) -> Iterator[_Marker]:
    """Find the statements that end in a marker."""
    # A mask of the source has one line for each statement, and `#` in comments only.
    for line in re.finditer(r"[^\n]+", masked(source)):
        for comment in re.finditer(r"#+", line[0]):
            start, end = line.start() + comment.start(), line.start() + comment.end()
            if not source.startswith("#?", start):
                continue
            first = line.start() + len(line[0]) - len(line[0].lstrip())
            at = f"{place}, line {source.count(chr(10), 0, start) + 1}"
            if first == start or end < line.end():
                raise CannotBuild(
                    f"{at}: a marker that is not at the end of a statement",
                    found=source[start:end],
                    expected=f"the marker behind the statement's last character, {_EXAMPLE}",
                    attempt="move it to the end of the statement that it hides",
                )
            yield _Marker(at, source[first:start].rstrip(), source[start + 2 : end].strip(), first, end)


def _refuse_markers(source: str, place: str) -> None:
    for marker in _markers(source, place):
        raise CannotBuild(
            f"{marker.place}: a marker in a cell that is not a solution",
            found=f"#? {marker.template}",
            expected="markers in solution cells only",
            attempt="make the cell a solution (nbgrader's Create Assignment), or take the marker out",
        )


def _match_template(marker: _Marker) -> list[str]:
    """Give the expressions of the statement that its template hides, one for each `?`."""
    length = len(masked(marker.template).partition("#")[0])
    code, purpose = marker.template[:length].rstrip(), marker.template[length:].strip("# ")
    blanks = open_blanks(marker.template)
    if "#?" in marker.template[length:]:
        raise CannotBuild(
            f"{marker.place}: two markers behind one statement",
            found=f"#? {marker.template}",
            expected=f"one marker, {_EXAMPLE}",
            attempt="take one of them out; one marker may have several ?",
        )
    if not blanks or not purpose:
        raise CannotBuild(
            f"{marker.place}: a marker {'that says nothing about what the ? is for' if blanks else 'without a ?'}",
            found=f"#? {marker.template}",
            expected=f"a ? and a comment that says what it is for, {_EXAMPLE}",
            attempt="copy the statement behind #?, put ? where an expression is, and end with a comment",
        )
    edges = [0, *(edge for blank in blanks for edge in (blank.start, blank.end)), len(code)]
    texts = [code[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    # `?` may stand for any expression, so one statement can be read in several ways: then the blank isn't certain.
    readings = list(_matches(marker.statement, texts))
    if len(readings) != 1:
        how = "fits its statement in more than one way" if readings else "does not fit"
        raise CannotBuild(
            f"{marker.place}: a marker that {how}",
            found=marker.statement,
            expected=f"{code}, with one expression for each ?",
            attempt="hide it behind a single ?" if readings else "copy the statement again, and put in the ? alone",
        )
    return readings[0]


def _matches(statement: str, texts: list[str]) -> Iterator[list[str]]:
    """Give every way to read the statement as these texts with one expression between each two."""
    text, *others = texts
    if not statement.startswith(text):
        return
    rest = statement[len(text) :]
    if not others and not rest:
        yield []
    for end in range(1, len(rest) + 1 if others else 0):
        if rest.startswith(others[0], end) and _parse_expression(rest[:end]):
            yield from ([rest[:end], *more] for more in _matches(rest[end:], others))


def _parse_expression(text: str) -> ast.expr | None:
    """Parse a text that is one expression; None for any other."""
    if text != text.strip():
        return None
    try:  # as the key of a dictionary, which `a, b` and `a:b` can't be
        tree = ast.parse(f"{{{text}: 0}}", mode="eval").body
    except SyntaxError:
        return None
    return tree.keys[0] if isinstance(tree, ast.Dict) and len(tree.keys) == 1 else None


def refuse_leak(hidden: Iterable[Hidden], text: str, place: str) -> None:
    shown = compress(text)
    for secret in hidden:
        if gives_answer_away(secret.expression) and shows(shown, secret.expression):
            raise CannotBuild(
                f"{place}: it shows what the blank at {secret.place} hides",
                found=secret.expression,
                expected="nothing that a student could copy",
                attempt="say it in words there, or put another blank there, or hide less at the first",
            )


def shows(compressed: str, answer: str) -> bool:
    """Tell whether a text shows an answer.

    `def update(X, C):` doesn't show a loop's `update(X, C)`: students know how a function is called.
    """
    answer = compress(answer)
    return answer in compressed and answer in compressed.replace(f"def{answer}", "def")


def gives_answer_away(expression: str) -> bool:
    """Tell whether reading an expression elsewhere gives the answer away: it computes something, and it is long."""
    computing = (ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare)
    tree = _parse_expression(expression)
    long = len(compress(expression)) > 12
    return long and tree is not None and any(isinstance(node, computing) for node in ast.walk(tree))


def compress(text: str) -> str:
    """Take out spaces, line breaks and comment signs, and make all quotes alike."""
    return re.sub(r"[\s#]", "", text).replace('"', "'")


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (str(key), *_texts_in(item))
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


def place_of(cell: NotebookNode, index: int, resources: Resources) -> str:
    """Name a cell for a message: its notebook, and its id or its number."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id") or f"number {index + 1}"
    return f"{resources['unique_key']}.ipynb, cell {name!r}"
