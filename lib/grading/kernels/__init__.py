"""Kernels that start in a tenth of a second: a warm process imports what notebooks import, and forks a kernel for each.

| module | what it is |
|---|---|
| `provisioner` | a Jupyter kernel provisioner: whoever starts a kernel by Jupyter's means gets one of these |
| `forkserver` | the process that imports once and forks for each kernel |
| `spawn_request` | what a forked kernel has to know, as it crosses from the caller to the child |
| `kernel` | ipykernel in two halves: what is the same for all, and what is each fork's own |
| `slow_imports` | what the units say takes seconds to import |
| `shell` | an IPython shell that skips transformers which cannot match |
| `server`, `client` | cells run for one caller over one socket: the kernel's end, and ours |

The fork server and its children hold no answers: nothing in here imports `lib.reference` or the judge.
"""
