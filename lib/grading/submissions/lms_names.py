"""File names in downloads from Canvas and Moodle, and the owner that each of them shows.

Canvas: `smithjane_LATE_12345_67890_NOTEBOOK-1.ipynb`, without `LATE` if it was on time; `smithjane_12345_text.html`
for an answer typed into a form, and `anon_x7Kd2_67890_NOTEBOOK.ipynb` in an anonymous assignment.
Moodle: `Jane Smith_12345_assignsubmission_file_/NOTEBOOK.ipynb`, or the same without the folder.
Students choose their own names and those of their files, so a name with two possible readings shows no owner.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from unicodedata import category, normalize

from nbgrader.api import Student

from lib.grading.safe_names import InvalidId, StudentId, parse_id

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
        what = "has a name that two students may own. Look up its owner in the LMS."
        raise RefusedError(f"{what} {RENAME}")
    return Owner(lms, of["name"] or "", of["number"], int(of.get("attachment") or 0), file, bool(of.get("late")))


def own_name(file: str, released: Collection[str]) -> tuple[str, int]:
    """Return a file's released name, and the number of this copy; 0 for the first."""
    stem, dot, end = file.rpartition(".")
    found = COPY.search(stem)
    name = file if file in released else COPY.sub("", stem) + dot + end
    return name, int(found[1] or found[2]) if found else 0


def name_in_canvas(name: str) -> str:
    """Return a name, last name first, as Canvas writes it in file names."""
    return "".join(letter for letter in normalize("NFC", name) if letter == "_" or category(letter)[0] in "LMN").lower()


def name_in_moodle(name: str) -> str:
    """Return a name, first name first, as Moodle writes it in file names, in lower case."""
    return " ".join(normalize("NFC", UNNAMED.sub("", name)).casefold().split())


class Roster:
    """The students of a course: their `names` by id, and their ids by the LMS' names and numbers."""

    def __init__(self, students: Iterable[Student], numbers: Mapping[tuple[str, str], str]):
        """Take the gradebook's students, and the ids from earlier collections by LMS and number."""
        self.names, self._canvas, self._moodle = dict[str, str](), dict[str, str](), defaultdict[str, list[str]](list)
        self._numbers = {**numbers, **{("canvas", one.lms_user_id): one.id for one in students if one.lms_user_id}}
        for one in students:
            last, first = one.last_name or "", one.first_name or ""
            self.names[one.id], self._canvas[one.id] = (
                ", ".join(filter(None, (last, first))),
                name_in_canvas(last + first),
            )
            self._moodle[name_in_moodle(f"{first} {last}")].append(one.id)

    def known(self, owner: Owner) -> str:
        """Return the id of an owner on the roster or in earlier collections; "" if it isn't certain.

        Moodle uses new numbers in each assignment, so there a name counts if only one student has it.
        """
        alike = self._moodle[name_in_moodle(owner.name)] if owner.lms == "moodle" and owner.name else []
        return self._numbers.get((owner.lms, owner.number)) or (alike[0] if len(alike) == 1 else "")

    def id_of(self, owner: Owner) -> StudentId:
        """Return the known id, or else one made of the LMS' name and number. Raises RefusedError if it isn't valid."""
        name = re.sub(r"[^\w-]+", "_", UNNAMED.sub("", owner.name) or "student").strip("_")
        id = parse_id(self.known(owner) or "_".join(filter(None, (name, owner.number))))
        if isinstance(id, InvalidId):
            raise RefusedError(f"has a name that can't be used as a student's id: {id.problem}. {RENAME}")
        return id

    def is_from_group(self, owner: Owner, student: str) -> bool:
        """True if a file's name has another name than the roster for its number: in Canvas, a group's name."""
        return owner.lms == "canvas" and self._canvas.get(student, "") not in ("", owner.name.lower())
