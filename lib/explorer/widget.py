"""The explorer as a widget: Python trains what the page shows, and what it will show next, and sends numbers.

The traits are the setting in force; the page and Python read, set and observe them alike. Each answer goes to the page
once, as arrays of float32, and the page keeps it: a move of a slider to a place that was trained ahead waits for no
message. The page draws, and explorer.js says how.
"""

import asyncio
import math
import sys
import time
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import anywidget
import numpy as np
import traitlets
from IPython.display import display

from lib.checking.student_code import Failure, random_numbers, run_student_code
from lib.explorer import captions
from lib.explorer.coalesce import Coalescer
from lib.explorer.curvature import largest_descending_rate
from lib.explorer.samples import BUILT_IN, GRID, Plane, load, sources
from lib.explorer.training import CALL_LIMIT, Matrix, Network, Recipe, Run, Setting
from lib.explorer.what_ifs import WhatIf, of_units

LEARNING_RATES = tuple(float(f"{10 ** (power / 10):.3g}") for power in range(-40, 21))  # places of the slider
PRESETS = {"Too small": 0.0001, "Good": 0.1, "Too large": 100.0}  # tests hold them against all data sets
PRESET_BATCH = 16
EPOCHS, MOST_EPOCHS = 100, 300
COLUMNS = 240  # of the curve by iteration: more than the picture has pixels for
MAP_RATES = LEARNING_RATES[::5]
MAP_ITERATIONS = 400  # an epoch at most in the map: with more, 100 epochs reach the time limit
PICTURE_RANDOMNESS = np.random.RandomState(0).get_state()  # for each picture, where a forward pass draws random numbers

FIRST_PICTURE = 2.0  # seconds of training for the first picture of all
FIRST_SLICE = 0.002  # seconds of training before the first picture of a new setting
DRAWING = 0.015  # seconds that the browser has to itself to draw that picture: it shares the machine
NEXT_SLICE = 0.045  # seconds of training between two pictures while one is completed
AHEAD_SLICE = 0.008  # seconds of training ahead at a time: a move waits for no more
AHEAD = 4.0  # seconds of training ahead between two moves
NEXT = 6  # places on the slider that are trained before the map
PAUSE = 0.3  # seconds without a move before the limit is computed: longer than between two keys
REST = 3.0  # seconds without a move before the still picture is drawn, which takes as long as ten moves
BACK = 4  # times as far as a place in the direction of the last move is one in the other
REMEMBERED = 150  # runs
SENT = 1500  # answers that the page has for certain: it keeps 2,000


# A page that is opened again without the kernel would show "Error displaying widget" above the still picture. The rule
# that hides it comes from an output of its own, because nothing of the explorer is there then.
HIDE_ERROR = """element.classList.add('zl-before');
document.head.insertAdjacentHTML('beforeend', `<style>.jp-OutputArea-child:has(.zl-before) { display: none; }
  .jp-OutputArea-child:has(.zl-before) + .jp-OutputArea-child:not(:has(.zl-explorer)) { display: none; }</style>`)"""


class Want(NamedTuple):
    """What the page shows: a setting, and after how many epochs."""

    setting: Setting
    epochs: int

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of its traits, in the order in which the page has them."""
        return (*Setting._fields, "epochs")


class Look(NamedTuple):
    """What there is to see: the words, and log probabilities on the plane or weights, both empty after a fault."""

    caption: str
    picture: Matrix


@dataclass(frozen=True)
class Architecture:
    """Layers below softmax of which one can choose the size, such as the number of `counted` "hidden units".

    `make(size)` gives what is called as `Dense` is; its weights are in one array, and `weights(run, epoch)` returns
    those that are shown where there is no plane. `describe(run, epoch)` is a sentence more for the caption.
    """

    counted: str
    sizes: Sequence[int]
    size: int
    make: Callable[[int], Callable[[int, int], Any]]
    weights: Callable[[Run, int], Matrix]
    describe: Callable[[Run, int], str]


class Explorer(anywidget.AnyWidget):
    """A network with sliders. Raises ValueError if the data are no data set.

    `what_ifs` are the mistakes to choose from; None means those of the notebook's unit. An `architecture` makes the
    layers below softmax, in the place of `network.Dense`. `loop` is the kernel's event loop, where the work is done;
    without one a change is answered at once.
    """

    _esm = Path(__file__).with_name("explorer.js")
    _css = Path(__file__).with_name("explorer.css")

    learning_rate = traitlets.Float(PRESETS["Good"], help="above 0").tag(sync=True)
    batch_size = traitlets.Int(PRESET_BATCH, help="up to the number of training samples").tag(sync=True)
    epochs = traitlets.Int(EPOCHS).tag(sync=True)
    seed = traitlets.Int(0, help="of the start weights and of the order of samples").tag(sync=True)
    data = traitlets.Unicode(help="the name of a data set").tag(sync=True)
    what_if = traitlets.Unicode(help="the name of a mistake, or nothing").tag(sync=True)
    size = traitlets.Int(0, help="of the hidden layer, where there is one").tag(sync=True)
    choices = traitlets.Dict(help="what the page offers").tag(sync=True)
    data_set = traitlets.Dict(help="the samples of the data set in force, as the page draws them").tag(sync=True)
    answer = traitlets.Dict(help="the first answer, for a page whose kernel is still busy").tag(sync=True)

    def __init__(
        self,
        network: Network,
        data: Any = None,
        what_ifs: Iterable[WhatIf] | None = None,
        architecture: Architecture | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._network, self._architecture = network, architecture
        self._what_ifs = {each.name: each for each in (of_units() if what_ifs is None else what_ifs)}
        self._sources = sources(data)
        self._samples = cache(lambda name: load(self._sources[name]))
        self._plane = cache(lambda name: Plane(self._samples(name)) if self._samples(name).planar else None)
        for name in self._sources.keys() - BUILT_IN.keys():  # what doesn't fit is said at once, not at a move
            self._samples(name)
        self._starts: dict[Setting, Matrix] = {}
        self.run = lru_cache(maxsize=REMEMBERED)(self._begin)
        self._sent: dict[Want, bool] = {}
        self._limited: set[Want] = set()
        self._ahead: Iterator[Want] = iter(())
        self._next: Want | None = None
        self._cells: set[Want] = set()
        self._axis, self._upwards = "learning_rate", False
        self._seen = self._mapped = self._saved = False
        self._spent = self._moved = 0.0
        self._stills: list[list[Any]] = []
        self._loads = False
        first, size = next(iter(self._sources)), architecture.size if architecture else 0
        batch_size = min(PRESET_BATCH, self._samples(first).batch_sizes[-1])
        want = Want(Setting(PRESETS["Good"], batch_size, data=first, size=size), EPOCHS)
        self.run(want.setting).advance(want.epochs, FIRST_PICTURE)
        said, arrays = self._answer(want)
        super().__init__(
            data=first,
            batch_size=batch_size,
            size=size,
            answer={**said, "arrays": arrays},
            choices={
                "rates": LEARNING_RATES,
                "epochs": MOST_EPOCHS,
                "presets": list(PRESETS.items()),
                "preset_batch": PRESET_BATCH,
                "data": list(self._sources),
                "what_ifs": {name: each.question for name, each in self._what_ifs.items()},
                "sizes": list(architecture.sizes) if architecture else [],
                "counted": architecture.counted if architecture else "",
                "map_rates": MAP_RATES,
                "grid": GRID,
            },
            data_set=self._describe(first),
        )
        self._coalescer = Coalescer(self._work, loop)
        self.observe(self._follow, list(Want.names()))
        self.on_msg(self._hear)

    # ---- Traits: what can't be used is refused

    @traitlets.validate(*Want.names())
    def _require(self, proposal: Any) -> Any:
        """Refuse a value that can't be used."""
        name, value = proposal["trait"].name, proposal["value"]
        if name == "learning_rate":
            fits, expected, attempt = 0 < value < math.inf, "a number above 0", "0.1"
        elif name in ("data", "what_if"):
            known = list(self._sources) if name == "data" else ["", *self._what_ifs]
            fits, expected, attempt = value in known, f"one of {', '.join(map(repr, known))}", repr(known[0])
        else:
            low, high = self._find_range(name)
            fits, expected, attempt = low <= value <= high, f"a whole number from {low} to {high}", str(high)
        if not fits:
            raise traitlets.TraitError(f"{name} is {value!r}; expected {expected}. Try {name}={attempt}.")
        return value

    def _find_range(self, name: str) -> tuple[int, int]:
        """Return the least and the greatest of the whole numbers that a trait can have."""
        if name == "batch_size":
            return 1, self._samples(self.data).batch_sizes[-1]
        sizes = self._architecture.sizes if self._architecture else (0,)
        return {"epochs": (1, MOST_EPOCHS), "seed": (0, 2**32 - 1), "size": (sizes[0], sizes[-1])}[name]

    @traitlets.observe("data")
    def _fit_to_data(self, change: Any) -> None:
        """Give the page the samples, and keep the batch within their number; the batch of all stays that of all."""
        if not change.old:
            return
        before, most = (self._samples(name).batch_sizes[-1] for name in (change.old, change.new))
        self.data_set = self._describe(change.new)
        self.batch_size = most if self.batch_size == before else min(self.batch_size, most)

    # ---- What is shown

    def _want(self) -> Want:
        return Want(Setting(*(getattr(self, name) for name in Setting._fields)), self.epochs)

    def _begin(self, setting: Setting) -> Run:
        """Begin the run of a setting."""
        recipe = Recipe(self._network)
        if self._architecture:
            made = self._architecture.make(setting.size)
            recipe = Recipe(replace(self._network, Dense=made, counted=self._architecture.counted))
        if setting.what_if:
            recipe = self._what_ifs[setting.what_if].apply(recipe)
        return Run(recipe, self._samples(setting.data), setting, self._starts)

    def _look(self, want: Want) -> Look:
        """Look at a run as far as it got, with the student's own layers."""
        run = self.run(want.setting)
        done = min(run.epochs, want.epochs)
        if not run.weights:
            return Look(captions.describe(run, want.epochs), np.empty((0, 0)))

        def look() -> Look:
            caption = captions.describe(run, want.epochs)
            if self._architecture and done == want.epochs:
                caption += f" {self._architecture.describe(run, done)}"
            if plane := self._plane(want.setting.data):
                return Look(caption, np.log(np.maximum(np.nan_to_num(run.predict(plane.points, done)), 1e-300)))
            return Look(caption, self._architecture.weights(run, done) if self._architecture else run.weights[done])

        with random_numbers(PICTURE_RANDOMNESS):
            found = run_student_code(look, CALL_LIMIT)
        if isinstance(found, Failure):
            run.fault = run.fault or found.text_and_code
            return Look(run.fault, np.empty((0, 0)))
        return found

    def _answer(self, want: Want) -> tuple[dict[str, Any], list[bytes]]:
        """Return a run as the page draws it: words and numbers, and arrays of float32.

        These are the losses by epoch, those of validation, the least and the greatest loss of the batches in each of
        at most `COLUMNS` stretches, and what a `Look` has.
        """
        run, look = self.run(want.setting), self._look(want)
        done = min(run.epochs, want.epochs)
        iterations = np.array(run.iteration_loss)[: done * run.iterations_per_epoch] if run.weights else np.empty(0)
        every = max(1, math.ceil(len(iterations) / COLUMNS))
        starts = np.arange(0, len(iterations), every)
        band = [edge.reduceat(iterations, starts) for edge in (np.minimum, np.maximum)] if len(starts) else []
        said = {
            "want": [*want.setting, want.epochs],
            "done": done,
            "complete": run.complete(want.epochs),
            "over": run.over,
            "caption": look.caption,
            "rows": len(look.picture),
            "columns_an_epoch": run.iterations_per_epoch / every if run.weights else 0,
        }
        arrays = (run.epoch_loss[:done], run.validation_loss[:done], np.ravel(band), np.ravel(look.picture))
        return said, [np.asarray(each, dtype=np.float32).tobytes() for each in arrays]

    def _describe(self, name: str) -> dict[str, Any]:
        """Describe a data set to the page; `points` are x, y, label and "for validation" of each sample in a plane."""
        samples, plane = self._samples(name), self._plane(name)
        sizes = samples.batch_sizes
        points = np.empty(0)
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

    @property
    def caption(self) -> str:
        """What is shown, in words."""
        return self._look(self._want()).caption

    def still(self) -> list[dict[str, str]]:
        """Return what is shown for pages without a kernel, as two outputs: the caption, and the pictures as a PNG."""
        want = self._want()
        run, look = self.run(want.setting), self._look(want)
        outputs = [{"text/plain": "\n".join(map(fill, look.caption.split("\n")))}, {"text/plain": ""}]
        if look.picture.size and self._can_draw():
            from lib.explorer.still import draw  # here, because matplotlib takes long to import

            png = draw(run, min(run.epochs, want.epochs), self._plane(want.setting.data), look.picture)
            outputs[1]["image/png"] = b64encode(png).decode()
        return outputs

    def _can_draw(self) -> bool:
        """Tell whether matplotlib is there. A browser's kernel fetches its 10 MB only before a cell that imports it."""
        if sys.platform != "emscripten" or find_spec("matplotlib"):
            return True
        if not self._loads:
            self._loads = True
            import_module("pyodide_js").loadPackage("matplotlib").then(lambda _: self._coalescer.wake())
        return False

    def _ipython_display_(self) -> None:
        """Show it live, and as a still picture for a page that is opened without the kernel."""
        live, _ = self._repr_mimebundle_() or ({}, {})
        display({"application/javascript": HIDE_ERROR, "text/plain": ""}, raw=True)
        display({**live, "text/plain": ""}, raw=True)
        self._stills.append([display(each, raw=True, display_id=True) for each in self.still()])

    def _save(self) -> None:
        """Draw the still picture anew, wherever it is shown."""
        self._saved = True
        for handles in self._stills:
            for handle, output in zip(handles, self.still(), strict=True):
                handle.update(output, raw=True)

    # ---- The work

    def _follow(self, change: Any) -> None:
        """Note a change of the setting; messages of the page come in another thread."""
        if change.name != "data" and change.name != "what_if":
            self._axis, self._upwards = change.name, change.new > change.old
        self._coalescer.wake()

    def _hear(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
        """Take a message of the page: it begins, and has no answers yet, or its map is opened or closed."""
        if "begin" in message:
            self._sent, self._limited, self._seen = {}, set(), True
        self._mapped = message.get("map", self._mapped)
        self._coalescer.wake()

    def _work(self) -> float | None:
        """Do the next slice of work, and return the seconds until the one after, or None when all is done."""
        want, now = self._want(), time.perf_counter()
        if self._coalescer.news:
            self._moved, self._spent, self._saved = now, 0.0, False
            self._next, self._ahead, self._cells = None, self._look_ahead(want), set(self._list_cells(want))
        if not self._sent.get(want):
            first = want not in self._sent
            complete = self._train(want, FIRST_SLICE if first else NEXT_SLICE)
            return DRAWING if first and not complete else 0.0
        if not self._seen:
            self._save()
            return None
        still = self.run(want.setting).fault or now > self._moved + REST
        if want not in self._limited and now > self._moved + PAUSE:
            self._send_limit(want)
        elif still and not self._saved:
            self._save()
        elif self._spent > AHEAD or self.run(want.setting).fault or not self._work_ahead():
            return None if self._saved else max(self._moved + (REST if want in self._limited else PAUSE) - now, 0.001)
        return 0.0

    def _train(self, want: Want, seconds: float, only_complete: bool = False) -> bool:
        """Train for at most `seconds` and send what there is; return whether it is complete."""
        run = self.run(want.setting)
        run.advance(want.epochs, seconds, lambda: self._coalescer.woken)
        complete = run.complete(want.epochs)
        if complete or not only_complete:
            self.send(*self._answer(want))
            self._sent.pop(want, None)
            self._sent[want] = complete
            if len(self._sent) > SENT:
                del self._sent[next(iter(self._sent))]
        return complete

    def _send_limit(self, want: Want) -> None:
        """Send the largest learning rate that still descends, at the weights that are shown."""
        self._limited.add(want)
        run = self.run(want.setting)
        if not run.weights or run.fault:
            return
        with random_numbers(PICTURE_RANDOMNESS):
            found = run_student_code(lambda: largest_descending_rate(run, min(run.epochs, want.epochs)), CALL_LIMIT)
        limit = found if isinstance(found, float) and math.isfinite(found) else None
        self.send({"want": [*want.setting, want.epochs], "limit": limit})

    def _work_ahead(self) -> bool:
        """Train a little for the next moves; return whether there was anything to train."""
        while self._next is None or self._sent.get(self._next):
            self._next = next(self._ahead, None)
            if self._next is None:
                return False
        begin = time.perf_counter()
        self._train(self._next, AHEAD_SLICE, only_complete=True)
        if self._next not in self._cells:  # the map is filled whatever it takes: it is looked at
            self._spent += time.perf_counter() - begin
        return True

    def _look_ahead(self, want: Want) -> Iterator[Want]:
        """Yield what may be wanted next: places of the slider that moved last, the map, and other places."""
        yield from islice(self._list_near(want, self._axis), NEXT)
        yield from sorted(self._cells, key=lambda cell: _distance(cell.setting, want.setting))
        for name in (self._axis, "learning_rate", "batch_size", "size"):
            yield from self._list_near(want, name)

    def _list_near(self, want: Want, name: str) -> Iterator[Want]:
        """Yield the places of a slider around the present one, nearest first; backwards counts as farther."""
        places: dict[str, Sequence[Any]] = {
            "learning_rate": LEARNING_RATES,
            "batch_size": self.data_set["sizes"],
            "epochs": range(1, MOST_EPOCHS + 1),
            "size": self.choices["sizes"],
        }
        here, found = getattr(self, name), places.get(name, ())
        at, upwards = bisect_left(found, here), self._upwards or name != self._axis
        far = {place: abs(each - at) * (1 if (each > at) == upwards else BACK) for each, place in enumerate(found)}
        for place in sorted(far, key=far.__getitem__):
            if name == "epochs":
                yield want._replace(epochs=place)
            else:
                yield want._replace(setting=want.setting._replace(**{name: place}))

    def _list_cells(self, want: Want) -> Iterator[Want]:
        """Yield what the map shows, if it is open."""
        for rate in MAP_RATES if self._mapped else ():
            for size in self.data_set["map_sizes"]:
                yield want._replace(setting=want.setting._replace(learning_rate=rate, batch_size=size))


def _distance(cell: Setting, here: Setting) -> float:
    """Return how late a cell of the map is trained: later the farther it lies, and the more batches an epoch has."""
    far = math.hypot(math.log(cell.learning_rate / here.learning_rate), math.log(cell.batch_size / here.batch_size))
    return far - math.log(cell.batch_size)
