"""What one notebook's page may take to be made: characters, pictures, and processor time. A sentence replaces the rest.

Short text can take a renderer for ever, and one picture can be shown a thousand times. No list of such tricks is
complete, so what they cost is bounded, for all cells of a notebook together.
"""

import signal
import threading
import warnings
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from time import process_time
from typing import Any

from PIL import Image

BUDGET = "zerolayer_page_budget"
"""Under this name a notebook's resources hold what is left of its budget."""
TOO_SLOW = "This text is shown as it was written: to format it takes too long."
NO_PICTURE = "A picture is left out here: the notebook's pictures are too large for one page."
NO_TEXT = "The rest is left out here: the notebook's outputs are too long for one page."
REPEAT = 0.1
"""Seconds after which an interruption is repeated, if a library took the first for an error of its own."""


class OutOfTimeError(BaseException):
    """The time is spent. No Exception, since libraries go on after those."""


def pixels_of(data: str) -> int:
    """Count the pixels of a picture in base64, read from its head; none where Pillow knows no such picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of a bomb, which is counted here
            with Image.open(BytesIO(b64decode(data))) as picture:
                return picture.width * picture.height
    except Image.DecompressionBombError:
        return 10**9
    except (OSError, ValueError, SyntaxError):  # as Pillow's readers raise of what isn't one
        return 0


@dataclass
class Budget:
    """What is left for one notebook's page: a completed one takes about a twentieth of each.

    `refusals` counts what there was no room or no time for.
    """

    characters: int = 2_000_000
    pictures: int = 20_000_000
    pixels: int = 40_000_000
    seconds: float = 5.0
    refusals: int = 0

    @staticmethod
    def of(resources: dict[str, Any]) -> "Budget":
        """Give the budget of the notebook that these resources belong to."""
        return resources.setdefault(BUDGET, Budget())

    def take(self, characters: int = 0, pictures: int = 0, pixels: int = 0) -> bool:
        """Tell whether there is room for so many characters of text and of pictures, and count them if so.

        Pixels count too: a browser unpacks each to four bytes, however small the picture's file is.
        """
        if characters > self.characters or pictures > self.pictures or pixels > self.pixels:
            self.refusals += 1
            return False
        self.characters -= characters
        self.pictures -= pictures
        self.pixels -= pixels
        return True

    def minus(self, left: "Budget") -> tuple[int, int, int]:
        """Give what was taken since, where so much is `left` now; not the time, which a cell takes once."""
        return self.characters - left.characters, self.pictures - left.pictures, self.pixels - left.pixels

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Let a block take what is left of the time. Raises OutOfTimeError, within it or before, once that is spent."""
        began = process_time()
        try:
            if self.seconds <= 0:
                raise OutOfTimeError
            with interrupt_after(self.seconds):
                yield
        except OutOfTimeError:
            self.refusals += 1
            self.seconds = 0.0  # the timer counts in ticks, so a few milliseconds may seem to be left
            raise
        finally:
            self.seconds -= process_time() - began


def can_interrupt() -> bool:
    """Tell whether a block can be interrupted here: signals reach a process's main thread alone, and not on Windows."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Interrupt a block after `seconds` of processor time, where `can_interrupt` says so.

    A signal is the only thing that ends a regular expression on its way: Python's `re` looks for one as it searches.
    Processor time is counted, so that a busy machine takes nothing from a page.
    """
    if not can_interrupt():
        yield
        return
    live = [True]

    def interrupt(*_: object) -> None:
        if live:
            raise OutOfTimeError

    before = signal.signal(signal.SIGVTALRM, interrupt)
    # Again and again: a library may catch the first one with a bare `except`.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, REPEAT)
    try:
        try:
            yield
        finally:
            live.clear()
    finally:  # also where the signal came between the two
        live.clear()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
