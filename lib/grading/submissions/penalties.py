"""Late penalties: what being late costs of the points that there are, by the course's plugin of nbgrader's.

nbgrader asks it when it grades. Points that a person gives, and extensions that are granted, come later: so it is asked
once more before anybody reads what counts.
"""

from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import func, select, update
from traitlets.config import LoggingConfigurable

from lib.grading.submissions.gradebook import late_by


def cost(plugin: LateSubmissionPlugin, student: str, score: float, late: float) -> float | None:
    """Ask the plugin what it costs to be `late` seconds late: no less than nothing and no more than there is."""
    penalty = plugin.late_submission_penalty(student, score, late)
    return None if penalty is None else min(max(penalty, 0), score)


def renew_penalties(gradebook: Gradebook, parent: LoggingConfigurable) -> None:
    """Write what being late costs of the points that there are now, and log what has changed by that.

    `parent` has the course's configuration. What came in time is not looked at. Where that has no rule nothing changes:
    it may have been given on the command line of the grading.
    """
    step = AssignLatePenalties(parent=parent)
    step.init_plugin()
    whole, part = SubmittedAssignment, SubmittedNotebook
    known = (
        part.id,
        part.late_submission_penalty,
        whole.student_id,
        whole.timestamp,
        Assignment.duedate,
        whole.extension,
    )
    late = (
        select(*known, func.sum(Grade.score))
        .join(whole, whole.id == part.assignment_id)
        .join(Assignment, Assignment.id == whole.assignment_id)
        .join(Grade, Grade.notebook_id == part.id)
        .where(whole.timestamp > Assignment.duedate)
        .group_by(*known)
    )
    for notebook, before, student, *times, score in gradebook.db.execute(late).all():
        seconds = late_by(*times).total_seconds()
        now = cost(step.plugin_inst, student, score, seconds) if seconds else 0
        if now is not None and round(now, 4) != round(before or 0, 4):
            gradebook.db.execute(update(part).where(part.id == notebook).values(late_submission_penalty=now))
            said = "%s is late, which costs %g points now. It cost %g when that was graded."
            parent.log.warning(said, student, now, before or 0)
            gradebook.db.commit()
