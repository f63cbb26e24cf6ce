"""Claim: feedback for a class takes at most 1.5 times what its grading takes, and a tenth of stock nbgrader's.

Told beside it is what the whole evening takes against stock nbgrader's; the aim is a twentieth.

The evening goes from a download of Canvas to grades: `zip_collect`, `grade`, `feedback`, `report` and `export`. The
peer is nbgrader with its own settings: `zip_collect`, `autograde`, `generate_feedback` and `export`; it has no report.
It works on every tenth of the class, and what all would take is reckoned from there; that is in its favour, since its
export grows with the square of the class. Processor time is told too: it is what can be compared on a busy machine.

    python benchmarks/evening.py             100 submissions
    python benchmarks/evening.py --size 300
"""

import argparse
import ctypes
import shutil
import tempfile
from pathlib import Path
from zipfile import ZipFile

from throughput import STOCK, SUBREAPER, Measured, built, honest, measured, reckoned

from tests.course import ASSIGNMENT

EVERY = 10
"""Stock nbgrader has one in so many of the class."""
OURS = {
    "collect": ("nbgrader", "zip_collect", ASSIGNMENT),
    "grade": ("lib.grading", "grade", ASSIGNMENT),
    "feedback": ("lib.grading", "feedback", ASSIGNMENT),
    "report": ("lib.grading", "report", ASSIGNMENT),
    "export": ("nbgrader", "export"),
}
THEIRS = {
    "collect": ("nbgrader", "zip_collect", ASSIGNMENT),
    "grade": ("nbgrader", "autograde", ASSIGNMENT),
    "feedback": ("nbgrader", "generate_feedback", ASSIGNMENT),
    "export": ("nbgrader", "export"),
}
NAMES = r"""
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>student\d+)_\d+_\d+_(?P<file_id>\w+)"
"""
"""How stock nbgrader reads Canvas' names."""


def download(root, name, students):
    """Copy a course as it was built, with the submissions of some students as Canvas packs them."""
    course = root.parent / name
    shutil.copytree(root, course, ignore=shutil.ignore_patterns("submitted"))
    archive = course / "downloaded" / ASSIGNMENT / "archive"
    archive.mkdir(parents=True)
    with ZipFile(archive / "submissions.zip", "w") as packed:
        for number, student in enumerate(students, 1000):
            file = f"{student}_{number}_{number}_{ASSIGNMENT}.ipynb"
            packed.write(root / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", file)
    return course


def stock(root, name, students):
    """Have stock nbgrader do the same for some students."""
    course = download(root, name, students)
    (course / "nbgrader_config.py").write_text(STOCK + NAMES)
    return evening(course, THEIRS, students)


def evening(course, commands, students):
    """Give the commands one after the other; give what each took, and see that nobody was forgotten."""
    found = {step: measured(course, *command) for step, command in commands.items()}
    pages = list((course / "feedback").glob(f"*/{ASSIGNMENT}/*.html"))
    assert len(pages) == len(students), f"{len(pages)} pages of {len(students)} students"
    return found


def whole(steps):
    """Add up what the steps of an evening took."""
    return Measured(sum(one.seconds for one in steps.values()), sum(one.processor for one in steps.values()), 0)


def main():
    """Measure an evening."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100, help="submissions in the class")
    size = parser.parse_args().size
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        root = built(Path(folder, "course"))
        honest(root, size)
        students = sorted(path.name for path in (root / "submitted").iterdir())
        one = stock(root, "one", students[:1])
        ours = evening(download(root, "ours", students), OURS, students)
        some = stock(root, "some", students[::EVERY])
        theirs = {step: reckoned(one[step], some[step], len(students[::EVERY]), size) for step in some}
    ours["whole evening"], theirs["whole evening"] = whole(ours), whole(theirs)
    print(f"{size} submissions; stock nbgrader had {len(students[::EVERY])} of them, and the rest is reckoned")
    for step, found in ours.items():
        line = f"{step:<14}{found.seconds:8.1f} s {1000 * found.processor / size:6.0f} ms of processor each"
        if step in theirs:
            peer = theirs[step]
            line += f"   stock {peer.seconds:8.1f} s {1000 * peer.processor / size:6.0f} ms"
            line += f"   {peer.seconds / found.seconds:6.1f} times, {peer.processor / found.processor:.1f} of processor"
        print(line)
    print(f"feedback / grading, in processor time: {ours['feedback'].processor / ours['grade'].processor:.2f}")


if __name__ == "__main__":
    main()
