"""What a test reads off a world: messages with their gaps, a recount, who was told, what is kept.

Owns ways to look that the tests of several promises share, and the plainest history to look at.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import attrs
import pytest

from dmcore import Action, Body, DmcoreError, InboxEntry, Mailbox, Message
from dmcore.domain.conversation import Folder, Request
from dmcore.errors import AccessDenied
from dmcore.testing.harness import Harness
from dmcore.testing.world import World, anatomy, thread_of

NOWHERE: Final = UUID("01b8dd58-0000-7000-8000-000000000000")
"""The id of no message and of no conversation."""

PEOPLE: Final = ("ann", "bob", "cyd", "dan", "eve")

Told = list[tuple[Action, UUID | None]]


def says(message: Message | None) -> str | None:
    """The text of a message; ``None`` for one that was taken back."""
    assert message is not None
    return message.body.text if message.body is not None else None


def shown(box: Mailbox, conversation: UUID) -> list[str | None]:
    """What a whole conversation says, a gap for each message that was taken back."""
    return [says(message) for message in thread_of(box, conversation)]


def seen_in(box: Mailbox, conversation: UUID, message: UUID) -> Message:
    """One message, as the owner of the mailbox sees it."""
    (found,) = (it for it in thread_of(box, conversation) if it.id == message)
    return found


def seen_times(box: Mailbox, conversation: UUID) -> list[int | None]:
    """When each message of a conversation was seen, as far as this user is told."""
    return [message.seen_at_us for message in thread_of(box, conversation)]


def chain_of(box: Mailbox, conversation: UUID, root: UUID, *, limit: int = 100) -> list[Message]:
    """A whole thread, read from its newest page backwards, each page but the oldest full."""
    page = box.thread(conversation, root=root, limit=limit)
    found = list(page.items)
    while page.older is not None:
        assert page.has_more
        assert len(page.items) == limit
        page = box.thread(conversation, root=root, limit=limit, before=page.older)
        assert page.items
        found[:0] = page.items
    assert not page.has_more
    return found


def links(messages: Sequence[Message]) -> list[tuple[UUID | None, UUID | None]]:
    """What messages answer, and the first of their chains."""
    return [(message.reply_to, message.thread_id) for message in messages]


def unread_in(box: Mailbox, conversation: UUID) -> int:
    """The unread messages of one conversation, counted by hand from its pages."""
    marker = box.thread(conversation, limit=1).read
    return sum(
        message.sender != box.user.id
        and not message.is_deleted
        and (marker is None or message.id > marker)
        for message in thread_of(box, conversation)
    )


def check_counts(world: World, *users: str) -> None:
    """Every count and every line of every list is what the pages of the conversations say."""
    for user in users:
        box = world.dm.mailbox(user)
        folders = {Folder.INBOX: box.inbox, Folder.REQUESTS: box.requests}
        folders[Folder.ARCHIVED] = box.archived
        lists = {folder: read(limit=100).items for folder, read in folders.items()}
        for entries in lists.values():
            places = [(entry.newest, entry.conversation) for entry in entries]
            assert places == sorted(places, reverse=True)
            for entry in entries:
                messages = thread_of(box, entry.conversation)
                assert entry.preview == messages[-1]
                assert entry.newest == messages[-1].id
                assert entry.unread == unread_in(box, entry.conversation)
        _check_folders(box, lists)
        inbox = lists[Folder.INBOX]
        assert box.unread() == sum(unread_in(box, entry.conversation) for entry in inbox)


def _check_folders(box: Mailbox, lists: Mapping[Folder, Sequence[InboxEntry]]) -> None:
    """A conversation is listed once, where it says, or nowhere for a reason."""
    for other in PEOPLE:
        view = box.conversation_with(other) if other != box.user.id else None
        found = [name for name, entries in lists.items() for it in entries if it.other == other]
        if view is None:
            assert found == []
            continue
        messages = thread_of(box, view.conversation)
        assert found == ([] if view.folder is None else [view.folder])
        is_away = view.you_block or view.request is Request.DECLINED or not messages
        assert (view.folder is None) == is_away
        if not is_away and view.request is None:
            assert view.folder is (Folder.ARCHIVED if view.is_archived else Folder.INBOX)


@contextmanager
def news(world: World) -> Iterator[dict[str, Told]]:
    """What the block adds to the journals, for each user to whose journal it adds anything."""
    before = {user: len(world.journal(user)) for user in PEOPLE}
    told: dict[str, Told] = {}
    yield told
    for user in PEOPLE:
        facts = [entry.fact for entry in world.journal(user)[before[user] :]]
        if facts:
            told[user] = [(fact.action, fact.message) for fact in facts]


def check_all_denied(world: World, attempts: Sequence[Callable[[], object]]) -> None:
    """All attempts change nothing and are answered alike: there is no such thing (CONV-1)."""
    answers = []
    with world.unchanged():
        for attempt in attempts:
            with pytest.raises(AccessDenied) as caught:
                attempt()
            answers.append(anatomy(caught.value))
    assert answers == [answers[0]] * len(attempts)


def all_of(error: DmcoreError) -> str:
    """All that an error shows to whoever logs it, its causes included."""
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None:
        parts.append(f"{found!r} {found} {found.args} {vars(found)}")
        found = found.__cause__ or found.__context__
    return " ".join(parts)


def stored(harness: Harness) -> str:
    """Every value of every row that a store keeps, spelled out."""
    return "\n".join(_spelled(harness.contents()))


def _spelled(value: Any) -> Iterator[str]:
    if isinstance(value, Body):
        yield value.text
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _spelled(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _spelled(key)
            yield from _spelled(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _spelled(entry)
    else:
        yield str(value)


def written(world: World, *, by_ann: str = "", by_bob: str = "") -> list[Message]:
    """One message for each letter, those of ann first."""
    conversation: UUID | None = None
    messages: list[Message] = []
    for box, other, letters in ((world.ann, "bob", by_ann), (world.bob, "ann", by_bob)):
        for letter in letters:
            world.tick()
            message = box.send(conversation, letter) if conversation else box.start(other, letter)
            conversation = message.conversation
            messages.append(message)
    return messages


def at(world: World, seconds: int) -> int:
    """Move the clock to some seconds after the present moment, which it returns."""
    world.tick(seconds=seconds)
    return world.clock.now_us()
