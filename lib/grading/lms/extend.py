"""`zerolayer extend ASSIGNMENT STUDENT --days 2`: extend the deadline for a student, or for all students in a file."""

import csv
from collections.abc import Mapping
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from nbgrader.utils import parse_utc
from traitlets import Unicode

from lib.grading.commands.command import Command, check_assignment, options
from lib.grading.errors import ConfigError, end_sentence
from lib.grading.gradebook.database import has_roster, label, open_gradebook
from lib.grading.gradebook.lateness import extend, renew_penalties
from lib.grading.progress import say
from lib.grading.safe_names import InvalidId, parse_id, unknown, visible
from lib.grading.submissions.collection import LATE_WITH_MORE_TIME, read_collection

LONGEST = 3650
"""The longest extension in days: later dates may be more than a `datetime` can hold."""


Line = Mapping[str, str]
"""An extension as it was typed: a student's `id`, `days` or `until`, and the `place` in a file for messages."""


def more_time(line: Line, due: datetime | None, roster: Mapping[str, str] | None) -> timedelta:
    """Return how much more time it is. Raises ConfigError if the time or the student isn't valid.

    `roster` maps the ids of all students to labels with their names, if there is a roster.
    """
    id, days, until = (line.get(head) or "" for head in ("id", "days", "until"))
    try:
        if isinstance(parsed := parse_id(id), InvalidId):
            raise ConfigError(f"that can't be a student's id: {parsed.problem}")
        if roster is not None and id not in roster:
            raise ConfigError(unknown("student", id, roster.values()))
        if bool(days) == bool(until):
            raise ConfigError("use either --days or --until")
        if until and due is None:
            raise ConfigError("there is no due date yet: use --days, or set a due date first")
        time = parse_utc(until) - due if until else timedelta(days=float(days))
        if not timedelta() <= time <= timedelta(days=LONGEST):
            raise ConfigError(f"that is {time.total_seconds() / 86400:g} days, not between 0 and {LONGEST}")
    except (ConfigError, ValueError, OverflowError) as error:
        asked = " ".join(filter(None, (id, days, until)))
        place = line.get("place", "")
        raise ConfigError(f"{place}{asked!r} can't be used: {end_sentence(str(error))} Nothing was changed.") from error
    return time


class ExtendApp(Command):
    """Give students more time; late penalties follow at once."""

    in_course = True
    name = "zerolayer-extend"
    argument = "ASSIGNMENT [STUDENT]"
    description = """
        Extend a student's deadline for an assignment, also before the student has submitted.

        The new extension replaces an earlier one; --days 0 removes it. Each line of a --file has a student's `id`
        and `days` or `until`; its first line has these column names.
    """
    examples = """
        zerolayer extend UNIT ada --days 2
        zerolayer extend UNIT ada --until "2030-03-05 18:00 UTC"
        zerolayer extend UNIT --file extensions.csv
    """
    days = Unicode("", help="How many days longer than the others, such as 2 or 0.5.").tag(config=True)
    until = Unicode(
        "", help="The new deadline, in UTC if it names no zone. It is stored as days after the due date."
    ).tag(config=True)
    file = Unicode("", help="A CSV file with a line for each student.").tag(config=True)
    aliases = {**options("db"), **{name: f"ExtendApp.{name}" for name in ("days", "until", "file")}}

    def start(self) -> None:
        """Extend the deadlines. Exits with 1, and changes nothing, if one line isn't valid."""
        super().start()
        assignment, *students = self.extra_args or [""]
        if not assignment or len(students) != (0 if self.file else 1):
            self.fail(f"Name an assignment, and a student or a --file: {self.command_name} ASSIGNMENT STUDENT --days 2")
        self.coursedir.assignment_id = check_assignment(self, assignment)
        url, course = self.coursedir.db_url, self.coursedir.course_id
        with self.exit_on_failure("extended"), open_gradebook(url, course) as gradebook:
            due = gradebook.find_assignment(assignment).duedate
            lines = self._lines() if self.file else [{"id": students[0], "days": self.days, "until": self.until}]
            roster = {one.id: label(one) for one in gradebook.students} if has_roster(gradebook) else None
            more = {line["id"]: more_time(line, due, roster) for line in lines}
            if len(more) < len(lines):
                raise ConfigError(f"{self.file} names a student twice. Nothing was changed.")
            extend(gradebook, self.coursedir, assignment, more)
            late = read_collection(self.coursedir, assignment).late
            for student, time in more.items():
                until = f", until {due + time:%Y-%m-%d %H:%M} UTC" if due else ": there is no due date yet"
                if student in late and time:
                    self.log.warning(LATE_WITH_MORE_TIME, student)
                say(visible(f"{student} has {time.total_seconds() / 86400:g} days more for {assignment}{until}."))
            renew_penalties(gradebook, self)

    def _lines(self) -> list[Line]:
        """Return the lines of the file. Raises ConfigError if its first line doesn't name the columns."""
        try:
            text = Path(self.file).read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self.file} can't be read: {error}. Save it as CSV UTF-8.") from error
        reader = csv.DictReader(StringIO(text, newline=""), restval="")
        heads = [*(reader.fieldnames or ())]
        if "id" not in heads or not {"days", "until"} & {*heads}:
            found = ", ".join(heads) or "nothing"
            raise ConfigError(f"{self.file} has no first line `id,days` or `id,until`: found {found}.")
        lines = list[Line]()
        for row in reader:
            line = {head: (row.get(head) or "").strip() for head in ("id", "days", "until")}
            lines.append({**line, "place": f"{self.file}, line {reader.line_num}: "})
        return lines
