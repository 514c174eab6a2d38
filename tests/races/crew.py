"""Eight processes that act at the same time.

They are started once and then do one race after another: each opens the store, waits at a barrier
for all others, and acts. What they do is in ``acts``; what must come of it is in the tests. The
same acts run in threads on the store in memory.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Barrier
from typing import Any, Final, Protocol, Self

import attrs
from tests.races.processes import PROCESSES

from dmcore import DirectMessages, Policy
from dmcore.adapters import memory, sql
from dmcore.adapters.sql import IsolationLevel

SIZE: Final = 8
_PATIENCE_S: Final = 120


class Opening(Protocol):
    """How each process gets at a store."""

    def open(self, policy: Policy) -> DirectMessages: ...


@attrs.frozen(kw_only=True)
class Address:
    """Where a store is and how each process opens it."""

    url: str
    isolation_level: IsolationLevel | None = None

    def open(self, policy: Policy) -> DirectMessages:
        return sql.open_sync(
            self.url, policy=policy, isolation_level=self.isolation_level, synchronous="NORMAL"
        )


class NoStore:
    """For acts that need none of their own."""

    def open(self, policy: Policy) -> DirectMessages:
        return memory.open_sync(policy=policy)


@attrs.frozen(kw_only=True)
class Place:
    """Where one member stands: the store, its number, and the barrier of all who take part."""

    dm: DirectMessages
    number: int
    barrier: Barrier

    def meet(self) -> None:
        """Wait until everybody is here. Nothing anybody does after it began before it."""
        self.barrier.wait(_PATIENCE_S)


Act = Callable[..., Any]


@attrs.frozen(kw_only=True)
class Part:
    """What one member does in a race."""

    act: Act
    given: Mapping[str, Any] = attrs.field(factory=dict)


def part(act: Act, **given: Any) -> Part:
    """An act with its arguments, beside the place that everybody gets."""
    return Part(act=act, given=given)


class Failed(AssertionError):
    """A member of the crew came to grief; the text says how."""


class Crew:
    """The processes."""

    def __init__(self) -> None:
        self._barriers = {size: PROCESSES.Barrier(size) for size in range(1, SIZE + 1)}
        self._members: list[tuple[Any, Connection]] = []
        for number in range(SIZE):
            here, there = PROCESSES.Pipe()
            member = PROCESSES.Process(
                target=_serve, args=(number, there, self._barriers), daemon=True
            )
            member.start()
            there.close()
            self._members.append((member, here))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member, here in self._members:
            with suppress(OSError):
                here.send(None)
            here.close()
            member.join()

    def run(self, opening: Opening, policy: Policy, parts: Sequence[Part]) -> list[Any]:
        """Let everybody act at once; what each of them returns."""
        members = self._members[: len(parts)]
        for (_, here), its in zip(members, parts, strict=True):
            here.send((opening, policy, len(parts), its))
        answers = [here.recv() for _, here in members]
        return _results(answers, self._barriers[len(parts)])


def _serve(number: int, orders: Connection, barriers: Mapping[int, Barrier]) -> None:
    with suppress(EOFError):
        while (order := orders.recv()) is not None:
            opening, policy, size, its = order
            orders.send(_answer(opening, policy, number, barriers[size], its))


def _answer(
    opening: Opening, policy: Policy, number: int, barrier: Barrier, its: Part
) -> tuple[bool, Any]:
    try:
        with opening.open(policy) as dm:
            place = Place(dm=dm, number=number, barrier=barrier)
            place.meet()
            return True, its.act(place, **its.given)
    except Exception as error:  # noqa: BLE001 - the parent process judges
        barrier.abort()
        return False, f"member {number} ({os.getpid()}): {type(error).__name__}: {error}"


class Threads:
    """The same in threads of this process, on one open store."""

    def __init__(self, dm: DirectMessages) -> None:
        self._dm = dm

    def run(self, parts: Sequence[Part]) -> list[Any]:
        barrier = threading.Barrier(len(parts))
        answers: list[tuple[bool, Any]] = [(False, "did not answer")] * len(parts)

        def act(number: int) -> None:
            place = Place(dm=self._dm, number=number, barrier=barrier)
            try:
                place.meet()
                answers[number] = True, parts[number].act(place, **parts[number].given)
            except Exception as error:  # noqa: BLE001 - judged below
                barrier.abort()
                answers[number] = False, f"member {number}: {type(error).__name__}: {error}"

        members = [threading.Thread(target=act, args=(it,)) for it in range(len(parts))]
        for member in members:
            member.start()
        for member in members:
            member.join()
        return _results(answers, barrier)


def _results(answers: Sequence[tuple[bool, Any]], barrier: Barrier) -> list[Any]:
    wrong = [answer for is_well, answer in answers if not is_well]
    if wrong:
        barrier.reset()
        raise Failed("; ".join(wrong))
    return [answer for _, answer in answers]
