"""Imports in a kernel that is locked in, as at grading: the open half can be imported there, and no closed one."""

import json
from collections.abc import Iterator

from lib.grading.commands.build import CannotBuild
from lib.grading.run.notebook import Bounds
from lib.grading.run.pool import PackedNotebook, RunTask
from lib.grading.sandbox.doctor import find_obstacle
from lib.grading.units import CLOSED, Place

LOOK = """
import importlib, sys
importlib.import_module({module!r})
for name in sorted(name for name in sys.modules if name.startswith({closed!r})):
    print("is loaded:", name)
for name in {closed!r}:
    try:
        importlib.import_module(name)
        print("can be imported:", name)
    except ImportError:
        pass
"""


def faults_in_sandbox(place: Place) -> Iterator[CannotBuild]:
    """Import the open half in a kernel that is locked in, and try to import the closed one there."""
    if finding := find_obstacle():
        yield CannotBuild(
            f"{place.module}: kernels that can't be locked in on this machine",
            found=finding.found,
            expected="the open half in the sandbox, and no closed one",
            attempt=finding.advice,
        )
        return
    closed = (f"{place.module}.{CLOSED}", "lib.reference", "lib.grading.judge")
    if said := _run(LOOK.format(module=place.module, closed=closed)):
        yield CannotBuild(
            f"{place.module}: the unit where submissions run is not what it should be",
            found=said,
            expected=f"that {place.module} can be imported there, and {', '.join(closed)} can't",
            attempt="import in the open half only what students have, and nothing of the closed half",
        )


def _run(code: str) -> str:
    """Run code where submissions run; give the error that it ended with, or what it printed."""
    task = RunTask({"look": PackedNotebook.of_code(code)}, Bounds())
    result = task()["look"]
    [ran] = json.loads(result.cells)
    return result.error() or "".join(output.get("text", "") for output in ran["outputs"]).strip()
