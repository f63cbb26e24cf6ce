"""The catalogue, certified: each mistake has its name and hint, and costs its own statements, at the desk and graded.

Each mistake of all units is run once at the desk and on a secret draw, in the first way to make it: the rules of units
show that each other way costs points and has a name, too. Each has a draw of its own, so that all kinds of draws are
met. A test is a property of a part's whole table: it lists all that is off, each with its mistake.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from traitlets.config import Configurable

from lib.authoring.make_fingerprints import of_part
from lib.authoring.rules import OF_CODE, faults_of
from lib.authoring.trial import Trial
from lib.checking import fingerprints
from lib.checking.fingerprints import DeskData
from lib.checking.render import Report
from lib.grading.judge.verdict import PartVerdict
from lib.grading.unit_registry import find_all
from lib.mistakes import Mistake
from lib.unit import Part
from tests.checking.desk import KEYS, PARTS, Code, checked, judged, key_of, lost, names

pytestmark = pytest.mark.xdist_group("the certificate")

LOOPS = ("check-train", "check-fit")
"""A loop takes ten times as long."""
EACH = [pytest.param(id, marks=pytest.mark.slow) if id in LOOPS else id for id in PARTS]


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


@pytest.mark.parametrize("id", EACH)
def test_each_mistake_has_its_own_name_and_hint_and_loses_the_same_at_the_desk_and_graded(id: str) -> None:
    """A change that may be made to any result gives the right one now and then, or the numbers of another mistake."""
    rows = table(PARTS[id])
    hints = {row.mistake.name: row.mistake.hint for row in reversed(rows)}
    told = [(row, each) for row in rows for each in (row.desk.help.mistakes if row.desk.help else ())]
    expect_none((row, each.hint) for row, each in told if each.hint != hints[each.name])
    alike = [(row, names(row.desk), names(row.verdict)) for row in rows if lost(row.desk) == lost(row.verdict)]
    expect_none(each for each in alike if each[1] != each[2])
    asked = [row for row in rows if not row.mistake.is_generic]
    own = [(row, [] if row.mistake.is_untold else [row.mistake.name]) for row in asked]
    expect_none((row, names(row.desk)) for row, true in own if names(row.desk) != true)
    graded = [(row, lost(row.desk), lost(row.verdict)) for row in asked]
    expect_none(each for each in graded if not each[1] or each[1] != each[2])


@pytest.mark.slow
@pytest.mark.parametrize("unit", KEYS)
def test_a_unit_keeps_all_rules_of_code(unit: str) -> None:
    faults = faults_of(Trial(unit, Path(), {}, Configurable(), KEYS[unit]), OF_CODE)
    expect_none(str(fault) for _, fault in faults)


@pytest.mark.parametrize("id", EACH)
def test_the_fingerprints_of_a_part_are_those_of_its_code(id: str) -> None:
    unit = key_of(PARTS[id]).unit
    shipped, made = fingerprints.read(f"lib.units.{unit.name}"), of_part(key_of(PARTS[id]), PARTS[id])
    before, now = (
        fingerprints.write(DeskData({id: right}, {id: mistakes}))
        for right, mistakes in ((shipped.right.get(id, {}), shipped.mistakes[id]), (made.right, made.mistakes))
    )
    assert before == now, f"Run `zerolayer check {unit.name} --quick`."


@pytest.mark.parametrize("unit", KEYS)
def test_no_answer_is_in_what_ships(unit: str) -> None:
    """There are names, hints and digests, and results of right code only where a statement leaves it to tell what is
    right: numbers on the inputs of the desk."""
    shipped = json.loads((find_all()[unit].folder / fingerprints.FILE).read_text(encoding="utf-8"))
    left = {part.id for part in KEYS[unit].parts if any(statement.right is None for statement in part.statements)}
    assert {*shipped["right"]} == left
    for name, hint, seals, fails, advice in (each for ours in shipped["mistakes"].values() for each in ours):
        assert isinstance(name, str) and isinstance(shipped["hints"][hint], str) and advice in (0, 1)
        assert all(re.fullmatch("[0-9a-f]* [0-9a-f]{16}( !)?", digest) for digest in seals.values()), seals
        assert all(isinstance(statement, str) for statement in fails)
