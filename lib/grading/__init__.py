"""The closed zones: what grades, and what it knows.

| module | what it is |
|---|---|
| `build` | a solution becomes the student notebook: blanks where markers are, and nothing that leaks |
| `bundle` | the notebook, its figures and the open zone's wheel, as one zip for students |
| `collect` | downloads of Canvas and Moodle, sorted into `submitted/` with care |
| `grade` | `zerolayer grade`: nbgrader's Autograde with a parallel middle, in which every submission gets a verdict |
| `journey` | one submission from the folder that was handed in to the one that is graded |
| `submissions` | what came from a student, read as a notebook if it can be |
| `restore` | the course's own cells, ids and points put back where they belong |
| `config` | the course's configuration, or a sentence where it can't be read or doesn't judge |
| `secret` | what all challenges' seeds derive from: made once and whole |
| `identify` | cells that have lost their ids, found by their text and their place |
| `manual` | cells that need a person though a machine grades their like, and why |
| `judging` | the challenge posed before a run, the verdict written after it |
| `runner` | runs handed out to processes or to a cluster, many at once |
| `execute` | a run within bounds, of code that may die, hang or talk without end |
| `direct` | the same without Jupyter between us and the kernel: most of the time that a run takes |
| `room` | the kernel room: kernels that start in no time and can't hurt anyone; `doctor` tries the locks |
| `folders`, `leftovers` | a submission's folder: filled with care, and after a run nothing in it but what came |
| `machine` | faults of the machine, told apart from those of a submission |
| `disarm` | outputs and Markdown that an instructor's browser shows and never runs |
| `judge` | right answers from `lib.reference`, wrong ones from `mistakes`, and the comparison |
| `borrowed` | a library's own softmax or cross-entropy in a student's code: right, and told to a person |
| `verdicts` | points, what is wrong, what to try: kept as `verdict.json`, shown as HTML |
| `gradebook`, `lock` | one open gradebook for a whole class, and one run at a time |
| `progress` | how far a run is, and what came of it |
| `feedback` | the page a student gets: points, mistake, hint and where to look, before the notebook |
| `report`, `exports` | what an instructor sees of the class, and what Canvas and Moodle import |
| `app`, `command`, `lab`, `demo`, `sample_class` | the command `zerolayer`, and a made-up class to try it on |

One submission's journey: `grade` finds the folder, and `journey` makes its copy of the ordinary files in it;
`submissions` reads the notebook, or makes an empty one that says what was wrong; `restore` puts the course's cells
back, and `judging.Pose` lays `challenge.json` beside the notebook. `runner` sends both to a worker, where `direct`
runs the notebook in a kernel of the `room`; each check answers the challenge with arrays. Back here `disarm` cleans
what was put out, and `judging.Judge` hands the arrays to `judge`, puts a verdict in the place of each graded cell's
outputs and stores them all. `gradebook` saves the points, and the folder is moved to its place: graded, whole or not at
all. Feedback pages, formgrader and the report show the rest.

No student code ever runs in this process, and nothing here is imported where it runs: `judge` and `mistakes` hold the
answers, since they alone import `lib.reference`. `nbgrader autograde` and formgrader's button take the same journey
from `restore` on, one submission after the other.
"""
