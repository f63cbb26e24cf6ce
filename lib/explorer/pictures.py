"""Answers: what a page shows of the runs, as words and as arrays of numbers. Runs are kept, and never trained twice."""

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
COLUMNS = 240  # of the curve by iteration: more than the picture has pixels for
MAP_ITERATIONS = 400  # an epoch at most in the map: with more, 100 epochs take too long to wait for
PICTURE_RANDOMNESS = np.random.RandomState(0).get_state()  # for each picture, where a forward pass draws random numbers

Arrays = list[bytes]


class Want(NamedTuple):
    """What a page shows: the setting of a run, and after how many epochs. explorer.js names them in the same order."""

    learning_rate: float
    batch_size: int
    seed: int
    data: str
    what_if: str
    size: float
    epochs: int


class Look(NamedTuple):
    """What there is to see: the words, and log probabilities on the plane or weights, which are empty after a fault."""

    caption: str
    picture: Matrix


@dataclass(frozen=True)
class Architecture:
    """Layers below softmax of which one can choose the size, such as the number of `counted` "hidden units".

    `make(size)` gives what is called as `Dense` is; its weights are in one array, and `weights(run, epoch)` returns
    those that are shown where there is no plane, a row for each hidden unit. `describe(run, epoch)` is a sentence more
    for the caption. The size `is_number` where it counts nothing, such as a momentum: then it need not be whole.
    """

    counted: str
    sizes: Sequence[float]
    size: float
    make: Callable[[Any], Callable[[int, int], Any]]
    weights: Callable[[Run, int], Matrix]
    describe: Callable[[Run, int], str]
    is_number: bool = False


class Answers:
    """The runs of a network on data sets. Raises ValueError if the data are no data set."""

    def __init__(
        self, network: Network, data: Any, what_ifs: Iterable[WhatIf], architecture: Architecture | None
    ) -> None:
        self._network, self.architecture = network, architecture
        self.what_ifs = {each.name: each for each in what_ifs}
        self.sources = sources(data)
        self.samples = cache(lambda name: load(self.sources[name]))
        self.plane = cache(lambda name: Plane(self.samples(name)) if self.samples(name).planar else None)
        for name in self.sources.keys() - BUILT_IN.keys():  # what doesn't fit is refused at once, not at a move
            self.samples(name)
        self._starts: dict[Setting, Matrix] = {}
        self._run = lru_cache(maxsize=REMEMBERED)(self._begin)

    def run(self, want: Want) -> Run:
        """Return the run of a setting, as far as it got."""
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

    def look(self, want: Want) -> Look:
        """Look at a run with the student's own layers."""
        run = self.run(want)
        done = min(run.epochs, want.epochs)

        def look() -> Look:
            caption = captions.describe(run, want.epochs)
            if not run.weights:
                return Look(caption, np.empty((0, 0)))
            if self.architecture and done == want.epochs:
                caption += f" {self.architecture.describe(run, done)}"
            if plane := self.plane(want.data):
                return Look(caption, run.predict_logs(plane.points, done))
            return Look(caption, self.architecture.weights(run, done) if self.architecture else run.weights[done])

        with random_numbers(PICTURE_RANDOMNESS):
            found = run_student_code(look, CALL_LIMIT)
        if isinstance(found, Failure):
            run.fault = run.fault or found.text_and_code
            return Look(run.fault, np.empty((0, 0)))
        return found

    def answer(self, want: Want) -> tuple[dict[str, Any], Arrays]:
        """Return a run as the page draws it: words and numbers, and arrays of float32.

        These are the losses by epoch, those of validation, the least and the greatest loss of the batches in each of
        at most `COLUMNS` stretches, and the picture of a `Look`.
        """
        run, look = self.run(want), self.look(want)
        done = min(run.epochs, want.epochs)
        batches = run.iterations_per_epoch if done else 1
        iterations = np.array(run.iteration_loss)[: done * batches]
        every = max(1, math.ceil(len(iterations) / COLUMNS))
        starts = np.arange(0, len(iterations), every)
        band = [edge.reduceat(iterations, starts) for edge in (np.minimum, np.maximum)] if done else []
        arrays = (run.epoch_loss[:done], run.validation_loss[:done], np.ravel(band), np.ravel(look.picture))
        answer = {
            "want": want,
            "done": done,
            "complete": run.complete(want.epochs),
            "over": run.over,
            "caption": look.caption,
            "rows": len(look.picture),
            "columns_an_epoch": batches / every,
        }
        return answer, [np.asarray(each, dtype=np.float32).tobytes() for each in arrays]

    def describe_data(self, name: str) -> dict[str, Any]:
        """Describe a data set; `points` are x, y, label and "for validation" of each sample in a plane."""
        samples, plane = self.samples(name), self.plane(name)
        sizes, points = samples.batch_sizes, np.empty(0)
        if plane:
            labels = np.concatenate([samples.labels, samples.labels_validation])
            validation = np.arange(len(labels)) >= len(samples.labels)
            points = np.vstack([plane.share(np.hstack([samples.X, samples.X_validation])), labels, validation]).T
        return {
            "name": name,
            "classes": samples.names,
            "sizes": sizes,
            "features": len(samples.X),
            "points": points.astype(np.float32).tobytes(),
            "map_sizes": [size for size in (*sizes[:-1:2], sizes[-1]) if sizes[-1] / size <= MAP_ITERATIONS],
        }
