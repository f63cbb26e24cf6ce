"""Errors that end a command with a sentence, wherever they are found."""

from contextlib import suppress
from pathlib import Path


class ConfigError(Exception):
    """The configuration can't be read, or can't be what is wanted; the message says where, and why."""


class UnitFailsError(ConfigError):
    """A unit's own code fails on the inputs of a submission, which can't be graded then."""

    def __init__(self, part: str, why: str) -> None:
        failing = f"the unit's own code fails on the inputs drawn for it, in {part}: {why}"
        super().__init__(f"{failing}. Mend the unit, and grade again")


class Fault(ValueError):
    """What is wrong with a unit or its notebook: where, what was found, what is expected, and one thing to try.

    What would say nothing is left out.
    """

    def __init__(self, where: str, what: str, attempt: str, *, found: str = "", expected: str = "") -> None:
        super().__init__(where, what, attempt)  # all that a copy in another process is made of
        self.where, self.what, self.attempt, self.found, self.expected = where, what, attempt, found, expected

    def __str__(self) -> str:
        told = {"Found:": self.found, "Expected:": self.expected, "Try:": end_sentence(self.attempt)}
        lines = (f"{label:9} {text}" for label, text in told.items() if text)
        return "\n".join([f"{self.where}: {self.what}.", *lines])


def file_line(file: str | Path, line: int = 0) -> str:
    """Write where something stands as editors and terminals open it: the path from here, and the line."""
    path = Path(file)
    with suppress(OSError, ValueError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}" if line else str(path)


def end_sentence(sentence: str) -> str:
    """End a sentence by a full stop, unless it has an end."""
    return sentence if sentence[-1:] in ".?!" else f"{sentence}."


def with_line(sentence: str, line: str) -> str:
    """Add to a sentence on a student's code which line it is about, as `line 3: …`, if that is known."""
    return f"{end_sentence(sentence)} Your {line}" if line else sentence
