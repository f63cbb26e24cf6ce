"""`zerolayer extend ASSIGNMENT STUDENT --days 2`: extend the deadline for a student."""

from datetime import datetime, timedelta

from nbgrader.utils import parse_utc
from traitlets import Unicode

from lib.grading.commands.command import Command, check_assignment, options
from lib.grading.errors import ConfigError, end_sentence
from lib.grading.gradebook.database import has_roster, label, open_gradebook
from lib.grading.gradebook.lateness import extend, renew_penalties
from lib.grading.progress import say
from lib.grading.safe_names import InvalidId, parse_id, unknown, visible
from lib.grading.submissions.collection_records import LATE_WITH_MORE_TIME, read_collection

LONGEST = 3650
"""The longest extension in days: later dates may be more than a `datetime` can hold."""


def more_time(days: str, until: str, due: datetime | None) -> timedelta:
    """Return how much more time `days` or `until` gives. Raises ConfigError unless exactly one is given and valid."""
    try:
        if bool(days) == bool(until):
            raise ConfigError("use either --days or --until")
        if until and due is None:
            raise ConfigError("there is no due date yet: use --days, or set a due date first")
        time = parse_utc(until) - due if until else timedelta(days=float(days))
        if not timedelta() <= time <= timedelta(days=LONGEST):
            raise ConfigError(f"that is {time.total_seconds() / 86400:g} days, not between 0 and {LONGEST}")
    except (ConfigError, ValueError, OverflowError) as error:
        asked = " ".join(filter(None, (days, until)))
        raise ConfigError(f"{asked!r} can't be used: {end_sentence(str(error))} Nothing was changed.") from error
    return time


class ExtendApp(Command):
    """Extend a student's deadline; late penalties follow at once."""

    in_course = True
    name = "zerolayer-extend"
    argument = "ASSIGNMENT STUDENT"
    description = """
        Extend a student's deadline for an assignment, also before the student has submitted.

        The new extension replaces an earlier one; --days 0 removes it.
    """
    examples = """
        zerolayer extend UNIT ada --days 2
        zerolayer extend UNIT ada --until "2030-03-05 18:00 UTC"
    """
    days = Unicode("", help="How many days longer than the others, such as 2 or 0.5.").tag(config=True)
    until = Unicode(
        "", help="The new deadline, in UTC if it names no zone. It is stored as days after the due date."
    ).tag(config=True)
    aliases = {**options("db"), "days": "ExtendApp.days", "until": "ExtendApp.until"}

    def start(self) -> None:
        """Extend the deadline. Exits with 1, and changes nothing, if the time or the student isn't valid."""
        super().start()
        if len(self.extra_args) != 2:
            self.fail(f"Name an assignment and a student: {self.command_name} ASSIGNMENT STUDENT --days 2")
        assignment, student = self.extra_args
        self.coursedir.assignment_id = check_assignment(self, assignment)
        url, course = self.coursedir.db_url, self.coursedir.course_id
        with self.exit_on_failure("extended"), open_gradebook(url, course) as gradebook:
            due = gradebook.find_assignment(assignment).duedate
            if isinstance(parsed := parse_id(student), InvalidId):
                raise ConfigError(f"{student!r} can't be a student's id: {parsed.problem}. Nothing was changed.")
            roster = {one.id: label(one) for one in gradebook.students} if has_roster(gradebook) else {student: ""}
            if student not in roster:
                raise ConfigError(f"{unknown('student', student, roster.values())} Nothing was changed.")
            time = more_time(self.days, self.until, due)
            extend(gradebook, self.coursedir, assignment, student, time)
            if time and student in read_collection(self.coursedir, assignment).late:
                self.log.warning(LATE_WITH_MORE_TIME, student)
            until = f", until {due + time:%Y-%m-%d %H:%M} UTC" if due else ": there is no due date yet"
            say(visible(f"{student} has {time.total_seconds() / 86400:g} days more for {assignment}{until}."))
            renew_penalties(gradebook, self)
