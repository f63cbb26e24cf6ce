"""`nbgrader autograde` and formgrader's button, which grade by `grade_class`, as `zerolayer grade` does.

nbgrader has a setting for the exporter of submitted notebooks, but none for the converter that finds them by their
names and removes a graded folder before it grades again. So when the setting `c.Autograde.exporter_class` imports this
module, `Autograde.start` is replaced for all courses that have the setting.
"""

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde, NbGraderException

from lib.grading.pipeline.grade_class import Grade


class GradingExporter(NotebookExporter):
    """The value of `c.Autograde.exporter_class` in our courses."""


start_of_nbgrader = Autograde.start


def start(converter: Autograde) -> None:
    """Replace `Autograde.start`. Raises NbGraderException, after a message, if a submission can't be graded."""
    if type(converter) is not Autograde or not issubclass(converter.exporter_class, GradingExporter):
        start_of_nbgrader(converter)
        return
    grade = Grade(coursedir=converter.coursedir, parent=converter.parent)
    grade.force = converter.force
    grade.start()
    if left := grade.progress.counts["not graded"]:
        converter.log.error("%s", grade.progress.table())
        raise NbGraderException(f"{left} of the submissions were not graded")


Autograde.start = start
