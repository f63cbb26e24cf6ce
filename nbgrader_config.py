"""The course's nbgrader configuration. It works in any folder with `solutions/`, and puts `gradebook.db` there."""

import os
import sys
import sysconfig
import warnings

# nbgrader causes many of these warnings. They are harmless, and would hide other messages.
warnings.filterwarnings("ignore", message="Object of type <Submitted")

# nbgrader starts `alembic` by its name, also where the environment isn't activated.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821  # nbgrader provides it

c.CourseDirectory.course_id = "zerolayer"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
# verdict.json has the right results, so feedback must not copy it to students.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "verdict.json",
    "challenge.json",
]

# `nbgrader generate_assignment` and formgrader's button build as `zerolayer build` does: points come from the unit's
# statements, cells keep the code around their blanks, and a unit with a fault is not released.
c.GenerateAssignment.preprocessors = [
    "lib.authoring.preprocessors.Begin",
    "nbgrader.preprocessors.SaveCells",
    "lib.authoring.preprocessors.Finish",
]

# `nbgrader autograde` and formgrader's button grade as `zerolayer grade` does; nbgrader opens no submitted notebook.
c.Autograde.exporter_class = "lib.grading.pipeline.exporter.GradingExporter"

# Formgrader shows names as text, and runs only its own scripts. An installed package has an extension of the server for
# this (`lib.grading.pages.server_extension`). These lines are for a clone that was updated, but not installed again.
if "nbgrader.server_extensions.formgrader.formgrader" in sys.modules:
    from lib.grading.pages.formgrader import guard_formgrader

    guard_formgrader()

# A student's page begins with the points of each part.
c.GenerateFeedback.exporter_class = "lib.grading.pages.formgrader.FeedbackPage"
c.GenerateFeedback.preprocessors = []

# Every account of a machine can write into its exchange, so a submission must be owned by the student that it names.
# If one account submits for all students, set c.ExchangeCollect.check_owner = False.
c.ExchangeFactory.collect = "lib.grading.submissions.exchange.SafeCollect"
c.ExchangeFactory.release_feedback = "lib.grading.submissions.exchange.SafeReleaseFeedback"

# Students choose names of files and folders, which may contain terminal control codes: log them as text.
c.Application.logging_config = {
    "filters": {"visible": {"()": "lib.grading.safe_names.VisibleNames"}},
    "handlers": {"console": {"filters": ["visible"]}},
}
