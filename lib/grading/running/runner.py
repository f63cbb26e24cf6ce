"""Runs: notebooks executed elsewhere, many at once. Bytes go out, bytes come back, and no folder is shared.

Who executes is any `concurrent.futures.Executor`: processes on this machine, or Dask's workers on many. Only so many
runs are under way, whatever the size of a class, so memory stays what it is. A run that fails is tried once more. A
worker that dies takes along what its pool was doing: each of these is then tried alone, and none falls for another.
"""

import gc
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from typing import Any, Generic, Protocol, Self, TypeVar

import orjson
from jupyter_client.kernelspec import KernelSpec
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from lib.grading.running.execute import KEY, BoundedExecute, RunLostError, RunState, has_code
from lib.grading.running.forked_execute import KERNEL, ForkedExecute
from lib.grading.safe_files import files_in, lay_out, remove
from lib.grading.sandbox.cgroups import state_of
from lib.grading.sandbox.limits import NICENESS

Tag = TypeVar("Tag")
Result = TypeVar("Result")
Given = TypeVar("Given", covariant=True)
Answer = TypeVar("Answer")
LINUX = sys.platform == "linux"
"""Elsewhere nothing keeps kernels warm or locks them in, and what does so can't even be imported."""
SILENT = logging.Logger("a run", logging.CRITICAL)
"""What goes wrong in a run is the submission's own, and told by remarks."""
JOBS = 2
"""Kernels for each processor: a kernel waits for much of its life."""

TICK = 2.0
"""Seconds without a result, after which it is looked whether one is still to be expected; a run takes less."""


class Task(Protocol[Given]):
    """What a worker is to do, in a form that can be sent to it."""

    def __call__(self) -> Given:
        """Do it, in the worker."""

    def longest(self) -> float | None:
        """Tell how many seconds it may take at most, if that is known."""


@dataclass(frozen=True)
class PackedNotebook:
    """A notebook's JSON, and the files to lie beside it."""

    notebook: bytes
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, notebook: NotebookNode, folder: Path, more: Mapping[str, bytes]) -> Self:
        """Pack up a notebook with all files in `folder` and some more. Cells that aren't run only keep their places."""
        unrun = {"cell_type": "raw", "metadata": {}, "source": ""}
        cells = [cell if has_code(cell) else unrun for cell in notebook.cells]
        files = {str(path.relative_to(folder)): path.read_bytes() for path in files_in(folder)}
        return cls(orjson.dumps({**notebook, "cells": cells}), {**files, **more})

    @classmethod
    def of_code(cls, code: str, kernelspec: Mapping[str, str] | None = None) -> Self:
        """Pack up a notebook whose only cell has this code."""
        metadata = {"kernelspec": kernelspec} if kernelspec else {}
        notebook = new_notebook(metadata=metadata, cells=[new_code_cell(code)])
        return cls(json.dumps(notebook).encode(), {})


@dataclass(frozen=True)
class RunTask:
    """What is to be run of one submission: its notebooks by name, the preprocessor that runs them, and its settings.

    `packages` have to be there where it is run: the checks that the notebooks call are in them.
    """

    notebooks: Mapping[str, PackedNotebook]
    execute: type
    settings: Mapping[str, Any]
    packages: tuple[str, ...] = ()

    def __call__(self) -> "dict[str, RunResult]":
        """Run the notebooks one after the other.

        Raises what keeps a kernel from starting, and RunLostError where a package that they need is not here.
        """
        for package in self.packages:
            try:
                found = find_spec(package)
            except ModuleNotFoundError:  # not even one that it would be in
                found = None
            if found is None:
                raise RunLostError(f"The notebook's checks are in {package}, which is not where notebooks are run.")
        return {name: _run(packed, self.execute, Config(self.settings)) for name, packed in self.notebooks.items()}

    def longest(self) -> float | None:
        """Tell how many seconds it may take at most, if that is known."""
        step = self.execute(config=Config(self.settings))
        return (step.budget + step.grace) * len(self.notebooks) if isinstance(step, BoundedExecute) else None


@dataclass(frozen=True)
class RunResult:
    """What came of a run: each cell's outputs and number as JSON, and remarks on how it went."""

    cells: bytes
    remarks: tuple[str, ...]

    def error(self) -> str:
        """Give the error that a cell ended with or the first remark, if there is one: for a run that has neither."""
        outputs = [output for cell in json.loads(self.cells) if cell for output in cell["outputs"]]
        errors = [f"{each['ename']}: {each['evalue']}" for each in outputs if each["output_type"] == "error"]
        return next(iter([*errors, *self.remarks]), "")

    def into(self, notebook: NotebookNode) -> None:
        """Put outputs and numbers into the notebook that was run."""
        for cell, ran in zip(notebook.cells, json.loads(self.cells, object_hook=NotebookNode), strict=True):
            if ran is not None:
                cell.update(ran)


def settings(execute: type, config: Config, locked: bool) -> dict[str, Any]:
    """Take from the configuration what is for a run, and see to it that kernels are `locked` in if they have to be."""
    sections = {*(kind.__name__ for kind in execute.__mro__), "KernelManager", "AsyncKernelManager", "WarmProvisioner"}
    found = {name: dict(config[name]) for name in sections if name in config}
    own = found.setdefault(execute.__name__, {})
    if locked:
        own["kernel_name"] = KERNEL
    elif not LINUX:
        own["kernel_name"] = "python3"
    return found


def require_usable(execute: type, settings: Mapping[str, Any]) -> None:
    """Raise TraitError where a setting can't be used: each run would fail by it."""
    config = Config(settings)
    execute(config=config)
    if LINUX:  # elsewhere it can't be imported
        from lib.grading.kernels.provisioner import WarmProvisioner

        WarmProvisioner(config=config, kernel_spec=KernelSpec())


def _run(packed: PackedNotebook, execute: type, config: Config) -> RunResult:
    # nbgrader sets it as well; by it a check knows that a challenge may lie beside the notebook.
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    step = execute(config=config, log=SILENT)
    notebook = json.loads(packed.notebook, object_hook=NotebookNode)
    state = RunState()
    resources: dict[str, Any] = {"metadata": {}, KEY: state}
    if isinstance(step, ForkedExecute) and step.takes_files:
        state.files = dict(packed.files)
        notebook, _ = step(notebook, resources)
    else:
        folder = _make_folder()
        try:
            lay_out(packed.files, folder)
            notebook, _ = step(notebook, {**resources, "metadata": {"path": str(folder)}})
        finally:
            remove(folder)
    kept = ("outputs", "execution_count")
    cells = [{key: cell[key] for key in kept} if cell.cell_type == "code" else None for cell in notebook.cells]
    # As JSON and not as objects: nothing that student code had a part in is ever unpickled.
    return RunResult(json.dumps(cells).encode(), tuple(state.remarks))


def _make_folder() -> Path:
    """Make a folder for one run. On Linux it lies where it is removed even if this process is killed."""
    if not LINUX:
        return Path(mkdtemp(prefix="zerolayer-"))
    from lib.grading.kernels.forkserver import ForkServer

    return Path(mkdtemp(prefix="run-", dir=ForkServer.shared().folder))


class Runner(AbstractContextManager["Runner[Tag, Result]"], Generic[Tag, Result]):
    """Hands works to an executor, at most `width` at a time, and opens another one where it breaks."""

    def __init__(
        self, executor: Callable[[], Executor], width: Callable[[], int], margin: float, send: Callable[[str], object]
    ):
        """Make a runner; `send` tells a person what happens to workers, `margin` is what `_Try.is_overdue` says."""
        self._open, self._width, self._margin, self._tell = executor, width, margin, send
        self._executor = executor()
        self._flying: dict[Future[Result], _Try[Tag, Result]] = {}
        self._again: deque[_Try[Tag, Result]] = deque()
        self._suspects: deque[_Try[Tag, Result]] = deque()
        self._stopped: set[int] = set()

    def __exit__(self, *_: object) -> None:
        """End the workers. No result is waited for: all are there, or nobody wants them any more."""
        self._end_workers()

    def _end_workers(self) -> None:
        """End the executor and its processes: a stopped one hears of nothing but SIGKILL."""
        # Private, but Python leaves no other way to a pool's processes, and forgets them at its end.
        children = list((getattr(self._executor, "_processes", None) or {}).values())
        for child in children:
            child.kill()
        # Likewise private. It closes pipes that Python closes too as it ends; both at once would say so in a traceback.
        manager = getattr(self._executor, "_executor_manager_thread", None)
        self._executor.shutdown(wait=False, cancel_futures=True)
        if manager is not None:
            manager.join(TICK)

    def runs(self, works: Iterable[tuple[Tag, Task[Result]] | None]) -> Iterator[tuple[Tag, Result | BaseException]]:
        """Run works as they come; give for each tag what its run gave, or the error that it failed with twice.

        None in place of a work says that there is none yet: while others are run, the next one is asked for again.
        """
        fresh = (None if work is None else _Try(*work) for work in works)
        while True:
            while (attempt := self._next(fresh)) is not None:
                self._flying[self.ask(attempt.work)] = replace(attempt, since=monotonic())
            if not self._flying:
                return
            done, _ = wait(self._flying, timeout=TICK, return_when=FIRST_COMPLETED)
            if not done:
                self._give_up_what_stalls()
            for future in done:
                attempt, error = self._flying.pop(future), _error(future)
                if error is None:
                    yield attempt.tag, future.result()
                elif isinstance(error, BrokenExecutor) and not attempt.alone:
                    self._suspects.append(replace(attempt, alone=True))
                elif attempt.is_last:
                    yield attempt.tag, error
                else:
                    queue = self._suspects if attempt.alone else self._again
                    queue.append(replace(attempt, is_last=True))

    def _next(self, fresh: Iterator["_Try[Tag, Result] | None"]) -> "_Try[Tag, Result] | None":
        """Choose what is run next, if anything is to be: suspects wait until nothing else is under way."""
        if self._suspects:
            return None if self._flying else self._suspects.popleft()
        if len(self._flying) >= self._width() or any(attempt.alone for attempt in self._flying.values()):
            return None
        return self._again.popleft() if self._again else next(fresh, None)

    def _give_up_what_stalls(self) -> None:
        """End what will never come back: workers that somebody stopped, and runs that take far longer than they may."""
        stopped = stopped_workers()
        for number in stopped & self._stopped:  # since the last look already
            self._tell(
                f"The worker process {number} is stopped (as by SIGSTOP): it is ended, and what it ran tried again."
            )
            os.kill(number, signal.SIGKILL)
        self._stopped = stopped
        overdue = [future for future, attempt in self._flying.items() if attempt.is_overdue(self._margin)]
        if overdue:
            self._tell(f"{len(overdue)} runs take far longer than they may: they are given up, and tried again.")
            for future in overdue:
                if not future.cancel():  # a process can't be told which of its runs to end
                    for child in multiprocessing.active_children():
                        child.kill()

    def ask(self, question: Callable[..., Answer], *words: object) -> Future[Answer]:
        """Have a worker answer a question; the result is the answer, or raises what the question raised."""
        try:
            return self._executor.submit(question, *words)
        except BrokenExecutor:
            self._end_workers()
            self._executor = self._open()
            return self._executor.submit(question, *words)

    def answer(self, question: Callable[[], Answer], asked: Future[Answer]) -> Answer:
        """Wait for the answer to a question that was asked; ask it once more if the worker was ended meanwhile."""
        try:
            return asked.result()
        except BrokenExecutor:
            return self.ask(question).result()


@dataclass(frozen=True)
class _Try(Generic[Tag, Result]):
    """A work that is tried. What others may have broken is tried `alone`, and then it is on its own account."""

    tag: Tag
    work: Task[Result]
    is_last: bool = False
    alone: bool = False
    since: float = 0.0

    def is_overdue(self, margin: float) -> bool:
        """Tell whether this takes longer than it may, and a margin; it may have had to wait for another run."""
        lasted = monotonic() - self.since
        if lasted < margin or (longest := self.work.longest()) is None:
            return False
        return lasted > longest * (1 if self.alone else 2) + margin


def _error(future: Future[Any]) -> BaseException | None:
    """Give what a run failed with, if it did; one that was given up is lost."""
    if future.cancelled():
        return RunLostError("The worker that ran it went silent, or took far too long.")
    return future.exception()


def stopped_workers() -> set[int]:
    """Give the numbers of this process's workers that somebody has stopped; Linux tells."""
    children = multiprocessing.active_children() if LINUX else ()
    return {child.pid for child in children if child.pid and state_of(str(child.pid)) == "T"}


def workers(
    jobs: int, scheduler: str, locked: bool, patience: float, margin: float, send: Callable[[str], object]
) -> Runner[Any, Any]:
    """Make the runner for a Dask scheduler's workers where there is one, else for `jobs` processes on this machine."""
    if scheduler:
        from lib.grading.running.cluster import Cluster

        cluster = Cluster(scheduler, patience, send)
        return Runner(lambda: cluster, cluster.width, margin, send)
    if LINUX:
        from lib.grading.kernels.forkserver import ForkServer

        ForkServer.shared(locked, slow=False).start()  # it warms up while the first submissions are read
    jobs = jobs or JOBS * (os.cpu_count() or 1)
    return Runner(partial(processes, jobs), lambda: 2 * jobs, margin, send)


def can_fork() -> bool:
    """Tell whether processes can be forked from this one: of several threads a fork has only its own."""
    return "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1


def processes(jobs: int) -> Executor:
    """Open a pool of processes on this machine. Where they can be forked, nothing is imported twice."""
    # Processes and not threads, which would cost as much and need none of the care below: whoever reads what a hostile
    # kernel sends may be brought to a standstill, run out of memory or crash. A process can then be ended, and its run
    # tried again alone. A thread would take along the coordinator, with the gradebook open, the judge's secret and
    # everybody's work in memory; and while one message is parsed, the judge and all other runs would wait for it (the
    # coordinator's own share, a fifth of the processor time, is what bounds a large machine already).
    # A process is no wall against code that takes it over: it runs as the same user, and may read what that one may.
    is_forked = can_fork()
    context = multiprocessing.get_context("fork" if is_forked else "spawn")
    gc.freeze()  # what is there by now stays: no process looks through it again for what could go
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin)
    executor.submit(int)  # the processes are there from the first submission on
    if is_forked:
        # They have their own ends of the pipe on which results come: without ours it ends when all of them have.
        executor._result_queue._writer.close()  # type: ignore[attr-defined]  # Python leaves no other way to it
        threading.Thread(target=_end_together, args=(multiprocessing.active_children(),), daemon=True).start()
    return executor


def _end_together(workers: Sequence[BaseProcess]) -> None:
    """Wait until one worker ends, and end the others too, since that breaks the pool anyway.

    It may have died in the middle of a result, whose rest the pool would wait for, and the others for their turn.
    """
    wait_for_any([worker.sentinel for worker in workers])
    for worker in workers:
        worker.kill()


def _begin() -> None:
    """Called once in each process: an interrupt is for the one that forked it, and it goes when that one does."""
    if hasattr(os, "nice"):  # Windows has none
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, lambda *_: None)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
