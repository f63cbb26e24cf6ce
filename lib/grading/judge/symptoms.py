"""Symptoms: which probes a mistake breaks, and in which words. They hardly depend on the draw.

By its symptoms a mistake is ruled out without being run. To find those of a whole catalogue takes seconds, so
`zerolayer build` writes them into a file of the unit's closed half. Those that are not in the file are found when they
are asked for.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from lib.answer_key import AnswerKey, Mistake
from lib.checking.answers import Outcome
from lib.checking.fingerprints import Measurement, measure
from lib.checking.student_code import Failure
from lib.checking.values import what_is_wrong
from lib.grading import units
from lib.grading.judge.comparison import outcomes, wrong_probes
from lib.unit import Part

FILE = "symptoms.json"
"""The file's name, in a unit's closed half."""
Symptoms = Mapping[str, Mapping[str, str]]
"""For each statement that a mistake breaks and each probe, what is found wrong in words, or "" for numbers."""
Measure = Callable[[Mistake | None], Measurement]
"""Runs a mistake, or right code, on the desk's inputs."""
ByName = Mapping[str, Sequence[Symptoms]]
"""For each mistake of a part the symptoms of every way of writing it."""


@cache
def mistakes_of(key: AnswerKey, part: Part) -> list[tuple[Mistake, Symptoms]]:
    """Give the mistakes of a part, each in every way of writing it, with its symptoms."""
    found = find(key, part, partial(measure_code, key, part), _read(key).get(part.id, {}))
    return [(way, found[mistake.name][at]) for mistake in _of(key, part) for at, way in enumerate(mistake.ways)]


def find(key: AnswerKey, part: Part, run: Measure, stored: ByName) -> ByName:
    """Find the symptoms of a part's mistakes, but for those in `stored`."""
    found = dict[str, Sequence[Symptoms]]()
    right = None
    for mistake in _of(key, part):
        ways = [*mistake.ways]
        if len(stored.get(mistake.name, ())) == len(ways):
            found[mistake.name] = stored[mistake.name]
            continue
        right = right or run(None)
        found[mistake.name] = [_symptoms(part, run(way), right) for way in ways]
    return found


def _of(key: AnswerKey, part: Part) -> list[Mistake]:
    return [mistake for mistake in key.mistakes if mistake.part == part.id]


def measure_code(key: AnswerKey, part: Part, mistake: Mistake | None) -> Measurement:
    """Run a mistake, or right code, on the desk's inputs."""
    return measure(part, lambda inputs: outcomes(part, inputs, key.subjects(part, mistake)))


def _symptoms(part: Part, found: Measurement, right: Measurement) -> Symptoms:
    """Collect what is wrong on any of the desk's inputs: numbers that are hardly wrong may pass on some."""
    broken = dict[str, dict[str, str]]()
    for number, (each, wanted) in enumerate(zip(found.draws, right.draws, strict=True)):
        for name, probe in wrong_probes(part.statements, part.desk_inputs(number), each, wanted):
            broken.setdefault(name, {}).setdefault(probe, words_of(each[name][probe]))
    return broken


def words_of(outcome: Outcome) -> str:
    """Say in our own words what is wrong with an outcome, without numbers; "" where it has no such words."""
    return what_is_wrong(outcome.text) if isinstance(outcome, Failure) and outcome.kind == "value" else ""


def file_of(unit: str) -> Path:
    """Name the file with the symptoms of a unit's mistakes."""
    return units.places()[unit].closed / FILE


def write(key: AnswerKey, run: Callable[[Part, Mistake | None], Measurement]) -> str:
    """Write the symptoms of a unit's mistakes as JSON: each once on a line of its own, and which ones a mistake has."""
    different: list[Symptoms] = []
    numbers: dict[str, dict[str, list[int]]] = {}
    for part in key.parts:
        numbers[part.id] = {}
        for name, ways in find(key, part, partial(run, part), {}).items():
            for one in ways:
                if one not in different:
                    different.append(one)
            numbers[part.id][name] = [different.index(one) for one in ways]
    lines = ",\n".join(f"    {json.dumps(one)}" for one in different)
    parts = ",\n".join(f"    {json.dumps(part)}: {json.dumps(names)}" for part, names in numbers.items())
    return f'{{\n  "symptoms": [\n{lines}\n  ],\n  "mistakes": {{\n{parts}\n  }}\n}}\n'


def _read(key: AnswerKey) -> Mapping[str, ByName]:
    """Read the file of a unit, by part; nothing where it has none."""
    if (place := units.place_of_key(key)) is None:
        return {}
    try:
        stored = json.loads(file_of(place.name).read_text(encoding="utf-8"))
    except OSError:
        return {}
    different, mistakes = stored["symptoms"], stored["mistakes"].items()
    return {part: {name: [different[at] for at in ways] for name, ways in names.items()} for part, names in mistakes}
