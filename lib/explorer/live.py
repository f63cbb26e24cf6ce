"""The explorer: controls above, pictures and a caption below, and the work between them.

A move of a control is answered at once with what a few milliseconds of training give, and the picture is completed
while the controls rest. Then the settings near by are trained ahead of time, because a slider most often moves to its
neighbour. Runs are kept, so a setting is never trained twice. Student code runs under `student_code`'s deadline only.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from lib.checking.student_code import Failure, run_student_code
from lib.explorer import captions, loss_view, png, regions_view, sample_view, svg, weights_view
from lib.explorer.coalesce import Coalescer
from lib.explorer.controls import LEARNING_RATE, Controls, ControlState, rounded
from lib.explorer.samples import Samples, load, sources
from lib.explorer.training import CALL_LIMIT, Matrix, Network, Recipe, Run, Setting, start_weights
from lib.explorer.what_ifs import WhatIf, of_units

FIRST_SLICE = 0.012  # seconds of training before the first picture of a new state
NEXT_SLICE = 0.045  # seconds of training between two pictures while one is completed
AHEAD_SLICE = 0.004  # seconds of training ahead at a time
REST = 0.25  # seconds without a move that count as rest
AHEAD_PER_REST = 8.0  # seconds of training ahead in one rest
REMEMBERED = 150  # runs, and pages
MAX_KEPT = 4
PATIENCE = 2.0  # seconds of training for the first picture of all, and before a run is kept


class Page(NamedTuple):
    """What is shown of a run: in words, and as markup with pictures and words."""

    caption: str
    markup: str


class Explorer:
    """A network with sliders; `box` is the widget to show, and `loop` the kernel's event loop, where the work is done.

    `what_ifs` are the mistakes to choose from; None means those of the notebook's unit.
    """

    def __init__(
        self,
        network: Network,
        data: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
        what_ifs: Iterable[WhatIf] | None = None,
    ) -> None:
        self.recipe = Recipe(network)
        self._what_ifs = {what_if.name: what_if for what_if in (of_units() if what_ifs is None else what_ifs)}
        self._sources = sources(data)
        self._samples: dict[str, Samples] = {}
        self._starts: dict[tuple[int, str], Matrix] = {}
        self._runs: OrderedDict[Setting, Run] = OrderedDict()
        self._planes: dict[str, tuple[regions_view.Plane, str]] = {}
        self.kept: list[loss_view.KeptRun] = []
        first = next(iter(self._sources))
        samples = self.samples(first)
        self.controls = Controls(
            list(self._sources),
            list(self._what_ifs),
            samples.batch_sizes,
            samples.X_validation.shape[1],
            _planar(samples),
        )
        self.caption = ""
        self._name = f"zl-{uuid4().hex[:8]}"
        self.shapes = widgets.HTML(svg.STYLE)
        self.pictures = widgets.HTML()
        self.status = widgets.HTML()
        self.status.add_class("zl-live")
        self.status.add_class("zl-aside")
        self.box = self.controls.box(self.shapes, self.pictures, self.status)
        self._drawn: ControlState | None = None
        self._chores: deque[Callable[[], None]] = deque()
        self._ahead: Iterator[bool] | None = None
        self._pages: OrderedDict[ControlState, Page] = OrderedDict()
        self._spent = 0.0
        self._coalescer = Coalescer(self.work, loop)
        self._connect()
        self.answer(self.controls.state(), PATIENCE)

    def samples(self, name: str) -> Samples:
        """Return a data set, loaded when it is first asked for."""
        if name not in self._samples:
            self._samples[name] = load(self._sources[name])
        return self._samples[name]

    def run(self, setting: Setting) -> Run:
        """Return the run of a setting, begun or finished before or new."""
        if setting not in self._runs:
            samples = self.samples(setting.data)
            recipe = self._what_ifs[setting.what_if].apply(self.recipe) if setting.what_if else self.recipe
            self._runs[setting] = Run(recipe, samples, setting, self._start(setting, samples))
            while len(self._runs) > REMEMBERED:
                self._runs.popitem(last=False)
        self._runs.move_to_end(setting)
        return self._runs[setting]

    def answer(self, state: ControlState, seconds: float) -> float:
        """Train for at most `seconds` towards a state and draw what there is; return when to come back to it."""
        run = self.run(state.setting)
        run.advance(state.epochs, seconds)
        self.draw(run, state)
        return REST if run.complete(state.epochs) else 0.0

    def fill_in(self, state: ControlState) -> float:
        """Train on towards the state that is shown, unless there is a newer one, and draw what came."""
        self.run(state.setting).advance(state.epochs, NEXT_SLICE, stop=lambda: self._coalescer.woken)
        return 0.0 if self._coalescer.woken else self.answer(state, 0.0)

    def work(self) -> float | None:
        """Do the next slice of work, and return the seconds until the one after, or None when all is done."""
        state = self.controls.state()
        if state != self._drawn or self._chores:
            self._ahead = None
            self.fit(state)
            while self._chores:
                self._chores.popleft()()
            return self.answer(self.controls.state(), FIRST_SLICE)
        if not self.run(state.setting).complete(state.epochs):
            return self.fill_in(state)
        self.status.value = svg.escape(self.caption)
        return None if self.run(state.setting).fault else self._work_ahead(state)

    def fit(self, state: ControlState) -> None:
        """Make the controls fit the data set if it is another one."""
        if self._drawn is None or state.setting.data != self._drawn.setting.data:
            samples = self.samples(state.setting.data)
            self.controls.fit(samples.batch_sizes, samples.X_validation.shape[1], _planar(samples))

    def draw(self, run: Run, state: ControlState) -> None:
        """Show a run: the pictures asked for, and the same in words, in one message to the browser."""
        page = self.page(run, state)
        self.caption, self.pictures.value = page.caption, page.markup
        self._drawn = state

    def page(self, run: Run, state: ControlState) -> Page:
        """Return what there is to show of a run; once it is complete it is drawn only once."""
        if state not in self._pages:
            page = self._draw_page(run, state)
            if not run.complete(state.epochs):
                return page
            self._pages[state] = page
            while len(self._pages) > REMEMBERED:
                self._pages.popitem(last=False)
        return self._pages[state]

    def _draw_page(self, run: Run, state: ControlState) -> Page:
        kept = self._compared(state) if run.weights else []
        if _planar(run.samples):
            self._plane(run.setting)  # sent to the browser from here, not from the thread of student code

        def draw() -> tuple[str, list[str]]:
            names = state.views if run.weights else ("Loss",)
            return captions.describe(run, state.epochs), [self._view(name, run, state, kept) for name in names]

        drawn = run_student_code(draw, CALL_LIMIT)
        if isinstance(drawn, Failure):
            run.fault = run.fault or drawn.text_and_code
            drawn = run.fault, [loss_view.draw(run, state.epochs)]
        caption, views = drawn
        if state.predict:
            question = captions.ask_prediction(self._what_ifs[state.predict])
            caption = f"{question} This is still your own code: {caption}"
        pictures = f'<div class="zl-pictures">{"".join(views)}</div>'
        return Page(caption, f"{_paragraph(caption)}{pictures}{loss_view.legend(kept)}")

    def png(self) -> bytes:
        """Return the picture as it is now, for a page without a kernel."""
        state = self.controls.state()
        run, regions = self.run(state.setting), None
        if _planar(run.samples) and not run.fault:
            plane, epoch = self._plane(state.setting)[0], min(state.epochs, run.epochs)
            leads = run_student_code(lambda: regions_view.log_odds(run, epoch, plane), CALL_LIMIT)
            regions = None if isinstance(leads, Failure) else (plane, leads)
        return png.png(run, state.epochs, self.caption, regions)

    def keep(self) -> None:
        """Finish the run that is shown, and leave it in the picture behind those to come."""
        state = self.controls.state()
        run = self.run(state.setting)
        run.advance(state.epochs, PATIENCE)
        kept = self._kept(run, state.epochs, captions.name_setting(state.setting))
        self.kept = [*self.kept, kept][-MAX_KEPT:]
        self._pages.clear()
        self.controls.forget.disabled = False

    def forget(self) -> None:
        """Take kept runs out of the picture."""
        self.kept = []
        self._pages.clear()
        self.controls.forget.disabled = True

    def _view(self, name: str, run: Run, state: ControlState, kept: Sequence[loss_view.KeptRun]) -> str:
        if name == "Loss":
            return loss_view.draw(run, state.epochs, kept)
        if name == "Weights":
            return weights_view.draw(run, state.epochs)
        if name == "One sample":
            return sample_view.draw(run, state.epochs, state.sample)
        plane, points = self._plane(state.setting)
        sample = state.sample if "One sample" in state.views else None
        return regions_view.draw(run, state.epochs, plane, points, kept, sample)

    def _compared(self, state: ControlState) -> list[loss_view.KeptRun]:
        """Return the runs to show behind: those kept on this data set and, behind a mistake, the code as it is."""
        kept = [each for each in self.kept if each.run.setting.data == state.setting.data]
        right = self._runs.get(replace(state.setting, what_if=""))
        if state.setting.what_if and right is not None:
            kept.append(self._kept(right, state.epochs, "your code as it is"))
        return kept

    def _kept(self, run: Run, epochs: int, name: str) -> loss_view.KeptRun:
        """Put a run aside as it is now."""
        plane = self._plane(run.setting)[0] if _planar(run.samples) else None

        def look() -> tuple[str, str]:
            last = min(epochs, run.epochs)
            edge = regions_view.boundary(run, last, plane) if plane and run.weights else ""
            return captions.describe_end(run, epochs), edge

        seen = run_student_code(look, CALL_LIMIT)
        return loss_view.KeptRun(run, epochs, name, *((seen.text, "") if isinstance(seen, Failure) else seen))

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
            start = run_student_code(lambda: start_weights(self.recipe.network, samples, setting.seed), CALL_LIMIT)
            if isinstance(start, Failure):
                return None
            self._starts[key] = start
        return self._starts[key]

    def _work_ahead(self, state: ControlState) -> float | None:
        """Prepare a little for the next move, where somebody looks; None when there is no more to prepare."""
        if self._ahead is None:
            self._ahead, self._spent = self._prepare(state), 0.0
        if not self.pictures._view_count or self._spent > AHEAD_PER_REST:
            return None
        begin = time.perf_counter()
        more = next(self._ahead, False)
        self._spent += time.perf_counter() - begin
        return 0.0005 if more else None

    def _prepare(self, state: ControlState) -> Iterator[bool]:
        """Train and draw the settings near by, nearest first, and yield now and then."""
        for setting in list_nearby(state.setting, self.samples(state.setting.data).batch_sizes):
            run, there = self.run(setting), replace(state, setting=setting)
            while not run.complete(state.epochs):
                run.advance(state.epochs, AHEAD_SLICE, stop=lambda: self._coalescer.woken)
                yield True
            if there not in self._pages:
                self.page(run, there)
                yield True

    def _ask(self, chore: Callable[[], None]) -> None:
        """Have a chore done before the next picture, where all work is done; buttons call in other threads."""
        self._chores.append(chore)
        self._coalescer.wake()

    def _connect(self) -> None:
        self.controls.on_change(self._coalescer.wake)
        self.controls.keep.on_click(lambda button: self._ask(self.keep))
        self.controls.forget.on_click(lambda button: self._ask(self.forget))
        for button, preset in zip(self.controls.presets, captions.PRESETS, strict=True):
            button.on_click(lambda _, preset=preset: self.controls.choose(preset))
        # ipywidgets calls this experimental; nothing else says whether anybody looks, and without it a notebook that is
        # only run, as at grading, would train ahead for seconds. Should it go, nothing is trained ahead any more.
        self.pictures._view_count = 0
        self.pictures.observe(lambda change: self._coalescer.wake(), "_view_count")


def list_nearby(setting: Setting, batch_sizes: Sequence[int]) -> Iterator[Setting]:
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
