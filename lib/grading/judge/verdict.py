"""Verdicts: for each submitted notebook the points of each part, the mistakes, and hints.

A verdict is stored as `verdict.json` next to the autograded notebook, with the seed from which the inputs were drawn.
It also stores all that grading has to remember about a submission. For an assignment without a unit it has only that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from lib.checking.findings import Diagnosis, Finding
from lib.grading.files import read_bounded
from lib.grading.remarks import Remark

FILE = "verdict.json"
LARGEST_FILE = 50_000_000
"""The most bytes of a verdict's file that are read. One has about ten thousand."""


class DamagedVerdictError(ValueError):
    """A file is missing, is not a verdict, or belongs to another submission; the message has the reason."""


@dataclass(frozen=True)
class PartVerdict:
    """The verdict on one part: a finding for each statement with points. `problem` is why there was no answer."""

    id: str
    title: str
    statements: tuple[Finding, ...]
    mistake: Diagnosis | None = None
    problem: str = ""

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
    digest: str = ""  # of the submitted files
    reasons: tuple[str, ...] = ()  # why the notebook needs a person
    waits: Mapping[str, str] = field(default_factory=dict)  # the cells that need a person, each with the reason
    predictions: tuple[PartVerdict, ...] = ()  # which earn no points
    others: "tuple[Verdict, ...]" = ()  # in the file: the verdicts on the assignment's other notebooks

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
        return msgspec.json.encode(replace(first, others=tuple(rest))) + b"\n"

    @staticmethod
    def load(folder: Path, of: tuple[str, str] | None = None) -> "Verdict":
        """Read the verdicts in `folder` as one on all notebooks.

        Takes and raises the same as `load_each`, and raises DamagedVerdictError if nothing was judged.
        """
        verdict = Verdict.of_all(Verdict.load_each(folder, of))
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
            predictions=tuple(each for verdict in found for each in verdict.predictions),
            remarks=tuple(dict.fromkeys(remark for verdict in found for remark in verdict.remarks)),
            reasons=tuple(dict.fromkeys(reason for verdict in found for reason in verdict.reasons)),
        )

    @staticmethod
    def load_each(folder: Path, of: tuple[str, str] | None = None) -> list["Verdict"]:
        """Read the verdicts in `folder`, one for each notebook. `of` has the expected assignment and student.

        Raises DamagedVerdictError if there is no file, or it isn't a valid verdict.
        """
        try:
            first = msgspec.json.decode(_file_in(folder), type=Verdict)
        except msgspec.ValidationError as error:  # any other JSON
            raise DamagedVerdictError(f"isn't a verdict: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DamagedVerdictError(f"can't be read as JSON: {error}") from None
        verdicts = [replace(first, others=()), *first.others]
        for verdict in verdicts:
            if of is not None and of != (verdict.assignment, verdict.student):
                raise DamagedVerdictError(f"is about {verdict.assignment} of {verdict.student}")
        return verdicts


def _in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sort by notebook; the one with the assignment's name comes first."""
    return sorted(verdicts, key=lambda one: (one.notebook != one.assignment, one.notebook))


def _file_in(folder: Path) -> bytes:
    try:
        content = read_bounded(folder / FILE, LARGEST_FILE)
    except FileNotFoundError:
        raise DamagedVerdictError("is missing") from None
    except OSError as error:
        raise DamagedVerdictError(f"can't be opened: {error.strerror}") from error
    if content is None:
        raise DamagedVerdictError(f"has more than {LARGEST_FILE / 1e6:,.0f} MB")
    return content
