"""Making a unit's data for its local checks: right results, and the fingerprints of mistakes.

`lib.checking.fingerprints` describes the file. This module runs right code and each mistake of the catalogue on the
inputs of the local checks.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking import fingerprints
from lib.checking.findings import find_wrong
from lib.checking.fingerprints import DeskData, Fingerprint, Measurement, Seal, find_failed, groups_of, measure
from lib.checking.looks import KEPT, Outcome, Shown, look_at_ours, places_of
from lib.checking.results import Plain, Wrong, compare, leaves
from lib.checking.right import Chance
from lib.checking.student_code import Failure, silence
from lib.grading import unit_registry
from lib.grading.files import write_whole
from lib.mistakes import Mistake
from lib.unit import Inputs, Part, Unit

FEWEST = 2
"""A name needs at least this many wrong numbers: a single one may have any cause."""
NOTHING = 1e-5
"""A single number below this is no evidence of a mistake: any code may return about 0."""
OTHER_NUMBERS = 1
"""A salt for other random numbers: a fingerprint contains only results that don't depend on them."""
Notes = list[tuple[Mistake, str]]
"""The mistakes without a fingerprint, each with the reason."""


class PartData(NamedTuple):
    """The data of a part for its local check, and notes on mistakes without a fingerprint."""

    right: Mapping[str, Plain]
    mistakes: Sequence[Fingerprint]
    notes: Notes


def write_file(unit: str, parts: Mapping[str, PartData]) -> Path | None:
    """Update some parts in a unit's file, and return its path if it has changed. Raises OSError if writing fails."""
    place = unit_registry.find_all()[unit]
    file, before = place.folder / fingerprints.FILE, fingerprints.read(place.module)
    text = fingerprints.write(_merge(import_module(place.module).UNIT, parts, before))
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return None
    write_whole(file, text.encode())
    fingerprints.read.cache_clear()
    return file


def _merge(unit: Unit, parts: Mapping[str, PartData], before: DeskData) -> DeskData:
    right, mistakes = (
        {part.id: getattr(parts.get(part.id), field, getattr(before, field).get(part.id, ())) for part in unit.parts}
        for field in ("right", "mistakes")
    )
    return DeskData(right, mistakes)


def build(key: AnswerKey) -> DeskData:
    """Run right code and all mistakes of all parts."""
    return _merge(key.unit, {part.id: of_part(key, part) for part in key.parts}, DeskData({}, {}))


@lru_cache(maxsize=32)
def of_part(key: AnswerKey, part: Part) -> PartData:
    """Run right code and all mistakes of a part. The result is cached for the rules and for writing the file."""
    with silence(), np.errstate(all="ignore"):
        run = partial(look_at_ours, part, part.desk_inputs(), key.subjects(part))
        right = run()
        is_seeded = Seal.of(Measurement(right)).is_of(Measurement(run(OTHER_NUMBERS)))
        is_random = not is_seeded or any(isinstance(each.right, Chance) for each in part.statements)
        return PartData(dict(_right_results(part, right)), *_take_fingerprints(key, part, right, is_random))


def _right_results(part: Part, shown: Shown) -> Iterator[tuple[str, Plain]]:
    for statement in (each for each in part.statements if not each.right):
        for place, _, name, by_hand in places_of(statement, part.desk_inputs()):
            if by_hand is None and not name.startswith(KEPT):
                yield place, shown[place]


def _take_fingerprints(key: AnswerKey, part: Part, right: Shown, is_random: bool) -> tuple[list[Fingerprint], Notes]:
    found, notes, names = list[Fingerprint](), Notes(), dict[tuple[object, ...], str]()
    for mistake in (each for each in key.mistakes if each.part == part.id):
        for number, (shown, again) in _run_ways(key, part, mistake, is_random):
            fingerprint = _take_fingerprint(part, mistake, shown, again, right)
            if fingerprint is None:
                if not mistake.is_generic and not mistake.is_untold:
                    is_chance = _take_fingerprint(part, mistake, shown, shown, right)
                    why = "its result is random, and has no name" if is_chance else "other code has the same results"
                    notes.append((mistake, f"way {number}: {why}"))
                continue
            seals = *sorted((group, seal.digest) for group, seal in fingerprint.seals.items()), *fingerprint.fails
            if seals not in names:
                names[seals] = mistake.name
                found.append(fingerprint)
            elif names[seals] != mistake.name and not mistake.is_generic:
                notes.append((mistake, f"way {number}: the same as {names[seals]!r}"))
    return found, notes


def _run_ways(
    key: AnswerKey, part: Part, mistake: Mistake, is_random: bool
) -> Iterator[tuple[int, tuple[Shown, Shown]]]:
    """Run each way to make a mistake: first as during grading, and then after a call on other inputs, as at the desk.

    The results differ if code stores values between calls. Each result comes with the one for other random numbers, if
    right code `is_random`.
    """
    run = partial(look_at_ours, part, part.desk_inputs())
    copies = (mistake.objects(key.right) for _ in range(3))
    for number, ways in enumerate(zip(*copies, strict=True), 1):
        new, used, other = (tuple(objects[name] for name in part.subjects) for objects in ways)
        yield number, ((fresh := run(new)), run(other, OTHER_NUMBERS) if is_random else fresh)
        if not part.repeated:
            look_at_ours(part, part.other_inputs, used)
            if not Seal.of(Measurement(fresh), by_message=True).is_of(Measurement(later := run(used))):
                yield number, (later, later)


def _take_fingerprint(part: Part, mistake: Mistake, shown: Shown, again: Shown, right: Shown) -> Fingerprint | None:
    # None if other code may have the same results, or if they differ with other random numbers.
    inputs = part.desk_inputs()
    failed = find_failed(part, inputs, shown, right)
    for with_advice in (False, True):
        seals = {}
        for group in fingerprints.groups_with(part, failed):
            wrong = [*_wrong(part, inputs, shown, right, group, with_advice)]
            numbers = sum(_count_numbers(*pair) for pair in wrong) >= FEWEST
            words = [outcome.text for outcome, _ in wrong if isinstance(outcome, Failure) and outcome.kind == "value"]
            if numbers or (wrong and (mistake.is_named or len(words) == len(wrong))):
                seal = Seal.of(measure(part, inputs, shown, group, with_advice), by_message=not numbers)
                is_sure = seal.is_of(measure(part, inputs, again, group, with_advice))
                if is_sure and not seal.is_of(measure(part, inputs, right, group, with_advice)):
                    seals[group] = seal
        if seals:
            return Fingerprint(mistake.name, mistake.hint, seals, tuple(failed), with_advice)
    return None


def _wrong(
    part: Part, inputs: Inputs, shown: Shown, right: Shown, group: str, with_advice: bool
) -> Iterator[tuple[Outcome, Outcome]]:
    for statement in groups_of(part)[group]:
        for place, *_ in places_of(statement, inputs) if statement.points or with_advice else ():
            outcome, expected = shown[place], right[place]
            if statement.text:
                is_wrong = find_wrong(statement, inputs, shown, right, place) is not None
            else:
                is_wrong = not Seal.of(Measurement({"": expected})).is_of(Measurement({"": outcome}))
            if is_wrong:
                yield outcome, expected


def _count_numbers(outcome: Outcome, right: Outcome = None) -> int:
    # Texts count as numbers. nan doesn't, nor a single 0, nor how long a list is, nor a result in which nothing else
    # differs: these have many causes.
    if isinstance(outcome, Failure):
        return 0
    others = dict(leaves(right))
    found = [(leaf, others.get(path)) for path, leaf in leaves(outcome) if not isinstance(leaf, dict | list)]
    if all(_is_same(*pair) for pair in found):
        return 0
    if isinstance(outcome, np.ndarray) and isinstance(right, np.ndarray) and outcome.size == right.size == 1:
        # With a right 1 the result is a yes or no.
        return int(np.isfinite(outcome).all() and (abs(outcome.item()) >= NOTHING or right.item() == 1))
    return sum(int(np.isfinite(leaf).sum()) if isinstance(leaf, np.ndarray) else 1 for leaf, _ in found)


def _is_same(leaf: Plain, other: Plain) -> bool:
    try:
        compare(leaf, other)
    except Wrong:
        return False
    return True
