"""A session: the questions of a unit in a kernel, and what was predicted here and in kernels before."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lib.predictions import render
from lib.predictions.records import Predictions, recall, remember
from lib.unit import Question, Unit

if TYPE_CHECKING:
    from lib.predictions.form import Form


class Session:
    """The questions of a unit by their names."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit.name
        self._questions = {question.id: question for question in unit.questions}
        self._forms: dict[str, Form] = {}

    def ask(self, question: str) -> None:
        """Ask a question, or show what was predicted. Raises ValueError if the unit has no question of this name."""
        asked = self._find(question)
        if question in self._given:
            render.show(render.prediction(asked, self._given[question]))
            return
        from lib.predictions.form import Form  # it loads ipywidgets, which takes time

        self._forms[question] = Form(asked, lambda choice: self._give(asked, choice))

    def given(self, question: str) -> bool:
        """Tell whether a prediction was given; if not, say what to do. Raises ValueError as `ask` does."""
        asked = self._find(question)
        if question in self._given:
            if form := self._forms.pop(question, None):
                form.close()  # by now the reader has gone on from it
            return True
        render.show(render.missing(asked))
        return False

    def compare(self, question: str) -> None:
        """Show a prediction beside what is so; without a prediction, do as `given` does."""
        if self.given(question):
            render.show(render.comparison(self._find(question), self._given[question]))

    @cached_property
    def _given(self) -> Predictions:
        return recall(self._unit, self._questions.values())

    def _give(self, question: Question, choice: int) -> int:
        """Store a prediction, unless there is one from another form or page; return the one that counts."""
        self._given.update(recall(self._unit, self._questions.values()))
        counts = self._given.setdefault(question.id, choice)
        remember(self._unit, self._given)
        return counts

    def _find(self, name: str) -> Question:
        if name not in self._questions:
            raise ValueError(f"There is no question called {name!r}. There are: {', '.join(self._questions)}.")
        return self._questions[name]
