"""A class under way, however its workers are disturbed: no grade is lost, none is somebody else's, nothing is left."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from functools import partial, wraps
from multiprocessing import get_context

import pytest
from distributed import Client
from pebble import CONSTS, ProcessExpired

from lib.grading import unit_registry
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.execution.pool import Pool, run_tasks
from lib.grading.judge.judge import shipped
from lib.grading.machine_faults import RunLostError, TooBusyError
from lib.grading.pipeline.one_notebook import Terms
from tests.grading.execution.conftest import CLASS, DIED, POINTS, RIGHT, alone, listed, said

# The pool by itself


def forked(test):
    """Run a test in a fork: a command opens its pool while it has one thread, and tests before may have left others."""

    @wraps(test)
    def run(**fixtures):
        process = get_context("fork").Process(target=test, kwargs=fixtures)
        process.start()
        try:
            process.join()
        finally:
            process.kill()
        assert process.exitcode == 0, "its stderr says why"

    return run


def first_time(met, call, *arguments):
    """Do something, but only once for each file `met`."""
    if not met.exists():
        met.touch()
        call(*arguments)
    return "done"


def myself(number):
    os.kill(os.getpid(), number)


def half_a_result():
    """Die after the first of two pieces in which a result of this size is sent."""
    from multiprocessing.connection import Connection

    send = Connection._send
    Connection._send = lambda *piece: (send(*piece), myself(signal.SIGKILL))
    return bytes(50_000)


def fails(error):
    raise error


def fails_in_turn(met, *errors):
    """Raise each error at one call, as the files `met` count them, and then do it."""
    met.mkdir(exist_ok=True)
    at = len([*met.iterdir()])
    (met / str(at)).touch()
    return fails(errors[at]) if at < len(errors) else "done"


DISTURBED = {
    "answers": ((int, "5"), 5),
    "fails once": ((first_time, fails, RunLostError("lost")), "done"),
    "fails twice": ((fails, RunLostError("lost")), RunLostError),
    "too busy once": ((first_time, fails, TooBusyError("busy")), "done"),
    "too busy twice": ((fails, TooBusyError("busy")), TooBusyError),
    "fails once, after its pool broke down": (
        (fails_in_turn, BrokenProcessPool("broken"), RunLostError("lost")),
        "done",
    ),
    "dies once": ((first_time, myself, signal.SIGKILL), "done"),
    "dies twice": ((myself, signal.SIGKILL), ProcessExpired),
    "stops once": ((first_time, myself, signal.SIGSTOP), "done"),
    "stops twice": ((myself, signal.SIGSTOP), TimeoutError),
    "dies in the middle of its result": ((half_a_result,), Exception),
}
"""What a worker does, and what comes of it. One that stops is ended when its time is over; the last one, which leaves
all others waiting for the rest of a word, may end in several errors."""


HALF = "dies in the middle of its result"


@pytest.mark.parametrize("names", [[*DISTURBED.keys() - {HALF}], pytest.param([HALF], marks=pytest.mark.slow)])
@forked
def test_what_a_worker_dies_of_takes_no_other_task_along(tmp_path, names):
    CONSTS.channel_lock_timeout = 3  # so long is waited for who died in the middle of a word
    works = []
    for name in sorted(names):
        call, *arguments = DISTURBED[name][0]
        marked = [tmp_path / name, *arguments] if call in (first_time, fails_in_turn) else arguments
        # Long enough to begin a process on a busy machine. After half a word all wait until their time is over.
        seconds = 20 if call is half_a_result else 100
        works += [(name, partial(call, *marked), 3 if signal.SIGSTOP in arguments else seconds)]
        works += [((name, number), partial(int, number), seconds) for number in range(3)]
    with Pool(2) as pool:
        came = dict(run_tasks(pool, works))
    for name, wanted in ((name, DISTURBED[name][1]) for name in names):
        assert isinstance(came[name], wanted) if isinstance(wanted, type) else came[name] == wanted, name
    assert [came[name, number] for name in names for number in range(3)] == [*range(3)] * len(names)
    assert threading.active_count() == 1, "at the end of the program a thread would use pipes that Python closes"


def test_where_the_checks_are_not_installed_nothing_is_run():
    with pytest.raises(RunLostError, match=r"The notebook's checks are in lib\.units\.elsewhere"):
        Terms("elsewhere", "elsewhere", None).answer_key()


def test_all_threads_of_a_worker_have_the_same_answer_key():
    """By its key a unit's fingerprints are found: another one's mistakes would have no names."""
    unit_registry._read_folder.cache_clear()
    terms = Terms("softmax_classifier", "softmax_classifier", None)
    with ThreadPoolExecutor(4) as threads:
        keys = [*threads.map(lambda _: terms.answer_key(), range(4))]
    assert all(shipped(key).mistakes for key in keys)


# A class


MOMENT = """
import json, os, signal
from contextlib import suppress
import psutil
from lib.grading.execution import pool
from lib.grading.pipeline import stages

calls = []
pool.TICK = 0.1

def come(**_):
    calls.append(None)
    if len(calls) == {number}:
        me = psutil.Process()
        warm = [child for child in me.children() if "lib.grading.kernel.forkserver" in child.cmdline()]
        workers = [child for child in me.children() if child not in warm]
        kernels = [each for child in warm for each in child.children(recursive=True)]
        with open("processes.json", "w") as file:
            json.dump([each.pid for each in (*workers, *warm, *kernels)], file)
        for process in {whom}:
            with suppress(psutil.NoSuchProcess):  # a kernel may have just ended
                process.send_signal(signal.{signal})
"""
JUDGED = """
def no_moment(**_):
    pass

def finish(*arguments, finish=stages.finish):
    graded = finish(*arguments)
    come_now()
    return graded

stages.finish, come_now, come = finish, come, no_moment
"""
"""As the hook is imported: the moment is no longer its call, but when a submission's rows are written and not saved."""


def disturb(course, whom, number=3, signal="SIGKILL", moment="pre", flags=()):
    """Grade, and meanwhile send somebody a signal; give how that ended. Then the class is as it was configured."""
    config = course.root / "nbgrader_config.py"
    kept = config.read_text()
    hook = MOMENT.format(whom=whom, number=number, signal=signal) + JUDGED * (moment == "judged")
    course.configured(hook, "post" if moment == "post" else "pre")
    run = course.grade("--jobs=2", *flags, environment=alone())
    config.write_text(kept)
    return run


SURVIVED = {
    "all workers": "workers",
    "a worker and the warm process": "workers[:1] + warm",
}


@pytest.mark.slow
@pytest.mark.parametrize("whom", SURVIVED.values(), ids=SURVIVED)
def test_who_is_killed_in_the_middle_of_a_class_costs_nobody_points(course, undisturbed, whom, tmp_path_factory):
    assert listed(disturb(course, whom)) == DIED
    assert course.state() == undisturbed.state()


BROKEN_OFF = {
    "judged": ("[me]", {"number": 2, "moment": "judged"}),
    "saved, with all others": ("[*kernels, *warm, *workers, me]", {"number": 3, "moment": "post"}),
    "Ctrl-C": ("[me, *workers, me]", {"number": 2, "moment": "post", "signal": "SIGINT"}),
    "Ctrl-C, with stopped workers": (
        "[*[each for each in workers if each.suspend()], me]",
        {"signal": "SIGINT", "flags": ("--force",)},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("whom", "how"), BROKEN_OFF.values(), ids=BROKEN_OFF)
def test_a_run_broken_off_goes_on_where_it_was_and_leaves_nobody_at_work(course, undisturbed, whom, how):
    broken = disturb(course, whom, **how)
    assert broken.returncode == (130 if "signal" in how else -signal.SIGKILL)
    if "signal" in how:
        comes = "starts over, because of --force" if "flags" in how else "goes on from there"
        assert said(broken).endswith(f"Stopped. Finished submissions are kept; the same command {comes}.")
    for number in json.loads((course.root / "processes.json").read_text()):
        with suppress(ProcessLookupError), open(os.pidfd_open(number), "rb", 0) as process:  # noqa: PTH123  # no path
            assert select.select([process], [], [], 300)[0], "it ends with its command"
    saved = course.points().keys()
    assert len(saved) < len(CLASS)
    again = course.grade()
    assert again.returncode == (NEEDS_A_PERSON if DIED.keys() - saved else 0), again.stderr
    assert f"{len(CLASS) - len(saved)} of {len(CLASS)} submissions graded" in again.stdout
    assert course.state() == undisturbed.state()


KILLS_THE_WORKER = """
import os, psutil
worker = psutil.Process(os.getppid())
assert "tests.grading.command_server" in worker.parent().cmdline()  # nobody else's process, whatever went wrong before
worker.kill()
"""


@pytest.mark.slow
def test_without_the_sandbox_code_that_kills_its_worker_takes_nobody_along(course):
    """There it can, each time that it is tried."""
    course.hand_in("di", f"{RIGHT}\n{KILLS_THE_WORKER}")
    run = course.grade("--no-sandbox", "--jobs=1", environment=alone())
    assert listed(run) == {"di": "was not graded: Abnormal termination"}
    assert course.points() == {student: points for student, points in POINTS.items() if student != "di"}


# A cluster


class Dask:
    """A scheduler, and workers that come and go, by the commands that docs/scaling.md gives."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.file, self.workers = folder, stack, folder / "scheduler.json", []
        self.scheduler = self._start("scheduler", "--port=0")
        self.address = json.loads(self.file.read_text())["address"]

    def add(self):
        options = ("--nthreads=2", "--no-nanny", "--local-directory", str(self.folder))
        self.workers.append(self._start("worker", *options, number=len(self.workers) + 1))

    def _start(self, *words, number=0):
        """Start a process, and wait until the scheduler answers and has so many workers."""
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard", "--scheduler-file", str(self.file)]
        # Dask waits 5 minutes. Much less than this, and on a busy machine workers are taken for gone while they import.
        environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "30s"}
        process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL, env=environment)
        self.stack.enter_context(process)
        self.stack.callback(process.kill)  # one may be stopped, and would be waited for
        with Client(scheduler_file=str(self.file), timeout=300, set_as_default=False) as client:
            if number:
                client.wait_for_workers(number, timeout=300)
        return process


@pytest.fixture
def dask(course):
    with ExitStack() as stack:
        yield Dask(course.root, stack)  # there they find the course's units


@pytest.mark.slow
@pytest.mark.parametrize("number", ["SIGKILL", "SIGSTOP"], ids=["killed", "silent"])
def test_what_a_dask_worker_had_that_is_gone_is_run_by_others(course, undisturbed, dask, number):
    dask.add()
    dask.add()
    whom = f"[psutil.Process({dask.workers[0].pid})]"
    run = disturb(course, whom, number=4, signal=number, flags=[f"--scheduler={dask.address}"])
    assert listed(run) == DIED
    assert course.state() == undisturbed.state()


@pytest.mark.slow
def test_a_scheduler_without_workers_is_waited_for_and_then_told(course, dask):
    run = course.grade(f"--scheduler={dask.address}", "--Grade.patience=1")
    assert run.returncode == 1
    assert f"No Dask scheduler with workers answers at {dask.address}" in said(run)
