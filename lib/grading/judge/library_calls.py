"""Students' cells as Python: parsed within limits and not run, and searched for library calls.

IPython's magics, shell commands and help are no Python, and are removed first if necessary.

Library calls are functions of libraries that the student was to write, such as SciPy's `softmax`. Results can't show
whether a function was written or called. The search finds names after plain imports; code can hide others. So the list
is only a remark for a person, and costs no points. It also has names of this package that aren't for students, since
its statements compute right results, any use of a check other than a call, and access to the internals of the process,
such as `sys.modules`.
"""

import ast
import re
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate

from nbformat.notebooknode import NotebookNode

from lib.answer_key import WatchedCalls
from lib.grading.execution.notebook import is_course_cell

LONGEST = 20_000
"""The most characters of a cell that is parsed. A completed one has some hundred."""

_SPACE = r"[^\S\n]*+"
NOT_RUN = (
    (re.compile(rf"(?m)={_SPACE}[!%].*$"), "= None"),
    (re.compile(rf"(?m)^({_SPACE})(?:\?.*|[\w.*]+\?\??;?{_SPACE})$"), r"\1pass"),
)
"""IPython's syntax and its replacements for parsing: magics and shell commands with a result, and help."""


class Allowance:
    """The number of characters that may still be parsed: a million takes many seconds."""

    def __init__(self, characters: int):
        self._left = characters

    def take(self, source: str) -> bool:
        """Return True, and count the cell, if it may be parsed, too."""
        if len(source) > min(self._left, LONGEST):
            return False
        self._left -= len(source)
        return True


def replace_all(source: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """Apply replacements one after the other."""
    for pattern, instead in patterns:
        source = pattern.sub(instead, source)
    return source


def parse(source: str) -> ast.Module | None:
    """Parse a cell, without its magics if necessary; None if it isn't Python, or is too long or too deep."""
    # First unchanged, since a line of a string or formula may begin with %, too.
    return parse_python(source) or parse_python(re.sub(r"^[^\S\n]*+[%!].*$", "", source, flags=re.MULTILINE))


def parse_python(source: str) -> ast.Module | None:
    """Parse pure Python code; None if it isn't Python, or is too long or too deep."""
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


# ---- Library calls

MOST_READ = 200_000
"""Characters of code to parse in all cells. A completed notebook has about ten thousand."""
MOST = 20
"""The most names to list."""
LONGEST_NAME = 80
"""The most characters of a name in the list."""

FOR_STUDENTS = re.compile(r"lib\.((data|explorer|plots|checks|blanks)\b.*|units\.\w+((\.\w+)*\.explore\w*)?|checks)")
"""Names of this package that released notebooks use: data, plots, and a unit's explorers."""
CHECK, CALLED = re.compile(r"\w[\w.]*\.check(\..*|)"), re.compile(r"\w[\w.]*\.check\.\w+(\.example)?\(\)")
"""Any use of a unit's checks; and the uses meant for students: to call a check, or its example."""
INSIDES = re.compile(
    r"(gc\.\w|sys\.(modules|_getframe)\b|inspect\.(currentframe|stack)\b|globals$"
    r"|.*\.(__globals__|__closure__|__subclasses__|f_back|user_ns)\b).*"
)
"""Internals of the process through which code can reach all imported modules."""
PLACES = re.compile(r"\blib[./](units|checking|reference|grading|authoring)\b[\w./]*")
"""Modules or files of this package that are not for students, within a string."""
_BLANK = (re.compile(r"\?"), "0")


class _Names(ast.NodeVisitor):
    """Collects a cell's imports (full names by local name), the dotted names that it uses, and its strings."""

    def __init__(self) -> None:
        self.imports = dict[str, str]()
        self.uses = set[str]()  # calls end with ()
        self.texts = set[str]()

    def visit_Import(self, node: ast.Import) -> None:
        for module, name in ((each.name, each.asname) for each in node.names):
            self.imports |= {name: module} if name else {(top := module.partition(".")[0]): top}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.imports |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}

    def visit_Name(self, node: ast.Name) -> None:
        self.uses.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not (name := _dotted(node)):
            self.visit(node.value)
        self.uses.add(name or f".{node.attr}")

    def visit_Call(self, node: ast.Call) -> None:
        if name := _dotted(node.func):
            self.uses.add(f"{name}()")
        else:
            self.visit(node.func)
        for each in (*node.args, *node.keywords):
            self.visit(each)
            if name in ("eval", "exec") and isinstance(each, ast.Constant):
                self.texts |= {*re.findall(r"\w+", str(each.value))}

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.texts |= (
                {node.value} if node.value.isidentifier() else {each[0] for each in PLACES.finditer(node.value)}
            )


def _dotted(node: ast.expr) -> str:
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < LONGEST_NAME:
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)])[:LONGEST_NAME] if isinstance(node, ast.Name) else ""


def library_calls(cells: Iterable[NotebookNode], watched: WatchedCalls) -> tuple[tuple[str, ...], bool]:
    """Return the full names in the student's own code that are listed, sorted, such as `scipy.special.expit`.

    The imports of all cells count, but only the names in the student's cells. The second value is True if there was
    more code than is parsed, so that names may be missing.
    """
    allowance, code = Allowance(MOST_READ), [cell for cell in cells if cell.cell_type == "code"]
    read = [cell for cell in code if is_course_cell(cell) or allowance.take(cell.source)]
    imports = {name: full for cell in read for name, full in _read(cell.source).imports.items()}
    own = [_read(cell.source) for cell in read if not is_course_cell(cell)]
    found = {full for names in own for full in names.imports.values() if full.startswith("lib.")}
    found = {full for full in found if not full.endswith(".check")}
    for use in {use for names in own for use in names.uses}:
        first, dot, path = use.removesuffix("()").partition(".")
        name = f"{imports.get(first, '' if dot else first)}{dot}{path}"
        if not CHECK.fullmatch(name):
            found |= {name, *accumulate([imports.get(first, ""), *filter(None, path.split("."))], "{}.{}".format)}
        elif not (use.endswith("()") and CALLED.fullmatch(f"{name}()")):
            found.add(name[: LONGEST_NAME - 1])
    for text in {text for names in own for text in names.texts}:
        if not text.isidentifier():
            found.add(f"'{text[: LONGEST_NAME - 3]}'")
        elif CHECK.fullmatch(imports.get(text, "")):
            found.add(imports[text])
    listed = sorted(name for name in found if len(name) < LONGEST_NAME and _is_listed(name, watched))
    return tuple(listed[:MOST]), bool(watched.libraries) and len(read) < len(code)


@lru_cache(maxsize=128)  # most cells are the same in all submissions
def _read(source: str) -> _Names:
    names = _Names()
    # Otherwise an open blank or a line of IPython's help would keep the cell from being parsed.
    if tree := parse(source) or parse(replace_all(source, (*NOT_RUN, _BLANK))):
        with suppress(RecursionError):  # raised for deeply nested code
            names.visit(tree)
    return names


def _is_listed(name: str, watched: WatchedCalls) -> bool:
    library, _, path = name.partition(".")
    if name.startswith("'") or CHECK.fullmatch(name) or INSIDES.fullmatch(name):
        return True
    if library == "lib":
        return path != "" and not FOR_STUDENTS.fullmatch(name)
    return library in watched.libraries and watched.names.search(path.rpartition(".")[2]) is not None
