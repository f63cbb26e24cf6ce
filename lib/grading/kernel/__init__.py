"""Kernels that start in a tenth of a second: a warm process imports what notebooks import, and forks a kernel for each.

The fork server and its children hold no answers: nothing in here imports `lib.reference` or the judge.
"""

REPLY = "execute_reply"
"""The message that ends a cell."""
REFUSED = "refused"
"""The message in which a kernel says that Linux refused it a thread or a process."""
MAX_SAID = 1000
"""Characters of an error's name and text in a reply. A longer reply than is read would be waited for in vain."""
MAX_MESSAGE = 2**22
"""Bytes of a message that is read; a longer one is passed over. Four times what is kept of a cell's output: letters
may take more room in JSON."""
