"""Tables of an LMS as CSV: Canvas' gradebook, and Moodle's grading worksheets and list of participants.

Canvas: a row of the points possible follows the header, sometimes after a row on manual posting. An assignment's column
is its title with its number, such as `Title (1234)`. (gradebook_exporter.rb, gradebook_importer.rb)
Moodle: the number in a worksheet's `Identifier`, `Participant 12345`, also occurs in the names of downloaded files.
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
"""Columns that identify each kind of file."""
WHERE = {
    "canvas": "In Canvas, choose Grades, Export, Export Entire Gradebook",
    "worksheet": "In Moodle, set the language to English, and choose Submissions, Download grading worksheet",
    "participants": "In Moodle, set the language to English, and choose Participants, Select all, Download table data"
    " as CSV",
}
POSSIBLE = "Points Possible"
TEST_STUDENT = "Student, Test"
"""Canvas' name of the account with which an instructor views the course as a student."""
NUMBERED = re.compile(r"(?P<title>.*\S)\s*\((?P<number>\d+)\)", re.DOTALL)
FRACTION = re.compile(r"\d+([.,])\d+")


@dataclass(frozen=True)
class Person:
    """A person in the course: the LMS' number, "" if the file has none, and the institution's names and numbers."""

    number: str
    last_name: str
    first_name: str
    login: str
    own_number: str
    email: str

    @property
    def name(self) -> str:
        """The name, first name first."""
        return f"{self.first_name} {self.last_name}"


@dataclass
class Table:
    """A CSV file: its header `heads`, and all other rows unchanged. `name` is for error messages."""

    name: str
    kind: str
    heads: list[str]
    rows: list[list[str]]
    delimiter: str
    encoding: str

    @classmethod
    def read(cls, file: Path, *kinds: str) -> Self:
        """Read a file of one of these kinds. Raises ConfigError, with one thing to try, if it is another file."""
        again = "; ".join(WHERE[kind] for kind in kinds) + ", and use that file unchanged."
        try:
            content = file.read_bytes()
            encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
            text = content.decode(encoding)
            tables = [(each, [*csv.reader(StringIO(text, newline=""), delimiter=each)] or [[]]) for each in ",;\t"]
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}. {again}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            why = f"{file} can't be read: {error}. A spreadsheet program may have changed it."
            raise ConfigError(f"{why} {again}") from error
        for kind in kinds:
            for delimiter, (heads, *rows) in tables:
                if HEADS[kind] <= set(heads):
                    return cls(str(file), kind, heads, [row for row in rows if any(row)], delimiter, encoding)
        wanted = " or ".join(" and ".join(sorted(HEADS[kind])) for kind in kinds)
        found = ", ".join(tables[0][1][0][:5]) or "nothing"
        raise ConfigError(f"{file} has no columns {wanted}: found {found}. {again}")

    def cell(self, row: list[str], *heads: str) -> str:
        """Return the first nonempty cell of a row in the columns `heads`; case doesn't count."""
        known = {head.casefold(): at for at, head in enumerate(self.heads[: len(row)])}
        return next(filter(None, (row[known[head]].strip() for head in map(str.casefold, heads) if head in known)), "")

    def people(self) -> Iterator[tuple[Person, list[str]]]:
        """Yield each person in the course with their row."""
        for row in self.rows:
            last, _, first = (part.strip() for part in self.cell(row, "Student").partition(","))
            number = self.cell(row, "ID") or "".join(re.findall(r"\d+$", self.cell(row, IDENTIFIER)))
            last = last or self.cell(row, "LastName", "Last name", "Surname")
            first = first or self.cell(row, "FirstName", "First name")
            if (number or self.kind == "participants") and f"{last}, {first}" != TEST_STUDENT:
                login, own = self.cell(row, "SIS Login ID", "Username"), self.cell(row, "SIS User ID", "ID number")
                yield Person(number, last, first, login, own, self.cell(row, "Email address")), row

    def column(self, asked: str) -> int:
        """Return the position of an assignment's column: in Canvas' gradebook by its header, title or number.

        Only letters and digits of a title count, without case, because an assignment's name has no spaces. Raises
        ConfigError if there is no such column, or more than one.
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
        columns = ", ".join(repr(self.heads[at]) for at in found or numbered) or "none"
        raise ConfigError(
            f"{self.name} has {'several columns' if found else 'no column'} for {asked!r}: found {columns}. Choose one"
            " by its title or number: --column=1234"
        )

    def maximum(self, row: list[str], column: int) -> float | None:
        """Return the maximum points of a column, or of a row in a worksheet; None if the file has no such number."""
        possible = [each[column] for each in self.rows if POSSIBLE in each[0] and column < len(each)]
        try:
            return float((*possible, self.cell(row, "Maximum grade"))[0].replace(",", "."))
        except ValueError:
            return None

    @property
    def decimal_sign(self) -> str:
        """The decimal separator of the file's numbers."""
        found = (match[1] for row in self.rows for cell in row if (match := FRACTION.fullmatch(cell.strip())))
        return next(found, "," if self.delimiter == ";" else ".")


def _letters(title: str) -> str:
    return re.sub(r"[\W_]", "", title).casefold()
