"""zerolayer: a softmax classifier built by hand. This is the open zone: what students have, and no answer in it.

| module | what it is |
|---|---|
| `data` | data sets, one-hot labels, a loss cross-checked with TensorFlow |
| `blanks` | a `?` in a cell is an expression that complains when it is reached |
| `checks` | the calls that the notebook makes on a student's code, each a handful of statements |
| `statements` | one property that only right code has: tested at the desk, probed for the judge |
| `parts` | statements that are graded together; what a call does depends on who asks |
| `desk` | properties tested on the student's own code, and the report of what was found |
| `answers` | at grading: the arrays that student code gives for a challenge, as plain data |
| `guard` | student code run so that the caller goes on, whatever it does |
| `names` | a name that isn't defined yet, told by the check instead of an error |
| `panel` | reports as HTML and as text |
| `explorer` | the student's own network under sliders |
| `lab`, `lab_settings` | JupyterLab as the explorer likes it: small messages sent at once |
| `__main__` | JupyterLab on a notebook: `python -m lib`, or `zerolayer-student` |

The closed zones, `lib.reference` and `lib.grading`, are the instructor's alone.
"""
