"""Live updates of one mount: streams, requests that wait, who writes and who is there."""

import time
from typing import Protocol

import attrs

from dmcore.adapters.signals import LocalSignals
from dmcore.adapters.web._errors import NotSignedIn, StreamsOff
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import Response, Viewer
from dmcore.adapters.web._worlds import World
from dmcore.adapters.web.live._ear import Ear
from dmcore.adapters.web.live._rhythm import Rhythm, SignIn
from dmcore.adapters.web.live._seats import Reason, Room, Seat, digest
from dmcore.adapters.web.live._stream import Stream
from dmcore.adapters.web.live._typists import Typists
from dmcore.adapters.web.live._watcher import Watcher
from dmcore.domain.feed import Changes
from dmcore.domain.ids import TenantId, User, UserId, parse_conversation_id
from dmcore.mailbox import AsyncMailbox
from dmcore.ports.signals import Signal, SignedOut, Typing

_HEADERS = (
    ("Content-Type", "text/event-stream; charset=utf-8"),
    # nginx would collect the events before it passes them on.
    ("X-Accel-Buffering", "no"),
)


class Visitor(Protocol):
    """Somebody who is signed in: in the host's word, and in ours."""

    @property
    def viewer(self) -> Viewer: ...
    @property
    def mailbox(self) -> AsyncMailbox: ...


@attrs.frozen(kw_only=True)
class Presence:
    """What may be known of the other one now; what may not be is ``False`` (BLOCK-2)."""

    is_present: bool
    is_typing: bool


class Live:
    """Everything that is live in one process at one mount. Any method may be called in any thread
    of a blocking framework, or on the loop of an awaiting one.
    """

    def __init__(self, world: World, site: Site, *, rhythm: Rhythm | None = None) -> None:
        self._world = world
        self._site = site
        self._rhythm = Rhythm() if rhythm is None else rhythm
        self._signals = LocalSignals() if site.signals is None else site.signals
        self._ear = Ear(self._signals, self._hear)
        self._typists = Typists(seconds=self._rhythm.typed, pause=self._rhythm.told)
        self._room = Room(site.most_streams, site.most_streams_in_all)
        self._watcher = Watcher(
            world,
            self._room,
            every=site.look_every.total_seconds(),
            stalled=self._rhythm.stalled,
            give_up=self._give_up,
        )
        self._is_closed = False

    def look(self) -> None:
        """Something was written here: look at the journal now."""
        self._watcher.look()

    async def stream(
        self, visitor: Visitor, after: str | None, *, last_event: str | None = None
    ) -> Response:
        """The events of the viewer's feed after a cursor, or from now on.

        ``last_event`` is what a browser says that comes back, and counts before ``after``. Raises
        ``StreamsOff``, ``TooManyStreams`` and what reading the feed raises; but ``CursorExpired``,
        and a ``last_event`` that is no cursor of the viewer's, the stream itself tells.
        """
        if self._site.live == "poll":
            raise StreamsOff
        seat = self._seated(visitor)
        stream = Stream(
            seat=seat,
            mailbox=visitor.mailbox,
            sign_in=self._sign_in(visitor.viewer),
            signals=self._signals,
            typists=self._typists,
            rhythm=self._rhythm,
            give_back=self._give_back,
        )
        begun = await stream.begin(last_event or after, is_resumed=bool(last_event))
        return Response(headers=_HEADERS, stream=begun)

    async def changes(
        self, visitor: Visitor, after: str | None, limit: int, seconds: float
    ) -> Changes:
        """What happened after a cursor; where that is nothing, waits for it so many seconds.

        A site that only polls lets nobody wait. Raises as ``AsyncMailbox.changes`` and, for one who
        waits, ``TooManyStreams`` and ``NotSignedIn``.
        """
        self._ear.open()
        self._signals.arrive(visitor.mailbox.user, seconds=self._rhythm.present)
        if seconds <= 0 or self._site.live == "poll":
            found = await visitor.mailbox.changes(after=after, limit=limit)
        else:
            found = await self._waited(visitor, after, limit, time.monotonic() + seconds)
        self._typists.forget_sent(visitor.mailbox.user, found.items)
        return found

    async def _waited(
        self, visitor: Visitor, after: str | None, limit: int, until: float
    ) -> Changes:
        seat = self._seated(visitor)
        seat.resting_since = None
        try:
            return await self._awaited(visitor, seat, after, limit, until)
        finally:
            self._room.leave(seat)
            self._watcher.look()

    async def typing(self, visitor: Visitor, conversation: str) -> None:
        """Tell the other one that the viewer is writing, if they may know (PREF-1, BLOCK-1)."""
        self._ear.open()
        viewer = visitor.mailbox.user
        hearer = await self._world.dm.hearer(viewer.id, conversation, tenant=viewer.tenant)
        if hearer is not None:
            typing = Typing(
                recipient=hearer,
                writer=viewer.id,
                conversation=parse_conversation_id(conversation),
            )
            if not self._is_closed and self._typists.is_news(typing):
                self._signals.tell(typing)

    async def presence(self, visitor: Visitor, conversation: str) -> Presence:
        """Whether the other one is there, and writes, as far as the viewer may know."""
        self._ear.open()
        viewer = visitor.mailbox.user
        audience = await visitor.mailbox.audience(conversation)
        is_present = False
        if audience.presence:
            other = User(viewer.tenant, audience.other)
            is_present = await self._world.block(self._signals.is_present, other)
        is_typing = self._typists.wrote_lately(viewer, parse_conversation_id(conversation))
        return Presence(is_present=is_present, is_typing=audience.typing and is_typing)

    def disconnect(self, user: str, *, tenant: str = "", session: str | None = None) -> None:
        """Close the streams of a user, or of one of their sign-ins: they logged out.

        Here at once, and wherever the signals of the site reach.
        """
        named = None if session is None else digest(session)
        signed_out = SignedOut(user=User(TenantId(tenant), UserId(user)), session=named)
        # Here first, and whether or not the carrier brings it back.
        self._sign_out(signed_out)
        self._signals.tell(signed_out)

    def close(self) -> None:
        """End everything here; who asks for a stream later is told the same."""
        self._is_closed = True
        self._ear.close()
        for seat in self._room.everyone():
            seat.end(Reason.GOING_AWAY)
        self._watcher.close()

    async def _awaited(
        self, visitor: Visitor, seat: Seat, after: str | None, limit: int, until: float
    ) -> Changes:
        sign_in = self._sign_in(visitor.viewer)
        while True:
            seat.has_news = False
            found = await visitor.mailbox.changes(after=after, limit=limit)
            while not seat.has_news:
                left = min(until, sign_in.asks_at) - time.monotonic()
                if found.items or seat.ended_for is not None or time.monotonic() >= until:
                    return found
                await seat.bell.wait(left)
                if not await sign_in.holds():
                    raise NotSignedIn

    def _sign_in(self, viewer: Viewer) -> SignIn:
        return SignIn(self._world, self._site.is_current, self._site.check_every, viewer)

    def _seated(self, visitor: Visitor) -> Seat:
        self._ear.open()
        seat = Seat(visitor.mailbox.user, visitor.viewer, self._world.bell())
        self._room.take(seat)
        if self._is_closed:
            seat.end(Reason.GOING_AWAY)
        self._watcher.begin()
        return seat

    def _give_back(self, seat: Seat) -> None:
        """Free the place of a stream; whose last one it was is there no more."""
        if self._room.leave(seat):
            self._leave(seat.user)
            self._watcher.look()

    def _leave(self, user: User) -> None:
        self._signals.leave(user)
        if self._is_connected(user):
            # They came back at the same moment.
            self._signals.arrive(user, seconds=self._rhythm.present)

    def _is_connected(self, user: User) -> bool:
        return any(seat.ended_for is None for seat in self._room.of(user))

    def _give_up(self, seat: Seat) -> None:
        seat.end(Reason.STALLED)
        self._give_back(seat)

    def _hear(self, signal: Signal) -> None:
        if isinstance(signal, SignedOut):
            self._sign_out(signal)
            return
        self._typists.hear(signal)
        for seat in self._room.of(signal.recipient):
            seat.tell_typing(signal)

    def _sign_out(self, signed_out: SignedOut) -> None:
        for seat in self._room.of(signed_out.user):
            if signed_out.session in (None, digest(seat.viewer.session)):
                seat.end(Reason.SIGNED_OUT)
        if not self._is_connected(signed_out.user):
            self._leave(signed_out.user)
