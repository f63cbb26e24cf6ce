"""The sandbox: what locks a forked kernel in before any student code runs.

| module | what it is |
|---|---|
| `confine` | the lock-down, step by step |
| `namespaces` | processes, users, mounts and network of its own for each child |
| `rootfs` | the file system it sees: the libraries, a scratch folder, nothing else |
| `landlock` | which files it may touch, and how |
| `limits` | how much of the machine it may use |
| `seccomp` | the few hundred system calls that are left |
| `syscalls` | the calls behind all this that Python has no name for |
| `errors` | a step that succeeds, or ends it all by its name |
| `selftest`, `doctor` | the lock-down tried on this machine, and what to do where it fails |
"""
