"""Claim: `zerolayer grade` takes a seventh of the processor time of stock `nbgrader autograde`, all included.

The peer has nbgrader's own configuration and Jupyter's own kernels. It has every tenth of the class, and what the whole
would take is reckoned from there. All take turns, and medians are told: processor time too, since machines are busy.
Parts that are whole have to agree; in stock nbgrader none is that rests on one that is wrong.

    python benchmarks/throughput.py             100 submissions, with and without the sandbox
    python benchmarks/throughput.py --evening   the same class from a download of Canvas to feedback and grades
    python benchmarks/throughput.py --large     1,000 submissions against 100: cost of each, memory of the coordinator
"""

import argparse
import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter
from zipfile import ZipFile

import nbformat

from lib.grading.commands.demo import complete, copy_course
from lib.grading.commands.grade import NEEDS_A_PERSON
from tests.sample_class import ANSWER_KEY, ANSWERS, STUDENTS

ASSIGNMENT = ANSWER_KEY.unit.name
STOCK = r"""
c = get_config()
c.CourseDirectory.course_id = "zerolayer"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>student\d+)_\d+_\d+_(?P<file_id>\w+)"
"""
ARCHIVE = f"downloaded/{ASSIGNMENT}/archive/submissions.zip"
EVENING = {
    "collect": (("lib.grading", "collect", ASSIGNMENT, ARCHIVE), ("nbgrader", "zip_collect", ASSIGNMENT)),
    "grade": (("lib.grading", "grade", ASSIGNMENT), ("nbgrader", "autograde", ASSIGNMENT)),
    "feedback": (("lib.grading", "feedback", ASSIGNMENT), ("nbgrader", "generate_feedback", ASSIGNMENT)),
    "report": (("lib.grading", "report", ASSIGNMENT), ()),
    "export": (("lib.grading", "export", ASSIGNMENT), ("nbgrader", "export")),
}
"""What is given for each step of an evening, and with stock nbgrader, which has no report."""
EVERY = 10
"""Stock nbgrader has one in so many of the class."""
SUBREAPER = 36
"""prctl's word for: who loses its parent becomes mine. So each kernel's time is counted, whoever started it."""


@dataclass(frozen=True)
class Measured:
    """What commands took: seconds, processor seconds with all that they started, and the most memory one held."""

    seconds: float = 0
    processor: float = 0
    memory: int = 0
    graded: float = 0
    """Seconds until `zerolayer grade` said how many it had graded: after that it writes the class report."""

    def __add__(self, other):
        both = (self.seconds + other.seconds, self.processor + other.processor, max(self.memory, other.memory))
        return Measured(*both, self.graded + other.graded)


def measured(course, module, *arguments, python=sys.executable):
    """Run a command in a course and wait for all that it started."""
    # A user's Python keeps what it has compiled.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [python, "-m", module, *arguments, "--log-level=ERROR"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    process = subprocess.Popen(
        command, cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    done, peak = Event(), [0]
    watch = Thread(target=_watch, args=(process.pid, done, peak))
    watch.start()
    said, graded = "", 0.0
    for line in process.stdout:
        said += line
        graded = graded or (perf_counter() - start if " submissions graded in " in line else 0.0)
    process.wait()
    seconds = perf_counter() - start
    done.set()
    watch.join()
    assert process.returncode in (0, NEEDS_A_PERSON), said
    with suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Measured(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0], graded)


def _watch(pid, done, peak):
    while not done.wait(0.2):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            peak[0] = int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


def built(root):
    """Lay out a course and build its notebook."""
    copy_course(root)
    subprocess.run([sys.executable, "-m", "lib.grading", "build"], cwd=root, check=True, capture_output=True)
    return root


def honest(root, size):
    """Have a class of `size` hand in: the sample class's students, again and again. Give their names."""
    source = root / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    fillings, students = list(STUDENTS.values()), [f"student{number:04}" for number in range(size)]
    for number, student in enumerate(students):
        folder = root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        notebook = complete(nbformat.read(source, as_version=4), fillings[number % len(fillings)], ANSWERS)
        nbformat.write(notebook, folder / source.name)
    return students


def copied(root, name, students, is_stock=False, is_packed=False):
    """Copy a course as it was built, with some of its students' submissions, or with these as Canvas packs them."""
    course = root.parent / name
    shutil.copytree(root, course, ignore=shutil.ignore_patterns("submitted"))
    if is_packed:
        archive = course / "downloaded" / ASSIGNMENT / "archive"
        archive.mkdir(parents=True)
        with ZipFile(archive / "submissions.zip", "w") as packed:
            for number, student in enumerate(students, 1000):
                file = f"{student}_{number}_{number}_{ASSIGNMENT}.ipynb"
                packed.write(root / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", file)
    for student in () if is_packed else students:
        shutil.copytree(root / "submitted" / student, course / "submitted" / student)
    if is_stock:
        (course / "nbgrader_config.py").write_text(STOCK)
    return course


def whole_parts(course):
    """Return for each student and part whether the gradebook has all points."""
    query = """SELECT student_id, base_cell.name, auto_score, max_score FROM grade
        JOIN grade_cells ON grade_cells.id = cell_id JOIN base_cell ON base_cell.id = cell_id
        JOIN submitted_notebook AS n ON n.id = grade.notebook_id
        JOIN submitted_assignment AS s ON s.id = n.assignment_id
        WHERE base_cell.name LIKE 'check-%'"""
    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        return {(student, part): score == most for student, part, score, most in database.execute(query)}


def differences(theirs, ours):
    """Return the parts that are whole in one alone; in stock nbgrader a part isn't that calls another's wrong code."""
    wrong = {student for (student, _), whole in ours.items() if not whole}
    return [key for key, whole in theirs.items() if ours[key] != whole and not (ours[key] and key[0] in wrong)]


def grading(root, students, rounds):
    """Grade the same class by stock nbgrader, by us, and by us without the sandbox, in turn."""
    chosen, turns = students[::EVERY], []
    for number in range(rounds):
        one, some = (copied(root, f"stock{number}-{len(each)}", each, True) for each in (students[:1], chosen))
        ours, bare = (copied(root, f"{name}{number}", students) for name in ("ours", "bare"))
        first = measured(one, *EVENING["grade"][1])
        locked = measured(ours, *EVENING["grade"][0])
        stock = reckoned(first, measured(some, *EVENING["grade"][1]), len(chosen), len(students))
        turns.append((stock, locked, measured(bare, *EVENING["grade"][0], "--no-sandbox")))
    stock, locked, unlocked = (middle(found) for found in zip(*turns, strict=True))
    told("grade", len(students), locked, stock)
    told("grade --no-sandbox", len(students), unlocked, stock)
    off = differences(whole_parts(some), whole_parts(ours))
    print(f"parts that are whole in one of both alone, of {len(chosen) * len(ANSWER_KEY.parts)}: {len(off)}", *off)


def evening(root, students, rounds):
    """Run all commands of an evening, ours and stock nbgrader's, in turn."""
    chosen, turns = students[::EVERY], []
    for number in range(rounds):
        ours = copied(root, f"evening{number}", students, is_packed=True)
        one, some = (copied(root, f"stock{number}-{len(each)}", each, True, True) for each in (students[:1], chosen))
        turn = {}
        for step, (own, peer) in EVENING.items():
            few, many = ((measured(course, *peer) if peer else Measured()) for course in (one, some))
            turn[step] = measured(ours, *own), reckoned(few, many, len(chosen), len(students))
        assert len([*(ours / "feedback").glob("*/*/*.html")]) == len(students)
        turn["the whole evening"] = tuple(sum(both, Measured()) for both in zip(*turn.values(), strict=True))
        turns.append(turn)
    for step in turns[0]:
        own, peer = (middle(found) for found in zip(*(turn[step] for turn in turns), strict=True))
        told(step, len(students), own, peer)


def middle(found):
    """Return the medians of several measurements."""
    return Measured(*(median(getattr(one, name.name) for one in found) for name in fields(Measured)))


def reckoned(first, some, number, size):
    """Reckon what a class takes from what one submission took and what some took, one after the other."""
    one, more = (first.seconds, first.processor), (some.seconds, some.processor)
    return Measured(*(few + (many - few) / (number - 1) * (size - 1) for few, many in zip(one, more, strict=True)))


def told(step, size, own, peer):
    """Print a row of the table in docs/scaling.md."""
    row = [f"{own.seconds:.1f} s", f"{1000 * own.processor / size:.0f} ms"]
    if peer.processor > 0:  # of what takes next to nothing the rest can't be reckoned
        row += [f"{peer.seconds:.0f} s", f"{1000 * peer.processor / size:.0f} ms"]
        row += [f"{peer.seconds / own.seconds:.0f}", f"{peer.processor / own.processor:.0f}"]
    print("|", " | ".join([step, *row]), "|", flush=True)


def large(root, students):
    """Grade 100 and 1,000, and compare the coordinator's memory and the cost of each submission."""
    for some in (students[:100], students):
        found = measured(copied(root, f"of-{len(some)}", some), *EVENING["grade"][0])
        each = (
            f"{1000 * found.seconds / len(some):.0f} ms each, {1000 * found.processor / len(some):.0f} ms of processor"
        )
        print(f"{len(some):>5} submissions: {each}; the coordinator held {found.memory / 1e6:.0f} MB", flush=True)


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100, help="submissions in the class")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each takes, side by side")
    parser.add_argument("--evening", action="store_true")
    parser.add_argument("--large", action="store_true")
    asked = parser.parse_args()
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        root = built(Path(folder, "course"))
        students = honest(root, 1000 if asked.large else asked.size)
        if asked.large:
            large(root, students)
        else:
            (evening if asked.evening else grading)(root, students, asked.rounds)


if __name__ == "__main__":
    main()
