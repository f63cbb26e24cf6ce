"""The catalogue, certified: each mistake has its name and hint, and costs its own statements, at the desk and graded.

A test is a property of a part's whole table: it lists all that is off, each with its mistake.
"""

import json
import re
from itertools import groupby, product
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from traitlets.config import Configurable

from lib.authoring.make_fingerprints import build, file_of
from lib.authoring.rules import OF_CODE, faults_of
from lib.authoring.trial import Trial
from lib.checking import fingerprints, render
from lib.checking.findings import Finding, find
from lib.checking.looks import look_at_ours
from lib.checking.render import Report
from lib.checking.student_code import silence
from lib.grading.judge import words
from lib.unit import Part
from tests.certificate.table import Row, expect_none, table
from tests.checking.desk import KEYS, PARTS, checked, judged, key_of, lost, names, subjects

pytestmark = pytest.mark.xdist_group("the certificate")

DRAWS = {"check-train": 100}
"""Draws of a part on which right code is right; of all others a thousand. A loop takes ten times as long."""
TOLD_FROM_INPUTS = [part for part in PARTS.values() if any(statement.right for statement in part.statements)]
"""The judge runs right code of all other parts on each draw: there is nothing else to compare it with."""


@pytest.fixture(scope="module", params=PARTS)
def part(request: pytest.FixtureRequest) -> Part:
    return PARTS[request.param]


@pytest.fixture
def rows(part: Part) -> tuple[Row, ...]:
    return table(part)


# ---- Names


def test_each_has_its_own_name_and_hint(part: Part, rows: tuple[Row, ...]) -> None:
    """A change that may be made to any result has another name, where it gives the numbers of another mistake."""
    asked = [row for row in rows if not row.mistake.is_generic]
    expect_none((row, names(row.desk)) for row in asked if names(row.desk) != [row.mistake.name])
    hints = {row.mistake.name: row.mistake.hint for row in reversed(rows)}
    told = [(row, each) for row in rows for each in (row.desk.help.mistakes if row.desk.help else ())]
    expect_none((row, each.hint) for row, each in told if each.hint != hints[each.name])


def test_the_judge_names_what_the_desk_names_where_it_loses_the_same(rows: tuple[Row, ...]) -> None:
    alike = (row for row in rows if lost(row.desk) == lost(row.verdict))
    told = [(row, names(row.desk), names(row.verdict)) for row in alike]
    expect_none((row, desk, judge) for row, desk, judge in told if desk != judge)


def test_names_and_hints_are_sentences_for_a_student(rows: tuple[Row, ...]) -> None:
    expect_none(row for row in rows if not re.fullmatch(r".{4,99}[^.]", row.mistake.name))
    expect_none((row, row.mistake.hint) for row in rows if not re.fullmatch(r".{10,158}[.?]", row.mistake.hint))


# ---- Points


def test_each_loses_the_same_statements_at_the_desk_and_graded(rows: tuple[Row, ...]) -> None:
    """A change that may be made to any result gives the right one now and then."""
    asked = [row for row in rows if not row.mistake.is_generic]
    expect_none(row for row in asked if not lost(row.desk))
    graded = [(row, lost(row.desk), lost(row.verdict)) for row in asked]
    expect_none((row, desk, judge) for row, desk, judge in graded if desk != judge)


def test_it_costs_in_its_own_part_alone(part: Part, rows: tuple[Row, ...]) -> None:
    """A part that looks at the same method may be lost with it."""
    others = [other for other in key_of(part).parts if other is not part and (part.code or part) != other.code]
    pairs = [(row, other) for row, other in product(rows, others) if {*row.code} & {*other.subjects}]
    costs = [(row, other.id, lost(each)) for row, other in pairs for each in judged(other, row.code)]
    expect_none(cost for cost in costs if cost[2])


def test_two_mistakes_of_a_layer_cost_and_are_called_as_each_alone() -> None:
    """A mistake in forward and one in backward, drawn at random. A layer that overwrites its input has another one."""
    rng = np.random.default_rng(11)
    parts = (PARTS[f"check-softmax-{method}"] for method in ("forward", "backward"))
    lone = (row for part in parts for row in table(part) if "overwrites" not in row.mistake.name and lost(row.desk))
    tables = [[*rows] for _, rows in groupby(lone, lambda row: row.mistake.part)]
    for _ in range(15):
        forward, backward = pair = [rows[rng.integers(len(rows))] for rows in tables]
        layer, other = (row.code["Softmax"] for row in (forward, backward))
        both = type("Softmax", (layer,), {"backward": other.backward})  # type: ignore[attr-defined,arg-type]  # classes
        for row in pair:
            report = checked(row.desk.part, Softmax=both)
            assert (lost(report), names(report)) == (lost(row.desk), names(row.desk)), [*map(str, pair)]


# ---- Sentences


def test_the_desk_says_what_is_wrong_and_what_to_try_or_where(rows: tuple[Row, ...]) -> None:
    said = [
        (row, dict(render.details(found)))
        for row in rows
        for found in row.desk.findings
        if found.state == "wrong" and not _follows(row.desk, found)
    ]
    tells = {render.TRY, "Your "}
    expect_none((row, details) for row, details in said if len(details[""]) < 10 or not {*details} & tells)


def _follows(report: Report, found: Finding) -> bool:
    """Whether a statement fails that this one depends on."""
    before = report.part.statement(found.name).depends_on
    return any(each.why and each.name in before for each in report.findings)


def test_the_judge_says_why_and_gives_a_hint_or_a_name(rows: tuple[Row, ...]) -> None:
    told = [(row, each) for row in rows for each in row.verdict.statements]
    expect_none((row, each.name, each.why) for row, each in told if (each.state == "right") == bool(words.why(each)))
    expect_none((row, each.name) for row, each in told if each.mistake and words.hint(each))


# ---- Right code


def test_right_code_earns_all_and_has_no_name(part: Part) -> None:
    for found in (checked(part), *judged(part, {})):
        assert (found.points, names(found)) == (part.points, [])


@pytest.mark.parametrize("part", TOLD_FROM_INPUTS, ids=lambda part: part.id)
def test_the_reference_is_right_in_all_draws(part: Part) -> None:
    """So the judge need not ask it: what is right is told from the inputs alone."""
    off = []
    with silence(), np.errstate(all="ignore"):
        for seed in range(DRAWS.get(part.id, 1000)):
            inputs = part.secret_inputs(crc32(f"{part.id} {seed}".encode()))
            shown = look_at_ours(part, inputs, subjects(part, {}))
            found = find(part, inputs, shown, shown)
            off += [(seed, each.name, each.why) for each in found if each.state != "right"]
    expect_none(off)


# ---- What ships


@pytest.mark.parametrize("unit", KEYS)
def test_a_unit_keeps_all_rules_of_code_and_ships_what_build_writes(unit: str) -> None:
    faults = faults_of(Trial(unit, Path(), {}, Configurable(), KEYS[unit]), OF_CODE)
    expect_none(str(fault) for _, fault in faults)
    built = build(KEYS[unit])
    assert file_of(unit).read_text(encoding="utf-8") == fingerprints.write(built), "Run `zerolayer build`."


@pytest.mark.parametrize("unit", KEYS)
def test_no_answer_is_in_what_ships(unit: str) -> None:
    """There are names, hints and digests, and results of right code only where a statement leaves it to tell what is
    right: numbers on the inputs of the desk."""
    shipped = json.loads(file_of(unit).read_text(encoding="utf-8"))
    left = {part.id for part in KEYS[unit].parts if any(statement.right is None for statement in part.statements)}
    assert {*shipped["right"]} == left
    for name, hint, seals, fails, advice in (each for ours in shipped["mistakes"].values() for each in ours):
        assert isinstance(name, str) and isinstance(shipped["hints"][hint], str) and advice in (0, 1)
        assert all(re.fullmatch("[0-9a-f]* [0-9a-f]{16}( !)?", digest) for digest in seals.values()), seals
        assert all(isinstance(statement, str) for statement in fails)
