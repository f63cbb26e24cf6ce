"""Each mistake of all units is run once, at the desk and on a secret draw, into a table for the certificate.

Each way to make a mistake has a draw of its own, so that all kinds of draws are met: `zerolayer check` has found each
of them to cost points on several draws.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from zlib import crc32

from lib.checking.render import Report
from lib.grading.judge.verdict import PartVerdict
from lib.mistakes import Mistake
from lib.unit import Part
from tests.checking.desk import Code, checked, judged, key_of


@dataclass(frozen=True)
class Row:
    """One way to make one mistake, and all that came of it."""

    mistake: Mistake
    code: Code
    desk: Report
    verdict: PartVerdict

    @property
    def own_names(self) -> set[str]:
        """What it may be called: of two that give the same numbers, one has its name."""
        return {self.mistake.name, self.mistake.same_as} - {""}

    def __str__(self) -> str:
        return f"{self.mistake.part}: {self.mistake.name}"


@cache
def table(part: Part) -> tuple[Row, ...]:
    """Run all mistakes of a part, each in every way."""
    ours = [mistake for mistake in key_of(part).mistakes if mistake.part == part.id]
    return tuple(_run(part, mistake, number) for mistake in ours for number in range(len(mistake.sources)))


def _run(part: Part, mistake: Mistake, number: int) -> Row:
    """Run one way to make a mistake, each time anew: code may remember what ran before."""
    code = _write(part, mistake, number)
    [graded] = judged(part, _write(part, mistake, number), [crc32(f"{mistake.name} {number}".encode())])
    return Row(mistake, code, checked(part, **code), graded)


def _write(part: Part, mistake: Mistake, number: int) -> Code:
    """Give what is wrong of the objects that one way to make a mistake defines."""
    right = key_of(part).right
    [objects] = replace(mistake, sources=(mistake.sources[number],)).objects(right)
    return {name: each for name, each in objects.items() if each is not right[name]}


def expect_none(off: Iterable[object]) -> None:
    """Expect nothing to be off, or list it all, a line each."""
    listed = [" | ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in off]
    assert not listed, "\n".join([f"{len(listed)} are off:", *listed])
