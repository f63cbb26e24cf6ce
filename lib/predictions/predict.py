"""`predict`: a unit's questions in its notebook. What an experiment shows stays hidden until a prediction is given."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib.predictions.session import Session
    from lib.unit import Unit


class Predict:
    """The questions of a unit by their names. Every call raises ValueError if the unit has no question of this name."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __call__(self, question: str) -> None:
        """Ask a question, or show what was predicted."""
        self._session.ask(question)

    def given(self, question: str) -> bool:
        """Tell whether a prediction was given; if not, say what to do."""
        return self._session.given(question)

    def compare(self, question: str) -> None:
        """Show a prediction beside what is so; without a prediction, do as `given` does."""
        self._session.compare(question)

    @cached_property
    def _session(self) -> Session:
        from lib.predictions.session import Session  # at the first question: a check's import is as light as numpy's

        return Session(self._unit)
