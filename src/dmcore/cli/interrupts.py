"""When an interrupt takes effect: between two steps of a command, not in the middle of one."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from typing import Final, TypeVar

_ENDINGS: Final = (signal.SIGTERM, signal.SIGHUP)

Item = TypeVar("Item")
Check = Callable[[], None]


def go_on() -> None:
    """The check where no interrupt waits."""


@contextmanager
def interrupts_wait() -> Iterator[Check]:
    """Inside, an interrupt waits until ``Check`` is called; at the latest it comes at the end.

    Python would raise it anywhere, also where a connection with an open transaction is just being
    given back: whoever writes next would wait for that transaction. A second interrupt does not
    wait, so that nobody is held by a database that does not answer.
    """
    numbers = _handled_by(signal.default_int_handler, (signal.SIGINT, *_ENDINGS))
    if not numbers:
        # Somebody else decides what an interrupt does, or that it does nothing.
        yield go_on
        return
    is_waiting = False

    def check() -> None:
        nonlocal is_waiting
        if is_waiting:
            is_waiting = False
            raise KeyboardInterrupt

    def interrupted(_signal: int, _frame: object) -> None:
        nonlocal is_waiting
        check()
        is_waiting = True

    for number in numbers:
        signal.signal(number, interrupted)
    try:
        yield check
    finally:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
    check()


@contextmanager
def endings_interrupt() -> Iterator[None]:
    """Inside, what asks a process to end is an interrupt; where somebody ignores it, still nothing.

    So a command ends in order whoever ends it: a person, a supervisor, or a closed terminal.
    """
    numbers = _handled_by(signal.SIG_DFL, _ENDINGS)
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _handled_by(handler: object, numbers: Iterable[signal.Signals]) -> list[signal.Signals]:
    """Those that are handled so; none outside of the main thread, where none can be changed."""
    is_ours = current_thread() is main_thread()
    return [it for it in numbers if is_ours and signal.getsignal(it) is handler]


@contextmanager
def signals_stop() -> Iterator[Event]:
    """Inside, an interrupt or a request to terminate sets the event; a second one does not wait."""
    stop = Event()
    is_ours = current_thread() is main_thread()
    before = {it: signal.getsignal(it) for it in (signal.SIGINT, signal.SIGTERM) if is_ours}

    def stopping(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, stopping)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def checked(items: Iterable[Item], check: Check) -> Iterator[Item]:
    """The same items; ``check`` is called before each is worked on."""
    for item in items:
        check()
        yield item
