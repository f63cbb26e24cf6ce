"""Late penalties: what being late costs of the points that there are, by the course's plugin of nbgrader's.

nbgrader asks it when it grades. Points that a person gives, extensions that are granted, and a due date that is moved
come later: so it is asked once more before anybody reads what counts.
"""

from logging import getLogger

from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import func, or_, select, update
from traitlets.config import LoggingConfigurable

from lib.grading.gradebook.session import late_by


def cost(plugin: LateSubmissionPlugin, student: str, score: float, late: float) -> float | None:
    """Ask the plugin what it costs to be `late` seconds late: no less than nothing and no more than there is."""
    penalty = plugin.late_submission_penalty(student, score, late)
    return None if penalty is None else min(max(penalty, 0), score)


def renew_penalties(gradebook: Gradebook, parent: LoggingConfigurable) -> None:
    """Write what being late costs of the points that there are now, and log what has changed by that.

    `parent` has the course's configuration. Where that has no rule, what the grading took off stays, for the rule may
    have been given on its command line; but what counts as in time now costs nothing by any rule.
    """
    step = AssignLatePenalties(parent=parent)
    step.init_plugin()
    step.plugin_inst.log = getLogger(__name__)  # it would say for each student by which rule it goes
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
            said = f"is late, which costs {now:g} points now" if seconds else "counts as in time now"
            parent.log.warning("%s %s. Before, being late cost %g.", student, said, before or 0)
            gradebook.db.commit()
