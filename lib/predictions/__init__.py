"""Predictions: say first what will happen, then run the experiment and compare.

In the notebook, with the unit's `predict`:

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
