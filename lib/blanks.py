"""Blanks: a `?` in a code cell is an expression still to be written, which raises `OpenBlank` when it is reached.

    %load_ext lib.blanks

    def cce(y, yhat):
        return(?)  # the mean loss of the batch

From then on a cell with open blanks runs: its functions are defined, and the finished parts work. An open blank stops
the cell with a sentence that names the blank, its line and its purpose. After the cell a message lists the blanks that
are still open. Before Python compiles a cell, each `?` becomes `__blank__["that sentence"]`. Strings, comments, magics,
shell lines and IPython's own help (`cce?`) don't change. If the cell has a character from pasted text that Python
refuses, such as a curly quote, a message says what to type instead.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import keyword
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

__all__ = ["Blank", "OpenBlank", "masked", "misplaced", "open_blanks", "runnable"]


class OpenBlank(Exception):
    """Raised when an open blank is reached; `sentence` names the blank, its line and its purpose."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def _render_traceback_(self) -> list[str]:
        """Called by IPython instead of formatting a traceback."""
        return [self.sentence]


class _RaisesOpenBlank:
    """The value of `__blank__`. A subscript, unlike a call, can also be assigned to and deleted."""

    def __getitem__(self, sentence: str, value: object = None) -> NoReturn:
        raise OpenBlank(sentence)

    __setitem__ = __delitem__ = __getitem__


@dataclass(frozen=True)
class Blank:
    """A blank of a cell, on `line` (counted from 1), with the text `source[start:end]`."""

    line: int
    purpose: str
    start: int = field(repr=False)
    end: int = field(repr=False)

    @property
    def sentence(self) -> str:
        """The message for a student who reaches the blank."""
        purpose = f": {self.purpose}" if self.purpose else ""
        end = "" if self.purpose.endswith((".", "?", "!")) else "."  # a purpose may be a question, such as "Is it 0?"
        return f"A blank on line {self.line} is still open{purpose}{end} Replace the ? with your code."


def open_blanks(source: str) -> list[Blank]:
    """Return the blanks of a code cell, in order.

    The purpose of a blank is the comment on its line, or else a comment on a separate line just above. Several `?`
    without a space between them are one blank, and so are those of one f-string.
    """
    if "?" not in source or source.strip() in ("?", "??"):
        return []
    mask = masked(source)
    spans = [
        blank.span()
        for statement in _statements(mask)
        if not _IPYTHON.fullmatch(statement[0])
        for blank in _BLANK.finditer(mask, *statement.span())
    ]
    purposes = _purposes(source, mask)
    lines = [source.count("\n", 0, mask.index("?", start)) + 1 for start, _ in spans]
    return [Blank(line, purposes[line - 1], start, end) for line, (start, end) in zip(lines, spans, strict=True)]


def runnable(source: str) -> str:
    """Return the cell with each open blank replaced by an expression that raises `OpenBlank`, with the same lines.

    A cell that Python can't parse because of a blank (`def ?():`) becomes that blank alone. The rest doesn't change,
    except that spaces after IPython's `cce?` are removed, because IPython doesn't accept them.
    """
    if "?" not in source:
        return source
    error = _syntax_error(source)
    if blank := _blank_at(error, source):
        above, below = blank.line - 1, source.count("\n") - blank.line + 1
        return "\n" * above + _replacement(blank) + "\n" * below
    if error and _pasted(error, source):  # the cell can't run, and Python's message shows a line of it
        spans = [(blank.start, blank.end) for blank in open_blanks(source)]
        names = [(start, end, re.sub(r"[^\n]", "_", source[start:end])) for start, end in spans]
        return _apply_edits(source, names)
    spaces = [(*found.span(), "") for found in _TRAILING_SPACES.finditer(masked(source))]
    return _apply_edits(source, [*_replacements(source), *spaces])


def misplaced(source: str) -> Blank | None:
    """Return the first blank because of which Python can't parse the cell, or None.

    The result is None for other errors and for pasted characters: Python reports these with their own line.
    """
    return _blank_at(_syntax_error(source), source)


@lru_cache(maxsize=4)  # a run asks four times: before the cell, for its blanks and for what replaces them, and after it
def masked(source: str) -> str:
    r"""Return a text of the same length in which only code is left, with one line for each statement.

    Strings become `"`, f-strings `'` except for a `?` in their braces, comments `#`, magics and shell lines `%`, and a
    newline inside a statement `\r`.
    """
    return _mask_all("%", source) if _FOREIGN_CELL.match(source) else _mask_code(source)


def load_ipython_extension(ip: InteractiveShell) -> None:
    """Called by IPython for `%load_ext lib.blanks`. A second call changes nothing."""
    # The name must exist wherever code of a cell runs. `%reset` would delete it from the notebook, and IPython's
    # own builtins (`builtin_trap`) exist only while a cell runs, but the explorer calls student code between cells.
    vars(builtins)["__blank__"] = _RaisesOpenBlank()
    if _transform not in ip.input_transformers_cleanup:
        ip.input_transformers_cleanup.insert(0, _transform)  # first, while lines have the student's numbers
    ip.events.register("post_run_cell", _report)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """Called by IPython for `%unload_ext lib.blanks`. Undoes what loading has changed."""
    vars(builtins).pop("__blank__", None)
    with contextlib.suppress(ValueError):
        ip.input_transformers_cleanup.remove(_transform)
        ip.events.unregister("post_run_cell", _report)


def _syntax_error(source: str) -> SyntaxError | None:
    """Return the syntax error of a cell in which each blank is an expression, if there are blanks and an error."""
    if not open_blanks(source):
        return None
    passes = [
        (*statement.span(), re.sub(r"\S.*", "pass", statement[0], flags=re.DOTALL) + "\n" * statement[0].count("\r"))
        for statement in _statements(masked(source))
        if _IPYTHON.fullmatch(statement[0])
    ]
    try:
        # Python warns about code such as `(1)(2)` when it parses it, and will do so again when the cell runs.
        with warnings.catch_warnings(action="ignore"):
            # Compiling, unlike parsing, also finds a `return ?` outside a function.
            code = textwrap.dedent(_apply_edits(source, [*_replacements(source), *passes]))
            compile(code, "a cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return None  # null characters, or too much nesting: Python reports these itself
    return None


def _blank_at(error: SyntaxError | None, source: str) -> Blank | None:
    # The first blank on the lines of the error, unless pasted characters have caused it.
    if error is None or _pasted(error, source):
        return None
    first = error.lineno or 1
    return next((blank for blank in open_blanks(source) if first <= blank.line <= (error.end_lineno or first)), None)


def _pasted(error: SyntaxError, source: str) -> list[str]:
    return find_pasted(masked(source), str(error.msg))


def _transform(lines: list[str]) -> list[str]:
    return runnable("".join(lines)).splitlines(keepends=True)


def _report(result: ExecutionResult | None) -> None:
    # Called by IPython after a cell has run.
    source = (result.info.raw_cell or "") if result and result.info else ""
    error = (result.error_before_exec or result.error_in_exec) if result else None
    if isinstance(error, SyntaxError) and (found := _pasted(error, source)):
        # JupyterLab would go to the next line within a word.
        print(textwrap.fill(advise(found), 88, break_on_hyphens=False))
    elif isinstance(error, SyntaxError) and _BARE_SUBSCRIPTS.search(masked(source)):
        print("The first argument of np.einsum is a text: put it in quotes.")
    elif (blanks := open_blanks(source)) and not (len(blanks) == 1 and isinstance(error, OpenBlank)):  # named already
        count = "1 blank is" if len(blanks) == 1 else f"{len(blanks)} blanks are"
        purposes = {(each.line, textwrap.shorten(each.purpose, 48, placeholder="…")): None for each in blanks}
        places = [f"line {line} ({purpose})" if purpose else f"line {line}" for line, purpose in purposes]
        print(f"{count} still open in this cell: {', '.join(places)}.")


def _purposes(source: str, mask: str) -> list[str]:
    # For each line of the cell, the purpose of a blank on it.
    lines = list(zip(source.split("\n"), re.split(r"[\r\n]", mask), strict=True))
    comments = [text[code.index("#") :] if "#" in code else "" for text, code in lines]
    above = ["", *("" if code.strip("# \t") else comment for comment, (_, code) in zip(comments, lines, strict=True))]
    return [(own or up).lstrip("#").strip().rstrip(".") for own, up in zip(comments, above, strict=False)]


def _replacements(source: str) -> list[tuple[int, int, str]]:
    # The edits that replace each blank. After a name or a dot, `x?` or `np.?`, the result is still a syntax error.
    edits = []
    for blank in open_blanks(source):
        before, replacement = source[: blank.start], _replacement(blank)
        if newlines := "\n" * source.count("\n", blank.start, blank.end):
            replacement = f"({replacement}{newlines})"
        elif re.search(r"\w\Z", before):
            replacement = f" {replacement}"
        elif re.search(r"\.\s*\Z", before):
            replacement = f"({replacement})"
        edits.append((blank.start, blank.end, replacement))
    return edits


def _replacement(blank: Blank) -> str:
    return f"__blank__[{blank.sentence!r}]"


def _apply_edits(source: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _statements(mask: str) -> Iterator[re.Match[str]]:
    return re.finditer(r"[^\n]+", mask)


# Patterns for a mask: one `?` or several, or an f-string with one in its braces.
_BLANK = re.compile(r"(?<!')'['\r]*\?['?\r]*'|\?+")

_BARE_SUBSCRIPTS = re.compile(r"einsum\([^\"()]*->")

_TRAILING_SPACES = re.compile(r"(?<=\?)[ \t]+$", re.MULTILINE)

_KEYWORD = "|".join(word for word in keyword.kwlist if word.islower())

# Pattern for a mask: a statement of IPython, not of Python.
_IPYTHON = re.compile(
    rf"""
      \s* %.*                                                        # %magic, !shell
    | \s* \?\??[ ]* (?![.\d]) %{{0,2}}[\w.*]+ (\[-?\d+\])* \s*\#*    # ?cce
    | \s* [\w.*]*\*[\w.*]* \?\?? \s*                                 # np.*load*?
    | (.*\W)? (?!({_KEYWORD})\?) (?!\d)\w+ (\.(?!\d)\w+|\[-?\d+\])* \?\?? \s*    # cce?, obj.attr?, x[0]?
    """,
    re.VERBOSE,
)

# Patterns for making a mask. Magics of cells that aren't Python:
_FOREIGN_CELL = re.compile(r"\s*%%(?!(time|timeit|capture|prun)\b)")

_MAGIC = re.compile(r"""([ \t]*)(([^\n"'#?(=]+=[ \t]*)?[%!](\\\n|[^\n])*)""")

_PIECE = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<string> (?P<prefix>[bBfFrRtTuU]{0,2}) (?P<quote>"{3}|'{3}|"|') )
    | (?P<joint> \\\n )
    | (?P<newline> \n )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<other> \w+ | [ .,=+*/<>-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)

# The rest of a string after its opening quote; without a closing quote, to the end of its line or of the cell.
_REST = {
    quote: re.compile(rf"(\\.|(?!{quote})[^\\{barred}])*({quote})?", re.DOTALL)
    for quote, barred in {"'": r"\n", '"': r"\n", "'''": "", '"""': ""}.items()
}

# The text of an f-string, up to a character that may end it, escape another one or open a brace.
_TEXT = re.compile(r"""[^{\\'"\n]+|.""", re.DOTALL)

_NO_BLANK = re.compile(r"[^?\r]")


def _mask_code(source: str, start: int = 0, *, braces: bool = False) -> str:
    # The mask from `start` to the end of the cell or, in the `braces` of an f-string, to the end of their expression.
    mask, depth = "", 0
    while (at := start + len(mask)) < len(source):
        if not braces and mask[-1:] in ("", "\n") and (magic := _MAGIC.match(source, at)):
            mask += magic[1] + _mask_all("%", magic[2])
            continue
        piece = _PIECE.match(source, at)
        assert piece, "the last alternative of _PIECE matches any character"
        if braces and not depth and piece[0] in ("}", ":"):
            break
        depth = max(0, depth + (piece.lastgroup == "open") - (piece.lastgroup == "close"))
        mask += _mask_piece(source, piece, depth)
    return mask


def _mask_piece(source: str, piece: re.Match[str], depth: int) -> str:
    match piece.lastgroup:
        case "comment":
            return _mask_all("#", piece[0])
        case "string" if {"f", "t"} & set(piece["prefix"].lower()):
            return _mask_formatted(source, piece)
        case "string":
            rest = _REST[piece["quote"]].match(source, piece.end())
            return _mask_all('"', piece[0] + (rest[0] if rest else ""))
        case "joint":
            return " \r"
        case "newline" if depth:
            return "\r"
    return piece[0].replace("\r", " ")


def _mask_formatted(source: str, opening: re.Match[str]) -> str:
    # Masks all but a `?` in braces. From Python 3.12 on, strings in braces may have the same quotes as the f-string.
    start, quote, mask = opening.start(), opening["quote"], _mask_all("'", opening[0])
    while (at := start + len(mask)) < len(source) and not (source[at] == "\n" and len(quote) == 1):
        pair = source[at : at + 2]
        if source.startswith(quote, at):
            return mask + _mask_all("'", quote)
        if pair == "{{" or (pair[0] == "\\" and pair[1:] not in ("{", "}")):
            mask += _mask_all("'", pair)
        elif pair[0] == "{":
            code = _mask_code(source, at + 1, braces=True)
            if at + 1 + len(code) == len(source):  # the brace isn't closed, so the rest is a string
                return mask + _mask_all("'", source[at:] if len(quote) == 3 else source[at:].partition("\n")[0])
            mask += "'" + _NO_BLANK.sub("'", code.replace("\n", "\r"))
        elif text := _TEXT.match(source, at):
            mask += _mask_all("'", text[0])
    return mask


def _mask_all(mark: str, text: str) -> str:
    return "\r".join(mark * len(line) for line in text.split("\n"))


# ---- Characters of pasted code

SIGNS = {"“”„‟«»″": '"', "‘’‚‛‹›′´": "'", "−‐‑‒–—―": "-", "×⋅∗": "*", "÷∕⁄": "/"}
TYPED = {character: typed for characters, typed in SIGNS.items() for character in characters} | {
    **{"≤": "<=", "≥": ">=", "≠": "!=", "→": "->", "…": "...", "²": "**2", "³": "**3", "、": ",", "。": "."},
    **{chr(0xFEE0 + number): chr(number) for number in range(0x21, 0x7F)},  # full width, of East Asian keyboards
}
"""What to type in the place of a character."""


def refused_character(message: str) -> str:
    """Return the character that Python's message of a SyntaxError refuses; "" if it is about something else."""
    found = re.search(r"invalid (?:non-printable )?character (?:'.' \()?U\+((?:10|[0-9A-F])?[0-9A-F]{4})\b", message)
    number = int(found[1], 16) if found else 0
    # Student code can raise any message, also one with half of a surrogate pair, which no file can hold.
    return "" if number == 0 or 0xD800 <= number < 0xE000 else chr(number)


def find_pasted(mask: str, message: str) -> list[str]:
    """Return the characters, each once, for which Python refuses a cell with this mask that ended in a SyntaxError."""
    refused = [character for character in mask if not character.isascii() and not f"a{character}".isidentifier()]
    return list(dict.fromkeys(filter(None, [*refused, refused_character(message)])))


def advise(characters: Sequence[str]) -> str:
    """Return a sentence with what to type in the place of these characters; "" if there are none."""
    steps = ", ".join(map(_replace_by, characters))
    return steps and f"Pasted text often has characters that Python can't read. Replace {steps}."


def _replace_by(character: str) -> str:
    from unicodedata import name  # only where a sentence is written

    named = name(character, "").lower() or f"U+{ord(character):04X}"  # symbols of a PDF's own fonts have no names
    if character.isprintable():
        return f"{character} ({named}) by {TYPED.get(character, 'what Python has for it')}"
    return f"each {named} by {'a space' if character.isspace() else 'nothing'}"
