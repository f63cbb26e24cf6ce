"""`zerolayer doctor`: test the sandbox on this machine, and list what is missing there or on a JupyterHub."""

import json
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from glob import glob
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_IRWXG, S_IRWXO, S_IXOTH
from urllib.request import ProxyHandler, Request, build_opener

from nbgrader.apps.baseapp import nbgrader_flags
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import make_url
from traitlets import Bool

from lib.grading import unit_registry
from lib.grading.commands.command import Command, in_source
from lib.grading.errors import file_line
from lib.grading.files import PRIVATE
from lib.grading.judge.verdict import FILE, Verdict
from lib.grading.progress import say
from lib.grading.sandbox import obstacles
from lib.grading.submissions.exchange import OwnedCollect


class DoctorApp(Command):
    """Start a kernel in the sandbox and report the result. Exits with 1 if student code would not be run."""

    name = "zerolayer-doctor"
    description = "Test whether this machine can run student code in the sandbox."
    examples = """
        zerolayer doctor
        zerolayer doctor --hub    in a terminal of the course's server on a JupyterHub
    """
    hub = Bool(False, help="Also list what the course needs on a JupyterHub and doesn't have.").tag(config=True)
    flags = {**nbgrader_flags, "hub": ({"DoctorApp": {"hub": True}}, hub.help)}

    def start(self) -> None:
        """Run the test and print the findings."""
        super().start()
        problems = obstacles.examine()
        say(obstacles.report(problems))
        if missing := ", ".join(self._missing_packages()):
            say(
                f"\nGraded submissions import packages that are not installed here: {missing}.\n"
                "    Try: `pip install` those that your students may use, and grade these students again with --force."
            )
        if found := " ".join(map(quote, self._exposed_paths())):
            say(
                f"\nOther accounts may be able to read the class's work and points: {found}.\n"
                f"    Try: chmod -R {'o' if self.coursedir.groupshared else 'go'}= {found}"
            )
        for place in unit_registry.find_all().values():
            with suppress(Exception, SystemExit):  # `zerolayer check` reports units that can't be imported
                if packages := unit_registry.missing_packages(import_module(place.module).UNIT):
                    say(f"\nThe unit {place.name} needs packages that are not installed here: {', '.join(packages)}.")
                    say(f"    Try: pip install {' '.join(packages)}")
        if self.hub:
            exchange = Path(OwnedCollect(coursedir=self.coursedir, parent=self).root)
            gaps = [*find_gaps(self.coursedir, exchange, in_source(self))]
            say("\n".join(["", "On this hub:", *gaps] if gaps else ["", "On this hub nothing is missing."]))
        self.exit(int(any(problem.blocks for problem in problems)))

    def _exposed_paths(self) -> list[str]:
        course, url = self.coursedir, make_url(self.coursedir.db_url)
        gradebook = url.database if url.get_backend_name() == "sqlite" else None
        folders = (course.submitted_directory, course.autograded_directory, course.feedback_directory, "reports")
        others = S_IRWXO if course.groupshared else S_IRWXO | S_IRWXG
        paths = [Path(course.root, name) for name in (*filter(None, [gradebook]), *folders, "seen.csv")]
        return [file_line(path) for path in paths if path.exists() and path.stat().st_mode & others]

    def _missing_packages(self) -> list[str]:
        """Return the packages that graded submissions lacked, and that are still not installed."""
        graded = self.coursedir.format_path(self.coursedir.autograded_directory, "*", "*")
        named = dict[str, None]()
        for file in sorted(glob(str(Path(graded, FILE)))):  # noqa: PTH207  # the whole path is a pattern
            with suppress(Exception):  # `zerolayer report` lists damaged verdicts
                for verdict in Verdict.load_each(Path(file).parent, evidence=False):
                    named |= dict.fromkeys(verdict.lacked)
        return [name for name in named if find_spec(name) is None]


SECONDS = 60
"""The time limit for an answer of the server, which may be busy with a class."""
USERS = 1000
"""The first user id that Linux distributions assign to people."""


def find_gaps(course: CourseDirectory, exchange: Path, assignments: Collection[str]) -> Iterator[str]:
    """Yield a line for each problem, with one thing to try. Changes nothing."""
    yield from _check_exchange(exchange, course.groupshared)
    yield from _check_folders(Path(course.root).resolve(), course.groupshared)
    yield from _ask_server(assignments)


def _check_exchange(exchange: Path, is_shared: bool) -> Iterator[str]:
    wanted = 0o3777 if is_shared else 0o1777
    try:
        about = exchange.stat()
    except OSError as error:
        yield f"Exchange {exchange}: {error.strerror}. As root: install -d -m {wanted:o} {quote(str(exchange))}"
        return
    found = S_IMODE(about.st_mode)
    if found & wanted != wanted:
        means = "students can't submit" if found & 0o7 != 0o7 else "a student can rename the whole course"
        if found & 0o1777 == 0o1777:
            means = "an instructor's releases don't belong to the group"
        yield f"Exchange {exchange}: mode {found:o}, so {means}. As root: chmod {wanted:o} {quote(str(exchange))}"
    if about.st_uid not in (0, os.getuid()):
        yield f"Exchange {exchange}: its owner, account {about.st_uid}, can rename the course. As root: chown root"


def _check_folders(course: Path, is_shared: bool) -> Iterator[str]:
    import pwd  # here, since Windows has no such module, and this one must be importable there

    homes = {Path(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_uid >= USERS} | {Path.home()}
    if found := " ".join(quote(str(home)) for home in sorted(homes) if home.is_dir() and home.stat().st_mode & 0o7):
        yield f"Homes: other accounts can read in {found}. Try: chmod o= {found}"
    if course.stat().st_mode & PRIVATE[is_shared] and all(each.stat().st_mode & S_IXOTH for each in course.parents):
        rights = "o=" if is_shared else "go="
        yield f"Course: other accounts can read solutions in {course}. Try: chmod {rights} {quote(str(course))}"


def _ask_server(assignments: Collection[str]) -> Iterator[str]:
    # JupyterHub sets both variables in the terminals of a single-user server.
    address, token = (os.environ.get(f"JUPYTERHUB_{name}") for name in ("SERVICE_URL", "API_TOKEN"))
    if not address or not token:
        yield "Formgrader: not tested, since no hub started this. Try: run this in a terminal of the course's server"
        return
    opener = build_opener(ProxyHandler({}))  # no proxy: the server is on this machine
    try:
        page, listed = (
            opener.open(Request(address + path, headers={"Authorization": f"token {token}"}), timeout=SECONDS)
            for path in ("formgrader/", "formgrader/api/assignments")
        )
        with page, listed:
            policy, text = page.headers.get("Content-Security-Policy", ""), page.read().decode()
            known = {each["name"] for each in json.load(listed)}
    except (OSError, ValueError) as error:
        yield f"Formgrader: {address}formgrader/ fails: {error}. Try: start the server in the course's environment"
        return
    if lost := ", ".join(sorted({*assignments} - known)):
        yield f"Formgrader: it doesn't find {lost}. Try: set Spawner.notebook_dir to the course's folder"
    if "script-src 'nonce-" not in text:
        yield "Formgrader: its protection isn't active. Try: reinstall zerolayer in the server's environment"
    if "frame-ancestors 'none'" in policy:
        prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
        yield f"Formgrader: the hub forbids frames, so JupyterLab shows a blank tab. Try: open {prefix}formgrader"
