"""The closed zones: what grades, and what it knows.

| module | what it is |
|---|---|
| `build` | a solution becomes the student notebook: blanks where markers are, and nothing that leaks |
| `submissions` | what came from a student, read as a notebook if it can be |
| `restore` | the course's own cells, ids and points put back where they belong |
| `judging` | the challenge posed before a run, the verdict written after it |
| `execute` | a run within bounds, of code that may die, hang or talk without end |
| `leftovers` | a submission's folder after a run: what came stays, nothing else |
| `disarm` | outputs and Markdown that an instructor's browser shows and never runs |
| `judge` | right answers from `lib.reference`, wrong ones from `mistakes`, and the comparison |
| `verdicts` | points, what is wrong, what to try: kept as `verdict.json`, shown as HTML |
| `grade` | `zerolayer grade`: nbgrader's own conversion, in which every submission gets a verdict |
| `app`, `lab`, `demo`, `sample_class` | the command `zerolayer`, and a made-up class to try it on |

One submission's journey: `grade` finds the folder and copies its ordinary files; `submissions` reads the notebook, or
makes an empty one that says what was wrong; nbgrader clears outputs and sets the kernel, and `restore` puts the
course's cells back. `judging.Pose` lays `challenge.json` beside the notebook. `execute` runs it in a kernel of its own;
each check answers the challenge with arrays. `disarm` cleans what was put out. `judging.Judge` tidies the folder, hands
the arrays to `judge`, puts a verdict in the place of each graded cell's outputs and stores them all. nbgrader reads the
points from there into the gradebook; feedback pages and formgrader show the rest.

No student code ever runs in this process, and nothing here is imported where it runs: `judge` and `mistakes` hold the
answers, since they alone import `lib.reference`. `nbgrader autograde` and formgrader's button take the same journey
from `restore` on.
"""
