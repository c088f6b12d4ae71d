"""Fence a process in, as far as the system lets it: files, network, memory, time.

Landlock (Linux 5.13 and later) needs no rights and no program: a process gives up the right to
write outside some folders, to open TCP connections and to send signals out, for itself and all
that it starts. ``unshare`` (util-linux) cuts off the whole network and, in a process namespace,
takes every process down with the first.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, on every processor
NO_NEW_PRIVILEGES, PATH_BENEATH = 38, 1
WRITE_FILE = 1 << 1
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # remove and make, of any kind
# A namespace's first process hears no signal, so it's a shell, and the one to be limited its child.
SHELL = ["sh", "-c", '"$@"; exit $?', "sh"]
NAMESPACES = [
    ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ["--user", "--map-root-user", "--net"],
    ["--net"],
]


def without_network() -> list[str]:
    """Give the command that starts another one without a network; [] if there is none."""
    if sys.platform == "linux" and shutil.which("unshare"):
        for options in NAMESPACES:
            command = ["unshare", *options]
            if not subprocess.run([*command, "true"], capture_output=True).returncode:
                return [*command, *SHELL]
    return []


def lock_files(writable: Iterable[Path]) -> int:
    """Let this process and its children write in these folders only.

    Returns:
        Landlock's version: 0 where there is none; from 4 on, TCP is cut off, too.
    """
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return 0
    changes = CHANGES | (version >= 2) << 13 | (version >= 3) << 14  # move elsewhere, truncate
    attributes = struct.pack("QQQ", changes, 3 * (version >= 4), 3 * (version >= 6))
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = libc.syscall(CREATE_RULESET, attributes, size, 0)
    for folder, allowed in [*((f, changes) for f in writable), (Path("/dev"), WRITE_FILE)]:
        with contextlib.suppress(OSError):
            beneath = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            libc.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", allowed, beneath), 0)
            os.close(beneath)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    failed = rules < 0 or libc.syscall(RESTRICT_SELF, rules, 0)
    return 0 if failed else version


def limit(memory: int, file_size: int) -> bool:
    """Bound what this process may take from now on, in bytes; False where that's impossible."""
    try:
        import resource
    except ImportError:
        return False
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    status = Path("/proc/self/status")
    if not status.is_file():
        return False
    rows = dict(row.split(":", 1) for row in status.read_text().splitlines())
    most = 1024 * int(rows["VmData"].split()[0]) + memory
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with contextlib.suppress(OSError):  # where memory does run out, let this one go first
        Path("/proc/self/oom_score_adj").write_text("1000")
    return True


def limit_seconds(seconds: float) -> None:
    """Let this process compute for so long, from now on."""
    with contextlib.suppress(ImportError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
