"""`zerolayer report ASSIGNMENT`: write the class report.

A student's name links to formgrader and to the feedback page, if it exists, if possible to the cell in question.
"""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from urllib.parse import quote

from nbgrader.coursedir import CourseDirectory
from traitlets import Unicode, default

from lib.grading.commands.command import Command, check_assignment, named_assignment, options
from lib.grading.files import write_whole
from lib.grading.gradebook.database import open_gradebook
from lib.grading.gradebook.lateness import renew_penalties
from lib.grading.machine_faults import sentence
from lib.grading.pages import analysis
from lib.grading.pages.class_data import Classroom, StudentWork, read_classroom
from lib.grading.pages.likeness import like_works
from lib.grading.pages.templates import templates
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import say
from lib.grading.submissions.submitted_files import step_folder


class ReportApp(Command):
    """Write a report on a graded class as one HTML file."""

    in_course = True

    name = "zerolayer-report"
    argument = "ASSIGNMENT"
    description = (
        "Write a page about a graded class: scores, parts, common mistakes, and submissions that need a person."
    )
    examples = """
        zerolayer report UNIT
    """
    folder = Unicode("reports", help="The folder in the course for reports.").tag(config=True)
    server = Unicode(
        help="The address of the Jupyter server with formgrader, for links. On a hub, by default the hub's server."
    ).tag(config=True)
    aliases = {**options("assignment", "db"), "server": "ReportApp.server"}

    uses = (UnitPreprocessor,)

    @default("server")
    def _server_default(self) -> str:
        # A hub sets its public address only if configured. The path alone works for pages that the hub serves.
        names = ("JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_SERVICE_PREFIX")
        return next(filter(None, map(os.environ.get, names)), "http://localhost:8888")

    def start(self) -> None:
        """Write the page and print its path. Exits with 1 if nothing is graded, or the page can't be written."""
        super().start()
        self.coursedir.assignment_id = assignment = check_assignment(self, named_assignment(self))
        with self.exit_on_failure("reported on"):
            try:
                self.write(self._classroom(assignment))
            except OSError as error:
                why = error.strerror or error
                self.fail("%s can't be written: %s. Try another folder: --ReportApp.folder=FOLDER", error.filename, why)

    def write(self, classroom: Classroom) -> None:
        """Write the page of a class with a verdict, and print its path. Raises OSError."""
        page = Path(self.coursedir.root, self.folder, f"{classroom.assignment}.html")
        write_whole(page, self._render(classroom, page.parent).encode())
        say(f"{page} covers {len(classroom.graded)} graded submissions. Open it in a browser.")

    def _render(self, classroom: Classroom, folder: Path) -> str:
        """Return the page, whose links start from `folder`. The template escapes all text."""
        assignment, notebook = classroom.assignment, classroom.graded[0][1].notebook
        found, group, formgrader = analysis.scores(classroom), analysis.group, f"{self.server.rstrip('/')}/formgrader"

        @cache  # a name occurs in many lists, and each link needs a look at the disk
        def links_of(work: StudentWork) -> tuple[str, str]:
            page = step_folder(self.coursedir, "feedback", work.student, assignment) / f"{notebook}.html"
            feedback = quote(os.path.relpath(page, folder).replace(os.sep, "/")) if page.is_file() else ""
            return feedback, f"{formgrader}/submissions/{quote(work.submission)}" if work.submission else ""

        return (
            templates()
            .get_template("class.html.j2")
            .render(
                assignment=assignment,
                server=self.server,
                links_of=links_of,
                marking=f"{formgrader}/marking/{quote(assignment)}",
                classroom=classroom,
                made=datetime.now().astimezone(),
                due=classroom.due and classroom.due.replace(tzinfo=UTC).astimezone(),
                scores=found,
                median=median(found.values) if found.values else None,
                bins=analysis.distribution(found),
                parts=analysis.part_figures(classroom),
                outcomes=analysis.OUTCOMES,
                outcome_of=analysis.outcome,
                mistakes=analysis.mistakes(classroom, UnitPreprocessor(parent=self).unit_of(assignment)),
                unknown=analysis.unknown(classroom),
                predictions=analysis.predictions(classroom),
                codes_of=analysis.codes_of,
                to_mark=group((cell, work) for work in classroom.works for cell in work.to_mark),
                to_review=group((cell, work) for work in classroom.works for cell in work.to_review),
                late=[work for work in classroom.works if work.late],
                like=like_works(classroom, self.coursedir),
            )
        )

    def _classroom(self, assignment: str) -> Classroom:
        with open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            renew_penalties(gradebook, self)
        classroom = read_classroom(self.coursedir, assignment)
        if not classroom.graded and not UnitPreprocessor(parent=self).location_of(assignment):
            self.fail(
                f"There is no report on {assignment}, since it has no unit and so no verdicts. Its points are in"
                " formgrader and in the output of `nbgrader export`."
            )
        if not classroom.graded:
            faults = [f"The verdict.json of {work.student} {work.fault}." for work in classroom.works if work.fault]
            none = f"There is no verdict on {assignment} yet. Run `zerolayer grade {assignment}` first."
            self.fail("%s", " ".join([none, *faults[:3]]))
        return classroom


def write_report(app: Command) -> None:
    """Write the class report at the end of another command, if there is a verdict; else, or on failure, go on."""
    assignment = app.coursedir.assignment_id
    report = ReportApp(parent=app, coursedir=CourseDirectory(parent=app))
    report.coursedir.assignment_id = assignment
    try:
        if (classroom := read_classroom(report.coursedir, assignment)).graded:
            report.write(classroom)
    except OSError as error:
        app.log.warning("The report can't be written: %s", sentence(error))
