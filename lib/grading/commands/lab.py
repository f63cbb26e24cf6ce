"""`zerolayer lab`: open a copy of a released assignment, or any notebook, in JupyterLab."""

import os
import shutil
import sys
from pathlib import Path

from lib.grading import unit_registry
from lib.grading.commands.command import Command
from lib.grading.files import put_in_place, temporary_sibling_folder
from lib.grading.safe_names import unknown
from lib.jupyterlab import lab_environment, open_at

COPIES = "my_work"
"""The folder in the course for the student's copies."""


class LabApp(Command):
    """Copy a released assignment if there is no copy yet, and open it. JupyterLab gets all further arguments."""

    name = "zerolayer-lab"
    argument = "[ASSIGNMENT or NOTEBOOK]"
    description = "Open an assignment as a student does, or any notebook, in JupyterLab."
    examples = """
        zerolayer lab
        zerolayer lab UNIT --no-browser --port=8888
        zerolayer lab solutions/UNIT/UNIT.ipynb
    """
    aliases, flags = {}, {}  # options are passed to JupyterLab

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Keep all arguments for JupyterLab, except a leading assignment and options for help."""
        arguments = sys.argv[2:] if argv is None else argv
        self.named = [argument for argument in arguments[:1] if not argument.startswith("-")]
        asked = [argument for argument in arguments if argument in ("-h", "--help", "--help-all")]
        super().parse_command_line(asked)
        self.for_lab = [argument for argument in arguments if argument not in [*asked, *self.named]]

    def start(self) -> None:
        """Replace this process by JupyterLab, with the notebook open."""
        super().start()
        if not self.named:  # options may come before it
            self.named = [word for word in self.for_lab if word.endswith(".ipynb") or word in self.released][:1]
            self.for_lab = [word for word in self.for_lab if word not in self.named]
        named = Path(*self.named)
        if named.suffix == ".ipynb":
            if not named.is_file():
                self.fail(f"There is no notebook {named}.")
            options, environment = open_at(named.absolute()), lab_environment(student=False)
        else:
            assignment = self.choose_assignment()
            notebook = (self.copy_released(assignment) / f"{assignment}.ipynb").absolute()
            # JupyterLab shows only the folder with the copies: a clone of the course also has the solutions.
            options, environment = open_at(notebook, root=notebook.parents[1]), lab_environment()
            self.log.info("Your copy is %s; to start over, delete its folder.", notebook)
        command = [sys.executable, "-m", "jupyterlab", *options, *self.for_lab]
        # Replaces this process, so that JupyterLab gets Ctrl-C and sets the exit code.
        os.execve(sys.executable, command, environment)

    @property
    def released(self) -> list[str]:
        """The names of the released assignments."""
        place = Path(self.coursedir.root, self.coursedir.release_directory)
        return sorted(folder.name for folder in place.glob("*") if any(folder.glob("*.ipynb")))

    def choose_assignment(self) -> str:
        """Return the named released assignment, or the first one. Exits with 1 for an unknown name."""
        known = self.released
        names = self.named or unit_registry.starting_units(known)
        if len(names) != 1:
            self.fail(f"Name the assignment to open: zerolayer lab NAME. There are: {', '.join(known) or 'none'}.")
        if known and names[0] not in known:
            self.fail("%s", unknown("assignment", names[0], known))
        return names[0]

    def copy_released(self, assignment: str) -> Path:
        """Return the folder with the student's copy; if there is none, copy the released assignment."""
        course = Path(self.coursedir.root)
        released, copy = course / self.coursedir.release_directory / assignment, course / COPIES / assignment
        if not released.is_dir():
            self.fail(f"There is no {released}. Run `zerolayer build` first, or run this in the course's folder.")
        if not copy.exists():
            with temporary_sibling_folder(copy) as temporary:  # a partial copy would be opened each time from then on
                put_in_place(Path(shutil.copytree(released, temporary / assignment)), copy)
        return copy
