"""Markers: comments in a solution after the statements that students write, with the blanks that they see.

    T = np.dot(left, right)  #? T = np.dot(?, ?)  # the product of the two

The template replaces the statement, which may have several lines; the rest of the cell doesn't change. Each `?` hides
one expression. The text around it must be the same as in the statement, so a marker always fits its code.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode
from nbgrader.utils import is_solution

from lib.blanks import masked, misplaced, open_blanks
from lib.grading.errors import Fault

EXPECTED = "a marker after each statement to hide, such as  T = a @ b  #? T = ?  # the purpose of the blank"


class HiddenAnswer(NamedTuple):
    """An expression that a blank hides, and the place (cell and line) of the blank."""

    place: str
    expression: str


class _Marker(NamedTuple):
    """A statement and the template that replaces it. Together with the marker's `#?` they are `source[start:end]`."""

    place: str
    statement: str
    template: str
    start: int
    end: int


def make_blanks(cell: NotebookNode, place: str, is_plain: bool = False) -> list[HiddenAnswer]:
    """Turn the markers of a cell into blanks, and return the hidden answers. Raises Fault for an ambiguous marker.

    In an assignment that `is_plain`, without a unit, cells may also have nbgrader's regions, or be cleared as a whole.
    """
    if cell.cell_type != "code" or (is_plain and not (is_solution(cell) and any(_markers(cell.source, place)))):
        return []
    for number, line in enumerate(cell.source.split("\n"), 1):
        if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
            what = "a solution region in code would not be cleared"
            raise _fault(f"{place}, line {number}", what, "mark the statements in it, and delete its two lines", line)
    if is_solution(cell):
        cell.source, hidden = student_source(cell.source, place)
        return hidden
    for marker in _markers(cell.source, place):
        what = "a marker in a cell that is not a solution"
        attempt = "make the cell a solution (nbgrader's Create Assignment), or delete the marker"
        raise _fault(marker.place, what, attempt, f"#? {marker.template}")
    return []


def _fault(place: str, what: str, attempt: str, found: str = "") -> Fault:
    return Fault(place, what, attempt, found=found.strip(), expected=EXPECTED)


def student_source(source: str, place: str) -> tuple[str, list[HiddenAnswer]]:
    """Return a code cell with blanks instead of markers, and the hidden answers.

    Raises Fault for an ambiguous marker; `place` names the cell in the message.
    """
    lines = source.split("\n")
    for blank in open_blanks(source):
        at, what = f"{place}, line {blank.line}", "the solution itself has a ?"
        raise _fault(at, what, "replace the ? with the answer", lines[blank.line - 1])
    if not (markers := list(_markers(source, place))):
        what = "a solution cell without a blank would be released as a whole"
        raise _fault(place, what, "mark a statement, or make it a cell that is not a solution")
    hidden = [HiddenAnswer(marker.place, expression) for marker in markers for expression in _match_template(marker)]
    for marker in reversed(markers):  # from the end, so that the positions of earlier markers stay valid
        source = source[: marker.start] + marker.template + source[marker.end :]
    if stray := misplaced(source):
        at, what = f"{place}, line {stray.line} of the student version", "a ? where Python allows no expression"
        attempt = "hide only expressions, and keep names that are defined or imported"
        raise _fault(at, what, attempt, source.split("\n")[stray.line - 1])
    return source, hidden


def _markers(source: str, place: str) -> Iterator[_Marker]:
    # A mask of the source has one line for each statement, and `#` in comments only.
    for line in re.finditer(r"[^\n]+", masked(source)):
        for comment in re.finditer(r"#+", line[0]):
            start, end = line.start() + comment.start(), line.start() + comment.end()
            if not source.startswith("#?", start):
                if source[start:end].lstrip("# ").startswith("?"):
                    at, what = f"{place}, line {source.count(chr(10), 0, start) + 1}", "a misspelt marker"
                    raise _fault(at, what, "write #? without a space", source[start:end])
                continue
            first = line.start() + len(line[0]) - len(line[0].lstrip())
            at = f"{place}, line {source.count(chr(10), 0, start) + 1}"
            if first == start or end < line.end():
                what = "a marker that is not at the end of a statement"
                raise _fault(at, what, "move it to the end of the statement that it hides", source[start:end])
            yield _Marker(at, source[first:start].rstrip(), source[start + 2 : end].strip(), first, end)


def _match_template(marker: _Marker) -> list[str]:
    length = len(masked(marker.template).partition("#")[0])
    code, purpose = marker.template[:length].rstrip(), marker.template[length:].strip("# ")
    written, blanks = f"#? {marker.template}", open_blanks(marker.template)
    if "#?" in marker.template[length:]:
        what = "two markers after one statement"
        raise _fault(marker.place, what, "delete one of them; one marker may have several ?", written)
    if not blanks or not purpose:
        what = f"a marker {'that does not describe its ?' if blanks else 'without a ?'}"
        attempt = "copy the statement after #?, replace expressions with ?, and end with a comment"
        raise _fault(marker.place, what, attempt, written)
    edges = [0, *(edge for blank in blanks for edge in (blank.start, blank.end)), len(code)]
    texts = [code[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    # A `?` matches any expression, so a template may match a statement in several ways: then it is ambiguous.
    readings = list(_matches(marker.statement, texts))
    if len(readings) != 1:
        what = f"a marker that {'fits its statement in more than one way' if readings else 'does not fit'}"
        attempt = "hide it with a single ?" if readings else _advise(marker.statement, texts)
        raise Fault(
            marker.place, what, attempt, found=marker.statement, expected=f"{code}, with one expression for each ?"
        )
    return readings[0]


def _advise(statement: str, texts: list[str]) -> str:
    for text in filter(None, texts):
        if text not in statement:
            return f"copy the statement again, and change only the ?: it has no {text.strip()!r}"
        statement = statement.partition(text)[2]
    return "let each ? stand for one whole expression:  a, b  are two, and so are the ends of  1:2"


def _matches(statement: str, texts: list[str]) -> Iterator[list[str]]:
    text, *others = texts
    if not statement.startswith(text):
        return
    rest = statement[len(text) :]
    if not others and not rest:
        yield []
    for end in range(1, len(rest) + 1 if others else 0):
        if rest.startswith(others[0], end) and parse_expression(rest[:end]):
            yield from ([rest[:end], *more] for more in _matches(rest[end:], others))


def parse_expression(text: str) -> ast.expr | None:
    """Parse a text that is one expression. Return None for any other text."""
    if text != text.strip():
        return None
    try:  # as the key of a dictionary, because `a, b` and `a:b` can't be keys
        tree = ast.parse(f"{{{text}: 0}}", mode="eval").body
    except SyntaxError:
        return None
    return tree.keys[0] if isinstance(tree, ast.Dict) and len(tree.keys) == 1 else None
