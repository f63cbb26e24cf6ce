"""Claim: formgrader's pages and the exports stay quick for 1,000 students: 2 seconds of processor time a page.

Formgrader runs in a Jupyter server of its own and gets the requests that its pages make, each twice: what the first one
loads stays. Told is that server's processor time for the second, with this course's settings and with nbgrader's own.
nbgrader's own CSV export is the exporters' peer in the same run.

    python benchmarks/big_class.py
"""

import logging
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from time import process_time, sleep

import psutil
from environment import as_a_user
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin
from report_time import STUDENTS, made_up_class
from sqlalchemy import event
from throughput import STOCK

from lib.grading.pages.exports import CanvasExporter, MoodleExporter
from tests.course import ASSIGNMENT

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
"""What formgrader's pages ask its server for. Where it says so, classes of ours have a part in making them."""


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


def pages(root: Path) -> dict[str, tuple[float, float]]:
    """Give what each of formgrader's pages takes of its server: the first time, and the second."""
    with server(root) as (process, get):
        return {name: (taken(process, get, path), taken(process, get, path)) for name, path in PAGES.items()}


def taken(process: psutil.Process, get: Callable[[str], object], path: str) -> float:
    """Give the processor seconds that a process takes for one answer."""
    before = process.cpu_times()
    get(path)
    after = process.cpu_times()
    return after.user + after.system - before.user - before.system


def export(gradebook: Gradebook, kind: type, to: Path) -> tuple[float, int]:
    """Export grades; give the processor seconds, and how often the gradebook was asked."""
    asked = []
    exporter = kind(to=str(to), assignment=[ASSIGNMENT], log=logging.getLogger("export"))
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
        ours = pages(root)
        (root / "nbgrader_config.py").write_text(STOCK)
        theirs = pages(root)
        print(f"{STUDENTS:,} students; seconds of processor time")
        for name, (first, second) in ours.items():
            print(f"{name:<40}{second:6.2f} (first {first:.2f})   nbgrader's own {theirs[name][1]:6.2f}")
        for kind in (CanvasExporter, MoodleExporter, CsvExportPlugin):
            with Gradebook(course.db_url, course.course_id) as gradebook:
                seconds, asked = export(gradebook, kind, root / "grades.csv")
            print(f"{kind.__name__:<40}{seconds:6.2f} in {asked} queries")


if __name__ == "__main__":
    main()
