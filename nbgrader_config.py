"""The course's nbgrader configuration; it works in any folder that has `solutions/`, with `gradebook.db` there."""

import os
import sys
import sysconfig
import warnings

# nbgrader's own habit of touching objects before they are added; harmless, and a page of it would hide what matters.
warnings.filterwarnings("ignore", message="Object of type <Submitted")

# nbgrader calls `alembic` by name, and its folder is not on the path where the environment isn't activated.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821  # nbgrader provides it

c.CourseDirectory.course_id = "zerolayer"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
# A verdict holds the challenge and what was expected: it stays with the instructor when feedback copies files on.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "verdict.json",
    "challenge.json",
]

# `nbgrader generate_assignment` and formgrader's button make and refuse what `zerolayer build` does: points come from
# the unit's statements, blanks stand where nbgrader would empty whole cells, and a unit that breaks a law is refused.
c.GenerateAssignment.preprocessors = [
    "lib.authoring.preprocessors.Begin",
    "nbgrader.preprocessors.SaveCells",
    "lib.authoring.preprocessors.Finish",
]

# `nbgrader autograde` and formgrader's button grade as `zerolayer grade` does; nbgrader opens no submitted notebook.
c.Autograde.exporter_class = "lib.grading.pipeline.exporter.GradingExporter"

# Formgrader shows names as text and runs no scripts but its own. An installation has this from its start, whatever is
# written here (`lib.grading.pages.server_extension`). A clone that was updated, and not installed again, has it here.
if "nbgrader.server_extensions.formgrader.formgrader" in sys.modules:
    from lib.grading.pages.formgrader import guard_formgrader

    guard_formgrader()

# The student's page begins with points and, for each part, the mistake and the hint.
c.GenerateFeedback.exporter_class = "lib.grading.pages.formgrader.FeedbackPage"
c.GenerateFeedback.preprocessors = []

# Every account of a machine can write into its exchange: what is collected belongs to the student it is named for.
# Set c.ExchangeCollect.check_owner = False where one account hands in for all students.
c.ExchangeFactory.collect = "lib.grading.submissions.exchange.SafeCollect"
c.ExchangeFactory.release_feedback = "lib.grading.submissions.exchange.SafeReleaseFeedback"

# Students choose names of files and folders: what a terminal would obey in one is logged as text.
c.Application.logging_config = {
    "filters": {"visible": {"()": "lib.grading.safe_names.VisibleNames"}},
    "handlers": {"console": {"filters": ["visible"]}},
}
