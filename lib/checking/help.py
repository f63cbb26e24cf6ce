"""Help after a failed check, in three steps. Each step reveals more than the one before.

1. A hint: the names of the mistakes that fit the results, or the hints of the failed statements.
2. The lines of the student's code to which a failed statement refers, and those that raised an error.
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
from lib.checking.looks import Shown
from lib.checking.results import Wrong, numbers, show
from lib.checking.spies import prepare
from lib.checking.student_code import Budget, Failure, cell_of, run_each, write_line
from lib.unit import Array, Part

TIME_FOR_HELP = 1.0
"""The time limit in seconds for student code in all steps of the help together."""
EXAMPLES = "examples.toml"
"""The file with worked examples, in the folder of a unit's open half. Under a part's id `given` describes the example,
`names` is code that sets it up, and each of the `steps` has a `text`, a result `by_hand`, and the `code` that computes
it with the student's code. `names` at the top of the file are for all parts."""
BAD_EXAMPLE = (ValueError, KeyError, TypeError, AttributeError)
"""The exceptions that a malformed file raises."""


class SourceLines(NamedTuple):
    """A student's function: its name and cell, and its lines, each with its number, its code, and True if marked."""

    function: str
    lines: tuple[tuple[int, str, bool], ...]


class WorkedStep(NamedTuple):
    """One step of a worked example, with the student's result next to the one by hand."""

    text: str
    by_hand: str
    found: str
    agrees: bool


class WorkedExample(NamedTuple):
    """A worked example on the student's own code: the description of its inputs, and its steps."""

    given: str
    steps: tuple[WorkedStep, ...]


class Help(NamedTuple):
    """The help for a failed check: mistakes that fit the results, source lines, and a worked example.

    `explained` has the names of the statements whose failure the mistakes explain.
    """

    mistakes: tuple[Fingerprint, ...]
    explained: frozenset[str]
    place: SourceLines | None
    example: WorkedExample | None


def find_help(part: Part, subjects: tuple[Any, ...], findings: Sequence[Finding], shown: Shown, package: str) -> Help:
    """Collect the help for a failed check. `package` is the unit's package."""
    failed = [each.name for each in findings if each.why and each.max_points]
    mistakes = tuple(name_mistakes(part, part.at_desk, shown, fingerprints.read(package), failed))
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
    """Return all lines of the function that a part checks, and of the constructor before a method.

    The marked lines are those to which failed statements refer, or the line that raised an error. Returns None if there
    is no source.
    """
    name, _, method = (part.code or part.subjects[0]).partition(".")
    subject = dict(zip(part.subjects, subjects, strict=False)).get(name)
    if (function := _find_function(subject, method)) is None:
        return None
    init = _find_function(subject, "__init__") if method else None
    is_own = init and init.__qualname__.rpartition(".")[0] == function.__qualname__.rpartition(".")[0]
    code = dict(
        [*_code_lines(init.__code__ if init and is_own else function.__code__), *_code_lines(function.__code__)]
    )
    lines = {number: write_line(number, line) for number, line in code.items()}
    raised = {each.why.line for each in failed if each.why} & {*lines.values()}
    about = [part.statement(each.name).lines for each in failed if each.why and each.why.line not in raised]
    marked = {n for n, line in code.items() if lines[n] in raised or any(p and re.search(p, line) for p in about)}
    own, cell = function.__qualname__.rpartition("<locals>.")[2], cell_of(function.__code__.co_filename)
    shown = tuple((number, line, number in marked and len(marked) < len(code)) for number, line in code.items())
    return SourceLines(f"{own} in {cell.removesuffix(', ')}" if cell else own, shown) if code else None


def _find_function(subject: object, method: str) -> FunctionType | None:
    # Statically and by type(): a descriptor, or a `__class__` property for `isinstance`, would run student code.
    found: Any = inspect.getattr_static(subject, method, None) if method else subject
    if issubclass(type(found), staticmethod | classmethod):
        found = found.__func__
    return found if type(found) is FunctionType else None


def _code_lines(code: CodeType) -> Iterator[tuple[int, str]]:
    parts = [code, *(each for each in code.co_consts if isinstance(each, CodeType))]
    for number in sorted({line for part in parts for *_, line in part.co_lines() if line}):
        line = linecache.getline(code.co_filename, number).rstrip()
        if line.strip() and not line.lstrip().startswith(("#", '"""', "'''")):
            yield number, line


# ---- A worked example


def work_example(part: Part, subjects: tuple[Any, ...], package: str, budget: Budget) -> WorkedExample | None:
    """Run the part's worked example on student code, or return None if it has none. Late steps have a remark.

    Raises one of `BAD_EXAMPLE` if the file isn't in the form that `EXAMPLES` describes.
    """
    unit, named = read_examples(package), dict(zip(part.subjects, subjects, strict=False))
    if (example := unit.get(part.id)) is None:
        return None
    steps, names = example["steps"], "\n".join([unit.get("names", ""), example.get("names", "")])
    actions = [partial(_work, names, step["code"], named) for step in steps]
    outcomes = run_each(actions, budget.left, budget)
    late = [Failure("time", "did not end in time")] * (len(steps) - len(outcomes))
    return WorkedExample(" ".join(example["given"].split()), tuple(map(_compare, steps, [*outcomes, *late])))


@lru_cache(maxsize=4)
def read_examples(package: str) -> Mapping[str, Any]:
    """Read the worked examples of the unit in `package`, by part. Raises ValueError if the file isn't TOML."""
    file = files(package).joinpath(EXAMPLES) if package else None
    return tomllib.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else {}


def _work(names: str, code: str, named: Mapping[str, Any]) -> Array:
    # The inputs are set up for each step: student code may have changed those of the one before.
    space = {**named, "np": np, "prepare": prepare, "column": _column}
    exec(compile(names, "<frozen example>", "exec"), space)  # a file name that `is_own` excludes
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
    with np.errstate(over="ignore"):  # rounding overflows near 1e308, which np.nan_to_num returns for infinities
        rounded = np.where(abs(found) < 1e300, found.round(4) + 0, found).tolist()
    return WorkedStep(text, by_hand, show(rounded), bool(agrees))
