"""Feedback pages as Moodle takes them back: one zip for the class, which `nbgrader export` writes."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from lib.grading.files import is_file
from lib.grading.pages.exports import MoodleWorksheetExporter, participant


class MoodleFeedbackExporter(MoodleWorksheetExporter):
    """The zip that a Moodle assignment takes under "Upload multiple feedback files in a zip".

    Moodle knows by the second part of a file's name, which `_` divides, whose it is, and by the two after that what it
    is. The number is in the `Identifier` of the assignment's grading worksheet, in which students are found as for the
    worksheet's grades. A page that it has already is passed over there, and one that has changed replaces it.
    """

    default_name = "moodle_feedback.zip"

    def export(self, gradebook: Gradebook) -> None:
        """Called by `nbgrader export`; exits with a sentence where there is no worksheet, or no one assignment."""
        students, _, best = self.scores(gradebook)
        assignment = self.only_one(best)
        _, rows = self.read_worksheet()
        course = CourseDirectory(parent=self)
        places = {each.id: course.format_path(course.feedback_directory, each.id, assignment) for each in students}
        names = sorted(f"{notebook.name}.html" for notebook in gradebook.find_assignment(assignment).notebooks)
        # These alone: what nbgrader copies beside them was handed in, and may look as if an instructor had written it.
        pages = {id: [*filter(is_file, (Path(place, name) for name in names))] for id, place in places.items()}
        if missing := sorted(student for student, own in pages.items() if not own):
            self.log.warning(
                f"There are no feedback pages of these students: {', '.join(missing)}. Write them with `zerolayer"
                f" feedback {assignment}`, and then give this command again."
            )
        having = [student for student in students if pages[student.id]]
        with self.write_target() as target, ZipFile(target, "w", ZIP_DEFLATED) as file:
            for student, row in self.row_of(having, filter(participant, rows), "pages").items():
                for page in pages[student]:
                    file.write(page, f"Participant_{participant(row)['number']}_assignfeedback_file_{page.name}")
        self.log.info("%s is ready to be uploaded, with %s pages.", self.place, len(file.namelist()))
