"""A step of the lock-down: it succeeds, or the whole lock-down has failed and no student code may run."""

from collections.abc import Iterator
from contextlib import contextmanager


class NotConfined(Exception):
    """A step of the lock-down failed. Whoever catches it must not run student code in this process."""

    def __init__(self, step: str, reason: str):
        super().__init__(f"The sandbox can't be set up: {step}: {reason}. Try `zerolayer doctor`.")
        self.step, self.reason = step, reason


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name what is being done; raise `NotConfined` with that name if the system refuses."""
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NotConfined(name, reason) from error
