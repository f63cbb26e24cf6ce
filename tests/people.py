"""The people of a term: an instructor, two students, and nbgrader's exchange between them.

Each has a folder, Jupyter settings and Jupyter data of their own, and gives commands as they are typed in a shell.
"""

import os
import shlex
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

from nbgrader.api import Gradebook

from lib.grading.commands.demo import copy_course
from tests.course import ASSIGNMENT
from tests.grading import command_server

NOTEBOOK = f"{ASSIGNMENT}.ipynb"
QUESTIONS = ("explain-gradient", "explain-rate-and-batch")
MARKS = {"ada": (2, 1.5), "emil": (1, 2)}
"""What the instructor gives for the two written questions."""
REMARK = "Which probabilities does the layer pass on?"
EVERYBODY = """
c = get_config()
c.CourseDirectory.course_id = "zerolayer"
c.Exchange.root = {exchange!r}
c.ExchangeCollect.check_owner = False
"""
"""What is set for all on the machine: one account hands in for everybody."""
STUDENT = """
c = get_config()
c.CourseDirectory.student_id = {name!r}
"""
"""What a student sets whose account isn't called like the student: all people of these tests have one account."""


class Person:
    """Somebody at the machine: a folder, Jupyter settings and data of their own, and the commands they gave."""

    def __init__(self, name, root, settings=""):
        self.name, self.folder, self.commands = name, root / name, []
        places = {place: root / "homes" / name / place for place in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        for place in (self.folder, *places.values()):
            place.mkdir(parents=True)
        (self.folder / "nbgrader_config.py").write_text(settings)
        self.environment = {**os.environ, "JUPYTER_CONFIG_PATH": str(root / "everybody"), **places}
        self.environment = {name: str(value) for name, value in self.environment.items()}

    @property
    def notebook(self):
        return self.folder / ASSIGNMENT / NOTEBOOK

    def starts(self, command):
        """Give a command as it is typed in a shell, and don't wait for its end."""
        program, *arguments = shlex.split(command)
        path = Path(sysconfig.get_path("scripts"), program)
        self.commands.append(command)
        place = {"cwd": self.folder, "env": self.environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen([path, *arguments], text=True, **place, **pipes)

    def runs(self, command):
        """Give a command, wait for its end, and return what it said; it has to succeed.

        A command of nbgrader's or ours is forked: a program of its own takes a second more. Those of `starts` are that.
        """
        program, *arguments = shlex.split(command)
        module = {"nbgrader": "nbgrader", "zerolayer": "lib.grading"}.get(program)
        if module is None:
            return ended(self.starts(command))
        self.commands.append(command)
        done = command_server.run(module, arguments, self.folder, 300, self.environment)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def ended(process):
    """Wait until a command is through; return what it said. Fails, with that, where it didn't succeed."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, f"{shlex.join(map(str, process.args))}\n{said}"
    return said


class Term:
    """The instructor and the students ada and emil at one machine, and what lies in the gradebook."""

    def __init__(self, root):
        everybody = root / "everybody"
        everybody.mkdir()
        (everybody / "nbgrader_config.py").write_text(EVERYBODY.format(exchange=str(root / "exchange")))
        self.instructor = Person("instructor", root)
        self.students = [Person(name, root, STUDENT.format(name=name)) for name in ("ada", "emil")]
        self.ada, self.emil = self.students
        copy_course(self.course)

    @property
    def course(self):
        return self.instructor.folder

    @property
    def commands(self):
        return {command for person in (self.instructor, *self.students) for command in person.commands}

    def both(self, command):
        """Let both students give a command at once; return what it said to each."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda student: student.runs(command), self.students))

    def submissions(self):
        """Return what the gradebook has on each student's submission now."""
        held = {}
        with Gradebook(f"sqlite:///{self.course}/gradebook.db") as gradebook:
            for student in self.students:
                found = gradebook.find_submission(ASSIGNMENT, student.name)
                grades = {grade.name: grade for notebook in found.notebooks for grade in notebook.grades}
                held[student.name] = SimpleNamespace(
                    points={name: grade.score for name, grade in grades.items()},
                    score=found.score,
                    penalty=found.late_submission_penalty,
                    late=found.total_seconds_late > 0,
                    to_mark={name for name, grade in grades.items() if grade.needs_manual_grade},
                )
        return held
