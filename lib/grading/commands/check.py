"""`zerolayer check`: an author's linter. It tries a whole unit in seconds, and says all that is wrong with it.

`build` refuses at the first fault that makes a unit unsafe; this command goes on, and looks for more.
"""

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from lib.answer_key import AnswerKey
from lib.checking import fingerprints
from lib.checking.answers import Copy
from lib.checking.fingerprints import FILE
from lib.checking.help import name_mistake
from lib.checking.local_checks import examine
from lib.checking.student_code import Failure, attempt
from lib.checking.values import show
from lib.grading import units
from lib.grading.commands.build import CannotBuild, Hidden, place_of, refuse_leak, student_source
from lib.grading.commands.bundle import open_half, read_files
from lib.grading.commands.command import given_names, named_unit
from lib.grading.commands.fingerprints import write_files
from lib.grading.commands.open_half import faults_of_open_half
from lib.grading.commands.proof import (
    SEEDS,
    faults_of_answers,
    faults_of_solution,
    faults_of_untouched,
    judge_part,
    lost_points,
    run,
    try_objects,
)
from lib.grading.commands.release import AFTER_TRIAL, TRIAL, Rebuild
from lib.grading.errors import ConfigError
from lib.grading.halves import is_closed
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import Outcomes, outcomes, right_outcomes, wrong_probes
from lib.grading.judge.diagnosis import diagnose
from lib.grading.running import runner
from lib.grading.running.forked_execute import KERNEL, ForkedExecute
from lib.grading.sandbox.doctor import protected
from lib.grading.submissions.fit import misfits
from lib.grading.submissions.preprocessors import UnitPreprocessor
from lib.grading.units import CLOSED, Place
from lib.unit import Part

MANY = 100
"""Draws on which right code must neither raise nor give another number of results."""
LOOK = """
import importlib, sys
importlib.import_module({module!r})
for name in sorted(name for name in sys.modules if name.startswith({closed!r})):
    print("is loaded:", name)
for name in {closed!r}:
    try:
        importlib.import_module(name)
        print("can be imported:", name)
    except ImportError:
        pass
"""


class CheckApp(Rebuild):
    """Try a unit, and list what is wrong: where, what was found, what is expected, and what to try."""

    name = "zerolayer-check"
    argument = "NAME"
    description = "Try a unit as its author: its notebook, its checks, its answers and its mistakes."
    examples = "zerolayer check NAME"

    def start(self) -> None:
        """Try the unit; exits with 1 where something is wrong."""
        name = self.coursedir.assignment_id = named_unit(self, given_names(self))
        faults = 0
        try:
            for fault in dict.fromkeys(map(str, self._faults(name))):
                print(fault, end="\n\n", flush=True)
                faults += 1
        except (ConfigError, CannotBuild) as error:
            self.fail("%s", error)
        if faults:
            self.fail("%s has %s. Nothing was changed.", name, "a fault" if faults == 1 else f"{faults} faults")
        print(f"{name} has no fault.")

    def _faults(self, name: str) -> Iterator[CannotBuild]:
        place, key = units.place_of(name), UnitPreprocessor(parent=self).unit({"nbgrader": {"assignment": name}})
        if place is None or key is None:
            raise ConfigError(f"{name} is no unit: the configuration says that nbgrader grades it by itself.")
        sources = sorted(Path(self.coursedir.format_path(self.coursedir.source_directory, ".", name)).glob("*.ipynb"))
        notebooks = {path.name: nbformat.read(path, as_version=4) for path in sources}
        hidden, faults = _blanks_of(notebooks)
        yield from faults
        yield from misfits(key.unit, {file: nb.cells for file, nb in notebooks.items()})
        yield from faults_of_open_half(place, key, hidden)
        if failing := [fault for part in key.parts for fault in faults_of_draws(key, part, place.answers)]:
            yield from failing
            return  # without right answers, whatever else is told is a consequence
        yield from self._faults_of_fingerprints(name, key)
        if not faults:
            yield from self._faults_of_notebooks(place, key, notebooks, sources, hidden)
        yield from faults_of_answers(key, place.answers)
        for part in key.parts:
            yield from faults_of_checks(key, part, place)
            yield from faults_of_consequences(key, part, place.answers)
        yield from faults_in_sandbox(place)

    def _faults_of_fingerprints(self, name: str, key: AnswerKey) -> Iterator[CannotBuild]:
        """Write them, since the checks at the desk need them."""
        try:
            write_files(name, key)
        except OSError as error:
            yield CannotBuild(
                "a file that can't be written",
                place=str(error.filename or name),
                found=str(error.strerror),
                expected=f"{FILE}, by which checks name mistakes",
                attempt="check a copy of the unit in the course's folder `units/`",
            )

    def _faults_of_notebooks(
        self,
        place: Place,
        key: AnswerKey,
        notebooks: dict[str, NotebookNode],
        sources: list[Path],
        hidden: list[Hidden],
    ) -> Iterator[CannotBuild]:
        """Build the student notebooks apart, run them and the solutions, and look for answers in what students get."""
        settings = TRIAL.copy()
        settings.merge(AFTER_TRIAL)
        with self.apart() as built, ThreadPoolExecutor() as pool:
            try:
                self.generate(settings)
            except CannotBuild as fault:
                yield fault
                return
            released = {path.name: nbformat.read(path, as_version=4) for path in built.glob("*.ipynb")}

            def start(nb: NotebookNode) -> Future[NotebookNode]:
                return pool.submit(run, nb, key, sources[0].parent, self.log)

            runs = [(file, start(solution), start(released[file])) for file, solution in notebooks.items()]
            yield from faults_of_bundle({**open_half(), **read_files(built)}, place, hidden)
            for file, solved, untouched in runs:
                yield from faults_of_solution(key, solved.result(), file)
                yield from faults_of_untouched(key, untouched.result(), file)


def _blanks_of(notebooks: dict[str, NotebookNode]) -> tuple[list[Hidden], list[CannotBuild]]:
    """Give what the blanks of solution cells hide, and the faults of their markers, one a cell."""
    hidden: list[Hidden] = []
    faults: list[CannotBuild] = []
    for file, nb in notebooks.items():
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code" and is_solution(cell):
                try:
                    hidden += student_source(cell.source, place_of(cell, index, {"unique_key": Path(file).stem}))[1]
                except CannotBuild as fault:
                    faults.append(fault)
    return hidden, faults


def faults_of_bundle(files: dict[str, bytes], place: Place, hidden: Iterable[Hidden]) -> Iterator[CannotBuild]:
    """Say which file for students lies in a closed half, or shows what a blank of the unit's notebook hides.

    What this package has besides is public, as NumPy is: the author of a unit elsewhere may ask for what is used there.
    """
    own = f"{place.module.replace('.', '/')}/"
    for name, content in files.items():
        path = Path(name)
        if path.parts[0] == "lib" and is_closed(path.relative_to("lib")):
            yield CannotBuild(
                "a file of the closed half in the bundle",
                place=name,
                found=f"{len(content):,} bytes",
                expected="open halves only",
                attempt=f"move it into the folder {CLOSED} of its unit",
            )
        if path.suffix == ".ipynb":
            continue  # the build has looked at its cells
        if path.parts[0] == "lib" and not place.is_built_in and not name.startswith(own):
            continue
        try:
            refuse_leak(hidden, content.decode(errors="replace"), name)
        except CannotBuild as fault:
            yield fault


def faults_of_draws(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say on which of many draws right code raises, or the draw itself does."""
    for seed in range(MANY):
        try:
            drawn = drawn_for(part, seed)
            right = outcomes(part, drawn, key.subjects(part))
        except Exception as error:  # whatever a unit's own code may raise
            found = units.describe(error)
        else:
            found = lost_points(judge_part(part, drawn, right, right_outcomes(key, part, drawn)))
        if found:
            yield CannotBuild(
                "a draw on which right code fails",
                place=f"{answers}, the part {part.id!r}, drawn from seed {seed}",
                found=found,
                expected=f"{part.points:g} points in every draw",
                attempt=f"run right code by hand on drawn_for({part.name}, {seed}), from lib.grading.judge.challenge",
            )
            return


def faults_of_checks(key: AnswerKey, part: Part, place: Place) -> Iterator[CannotBuild]:
    """Say where desk and judge differ on the right code or on a mistake, and which mistakes they don't name."""
    known = fingerprints.read(place.module).get(part.id, ())  # the file was written before
    report = examine(part, key.subjects(part))
    if not report.right:
        yield CannotBuild(
            "a check that calls the right answer wrong",
            place=f"{place.module}, check.{part.name}",
            found=str(report),
            expected="every statement right",
            attempt="correct the statement, its examples, or the right answer",
        )
        return
    yield from faults_of_returns(key, part, place)
    drawn = drawn_for(part, SEEDS[0])
    right = outcomes(part, drawn, key.subjects(part))
    for mistake in (mistake for mistake in key.mistakes if mistake.part == part.id):
        where = f"{place.answers}, the mistake {mistake.name!r} of {part.id!r}"
        found = try_objects(key, part, mistake, drawn, where)
        states = {verdict.name: verdict.state == "right" for verdict in judge_part(part, drawn, found, right)}
        report = examine(part, key.subjects(part, mistake))
        at_desk = {each.statement.name: each.state == "right" for each in report.findings if each.statement.points}
        for name, held in at_desk.items():
            if held != states[name]:
                yield CannotBuild(
                    "a statement that desk and judge see differently",
                    place=where,
                    found=f"{name} is {_word(held)} at the desk, and {_word(states[name])} for the judge",
                    expected="the same",
                    attempt="let `holds` and `probes` look at the same things, and draw inputs on which it shows",
                )
        names = {mistake.name, *mistake.same_as}
        named = name_mistake(part, key.subjects(part, mistake), place.module)
        can_be = any(each.name in names for each in known)
        if (can_be and (named is None or named.name not in names)) or (named and named.name not in names):
            yield _unnamed(where, "the desk", named.name if named else "", names, found)
        diagnosis = diagnose(key, part, drawn, found, right, wrong_probes(part.statements, drawn, found, right))
        if can_be and (diagnosis is None or diagnosis.name not in names):
            yield _unnamed(where, "grading", diagnosis.name if diagnosis else "", names, found)


def faults_of_returns(key: AnswerKey, part: Part, place: Place) -> Iterator[CannotBuild]:
    """Say which statements return something at the desk, such as False: only an error says there that one fails."""
    for statement in part.statements:
        returned = attempt(partial(statement.holds, Copy(part.desk_inputs()), *key.subjects(part)))
        if returned is not None and not isinstance(returned, Failure):
            yield CannotBuild(
                "a statement that returns something at the desk, where nobody looks at it",
                place=f"{place.module}, {statement.name}.holds",
                found=repr(returned),
                expected="nothing, or an error",
                attempt="raise lib.checking.values.Wrong where the statement fails",
            )


def faults_of_consequences(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say where a mistake in code that a part is given beside its own costs points in it, too."""
    drawn, beside = drawn_for(part, SEEDS[0]), set(part.subjects[1:])
    right = right_outcomes(key, part, drawn)
    for mistake in (mistake for mistake in key.mistakes if mistake.part != part.id and beside & mistake.code.keys()):
        found = try_objects(key, part, mistake, drawn, f"{answers}, the part {part.id!r}")
        if lost := lost_points(judge_part(part, drawn, found, right)):
            name = ", ".join(sorted(beside & mistake.code.keys()))
            yield CannotBuild(
                "a part that loses points by a mistake in another",
                place=f"{answers}, the part {part.id!r}, with the mistake {mistake.name!r} of {mistake.part!r}",
                found=lost,
                expected="all points: that mistake costs some already",
                attempt=f"let the statement call a {name} of its own in place of the student's",
            )
            return


def _unnamed(where: str, who: str, found: str, names: set[str], gives: Outcomes) -> CannotBuild:
    told = (each for probes in gives.values() for each in probes.values())
    answer = ", ".join(each.text if isinstance(each, Failure) else show(each) for each in told)
    return CannotBuild(
        f"a mistake that {who} does not call by its name",
        place=where,
        found=f"the name {found!r}" if found else "no name",
        expected=" or ".join(map(repr, sorted(names))),
        attempt="say same_as=(the other's name,), or add a probe in which the two differ"
        if found
        else f"draw inputs on which its answer is no error and not empty; here it is {answer}",
    )


def _word(held: bool) -> str:
    return "right" if held else "wrong"


def faults_in_sandbox(place: Place) -> Iterator[CannotBuild]:
    """Import the open half in a kernel that is locked in, and try to import the closed one there."""
    if finding := protected():
        yield CannotBuild(
            "kernels that can't be locked in on this machine",
            place=place.module,
            found=finding.found,
            expected="the open half in the sandbox, and no closed one",
            attempt=finding.advice,
        )
        return
    closed = (f"{place.module}.{CLOSED}", "lib.reference", "lib.grading.judge")
    code = LOOK.format(module=place.module, closed=closed)
    cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    look = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    packed = runner.PackedNotebook(json.dumps(look).encode(), {})
    before = os.environ.get("NBGRADER_EXECUTION")
    task = runner.RunTask({"look": packed}, ForkedExecute, {"ForkedExecute": {"kernel_name": KERNEL}})
    try:
        result = task()["look"]
    finally:
        os.environ.pop("NBGRADER_EXECUTION", None)
        if before is not None:
            os.environ["NBGRADER_EXECUTION"] = before
    [ran] = json.loads(result.cells)
    said = result.error() or "".join(output.get("text", "") for output in ran["outputs"]).strip()
    if said:
        yield CannotBuild(
            "the unit where submissions run is not what it should be",
            place=place.module,
            found=said,
            expected=f"that {place.module} can be imported there, and {', '.join(closed)} can't",
            attempt="import in the open half only what students have, and nothing of the closed half",
        )
