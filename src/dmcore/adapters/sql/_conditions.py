"""Conditions that several statements share, and their parameters."""

from typing import Any

from sqlalchemy import (
    Alias,
    BindParameter,
    ColumnElement,
    Table,
    Text,
    and_,
    bindparam,
    case,
    false,
    or_,
)

from dmcore.adapters.sql._schema import Identifier, conversation, message


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
            and_(columns.low == user, columns.low_newest.is_not(None)),
            and_(columns.high == user, columns.high_newest.is_not(None)),
        ),
    )


def of_side(
    user: ColumnElement[str], low: ColumnElement[Any], high: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The value of the side of ``user``, who is one of the pair."""
    return case((conversation.c.low == user, low), else_=high)


def is_visible(reader: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``reader`` sees a message now, whose conversation is joined (see the port)."""
    blocks = of_side(reader, conversation.c.low_blocks, conversation.c.high_blocks)
    return or_(
        message.c.sender == reader, and_(message.c.sender_only == false(), blocks == false())
    )
