"""What students get of a unit, looked through for what they must not get: ways to the closed half, and answers."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType

from lib.answer_key import AnswerKey
from lib.grading.commands.build import CannotBuild, Hidden, compress, gives_answer_away, refuse_leak, shows
from lib.grading.units import CLOSED, Place, is_closed

NEVER = ("lib.reference", "lib.answer_key", "lib.mistakes", "lib.grading")
"""What nothing that students get may import, besides a unit's closed half."""
SHORT = 30
"""Characters of a function's body, spaces left out, below which other code may be the same by chance."""


def open_files(place: Place) -> dict[Path, str]:
    """Read the texts of a unit's open half, by their path in the unit's folder; a unit has no others.

    Hidden ones, too: students don't get them, but their code can read them where submissions run.
    """
    files = (file.relative_to(place.folder) for file in sorted(place.folder.rglob("*")) if file.is_file())
    kept = [file for file in files if CLOSED not in file.parts[:1] and "__pycache__" not in file.parts]
    return {file: (place.folder / file).read_text(encoding="utf-8", errors="replace") for file in kept}


def faults_of_open_half(place: Place, key: AnswerKey, hidden: Iterable[Hidden]) -> Iterator[CannotBuild]:
    """Say where a unit's open half leads to its closed one, or shows an answer.

    Answers are the bodies of the right objects' functions, and the expressions that blanks hide.
    """
    bodies = dict(_bodies_of(key, place))
    secrets = {each.expression: f"the blank at {each.place}" for each in hidden if gives_answer_away(each.expression)}
    for file, text in open_files(place).items():
        where = str(place.folder / file)
        for line, found in _ways_in(text, place.module) if file.suffix == ".py" else ():
            yield CannotBuild(
                f"{where}, line {line}: a file for students that leads to the answers",
                found=found,
                expected=f"nothing of {place.module}.{CLOSED}, {' or '.join(NEVER)}",
                attempt="let the closed half import this one, and not the other way round",
            )
        for answer, whose in (bodies | secrets).items():
            if shows(compress(text), answer):
                yield CannotBuild(
                    f"{where}: a file for students that shows {whose}",
                    found=answer.strip(),
                    expected=f"answers in the folder {CLOSED} only",
                    attempt="move it there, or say it in words; a statement without `right` asks the answer key, and"
                    " examples show what is known by hand",
                )


def faults_of_bundle(files: dict[str, bytes], place: Place, hidden: Iterable[Hidden]) -> Iterator[CannotBuild]:
    """Say which file for students lies in a closed half, or shows what a blank of the unit's notebook hides.

    What this package has besides is public, as NumPy is: the author of a unit elsewhere may ask for what is used there.
    """
    own = f"{place.module.replace('.', '/')}/"
    for name, content in files.items():
        path = Path(name)
        if path.parts[0] == "lib" and is_closed(path.relative_to("lib")):
            yield CannotBuild(
                f"{name}: a file of the closed half in the bundle",
                found=f"{len(content):,} bytes",
                expected="open halves only",
                attempt=f"move it into the folder {CLOSED} of its unit",
            )
        if path.parts[0] == "lib" and not place.is_built_in and not name.startswith(own):
            continue
        try:
            refuse_leak(hidden, content.decode(errors="replace"), name)
        except CannotBuild as fault:
            yield fault


def _ways_in(text: str, module: str) -> Iterator[tuple[int, str]]:
    """Find imports and names of what is closed: the line, and the name."""
    closed = (f"{module}.{CLOSED}", *NEVER)
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(filter(None, [module if node.level else "", node.module]))
            names = [start, *(f"{start}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            names = [node.value]
        for name in names:
            if any(name == each or name.startswith(f"{each}.") for each in closed):
                yield getattr(node, "lineno", 0), name
                break


def _bodies_of(key: AnswerKey, place: Place) -> Iterator[tuple[str, str]]:
    """Give the body of each function of right code, and whose it is. What that imports from elsewhere is no answer."""
    homes = {getattr(key.right[name], "__module__", "") for part in key.parts for name in part.subjects}
    for name, right in key.right.items():
        if getattr(right, "__module__", "") not in homes:
            continue
        methods = vars(right).values() if isinstance(right, type) else [right]
        for function in methods:
            if isinstance(function, FunctionType) and (body := _body_of(function)) and len(compress(body)) > SHORT:
                yield body, f"the right answer {name!r}"


def _body_of(function: FunctionType) -> str:
    """Give a function's code without its signature and its docstring; nothing where there is no source."""
    try:
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""
    if not isinstance(tree, ast.FunctionDef):
        return ""
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    return "\n".join(map(ast.unparse, body))
