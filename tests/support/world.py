"""A small world on one store: a clock set by hand, five people, an operator, and ways to look."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from uuid import UUID

from tests.support.stores import Harness

from dmcore import (
    DirectMessages,
    DmcoreError,
    Entry,
    InboxEntry,
    Mailbox,
    Message,
    Page,
    Policy,
    ThreadPage,
)
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.ports.ids import Entropy

NOON_US: Final = 1_893_499_200_123_456
SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
DAY_US: Final = 24 * 60 * MINUTE_US

UNLIMITED: Final = Policy(messages=None, starts=None)
ABSORBING: Final = Policy(messages=None, starts=None, blocked="absorb")

Item = TypeVar("Item")


class World:
    """People who write to each other on one store."""

    def __init__(
        self,
        harness: Harness,
        *,
        policy: Policy = UNLIMITED,
        mode: str | None = "on",
        entropy: Entropy | None = None,
    ) -> None:
        self.harness = harness
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
        """The same store once more, by the same clock."""
        return self.harness.open(policy=policy, clock=self.clock, entropy=entropy or self.entropy)

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


def thread_of(box: Mailbox, conversation: UUID, *, limit: int = 100) -> list[Message]:
    """The whole conversation, oldest first, read from the newest page backwards."""
    pages = [box.thread(conversation, limit=limit)]
    while pages[0].older is not None:
        pages.insert(0, box.thread(conversation, limit=limit, before=pages[0].older))
    return [message for page in pages for message in page.items]


def texts(messages: ThreadPage | list[Message]) -> list[str]:
    """What messages say."""
    found = messages.items if isinstance(messages, ThreadPage) else messages
    return [message.body.text for message in found]


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
