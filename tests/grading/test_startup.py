"""A lean start: what was put off isn't run by grading's imports, and is all there once it is used."""

import subprocess
import sys

import pytest

START = """
import lib.grading.startup
from lib.grading.commands.grade import GradeApp
import sys
"""


def said(code: str) -> str:
    """Run code in an interpreter of its own that has imported what grades; give what it printed."""
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_grading_imports_nothing_of_what_was_put_off() -> None:
    parts = said("print(*sys.modules)").split()
    assert {"requests", "soupsieve"} <= set(parts)
    assert not [name for name in parts if name.startswith(("setuptools.dist", "requests.", "soupsieve.", "arrow"))]


@pytest.mark.parametrize(
    ("use", "right"),
    [
        ("import requests; print(requests.get.__module__)", "requests.api"),
        ("import requests.adapters; print(requests.adapters.HTTPAdapter.__name__)", "HTTPAdapter"),
        ("from requests import sessions; print(sessions.Session.__name__)", "Session"),
        ("import requests; print(hasattr(requests, 'nothing'), requests.codes.ok)", "False 200"),
        ("from bs4 import BeautifulSoup as B; print(B('<p><b>x</b></p>', 'html.parser').select('p b'))", "[<b>x</b>]"),
        ("from setuptools.archive_util import UnrecognizedFormat as e; print(e.__name__)", "UnrecognizedFormat"),
    ],
)
def test_what_was_put_off_is_there_when_it_is_used(use: str, right: str) -> None:
    assert said(use) == right


def test_nbgrader_unpacks_archives() -> None:
    code = """
import tempfile, zipfile
from nbgrader.utils import unpack_archive
from pathlib import Path
with tempfile.TemporaryDirectory() as folder:
    with zipfile.ZipFile(Path(folder, "all.zip"), "w") as archive:
        archive.writestr("one.txt", "1")
    unpack_archive(str(Path(folder, "all.zip")), folder)
    print(Path(folder, "one.txt").read_text())
"""
    assert said(code) == "1"
