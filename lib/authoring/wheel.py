"""The students' wheel, the distribution `zerolayer-student`: all of `lib` except its closed half.

It contains the open half of every unit, including those in the course's folder, so that students need no other wheel of
the same name for the next unit. hatchling builds it from the project file
`student_pyproject.toml`.
"""

from importlib import import_module
from importlib.metadata import Distribution
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from hatchling.builders.wheel import WheelBuilder

import lib
from lib.grading.files import write_files
from lib.grading.unit_registry import CLOSED, find_all, is_closed

PROJECT = Path(__file__).with_name("student_pyproject.toml")
Files = dict[str, bytes]
"""The contents of files by name; names contain the folders, separated by slashes."""


def student_wheel(course: Distribution) -> tuple[str, bytes]:
    """Build the students' wheel with the course's version. Return the name of its file, and its bytes.

    hatchling gives every file the same date and mode, so that equal files make an equal wheel, at any time and on any
    system.
    """
    packages = dict.fromkeys(each for unit in find_all().values() for each in import_module(unit.module).UNIT.packages)
    begin = b"dependencies = [\n"
    requirements = "".join(f'  "{each}",\n' for each in packages).encode()
    project = {
        **{f"src/{name}": content for name, content in open_half().items()},  # the folder in the project file
        "pyproject.toml": PROJECT.read_bytes().replace(begin, begin + requirements, 1),
        "VERSION": course.version.encode(),
        "LICENSE": (course.read_text("licenses/LICENSE") or "").encode(),
    }
    with TemporaryDirectory() as folder:
        write_files(project, Path(folder))
        # With hatchling's own class: `pip wheel` needs the network to create an environment for building.
        [wheel] = WheelBuilder(str(folder)).build(directory=str(Path(folder, "dist")), versions=["standard"])
        return Path(wheel).name, Path(wheel).read_bytes()


def open_half() -> Files:
    """Read all files of `lib` and of units in other places, except those of the closed halves."""
    files = read_files(Path(lib.__file__).parent)
    found = {f"lib/{name}": content for name, content in files.items() if not is_closed(PurePath(name))}
    for unit in (unit for unit in find_all().values() if not unit.is_built_in):
        folder = unit.module.replace(".", "/")
        own = {name: content for name, content in read_files(unit.folder).items() if PurePath(name).parts[0] != CLOSED}
        found |= {f"{folder}/{name}": content for name, content in own.items()}
    return found


def read_files(folder: Path) -> Files:
    """Read all files in a folder and its subfolders, except hidden ones and caches."""
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    visible = [name for name in names if not any(part[0] == "." or part == "__pycache__" for part in name.parts)]
    return {name.as_posix(): (folder / name).read_bytes() for name in visible}
