"""A quick start: what takes longest is kept out while nbgrader is imported, and whoever wants it finds it."""

import os
import subprocess
import sys


def output(code: str) -> str:
    """Run code in an interpreter of its own, in which the tests' own stand-in isn't found; give what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_grading_imports_nothing_of_what_is_kept_out_and_who_wants_it_finds_it() -> None:
    start = "import lib.grading.startup, lib.grading.commands.grade, sys\nprint(*sys.modules)"
    use = 'import rfc3987_syntax\nprint(rfc3987_syntax.is_valid_syntax("iri", "https://example.org"))'
    modules, is_there = output(f"{start}\n{use}").splitlines()
    assert {"jsonschema", "nbgrader.utils"} <= {*modules.split()}
    assert not {"lark", "rfc3987_syntax"} & {*modules.split()}
    assert is_there == "True"
    without = output("import sys, nbformat.validator\nprint(*sys.modules)").split()
    assert "rfc3987_syntax" in without, "else nothing would have to be kept out"
