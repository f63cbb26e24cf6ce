"""Pasted characters: code out of a PDF, a chat or a web page brings characters that Python refuses.

A curly quote, a minus sign and a no-break space look like what belongs there. Python names the first of them in a
SyntaxError, some by their number alone. What to type in their place is said here, at the desk and after grading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

TYPED = {
    character: typed
    for characters, typed in {
        "“”„‟«»″": '"',
        "‘’‚‛‹›′´": "'",
        "−‐‑‒–—―": "-",
        "×⋅∗": "*",
        "÷∕⁄": "/",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "→": "->",
        "…": "...",
        "²": "**2",
        "³": "**3",
        "、": ",",
        "。": ".",
    }.items()
    for character in characters
}
"""What is typed in the place of a character, where it isn't the same one in full width or a space."""
FULL_WIDTH = range(0xFF01, 0xFF5F)
"""The numbers of ASCII's characters in full width, as Chinese and Japanese keyboards write them."""
MOST_LINES = 5
"""The most lines that a sentence counts up."""


def refused_character(message: str) -> str:
    """Give the character that Python's message of a SyntaxError refuses, or nothing if it is about something else."""
    found = re.search(r"invalid (?:non-printable )?character (?:'.' \()?U\+((?:10|[0-9A-F])?[0-9A-F]{4})\b", message)
    number = int(found[1], 16) if found else 0
    # Student code can raise any message, also one with half of a surrogate pair, which no file can hold.
    return "" if number == 0 or 0xD800 <= number < 0xE000 else chr(number)


def find_pasted(source: str, mask: str, message: str) -> dict[str, list[int]]:
    """Find the characters to replace in a cell that ended in a SyntaxError with this message, and their lines.

    `mask` is the cell of the same length with its code alone, as `lib.blanks.masked` makes it. What strings and
    comments hold stays out, except for a curly quote that was to end a string.
    """
    places: Iterable[int] = ()
    if message.startswith("unterminated"):
        places = _unfit_ends(source, mask)
    elif "indent" in message:
        spaces = (run.span() for run in re.finditer(r"(?<![^\r\n])\s+", mask))
        places = (at for span in spaces for at in range(*span) if _is_refused(mask[at]))
    elif (refused := refused_character(message)) or message == "invalid decimal literal":  # as of `1e−7`
        places = [at for at, character in enumerate(mask) if _is_refused(character) or character == refused]
        # Where it isn't in the code, it is in what a magic runs, or between the braces of an f-string.
        if refused not in mask:
            places = [at for at, masked in enumerate(mask) if masked in "%'" and source[at] == refused]
    found: dict[str, list[int]] = {}
    for at in places:
        lines, line = found.setdefault(source[at], []), source.count("\n", 0, at) + 1
        if line not in lines:
            lines.append(line)
    return found


def advise(found: Mapping[str, Iterable[int]]) -> Iterator[str]:
    """Say in a sentence or two, for all characters that the same is typed for, where they are and what to type."""
    groups: dict[str, list[str]] = {}
    for character in found:
        groups.setdefault(_typed(character) or character, []).append(character)
    why = ", as pasted text often does"  # once is enough
    for typed, characters in groups.items():
        lines = sorted({line for character in characters for line in found[character]})
        where, these = f"Line {lines[0]} has", "this line"
        if len(lines) > 1:
            where, these = f"Lines {_count_up(lines)} have", "these lines"
        yield f"{where} {_name_all(characters)}{why}. {_what_to_do(characters, typed, these)}"
        why = ""


def _name_all(characters: list[str]) -> str:
    names = [_name(character) for character in characters]
    if not characters[0].isprintable():
        return f"{'an' if names[0][0] in 'aeiou' else 'a'} {names[0]}"
    shown = [f"{character} ({name})" for character, name in zip(characters, names, strict=True)]
    return f"the character{'s' * (len(shown) > 1)} {_join(shown)}"


def _what_to_do(characters: list[str], typed: str, lines: str) -> str:
    if characters[0].isspace():
        return f"It looks like a space. Type the spaces of {lines} anew."
    if not characters[0].isprintable():
        return f"It can't be seen, or shows as a red dot. Type {lines} anew."  # as JupyterLab's editor shows it
    if typed in characters:
        return f"Python can't read it. Write {lines} without it."
    return f"Type {typed} in {'its' if len(characters) == 1 else 'their'} place."


def _typed(character: str) -> str:
    """Give what to type in the place of a character, or nothing if that isn't known."""
    return chr(ord(character) - 0xFEE0) if ord(character) in FULL_WIDTH else TYPED.get(character, "")


def _name(character: str) -> str:
    from unicodedata import name  # only where a sentence is written

    return name(character, "").lower() or f"U+{ord(character):04X}"  # symbols of a PDF's own fonts have no names


def _is_refused(character: str) -> bool:
    """Tell whether Python refuses a character in code, wherever it stands."""
    return not character.isascii() and not f"a{character}".isidentifier()


def _unfit_ends(source: str, mask: str) -> list[int]:
    """Find the curly quotes that were to end a string, of those that nothing ends on their line."""
    places = []
    for run in re.finditer(r"""["']["'\r]*""", mask):
        text, behind = source[run.start() : run.end()].rstrip(), mask[run.end() : run.end() + 1]
        quote = re.search(r"""["']""", text)  # none behind a blank in an f-string
        if quote is None or text.endswith(quote[0]) or not (run[0].endswith("\r") or behind in ("", "\n")):
            continue
        ends = [found.start() for found in re.finditer(r"[“”„]" if quote[0] == '"' else r"[‘’](?!\w)", text)]
        places += [run.start() + end for end in ends[-1:]]
    return places


def _count_up(lines: list[int]) -> str:
    more = len(lines) - MOST_LINES
    return _join([*map(str, lines[:MOST_LINES]), *([f"{more} more"] if more > 0 else [])])


def _join(items: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))
