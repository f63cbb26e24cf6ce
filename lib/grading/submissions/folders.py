"""A submission's folder: filled with what may be in it, made apart, and put in its place whole or not at all."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatch
from logging import Logger
from pathlib import Path
from tempfile import mkdtemp

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files

from lib.grading.safe_files import files_in, is_folder, remove


def own_files(coursedir: CourseDirectory, assignment: str, excluded: Iterable[str]) -> dict[str, Path]:
    """Find the files that the course lays beside its notebooks, by their place in a submission's folder."""
    source = Path(coursedir.format_path(coursedir.source_directory, ".", assignment))
    found = map(Path, find_all_files(str(source), [*coursedir.ignore, "*.ipynb"]))
    own = {str(path.relative_to(source)): path for path in found}
    return {name: path for name, path in own.items() if name not in excluded}


def fill(folder: Path, source: Path, own: dict[str, Path], coursedir: CourseDirectory, log: Logger) -> None:
    """Make `folder` with a submission's files, and the course's `own` in the place of those that are called alike.

    Of what was handed in only ordinary files are copied, no notebooks, and no more than a person would submit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ignored, left = ("*.ipynb", *coursedir.ignore), coursedir.max_dir_size * 1000
    for file in sorted(files_in(source)):
        name = file.relative_to(source)
        if any(fnmatch(part, pattern) for part in name.parts for pattern in ignored) or _clashes(name, own):
            continue
        left -= file.stat().st_size
        if left < 0:
            log.warning("%s holds more than %s kB; the rest is left out.", source, coursedir.max_dir_size)
            break
        try:
            _copy(file, folder / name)
        except OSError as error:
            log.warning("%s is left out: %s", file, error.strerror)
    for place, file in own.items():
        _copy(file, folder / place)


def put_in_place(made: Path, place: Path) -> None:
    """Move a folder that is complete to its place; what was there before is gone afterwards."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if is_folder(place):
        aside = Path(mkdtemp(dir=made.parent))
        place.rename(aside / place.name)
        made.rename(place)
        remove(aside)
    else:
        remove(place)
        made.rename(place)
    with suppress(OSError):  # the folder of another assignment may be there too
        made.parent.rmdir()


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy(file, target)


def _clashes(name: Path, own: dict[str, Path]) -> bool:
    """Tell whether a submitted file is called as one of the course's own, its folders, or the other way round."""
    submitted = {str(name), *map(str, name.parents)}
    return any(place in submitted or name in Path(place).parents for place in own)
