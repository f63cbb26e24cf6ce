"""Names that students or other people chose, of files, folders and accounts: shown as text, and checked as ids.

A name may hold what a terminal obeys, a second line that looks like a message of the program's, letters that turn the
reading direction, or bytes in no encoding. `visible` shows all of that as text. An id goes further than a screen: into
paths, patterns, the gradebook and pages of other programs, so `parse_id`, which alone makes one, asks more of it.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NewType
from unicodedata import category, normalize

FORBIDDEN = frozenset('<>&"`\\/|*?[]{}')
"""What has a meaning in HTML, in a path, or in the patterns by which nbgrader finds folders."""
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
LONGEST_ID = 100
"""Characters of an id."""
MOST_NAMED = 10
"""Names that a sentence lists."""
NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?(e[-+]?[0-9]+)?|-", re.ASCII | re.IGNORECASE)
"""What may begin with a sign and is no formula; a lone `-` is how Moodle says that there is nothing."""
OTHER_CELL = re.compile(r"(?<=\S)[;\t](?=[\s\"'`]*[=+\-@＝＋－＠])")
"""Where a spreadsheet that divides cells by semicolons or tabs would begin another one, with a formula in it."""
StudentId = NewType("StudentId", str)
"""A student's id: what `parse_id` has found to be one. Who is given one needs no look at it."""


def visible(text: object, keep: str = "") -> str:
    """Write a text with an escape such as `\\x1b` for each character that isn't printed; those in `keep` stay.

    Halves of surrogate pairs are among them: Python reads a name in no encoding so.
    """
    # To Python no space but the ordinary one is printable; others are plain to see all the same.
    return "".join(
        letter
        if letter.isprintable() or letter in keep or category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in str(text)
    )


def escape_turns(text: str) -> str:
    """Write an escape for each character that turns the reading direction: a line may be another than it looks.

    For pages on which texts of any language stand; all else that isn't printed does no harm in a browser.
    """
    return text if text.isascii() else TURNS.sub(lambda found: visible(found[0]), text)


def quote(text: str) -> str:
    """Write in quotation marks what was said where a student's code runs: it may read like the grader's own words."""
    return "“{}”".format(text.translate({ord("“"): '"', ord("”"): '"'}))


@dataclass(frozen=True)
class NoId:
    """A name that can't be a student's id, and what keeps it from being one."""

    name: str
    problem: str

    @property
    def reason(self) -> str:
        """Why a submission in a folder of this name is not graded."""
        return f"its folder's name can't be a student's id: {self.problem}. Rename the folder, and grade again"


def parse_id(name: str) -> StudentId | NoId:
    """Make an id of the name of a folder or an account, or of what an LMS calls somebody; else say why it is none."""
    problem = _problem_of(name)
    return NoId(name, problem) if problem else StudentId(name)


def _problem_of(name: str) -> str:
    if not name.isprintable():
        return "it has a character that isn't printed, or in no encoding"
    if found := sorted(FORBIDDEN & set(name)):
        return f"it has {' '.join(found)} in it"
    if name != name.strip() or name.startswith("."):
        return "it begins with a dot or a space, or ends with a space"
    return "" if 0 < len(name) <= LONGEST_ID else f"it has {len(name)} characters"


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence on a name that isn't known: it lists those of this `kind` that are, the nearest first.

    >>> unknown("unit", "softmax", ["optimizers", "softmax_classifier"])
    'There is no unit softmax. There are: softmax_classifier, optimizers.'
    """
    matcher = SequenceMatcher(b=name.casefold(), autojunk=False)

    def likeness(other: str) -> float:
        matcher.set_seq1(other.casefold())
        return matcher.ratio()

    nearest = sorted(known, key=lambda each: (-likeness(each), each))
    more = f" and {len(nearest) - MOST_NAMED} more" if len(nearest) > MOST_NAMED else ""
    there = f"There {'is' if len(nearest) == 1 else 'are'}: {', '.join(nearest[:MOST_NAMED])}{more}."
    return visible(f"There is no {kind} {name}. {there if nearest else 'There is none yet.'}")


class VisibleNames(logging.Filter):
    """Makes what isn't printed visible in all that a program logs, whoever wrote the message.

    Lines stay: Python's tracebacks have many. nbgrader's formatter indents all but the first of a message, so that
    a name with a line break in it can't pass for another message.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by `logging` for each message, before it is formatted."""
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = visible(record.exc_text, keep="\n\t")
        record.msg, record.args = visible(record.getMessage(), keep="\n\t"), ()
        return True


def escape_formula(cell: object) -> str:
    """Write a cell so that a spreadsheet shows it and doesn't compute it: what reads as a formula gets an apostrophe.

    Names, addresses and titles are written by others. Spreadsheets skip blanks, quotes and letters that don't show in
    front of a formula, and take the wide signs of East Asian keyboards for the narrow ones. Where a semicolon or a tab
    divides cells, a formula may stand behind one. No id of Canvas or Moodle begins so, and numbers stay as they are.
    """
    text = str(cell)
    if NUMBER.fullmatch(text):
        return text
    text = OTHER_CELL.sub(r"\g<0>'", text)
    shown = normalize("NFKC", text).lstrip("\"'`")
    shown = "".join(letter for letter in shown if letter.isprintable() and not letter.isspace()).lstrip("\"'`")
    return f"'{text}" if text[:1] in ("\t", "\r", "\n") or shown[:1] in tuple("=+-@") else text
