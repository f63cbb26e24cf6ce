"""Grading: from a folder to a verdict to a page. Students never have this.

| room | what it is |
|---|---|
| `commands` | what an instructor types: nbgrader's own apps, with our steps |
| `pages` | feedback pages, the class report, exports to Canvas and Moodle, formgrader |
| `grade` | one submission, from what was handed in to points; a class of them |
| `book` | the rows of nbgrader's gradebook |
| `door` | the one place that opens what a student sent |
| `judge` | challenges, right answers, known mistakes, and the comparison |
| `run` | a notebook run within bounds; many at once |
| `kernel` | the warm process, and one line to each kernel |
| `sandbox` | what locks a kernel in before any student code runs |

A room imports only those below it. All may import `files` (reads only ordinary files, writes whole ones), `names` (ids,
and how names are shown), `units` (finds the units), `machine_faults` and `errors` (sentences), and `progress`.

The way of one submission stands in `grade.one`: `zerolayer grade`, `watch` and nbgrader's own commands all go it. Each
check answers a challenge with arrays, in its notebook's own kernel, and the judge compares these with the right ones.

No student code ever runs in the process that holds the answers, and nothing here is imported where it runs.
"""
