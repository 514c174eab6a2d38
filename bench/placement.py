"""Which cores client and server run on while single calls are timed.

On one machine the scheduler now puts the two on one core, where a round trip costs next to nothing,
and now on two, where it costs as much as it does between machines that stand side by side. Figures
of the same code then jump, those of the floor most. Kept apart they stay put, at the dearer price.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def apart(server: Iterable[int]) -> Iterator[bool]:
    """Keep this process and those of a server on different cores; say whether that was possible."""
    if not hasattr(os, "sched_getaffinity"):
        yield False
        return
    cores = sorted(os.sched_getaffinity(0))
    theirs = [pid for pid in server if _is_postgres(pid)]
    if len(cores) < 2 or not theirs:
        yield False
        return
    middle = len(cores) // 2
    try:
        _place(theirs, cores[middle:])
        os.sched_setaffinity(0, cores[:middle])
        yield True
    finally:
        os.sched_setaffinity(0, cores)
        _place(theirs, cores)


def _is_postgres(pid: int) -> bool:
    """Whether a process is still one of a server's, and not another one of the same number."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == "postgres"
    return False


def _place(pids: Iterable[int], cores: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.sched_setaffinity(pid, cores)
