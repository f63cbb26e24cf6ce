"""How code in the sandbox ends: by itself, by its limits, or from outside, but always whole."""

import os
import signal

import pytest

HUNG = """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
tell('ignores everything')
while True:
    pass
"""
DAEMON = """
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(5)
    os._exit(0)
tell('left a daemon')
"""
STOP = """
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
tell('goes on')
"""
THE_OLD_GATE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex('b814000000cd80c3'))  # mov eax, 20 (getpid); int 0x80; ret
gate = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
tell('worked' if gate() > 0 else 'no such gate')
"""


def test_code_that_ignores_every_signal_ends_when_its_processor_time_is_spent(sandbox, unlocked):
    """Without a limit it would go on."""
    assert unlocked.run(HUNG, seconds=1.5).exit is None
    outcome = sandbox.run(HUNG, cpu_seconds=1)
    assert (outcome.output, outcome.exit) == (["began", "ignores everything"], -signal.SIGKILL)


def test_code_that_stops_itself_goes_on(sandbox, unlocked):
    """The first process of a namespace isn't stopped from inside; elsewhere nobody would hear of it again."""
    assert unlocked.run(STOP).output == ["began"]
    assert sandbox.run(STOP).output == ["began", "goes on"]


def test_no_process_survives_its_kernel(sandbox, unlocked):
    for outcome, survives in ((unlocked.run(DAEMON), True), (sandbox.run(DAEMON, commands=True), False)):
        assert (outcome.output, outcome.survivors) == (["began", "left a daemon"], survives)


def test_the_gate_of_32_bit_programs_is_shut(sandbox, unlocked):
    if os.uname().machine != "x86_64" or not unlocked.run(THE_OLD_GATE).worked:
        pytest.skip("This processor, or its kernel, has no gate of 32-bit programs.")
    outcome = sandbox.run(THE_OLD_GATE)
    assert (outcome.output, outcome.exit) == (["began"], -signal.SIGSYS)
