"""Between rows and values of the domain, in both directions."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Executable, Row, RowMapping

from dmcore.adapters.sql._schema import message as message_table
from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Request, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.message import Edit, Link, Message, Posting, Receipt
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import Preferences
from dmcore.errors import NotInitialised

_PREFERENCES: Final = ("open_to", "receipts", "typing", "presence")
_MESSAGE: Final = tuple(message_table.columns.keys())


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
        "pruned": account.pruned,
        "unread": account.unread,
        "sends": account.sends,
        "starts": account.starts,
        **preferences_row(account.preferences),
    }


def preferences_row(preferences: Preferences) -> dict[str, object]:
    return {
        "open_to": preferences.open_to.value,
        "receipts": preferences.receipts,
        "typing": preferences.typing,
        "presence": preferences.presence,
    }


def preferences_of(columns: RowMapping, prefix: str = "") -> Preferences:
    return _preferences(*(columns[f"{prefix}{name}"] for name in _PREFERENCES))


@cache
def _preferences(open_to: str, receipts: bool, typing: bool, presence: bool) -> Preferences:
    return Preferences(open_to=open_to, receipts=receipts, typing=typing, presence=presence)


def account_of(user: User, row: Row[Any], prefix: str = "") -> Account:
    """From a row that carries the columns of ``dm_mailbox`` under their names after ``prefix``."""
    columns = row._mapping
    return Account(
        user=user,
        position=columns[f"{prefix}position"],
        pruned=columns[f"{prefix}pruned"],
        unread=columns[f"{prefix}unread"],
        sends=columns[f"{prefix}sends"],
        starts=columns[f"{prefix}starts"],
        preferences=preferences_of(columns, prefix),
    )


def conversation_row(conversation: Conversation) -> dict[str, object]:
    pair = conversation.pair
    return {
        "id": conversation.id,
        "tenant": pair.tenant,
        "low": pair.low,
        "high": pair.high,
        "newest": conversation.newest,
        **_side_columns("low", conversation.low),
        **_side_columns("high", conversation.high),
    }


def _side_columns(name: str, side: Side) -> dict[str, object]:
    return {
        f"{name}_exists": side.exists,
        f"{name}_newest": side.newest,
        f"{name}_read": side.read,
        f"{name}_said": side.said,
        f"{name}_heard": side.heard,
        f"{name}_told": side.told,
        f"{name}_cleared": side.cleared,
        f"{name}_unread": side.unread,
        f"{name}_blocks": side.blocks,
        f"{name}_is_muted": side.is_muted,
        f"{name}_is_archived": side.is_archived,
        f"{name}_request": None if side.request is None else side.request.value,
        f"{name}_asked": side.asked,
    }


def conversation_of(row: Row[Any]) -> Conversation:
    """From a row that carries every column of ``dm_conversation`` under its own name."""
    return Conversation(
        id=row.id,
        pair=Pair(row.tenant, row.low, row.high),
        newest=row.newest,
        low=Side(
            exists=row.low_exists,
            newest=row.low_newest,
            read=row.low_read,
            said=row.low_said,
            heard=row.low_heard,
            told=row.low_told,
            cleared=row.low_cleared,
            unread=row.low_unread,
            blocks=row.low_blocks,
            is_muted=row.low_is_muted,
            is_archived=row.low_is_archived,
            request=None if row.low_request is None else Request(row.low_request),
            asked=row.low_asked,
        ),
        high=Side(
            exists=row.high_exists,
            newest=row.high_newest,
            read=row.high_read,
            said=row.high_said,
            heard=row.high_heard,
            told=row.high_told,
            cleared=row.high_cleared,
            unread=row.high_unread,
            blocks=row.high_blocks,
            is_muted=row.high_is_muted,
            is_archived=row.high_is_archived,
            request=None if row.high_request is None else Request(row.high_request),
            asked=row.high_asked,
        ),
    )


def side_row(conversation: Conversation, user: User) -> dict[str, object] | None:
    """What the lists of ``user`` show of a conversation; ``None`` where they do not show it."""
    listing = conversation.side_of(user.id).listing
    if listing is None:
        return None
    return {
        "tenant": user.tenant,
        "user_id": user.id,
        "conversation_id": conversation.id,
        "other": conversation.pair.other_than(user.id),
        "folder": listing.folder.value,
        "newest": listing.newest,
        "read": listing.read,
        "unread": listing.unread,
        "is_muted": listing.is_muted,
    }


def posting_row(posting: Posting) -> dict[str, object]:
    message, own_edit, own_link = posting.message, posting.own_edit, posting.own_link
    return {
        "conversation_id": message.conversation,
        "id": message.id,
        "sender": message.sender,
        "body": message.body,
        "sent_at_us": message.sent_at_us,
        "edited_at_us": message.edited_at_us,
        "reply_to": message.reply_to,
        "thread_id": message.thread_id,
        "sender_only": posting.sender_only,
        "hidden_by_sender": posting.hidden_by_sender,
        "hidden_by_recipient": posting.hidden_by_recipient,
        "own_body": None if own_edit is None else own_edit.body,
        "own_edited_at_us": None if own_edit is None else own_edit.at_us,
        "own_reply_to": None if own_link is None else own_link.reply_to,
        "own_thread_id": None if own_link is None else own_link.thread_id,
        "key": posting.key,
        "fingerprint": posting.fingerprint,
    }


def posting_of(row: Row[Any], prefix: str = "") -> Posting:
    """From a row that carries the columns of ``dm_message`` under their names after ``prefix``."""
    column = {name: row._mapping[f"{prefix}{name}"] for name in _MESSAGE}
    own_body, own_reply_to = column["own_body"], column["own_reply_to"]
    return Posting(
        message=Message(
            id=column["id"],
            conversation=column["conversation_id"],
            sender=column["sender"],
            body=column["body"],
            sent_at_us=column["sent_at_us"],
            edited_at_us=column["edited_at_us"],
            reply_to=column["reply_to"],
            thread_id=column["thread_id"],
        ),
        key=column["key"],
        fingerprint=column["fingerprint"],
        sender_only=bool(column["sender_only"]),
        own_edit=None
        if own_body is None
        else Edit(body=own_body, at_us=column["own_edited_at_us"]),
        own_link=None
        if own_reply_to is None
        else Link(reply_to=own_reply_to, thread_id=column["own_thread_id"]),
        hidden_by_sender=bool(column["hidden_by_sender"]),
        hidden_by_recipient=bool(column["hidden_by_recipient"]),
    )


def receipt_row(receipt: Receipt) -> dict[str, object]:
    return {
        "conversation_id": receipt.conversation,
        "reader": receipt.reader,
        "through": receipt.through,
        "at_us": receipt.at_us,
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
