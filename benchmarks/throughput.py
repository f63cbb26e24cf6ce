"""How much faster `zerolayer grade` grades a class than stock `nbgrader autograde`, everything included.

The aim is 30 times by the clock, and 15 by processor time. `docs/scaling.md` says what was reached, and where the rest
of the time goes.

The peer has nbgrader's own configuration and Jupyter's own kernels, one after the other. It grades every tenth of the
class, and what the whole would take is reckoned from there, unless it is to grade more. All take turns, several times,
and medians are told. Processor time is told too: machines are busy. A part is whole or nothing in stock nbgrader, and
not whole where it rests on one that is wrong; apart from that, the parts that are whole have to agree.

    python benchmarks/throughput.py                 100 submissions, side by side, with and without the sandbox
    python benchmarks/throughput.py --errors        the same, with a cell that ends in an error in each notebook
    python benchmarks/throughput.py --every 1       the same, with nothing reckoned: stock nbgrader grades them all
    python benchmarks/throughput.py --thousand      1,000 against 100: memory of the coordinator, and cost of each
    python benchmarks/throughput.py --hostile       one in five hostile, against the honest class
"""

import argparse
import ctypes
import json
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

import nbformat
from environment import as_a_user

from lib.grading.commands.demo import complete, copy_course
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.judge.challenge import challenge
from lib.grading.judge.verdict import Verdict
from lib.grading.run.notebook import has_code
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, STUDENTS
from tests.course import ASSIGNMENT

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.submissions import files, forgers, pages, runs, submissions

STOCK = """
c = get_config()
c.CourseDirectory.course_id = "zerolayer"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
"""
SUBREAPER = 36
"""prctl's word for: who loses its parent becomes mine. So each kernel's time is counted, whoever started it."""
FAILS = "def look(z):\n    return z.sahpe\n\nlook(np.ones(3))"
SLOW = {"training_never_ends", "cell_never_ends", "interrupt_ignored", "stop_ignored"}
"""Hostile submissions that end by a time limit."""


@dataclass(frozen=True)
class Measured:
    """What a command took: seconds, processor seconds with all that it started, and the most memory it held itself."""

    seconds: float
    processor: float
    memory: int


def measured(course, module, *arguments):
    """Run a command in a course and wait for all that it started."""
    command = [sys.executable, "-m", module, *arguments, "--log-level=ERROR"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    process = subprocess.Popen(
        command, cwd=course, env=as_a_user(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    done, peak = Event(), [0]
    watch = Thread(target=_watch, args=(process.pid, done, peak))
    watch.start()
    said, _ = process.communicate()
    seconds = perf_counter() - start
    done.set()
    watch.join()
    assert process.returncode in (0, NEEDS_A_PERSON), said
    with suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, processor, peak[0])


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


def honest(root, size, own=""):
    """Have a class of `size` hand in: the sample class's students, again and again, with a cell of their own."""
    source = root / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    fillings = list(STUDENTS.values())
    for number in range(size):
        folder = root / "submitted" / f"student{number:04}" / ASSIGNMENT
        folder.mkdir(parents=True)
        notebook = complete(nbformat.read(source, as_version=4), fillings[number % len(fillings)], ANSWERS)
        if own:
            notebook.cells.insert(len(notebook.cells) // 2, nbformat.v4.new_code_cell(own))
        nbformat.write(notebook, folder / source.name)


def copied(root, name, students):
    """Copy a course as it was built, with some of its students' submissions."""
    course = root.parent / name
    shutil.copytree(root, course, ignore=shutil.ignore_patterns("submitted", "autograded"))
    for student in students:
        shutil.copytree(root / "submitted" / student, course / "submitted" / student)
    return course


def whole_parts(course):
    """Tell from the gradebook which parts each student has whole."""
    query = """SELECT student_id, base_cell.name, auto_score, max_score FROM grade
        JOIN grade_cells ON grade_cells.id = cell_id JOIN base_cell ON base_cell.id = cell_id
        JOIN submitted_notebook AS n ON n.id = grade.notebook_id
        JOIN submitted_assignment AS s ON s.id = n.assignment_id
        WHERE base_cell.name LIKE 'check-%'"""
    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        return {(student, part): score == most for student, part, score, most in database.execute(query)}


def side_by_side(root, size, rounds, every, own=""):
    """Grade the same class by stock nbgrader (`every` so many of it), by us, and by us without the sandbox."""
    honest(root, size, own)
    students = sorted(path.name for path in (root / "submitted").iterdir())
    turns = [a_turn(root, students, every, number) for number in range(rounds)]
    stock, locked, unlocked = (middle(found) for found in zip(*turns, strict=True))
    sample, ours = (root.parent / f"{name}-0" for name in ("sample", "ours"))
    cells = own_cells(root / "submitted" / students[0] / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")

    print(f"{size} submissions on {os.cpu_count()} processors, with all that starts and ends; medians of {rounds}")
    table = {f"stock nbgrader (from every {every})": stock, "zerolayer grade": locked, "--no-sandbox": unlocked}
    for name, found in table.items():
        each = 1000 * found.processor / size
        print(f"{name:<36}{found.seconds:7.1f} s {each:7.0f} ms of processor a submission")
    print(f"{'the cells alone, in a bare fork':<36}{'':9} {1000 * cells:7.0f} ms")
    told("stock / ours", stock, locked)
    told("with / without the sandbox", locked, unlocked)
    theirs, wholes = whole_parts(sample), whole_parts(ours)
    differ = [key for key, whole in theirs.items() if wholes[key] != whole]
    judged_apart = [key for key in differ if wholes[key] and depends_on_another(key, wholes)]
    print(f"parts that are whole in both or in neither: {len(theirs) - len(differ)} of {len(theirs)}")
    print(f"right, but resting on a part that is wrong, which only the judge can tell apart: {len(judged_apart)}")
    print(f"other differences: {len(differ) - len(judged_apart)}")


def a_turn(root, students, every, number):
    """Let each grade a fresh copy of the course."""
    chosen = {"one": students[:1], "sample": students[::every], "ours": students, "bare": students}
    one, sample, ours, bare = (copied(root, f"{name}-{number}", some) for name, some in chosen.items())
    for course in (one, sample):
        (course / "nbgrader_config.py").write_text(STOCK)
    first = measured(one, "nbgrader", "autograde", ASSIGNMENT)
    locked = measured(ours, "lib.grading", "grade", ASSIGNMENT)
    some = measured(sample, "nbgrader", "autograde", ASSIGNMENT)
    unlocked = measured(bare, "lib.grading", "grade", ASSIGNMENT, "--no-sandbox")
    return reckoned(first, some, len(students[::every]), len(students)), locked, unlocked


def middle(found):
    """Give the medians of several measurements."""
    return Measured(*(median(getattr(one, name.name) for one in found) for name in fields(Measured)))


def depends_on_another(key, wholes):
    """Tell whether a student's part rests on another that the student got wrong."""
    student, id = key
    [part] = [part for part in ANSWER_KEY.parts if part.id == id]
    return any(
        not wholes[student, other.id] or depends_on_another((student, other.id), wholes) for other in part.depends_on
    )


def reckoned(first, some, number, size):
    """Reckon what a class takes from what one submission took and what some took, one after the other."""
    one, more = (first.seconds, first.processor), (some.seconds, some.processor)
    seconds, processor = (few + (many - few) / (number - 1) * (size - 1) for few, many in zip(one, more, strict=True))
    return Measured(seconds, processor, some.memory)


def told(what, one, other):
    """Print the ratios of two measurements."""
    times, processor = one.seconds / other.seconds, one.processor / other.processor
    print(f"{what}: {times:.2f} in time, {processor:.2f} of processor")


def own_cells(path):
    """Give the processor seconds of a notebook's own cells: in forks of a process that has imported all, no kernel."""
    import matplotlib.pyplot  # noqa: F401
    from IPython.core.interactiveshell import InteractiveShell

    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells if has_code(cell)]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "challenge.json").write_text(json.dumps(challenge(ANSWER_KEY, 1)))
        times = []
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os.chdir(folder)
                os.environ["NBGRADER_EXECUTION"] = "autograde"
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                shell = InteractiveShell.instance()
                for source in sources:
                    shell.run_cell(source)
                os._exit(0)
            used = os.wait4(child, 0)[2]
            times.append(used.ru_utime + used.ru_stime)
    return sorted(times)[2]


def thousand(root):
    """Grade 100 and 1,000, and compare the coordinator's memory and the cost of each submission."""
    honest(root, 1000)
    students = sorted(path.name for path in (root / "submitted").iterdir())
    few = measured(copied(root, "few", students[:100]), "lib.grading", "grade", ASSIGNMENT)
    many = measured(root, "lib.grading", "grade", ASSIGNMENT)
    for size, found in ((100, few), (1000, many)):
        each = f"{1000 * found.seconds / size:.0f} ms each, {1000 * found.processor / size:.0f} ms of processor"
        print(f"{size:>5} submissions: {each}; the coordinator held {found.memory / 1e6:.0f} MB")
    told("each of 1,000 / of 100", Measured(many.seconds / 10, many.processor / 10, 0), few)
    print(f"the coordinator's memory: {many.memory / few.memory:.2f}")


def hostile(root, size):
    """Grade an honest class, and one in which every fifth submission is hostile."""
    honest(root, size)
    students = sorted(path.name for path in (root / "submitted").iterdir())
    calm = measured(copied(root, "calm", students), "lib.grading", "grade", ASSIGNMENT)
    enemies = [made for made in submissions(runs, forgers, files, pages) if made.name not in SLOW]
    chosen = {student: enemies[number % len(enemies)] for number, student in enumerate(students[::5])}
    released = root / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    for student, enemy in chosen.items():
        shutil.rmtree(root / "submitted" / student / ASSIGNMENT)
        enemy.hand_in(released, root / "submitted" / student / ASSIGNMENT)
    wild = measured(root, "lib.grading", "grade", ASSIGNMENT)
    told("one in five hostile / honest", wild, calm)
    verdicts = {student: Verdict.load(root / "autograded" / student / ASSIGNMENT) for student in chosen}
    points = {student: {part.id: part.points for part in verdict.parts} for student, verdict in verdicts.items()}
    wrong = [enemy.name for student, enemy in chosen.items() if points[student] != enemy.points]
    print(f"verdicts on the hostile that are right: {len(chosen) - len(wrong)} of {len(chosen)}", *wrong)


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100, help="submissions in the class")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each takes, side by side")
    parser.add_argument("--every", type=int, default=10, help="stock nbgrader grades one in so many")
    parser.add_argument("--thousand", action="store_true")
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--errors", action="store_true")
    asked = parser.parse_args()
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        root = built(Path(folder, "course"))
        if asked.thousand:
            thousand(root)
        elif asked.hostile:
            hostile(root, asked.size)
        else:
            side_by_side(root, asked.size, asked.rounds, asked.every, FAILS if asked.errors else "")


if __name__ == "__main__":
    main()
