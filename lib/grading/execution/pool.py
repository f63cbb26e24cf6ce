"""Pools of workers that run many notebooks at once. Tasks and results are bytes, and no folder is shared.

A `Pool` has processes on this machine, by Pebble; a `Cluster` has a Dask scheduler's workers. If a worker dies or takes
too long, only its own task fails. A failed task is tried once more.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from time import monotonic
from typing import Any, Self, TypeVar

import orjson
from pebble import ProcessPool

from lib.grading.execution.notebook import CLOCK_FACTOR, Bounds, has_code, run_and_judge
from lib.grading.execution.outputs import read_json, write_json
from lib.grading.machine_faults import ClusterError, RunLostError
from lib.grading.remarks import Remark
from lib.grading.sandbox.limits import NICENESS

Tag = TypeVar("Tag")
Result = TypeVar("Result")
JOBS = 2
"""Kernels for each processor: a kernel is idle much of the time."""
MARGIN = 60
"""Seconds that a task may take beyond the limits of its notebooks."""
Judge = Callable[[int, str, Mapping[str, Any]], Any]
judge_right: Judge | None = None
"""In a worker that knows what is right: returns the verdict on a part's answer to the draw of a seed if all of it is
right, else None. Others leave that to the judge. No student code runs in a worker, nor in a fork of one."""
TICK = 2.0
"""Seconds without a result after which the pool is tested for a breakdown."""


@dataclass(frozen=True)
class PackedNotebook:
    """A notebook's cells as JSON, and the files for its working directory."""

    cells: bytes
    files: Mapping[str, bytes]
    seed: int | None = None  # of the secret draw, if there is one

    @classmethod
    def of(cls, cells: Iterable[Mapping[str, Any]], files: Mapping[str, bytes], seed: int | None = None) -> Self:
        """Pack cells. A placeholder replaces each cell without code to run, so that positions stay the same."""
        placeholder, keys = {"cell_type": "raw", "metadata": {}, "source": ""}, ("cell_type", "source", "metadata")
        needed = [{key: cell[key] for key in keys} if has_code(cell) else placeholder for cell in cells]
        return cls(orjson.dumps(needed), files, seed)


@dataclass(frozen=True)
class RunTask:
    """The notebooks of one submission to run, by name, and their limits."""

    notebooks: Mapping[str, PackedNotebook]
    bounds: Bounds
    packages: tuple[str, ...] = ()  # with the checks that the notebooks call

    def __call__(self) -> "dict[str, RunResult]":
        """Run the notebooks one after the other. Raises RunLostError if this worker can't."""
        for package in self.packages:
            found = None
            with suppress(ModuleNotFoundError):  # raised if a parent package is missing
                found = find_spec(package)
            if found is None:
                raise RunLostError(f"The notebook's checks are in {package}, which the worker doesn't have.")
        return {name: RunResult.of(packed, self.bounds) for name, packed in self.notebooks.items()}

    def time_limit(self) -> float:
        """Return the longest time in seconds that the task may take."""
        # Twice, since a notebook that was refused a thread runs again.
        return 2 * (CLOCK_FACTOR * self.bounds.budget + self.bounds.grace) * len(self.notebooks) + MARGIN


@dataclass(frozen=True)
class RunResult:
    """The result of a run: each cell's outputs and execution count as JSON, and remarks on problems."""

    cells: bytes
    remarks: tuple[Remark, ...]
    verdicts: Mapping[str, Any] = field(default_factory=dict)  # on the parts that are right

    @classmethod
    def of(cls, packed: PackedNotebook, bounds: Bounds) -> Self:
        """Run a notebook. Raises RunLostError if this worker can't."""
        judge = partial(judge_right, seed) if judge_right and (seed := packed.seed) is not None else None
        cells, remarks, verdicts = run_and_judge(packed.cells, packed.files, bounds, judge)
        keys = ("outputs", "execution_count")
        results = [{key: cell.get(key) for key in keys} if cell["cell_type"] == "code" else None for cell in cells]
        # JSON, since data from student code must never be unpickled.
        return cls(write_json(results), tuple(remarks), verdicts)

    def error(self) -> str:
        """Return the first error of a cell, or the first remark, or "" if the run had no problem."""
        outputs = [output for cell in read_json(self.cells) if cell for output in cell["outputs"] or ()]
        errors = [f"{each['ename']}: {each['evalue']}" for each in outputs if each["output_type"] == "error"]
        return next(iter([*errors, *(remark.text for remark in self.remarks)]), "")


class Pool(AbstractContextManager["Pool"]):
    """Processes on this machine, which end with this one. If they are forks of it, they can judge what is right."""

    def __init__(self, jobs: int, judge: Judge | None = None):
        self.width, self._jobs, self._judge = 2 * jobs, jobs, judge
        self._pool = self._begin()
        self._pool.schedule(int)  # Pebble starts its processes at the first task

    def _begin(self) -> ProcessPool:
        # A fork has only the calling thread: locks that other threads hold would stay locked.
        can_fork = sys.platform == "linux" and threading.active_count() == 1
        given = [self._judge] if can_fork else [None]  # answer keys can't be pickled
        context = get_context("fork" if can_fork else "spawn")
        return ProcessPool(self._jobs, context=context, initializer=_init_worker, initargs=given)

    def submit(self, task: Callable[[], Result], seconds: float | None = None) -> "Future[Result]":
        """Schedule a task, with an optional time limit."""
        try:
            return self._pool.schedule(task, timeout=seconds)
        except RuntimeError:  # the pool is broken
            self.renew()
            return self._pool.schedule(task, timeout=seconds)

    def is_broken(self) -> bool:
        """True if Pebble has given up, as it does when a worker dies while all are idle."""
        return not self._pool.active

    def renew(self) -> None:
        """Replace all processes."""
        self.__exit__()
        self._pool = self._begin()

    def __exit__(self, *_: object) -> None:
        self._pool.stop()
        self._pool.join()


def _init_worker(judge: Judge | None) -> None:
    global judge_right
    judge_right = judge
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command handles Ctrl-C, and ends its workers
    if sys.platform == "linux":
        from lib.grading.sandbox import lockdown

        lockdown.die_with_parent()


class Cluster(AbstractContextManager["Cluster"]):
    """The workers of a Dask scheduler, which reassigns the tasks of workers that die or don't answer."""

    def __init__(self, address: str, patience: float):
        import dask

        # Before the import below, which reads this: errors get a message of ours in place of Dask's log.
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
        """The number of tasks to have under way: two for each thread of the present workers."""
        return 2 * max(1, self._threads())

    def _threads(self) -> int:
        """Return the number of the workers' threads. Raises ClusterError if the scheduler doesn't answer."""
        try:
            threads = sum(self._client.nthreads().values())
        except (OSError, ValueError, RuntimeError, TimeoutError) as error:
            problem = f"The Dask scheduler at {self._address} doesn't answer any more. Start it, and workers."
            raise ClusterError(problem) from error
        if threads:
            self._seen = monotonic()
        return threads

    def is_broken(self) -> bool:
        """Return False, since the scheduler replaces workers. Raises ClusterError after `patience` without workers."""
        if not self._threads() and monotonic() - self._seen > self._patience:
            raise ClusterError(
                f"The Dask scheduler at {self._address} has lost all its workers, and no other came within"
                f" {self._patience:g} seconds. Start new ones: `dask worker {self._address} --nthreads=2`."
            )
        return False

    def submit(self, task: Callable[[], Result], seconds: float | None = None) -> "Future[Result]":
        """Submit a task. The time limit is ignored: the scheduler notices workers that don't answer."""
        return self._executor.submit(task)

    def renew(self) -> None:
        """Do nothing: the scheduler owns the workers."""

    def __exit__(self, *_: object) -> None:
        self._client.close(timeout=5)


def run_tasks(
    pool: Pool | Cluster, works: Iterable[tuple[Tag, RunTask]]
) -> Iterator[tuple[Tag, dict[str, RunResult] | BaseException]]:
    """Run tasks as they come; yield each one's tag with its result, or with its error after the second failure.

    Only `pool.width` tasks are under way at a time, so that memory doesn't grow with the class.
    """
    queue, running = iter(works), dict[Future[dict[str, RunResult]], tuple[Tag, RunTask, bool]]()
    last_change = monotonic()
    while True:
        while len(running) < pool.width and (work := next(queue, None)):
            running[pool.submit(work[1], work[1].time_limit())] = *work, False
            last_change = monotonic()
        if not running:
            return
        done, _ = wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
        if done:
            last_change = monotonic()
        elif pool.is_broken() or monotonic() - last_change > max(task.time_limit() for _, task, _ in running.values()):
            # Pebble can hang: its workers deadlock if one dies while it holds the lock of the result pipe, and tasks
            # that are scheduled just as all workers die are lost.
            pool.renew()
            done, last_change = {*running}, monotonic()
        for future in done:
            tag, task, is_last = running.pop(future)
            result = _result_of(future, pool)
            if is_last or not isinstance(result, BaseException):
                yield tag, result
            else:
                running[pool.submit(task, task.time_limit())] = tag, task, True


def _result_of(future: "Future[Result]", pool: Pool | Cluster) -> Result | BaseException:
    """Return a task's result or error. Cancels an unfinished task. Raises ClusterError if the scheduler is gone."""
    if future.cancel() or not future.done():
        return TimeoutError("No worker finished it within its time limit.")
    try:
        return future.result()
    except CancelledError:  # by Dask, most likely because its scheduler is gone
        pool.is_broken()
        return ClusterError("It was cancelled.")
    except BaseException as error:
        return error


def open_pool(jobs: int, scheduler: str, patience: float, judge: Judge | None) -> Pool | Cluster:
    """Return the workers of a Dask scheduler if one is named, else `jobs` processes on this machine."""
    return Cluster(scheduler, patience) if scheduler else Pool(jobs or JOBS * (os.cpu_count() or 1), judge)
