"""Each mistake of all units is run once, at the desk and on a secret draw, into a table for the certificate.

It is run in the first way to make it: the rules of units show that each other way costs points and has a name, too.
Each mistake has a draw of its own, so that all kinds of draws are met.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from zlib import crc32

from lib.checking.render import Report
from lib.grading.judge.verdict import PartVerdict
from lib.mistakes import Mistake
from lib.unit import Part
from tests.checking.desk import Code, checked, judged, key_of


@dataclass(frozen=True)
class Row:
    """One mistake, and all that came of it."""

    mistake: Mistake
    code: Code
    desk: Report
    verdict: PartVerdict

    def __str__(self) -> str:
        return f"{self.mistake.part}: {self.mistake.name}"


@cache
def table(part: Part) -> tuple[Row, ...]:
    """Run all mistakes of a part, each time anew: code may remember what ran before."""
    rows = []
    for mistake in (each for each in key_of(part).mistakes if each.part == part.id):
        code, again = (_wrong_objects(part, mistake) for _ in range(2))
        [verdict] = judged(part, again, [crc32(mistake.name.encode())])
        rows.append(Row(mistake, code, checked(part, **code), verdict))
    return tuple(rows)


def _wrong_objects(part: Part, mistake: Mistake) -> Code:
    right = key_of(part).right
    objects = next(iter(mistake.objects(right)))
    return {name: each for name, each in objects.items() if each is not right[name]}


def expect_none(off: Iterable[object]) -> None:
    """Expect nothing to be off, or list it all, a line each."""
    listed = [" | ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in off]
    assert not listed, "\n".join([f"{len(listed)} are off:", *listed])
