"""The kernel room: kernels that start in no time and can't hurt anyone.

| module | what it is |
|---|---|
| `provisioner` | a Jupyter kernel provisioner: whoever starts a kernel gets one from the room |
| `warm` | the process that imports what notebooks import, once, and forks for each kernel |
| `pages` | its memory in large pages, so that a fork is quick |
| `request` | what a forked kernel has to know, as it crosses from the caller to the child |
| `kernel` | ipykernel in two halves: what is the same for all, and what is each fork's own |
| `shell` | its shell, which finds sooner what isn't there |
| `cells`, `talk` | a kernel with one caller and no sockets of Jupyter's: its end of the line, and ours |
| `confine` | the lock-down of a forked child, step by step |
| `namespaces` | process, user and other worlds of its own for each child |
| `root` | the file system it sees: the libraries, a scratch folder, nothing else |
| `files` | what goes in with a notebook, and what comes out again |
| `landlock` | which files it may touch, and how |
| `limits` | how much of the machine it may use |
| `threads` | how many threads a notebook needs, and whether they can be started |
| `calls` | the few hundred system calls that are left |
| `system` | the calls behind all this that Python has no name for |
| `steps` | a step that succeeds, or ends it all by its name |
| `trial`, `doctor` | the lock-down tried on this machine, and what to do where it fails |

The warm process and its children hold no answers: nothing in here imports `lib.reference` or the judge.
"""
