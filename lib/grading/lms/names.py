"""File names in downloads from Canvas and Moodle, and the owner that each of them shows.

Canvas: `smithjane_LATE_12345_67890_NOTEBOOK-1.ipynb`, without `LATE` if it was on time; `smithjane_12345_text.html`
for an answer typed into a form, and `anon_x7Kd2_67890_NOTEBOOK.ipynb` in an anonymous assignment.
Moodle: `Jane Smith_12345_assignsubmission_file_/NOTEBOOK.ipynb`, or the same without the folder.
Students choose their own names and those of their files, so a name with two possible readings shows no owner.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from unicodedata import category, normalize

from lib.grading.submissions.collection_records import CollectedSubmission

ENDS = r"((?P<attachment>\d+)_(?P<file>.+)|(?P<page>(text|link)\.html))"
FORMS = {
    "moodle": re.compile(r"(?P<name>.*)_(?P<number>\d+)_assignsubmission_[a-z]+(_(?P<file>.*))?", re.DOTALL),
    "anonymous": re.compile(
        rf"((?P<late>LATE)_)?(?P<name>anon)_(?P<number>[1-9A-HJ-NP-Za-km-z]{{5}})_{ENDS}", re.DOTALL
    ),
    "canvas": re.compile(rf"((?!(?i:late)_)(?P<name>.+?)_)?((?P<late>(?i:late))_)?(?P<number>\d+)_{ENDS}", re.DOTALL),
}
NUMBERS = re.compile(r"(?=_\d+_(\d+_.|assignsubmission_[a-z]+(_|$)))", re.DOTALL)
"""Positions where an LMS' numbers may begin; a lookahead, because matches may overlap."""
UNNAMED = re.compile(r"[\x00-\x1f&<>\"`|':\\/]")
"""Characters that Moodle removes from a person's name in a file name (`clean_filename`)."""
COPY = re.compile(r"(?:[ _]?\((\d+)\)|-(\d+))$")
"""The number that a browser or an LMS adds to a name that already exists."""
RENAME = "Name it like lastname_12345_1_NOTEBOOK.ipynb, with the number that the student has in the LMS."


class RefusedError(Exception):
    """A file is not collected; the message says why and what to do."""


@dataclass(frozen=True)
class Owner:
    """A file's owner in the LMS. `attachment` is Canvas' number of the file, and `file` its original name."""

    lms: str
    name: str
    number: str
    attachment: int = 0
    file: str = ""
    late: bool = False


def owner_of(part: str, is_file: bool, released: Collection[str]) -> Owner | None:
    """Return the owner that a part of a path names, if any. Raises RefusedError if it may also name another one.

    Students choose the end of a file's name, where they can imitate an LMS' numbers, but not a folder's name.
    `released` are the names of released notebooks, which may contain numbers.
    """
    ways = {lms: found.groupdict() for lms, form in FORMS.items() if (found := form.fullmatch(part))}
    if not ways:
        return None
    lms, of = next(iter(ways.items()))
    file = of["file"] or of.get("page") or ""
    is_several = len(NUMBERS.findall(f"_{part}")) > 1 or ("moodle" in ways and len(ways) > 1)
    is_clear = own_name(file, released)[0] in released if lms != "moodle" else not (is_file or file)
    if is_several and not is_clear:
        raise RefusedError(f"has a name that two students may own. Look up its owner in the LMS. {RENAME}")
    return Owner(lms, of["name"] or "", of["number"], int(of.get("attachment") or 0), file, bool(of.get("late")))


def own_name(file: str, released: Collection[str]) -> tuple[str, int]:
    """Return a file's released name, and the number of this copy; 0 for the first."""
    stem, dot, end = file.rpartition(".")
    found = COPY.search(stem)
    name = file if file in released else COPY.sub("", stem) + dot + end
    return name, int(found[1] or found[2]) if found else 0


def name_for_upload(note: CollectedSubmission, notebook: str) -> str:
    """Return the name of a file of feedback for Canvas: that of the submitted file, to whose comment it is attached.

    Canvas takes the first two numbers in a name (`infer_comment_context_from_filename` in assignment.rb), so numbers in
    the student's name are left out.
    """
    file = note.files.get(f"{notebook}.ipynb") or next(iter(note.files.values()))
    pieces = [piece for piece in file.split("_") if piece != "LATE"]
    numbers = pieces[1:3] if pieces[0] == "anon" else [piece for piece in pieces if piece.isdecimal()][:2]
    own = re.search(rf"{note.number}_(\d+)_.*", file, re.DOTALL)
    return file if own is None or numbers == [note.number, own[1]] else f"student_{own[0]}"


def name_in_canvas(name: str) -> str:
    """Return a name, last name first, as Canvas writes it in file names."""
    return "".join(letter for letter in normalize("NFC", name) if letter == "_" or category(letter)[0] in "LMN").lower()


def name_in_moodle(name: str) -> str:
    """Return a name, first name first, as Moodle writes it in file names, in lower case."""
    return " ".join(normalize("NFC", UNNAMED.sub("", name)).casefold().split())
