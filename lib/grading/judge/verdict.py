"""Verdicts: for each submitted notebook the points of each part, the mistakes, and hints.

A verdict is stored as `verdict.json` next to the autograded notebook, with the challenge, the answer and the expected
results as evidence for an appeal. It also stores all that grading has to remember about a submission. For an assignment
without a unit it has only that.
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
from lib.grading.remarks import Remark
from lib.grading.safe_names import quote

FILE = "verdict.json"
OTHERS = "others"
"""The key in a verdict's file for the verdicts on the assignment's other notebooks, if there are any."""
EVIDENCE = ("challenge", "answer", "expected")
"""The fields with a part's arrays, which take most of a verdict's file."""
LARGEST_FILE = 50_000_000
"""The most bytes of a verdict's file that are read. One has about ten thousand."""


class DamagedVerdictError(ValueError):
    """A file is missing, is not a verdict, or belongs to another submission; the message has the reason."""


@dataclass(frozen=True)
class Diagnosis:
    """A mistake as a student reads it: its name and a hint."""

    name: str
    hint: str


@dataclass(frozen=True)
class StatementVerdict:
    """The verdict on one statement."""

    name: str
    text: str
    max_points: float
    state: State
    why: str = ""  # why it isn't right
    hint: str = ""  # if the mistake has no name
    by_code: bool = False  # True if `why` comes from student code, and so may be forged
    mistake: Diagnosis | None = None
    heading: str = ""  # replaces the text for students if the failure is about something else
    code: str = ""  # the student's line that raised an error
    brief: str = ""  # `why` without the values of one draw

    @property
    def points(self) -> float:
        """All of the statement's points, or 0."""
        return self.max_points if self.state == "right" else 0.0

    @property
    def reason(self) -> str:
        """`why` for instructors, in quotation marks if it comes from student code."""
        return quote(with_line(self.why, self.code)) if self.by_code and self.why else self.why


@dataclass(frozen=True)
class PartVerdict:
    """The verdict on one part. `problem` is why there was no answer."""

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
        """The maximum for the part."""
        return sum(statement.max_points for statement in self.statements)

    @property
    def mistakes(self) -> list[Diagnosis]:
        """The named mistakes, each once."""
        return list(dict.fromkeys(each.mistake for each in self.statements if each.mistake))

    def score(self, worth: float) -> float:
        """Return the points scaled to a gradebook in which the part is `worth` so many."""
        return min(worth, round(self.points * worth / self.max_points, 4)) if self.max_points else 0.0


@dataclass(frozen=True)
class Verdict:
    """The verdict on one submitted notebook."""

    assignment: str
    notebook: str
    student: str
    seed: int
    parts: tuple[PartVerdict, ...]
    remarks: tuple[Remark, ...] = ()  # for the student, on the submission and its run
    handed_in: str = ""  # the digest of the submitted files
    reasons: tuple[str, ...] = ()  # why the notebook needs a person
    waits: Mapping[str, str] = field(default_factory=dict)  # the cells that need a person, each with the reason
    lacked: tuple[str, ...] = ()  # imported packages that were not installed
    is_readable: bool = True  # False if a person has to open the notebook by other means

    @property
    def points(self) -> float:
        """The sum over the parts, without answers that are marked by hand."""
        return sum(part.points for part in self.parts)

    @property
    def max_points(self) -> float:
        """The maximum for all parts."""
        return sum(part.max_points for part in self.parts)

    @staticmethod
    def pack(verdicts: Iterable["Verdict"]) -> bytes:
        """Return the content of `verdict.json`, from the verdicts on all of an assignment's notebooks."""
        first, *rest = _in_order(verdicts)
        return orjson.dumps({**vars(first), OTHERS: rest} if rest else first, option=orjson.OPT_APPEND_NEWLINE)

    @staticmethod
    def load(folder: Path, evidence: bool = True, of: tuple[str, str] | None = None) -> "Verdict":
        """Read the verdicts in `folder` as one on all notebooks, with or without `evidence`.

        Takes and raises the same as `load_each`, and raises DamagedVerdictError if nothing was judged.
        """
        verdict = Verdict.of_all(Verdict.load_each(folder, evidence, of))
        if not verdict.parts:
            raise DamagedVerdictError("has no part in it")
        return verdict

    @staticmethod
    def of_all(verdicts: Iterable["Verdict"]) -> "Verdict":
        """Return one verdict with the parts, remarks and reasons of all."""
        first, *rest = found = _in_order(verdicts)
        if not rest:
            return first
        return replace(
            first,
            parts=tuple(part for verdict in found for part in verdict.parts),
            remarks=tuple(dict.fromkeys(remark for verdict in found for remark in verdict.remarks)),
            reasons=tuple(dict.fromkeys(reason for verdict in found for reason in verdict.reasons)),
        )

    @staticmethod
    def load_each(folder: Path, evidence: bool = True, of: tuple[str, str] | None = None) -> list["Verdict"]:
        """Read the verdicts in `folder`, one for each notebook. `of` has the expected assignment and student.

        Raises DamagedVerdictError if there is no file, or it isn't a valid verdict.
        """
        try:
            data = orjson.loads(_file_in(folder))
            found = [data, *data.pop(OTHERS, ())]
            for part in [part for one in found for part in one["parts"]] if not evidence else ():
                for name in EVIDENCE:
                    part.pop(name, None)
            verdicts = [convert(one, Verdict) for one in found]
        except orjson.JSONDecodeError as error:
            raise DamagedVerdictError(f"can't be read as JSON: {error}") from None
        except (AttributeError, KeyError, TypeError, ValidationError) as error:  # any other JSON
            raise DamagedVerdictError(f"isn't laid out as a verdict: {error}") from None
        for verdict in verdicts:
            if of is not None and of != (verdict.assignment, verdict.student):
                raise DamagedVerdictError(f"is about {verdict.assignment} of {verdict.student}")
        return verdicts


def _in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sort by notebook; the one with the assignment's name comes first."""
    return sorted(verdicts, key=lambda one: (one.notebook != one.assignment, one.notebook))


def _file_in(folder: Path) -> bytes:
    path = folder / FILE
    if not os.path.lexists(path):
        raise DamagedVerdictError("is missing")
    if not is_file(path):
        raise DamagedVerdictError("is a link, a folder or a device")
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise DamagedVerdictError(f"has {size / 1e6:,.0f} MB")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamagedVerdictError(f"can't be opened: {error.strerror}") from error
