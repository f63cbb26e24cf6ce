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

A prediction that was given stays as it is. `predict` keeps what was given, `records` says where, `form` how it is
asked, and `render` how it is shown.
"""

from lib.predictions.predict import Predict

__all__ = ["Predict"]
