"""What the class predicted in a unit's lab, against what is so.

Predictions are read from the notebooks as they were handed in: a run for grading skips experiments. A student can write
anything there, so nothing is taken over but the number of a choice.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import orjson
from nbgrader.coursedir import CourseDirectory

from lib.grading.names import InvalidId, parse_id
from lib.grading.pages.classroom import Classroom
from lib.grading.submissions.submission import MOST_PARTS, submitted_notebook
from lib.grading.submissions.submitted_files import ClosedError, read
from lib.predictions.records import MIME, Predictions, predictions_in
from lib.unit import Question


def question_figures(
    course: CourseDirectory, classroom: Classroom, questions: Sequence[Question]
) -> list[tuple[Question, list[int]]]:
    """Count for each question's choices, in order, how many of all graded submissions predicted them.

    A question that nobody answered is left out.
    """
    notebooks = {verdict.notebook for _, verdict in classroom.graded}
    given = [
        read_predictions(course, classroom.assignment, work.student, verdict.notebook, questions, notebooks)
        for work, verdict in classroom.graded
    ]
    counts = Counter(prediction for each in given for prediction in each.items())
    found = [(each, [counts[each.id, at] for at in range(len(each.choices))]) for each in questions]
    return [(question, numbers) for question, numbers in found if any(numbers)]


def read_predictions(
    course: CourseDirectory,
    assignment: str,
    student: str,
    notebook: str,
    questions: Sequence[Question],
    notebooks: Collection[str] = (),
) -> Predictions:
    """Read the predictions in a notebook as it was handed in; none where it can't be read.

    `notebooks` are those of the assignment: none of them stands for one that is missing.
    """
    folder = Path(course.format_path(course.submitted_directory, student, assignment))
    if not questions or isinstance(id := parse_id(student), InvalidId):
        return {}
    try:
        data = submitted_notebook(read(folder, id, notebooks_only=True), notebook, notebooks) or b""
        # Most of a class's notebooks may have none, and what is counted is what may take much memory when it is read.
        if MIME.encode() not in data or data.count(b"[") + data.count(b"{") > MOST_PARTS:
            return {}
        return predictions_in(orjson.loads(data), questions)
    except (OSError, ValueError, ClosedError):
        return {}
