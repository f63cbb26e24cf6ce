"""Both ways to interrupt code that never returns: a timer signal in the main thread, a planted exception elsewhere."""

import signal
import threading

import pytest

from lib.explorer.timeout import OutOfTime, _planted_exception, time_limit


def spin():
    while True:
        pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")
def test_the_main_thread_is_interrupted_and_its_handler_put_back():
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(OutOfTime), time_limit(0.05):
        spin()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("limit", [time_limit, _planted_exception])
def test_any_other_thread_is_interrupted(limit):
    said = []

    def student():
        try:
            with limit(0.05):
                spin()
        except OutOfTime:
            said.append("out of time")

    thread = threading.Thread(target=student)
    thread.start()
    thread.join()
    assert said == ["out of time"]


@pytest.mark.parametrize("limit", [time_limit, _planted_exception])
def test_code_in_time_is_left_alone(limit):
    with limit(30):
        total = sum(range(1000))
    assert total == 499_500
    assert not [thread for thread in threading.enumerate() if "watch" in thread.name]
