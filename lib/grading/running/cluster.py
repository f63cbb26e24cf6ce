"""A Dask cluster: only workers that can run notebooks, as many as there are now, and none that went silent."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from importlib.metadata import version
from math import inf
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

from distributed import Client
from distributed.cfexecutor import ClientExecutor
from distributed.client import Future as Asked
from distributed.comm.addressing import parse_address
from distributed.comm.registry import get_backend

from lib.grading.machine_faults import ClusterError

PACKAGE = "zerolayer"
CONNECTING = 20
"""Seconds in which a scheduler has to answer."""
CLOSING = 5
"""Seconds in which a connection is closed; a scheduler that is gone never answers."""
EVERY = 1.0
"""Seconds between two looks at who is there."""
SILENT = 30.0
"""Seconds without a sign of life, after which a worker isn't counted on; they give one every few seconds at most."""
ADVICE = "Start some with `dask worker ADDRESS --nthreads=2`, where this package is installed with its extra `dask`."


class Cluster(Executor):
    """Runs what it is given on workers of a Dask scheduler."""

    def __init__(self, address: str, patience: float, send: Callable[[str], object]):
        """Connect, and wait for a worker as long as `patience` says. Raises ClusterError."""
        for name in ("distributed", "distributed.client"):  # what they would say, we say in a sentence
            log = logging.getLogger(name)
            log.handlers, log.propagate = [logging.NullHandler()], False
        self.address, self._patience, self._tell = address, patience, send
        try:
            backend, _ = parse_address(address)
            get_backend(backend)  # a client that can't be made would wait for ever when it is given up
            self._client = Client(address, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise ClusterError(
                f"No Dask scheduler answers at {address}: {error}. Start one with `dask scheduler`, and give the "
                "address that it prints, such as tcp://10.0.0.1:8786."
            ) from error
        self._wrapped = ClientExecutor(self._client)
        self._running: WeakValueDictionary[str, Future[Any]] = WeakValueDictionary()
        self._questions: dict[str, Asked] = {}
        self._fit: dict[str, int] = {}
        self._heard: dict[str, tuple[float, float]] = {}
        self._said: set[str] = set()
        self._looked = -inf

    def width(self) -> int:
        """Tell how many notebooks may be under way now: two for each thread of the workers.

        Waits for a worker if there is none. Raises ClusterError where none comes, and where the scheduler is gone.
        """
        self._update()
        until, said = monotonic() + self._patience, False
        while not self._fit:
            if self._questions and all(question.status == "error" for question in self._questions.values()):
                raise ClusterError(f"No worker of the scheduler at {self.address} has {PACKAGE}. {ADVICE}")
            if monotonic() > until:
                raise ClusterError(f"The Dask scheduler at {self.address} has no workers. {ADVICE}")
            if not said and not self._questions:
                self._tell(f"Waiting up to {self._patience:g} seconds for workers of the scheduler at {self.address}.")
                said = True
            with suppress(TimeoutError):
                self._client.wait_for_workers(len(self._questions) + 1, timeout=EVERY)
            self._update()
        return 2 * sum(self._fit.values())

    def submit(self, call: Callable[..., Any], /, *words: Any, **more: Any) -> Future[Any]:
        """Have a worker that is fit do something."""
        self.width()
        # pure=False: equal runs are two runs, and none is answered from what another gave.
        asked = self._client.submit(call, *words, pure=False, workers=list(self._fit), **more)
        future: Future[Any] = self._wrapped._wrap_future(asked)
        self._running[asked.key] = future
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; nothing is waited for."""
        with suppress(Exception):  # it may be gone, and there is nothing left to do about it
            self._client.close(timeout=CLOSING)

    def _update(self) -> None:
        """See who is there, ask those that are new whether they have the package, and leave those that are silent."""
        if monotonic() - self._looked < EVERY:
            return
        workers = self._ask("identity")["workers"]
        self._looked = monotonic()
        for address in workers.keys() - self._questions.keys():
            question = self._client.submit(version, PACKAGE, workers=[address], pure=False)
            self._questions[address] = question
        self._questions = {address: question for address, question in self._questions.items() if address in workers}
        self._fit = {}
        for address, question in self._questions.items():
            if self._is_silent(address, workers[address]["last_seen"]):
                self._cancel_runs_of(address)
            elif question.status == "finished":
                self._fit[address] = workers[address]["nthreads"]
            elif question.status == "error":
                self._tell_once(f"The worker {address} is not used: {PACKAGE} is not installed there.")

    def _ask(self, question: str) -> Any:
        """Ask the scheduler about all that it knows. Raises ClusterError where it is gone."""
        try:
            return self._client.sync(getattr(self._client.scheduler, question))
        except Exception as error:
            gone = f"The Dask scheduler at {self.address} is gone. Start it again, and workers for it."
            raise ClusterError(gone) from error

    def _is_silent(self, address: str, last_seen: float) -> bool:
        """Tell whether the scheduler has not heard of a worker for long, by our own clock."""
        before, since = self._heard.get(address, (-inf, 0.0))
        if last_seen != before:
            self._heard[address] = last_seen, monotonic()
            return False
        return monotonic() - since > SILENT

    def _cancel_runs_of(self, address: str) -> None:
        """Cancel what a silent worker has, to be run elsewhere."""
        self._tell_once(f"The worker {address} has been silent for {SILENT:g} seconds; others run what it had.")
        # Of all workers: asked for one that it has just given up, the scheduler answers with an error.
        for key in self._ask("processing").get(address, ()):
            if future := self._running.pop(key, None):
                future.cancel()

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._tell(sentence)
