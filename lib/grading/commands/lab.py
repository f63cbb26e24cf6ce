"""`zerolayer lab`: JupyterLab on the student notebook, in a copy of its own so that the released one stays as it is."""

import os
import shutil
import sys
from pathlib import Path

from traitlets import Unicode

from lib.grading.commands.config import Configured
from lib.lab import lab_environment


class LabApp(Configured):
    """Copy the released assignment once, then open it in JupyterLab; further arguments go to JupyterLab."""

    name = "zerolayer-lab"
    description = "Open the student notebook in JupyterLab."
    examples = """
        zerolayer lab
        zerolayer lab UNIT --no-browser --port=8888
    """
    folder = Unicode("my_work", help="Where the student's copies lie, in the course folder.").tag(config=True)
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
        assignment = self.choose_assignment()
        notebook = self.copy_released(assignment) / f"{assignment}.ipynb"
        self.log.info("Your copy is %s; delete its folder to start afresh.", notebook)
        command = [sys.executable, "-m", "jupyterlab", *self.for_lab, str(notebook)]
        # In the place of this process, so that Ctrl-C and the exit code are JupyterLab's.
        os.execve(sys.executable, command, lab_environment())

    def choose_assignment(self) -> str:
        """Give the released assignment that was named, or the only one there is; else exits with 1."""
        released = Path(self.coursedir.root, self.coursedir.release_directory)
        known = sorted(folder.name for folder in released.glob("*") if any(folder.glob("*.ipynb")))
        names = self.named or [*filter(None, [self.assignment])] or known
        if len(names) != 1:
            self.fail(f"Name the assignment to open: zerolayer lab NAME. In {released} there are {known or 'none'}.")
        return names[0]

    def copy_released(self, assignment: str) -> Path:
        """Return the folder with the student's copy. Where there is none, copy the released assignment."""
        course = Path(self.coursedir.root)
        released = course / self.coursedir.release_directory / assignment
        if not released.is_dir():
            self.fail(f"There is no {released}. Run `zerolayer build` first, or start in the course's folder.")
        copy = course / self.folder / assignment
        if not copy.exists():
            shutil.copytree(released, copy)
        return copy
