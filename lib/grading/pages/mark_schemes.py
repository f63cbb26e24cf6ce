"""Mark schemes and model answers, which only an assignment's solution contains."""

import re
from contextlib import suppress

import nbformat
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearMarkScheme, ClearSolutions
from nbgrader.utils import is_solution

from lib.grading.submissions.restore import course_id
from lib.grading.submissions.safe_html import Room, code, markdown
from lib.grading.submissions.submitted_files import step_folder


def read_guides(course: CourseDirectory, assignment: str, notebook: str) -> dict[str, tuple[str, str]]:
    """Return the mark scheme and the model answer of each cell as HTML, by id; "" for one that doesn't exist.

    In a solution cell without solution delimiters, the whole cell is the model answer.
    """
    guides, folder = dict[str, tuple[str, str]](), step_folder(course, "source", ".", assignment)
    clear, empty = ClearMarkScheme(parent=course.parent), ClearSolutions(parent=course.parent)
    with suppress(OSError, ValueError):  # `zerolayer build` reports a solution that can't be read
        for cell in nbformat.read(folder / f"{notebook}.ipynb", as_version=4).cells:
            scheme, rest = _cut(cell.source, clear.begin_mark_scheme_delimeter, clear.end_mark_scheme_delimeter)
            marked, _ = _cut(rest, empty.begin_solution_delimeter, empty.end_solution_delimeter)
            model = marked or (rest if is_solution(cell) else "")
            shown = code(model) if cell.cell_type == "code" else markdown(model, Room(), {}, folder)
            guides[course_id(cell)] = (markdown(scheme, Room(), {}, folder), shown if model else "")
    return guides


def _cut(source: str, begin: str, end: str) -> tuple[str, str]:
    """Return the text between the lines with two delimiters, and the remaining text."""
    region = re.compile(rf".*{re.escape(begin)}.*\n((?:.*\n)*?).*{re.escape(end)}.*\n?")
    return "\n".join(region.findall(source)), region.sub("", source)
