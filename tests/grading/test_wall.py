"""The wall between the zones: who may import whom, and what a process that runs student code must never load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lib

LIB = Path(lib.__file__).parent
MODULES = {".".join(path.relative_to(LIB.parent).with_suffix("").parts): path for path in LIB.rglob("*.py")}
OPEN = [name for name in MODULES if not name.startswith(("lib.grading", "lib.reference"))]


def imported(path):
    """Name every module that a file imports, wherever in it, and with what it imports from it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_walls_modules_are_found():
    assert {"lib.units.softmax_classifier.loss", "lib.explorer.live", "lib.checking.answers"} <= set(OPEN)
    assert {"lib.reference.dense", "lib.grading.judge.__init__"} <= set(MODULES) - set(OPEN)


@pytest.mark.parametrize("name", OPEN)
def test_the_open_zone_imports_nothing_closed(name):
    assert not [used for used in imported(MODULES[name]) if used.startswith(("lib.reference", "lib.grading"))]


def test_the_reference_imports_the_open_zone_alone():
    for name, path in MODULES.items():
        if name.startswith("lib.reference"):
            assert not [used for used in imported(path) if used.startswith("lib.grading")], name


def test_the_judge_and_the_mistakes_alone_import_the_reference():
    users = {name for name, path in MODULES.items() if any(used.startswith("lib.reference") for used in imported(path))}
    allowed = ("lib.grading.judge", "lib.unit_mistakes", "lib.reference")
    assert not [name for name in users if not name.startswith(allowed)]


def test_importing_what_a_notebook_imports_loads_nothing_closed_or_heavy():
    code = (
        "import sys, lib, lib.checking.answers, lib.blanks, lib.units.softmax_classifier, lib.data; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(("tensorflow", "lib.reference", "lib.grading"))]
