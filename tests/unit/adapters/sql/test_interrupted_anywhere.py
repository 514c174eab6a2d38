"""An interrupt at every place of a call where Python lets one in."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from types import FrameType
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, event

from dmcore.adapters import sql
from dmcore.adapters.sql import _transactions
from dmcore.errors import AccessDenied

_GIVING_BACK = (Connection.__exit__.__code__, Connection.close.__code__)


class Interrupts:
    """Raises at one of the places, counted from 0: where a function begins, or C code returns."""

    def __init__(self, place: int) -> None:
        self._left = place

    @property
    def has_come(self) -> bool:
        return self._left < 0

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        is_ours = frame.f_code.co_filename == _transactions.__file__
        if event in ("call", "c_return") and (is_ours or frame.f_code in _GIVING_BACK):
            self._left -= 1
            if self.has_come:
                sys.setprofile(None)
                raise KeyboardInterrupt

    @contextmanager
    def coming(self) -> Iterator[None]:
        before = sys.getprofile()
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(before)


@contextmanager
def closed_in_the_end() -> Iterator[None]:
    """An interrupt inside the pool leaves a connection to nobody, and the collector complains."""
    opened: list[sqlite3.Connection] = []

    def keep(connection: sqlite3.Connection, _record: object) -> None:
        opened.append(connection)

    event.listen(Engine, "connect", keep)
    try:
        yield
    finally:
        event.remove(Engine, "connect", keep)
        for connection in opened:
            connection.close()


@pytest.mark.promise("MSG-4")
def test_wherever_an_interrupt_comes_nobody_is_kept_waiting(sqlite_url: str) -> None:
    """Not who writes next, and not who closes the store, also while the interrupt is under way.

    What is interrupted is refused, so that its transaction is still open in the end.
    """
    sql.initialise(sqlite_url)
    places = 0
    with closed_in_the_end():
        while is_interrupted_and_lets_others_go_on(sqlite_url, places):
            places += 1
    assert places > len(_GIVING_BACK)


def is_interrupted_and_lets_others_go_on(url: str, place: int) -> bool:
    """Whether there is such a place in the call."""
    dm = sql.open_sync(url)
    dm.operations("olga").set_mode("on")
    interrupts = Interrupts(place)
    try:
        with interrupts.coming():
            dm.mailbox("ann").send(uuid4(), "x")
    except (KeyboardInterrupt, AccessDenied):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=0)
        other.execute("BEGIN IMMEDIATE")
        other.close()
        closing = Thread(target=dm.close, daemon=True)
        closing.start()
        closing.join(timeout=20)
        assert not closing.is_alive()
    return interrupts.has_come
