"""The student bundle: one zip with a unit's notebook, its figures, a page on how to open it, and a wheel.

The wheel is the distribution `zerolayer-student`: all of `lib` but its closed half. It has the open half of every unit,
also of those in the course's folder and in other packages, so that a student who goes on to another unit needs no other
wheel of the same name. hatchling builds it from a project file of its own, `student_pyproject.toml`.
"""

import io
import re
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from hatchling.builders.wheel import WheelBuilder
from jinja2 import Environment, StrictUndefined
from traitlets import Unicode

import lib
from lib.grading.commands.release import Rebuild
from lib.grading.files import lay_out, write_whole
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import say
from lib.grading.units import CLOSED, is_closed, places
from lib.unit import Unit

COMMAND = "zerolayer-student"
"""What the wheel installs to open a notebook."""
PROJECT = Path(__file__).with_name("student_pyproject.toml")
README = Path(__file__).with_name("bundle_readme.md.j2")

Files = dict[str, bytes]
"""What lies under each name; folders are parts of names, divided by slashes."""


class BundleApp(Rebuild):
    """`zerolayer build UNIT`, and what students need of it as one zip."""

    name = "zerolayer-bundle"
    argument = "[UNIT]"
    description = "Build the student notebook, and pack it with all it needs into one zip for students."
    examples = "zerolayer bundle UNIT"
    folder = Unicode("dist", help="Where the zip is written, in the course folder.").tag(config=True)

    def start(self) -> None:
        """Build and pack; exits with 1 where the build does."""
        super().start()
        assignment = self.coursedir.assignment_id
        key = UnitPreprocessor(parent=self).unit_of(assignment)
        target = Path(self.coursedir.root, self.folder, f"{assignment}.zip")
        write_whole(target, bundle(self.released, assignment, key.unit if key else None))
        say(f"{target} is ready for students.")


def bundle(released: Path, assignment: str, unit: Unit | None) -> bytes:
    """Pack the released assignment with the students' wheel and a README, in a folder named after the assignment."""
    course = distribution("zerolayer")
    wheel, built = student_wheel(course)
    notebook = min(path.name for path in released.glob("*.ipynb"))
    title = Path(notebook).stem.replace("_", " ").capitalize()
    page = readme(unit or Unit(assignment, title, ()), course, wheel, notebook)
    files = {**read_files(released), wheel: built, "README.md": page.encode()}
    return zip_files({f"{assignment}/{name}": content for name, content in files.items()})


def readme(unit: Unit, course: Distribution, wheel: str, notebook: str) -> str:
    """Write how to open the notebook with the wheel, and with the libraries that the unit can do without."""
    page = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    python = re.sub("[^0-9.]", "", course.metadata["Requires-Python"])  # `>=3.11` as students read it
    names = {"title": unit.title, "extras": unit.extras, "python": python, "command": COMMAND}
    return page.from_string(README.read_text(encoding="utf-8")).render(names, wheel=wheel, notebook=notebook)


def student_wheel(course: Distribution) -> tuple[str, bytes]:
    """Build the students' wheel in the course's version: its file's name, and its bytes.

    hatchling gives every file the same date and mode, so that equal files make an equal wheel on any day and anywhere.
    """
    project = {
        **{f"src/{name}": content for name, content in open_half().items()},  # where the project file looks for it
        "pyproject.toml": PROJECT.read_bytes(),
        "VERSION": course.version.encode(),
        "LICENSE": (course.read_text("licenses/LICENSE") or "").encode(),
    }
    with TemporaryDirectory() as folder:
        lay_out(project, Path(folder))
        # Through hatchling's own class: `pip wheel` would want the network for an environment to build in.
        [wheel] = WheelBuilder(folder).build(directory=str(Path(folder, "dist")), versions=["standard"])
        return Path(wheel).name, Path(wheel).read_bytes()


def open_half() -> Files:
    """Read all files of `lib`, and of units that lie elsewhere, but those of the closed halves."""
    files = read_files(Path(lib.__file__).parent)
    found = {f"lib/{name}": content for name, content in files.items() if not is_closed(PurePath(name))}
    for unit in (unit for unit in places().values() if not unit.is_built_in):
        folder = unit.module.replace(".", "/")
        own = {name: content for name, content in read_files(unit.folder).items() if PurePath(name).parts[0] != CLOSED}
        found |= {f"{folder}/{name}": content for name, content in own.items()}
    return found


def read_files(folder: Path) -> Files:
    """Read every file in a folder and below that isn't hidden or a cache."""
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    kept = [name for name in names if not any(part[0] == "." or part == "__pycache__" for part in name.parts)]
    return {name.as_posix(): (folder / name).read_bytes() for name in kept}


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Pack files in the order of their names; equal files give equal bytes, whenever and wherever they are packed."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in sorted(files.items()):
            entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            # The number 3 is Unix: only with it unzip reads the mode, which stands in the upper half of the last value.
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
