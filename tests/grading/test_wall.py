"""The wall between the halves, and the floors of the house: who may import whom."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BREAKS = {
    "lib/units/softmax_classifier/loss.py": "from lib.reference import cce",
    "lib/explorer/widget.py": "from lib.units.softmax_classifier.closed.right import train",
    "lib/checking/challenges.py": "from lib.grading.judge.judge import judge",
    "lib/grading/execution/pool.py": "from lib.reference import Dense",
    "lib/grading/sandbox/lockdown.py": "from lib.grading.commands.grade import GradeApp",
    "lib/unit.py": "from lib.checking.results import numbers",
    "lib/checking/help.py": "from lib.answer_key import Mistake",
}


def lint(folder):
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_contracts_on_imports_are_kept_and_one_that_breaks_the_wall_is_noticed(tmp_path):
    """The contracts can fail: each of these lines, inside a function, breaks one."""
    kept = lint(ROOT)
    assert kept.returncode == 0, kept.stdout
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    for name in ("__init__.py", "right.py"):  # which no unit of ours has
        (tmp_path / "lib/units/softmax_classifier/closed" / name).touch()
    for module, line in BREAKS.items():
        with (tmp_path / module).open("a") as file:
            file.write(f"\n\ndef reach():\n    {line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout
    for module, line in BREAKS.items():
        importer, imported = module.removesuffix(".py").replace("/", "."), line.split()[1]
        assert f"{importer} -> {imported}" in done.stdout, module


def test_importing_what_a_notebook_imports_loads_nothing_closed_or_heavy():
    code = "import sys, lib, lib.blanks, lib.units.softmax_classifier, lib.data; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    closed = ("tensorflow", "lib.reference", "lib.grading", "lib.answer_key")
    assert not [name for name in done.stdout.split() if name.startswith(closed) or ".closed" in name]
