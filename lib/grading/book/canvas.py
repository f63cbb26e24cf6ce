"""Canvas' gradebook as a file: who is in the course, and a column of points for each assignment.

*Export Entire Gradebook* writes it, and *Import* takes it back. Below the heads stands a row of the points possible,
sometimes after one that says which columns are posted by hand. An assignment's head is its title with its number, such
as `Title (1234)`. (Canvas LMS, gradebook_exporter.rb and gradebook_importer.rb.)
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Self

from lib.grading.errors import ConfigError

BEFORE_ASSIGNMENTS = "Section"
POSSIBLE = "Points Possible"
TEST_STUDENT = "Student, Test"
"""How Canvas calls the student as whom an instructor looks at the course."""
NUMBERED = re.compile(r"(?P<title>.*\S)\s*\((?P<number>\d+)\)", re.DOTALL)


@dataclass(frozen=True)
class Enrolled:
    """Somebody in the course: Canvas' own number, and what the institution calls them."""

    number: str
    last_name: str
    first_name: str
    login: str
    sis: str


@dataclass
class CanvasFile:
    """The file: its heads, and all other rows as they are. `name` is how it is called in an error."""

    name: str
    heads: list[str]
    rows: list[list[str]]
    delimiter: str
    encoding: str

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read it. Raises ConfigError, with one thing to try, where it is another file or can't be read."""
        again = "In Canvas, choose Grades, Export, Export Entire Gradebook, and give that file as it is."
        try:
            content = file.read_bytes()
            encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
            text = content.decode(encoding)
            for delimiter in ",;":  # Canvas writes semicolons where a decimal number has a comma
                heads, *rows = [*csv.reader(StringIO(text, newline=""), delimiter=delimiter)] or [[]]
                if {"ID", BEFORE_ASSIGNMENTS} <= set(heads):
                    return cls(str(file), heads, [row for row in rows if any(row)], delimiter, encoding)
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}. {again}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{file} can't be read: {error}. A spreadsheet may have changed it. {again}") from error
        found = ", ".join(heads[:5]) or "nothing"
        raise ConfigError(f"{file} is no gradebook of Canvas', with the columns ID and Section: found {found}. {again}")

    def cell(self, row: list[str], head: str) -> str:
        """Give what stands in a row under a head; "" where there is no such column."""
        at = self.heads.index(head) if head in self.heads else len(row)
        return row[at].strip() if at < len(row) else ""

    def students(self) -> Iterator[tuple[Enrolled, list[str]]]:
        """Give everybody in the course, each with the row."""
        for row in self.rows:
            last, _, first = (part.strip() for part in self.cell(row, "Student").partition(","))
            last, first = last or self.cell(row, "LastName"), first or self.cell(row, "FirstName")
            number = self.cell(row, "ID")
            if number and f"{last}, {first}" != TEST_STUDENT:
                yield Enrolled(number, last, first, self.cell(row, "SIS Login ID"), self.cell(row, "SIS User ID")), row

    def column(self, asked: str) -> int:
        """Find an assignment's column by its head, its title or its number. Raises ConfigError for none or several.

        In titles neither case counts nor what is no letter or digit, since an assignment's own name has no spaces.
        """
        first = self.heads.index(BEFORE_ASSIGNMENTS) + 1
        heads = {at: NUMBERED.fullmatch(head) for at, head in enumerate(self.heads) if at >= first}
        numbered = {at: head for at, head in heads.items() if head}
        exact = [at for at, head in numbered.items() if asked in (head[0], head["number"])]
        found = exact or [at for at, head in numbered.items() if _letters(head["title"]) == _letters(asked)]
        if len(found) == 1:
            return found[0]
        there = ", ".join(repr(self.heads[at]) for at in found or numbered) or "none"
        raise ConfigError(
            f"{self.name} has {'several columns' if found else 'no column'} for {asked!r}: found {there}. Say which it"
            " is: --CanvasExporter.columns=\"{'ASSIGNMENT': 'TITLE OR NUMBER'}\""
        )

    def possible(self, column: int) -> float | None:
        """Give the points possible in a column; None where the file has no number there."""
        own = [row[column] for row in self.rows if POSSIBLE in row[0] and column < len(row)]
        try:
            return float(own[0].replace(",", ".")) if own else None
        except ValueError:
            return None


def _letters(title: str) -> str:
    return re.sub(r"[\W_]", "", title).casefold()
