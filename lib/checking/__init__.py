"""What a check does with a part, whichever unit it is from.

| module | what it is |
|---|---|
| `dispatch` | the call in the notebook: local check, nbgrader's `validate`, grading |
| `arguments` | the arguments of a check, and names that do not exist yet |
| `undefined_names` | lets a check report a name that is not defined yet |
| `local_checks` | tests properties of the student's own code |
| `help` | what a failed check says beyond its findings |
| `fingerprints` | recognises the catalogue's mistakes without knowing an answer |
| `error_hints` | what to try after an exception |
| `cell_runs` | notices that the cell which defines what is tested has failed since |
| `inputs` | the inputs of a check, to follow a number by hand |
| `render` | the report of what was found, as text and as HTML |
| `answers` | at grading: the arrays that student code returns for a challenge, as plain data |
| `statements` | statements for the usual cases, from which a unit's author derives |
| `rebinding` | copies of student code that call spies in the place of its own functions |
| `student_code` | runs student code with a time limit and catches what it raises |
| `values` | reads the results of student code as numbers, and compares them |
"""
