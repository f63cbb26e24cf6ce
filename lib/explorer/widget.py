"""The explorer as a widget: Python trains the run on the page and the likely next ones, and explorer.js draws them.

The traits are the current setting, which both the page and Python can read, set and observe. Python sends each answer
once, as arrays of float32, and the page stores it. So a slider can move to a setting that was trained ahead without
waiting for a message.
"""

import asyncio
import math
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill
from typing import Any

import anywidget
import traitlets

from lib.checking.student_code import BROWSER
from lib.explorer.coalesce import Coalescer
from lib.explorer.page_answers import Answers, Architecture, Want
from lib.explorer.runs import Network, Run, Setting
from lib.explorer.samples import GRID
from lib.explorer.still_outputs import display_live
from lib.explorer.what_ifs import WhatIf, of_units

LEARNING_RATES = tuple(float(f"{10 ** (power / 10):.3g}") for power in range(-40, 21))  # values of the slider
PRESETS = {"Too small": 0.0001, "Good": 0.1, "Too large": 100.0}  # tests try them on all data sets
PRESET_BATCH = 16
EPOCHS, MOST_EPOCHS = 100, 300

FIRST_PICTURE = 2.0  # seconds of training before the widget is displayed
FIRST_SLICE = 0.002  # seconds of training before the first picture of a new setting
DRAWING = 0.015  # seconds without training, for the browser on the same machine to draw that picture
NEXT_SLICE = 0.045 if BROWSER == 1 else 0.09  # seconds of training between two pictures of an incomplete run
AHEAD_SLICE = 0.008 if BROWSER == 1 else 0.02  # seconds of training ahead at a time: the longest wait of a move
AHEAD = 4.0 * BROWSER  # processor seconds for training ahead between two moves
PAUSE = 0.0 if BROWSER == 1 else 0.005  # seconds after a slice: in a browser, keys and the kernel share one loop
SENT = 1500  # the page certainly still has this many answers, since it stores 2,000


class Explorer(anywidget.AnyWidget):
    """A network with sliders. Raises ValueError for unknown data or an invalid data set.

    `what_ifs` are the mistakes to choose from; None means those of the notebook's unit. An `architecture` makes the
    layers before softmax instead of `network.Dense`. Training runs in the event `loop`, by default the kernel's; in a
    plain Python shell, each change is answered at once.
    """

    _esm = Path(__file__).with_name("explorer.js")
    _css = Path(__file__).with_name("explorer.css")

    learning_rate = traitlets.Float(PRESETS["Good"]).tag(sync=True)
    batch_size = traitlets.Int(PRESET_BATCH).tag(sync=True)
    epochs = traitlets.Int(EPOCHS).tag(sync=True)
    seed = traitlets.Int(0, help="of the initial weights and of the order of samples").tag(sync=True)
    data = traitlets.Unicode(help="the name of a data set").tag(sync=True)
    what_if = traitlets.Unicode(help="the name of a mistake, or nothing").tag(sync=True)
    size = traitlets.Union(
        [traitlets.Int(), traitlets.Float()], default_value=0, help="of the hidden layer, or another number"
    ).tag(sync=True)
    choices = traitlets.Dict(help="what the page offers").tag(sync=True)
    data_set = traitlets.Dict(help="the current data set, as the page draws it").tag(sync=True)
    answer = traitlets.Dict(help="the first answer, for a page whose kernel is still busy").tag(sync=True)

    def __init__(
        self,
        network: Network,
        data: Any = None,
        what_ifs: Iterable[WhatIf] | None = None,
        architecture: Architecture | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        answers = Answers(network, data, of_units() if what_ifs is None else what_ifs, architecture)
        self._answers = answers
        self._sent: dict[Want, bool] = {}  # True if the answer was complete
        self._ahead: Iterator[Want] = iter(())
        self._next: Want | None = None
        self._axis, self._upwards = "learning_rate", False  # of the last move
        self._seen = self._saved = False
        self._spent = 0.0
        self._stills: list[Any] = []
        name, size = next(iter(answers.sources)), architecture.size if architecture else 0
        batch_size = min(PRESET_BATCH, answers.samples(name).batch_sizes[-1])
        first = Want(PRESETS["Good"], batch_size, 0, name, "", size, EPOCHS)
        answers.run(first).advance(first.epochs, FIRST_PICTURE)
        answer, arrays = answers.answer(first)
        choices = {
            "rates": LEARNING_RATES,
            "epochs": list(range(1, MOST_EPOCHS + 1)),
            "presets": list(PRESETS.items()),
            "preset_batch": PRESET_BATCH,
            "data": list(answers.sources),
            "what_ifs": {name: each.question for name, each in answers.what_ifs.items()},
            "sizes": architecture.sizes if architecture else (0,),
            "counted": architecture.counted if architecture else "",
            "is_number": bool(architecture and architecture.is_number),
            "grid": GRID,
        }
        drawn = {"choices": choices, "data_set": answers.describe_data(name), "answer": {**answer, "arrays": arrays}}
        super().__init__(**first._asdict(), **drawn)
        with suppress(RuntimeError):  # no loop is running
            loop = loop or asyncio.get_running_loop()
        self._coalescer = Coalescer(self._work, loop)
        self.observe(self._follow, Want._fields)
        self.on_msg(self._hear)

    # ---- Traits

    @traitlets.validate(*Want._fields)
    def _require(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "learning_rate":
            fits, expected, attempt = 0 < value < math.inf, "a number above 0", "0.1"
        elif name in ("data", "what_if"):
            known = list(self._answers.sources) if name == "data" else ["", *self._answers.what_ifs]
            fits, expected, attempt = value in known, f"one of {', '.join(map(repr, known))}", repr(known[0])
        else:
            low, high = self._find_range(name)
            is_whole = name != "size" or not self.choices["is_number"]
            fits = low <= value <= high and (not is_whole or value == int(value))
            expected, attempt = f"a {'whole ' if is_whole else ''}number from {low} to {high}", str(high)
        if not fits:
            raise traitlets.TraitError(f"{name} is {value!r}; expected {expected}. Try {name}={attempt}.")
        return value

    def _find_range(self, name: str) -> tuple[float, float]:
        if name == "batch_size":
            return 1, self._answers.samples(self.data).batch_sizes[-1]
        sizes = self.choices["sizes"]
        return {"epochs": (1, MOST_EPOCHS), "seed": (0, 2**32 - 1), "size": (sizes[0], sizes[-1])}[name]

    @traitlets.observe("data")
    def _fit_to_data(self, change: Any) -> None:
        """Send the samples, and begin with the good setting, whatever was tried on other data."""
        if change.old:
            self.data_set = self._answers.describe_data(change.new)
            self.learning_rate = PRESETS["Good"]
            self.batch_size = min(PRESET_BATCH, self.data_set["sizes"][-1])

    def _want(self) -> Want:
        return Want(*(getattr(self, name) for name in Want._fields))

    # ---- What is shown, for Python and for pages without a kernel

    def run(self, setting: Setting) -> Run:
        """Return the run of a setting, with the epochs trained so far."""
        return self._answers.run(Want(*setting, 0))

    @property
    def caption(self) -> str:
        """The caption of the current picture."""
        return self._answers.picture(self._want()).caption

    @property
    def still(self) -> str:
        """The text for a page without the kernel."""
        is_complete = self._answers.run(want := self._want()).complete(want.epochs)
        return "\n".join(map(fill, self.caption.split("\n"))) if is_complete else "Run this cell to see the explorer."

    def _ipython_display_(self) -> None:
        """Display the widget, and the text for a page without the kernel."""
        self._stills.append(display_live(self, self.still))

    def _save(self) -> None:
        """Update the texts of all displays."""
        self._saved = True
        for handle in self._stills:
            handle.update({"text/plain": self.still}, raw=True)

    # ---- The work

    def _follow(self, change: Any) -> None:
        """Store the kind of change, and wake the worker. Messages from the page arrive in another thread."""
        self._saved = False
        if change.name not in ("data", "what_if"):
            self._axis, self._upwards = change.name, change.new > change.old
        self._coalescer.wake()

    def _hear(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
        """Begin for a new page, which has no answers yet."""
        self._sent, self._seen = {}, True
        self._coalescer.wake()

    def _work(self) -> float | None:
        """Do the next slice of work. Return the seconds until the next slice, or None if all work is done."""
        want = self._want()
        if self._coalescer.is_new:
            self._spent, self._next, self._ahead = 0.0, None, self._look_ahead(want)
        if not self._sent.get(want):
            first = want not in self._sent
            complete = self._train(want, FIRST_SLICE if first else NEXT_SLICE)
            return DRAWING if first and not complete else PAUSE
        if not self._saved:
            self._save()
        is_done = not self._seen or self._spent > AHEAD or self._answers.run(want).fault or not self._work_ahead()
        return None if is_done else PAUSE

    def _train(self, want: Want, seconds: float, only_complete: bool = False) -> bool:
        """Train for at most `seconds`, and send the answer. Return True if the answer is complete."""
        run = self._answers.run(want)
        run.advance(want.epochs, seconds, lambda: self._coalescer.woken)
        complete = run.complete(want.epochs)
        if complete or not only_complete:
            self.send(*self._answers.answer(want))
            self._sent.pop(want, None)  # to keep the order in which the page stores them
            self._sent[want] = complete
            if len(self._sent) > SENT:
                del self._sent[next(iter(self._sent))]
        return complete

    def _work_ahead(self) -> bool:
        """Train a little for the next moves. Return False if there is nothing left to train."""
        while self._next is None or self._sent.get(self._next):
            self._next = next(self._ahead, None)
            if self._next is None:
                return False
        begin = time.process_time()  # not the clock: a busy machine would train less
        self._train(self._next, AHEAD_SLICE, only_complete=True)
        self._spent += time.process_time() - begin
        return True

    def _look_ahead(self, want: Want) -> Iterator[Want]:
        """Yield likely next settings: near values of the last slider, then those of the others."""
        for name in (self._axis, "learning_rate", "batch_size", "size"):
            yield from self._list_near(want, name)

    @property
    def _places(self) -> dict[str, Sequence[Any]]:
        epochs, sizes = self.choices["epochs"], self.choices["sizes"]
        return {"learning_rate": LEARNING_RATES, "batch_size": self.data_set["sizes"], "epochs": epochs, "size": sizes}

    def _list_near(self, want: Want, name: str) -> Iterator[Want]:
        """Yield the values of a slider: first those in the direction of the last move, the nearest first."""
        along = self._places.get(name, ())
        at = bisect_left(along, getattr(want, name))
        above, below = along[at:], along[:at][::-1]
        for place in (*above, *below) if self._upwards else (*below, *above):
            yield want._replace(**{name: place})
