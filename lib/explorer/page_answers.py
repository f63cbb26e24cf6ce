"""Answers: the caption and the numbers that a page needs to show a run. Each run is trained once and then cached."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from lib.checking.student_code import Failure, random_numbers, run_student_code
from lib.explorer import captions
from lib.explorer.runs import CALL_LIMIT, Matrix, Network, Recipe, Run, Setting
from lib.explorer.samples import BUILT_IN, Plane, load, sources
from lib.explorer.what_ifs import WhatIf

REMEMBERED = 150  # runs
COLUMNS = 240  # of the curve by iteration: the picture has no room for more
PICTURE_RANDOMNESS = np.random.RandomState(0).get_state()  # for forward passes that draw random numbers

Arrays = list[bytes]


class Want(NamedTuple):
    """A request of the page: the setting of a run, and the number of epochs. explorer.js has the same order."""

    learning_rate: float
    batch_size: int
    seed: int
    data: str
    what_if: str
    size: float
    epochs: int


class Picture(NamedTuple):
    """A caption, and log probabilities on the plane or weights. The numbers are empty if student code failed."""

    caption: str
    numbers: Matrix


@dataclass(frozen=True)
class Architecture:
    """Layers before softmax with a size to choose, such as the number of hidden units.

    `counted` is the plural of what the size counts: "hidden units". `make(size)` returns a callable with the arguments
    of `Dense`, for layers with all weights in one array. `weights(run, epoch)` returns the weights to show where there
    is no plane, a row for each hidden unit. `describe(run, epoch)` returns one more sentence for the caption. If the
    size `is_number`, such as a momentum, it need not be a whole number.
    """

    counted: str
    sizes: Sequence[float]
    size: float
    make: Callable[[Any], Callable[[int, int], Any]]
    weights: Callable[[Run, int], Matrix]
    describe: Callable[[Run, int], str]
    is_number: bool = False


class Answers:
    """The runs of a network on data sets. Raises ValueError for unknown data or an invalid data set."""

    def __init__(
        self, network: Network, data: Any, what_ifs: Iterable[WhatIf], architecture: Architecture | None
    ) -> None:
        self._network, self.architecture = network, architecture
        self.what_ifs = {each.name: each for each in what_ifs}
        self.sources = sources(data)
        self.samples = cache(lambda name: load(self.sources[name]))
        self.plane = cache(lambda name: Plane(self.samples(name)) if len(self.samples(name).X) == 2 else None)
        for name in self.sources.keys() - BUILT_IN.keys():  # to raise ValueError now, not at a slider's move
            self.samples(name)
        self._starts: dict[Setting, Matrix] = {}
        self._run = lru_cache(maxsize=REMEMBERED)(self._begin)

    def run(self, want: Want) -> Run:
        """Return the run of a setting, with the epochs trained so far."""
        return self._run(Setting(*want[:-1]))

    def _begin(self, setting: Setting) -> Run:
        network = self._network
        if self.architecture:
            Dense, counted = self.architecture.make(setting.size), self.architecture.counted
            network = replace(network, Dense=Dense, counted=counted, is_number=self.architecture.is_number)
        recipe = Recipe(network)
        if setting.what_if:
            recipe = self.what_ifs[setting.what_if].apply(recipe)
        return Run(recipe, self.samples(setting.data), setting, self._starts)

    def picture(self, want: Want) -> Picture:
        """Return the caption and the numbers of a run, computed with the student's own layers."""
        run = self.run(want)
        done = min(run.epochs, want.epochs)

        def compute() -> Picture:
            caption = captions.describe(run, want.epochs)
            if not run.weights:
                return Picture(caption, np.empty((0, 0)))
            if self.architecture and done == want.epochs:
                caption += f" {self.architecture.describe(run, done)}"
            if plane := self.plane(want.data):
                return Picture(caption, run.predict_logs(plane.points, done))
            return Picture(caption, self.architecture.weights(run, done) if self.architecture else run.weights[done])

        with random_numbers(PICTURE_RANDOMNESS):
            found = run_student_code(compute, CALL_LIMIT)
        if isinstance(found, Failure):
            run.fault = run.fault or found.text_and_code
            return Picture(run.fault, np.empty((0, 0)))
        return found

    def answer(self, want: Want) -> tuple[dict[str, Any], Arrays]:
        """Return a run for the page: a dict of words and numbers, and arrays of float32.

        The arrays are the training loss and the validation loss by epoch, the smallest and largest loss of the batches
        in each of at most `COLUMNS` stretches, and the numbers of the `Picture`.
        """
        run, picture = self.run(want), self.picture(want)
        done = min(run.epochs, want.epochs)
        batches = run.iterations_per_epoch if done else 1
        iterations = np.array(run.iteration_loss)[: done * batches]
        every = max(1, math.ceil(len(iterations) / COLUMNS))
        starts = np.arange(0, len(iterations), every)
        band = [edge.reduceat(iterations, starts) for edge in (np.minimum, np.maximum)] if done else []
        arrays = (run.epoch_loss[:done], run.validation_loss[:done], np.ravel(band), np.ravel(picture.numbers))
        answer = {
            "want": want,
            "done": done,
            "complete": run.complete(want.epochs),
            "over": run.over,
            "caption": picture.caption,
            "rows": len(picture.numbers),
            "columns_an_epoch": batches / every,
        }
        return answer, [np.asarray(each, dtype=np.float32).tobytes() for each in arrays]

    def describe_data(self, name: str) -> dict[str, Any]:
        """Describe a data set. `points` are x, y, the label and 1 for validation, for each sample in a plane."""
        samples, plane = self.samples(name), self.plane(name)
        points = np.empty(0)
        if plane:
            labels = np.concatenate([samples.labels, samples.labels_validation])
            validation = np.arange(len(labels)) >= len(samples.labels)
            points = np.vstack([plane.share(np.hstack([samples.X, samples.X_validation])), labels, validation]).T
        return {
            "name": name,
            "classes": samples.names,
            "sizes": samples.batch_sizes,
            "features": len(samples.X),
            "points": points.astype(np.float32).tobytes(),
        }
