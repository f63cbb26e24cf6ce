"""Rules of notebooks: the students' versions can be made, they run, and they earn the points that they should."""

from collections import Counter

from nbformat import NotebookNode

from lib.authoring.student_notebook import make_student_version, places_of
from lib.authoring.trial import Faults, Trial
from lib.grading.errors import Fault
from lib.grading.judge import words
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pipeline.cell_results import error_output
from lib.grading.pipeline.unit_preprocessor import lost_unit, misfits
from lib.grading.submissions.restore import course_id


def knows_its_unit(trial: Trial) -> Faults:
    """A notebook that calls checks has a unit."""
    if trial.is_plain and (lost := lost_unit(trial.name, {file: nb.cells for file, nb in trial.solutions.items()})):
        yield lost


def has_ids(trial: Trial) -> Faults:
    """Each cell has a unique id."""
    for file, nb in trial.solutions.items():
        for id, count in Counter(filter(None, map(course_id, nb.cells))).items():
            if count > 1:
                attempt = "give the copies other ids in nbgrader's Create Assignment"
                yield Fault(f"{file}, cell {id!r}", "several cells with the same id", attempt, found=f"{count} of them")


def fits_its_unit(trial: Trial) -> Faults:
    """Each tested cell belongs to a part, and each part has one cell."""
    if not trial.is_plain:
        yield from misfits(trial.key.unit, {file: nb.cells for file, nb in trial.solutions.items()})


def can_be_made(trial: Trial) -> Faults:
    """A student notebook can be made from it, with points, blanks and nbgrader's own preprocessors."""
    for file, nb in trial.solutions.items():
        others = [other for path, other in trial.solutions.items() if path != file]
        try:
            version = make_student_version(
                nb, None if trial.is_plain else trial.key.unit, file, others, trial.settings, trial.resources(file)
            )
        except Exception as error:  # nbgrader's preprocessors raise many types
            trial.settings.log.debug("", exc_info=True)
            found = f"{type(error).__name__}: {error}"
            yield Fault(file, "a notebook that can't be built", "correct it; --debug shows where", found=found)
            continue
        yield from version.faults
        if not version.faults:
            trial.students[file] = version


# Runs


def runs_to_its_end(trial: Trial) -> Faults:
    """The solution and the student notebook can be run as submissions are."""
    if trial.key.parts:
        yield from trial.run_notebooks()


def earns_all_points(trial: Trial) -> Faults:
    """The solution's own code earns all points."""
    for file, (solution, _) in trial.runs.items():
        for verdict in trial.verdicts(solution):
            if verdict.points != verdict.max_points:
                yield Fault(
                    f"{file}, cell {verdict.id!r}",
                    "the solution does not earn its points",
                    "run the solution notebook from the top, and correct the code that this check tests",
                    found=_reason(verdict, solution),
                )


def _reason(verdict: PartVerdict, nb: NotebookNode) -> str:
    if verdict.problem:
        for place, cell in places_of(nb, "the notebook"):
            if (error := error_output(cell)) and "raises-exception" not in cell.metadata.get("tags", ()):
                return f"no answer. In {place}: {error.ename}: {error.evalue}"[:400]
        return "no answer. The call has no output."
    lost = next(each for each in verdict.statements if not each.points)
    return f"0 of {lost.max_points:g} points for the statement {lost.name}. {words.why(lost)}".strip()


def earns_nothing_untouched(trial: Trial) -> Faults:
    """The unchanged student notebook earns 0 points."""
    for file, (_, untouched) in trial.runs.items():
        for verdict in trial.verdicts(untouched):
            if verdict.points:
                earned = ", ".join(statement.name for statement in verdict.statements if statement.points)
                yield Fault(
                    f"{file}, cell {verdict.id!r}",
                    "the unchanged student notebook earns points",
                    "hide the code that this check tests with a ?, or remove the statement's points",
                    found=f"{verdict.points:g} of {verdict.max_points:g} points, for {earned}",
                )
