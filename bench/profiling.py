"""Where the time of one operation goes: dmcore's side of it under cProfile."""

import cProfile
import io
import pstats
from collections.abc import Sequence

from bench.operations import Operation

_CALLS = 500
_LINES = 25


def chosen(found: Sequence[Operation], name: str) -> Operation:
    """The operation whose name begins with a text. Raises ``SystemExit``."""
    for operation in found:
        if not operation.is_parallel and operation.name.startswith(name):
            return operation
    names = ", ".join(it.name for it in found if not it.is_parallel)
    raise SystemExit(f"there is no such operation; there are: {names}")


def profile(operation: Operation) -> str:
    """The functions that cost most by themselves, then those that cost most with their callees."""
    for call in operation.pick(_CALLS // 10)[1]:
        call()
    operation.between()
    calls = operation.pick(_CALLS)[1]
    profiler = cProfile.Profile()
    profiler.enable()
    for call in calls:
        call()
    profiler.disable()
    operation.between()
    text = io.StringIO()
    statistics = pstats.Stats(profiler, stream=text).strip_dirs()
    for order in ("tottime", "cumulative"):
        statistics.sort_stats(order).print_stats(_LINES)
    return f"{operation.name}, {len(calls)} calls\n{text.getvalue()}"
