"""Late penalties, computed by the course's plugin for nbgrader.

nbgrader computes them only when it grades. They are computed again before points are exported or shown, because a
person may have given points, granted an extension or moved the due date since.
"""

from logging import getLogger

from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import func, or_, select, update
from traitlets.config import LoggingConfigurable

from lib.grading.gradebook.session import late_by


def cost(plugin: LateSubmissionPlugin, student: str, score: float, late: float) -> float | None:
    """Return the plugin's penalty for being `late` seconds late, between 0 and `score`; None without a penalty."""
    penalty = plugin.late_submission_penalty(student, score, late)
    return None if penalty is None else min(max(penalty, 0), score)


def renew_penalties(gradebook: Gradebook, parent: LoggingConfigurable) -> None:
    """Compute and store the late penalties for the current points, and log each change.

    `parent` has the course's configuration. If that has no rule, stored penalties stay, because the rule may have been
    given on the command line of `grade`. A submission that is now on time has no penalty in any case.
    """
    step = AssignLatePenalties(parent=parent)
    step.init_plugin()
    step.plugin_inst.log = getLogger(__name__)  # or the plugin logs its rule for each student
    whole, part, due = SubmittedAssignment, SubmittedNotebook, Assignment.duedate
    known = (part.id, part.late_submission_penalty, whole.student_id, whole.timestamp, due, whole.extension)
    late = (
        select(*known, func.sum(Grade.score))
        .join(whole, whole.id == part.assignment_id)
        .join(Assignment, Assignment.id == whole.assignment_id)
        .join(Grade, Grade.notebook_id == part.id)
        .where(or_(whole.timestamp > due, part.late_submission_penalty > 0))
        .group_by(*known)
    )
    for notebook, before, student, *times, score in gradebook.db.execute(late).all():
        seconds = late_by(*times).total_seconds()
        now = cost(step.plugin_inst, student, score, seconds) if seconds else 0
        if now is not None and round(now, 4) != round(before or 0, 4):
            gradebook.db.execute(update(part).where(part.id == notebook).values(late_submission_penalty=now))
            change = f"is late, which now costs {now:g} points" if seconds else "is now on time"
            parent.log.warning("%s %s. The penalty was %g before.", student, change, before or 0)
            gradebook.db.commit()
