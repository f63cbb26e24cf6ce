"""`zerolayer doctor`: whether this machine can lock student code in, and if not, at which step it fails and why."""

from contextlib import suppress
from glob import glob
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from stat import S_IRWXG, S_IRWXO

from nbgrader.apps.baseapp import nbgrader_flags
from sqlalchemy import make_url
from traitlets import Bool

from lib.grading import unit_registry
from lib.grading.commands.command import Command, in_source
from lib.grading.commands.hub_problems import find_gaps
from lib.grading.errors import file_line
from lib.grading.judge.verdict import FILE, Verdict
from lib.grading.progress import say
from lib.grading.sandbox import obstacles
from lib.grading.submissions.exchange import OwnedCollect


class DoctorApp(Command):
    """Lock a throwaway kernel in and say what happened; exits with 1 where student code would not be run."""

    name = "zerolayer-doctor"
    description = "Try on this machine whether student code can be locked in."
    examples = """
        zerolayer doctor
        zerolayer doctor --hub    in a terminal of the course's server on a JupyterHub
    """
    hub = Bool(False, help="Whether to list what the course lacks on a JupyterHub, too.").tag(config=True)
    flags = {**nbgrader_flags, "hub": ({"DoctorApp": {"hub": True}}, "List what the course lacks on a JupyterHub.")}

    def start(self) -> None:
        """Try, and say what happened."""
        super().start()
        problems = obstacles.examine()
        say(obstacles.report(problems))
        if missing := ", ".join(self._missing_packages()):
            say(
                f"\nGraded submissions import what is not installed here: {missing}.\n"
                "    Try: `pip install` those that your students may use, and grade these students again with --force."
            )
        if found := " ".join(map(quote, self._open_places())):
            say(
                f"\nOther accounts may read what the class wrote and earned, if they can reach it: {found}.\n"
                f"    Try: chmod -R {'o' if self.coursedir.groupshared else 'go'}= {found}"
            )
        for place in unit_registry.find_all().values():
            with suppress(Exception, SystemExit):  # what keeps it from being imported `check` tells
                if lacked := ", ".join(unit_registry.missing_packages(import_module(place.module).UNIT)):
                    say(f"\nThe unit {place.name} needs what is not installed here: {lacked}.")
                    say(f"    Try: pip install {lacked.replace(',', '')}")
        if self.hub:
            exchange = Path(OwnedCollect(coursedir=self.coursedir, parent=self).root)
            gaps = [*find_gaps(self.coursedir, exchange, in_source(self))]
            say("\n".join(["", "On this hub:", *gaps] if gaps else ["", "On this hub nothing is missing."]))
        self.exit(int(any(problem.blocks for problem in problems)))

    def _open_places(self) -> list[str]:
        """Name the files and folders of the course that other accounts may open."""
        course, url = self.coursedir, make_url(self.coursedir.db_url)
        gradebook = url.database if url.get_backend_name() == "sqlite" else None
        folders = (course.submitted_directory, course.autograded_directory, course.feedback_directory, "reports")
        others = S_IRWXO if course.groupshared else S_IRWXO | S_IRWXG
        paths = [Path(course.root, name) for name in (*filter(None, [gradebook]), *folders, "seen.csv")]
        return [file_line(path) for path in paths if path.exists() and path.stat().st_mode & others]

    def _missing_packages(self) -> list[str]:
        """Name the packages for want of which graded work was listed, and that are still not here."""
        graded = self.coursedir.format_path(self.coursedir.autograded_directory, "*", "*")
        named = dict[str, None]()
        for file in sorted(glob(str(Path(graded, FILE)))):  # noqa: PTH207  # the whole path is a pattern
            with suppress(Exception):  # it may be damaged, which `report` tells
                for verdict in Verdict.load_each(Path(file).parent, evidence=False):
                    named |= dict.fromkeys(verdict.lacked)
        return [name for name in named if find_spec(name) is None]
