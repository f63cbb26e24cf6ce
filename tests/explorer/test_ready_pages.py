"""Pages that the browser has before they are asked for: each equals what Python shows at its place."""

import re
from itertools import islice

import pytest

from lib.explorer import Explorer
from lib.explorer.controls import LEARNING_RATES
from lib.explorer.live import AROUND, list_nearby
from lib.explorer.touch import Touch
from tests.explorer.test_training import STUDENT

PLACES = re.compile(r'<data class="zl-places" value="([^"]*)"></data>')


class Loop:
    """An event loop in which nothing happens: a test does the work itself."""

    def call_soon_threadsafe(self, call):
        pass


@pytest.fixture
def explorer(monkeypatch):
    """An explorer that somebody looks at, and that prepares no more than it gives."""
    monkeypatch.setattr("lib.explorer.live.list_nearby", lambda *given: islice(list_nearby(*given), AROUND))
    monkeypatch.setattr("lib.explorer.live.AHEAD_PER_REST", 600.0)  # as long as a busy machine takes
    monkeypatch.setattr("lib.explorer.live.MAP_WAITS", 600.0)
    explorer = Explorer(STUDENT, "blobs", Loop())
    explorer.pictures.unobserve_all()
    explorer.pictures._view_count = 1
    return explorer


@pytest.fixture
def given(explorer, monkeypatch):
    """The pages that the browser has now."""
    pages = {}

    def send(content):
        if content:
            pages[PLACES.match(content["page"])[1]] = content["page"]
        else:
            pages.clear()

    monkeypatch.setattr(explorer.ready, "send", send)
    return pages


def follow(explorer):
    """Answer a move; give when work goes on."""
    explorer._coalescer._woken.clear()
    return explorer.work()


def rest(explorer):
    """Do all that is done while the controls rest."""
    follow(explorer)
    while explorer.work() is not None:
        explorer._rests_at = 0.0


@pytest.mark.parametrize("views", [("Loss", "Regions"), ("Path", "Map"), ("Gradients", "One sample")], ids=" + ".join)
def test_a_page_is_what_a_move_to_its_place_shows(explorer, given, monkeypatch, views):
    monkeypatch.setattr("lib.explorer.live.MAP_EVERY", 10)
    for name, button in explorer.controls.shown.items():
        button.value = name in views
    rest(explorer)
    assert len(given) == AROUND
    pages = dict(given)
    for at in (29, 33, 30):  # 30 is where it began
        explorer.controls.learning_rate.value = LEARNING_RATES[at]
        follow(explorer)
        shown = explorer.pictures.value
        assert f"Learning rate {LEARNING_RATES[at]:.3g}, batch size 16." in shown
        assert pages[explorer.controls.places(explorer.controls.state().setting)] == shown


def test_with_the_lock_there_are_none(explorer, given):
    explorer.controls.lock.value = True
    rest(explorer)
    assert given == {}  # in Python the learning rate follows the batch size, which the browser doesn't know


def test_a_map_that_fills_in_is_on_none(explorer, given):
    explorer.controls.shown["Map"].value = True
    follow(explorer)
    losses = explorer._losses(explorer.controls.state())
    while len(losses.losses) < 3:
        explorer._rests_at = 0.0
        explorer.work()
    assert given == {}


@pytest.mark.parametrize("change", ["the cross", "a kept run", "another number of epochs"])
def test_what_no_place_of_a_control_tells_makes_the_browser_forget(explorer, given, change):
    explorer.controls.shown["Path"].value = True
    rest(explorer)
    assert given
    if change == "the cross":
        explorer._enqueue(lambda: explorer.touch(Touch("The path on the loss", "key", key="ArrowRight")))
    elif change == "a kept run":
        explorer._enqueue(explorer.keep)
    else:
        explorer.controls.epochs.value = 50
    follow(explorer)
    assert given == {}


def test_a_browser_that_begins_gets_them_again(explorer, given):
    rest(explorer)
    before = dict(given)
    given.clear()
    explorer.ready._handle_custom_msg({}, [])  # as its script says when it begins
    explorer.controls.learning_rate.value = LEARNING_RATES[29]
    rest(explorer)
    assert before.keys() & given.keys()


def test_a_move_that_leads_back_is_answered_too(explorer, monkeypatch):
    """The browser may have shown a ready page in between, of which Python has heard nothing."""
    sent = []
    monkeypatch.setattr(explorer.pictures, "send_state", sent.append)
    follow(explorer)
    explorer.controls.learning_rate.value = LEARNING_RATES[29]
    explorer.controls.learning_rate.value = LEARNING_RATES[30]
    follow(explorer)
    assert sent[-1] == "value"
