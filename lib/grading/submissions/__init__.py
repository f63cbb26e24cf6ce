"""Submissions: what came from a student, made safe.

| module | what it is |
|---|---|
| `exchange` | nbgrader's collect, for which a name proves nothing |
| `collect` | downloads of Canvas and Moodle, sorted into `submitted/` |
| `read` | a file read as a notebook, if it can be |
| `identify` | the course's cells found in a notebook that has lost their ids |
| `examples` | what a student wrote into a released cell that grading skips |
| `restore` | the course's own cells, ids and points put back where they belong |
| `folders` | a submission's folder: filled, and put in its place whole or not at all |
| `sanitize` | outputs and Markdown that an instructor's browser shows and never runs |
| `fit` | whether an assignment's cells fit its unit's parts |
| `cell_ends` | in which errors cells ended, and which names are missing for that |
| `unit_preprocessor` | which unit an assignment is, and the seed of a submission's challenge |
| `preprocessors` | the challenge written before a run and the verdict after it, inside nbgrader's conversion |
| `gradebook` | one open gradebook for a whole class |
| `master` | a notebook as the gradebook knows it |
| `scores` | the points that outputs give, and the cells that wait for a person |
| `state` | what grading one notebook hands on from step to step |
| `strays` | work that lies beside the place where it is looked for |
"""
