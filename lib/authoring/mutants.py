"""Mutants: small changes of right code, to find what a unit's draws and statements don't see.

`OPERATORS` has what may become of right code, with values from a profile of its run at the desk. A mutant is judged as
a submission is. Where one keeps all points of its subject, draw other inputs, add a statement, or record in the part's
table of mistakes that it is right, too, and why. An entry is the change as it is reported; a `*` stands for anything:

    [check-adam.equal]
    'g ** 2 -> g * g' = 'the same number'
"""

from __future__ import annotations

import ast
import copy
import inspect
import multiprocessing
import os
import signal
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import groupby, islice, product
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from lib.authoring.trial import DESK, RightCode, Trial
from lib.checking.findings import find
from lib.checking.looks import look_at_ours
from lib.checking.student_code import silence
from lib.grading.progress import bar
from lib.mistakes import read_equal

ANY_OTHER, OUT, LIMIT = "any other value", "is left out", "limit "
OPERATORS: Mapping[str, Sequence[str | Sequence[str]]] = {
    # An expression `e`, by its value at the desk. In brackets are degrees of one change, the harshest first.
    "numeric": [f"-7 - 3 * ({{e}})  # {ANY_OTHER}"],
    "other": [f"None  # {ANY_OTHER}"],
    "flag": ["True", "False", "not ({e})"],
    "whole": ["({e}) + 1", "({e}) - 1"],
    "count": [
        ["min({e}, 2)  # limit 2", "min({e}, 10)  # limit 10", "min({e}, {high})  # limit {high}"],
        ["max({e}, 2)  # limit from 2", "max({e}, {low})  # limit from {low}"],
    ],
    "float": ["({e}) * 1.1", "-({e})", "min({e}, 1)  # limit 1", "max({e}, 0.01)  # limit from 0.01"],
    "array": ["({e}) * 1.1", "-({e})", "({e})[::-1]", "np.sort({e})", "np.mean({e})"],
    "matrix": ["({e}).T"],
    "mask": ["~({e})", "({e}) | True", "({e}) & False"],
    "fraction": ["np.round({e}, 3)  # limit 3 digits", "np.where(abs({e}) < 0.01, 0, {e})  # limit 0 below 0.01"],
    "signed": ["abs({e})", ["np.clip({e}, -1, 1)  # limit ±1", "np.clip({e}, -10, 10)  # limit ±10"]],
    "above 0": [["np.maximum({e}, 0.01)  # limit from 0.01", "np.maximum({e}, 0.001)  # limit from 0.001"]],
    "list": [
        *("[*{e}][::-1]", "[*{e}][1:]", "[*{e}][:-1]"),
        ["[*{e}][:1]", "[*{e}][:2]", "[*{e}][:5]  # limit the first 5", "[*{e}][:10]  # limit the first 10"],
    ],
    "objects": ["copy.deepcopy({e})  # a deep copy"],
    "given": [
        ["{e} if {size} == {high} else None  # only right where {size} is {high}", "{part}  # limit {size} = {high}"]
    ],
    "changing": ["{home}.setdefault('first{k}', {e})  # as in the first {time}"],
    "written": ["(np.copyto({into}, {e}), {into})[1]  # is written into {into}"],
    # An expression by its form.
    "instead": ["{instead}"],
    "number": ["0", "{e} * 1000", "{e} / 1000"],
    # A statement `e`.
    "statement": [f"pass  # {OUT}"],
    "repeated": [
        [
            "if count({home}, {k}) <= 1: {e}  # only in the first {time}",
            "if count({home}, {k}) <= 2: {e}  # only in the first 2 {time}s",
            "if count({home}, {k}) <= 6: {e}  # limit 6 {time}s",
            "if count({home}, {k}) <= 30: {e}  # limit 30 {time}s",
        ],
        "if count({turns}, {k}) > 1: {e}  # not in the first turn",
    ],
    "sized": [
        [
            "if {size} >= {high}: {e}  # only where {size} >= {high}",
            "if {size} > {low}: {e}  # only where {size} > {low}",
        ],
        [
            "if {size} <= {low}: {e}  # only where {size} <= {low}",
            "if {size} < {high}: {e}  # only where {size} < {high}",
        ],
    ],
    "attribute": ["{shared}  # is shared by all objects"],
    "return": ["return None"],
    "emptied": [
        "return ({e}, {given}.clear())[0]  # and {given} is emptied",
        "return ({e}, np.copyto({given}, 0))[0]  # and {given} is emptied",
    ],
}
"""What may become of right code, and after # how that is reported if not as code. A change is left out where a fact
that it names in braces isn't known. `instead` is by an expression's form, as `forms_of` has it."""
OTHER = {"Add": "Sub", "Sub": "Add", "Mult": "Div", "Div": "Mult", "Pow": "Mult", "MatMult": "Mult", "FloorDiv": "Div"}
OTHER |= {
    "Lt": "LtE",
    "LtE": "Lt",
    "Gt": "GtE",
    "GtE": "Gt",
    "Eq": "NotEq",
    "NotEq": "Eq",
    "Is": "IsNot",
    "IsNot": "Is",
}
FORM = ("shape", "size", "ndim", "dtype", "len", "hasattr", "isinstance")
"""What asks for nothing but the form of a value: no other value is tried there."""
LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
DRAWS, FEW = 20, 3
"""A mutant that loses points on a few draws is not tried on the others."""
SECONDS, BUDGET = 1.0, 90.0
"""Seconds of a processor: for a mutant on one draw, and for all mutants of one subject."""
Rows = Iterator[tuple[str, dict[str, Any]]]
"""For which rows of the table some code is, and what is known of it there."""


class Mutant(NamedTuple):
    """A change of right code: the number of its node, the line, the changed code, and on how many draws it survives."""

    node: int
    line: int
    was: str
    now: str
    source: str
    draws: int = 0

    def __str__(self) -> str:
        return f"{self.was} -> {self.now}"


# ---- What right code does at the desk


def kind_of(value: Any) -> str:
    """Return the kind of a value; "" for functions, None and what else isn't varied."""
    if isinstance(value, np.ndarray):
        return {"b": "mask", "f": "array", "i": "array"}.get(value.dtype.kind, "") if value.ndim and value.size else ""
    if isinstance(value, list | tuple):
        return "objects" if "object" in map(kind_of, value) else "list"
    for kinds, name in ((bool | np.bool_, "flag"), (int | np.integer, "count"), (float, "float"), (str, "text")):
        if isinstance(value, kinds):
            return name
    return "object" if hasattr(value, "__dict__") and not callable(value) and not inspect.ismodule(value) else ""


def rows_for(values: Sequence[Any]) -> list[str]:
    """Return for which rows of the table an expression with these values is."""
    kind = kind_of(values[0])
    if kind == "array":
        low, high = min(map(np.min, values)), max(map(np.max, values))
        rows = ["fraction", "signed" if low < 0 else "above 0"] if (values[0] != np.round(values[0])).any() else []
        return ["numeric", "array", *rows, *(["matrix"] * (values[0].ndim == 2))] if low < high else ["numeric"]
    own = {"count": ["count", "whole"], "objects": ["list", "objects"], "object": ["objects"]}.get(kind, [kind])
    return own if kind == "flag" else ["numeric" if kind in ("count", "float", "mask") else "other", *own]


def sizes_of(name: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Return how the sizes of what has a name are written, how far they range, and what is within the largest."""
    kind = kind_of(values[0]) if values else ""
    if kind == "count":
        yield {"size": name, "low": min(values), "high": max(values)}
    if kind in ("list", "objects", "array", "mask"):
        sizes = [*map(len, values)]
        yield {"size": f"len({name})", "low": min(sizes), "high": max(sizes), "part": f"{name}[:{max(sizes)}]"}
    if kind in ("array", "mask") and values[0].ndim > 1:
        sizes = [each.shape[-1] for each in values]
        yield {
            "size": f"{name}.shape[-1]",
            "low": min(sizes),
            "high": max(sizes),
            "part": f"{name}[..., :{max(sizes)}]",
        }


class Code:
    """Right code of one subject: its nodes that can be changed, and the values that they had at the desk."""

    def __init__(self, right: RightCode):
        self.right, self.tree = right, ast.Module([right.definition], [])
        self.is_class = isinstance(right.definition, ast.ClassDef)
        methods = {part.code.partition(".")[2] for part in right.parts} | {"__init__"}
        functions = [each for each in right.definition.body if isinstance(each, ast.FunctionDef)]
        functions = functions if self.is_class else [right.definition]
        chosen = [each for each in functions if not self.is_class or {"", each.name} & methods]
        self.nodes = [node for each in chosen for statement in each.body for node in changeable(statement)]
        self.starting = nodes_in(each for each in functions if each.name == "__init__")
        self.given = {node.arg for node in nodes_in(functions) if isinstance(node, ast.arg)} - {"self"}
        self.changing = self.given | stored_in(nodes_in(functions) - self.starting)
        """What changes from call to call, and in loops: names, and attributes with a dot before them."""
        loops: list[Any] = [node for node in nodes_in(functions) if isinstance(node, LOOPS)]
        self.turning = stored_in(nodes_in(loops))
        self.looped = nodes_in(inner for loop in loops for inner in getattr(loop, "body", [getattr(loop, "elt", loop)]))
        for each in functions:
            each.body[:0] = ast.parse("turns = {}").body
        self.seen = self._profile()

    def define(self, source: str, **more: object) -> dict[str, Any]:
        """Define the subject by some source, among the names around it."""
        space = {**self.right.space, "np": np, "copy": copy, "kept": {}, "count": count, **more}
        exec(compile(source, "<cell of a mutant>", "exec"), space)
        return space

    def changed(self, new: Mapping[ast.AST, ast.AST]) -> str:
        """Write the code with other nodes in the place of some."""
        Put(new).visit(self.tree)
        source = ast.unparse(self.tree)
        Put({each: old for old, each in new.items()}).visit(self.tree)
        return source

    def _profile(self) -> dict[ast.AST, list[Any]]:
        """Return the values that each expression has at the desk, as many as are of the first one's kind."""
        seen = dict[ast.AST, list[Any]]()

        def see(number: int, value: Any) -> Any:
            values = seen.setdefault(self.nodes[number], [])
            if kind_of(value) and kind_of(value) == kind_of((values or [value])[0]):
                values.append(value)
            return value

        numbers = {node: ast.Constant(at) for at, node in enumerate(self.nodes) if isinstance(node, ast.expr)}
        calls: dict[ast.AST, ast.AST] = {
            node: ast.Call(ast.Name("see"), [number, node], []) for node, number in numbers.items()
        }
        space = self.define(self.changed(calls), see=see)
        for part in self.right.parts:
            look_at_ours(part, part.desk_inputs(), tuple(space[name] for name in part.subjects))
        return {node: values for node, values in seen.items() if values}

    def values_of(self, name: str) -> list[Any]:
        """Return what a name stood for at the desk."""
        return [each for node, values in self.seen.items() if name_of(node) == name for each in values]

    def mutants(self) -> list[list[Mutant]]:
        """Return all mutants, each once: the degrees of one change together, and lines with a blank first."""
        known, families = {ast.unparse(self.tree)}, list[list[Mutant]]()
        for number, node in enumerate(self.nodes):
            for row, facts in self._rows(number, node):
                for change in OPERATORS[row]:
                    family = list[Mutant]()
                    for degree in [change] if isinstance(change, str) else change:
                        with suppress(KeyError, SyntaxError):  # a fact is missing, or it doesn't fit in here
                            mutant = self._change(number, degree, {"e": ast.unparse(node), **facts})
                            family += [mutant] if mutant.source not in known else []
                            known.add(mutant.source)
                    families.append(family)
        return sorted(filter(None, families), key=lambda family: "#?" not in self.right.lines[family[0].line - 1])

    def _change(self, number: int, change: str, facts: Mapping[str, Any]) -> Mutant:
        (code, _, words), node = change.partition("  # "), self.nodes[number]
        new: Any = ast.parse(code.format_map(facts)).body[0]
        source = self.changed({node: new.value if isinstance(node, ast.expr) else new})
        was, now = ast.unparse(node).partition("\n")[0], words.format_map(facts) or ast.unparse(new)
        return Mutant(number, node.lineno, was, now, source)

    def _rows(self, number: int, node: Any) -> Rows:
        """Return for which rows of the table a node is, and what is known of it there."""
        home = "vars(self)" if self.is_class and node not in self.starting else "kept"
        times = [(self.changing, {"k": number, "home": home, "time": "call"})]
        times += [(self.turning, {"k": number, "home": "turns", "turns": "turns", "time": "turn"})] * (
            node in self.looped
        )
        match node:
            case ast.Return(value=ast.expr() as value):
                yield "return", {}
                for name in sorted(self.given - self.turning):
                    inner = getattr((self.values_of(name) or [None])[0], "__dict__", {})
                    for each in (name, *(f"{name}.{attribute}" for attribute in inner)):
                        yield "emptied", {"e": ast.unparse(value), "given": each}
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Expr():
                yield "statement", {}
                yield from (("repeated", facts) for _, facts in times)
                for name in sorted(self.given | (self.turning if node in self.looped else set())):
                    sizes = sizes_of(name, self.values_of(name))
                    yield from (("sized", facts) for facts in sizes if facts["low"] < facts["high"])
                if home != "kept" and (code := ast.unparse(node)).startswith("self."):
                    yield "attribute", {"shared": code.replace("self.", "type(self).", 1)}
            case ast.stmt():
                yield "statement", {}
            case ast.Constant(value=value) | ast.UnaryOp(operand=ast.Constant(value=value)):
                yield from (("number", {}),) if isinstance(value, int | float) and value else ()
                yield from (("whole", {}),) if type(value) is int else ()
            case _:
                step = 1 if kind_of(self.seen.get(getattr(node, "left", node), [0.0])[0]) == "count" else 0.25
                for new in forms_of(node, step):
                    yield "instead", {"instead": ast.unparse(new)}
                    if {kind_of(self.seen.get(each, [0])[0]) for each in (node, new)} == {"array"} and name_of(new):
                        yield "written", {"into": ast.unparse(new)}
                yield from self._rows_by_value(node, times) if node in self.seen else ()

    def _rows_by_value(self, node: ast.expr, times: Sequence[tuple[set[str], dict[str, Any]]]) -> Rows:
        values, names = self.seen[node], {*map(name_of, ast.walk(node))}
        ranges = {"low": min(values), "high": max(values)} if kind_of(values[0]) in ("count", "float", "text") else {}
        for row in rows_for(values)[: 1 if isinstance(node, ast.List | ast.Tuple | ast.ListComp) else None]:
            yield row, ranges
        for each in ranges.values() if names & self.changing else ():
            yield "instead", {"instead": repr(each.item() if isinstance(each, np.generic) else each)}
        for facts in sizes_of(name_of(node), values) if name_of(node) in self.given else ():
            yield "given", facts
        for changing, facts in times:
            if names & changing or isinstance(node, ast.Call | ast.List):
                yield "changing", facts


def forms_of(node: ast.expr, step: float) -> Iterator[ast.expr]:
    """Return what may stand for an expression: a part, another sign, its sides turned, or other arguments of a call."""
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.IfExp | ast.Subscript | ast.Call):
        yield from (each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr))
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            yield ast.BinOp(left, getattr(ast, OTHER.get(type(op).__name__, "Add"))(), right)
            yield from () if isinstance(op, ast.Add | ast.Mult) else (ast.BinOp(right, op, left),)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield ast.Compare(left, [getattr(ast, OTHER.get(type(op).__name__, "NotEq"))()], [right])
            for sign in (ast.Add(), ast.Sub()):
                yield ast.Compare(left, [op], [ast.BinOp(right, sign, ast.Constant(step))])
        case ast.Call(func=func, args=args, keywords=options):
            yield from (func.value,) if isinstance(func, ast.Attribute) else ()
            yield ast.Call(func, [*args[1::-1], *args[2:]], options)
            yield from (ast.Call(func, args, [each for each in options if each is not one]) for one in options)


class Put(ast.NodeTransformer):
    """Puts nodes into the places of others, and of others within them."""

    def __init__(self, new: Mapping[ast.AST, ast.AST]) -> None:
        self.new = new

    def visit(self, node: ast.AST) -> ast.AST:
        """Called by `ast`."""
        self.generic_visit(node)
        return self.new.get(node, node)


def changeable(node: Any) -> Iterator[Any]:
    """Return the statements in some code, and the expressions with a value that can be another one, in their order."""
    name = name_of(node.func if isinstance(node, ast.Call) else node).strip(".")
    is_value = isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    is_slice = isinstance(node, ast.Slice) or any(isinstance(each, ast.Slice) for each in getattr(node, "elts", ()))
    if isinstance(node, ast.stmt) or (is_value and not is_slice and name_of(node).strip(".") not in (*FORM, "self")):
        yield node
    is_literal = isinstance(getattr(node, "operand", None), ast.Constant)
    if not (name in FORM or is_literal or isinstance(node, ast.JoinedStr | ast.arguments)):
        for each in ast.iter_child_nodes(node):
            yield from islice(changeable(each), isinstance(node, ast.Expr), None)  # nobody has what is only called


def nodes_in(nodes: Iterable[ast.AST]) -> set[ast.AST]:
    """Return nodes and all within."""
    return {inner for node in nodes for inner in ast.walk(node)}


def name_of(node: Any) -> str:
    """Return a name, or an attribute's with a dot before it; "" for other code."""
    return node.id if isinstance(node, ast.Name) else f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def stored_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names and attributes that get a value."""
    return {name_of(node) for node in nodes if isinstance(getattr(node, "ctx", None), ast.Store)} - {""}


def count(home: dict[str, int], number: int) -> int:
    """Count how often a mutant runs a statement."""
    home[f"count{number}"] = home.get(f"count{number}", 0) + 1
    return home[f"count{number}"]


# ---- Which survive


class OutOfTime(BaseException):
    """A mutant doesn't end."""


def stop(*_: object) -> None:
    """Called by a signal where a mutant doesn't end."""
    raise OutOfTime


def keeps_all(code: Code, trial: Trial, source: str, draws: Sequence[int]) -> bool:
    """True if a mutant keeps all points of its subject on the last of some draws, after the others."""
    np.random.seed(zlib.crc32(source.encode()))
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        space = code.define(source)
        for part in code.right.parts:
            for draw in draws:
                inputs, known, _ = trial.draw(part, draw)
                shown = look_at_ours(part, inputs, tuple(space[name] for name in part.subjects))
            if any(each.state != "right" for each in find(part, inputs, shown, known) if each.statement.points):
                return False
    except (Exception, OutOfTime):  # whatever changed code may raise
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return True


def hardest(code: Code, trial: Trial, family: Sequence[Mutant]) -> tuple[list[Mutant], float]:
    """Return of the degrees of a change the first that survives on every draw, or else on most; and seconds."""
    begin, found = process_time(), list[Mutant]()
    with silence(), np.errstate(all="ignore"):
        for mutant in family:
            if any(keeps_all(code, trial, mutant.source, [draw]) for draw in range(FEW)):
                draws = sum(keeps_all(code, trial, mutant.source, [DESK, draw]) for draw in range(DRAWS))
                found += [mutant._replace(draws=draws)] if draws else []
                if draws == DRAWS:
                    break
    return sorted(found, key=lambda each: -each.draws)[:1], process_time() - begin


_forked: tuple[Code, Trial]
"""What processes have from the one that they are forked from: neither goes through a pipe."""


def _try(family: Sequence[Mutant]) -> tuple[list[Mutant], float]:
    return hardest(*_forked, family)


def try_all(code: Code, trial: Trial, processes: int) -> tuple[list[Mutant], int, float]:
    """Try the mutants of a subject; return the survivors, how many were tried, and how long it took.

    Where any other value keeps all points, what is within is not tried.
    """
    global _forked
    _forked, families, survivors, many, spent = (code, trial), code.mutants(), list[Mutant](), 0, 0.0
    for part, draw in product(code.right.parts, (DESK, *range(DRAWS))):
        trial.draw(part, draw)  # once, before processes are forked
    with bar(len(families), "change") as progress:
        for is_coarse in (True, False):
            idle = nodes_in(code.nodes[each.node] for each in survivors if each.draws == DRAWS)
            chosen = [each for each in families if (each[0].now in (ANY_OTHER, OUT)) == is_coarse]
            chosen = [each for each in chosen if code.nodes[each[0].node] not in idle]
            with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
                for family, (found, seconds) in zip(chosen, pool.map(_try, chosen, chunksize=4), strict=True):
                    progress.update()
                    survivors, many, spent = survivors + found, many + len(family), spent + seconds
                    if spent > BUDGET:
                        pool.shutdown(cancel_futures=True)
                        break
    return survivors, many, spent


# ---- What is reported


def remarks(trial: Trial, processes: int = 0) -> Iterator[str]:
    """Try the mutants of each subject, and write for a person what came of them."""
    recorded = read_equal(trial.place.closed) if trial.place else {}
    for right in trial.right_code():
        equal = [entry for part in right.parts for entry in recorded.get(part.id, ())]
        yield describe(right, equal, *try_all(Code(right), trial, processes or len(os.sched_getaffinity(0))))


def describe(right: RightCode, equal: Sequence[str], survivors: Sequence[Mutant], many: int, seconds: float) -> str:
    """Write which changes of a subject keep all points, but for those that are recorded as right."""
    fits = {entry: [each for each in survivors if is_like(each, entry)] for entry in equal}
    found = [each for each in survivors if not any(each in those for those in fits.values())]
    about = f"{len(found)} keep all points, {len(survivors) - len(found)} are recorded as right, too"
    text = [f"{right.place}: of {many} changes of right code {about} ({seconds:.0f} seconds of a processor)."]
    limits: dict[str, dict[str, None]] = {}
    for line, those in groupby(found, lambda each: each.line):
        shown = dict[str, None]()
        for each in those:
            if each.now.startswith(LIMIT):
                limits.setdefault(each.now.removeprefix(LIMIT), {})[each.was] = None
            else:
                shown[f"    {each.draws:2} of {DRAWS} draws  {each}"] = None
        text += [f"  line {line}: {right.lines[line - 1].partition('#?')[0].strip()}", *shown] if shown else []
    if limits:
        text.append(
            "  No draw goes beyond " + "; ".join(f"{limit}: {', '.join(those)}" for limit, those in limits.items())
        )
    text += [
        f"  Recorded as right, but no change that keeps all points fits it: {entry}"
        for entry in equal
        if not fits[entry]
    ]
    return "\n".join(text)


def is_like(mutant: Mutant, entry: str) -> bool:
    """True if an entry that an author has recorded is about this mutant."""
    return fnmatchcase(str(mutant), entry.replace("[", "[[]").replace("?", "[?]"))
