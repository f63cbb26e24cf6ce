"""Kernels that start in a tenth of a second: a warm process has all imports, and forks a kernel for each notebook.

The warm process and its children hold no answers: nothing here imports `lib.reference` or the judge.
"""

READY = "ready"
"""The message from a kernel that waits for its first cell."""
REPLY = "execute_reply"
"""The message after a cell has run."""
REFUSED = "refused"
"""The message from a kernel that Linux has refused a thread or a process."""
MAX_ERROR_TEXT = 1000
"""Characters of an error's name and text in a reply. Without a bound a reply could exceed `MAX_MESSAGE` and be lost."""
MAX_MESSAGE = 2**22
"""Bytes of the longest message that is read. It is four times the limit on a cell's output, since JSON takes more
bytes than characters."""
