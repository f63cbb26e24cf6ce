"""The judge: draws challenges, computes the right answers and the known wrong ones, and compares.

| module | what it is |
|---|---|
| `challenge` | the inputs drawn for one submission, from a seed that nobody can guess |
| `comparison` | what student code gave, held against what right code gives |
| `diagnosis` | the mistake whose numbers an answer has |
| `judge` | one part's answer, from numbers to a verdict |
| `library_calls` | a library's own function in the place of one to be built: for a person to read |
| `verdict` | points, what is wrong, what to try: kept as `verdict.json` |

It runs apart from student code and believes nothing but numbers. The right answers are what a part's own probes give on
the reference; a mistake's are what they give on the mistaken code.
"""
