"""A quick start: slow imports are kept out while nbgrader is imported, and nothing that comes later misses them."""

import json
import os
import subprocess
import sys
from pathlib import Path

START = "import lib.grading.startup\nfrom lib.grading.commands.grade import GradeApp\n"
IMPORT_ALL = """
import importlib, json, pkgutil, sys, warnings
warnings.simplefilter("ignore")
failed = {}
for package in ("nbgrader", "nbconvert", "nbclient", "nbformat", "jupyter_client", "jupyter_core", "jsonschema"):
    modules = pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".", lambda name: None)
    for name in (module.name for module in modules):
        if not {"tests", "__main__"} & {*name.split(".")}:
            try:
                importlib.import_module(name)
            except Exception as error:
                failed[name] = repr(error)
print(json.dumps([len(sys.modules), failed, "nbgrader.server_extensions.formgrader.handlers" in sys.modules]))
"""


def output(code: str) -> str:
    """Run code in an interpreter of its own, in which slow modules are not replaced yet; give what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_grading_imports_nothing_of_what_is_kept_out() -> None:
    modules = output(START + "import sys; print(*sys.modules)").split()
    assert {"jsonschema", "nbgrader.utils"} <= set(modules)
    kept_out = {"arrow", "charset_normalizer", "jupyter_server", "lark", "requests", "rfc3987_syntax", "setuptools"}
    assert not {*kept_out, "soupsieve", "nbgrader.server_extensions.formgrader"} & set(modules)


def test_what_imports_without_the_quick_start_imports_after_it_too() -> None:
    known, failed, formgrader = json.loads(output(START + IMPORT_ALL))
    _, failed_without, _ = json.loads(output(IMPORT_ALL))
    assert failed == failed_without
    assert formgrader and known > 1000


def test_what_was_kept_out_is_there_when_it_is_used() -> None:
    use = """
import rfc3987_syntax
from setuptools.archive_util import UnrecognizedFormat, unpack_archive
print(rfc3987_syntax.is_valid_syntax("iri", "https://example.org"), unpack_archive.__module__)
"""
    assert output(START + use) == "True setuptools.archive_util"


def test_a_package_that_is_imported_at_its_first_use_is_found_by_those_who_imported_it_before() -> None:
    use = """
import sys
import bs4
from nbgrader.auth import jupyterhub
before = {"requests", "soupsieve"} & {*sys.modules}
print(before, jupyterhub.requests.codes.ok, bs4.BeautifulSoup("<p><b>1</b></p>", "html.parser").select("p > b"))
"""
    assert output(START + use) == "set() 200 [<b>1</b>]"


def test_a_gradebook_is_made_where_no_program_can_be_started(tmp_path: Path) -> None:
    use = f"""
import os
from nbgrader.api import Gradebook
os.environ["PATH"] = ""
with Gradebook("sqlite:///{tmp_path / "gradebook.db"}") as gradebook:
    print(gradebook.students)
"""
    assert output(START + use) == "[]"


def test_jupyters_server_finds_nbgraders_pages() -> None:
    use = """
import nbgrader
try:
    nbgrader._load_jupyter_server_extension(None)
except AttributeError:
    import sys
    print("nbgrader.server_extensions.assignment_list.handlers" in sys.modules)
"""
    assert output(START + use) == "True"


def test_nbgrader_unpacks_archives() -> None:
    use = """
import tempfile, zipfile
from nbgrader.utils import unpack_archive
from pathlib import Path
with tempfile.TemporaryDirectory() as folder:
    with zipfile.ZipFile(Path(folder, "all.zip"), "w") as archive:
        archive.writestr("one.txt", "1")
    unpack_archive(str(Path(folder, "all.zip")), folder)
    print(Path(folder, "one.txt").read_text())
"""
    assert output(START + use) == "1"
