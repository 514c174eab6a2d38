"""One stream: what its reader pulls, one event at a time. Nothing waits in it but a cursor."""

import time
from collections.abc import Callable
from typing import Final, Self

from dmcore.adapters.web.live import _events
from dmcore.adapters.web.live._rhythm import Rhythm, SignIn
from dmcore.adapters.web.live._seats import Reason, Seat
from dmcore.adapters.web.live._typists import Typists
from dmcore.domain.paging import Cursor
from dmcore.errors import (
    CursorExpired,
    DmcoreError,
    InvalidCursor,
    MessagingUnavailable,
    StoreError,
    Suspended,
)
from dmcore.mailbox import AsyncMailbox
from dmcore.ports.signals import Signals

_AT_ONCE: Final = 100


class Stream:
    """The events of one user for one client, from a place in their feed on.

    Its place among the streams of the user is taken when it is made; ``give_back`` frees it when
    the stream ends, when it fails, and when it is closed, also before it was ever read.
    """

    def __init__(
        self,
        *,
        seat: Seat,
        mailbox: AsyncMailbox,
        sign_in: SignIn,
        signals: Signals,
        typists: Typists,
        rhythm: Rhythm,
        give_back: Callable[[Seat], None],
    ) -> None:
        self._seat = seat
        self._mailbox = mailbox
        self._sign_in = sign_in
        self._signals = signals
        self._typists = typists
        self._rhythm = rhythm
        self._give_back = give_back
        self._cursor: Cursor | str = ""
        self._waiting = [_events.RETRY]
        self._is_over = False
        self._beats_at = self._arrives_at = self._reads_at = time.monotonic()
        self._ends_at = self._beats_at + rhythm.oldest
        self._pause = rhythm.pause

    async def begin(self, after: str | None, *, is_resumed: bool = False) -> Self:
        """Find the place to go on from. Raises what reading the feed raises.

        A client that resumes is not refused for a place that is none: it would never come back.
        """
        try:
            await self._begin(after, is_resumed=is_resumed)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def _begin(self, after: str | None, *, is_resumed: bool) -> None:
        try:
            if after is None:
                self._cursor = await self._end_of_feed()
                self._waiting.append(_events.hello(self._cursor))
            else:
                self._cursor = after
                await self._read()
        except CursorExpired:
            await self._begin_anew()
        except InvalidCursor:
            if not is_resumed:
                raise
            await self._begin_anew()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._seat.resting_since = None
        try:
            event = await self._next()
        except BaseException:
            await self.aclose()
            raise
        self._seat.resting_since = self._beats_at = time.monotonic()
        self._beats_at += self._rhythm.beat
        return event

    async def aclose(self) -> None:
        """End it, and free its place. Nothing is awaited, so it is done also when cancelled."""
        self._is_over = True
        self._give_back(self._seat)
        self._seat.end(Reason.GOING_AWAY)

    async def _next(self) -> bytes:
        while not self._is_over:
            if self._waiting:
                return self._waiting.pop(0)
            if not await self._sign_in.holds():
                self._seat.end(Reason.SIGNED_OUT)
            if time.monotonic() >= self._ends_at:
                self._seat.end(Reason.GOING_AWAY)
            if self._seat.ended_for is not None:
                self._is_over = True
                self._give_back(self._seat)
                return _events.closed(self._seat.ended_for)
            await self._gather()
        raise StopAsyncIteration

    async def _gather(self) -> None:
        """Put into ``_waiting`` what there is to say, or wait until there may be something."""
        now = time.monotonic()
        if now >= self._arrives_at:
            self._signals.arrive(self._seat.user, seconds=self._rhythm.present)
            self._arrives_at = now + self._rhythm.beat
        self._waiting += map(_events.writes, self._seat.taken_typing())
        if self._seat.has_news and now >= self._reads_at:
            await self._read_patiently(now)
        elif now >= self._beats_at:
            self._waiting.append(_events.BEAT)
        elif not self._waiting:
            until = min(self._beats_at, self._arrives_at, self._ends_at, self._sign_in.asks_at)
            if self._seat.has_news:
                until = min(until, self._reads_at)
            await self._seat.bell.wait(until - now)

    async def _read_patiently(self, now: float) -> None:
        try:
            try:
                await self._read()
            except CursorExpired:
                await self._begin_anew()
        except MessagingUnavailable:
            self._seat.end(Reason.UNAVAILABLE)
        except Suspended:
            self._seat.end(Reason.SUSPENDED)
        except StoreError:
            # The watcher tells of it; the client notices nothing but that nothing comes.
            self._seat.has_news = True
            self._reads_at = now + self._pause
            self._pause = min(self._pause * 2, self._rhythm.beat)
        except DmcoreError:
            # Whatever else forbids reading the feed, an account that was closed for one: it is over
            # for this client, who is told why by the next thing that they ask.
            self._seat.end(Reason.REFUSED)
        else:
            self._pause = self._rhythm.pause

    async def _read(self) -> None:
        # Before reading: what happens from here on rings again.
        self._seat.has_news = False
        changes = await self._mailbox.changes(after=self._cursor, limit=_AT_ONCE)
        self._cursor = changes.next
        self._typists.forget_sent(self._seat.user, changes.items)
        if changes.has_more:
            self._seat.has_news = True
        if changes.items:
            self._waiting.append(_events.happened(changes))

    async def _begin_anew(self) -> None:
        self._cursor = await self._end_of_feed()
        self._waiting.append(_events.expired(self._cursor))

    async def _end_of_feed(self) -> Cursor:
        self._seat.has_news = False
        return (await self._mailbox.snapshot(limit=1)).cursor
