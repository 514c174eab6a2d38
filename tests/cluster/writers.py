"""Processes that write and read while the lead of a cluster changes; none opens its store again.

What they were told is theirs to report: what was acknowledged, when, and how often it was asked.
Each asks again under the same key until it is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from time import monotonic, sleep
from typing import Final, TypeVar

import attrs

from dmcore import Message, Policy
from dmcore.adapters import sql
from dmcore.domain.events import Action
from dmcore.errors import StoreBusy, StoreUnavailable

UNLIMITED: Final = Policy(messages=None, starts=None)
# How long anybody asks again before the cluster is given up.
PATIENCE_S: Final = 90
_PAUSE_S: Final = 0.05
_TASKS: Final = 3
_ASK_AGAIN: Final = (StoreUnavailable, StoreBusy)

Told = TypeVar("Told")


@attrs.frozen(kw_only=True)
class Acknowledged:
    """One message as its sender lived through it."""

    writer: str
    user: str
    conversation: str
    text: str
    id: str
    at_s: float
    refusals: int


@attrs.frozen(kw_only=True)
class Seen:
    """The messages that a reader was told of by its feed, in their order."""

    user: str
    ids: list[str]
    refusals: int


class _Turn:
    """The tries of one call."""

    def __init__(self) -> None:
        self.refusals = 0
        self._began_s = monotonic()

    def count(self, error: Exception) -> None:
        self.refusals += 1
        if monotonic() - self._began_s > PATIENCE_S:
            raise TimeoutError(f"refused for {PATIENCE_S} s") from error


def _until_told(ask: Callable[[], Told]) -> tuple[Told, int]:
    turn = _Turn()
    while True:
        try:
            return ask(), turn.refusals
        except _ASK_AGAIN as error:
            turn.count(error)
        sleep(_PAUSE_S)


async def _until_told_async(ask: Callable[[], Awaitable[Told]]) -> tuple[Told, int]:
    turn = _Turn()
    while True:
        try:
            return await ask(), turn.refusals
        except _ASK_AGAIN as error:
            turn.count(error)
        await asyncio.sleep(_PAUSE_S)


def _heard(writer: str, text: str, message: Message, refusals: int) -> Acknowledged:
    return Acknowledged(
        writer=writer,
        user=str(message.sender),
        conversation=str(message.conversation),
        text=text,
        id=str(message.id),
        at_s=monotonic(),
        refusals=refusals,
    )


def _texts(writer: str, stop: Event) -> Iterator[str]:
    for number in count():
        if stop.is_set():
            return
        yield f"{writer} {number}"


def sends(url: str, user: str, conversation: str, stop: Event, report: Connection) -> None:
    """One message after the other into one conversation."""
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        box = dm.mailbox(user)
        for text in _texts(f"{user} sends", stop):
            sent, refusals = _until_told(partial(box.send, conversation, text, key=text))
            report.send(_heard(f"{user} sends", text, sent, refusals))
    report.close()


def sends_awaited(url: str, user: str, conversation: str, stop: Event, report: Connection) -> None:
    """The same by a few tasks of one event loop, on connections that are awaited."""

    async def send() -> None:
        async with await sql.open_async(url, policy=UNLIMITED) as dm:
            box = dm.mailbox(user)

            async def go_on(writer: str) -> None:
                for text in _texts(writer, stop):
                    sent, refusals = await _until_told_async(
                        partial(box.send, conversation, text, key=text)
                    )
                    report.send(_heard(writer, text, sent, refusals))

            await asyncio.gather(*(go_on(f"{user} awaits {it}") for it in range(_TASKS)))

    asyncio.run(send())
    report.close()


def begins(url: str, side: str, stop: Event, report: Connection) -> None:
    """Conversations with new people; who takes the other side begins the same ones."""
    other = {"left": "right", "right": "left"}[side]
    writer = f"{side} begins"
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        for number, text in enumerate(_texts(writer, stop)):
            box = dm.mailbox(f"{side} {number}")
            sent, refusals = _until_told(partial(box.start, f"{other} {number}", text, key=text))
            report.send(_heard(writer, text, sent, refusals))
    report.close()


def follows(url: str, user: str, stop: Event, report: Connection) -> None:
    """Follow one's feed until nobody writes any more, and then to its end."""
    ids: list[str] = []
    refusals, after = 0, None
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        box = dm.mailbox(user)
        while True:
            is_last = stop.is_set()
            page, refused = _until_told(partial(box.changes, after=after))
            refusals += refused
            after = page.next
            ids += [str(it.message) for it in page.items if it.action is Action.MESSAGE_SENT]
            if is_last and not page.has_more:
                break
            if not page.items:
                sleep(_PAUSE_S)
    report.send(Seen(user=user, ids=ids, refusals=refusals))
    report.close()
