"""Two sessions that run only when they are told to, each from one stopping point to the next.

A session is a thread that acts through a runner of its own. It stops before each statement that a
call of a port sends, before what it wrote is sent, before COMMIT, and while its host is asked about
somebody. Between two of these it meets nobody: a port that only collects what is to be written
sends nothing, so to stop there as well would only repeat orders that are had already.

Who waits for a lock of the other is not guessed: the database is asked, or the rule it follows.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, Final, Protocol, TypeVar

import attrs
from sqlalchemy import Engine, event

from dmcore import DirectMessages, User
from dmcore.adapters.sql import SqlTransactions
from dmcore.domain.gates import Introduction
from dmcore.ports.directory import Directory
from dmcore.ports.transactions import Call, Needs, Transaction, Transactions, writing

Result = TypeVar("Result")

# Nothing is locked or read by it: that the other acts before it or behind it is the same.
_UNNOTICED: Final = frozenset({"BEGIN"})
_SHOWN: Final = 60
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


class StoppingTransactions:
    """A runner that stops at every point, if a session runs on it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self.session: Session | None = None
        self.stop: Callable[[Session, str], None] = lambda _session, _point: None

    def run(self, call: Call[Result], /) -> Result:
        session = self.session
        if call.needs is not Needs.WRITE or session is None:
            return self._transactions.run(call)

        def inside(tx: Transaction) -> Result:
            session.phase = Phase.INSIDE
            return call.use_case(tx)

        session.phase = Phase.BEGINNING
        try:
            return self._transactions.run(writing(inside))
        finally:
            session.phase = Phase.OUTSIDE

    def send(self, statement: str) -> None:
        """Stop before a statement of the session's transaction."""
        if statement in _UNNOTICED or self.session is None:
            return
        if self.session.phase is not Phase.OUTSIDE:
            self.reach(statement[:_SHOWN])

    def reach(self, point: str) -> None:
        """Stop here until told to go on."""
        if self.session is not None:
            self.stop(self.session, point)

    def close(self) -> None:
        self._transactions.close()


class StoppingDirectory:
    """A host that takes its time over every question."""

    def __init__(self, directory: Directory, runner: StoppingTransactions) -> None:
        self._directory = directory
        self._runner = runner

    def introduce(self, sender: User, recipient: User) -> Introduction:
        self._runner.reach("the directory")
        return self._directory.introduce(sender, recipient)


def _conforms(transactions: Transactions, directory: Directory) -> tuple[Transactions, Directory]:
    runner = StoppingTransactions(transactions)
    return runner, StoppingDirectory(directory, runner)


@attrs.frozen
class Corner:
    """Where one session acts from: a handle of its own, its runner, and its connection's number."""

    dm: DirectMessages
    runner: StoppingTransactions
    engine: Engine
    pids: list[int]


@contextmanager
def cornered(dm: DirectMessages) -> Iterator[Corner]:
    """The same handle with stopping points in it."""
    transactions = dm._transactions
    assert isinstance(transactions, SqlTransactions)
    engine = transactions._engine
    runner = StoppingTransactions(transactions)
    pids: list[int] = []

    def execute(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        runner.send(statement)

    def commit(_connection: object) -> None:
        runner.send("COMMIT")

    def checkout(connection: Any, *_rest: object) -> None:
        if engine.dialect.name == "postgresql":
            pids[:] = [connection.info.backend_pid]

    listeners = (
        ("before_cursor_execute", execute),
        ("commit", commit),
        ("checkout", checkout),
    )
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        directory = dm._directory
        asked = None if directory is None else StoppingDirectory(directory, runner)
        handle = attrs.evolve(dm, transactions=runner, directory=asked)
        yield Corner(handle, runner, engine, pids)
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
