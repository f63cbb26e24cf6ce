"""Grading one student's files, without a course's folder or gradebook: `grade("ada.ipynb", "UNIT")`.

`zerolayer grade` takes the same steps with each submission of a class, in a pool of workers, and keeps the results.
"""

import errno
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import find_all_files

from lib.answer_key import AnswerKey
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.execution.notebook import Bounds, is_skipped
from lib.grading.files import read_bounded
from lib.grading.judge.verdict import Verdict
from lib.grading.pipeline.course import BoundedExecute
from lib.grading.pipeline.one_notebook import GradeTask, Terms
from lib.grading.pipeline.unit_preprocessor import misfits
from lib.grading.safe_names import StudentId, unknown
from lib.grading.sandbox.obstacles import find_obstacle
from lib.grading.submissions.restore import ReleasedCell, course_id, restore
from lib.grading.submissions.submitted_files import MOST_BYTES, Name, SubmittedFiles
from lib.grading.submissions.submitted_notebook import UnreadableError, cells_in, clean_cell, read_submission
from lib.right_code import solutions_of

Files = Path | str | Iterable[Path | str]


def grade(
    path: Files,
    unit: str = "",
    *,
    released: Files = (),
    seed: int | None = None,
    bounds: Bounds | None = None,
) -> Verdict:
    """Run a student's notebook in the sandbox, and return the verdict, with points and findings for each part.

    `path` is the notebook's file; if the unit has several notebooks, a list of their files, or the folder with them.
    `unit` is the unit's name, by default the one to which the notebook's cells belong. `released` has the notebooks as
    students got them, by default the unit's solutions: cells that students can't change come from there, and other
    files for the run from that folder. The `seed` draws the inputs: two gradings with one seed are equal, and by
    default it is random. `bounds` has limits in seconds, characters and bytes, by default those of a course. A file
    that is no notebook gets 0 points and a remark.

    `points` and `max_points`, of the verdict, a part or a finding, are the unit's. `found` and `expected` in a
    finding's `why` are texts.

    Raises OSError if a file can't be read, ConfigError if there is no such unit, its own code fails, the released
    notebook doesn't fit it or the sandbox doesn't work here, RunLostError if the machine fails.
    """
    contents = {file.name: _read(file) for file in _files_of(path)}
    known, bounds = unit_registry.find_all(), bounds or BoundedExecute().bounds
    if (name := unit or _unit_of(contents)) not in known:
        raise ConfigError(unknown("unit", name, known))
    if not (sources := sorted(_files_of(released) or solutions_of(known[name].folder))):
        raise ConfigError(f"The unit {name} has no solution notebook here. Name the released one: released=…")
    key = unit_registry.answer_key(name)
    if bounds.sandbox and (obstacle := find_obstacle()):
        raise ConfigError(str(obstacle))
    cells = {source.stem: nbformat.read(source, as_version=4).cells for source in sources}
    own = {
        notebook: {course_id(cell): _own(cell, key) for cell in found if "nbgrader" in cell.metadata}
        for notebook, found in cells.items()
    }
    for fault in misfits(key.unit, {f"{notebook}.ipynb": found.values() for notebook, found in own.items()}):
        raise ConfigError(str(fault))
    if len(contents) == len(sources) == 1:  # whatever it is called
        contents = {f"{sources[0].stem}.ipynb": content for content in contents.values()}
    submitted = SubmittedFiles(StudentId(""), Path(), {Name(file): content for file, content in contents.items()})
    seed = secrets.randbits(48) if seed is None else seed
    notebooks = {}
    for notebook, found in cells.items():
        released_cells = [ReleasedCell(course_id(cell), cell.source, is_skipped(cell)) for cell in found]
        submission = restore(read_submission(submitted, notebook, own), own[notebook], released_cells)
        notebooks[notebook] = replace(submission, seed=seed)
    place = sources[0].parent
    others = {str(each.relative_to(place)): each for each in map(Path, find_all_files(str(place), ["*.ipynb"]))}
    files = {file: each.read_bytes() for file, each in others.items()}
    graded = GradeTask(Terms(name, name, bounds), "", "", notebooks, files)()
    return Verdict.of_all(each.verdict for each in graded.values())


def _files_of(path: Files) -> list[Path]:
    if not isinstance(path, Path | str):
        return [Path(each) for each in path]
    return sorted(Path(path).glob("*.ipynb")) if Path(path).is_dir() else [Path(path)]


def _read(file: Path) -> bytes | OSError:
    return content if (content := read_bounded(file, MOST_BYTES)) is not None else OSError(errno.EFBIG, "too large")


def _unit_of(contents: Mapping[str, bytes | OSError]) -> str:
    """Return the unit to which most cells of the notebooks belong, or else the first file's name without its end."""
    counts = Counter[str]()
    for file, content in contents.items():
        with suppress(UnreadableError):
            ids = {course_id(cell) for cell in (cells_in(content, file) if isinstance(content, bytes) else ())}
            counts.update({name: len(ids & _ids_of(name)) for name in unit_registry.find_all()})
    most = max(counts, key=counts.__getitem__, default="")
    return most if counts[most] else next((Path(file).stem for file in contents), "")


def _ids_of(unit: str) -> set[str]:
    with suppress(ConfigError):
        return {part.id for part in unit_registry.answer_key(unit).parts}
    return set()


def _own(cell: NotebookNode, key: AnswerKey) -> NotebookNode:
    """Return a cell of the course as the gradebook would have it."""
    flags, part, clean = {"grade": False, "solution": False, "task": False}, key.part(course_id(cell)), clean_cell(cell)
    worth = {"points": part.points} if part else {}
    clean.metadata["nbgrader"] = NotebookNode({**flags, **cell.metadata.nbgrader, **worth})
    return clean
