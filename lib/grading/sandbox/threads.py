"""Threads: how many a notebook needs, and code that tries whether so many can be started here.

Where a limit on tasks is nearly reached (`ulimit -u`, a container's or service's `pids.max`), a thread that can't be
started looks like a fault of the code that wanted it, and is none.
"""

import os

NEEDED = 8 + 4 * (os.cpu_count() or 1)
"""Threads at once: TensorFlow's `fit` has 8 on two processors, and more on more; this is twice as many."""
TRIAL = f"""
import threading
go = threading.Event()
threads = [threading.Thread(target=go.wait) for _ in range({NEEDED})]
try:
    for thread in threads:
        thread.start()
finally:
    go.set()
"""
"""Code that raises RuntimeError unless so many threads can be started."""
REFUSED = (b"can't start new thread", b"Resource temporarily unavailable")
"""What code is told that can't have another thread or process."""
STACK = 64 * 2**20
"""Bytes of address space without which a kernel has reached its own limit: a thread's stack and heap take so much."""


def assert_one() -> None:
    """Raise `RuntimeError` if this process has more than one thread: the others hold locks that a fork never opens."""
    # Not `threading`: it knows nothing of threads that a library has started.
    if (number := len(os.listdir("/proc/self/task"))) != 1:  # noqa: PTH208  # a count, not paths
        raise RuntimeError(f"A process with {number} threads can't be forked safely; start none before.")
