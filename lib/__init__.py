"""zerolayer: neural networks built by hand in notebooks, checked at once, and graded.

The open half is for students. It contains no answers.

| module | content |
|---|---|
| `unit` | a unit as plain data: statements and parts |
| `units` | one folder for each notebook: its statements, and in `closed` its answers |
| `checking` | the checks: in the notebook, under `nbgrader validate`, and during grading |
| `blanks` | a `?` in a cell is an expression that raises an error when it is reached |
| `data` | data sets, split and scaled, and TensorFlow without its messages |
| `plots` | pictures in a notebook, each with a text for those who can't see it |
| `explorer` | sliders that control the student's own network |
| `jupyterlab`, `lab_settings` | JupyterLab with the settings for the explorer: small messages without delay |
| `__main__` | JupyterLab with a notebook: `python -m lib`, or `zerolayer-student` |

The closed half is for instructors: `reference` and each unit's `closed` contain the right answers. `answer_key` has
them as data, from `right_code` of the solution notebook and the named `mistakes`. `authoring` makes the students'
files, and `grading` grades a class.
"""
