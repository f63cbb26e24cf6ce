"""The student bundle: one zip with the notebook, its figures, and the open zone of `lib` as a wheel.

The open zone is all of `lib` but its closed zones. Installed on its own it is the distribution `zerolayer-student`; it
needs those of the course's requirements that it imports. A wheel is a zip with three files on itself (METADATA, WHEEL,
RECORD), so both are written here in the same way: sorted, and without a trace of when, where or by whom.
"""

import ast
import base64
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePath
from string import Template
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from traitlets import Unicode

import lib
from lib.grading.commands.command import Rebuild
from lib.grading.halves import is_closed

NAME = "zerolayer-student"
OPTIONAL = "tensorflow"
README = Path(__file__).with_name("bundle_readme.md")

Files = dict[str, bytes]
"""What lies under each name; folders are parts of names, divided by slashes."""


class BundleApp(Rebuild):
    """`zerolayer build ASSIGNMENT`, and what students need of it as one zip."""

    name = "zerolayer-bundle"
    description = "Build the student notebook, and pack it with all it needs into one zip for students."
    examples = """
        zerolayer bundle softmax_classifier
    """
    folder = Unicode("dist", help="Where the zip is written, in the course folder.").tag(config=True)

    def start(self) -> None:
        """Build and pack; exits with 1 where the build does."""
        super().start()
        course, assignment = self.coursedir, self.coursedir.assignment_id
        target = Path(course.root, self.folder, f"{assignment}.zip")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bundle(Path(course.format_path(course.release_directory, ".", assignment)), assignment))
        self.log.info("%s is ready for students.", target)


def bundle(released: Path, assignment: str) -> bytes:
    """Pack the released assignment with the open zone's wheel and a README, in a folder called as the assignment."""
    course = distribution("zerolayer")
    file = f"{NAME.replace('-', '_')}-{course.version}-py3-none-any.whl"
    notebook = min(path.name for path in released.glob("*.ipynb"))
    files = {**files_under(released), file: wheel(open_zone(), course), "README.md": readme(course, file, notebook)}
    return zipped({f"{assignment}/{name}": content for name, content in files.items()})


def readme(course: Distribution, wheel: str, notebook: str) -> bytes:
    """Write how to open the notebook with the wheel."""
    python = re.sub("[^0-9.]", "", course.metadata["Requires-Python"])
    title = Path(notebook).stem.replace("_", " ").capitalize()
    known = {"title": title, "python": python, "wheel": wheel, "notebook": notebook, "command": NAME}
    return Template(README.read_text(encoding="utf-8")).substitute(known).encode()


def open_zone() -> Files:
    """Read all files of `lib` but those of its closed zones."""
    files = files_under(Path(lib.__file__).parent)
    return {f"lib/{name}": content for name, content in files.items() if not is_closed(PurePath(name))}


def files_under(folder: Path) -> Files:
    """Read every file in a folder and below that isn't hidden or a cache."""
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    kept = [name for name in names if not any(part[0] == "." or part == "__pycache__" for part in name.parts)]
    return {name.as_posix(): (folder / name).read_bytes() for name in kept}


def wheel(files: Files, course: Distribution) -> bytes:
    """Make the wheel of these modules; the binary distribution format is PyPA's specification of that name."""
    info = f"{NAME.replace('-', '_')}-{course.version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": metadata(course, needed(files, course)).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: zerolayer\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{NAME} = lib.__main__:main\n".encode(),
        f"{info}/licenses/LICENSE": (course.read_text("licenses/LICENSE") or "").encode(),
    }
    lines = [f"{name},{digest(content)},{len(content)}" for name, content in sorted(files.items())]
    return zipped({**files, f"{info}/RECORD": "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()})


def metadata(course: Distribution, requirements: list[str]) -> str:
    """Write core metadata: the course's own, with another name and fewer requirements."""
    kept = ("Version", "License-Expression", "License-File", "Requires-Python")
    return "\n".join(
        [
            "Metadata-Version: 2.4",
            f"Name: {NAME}",
            "Summary: What a student needs to build a softmax classifier by hand: checks, data, and sliders.",
            *(f"{field}: {course.metadata[field]}" for field in kept),
            f"Provides-Extra: {OPTIONAL}",
            *(f"Requires-Dist: {requirement}" for requirement in requirements),
            "",
        ]
    )


def needed(files: Files, course: Distribution) -> list[str]:
    """Choose those of the course's requirements that the modules import; TensorFlow becomes an extra."""
    imported = {name for path, source in files.items() if path.endswith(".py") for name in imports(source)}
    chosen, extra = [], f"extra == '{OPTIONAL}'"
    for requirement in course.requires or ():
        wanted, _, marker = requirement.partition("; ")
        if wanted.startswith(OPTIONAL):
            chosen.append(f"{wanted}; ({marker or extra}) and {extra}")
        elif re.split(r"[^\w-]", wanted)[0] in imported:
            chosen.append(requirement)
    return chosen


def imports(source: bytes) -> Iterator[str]:
    """Name the packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def digest(content: bytes) -> str:
    """Give a file's fingerprint as RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Pack files in the order of their names; equal files give equal bytes, whenever and wherever they are packed."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in sorted(files.items()):
            entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
