"""Other people's tests on our kernels: the suites of nbclient and nbgrader, with Jupyter's provisioner and with ours.

    python benchmarks/suites.py                 # all, both ways, several minutes
    python benchmarks/suites.py nbclient        # one suite
    python benchmarks/suites.py nbgrader -k validate

What passes with Jupyter's has to pass with ours, except what EXCEPTIONS says why. nbclient's tests come with its source
distribution, which is fetched, as are the plugins that they need; nbgrader's come with nbgrader.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from lib.grading.kernel.forkserver import ForkServer

PLUGINS = ("pytest-asyncio", "flaky", "xmltodict", "testpath", "pytest-rerunfailures")
NBGRADER = (
    *("apps/test_nbgrader_autograde.py", "apps/test_nbgrader_validate.py", "apps/test_nbgrader_generate_feedback.py"),
    *("preprocessors", "test_validator.py", "utils", "nbgraderformat", "api"),
)
"""What of nbgrader's suite has to do with running, judging or reading notebooks; exchange and server are left out."""
PROVISIONERS = {"stock": "local-provisioner", "ours": "zerolayer-warm"}
OUTCOMES = ("passed", "failure", "error", "skipped")
EXCEPTIONS = {
    "tests.test_client::test_async_parallel_notebooks": (
        "Two notebooks meet in a folder outside: a locked kernel neither sees it nor what another one writes."
    ),
    "test_nbgrader_autograde.TestNbGraderAutograde::test_side_effects": (
        "What code writes beside the notebook stays in the sandbox."
    ),
    "test_nbgrader_validate.TestNbGraderValidate::test_validate_subdir": (
        "Nobody says where the kernel is to work, and where we are there may be a gradebook: it gets an empty folder."
    ),
}
"""Tests that pass with Jupyter's provisioner and not with ours, and what the sandbox forbids them."""


def nbclient_tests(folder: Path) -> list[str]:
    """Fetch nbclient's tests, of the version that is installed."""
    _pip("download", "-d", str(folder), "--no-binary", "nbclient", f"nbclient=={version('nbclient')}")
    [archive] = folder.glob("nbclient-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return [str(archive).removesuffix(".tar.gz") + "/tests"]


def nbgrader_tests(folder: Path) -> list[str]:
    """Find nbgrader's tests where it is installed."""
    home = Path(find_spec("nbgrader").origin).parent / "tests"
    return [str(home / place) for place in NBGRADER]


SUITES = {"nbclient": nbclient_tests, "nbgrader": nbgrader_tests}


def results(tests: list[str], provisioner: str, folder: Path, more: list[str]) -> dict[str, str]:
    """Run tests with a provisioner; give what came of each."""
    report = folder / f"{provisioner}.xml"
    options = ("asyncio_default_fixture_loop_scope=function", "filterwarnings=default", "asyncio_mode=strict")
    command = [sys.executable, "-m", "pytest", "-q", "--disable-warnings", "--tb=short", "-p", "no:cacheprovider"]
    command += ["-c", os.devnull]  # where the libraries lie in this folder, our own settings would be found
    command += [part for option in options for part in ("-o", option)]
    command += [f"--junitxml={report}", f"--basetemp={folder / 'tmp'}", *tests, *more]
    if provisioner == PROVISIONERS["ours"]:
        ForkServer.shared().start()  # one for all commands that the tests give
    environment = {
        **os.environ,
        "JUPYTER_DEFAULT_PROVISIONER_NAME": provisioner,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(folder / "plugins"), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    subprocess.run(command, cwd=folder, env=environment, check=False)
    cases = ElementTree.parse(report).iter("testcase")
    return {f"{'.'.join(case.get('classname').split('.')[-2:])}::{case.get('name')}": _outcome(case) for case in cases}


def _outcome(case: ElementTree.Element) -> str:
    return next((child.tag for child in case if child.tag in OUTCOMES), "passed")


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", arguments[0], "-q", "--no-deps", *arguments[1:]], check=True)


def main() -> int:
    """Run, print a table, and give 1 if anything differs without a reason."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="which; all of them unless named")
    chosen, more = parser.parse_known_args()
    surprises = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _pip("install", "--target", str(folder / "plugins"), *PLUGINS)
        for suite in chosen.suites or SUITES:
            tests = SUITES[suite](folder)
            came = {who: results(tests, name, folder, more) for who, name in PROVISIONERS.items()}
            for who, outcomes in came.items():
                counts = Counter(outcomes.values())
                print(f"{suite:10}{who:8}" + "".join(f"{counts[kind]:6} {kind}" for kind in OUTCOMES))
            for test, outcome in came["ours"].items():
                if outcome != came["stock"].get(test):
                    print(f"  {test}: {came['stock'].get(test)} with Jupyter's, {outcome} with ours")
                    print(f"    {EXCEPTIONS.get(test, 'no reason known')}")
                    surprises += outcome != "passed" and test not in EXCEPTIONS
    return min(surprises, 1)


if __name__ == "__main__":
    sys.exit(main())
