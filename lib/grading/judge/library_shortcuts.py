"""Library calls: functions of libraries in a student's code that the student was to write, such as SciPy's `softmax`.

Results can't show whether a function was written or called, so the code is parsed, but not run. The search finds names
after plain imports; code can hide others. So the list is only a remark for a person, and costs no points. It also has
names of this package that aren't for students, since its statements compute right results, any use of a check other
than a call, and access to the internals of the process, such as `sys.modules`.
"""

import ast
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate

from nbformat.notebooknode import NotebookNode

from lib.answer_key import WatchedCalls
from lib.grading.judge.parse_cells import NOT_RUN, Allowance, parse, replace_all

MOST_READ = 200_000
"""Characters of code to parse in all cells. A completed notebook has about ten thousand."""
MOST = 20
"""The most names to list."""
LONGEST_NAME = 80
"""The most characters of a name in the list."""

FOR_STUDENTS = re.compile(
    r"lib\.((data|explorer|plots|checks|blanks)\b.*|units\.\w+(\.predict\b.*|(\.\w+)*\.explore\w*)?|checks)"
)
"""Names of this package that released notebooks use: data, plots, and a unit's questions and explorers."""
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
    read = [cell for cell in code if _is_course_cell(cell) or allowance.take(cell.source)]
    imports = {name: full for cell in read for name, full in _read(cell.source).imports.items()}
    own = [_read(cell.source) for cell in read if not _is_course_cell(cell)]
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


def _is_course_cell(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("locked", False))


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
