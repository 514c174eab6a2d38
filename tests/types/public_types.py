"""What a host's type checker knows of dmcore. mypy reads this file; nothing runs it."""

from datetime import datetime, timedelta
from typing import assert_type
from uuid import UUID

from dmcore import (
    AsyncDirectMessages,
    AsyncMailbox,
    AsyncOperations,
    Block,
    Body,
    Changes,
    ConversationView,
    DirectMessages,
    Directory,
    Entry,
    Exported,
    Fact,
    Finding,
    Gate,
    InboxEntry,
    Introduction,
    Mailbox,
    Message,
    Mode,
    Operations,
    Page,
    Permission,
    Policy,
    Preferences,
    Profile,
    RateLimit,
    Snapshot,
    StoreStatus,
    ThreadPage,
    User,
    UserId,
    json_line,
)
from dmcore.adapters import memory, sql


class Users:
    """A host's directory is any class with the method."""

    def introduce(self, sender: User, recipient: User) -> Introduction:
        is_known = sender.tenant == recipient.tenant
        return Introduction(sender=Profile(roles=["member"]) if is_known else None, recipient=None)


def opening(directory: Directory) -> None:
    policy = Policy(
        messages=RateLimit(20, timedelta(minutes=1)),
        starts=None,
        gates=[Gate(sender_roles={"company"}, needs_subscription=True)],
    )
    assert_type(memory.open_sync(policy=policy, directory=directory), DirectMessages)
    assert_type(sql.open_sync("sqlite:///dm.db", directory=Users()), DirectMessages)
    with sql.open_sync("postgresql://host/dm") as dm:
        assert_type(dm, DirectMessages)
        assert_type(dm.mailbox("ann", tenant="north"), Mailbox)
        assert_type(dm.operations("olga"), Operations)


def participating(ann: Mailbox, conversation: UUID) -> None:
    message = ann.start("bob", "hello", key="k")
    assert_type(message, Message)
    assert_type(message.body, Body | None)
    assert_type(message.seen_at, datetime | None)
    assert_type(ann.send(conversation, "hi", reply_to=message.id), Message)
    assert_type(ann.edit(conversation, message.id, "hey"), Message)
    assert_type(ann.inbox(), Page[InboxEntry])
    assert_type(ann.inbox().items, tuple[InboxEntry, ...])
    assert_type(ann.requests(), Page[InboxEntry])
    assert_type(ann.thread(str(conversation)), ThreadPage)
    assert_type(ann.conversation(conversation), ConversationView)
    assert_type(ann.conversation_with("bob"), ConversationView | None)
    assert_type(ann.can_message("bob"), Permission)
    assert_type(ann.can_message("bob").retry_after, timedelta | None)
    assert_type(ann.changes(), Changes)
    assert_type(ann.changes().items, tuple[Fact, ...])
    assert_type(ann.snapshot(), Snapshot)
    assert_type(ann.export(), Page[Exported])
    assert_type(json_line(ann.export().items[0]), str)
    assert_type(ann.unread(), int)
    assert_type(ann.blocked(), Page[Block])
    assert_type(ann.can_see_profile("bob"), bool)
    assert_type(ann.visible_profiles(["bob"]), frozenset[UserId])
    assert_type(ann.preferences(), Preferences)
    ann.set_preferences(Preferences(open_to="nobody"))


def operating(olga: Operations, now: datetime) -> None:
    assert_type(olga.set_mode("on"), Mode)
    assert_type(olga.status(), StoreStatus)
    assert_type(olga.audit("ann"), Page[Entry])
    assert_type(olga.verify(), tuple[Finding, ...])
    assert_type(olga.prune_journals(before=now), int)


async def awaiting() -> None:
    async with await sql.open_async("sqlite:///dm.db") as dm:
        assert_type(dm, AsyncDirectMessages)
        ann = dm.mailbox("ann")
        assert_type(ann, AsyncMailbox)
        assert_type(await ann.inbox(), Page[InboxEntry])
        assert_type(await ann.can_message("bob"), Permission)
        assert_type(dm.operations("olga"), AsyncOperations)


def misusing(ann: Mailbox) -> None:
    """What a type checker must refuse; an ignore that is not needed is an error."""
    ann.start("bob")  # type: ignore[call-arg]
    ann.start("bob", "hello", "k")  # type: ignore[call-arg]
    ann.send(7, "hello")  # type: ignore[arg-type]
    ann.inbox(limit="20")  # type: ignore[arg-type]
    ann.unread().items  # type: ignore[attr-defined]  # noqa: B018
    ann.start("bob", "hello").body.text  # type: ignore[union-attr]  # noqa: B018
