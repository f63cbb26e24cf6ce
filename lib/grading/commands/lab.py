"""`zerolayer lab`: JupyterLab on the student notebook, in a copy of its own so that the released one stays as it is.

For a unit of the course's own it is the author's view: the built notebook beside its solution, with a cell that shows
the judge's verdict, and kernels in which the unit's files are in force as they are on disk.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from jupyterlab_server.workspaces_handler import WorkspacesManager
from traitlets import Unicode

from lib.grading import units
from lib.grading.commands.command import Command
from lib.grading.files import folder_beside, put_in_place, write_whole
from lib.lab import lab_environment, open_at

AUTHOR = "ZEROLAYER_AUTHOR"
"""Names the unit to the kernels of its author."""


class LabApp(Command):
    """Copy the released assignment once, then open it in JupyterLab; further arguments go to JupyterLab."""

    name = "zerolayer-lab"
    argument = "[UNIT]"
    description = "Open the student notebook in JupyterLab; for an author, beside the solution."
    examples = """
        zerolayer lab
        zerolayer lab UNIT --no-browser --port=8888
    """
    folder = Unicode("my_work", help="Where the student's copies lie, in the course folder.").tag(config=True)
    aliases, flags = {}, {}  # JupyterLab's are given to it
    assignment = Unicode("", help="Which released assignment to open, if it is not named first.").tag(config=True)

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Keep every argument for JupyterLab, but for the assignment, which comes first, and for requests of help."""
        arguments = sys.argv[2:] if argv is None else argv
        self.named = [argument for argument in arguments[:1] if not argument.startswith("-")]
        asked = [argument for argument in arguments if argument in ("-h", "--help", "--help-all")]
        super().parse_command_line(asked)
        self.for_lab = [argument for argument in arguments if argument not in [*asked, *self.named]]

    def start(self) -> None:
        """Say where the copy is, and replace this process by JupyterLab."""
        super().start()
        course = Path(self.coursedir.root)
        if self.named and self.is_authors(self.named[0]):
            unit = self.named[0]
            self.build_if_due(unit)
            copy = self.copy_for_author(unit)
            opened = author_options(course, unit, copy.relative_to(course))
            environment = {**lab_environment(student=False), AUTHOR: unit}
            self.log.warning("Your trial copy is %s. Restart its kernel after a change in the unit's files.", copy)
        else:
            assignment = self.choose_assignment()
            notebook = self.copy_released(assignment) / f"{assignment}.ipynb"
            opened, environment = open_at(notebook.absolute()), lab_environment()
            self.log.info("Your copy is %s; delete its folder to start afresh.", notebook)
        command = [sys.executable, "-m", "jupyterlab", *opened, *self.for_lab]
        # In the place of this process, so that Ctrl-C and the exit code are JupyterLab's.
        os.execve(sys.executable, command, environment)

    def is_authors(self, name: str) -> bool:
        """Tell whether a unit is the course's own, and its solution is here."""
        place = units.place_of(name)
        return place is not None and not place.is_built_in and self.source_of(name).is_file()

    def source_of(self, unit: str) -> Path:
        """Name a unit's solution notebook."""
        return Path(self.coursedir.root, self.coursedir.source_directory, unit, f"{unit}.ipynb")

    def released(self, unit: str) -> Path:
        """Name a unit's built notebook."""
        return Path(self.coursedir.root, self.coursedir.release_directory, unit, f"{unit}.ipynb")

    def build_if_due(self, unit: str) -> None:
        """Build a notebook that is older than its solution. Exits with 1 where it can't be, and none is there."""
        released = self.released(unit)
        if released.is_file() and released.stat().st_mtime > self.source_of(unit).stat().st_mtime:
            return
        command = [sys.executable, "-m", "lib.grading", "build", unit, f"--course-dir={self.coursedir.root}"]
        if subprocess.run(command, check=False).returncode and not released.is_file():
            self.exit(1)  # the build has said why

    def copy_for_author(self, unit: str) -> Path:
        """Copy the built assignment with a cell for the verdict; an older copy's notebook is kept beside it."""
        from lib.grading.commands.trial import CELL

        released, copy = self.released(unit), Path(self.coursedir.root, self.folder, unit, f"{unit}.ipynb")
        if copy.is_file() and copy.stat().st_mtime > released.stat().st_mtime:
            return copy
        if copy.is_file():
            copy.replace(copy.with_name(f"{unit}.before.ipynb"))
        shutil.copytree(released.parent, copy.parent, dirs_exist_ok=True)
        notebook = nbformat.read(copy, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(CELL.format(name=unit)))
        write_whole(copy, nbformat.writes(notebook).encode())
        return copy

    def choose_assignment(self) -> str:
        """Give the released assignment that was named, or the one to begin with; else exits with 1."""
        released = Path(self.coursedir.root, self.coursedir.release_directory)
        known = sorted(folder.name for folder in released.glob("*") if any(folder.glob("*.ipynb")))
        names = self.named or [*filter(None, [self.assignment])] or units.first_of(known)
        if len(names) != 1:
            self.fail(f"Name the assignment to open: zerolayer lab NAME. In {released} there are {known or 'none'}.")
        return names[0]

    def copy_released(self, assignment: str) -> Path:
        """Return the folder with the student's copy. Where there is none, copy the released assignment."""
        released, copy = self.released(assignment).parent, Path(self.coursedir.root, self.folder, assignment)
        if not released.is_dir():
            self.fail(f"There is no {released}. Run `zerolayer build` first, or start in the course's folder.")
        if not copy.exists():
            with folder_beside(copy) as beside:  # a part of it would be opened for ever
                put_in_place(Path(shutil.copytree(released, beside / assignment)), copy)
        return copy


def author_options(course: Path, unit: str, copy: Path) -> list[str]:
    """Lay out a workspace with the copy at the left and the solution at the right, and tell JupyterLab to open it."""
    solution = Path("solutions", unit, f"{unit}.ipynb")
    folder = course / copy.parent / ".workspaces"
    folder.mkdir(exist_ok=True)
    WorkspacesManager(str(folder)).save(unit, json.dumps(side_by_side(unit, [copy.as_posix(), solution.as_posix()])))
    return [
        f"--ServerApp.root_dir={course}",
        f"--LabApp.workspaces_dir={folder}",
        f"--LabApp.default_url=/lab/workspaces/{unit}",
        "--ServerApp.kernel_manager_class=lib.grading.commands.author_kernels.AuthorKernels",
    ]


def side_by_side(name: str, paths: list[str]) -> dict[str, object]:
    """Write JupyterLab's record of a workspace in which notebooks lie side by side."""
    tabs = [{"type": "tab-area", "currentIndex": 0, "widgets": [f"notebook:{path}"]} for path in paths]
    dock = {"type": "split-area", "orientation": "horizontal", "sizes": [1 / len(paths)] * len(paths), "children": tabs}
    main = {"dock": dock, "current": f"notebook:{paths[0]}"}
    side = {"collapsed": True, "visible": True, "widgets": []}
    layout = {"main": main, "left": side, "right": side, "relativeSizes": [0, 1, 0]}
    opened = {f"notebook:{path}": {"data": {"path": path, "factory": "Notebook"}} for path in paths}
    return {"data": {"layout-restorer:data": layout, **opened}, "metadata": {"id": name}}
