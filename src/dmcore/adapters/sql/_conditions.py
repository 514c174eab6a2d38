"""Conditions that several statements share, and their parameters."""

from typing import Any

from sqlalchemy import Alias, BindParameter, ColumnElement, Table, Text, and_, bindparam, or_

from dmcore.adapters.sql._schema import Identifier


def text_param(name: str) -> BindParameter[str]:
    """A parameter that is an id of a user or a tenant, or a key."""
    return bindparam(name, type_=Text())


def id_param(name: str) -> BindParameter[Any]:
    """A parameter that is an id of a conversation or a message."""
    return bindparam(name, type_=Identifier())


TENANT = text_param("tenant")
CONVERSATION = id_param("conversation")


def has_side(conversation: Table | Alias, user: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``user`` of ``TENANT`` has a conversation: the condition of access (CONV-1)."""
    columns = conversation.c
    return and_(
        columns.tenant == TENANT,
        or_(
            and_(columns.low == user, columns.low_newest.is_not(None)),
            and_(columns.high == user, columns.high_newest.is_not(None)),
        ),
    )
