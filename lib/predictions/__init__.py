"""Predictions: a student says first what will happen, then runs the experiment and compares.

The questions of a unit are in `questions.toml` in its folder, and `lib.unit_module` makes `predict` from them. In the
notebook, `predict` is imported from the unit. Cells with these calls are tagged skip-execution, because grading has no
one to answer:

| call | what it does |
|---|---|
| `predict("steps")` | asks the question with this name, or shows the prediction |
| `predict.given("steps")` | returns True if there is a prediction; otherwise it shows what to do first |
| `predict.compare("steps")` | shows the prediction and the right answer |

A prediction can't be changed later. `form` asks the question, and `records` stores the answer. Both are imported at the
first call, to keep the import of a unit's checks fast.
"""

from functools import cached_property

from lib.unit import Question, Unit


class Predict:
    """The questions of a unit by name. Every call raises ValueError if the unit has no question with this name."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __call__(self, question: str) -> None:
        """Ask a question, or show its prediction."""
        from lib.predictions import records

        asked = self._find(question)
        if question in self._choices:
            records.show(records.prediction(asked, self._choices[question]))
        else:
            from lib.predictions.form import Form  # it imports anywidget, which is slow

            Form(asked, lambda choice: self._store(asked, choice))

    def given(self, question: str) -> bool:
        """Return True if there is a prediction; otherwise show what to do first."""
        from lib.predictions.records import bundle, show

        is_given = self._find(question).id in self._choices
        if not is_given:
            show(bundle(("Predict first.", "Choose an answer above and press Predict. Then run this cell again.")))
        return is_given

    def compare(self, question: str) -> None:
        """Show a prediction, the right answer, and the reason. Without a prediction, do the same as `given`."""
        from lib.predictions.records import bundle, show

        if self.given(question):
            asked, choice = self._find(question), self._choices[question]
            verdict = ("✓", "This is what happens.") if choice == asked.right else ("✗", "Not what happens.")
            right = (asked.found, asked.choices[asked.right])
            show(bundle(("You predicted:", asked.choices[choice]), verdict, right, ("Why:", asked.why)))

    @cached_property
    def _choices(self) -> dict[str, int]:
        from lib.predictions.records import recall

        return recall(self._unit.name, self._unit.questions)

    def _store(self, question: Question, choice: int) -> int:
        """Store a prediction, and return the one that counts: an earlier one from another form or page, if any."""
        from lib.predictions.records import recall, remember

        self._choices.update(recall(self._unit.name, self._unit.questions))
        counts = self._choices.setdefault(question.id, choice)
        remember(self._unit.name, self._choices)
        return counts

    def _find(self, name: str) -> Question:
        questions = {question.id: question for question in self._unit.questions}
        if name not in questions:
            raise ValueError(f"There is no question called {name!r}. There are: {', '.join(questions)}.")
        return questions[name]
