"""Predictions: say first what will happen, then run the experiment and compare.

A unit asks its questions in the `__init__` of its folder, beside `check`:

    QUESTIONS = (Question("moves", "Where do the centres go?", ("Left.", "Right."), 1, "Most points are there."),)
    UNIT = Unit("k_means", "K-means", PARTS, questions=QUESTIONS)
    predict = Predict(UNIT)

`Question` is in `lib.unit`, and 1 counts the choices from 0. In the notebook, with `from lib.units.k_means import
predict`, in cells that are tagged skip-execution, since nobody answers while work is graded:

| call | what it does |
|---|---|
| `predict("steps")` | asks the question of this name, or shows what was predicted |
| `predict.given("steps")` | tells whether a prediction was given, and says what to do if not |
| `predict.compare("steps")` | shows the prediction beside what is so |

A prediction that was given stays as it is. `records` says what is stored of it, and `form` how it is asked. Both are
loaded at the first call: to import a unit's checks is as light as to import numpy.
"""

from functools import cached_property

from lib.unit import Question, Unit


class Predict:
    """The questions of a unit by their names. Every call raises ValueError if the unit has no question of this name."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __call__(self, question: str) -> None:
        """Ask a question, or show what was predicted."""
        from lib.predictions import records

        asked = self._find(question)
        if question in self._given:
            records.show(records.prediction(asked, self._given[question]))
        else:
            from lib.predictions.form import Form  # it loads anywidget, which takes time

            Form(asked, lambda choice: self._give(asked, choice))

    def given(self, question: str) -> bool:
        """Tell whether a prediction was given; if not, say what to do."""
        from lib.predictions.records import bundle, show

        is_given = self._find(question).id in self._given
        if not is_given:
            show(bundle(("Predict first.", "Choose an answer above and press Predict. Then run this cell again.")))
        return is_given

    def compare(self, question: str) -> None:
        """Show a prediction beside what is so, and why; without a prediction, do as `given` does."""
        from lib.predictions.records import bundle, show

        if self.given(question):
            asked, choice = self._find(question), self._given[question]
            verdict = ("✓", "It is so.") if choice == asked.right else ("✗", "It is otherwise.")
            right = (asked.found, asked.choices[asked.right])
            show(bundle(("You predicted:", asked.choices[choice]), verdict, right, ("Why:", asked.why)))

    @cached_property
    def _given(self) -> dict[str, int]:
        from lib.predictions.records import recall

        return recall(self._unit.name, self._unit.questions)

    def _give(self, question: Question, choice: int) -> int:
        """Store a prediction, unless there is one from another form or page; return the one that counts."""
        from lib.predictions.records import recall, remember

        self._given.update(recall(self._unit.name, self._unit.questions))
        counts = self._given.setdefault(question.id, choice)
        remember(self._unit.name, self._given)
        return counts

    def _find(self, name: str) -> Question:
        questions = {question.id: question for question in self._unit.questions}
        if name not in questions:
            raise ValueError(f"There is no question called {name!r}. There are: {', '.join(questions)}.")
        return questions[name]
