"""Grading: from a submitted folder to a verdict and pages. The student bundle doesn't include this package.

| package | contents |
|---|---|
| `commands` | the command line: nbgrader's apps with steps of our own |
| `lms` | the commands for Canvas and Moodle: rosters, downloads, exports |
| `pages` | feedback pages, the class report, formgrader, marking |
| `pipeline` | grading one submission, from its files to points, and a whole class |
| `gradebook` | reading and writing rows of nbgrader's gradebook |
| `submissions` | the only code that opens students' files |
| `judge` | seeds, the comparison with right results, and the verdict |
| `execution` | running notebooks within limits, many at once |
| `kernel` | the warm process that forks kernels, and the connection to each kernel |
| `sandbox` | confines a kernel before any student code runs |

A package imports only those below it. All may import `files` (safe reading and writing), `safe_names` (ids, and names
as text), `unit_registry` (finds units), `machine_faults`, `errors`, and `remarks`.

`grade.grade` grades one student's files. `pipeline.grade_class` grades a class by the same steps, for `zerolayer grade`
and nbgrader's own commands alike. Each check answers a challenge with arrays, in its notebook's kernel, and the judge
compares them with the expected ones.

No process that holds the answers runs student code, nor a fork of one, and no kernel imports this package.
"""
