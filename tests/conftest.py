"""Fixtures that several tests share, and a look at the commands that tests give."""

import gc
import os
import signal
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

QUICK = str(Path(__file__).with_name("quick"))
"""A folder of modules that stand in for slow ones, here and in every Python that a test starts."""
sys.path.insert(0, QUICK)
os.environ["PYTHONPATH"] = QUICK
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # of alembic, for nbgrader
# Several processes test at a time: threads of a product of small matrices would only wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# The tests start hundreds of programs: each would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from tests.browser import browser, lab  # noqa: E402  # it imports nbformat

__all__ = ["browser", "lab"]

TOGETHER = {
    "tests/test_docs.py": "a term",
    "tests/test_term.py": "a term",
    "tests/explorer/test_in_lab.py": "JupyterLab",
    "tests/explorer/test_lab.py": "JupyterLab",
    "tests/test_desk_in_lab.py": "JupyterLab",
    "tests/predictions/test_in_lab.py": "JupyterLab",
    "tests/units/hidden_layer/test_in_lab.py": "JupyterLab",
    "tests/grading/grade/test_verdicts.py": "a graded class",
    "tests/grading/commands/test_grade.py": "a graded class",
    "tests/grading/pages/test_feedback.py": "a graded class",
    "tests/grading/pages/test_class_feedback.py": "a graded class",
    "tests/grading/pages/test_report.py": "a graded class",
    "tests/grading/pages/test_exports.py": "a graded class",
    "tests/test_notebook.py": "solutions",
    "tests/units/hidden_layer/test_notebook.py": "solutions",
    "tests/test_data.py": "TensorFlow",
    "tests/reference/test_loss.py": "TensorFlow",
}
"""Files that share what takes long to make: one process runs them, as it does the tests of one file."""
LONGEST = (
    "a graded class",
    "JupyterLab",
    "tests/grading/run/test_machine_faults.py",
    "tests/authoring/test_site.py",
    "a term",
    "tests/grading/commands/test_watch.py",
    "tests/grading/run/test_pool.py",
    "tests/authoring/test_bundle.py",
    "tests/grading/pages/test_formgrader_safety.py",
    "tests/grading/grade/test_plain_assignment.py",
    "tests/certificate/test_certificate.py",
    "tests/certificate/test_answers.py",
    "tests/authoring/test_own_units.py",
    "tests/test_lab_buttons.py",
    "tests/checking/test_student_code.py",
    "tests/grading/commands/test_app.py",
    "tests/explorer/test_widget.py",
    "tests/grading/commands/test_fuzz.py",
    "tests/authoring/test_build.py",
    "tests/grading/kernel/test_forkserver.py",
    "tests/grading/run/test_notebook.py",
    "tests/grading/grade/test_due.py",
    "solutions",
    "tests/units/softmax_classifier/test_training.py",
    "tests/units/softmax_classifier/test_lab.py",
    "tests/grading/door/test_collect.py",
    "tests/grading/grade/test_two_notebooks.py",
)
"""What takes longest begins first, so that no process is left alone with it at the end."""
GIVEN: list[list[str]] = []
"""The commands that this process has given so far, as words."""


def pytest_configure() -> None:
    """Note each command that is started, however a test or a fixture starts it, and let Ctrl-C end it."""
    sys.addaudithook(note)
    # A shell that starts tests in the background lets them ignore Ctrl-C, and so would each command that they give.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """Called by Python before it does something that an audit may want to know."""
    if event == "subprocess.Popen":
        program, *words = map(os.fsdecode, arguments[1])
        if words[:1] == ["-m"]:
            program, words = {"lib.grading": "zerolayer"}.get(words[1], words[1]), words[2:]
        GIVEN.append([Path(program).name, *words])


def was_given(command: str) -> bool:
    """Tell whether a command with at least these words was given; an option's value may stand behind an `=`."""
    program, *wanted = command.split()
    return any(
        name == program and all(any(f"{word}=".startswith(f"{each}=") for word in words) for each in wanted)
        for name, *words in GIVEN
    )


@pytest.fixture(scope="session", autouse=True)
def one_fork_server() -> None:
    """Have all commands of a process's tests share a fork server, which takes seconds to start."""
    if sys.platform == "linux":
        from lib.grading.kernel.client import ForkServer

        ForkServer.shared()


@pytest.fixture(scope="module", autouse=True)
def garbage_is_sought_in_what_is_new() -> None:
    """Leave what stays to the end, as tests and libraries, out of each look for garbage: a whole one takes 0.3 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def no_course_is_left() -> Iterator[None]:
    """Leave the course that a module's tests have entered by a command: programs started later would find it."""
    yield
    if "lib.units" in sys.modules:
        sys.modules["lib.units"].enter(os.curdir)


@pytest.fixture(scope="module", autouse=True)
def no_shell_is_left() -> Iterator[None]:
    """End the IPython shell that a module's tests have made, as some widgets do: a check asks it for its folder."""
    yield
    if "IPython.core.interactiveshell" in sys.modules:
        sys.modules["IPython.core.interactiveshell"].InteractiveShell.clear_instance()


@pytest.fixture(scope="module", autouse=True)
def no_log_closes_what_pytest_captures() -> Iterator[None]:
    """Give TensorFlow's log Python's own stream: it closes any other where a command sets up logging anew."""
    yield
    if absl := sys.modules.get("absl.logging"):
        absl.get_absl_handler().python_handler.stream = sys.__stderr__


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Called by xdist; one process more than there are processors, since a test waits for others every now and then."""
    return (os.cpu_count() or 1) + 1


class ByFile(LoadFileScheduling):
    """Tests of one file, or of files that go together, are run by one process."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """Called by xdist; another way to hand out tests, as `--dist=load`, remains possible."""
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among thousands of tests that are collected, and stay to the end."""
    gc.disable()
    yield
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests by how long their file takes; xdist hands files out in this order."""

    def rank(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        scope = TOGETHER.get(file, file)
        return LONGEST.index(scope) if scope in LONGEST else len(LONGEST)

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """See that a test which is marked with commands, because a document names it for them, has given them."""
    yield
    for marker in item.iter_markers("gives"):
        missed = [command for command in marker.args if not was_given(command)]
        assert not missed, f"{item.nodeid} is marked as giving these commands, but doesn't: {missed}"
