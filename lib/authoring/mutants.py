"""Mutants: each small change of a part's right code has to cost points, or the draws and statements don't see it.

Nobody writes them: the tables below say what may become of an expression, by the kind of value that it has on the
desk's draw, and of a statement. A mutant that keeps all points in a draw is a survivor. Its author draws other inputs,
adds a statement, or says in `closed/equal.toml` that it is right, too:

    check-adam = ['g ** 2 -> g * *']     # what was, and what becomes of it, as the survivor is told; * is anything

    python -m lib.authoring.mutants optimizers
"""

from __future__ import annotations

import ast
import copy
import fnmatch
import inspect
import multiprocessing
import re
import signal
import textwrap
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from nbformat import NotebookNode

from lib.answer_key import AnswerKey
from lib.authoring.trial import Faults, Trial
from lib.checking.findings import Known, find
from lib.checking.looks import look_at_ours
from lib.checking.student_code import silence
from lib.grading.errors import Fault
from lib.grading.judge.judge import known_of
from lib.unit import Inputs, Part

OF_A_VALUE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "count": (("{first}", "{last}", "min({e}, {high})"), ("{last}", "max({e}, {low})"), ("({e}) + 1",), ("({e}) - 1",)),
    "number": (("{first}", "{last}"), ("({e}) * 1.1",), ("-({e})",), ("min({e}, 1)",), ("max({e}, 0.01)",)),
    "flag": (("True",), ("False",), ("not ({e})",)),
    "text": (("{first}",),),
    "array": (
        ("({e})[::-1]",), ("-({e})",), ("({e}) * 1.1",), ("np.sort({e})",), ("np.mean({e})",),
    ),
    "signed": (("abs({e})",), ("np.clip({e}, -1, 1)", "np.clip({e}, -10, 10)"), ("np.where(abs({e}) < 0.01, 0, {e})",), ("np.round({e}, 3)",)),
    "positive": (("np.minimum({e}, 10)",), ("np.maximum({e}, 0.01)", "np.maximum({e}, 0.001)"), ("np.round({e}, 3)",)),
    "share": (("np.maximum({e}, 0.01)", "np.maximum({e}, 0.001)"), ("np.minimum({e}, 0.99)",), ("np.round({e}, 3)",)),
    "given": (("exactly({e}, {high})", "({e})[:{high}]"), ("exactly({e}, {columns}, -1)", "({e})[..., :{columns}]")),
    "matrix": (("({e}).T",),),
    "mask": (("~({e})",), ("({e}) | True",), ("({e}) & False",)),
    "list": (
        ("[*{e}][:1]", "[*{e}][:2]", "[*{e}][:5]", "[*{e}][:10]"), ("[*{e}][1:]",), ("[*{e}][:-1]",), ("[*{e}][::-1]",),
    ),
    "given list": (("exactly([*{e}], {high})", "[*{e}][:{high}]"),),
    "objects": (("copy.deepcopy({e})",),),
    "object": (("copy.deepcopy({e})",),),
}  # fmt: skip
"""What may stand in the place of an expression, by its value on the desk's draw: `first` is that, `low` and `high` how
it varies there, or its length does, and `columns` is the length of its last axis. Of some that differ in degree, the
harshest first, only the first one that survives is told."""
LIMIT = re.compile(
    r"^np\.(clip|minimum|maximum|round|where\(abs)|^m(in|ax)\(|\[(\.\.\., )?:\d+\]$| <= 6: |\[:(5|10)\]$"
)
"""What no draw reaches: it is told in one line, since each draw has some limit."""
NOTHING = {"array": "0 * ({e})", "mask": "0 * ({e})", "count": "0 * ({e}) + 7", "number": "0 * ({e}) + 7"}
"""What is tried first: where even this keeps all points, nobody looks at the value, and no other change of it is tried."""
NOTHING_LIKE = re.compile(r"0 \* \(|\(.*, None\)\[1\]$", re.DOTALL)
KEPT = {
    "turn": "mine.setdefault({k}, {e})",
    "object": "vars(self).setdefault('kept{k}', {e})",
    "call": "kept.setdefault({k}, {e})",
}
"""As it was in the first turn of a loop, for the first time in an object, and in the first call of all."""
OF_A_STATEMENT = (
    "pass",
    *(f"if count({{home}}, {{k}}) <= {n}: {{e}}" for n in (1, 2, 3, 6)),
)
OF_A_SIZE = ("if {size} >= {high}: {e}", "if {size} <= {low}: {e}")
OF_A_RESULT = ("None", "emptied({e}, {name})")
SIZES = {"array": ("len({n})", "{n}.shape[-1]"), "list": ("len({n})",), "count": ("{n}",)}
SWAPPED = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Pow: "*", ast.FloorDiv: "/", ast.MatMult: "*"}
IN_PLACE = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "true_divide"}
COMPARED = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
}
SYMBOL = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


def of_syntax(node: ast.AST, seen: Seen | None, text: Callable[[ast.AST], str]) -> Iterator[str]:
    """Give what may become of an expression by its form."""
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            one, two = text(left), text(right)
            yield from (
                one,
                two,
                f"({two}) {SWAPPED.get(type(op), '+')} ({one})",
                f"({one}) {SWAPPED.get(type(op), '+')} ({two})",
            )
            if type(op) in IN_PLACE and seen and seen.kind == "array":
                names = (each for each in (left, right) if isinstance(each, ast.Name | ast.Attribute | ast.Subscript))
                yield from (f"np.{IN_PLACE[type(op)]}({one}, {two}, out={text(each)})" for each in names)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
            yield f"({text(left)}) {COMPARED[type(op)]} ({text(right)})"
            if type(op) in SYMBOL:
                yield from (
                    f"({text(left)}) {SYMBOL[type(op)]} ({text(right)}) {by}"
                    for by in ("+ 0.25", "- 0.25", "+ 1", "- 1")
                )
        case ast.Call(func=func, args=args, keywords=named):
            yield from map(text, args)
            if isinstance(func, ast.Attribute):
                yield text(func.value)
            given, options = [text(each) for each in args], [text(each) for each in named]
            if len(given) > 1 and not text(func).endswith(("maximum", "minimum")):
                yield f"{text(func)}({', '.join([given[1], given[0], *given[2:], *options])})"
            for at in range(len(options)):
                yield f"{text(func)}({', '.join([*given, *options[:at], *options[at + 1 :]])})"
                if options[at].startswith("axis"):
                    yield from (
                        f"{text(func)}({', '.join([*given, *options[:at], f'axis={n}', *options[at + 1 :]])})"
                        for n in (0, 1, -1)
                    )
        case ast.Subscript(value=value):
            yield text(value)
        case ast.BoolOp(values=values):
            yield from map(text, values)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (text(body), text(orelse))
        case ast.Constant(value=int() | float() as value) if value and not isinstance(value, bool):
            yield from (f"{value} * 1000", f"{value} / 1000", "0")


# What mutants call


def exactly(value: Any, size: int, axis: int = 0) -> Any:
    """Give a value of this size, as code does that can't do with another one."""
    assert np.shape(value)[axis] == size if axis else len(value) == size
    return value


def count(home: Any, key: int) -> int:
    """Count how often this is run, in a call or with an object."""
    counts = home if isinstance(home, dict) else vars(home)
    counts[f"count{key}"] = counts.get(f"count{key}", 0) + 1
    return int(counts[f"count{key}"])


def emptied(result: Any, given: Any) -> Any:
    """Give a result, and empty what a function was given."""
    result = copy.deepcopy(result)
    if isinstance(given, np.ndarray):
        given[...] = 0
    if isinstance(given, list):
        given.clear()
    return result


# Where they are made


@dataclass
class Seen:
    """What an expression was on the desk's draw: the kind of value, the first one, how far it varies, and its last axis."""

    kind: str
    first: Any
    low: Any
    high: Any
    columns: int = 0
    fewest: int = 0
    last: Any = None
    attributes: tuple[str, ...] = ()
    entries: tuple[float, float, bool] = (0, 0, True)

    @classmethod
    def of(cls, value: Any) -> Seen | None:
        """Look at a value; None for functions, modules and nothing."""
        if callable(value) or inspect.ismodule(value) or value is None or isinstance(value, type | dict):
            return None
        if isinstance(value, bool | np.bool_):
            return cls("flag", bool(value), 0, 0)
        if isinstance(value, str):
            return cls("text", value, 0, 0, last=value)
        if isinstance(value, int | np.integer | float | np.floating):
            kind = "count" if isinstance(value, int | np.integer) else "number"
            value = value.item() if isinstance(value, np.generic) else value
            return cls(kind, value, value, value, last=value)
        if isinstance(value, np.ndarray) and value.ndim:
            entries = (
                (value.min(), value.max(), bool((value == np.round(value)).all()))
                if value.size and value.dtype.kind in "fi"
                else (0, 0, True)
            )
            return cls(
                "mask" if value.dtype == bool else "array",
                None,
                len(value),
                len(value),
                value.shape[-1],
                value.shape[-1],
                attributes=("matrix",) * (value.ndim == 2),
                entries=entries,
            )
        if isinstance(value, list | tuple | range):
            kinds = {each.kind if (each := cls.of(one)) else "" for one in value} if len(value) < 100 else set()
            return cls(
                "list", None, len(value), len(value), attributes=("layers of objects",) if "object" in kinds else ()
            )
        return (
            cls("list", None, 0, 99)
            if hasattr(value, "__next__")
            else cls("object", None, 0, 0, attributes=tuple(getattr(value, "__dict__", ())))
        )

    def add(self, value: Any) -> None:
        """Look at it once more."""
        if (new := Seen.of(value)) and new.kind == self.kind:
            self.last, self.fewest = new.last, min(self.fewest, new.fewest)
            self.low, self.high = min(self.low, new.low), max(self.high, new.high)
            self.columns, (a, b, c), (d, e, f) = max(self.columns, new.columns), self.entries, new.entries
            self.entries = min(a, d), max(b, e), c and f

    @property
    def families(self) -> tuple[tuple[str, ...], ...]:
        """What may stand in its place."""
        low, high, are_whole = self.entries
        also = "signed" if low < 0 else "share" if high <= 1 else "positive"
        if self.kind == "list" and self.attributes:
            return OF_A_VALUE["list"] + OF_A_VALUE["objects"]
        if self.kind == "array" and low == high:
            return ()
        more = OF_A_VALUE["matrix"] if self.kind == "array" and self.attributes else ()
        return OF_A_VALUE[self.kind] + more + (OF_A_VALUE[also] if self.kind == "array" and not are_whole else ())


class Mutant(NamedTuple):
    """A change of right code: the cell's line, what stands there and what becomes of it, and the code."""

    line: int
    was: str
    now: str
    code: str
    span: tuple[int, int] = (0, 0)
    is_first: bool = False

    def __str__(self) -> str:
        return f"{self.was} -> {self.now}"


@dataclass
class Code:
    """Right code of parts with one subject: the text that defines that, the names around it, and what was seen."""

    parts: tuple[Part, ...]
    text: str
    space: Mapping[str, Any]
    words: frozenset[str] = frozenset()
    seen: dict[int, Seen] = field(default_factory=dict)

    def define(self, text: str, tree: ast.AST | None = None) -> dict[str, Any]:
        """Define the subjects anew, by a changed text."""
        helpers = {"np": np, "copy": copy, "exactly": exactly, "count": count, "emptied": emptied, "kept": {}}
        space = {**self.space, **helpers, "see": self.see}
        exec(compile(tree or text, f"<cell {self.parts[0].subjects[0]}>", "exec"), space)  # type: ignore[call-overload]
        return space

    def see(self, key: int, value: Any) -> Any:
        """Note a value."""
        if key in self.seen:
            self.seen[key].add(value)
        elif found := Seen.of(value):
            self.seen[key] = found
        return value

    def functions(self, tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, bool]]:
        """Find the functions that are looked at, and whether they are methods: where parts say which, only these."""
        names = {name for part in self.parts for name in part.subjects}
        methods = {part.code.partition(".")[2] for part in self.parts}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in names:
                yield node, False
            if isinstance(node, ast.ClassDef) and node.name in names:
                inner = (each for each in node.body if isinstance(each, ast.FunctionDef))
                yield from ((each, True) for each in inner if "" in methods or each.name in {*methods, "__init__"})

    def profile(self) -> None:
        """See what each expression is on the desk's draws."""
        tree = ast.parse(self.text)
        keys = {id(node): key for key, node, *_ in self.places(tree) if isinstance(node, ast.expr)}

        class See(ast.NodeTransformer):
            def visit(self, node: ast.AST) -> ast.AST:
                key = keys.get(id(node))
                node = self.generic_visit(node)
                if key is None:
                    return node
                return ast.Call(ast.Name("see", ast.Load()), [ast.Constant(key), node], [])

        space = self.define("", ast.fix_missing_locations(See().visit(tree)))
        for part in self.parts:
            look_at_ours(part, part.desk_inputs(), tuple(space[name] for name in part.subjects))

    def places(self, tree: ast.Module) -> Iterator[tuple[int, ast.AST, ast.FunctionDef, bool, bool]]:
        """Give each expression and statement, numbered, with its function, whether that is a method, and is in a loop."""
        key = 0
        for function, is_method in self.functions(tree):
            stack: list[tuple[ast.AST, bool]] = [(each, False) for each in reversed(function.body)]
            while stack:
                node, is_looped = stack.pop()
                key += 1
                is_value = isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
                is_slices = (
                    isinstance(node, ast.Slice | ast.Starred)
                    or isinstance(node, ast.Tuple)
                    and any(isinstance(each, ast.Slice) for each in node.elts)
                )
                if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "dtype", "T"):
                    if node.attr != "T":
                        continue
                if isinstance(node, ast.stmt) or is_value and not is_slices:
                    yield key, node, function, is_method, is_looped
                inner = [
                    each for each in ast.iter_child_nodes(node) if not isinstance(node, ast.JoinedStr | ast.Lambda)
                ]
                if isinstance(node, ast.Call):
                    inner = [
                        node.func.value if isinstance(node.func, ast.Attribute) else node.func,
                        *node.args,
                        *node.keywords,
                    ]
                    inner = [] if isinstance(node.func, ast.Name) and node.func.id in ("len", "hasattr") else inner
                loops = isinstance(node, ast.For | ast.While)
                stack += [
                    (each, is_looped or loops and each is not getattr(node, "iter", None)) for each in reversed(inner)
                ]

    def mutants(self) -> Iterator[list[Mutant]]:
        """Make all mutants that are Python, each once; those that differ in degree come together, the harshest first."""
        tree, known, raw = ast.parse(self.text), {self._plain(self.text)}, self.text.encode()
        starts = np.cumsum([0, *map(len, raw.splitlines(keepends=True))])
        given = self._given(tree)

        def text(node: Any) -> str:
            start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            return raw[start:end].decode()

        def written(node: Any, function: ast.FunctionDef, new: str) -> Iterator[Mutant]:
            start, was, first = starts[node.lineno - 1] + node.col_offset, text(node), function.body[0]
            begin, indent = starts[first.lineno - 1] + first.col_offset, " " * first.col_offset
            between = (new if isinstance(node, ast.stmt) else f"({new})").encode()
            mine = f"mine = {{}}\n{indent}".encode()
            code = (raw[:begin] + mine + raw[begin:start] + between + raw[start + len(was.encode()) :]).decode()
            with suppress(SyntaxError, ValueError):
                if _one_line(was) != _one_line(new) and (plain := self._plain(code)) not in known:
                    known.add(plain)
                    is_first = new == "pass" or bool(NOTHING_LIKE.match(new))
                    yield Mutant(
                        node.lineno, _one_line(was), _one_line(new), code, (start, start + len(was.encode())), is_first
                    )

        self.ignored = {text(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        loops = (each for each in ast.walk(tree) if isinstance(each, ast.For | ast.While | ast.comprehension))
        self.moving = {
            each.id
            for loop in loops
            for each in ast.walk(loop)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        for key, node, function, is_method, is_looped in self.places(tree):
            is_home = is_method and function.name != "__init__"
            about = {"k": key, "home": "self" if is_home else "mine", "e": text(node)}
            change = self._statements if isinstance(node, ast.stmt) else self._expressions
            for family in change(node, about, is_home, is_looped, given.get(function, {}), text):
                if found := [mutant for new in family for mutant in written(node, function, new)]:
                    yield found

    def _statements(
        self, node: Any, about: dict[str, Any], is_home: bool, is_looped: bool, given: Mapping[str, Seen], text: Any
    ) -> Iterator[tuple[str, ...]]:
        """Give what may become of a statement."""
        if isinstance(node, ast.Return) and node.value:
            names = [name for name, seen in given.items() if seen.kind in ("array", "list") and name not in self.moving]
            names += [
                f"{name}.{each}"
                for name, seen in given.items()
                for each in seen.attributes
                if each in self.words and seen.kind == "object"
            ]
            results = (OF_A_RESULT[1].format(e=text(node.value), name=name) for name in names)
            yield from ((f"return {each}",) for each in (OF_A_RESULT[0], *results))
        elif isinstance(node, ast.For | ast.While | ast.If | ast.With | ast.Try):
            yield ("pass",)
        elif not isinstance(node, ast.Pass | ast.Return):
            yield (OF_A_STATEMENT[0],)
            yield tuple(each.format(**about) for each in OF_A_STATEMENT[1 : None if is_home or is_looped else 1])
            for name, seen in given.items():
                for form in SIZES.get(seen.kind, ()):
                    high, low = (seen.columns, seen.fewest) if "-1" in form else (seen.high, seen.low)
                    if low == high:
                        continue  # whether it ever varies is tried where it is used
                    yield from (
                        (each.format(size=form.format(n=name), high=high, low=low, **about),) for each in OF_A_SIZE
                    )
            if isinstance(node, ast.Assign) and is_home and text(node.targets[0]).startswith("self."):
                yield (f"type({text(node).replace('self.', 'self).', 1)}",)

    def _expressions(
        self, node: Any, about: dict[str, Any], is_home: bool, is_looped: bool, given: Mapping[str, Seen], text: Any
    ) -> Iterator[tuple[str, ...]]:
        """Give what may become of an expression."""
        seen = self.seen.get(about["k"])
        if not isinstance(node, ast.Constant | ast.Lambda) and about["e"] not in self.ignored and about["e"] != "self":
            yield (NOTHING.get(seen.kind if seen else "", "({e}, None)[1]").format(**about),)
        yield from ((each,) for each in of_syntax(node, seen, text))
        is_own, is_given = about["e"].startswith("self"), isinstance(node, ast.Name) and node.id in given
        if not seen or about["e"] in self.ignored or about["e"] == "self" or about["e"].startswith("np.pi"):
            return
        if isinstance(node, ast.Constant) or isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            yield from ((each.format(**about),) for each in ("({e}) + 1", "({e}) - 1") if seen.kind == "count")
            return
        about = {
            **about,
            "first": repr(seen.first),
            "last": repr(seen.last),
            "low": seen.low,
            "high": seen.high,
            "columns": seen.columns,
        }
        for family in seen.families:
            yield tuple(each.format(**about) for each in family)
        if seen.kind in ("array", "list") and (is_given or seen.kind == "list" and isinstance(node, ast.Attribute)):
            more = OF_A_VALUE["given" if seen.kind == "array" else "given list"]
            yield from (tuple(each.format(**about) for each in family) for family in more)
        fitting = (
            ("turn", is_looped and not (isinstance(node, ast.Name) and node.id not in self.moving)),
            ("object", is_home),
            ("call", not is_home),
        )
        yield from ((KEPT[kind].format(**about),) for kind, fits in fitting if fits and not is_own)

    def _given(self, tree: ast.Module) -> dict[ast.FunctionDef, dict[str, Seen]]:
        """Give what each function is given, as it was on the desk."""
        found: dict[ast.FunctionDef, dict[str, Seen]] = {}
        for key, node, function, *_ in self.places(tree):
            names = {each.arg for each in function.args.args} - {"self"}
            if isinstance(node, ast.Name) and node.id in names and (seen := self.seen.get(key)):
                found.setdefault(function, {}).setdefault(node.id, seen)
        return found

    @staticmethod
    def _plain(code: str) -> str:
        return ast.dump(ast.parse(code.replace("mine = {}\n", "pass\n")))


def _one_line(code: str) -> str:
    """Write code as short as it can be, in one line."""
    with suppress(SyntaxError):
        code = ast.unparse(ast.parse(code.strip()))
    return " ".join(code.split())


# Which survive


class OutOfTime(BaseException):
    """A mutant doesn't end."""


class Survivor(NamedTuple):
    """A mutant, and on which draws it keeps all points."""

    mutant: Mutant
    draws: tuple[int, ...]


FIRST, DRAWS, SECONDS = 3, 20, 1.0
"""A mutant that loses points on the first draws is not tried on the others. Seconds of its own on one draw."""


def survivors(code: Code, key: AnswerKey, draws: int = DRAWS, processes: int = 2) -> tuple[int, list[Survivor]]:
    """Try all mutants of a part: how many there are, and which keep all points in some draw."""
    code.profile()
    families = [*code.mutants()]
    drawn = [[_draw(key, part, seed) for part in code.parts] for seed in range(draws)]
    try_it = partial(_try, code, drawn)
    global _task
    _task = lambda number: _hardest(try_it, families[number])  # noqa: E731
    first = [number for number, family in enumerate(families) if family[0].is_first]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        found = [each for each in pool.map(_run, first, chunksize=4) if each]
        dead = {each.mutant.span for each in found if len(each.draws) == draws}
        found = [
            each for each in found if not any(_is_within(each.mutant.span, span) for span in dead - {each.mutant.span})
        ]
        rest = [
            at
            for at, family in enumerate(families)
            if at not in {*first} and not any(_is_within(family[0].span, span) for span in dead)
        ]
        found += [each for each in pool.map(_run, rest, chunksize=8) if each]
    return sum(len(families[at]) for at in (*first, *rest)), found


def _is_within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _hardest(try_it: Callable[[Mutant], tuple[int, ...]], family: list[Mutant]) -> Survivor | None:
    """Give of mutants that differ in degree the first one that survives on every draw, or else on most."""
    best: Survivor | None = None
    for mutant in family:
        kept = try_it(mutant)
        if kept and (best is None or len(kept) > len(best.draws)):
            best = Survivor(mutant, kept)
    return best


_task: Callable[[int], Survivor | None]


def _run(number: int) -> Survivor | None:
    with silence(), np.errstate(all="ignore"):
        return _task(number)


def _draw(key: AnswerKey, part: Part, seed: int) -> tuple[Inputs, Known]:
    inputs = part.secret_inputs(seed)
    asked = not all(statement.right for statement in part.statements)
    return inputs, known_of(part, inputs, look_at_ours(part, inputs, key.subjects(part))) if asked else {}


def _try(code: Code, drawn: Sequence[list[tuple[Inputs, Known]]], mutant: Mutant) -> tuple[int, ...]:
    """Give the draws on which a mutant keeps all points; as at grading, the desk's draw comes before each."""
    kept = [at for at, each in enumerate(drawn[:FIRST]) if _earns_all(code, mutant, each, is_after_desk=False)]
    rest = range(FIRST, len(drawn)) if kept else ()
    return tuple(at for at in (*kept, *rest) if _earns_all(code, mutant, drawn[at], is_after_desk=True))


def _earns_all(code: Code, mutant: Mutant, drawn: list[tuple[Inputs, Known]], is_after_desk: bool) -> bool:
    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        for part, (inputs, known) in zip(code.parts, drawn, strict=True):
            np.random.seed(zlib.crc32(mutant.code.encode()))
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS * (1 + is_after_desk))
            space = code.define(mutant.code)
            subjects = tuple(space[name] for name in part.subjects)
            if is_after_desk:
                look_at_ours(part, part.desk_inputs(), subjects)
            found = find(part, inputs, look_at_ours(part, inputs, subjects), known)
            if not all(each.state == "right" for each in found if each.statement.points):
                return False
    except (Exception, OutOfTime):  # whatever changed code may raise where it is defined
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return True


# What is right code, and what is told


def codes_of(key: AnswerKey, notebooks: Mapping[str, NotebookNode]) -> Iterator[tuple[str, Code]]:
    """Find the cell of each part: the solution's, with all that the notebook defines around it."""
    space: dict[str, Any] = {"np": np, "__name__": "__main__"}
    cells = [
        (f"{file}, cell {cell.metadata.get('nbgrader', {}).get('grade_id', '')!r}", cell.source)
        for file, nb in notebooks.items()
        for cell in nb.cells
        if cell.cell_type == "code"
    ]
    homes: dict[str, tuple[str, str]] = {}
    for place, source in cells:
        tree = ast.Module([], [])
        with suppress(SyntaxError):
            tree = ast.parse(source)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                homes[node.name] = place, source
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom | ast.Try):
                with suppress(Exception):
                    exec(compile(ast.Module([node], []), f"<{place}>", "exec"), space)
    words = frozenset(re.findall(r"\.(\w+)", "\n".join(source for _, source in cells)))
    for subject in dict.fromkeys(part.subjects[0] for part in key.parts):
        place, source = homes.get(subject) or ("right.py", textwrap.dedent(inspect.getsource(key.right[subject])))  # type: ignore[arg-type]
        yield place, Code(tuple(part for part in key.parts if part.subjects[0] == subject), source, space, words)


def equals_of(folder: Path) -> Mapping[str, list[str]]:
    """Read what an author calls right, too."""
    file = folder / "closed" / "equal.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def is_equal(mutant: Mutant, equals: Sequence[str]) -> bool:
    """Tell whether an author has called a mutant right."""
    return any(fnmatch.fnmatchcase(str(mutant), each.replace("[", "[[]")) for each in equals)


WORDS = (
    (r"^(?:mine|kept|vars\(self\))\.setdefault\('?(?:kept)?\d+'?, (.*)\)$", r"\1 stays as it was the first time"),
    (r"^exactly\(\[?\*?(.*?)\]?, (\d+)(?:, -1)?\)$", r"\1 is only right for the size \2"),
    (r"^if count\(\w+, \d+\) <= (\d+): (.*)$", r"only the first \1 times: \2"),
    (r"^(?:return )?emptied\((.*), ([\w.]+)\)$", r"\2 is emptied afterwards"),
    (r"^(.*, None)\)\[1\]$|^0 \* .*$", r"any other value"),
    (r"^pass$", r"nothing"),
    (r"^copy\.deepcopy\((.*)\)$", r"a deep copy of \1"),
)
"""How a change is told that calls what no student writes."""


def told(mutant: Mutant) -> str:
    """Tell a change in words, where its code is none that a student writes."""
    now = mutant.now
    for pattern, words in WORDS:
        now = re.sub(pattern, words, now)
    return f"{mutant.was}  becomes  {now}"


def changes_cost_points(trial: Trial) -> Faults:
    """Each small change of right code costs points on every draw."""
    equals = equals_of(trial.place.folder) if trial.place else {}
    for where, code in codes_of(trial.key, trial.solutions):
        name = code.parts[0].subjects[0]
        found = [each for each in survivors(code, trial.key)[1] if not is_equal(each.mutant, equals.get(name, ()))]
        by_line: dict[int, list[Survivor]] = {}
        for each in found:
            if not LIMIT.search(each.mutant.now):
                by_line.setdefault(each.mutant.line, []).append(each)
        for line, those in sorted(by_line.items()):
            text = code.text.splitlines()[line - 1].partition("#?")[0].strip()
            what = f"{text}\n" + "\n".join(
                f"  {len(each.draws):2} of {DRAWS} draws  {told(each.mutant)}" for each in those
            )
            attempt = f"vary it in the draw, or look at it; where it is right, too, add it to {name} = [...] in closed/equal.toml"
            yield Fault(f"{where}, line {line}", "changes of your right code that keep all points", attempt, found=what)


def main() -> None:
    """Print the survivors of a unit."""
    import sys
    from time import process_time, time

    import nbformat

    from lib.grading import units

    name, solution = (
        sys.argv[1],
        Path(sys.argv[2] if len(sys.argv) > 2 else f"solutions/{sys.argv[1]}/{sys.argv[1]}.ipynb"),
    )
    only, draws = (sys.argv[3] if len(sys.argv) > 3 else ""), DRAWS
    place = units.place_of(name)
    equals = equals_of(place.folder) if place else {}
    key, begin = units.answer_key(name), time()
    with silence():
        codes = [*codes_of(key, {str(solution): nbformat.read(solution, as_version=4)})]
    for where, code in codes:
        ids = ", ".join(part.id for part in code.parts)
        if only and only not in ids:
            continue
        with silence():
            many, found = survivors(code, key, draws)
        open_ones = [each for each in found if not is_equal(each.mutant, equals.get(code.parts[0].subjects[0], ()))]
        always = sum(len(each.draws) == draws for each in open_ones)
        print(
            f"{ids}: {many} mutants, {many - len(found)} lose points, {len(found) - len(open_ones)} are right,", end=" "
        )
        print(f"{always} keep all points in all of {draws} draws and {len(open_ones) - always} in some ({where})")
        told: dict[tuple[str, int], list[int]] = {}
        limits = [each for each in open_ones if LIMIT.search(each.mutant.now)]
        for each in open_ones:
            if each not in limits:
                told.setdefault((str(each.mutant), len(each.draws)), []).append(each.mutant.line)
        blanks = {at for at, line in enumerate(code.text.splitlines(), 1) if "#?" in line}
        for (text, count_of), lines in sorted(told.items(), key=lambda each: (each[1][0], -each[0][1])):
            where = f"line{'s' * (len({*lines}) > 1)} {', '.join(map(str, sorted({*lines})))}"
            print(f"  {'?' if blanks & {*lines} else ' '} {count_of:2} of {draws}   {where}:  {text}")
        if limits:
            print("    limits:", "; ".join(sorted({f"{each.mutant.now} ({len(each.draws)})" for each in limits})))
    import resource

    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{process_time() + child.ru_utime + child.ru_stime:.0f} s of CPU, {time() - begin:.0f} s")


if __name__ == "__main__":
    main()
