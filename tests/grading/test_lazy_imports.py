"""A quick start: what takes longest is kept out while nbgrader is imported, and whoever wants it finds it."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

GRADE = "import lib.grading.commands.grade, sys\nprint(*sys.modules)\n"
REPORT = "import lib.grading.lazy_imports, lib.grading.commands.report, sys\nprint(*sys.modules)\n"
KEPT_OUT = {"lark", "rfc3987_syntax", "isoduration", "setuptools", "requests", "yaml", "bs4"}
KEPT_OUT |= {"jupyter_server", "prometheus_client", "mistune"}
KEPT_OUT |= {"pkg_resources"} if find_spec("pkg_resources") else set()  # newer versions of setuptools have none
CONVERTING = {"jsonschema", "bleach", "nbclient", "jupyter_client", "nbgrader.converters"}
CONVERTING |= {"nbformat", "nbconvert", "nbconvert.preprocessors", "nbgrader.preprocessors", "nbgrader.apps"}


def output(code: str) -> list[str]:
    """Run code in an interpreter of its own, in which the tests' own stand-in isn't found; give what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_grading_imports_nothing_of_what_is_kept_out() -> None:
    [modules] = output(GRADE)
    assert {"jsonschema", "nbgrader.utils", "nbconvert.exporters.html"} <= {*modules.split()}
    assert not KEPT_OUT & {*modules.split()}
    [without] = output("import sys, nbgrader.apps\nprint(*sys.modules)")
    assert {*without.split()} >= KEPT_OUT | CONVERTING, "else nothing would have to be kept out"


@pytest.mark.parametrize(
    "command",
    ["commands.report", "commands.feedback", "lms.collect", "lms.export"],
)
def test_a_command_that_runs_no_notebook_imports_nothing_that_runs_or_converts_one(command: str) -> None:
    [modules] = output(REPORT.replace("commands.report", command))
    assert {"nbgrader.apps.baseapp", "nbgrader.preprocessors.latesubmissions"} <= {*modules.split()}
    assert not (KEPT_OUT | CONVERTING) & {*modules.split()}


USES = {
    "import rfc3987_syntax as found; found.is_valid_syntax('iri', 'https://example.org')": "True",
    "import requests; requests.Request('GET', 'https://example.org').method": "'GET'",
    "from nbgrader.auth.jupyterhub import requests; issubclass(requests.HTTPError, OSError)": "True",
    "from nbgrader.utils import unpack_archive; unpack_archive(os.devnull, '.', drivers=[lambda *_: None])": "None",
    "from nbgrader.preprocessors.instantiatetests import yaml; yaml.safe_load('[1, 2]')": "[1, 2]",
    "from nbconvert.exporters.html import BeautifulSoup; BeautifulSoup('<p>x', 'html.parser').text": "'x'",
    "from nbconvert.filters import markdown2html; markdown2html('*x*').strip()": "'<p><em>x</em></p>'",
    "import jsonschema; jsonschema.Draft4Validator({'type': 'string'}).is_valid(1)": "False",
    "import nbformat; nbformat.validate(nbformat.v4.new_notebook())": "None",
    "from nbformat import convert, v4; convert(v4.new_notebook(), 3).nbformat": "3",
    "from nbformat.reader import get_version; get_version({'nbformat': 4, 'nbformat_minor': 5})": "(4, 5)",
    "from nbconvert import HTMLExporter; HTMLExporter().file_extension": "'.html'",
    "from nbconvert.preprocessors import ExecutePreprocessor as E, Preprocessor; issubclass(E, Preprocessor)": "True",
    "from nbgrader.apps import baseapp, NbGraderApp; issubclass(NbGraderApp, baseapp.NbGrader)": "True",
    "from nbgrader.apps.baseapp import preprocessors; 'ClearSolutions' in preprocessors.__all__": "True",
    "from nbgrader.apps.baseapp import converters; converters.Autograde.__name__": "'Autograde'",
    "from nbgrader.preprocessors import base, GetGrades; issubclass(GetGrades, base.NbGraderPreprocessor)": "True",
    "from nbgrader.apps import NbGraderApp; len(NbGraderApp().all_configurable_classes()) > 30": "True",
}
FORKS = f"""
import os
sys.stdout.flush()
for use in {[*USES]}:
    if not os.fork():
        statement, _, expression = use.rpartition("; ")
        exec(statement)
        print(repr(eval(expression)), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("start", [GRADE, REPORT], ids=["grade", "report"])
def test_who_wants_it_finds_it(start: str) -> None:
    """Each in a process of its own."""
    assert dict(zip(USES, output(start + FORKS)[1:], strict=True)) == USES
