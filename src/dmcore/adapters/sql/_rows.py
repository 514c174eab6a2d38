"""Between rows and values of the domain, in both directions."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Row

from dmcore.domain.account import Account
from dmcore.domain.body import Body
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.message import Message, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.errors import NotInitialised


def rows_of(
    connection: Connection, statement: Executable, facts: Mapping[str, object]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a statement that begins at the installation record, so there is at least one.

    Raises ``NotInitialised`` where even the record is gone.
    """
    rows = connection.execute(statement, facts).all()
    if not rows:
        raise NotInitialised
    return rows


def account_row(account: Account) -> dict[str, object]:
    return {
        "tenant": account.user.tenant,
        "user_id": account.user.id,
        "position": account.position,
        "unread": account.unread,
        "sends": account.sends,
        "starts": account.starts,
    }


def account_of(user: User, row: Row[Any], prefix: str = "") -> Account:
    """From a row that carries the columns of ``dm_mailbox`` under their names after ``prefix``."""
    columns = row._mapping
    return Account(
        user=user,
        position=columns[f"{prefix}position"],
        unread=columns[f"{prefix}unread"],
        sends=columns[f"{prefix}sends"],
        starts=columns[f"{prefix}starts"],
    )


def conversation_row(conversation: Conversation) -> dict[str, object]:
    pair, low, high = conversation.pair, conversation.low, conversation.high
    return {
        "id": conversation.id,
        "tenant": pair.tenant,
        "low": pair.low,
        "high": pair.high,
        "newest": conversation.newest,
        "low_newest": low.newest,
        "low_read": low.read,
        "low_unread": low.unread,
        "low_blocks": low.blocks,
        "high_newest": high.newest,
        "high_read": high.read,
        "high_unread": high.unread,
        "high_blocks": high.blocks,
    }


def conversation_of(row: Row[Any]) -> Conversation:
    """From a row that carries every column of ``dm_conversation`` under its own name."""
    return Conversation(
        id=row.id,
        pair=Pair(row.tenant, row.low, row.high),
        newest=row.newest,
        low=Side(
            newest=row.low_newest,
            read=row.low_read,
            unread=row.low_unread,
            blocks=row.low_blocks,
        ),
        high=Side(
            newest=row.high_newest,
            read=row.high_read,
            unread=row.high_unread,
            blocks=row.high_blocks,
        ),
    )


def side_row(conversation: Conversation, user: User) -> dict[str, object]:
    side = conversation.side_of(user.id)
    return {
        "tenant": user.tenant,
        "user_id": user.id,
        "conversation_id": conversation.id,
        "other": conversation.pair.other_than(user.id),
        "newest": side.newest,
        "read": side.read,
        "unread": side.unread,
        "blocks": side.blocks,
    }


def message_of(
    conversation: ConversationId, id_: MessageId, sender: UserId, body: Body, sent_at_us: int
) -> Message:
    return Message(
        id=id_, conversation=conversation, sender=sender, body=body, sent_at_us=sent_at_us
    )


def posting_row(posting: Posting) -> dict[str, object]:
    message = posting.message
    return {
        "conversation_id": message.conversation,
        "id": message.id,
        "sender": message.sender,
        "body": message.body,
        "sent_at_us": message.sent_at_us,
        "sender_only": posting.sender_only,
        "key": posting.key,
    }


def entry_row(entry: Entry) -> dict[str, object]:
    fact = entry.fact
    return {
        "tenant": entry.owner.tenant,
        "user_id": entry.owner.id,
        "position": entry.position,
        "at_us": fact.at_us,
        "action": fact.action.value,
        "actor": fact.actor,
        "other": fact.other,
        "conversation_id": fact.conversation,
        "message_id": fact.message,
        "mode": None if fact.mode is None else fact.mode.value,
    }


def entry_of(row: Row[Any]) -> Entry:
    """From a row that carries every column of ``dm_journal`` under its own name."""
    return Entry(
        owner=User(row.tenant, row.user_id),
        position=row.position,
        fact=Fact(
            action=Action(row.action),
            actor=row.actor,
            at_us=row.at_us,
            other=row.other,
            conversation=row.conversation_id,
            message=row.message_id,
            mode=None if row.mode is None else Mode(row.mode),
        ),
    )
