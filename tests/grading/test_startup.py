"""A quick start: what takes longest is kept out while nbgrader is imported, and whoever wants it finds it."""

import os
import subprocess
import sys

START = "import lib.grading.startup\nfrom lib.grading.commands.grade import GradeApp\nimport sys\n"


def output(code: str) -> str:
    """Run code in an interpreter of its own, in which the tests' own stand-in isn't found; give what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_grading_imports_nothing_of_what_is_kept_out_and_who_wants_it_finds_it() -> None:
    use = 'import rfc3987_syntax\nprint(rfc3987_syntax.is_valid_syntax("iri", "https://example.org"))'
    modules, is_there = output(f"{START}print(*sys.modules)\n{use}").splitlines()
    assert {"jsonschema", "nbgrader.utils"} <= {*modules.split()}
    assert not {"lark", "rfc3987_syntax"} & {*modules.split()}
    assert is_there == "True"


def test_without_the_quick_start_it_would_be_imported() -> None:
    """Else nothing would have to be kept out."""
    assert "rfc3987_syntax" in output("import sys, nbformat.validator\nprint(*sys.modules)").split()
