"""A real JupyterHub, configured as docs/jupyterhub.md has it: two students, the course's account, a second instructor.

All of it runs in namespaces of its own, with its own /etc, /home, /opt and /srv: the accounts and folders have the
names that the document gives them, nothing of the machine is changed, and all ends with the first process. Where these
can't be made, or there is no proxy, the tests are skipped.
"""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlencode

import nbformat
import psutil
import pytest
from hatchling.builders.wheel import WheelBuilder

from lib.authoring.wheel import student_wheel
from lib.grading.commands.demo import complete
from tests.browser import PATIENCE
from tests.course import ASSIGNMENT, UNPROVED
from tests.missing import missing
from tests.sample_class import ANSWERS, STUDENTS
from tests.test_term import QUESTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jupyterhub.md").read_text()
FOR_ROOT, CONFIG = (re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1] for kind in ("sh", "python"))
COURSE, STUDENT = "/home/prof/course", "/opt/student"
ACCOUNTS = ("prof", "tina", "ada", "emil")
NOTEBOOK = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = "On Debian: apt install util-linux passwd npm; npm install -g configurable-http-proxy"
NO_SETTINGS: dict[str, str] = {}
COVERED = ("/home", "/opt", "/srv", "/tmp", str(ROOT))
ENVIRONMENT = """
python -m venv --without-pip {place}
cd {place}/lib/python*/site-packages
echo {site} > shared.pth
for slow in tensorflow rfc3987_syntax; do echo 'raise ImportError' > $slow.py; done
cp -r {prefix}/etc {place}
rm -f {place}/etc/jupyter/*/zerolayer*
ln -s {prefix}/share {place}/share
grep -lI '^#!{prefix}/' {prefix}/bin/* | while read -r script; do
    sed '1s|{prefix}|{place}|' "$script" > {place}/bin/"${{script##*/}}"
done
python -m pip --python {place}/bin/python install -q --no-deps --no-index {wheel}
chmod +x {place}/bin/*
"""
"""An environment with the programs and packages of the one that tests run in, but of ours only what is in a wheel, and
without two that take seconds to import and aren't needed: TensorFlow, and the package that tests/quick is about."""


def covers(paths):
    """Return the folders to lay an empty one over: what the hub's people shouldn't see, or can't pass through."""
    closed = (next((each for each in [*path.parents][::-1] if not each.stat().st_mode & 1), None) for path in paths)
    return sorted({*COVERED, *map(str, filter(None, closed))})


class Machine:
    """Namespaces in which the hub's processes run."""

    def __init__(self, log):
        kept = [Path(sys.prefix), Path(sys.base_prefix)]
        steps = ["set -e", "mkdir /run/kept /run/etc", "mount -t tmpfs none /run/kept", "cp -a /etc/. /run/etc"]
        for number, path in enumerate(kept):
            steps += [f"mkdir /run/kept/{number}", f"mount --bind {path} /run/kept/{number}"]
        steps += [f"test ! -d {place} || mount -t tmpfs -o mode=755 none {place}" for place in covers(kept)]
        for number, path in enumerate(kept):
            steps += [f"mkdir -p {path}", f"mount --bind /run/kept/{number} {path}"]
        steps += ["mount --bind /run/etc /etc", "mkdir /srv/hub", "chmod 1777 /tmp", "echo ready", "exec cat"]
        script = "mount -t tmpfs none /run\n" + "\n".join(steps)
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]
        self.log = log
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.first = subprocess.Popen(command, text=True, **pipes)  # ends with its input, however these tests end
        if self.first.stdout.readline() != "ready\n":
            missing(
                f"right to make accounts for a hub ({self.first.communicate()[1]})", "Run this as a machine's root."
            )
        self.inside = psutil.Process(self.first.pid).children()[0].pid

    def command(self, script, account="root", environment=NO_SETTINGS):
        """Return a command that runs a script in there, as an account in its home, in a clean environment."""
        home = "/root" if account == "root" else f"/home/{account}"
        place = f"{COURSE}/.venv" if account in ("prof", "tina") else STUDENT
        path = f"{place}/bin:" + (f"{os.environ['PATH']}:{PATH}" if account == "root" else "/usr/bin:/bin")
        known = {"HOME": home, "USER": account, "PATH": path, "LANG": "C.UTF-8", **environment}
        words = ["nsenter", f"--target={self.inside}", "--mount", "--pid"]
        words += ["setpriv", "--reuid", account, "--regid", account, "--init-groups"]
        words += ["env", "-i", *(f"{name}={value}" for name, value in known.items())]
        return [*words, "sh", "-ec", f"cd {home} 2>/dev/null || cd /\n{script}"]

    def run(self, script, account="root", environment=NO_SETTINGS):
        return subprocess.run(self.command(script, account, environment), capture_output=True, text=True, check=False)

    def runs(self, script, account="root", environment=NO_SETTINGS):
        done = self.run(script, account, environment)
        assert done.returncode == 0, f"{account}: {script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    @property
    def root(self):
        """Where its files are for this process."""
        return Path("/proc", str(self.inside), "root")

    def environment_of(self, account):
        """Return what a terminal of an account's server has in its environment."""
        below = {each.pid for each in psutil.Process().children(recursive=True)}
        known = (each.info for each in psutil.process_iter(["pid", "cmdline", "environ"]))  # None of one that has ended
        servers = (each["environ"] for each in known if each["pid"] in below and "singleuser" in str(each["cmdline"]))
        [found] = [each for each in servers if each["USER"] == account]
        return {name: value for name, value in found.items() if name.startswith("JUPYTERHUB_")}


def free_port():
    """Return a free port that Linux gives to nobody who asks for any, as kernels do meanwhile."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", port := random.randrange(20_000, 32_000))):
            return port


@pytest.fixture(scope="module")
def machine(tmp_path_factory, new_course):
    """The machine with its accounts, both environments, and a released assignment."""
    for program in ("unshare", "nsenter", "setpriv", "useradd", "configurable-http-proxy"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:{PATH}"):
            missing(f"{program}, which a hub needs", PROGRAMS)
    if os.geteuid():
        pytest.skip("Only root can make accounts for a hub. Run this as root.")
    folder = tmp_path_factory.mktemp("hub")
    name, built = student_wheel(distribution("zerolayer"))
    [own] = map(Path, WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    machine = Machine(folder / "hub.log")
    machine.runs("\n".join(["groupadd teachers", *(f"useradd -m -s /bin/sh {name}" for name in ACCOUNTS)]))
    machine.runs("usermod -aG teachers prof; usermod -aG teachers tina; " + FOR_ROOT)
    for wheel, content in ((name, built), (own.name, own.read_bytes())):
        (machine.root / "srv/hub" / wheel).write_bytes(content)
    new_course(machine.root / COURSE[1:])
    site = Path(pytest.__file__).parents[1]
    places = ((STUDENT, f"/srv/hub/{name}"), (f"{COURSE}/.venv", f"/srv/hub/{own.name}"))
    made = (ENVIRONMENT.format(place=place, site=site, prefix=sys.prefix, wheel=wheel) for place, wheel in places)
    machine.runs("\n".join([*made, "chown -R prof:prof /home/prof"]))
    machine.runs(f"cd {COURSE}; nbgrader release_assignment {ASSIGNMENT}", "prof")
    yield machine
    machine.first.communicate()


@pytest.fixture(scope="module")
def hub(machine):
    """The running hub's address."""
    port, hub_port, api_port = (free_port() for _ in range(3))
    (machine.root / "srv/hub/jupyterhub_config.py").write_text(CONFIG)
    options = f"--ip=127.0.0.1 --port={port} --JupyterHub.hub_port={hub_port} --Authenticator.admin_users=[]"
    options += f" --ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api_port} --JupyterHub.authenticator_class=dummy"
    with machine.log.open("w") as log:
        start = machine.command(f"cd /srv/hub; exec jupyterhub {options}")
        running = subprocess.Popen(start, stdout=log, stderr=log)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE / 1000
    while True:
        with suppress(OSError), urllib.request.urlopen(f"{address}/hub/health", timeout=30):
            break
        if running.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"JupyterHub did not start:\n{machine.log.read_text()[-3000:]}")
        time.sleep(0.1)
    return address


def log_in(browser, hub, account, path):
    """Return an account's own page, which goes to a path after the login."""
    page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{hub}/hub/login?{urlencode({'next': path})}")
    page.locator("#username_input").fill(account)
    page.locator("#login_submit").click()
    return page


@pytest.fixture(scope="module")
def ada(browser, hub):
    return log_in(browser, hub, "ada", "/hub/spawn/ada?next=/user/ada/lab")


@pytest.fixture(scope="module")
def prof(browser, hub):
    page = log_in(browser, hub, "prof", "/hub/spawn/prof?next=/user/prof/formgrader")
    page.get_by_text("Manage Assignments").first.wait_for()
    return page


@pytest.fixture(scope="module")
def terminal(machine, prof):
    """Gives a command in a terminal of the course's server."""
    known = machine.environment_of("prof")
    return lambda command: machine.runs(f"cd {COURSE}; {command}", "prof", known)


def test_a_student_fetches_and_submits_and_has_no_formgrader(machine, hub, ada):
    """In a terminal of the student's server; `tests/test_term.py` uses JupyterLab's buttons."""
    ada.get_by_role("menuitem", name="Nbgrader", exact=True).wait_for()
    known = machine.environment_of("ada")
    machine.runs(f"nbgrader fetch_assignment {ASSIGNMENT}", "ada", known)
    path = machine.root / "home/ada" / NOTEBOOK
    nbformat.write(complete(nbformat.read(path, as_version=4), STUDENTS["ada"], ANSWERS), path)
    machine.runs(f"nbgrader submit {ASSIGNMENT}", "ada", known)
    assert ada.request.get(f"{hub}/user/ada/formgrader").status == 404


def test_the_instructor_collects_grades_marks_and_releases(machine, hub, prof, terminal):
    prof.get_by_role("row").filter(has_text=ASSIGNMENT).filter(has_text="released").wait_for()
    assert terminal("id -u") != "0\n"
    for command in (f"nbgrader collect {ASSIGNMENT}", f"zerolayer grade {ASSIGNMENT}"):
        terminal(command)
    for question in QUESTIONS:
        prof.goto(f"{hub}/user/prof/formgrader/marking/{ASSIGNMENT}/{ASSIGNMENT}/{question}")
        prof.keyboard.press("2")
        prof.evaluate("queue.then(() => 0)")
        assert prof.locator("#done").inner_text() == "1 of 1"
    for command in ("zerolayer feedback", "nbgrader release_feedback", "zerolayer report"):
        terminal(f"{command} {ASSIGNMENT}")
    report = (machine.root / COURSE[1:] / "reports" / f"{ASSIGNMENT}.html").read_text()
    assert '"/user/prof/formgrader/' in report and "localhost" not in report


def test_the_student_reads_the_feedback(machine, ada):
    machine.runs(f"nbgrader fetch_feedback {ASSIGNMENT}", "ada", machine.environment_of("ada"))
    [page] = (machine.root / "home/ada").glob(f"{ASSIGNMENT}/feedback/*/*.html")
    assert "24 of 24 points" in page.read_text()


def test_a_second_student_reads_neither_works_nor_solutions_gradebook_or_secret(machine, hub, browser):
    closed = [f"{COURSE}/{name}" for name in ("gradebook.db", "judge_secret", "solutions", "submitted/ada")]
    closed += [f"{COURSE}/.venv/lib", f"/home/ada/{NOTEBOOK}", "/srv/nbgrader/exchange/zerolayer/inbound"]
    for place in closed:
        machine.runs(f"test -r {place}")
        assert machine.run(f"ls {place}", "emil").returncode, place
    assert machine.run("mv /srv/nbgrader/exchange/zerolayer /srv/nbgrader/exchange/mine", "emil").returncode
    for place in ("ada/lab", "prof/formgrader"):
        page = log_in(browser, hub, "emil", f"/user/{place}")
        page.get_by_text("403").first.wait_for()


def test_another_teacher_opens_the_courses_server_by_a_role(hub, prof, browser):
    page = log_in(browser, hub, "tina", "/user/prof/formgrader")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("link", name=ASSIGNMENT).wait_for()


@pytest.mark.slow
def test_two_accounts_of_a_group_share_a_course_and_nobody_else_reads_it(machine):
    shared, made = "/srv/course", "gradebook.db judge_secret submitted autograded feedback reports"
    machine.runs(
        f"install -d -m 3777 -g teachers /srv/shared; cp -r {COURSE} {shared}; cd {shared}; rm -rf {made}\n"
        f"sed -i '1s|{COURSE}|{shared}|' .venv/bin/*\n"
        "echo 'c.CourseDirectory.groupshared = True; c.Exchange.root = \"/srv/shared\"' >> nbgrader_config.py\n"
        "chgrp -R teachers .; chmod -R u=rwX,g=rwX,o= .; find . -type d -exec chmod g+s {} +"
    )
    work = f"cd {shared}; PATH={shared}/.venv/bin:$PATH"
    machine.runs(f"{work}; zerolayer build {ASSIGNMENT} {UNPROVED}; nbgrader release_assignment {ASSIGNMENT}", "prof")
    machine.runs("cp -r /srv/shared/zerolayer/outbound shared", "ada")
    for account in ("prof", "tina"):
        machine.runs(f"cd shared; nbgrader submit {ASSIGNMENT} --Exchange.root=/srv/shared", "ada")
        machine.runs(f"{work}; nbgrader collect {ASSIGNMENT} --update; zerolayer grade {ASSIGNMENT} --force", account)
        machine.runs(f"{work}; zerolayer feedback {ASSIGNMENT}; zerolayer report {ASSIGNMENT}", account)
    listed = machine.runs(f"cd {shared}; find {made} ! -type l -printf '%m %g %p\n'").splitlines()
    wrong = [line for line in listed if int(line.split()[0], 8) & 0o067 != 0o060 or line.split()[1] != "teachers"]
    assert len(listed) > 10 and not wrong
