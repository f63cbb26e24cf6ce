"""Files of an LMS: Canvas' gradebook, and of Moodle an assignment's grading worksheet and the list of participants.

Canvas: below the heads is a row of the points possible, sometimes after one on columns that are posted by hand. An
assignment's head is its title with its number, such as `Title (1234)`. (gradebook_exporter.rb, gradebook_importer.rb)
Moodle: a worksheet's `Identifier`, `Participant 12345`, has the number that is in the names of downloaded files, too.
(mod/assign/feedback/offline/importlib.php)
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Self

from lib.grading.errors import ConfigError

SECTION, GRADE, IDENTIFIER = "Section", "Grade", "Identifier"
HEADS = {"canvas": {"ID", SECTION}, "worksheet": {IDENTIFIER, GRADE}, "participants": {"First name", "Email address"}}
"""By which heads each kind of file is known."""
WHERE = {
    "canvas": "In Canvas, choose Grades, Export, Export Entire Gradebook",
    "worksheet": "In Moodle, set the language to English, and choose Submissions, Download grading worksheet",
    "participants": "In Moodle, set the language to English, and choose Participants, Select all, Download as CSV",
}
POSSIBLE = "Points Possible"
TEST_STUDENT = "Student, Test"
"""How Canvas calls the student as whom an instructor looks at the course."""
NUMBERED = re.compile(r"(?P<title>.*\S)\s*\((?P<number>\d+)\)", re.DOTALL)
FRACTION = re.compile(r"\d+([.,])\d+")


@dataclass(frozen=True)
class Person:
    """Somebody in the course: the LMS' own number, "" if the file has none, and what the institution calls them."""

    number: str
    last_name: str
    first_name: str
    login: str
    own_number: str
    email: str


@dataclass
class LmsFile:
    """A file: its heads, and all other rows as they are. `name` is how it is called in an error."""

    name: str
    kind: str
    heads: list[str]
    rows: list[list[str]]
    delimiter: str
    encoding: str

    @classmethod
    def read(cls, file: Path, *kinds: str) -> Self:
        """Read a file of one of these kinds. Raises ConfigError, with one thing to try, where it is another one."""
        again = "; ".join(WHERE[kind] for kind in kinds) + ", and give that file as it is."
        try:
            content = file.read_bytes()
            encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
            text = content.decode(encoding)
            tables = [(each, [*csv.reader(StringIO(text, newline=""), delimiter=each)] or [[]]) for each in ",;\t"]
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}. {again}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{file} can't be read: {error}. A spreadsheet may have changed it. {again}") from error
        for kind in kinds:
            for delimiter, (heads, *rows) in tables:
                if HEADS[kind] <= set(heads):
                    return cls(str(file), kind, heads, [row for row in rows if any(row)], delimiter, encoding)
        wanted = " or ".join(" and ".join(sorted(HEADS[kind])) for kind in kinds)
        found = ", ".join(tables[0][1][0][:5]) or "nothing"
        raise ConfigError(f"{file} has no columns {wanted}: found {found}. {again}")

    def cell(self, row: list[str], *heads: str) -> str:
        """Return what a row has below the first of these heads that has anything; case doesn't count."""
        known = {head.casefold(): at for at, head in enumerate(self.heads[: len(row)])}
        return next(filter(None, (row[known[head]].strip() for head in map(str.casefold, heads) if head in known)), "")

    def people(self) -> Iterator[tuple[Person, list[str]]]:
        """Return everybody in the course, each with the row."""
        for row in self.rows:
            last, _, first = (part.strip() for part in self.cell(row, "Student").partition(","))
            number = self.cell(row, "ID") or "".join(re.findall(r"\d+$", self.cell(row, IDENTIFIER)))
            last = last or self.cell(row, "LastName", "Last name", "Surname")
            first = first or self.cell(row, "FirstName", "First name")
            if (number or self.kind == "participants") and f"{last}, {first}" != TEST_STUDENT:
                login, own = self.cell(row, "SIS Login ID", "Username"), self.cell(row, "SIS User ID", "ID number")
                yield Person(number, last, first, login, own, self.cell(row, "Email address")), row

    def column(self, asked: str) -> int:
        """Return where an assignment's points are: in Canvas' gradebook by its head, its title or its number.

        In titles neither case counts nor what is no letter or digit, since an assignment's own name has no spaces.
        Raises ConfigError where there is no such column, or several.
        """
        if self.kind != "canvas":
            return self.heads.index(GRADE)
        first = self.heads.index(SECTION) + 1
        heads = {at: NUMBERED.fullmatch(head) for at, head in enumerate(self.heads) if at >= first}
        numbered = {at: head for at, head in heads.items() if head}
        exact = [at for at, head in numbered.items() if asked in (head[0], head["number"])]
        found = exact or [at for at, head in numbered.items() if _letters(head["title"]) == _letters(asked)]
        if len(found) == 1:
            return found[0]
        there = ", ".join(repr(self.heads[at]) for at in found or numbered) or "none"
        raise ConfigError(
            f"{self.name} has {'several columns' if found else 'no column'} for {asked!r}: found {there}. Say which it"
            " is, by its title or number: --column=1234"
        )

    def maximum(self, row: list[str], column: int) -> float | None:
        """Return the most points that a row's person can have in a column; None where the file has no such number."""
        possible = [each[column] for each in self.rows if POSSIBLE in each[0] and column < len(each)]
        try:
            return float((*possible, self.cell(row, "Maximum grade"))[0].replace(",", "."))
        except ValueError:
            return None

    @property
    def decimal_sign(self) -> str:
        """What divides a number from its fraction here."""
        found = (match[1] for row in self.rows for cell in row if (match := FRACTION.fullmatch(cell.strip())))
        return next(found, "," if self.delimiter == ";" else ".")


def _letters(title: str) -> str:
    return re.sub(r"[\W_]", "", title).casefold()
