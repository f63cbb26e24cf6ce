"""Laws of an assignment's notebooks: students' versions can be made of them, and run, and earn what they should."""

from collections import Counter
from collections.abc import Iterator

from nbformat import NotebookNode

from lib.authoring.student_version import student_notebook
from lib.authoring.trial import Faults, Trial
from lib.grading.errors import Fault
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pipeline.cell_errors import error_output
from lib.grading.pipeline.unit_faults import lost_unit, misfits
from lib.grading.submissions.restore import course_id


def knows_its_unit(trial: Trial) -> Faults:
    """A notebook that calls checks has their unit."""
    is_left = trial.is_plain and not trial.is_configured
    if is_left and (lost := lost_unit(trial.name, {file: nb.cells for file, nb in trial.solutions.items()})):
        yield lost


def has_ids(trial: Trial) -> Faults:
    """Each cell has an id of its own."""
    for file, nb in trial.solutions.items():
        for id, count in Counter(filter(None, map(course_id, nb.cells))).items():
            if count > 1:
                attempt = "give the copies ids of their own in nbgrader's Create Assignment"
                yield Fault(f"{file}, cell {id!r}", "several cells with one id", attempt, found=f"{count} of them")


def fits_its_unit(trial: Trial) -> Faults:
    """Each tested cell has a part, and each part one cell."""
    if not trial.is_plain:
        yield from misfits(trial.key.unit, {file: nb.cells for file, nb in trial.solutions.items()})


def can_be_made(trial: Trial) -> Faults:
    """Points, blanks and nbgrader's own steps make a student notebook of it."""
    for file, nb in trial.solutions.items():
        beside = [other for path, other in trial.solutions.items() if path != file]
        try:
            made = student_notebook(
                nb, None if trial.is_plain else trial.key.unit, file, beside, trial.settings, trial.resources(file)
            )
        except Exception as error:  # what nbgrader's own steps refuse has many types
            trial.settings.log.debug("", exc_info=True)
            found = f"{type(error).__name__}: {error}"
            yield Fault(file, "a notebook that can't be built", "correct it; --debug shows where", found=found)
            continue
        yield from made.faults
        if not made.faults:
            trial.students[file] = made


# What comes of running them


def runs_to_its_end(trial: Trial) -> Faults:
    """Solution and student notebook run as submissions do."""
    if trial.key.parts:
        yield from trial.run_notebooks()


def earns_all_points(trial: Trial) -> Faults:
    """The solution's own code earns all points."""
    for file, (ran, _) in trial.ran.items():
        for verdict in trial.judged(ran):
            if verdict.points != verdict.max_points:
                yield Fault(
                    f"{file}, cell {verdict.id!r}",
                    "the solution does not earn its points",
                    "run the solution notebook from the top, and correct the code that this check tests",
                    found=f"no answer. {_first_error(ran)}" if verdict.problem else _first_lost(verdict),
                )


def _first_lost(verdict: PartVerdict) -> str:
    lost = next(each for each in verdict.statements if not each.points)
    return f"0 of {lost.max_points:g} points for the statement {lost.name}. {lost.why}".strip()


def _first_error(nb: NotebookNode) -> str:
    name, _, error = next(errors_in(nb), ("", None, ""))
    return f"The cell {name!r} ended in {error}"[:400] if name else "Its call put none out."


def errors_in(nb: NotebookNode) -> Iterator[tuple[str, NotebookNode, str]]:
    """Yield each cell that ended in an error that isn't meant: its name, the cell, and the error."""
    for number, cell in enumerate(nb.cells, 1):
        if (error := error_output(cell)) and "raises-exception" not in cell.metadata.get("tags", ()):
            yield course_id(cell) or cell.get("id") or f"number {number}", cell, f"{error.ename}: {error.evalue}"


def ends_well(trial: Trial) -> Faults:
    """No cell of the solution ends in an error that isn't meant: students run it, too."""
    for file, (ran, _) in trial.ran.items():
        for name, cell, error in errors_in(ran):
            if trial.key.part(course_id(cell)) is None:  # a part loses points by it
                yield Fault(
                    f"{file}, cell {name!r}",
                    "a cell of the solution that ends in an error",
                    "correct it; tag it raises-exception if it is meant, and skip-execution if grading need not run it",
                    found=error[:400],
                )


def earns_nothing_untouched(trial: Trial) -> Faults:
    """The notebook as students get it earns 0 points."""
    for file, (_, untouched) in trial.ran.items():
        for verdict in trial.judged(untouched):
            if verdict.points:
                earned = ", ".join(statement.name for statement in verdict.statements if statement.points)
                yield Fault(
                    f"{file}, cell {verdict.id!r}",
                    "a notebook that nobody has touched earns points",
                    "hide behind a ? what this check tests, or take the statement's points away",
                    found=f"{verdict.points:g} of {verdict.max_points:g} points, for {earned}",
                )
