"""The pages: one for the class, one for a student's appeal. Templates escape whatever a student or a roster wrote.

Links from a name lead to the student's feedback page, if it has been written, and to formgrader.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbgrader.coursedir import CourseDirectory

from lib.checking.render import MARKS
from lib.grading.judge.verdict import Verdict
from lib.grading.report import charts, clusters, evidence, item_analysis, run_issues
from lib.grading.report.classroom import Classroom, Work
from lib.grading.report.mistakes import mistakes_made
from lib.grading.untrusted_names import visible
from lib.unit import AnswerKey

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Links:
    """Addresses as they are written on a page that lies in `folder`; `server` is the Jupyter server's own."""

    course: CourseDirectory
    assignment: str
    notebook: str
    folder: Path
    server: str

    def feedback(self, work: Work) -> str:
        """Lead to a student's feedback page, or nowhere if it hasn't been written."""
        folder = self.course.format_path(self.course.feedback_directory, work.student, self.assignment)
        page = Path(folder, f"{self.notebook}.html")
        return quote(os.path.relpath(page, self.folder).replace(os.sep, "/")) if page.is_file() else ""

    def formgrader(self, work: Work) -> str:
        """Lead to where a person marks this work, or nowhere if the gradebook doesn't have it."""
        return f"{self.server.rstrip('/')}/formgrader/submissions/{quote(work.submission)}" if work.submission else ""

    def own_page(self, work: Work) -> str:
        """Lead to the page for an appeal, or nowhere if it wasn't asked for."""
        page = own_page(self.folder, self.assignment, work.student)
        return quote(f"{self.assignment}/{page.name}") if page.is_file() else ""


def own_page(folder: Path, assignment: str, student: str) -> Path:
    """Say where one student's page lies."""
    return folder / assignment / f"{student}.html"


def class_page(classroom: Classroom, unit: AnswerKey | None, links: Links, made: datetime) -> str:
    """Write the class's page."""
    found = item_analysis.scores(classroom)
    return (
        _environment(links)
        .get_template("class.html.j2")
        .render(
            classroom=classroom,
            made=made,
            scores=found,
            median=median(found.values) if found.values else None,
            bins=item_analysis.distribution(found),
            parts=item_analysis.part_figures(classroom),
            mistakes=mistakes_made(classroom, unit),
            unknown=clusters.groups_of_unknown(classroom),
            codes_of=lambda group: clusters.codes_of(group, unit),
            events=run_issues.run_events(classroom),
            library_calls=run_issues.notebooks_with_library_calls(classroom),
            to_mark=run_issues.to_mark(classroom),
            late=[work for work in classroom.works if work.late],
        )
    )


def student_page(work: Work, verdict: Verdict, links: Links, made: datetime) -> str:
    """Write one student's page, from a verdict with its evidence; it lies in a folder below the class's page."""
    return (
        _environment(links)
        .get_template("student.html.j2")
        .render(work=work, verdict=verdict, made=made, asked=evidence.asked, probes=evidence.probes)
    )


def _environment(links: Links) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What a name or code has in it that isn't printed could turn the reading direction, or be in no encoding.
        finalize=lambda value: visible(value, keep="\n\t") if type(value) is str else value,
    )
    environment.globals.update(
        assignment=links.assignment,
        links=links,
        links_of=cache(lambda work: (links.feedback(work), links.formgrader(work))),
        charts=charts,
        outcomes=item_analysis.OUTCOMES,
        outcome_of=item_analysis.outcome,
        marks=MARKS | {"open": "?"},
        css=Markup((HERE / "report.css").read_text(encoding="utf-8")),
    )
    environment.filters.update(points=points, duration=duration, count=count)
    return environment


def points(value: float) -> str:
    """Write points without needless zeros."""
    return f"{round(value, 2):g}"


def duration(late: timedelta) -> str:
    """Write how late something was, in the largest unit and the next."""
    minutes = max(1, round(late.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    shown = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(shown[:2])


def count(things: Iterable[object], one: str, many: str = "") -> str:
    """Write how many there are, with the noun that fits."""
    number = len(list(things))
    return f"{number} {one if number == 1 else many or one + 's'}"
