"""Two sessions that run only when they are told to, each from one stopping point to the next.

A session is a thread that acts through a runner of its own. It stops before its transaction
begins, before each call of a port, before what it wrote is sent, and before COMMIT. Who waits for a
lock of the other is not guessed: the database is asked, or the rule that it follows.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, Final, Protocol, TypeVar, cast

import attrs
from sqlalchemy import Engine, event

from dmcore import DirectMessages
from dmcore.adapters.sql import SqlTransactions
from dmcore.ports.transactions import Call, Needs, Transaction, Transactions, writing

Result = TypeVar("Result")

PORTS: Final = frozenset(
    {"installation", "contacts", "conversations", "messages", "mailboxes", "journal", "inspection"}
)
_LOOK_AGAIN_S: Final = 0.001
_PATIENCE_S: Final = 60.0


class LockedOut(AssertionError):
    """Each of the two waits for the other."""


class Phase(Enum):
    """Where a session stands with its transaction."""

    OUTSIDE = auto()
    BEGINNING = auto()
    INSIDE = auto()


class Session:
    """One of the two: what it does, where it stands, and what came of it."""

    def __init__(self, runner: "StoppingTransactions", act: Callable[[], object]) -> None:
        self.runner = runner
        self.act = act
        self.phase = Phase.OUTSIDE
        self.is_stopped = False
        self.is_done = False
        self.is_told = False
        self.answer: object = None
        self.points: list[str] = []


class WaitsForLock(Protocol):
    """Says whether a session that runs waits for a lock of the other."""

    def __call__(self, session: Session, other: Session) -> bool: ...


class Duel:
    """Two sessions and who of them goes on. ``waited`` counts how often one had to wait."""

    def __init__(self, sessions: Sequence[Session], waits: WaitsForLock) -> None:
        self.sessions = sessions
        self._waits = waits
        self.waited = 0
        self._turn = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, args=(session,), daemon=True) for session in sessions
        ]

    def fight(self, choose: Callable[[Sequence[int]], int]) -> None:
        """Run both to their ends; ``choose`` says which of those that can goes on to its next stop.

        Raises ``LockedOut``.
        """
        for session in self.sessions:
            session.runner.session, session.runner.stop = session, self._stop
        for thread in self._threads:
            thread.start()
        self._settle()
        while not all(session.is_done for session in self.sessions):
            able = [number for number, it in enumerate(self.sessions) if it.is_stopped]
            if not able:
                raise LockedOut([session.points for session in self.sessions])
            self._tell(self.sessions[choose(able)])
            self._settle()
        for thread in self._threads:
            thread.join()

    def _run(self, session: Session) -> None:
        answer = session.act()
        with self._turn:
            session.answer, session.is_done = answer, True
            self._turn.notify_all()

    def _stop(self, session: Session, point: str) -> None:
        with self._turn:
            session.points.append(point)
            session.is_stopped = True
            self._turn.notify_all()
            told = self._turn.wait_for(lambda: session.is_told, _PATIENCE_S)
            assert told, "nobody let the session go on"
            session.is_told = False

    def _tell(self, session: Session) -> None:
        with self._turn:
            session.is_stopped, session.is_told = False, True
            self._turn.notify_all()

    def _settle(self) -> None:
        """Until each has stopped, is done, or waits for the other."""
        looks = 0
        while running := [it for it in self.sessions if not (it.is_stopped or it.is_done)]:
            if all(self._waits(it, self._other_than(it)) for it in running):
                # Once more for who may have gone on while the other was looked at.
                still = [it for it in running if not (it.is_stopped or it.is_done)]
                if still == running:
                    self.waited += 1
                    return
            with self._turn:
                self._turn.wait(_LOOK_AGAIN_S)
            looks += 1
            assert looks * _LOOK_AGAIN_S < _PATIENCE_S, "a session neither goes on nor waits"

    def _other_than(self, session: Session) -> Session:
        first, second = self.sessions
        return second if session is first else first


class _StoppingPort:
    def __init__(self, port: object, name: str, stop: Callable[[str], None]) -> None:
        self._port = port
        self._name = name
        self._stop = stop

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*args: object, **kwargs: object) -> Any:
            self._stop(f"{self._name}.{name}")
            return method(*args, **kwargs)

        return call


class _StoppingTransaction:
    def __init__(self, tx: Transaction, stop: Callable[[str], None]) -> None:
        self._tx = tx
        self._stop = stop

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._tx, name)
        return _StoppingPort(port, name, self._stop) if name in PORTS else port


class StoppingTransactions:
    """A runner that stops at every point, if a session runs on it and ``is_point`` says so."""

    def __init__(self, transactions: Transactions, is_point: Callable[[str], bool]) -> None:
        self._transactions = transactions
        self._is_point = is_point
        self.session: Session | None = None
        self.stop: Callable[[Session, str], None] = lambda _session, _point: None

    def run(self, call: Call[Result], /) -> Result:
        session = self.session
        if call.needs is not Needs.WRITE or session is None:
            return self._transactions.run(call)

        def stopping(tx: Transaction) -> Result:
            session.phase = Phase.INSIDE
            stopped = cast("Transaction", _StoppingTransaction(tx, self.reach))
            result = call.use_case(stopped)
            self.reach("flush")
            return result

        self.reach("begin")
        session.phase = Phase.BEGINNING
        try:
            return self._transactions.run(writing(stopping))
        finally:
            session.phase = Phase.OUTSIDE

    def reach(self, point: str) -> None:
        """Stop here until told to go on."""
        if self.session is not None and self._is_point(point):
            self.stop(self.session, point)

    def close(self) -> None:
        self._transactions.close()


def _conforms(transactions: Transactions) -> Transactions:
    return StoppingTransactions(transactions, lambda _point: True)


@attrs.frozen
class Corner:
    """Where one session acts from: a handle of its own, its runner, and its connection's number."""

    dm: DirectMessages
    runner: StoppingTransactions
    engine: Engine
    pids: list[int]


@contextmanager
def cornered(dm: DirectMessages, is_point: Callable[[str], bool]) -> Iterator[Corner]:
    """The same handle with stopping points in it, the one before COMMIT included."""
    transactions = dm._transactions
    assert isinstance(transactions, SqlTransactions)
    engine = transactions._engine
    runner = StoppingTransactions(transactions, is_point)
    pids: list[int] = []

    def commit(_connection: object) -> None:
        runner.reach("commit")

    def checkout(connection: Any, *_rest: object) -> None:
        if engine.dialect.name == "postgresql":
            pids[:] = [connection.info.backend_pid]

    listeners = (("commit", commit), ("checkout", checkout))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield Corner(attrs.evolve(dm, transactions=runner), runner, engine, pids)
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
