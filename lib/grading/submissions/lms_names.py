"""The names that Canvas and Moodle give to the files of a download: whose a file is.

Canvas: `smithjane_LATE_12345_67890_NOTEBOOK-1.ipynb`, without `LATE` if it was on time; `smithjane_12345_text.html`
for what was typed in, and `anon_x7Kd2_67890_NOTEBOOK.ipynb` where the assignment is anonymous.
Moodle: `Jane Smith_12345_assignsubmission_file_/NOTEBOOK.ipynb`, or the same without the folder.
Students choose their own names and their files', so a name that can be read in two ways is nobody's.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from unicodedata import category, normalize

from nbgrader.api import Student

from lib.grading.names import NoId, StudentId, parse_id

ENDS = r"((?P<attachment>\d+)_(?P<file>.+)|(?P<page>(text|link)\.html))"
FORMS = {
    "moodle": re.compile(r"(?P<name>.*)_(?P<number>\d+)_assignsubmission_[a-z]+(_(?P<file>.*))?", re.DOTALL),
    "anonymous": re.compile(
        rf"((?P<late>LATE)_)?(?P<name>anon)_(?P<number>[1-9A-HJ-NP-Za-km-z]{{5}})_{ENDS}", re.DOTALL
    ),
    "canvas": re.compile(rf"((?!(?i:late)_)(?P<name>.+?)_)?((?P<late>(?i:late))_)?(?P<number>\d+)_{ENDS}", re.DOTALL),
}
NUMBERS = re.compile(r"(?=_\d+_(\d+_.|assignsubmission_[a-z]+(_|$)))", re.DOTALL)
"""Where an LMS' numbers may be: matches may overlap."""
UNNAMED = re.compile(r"[\x00-\x1f&<>\"`|':\\/]")
"""What Moodle leaves out of a person's name in a file's name (`clean_filename`)."""
COPY = re.compile(r"(?:[ _]?\((\d+)\)|-(\d+))$")
"""What a browser or an LMS adds to a name that it has seen before."""
RENAME = "Name it like lastname_12345_1_NOTEBOOK.ipynb, with the number that the student has in the LMS."


class Refused(Exception):
    """A file that is left out; the message says why and what to do."""


@dataclass(frozen=True)
class Owner:
    """Whose a file is, as its LMS names them. `attachment` is Canvas' number of the file, and `file` its own name."""

    lms: str
    name: str
    number: str
    attachment: int = 0
    file: str = ""
    late: bool = False


def owner_of(part: str, is_file: bool, released: Collection[str]) -> Owner | None:
    """Return the owner that a part of a path names, if it does. Raises Refused where that may be another one.

    A folder's name ends as Moodle made it; in a file's name students may have written what an LMS adds. `released` are
    the names of notebooks that were handed out, which may have numbers in them.
    """
    ways = {lms: found.groupdict() for lms, form in FORMS.items() if (found := form.fullmatch(part))}
    if not ways:
        return None
    lms, of = next(iter(ways.items()))
    file = of["file"] or of.get("page") or ""
    is_several = len(NUMBERS.findall(f"_{part}")) > 1 or ("moodle" in ways and len(ways) > 1)
    is_clear = own_name(file, released)[0] in released if lms != "moodle" else not (is_file or file)
    if is_several and not is_clear:
        what = "has a name that can be read in two ways: it may be another's. Look in the LMS whose it is."
        raise Refused(f"{what} {RENAME}")
    return Owner(lms, of["name"] or "", of["number"], int(of.get("attachment") or 0), file, bool(of.get("late")))


def own_name(file: str, released: Collection[str]) -> tuple[str, int]:
    """Return the name under which a file was handed out, and the number of this copy; 0 for the first."""
    stem, dot, end = file.rpartition(".")
    found = COPY.search(stem)
    name = file if file in released else COPY.sub("", stem) + dot + end
    return name, int(found[1] or found[2]) if found else 0


def name_in_canvas(name: str) -> str:
    """Return a name, last name first, as Canvas writes it into the names of files."""
    return "".join(letter for letter in normalize("NFC", name) if letter == "_" or category(letter)[0] in "LMN").lower()


def name_in_moodle(name: str) -> str:
    """Return a name, first name first, as Moodle writes it into the names of files; case doesn't count."""
    return " ".join(normalize("NFC", UNNAMED.sub("", name)).casefold().split())


class Roster:
    """Who is in the course: `names` by id, and ids by what an LMS calls them."""

    def __init__(self, students: Iterable[Student], numbers: Mapping[tuple[str, str], str]):
        """Take the gradebook's students, and the ids of those who were collected before by LMS and number."""
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
        """Return the id of somebody on the roster, or collected before; "" if nobody is known for certain.

        Moodle's numbers are others in each assignment, so there a name counts that one student alone has.
        """
        alike = self._moodle[name_in_moodle(owner.name)] if owner.lms == "moodle" and owner.name else []
        return self._numbers.get((owner.lms, owner.number)) or (alike[0] if len(alike) == 1 else "")

    def id_of(self, owner: Owner) -> StudentId:
        """Return a student's id: that which is known, else one of the LMS' name and number. Raises Refused."""
        name = re.sub(r"[^\w-]+", "_", UNNAMED.sub("", owner.name) or "student").strip("_")
        id = parse_id(self.known(owner) or "_".join(filter(None, (name, owner.number))))
        if isinstance(id, NoId):
            raise Refused(f"has a name of which no student's id can be made: {id.problem}. {RENAME}")
        return id

    def is_a_groups(self, owner: Owner, student: str) -> bool:
        """True if a file has another name in it than the roster for its number: a group has its own."""
        return owner.lms == "canvas" and self._canvas.get(student, "") not in ("", owner.name.lower())
