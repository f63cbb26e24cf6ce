"""System calls: the few hundred that a computation needs. All others are as if the kernel never had them.

Starting a process, or a socket to the network, is refused with words a person understands: `Operation not permitted`.
For the rest the answer is that there is no such call, and libraries that find it so fall back on older ones.

Left out on purpose, though each kernel has only its own files to write:

* Messages that carry descriptors. Those under way count for all kernels of a user together.
* Names for sockets, listening, and larger buffers. What is queued for a listener stays when its sender has closed, and
  counts for nobody: gigabytes of Linux's own memory, past every limit of the process.
* What acts on a library file that all kernels share: leases stop whoever opens it, locks and notices can be felt in
  another kernel, and so can asking for, or changing, which of its pages are in memory.
* epoll, but for ZeroMQ, which can't do without. What it waits for stays noted after its descriptor was closed: hundreds
  of megabytes of Linux's own memory, and all that a user may have, so that no other kernel of the same user can start.
"""

import errno
import os
import socket
from functools import cache

FILES = """
    access chdir chmod close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fallocate fchdir
    fchmod fchmodat fchmodat2 fchown fchownat fgetxattr flistxattr fstat fstatfs ftruncate getcwd getdents getdents64
    getxattr lchown lgetxattr link linkat listxattr llistxattr lseek lstat mkdir mkdirat newfstatat open openat openat2
    pread64 preadv pwrite64 pwritev read readlink readlinkat readv rename renameat renameat2 rmdir sendfile stat statfs
    statx symlink symlinkat truncate umask unlink unlinkat utime utimensat utimes write writev chown futimesat"""
MEMORY = " brk get_mempolicy membarrier mlock mlock2 mmap mprotect mremap mseal munlock munmap"
THREADS = """
    arch_prctl exit exit_group futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list getcpu rseq
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler
    sched_rr_get_interval sched_setaffinity sched_setparam sched_setscheduler sched_yield set_robust_list
    set_tid_address"""
SIGNALS = """
    alarm kill pause pidfd_open pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4 tgkill
    tkill wait4 waitid"""
TIME = """
    clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
    timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times"""
WAITING = " eventfd eventfd2 pipe pipe2 poll ppoll pselect6 select"
SOCKETS = " accept4 getpeername getsockname getsockopt recvfrom sendto shutdown"
"""Jupyter's sockets come bound and listening: of all that makes a connection, ZeroMQ needs `accept4` alone."""
ONESELF = """
    capget getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
    getrlimit getrusage getsid gettid getuid prlimit64 setpgid setpriority setrlimit setsid sysinfo uname"""

THREAD = 0x00010000
"""`clone`'s flag of a new thread, as opposed to a new process."""
NAMESPACES = 0x7E020000
"""`clone`'s flags of new namespaces."""
LISTS = {
    # Duplicates, and what a descriptor's flags, pipe and seals are. Not: leases, notices, owners, sizes of pipes.
    "fcntl": (1, (0, 1, 2, 3, 4, 1030, 1032, 1034)),
    # Is this a terminal and how large, how much can be read, don't wait, close on exec.
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A)),
    # What allocators say of their own memory. Not: pages to be shared with equal ones of others, or put out of memory.
    "madvise": (2, (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23, 102, 103)),
    # A thread's name, whether one may be looked into, names of memory areas.
    "prctl": (0, (15, 16, 3, 0x53564D41)),
}
"""Calls of which only some commands are allowed: which argument names the command, and what it may be."""
RECORD_LOCKS = (6, 7, 37, 38)
"""`fcntl`'s commands that take locks. Who is alone with the own files would be given each, and so is told that it was.
No lock is taken: on a library file another kernel would feel it, and locks take memory that counts for nobody."""
MS_SYNC = 4
"""`msync`'s flag that waits for the disk."""


@cache
def program(commands: bool) -> bytes:
    """Compile what is allowed for seccomp; with `commands`, starting processes is too.

    Raises `ImportError` or `RuntimeError` where seccomp's library is missing.
    """
    import pyseccomp as seccomp  # Where its library is missing, importing it fails: a step of the lock-down.

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    refused, pretended = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(0)

    def add(action: int, names: str, *conditions: seccomp.Arg) -> None:
        for name in names.split():
            if (number := seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)) != -1:
                rules.add_rule(action, number, *conditions)

    def bits(argument: int, mask: int, value: int) -> seccomp.Arg:
        return seccomp.Arg(argument, seccomp.MASKED_EQ, mask, value)

    add(seccomp.ALLOW, FILES + MEMORY + THREADS + SIGNALS + TIME + WAITING + SOCKETS + ONESELF)
    add(seccomp.ALLOW, "socket socketpair", seccomp.Arg(0, seccomp.EQ, socket.AF_UNIX))
    add(refused, "socket socketpair", seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    add(refused, "accept bind connect listen setsockopt")
    for name, (argument, known) in LISTS.items():
        for command in known:
            add(seccomp.ALLOW, name, bits(argument, 0xFFFFFFFF, command))
    for command in RECORD_LOCKS:
        add(pretended, "fcntl", bits(1, 0xFFFFFFFF, command))
    # Scratch is memory, and there is no disk to wait for: only the grader's own would be kept busy.
    add(pretended, "fdatasync flock fsync")
    add(pretended, "msync", bits(2, MS_SYNC, MS_SYNC))
    add(seccomp.ALLOW, "msync", bits(2, MS_SYNC, 0))
    if commands:
        add(seccomp.ALLOW, "clone", bits(0, NAMESPACES, 0))
        add(seccomp.ALLOW, "fork vfork execve ioctl")
    else:
        add(seccomp.ALLOW, "clone", bits(0, NAMESPACES | THREAD, THREAD))
        add(refused, "clone", bits(0, THREAD, 0))
        add(refused, "fork vfork execve execveat")
    with os.fdopen(os.memfd_create("rules"), "r+b") as compiled:
        rules.export_bpf(compiled)
        compiled.seek(0)
        return compiled.read()
