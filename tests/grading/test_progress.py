"""A run's report: a fact about many students in one line, and others by name."""

from lib.grading.progress import Progress


def test_one_fact_about_many_students_is_said_once_and_others_by_name():
    with Progress(8, {"ada": "ada (King, Ada)"}) as progress:
        for student in ("bo", "cy", "di", "ed", "flo", "gil"):
            progress.add("graded", student, ["imports seaborn"])
        progress.add("graded", "ada", ["a cell ran too long"])
    _, *lines = progress.table().splitlines()
    assert lines == [
        "     7 need a person; a graded submission's verdict has details:",
        "       6 students: imports seaborn: bo, cy, di, ed, flo, gil",
        "       ada (King, Ada)  a cell ran too long",
    ]
