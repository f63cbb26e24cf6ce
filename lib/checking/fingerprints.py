"""Fingerprints: a check recognises known mistakes without storing a right or wrong answer.

`zerolayer check` runs each mistake on the inputs of the local checks and stores a fingerprint of its results, with the
mistake's name and hint, in the unit's file `fingerprints.json`. A failed check names the mistakes whose fingerprints
match the results of the student's code. The judge does the same with the student's results on these inputs, so forging
them changes only your own hint.

The file must not reveal an answer. A projection of a single number is that number, and a loss that is "B times too
large" reveals the right one. So no number is stored, only one digest of all of them:

1. Each number x becomes asinh(x / `SMALL`). Equal steps are then equal ratios of large numbers and equal differences of
   small ones, so that in an array of both the large ones don't dominate.
2. Each array is projected on a few random directions, which depend on its shape and its place.
3. A projection is rounded down to a whole number of steps, on one of two grids half a step apart. `check` chooses for
   each projection the grid on which it is well inside a step, so that results within `RTOL` are rounded to the same
   number. Only this choice is stored: one bit for each projection.
4. The digest contains the whole numbers, the shapes, and the places of nan, infinities, texts and errors.

The numbers can only be found by guessing all of them at once: the digest merely confirms a guess.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
"""The number of directions for one array, at most the number of its entries."""
RTOL, SMALL = 2.5e-4, 0.1
"""The relative tolerance, and the size below which numbers have the absolute tolerance `RTOL * SMALL`."""
STEP = 4 * RTOL
"""The step of a grid. A number well inside a step is at least a quarter of a step away from both ends."""


@dataclass(frozen=True)
class Seal:
    """A digest that recognises results without revealing them.

    `grids` has one bit for each number, in hexadecimal digits. With `by_message` the digest includes the messages of
    errors, for mistakes that have no results but errors.
    """

    grids: str
    digest: str
    by_message: bool = False

    @classmethod
    def of(cls, measured: Measurement, by_message: bool = False) -> Seal:
        """Return the seal of a measurement."""
        grids = measured.pick_grids()
        return cls(np.packbits(grids).tobytes().hex(), measured.digest(grids, by_message), by_message)

    def is_of(self, measured: Measurement) -> bool:
        """True if this is the seal of a measurement."""
        packed, count = np.frombuffer(bytes.fromhex(self.grids), np.uint8), len(measured.positions)
        if len(packed) != -(-count // 8):  # the seal has another number of bits
            return False
        return measured.digest(np.unpackbits(packed, count=count), self.by_message) == self.digest


@dataclass(frozen=True)
class Fingerprint:
    """A mistake's name and hint, and a seal for each group of statements in which it differs from right code.

    `fails` are the statements with points that the mistake fails: code that passes one of them has another mistake.
    With `with_advice` the seals include statements without points, because those with points are not enough.
    """

    name: str
    hint: str
    seals: Mapping[str, Seal]
    fails: tuple[str, ...]
    with_advice: bool = False


@dataclass(frozen=True)
class Measurement:
    """The input of a digest: the results and failures of student code by their places."""

    outcomes: Shown

    @cached_property
    def positions(self) -> Array:
        """All projections, in steps of a grid, (projections,)."""
        found = [np.empty(0)]
        for place, leaf in self._leaves():
            if isinstance(leaf, np.ndarray):
                numbers = np.arcsinh(np.where(np.isfinite(leaf), leaf, 0).ravel() / SMALL)
                found.append(_directions(f"{place} {leaf.shape}", leaf.size) @ numbers)
        return np.concatenate(found) / STEP

    def pick_grids(self) -> NDArray[Any]:
        """Return for each projection the grid on which it is well inside a step: 0, or 1 for the shifted grid."""
        return abs(self.positions % 1 - 0.5) > 0.25

    def digest(self, grids: NDArray[Any], by_message: bool) -> str:
        """Return the digest, with the projections rounded on these grids."""
        from hashlib import blake2b  # only after a check has failed

        steps = np.floor(self.positions + grids / 2).astype("<i8").tobytes()
        return blake2b(steps + self._forms[by_message].encode(errors="replace"), digest_size=8).hexdigest()

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        for place, outcome in self.outcomes.items():
            yield from [(place, outcome)] if isinstance(outcome, Failure) else leaves(outcome, place)

    @cached_property
    def _forms(self) -> tuple[str, str]:
        # Everything but the numbers: places, shapes, texts, nan and infinities, and errors, without and with messages.
        without, with_ = (
            "\n".join(f"{place} {_describe(leaf, by_message)}" for place, leaf in self._leaves())
            for by_message in (False, True)
        )
        return without, with_


@lru_cache(maxsize=256)
def _directions(name: str, size: int) -> Array:
    vectors = np.random.default_rng(zlib.crc32(name.encode())).normal(size=(min(PROJECTIONS, size), size))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _describe(leaf: object, by_message: bool) -> str:
    if isinstance(leaf, Failure):
        return f"{leaf.kind} {leaf.text}" if by_message else leaf.kind
    if isinstance(leaf, dict):
        return f"{{{', '.join(leaf)}}}"
    if isinstance(leaf, list):
        return f"{len(leaf)} entries"
    if not isinstance(leaf, np.ndarray):
        return str(leaf)
    finite = np.isfinite(leaf)
    return f"{leaf.shape} {'' if finite.all() else np.where(finite, 0, leaf).ravel().tolist()}"


# ---- Groups


def groups_of(part: Part) -> Mapping[str, list[Statement]]:
    """Return groups of statements that depend on each other, because they test the same code, by the first one's name.

    Mistakes in different groups are independent: both are named.
    """
    roots: dict[str, str] = {}
    groups: dict[str, list[Statement]] = {}
    for statement in part.statements:
        roots[statement.name] = root = roots[statement.depends_on[0]] if statement.depends_on else statement.name
        groups.setdefault(root, []).append(statement)
    return groups


def measure(part: Part, inputs: Inputs, shown: Shown, group: str, with_advice: bool) -> Measurement:
    """Return the measurement of the outcomes that the statements of a group need."""
    statements = [each for each in groups_of(part)[group] if each.points or with_advice]
    places = {place for each in statements for place, *_ in places_of(each, inputs)}
    return Measurement({place: shown.get(place, Failure("value", "")) for place in sorted(places)})


def find_failed(part: Part, inputs: Inputs, shown: Shown, known: Known) -> list[str]:
    """Return the names of the statements with points that fail."""
    return [each.name for each in part.statements if each.points and find_wrong(each, inputs, shown, known)]


def groups_with(part: Part, failed: Collection[str]) -> list[str]:
    """Return the groups in which a statement with points fails."""
    return [group for group, each in groups_of(part).items() if any(one.name in failed for one in each)]


def name_mistakes(
    part: Part, inputs: Inputs, shown: Shown, data: DeskData, failed: Collection[str]
) -> list[Fingerprint]:
    """Return the mistakes that fit the results on the local check's inputs, in the order of their statements.

    `failed` are the names of the statements with points that fail there.
    """
    if not (known := data.mistakes.get(part.id)):
        return []
    wrong, possible = groups_with(part, failed), [each for each in known if {*each.fails} <= {*failed}]
    found = find_mistakes(part, inputs, shown, wrong, possible)
    return sorted(found, key=lambda mistake: min(wrong.index(group) for group in mistake.seals if group in wrong))


def find_mistakes(
    part: Part, inputs: Inputs, shown: Shown, wrong: Collection[str], known: Iterable[Fingerprint]
) -> list[Fingerprint]:
    """Return the mistakes that explain the failures in the `wrong` groups, those of most groups first.

    A mistake that affects several groups must fit in all of them. A mistake that is known by its messages alone, and
    not by numbers, is named only if all failures are explained.
    """
    left = list(wrong)
    measured = {
        (group, advice): measure(part, inputs, shown, group, advice) for group in left for advice in (False, True)
    }
    found: list[Fingerprint] = []
    for each in sorted(known, key=lambda mistake: -len(mistake.seals)):
        if {*each.seals} <= {*left} and all(
            seal.is_of(measured[group, each.with_advice]) for group, seal in each.seals.items()
        ):
            found.append(each)
            left = [group for group in left if group not in each.seals]
    if {*wrong} <= {group for each in found for group in each.seals}:
        return found
    return [each for each in found if not all(seal.by_message for seal in each.seals.values())]


# ---- The file


@dataclass(frozen=True)
class DeskData:
    """The data of a unit for its local checks: right results that can't be computed from the inputs, and fingerprints.

    Both are by part, for the inputs of the local check.
    """

    right: Mapping[str, Mapping[str, Plain]]
    mistakes: Mapping[str, Sequence[Fingerprint]]


def write(data: DeskData) -> str:
    """Return the data as JSON, with each hint once, and one mistake on each line."""
    import json

    right = {
        part: {place: to_json(each) for place, each in known.items()} for part, known in data.right.items() if known
    }
    hints = dict.fromkeys(each.hint for mistakes in data.mistakes.values() for each in mistakes)
    numbers = {hint: number for number, hint in enumerate(hints)}
    lists = ",\n".join(
        f"{json.dumps(part)}: [\n" + ",\n".join(_write_one(each, numbers[each.hint]) for each in mistakes) + "\n]"
        for part, mistakes in data.mistakes.items()
    )
    texts = json.dumps([*hints], indent=0)
    return f'{{"right": {json.dumps(right)},\n"hints": {texts},\n"mistakes": {{\n{lists}\n}}}}\n'


def _write_one(mistake: Fingerprint, hint: int) -> str:
    import json

    seals = {group: f"{each.grids} {each.digest}{' !' * each.by_message}" for group, each in mistake.seals.items()}
    fails = [] if mistake.fails == tuple(seals) else mistake.fails
    return json.dumps([mistake.name, hint, seals, fails, int(mistake.with_advice)], separators=(",", ":"))


@lru_cache(maxsize=4)
def read(package: str) -> DeskData:
    """Read the file of the unit in `package`. The result is empty if there is none."""
    import json  # only if needed: importing the checks should take no longer than importing NumPy
    from importlib.resources import files

    try:
        content = json.loads(files(package).joinpath(FILE).read_text(encoding="utf-8"))
        right = {
            part: {place: from_json(each) for place, each in known.items()} for part, known in content["right"].items()
        }
        hints, catalogue = content["hints"], content["mistakes"]
        mistakes = {part: tuple(_read_one(hints, *each) for each in known) for part, known in catalogue.items()}
        return DeskData(right, mistakes)
    except (OSError, ModuleNotFoundError, ValueError, LookupError, TypeError):  # no file, or one of another version
        return DeskData({}, {})


def _read_one(
    hints: Sequence[str], name: str, hint: int, seals: Mapping[str, str], fails: Sequence[str], advice: int
) -> Fingerprint:
    # An empty `fails` stands for the statements after which the groups of its seals are named.
    split = {group: each.split(" ") for group, each in seals.items()}
    read = {group: Seal(grids, digest, bool(by_message)) for group, (grids, digest, *by_message) in split.items()}
    return Fingerprint(name, hints[hint], read, tuple(fails or seals), bool(advice))
