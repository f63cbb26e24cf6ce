"""Running: notebooks executed within bounds, many at once.

| module | what it is |
|---|---|
| `execute` | nbgrader's Execute for code that may die, hang or talk without end |
| `forked_execute` | the same in a forked kernel that we talk to directly |
| `runner` | runs handed out to processes or to a cluster |
| `progress` | how far a run is, and what came of it |
| `lock` | one run at a time for an assignment |
"""
