"""A verdict: for one submitted notebook, the points of each part, what is wrong, and what to try.

Verdicts are kept as `verdict.json` next to the autograded notebook, with the challenge, the answer and what was
expected, so that an instructor can look at one on an appeal. There is also what grading has to remember of a
submission: so it moves with its folder, and nothing else keeps it. Of an assignment without a unit that is all there
is.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from msgspec import ValidationError, convert

from lib.checking.findings import State
from lib.grading.errors import with_line
from lib.grading.files import is_file
from lib.grading.names import quote
from lib.grading.remarks import Remark

FILE = "verdict.json"
OTHERS = "others"
"""Under this name a verdict's file holds those on the assignment's other notebooks; most assignments have but one."""
EVIDENCE = ("challenge", "answer", "expected")
"""What holds a part's arrays: nearly all of a verdict's file."""
LARGEST_FILE = 50_000_000
"""Bytes of a verdict's file that are read: one has some ten thousand."""


class DamagedVerdictError(ValueError):
    """There is a verdict's file, and it isn't one, or another submission's; the message says why."""


@dataclass(frozen=True)
class Diagnosis:
    """A mistake as a student reads it: its name and a hint."""

    name: str
    hint: str


@dataclass(frozen=True)
class StatementVerdict:
    """What became of one statement, `why` where it isn't right, and the mistake, or a `hint` where none has a name.

    What is said `by_code` comes from where the student's code runs, and may be made up. A student reads the `heading`
    in place of the text where something else is wrong than what that says. `code` is the student's line that raised,
    and `brief` is `why` without what belongs to one draw.
    """

    name: str
    text: str
    max_points: float
    state: State
    why: str = ""
    hint: str = ""
    by_code: bool = False
    mistake: Diagnosis | None = None
    heading: str = ""
    code: str = ""
    brief: str = ""

    @property
    def points(self) -> float:
        """A statement earns its points whole or not at all."""
        return self.max_points if self.state == "right" else 0.0

    @property
    def reason(self) -> str:
        """`why` as an instructor reads it: in quotation marks, unless the judge has found it."""
        return quote(with_line(self.why, self.code)) if self.by_code and self.why else self.why


@dataclass(frozen=True)
class PartVerdict:
    """What became of one part. `problem` says why there was no answer."""

    id: str
    title: str
    statements: tuple[StatementVerdict, ...]
    mistake: Diagnosis | None = None
    problem: str = ""
    challenge: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, dict[str, Any]] = field(default_factory=dict)
    expected: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The sum over the statements."""
        return sum(statement.points for statement in self.statements)

    @property
    def max_points(self) -> float:
        """What the part is worth."""
        return sum(statement.max_points for statement in self.statements)

    @property
    def mistakes(self) -> list[Diagnosis]:
        """The mistakes that have names, each once."""
        return list(dict.fromkeys(each.mistake for each in self.statements if each.mistake))

    @property
    def hints(self) -> list[str]:
        """What the statements' hints are, each once."""
        return list(dict.fromkeys(statement.hint for statement in self.statements if statement.hint))

    def score(self, worth: float) -> float:
        """Turn the points into those of a gradebook, in which the part is `worth` so many."""
        return min(worth, round(self.points * worth / self.max_points, 4)) if self.max_points else 0.0


@dataclass(frozen=True)
class Verdict:
    """All parts of one submitted notebook, the seed of its challenge, and remarks on how the run went.

    `library_calls` are names of a library's own that the student's code has in plain sight: a remark for a person.
    `handed_in` is the digest of the folder that it was made of, `reasons` say why a person has to look at the notebook,
    `waits` which of its cells wait for one, each with the reason, and `lacked` which packages it imports that were not
    installed.
    """

    assignment: str
    notebook: str
    student: str
    seed: int
    parts: tuple[PartVerdict, ...]
    remarks: tuple[Remark, ...] = ()
    library_calls: tuple[str, ...] = ()
    handed_in: str = ""
    reasons: tuple[str, ...] = ()
    waits: Mapping[str, str] = field(default_factory=dict)
    lacked: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The sum over the parts; written answers are graded by hand and not in it."""
        return sum(part.points for part in self.parts)

    @property
    def max_points(self) -> float:
        """What all parts are worth."""
        return sum(part.max_points for part in self.parts)

    @staticmethod
    def pack(verdicts: Iterable["Verdict"]) -> bytes:
        """Write what `verdict.json` holds: the verdicts on all of an assignment's notebooks."""
        first, *rest = _in_order(verdicts)
        return orjson.dumps({**vars(first), OTHERS: rest} if rest else first, option=orjson.OPT_APPEND_NEWLINE)

    @staticmethod
    def load(folder: Path, evidence: bool = True, of: tuple[str, str] | None = None) -> "Verdict":
        """Read the verdict in `folder`; without `evidence` all but challenges, answers and what was expected.

        Where an assignment has several notebooks it is one on all: their parts, remarks and what they borrow together.
        Takes and raises what `load_each` does, and raises DamagedVerdictError where nothing was judged.
        """
        verdict = Verdict.of_all(Verdict.load_each(folder, evidence, of))
        if not verdict.parts:
            raise DamagedVerdictError("has no part in it")
        return verdict

    @staticmethod
    def of_all(verdicts: Iterable["Verdict"]) -> "Verdict":
        """Put the verdicts on an assignment's notebooks together, as far as they say what was found."""
        first, *rest = found = _in_order(verdicts)
        if not rest:
            return first
        return replace(
            first,
            parts=tuple(part for verdict in found for part in verdict.parts),
            remarks=tuple(dict.fromkeys(remark for verdict in found for remark in verdict.remarks)),
            library_calls=tuple(dict.fromkeys(name for verdict in found for name in verdict.library_calls)),
            reasons=tuple(dict.fromkeys(reason for verdict in found for reason in verdict.reasons)),
        )

    @staticmethod
    def load_each(folder: Path, evidence: bool = True, of: tuple[str, str] | None = None) -> list["Verdict"]:
        """Read the verdicts in `folder`, one for each notebook.

        Where it is known whose they have to be, `of` names the assignment and the student. Raises FileNotFoundError
        where there is none, DamagedVerdictError where what is there isn't one.
        """
        try:
            data = orjson.loads(_file_in(folder))
            found = [_verdict(one, evidence) for one in (data, *data.pop(OTHERS, ()))]
        except orjson.JSONDecodeError as error:
            raise DamagedVerdictError(f"can't be read as JSON: {error}") from None
        except (AttributeError, KeyError, TypeError, ValidationError) as error:  # JSON can say anything
            raise DamagedVerdictError(f"isn't laid out as a verdict: {error}") from None
        for verdict in found:
            if of is not None and of != (verdict.assignment, verdict.student):
                raise DamagedVerdictError(f"is about {verdict.assignment} of {verdict.student}")
        return found


def _in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sort by the notebooks' names; the one that is called as the assignment comes first."""
    return sorted(verdicts, key=lambda one: (one.notebook != one.assignment, one.notebook))


def _file_in(folder: Path) -> bytes:
    path = folder / FILE
    if not os.path.lexists(path):
        raise FileNotFoundError(path)
    if not is_file(path):
        raise DamagedVerdictError("is a link, a folder or a device")
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise DamagedVerdictError(f"has {size / 1e6:,.0f} MB")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamagedVerdictError(f"can't be opened: {error.strerror}") from error


def _verdict(data: dict[str, Any], evidence: bool) -> Verdict:
    if not evidence:
        parts = [{name: value for name, value in part.items() if name not in EVIDENCE} for part in data["parts"]]
        data = {**data, "parts": parts}
    return convert(data, Verdict)
