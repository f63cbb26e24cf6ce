"""The command `zerolayer`, one module a subcommand, each built on nbgrader's own apps.

| module | what it is |
|---|---|
| `app` | the list of subcommands, and `build` for all assignments |
| `release` | `zerolayer build` for one assignment: whole or not at all |
| `points`, `build`, `proof` | its steps: points are written, blanks are made, and the unit is tried |
| `new`, `new_unit` | a unit to begin with |
| `check` | an author's linter: all that is wrong with a unit |
| `agreement`, `open_half`, `locked_imports` | what it looks at: desk and judge, what students get, and the sandbox |
| `trial`, `author_kernels` | an author's JupyterLab: a verdict in the notebook, and files that are in force |
| `fingerprints` | what the checks at the desk recognise the unit's mistakes by; `build` writes it too |
| `bundle` | the notebook, its figures and the open half's wheel, as one zip for students |
| `grade`, `course` | `zerolayer grade`, and what is the same for all submissions of a run |
| `job` | one submission's way from the folder handed in to the one that is graded |
| `feedback` | `zerolayer feedback`: a class's pages, those that are due, many at once |
| `watch` | `zerolayer watch`: what arrives is graded, and its feedback released |
| `quicker` | nbgrader's `zip_collect` and `export`, which start in half the time here |
| `report`, `doctor`, `lab` | the class report; the sandbox tried; JupyterLab on a copy of the notebook |
| `demo`, `sample_class` | the whole loop on a made-up class |
| `command` | what they share |
"""
