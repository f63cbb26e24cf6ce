"""The controls: every slider, list and button, each with a label, and the state that they are in together."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets as widgets

from lib.explorer import own_data_view
from lib.explorer.architecture import Architecture
from lib.explorer.captions import name_setting, presets
from lib.explorer.own_data import OwnData
from lib.explorer.own_data_view import NOTHING, Hand
from lib.explorer.samples import SPREADS, Samples, name_spread
from lib.explorer.svg import short
from lib.explorer.training import Setting

# Both sliders choose from a list, and the seed too: what is typed beside ipywidgets' other sliders is silently moved
# to their next step, and a field for whole numbers reads 3.5 as 35.
MAP_EVERY = 5  # learning rates of the slider from one column of the map to the next
LEARNING_RATES = [float(f"{10 ** (power / 10):.3g}") for power in range(-40, 21)]
SEEDS = range(10)
MAX_EPOCHS = 300
VIEWS = {
    "Loss": "The loss of every epoch and every iteration",
    "Regions": "The class that is predicted at each point of the plane",
    "Path": "The way of the weights on the loss, and up to which learning rate a step goes down",
    "Map": "The loss that each learning rate and batch size reaches",
    "Weights": "The weights of each class",
    "Gradients": "The gradient of each batch, around that of the whole set",
    "One sample": "One sample on its way through the network",
}
ONE_LAYER = ("Weights", "One sample")  # the views that are about a single dense layer
NO_REGIONS = "Regions: only for 2 features"
KEYS_HELP = f"Keys, once the picture of the regions has the focus: {own_data_view.HELP}"


@dataclass(frozen=True)
class ControlState:
    """Where the controls stand: a setting, how much of its run to show, and in which views."""

    setting: Setting
    epochs: int
    views: tuple[str, ...]
    sample: int
    predict: str  # the what-if that waits for a prediction, or nothing
    locked: bool = False  # whether the learning rate goes with the batch size
    cross: tuple[float, float] | None = None  # where keys have moved the cross on the picture of the path
    same_epochs: bool = False  # whether the map compares after the same number of epochs, not of steps
    time: int = MAX_EPOCHS  # the epoch that is shown
    by_iterations: bool = False  # whether the loss is drawn by iterations, not by epochs
    editing: bool = False  # whether points can be changed
    hand: Hand = NOTHING  # what is under one's hand then
    changed: tuple[str, ...] = ()  # the other data sets whose points were changed


class Controls:
    """The widgets; `state` reads them all, and `on_change` is called, perhaps in another thread, when one moves."""

    def __init__(
        self,
        datasets: Sequence[str],
        spreadable: Sequence[str],
        what_ifs: Sequence[str],
        samples: Samples,
        architecture: Architecture | None = None,
    ) -> None:
        self._architecture, self._spreadable = architecture, spreadable
        self.start = 0
        self.cross: tuple[float, float] | None = None
        self.hand = NOTHING
        self.versions: dict[str, int] = {}  # of the data sets whose points were changed
        self._spreads: dict[str, float] = {}
        self._changed: Callable[[], None] = lambda: None
        self._make_sliders(samples)
        self._make_time()
        self._make_data(datasets)
        self._make_comparisons(what_ifs)
        self._make_views()
        self._connect()
        self.shown["Loss"].value = True
        self._allow_regions(samples.planar)
        self.fit(samples)
        for view in architecture.views if architecture else ():
            self.shown[view.name].value = True

    def _make_sliders(self, samples: Samples) -> None:
        """Make the sliders of a run, and what moves them together."""
        rates = [(short(rate), rate) for rate in LEARNING_RATES]
        self.learning_rate = widgets.SelectionSlider(options=rates, value=0.1, description="Learning rate")
        self.batch_size = widgets.SelectionSlider(
            options=_sizes(samples), value=min(16, samples.batch_sizes[-1]), description="Batch size"
        )
        self.epochs = widgets.IntSlider(100, 1, MAX_EPOCHS, description="Epochs")
        if made := self._architecture:
            self.size = widgets.SelectionSlider(
                options=made.sizes, value=made.size, description=made.counted.capitalize()
            )
        self.seed = widgets.Dropdown(options=SEEDS, description="Seed")
        self.lock = widgets.ToggleButton(description="Lock rate / batch", tooltip="Have the batch size move both")
        self.presets = [widgets.Button() for _ in presets(samples)]

    def _make_time(self) -> None:
        """Make what moves through the epochs of a run."""
        self.time = widgets.IntSlider(100, 0, 100, description="Show epoch")
        self.play = widgets.Play(value=100, max=100, interval=100, tooltip="Play the training from its start")
        self.by_iterations = widgets.ToggleButton(
            description="Axis in iterations", tooltip="Draw the loss by iterations, so that kept runs compare by steps"
        )

    def _make_data(self, datasets: Sequence[str]) -> None:
        """Make the choice of the data set, and what changes its points."""
        self.data = widgets.Dropdown(options=datasets, description="Data")
        self.spread = widgets.SelectionSlider(
            options=[(short(each), each) for each in SPREADS], value=1.0, description="Spread"
        )
        self.edit = widgets.ToggleButton(
            description="Change points", tooltip="Drag, add, relabel and remove points in the picture of the regions"
        )
        self.label = widgets.Dropdown(description="Class")
        self.remove = widgets.Button(description="Remove", tooltip="Take the selected point out")
        self.undo = widgets.Button(tooltip="Take the last change of the points back")
        self.restart = widgets.Button(
            description="Start again from the drawn set", tooltip="Take all changes of the points back"
        )
        buttons = widgets.HBox([self.label, self.remove, self.undo, self.restart])
        self._editing = [buttons, widgets.HTML(KEYS_HELP)]

    def _make_comparisons(self, what_ifs: Sequence[str]) -> None:
        """Make what compares a run with others: the what-ifs, and the runs that are kept."""
        options = [("nothing: the code as it is", ""), *((name, name) for name in what_ifs)]
        self.what_if = widgets.Dropdown(options=options, description="What if")
        self.look = widgets.ToggleButton(description="Look", disabled=True, tooltip="Show what the mistake does")
        self.keep = widgets.Button(description="Keep this run", tooltip="Leave its curves in the picture to compare")
        self.forget = widgets.Button(description="Forget kept runs", disabled=True, tooltip="Take them out again")

    def _make_views(self) -> None:
        """Make the buttons of the views, and what only one of them needs."""
        views = VIEWS
        if architecture := self._architecture:
            views = {name: tooltip for name, tooltip in VIEWS.items() if name not in ONE_LAYER}
            views |= {view.name: view.tooltip for view in architecture.views}
        self.shown = {name: widgets.ToggleButton(description=name, tooltip=tooltip) for name, tooltip in views.items()}
        self.sample = widgets.IntSlider(0, 0, 1, description="Sample")
        self.own_start = widgets.Button(
            description="Start as drawn", disabled=True, tooltip="Start with the weights that your code draws"
        )
        self.same_epochs = widgets.ToggleButton(
            description="Map after the same epochs", tooltip="Not after the same number of steps; this takes longer"
        )
        self._details = {"One sample": self.sample, "Path": self.own_start, "Map": self.same_epochs}

    def _connect(self) -> None:
        """Have the controls move each other."""
        for number, button in enumerate(self.presets):
            button.on_click(lambda _, number=number: self._choose(number))
        # In the page, so that a picture is the only thing that Python makes for each step.
        self._link = widgets.jslink((self.play, "value"), (self.time, "value"))
        self.epochs.observe(self._fit_time, "value")
        self.play.observe(self._rewind, "playing")
        self.own_start.on_click(lambda _: self.choose_start(0))
        self.data.observe(self._find_spread, "value")
        self.spread.observe(self._note_spread, "value")
        for widget in (self.seed, self.data, self.spread, *self._size_slider):
            widget.observe(lambda change: self.choose_start(0), "value")
        self.lock.observe(self._lock, "value")
        self.batch_size.observe(self._follow, "value")
        self.what_if.observe(self._predict, "value")
        for widget in (self.data, self.edit, *(self.shown[name] for name in self._details.keys() & self.shown.keys())):
            widget.observe(self._show_details, "value")
        self.edit.observe(self._show_regions, "value")
        self.shown["Regions"].observe(self._end_editing, "value")

    @property
    def _size_slider(self) -> list[widgets.SelectionSlider]:
        """The slider for the size of the layers, where there is a choice."""
        return [self.size] if self._architecture else []

    @property
    def moving(self) -> list[Any]:
        """The widgets whose value is part of the state."""
        run = [self.learning_rate, self.batch_size, self.epochs, self.seed, self.data, self.what_if, self.look]
        view = [self.spread, self.edit, self.time, self.by_iterations, self.lock, self.same_epochs, self.sample]
        return [*run, *self._size_slider, *view, *self.shown.values()]

    def places(self, setting: Setting) -> str:
        """Say where each of the widgets stands, in the browser's own words, with the sliders moved to a setting."""
        sizes = [size for _, size in self.batch_size.options]
        moved = {
            self.learning_rate: LEARNING_RATES.index(setting.learning_rate),
            self.batch_size: sizes.index(setting.batch_size),
        }
        if self._architecture:
            moved[self.size] = self._architecture.sizes.index(setting.size)
        places = [moved.get(widget, getattr(widget, "index", widget.value)) for widget in self.moving]
        return json.dumps(places, separators=(",", ":"))

    @property
    def dataset(self) -> str:
        """The name of the data set, with its spread where that is another than it was given."""
        return name_spread(self.data.value, self.spread.value if self.data.value in self._spreadable else 1.0)

    def state(self) -> ControlState:
        """Read all controls."""
        looking = self.what_if.value if self.look.value else ""
        data = self.dataset
        version = self.versions.get(data, 0)
        setting = Setting(
            self.learning_rate.value, self.batch_size.value, self.seed.value, data, looking, version, self.start
        )
        if self._architecture:
            setting = replace(setting, size=self.size.value)
        views = tuple(name for name, button in self.shown.items() if button.value) or ("Loss",)
        predict = "" if self.look.value else self.what_if.value
        return ControlState(
            setting,
            self.epochs.value,
            views,
            self.sample.value,
            predict,
            self.lock.value,
            self.cross,
            self.same_epochs.value,
            min(self.time.value, self.epochs.value),
            self.by_iterations.value,
            self.edit.value,
            self.hand,
            tuple(name for name, version in self.versions.items() if version and name != data),
        )

    def on_change(self, call: Callable[[], None]) -> None:
        """Have `call` called when any control moves."""
        self._changed = call
        for widget in self.moving:
            widget.observe(lambda change: call(), "value")

    def fit(self, samples: Samples, changes: int = 0) -> None:
        """Make the controls fit a data set with so many changes."""
        self.hand = NOTHING
        self.fit_counts(samples, changes)
        classes = tuple((name, number) for number, name in enumerate(samples.names))
        if self.label.options != classes:
            self.label.options, self.label.value = classes, 0
        if self.shown["Regions"].disabled == samples.planar:
            self._allow_regions(samples.planar)
        self._show_details()

    def fit_counts(self, samples: Samples, changes: int) -> None:
        """Make the controls fit the numbers of samples and of changes, and leave everything else as it is."""
        chosen, options = self.batch_size.value, _sizes(samples)
        if self.batch_size.options != options:
            whole = chosen == self.batch_size.options[-1][1]
            self.batch_size.set_trait("options", options)
            sizes = samples.batch_sizes
            self.batch_size.value = sizes[-1] if whole else min(sizes, key=lambda size: abs(size - chosen))
        self._settings = presets(samples)
        for button, name in zip(self.presets, map(name_setting, self._settings), strict=True):
            button.description, button.tooltip = name, f"Set {name}"
        self.sample.max = samples.X_validation.shape[1] - 1
        self.undo.description = f"Undo change {changes}" if changes else "Nothing to undo"
        self.undo.disabled = self.restart.disabled = not changes

    def take(self, own: OwnData, hand: Hand) -> None:
        """Show a data set as it was changed, and what is under the hand."""
        self.versions[self.dataset], self.hand = own.now.number, hand
        self.fit_counts(own.now.samples, own.changes)
        if hand.selected >= 0:
            self.label.value = int(own.now.labels[hand.selected])

    def go_to(self, learning_rate: float, batch_size: int) -> None:
        """Set both sliders, which the lock would not let go apart."""
        self.lock.value = False
        self.learning_rate.value, self.batch_size.value = learning_rate, batch_size

    def choose_start(self, number: int) -> None:
        """Have training begin at the start with this number; 0 is the one that Dense draws."""
        self.start, self.cross = number, None
        self.own_start.disabled = not number
        self._changed()

    def box(self, *shown: Any) -> widgets.VBox:
        """Lay the controls out beside the widgets given."""
        played = widgets.HBox([self.play, self.by_iterations])
        rows = [[self.lock, *self.presets], [self.what_if, self.look], [self.keep, self.forget], [*self.shown.values()]]
        tried, *others = map(widgets.HBox, rows)
        course = widgets.HTML("Your layers, loss and gradient; the loop around them is the course's.")
        sliders = _column("zl-sliders", *self._size_slider, self.learning_rate, self.batch_size, self.epochs)
        details = [self.own_start, self.same_epochs, self.sample]
        data = [self.data, self.spread, self.edit, *self._editing]
        more = _column("zl-more", self.time, played, tried, self.seed, *data, *others, *details, course)
        layout = _column("zl-layout", _column("zl-controls", sliders, more), _column("zl-shown", *shown))
        return _column("zl-explorer", layout)

    def _fit_time(self, change: Any) -> None:
        """Let the time go as far as there are epochs; at the end it stays at the end."""
        at_end, epochs = self.time.value >= change.old, self.epochs.value
        self.time.max, self.play.max, self.play.step = epochs, epochs, max(1, epochs // 100)
        self.time.value = self.play.value = epochs if at_end else min(self.time.value, epochs)

    def _rewind(self, change: Any) -> None:
        """Begin anew when the training is played from its end."""
        if self.play.playing and self.time.value >= self.epochs.value:
            self.time.value = self.play.value = 0

    def _lock(self, change: Any) -> None:
        """Note the ratio that stays; the learning rate has no say as long as it does."""
        self._ratio = self.learning_rate.value / self.batch_size.value
        self.learning_rate.disabled = self.lock.value

    def _follow(self, change: Any) -> None:
        """Move the learning rate with the batch size, to the nearest on the slider."""
        if self.lock.value:
            wanted = math.log(self._ratio * self.batch_size.value)
            self.learning_rate.value = min(LEARNING_RATES, key=lambda rate: abs(math.log(rate) - wanted))

    def _choose(self, preset: int) -> None:
        self.go_to(self._settings[preset].learning_rate, self._settings[preset].batch_size)

    def _predict(self, change: Any) -> None:
        self.look.value = False
        self.look.disabled = not self.what_if.value

    def _note_spread(self, change: Any) -> None:
        self._spreads[self.data.value] = self.spread.value

    def _find_spread(self, change: Any) -> None:
        """Show a data set with the spread that it had when it was left."""
        self.spread.value = self._spreads.get(self.data.value, 1.0)

    def _allow_regions(self, planar: bool) -> None:
        """Show regions, which only samples in a plane have, or else the weights."""
        regions = self.shown["Regions"]
        regions.disabled, regions.value = not planar, planar
        regions.description = "Regions" if planar else NO_REGIONS
        if not planar and "Weights" in self.shown:
            self.shown["Weights"].value = True

    def _show_regions(self, change: Any) -> None:
        """Show the regions, in whose picture points are changed."""
        if self.edit.value and not self.shown["Regions"].disabled:
            self.shown["Regions"].value = True

    def _end_editing(self, change: Any) -> None:
        if not self.shown["Regions"].value:
            self.edit.value = False

    def _show_details(self, change: Any = None) -> None:
        """Show the controls that only one view or data set needs while it is shown."""
        chosen = {name for name, button in self.shown.items() if button.value}
        needed = [(widget, name in chosen) for name, widget in self._details.items()]
        needed += [(self.spread, self.data.value in self._spreadable)]
        needed += [(widget, self.edit.value) for widget in self._editing]
        for widget, shown in needed:
            # Not None: from a browser's kernel that arrives as "undefined", and the page ignores it.
            widget.layout.display = "" if shown else "none"


def mark_rate(rate: float, words: str) -> str:
    """Return what the page's script reads to mark a learning rate on its slider; nothing for one beyond its ends."""
    low, high = math.log(LEARNING_RATES[0]), math.log(LEARNING_RATES[-1])
    if not LEARNING_RATES[0] <= rate <= LEARNING_RATES[-1]:
        return ""
    place = (math.log(rate) - low) / (high - low)
    return f'<data class="zl-mark" data-slider="Learning rate" value="{place:.4f}">{words}</data>'


def _column(name: str, *children: Any) -> widgets.VBox:
    return widgets.VBox(children).add_class(name)


def _sizes(samples: Samples) -> tuple[tuple[str, int], ...]:
    *parts, whole = samples.batch_sizes
    return (*((str(size), size) for size in parts), (f"{whole}, all", whole))
