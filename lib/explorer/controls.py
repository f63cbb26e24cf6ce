"""The controls: every slider, list and button, each with a label, and the state that they are in together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from IPython.display import Javascript

from lib.explorer.captions import PRESETS, Preset
from lib.explorer.training import Setting

LEARNING_RATE = (-4.0, 2.0, 0.1)  # lowest and highest power of ten, and the step
MAX_EPOCHS = 300
VIEWS = ("Loss", "Regions", "Weights", "One sample")
WIDE = {"description_width": "92px"}
ROW = {"flex_flow": "row wrap", "grid_gap": "0 12px", "align_items": "center"}

# ipywidgets has no way to name a slider's handle for screen readers, nor to keep arrow keys from Notebook 7, where they
# would go to the next cell; and a live region must be there before its text changes. So a script does it, by the class
# names of ipywidgets' sliders (`.noUi-handle`, `.widget-readout`) and an attribute of JupyterLab's. The browser tests
# fail if one of these names changes. `element` is where Jupyter shows a script's output.
SCRIPT = """(function start(left) {
  const root = element.closest('.zl-explorer');
  if (!root || !root.querySelector('.noUi-handle')) { if (left) setTimeout(start, 100, left - 1); return; }
  const name = box => {
    const label = box.querySelector('.widget-label')?.textContent;
    const control = box.querySelector('.noUi-handle, select, input');
    const readout = box.querySelector('.widget-readout');
    if (!label || !control) return;
    if (control.ariaLabel !== label) control.ariaLabel = label;
    if (!readout) return;
    if (control.ariaValueText !== readout.textContent) control.ariaValueText = readout.textContent;
    if (readout.isContentEditable) { readout.role = 'textbox'; readout.ariaLabel = label + ', to type'; }
  };
  for (const box of root.querySelectorAll('.widget-slider, .widget-dropdown, .widget-text')) {
    name(box);
    new MutationObserver(() => name(box)).observe(box,
      {childList: true, characterData: true, subtree: true, attributeFilter: ['aria-valuetext']});
  }
  window.zlKeys ??= window.addEventListener('keydown', event => event.target.closest?.('.zl-explorer') &&
    event.target.toggleAttribute('data-lm-suppress-shortcuts',
      !(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)), true) ?? true;
  const live = root.querySelector('.zl-live');
  live.role = 'status';
  live.ariaLive = 'polite';
})(100)"""


@dataclass(frozen=True)
class ControlState:
    """Where the controls stand: a setting, how much of its run to show, and in which views."""

    setting: Setting
    epochs: int
    views: tuple[str, ...]
    sample: int
    predict: str  # the what-if that waits for a prediction, or nothing


class Controls:
    """The widgets; `state` reads them all, and `on_change` is called, perhaps in another thread, when one moves."""

    def __init__(
        self,
        datasets: Sequence[str],
        what_ifs: Sequence[str],
        batch_sizes: Sequence[int],
        num_samples: int,
        planar: bool,
    ) -> None:
        low, high, step = LEARNING_RATE
        self.learning_rate = widgets.FloatLogSlider(
            0.1, base=10, min=low, max=high, step=step, description="Learning rate", readout_format=".3g", style=WIDE
        )
        self.batch_size = widgets.SelectionSlider(
            options=_sizes(batch_sizes), value=_near(batch_sizes, 16), description="Batch size", style=WIDE
        )
        self.epochs = widgets.IntSlider(100, 1, MAX_EPOCHS, description="Epochs", style=WIDE)
        self.seed = widgets.BoundedIntText(0, 0, 9999, description="Seed", style=WIDE)
        self.data = widgets.Dropdown(options=list(datasets), description="Data", style=WIDE)
        self.what_if = widgets.Dropdown(
            options=[("nothing: your code as it is", ""), *((name, name) for name in what_ifs)],
            description="What if",
            style=WIDE,
        )
        self.look = widgets.ToggleButton(description="Look", disabled=True, tooltip="Show what the mistake does")
        self.keep = widgets.Button(description="Keep this run", tooltip="Leave its curves in the picture to compare")
        self.forget = widgets.Button(description="Forget kept runs", disabled=True)
        self.presets = [widgets.Button(description=preset.name) for preset in PRESETS]
        self.shown = {name: widgets.ToggleButton(description=name) for name in VIEWS}
        self.sample = widgets.IntSlider(0, 0, num_samples - 1, description="Sample", style=WIDE)
        self.fit(batch_sizes, num_samples, planar)

    @property
    def moving(self) -> list[Any]:
        """The widgets whose value is part of the state."""
        own = [self.learning_rate, self.batch_size, self.epochs, self.seed, self.data, self.what_if, self.look]
        return [*own, self.sample, *self.shown.values()]

    def state(self) -> ControlState:
        """Read all controls."""
        looking = self.what_if.value if self.look.value else ""
        setting = Setting(
            rounded(self.learning_rate.value), self.batch_size.value, self.seed.value, self.data.value, looking
        )
        views = tuple(name for name, button in self.shown.items() if button.value) or VIEWS[:1]
        predict = "" if self.look.value else self.what_if.value
        return ControlState(setting, self.epochs.value, views, self.sample.value, predict)

    def on_change(self, call: Callable[[], None]) -> None:
        """Have `call` called when any control moves."""
        self.what_if.observe(self._predict, "value")
        self.look.observe(self._sample_slider, "value")
        for widget in self.moving:
            widget.observe(lambda change: call(), "value")
        self.shown["One sample"].observe(self._sample_slider, "value")

    def fit(self, batch_sizes: Sequence[int], num_samples: int, planar: bool) -> None:
        """Make the controls fit another data set; only samples in a plane have decision regions."""
        chosen = self.batch_size.value
        if [size for _, size in self.batch_size.options] != list(batch_sizes):
            self.batch_size.set_trait("options", _sizes(batch_sizes))
            self.batch_size.value = _near(batch_sizes, chosen)
        self.sample.max = num_samples - 1
        self.shown["Loss"].value = True
        self.shown["Regions"].disabled = not planar
        self.shown["Regions"].value = planar
        self.shown["Weights"].value = self.shown["Weights"].value or not planar
        self._sample_slider()

    def choose(self, preset: Preset) -> None:
        """Move the sliders to a preset."""
        sizes = [size for _, size in self.batch_size.options]
        self.learning_rate.value = preset.learning_rate
        self.batch_size.value = _near(sizes, preset.batch_size) if preset.batch_size else sizes[-1]

    def box(self, *below: Any) -> widgets.VBox:
        """Lay the controls out above the widgets given."""
        for slider in (self.learning_rate, self.batch_size, self.epochs, self.sample):
            slider.layout.width = "min(100%, 400px)"
        for field, width in ((self.seed, "180px"), (self.data, "230px"), (self.what_if, "420px")):
            field.layout.width = width
        for button in (self.keep, self.forget, self.look, *self.presets, *self.shown.values()):
            button.layout.width = "auto"
        rows = [
            [widgets.Label("Try"), *self.presets],
            [self.learning_rate, self.batch_size],
            [self.epochs, self.seed, self.data],
            [self.what_if, self.look, self.keep, self.forget],
            [widgets.Label("Show"), *self.shown.values(), self.sample],
        ]
        lines = [widgets.HBox(row, layout=ROW) for row in rows]
        script = widgets.Output()
        script.append_display_data(Javascript(SCRIPT))
        script.add_class("zl-aside")
        box = widgets.VBox([*lines, *below, script])
        box.add_class("zl-explorer")
        return box

    def _predict(self, change: Any) -> None:
        self.look.value = False
        self.look.disabled = not self.what_if.value

    def _sample_slider(self, change: Any = None) -> None:
        self.sample.layout.visibility = "visible" if self.shown["One sample"].value else "hidden"


def rounded(learning_rate: float) -> float:
    """Return a learning rate as the slider shows it, to three digits: what is said is what is trained with."""
    return float(f"{learning_rate:.3g}")


def _sizes(batch_sizes: Sequence[int]) -> list[tuple[str, int]]:
    whole = batch_sizes[-1]
    return [(str(size), size) for size in batch_sizes[:-1]] + [(f"{whole}, the whole set", whole)]


def _near(batch_sizes: Sequence[int], wanted: int) -> int:
    return min(batch_sizes, key=lambda size: abs(size - wanted))
