"""The people of a term: an instructor, two students, and nbgrader's exchange between them.

Each has a folder, Jupyter settings and Jupyter data of their own, and gives commands as they are typed in a shell.
"""

import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
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
MODULES = {"nbgrader": "nbgrader", "zerolayer": "lib.grading"}
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
        places["JUPYTER_CONFIG_PATH"] = root / "everybody"
        self.environment = os.environ | {name: str(place) for name, place in places.items()}
        self.notebook = self.folder / ASSIGNMENT / NOTEBOOK

    def runs(self, command):
        """Give a command as it is typed in a shell, wait for its end, and return what it said; it has to succeed.

        A command of nbgrader's or ours is forked: a program of its own takes a second more.
        """
        self.commands.append(command)
        program, *arguments = shlex.split(command)
        if program in MODULES:
            done = command_server.run(MODULES[program], arguments, self.folder, 300, self.environment)
        else:
            done = subprocess.run(
                [program, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
            )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


class Term:
    """The instructor and the students ada and emil at one machine, and what lies in the gradebook."""

    def __init__(self, root):
        everybody = root / "everybody"
        everybody.mkdir()
        (everybody / "nbgrader_config.py").write_text(EVERYBODY.format(exchange=str(root / "exchange")))
        self.instructor = Person("instructor", root)
        self.students = self.ada, self.emil = [
            Person(name, root, STUDENT.format(name=name)) for name in ("ada", "emil")
        ]
        self.course = self.instructor.folder
        copy_course(self.course)

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
                grades = [grade for notebook in found.notebooks for grade in notebook.grades]
                held[student.name] = SimpleNamespace(
                    points={grade.name: grade.score for grade in grades},
                    score=found.score,
                    penalty=found.late_submission_penalty,
                    late=found.total_seconds_late > 0,
                    to_mark={grade.name for grade in grades if grade.needs_manual_grade},
                )
        return held
