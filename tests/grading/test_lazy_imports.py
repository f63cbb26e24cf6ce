"""A quick start: what takes longest is kept out while nbgrader is imported, and whoever wants it finds it."""

import os
import subprocess
import sys

START = "import lib.grading.lazy_imports, lib.grading.commands.grade, sys\nprint(*sys.modules)\n"
KEPT_OUT = {"lark", "rfc3987_syntax", "isoduration", "setuptools", "pkg_resources", "requests", "yaml", "bs4"}
KEPT_OUT |= {"jupyter_server", "prometheus_client", "mistune"}


def output(code: str) -> list[str]:
    """Run code in an interpreter of its own, in which the tests' own stand-in isn't found; give what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_grading_imports_nothing_of_what_is_kept_out() -> None:
    [modules] = output(START)
    assert {"jsonschema", "nbgrader.utils", "nbconvert.exporters.html"} <= {*modules.split()}
    assert not KEPT_OUT & {*modules.split()}
    [without] = output("import sys, nbgrader.apps\nprint(*sys.modules)")
    assert {*without.split()} >= KEPT_OUT, "else nothing would have to be kept out"


USES = {
    "import rfc3987_syntax as found; found.is_valid_syntax('iri', 'https://example.org')": "True",
    "import requests; requests.Request('GET', 'https://example.org').method": "'GET'",
    "from nbgrader.auth.jupyterhub import requests; issubclass(requests.HTTPError, OSError)": "True",
    "from nbgrader.preprocessors.instantiatetests import yaml; yaml.safe_load('[1, 2]')": "[1, 2]",
    "from nbconvert.exporters.html import BeautifulSoup; BeautifulSoup('<p>x', 'html.parser').text": "'x'",
    "from nbconvert.filters import markdown2html; markdown2html('*x*').strip()": "'<p><em>x</em></p>'",
}
FORKS = f"""{START}
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


def test_who_wants_it_finds_it() -> None:
    """Each in a process of its own."""
    assert dict(zip(USES, output(FORKS)[1:], strict=True)) == USES
