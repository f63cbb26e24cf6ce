"""Help after a failed check, in the order in which a student opens it: each step tells more than the one before.

1. A hint: the names of the mistakes that fit all that was seen, or what the failed statements suggest.
2. The lines of the student's own code that a failed statement is about, and those that raised an error.
3. A worked example from the unit's `examples.toml`: two samples by hand, next to the student's own numbers.
"""

from __future__ import annotations

import inspect
import linecache
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib.resources import files
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from lib.checking import fingerprints
from lib.checking.findings import Finding
from lib.checking.fingerprints import Fingerprint, groups_of, name_mistakes
from lib.checking.layers import prepare
from lib.checking.looks import Shown
from lib.checking.student_code import Budget, Failure, cell_of, run_each, write_line
from lib.checking.values import Wrong, numbers, show
from lib.unit import Array, Part

TIME_FOR_HELP = 1.0
"""Seconds that student code may run for all the help together. A check that failed has run most of it before."""
EXAMPLES = "examples.toml"
"""The file with worked examples, in the folder of a unit's open half. Under a part's id `given` says what is given,
`names` is code that sets it up, and each of the `steps` has a `text`, a result `by_hand`, and the `code` that computes
it with the student's own. `names` at the top are for all parts."""
BAD_EXAMPLE = (ValueError, KeyError, TypeError, AttributeError)
"""What is raised by a file that isn't written so: its author's matter, whom `build` tells."""


class SourceLines(NamedTuple):
    """A student's function: its name and its cell, and its lines, each with its number and whether it is marked."""

    function: str
    lines: tuple[tuple[int, str, bool], ...]


class WorkedStep(NamedTuple):
    """One step of a worked example, with the student's result next to the one by hand."""

    text: str
    by_hand: str
    found: str
    agrees: bool


class WorkedExample(NamedTuple):
    """A worked example on the student's own code: what is given, and its steps."""

    given: str
    steps: tuple[WorkedStep, ...]


class Help(NamedTuple):
    """What a failed check can say beyond its findings: the mistakes that fit what was seen, and the names of the
    statements that these explain; the student's lines; a worked example."""

    mistakes: tuple[Fingerprint, ...]
    explained: frozenset[str]
    place: SourceLines | None
    example: WorkedExample | None


def find_help(part: Part, subjects: tuple[Any, ...], findings: Sequence[Finding], shown: Shown, package: str) -> Help:
    """Look for help with code of which a part's check found something wrong. `package` is the unit's."""
    mistakes = tuple(name_mistakes(part, part.desk_inputs(), shown, fingerprints.read(package)))
    touched = {group for mistake in mistakes for group in mistake.seals}
    explained = {each.name for group in touched for each in groups_of(part)[group]}
    place = find_lines(part, subjects, [each for each in findings if each.state == "wrong"])
    try:
        example = work_example(part, subjects, package, Budget(TIME_FOR_HELP))
    except BAD_EXAMPLE:
        example = None
    return Help(mistakes, frozenset(explained), place, example)


# ---- The student's own lines


def find_lines(part: Part, subjects: tuple[Any, ...], failed: Sequence[Finding]) -> SourceLines | None:
    """Return the function that a part is about, whole, and the constructor before a method: any line may be wrong.

    Marked are the lines that failed statements are about, and of those that met an error the line that raised it.
    Returns None where there is no source.
    """
    name, _, method = (part.code or part.subjects[0]).partition(".")
    subject = dict(zip(part.subjects, subjects, strict=False)).get(name)
    if (function := _find_function(subject, method)) is None:
        return None
    made = _find_function(subject, "__init__") if method else None
    is_own = made and made.__qualname__.rpartition(".")[0] == function.__qualname__.rpartition(".")[0]
    code = dict(
        [*_code_lines(made.__code__ if made and is_own else function.__code__), *_code_lines(function.__code__)]
    )
    lines = {number: write_line(number, line) for number, line in code.items()}
    raised = {each.why.line for each in failed if isinstance(each.why, Failure)} & {*lines.values()}
    about = [each.statement.lines for each in failed if getattr(each.why, "line", "") not in raised]
    marked = {n for n, line in code.items() if lines[n] in raised or any(p and re.search(p, line) for p in about)}
    own, cell = function.__qualname__.rpartition("<locals>.")[2], cell_of(function.__code__.co_filename)
    shown = tuple((number, line, number in marked and len(marked) < len(code)) for number, line in code.items())
    return SourceLines(f"{own} in {cell.removesuffix(', ')}" if cell else own, shown) if code else None


def _find_function(subject: object, method: str) -> FunctionType | None:
    """Find the function of a subject, or of a method of it; nothing that a student wrote is run."""
    found: Any = inspect.getattr_static(subject, method, None) if method else subject
    if issubclass(type(found), staticmethod | classmethod):
        found = found.__func__
    return found if type(found) is FunctionType else None  # `isinstance` would run a `__class__` that a student wrote


def _code_lines(code: CodeType) -> Iterator[tuple[int, str]]:
    parts = [code, *(each for each in code.co_consts if isinstance(each, CodeType))]
    for number in sorted({line for part in parts for *_, line in part.co_lines() if line}):
        line = linecache.getline(code.co_filename, number).rstrip()
        if line.strip() and not line.lstrip().startswith(("#", '"""', "'''")):
            yield number, line


# ---- A worked example


def work_example(part: Part, subjects: tuple[Any, ...], package: str, budget: Budget) -> WorkedExample | None:
    """Run the part's worked example on student code; None where there is none. What is late says so.

    Raises one of `BAD_EXAMPLE` where the file isn't written as `EXAMPLES` says.
    """
    unit, named = read_examples(package), dict(zip(part.subjects, subjects, strict=False))
    if (example := unit.get(part.id)) is None:
        return None
    steps, names = example["steps"], "\n".join([unit.get("names", ""), example.get("names", "")])
    actions = [partial(_work, names, step["code"], named) for step in steps]
    ran = run_each(actions, budget.left, budget)
    late = [Failure("time", "did not end in time")] * (len(steps) - len(ran))
    return WorkedExample(" ".join(example["given"].split()), tuple(map(_compare, steps, [*ran, *late])))


@lru_cache(maxsize=4)
def read_examples(package: str) -> Mapping[str, Any]:
    """Read the worked examples of the unit in `package`, by part; none where it has no file. Raises ValueError."""
    file = files(package).joinpath(EXAMPLES) if package else None
    return tomllib.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else {}


def _work(names: str, code: str, named: Mapping[str, Any]) -> Array:
    """Set up a step anew, since student code may write into what it is given, and compute it."""
    space = {**named, "np": np, "prepare": prepare, "column": _column}
    exec(compile(names, "<frozen example>", "exec"), space)  # a name that is no student's file
    return numbers(eval(compile(code, "<frozen example>", "eval"), space))


def _column(result: object, number: int) -> Array:
    array = numbers(result)
    if array.ndim != 2:
        raise Wrong("The result is not a matrix.", found=f"shape {array.shape}")
    return array[:, number]


def _compare(step: Mapping[str, Any], found: Array | Failure) -> WorkedStep:
    text, by_hand = step["text"], show(step["by_hand"])
    if isinstance(found, Failure):
        return WorkedStep(text, by_hand, found.text, agrees=False)
    right = np.array(step["by_hand"], dtype=float)
    found = found.reshape(right.shape) if found.size == right.size == 1 else found
    agrees = found.shape == right.shape and np.allclose(found, right, rtol=1e-3, atol=1e-4)
    with np.errstate(over="ignore"):  # near 1e308, as np.nan_to_num makes them of infinities
        rounded = np.where(abs(found) < 1e300, found.round(4) + 0, found).tolist()
    return WorkedStep(text, by_hand, show(rounded), bool(agrees))
