"""Wrong answers without a name, in groups: an instructor can make mistakes of the catalogue of them.

Each student has another challenge, so the numbers of two students can't be compared. Answers to a part are one group
where the same statements fail and the same was found of each. Within a group, those of the same code stand together.
"""

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lib.answer_key import AnswerKey
from lib.checking.values import what_is_wrong
from lib.grading.judge.python_cells import parse
from lib.grading.judge.verdict import CODE, FOUND, PartVerdict, StatementVerdict
from lib.grading.names import quote
from lib.grading.pages.analysis import outcome
from lib.grading.pages.classroom import Classroom, StudentWork

Failing = tuple[tuple[str, str], ...]
"""For each statement that fails its text, and what was found."""


@dataclass
class Group:
    """Works whose answers to one part are alike.

    `numbers` tells whether there are any: the catalogue can name those only.
    """

    part_id: str
    part: str
    failing: Failing
    numbers: bool
    works: list[StudentWork] = field(default_factory=list)


def groups_of_unknown(classroom: Classroom) -> list[Group]:
    """Group all wrong answers that no mistake explains: those with numbers first, and the largest groups."""
    groups: dict[tuple[str, Failing], Group] = {}
    for work, verdict in classroom.graded:
        for part in filter(is_unknown, verdict.parts):
            failing = tuple((each.text, found_in(each)) for each in wrong_of(part))
            numbers = any(FOUND.fullmatch(each.why) for each in wrong_of(part))
            groups.setdefault((part.id, failing), Group(part.id, part.title, failing, numbers)).works.append(work)
    return sorted(groups.values(), key=lambda group: (not group.numbers, -len(group.works)))


def is_unknown(part: PartVerdict) -> bool:
    """Tell whether a part was answered, and wrong in a way that has no name; an open blank is no answer."""
    return outcome(part) in ("some points", "no points") and part.mistake is None and bool(wrong_of(part))


def wrong_of(part: PartVerdict) -> list[StatementVerdict]:
    """Give the statements that are wrong."""
    return [statement for statement in part.statements if statement.state == "wrong"]


def found_in(statement: StatementVerdict) -> str:
    """Say what was found of a wrong statement, without what belongs to one draw, or to one student's code."""
    if FOUND.fullmatch(statement.why):
        return statement.why
    said = CODE.sub("", what_is_wrong(statement.why)).strip().removesuffix(".")
    return quote(re.sub(r"\d+", "…", said))


def codes_of(group: Group, unit: AnswerKey | None) -> list[tuple[str, list[StudentWork]]]:
    """Give the code that the group's answers come from, the most frequent first; layout and comments don't count.

    Code is what the cells hold that define a part's subjects.
    """
    part = unit.part(group.part_id) if unit else None
    codes: dict[str, tuple[str, list[StudentWork]]] = {}
    for work in group.works if part else ():
        if cells := [cell for cell in _cells(work) if part and defines(cell, part.subjects)]:
            source = "\n\n".join(cells)
            codes.setdefault(_regardless_of_layout(source), (source, []))[1].append(work)
    return sorted(codes.values(), key=lambda code: -len(code[1]))


def _regardless_of_layout(source: str) -> str:
    """Write code so that it is the same for the same code, or as it is where it nests deeper than Python can go."""
    tree = parse(source)
    try:
        return ast.dump(tree) if tree else source
    except (RecursionError, MemoryError, ValueError):  # ValueError: an integer of too many digits to be written
        return source


def defines(source: str, names: Iterable[str]) -> bool:
    """Tell whether a cell defines one of these functions or classes."""
    wanted = {name for name in names if name in source}
    tree = parse(source) if wanted else None
    return tree is not None and any(getattr(node, "name", "") in wanted for node in tree.body)


def _cells(work: StudentWork) -> list[str]:
    """Read the code cells of a graded notebook: our own writing, which nbformat would check at length."""
    path = work.folder / f"{work.verdict.notebook}.ipynb" if work.verdict else None
    if path is None or not path.is_file():
        return []
    cells = json.loads(path.read_bytes())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
