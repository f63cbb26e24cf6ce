"""Fingerprints of a unit's mistakes, for the checks at the desk; `lib.checking.fingerprints` says what they are.

Beside them stand digests of right results, for the statements that compare with those (`lib.checking.statements`).
`zerolayer build` writes them into the unit's open half, and what the judge keeps of each mistake (`judge.symptoms`)
into the closed half. `zerolayer fingerprints` writes both files and builds nothing else.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from lib.answer_key import AnswerKey, Mistake
from lib.checking import fingerprints
from lib.checking.answers import Outcome
from lib.checking.fingerprints import Fingerprint, Measurement
from lib.checking.statements import PROBE, Equals
from lib.checking.student_code import Failure
from lib.grading import units
from lib.grading.commands.command import Command, named_unit
from lib.grading.errors import ConfigError
from lib.grading.files import write_whole
from lib.grading.judge import symptoms
from lib.grading.judge.comparison import wrong_probes
from lib.grading.progress import say
from lib.unit import Part, Statement

Measure = Callable[[Part, Mistake | None], Measurement]
"""Runs a mistake, or right code, on the desk's inputs."""


class FingerprintsApp(Command):
    """Run the mistakes of a unit and write what the checks at the desk recognise them by."""

    name = "zerolayer-fingerprints"
    argument = "[UNIT]"
    description = "Write the fingerprints by which the checks at the desk name mistakes; `build` does so too."
    examples = """
        zerolayer fingerprints
        zerolayer fingerprints UNIT
    """

    def start(self) -> None:
        """Write the file of the named unit, or of each one there is."""
        super().start()
        for unit in self.extra_args or units.places():
            named_unit(self, [unit])
            try:
                files = write_files(unit, units.answer_key(unit))
            except (OSError, ConfigError):
                raise
            except Exception as error:  # whatever a unit's own code may raise
                self.fail(f"The unit {unit} fails: {units.describe(error)}. `zerolayer check {unit}` says more.")
            for file, written in files.items():
                say(f"{file} {'is written' if written else 'is up to date'}.")


def write_files(unit: str, key: AnswerKey) -> dict[Path, bool]:
    """Write the two files of a unit; tell of each whether it changed. Raises OSError where one can't be written."""
    return {file: _update(file, text) for file, text in texts_of(unit, key).items()}


def texts_of(unit: str, key: AnswerKey) -> dict[Path, str]:
    """Give what the two files of a unit should hold. Each mistake is run once for both."""
    known: dict[tuple[str, int], Measurement] = {}

    def measure(part: Part, mistake: Mistake | None) -> Measurement:
        at = part.id, id(mistake and mistake.code)
        if at not in known:
            known[at] = symptoms.measure_code(key, part, mistake)
        return known[at]

    taken = {part.id: _of_part(key, part, measure) for part in key.parts}
    taken |= {f"{part.id}.{name}": each for part in key.parts for name, each in _of_right(part, measure)}
    return {symptoms.file_of(unit): symptoms.write(key, measure), file_of(unit): fingerprints.write(taken)}


def _update(file: Path, text: str) -> bool:
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return False
    write_whole(file, text.encode())
    fingerprints.read.cache_clear()
    return True


def file_of(unit: str) -> Path:
    """Name the file with a unit's fingerprints."""
    return units.places()[unit].folder / fingerprints.FILE


def _of_right(part: Part, measure: Measure) -> Iterator[tuple[str, list[Fingerprint]]]:
    """Take the digests of the right results of statements that compare with them."""
    for statement in (each for each in part.statements if isinstance(each, Equals)):
        result = measure(part, None).draws[0][statement.name].get(PROBE)
        if result is not None and not isinstance(result, Failure):
            measured = statement.measure(result)
            grids = measured.pick_grids()
            digest = measured.digest(grids, by_message=False)
            yield statement.name, [Fingerprint("", "", fingerprints.write_grids(grids), digest)]


def _of_part(key: AnswerKey, part: Part, measure: Measure) -> list[Fingerprint]:
    """Take the fingerprints of those mistakes of a part that can be recognised."""
    right, known = measure(part, None), list[Fingerprint]()
    ways = (way for mistake in key.mistakes if mistake.part == part.id for way in mistake.ways)
    for mistake in ways:
        found = measure(part, mistake)
        for route in found.routes if not mistake.same_as else ():
            seen = found.on(route)
            # One that is the same as another gets the other's name, as does a way of writing that gives its numbers.
            if fingerprints.find_mistake(seen, part, known) is None:
                known += _take(part, mistake, seen, right.on(route))
    return known


def _take(part: Part, mistake: Mistake, found: Measurement, right: Measurement) -> Iterator[Fingerprint]:
    take = partial(fingerprints.take, found, part, mistake.name, mistake.hint)
    graded = [each for each in part.statements if each.points]
    wrong = [*_wrong(part, graded, found, right)]
    if any(map(fingerprints.shows_in_numbers, wrong)):
        yield take()
    elif any(map(fingerprints.shows_in_numbers, _wrong(part, part.statements, found, right))):
        yield take(with_advice=True)
    elif wrong and all(map(fingerprints.shows_in_words, wrong)):
        yield take(by_message=True)


def _wrong(part: Part, asked: Iterable[Statement], found: Measurement, right: Measurement) -> Iterator[Outcome]:
    """Give the outcomes of a mistake that are wrong and tell something, of the statements that are asked."""
    for number, (drawn, wanted) in enumerate(zip(found.draws, right.draws, strict=True)):
        for name, probe in wrong_probes(asked, part.desk_inputs(number), drawn, wanted):
            if not fingerprints.is_nothing(drawn[name][probe], wanted[name][probe]):
                yield drawn[name][probe]
