"""nbgrader's own command by another name: `zerolayer export` starts in half the time.

What `startup` leaves out of nbgrader's import takes longer than it has to do. Flags, settings and results are
nbgrader's.
"""

from pathlib import Path

from nbgrader.apps import ExportApp
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from lib.grading.commands.config import Configured
from lib.grading.machine_faults import sentence


class GradesApp(Configured, ExportApp):
    """`zerolayer export`: `nbgrader export` with its flags."""

    in_course = True

    name = "zerolayer-export"
    description = "Write the gradebook's points to a file, as `nbgrader export` does."
    examples = """
        zerolayer export
        zerolayer export --exporter=lib.grading.pages.exports.CanvasExporter --to=canvas.csv
    """

    def start(self) -> None:
        """Write the file; exits with 1 where there is no gradebook, or it can't be read."""
        file = make_url(self.coursedir.db_url)
        if file.get_backend_name() == "sqlite" and file.database and not Path(file.database).exists():
            self.fail(f"There is no gradebook {file.database}. Run `zerolayer build` first, in the course's folder.")
        try:
            super().start()
        except SQLAlchemyError as error:
            self.fail("%s", sentence(error))
