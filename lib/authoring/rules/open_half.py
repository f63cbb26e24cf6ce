"""Rules of a unit's open half: it contains no answer, and declares the packages that it imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import packages_distributions
from pathlib import Path

from nbgrader.utils import find_all_files

import lib
from lib.authoring.markers import parse_expression
from lib.authoring.student_notebook import places_of
from lib.authoring.trial import Faults, Trial
from lib.authoring.wheel import PROJECT, open_half
from lib.grading import unit_registry
from lib.grading.errors import Fault, file_line
from lib.grading.unit_registry import CLOSED
from lib.right_code import MAGIC
from lib.units import EXERCISE

NEVER = ("lib.reference", "lib.answer_key", "lib.mistakes", "lib.grading", "lib.authoring")
"""Modules that the students' files must not import, in addition to a unit's closed half."""
ATTEMPT = "describe it in words there, or add a blank there, or hide less in the first place"
COMPUTING = (ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare)


def imports_what_students_have(trial: Trial) -> Faults:
    """Students' files import no answers, and only packages that are installed with this one or declared in PACKAGES."""
    unit = trial.key.unit
    if trial.place is None:
        return
    for package in unit_registry.missing_packages(unit):
        where = file_line(trial.place.folder / EXERCISE)
        yield Fault(where, f"a unit that needs {package}", f"pip install {package}", found="it is not installed here")
    closed = (f"{trial.place.module}.{CLOSED}", *NEVER)
    asked = (*tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"], *unit.packages)
    names = {unit_registry.name_of(each) for each in asked}
    own = {*sys.stdlib_module_names, trial.place.module.partition(".")[0], "lib", *(each.name for each in unit.extras)}
    files = {file_line(file): text for file, text in open_files(trial).items() if file.suffix == ".py"}
    cells = {place: cell.source for file, nb in trial.solutions.items() for place, cell in places_of(nb, file)}
    for where, text in {**files, **cells}.items():
        for imported in _imports(text, trial.place.module):
            package = imported.partition(".")[0]
            if f"{imported}.".startswith(tuple(f"{name}." for name in closed)):
                attempt = f"don't import {' or '.join(closed)} there"
                yield Fault(where, "a file for students that imports answers", attempt, found=imported)
            elif package not in own:
                own.add(package)
                # Which distribution a package is of takes 0.4 s to look up: only where it has another name.
                if unit_registry.name_of(package) not in names and names.isdisjoint(
                    map(unit_registry.name_of, packages_distributions().get(package, ()))
                ):
                    attempt = f'add  PACKAGES = ("{package}",)  to the exercise: then the bundle requires it'
                    yield Fault(where, f"{package} is imported, which students may not have", attempt)


def _imports(text: str, module: str) -> Iterator[str]:
    with suppress(SyntaxError, ValueError):  # invalid code imports nothing
        for node in ast.walk(ast.parse(MAGIC.sub(r"\1pass", text))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = ".".join(filter(None, [module if node.level else "", node.module]))
                yield from (f"{start}.{alias.name}" for alias in node.names)


def shows_no_answer(trial: Trial) -> Faults:
    """The students' files don't contain the answer to a blank."""
    hidden = (each for version in trial.students.values() for each in version.hidden)
    blanks = {each.expression: each.place for each in hidden if gives_answer_away(each.expression)}
    own = open_files(trial).items()
    texts: list[tuple[str | Path, str]] = [*_texts_of_notebooks(trial), *own, *_other_texts(trial)] if blanks else []
    for where, text in texts:
        compressed = compress(text)
        for answer, place in blanks.items():
            if shows(compressed, answer):
                lines = text.split("\n")
                counts = range(1, len(lines) + 1)
                line = next(count for count in counts if shows(compress("\n".join(lines[:count])), answer))
                at = file_line(where, line) if isinstance(where, Path) else where
                yield Fault(at, f"it shows the answer to the blank at {place}", ATTEMPT, found=answer.strip())


def open_files(trial: Trial) -> dict[Path, str]:
    """Read the files of a unit's open half, including hidden ones, which code can read during grading."""
    folder = trial.place.folder if trial.place else Path()
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()] if trial.place else []
    own = [file for file in files if file.relative_to(folder).parts[0] != CLOSED and "__pycache__" not in file.parts]
    return {file: file.read_text(encoding="utf-8", errors="replace") for file in own}


def _texts_of_notebooks(trial: Trial) -> Iterator[tuple[str, str]]:
    for file, version in trial.students.items():
        for place, cell in places_of(version.notebook, file):
            yield place, cell.source
            for part in ("outputs", "metadata", "attachments"):
                yield f"{place}, {part}", "\n".join(_texts_in(cell.get(part)))
        yield f"{file}, metadata", "\n".join(_texts_in(version.notebook.metadata))


def _other_texts(trial: Trial) -> Iterator[tuple[Path, str]]:
    # The other files of the assignment, and for a unit of this package also the other files of the students' wheel.
    # For units elsewhere this package is as public as NumPy: an answer may use functions of it.
    ignored = [*trial.course.ignore, "*.ipynb"]
    for path in map(Path, find_all_files(str(trial.folder), ignored)):
        yield path, path.read_text(encoding="utf-8", errors="replace")
    for name, content in open_half().items() if trial.place and trial.place.is_built_in else ():
        yield Path(lib.__file__).parents[1] / name, content.decode(errors="replace")


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts_in(item)


def gives_answer_away(expression: str) -> bool:
    """True if an expression reveals the answer wherever it is found: it computes something, and it is long."""
    tree = parse_expression(expression) if len(compress(expression)) > 12 else None
    return tree is not None and any(isinstance(node, COMPUTING) for node in ast.walk(tree))


def shows(compressed: str, answer: str) -> bool:
    """True if a text contains an answer, except after `def`: `def update(X, C):` doesn't reveal `update(X, C)`."""
    answer = compress(answer)
    return answer in compressed and answer in compressed.replace(f"def{answer}", "def")


def compress(text: str) -> str:
    """Remove whitespace and comment signs, and replace double quotes by single ones."""
    return re.sub(r"[\s#]", "", text).replace('"', "'")
