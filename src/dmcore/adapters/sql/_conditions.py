"""What several statements share: their parameters, who sees what, and a message as it is seen."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import attrs
from sqlalchemy import (
    Alias,
    BindParameter,
    ColumnElement,
    Table,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from dmcore.adapters.sql._schema import Identifier, conversation, mailbox, message, receipt
from dmcore.domain.message import Message

_FIELDS: Final = tuple(attrs.fields_dict(Message))
_BEFORE_ALL: Final = literal(UUID(int=0), Identifier())


def text_param(name: str) -> BindParameter[str]:
    """A parameter that is an id of a user or a tenant, or a key."""
    return bindparam(name, type_=Text())


def id_param(name: str) -> BindParameter[Any]:
    """A parameter that is an id of a conversation or a message."""
    return bindparam(name, type_=Identifier())


TENANT = text_param("tenant")
CONVERSATION = id_param("conversation")


def has_side(table: Table | Alias, user: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``user`` of ``TENANT`` has a conversation: the condition of access (CONV-1)."""
    columns = table.c
    return and_(
        columns.tenant == TENANT,
        or_(
            and_(columns.low == user, columns.low_exists == true()),
            and_(columns.high == user, columns.high_exists == true()),
        ),
    )


def of_side(user: ColumnElement[str], name: str) -> ColumnElement[Any]:
    """A column of the side of ``user``, who is one of the pair."""
    columns = conversation.c
    return case((columns.low == user, columns[f"low_{name}"]), else_=columns[f"high_{name}"])


def other_than(user: ColumnElement[str]) -> ColumnElement[str]:
    """The partner of ``user``, who is one of the pair."""
    return case((conversation.c.low == user, conversation.c.high), else_=conversation.c.low)


def is_shown(reader: ColumnElement[str], table: Any = message) -> ColumnElement[bool]:
    """Whether ``reader`` would see a message if they blocked nobody; its conversation is joined."""
    columns = table.c
    cleared = of_side(reader, "cleared")
    return and_(
        or_(cleared.is_(None), columns.id > cleared),
        or_(
            and_(columns.sender == reader, columns.hidden_by_sender == false()),
            and_(
                columns.sender != reader,
                columns.sender_only == false(),
                columns.hidden_by_recipient == false(),
            ),
        ),
    )


def is_visible(reader: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``reader`` sees a message now, whose conversation is joined (see the port)."""
    return and_(
        is_shown(reader), or_(message.c.sender == reader, of_side(reader, "blocks") == false())
    )


def is_kept(reader: ColumnElement[str], table: Any = message) -> ColumnElement[bool]:
    """A bound for the index: nothing that ``reader`` cleared in ``CONVERSATION`` is even read."""
    talk = conversation.alias("cleared")
    cleared = case((talk.c.low == reader, talk.c.low_cleared), else_=talk.c.high_cleared)
    bound = select(func.coalesce(cleared, _BEFORE_ALL)).where(talk.c.id == CONVERSATION)
    newer: ColumnElement[bool] = table.c.id > bound.scalar_subquery()
    return newer


def shows_receipts(user: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a user of ``TENANT`` wants receipts (READ-2)."""
    return exists().where(
        mailbox.c.tenant == TENANT, mailbox.c.user_id == user, mailbox.c.receipts == true()
    )


def partner_shows_receipts(reader: ColumnElement[str]) -> ColumnElement[bool]:
    """The same of the partner in ``CONVERSATION``, asked once for all its messages."""
    talk = conversation.alias("talk")
    return exists().where(
        talk.c.id == CONVERSATION,
        mailbox.c.tenant == TENANT,
        mailbox.c.user_id == case((talk.c.low == reader, talk.c.high), else_=talk.c.low),
        mailbox.c.receipts == true(),
    )


def as_seen_by(
    reader: ColumnElement[str], *, partner_shows: ColumnElement[bool]
) -> tuple[ColumnElement[Any], ...]:
    """The columns of a message as ``reader`` sees it, in the order of ``domain.message.Message``.

    What is only for its sender is not even read for anybody else. ``partner_shows`` says whether
    the partner wants receipts.
    """
    columns = message.c
    is_own = columns.sender == reader
    is_edited = and_(is_own, columns.own_body.is_not(None))
    is_own_link = and_(is_own, columns.own_reply_to.is_not(None))
    seen_at_us = (
        select(receipt.c.at_us)
        .where(
            receipt.c.conversation_id == columns.conversation_id,
            receipt.c.reader == other_than(reader),
            receipt.c.through >= columns.id,
        )
        .order_by(receipt.c.through)
        .limit(1)
        .scalar_subquery()
    )
    return (
        columns.id,
        columns.conversation_id,
        columns.sender,
        case((is_edited, columns.own_body), else_=columns.body).label("body"),
        columns.sent_at_us,
        case((is_edited, columns.own_edited_at_us), else_=columns.edited_at_us).label(
            "edited_at_us"
        ),
        case((is_own_link, columns.own_reply_to), else_=columns.reply_to).label("reply_to"),
        case((is_own_link, columns.own_thread_id), else_=columns.thread_id).label("thread_id"),
        case((and_(is_own, shows_receipts(reader), partner_shows), seen_at_us)).label("seen_at_us"),
    )


def message_of(columns: Sequence[Any]) -> Message:
    """From the values of ``as_seen_by``."""
    return Message(**dict(zip(_FIELDS, columns, strict=True)))
