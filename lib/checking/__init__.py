"""What a check does with a part, whichever unit it is from.

| module | what it is |
|---|---|
| `dispatch` | the call in the notebook: at the desk, under nbgrader's `validate`, at grading |
| `arguments` | what a check is called with, and names that do not exist yet |
| `undefined_names` | turns a name that is not defined yet into something that the check can report |
| `local_checks` | at the desk: properties tested on the student's own code |
| `render` | the report of what was found, as text and as HTML |
| `answers` | at grading: the arrays that student code gives for a challenge, as plain data |
| `student_code` | student code under a deadline, so that the caller goes on whatever it does |
| `values` | what student code gave, read as numbers and compared |
"""
