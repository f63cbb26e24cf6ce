"""Running: notebooks executed within bounds, many at once.

| module | what it is |
|---|---|
| `execute` | nbgrader's Execute for code that may end its kernel, hang or print without end |
| `outputs` | what is kept of the outputs, made plain |
| `forked_execute` | the same in a forked kernel, over one connection |
| `runner` | runs handed out to processes or to a cluster |
| `progress` | how far a run is, and what came of it |
"""
