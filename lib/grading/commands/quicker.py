"""nbgrader's own commands by another name: `zerolayer zip_collect` and `zerolayer export` start in half the time.

What `startup` leaves out of nbgrader's import takes longer than either of them has to do. Flags, settings and results
are nbgrader's.
"""

from itertools import chain
from pathlib import Path

from nbgrader.apps import ExportApp, ZipCollectApp
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from lib.grading.commands.config import Configured
from lib.grading.door.transfer import guard_steps
from lib.grading.files import files_in
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

    def start(self) -> None:
        """Collect; exits with 1 where there is nothing to collect, which nbgrader only notes."""
        archive, extracted = (
            Path(self._format_collect_path(step)) for step in (self.archive_directory, self.extracted_directory)
        )
        if next(chain(files_in(archive), files_in(extracted)), None) is None:
            self.fail(f"There is nothing to collect: no file is in {archive}. Put your LMS's download there, as it is.")
        guard_steps(self)  # as our extractor does for nbgrader's command: a course may have another one
        super().start()


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
