"""The catalogue, certified: each mistake has its name and hint, and costs its own statements, at the desk and graded.

A test is a property of a part's whole table: it lists all that is off, each with its mistake.
"""

import json
import re
from dataclasses import fields
from itertools import product
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.checking import fingerprints, render
from lib.checking.findings import find
from lib.checking.fingerprints import Fingerprint, Seal, measure
from lib.checking.looks import look_at_ours
from lib.checking.student_code import silence
from lib.grading.commands.fingerprints import build, file_of
from lib.unit import Part
from tests.certificate.known import COSTS_MORE
from tests.certificate.table import (
    KEYS,
    PARTS,
    SEEDS,
    Row,
    at_desk,
    at_grading,
    expect_none,
    lost_at_desk,
    lost_at_grading,
    names_at_desk,
    table,
)
from tests.variants import BY_PART

DRAWS = 1000
"""Draws of each part on which right code is right."""
TRIED_ALONE = 4
"""Numbers of a digest: fewer could be tried one by one until it fits."""


@pytest.fixture(scope="module", params=PARTS)
def part(request: pytest.FixtureRequest) -> Part:
    return PARTS[request.param][1]


@pytest.fixture
def rows(part: Part) -> tuple[Row, ...]:
    return table(part.id)


# ---- Names


def test_each_has_its_own_name_and_hint(part: Part, rows: tuple[Row, ...]) -> None:
    """A change that may be made to any result may give the numbers of another mistake, and has its name then."""
    hints = {row.mistake.name: row.mistake.hint for row in reversed(rows)}
    told = [(row, row.names) for row in rows if row.lost and not row.mistake.is_generic and not row.mistake.is_untold]
    expect_none((row, names) for row, names in told if len(names) != 1 or not {*names} <= row.own_names)
    expect_none((row, each.hint) for row in rows for each in _mistakes(row) if each.hint != hints[each.name])
    shipped = {each.name for each in fingerprints.read(_package(part)).mistakes[part.id]}
    expect_none(shipped - {name for row in rows for name in row.names})


def test_what_is_said_of_a_name_is_so(rows: tuple[Row, ...]) -> None:
    """One that says it is the same as another has its name, in some way to make it; an untold one has none."""
    named = {name: {each for row in rows if row.mistake.name == name for each in row.names} for name in _names(rows)}
    same = {row.mistake.name: row.mistake.same_as for row in rows if row.mistake.same_as}
    expect_none((name, other) for name, other in same.items() if other not in named[name])
    expect_none(
        row for row in rows if row.mistake.is_untold and all(each.names for each in rows if each.mistake is row.mistake)
    )


def test_the_judge_names_what_the_desk_names(rows: tuple[Row, ...]) -> None:
    told = [(row, row.names, [each.name for each in verdict.mistakes]) for row in rows for verdict in row.verdicts]
    expect_none((row, desk, judge) for row, desk, judge in told if desk != judge)


def test_names_and_hints_are_sentences_for_a_student(rows: tuple[Row, ...]) -> None:
    mistakes = {row.mistake.name: row.mistake for row in rows}.values()
    expect_none(each.name for each in mistakes if each.name.endswith(".") or len(each.name) >= 90)
    expect_none(each.hint for each in mistakes if not re.fullmatch(r".{10,160}[.?]", each.hint))


# ---- Points


def test_each_loses_the_same_statements_at_the_desk_and_in_each_draw(rows: tuple[Row, ...]) -> None:
    expect_none(row for row in rows if not row.lost and not row.mistake.is_generic)
    graded = [(row, lost_at_grading(verdict)) for row in rows for verdict in row.verdicts]
    expect_none((row, row.lost, lost) for row, lost in graded if lost != row.lost)


def test_it_costs_in_its_own_part_alone(part: Part, rows: tuple[Row, ...]) -> None:
    key, _ = PARTS[part.id]
    firsts = {row.mistake.name: row for row in reversed(rows)}.values()
    costs = []
    for row, other in product(firsts, key.parts):
        if other is not part and {*row.code} & {*other.subjects} and row.mistake.name not in COSTS_MORE.get(other.id, ()):
            costs += [(row, other.id, lost_at_grading(each)) for each in at_grading(other, row.code, SEEDS[:1])]
    expect_none(cost for cost in costs if cost[2])


def test_two_mistakes_of_a_layer_cost_and_are_called_as_each_alone() -> None:
    """A mistake in forward and one in backward, drawn at random."""
    rng = np.random.default_rng(11)
    forwards, backwards = (
        [row for row in table(f"check-softmax-{method}") if row.lost] for method in ("forward", "backward")
    )
    for _ in range(15):
        forward, backward = (rows[rng.integers(len(rows))] for rows in (forwards, backwards))
        layer, other = forward.code["Softmax"], backward.code["Softmax"]
        both = {"Softmax": type("Softmax", (layer,), {"backward": other.backward})}  # type: ignore[attr-defined,arg-type]  # classes
        for row in (forward, backward):
            report = at_desk(row.desk.part, both)
            assert (lost_at_desk(report), names_at_desk(report)) == (row.lost, row.names), (str(forward), str(backward))


# ---- Sentences


def test_the_desk_says_what_is_wrong_and_what_to_try(rows: tuple[Row, ...]) -> None:
    """Or where: the student's own line."""
    said = [(row, dict(render.details(found))) for row in rows for found in row.desk.findings if found.state == "wrong"]
    expect_none(
        (row, details) for row, details in said if len(details[""]) < 10 or not {*details} & {render.TRY, "Your "}
    )


def test_the_judge_says_why_and_gives_a_hint_or_a_name(rows: tuple[Row, ...]) -> None:
    told = [(row, each) for row in rows for verdict in row.verdicts for each in verdict.statements]
    expect_none((row, each.name, each.why) for row, each in told if (each.state == "right") == bool(each.why))
    expect_none((row, each.name, each.hint) for row, each in told if each.mistake and each.hint)


# ---- Right code


def test_right_code_earns_all_and_has_no_name(part: Part) -> None:
    report = at_desk(part, {})
    assert (report.points, names_at_desk(report)) == (part.points, [])
    assert all((each.points, each.mistakes) == (part.points, []) for each in at_grading(part, {}))


@pytest.mark.parametrize("id", BY_PART)
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_right_code_in_many_hands_earns_all(id: str, data: st.DataObject) -> None:
    part, code = PARTS[id][1], data.draw(BY_PART[id])
    assert at_desk(part, code).right
    assert all(each.points == part.points for each in at_grading(part, code, [data.draw(st.integers(0, 2**40))]))


def test_the_reference_is_right_in_all_draws(part: Part) -> None:
    """So the judge need not ask it: what is right is told from the inputs alone."""
    off = []
    with silence(), np.errstate(all="ignore"):
        for seed in range(DRAWS):
            inputs = part.secret_inputs(crc32(f"{part.id} {seed}".encode()))
            shown = look_at_ours(part, inputs, PARTS[part.id][0].subjects(part))
            found = find(part, inputs, shown, shown)
            off += [(seed, each.statement.name, each.why) for each in found if each.state != "right"]
    expect_none(off)


# ---- What ships


@pytest.mark.parametrize("unit", KEYS)
def test_what_ships_is_what_build_writes_and_every_mistake_is_told_or_says_why_not(unit: str) -> None:
    built = build(KEYS[unit])
    expect_none(built.notes)
    assert file_of(unit).read_text(encoding="utf-8") == fingerprints.write(built.at_desk), "Run `zerolayer build`."


@pytest.mark.parametrize("unit", KEYS)
def test_no_answer_is_in_what_ships(unit: str) -> None:
    """There are names, hints, and digests of so many numbers that none can be tried alone; and no result."""
    shipped = json.loads(file_of(unit).read_text(encoding="utf-8"))
    expect_none((part, each) for part, each in shipped["right"].items())
    ours = [each for mistakes in shipped["mistakes"].values() for each in mistakes]
    assert {key for each in ours for key in each} <= {field.name for field in fields(Fingerprint)}
    seals = [seal for each in ours for seal in each["seals"].values()]
    assert {key for seal in seals for key in seal} <= {field.name for field in fields(Seal)}
    off = []
    for part in KEYS[unit].parts:
        by_name = {each["name"]: each for each in shipped["mistakes"].get(part.id, ())}
        inputs = part.desk_inputs()
        for row in table(part.id)[::10]:
            for group, seal in by_name.get(row.mistake.name, {"seals": {}})["seals"].items():
                shown = look_at_ours(part, inputs, tuple(row.code.get(name) or right for name, right in _right(part)))
                count = len(measure(part, inputs, shown, group, True).positions)
                off += [(row, group, count)] if count < TRIED_ALONE and not seal["by_message"] else []
    expect_none(off)


def _right(part: Part) -> list[tuple[str, object]]:
    return [(name, PARTS[part.id][0].right[name]) for name in part.subjects]


def _package(part: Part) -> str:
    return f"lib.units.{PARTS[part.id][0].unit.name}"


def _names(rows: tuple[Row, ...]) -> list[str]:
    return list(dict.fromkeys(row.mistake.name for row in rows))


def _mistakes(row: Row) -> list[Fingerprint]:
    return list(row.desk.help.mistakes) if row.desk.help else []
