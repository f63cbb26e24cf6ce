"""Memory groups: a kernel's processes, scratch and buffers are bounded together, where this machine lets us say so."""

import pytest

from lib.grading.sandbox import cgroups
from tests.grading.sandbox.conftest import a_forker

MIB = 2**20
MANY = """
import os, time
def hoard(heard, speaks):
    pages = bytearray(100 << 20)
    os.write(speaks, b'x')
    os.read(heard, 1)
    os._exit(0)
(heard, speaks), (stay, go) = os.pipe(), os.pipe()
for _ in range(6):
    if not os.fork():
        hoard(stay, speaks)
os.close(speaks)
while (taken := len(os.read(heard, 6))):
    tell('taken', taken)
    facts['count'] = facts.get('count', 0) + taken
    if facts['count'] == 6:
        os.write(go, bytes(6))
        tell('worked')
        break
"""
"""Six processes, each within its own bounds, hold 600 MiB together."""
BOUNDED = {"memory": 250 * MIB, "scratch": 50 * MIB, "commands": True}


@pytest.fixture(scope="module")
def dividable():
    """The group in which this machine lets us make groups."""
    if (found := cgroups.find()) is None:
        pytest.skip("This machine lets us make no memory groups: root may, or whom systemd gives some to manage.")
    return found


@pytest.fixture(scope="module")
def grouped(dividable, home, facts):
    """A forker whose children have a memory group each."""
    with a_forker("sandbox", home, facts, ordinary=False) as forker:
        yield forker


def test_many_processes_take_more_than_one_may_where_there_are_no_groups(unlocked):
    assert unlocked.run(MANY).worked


def test_all_processes_of_a_kernel_are_bounded_together(grouped):
    outcome = grouped.run(MANY, **BOUNDED)
    assert outcome.output[0] == "began"
    assert not outcome.worked
    assert grouped.run("tell('goes on')").output == ["began", "goes on"]


def test_what_it_may_take_it_can_take(grouped):
    outcome = grouped.run(MANY, **BOUNDED | {"memory": 1024 * MIB})
    assert outcome.worked


def test_the_groups_of_kernels_that_have_ended_are_gone(dividable, home, facts):
    def left_by(forker):
        return list(dividable.glob(f"{cgroups.PREFIX}-{forker.pid}-*"))

    with a_forker("sandbox", home, facts, ordinary=False) as forker:
        for _ in range(3):
            forker.run("tell('lives')")
        assert len(left_by(forker)) == 2  # the neighbour's, which lives, and the last one's
    with a_forker("sandbox", home, facts, ordinary=False):
        assert left_by(forker) == []  # the forker was killed; the next one tidies up after it


def test_who_was_bounded_is_not_led_out_of_it(tmp_path, monkeypatch):
    """A group that bounds us and can't be divided ends the search: groups further up would set kernels free of it."""
    for folder, bound in ((tmp_path, "max"), (tmp_path / "slice", "max"), (tmp_path / "slice/service", "1000000")):
        folder.mkdir(exist_ok=True)
        (folder / cgroups.MEMBERS).touch()
        (folder / cgroups.BOUND).write_text(bound)
        (folder / cgroups.ENABLED).write_text("" if folder.name == "service" else "memory pids")
    own = tmp_path / "slice/service"
    monkeypatch.setattr(cgroups, "_own_groups", lambda: [(tmp_path, own)])
    assert cgroups.find() is None
    (own / cgroups.BOUND).write_text("max")
    assert cgroups.find() == tmp_path / "slice"
