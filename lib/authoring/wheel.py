"""The students' wheel, the distribution `zerolayer-student`: all of `lib` but its closed half.

It has the open half of every unit, also of those in the course's folder and in other packages, so that a student who
goes on to another unit needs no other wheel of the same name. hatchling builds it from a project file of its own,
`student_pyproject.toml`.
"""

from importlib import import_module
from importlib.metadata import Distribution
from pathlib import Path, PurePath

from hatchling.builders.wheel import WheelBuilder

import lib
from lib.grading.files import temporary_folder, write_files
from lib.grading.unit_registry import CLOSED, find_all, is_closed

PROJECT = Path(__file__).with_name("student_pyproject.toml")
Files = dict[str, bytes]
"""What lies under each name; folders are parts of names, divided by slashes."""


def student_wheel(course: Distribution) -> tuple[str, bytes]:
    """Build the students' wheel in the course's version: its file's name, and its bytes.

    hatchling gives every file the same date and mode, so that equal files make an equal wheel on any day and anywhere.
    """
    project = {
        **{f"src/{name}": content for name, content in open_half().items()},  # where the project file looks for it
        "pyproject.toml": _project(),
        "VERSION": course.version.encode(),
        "LICENSE": (course.read_text("licenses/LICENSE") or "").encode(),
    }
    with temporary_folder() as folder:
        write_files(project, folder)
        # Through hatchling's own class: `pip wheel` would want the network for an environment to build in.
        [wheel] = WheelBuilder(str(folder)).build(directory=str(Path(folder, "dist")), versions=["standard"])
        return Path(wheel).name, Path(wheel).read_bytes()


def _project() -> bytes:
    """Return the project file, with what units ask for among its dependencies."""
    asked = dict.fromkeys(each for place in find_all().values() for each in import_module(place.module).UNIT.packages)
    begin = b"dependencies = [\n"
    return PROJECT.read_bytes().replace(begin, begin + "".join(f'  "{each}",\n' for each in asked).encode(), 1)


def open_half() -> Files:
    """Read all files of `lib`, and of units that lie elsewhere, but those of the closed halves."""
    files = read_files(Path(lib.__file__).parent)
    found = {f"lib/{name}": content for name, content in files.items() if not is_closed(PurePath(name))}
    for unit in (unit for unit in find_all().values() if not unit.is_built_in):
        folder = unit.module.replace(".", "/")
        own = {name: content for name, content in read_files(unit.folder).items() if PurePath(name).parts[0] != CLOSED}
        found |= {f"{folder}/{name}": content for name, content in own.items()}
    return found


def read_files(folder: Path) -> Files:
    """Read every file in a folder and below that isn't hidden or a cache."""
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    kept = [name for name in names if not any(part[0] == "." or part == "__pycache__" for part in name.parts)]
    return {name.as_posix(): (folder / name).read_bytes() for name in kept}
