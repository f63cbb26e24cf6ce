"""Errors that end a command with a sentence, wherever they are found."""


class ConfigError(Exception):
    """The configuration can't be read, or can't be what is wanted; the message says where, and why."""


class UnitFailsError(ConfigError):
    """A unit's own code fails on the inputs of a submission, which can't be graded then."""

    def __init__(self, part: str, why: str) -> None:
        failing = f"the unit's own code fails on the inputs drawn for it, in {part}: {why}"
        super().__init__(f"{failing}. Mend the unit, and grade again")


class CannotBuild(ValueError):
    """The student version can't be made; the message says where, what was found, what is expected and what to try."""

    def __init__(self, problem: str, *, found: str, expected: str, attempt: str) -> None:
        super().__init__(f"{problem}.\nFound:    {found}\nExpected: {expected}\nTry:      {end_sentence(attempt)}")


def end_sentence(sentence: str) -> str:
    """End a sentence by a full stop, unless it has an end."""
    return sentence if sentence[-1:] in ".?!" else f"{sentence}."


def with_line(sentence: str, line: str) -> str:
    """Add to a sentence on a student's code which line it is about, as `line 3: …`, if that is known."""
    return f"{end_sentence(sentence)} Your {line}" if line else sentence
