"""Claim: feedback for a class takes at most 1.5 times the processor time of its grading, and a tenth of nbgrader's own.

One class is graded, gets its pages, a report and an export; nbgrader's own `generate_feedback`, with this course's
configuration, writes the pages of every tenth student in the same run, and what all would take is reckoned from there.
Processor time is told: machines are busy.

    python benchmarks/evening.py             100 submissions
    python benchmarks/evening.py --size 300
"""

import argparse
import ctypes
import tempfile
from pathlib import Path

from throughput import SUBREAPER, built, honest, measured, reckoned

from tests.course import ASSIGNMENT


def main():
    """Measure an evening."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100, help="submissions in the class")
    asked = parser.parse_args()
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        root = built(Path(folder, "course"))
        honest(root, asked.size)
        grade = measured(root, "lib.grading", "grade", ASSIGNMENT)
        elsewhere = "--CourseDirectory.feedback_directory=nbgraders"
        stock = ("nbgrader", "generate_feedback", ASSIGNMENT, elsewhere)
        first = measured(root, *stock, "--student=student0001")
        some = measured(root, *stock, "--student=student*0")
        theirs = reckoned(first, some, -(-asked.size // 10), asked.size)
        found = {
            "zerolayer grade": grade,
            "zerolayer feedback": measured(root, "lib.grading", "feedback", ASSIGNMENT),
            "zerolayer report": measured(root, "lib.grading", "report", ASSIGNMENT),
            "nbgrader export": measured(root, "nbgrader", "export"),
            "nbgrader generate_feedback (reckoned)": theirs,
        }
        pages = [page.relative_to(root / "nbgraders") for page in (root / "nbgraders").rglob("*.html")]
        alike = sum(
            (root / "feedback" / page).read_bytes() == (root / "nbgraders" / page).read_bytes() for page in pages
        )
    for name, one in found.items():
        each = f"{1000 * one.processor / asked.size:5.0f} ms of processor for each of {asked.size}"
        print(f"{name:<40}{one.seconds:7.1f} s {each}")
    feedback = found["zerolayer feedback"].processor
    print(f"feedback / grading: {feedback / grade.processor:.2f}; nbgrader's / ours: {theirs.processor / feedback:.1f}")
    print(f"pages that are the same to the byte: {alike} of {len(pages)}")


if __name__ == "__main__":
    main()
