"""The explorer: controls beside pictures and a caption, and the work between them.

A move of a control is answered at once with what a few milliseconds of training give, and the picture is completed
while the controls rest. A slider most often moves on to its neighbour, so the next settings that way are trained ahead
of time at once, and the others near by at rest; their pages go to the browser before they are asked for. Runs are kept,
so a setting is never trained twice. Student code runs under `student_code`'s deadline only.
"""

import asyncio
import math
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from html import escape
from textwrap import fill
from typing import Any, NamedTuple
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from lib.checking.student_code import Failure, random_numbers, run_student_code
from lib.explorer import (
    captions,
    gradients_view,
    loss_view,
    map_view,
    own_data_view,
    page,
    path_view,
    regions_view,
    svg,
)
from lib.explorer.architecture import Architecture
from lib.explorer.coalesce import Coalescer
from lib.explorer.controls import LEARNING_RATES, MAP_EVERY, Controls, ControlState
from lib.explorer.loading import load_still
from lib.explorer.loss_map import LossMap
from lib.explorer.own_data import OwnData
from lib.explorer.own_data_view import NOTHING, Hand
from lib.explorer.page import Page
from lib.explorer.remembered import FINE, Refinable
from lib.explorer.samples import BUILT_IN, SPREADS, Samples, load, name_spread, sources, spread
from lib.explorer.touch import ARROWS, Touch
from lib.explorer.training import CALL_LIMIT, PICTURE_RANDOMNESS, Matrix, Network, Recipe, Run, Setting, start_of
from lib.explorer.what_ifs import WhatIf, of_units

FIRST_SLICE = 0.002  # seconds of training before the first picture of a new state
DRAWING = 0.015  # seconds that the browser has to itself to draw that picture: it shares the machine
NEXT_SLICE = 0.045  # seconds of training between two pictures while one is completed
AHEAD_SLICE = 0.008  # seconds of training ahead at a time
REDRAW = 0.25  # seconds between two pictures of a map that fills in
PAUSE = 0.05  # seconds without a move before training ahead; a drag has more moves than that
NEXT = 3  # settings that are made ready before the controls rest: the present one, and two further on
REST = 0.4  # seconds without a move that count as rest: longer than between two keys
AROUND = 20  # settings that are made ready before a map begins to fill in: as far as keys go in two seconds
MAP_WAITS = 2.0  # seconds of training ahead for which it waits at most
BACK = 4  # times as far as a setting in the direction of the last move is one in the other
AHEAD_PER_REST = 4.0  # seconds of training ahead in one rest
REMEMBERED = 150  # runs, and pages
MAX_KEPT = 4
FIRST_PICTURE = 2.0  # seconds of training for the first picture of all, and before a run is kept


class Rough(NamedTuple):
    """What is drawn roughly after a move, and finely at rest: what computes it, of which run, after which epoch."""

    compute: Callable[[Run, int], Refinable]
    run: Run
    epoch: int


class Explorer:
    """A network with sliders; `box` is the widget to show, and `loop` the kernel's event loop, where the work is done.

    `what_ifs` are the mistakes to choose from; None means those of the notebook's unit. `on_rest` is called when the
    controls rest and something new is shown, and what it returns is gone through as long as they do. An `architecture`
    makes the layers below softmax, in the place of `network.Dense`. Raises ValueError if the data are no data set.
    """

    def __init__(
        self,
        network: Network,
        data: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
        what_ifs: Iterable[WhatIf] | None = None,
        architecture: Architecture | None = None,
    ) -> None:
        self.recipe = Recipe(network)
        self._architecture = architecture
        self._what_ifs = {what_if.name: what_if for what_if in (of_units() if what_ifs is None else what_ifs)}
        self._starts: dict[Setting, Matrix] = {}
        self._name = f"zl-{uuid4().hex[:8]}"
        self._points: dict[str, str] = {}  # the points that the browser has, by the names that pictures refer to
        self.run = lru_cache(maxsize=REMEMBERED)(self._begin)
        self._pages = lru_cache(maxsize=REMEMBERED)(self._draw_page)
        self._plane = cache(self._find_plane)
        self._map = lru_cache(maxsize=8)(self._begin_map)
        self._lay_out(self._make_controls(data))
        self.kept: list[loss_view.KeptRun] = []
        self.on_rest: Callable[[], Iterable[None]] = lambda: ()
        self._saving: Iterator[None] = iter(())
        self._drawn: ControlState | None = None
        self._before: Setting | None = None
        self._rests_at = 0.0
        self._drawn_at = 0.0
        self._told: tuple[ControlState, bool] | None = None
        self._heard = ""  # the caption that was told last
        self._tasks: deque[Callable[[], None]] = deque()
        self._ahead: Iterator[float] | None = None
        self._prepared = self._spent = 0.0
        self._moved = False
        self._fine: deque[Rough] = deque(maxlen=FINE)  # no more than are remembered
        self._coalescer = Coalescer(self.work, loop)
        self._connect()
        self.answer(self.controls.state(), FIRST_PICTURE)

    def _make_controls(self, data: Any) -> Controls:
        """Find the data sets, and make the controls for them. Raises ValueError if one is no data set."""
        chosen = sources(data)
        wider = {
            name_spread(name, factor): found
            for name, source in chosen.items()
            for factor in SPREADS
            if (found := spread(source, factor))
        }
        self._sources = {**wider, **chosen}
        self._drawn_sets = cache(lambda name: load(self._sources[name]))
        self._own = cache(lambda data: OwnData(self._drawn_sets(data)))
        for name in chosen.keys() - BUILT_IN.keys():  # what doesn't fit is said at once, not at a move
            self._drawn_sets(name)
        spreadable = [name for name in chosen if name_spread(name, SPREADS[0]) in wider]
        first = self._drawn_sets(next(iter(chosen)))
        return Controls(list(chosen), spreadable, list(self._what_ifs), first, self._architecture)

    def _lay_out(self, controls: Controls) -> None:
        """Make what is shown: the controls, the pictures, the caption, and what listens in the page."""
        # Here, because to import anywidget takes 30 ms.
        from lib.explorer.pointing import Pointing
        from lib.explorer.ready_pages import ReadyPages

        self.controls = controls
        style, self.shapes = widgets.HTML(svg.STYLE), widgets.HTML()
        self.pictures = widgets.HTML().add_class("zl-picture-box")
        self.status = widgets.HTML().add_class("zl-live").add_class("zl-aside")
        pointing = Pointing().add_class("zl-aside")
        pointing.on_touch(lambda touch: self._enqueue(lambda: self.touch(touch)))
        self.ready = ReadyPages(controls.moving, self.pictures).add_class("zl-aside")
        self.box = controls.box(style, self.shapes, self.pictures, self.status, pointing, self.ready)

    @property
    def caption(self) -> str:
        """What is shown, in words."""
        return self.page.caption

    def still(self) -> list[dict[str, str]]:
        """Return what is shown for a page without a kernel, as two outputs: the caption, and the pictures as a PNG.

        The second one is empty where what draws it is still on its way.
        """
        *_, outputs = self.draw_still()
        return outputs

    def draw_still(self) -> Iterator[list[dict[str, str]]]:
        """Draw what `still` returns, a little at a time; yield nothing until it is there."""
        caption, pictures, kept, _ = self.page
        words = "\n".join(map(fill, [*caption.split("\n"), *kept]))
        for name, points in self._points.items():
            pictures = [each.replace(svg.use(name), points) for each in pictures]
        draw = load_still(self._save_again)
        for png in draw(pictures) if draw else ():
            picture = {"image/png": b64encode(png).decode(), "text/plain": ""}
            yield [{"text/plain": words}, picture] if png else []
        if not draw:
            yield [{"text/plain": words}, {"text/plain": ""}]

    def _save_again(self) -> None:
        """Have `on_rest` called at the next rest, as if something new were shown."""
        self._told = None
        self._coalescer.wake()

    def answer(self, state: ControlState, seconds: float) -> float:
        """Train for at most `seconds` towards a state and draw what there is; return when to come back to it."""
        run = self.run(state.setting)
        run.advance(state.epochs, seconds)
        self.page = self.draw(run, state)
        if "Regions" in state.views and run.samples.planar:
            self._send_points(state)
        self.pictures.value = self.page.at(self.controls.places(state.setting))
        self._drawn, self._drawn_at = state, time.perf_counter()
        return (PAUSE if self._is_seen else REST) if run.complete(state.epochs) else 0.0

    def work(self) -> float | None:
        """Do the next slice of work, and return the seconds until the one after, or None when all is done."""
        state = self.controls.state()
        if state != self._drawn or self._tasks or self._moved:
            return self._follow(state)
        run = self.run(state.setting)
        if not run.complete(state.epochs):
            run.advance(state.epochs, NEXT_SLICE, stop=lambda: self._coalescer.woken)
            self._rests_at = time.perf_counter() + REST
            return 0.0 if self._coalescer.woken else self.answer(state, 0.0)
        if self._is_seen and not run.fault and (left := self._rests_at - time.perf_counter()) > 0:
            ahead = self._work_ahead(state, NEXT)  # no more, so that the next move finds nothing else at work
            return left if ahead is None else ahead
        if rough := self._list_rough(run, state):
            self._refine(rough[0])
            return 0.0 if self._coalescer.woken or rough[0] not in self._fine else self.answer(state, 0.0)
        losses = self._losses(state)
        filling = losses is not None and not losses.complete
        if self._told != (state, filling):  # while a map fills in, those who listen don't hear of every cell
            self._told = state, filling
            self.status.value = escape(captions.list_changes(self._heard, self.caption)) or self.status.value
            self._heard = self.caption
            self._give_ready(run, state)
            self._saving = iter(self.on_rest())
        if next(self._saving, self) is None:
            return 0.0
        if run.fault or not self._is_seen:
            return None
        if losses and filling:
            soon = self._work_ahead(state, AROUND) if self._ahead is None or self._spent < MAP_WAITS else None
            return self._fill_map(losses, state) if soon is None else soon
        return self._work_ahead(state)

    def _follow(self, state: ControlState) -> float:
        """Answer a move of the controls, or what was done with a picture."""
        self._ahead, self._told, self._saving, self._moved = None, None, iter(()), False
        if self._drawn is None or state.setting.data != self._drawn.setting.data:
            own = self._own(state.setting.data) if state.setting.version else None
            self.controls.fit(self.samples(state.setting), own.changes if own else 0)
        while self._tasks:
            self._tasks.popleft()()
        state = self.controls.state()
        if self._drawn and self._drawn.setting != state.setting:
            self._before = self._drawn.setting
        if self._drawn and _with_setting_of(self._drawn, state) != state:
            self.ready.forget()
        self._rests_at = time.perf_counter() + REST
        before = self.pictures.value
        wait = self.answer(state, FIRST_SLICE)
        if self.pictures.value == before:
            self.pictures.send_state("value")  # the browser may have gone on to a ready page, and come back
        return wait or DRAWING

    def draw(self, run: Run, state: ControlState) -> Page:
        """Return what there is to show of a run; what was drawn before isn't drawn again."""
        last = min(run.epochs, state.epochs)
        losses = self._losses(state)
        known = len(losses.losses) if losses else 0
        own = self._own_of(state)
        changes = own.changes if own else 0
        draw = self._pages if not losses or losses.complete else self._draw_page  # soon another one, not worth to keep
        rough = len(self._list_rough(run, state))
        return draw(run, state, min(last, state.time), last, run.over, rough, known, changes)

    def _list_rough(self, run: Run, state: ControlState) -> list[Rough]:
        """List what is in view and isn't computed finely yet: the loss around a path, and the gradients."""
        last = min(run.epochs, state.epochs)
        rough = {
            "Path": Rough(path_view.compute, run, last),
            "Gradients": Rough(gradients_view.compute, run, min(last, state.time)),
        }
        seen = run.weights and not run.fault
        return [each for view, each in rough.items() if seen and view in state.views and each not in self._fine]

    def _refine(self, rough: Rough) -> None:
        """Compute some more of what is shown roughly."""

        def refine() -> bool:
            shown = rough.compute(rough.run, rough.epoch)
            shown.refine(NEXT_SLICE, stop=lambda: self._coalescer.woken)
            return shown.fine

        if run_student_code(refine, NEXT_SLICE + CALL_LIMIT):
            self._fine.append(rough)  # or a sentence about student code that failed here, which it does without

    @property
    def _is_seen(self) -> bool:
        """Whether a page shows the pictures."""
        return bool(self.pictures._view_count)

    def _losses(self, state: ControlState) -> LossMap | None:
        """Return the losses of the map for a state, if the map is in view."""
        if "Map" not in state.views:
            return None
        fixed = replace(state.setting, learning_rate=1.0, batch_size=1)
        return self._map(fixed, state.epochs if state.same_epochs else 0)

    def _fill_map(self, losses: LossMap, state: ControlState) -> float:
        """Train some cells of the map, and show them now and then; return the seconds until the next slice."""
        losses.fill(state.setting, AHEAD_SLICE, stop=lambda: self._coalescer.woken)
        if losses.complete or time.perf_counter() - self._drawn_at > REDRAW:
            self.answer(state, 0.0)
        if losses.complete:
            self._ahead = None  # pages of the whole map come next
        return 0.0

    def _begin_map(self, setting: Setting, epochs: int) -> LossMap:
        """Begin a map of settings that differ from this one in learning rate and batch size."""
        sizes = self.samples(setting).batch_sizes
        return LossMap(
            lambda cell: self._begin(replace(setting, learning_rate=cell[0], batch_size=cell[1])),
            LEARNING_RATES[::MAP_EVERY],
            sizes,
            epochs,
        )

    def keep(self) -> None:
        """Finish the run that is shown, and leave it in the picture behind those to come."""
        state = self.controls.state()
        run = self.run(state.setting)
        run.advance(state.epochs, FIRST_PICTURE)
        name = captions.name_setting(state.setting, run.recipe.network.counted)
        self._set_kept([*self.kept, loss_view.KeptRun(name, run, state.epochs)])

    def touch(self, touch: Touch) -> None:
        """Answer a touch of the path's picture: arrow keys move a cross, a click or Enter starts the training there."""
        state = self.controls.state()
        if touch.picture == path_view.TITLE:
            cross = self.controls.cross or path_view.MIDDLE
            if touch.what == "down":
                self._start_at(touch.x, touch.y)
            elif touch.key in ARROWS:
                self.controls.cross = svg.within(*touch.moved(*cross))
            elif touch.key == "Enter":
                self._start_at(*cross)

        elif touch.picture == map_view.TITLE and (losses := self._losses(state)):
            if cell := map_view.go(losses, state.setting, touch):
                self.controls.go_to(*cell)

        elif touch.picture == regions_view.TITLE:
            label = self.controls.label.value
            self._change(lambda own, hand, plane: own_data_view.answer(own, hand, plane, label, touch))

    def _change(self, change: Callable[[OwnData, Hand, regions_view.Plane], Hand]) -> None:
        """Have the points changed that are shown, if they can be, and train on them from now on."""
        state = self.controls.state()
        if state.editing and (own := self._own_of(state)):
            self.controls.take(own, change(own, state.hand, self._plane(state.setting.data)))

    def _relabel(self, change: Any) -> None:
        """Give the selected point the class that was chosen; if none is selected, the next one to be added gets it."""
        hand = self.controls.hand
        own = self._own_of(self.controls.state())
        if own and hand.selected >= 0 and own.now.labels[hand.selected] != change.new:
            self._enqueue(lambda: self._change(lambda own, hand, plane: own_data_view.relabel(own, hand, change.new)))

    def _start_at(self, x: float, y: float) -> None:
        """Begin the training at the weights at a pixel of the picture of the path."""
        state = self.controls.state()
        run = self.run(state.setting)
        number = 1 + max(each.start for each in self._starts)
        chosen = start_of(replace(state.setting, start=number))
        self._starts[chosen] = path_view.compute(run, min(run.epochs, state.epochs)).weights(*svg.within(x, y))
        self.controls.choose_start(number)

    def _set_kept(self, kept: list[loss_view.KeptRun]) -> None:
        """Have these runs in the picture, and say so at the button when there is no room for another."""
        self.kept = kept
        self._pages.cache_clear()
        self.ready.forget()
        full = len(kept) >= MAX_KEPT
        self.controls.forget.disabled, self.controls.keep.disabled = not kept, full
        self.controls.keep.description = f"{MAX_KEPT} runs are kept, no more" if full else "Keep this run"

    def samples(self, setting: Setting) -> Samples:
        """Return the samples that a setting trains on."""
        if setting.version:
            return self._own(setting.data).find(setting.version).samples
        return self._drawn_sets(setting.data)

    def _begin(self, setting: Setting) -> Run:
        """Begin the run of a setting."""
        recipe = self.recipe
        if self._architecture:
            made = self._architecture.make(setting.size)
            recipe = Recipe(replace(recipe.network, Dense=made, counted=self._architecture.counted))
        if setting.what_if:
            recipe = self._what_ifs[setting.what_if].apply(recipe)
        return Run(recipe, self.samples(setting), setting, self._starts)

    def _draw_page(self, run: Run, state: ControlState, epoch: int, *known: int) -> Page:
        """Draw a run after `epoch` epochs; another page for all that is `known` of the run and of losses around it."""
        planar = run.samples.planar
        ground = (self._plane(run.setting.data), svg.use(self._find_points(state)[0])) if planar else None

        own = self._own_of(state)

        def draw() -> Page:
            kept = self._compared(state) if run.weights else []
            asked = self._what_ifs[state.predict] if state.predict else None
            return page.draw(
                page.Shown(run, state, epoch, kept, ground, asked, self._losses(state), self._architecture, own)
            )

        with random_numbers(PICTURE_RANDOMNESS):
            drawn = run_student_code(draw, CALL_LIMIT)
        if isinstance(drawn, Failure):
            run.fault = run.fault or drawn.text_and_code
            return Page(run.fault, [loss_view.draw(run, state.epochs)], [])
        return drawn

    def _compared(self, state: ControlState) -> list[loss_view.KeptRun]:
        """Return the runs to show behind: those kept on this data set and, behind a mistake, the code as it is."""
        right = self.run(replace(state.setting, what_if=""))
        behind = state.setting.what_if and right.epochs
        plain = [loss_view.KeptRun("your code as it is", right, state.epochs)] if behind else []
        return [each for each in self.kept if each.run.setting.data == state.setting.data] + plain

    def _find_plane(self, data: str) -> regions_view.Plane:
        """Return the plane of a data set, which stays as it is when points are changed."""
        samples = self._drawn_sets(data)
        return regions_view.Plane(np.hstack([samples.X, samples.X_validation]))

    def _own_of(self, state: ControlState) -> OwnData | None:
        """Return the changes of the points of a data set, if there are any or can be now."""
        data = state.setting.data
        wanted = state.editing or state.setting.version
        return self._own(data) if wanted and not own_data_view.obstacle(self._drawn_sets(data)) else None

    def _find_points(self, state: ControlState) -> tuple[str, Samples]:
        """Return the name of the points that stay as they are while one is dragged, and these points."""
        own = self._own_of(state)
        if not own:
            return f"{self._name}-{hash(state.setting.data):x}", self._drawn_sets(state.setting.data)
        points = own_data_view.rest(own.now, state.hand if state.editing else NOTHING)
        parts = (points.X, points.labels, points.validation)
        return f"{self._name}-{hash(tuple(each.tobytes() for each in parts)):x}", points.samples

    def _send_points(self, state: ControlState) -> None:
        """Give the browser the points that the next picture refers to, and leave it those of the last."""
        name, samples = self._find_points(state)
        if name not in self._points:
            drawn = regions_view.legend(samples.names) + regions_view.draw_points(
                samples, self._plane(state.setting.data)
            )
            self._points = {**dict(list(self._points.items())[-1:]), name: drawn}
            self.shapes.value = "".join(svg.shape(*each) for each in self._points.items())

    def _work_ahead(self, state: ControlState, most: float = math.inf) -> float | None:
        """Prepare a little for the next move, at most so many settings; None when there is no more to prepare."""
        if self._ahead is None:
            self._ahead, self._prepared, self._spent = self._prepare(state), 0.0, 0.0
        if self._spent > AHEAD_PER_REST or self._prepared >= most:
            return None
        begin = time.perf_counter()
        self._prepared = next(self._ahead, math.inf)
        self._spent += time.perf_counter() - begin
        return 0.0 if self._prepared < most else None

    def _prepare(self, state: ControlState) -> Iterator[float]:
        """Train and draw the settings near by, nearest first; yield now and then how many are ready."""
        sizes = self._architecture.sizes if self._architecture else ()
        nearby = list_nearby(state.setting, self.samples(state.setting).batch_sizes, sizes, self._before)
        for ready, setting in enumerate(nearby):
            run = self.run(setting)
            while not run.complete(state.epochs):
                run.advance(state.epochs, AHEAD_SLICE, stop=lambda: self._coalescer.woken)
                yield ready
            there = replace(state, setting=setting)
            for rough in self._list_rough(run, there):  # apart, because a move waits for what is under way
                run_student_code(partial(rough.compute, run, rough.epoch), CALL_LIMIT)
                yield ready
            self.draw(run, there)
            if ready < AROUND:
                self._give_ready(run, there)
            yield ready + 1

    def _give_ready(self, run: Run, state: ControlState) -> None:
        """Give the browser the page of a state near by, if all of it is there."""
        losses = self._losses(state)
        # With the lock the learning rate follows in Python, one move later.
        if state.locked or not run.complete(state.epochs) or (losses and not losses.complete):
            return
        places = self.controls.places(state.setting)
        if _with_setting_of(self.controls.state(), state) == state:  # nothing else has moved meanwhile
            self.ready.give(self.draw(run, state).at(places))

    def _enqueue(self, task: Callable[[], None]) -> None:
        """Have a task done before the next picture, where all work is done; buttons call in other threads."""
        self._tasks.append(task)
        self._coalescer.wake()

    def _note_move(self) -> None:
        """Have a move answered, also one that leads back to what is drawn."""
        self._moved = True
        self._coalescer.wake()

    def _connect(self) -> None:
        self.controls.on_change(self._note_move)
        self.controls.keep.on_click(lambda button: self._enqueue(self.keep))
        self.controls.forget.on_click(lambda button: self._enqueue(lambda: self._set_kept([])))
        self.controls.label.observe(self._relabel, "value")
        edits = (
            (self.controls.remove, own_data_view.remove),
            (self.controls.undo, lambda own, hand, plane: Hand(refusal=own.undo())),
            (self.controls.restart, lambda own, hand, plane: Hand(refusal=own.restart())),
        )
        for button, edit in edits:
            button.on_click(lambda _, edit=edit: self._enqueue(lambda: self._change(edit)))
        # ipywidgets calls this experimental; nothing else says whether anybody looks, and without it a notebook that is
        # only run, as at grading, would train ahead for seconds. Should it go, nothing is trained ahead any more.
        self.pictures._view_count = 0
        self.pictures.observe(lambda change: self._coalescer.wake(), "_view_count")


def _with_setting_of(state: ControlState, other: ControlState) -> ControlState:
    """Return a state with the learning rate, the batch size and the layers' size of another."""
    own = other.setting
    setting = replace(state.setting, learning_rate=own.learning_rate, batch_size=own.batch_size, size=own.size)
    return replace(state, setting=setting)


def list_nearby(
    setting: Setting, batch_sizes: Sequence[int], sizes: Sequence[int] = (), before: Setting | None = None
) -> Iterator[Setting]:
    """Yield the setting and those around it: sizes of the layers, learning rates, and batch sizes, nearest first.

    The slider that has moved since the setting `before` comes first, and what lies back counts as `BACK` times as far.
    """
    before = before or setting
    values: dict[str, Sequence[Any]] = {"size": sizes, "learning_rate": LEARNING_RATES, "batch_size": batch_sizes}
    moves = {name: getattr(setting, name) - getattr(before, name) for name in values}

    def far(name: str, value: Any) -> float:
        now = getattr(setting, name)
        return abs(math.log(value / now)) * (BACK if (value - now) * moves[name] < 0 else 1)

    for name in sorted(values, key=lambda name: not moves[name]):
        for value in sorted(values[name], key=partial(far, name)):
            yield replace(setting, **{name: value})
