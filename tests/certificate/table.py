"""Each mistake of both units is run once, at the desk and on two secret draws, into a table for the certificate."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from lib.checking.render import Report
from lib.grading.judge.verdict import PartVerdict
from lib.mistakes import Mistake
from lib.unit import Part
from tests.checking.desk import Code, checked, judged, key_of

SEEDS = (1, 2**47 + 11)
"""The secret draws."""


@dataclass(frozen=True)
class Row:
    """One way to make one mistake, and all that came of it."""

    mistake: Mistake
    code: Code
    desk: Report
    verdicts: tuple[PartVerdict, ...]

    @property
    def own_names(self) -> set[str]:
        """What it may be called: of two that give the same numbers, one has its name."""
        return {self.mistake.name, self.mistake.same_as} - {""}

    def __str__(self) -> str:
        return f"{self.mistake.part}: {self.mistake.name}"


@cache
def table(part: Part) -> tuple[Row, ...]:
    """Run all mistakes of a part, each in every way."""
    right = key_of(part).right
    rows = []
    for mistake in (each for each in key_of(part).mistakes if each.part == part.id):
        for made in zip(
            *(mistake.objects(right) for _ in (0, *SEEDS)), strict=True
        ):  # new code each time: it may count
            code, *fresh = ({name: one for name, one in each.items() if one is not right[name]} for each in made)
            verdicts = [judged(part, each, [seed])[0] for each, seed in zip(fresh, SEEDS, strict=True)]
            rows.append(Row(mistake, code, checked(part, **code), tuple(verdicts)))
    return tuple(rows)


def expect_none(off: Iterable[object]) -> None:
    """Expect nothing to be off, or list it all, a line each."""
    listed = [" | ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in off]
    assert not listed, "\n".join([f"{len(listed)} are off:", *listed])
