"""`zerolayer new`: create a unit with one working exercise, which the author replaces."""

import keyword
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import lib.units
from lib.authoring.make_fingerprints import of_part, write_file
from lib.grading import unit_registry
from lib.grading.commands.command import Command, activation, options, requested_names
from lib.grading.commands.demo import CHECKOUT
from lib.grading.files import write_files
from lib.grading.progress import say

TEMPLATE, NAME, TITLE = Path(__file__).with_name("new_unit"), "my_unit", "My unit"
"""The template's folder, and its name and title, which are replaced by the author's."""
CONFIG = lib.units.CONFIG


class NewApp(Command):
    """Create a solution notebook and both halves of a unit in the course's folder."""

    own_log_level = logging.ERROR  # nbgrader warns if a folder has no configuration yet
    name = "zerolayer-new"
    argument = "NAME"
    description = "Create a unit: a notebook, its checks and its mistakes, with one exercise to replace."
    examples = "zerolayer new NAME"
    aliases = options("assignment")

    def start(self) -> None:
        """Write the files, and list them. Exit with 1 if a file exists already, or the name isn't valid."""
        super().start()
        course, names = Path(self.coursedir.root), requested_names(self)
        if len(names) != 1:
            self.fail("Name the new unit, for example: zerolayer new linear_regression")
        name = names[0]
        if problem := name_problem(name):
            self.fail("%s", problem)
        files = dict(files_of(name))
        if existing := [path for path in files if (course / path).exists()]:
            self.fail("%s exists already. Nothing was written. Choose another name, or delete it.", existing[0])
        if not (course / CONFIG).exists():
            files[Path(CONFIG)] = (CHECKOUT / CONFIG).read_text(encoding="utf-8")
        files = {path: files[path] for path in sorted(files, key=lambda path: path.name == lib.units.EXERCISE)}
        # The last file makes it a unit: with half a unit every command would fail.
        write_files({path.as_posix(): content.encode() for path, content in files.items()}, course)
        lib.units.enter(str(course))
        key = unit_registry.answer_key(name)
        write_file(name, {part.id: of_part(key, part) for part in key.parts})
        say("\n".join((f"{name} is ready, and works already:", *(f"  {path}" for path in files))))
        say(f"Next, in {course}:\n{activation()}  zerolayer check {name}\n  zerolayer build {name}")


def name_problem(name: str) -> str:
    """Return why a unit can't have this name, or an empty text if it can."""
    expected = (
        "Expected lower-case letters, digits and _, beginning with a letter, such as linear_regression, and not a "
        "keyword of Python, such as class."
    )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        return f"A unit can't be called {name!r}: the name is used for a folder and a Python module. {expected}"
    if name in unit_registry.find_all():
        return f"There is a unit called {name} already. Choose another name."
    return ""


def files_of(name: str) -> Iterator[tuple[Path, str]]:
    """Yield each file of a new unit: its path in the course's folder, and its content."""
    title = name.replace("_", " ").capitalize()
    for file in sorted(TEMPLATE.rglob("*")):
        if file.suffix in (".py", ".toml", ".ipynb"):
            own = Path(str(file.relative_to(TEMPLATE)).replace(NAME, name))
            folder = {".ipynb": Path("solutions", name)}.get(file.suffix, Path("units"))
            yield folder / own, file.read_text(encoding="utf-8").replace(NAME, name).replace(TITLE, title)
