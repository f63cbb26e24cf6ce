"""Predictions of a class in a unit's experiments.

They are read from the submitted notebooks, because grading skips experiments. A student can write anything there, so
only the numbers of choices are used.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import orjson
from nbgrader.coursedir import CourseDirectory

from lib.grading.pages.class_data import Classroom
from lib.grading.safe_names import InvalidId, parse_id
from lib.grading.submissions.submission import MOST_PARTS, submitted_notebook
from lib.grading.submissions.submitted_files import NoAccessError, read, step_folder
from lib.predictions.records import MIME, Predictions, predictions_in
from lib.unit import Question


def question_figures(
    course: CourseDirectory, classroom: Classroom, questions: Sequence[Question]
) -> list[tuple[Question, list[int]]]:
    """Return each question with the number of graded submissions that predicted each of its choices.

    Questions without any prediction are left out.
    """
    notebooks = {verdict.notebook for _, verdict in classroom.graded}
    predictions = [
        read_predictions(course, classroom.assignment, work.student, verdict.notebook, questions, notebooks)
        for work, verdict in classroom.graded
    ]
    counts = Counter(prediction for each in predictions for prediction in each.items())
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
    """Read the predictions in a submitted notebook; none if it can't be read.

    `notebooks` are those of the assignment, none of which can take the place of another.
    """
    folder = step_folder(course, "submitted", student, assignment)
    if not questions or isinstance(id := parse_id(student), InvalidId):
        return {}
    try:
        data = submitted_notebook(read(folder, id, notebooks_only=True), notebook, notebooks) or b""
        # Skip notebooks without predictions, and those that would take too much memory when parsed.
        if MIME.encode() not in data or data.count(b"[") + data.count(b"{") > MOST_PARTS:
            return {}
        return predictions_in(orjson.loads(data), questions)
    except (OSError, ValueError, NoAccessError):
        return {}
