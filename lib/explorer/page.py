"""A page: what is shown of a run, in words and in the views that are chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from lib.explorer import (
    captions,
    gradients_view,
    loss_view,
    map_view,
    own_data_view,
    path_view,
    regions_view,
    sample_view,
    svg,
    weights_view,
)
from lib.explorer.architecture import Architecture, View
from lib.explorer.controls import ControlState, mark_rate
from lib.explorer.curvature import descent_limit
from lib.explorer.loss_map import LossMap
from lib.explorer.loss_view import KeptRun
from lib.explorer.own_data import OwnData
from lib.explorer.training import Run
from lib.explorer.what_ifs import WhatIf


class Page(NamedTuple):
    """What is shown of a run: in words, as pictures, what is listed below them, and the marks on sliders."""

    caption: str
    pictures: list[str]
    kept: list[str]
    marks: str = ""

    def at(self, places: str) -> str:
        """Give the page as HTML that begins with the places of the controls at which it is to be shown.

        From its second line on a caption is code.
        """
        said, _, code = escape(self.caption).partition("\n")
        said = said.replace("2/λ", "2/&#8288;λ")  # else a line may end at the /
        words = f'<div class="zl-says">{said}{f"<pre>{code}</pre>" if code else ""}</div>'
        pictures = f'<div class="zl-pictures">{"".join(self.pictures)}</div>'
        begin = f'<data class="zl-places" value="{places}"></data>'
        return f"{begin}{words}{pictures}{loss_view.legend(self.kept)}{self.marks}"


@dataclass(frozen=True)
class Shown:
    """What a page is drawn from: a run after `epoch` epochs, the controls' state, and what lies behind the run.

    `losses` are those of the map, where that is in view.
    `ground` is the piece of the plane that regions are drawn on with its samples, for samples in a plane, and `own` are
    the changes of these samples, where there are any or can be.
    """

    run: Run
    state: ControlState
    epoch: int
    kept: Sequence[KeptRun]
    ground: tuple[regions_view.Plane, str] | None
    asked: WhatIf | None
    losses: LossMap | None = None
    architecture: Architecture | None = None
    own: OwnData | None = None

    @property
    def last(self) -> int:
        """The last epoch that there is to show."""
        return min(self.run.epochs, self.state.epochs)


def _regions(shown: Shown) -> str:
    assert shown.ground is not None  # the button is disabled for samples that lie in no plane
    plane, points = shown.ground
    if shown.architecture:
        points = shown.architecture.over_regions(shown.run, shown.epoch, plane) + points
    keys: tuple[str, ...] = ()
    if shown.own and shown.state.editing:
        points += own_data_view.draw_hand(shown.own.now, shown.state.hand, plane)
        keys = own_data_view.KEYS
    ring = shown.state.sample if "One sample" in shown.state.views else -1
    return regions_view.draw(shown.run, shown.epoch, plane, points, shown.kept, ring, keys, own_data_view.HELP)


PICTURES: dict[str, Callable[[Shown], str]] = {
    "Loss": lambda shown: loss_view.draw(
        shown.run, shown.state.epochs, shown.kept, shown.state.time, shown.state.by_iterations
    ),
    "Regions": _regions,
    "Path": lambda shown: path_view.draw(shown.run, shown.last, shown.epoch, shown.state.cross),
    "Map": lambda shown: map_view.draw(shown.losses, shown.state.setting) if shown.losses else "",
    "Weights": lambda shown: weights_view.draw(shown.run, shown.epoch),
    "Gradients": lambda shown: gradients_view.draw(shown.run, shown.epoch),
    "One sample": lambda shown: sample_view.draw(shown.run, shown.epoch, shown.state.sample),
}
WORDS: dict[str, Callable[[Shown], str]] = {
    "Path": lambda shown: path_view.describe(shown.run, shown.last, shown.epoch, shown.state.cross),
    "Map": lambda shown: map_view.describe(shown.losses, shown.state.setting) if shown.losses else "",
    "Gradients": lambda shown: gradients_view.describe(shown.run, shown.epoch),
    "Weights": lambda shown: weights_view.describe(shown.run, shown.epoch),
    "One sample": lambda shown: sample_view.describe(shown.run, shown.epoch, shown.state.epochs, shown.state.sample),
}


def draw(shown: Shown) -> Page:
    """Draw the page; what student code raises goes on to the caller."""
    if not shown.run.weights:  # not even the first batch was trained
        epochs = shown.state.epochs
        return Page(captions.describe(shown.run, epochs), [loss_view.draw(shown.run, epochs)], [])
    ends = [captions.describe_end(each.run, each.epochs) for each in shown.kept]
    listed = [f"{at}  {each.name}: {end}" for at, (each, end) in enumerate(zip(shown.kept, ends, strict=True), 1)]
    pictures = [_picture(name, shown) for name in shown.state.views]
    marks = mark_rate(descent_limit(shown.run, shown.epoch), "2/λ") if "Path" in shown.state.views else ""
    return Page(_describe(shown), pictures, listed, marks)


def _picture(name: str, shown: Shown) -> str:
    """Draw one view; those that show an earlier epoch, and have room for it, say which."""
    own = _own_views(shown).get(name)
    picture, epochs = own.draw(shown.run, shown.epoch) if own else PICTURES[name](shown), shown.state.epochs
    early = name not in ("Loss", "Map", "Path", "One sample") and shown.epoch < epochs
    return svg.note(picture, f"after epoch {shown.epoch} of {epochs}") if early else picture


def _own_views(shown: Shown) -> dict[str, View]:
    """Give the views of a unit's own, by name."""
    return {view.name: view for view in shown.architecture.views} if shown.architecture else {}


def _describe(shown: Shown) -> str:
    """Say what is shown, in all views and with all that is asked."""
    state = shown.state
    run, epochs, moment = shown.run, state.epochs, state.time < state.epochs and shown.epoch == state.time
    words = [captions.describe_moment(run, shown.epoch, epochs) if moment else captions.describe(run, epochs)]
    if asked := shown.asked:
        predict = "Predict the curve first, then press Look. This is still your own code:"
        words.insert(0, f"What if {asked.name}? {asked.question} {predict}")
    if state.locked:
        words.append(
            f"Learning rate / batch size is {svg.short(state.setting.learning_rate / state.setting.batch_size)}."
        )
    if state.editing and not shown.own:
        words.append(own_data_view.obstacle(shown.run.samples))
    elif shown.own:
        words.append(own_data_view.describe(shown.own, state.hand))
    if state.editing and state.changed:
        words.append(f"Changed points are kept with {', '.join(state.changed)}.")
    words += [WORDS[name](shown) for name in state.views if name in WORDS]
    words += [view.describe(shown.run, shown.epoch) for name, view in _own_views(shown).items() if name in state.views]
    return " ".join(words)
