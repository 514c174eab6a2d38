"""A small world on one store: a clock set by hand, five people, an operator, and ways to look."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

from dmcore import (
    DirectMessages,
    DmcoreError,
    Entry,
    Exported,
    Fact,
    InboxEntry,
    Mailbox,
    Message,
    Page,
    Policy,
    ThreadPage,
)
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.domain.conversation import Folder
from dmcore.domain.feed import Changes
from dmcore.domain.preferences import Preferences
from dmcore.ports.directory import Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.screening import Screener, WhenBroken
from dmcore.testing.harness import Harness

NOON_US: Final = 1_893_499_200_123_456
SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
DAY_US: Final = 24 * 60 * MINUTE_US

UNLIMITED: Final = Policy(messages=None, starts=None, edits=None)
ABSORBING: Final = Policy(messages=None, starts=None, edits=None, blocked="absorb")

Item = TypeVar("Item")


def asking(most: int = 1, **rules: Any) -> Policy:
    """A policy under which a first message asks for consent, and ``most`` may be written."""
    given: dict[str, Any] = {"messages": None, "starts": None, "edits": None, **rules}
    return Policy(requests="ask", request_messages=most, **given)


class World:
    """People who write to each other on one store."""

    def __init__(
        self,
        harness: Harness,
        *,
        policy: Policy = UNLIMITED,
        mode: str | None = "on",
        entropy: Entropy | None = None,
        directory: Directory | None = None,
        screeners: Sequence[Screener] = (),
        when_screener_breaks: WhenBroken = "refuse",
    ) -> None:
        self.harness = harness
        self.directory = directory
        self.screeners = screeners
        self.when_screener_breaks = when_screener_breaks
        self.clock = ManualClock(NOON_US)
        self.entropy = entropy or SeededEntropy("world")
        self.dm = self.open(policy)
        self.olga = self.dm.operations("olga")
        if mode is not None:
            self.olga.set_mode(mode)
        self.ann, self.bob, self.cyd, self.dan, self.eve = map(
            self.dm.mailbox, ("ann", "bob", "cyd", "dan", "eve")
        )

    def open(self, policy: Policy = UNLIMITED, *, entropy: Entropy | None = None) -> DirectMessages:
        """The same store once more: by the same clock, with the same directory and screeners."""
        return self.harness.open(
            policy=policy,
            clock=self.clock,
            entropy=entropy or self.entropy,
            directory=self.directory,
            screeners=self.screeners,
            when_screener_breaks=self.when_screener_breaks,
        )

    def tick(self, *, seconds: float = 1, us: int = 0) -> None:
        """Let time pass."""
        self.clock.advance(seconds=seconds, us=us)

    def journal(self, user: str, *, tenant: str = "") -> list[Entry]:
        """All that the journal tells about one user."""
        pages = walked(
            lambda cursor: self.olga.audit(user, tenant=tenant, limit=100, cursor=cursor)
        )
        return [entry for page in pages for entry in page.items]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever the block does leaves every stored row as it was."""
        before = self.harness.contents()
        yield
        assert self.harness.contents() == before

    def is_sound(self) -> bool:
        return self.olga.verify() == ()


class MakeWorld:
    """Makes worlds on the store of the test."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def __call__(
        self,
        policy: Policy = UNLIMITED,
        *,
        mode: str | None = "on",
        entropy: Entropy | None = None,
    ) -> World:
        return World(self._harness, policy=policy, mode=mode, entropy=entropy)


def walked(fetch: Callable[[str | None], Page[Item]]) -> list[Page[Item]]:
    """Every page of a list, from the first to the last."""
    pages = [fetch(None)]
    while pages[-1].next is not None:
        pages.append(fetch(pages[-1].next))
    return pages


def inbox_of(box: Mailbox, *, limit: int = 100) -> list[InboxEntry]:
    """The whole inbox."""
    pages = walked(lambda cursor: box.inbox(limit=limit, cursor=cursor))
    return [entry for page in pages for entry in page.items]


def requests_of(box: Mailbox) -> list[InboxEntry]:
    """All requests."""
    pages = walked(lambda cursor: box.requests(limit=100, cursor=cursor))
    return [entry for page in pages for entry in page.items]


def facts_of(box: Mailbox, *, after: str | None = None, limit: int = 100) -> list[Fact]:
    """The whole feed after a cursor, page by page."""
    facts: list[Fact] = []
    has_more = True
    while has_more:
        page = box.changes(after=after, limit=limit)
        facts += page.items
        after, has_more = page.next, page.has_more
    return facts


def export_of(box: Mailbox, *, limit: int = 100) -> list[Exported]:
    """The whole export."""
    pages = walked(lambda cursor: box.export(limit=limit, cursor=cursor))
    return [thing for page in pages for thing in page.items]


def busy(world: World) -> None:
    """A day of Ann's, with all that can come into a feed."""
    begun = world.ann.start("bob", "the door code is zebra", key="open sesame")
    it = begun.conversation
    world.bob.mark_read(it, through=begun.id)
    reply = world.bob.send(it, "zebra it is", reply_to=begun.id)
    world.ann.mark_read(it, through=reply.id)
    world.bob.edit(it, reply.id, "okapi it is")
    world.ann.delete(it, begun.id)
    world.ann.mute(it)
    world.ann.archive(it)
    world.ann.unarchive(it)
    world.ann.unmute(it)
    world.ann.hide(it, reply.id)
    world.ann.clear(it)
    world.cyd.start("ann", "x")
    world.ann.block("cyd")
    world.ann.unblock("cyd")
    world.ann.set_preferences(Preferences(typing=False))


def feed_pages_of(box: Mailbox, *, limit: int) -> list[Changes]:
    """The whole feed in pages of one size."""
    pages = [box.changes(limit=limit)]
    while pages[-1].has_more:
        pages.append(box.changes(after=pages[-1].next, limit=limit))
    return pages


def outlook(box: Mailbox, *partners: str) -> dict[str, object]:
    """Everything that a user can look at: lists, totals, threads, views, feed, export, answers.

    ``partners`` are those about whom they ask by name.
    """
    folders = {
        Folder.INBOX: inbox_of(box),
        Folder.REQUESTS: requests_of(box),
        Folder.ARCHIVED: [it for page in walked(_archived(box)) for it in page.items],
    }
    views = {other: box.conversation_with(other) for other in partners}
    had = {view.conversation for view in views.values() if view is not None}
    return {
        "folders": folders,
        "views": views,
        "threads": {it: box.thread(it, limit=100) for it in sorted(had)},
        "unread": box.unread(),
        "feed": box.changes(limit=100),
        "snapshot": box.snapshot(limit=100),
        "export": export_of(box),
        "blocked": box.blocked(limit=100),
        "preferences": box.preferences(),
        "permissions": {other: box.can_message(other) for other in partners},
    }


def _archived(box: Mailbox) -> Callable[[str | None], Page[InboxEntry]]:
    return lambda cursor: box.archived(limit=100, cursor=cursor)


def thread_of(box: Mailbox, conversation: UUID, *, limit: int = 100) -> list[Message]:
    """The whole conversation, oldest first, read from the newest page backwards."""
    pages = [box.thread(conversation, limit=limit)]
    while pages[0].older is not None:
        pages.insert(0, box.thread(conversation, limit=limit, before=pages[0].older))
    return [message for page in pages for message in page.items]


def text_of(message: Message) -> str:
    """What a message says, which nobody took back."""
    assert message.body is not None, "this message was taken back"
    return message.body.text


def texts(messages: ThreadPage | list[Message]) -> list[str]:
    """What messages say."""
    found = messages.items if isinstance(messages, ThreadPage) else messages
    return [text_of(message) for message in found]


def others(entries: Page[InboxEntry] | list[InboxEntry]) -> list[str]:
    """With whom conversations are."""
    found = entries.items if isinstance(entries, Page) else entries
    return [entry.other for entry in found]


def anatomy(error: DmcoreError) -> tuple[object, ...]:
    """Everything about an error that somebody could tell it apart by."""
    return (
        type(error),
        str(error),
        error.args,
        error.details,
        error.code,
        error.http_status,
        vars(error),
        error.__cause__,
        error.__context__,
        getattr(error, "__notes__", None),
    )
