"""A submission's folder: it is filled apart, with the files that it may have, and moved to its place as a whole."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from tempfile import mkdtemp

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from traitlets.config import Config

from lib.grading.machine_faults import is_of_a_file
from lib.grading.running.execute import BoundedExecute
from lib.grading.safe_files import DEEPEST, LARGEST_FOLDER, copy, files_in, find_folders, is_folder, remove
from lib.grading.sandbox.limits import Limits
from lib.grading.submissions.read import NOTEBOOK, list_names

DRAWINGS = (".svg", ".svgz")
"""Pictures of which five kilobytes can take a browser gigabytes to show: only the course's own are let in."""
MOST_FILES = 1_000
"""Files that a submission may have beside its notebook; each may be in folders of its own."""
PAGE = 4096
"""Bytes: a file takes whole pages where notebooks run, since the disk there is memory."""


@dataclass
class Bounds:
    """How much may lie beside a notebook."""

    size: int
    """Bytes of all files together."""
    files: int
    """How many there may be."""

    def take(self, size: int) -> bool:
        """Tell whether one more file of so many bytes is within these bounds, and count it if so."""
        size = -(-size // PAGE) * PAGE
        if self.files <= 0 or size > self.size:
            return False
        self.size, self.files = self.size - size, self.files - 1
        return True


def bounds(coursedir: CourseDirectory, config: Config) -> Bounds:
    """Tell how much may lie beside a notebook: what may be submitted, and no more than a locked kernel has room for."""
    size, limits = min(coursedir.max_dir_size * 1000, LARGEST_FOLDER), Limits(**BoundedExecute(config=config).limits)
    # Half of the scratch is left to the run itself; a file and its folders take an inode each.
    return Bounds(min(size, limits.scratch // 2), min(MOST_FILES, limits.inodes // (DEEPEST + 2)))


def find_submitted(course: CourseDirectory, assignment: str) -> Iterator[tuple[str, Path]]:
    """Find the folders of an assignment that were handed in, each with the student whose it is by its place."""
    place = course.format_path(course.submitted_directory, "(?P<student>[^/]+)", re.escape(assignment), escape=True)
    for folder in find_folders(course.format_path(course.submitted_directory, "*", assignment)):
        if found := re.fullmatch(place, folder):
            yield found["student"], Path(folder)


def own_files(coursedir: CourseDirectory, assignment: str, excluded: Iterable[str]) -> dict[str, Path]:
    """Find the files that the course lays beside its notebooks, by their place in a submission's folder."""
    source = Path(coursedir.format_path(coursedir.source_directory, ".", assignment))
    found = map(Path, find_all_files(str(source), [*coursedir.ignore, "*.ipynb"]))
    own = {str(path.relative_to(source)): path for path in found}
    return {name: path for name, path in own.items() if name not in excluded}


def fill(folder: Path, source: Path, own: dict[str, Path], coursedir: CourseDirectory, bounds: Bounds) -> list[str]:
    """Make `folder` with a submission's files, and the course's `own` in the place of those that are called alike.

    Of what was handed in only ordinary files are copied, no notebooks, and no more than fits. Gives remarks on what was
    left out. Raises OSError where the machine is at fault.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ignored, left, unread, too_much = coursedir.ignore, replace(bounds), [], []
    for place, file in own.items():
        left.take(size := file.stat().st_size)
        _copy(file, folder / place, size)
    for file in sorted(files_in(source)):
        name = file.relative_to(source)
        is_ignored = any(NOTEBOOK.search(part) or any(fnmatch(part, like) for like in ignored) for part in name.parts)
        if is_ignored or name.suffix.lower() in DRAWINGS or _clashes(name, own):
            continue
        try:
            if left.take(size := file.stat().st_size):
                _copy(file, folder / name, size)
            else:
                too_much.append(str(name))
        except OSError as error:
            if not is_of_a_file(error):
                raise
            unread.append(str(name))
    largest = f"A submission may have {bounds.files:,} files of {bounds.size // 10**6:,} MB beside its notebook."
    return [*_remark_on(too_much, largest), *_remark_on(unread, "They can't be read.")]


def _remark_on(names: list[str], why: str) -> list[str]:
    """Remark, to the student, that files were left out."""
    if not names:
        return []
    return [f"The notebook was run without these files: {list_names(names)}. {why}"]


def put_in_place(made: Path, place: Path) -> None:
    """Move a folder that is complete to its place; what was there before is gone afterwards."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if is_folder(place):
        # Where the new folder is: on the same disk, so that each move is one step.
        aside = Path(mkdtemp(dir=made.parent))
        place.rename(aside / place.name)
        try:
            made.rename(place)
        except OSError:
            (aside / place.name).rename(place)
            raise
        remove(aside)
    else:
        remove(place)
        made.rename(place)
    with suppress(OSError):  # the folder of another assignment may be there too
        made.parent.rmdir()


def _copy(file: Path, target: Path, size: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    copy(file, target, size)  # and not its rights: the copy has to be read later


def _clashes(name: Path, own: dict[str, Path]) -> bool:
    """Tell whether a submitted file is called as one of the course's own, its folders, or the other way round."""
    submitted = {str(name), *map(str, name.parents)}
    return any(place in submitted or name in Path(place).parents for place in own)
