"""Grading: from a submission to a verdict, and what an instructor sees of a class. Students never have this.

| package | what it is |
|---|---|
| `commands` | the command `zerolayer`, built on nbgrader's own apps |
| `report` | the class report, feedback pages, exports to Canvas and Moodle |
| `submissions` | what came from a student, made safe |
| `judge` | challenges, right answers, known mistakes, and the comparison |
| `running` | notebooks executed within bounds, many at once |
| `kernels` | the fork server and its kernels |
| `sandbox` | what locks a kernel in before any student code runs |

A package imports only those below it. All may import `units` (finds the units, and what students never have),
`safe_files` (reads only ordinary files), `machine_faults` (errors that are not a submission's), `marking_queue` (cells
that need a person), `untrusted_names` (how they are shown), `errors`, and `startup` (imports that no command needs).

How one submission is graded: `commands.grade` finds the folder, and `commands.job` copies the ordinary files in it.
`submissions.read` reads the notebook, or makes an empty one that says what was wrong. `submissions.restore` puts the
course's own cells back, and `submissions.preprocessors` writes the challenge. `running.runner` sends both to a worker,
where `running.forked_execute` runs the notebook in a kernel of its own; each check answers the challenge with arrays.
Back in the command's process `submissions.sanitize` cleans the outputs, the judge compares the arrays with the right
ones, and `submissions.gradebook` saves the points. Then the folder is moved to its place: graded, whole or not at all.

No student code ever runs in the process that holds the answers, and nothing here is imported where it runs. `nbgrader
autograde` and formgrader's button take the same steps from `restore` on, one submission after the other.
"""
