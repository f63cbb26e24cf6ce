"""The explorer itself: controls above, pictures and words below, and the work between them.

A wish is answered at once with what a few milliseconds of training give, and filled in while the controls rest. Then
the settings near by are trained ahead of time, for a slider most often moves to its neighbour. Runs are kept, so a
setting is never trained twice.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from lib.explorer import captions, loss_view, png, regions_view, sample_view, svg, weights_view
from lib.explorer.coalesce import Latest
from lib.explorer.controls import LEARNING_RATE, Controls, Wish, rounded
from lib.explorer.errors import explain
from lib.explorer.samples import Samples, load, sources
from lib.explorer.timeout import OutOfTime, quiet, time_limit
from lib.explorer.training import CALL_LIMIT, Matrix, Network, Recipe, Run, Setting, start_weights
from lib.explorer.what_if import bend

FIRST = 0.012  # seconds of training before the first picture of a new wish
FILL = 0.045  # seconds of training between two pictures while it fills in
AHEAD = 0.004  # seconds of training ahead at a time
REST = 0.25  # seconds without a move that count as rest
AHEAD_IN_ALL = 8.0  # seconds of training ahead in one rest
REMEMBERED = 150  # runs
MOST_KEPT = 4
OPENING = 2.0  # seconds of training before anything is shown, or kept


class Page(NamedTuple):
    """What is shown of a run: in words, and as markup with pictures and words."""

    caption: str
    markup: str


class Explorer:
    """A network under sliders; `box` is the widget to show, `loop` the kernel's event loop that the work is done in."""

    def __init__(self, network: Network, data: Any = None, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.recipe = Recipe(network)
        self._sources = sources(data)
        self._samples: dict[str, Samples] = {}
        self._starts: dict[tuple[int, str], Matrix] = {}
        self._runs: OrderedDict[Setting, Run] = OrderedDict()
        self._planes: dict[str, tuple[regions_view.Plane, str]] = {}
        self.kept: list[loss_view.Kept] = []
        first = next(iter(self._sources))
        samples = self.samples(first)
        self.controls = Controls(
            list(self._sources), samples.batch_sizes, samples.X_validation.shape[1], _planar(samples)
        )
        self.caption = ""
        self._name = f"zl-{uuid4().hex[:8]}"
        self.shapes = widgets.HTML(svg.STYLE)
        self.pictures = widgets.HTML()
        self.status = widgets.HTML()
        self.status.add_class("zl-live")
        self.status.add_class("zl-aside")
        self.box = self.controls.box(self.shapes, self.pictures, self.status)
        self._drawn: Wish | None = None
        self._chores: deque[Callable[[], None]] = deque()
        self._ahead: Iterator[bool] | None = None
        self._pages: OrderedDict[Wish, Page] = OrderedDict()
        self._spent = 0.0
        self._latest = Latest(self.work, loop)
        self._connect()
        self.answer(self.controls.wish(), OPENING)

    def samples(self, name: str) -> Samples:
        """Return a data set, loaded when it is first asked for."""
        if name not in self._samples:
            self._samples[name] = load(self._sources[name])
        return self._samples[name]

    def run(self, setting: Setting) -> Run:
        """Return the run of a setting, begun or finished before or new."""
        if setting not in self._runs:
            samples = self.samples(setting.data)
            recipe = bend(self.recipe, setting.what_if)
            self._runs[setting] = Run(recipe, samples, setting, self._start(setting, samples))
            while len(self._runs) > REMEMBERED:
                self._runs.popitem(last=False)
        self._runs.move_to_end(setting)
        return self._runs[setting]

    def answer(self, wish: Wish, seconds: float) -> float:
        """Train for at most `seconds` towards a wish and draw what there is; return when to come back to it."""
        run = self.run(wish.setting)
        run.advance(wish.epochs, seconds)
        self.draw(run, wish)
        return REST if run.complete(wish.epochs) else 0.0

    def fill_in(self, wish: Wish) -> float:
        """Train on towards the wish that is shown, unless there is a newer one, and draw what came."""
        self.run(wish.setting).advance(wish.epochs, FILL, stop=lambda: self._latest.woken)
        return 0.0 if self._latest.woken else self.answer(wish, 0.0)

    def work(self) -> float | None:
        """Do the next slice of work, and return the seconds until the one after, or None when all is done."""
        wish = self.controls.wish()
        if wish != self._drawn or self._chores:
            self._ahead = None
            self.fit(wish)
            while self._chores:
                self._chores.popleft()()
            return self.answer(self.controls.wish(), FIRST)
        if not self.run(wish.setting).complete(wish.epochs):
            return self.fill_in(wish)
        self.status.value = svg.escape(self.caption)
        return None if self.run(wish.setting).fault else self._work_ahead(wish)

    def fit(self, wish: Wish) -> None:
        """Make the controls fit the data set if it is another one."""
        if self._drawn is None or wish.setting.data != self._drawn.setting.data:
            samples = self.samples(wish.setting.data)
            self.controls.fit(samples.batch_sizes, samples.X_validation.shape[1], _planar(samples))

    def draw(self, run: Run, wish: Wish) -> None:
        """Show a run: the pictures asked for, and the same in words, in one message to the browser."""
        page = self.page(run, wish)
        self.caption, self.pictures.value = page.caption, page.markup
        self._drawn = wish

    def page(self, run: Run, wish: Wish) -> Page:
        """Return what there is to show of a run; once it is complete it is drawn only once."""
        if wish not in self._pages:
            page = self._draw_page(run, wish)
            if not run.complete(wish.epochs):
                return page
            self._pages[wish] = page
            while len(self._pages) > REMEMBERED:
                self._pages.popitem(last=False)
        return self._pages[wish]

    def _draw_page(self, run: Run, wish: Wish) -> Page:
        views: list[str] = []
        caption = legend = ""
        try:
            with quiet(), time_limit(CALL_LIMIT):
                caption = captions.tell(run, wish.epochs)
                kept = self._compared(wish) if run.weights else []
                names = wish.views if run.weights else ("Loss",)
                views = [self._view(name, run, wish, kept) for name in names]
                legend = loss_view.legend(kept)
        except (Exception, OutOfTime) as error:
            run.fault = run.fault or explain(error)
        if not views:
            views, caption = [loss_view.draw(run, wish.epochs)], run.fault
        if wish.predict:
            caption = f"{captions.ask(wish.predict)} This is still your own code: {caption}"
        return Page(caption, f'{_paragraph(caption)}<div class="zl-pictures">{"".join(views)}</div>{legend}')

    def png(self) -> bytes:
        """Return the picture as it is now, for a page without a kernel."""
        wish = self.controls.wish()
        with quiet():
            return png.png(self.run(wish.setting), wish.epochs, self.caption)

    def keep(self) -> None:
        """Finish the run that is shown, and leave it in the picture behind those to come."""
        wish = self.controls.wish()
        run = self.run(wish.setting)
        run.advance(wish.epochs, OPENING)
        kept = self._kept(run, wish.epochs, captions.name(wish.setting))
        self.kept = [*self.kept, kept][-MOST_KEPT:]
        self._pages.clear()
        self.controls.forget.disabled = False

    def forget(self) -> None:
        """Take kept runs out of the picture."""
        self.kept = []
        self._pages.clear()
        self.controls.forget.disabled = True

    def _view(self, name: str, run: Run, wish: Wish, kept: Sequence[loss_view.Kept]) -> str:
        if name == "Loss":
            return loss_view.draw(run, wish.epochs, kept)
        if name == "Weights":
            return weights_view.draw(run, wish.epochs)
        if name == "One sample":
            return sample_view.draw(run, wish.epochs, wish.sample)
        plane, points = self._plane(wish.setting)
        sample = wish.sample if "One sample" in wish.views else None
        return regions_view.draw(run, wish.epochs, plane, points, kept, sample)

    def _compared(self, wish: Wish) -> list[loss_view.Kept]:
        """Return the runs to show behind: those kept on this data set and, behind a mistake, the code as it is."""
        kept = [each for each in self.kept if each.run.setting.data == wish.setting.data]
        right = self._runs.get(replace(wish.setting, what_if=""))
        if wish.setting.what_if and right is not None:
            kept.append(self._kept(right, wish.epochs, "your code as it is"))
        return kept

    def _kept(self, run: Run, epochs: int, name: str) -> loss_view.Kept:
        """Put a run aside as it is now."""
        edge = ""
        with quiet():
            if _planar(run.samples) and run.weights:
                edge = regions_view.boundary(run, min(epochs, run.epochs), self._plane(run.setting)[0])
            return loss_view.Kept(run, epochs, name, captions.outcome(run, epochs), edge)

    def _plane(self, setting: Setting) -> tuple[regions_view.Plane, str]:
        """Return the plane of a data set and its samples on it; the browser gets those once, and a reference after."""
        if setting.data not in self._planes:
            samples = self.samples(setting.data)
            plane = regions_view.Plane(np.hstack([samples.X, samples.X_validation]))
            points = regions_view.draw_points(samples.X, samples.labels, plane, filled=True)
            points += regions_view.draw_points(samples.X_validation, samples.labels_validation, plane, filled=False)
            name = f"{self._name}-{len(self._planes)}"
            self.shapes.value += svg.shape(name, points + regions_view.legend(len(samples.y)))
            self._planes[setting.data] = plane, f'<use href="#{name}" />'
        return self._planes[setting.data]

    def _start(self, setting: Setting, samples: Samples) -> Matrix | None:
        """Return the start weights that every run with this seed shares; None, and the run itself says why, if none."""
        key = setting.seed, setting.data
        if key not in self._starts:
            try:
                with quiet(), time_limit(CALL_LIMIT):
                    self._starts[key] = start_weights(self.recipe.network, samples, setting.seed)
            except (Exception, OutOfTime):
                return None
        return self._starts[key]

    def _work_ahead(self, wish: Wish) -> float | None:
        """Prepare a little for the next move, where somebody looks; None when there is no more to prepare."""
        if self._ahead is None:
            self._ahead, self._spent = self._prepare(wish), 0.0
        if not self.pictures._view_count or self._spent > AHEAD_IN_ALL:
            return None
        begin = time.perf_counter()
        more = next(self._ahead, False)
        self._spent += time.perf_counter() - begin
        return 0.0005 if more else None

    def _prepare(self, wish: Wish) -> Iterator[bool]:
        """Train and draw the settings near by, nearest first, and yield now and then."""
        for setting in near(wish.setting, self.samples(wish.setting.data).batch_sizes):
            run, there = self.run(setting), replace(wish, setting=setting)
            while not run.complete(wish.epochs):
                run.advance(wish.epochs, AHEAD, stop=lambda: self._latest.woken)
                yield True
            if there not in self._pages:
                self.page(run, there)
                yield True

    def _ask(self, chore: Callable[[], None]) -> None:
        """Have a chore done before the next picture, where all work is done; buttons call in other threads."""
        self._chores.append(chore)
        self._latest.wake()

    def _connect(self) -> None:
        self.controls.on_change(self._latest.wake)
        self.controls.keep.on_click(lambda button: self._ask(self.keep))
        self.controls.forget.on_click(lambda button: self._ask(self.forget))
        for button, preset in zip(self.controls.presets, captions.PRESETS, strict=True):
            button.on_click(lambda _, preset=preset: self.controls.choose(preset))
        self.pictures._view_count = 0
        self.pictures.observe(lambda change: self._latest.wake(), "_view_count")


def near(setting: Setting, batch_sizes: Sequence[int]) -> Iterator[Setting]:
    """Yield the setting and those around it: the learning rates of the slider, nearest first, then batch sizes."""
    low, high, step = LEARNING_RATE
    here = math.log10(setting.learning_rate)
    powers = low + step * np.arange(round((high - low) / step) + 1)
    for power in sorted(powers.tolist(), key=lambda power: abs(power - here)):
        yield replace(setting, learning_rate=rounded(10**power))
    for size in sorted(batch_sizes, key=lambda size: abs(math.log(size / setting.batch_size))):
        yield replace(setting, batch_size=size)


def _planar(samples: Samples) -> bool:
    return len(samples.X) == 2


def _paragraph(words: str) -> str:
    """Lay words out; from the second line on they are code."""
    said, _, code = svg.escape(words).partition("\n")
    return f'<div class="zl-says">{said}{f"<pre>{code}</pre>" if code else ""}</div>'
