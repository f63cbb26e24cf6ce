"""Names of files, folders and accounts that other people choose: showing them safely, and checking student ids.

A name may contain terminal control codes, a line break that fakes a message, characters that change the reading
direction, or bytes in no encoding. `visible` shows all of these as escapes. Student ids are also used in paths,
patterns, the gradebook and other programs' pages, so `parse_id`, the only way to make one, is stricter.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NewType
from unicodedata import category, normalize

FORBIDDEN = frozenset('<>&"`\\/|*?[]{}')
"""Characters with a meaning in HTML, in a path, or in nbgrader's patterns for folders."""
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
LONGEST_ID = 100
"""Characters of an id."""
MOST_NAMED = 10
"""Names that a message lists at most."""
NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?(e[-+]?[0-9]+)?|-", re.ASCII | re.IGNORECASE)
"""Text that may begin with a sign and is not a formula. Moodle writes a lone `-` for an empty value."""
OTHER_CELL = re.compile(r"(?<=\S)[;\t](?=[\s\"'`]*[=+\-@＝＋－＠])")
"""A separator after which a spreadsheet that splits cells at semicolons or tabs would read a formula."""
StudentId = NewType("StudentId", str)
"""A student's id that `parse_id` has checked."""


def visible(text: object, keep: str = "") -> str:
    """Return the text with an escape such as `\\x1b` for each nonprintable character that isn't in `keep`.

    This includes lone surrogates, with which Python decodes names that are in no encoding.
    """
    # Python counts only the ASCII space as printable; other spaces (category Zs) are harmless.
    return "".join(
        letter
        if letter.isprintable() or letter in keep or category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in str(text)
    )


def escape_bidi(text: str) -> str:
    """Return the text with an escape for each bidirectional control, which could make a line look like another one.

    For HTML pages: a browser shows all other nonprintable characters without harm.
    """
    return text if text.isascii() else BIDI_CONTROLS.sub(lambda found: visible(found[0]), text)


def quote(text: str) -> str:
    """Return text from student code in quotation marks, so that it can't pass for the grader's own words."""
    return "“{}”".format(text.translate({ord("“"): '"', ord("”"): '"'}))


@dataclass(frozen=True)
class InvalidId:
    """A name that can't be a student's id, and the reason."""

    name: str
    problem: str

    @property
    def reason(self) -> str:
        """The reason why a submission in a folder of this name is not graded."""
        return f"its folder's name can't be a student's id: {self.problem}. Rename the folder, and grade again"


def parse_id(name: str) -> StudentId | InvalidId:
    """Return the name of a folder, an account or an LMS user as an id, or the reason why it can't be one."""
    if not name.isprintable():
        return InvalidId(name, "it has a nonprintable character or is in no encoding")
    if found := sorted(FORBIDDEN & set(name)):
        return InvalidId(name, f"it has {' '.join(found)} in it")
    if name != name.strip() or name.startswith("."):
        return InvalidId(name, "it begins with a dot or a space, or ends with a space")
    return StudentId(name) if 0 < len(name) <= LONGEST_ID else InvalidId(name, f"it has {len(name)} characters")


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name. It lists the known names of this `kind`, the most similar first.

    >>> unknown("unit", "regression", ["trees", "linear_regression"])
    'There is no unit regression. There are: linear_regression, trees.'
    """
    names = list(known)
    nearest = get_close_matches(name, names, MOST_NAMED, cutoff=0)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    there = f"There {'is' if len(names) == 1 else 'are'}: {', '.join(nearest)}{more}."
    return visible(f"There is no {kind} {name}. {there if names else 'There are none yet.'}")


class VisibleNames(logging.Filter):
    """Shows nonprintable characters in all log messages as escapes.

    Line breaks stay, because tracebacks need them. nbgrader's formatter indents every line of a message but the first,
    so a name with a line break can't pass for another message.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Override `logging.Filter.filter`, which is called for each message before it is formatted."""
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = visible(record.exc_text, keep="\n\t")
        record.msg, record.args = visible(record.getMessage(), keep="\n\t"), ()
        return True


def escape_formula(cell: object) -> str:
    """Return the text of a cell with an apostrophe before anything that a spreadsheet would compute as a formula.

    Spreadsheets ignore spaces, quotes and invisible characters before a formula, and read fullwidth signs as the ASCII
    ones. If semicolons or tabs separate cells, a formula may follow one. Numbers stay as they are.
    """
    text = str(cell)
    if NUMBER.fullmatch(text):
        return text
    text = OTHER_CELL.sub(r"\g<0>'", text)
    shown = normalize("NFKC", text).lstrip("\"'`")
    shown = "".join(letter for letter in shown if letter.isprintable() and not letter.isspace()).lstrip("\"'`")
    return f"'{text}" if text[:1] in ("\t", "\r", "\n") or shown[:1] in tuple("=+-@") else text
