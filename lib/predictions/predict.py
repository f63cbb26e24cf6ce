"""`predict`: a unit's questions in its notebook. What an experiment shows stays hidden until a prediction is given.

What asks, shows and stores is loaded at the first question: a check's import is as light as numpy's.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib.predictions.form import Form
    from lib.predictions.records import Predictions
    from lib.unit import Question, Unit


class Predict:
    """The questions of a unit by their names. Every call raises ValueError if the unit has no question of this name."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._forms: dict[str, Form] = {}

    def __call__(self, question: str) -> None:
        """Ask a question, or show what was predicted."""
        from lib.predictions import render

        asked = self._find(question)
        if question in self._given:
            render.show(render.prediction(asked, self._given[question]))
            return
        from lib.predictions.form import Form  # it loads ipywidgets, which takes time

        self._forms[question] = Form(asked, lambda choice: self._give(asked, choice))

    def given(self, question: str) -> bool:
        """Tell whether a prediction was given; if not, say what to do."""
        from lib.predictions import render

        asked = self._find(question)
        if question in self._given:
            if form := self._forms.pop(question, None):
                form.close()  # by now the reader has gone on from it
            return True
        render.show(render.missing(asked))
        return False

    def compare(self, question: str) -> None:
        """Show a prediction beside what is so; without a prediction, do as `given` does."""
        from lib.predictions import render

        if self.given(question):
            render.show(render.comparison(self._find(question), self._given[question]))

    def _recall(self) -> Predictions:
        from lib.predictions.records import recall

        return recall(self._unit.name, self._unit.questions)

    _given = cached_property(_recall)

    def _give(self, question: Question, choice: int) -> int:
        """Store a prediction, unless there is one from another form or page; return the one that counts."""
        from lib.predictions.records import remember

        self._given.update(self._recall())
        counts = self._given.setdefault(question.id, choice)
        remember(self._unit.name, self._given)
        return counts

    def _find(self, name: str) -> Question:
        questions = {question.id: question for question in self._unit.questions}
        if name not in questions:
            raise ValueError(f"There is no question called {name!r}. There are: {', '.join(questions)}.")
        return questions[name]
