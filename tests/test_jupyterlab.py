"""`zerolayer lab`: a prompt websocket, no news, a link to the notebook, and what people set themselves comes first."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from lib.jupyterlab import SETTINGS, STUDENTS, lab_environment, open_at
from tests.browser import Lab, jupyter_lab, wait_until_idle

pytestmark = pytest.mark.xdist_group("JupyterLab")


def test_jupyterlab_reads_the_websocket_class_and_a_path_that_is_set_already_is_kept():
    environment = lab_environment({**os.environ, "JUPYTER_CONFIG_PATH": "/own"})
    assert environment["JUPYTER_CONFIG_PATH"].split(os.pathsep) == [str(STUDENTS), str(SETTINGS), "/own"]
    command = [sys.executable, "-m", "jupyterlab", "--show-config-json"]
    shown = subprocess.check_output(command, env=environment, text=True)
    config = json.loads(shown[shown.index("{") :])
    assert config["ServerApp"]["kernel_websocket_connection_class"] == "lib.jupyterlab.PromptConnection"


def test_before_the_first_cell_blanks_work_and_a_missing_name_says_what_to_run(tmp_path):
    notebook = nbformat.read(tmp_path / Lab("", "", tmp_path).write("optimizers.ipynb", "np.zeros(3)", "x = ?"), 4)
    client = NotebookClient(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}})
    with client.setup_kernel(env=lab_environment()):
        for at, cell in enumerate(notebook.cells):
            client.execute_cell(cell, at)
    missing, blank = ("\n".join(str(output) for output in cell.outputs) for cell in notebook.cells)
    assert "np comes from “1. Setup”. Run the cells of that section first." in missing
    assert "A blank on line 1 is still open" in blank


def test_the_file_browser_begins_at_the_root_and_the_link_leads_below_it(tmp_path):
    copy = tmp_path / "my_work" / "unit" / "my unit.ipynb"
    options = open_at(copy, tmp_path / "my_work")
    assert options == [
        f"--ServerApp.root_dir={tmp_path / 'my_work'}",
        "--LabApp.default_url=/lab/tree/unit/my%20unit.ipynb",
    ]


def test_the_link_that_is_printed_without_a_browser_opens_the_notebook(browser, tmp_path):
    Lab("", "", tmp_path).write("my own.ipynb", "'it is here'")
    with jupyter_lab(tmp_path, command=(sys.executable, "-m", "lib", str(tmp_path / "my own.ipynb"))) as lab:
        page = browser.new_page()
        page.goto(re.search(rf"{lab.url}\S+token=", lab.log.read_text())[0] + lab.token)
        page.locator(".jp-Notebook .jp-Cell").get_by_text("it is here").wait_for()
        wait_until_idle(page)  # a server that is stopped while it starts a kernel goes on for ever
        page.close()
        log = lab.log.read_text()
        assert "extension was successfully loaded" in log
        assert not re.findall(r"^\[E .*|Traceback", log, re.MULTILINE), "a first start has nothing to report"
        assert "formgrader" not in log, "a student's server doesn't have it"


def test_jupyterlab_asks_for_no_news(lab):
    shown = lab.ask("lab/api/settings/@jupyterlab/apputils-extension:notification")
    properties = json.loads(shown)["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False
