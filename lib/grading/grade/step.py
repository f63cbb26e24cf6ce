"""What `nbgrader autograde` and formgrader's button call: one step, which grades as `zerolayer grade` does."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from lib.grading.book.gradebook import DEFAULT_COURSE, GradebookSession
from lib.grading.door.handed_in import read
from lib.grading.files import lay_out, remove
from lib.grading.grade.course import Course
from lib.grading.grade.one import finish, prepare, task, verdicts_on
from lib.grading.judge.verdict import FILE
from lib.grading.names import NoId, parse_id


class GradeOne(NbGraderPreprocessor):
    """Puts what grading gives in the place of nbgrader's notebook, and of the files that nbgrader has copied."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called once a notebook, in a folder that nbgrader has made. Where a run is lost, nothing is graded."""
        names, folder, converter = resources["nbgrader"], Path(resources["metadata"]["path"]), self.parent.parent
        assignment, student, name = names["assignment"], names["student"], names["notebook"]
        course_dir = converter.coursedir
        if isinstance(id := parse_id(student), NoId):
            raise ValueError(f"{student!r} can't be a student's id: {id.problem}. Rename the folder, and grade again.")
        handed = read(Path(course_dir.format_path(course_dir.submitted_directory, student, assignment)), id)
        with GradebookSession(names["db_url"], DEFAULT_COURSE, assignment) as book:
            course = Course(converter, book, assignment)
            work = prepare(course, handed, [name])
            ran = task(course, work)()
            is_ours = (folder / FILE).is_file() and (folder / FILE).read_bytes() not in handed.files.values()
            others = verdicts_on(folder, book.masters.keys() - {name}) if is_ours else ()
            with book.transaction():
                graded = finish(course, work, ran, others)
        for path in list(folder.iterdir()):
            if path.suffix != ".ipynb" or path.stem not in book.masters:
                remove(path)
        lay_out({file: content for file, content in graded.files.items() if file != f"{name}.ipynb"}, folder)
        return nbformat.from_dict(nbformat.reader.reads(graded.files[f"{name}.ipynb"].decode())), resources
