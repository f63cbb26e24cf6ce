"""The student bundle: one zip with a notebook, its figures, a page on how to open it, and the students' wheel."""

import io
import re
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment, StrictUndefined
from traitlets import Unicode

from lib.authoring.build import Rebuild
from lib.authoring.wheel import read_files, student_wheel
from lib.grading.files import write_whole
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import say
from lib.unit import Unit

COMMAND = "zerolayer-student"
"""What the wheel installs to open a notebook."""
README = Path(__file__).with_name("bundle_readme.md.j2")


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
