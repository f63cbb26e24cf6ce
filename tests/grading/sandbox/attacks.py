"""The attacks of attacks.txt, each first shown to work without locks: a key that fits nowhere says nothing of one."""

import re
from pathlib import Path
from typing import NamedTuple

CALLS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(name, *arguments):
    plain = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    answer = libc.syscall(ctypes.c_long(facts['numbers'][name]), *plain)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
"""
LIBRARY = """
import ctypes, fcntl, mmap, os, struct
F_SETPIPE_SZ, F_OFD_GETLK, F_OFD_SETLK, PAGE, DONTNEED, MERGEABLE = 1031, 36, 37, mmap.PAGESIZE, 4, 12
library = os.open(facts['library'], os.O_RDONLY)
def lock(kind):
    return struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0)
def is_locked(command):
    return struct.unpack_from('h', fcntl.fcntl(library, command, lock(fcntl.F_WRLCK)))[0] != fcntl.F_UNLCK
"""


class Attack(NamedTuple):
    name: str
    stopped_by: str
    code: str
    shown_by: str
    needs: str
    limits: dict[str, int]


def read(text):
    head, _, code = text.partition("\n")
    name, stopped_by, *more = head.split(" | ")
    told = {"shown_by": "", "needs": "", "with": "", "limits": ""}
    told |= (words.replace("shown by", "shown_by").split(" ", 1) for words in more)
    before = "".join(globals()[each] for each in told.pop("with").split())
    bounds = (each.split("=") for each in told.pop("limits").replace("M", "000000").split())
    return Attack(name, stopped_by, before + code, limits={limit: int(bound) for limit, bound in bounds}, **told)


TEXT = re.sub(r"(?m)^# .*$", "", Path(__file__).with_suffix(".txt").read_text())
ATTACKS = [read(each) for each in re.split(r"(?m)^== ", TEXT)[1:]]
