"""Pools of workers that run many tasks at once, here or on other machines: no folder is shared.

A `Pool` has processes on this machine, by Pebble; a `Cluster` has a Dask scheduler's workers. If a worker dies or takes
too long, only its own task fails. A failed task is tried once more.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from multiprocessing import get_context
from time import monotonic
from typing import TypeVar

from pebble import ProcessPool

from lib.grading.errors import ConfigError
from lib.grading.sandbox.limits import NICENESS

Tag = TypeVar("Tag")
Result = TypeVar("Result")
JOBS = 2
"""Kernels for each processor: a kernel is idle much of the time."""
MOST_BREAKDOWNS = 20
"""Tasks of a run that are tried again because Pebble gave up: a worker died before it reported which task it has."""
TICK = 2.0
"""Seconds without a result after which the pool is tested for a breakdown."""


class Pool(AbstractContextManager["Pool"]):
    """Processes on this machine, which end with this one. Where possible they are forks of it, and need no imports."""

    def __init__(self, jobs: int):
        self.width, self._jobs = 2 * jobs, jobs
        self._pool = self._begin()
        self._pool.schedule(int)  # Pebble starts its processes at the first task

    def _begin(self) -> ProcessPool:
        # A fork has only the calling thread: locks that other threads hold would stay locked.
        can_fork = sys.platform == "linux" and threading.active_count() == 1
        context = get_context("fork" if can_fork else "spawn")
        return ProcessPool(self._jobs, context=context, initializer=_init_worker)

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


def _init_worker() -> None:
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
            raise ConnectionError(
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
        """Return the number of the workers' threads. Raises ConnectionError if the scheduler doesn't answer."""
        try:
            threads = sum(self._client.nthreads().values())
        except (OSError, ValueError, RuntimeError, TimeoutError) as error:
            problem = f"The Dask scheduler at {self._address} doesn't answer any more. Start it, and workers."
            raise ConnectionError(problem) from error
        if threads:
            self._seen = monotonic()
        return threads

    def is_broken(self) -> bool:
        """Return False: the scheduler replaces workers. Raises ConnectionError after `patience` without workers."""
        if not self._threads() and monotonic() - self._seen > self._patience:
            raise ConnectionError(
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
    pool: Pool | Cluster, works: Iterable[tuple[Tag, Callable[[], Result], float]]
) -> Iterator[tuple[Tag, Result | BaseException]]:
    """Run tasks as they come; yield each one's tag with its result, or with its error after the second failure.

    Each task comes with its tag and its time limit in seconds. It is pickled, and not tried again after a ConfigError.
    Up to `MOST_BREAKDOWNS` times, a breakdown of the pool doesn't count as a failure of its tasks. Only `pool.width`
    tasks are under way at a time, so that memory doesn't grow with the class.
    """
    queue, running = iter(works), dict[Future[Result], tuple[Tag, Callable[[], Result], float, bool]]()
    last_change, breakdowns = monotonic(), 0
    while True:
        while len(running) < pool.width and (work := next(queue, None)):
            running[pool.submit(*work[1:])] = *work, False
            last_change = monotonic()
        if not running:
            return
        done, _ = wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
        if done:
            last_change = monotonic()
        elif pool.is_broken() or monotonic() - last_change > max(limit for _, _, limit, _ in running.values()):
            # Pebble can hang: its workers deadlock if one dies while it holds the lock of the result pipe, and tasks
            # that are scheduled just as all workers die are lost.
            pool.renew()
            done, last_change = {*running}, monotonic()
        for future in done:
            tag, task, limit, is_last = running.pop(future)
            result = _result_of(future, pool)
            if isinstance(result, BrokenProcessPool) and breakdowns < MOST_BREAKDOWNS:
                breakdowns += 1
                running[pool.submit(task, limit)] = tag, task, limit, is_last
            elif is_last or not isinstance(result, BaseException) or isinstance(result, ConfigError):
                yield tag, result
            else:
                running[pool.submit(task, limit)] = tag, task, limit, True


def _result_of(future: "Future[Result]", pool: Pool | Cluster) -> Result | BaseException:
    """Return a task's result or error. Cancels an unfinished task. Raises ConnectionError if the scheduler is gone."""
    if future.cancel() or not future.done():
        return TimeoutError("No worker finished it within its time limit.")
    try:
        return future.result()
    except CancelledError:  # by Dask, most likely because its scheduler is gone
        pool.is_broken()
        return ConnectionError("It was cancelled.")
    except BaseException as error:
        return error


def open_pool(jobs: int, scheduler: str, patience: float) -> Pool | Cluster:
    """Return the workers of a Dask scheduler if one is named, else `jobs` processes on this machine."""
    return Cluster(scheduler, patience) if scheduler else Pool(jobs or JOBS * (os.cpu_count() or 1))
