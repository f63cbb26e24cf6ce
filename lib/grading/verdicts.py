"""A verdict: for one submitted notebook, the points of each part, what is wrong, and what to try.

Verdicts are kept as `verdict.json` beside the autograded notebook, with the challenge, the answer and what was
expected, so that an instructor can look at one on an appeal. Feedback and report read it; nothing else stores a
verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, Literal

import orjson

from lib import panel

FILE = "verdict.json"
OTHERS = "others"
"""Under this name a verdict's file holds those on the assignment's other notebooks; most assignments have but one."""
EVIDENCE = {name: f',"{name}":'.encode() for name in ("challenge", "answer", "expected")}
"""What holds a part's arrays, and how its lines in a verdict's file begin."""
JUDGED = "zerolayer_judged"
"""Under this name a notebook's resources hold the ids of the cells that got a verdict."""
State = Literal["right", "wrong", "open", "not checked"]
"""`open`: a blank still was; `not checked`: it rests on a statement that fails, or nothing ran."""


@dataclass(frozen=True)
class StatementVerdict:
    """What became of one statement, and `why` where it isn't right."""

    name: str
    says: str
    max_points: float
    state: State
    why: str = ""

    @property
    def points(self) -> float:
        """A statement earns its points whole or not at all."""
        return self.max_points if self.state == "right" else 0.0


@dataclass(frozen=True)
class Named:
    """A mistake as a student reads it: its name and a hint."""

    name: str
    hint: str


@dataclass(frozen=True)
class PartVerdict:
    """What became of one part. `problem` says why there was no answer, if there was none."""

    id: str
    title: str
    statements: tuple[StatementVerdict, ...]
    mistake: Named | None = None
    problem: str = ""
    challenge: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The sum over the statements."""
        return sum(statement.points for statement in self.statements)

    @property
    def max_points(self) -> float:
        """What the part is worth."""
        return sum(statement.max_points for statement in self.statements)


@dataclass(frozen=True)
class Verdict:
    """All parts of one submitted notebook, the seed of its challenge, and remarks on how the run went.

    `borrowed` names what the student's code takes from a library where it was to be built.
    """

    assignment: str
    notebook: str
    student: str
    seed: int
    parts: tuple[PartVerdict, ...]
    remarks: tuple[str, ...] = ()
    borrowed: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The sum over the parts; written answers are graded by hand and not in it."""
        return sum(part.points for part in self.parts)

    @property
    def max_points(self) -> float:
        """What all parts are worth."""
        return sum(part.max_points for part in self.parts)

    def save(self, folder: Path, others: Iterable["Verdict"] = ()) -> None:
        """Write `verdict.json` into `folder`, whole or not at all; `others` are on the assignment's other notebooks."""
        found = sorted((self, *others), key=lambda one: (one.notebook != one.assignment, one.notebook))
        part_file = folder / f"{FILE}.part"
        part_file.write_bytes(_written(found))
        part_file.replace(folder / FILE)

    @staticmethod
    def load(folder: Path, evidence: bool = True) -> "Verdict":
        """Read the verdict in `folder`; without `evidence` all but challenges, answers and what was expected.

        Where an assignment has several notebooks it is one on all: their parts, remarks and what they borrow together.
        Raises FileNotFoundError where there is none.
        """
        found = Verdict.load_each(folder, evidence)
        if len(found) == 1:
            return found[0]
        return replace(
            found[0],
            parts=tuple(part for verdict in found for part in verdict.parts),
            remarks=tuple(dict.fromkeys(remark for verdict in found for remark in verdict.remarks)),
            borrowed=tuple(dict.fromkeys(name for verdict in found for name in verdict.borrowed)),
        )

    @staticmethod
    def load_each(folder: Path, evidence: bool = True) -> list["Verdict"]:
        """Read the verdicts in `folder`, one for each notebook. Raises FileNotFoundError where there is none."""
        written = (folder / FILE).read_bytes()
        if not evidence:
            written = b"\n".join(line for line in written.split(b"\n") if not line.startswith(tuple(EVIDENCE.values())))
        data = orjson.loads(written)
        others = data.pop(OTHERS, ())
        return [_verdict(one) for one in (data, *others)]


def _verdict(data: dict[str, Any]) -> Verdict:
    parts = tuple(_part(part) for part in data.pop("parts"))
    remarks, borrowed = tuple(data.pop("remarks")), tuple(data.pop("borrowed", ()))
    return Verdict(parts=parts, remarks=remarks, borrowed=borrowed, **data)


def _written(verdicts: list[Verdict]) -> bytes:
    """Write JSON: the first verdict, and the others within it."""
    first, *others = map(_one_written, verdicts)
    if not others:
        return first + b"\n"
    return b'%b,"%b":[\n%b]}\n' % (first[:-1], OTHERS.encode(), b",\n".join(others))


def _one_written(verdict: Verdict) -> bytes:
    """Write JSON in which each part's evidence has lines of its own: who needs none of it skips nearly all there is."""
    parts = []
    for part in map(dict, map(vars, verdict.parts)):
        evidence = b"\n".join(b"%b %b" % (line, orjson.dumps(part.pop(name))) for name, line in EVIDENCE.items())
        parts.append(b"%b\n%b\n}" % (orjson.dumps(part)[:-1], evidence))
    rest = orjson.dumps({name: value for name, value in vars(verdict).items() if name != "parts"})
    return b'%b,"parts":[\n%b]}' % (rest[:-1], b",\n".join(parts))


def _part(data: dict[str, Any]) -> PartVerdict:
    statements = tuple(StatementVerdict(**statement) for statement in data.pop("statements"))
    mistake = data.pop("mistake")
    return PartVerdict(statements=statements, mistake=Named(**mistake) if mistake else None, **data)


def html(part: PartVerdict, scale: float = 1.0) -> str:
    """Write what the student may read: points, statements, the mistake's name and hint, but no expected value.

    `scale` turns the part's own points into those of the gradebook.
    """
    heading = f"{part.title}: {_worth(part.points, part.max_points, scale)} points"
    return panel.section(heading, opening(part), items(part, scale))


def opening(part: PartVerdict) -> str:
    """Say as HTML why there was no answer, if there was none, and the mistake with its hint, if it has a name."""
    problem = f"<p>{escape(part.problem)}</p>" if part.problem else ""
    if part.mistake is None:
        return problem
    return f"{problem}<p><b>{escape(part.mistake.name)}</b><br>{escape(part.mistake.hint)}</p>"


def items(part: PartVerdict, scale: float = 1.0) -> str:
    """Write the statements as HTML list items; what several have to say is said at the first."""
    whys = [statement.why for statement in part.statements]
    return "".join(
        _item(statement, statement.why if statement.why not in whys[:at] else "", scale)
        for at, statement in enumerate(part.statements)
    )


def _item(statement: StatementVerdict, why: str, scale: float) -> str:
    says = f"{statement.says} ({_worth(statement.points, statement.max_points, scale)})"
    details = panel.indented(escape(why)) if why else ""
    return panel.item("not checked" if statement.state == "open" else statement.state, statement.state, says, details)


def _worth(points: float, max_points: float, scale: float) -> str:
    return f"{round(points * scale, 4):g} of {round(max_points * scale, 4):g}"
