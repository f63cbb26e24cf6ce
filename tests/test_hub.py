"""A real JupyterHub, configured as docs/jupyterhub.md has it: two students, the course's account, a second instructor.

All of it runs in namespaces of its own, with its own /etc, /home, /opt and /srv: the accounts and folders have the
names that the document gives them, nothing of the machine is changed, and all ends with the first process. Where these
can't be made, or there is no proxy, the tests are skipped with the reason; under `CI=true` that is a failure.
"""

import os
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

import nbformat
import psutil
import pytest
from hatchling.builders.wheel import WheelBuilder

from lib.authoring.wheel import student_wheel
from lib.grading.commands.demo import complete, copy_course
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, STUDENTS
from tests.browser import PATIENCE, missing, readout, run_all, save, slider
from tests.course import ASSIGNMENT, UNPROVED

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "jupyterhub.md").read_text()
FOR_ROOT, CONFIG = (re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1] for kind in ("sh", "python"))
COURSE, STUDENT = "/home/prof/course", "/opt/student"
ACCOUNTS = ("prof", "tina", "ada", "emil")
NOTEBOOK = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COVERED = ("/home", "/opt", "/srv", str(ROOT))
ENVIRONMENT = """
python -m venv --without-pip {place}
echo {site} > $(echo {place}/lib/python*/site-packages)/shared.pth
cp -r {prefix}/etc {place}
rm -f {place}/etc/jupyter/*/zerolayer*
ln -s {prefix}/share {place}/share
grep -lI '^#!{prefix}/' {prefix}/bin/* | while read -r script; do
    sed '1s|{prefix}|{place}|' "$script" > {place}/bin/"${{script##*/}}"
done
python -m pip --python {place}/bin/python install -q --no-deps --no-index {wheel}
chmod +x {place}/bin/*
"""
"""An environment with the programs and packages of the one that tests run in, but of ours only what is in a wheel."""


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
        steps += ["mount --bind /run/etc /etc", "mkdir /srv/hub", "echo ready", "exec sleep infinity"]
        script = "mount -t tmpfs none /run\n" + "\n".join(steps)
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]
        self.log = log
        self.first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.first.stdout.readline() != "ready\n":
            missing(f"no accounts can be made for a hub: {self.first.communicate()[1]}")
        self.inside = psutil.Process(self.first.pid).children()[0].pid

    def command(self, script, account="root", environment=()):
        """Return a command that runs a script in there, as an account in its home, in a clean environment."""
        home = "/root" if account == "root" else f"/home/{account}"
        place = f"{COURSE}/.venv" if account in ("prof", "tina") else STUDENT
        path = f"{sys.prefix}/bin:{PATH}" if account == "root" else f"{place}/bin:/usr/bin:/bin"
        known = {"HOME": home, "USER": account, "PATH": path, "LANG": "C.UTF-8", **dict(environment)}
        words = ["nsenter", f"--target={self.inside}", "--mount", "--pid"]
        words += ["setpriv", "--reuid", account, "--regid", account, "--init-groups"]
        words += ["env", "-i", *(f"{name}={value}" for name, value in known.items())]
        return [*words, "sh", "-ec", f"cd {home} 2>/dev/null || cd /\n{script}"]

    def run(self, script, account="root", environment=()):
        return subprocess.run(self.command(script, account, environment), capture_output=True, text=True, check=False)

    def runs(self, script, account="root", environment=(), codes=(0,)):
        done = self.run(script, account, environment)
        assert done.returncode in codes, f"{account}: {script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def write(self, place, content, account="root"):
        """Write a file in there."""
        subprocess.run(self.command(f"cat > {place}", account), input=content, text=True, check=True)

    def environment_of(self, account):
        """Return what a terminal of an account's server has in its environment."""
        for process in psutil.process_iter(["cmdline"]):
            if any("jupyterhub-singleuser" in word for word in process.info["cmdline"] or ()):
                found = process.environ()
                if found["JUPYTERHUB_USER"] == account:
                    return {name: value for name, value in found.items() if name.startswith("JUPYTERHUB_")}
        raise LookupError(account)


def free_ports(number):
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The machine with its accounts, both environments, and a released assignment."""
    for program in ("unshare", "nsenter", "setpriv", "useradd", "configurable-http-proxy"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:{PATH}"):
            missing(f"no {program}, which a hub needs here")
    if os.geteuid():
        missing("only root can make accounts for a hub")
    folder = tmp_path_factory.mktemp("hub")
    name, built = student_wheel(distribution("zerolayer"))
    (folder / name).write_bytes(built)
    [own] = WheelBuilder(str(ROOT)).build(directory=str(folder / "own"), versions=["standard"])
    copy_course(folder / "course")
    machine = Machine(folder / "hub.log")
    machine.runs("\n".join(["groupadd teachers", *(f"useradd -m -s /bin/sh {name}" for name in ACCOUNTS)]))
    machine.runs("usermod -aG teachers prof; usermod -aG teachers tina; " + FOR_ROOT)
    machine.runs(f"cp -r {folder}/course /home/prof")
    site = Path(pytest.__file__).parents[1]
    places = ((STUDENT, folder / name), (f"{COURSE}/.venv", own))
    made = (ENVIRONMENT.format(place=place, site=site, prefix=sys.prefix, wheel=wheel) for place, wheel in places)
    machine.runs("\n".join([*made, "chown -R prof:prof /home/prof"]))
    machine.runs(
        f"cd {COURSE}; zerolayer build {ASSIGNMENT} {UNPROVED}; nbgrader release_assignment {ASSIGNMENT}", "prof"
    )
    yield machine
    machine.first.kill()
    machine.first.wait()


@pytest.fixture(scope="module")
def hub(machine):
    """The running hub's address."""
    port, hub_port, api_port = free_ports(3)
    machine.write("/srv/hub/jupyterhub_config.py", CONFIG)
    options = f"--ip=127.0.0.1 --port={port} --JupyterHub.hub_port={hub_port} --Authenticator.admin_users=[]"
    options += f" --ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api_port} --JupyterHub.authenticator_class=dummy"
    with machine.log.open("w") as log:
        start = machine.command(
            f"cd /srv/hub; exec jupyterhub {options}",
            environment={"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}:{PATH}"}.items(),
        )
        running = subprocess.Popen(start, stdout=log, stderr=log)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE / 1000
    while True:
        with suppress(OSError), urllib.request.urlopen(f"{address}/hub/health", timeout=30):
            break
        if running.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"JupyterHub did not start:\n{machine.log.read_text()[-3000:]}")
        time.sleep(0.1)
    return address


def log_in(browser, hub, account, then):
    """Return an account's own page, logged in through the hub, at a place of its server, which is started if need be."""
    page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{hub}/hub/login?next=%2Fhub%2Fspawn%2F{account}%3Fnext%3D{then}")
    page.locator("#username_input").fill(account)
    page.locator("#login_submit").click()
    return page


def test_x(hub, machine, browser):
    page = log_in(browser, hub, "ada", "%2Fuser%2Fada%2Flab")
    page.wait_for_selector("#jp-main-statusbar")
    page.get_by_role("menuitem", name="Nbgrader").click()
    os.makedirs("/tmp/hub", exist_ok=True)
    page.screenshot(path="/tmp/hub/menu.png")
    print(page.url)
