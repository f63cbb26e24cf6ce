"""Fingerprints: how a check at the desk recognises a mistake of the catalogue without knowing a right or wrong answer.

`zerolayer build` runs each mistake on the inputs of the local checks and stores a fingerprint of what came out, with
the mistake's name and hint, in the unit's file `fingerprints.json`. A check that fails takes the fingerprint of the
student's code and names the mistake whose fingerprint it is.

The file must not give an answer away. A projection of a single number is that number, and a loss that is "B times too
large" tells the right one. So no number is stored, only one digest of all of them:

1. Every number x becomes asinh(x / `SMALL`): equal steps are equal ratios of large numbers and equal differences of
   small ones, so that in an array of both none hides the others.
2. Every array of them is projected on a few random directions, which its shape and its probe's name determine.
3. A projection is rounded down to a whole number of steps, on one of two grids half a step apart. `build` picks for
   each the grid on which it lies well inside its step, so that an answer within `RTOL` is rounded to the same number.
   Of each projection only this choice is stored, one bit.
4. The whole numbers, the shapes, and where nan, infinities and errors are, go into the digest together. Where code is
   run on several routes, each has a digest of its own: a mistake in backward shows behind a wrong forward, too.

Whoever would find the numbers has to guess all of them at once: at least four. The digest only confirms a guess.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from lib.checking.answers import Outcome, Outcomes, route_of
from lib.checking.student_code import Failure
from lib.unit import Array, Inputs, Part

FILE = "fingerprints.json"
"""The file's name, in the folder of a unit's open half."""
PROJECTIONS = 4
"""Directions for one array; fewer for an array with fewer numbers."""
RTOL, SMALL = 2.5e-4, 0.1
"""How near two numbers must be: within this ratio, or within `RTOL * SMALL` if they are smaller than `SMALL`."""
NOTHING = 1e-5
"""A single number as small as this may come from any code."""
STEP = 4 * RTOL
"""A step of a grid. A number that is well inside is at least a quarter of it away from both ends."""


@dataclass(frozen=True)
class Fingerprint:
    """A mistake's name and hint, and by what it is recognised.

    `route` is the one of which the numbers are; "" for a part without routes. `grids` has one bit for each number, in
    hexadecimal digits. `with_advice` says that statements without points are compared too, as those with points don't
    tell enough. `by_message` says that the mistake shows in errors alone. All errors look alike, so then their messages
    count too.
    """

    name: str
    hint: str
    grids: str
    digest: str
    with_advice: bool = False
    by_message: bool = False
    route: str = ""


@dataclass(frozen=True)
class Measurement:
    """What came of the probes of some statements, one `Outcomes` for each draw, as a fingerprint sees it."""

    draws: Sequence[Outcomes]

    @cached_property
    def positions(self) -> Array:
        """All projections, in steps of a grid: (numbers,)."""
        found = [_project(probe, outcome) for probe, outcome in self._each() if not isinstance(outcome, Failure)]
        return np.concatenate([*found, np.empty(0)]) / STEP

    def pick_grids(self) -> NDArray[np.int64]:
        """Give for each number the grid on which it is well inside a step: 0, or 1 for the grid half a step away."""
        return (abs(self.positions % 1 - 0.5) > 0.25).astype(np.int64)

    def digest(self, grids: NDArray[np.int64], by_message: bool) -> str:
        """Digest all of it, with the numbers rounded on these grids."""
        from hashlib import blake2b  # only after a check has failed

        steps = np.floor(self.positions + grids / 2).astype("<i8").tobytes()
        return blake2b(steps + self._forms[by_message].encode(), digest_size=8).hexdigest()

    def fits(self, fingerprint: Fingerprint) -> bool:
        """Tell whether this is what the mistake gives, on all probes."""
        grids = read_grids(fingerprint.grids, len(self.positions))
        return grids is not None and self.digest(grids, fingerprint.by_message) == fingerprint.digest

    @property
    def routes(self) -> list[str]:
        """Name the routes, any one of which is enough; one without a name where there are none."""
        probes = {probe for draw in self.draws for probes in draw.values() for probe in probes}
        return sorted({*map(route_of, probes)} - {""}) or [""]

    def on(self, route: str) -> Measurement:
        """Leave out the probes on other routes."""
        return self._keep(lambda statement, probe: route_of(probe) in ("", route))

    def of(self, statements: Container[str]) -> Measurement:
        """Leave out all statements but those with these names."""
        return self._keep(lambda statement, probe: statement in statements)

    def _keep(self, is_kept: Callable[[str, str], bool]) -> Measurement:
        def keep(name: str, probes: Mapping[str, Outcome]) -> Mapping[str, Outcome]:
            return {probe: outcome for probe, outcome in probes.items() if is_kept(name, probe)}

        return Measurement([{name: keep(name, probes) for name, probes in draw.items()} for draw in self.draws])

    def _each(self) -> Iterator[tuple[str, Outcome]]:
        """Give each probe's full name and outcome."""
        for outcomes in self.draws:
            for statement, probes in outcomes.items():
                yield from ((f"{statement} {probe}", outcome) for probe, outcome in probes.items())

    @cached_property
    def _forms(self) -> tuple[str, str]:
        """Everything but the numbers: probes, shapes, where nan and infinities are, and errors without their messages.

        The second one has the messages.
        """
        without, with_ = (
            "\n".join(f"{probe} {_describe(outcome, by_message)}" for probe, outcome in self._each())
            for by_message in (False, True)
        )
        return without, with_


def measure(part: Part, run: Callable[[Inputs], Outcomes]) -> Measurement:
    """Run code, by a function that runs a part's probes on it, on the inputs of the local checks and on others."""
    return Measurement([run(part.desk_inputs(number)) for number in range(part.naming_draws)])


def graded(part: Part) -> frozenset[str]:
    """Name a part's statements with points."""
    return frozenset(statement.name for statement in part.statements if statement.points)


def take(
    measured: Measurement, part: Part, name: str, hint: str, *, with_advice: bool = False, by_message: bool = False
) -> Fingerprint:
    """Take the fingerprint of a mistake with this name and hint, on the one route that was measured."""
    measured = measured if with_advice else measured.of(graded(part))
    grids, [route] = measured.pick_grids(), measured.routes
    digest = measured.digest(grids, by_message)
    return Fingerprint(name, hint, write_grids(grids), digest, with_advice, by_message, route)


def find_mistake(measured: Measurement, part: Part, known: Sequence[Fingerprint]) -> Fingerprint | None:
    """Find the first mistake that fits all that was measured on any one route."""
    for route in measured.routes:
        seen = measured.on(route)
        with_points = seen.of(graded(part))
        for each in known:
            if each.route == route and (seen if each.with_advice else with_points).fits(each):
                return each
    return None


def shows_in_numbers(outcome: Outcome) -> bool:
    """Tell whether an outcome has numbers to recognise a mistake by: an array of only nan or inf has many causes."""
    return not isinstance(outcome, Failure) and bool(np.isfinite(outcome).any())


def is_nothing(outcome: Outcome, right: Outcome) -> bool:
    """Tell whether an outcome is 0 in place of another number, which any code may give; a 1 stands for yes."""
    if isinstance(outcome, Failure) or isinstance(right, Failure) or outcome.size != 1 or right.size != 1:
        return False
    return abs(outcome.item()) < NOTHING and right.item() != 1


def shows_in_words(outcome: Outcome) -> bool:
    """Tell whether an outcome is an error with words of ours or the shapes of arrays, which tell it from others."""
    if not isinstance(outcome, Failure):
        return False
    return outcome.kind == "value" or bool(re.search(r"\(\d+,[\d, ]*\)", outcome.text))


def write_grids(grids: NDArray[np.int64]) -> str:
    """Write one bit for each number as hexadecimal digits."""
    return np.packbits(grids.astype(bool)).tobytes().hex()


def read_grids(text: str, count: int) -> NDArray[np.int64] | None:
    """Read what `write_grids` wrote for `count` numbers; None for another count."""
    packed = np.frombuffer(bytes.fromhex(text), np.uint8)
    return np.unpackbits(packed, count=count).astype(np.int64) if len(packed) == -(-count // 8) else None


def write(parts: Mapping[str, Sequence[Fingerprint]]) -> str:
    """Write the fingerprints of a unit's mistakes, by their part's id, as JSON with one mistake on a line."""
    import json

    lists = [
        f"  {json.dumps(part)}: [\n" + ",\n".join(f"    {json.dumps(asdict(each))}" for each in mistakes) + "\n  ]"
        for part, mistakes in parts.items()
    ]
    return "{\n" + ",\n".join(lists) + "\n}\n"


@lru_cache(maxsize=4)
def read(package: str) -> Mapping[str, tuple[Fingerprint, ...]]:
    """Read the fingerprints of the unit in `package`, by part; nothing where it has none."""
    import json  # only after a check has failed: a check's import is to be as light as numpy's
    from importlib.resources import files

    try:
        text = files(package).joinpath(FILE).read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError):
        return {}
    return {part: tuple(Fingerprint(**each) for each in mistakes) for part, mistakes in json.loads(text).items()}


def _project(probe: str, array: Array) -> Array:
    """Project the finite numbers of an array on a few directions, which its shape and its probe determine."""
    numbers = np.arcsinh(np.where(np.isfinite(array), array, 0).ravel() / SMALL)
    return _directions(f"{probe} {array.shape}", array.size) @ numbers


@lru_cache(maxsize=256)
def _directions(name: str, size: int) -> Array:
    """Draw unit vectors, one a row; a single number keeps its own size."""
    drawn = np.random.default_rng(zlib.crc32(name.encode())).normal(size=(min(PROJECTIONS, size), size))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _describe(outcome: Outcome, by_message: bool) -> str:
    if isinstance(outcome, Failure):
        return f"{outcome.kind} {outcome.text}" if by_message else outcome.kind
    finite = np.isfinite(outcome)
    return f"{outcome.shape} {'' if finite.all() else np.where(finite, 0, outcome).ravel().tolist()}"
