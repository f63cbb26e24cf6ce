"""Library calls: a library's own function in a student's code, in the place of one that was to be built.

Numbers can't tell a function that was built from one that was called, so the code is looked at and never run. A name is
followed through imports and aliases to the library that it comes from. That finds what an honest student writes. Ways
to reach a library without its name in the code, such as `exec`, `getattr` or base64, are named too, and so is code of
this package that isn't meant for students: its statements say what right code gives. Who wants to hide a call can, so
what is found is for a person to read, and costs nothing by itself.
"""

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from nbformat.notebooknode import NotebookNode

from lib.answer_key import WatchedCalls

LONGEST = 20_000
"""Characters of a cell that is looked at: a completed one has some hundred."""
LONGEST_KEPT = 4_000
"""Characters of a cell of which is kept what was read: the trees of some long ones took hundreds of megabytes."""
MOST_READ = 200_000
"""Characters of all cells that are looked at: a completed notebook has some ten thousand of code."""

MOST = 20
"""Names that are kept."""
LONGEST_NAME = 80
"""Characters of a name that is followed: a longer one is a joke, and names made of names grow without end."""

FOR_STUDENTS = re.compile(
    r"lib\.((data|explorer|checks|blanks)\b.*|units\.\w+(\.(check|predict)\b.*|(\.\w+)*\.explore\w*)?|checks)"
)
"""What notebooks themselves take from this package: data, and a unit's checks, questions and explorers."""
ROUNDABOUT = frozenset({"exec", "eval", "compile", "__import__", "get_ipython"})
"""Functions of Python, and IPython's one, that run code in which a call can be hidden."""
HIDING = frozenset({"base64", "binascii", "builtins", "codecs", "importlib", "marshal", "pickle", "runpy", "zlib"})
"""Modules that load others by a name that may be made up, or turn data into such a name."""
LOOKS = frozenset({"getattr", "vars"})
"""Functions that look a name up: they count where they look into a library."""
_WORTH_A_LOOK = re.compile(
    r"\b(exec|eval|compile|getattr|vars|get_ipython)\b|__import__|__dict__|sys\.modules|\bmodules\b|\bfromhex\b|"
    rf"\b({'|'.join(sorted(HIDING))})\b|\blib\.(?!(data|explorer|checks|blanks)\b)|\bfrom\s+lib\s+import|\bimport\s+lib\b"
)
_WORD = re.compile(r"\w+")
_SPACE = r"[^\S\n]*+"
_RUNS_CODE = re.compile(
    rf"(?m)(^{_SPACE}|={_SPACE})%%?(?:time|timeit|prun|capture)\b(?:{_SPACE}-\w+(?:{_SPACE}\d+)?)*+{_SPACE}"
)
"""Magics that run the code behind them, with their options."""
_SETS_UP = re.compile(
    r"""\bget_ipython\(\)\.(?:run_line_)?magic\((['"])(?:matplotlib|config|load_ext|autoreload)\b[\w .=]*\1"""
    r"""(?:, ?(['"])[\w .=]*\2)?\)"""
)
"""Magics that set something up, as nbconvert writes them in a script: `get_ipython().run_line_magic('config', …)`."""
NOT_RUN = (
    (re.compile(rf"(?m)={_SPACE}[!%].*$"), "= None"),
    (re.compile(rf"(?m)^({_SPACE})(?:\?.*|[\w.*]+\?\??;?{_SPACE})$"), r"\1pass"),
)
"""What IPython reads and Python doesn't, and what stands for it where it need not be run: magics
and shell lines for a result, and help."""
_MAGICS = (re.compile(rf"(?m)^({_SPACE})[!%].*$"), r"\1pass")
"""Other magics and shell lines; a line of a text or formula that begins alike may be lost here: nothing is run."""
_PROMPTS = (re.compile(rf"(?m)^(?:>>> ?|\.\.\. ?|In \[\d+\]: ?|{_SPACE}\.\.\.: ?)"), "")
_BLANKS = (re.compile(r"\?"), "0")
_DEFINING = (ast.Import, ast.ImportFrom, ast.Assign)
_USING = (*_DEFINING, ast.Name, ast.Attribute, ast.Call)
Result = TypeVar("Result")
Origins = Mapping[str, str]
"""Where names come from: `sp` from `scipy.special`."""


def library_calls(cells: Iterable[NotebookNode], watched: WatchedCalls) -> tuple[str, ...]:
    """Name what the student's own code takes from a library, sorted and in full, such as `scipy.special.softmax`.

    Every cell's imports count, but only code that isn't the course's is looked at: solutions and added cells.
    """
    allowance = Allowance(MOST_READ)
    code = [cell for cell in cells if cell.cell_type == "code"]
    cells = [cell for cell in code if _is_the_courses(cell) or allowance.take(cell.source)]
    own_cells = [cell for cell in cells if not _is_the_courses(cell)]
    names_a_library = any(library in cell.source for cell in cells for library in watched.libraries)
    if not names_a_library and not any(_WORTH_A_LOOK.search(cell.source) for cell in own_cells):
        return ()  # as in nearly all submissions, and nothing need be parsed to see it
    origins = origins_of(cells, watched)
    names = {name for cell in own_cells for name in _names_of(cell.source, _used(cell.source, origins), watched)}
    return tuple(sorted(names))[:MOST]


def is_too_long(cells: Iterable[NotebookNode], watched: WatchedCalls) -> bool:
    """Tell whether a student has more code than is looked through: what it takes from a library may stand there."""
    allowance = Allowance(MOST_READ)
    own = [cell.source for cell in cells if cell.cell_type == "code" and not _is_the_courses(cell)]
    return bool(watched.libraries) and not all(map(allowance.take, own))


def _is_the_courses(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("locked", False))


def origins_of(cells: Iterable[NotebookNode], watched: WatchedCalls) -> Origins:
    """Give where the names come from that cells import, or make of what they import."""
    origins: dict[str, str] = {name: name for name in ROUNDABOUT | LOOKS}
    for cell in cells:
        for node in _read(cell.source).definitions:
            origins |= {name: full for name, full in _imported(node, origins, watched) if len(full) < LONGEST_NAME}
    return origins


def _used(source: str, origins: Origins) -> frozenset[tuple[str, str]]:
    """Give the origins of those names that a cell may use; letters that aren't ASCII may be others to Python."""
    words = origins.keys() & {"*", *_words_of(source)} if source.isascii() else origins.keys()
    return frozenset((word, origins[word]) for word in words)


class Allowance:
    """How many characters of a notebook's cells may still be read as Python: to read a million takes many seconds."""

    def __init__(self, characters: int):
        self._left = characters

    def take(self, source: str) -> bool:
        """Tell whether a cell may be read too, and count it if so."""
        if len(source) > min(self._left, LONGEST):
            return False
        self._left -= len(source)
        return True


def _cache_short(function: Callable[[str], Result]) -> Callable[[str], Result]:
    """Keep what is made of a short cell: most are the course's, alike in all submissions and not long."""
    keep = lru_cache(maxsize=128)(function)
    return lambda source: keep(source) if len(source) <= LONGEST_KEPT else function(source)


@_cache_short
def _words_of(source: str) -> frozenset[str]:
    return frozenset(_WORD.findall(source))


@lru_cache(maxsize=512)  # examples are the course's too, and so are names that they use
def _names_of(source: str, origins: frozenset[tuple[str, str]], watched: WatchedCalls) -> frozenset[str]:
    known = dict(origins)
    return frozenset(name for node in _read(source).nodes for name in _names_in(node, known, watched))


class _Cell(NamedTuple):
    """A cell's code: the nodes that may use a name, and those among them that may define one."""

    nodes: tuple[ast.AST, ...]
    definitions: tuple[ast.AST, ...]


@_cache_short
def _read(source: str) -> _Cell:
    """Read a cell; there is nothing in one that can't be read."""
    revealed = _RUNS_CODE.sub(r"\1", _SETS_UP.sub("None", source))
    # One blank or line of help would hide a whole cell.
    tree = parse(revealed) or parse(replace_all(revealed, (_PROMPTS, *NOT_RUN, _MAGICS, _BLANKS))) or parse(source)
    nodes = [node for node in ast.walk(tree) if isinstance(node, _USING)] if tree else []
    return _Cell(tuple(nodes), tuple(node for node in nodes if isinstance(node, _DEFINING)))


def replace_all(source: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """Replace what each of the patterns finds, one after the other."""
    for pattern, instead in patterns:
        source = pattern.sub(instead, source)
    return source


def _names_in(node: ast.AST, origins: Origins, watched: WatchedCalls) -> Iterator[str]:
    """Name what a part of the code takes from a library, if it does."""
    name = _full_name(node, origins, watched)
    library = name.partition(".")[0]
    if _is_watched(name, watched) or (library in HIDING and "." in name) or name == "sys.modules":
        yield name
    if library == "lib" and "." in name and not FOR_STUDENTS.fullmatch(name):
        yield name
    match node:
        case ast.Import() | ast.ImportFrom(level=0):
            for _, imported in _imported(node, origins, watched):
                is_ours = imported.startswith("lib.") and not FOR_STUDENTS.fullmatch(imported)
                if is_ours and len(imported) < LONGEST_NAME:
                    yield imported
        case ast.Call(func=function, args=arguments):
            called = _full_name(function, origins, watched)
            if called in ROUNDABOUT:
                yield called
            looked = _full_name(arguments[0], origins, watched) if arguments else ""
            if called in LOOKS and looked.partition(".")[0] in watched.libraries | {"lib"}:
                yield f"{called}({looked})"
        case ast.Attribute(value=value, attr="__dict__"):
            looked = _full_name(value, origins, watched)
            if looked.partition(".")[0] in watched.libraries | {"lib"}:
                yield f"{looked}.__dict__"
        case ast.Attribute(value=ast.Name(id="bytes"), attr="fromhex"):
            yield "bytes.fromhex"


def parse(source: str) -> ast.Module | None:
    """Read a cell as Python, without its magics; None where it isn't any, or is too long or too deep to be read."""
    # First as it is: a line of a longer text or formula may begin with % as well.
    return parse_python(source) or parse_python(re.sub(r"^[^\S\n]*+[%!].*$", "", source, flags=re.MULTILINE))


def parse_python(source: str) -> ast.Module | None:
    """Read what is Python alone; None for anything else, and where it is too long or too deep to be read."""
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


def _imported(node: ast.AST, origins: Origins, watched: WatchedCalls) -> Iterator[tuple[str, str]]:
    """Give the names that an import, or `name = a.library's.thing`, defines, and what they stand for."""
    match node:
        case ast.Import():
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        case ast.ImportFrom(module=str(module), level=0):
            for alias in node.names:
                yield (alias.asname or alias.name, f"{module}.{alias.name}")
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute() as value):
            if full := _full_name(value, origins, watched):
                yield name, full


def _full_name(node: ast.AST, origins: Origins, watched: WatchedCalls) -> str:
    """Spell a name out from its library on, or give nothing for one that comes from none, or is too long."""
    path: list[str] = []
    while isinstance(node, ast.Attribute) and len(path) < LONGEST_NAME // 2:
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    if node.id in origins:
        full = ".".join([origins[node.id], *reversed(path)])
        return full if len(full) < LONGEST_NAME else ""
    star = origins.get("*", "")
    return star.replace("*", node.id) if not path and watched.from_a_star.fullmatch(node.id) else ""


def _is_watched(name: str, watched: WatchedCalls) -> bool:
    library, _, path = name.partition(".")
    return library in watched.libraries and watched.names.search(path.rpartition(".")[2]) is not None
