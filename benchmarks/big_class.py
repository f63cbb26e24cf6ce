"""Claim: formgrader's pages and the exports stay quick for 1,000 students: 2 seconds of processor time a page.

Formgrader runs in a Jupyter server of its own, with this course's settings, and gets the requests that its pages make.
Told is the processor time of that server, since machines are busy. nbgrader's own CSV export is the exporters' peer in
the same run; it is given two small classes, from which its growth is told: for all students it takes minutes.

    python benchmarks/big_class.py
"""

import logging
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from time import process_time, sleep

import psutil
from environment import as_a_user
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin
from report_time import STUDENTS, made_up_class
from sqlalchemy import event

from lib.grading.report.exports import CanvasExporter, MoodleExporter
from tests.course import ASSIGNMENT

FEW = (125, 250)
"""Students of the classes that nbgrader's own export is given."""
PAGES = {
    "assignments": "api/assignments",
    "submissions of an assignment": f"api/submissions/{ASSIGNMENT}",
    "marking: the notebooks": f"api/notebooks/{ASSIGNMENT}",
    "marking: all submissions": f"api/submitted_notebooks/{ASSIGNMENT}/{ASSIGNMENT}",
    "marking: the page around a list (ours)": f"gradebook/{ASSIGNMENT}/{ASSIGNMENT}",
    "marking: one submission (ours)": "submissions/student0500-notebook/?index=0",
    "students": "api/students",
    "one student": "api/student_submissions/student0500",
}
"""What formgrader's pages ask its server for. Where it says so, they are made by classes of ours."""


@contextmanager
def server(course: Path):
    """Start a Jupyter server in a course's folder; give its process, and what gets a page from it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", f"--port={port}", "--IdentityProvider.token="]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=course, env=as_a_user(), **quiet) as process:

        def get(path: str) -> bytes:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/formgrader/{path}", timeout=600).read()

        while process.poll() is None:
            with suppress(OSError):
                get("api/assignments")
                break
            sleep(0.2)
        try:
            yield psutil.Process(process.pid), get
        finally:
            process.terminate()


def pages(root: Path) -> None:
    """Print what each of formgrader's pages takes of its server."""
    with server(root) as (process, get):
        for name, path in PAGES.items():
            before = process.cpu_times()
            size = len(get(path))
            after = process.cpu_times()
            taken = after.user + after.system - before.user - before.system
            print(f"{name:<44}{taken:6.2f} s of processor{size / 1000:9.0f} kB")


def export(gradebook: Gradebook, kind: type, to: Path, students: list[str]) -> tuple[float, int]:
    """Export grades; give the processor seconds, and how often the gradebook was asked."""
    asked = []
    exporter = kind(to=str(to), student=students, assignment=[ASSIGNMENT], log=logging.getLogger("export"))
    event.listen(gradebook.engine, "before_cursor_execute", lambda *_: asked.append(None))
    start = process_time()
    exporter.export(gradebook)
    return process_time() - start, len(asked)


def main():
    """Print what pages and exports take."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        course = made_up_class(root)
        print(f"{STUDENTS:,} students")
        pages(root)
        for kind, some in [(CanvasExporter, 0), (MoodleExporter, 0), *((CsvExportPlugin, few) for few in FEW)]:
            with Gradebook(course.db_url, course.course_id) as gradebook:
                names = sorted(student.id for student in gradebook.students)[-some:] if some else []
                seconds, asked = export(gradebook, kind, root / "grades.csv", names)
            print(f"{kind.__name__:<20}{some or STUDENTS:>6} students{seconds:8.2f} s of processor{asked:7} queries")


if __name__ == "__main__":
    main()
