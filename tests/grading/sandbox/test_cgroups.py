"""Memory groups: a kernel's processes, scratch and buffers are bounded together, where this machine lets us say so."""

import pytest

from lib.grading.sandbox import lockdown
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
    if (found := lockdown.find_groups()) is None:
        pytest.skip("This machine lets us make no memory groups: root may, or whom systemd gives some to manage.")
    return found


def test_all_processes_of_a_kernel_are_bounded_together(dividable, home, facts, unlocked):
    """What they may take they can take."""
    assert unlocked.run(MANY).worked
    with a_forker("sandbox", home, facts, ordinary=False) as grouped:
        outcome = grouped.run(MANY, **BOUNDED)
        assert outcome.output[0] == "began"
        assert not outcome.worked
        assert grouped.run(MANY, **BOUNDED | {"memory": 1024 * MIB}).worked


def a_group(folder, **settings):
    folder.mkdir(exist_ok=True)
    (folder / "cgroup.procs").touch()
    for name, value in settings.items():
        (folder / name.replace("_", ".", 1)).write_text(value)
    return folder


def test_who_was_bounded_is_not_led_out_of_it(tmp_path, monkeypatch):
    """A group that bounds us and can't be divided ends the search: groups further up would set kernels free of it."""
    a_group(tmp_path / "groups", cgroup_subtree_control="memory pids")
    slice_ = a_group(tmp_path / "groups/slice", cgroup_subtree_control="memory pids", memory_max="max")
    own = a_group(slice_ / "service", cgroup_subtree_control="", memory_max="1000000")
    monkeypatch.setattr(lockdown, "GROUPS", tmp_path / "groups")
    real, ours = lockdown.read_text, "0::/slice/service"
    monkeypatch.setattr(lockdown, "read_text", lambda path: ours if path.name == "cgroup" else real(path))
    assert lockdown.find_groups() is None
    (own / "memory.max").write_text("max")
    assert lockdown.find_groups() == slice_
