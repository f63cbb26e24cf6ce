"""Pasted characters: code from a PDF, a chat or a web page brings characters that Python refuses.

A curly quote, a minus sign and a no-break space look like the right ones. Python names the first of them in a
SyntaxError, some only by their number. This module says what to type in their place, in checks and in feedback.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
"""What to type in the place of a character."""
FULL_WIDTH = range(0xFF01, 0xFF5F)
"""The numbers of ASCII's characters in full width, as Chinese and Japanese keyboards write them."""


def refused_character(message: str) -> str:
    """Return the character that Python's message of a SyntaxError refuses; "" if it is about something else."""
    found = re.search(r"invalid (?:non-printable )?character (?:'.' \()?U\+((?:10|[0-9A-F])?[0-9A-F]{4})\b", message)
    number = int(found[1], 16) if found else 0
    # Student code can raise any message, also one with half of a surrogate pair, which no file can hold.
    return "" if number == 0 or 0xD800 <= number < 0xE000 else chr(number)


def find_pasted(mask: str, message: str) -> list[str]:
    """Return the characters, each once, for which Python refuses a cell that ended in a SyntaxError.

    `mask` is the cell's code alone, as `lib.blanks.masked` makes it. Magics and f-strings aren't in it: a character in
    these is known by Python's message.
    """
    refused = [character for character in mask if not character.isascii() and not f"a{character}".isidentifier()]
    return list(dict.fromkeys(filter(None, [*refused, refused_character(message)])))


def advise(characters: Sequence[str]) -> str:
    """Return a sentence with what to type in the place of these characters; "" if there are none."""
    if not characters:
        return ""
    steps = ", ".join(f"{_shown(character)} by {_typed(character)}" for character in characters)
    return f"Pasted text often has characters that Python can't read. Replace {steps}."


def _typed(character: str) -> str:
    if ord(character) in FULL_WIDTH:
        return chr(ord(character) - 0xFEE0)
    unknown = "what Python has for it" if character.isprintable() else "nothing"
    return TYPED.get(character, "a space" if character.isspace() else unknown)


def _shown(character: str) -> str:
    from unicodedata import name  # only where a sentence is written

    named = name(character, "").lower() or f"U+{ord(character):04X}"  # symbols of a PDF's own fonts have no names
    return f"{character} ({named})" if character.isprintable() else f"each {named}"
