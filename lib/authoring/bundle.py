"""The student bundle: a zip with a notebook, its figures, a page on how to open it, and the students' wheel."""

import io
import re
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from traitlets import Unicode

from lib.authoring.build import Rebuild
from lib.authoring.wheel import read_files, student_wheel
from lib.grading.files import write_whole
from lib.grading.progress import say
from lib.unit import Unit

COMMAND = "zerolayer-student"
"""The wheel's command for opening a notebook."""
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,  # a misspelt name in a template raises an error
    trim_blocks=True,
    keep_trailing_newline=True,
)
"""The templates of pages for students, in the folder of this file."""


class BundleApp(Rebuild):
    """`zerolayer build UNIT`, and one zip with all files for students."""

    name = "zerolayer-bundle"
    argument = "[UNIT]"
    description = "Build the student notebook, and pack it with all required files into one zip for students."
    examples = "zerolayer bundle UNIT"
    folder = Unicode("dist", help="The folder for the zip, relative to the course folder.").tag(config=True)

    def start(self) -> None:
        """Build and pack. Exit with 1 if the build does."""
        super().start()
        target = Path(self.coursedir.root, self.folder, f"{self.trial.name}.zip")
        write_whole(target, bundle(self.released, self.trial.name, self.trial.key.unit))
        say(f"{target} is ready for students.")


def bundle(released: Path, assignment: str, unit: Unit) -> bytes:
    """Pack the released assignment with the students' wheel and a README, in a folder named after the assignment."""
    course = distribution("zerolayer")
    wheel, built = student_wheel(course)
    notebook = min(path.name for path in released.glob("*.ipynb"))
    python = re.sub("[^0-9.]", "", course.metadata["Requires-Python"])  # `>=3.11` without the sign
    names = {"wheel": wheel, "notebook": notebook, "python": python, "command": COMMAND}
    page = PAGES.get_template("bundle_readme.md.j2").render(names, title=unit.title, extras=unit.extras)
    files = {**read_files(released), wheel: built, "README.md": page.encode()}
    return zip_files({f"{assignment}/{name}": content for name, content in files.items()})


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Pack files in the order of their names. Equal files result in equal bytes, at any time and on any system."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in sorted(files.items()):
            entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            # 3 is Unix: only then unzip reads the mode, which is in the upper 16 bits of the external attributes.
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
