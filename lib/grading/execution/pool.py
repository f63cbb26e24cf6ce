"""Runs: tasks that other processes carry out, many at once. Bytes go out, bytes come back, and no folder is shared.

Where they run is a `Pool`: processes on this machine, by Pebble, or a Dask cluster's workers. A worker that dies or
takes too long takes its own task along and no other; a task that fails is tried once more.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from time import monotonic
from typing import Any, Self, TypeVar

import orjson
from pebble import ProcessPool

from lib.grading.execution.notebook import LONGER, Bounds, has_code, run_cells
from lib.grading.machine_faults import ClusterError, RunLostError
from lib.grading.remarks import Remark
from lib.grading.sandbox.limits import NICENESS

Tag = TypeVar("Tag")
Result = TypeVar("Result")
JOBS = 2
"""Kernels for each processor: a kernel waits for much of its life."""
MARGIN = 60
"""Seconds that a task may take beyond what it says."""
TICK = 2.0
"""Seconds after which, while nothing ends, it is seen whether the pool is still whole."""


@dataclass(frozen=True)
class PackedNotebook:
    """A notebook's cells as JSON, and the files to lie beside it."""

    cells: bytes
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, cells: Iterable[Mapping[str, Any]], files: Mapping[str, bytes]) -> Self:
        """Pack up cells. Those that aren't run only keep their places."""
        unrun = {"cell_type": "raw", "metadata": {}, "source": ""}
        kept = ("cell_type", "source", "metadata")
        return cls(
            orjson.dumps([{key: cell[key] for key in kept} if has_code(cell) else unrun for cell in cells]), files
        )

    @classmethod
    def of_code(cls, code: str) -> Self:
        """Pack up a single cell with this code."""
        return cls.of([{"cell_type": "code", "metadata": {}, "source": code}], {})


@dataclass(frozen=True)
class RunTask:
    """What is to be run of one submission: its notebooks by name, and their bounds.

    `packages` have to be there where it is run: the checks that the notebooks call are in them.
    """

    notebooks: Mapping[str, PackedNotebook]
    bounds: Bounds
    packages: tuple[str, ...] = ()

    def __call__(self) -> "dict[str, RunResult]":
        """Run the notebooks one after the other. Raises RunLostError where that can't be done here."""
        for package in self.packages:
            found = None
            with suppress(ModuleNotFoundError):  # not even one that it would be in
                found = find_spec(package)
            if found is None:
                raise RunLostError(f"The notebook's checks are in {package}, which is not where notebooks are run.")
        return {name: RunResult.of(packed, self.bounds) for name, packed in self.notebooks.items()}

    def longest(self) -> float:
        """Tell how many seconds it may take at most."""
        # Twice: what was refused a thread is run once more.
        return 2 * (LONGER * self.bounds.budget + self.bounds.grace) * len(self.notebooks) + MARGIN


@dataclass(frozen=True)
class RunResult:
    """What came of a run: each cell's outputs and number as JSON, and remarks on how it went."""

    cells: bytes
    remarks: tuple[Remark, ...]

    @classmethod
    def of(cls, packed: PackedNotebook, bounds: Bounds) -> Self:
        """Run a notebook. Raises RunLostError where that can't be done here."""
        ran, remarks = run_cells(packed.cells, packed.files, bounds)
        kept = ("outputs", "execution_count")
        cells = [{key: cell.get(key) for key in kept} if cell["cell_type"] == "code" else None for cell in ran]
        # As JSON and not as objects: nothing that student code had a part in is ever unpickled.
        return cls(json.dumps(cells).encode(), tuple(remarks))

    def error(self) -> str:
        """Give the error that a cell ended with or the first remark, if there is one: for a run that has neither."""
        outputs = [output for cell in json.loads(self.cells) if cell for output in cell["outputs"] or ()]
        errors = [f"{each['ename']}: {each['evalue']}" for each in outputs if each["output_type"] == "error"]
        return next(iter([*errors, *(remark.text for remark in self.remarks)]), "")


class Pool(AbstractContextManager["Pool"]):
    """Processes on this machine, begun before this one knows any answer; they end with it."""

    def __init__(self, jobs: int):
        self.width, self._jobs = 2 * jobs, jobs
        self._pool = self._begin()
        self._pool.schedule(int)  # the processes are there from the first submission on

    def _begin(self) -> ProcessPool:
        # Of several threads a fork has only its own.
        can_fork = sys.platform == "linux" and threading.active_count() == 1
        return ProcessPool(self._jobs, context=get_context("fork" if can_fork else "spawn"), initializer=_prepare)

    def submit(self, task: Callable[[], Result], seconds: float | None = None) -> "Future[Result]":
        """Have a task done, within some seconds if so many are given."""
        try:
            return self._pool.schedule(task, timeout=seconds)
        except RuntimeError:  # it is broken
            self.renew()
            return self._pool.schedule(task, timeout=seconds)

    def look(self) -> bool:
        """Return True if Pebble has given up, as it does where a worker dies while none has anything to do."""
        return not self._pool.active

    def renew(self) -> None:
        """End all processes, and begin with others."""
        self.__exit__()
        self._pool = self._begin()

    def __exit__(self, *_: object) -> None:
        self._pool.stop()
        self._pool.join()


def _prepare() -> None:
    """Called once in each process: an interrupt is for the one that began it, and it goes when that one does."""
    if hasattr(os, "nice"):  # Windows has none
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        from lib.grading.sandbox import lockdown

        lockdown.die_with_parent()


class Cluster(AbstractContextManager["Cluster"]):
    """A Dask cluster's workers. The scheduler gives what a worker had that died or went silent to another one."""

    def __init__(self, address: str, patience: float):
        import dask

        # Read as it is imported: what keeps a run from going on is said in a sentence of ours.
        dask.config.set({"logging": {"distributed": "critical", "distributed.client": "critical"}})
        from distributed import Client
        from distributed.cfexecutor import ClientExecutor

        try:
            self._client = Client(address, timeout=20, set_as_default=False)
            self._client.wait_for_workers(1, timeout=patience)
        except (OSError, ValueError, RuntimeError) as error:
            raise ClusterError(
                f"No Dask scheduler with workers answers at {address}: {error}. Start them with `dask scheduler` and"
                " `dask worker ADDRESS --nthreads=2`, where this package is installed with its extra `dask`."
            ) from error
        self._executor = ClientExecutor(self._client, pure=False)
        self._address, self._patience, self._seen = address, patience, monotonic()

    @property
    def width(self) -> int:
        """How many may be under way: two for each thread of the workers that are there now."""
        return 2 * max(1, self._threads())

    def _threads(self) -> int:
        """Count the workers' threads. Raises ClusterError where the scheduler doesn't answer."""
        try:
            threads = sum(self._client.nthreads().values())
        except (OSError, ValueError, RuntimeError, TimeoutError) as error:
            lost = f"The Dask scheduler at {self._address} doesn't answer any more. Start it, and workers."
            raise ClusterError(lost) from error
        if threads:
            self._seen = monotonic()
        return threads

    def look(self) -> bool:
        """Return False: the scheduler replaces what breaks. Raises ClusterError after `patience` without workers."""
        if not self._threads() and monotonic() - self._seen > self._patience:
            raise ClusterError(
                f"The Dask scheduler at {self._address} has lost all its workers, and no other came within"
                f" {self._patience:g} seconds. Start others by `dask worker {self._address} --nthreads=2`."
            )
        return False

    def submit(self, task: Callable[[], Result], seconds: float | None = None) -> "Future[Result]":
        """Have a task done, however long it takes: the scheduler sees who went silent."""
        return self._executor.submit(task)

    def renew(self) -> None:
        """Leave the workers as they are: they are the scheduler's."""

    def __exit__(self, *_: object) -> None:
        self._client.close(timeout=5)


def runs(
    pool: Pool | Cluster, works: Iterable[tuple[Tag, RunTask]]
) -> Iterator[tuple[Tag, dict[str, RunResult] | BaseException]]:
    """Run works as they come; give for each tag what its run gave, or the error that it failed with twice.

    So many are under way at a time that memory stays what it is whatever the size of a class.
    """
    fresh, flying = iter(works), dict[Future[dict[str, RunResult]], tuple[Tag, RunTask, bool]]()
    moved = monotonic()
    while True:
        while len(flying) < pool.width and (work := next(fresh, None)):
            flying[pool.submit(work[1], work[1].longest())] = *work, False
            moved = monotonic()
        if not flying:
            return
        done, _ = wait(flying, timeout=TICK, return_when=FIRST_COMPLETED)
        if done:
            moved = monotonic()
        elif pool.look() or monotonic() - moved > max(task.longest() for _, task, _ in flying.values()):
            # No task takes so long. Pebble's workers wait for each other where one died in the middle of a word, and
            # it forgets what it was given while it noticed that all have died.
            pool.renew()
            done, moved = {*flying}, monotonic()
        for future in done:
            tag, task, is_last = flying.pop(future)
            result = _result_of(future, pool)
            if is_last or not isinstance(result, BaseException):
                yield tag, result
            else:
                flying[pool.submit(task, task.longest())] = tag, task, True


def _result_of(future: "Future[Result]", pool: Pool | Cluster) -> Result | BaseException:
    """Return what a task gave, or its error; what is not through by now is given up.

    Raises ClusterError where the scheduler is gone.
    """
    if future.cancel() or not future.done():
        return TimeoutError("No worker has done it in its time.")
    try:
        return future.result()
    except CancelledError:  # by Dask, most likely because its scheduler is gone
        pool.look()
        return ClusterError("It was cancelled.")
    except BaseException as error:
        return error


def workers(jobs: int, scheduler: str, locked: bool, patience: float) -> Pool | Cluster:
    """Give a Dask scheduler's workers where there is one, else `jobs` processes on this machine."""
    if scheduler:
        return Cluster(scheduler, patience)
    if sys.platform == "linux":
        from lib.grading.kernel.client import ForkServer

        ForkServer.shared(locked).start()  # it warms up while the first submissions are read
    return Pool(jobs or JOBS * (os.cpu_count() or 1))
