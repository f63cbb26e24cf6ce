"""Fingerprints: how a check recognises a mistake of the catalogue without knowing a right or wrong answer.

`zerolayer build` runs each mistake on the inputs of the local checks and stores a fingerprint of what it shows, with
the mistake's name and hint, in the unit's file `fingerprints.json`. A check that fails names the mistakes whose
fingerprints are those of the student's code; the judge does the same with what the student's code shows on these
inputs, so a forged name misleads its forger alone.

The file must not give an answer away. A projection of a single number is that number, and a loss that is "B times too
large" tells the right one. So no number is stored, only one digest of all of them:

1. Every number x becomes asinh(x / `SMALL`): equal steps are equal ratios of large numbers and equal differences of
   small ones, so that in an array of both none hides the others.
2. Every array of them is projected on a few random directions, which its shape and its place determine.
3. A projection is rounded down to a whole number of steps, on one of two grids half a step apart. `build` picks for
   each the grid on which it lies well inside its step, so that an answer within `RTOL` is rounded to the same number.
   Of each projection only this choice is stored, one bit.
4. The whole numbers, the shapes, and where nan, infinities, texts and errors are, go into the digest together.

Whoever would find the numbers has to guess all of them at once. The digest only confirms a guess.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.checking.findings import Known, find_wrong
from lib.checking.looks import Shown, places_of
from lib.checking.results import Plain, from_json, leaves, to_json
from lib.checking.student_code import Failure
from lib.unit import Array, Inputs, Part, Statement

if TYPE_CHECKING:
    from numpy.typing import NDArray  # one more import

FILE = "fingerprints.json"
"""The file's name, in the folder of a unit's open half."""
PROJECTIONS = 4
"""Directions for one array; fewer for an array with fewer numbers."""
RTOL, SMALL = 2.5e-4, 0.1
"""How near two numbers must be: within this ratio, or within `RTOL * SMALL` if they are smaller than `SMALL`."""
STEP = 4 * RTOL
"""A step of a grid. A number that is well inside is at least a quarter of it away from both ends."""


@dataclass(frozen=True)
class Seal:
    """A digest by which results are recognised, and no more.

    `grids` has one bit for each number, in hexadecimal digits. `by_message` says that errors are told apart by their
    messages: where a mistake shows in errors alone, all of them look alike.
    """

    grids: str
    digest: str
    by_message: bool = False

    @classmethod
    def of(cls, measured: Measurement, by_message: bool = False) -> Seal:
        """Take the digest of what was measured."""
        grids = measured.pick_grids()
        return cls(np.packbits(grids).tobytes().hex(), measured.digest(grids, by_message), by_message)

    def is_of(self, measured: Measurement) -> bool:
        """True if this is the digest of what was measured."""
        packed, count = np.frombuffer(bytes.fromhex(self.grids), np.uint8), len(measured.positions)
        if len(packed) != -(-count // 8):  # of another number of numbers
            return False
        return measured.digest(np.unpackbits(packed, count=count), self.by_message) == self.digest

    def fits(self, result: Plain) -> bool:
        """True if this is the digest of a single result."""
        return self.is_of(Measurement({"": result}))


@dataclass(frozen=True)
class Fingerprint:
    """A mistake's name and hint, and a digest for each group of statements in which it differs from right code.

    `fails` are the statements with points that it fails: code for which one of them is right has made another mistake.
    `with_advice` says that statements without points are looked at too, since those with points don't tell enough.
    """

    name: str
    hint: str
    seals: Mapping[str, Seal]
    fails: tuple[str, ...]
    with_advice: bool = False


@dataclass(frozen=True)
class Measurement:
    """What student code shows, as a digest sees it: results and failures by their places."""

    outcomes: Shown

    @cached_property
    def positions(self) -> Array:
        """All projections, in steps of a grid: (numbers,)."""
        found = [_project(place, leaf) for place, leaf in self._leaves() if isinstance(leaf, np.ndarray)]
        return np.concatenate([*found, np.empty(0)]) / STEP

    def pick_grids(self) -> NDArray[Any]:
        """Return for each number the grid on which it is well inside a step: 0, or 1 for the grid half a step away."""
        return abs(self.positions % 1 - 0.5) > 0.25

    def digest(self, grids: NDArray[Any], by_message: bool) -> str:
        """Digest all of it, with the numbers rounded on these grids."""
        from hashlib import blake2b  # only after a check has failed

        steps = np.floor(self.positions + grids / 2).astype("<i8").tobytes()
        return blake2b(steps + self._forms[by_message].encode(errors="replace"), digest_size=8).hexdigest()

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        for place, outcome in self.outcomes.items():
            yield from [(place, outcome)] if isinstance(outcome, Failure) else leaves(outcome, place)

    @cached_property
    def _forms(self) -> tuple[str, str]:
        """Everything but the numbers: places, shapes, texts, where nan and infinities are, and errors without their
        messages. The second one has the messages."""
        without, with_ = (
            "\n".join(f"{place} {_describe(leaf, by_message)}" for place, leaf in self._leaves())
            for by_message in (False, True)
        )
        return without, with_


def _project(place: str, array: Array) -> Array:
    numbers = np.arcsinh(np.where(np.isfinite(array), array, 0).ravel() / SMALL)
    return _directions(f"{place} {array.shape}", array.size) @ numbers


@lru_cache(maxsize=256)
def _directions(name: str, size: int) -> Array:
    """Draw unit vectors, one a row; a single number keeps its own size."""
    drawn = np.random.default_rng(zlib.crc32(name.encode())).normal(size=(min(PROJECTIONS, size), size))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _describe(leaf: object, by_message: bool) -> str:
    if isinstance(leaf, Failure):
        return f"{leaf.kind} {leaf.text}" if by_message else leaf.kind
    if not isinstance(leaf, np.ndarray):
        return str(leaf)
    finite = np.isfinite(leaf)
    return f"{leaf.shape} {'' if finite.all() else np.where(finite, 0, leaf).ravel().tolist()}"


# ---- Groups


def groups_of(part: Part) -> Mapping[str, list[Statement]]:
    """Put statements together that depend on each other, since they look at the same code, under the first one's name.

    Of two mistakes in two groups both are named.
    """
    roots: dict[str, str] = {}
    groups: dict[str, list[Statement]] = {}
    for statement in part.statements:
        roots[statement.name] = root = roots[statement.depends_on[0]] if statement.depends_on else statement.name
        groups.setdefault(root, []).append(statement)
    return groups


def measure(part: Part, inputs: Inputs, shown: Shown, group: str, with_advice: bool) -> Measurement:
    """Measure what the statements of a group are about."""
    statements = [each for each in groups_of(part)[group] if each.points or with_advice]
    places = {place for each in statements for place, *_ in places_of(each, inputs)}
    return Measurement({place: shown.get(place, Failure("value", "")) for place in sorted(places)})


def find_failed(part: Part, inputs: Inputs, shown: Shown, known: Known) -> list[str]:
    """Return the names of the statements with points that fail."""
    return [each.name for each in part.statements if each.points and find_wrong(each, inputs, shown, known)]


def groups_with(part: Part, failed: Collection[str]) -> list[str]:
    """Return the groups of statements in which something with points fails."""
    return [group for group, each in groups_of(part).items() if any(one.name in failed for one in each)]


def name_mistakes(part: Part, inputs: Inputs, shown: Shown, at_desk: AtDesk) -> list[Fingerprint]:
    """Name the mistakes that fit what was shown on the inputs of the desk, in the order of their statements."""
    if not (known := at_desk.mistakes.get(part.id)):
        return []
    failed = find_failed(part, inputs, shown, at_desk.right.get(part.id, {}))
    wrong, possible = groups_with(part, failed), [each for each in known if {*each.fails} <= {*failed}]
    found = find_mistakes(part, inputs, shown, wrong, possible)
    return sorted(found, key=lambda mistake: min(wrong.index(group) for group in mistake.seals if group in wrong))


def find_mistakes(
    part: Part, inputs: Inputs, shown: Shown, wrong: Collection[str], known: Iterable[Fingerprint]
) -> list[Fingerprint]:
    """Name the mistakes that explain what is wrong, in the `wrong` groups: what fits in most of these first.

    In one group alone, of several that a mistake touches, it is named only if no other fits there: after a second
    mistake a hint would be a guess. A single result, such as a first step's, is then not enough: much code gives it.
    """
    left, partly = list(wrong), dict[str, dict[str, Fingerprint]]()
    measured = {
        (group, advice): measure(part, inputs, shown, group, advice) for group in left for advice in (False, True)
    }
    found: list[Fingerprint] = []
    fits = [
        (each, [g for g, seal in each.seals.items() if g in wrong and seal.is_of(measured[g, each.with_advice])])
        for each in known
    ]
    for each, fitting in sorted(fits, key=lambda pair: -len(pair[1])):
        if fitting and len(fitting) == len(each.seals) and {*fitting} <= {*left}:
            found.append(each)
            left = [group for group in left if group not in fitting]
        elif {*each.seals} <= {*wrong}:
            for group in (group for group in fitting if len(measured[group, each.with_advice].outcomes) > 1):
                partly.setdefault(group, {})[each.name] = each
    for group in left:
        if len(names := partly.get(group, {})) == 1:
            found += [each for each in names.values() if each not in found]
    return found


# ---- The file


@dataclass(frozen=True)
class AtDesk:
    """What a unit ships besides its code, by part: the right results on the desk's inputs, where these can't be told
    from the inputs, and the fingerprints of mistakes."""

    right: Mapping[str, Mapping[str, Plain | Seal]]
    mistakes: Mapping[str, Sequence[Fingerprint]]


def write(at_desk: AtDesk) -> str:
    """Write it as JSON: each hint once, and one mistake on a line, as `_read_one` reads it."""
    import json

    right = {
        part: {
            place: asdict(each) if isinstance(each, Seal) else {"is": to_json(each)} for place, each in known.items()
        }
        for part, known in at_desk.right.items()
        if known
    }
    hints = dict.fromkeys(each.hint for mistakes in at_desk.mistakes.values() for each in mistakes)
    numbers = {hint: number for number, hint in enumerate(hints)}
    lists = ",\n".join(
        f"{json.dumps(part)}: [\n" + ",\n".join(_write_one(each, numbers[each.hint]) for each in mistakes) + "\n]"
        for part, mistakes in at_desk.mistakes.items()
    )
    texts = json.dumps([*hints], indent=0)
    return f'{{"right": {json.dumps(right)},\n"hints": {texts},\n"mistakes": {{\n{lists}\n}}}}\n'


def _write_one(mistake: Fingerprint, hint: int) -> str:
    import json

    seals = {group: f"{each.grids} {each.digest}{' !' * each.by_message}" for group, each in mistake.seals.items()}
    fails = [] if mistake.fails == tuple(seals) else mistake.fails
    return json.dumps([mistake.name, hint, seals, fails, int(mistake.with_advice)], separators=(",", ":"))


@lru_cache(maxsize=4)
def read(package: str) -> AtDesk:
    """Read the file of the unit in `package`; nothing where it has none."""
    import json  # only where it is needed: a check's import is to be as light as numpy's
    from importlib.resources import files

    try:
        data = json.loads(files(package).joinpath(FILE).read_text(encoding="utf-8"))
        right = {
            part: {place: from_json(each["is"]) if "is" in each else Seal(**each) for place, each in known.items()}
            for part, known in data["right"].items()
        }
        hints = data["hints"]
        mistakes = {part: tuple(_read_one(hints, *each) for each in known) for part, known in data["mistakes"].items()}
        return AtDesk(right, mistakes)
    except (
        OSError,
        ModuleNotFoundError,
        ValueError,
        LookupError,
        TypeError,
    ):  # there is none, or one of another version
        return AtDesk({}, {})


def _read_one(
    hints: Sequence[str], name: str, hint: int, seals: Mapping[str, str], fails: Sequence[str], advice: int
) -> Fingerprint:
    """Read a mistake: its name, the number of its hint, its seals as text, and which statements it fails, where these
    are not the ones that the groups of its seals are named after."""
    split = {group: each.split(" ") for group, each in seals.items()}
    read = {group: Seal(grids, digest, bool(by_message)) for group, (grids, digest, *by_message) in split.items()}
    return Fingerprint(name, hints[hint], read, tuple(fails or seals), bool(advice))
