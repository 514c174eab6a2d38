"""The reads of a mailbox as SQLAlchemy Core statements, each the shortest way to its rows."""

from typing import Any, Final

from bench.floors import INBOX_PAGE, THREAD_PAGE
from bench.population import TENANT
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from dmcore.adapters.sql import metadata

_installation = metadata.tables["dm_installation"].c
_mailbox = metadata.tables["dm_mailbox"].c
_conversation = metadata.tables["dm_conversation"].c
_side = metadata.tables["dm_side"].c
_message = metadata.tables["dm_message"].c
_block = metadata.tables["dm_block"].c
_receipt = metadata.tables["dm_receipt"].c

_USER: Final = bindparam("user", type_=Text())


def _shows(user: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(
        _mailbox.tenant == TENANT, _mailbox.user_id == user, _mailbox.receipts == true()
    )


def _as_seen(other: ColumnElement[str]) -> tuple[ColumnElement[Any], ...]:
    """A message as its reader sees it, with the first receipt that covers it if it is their own."""
    is_own = _message.sender == _USER
    seen_at_us = (
        select(_receipt.at_us)
        .where(
            _receipt.conversation_id == _message.conversation_id,
            _receipt.reader == other,
            _receipt.through >= _message.id,
        )
        .order_by(_receipt.through)
        .limit(1)
        .scalar_subquery()
    )

    def own_or_shared(own: ColumnElement[Any], shared: ColumnElement[Any]) -> ColumnElement[Any]:
        return case((is_own, func.coalesce(own, shared)), else_=shared)

    return (
        _message.sender,
        own_or_shared(_message.own_body, _message.body),
        _message.sent_at_us,
        own_or_shared(_message.own_edited_at_us, _message.edited_at_us),
        own_or_shared(_message.own_reply_to, _message.reply_to),
        own_or_shared(_message.own_thread_id, _message.thread_id),
        case((and_(is_own, _shows(_USER), _shows(other)), seen_at_us)),
    )


_IS_SHOWN: Final = or_(
    and_(_message.sender == _USER, _message.hidden_by_sender == false()),
    and_(
        _message.sender != _USER,
        _message.sender_only == false(),
        _message.hidden_by_recipient == false(),
    ),
)


def _inbox() -> Select[Any]:
    page = (
        select(
            _side.conversation_id,
            _side.other,
            _side.newest,
            _side.read,
            _side.unread,
            _side.is_muted,
        )
        .where(_side.tenant == TENANT, _side.user_id == _USER, _side.folder == "inbox")
        .order_by(_side.newest.desc(), _side.conversation_id.desc())
        .limit(INBOX_PAGE + 1)
        .subquery("page")
    )
    is_preview = and_(
        _message.conversation_id == page.c.conversation_id,
        _message.id == page.c.newest,
        _IS_SHOWN,
    )
    return (
        select(_installation.mode, page, *_as_seen(page.c.other))
        .select_from(metadata.tables["dm_installation"])
        .outerjoin(page, true())
        .outerjoin(metadata.tables["dm_message"], is_preview)
        .order_by(page.c.newest.desc(), page.c.conversation_id.desc())
    )


def _thread(*, deep: bool) -> Select[Any]:
    is_low = _conversation.low == _USER
    has_it = or_(
        and_(is_low, _conversation.low_exists == true()),
        and_(_conversation.high == _USER, _conversation.high_exists == true()),
    )
    other = case((is_low, _conversation.high), else_=_conversation.low)
    cleared = case((is_low, _conversation.low_cleared), else_=_conversation.high_cleared)
    blocks = case((is_low, _conversation.low_blocks), else_=_conversation.high_blocks)
    is_shown = and_(
        _message.conversation_id == _conversation.id,
        _IS_SHOWN,
        or_(_message.sender == _USER, blocks == false()),
        or_(cleared.is_(None), _message.id > cleared),
    )
    # A join from the outside in, in index order: SQLite stops at the limit.
    found = (
        select(
            _installation.mode,
            other,
            case((is_low, _conversation.low_read), else_=_conversation.high_read),
            _message.id,
            *_as_seen(other),
        )
        .select_from(metadata.tables["dm_installation"])
        .outerjoin(
            metadata.tables["dm_conversation"],
            and_(
                _conversation.id == bindparam("conversation", type_=_conversation.id.type),
                _conversation.tenant == TENANT,
                has_it,
            ),
        )
    )
    if deep:
        before = bindparam("before", type_=_message.id.type)
        is_shown = and_(is_shown, _message.id < before)
    return (
        found.outerjoin(metadata.tables["dm_message"], is_shown)
        .order_by(_message.id.desc())
        .limit(THREAD_PAGE + 1)
    )


INBOX: Final = _inbox()
NEWEST: Final = _thread(deep=False)
BEFORE: Final = _thread(deep=True)
UNREAD: Final = (
    select(_installation.mode, func.coalesce(_mailbox.unread, 0))
    .select_from(metadata.tables["dm_installation"])
    .outerjoin(
        metadata.tables["dm_mailbox"], and_(_mailbox.tenant == TENANT, _mailbox.user_id == _USER)
    )
)
BLOCKS: Final = select(
    _installation.mode,
    exists().where(
        _block.tenant == TENANT, _block.blocker == _USER, _block.blocked == bindparam("other")
    ),
)
