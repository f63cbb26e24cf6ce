"""nbgrader's own commands by another name: `zerolayer zip_collect` and `zerolayer export` start in half the time.

What `startup` leaves out of nbgrader's import takes longer than either of them has to do. Flags, settings and results
are nbgrader's.
"""

from nbgrader.apps import ExportApp, ZipCollectApp
from sqlalchemy.exc import SQLAlchemyError

from lib.grading.commands.config import Configured
from lib.grading.machine_faults import sentence


class CollectApp(ZipCollectApp, Configured):  # in this order, since its `initialize` takes less than ours gives
    """`zerolayer zip_collect ASSIGNMENT`: `nbgrader zip_collect` with its flags."""

    in_course = True

    name = "zerolayer-zip_collect"
    argument = "ASSIGNMENT"
    description = "Sort a download of Canvas or Moodle into the folder of submissions, as `nbgrader zip_collect` does."
    examples = """
        zerolayer zip_collect UNIT
        zerolayer zip_collect UNIT --force
    """


class GradesApp(Configured, ExportApp):
    """`zerolayer export`: `nbgrader export` with its flags."""

    in_course = True

    name = "zerolayer-export"
    description = "Write the gradebook's points to a file, as `nbgrader export` does."
    examples = """
        zerolayer export
        zerolayer export --exporter=lib.grading.report.exports.CanvasExporter --to=canvas.csv
    """

    def start(self) -> None:
        """Write the file; exits with 1 where the gradebook can't be read."""
        try:
            super().start()
        except SQLAlchemyError as error:
            self.fail("%s", sentence(error))
