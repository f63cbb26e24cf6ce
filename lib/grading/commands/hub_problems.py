"""Problems of a course on a JupyterHub, found in the file system and by asking its running server."""

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_IXOTH
from urllib.request import ProxyHandler, Request, build_opener

from nbgrader.coursedir import CourseDirectory

from lib.grading.files import PRIVATE

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
