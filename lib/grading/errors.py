"""Errors that end a command with a message, and helpers that write messages."""

from contextlib import suppress
from pathlib import Path


class ConfigError(Exception):
    """The configuration can't be read or used; the message says where and why."""


class Fault(ValueError):
    """A fault in a unit or its notebook: where, what, found, expected, and one thing to try."""

    def __init__(self, where: str, what: str, attempt: str, *, found: str = "", expected: str = "") -> None:
        super().__init__(where, what, attempt)  # pickle copies an exception from these arguments
        self.where, self.what, self.attempt, self.found, self.expected = where, what, attempt, found, expected

    def __str__(self) -> str:
        fields = {"Found:": self.found, "Expected:": self.expected, "Try:": end_sentence(self.attempt)}
        lines = (f"{label:9} {text}" for label, text in fields.items() if text)
        return "\n".join([f"{self.where}: {self.what}.", *lines])


def file_line(file: str | Path, line: int = 0) -> str:
    """Return a relative path and line as `path:line`, which editors and terminals can open."""
    path = Path(file)
    with suppress(OSError, ValueError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}" if line else str(path)


def end_sentence(sentence: str) -> str:
    """Return the sentence with a full stop, unless it already ends with punctuation."""
    return sentence if sentence[-1:] in ".?!" else f"{sentence}."


def with_line(sentence: str, line: str) -> str:
    """Return a sentence on a student's code, followed by `Your line 3: …` if the line is known."""
    return f"{end_sentence(sentence)} Your {line}" if line else sentence
