"""zerolayer: neural networks built by hand in notebooks, checked at once, and graded.

The open half is what students have. There is no answer in it.

| module | what it is |
|---|---|
| `unit` | a unit as plain data: statements and parts |
| `units` | one folder for each notebook: its statements, and in `closed` its answers |
| `checking` | what a check does: at the desk, under `nbgrader validate`, at grading |
| `blanks` | a `?` in a cell is an expression that raises an error when it is reached |
| `pasted` | characters that come along with pasted code, and what to type in their place |
| `data` | data sets, split and scaled, and TensorFlow without its messages |
| `explorer` | the student's own network under sliders |
| `lab`, `lab_settings` | JupyterLab as the explorer needs it: small messages sent at once |
| `__main__` | JupyterLab on a notebook: `python -m lib`, or `zerolayer-student` |

The closed half belongs to the instructor: `reference` and each unit's `closed` hold the right answers, `answer_key`
defines how a unit gives them and its mistakes, and `grading` grades a class.
"""
