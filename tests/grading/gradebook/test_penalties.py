"""What being late costs, once points or extensions have come after the grading."""

from datetime import datetime, timedelta

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.baseapp import NbGrader
from traitlets.config import Config

from lib.grading.gradebook.lateness import renew_penalties

DUE = datetime(2026, 3, 1, 12)
LATE, EARLY = DUE + timedelta(days=1), DUE - timedelta(days=1)


@pytest.fixture
def gradebook():
    """A gradebook in which ada is late, and bao was in time; each has 3 points by grading, and may have 2 by hand."""
    with Gradebook("sqlite://") as gradebook:
        gradebook.add_assignment("work", duedate=DUE)
        gradebook.add_notebook("work", "work")
        for cell, points, kind in (("loss", 3, "code"), ("explain", 2, "markdown")):
            gradebook.add_grade_cell(cell, "work", "work", max_score=points, cell_type=kind)
        for student, stamp in (("ada", LATE), ("bao", EARLY)):
            gradebook.add_student(student)
            gradebook.add_submission("work", student, timestamp=stamp)
            gradebook.find_grade("loss", "work", "work", student).auto_score = 3
        gradebook.db.commit()
        yield gradebook


def renewed(gradebook, method="zero"):
    """Renew the penalties under a rule of nbgrader's; give them, as far as there are any."""
    settings = {"LateSubmissionPlugin": {"penalty_method": method}}
    renew_penalties(gradebook, NbGrader(config=Config(settings)))
    found = {student: gradebook.find_submission("work", student) for student in ("ada", "bao")}
    return {student: one.late_submission_penalty for student, one in found.items() if one.late_submission_penalty}


def test_points_that_were_given_by_hand_cost_the_late_as_much_as_others(gradebook, capsys):
    assert renewed(gradebook, "none") == {}
    assert renewed(gradebook) == {"ada": 3}
    assert len(capsys.readouterr().err.splitlines()) == 1, "what has changed, and not for each student by which rule"
    assert renewed(gradebook, "none") == {"ada": 3}, "without a rule what was taken off stays: see its command line"
    for student in ("ada", "bao"):
        gradebook.find_grade("explain", "work", "work", student).manual_score = 1.5
    gradebook.db.commit()
    assert renewed(gradebook) == {"ada": 4.5}
    assert gradebook.find_submission("work", "ada").score == 4.5


MOVES = {
    "an extension": lambda gradebook: gradebook.grant_extension("work", "ada", days=2),
    "a later due date": lambda gradebook: gradebook.update_or_create_assignment("work", duedate=LATE),
    "no due date": lambda gradebook: gradebook.update_or_create_assignment("work", duedate=None),
}


@pytest.mark.parametrize("move", MOVES)
def test_who_is_in_time_by_what_came_after_the_grading_loses_nothing(gradebook, move, capsys):
    assert renewed(gradebook) == {"ada": 3}
    MOVES[move](gradebook)
    assert renewed(gradebook, "none") == {}
    assert "ada is now on time. The penalty was 3 before." in capsys.readouterr().err
