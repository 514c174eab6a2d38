"""What several statements share: their parameters, who sees what, and a message as it is seen."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CTE,
    Alias,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Label,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
)

from dmcore.adapters.sql._schema import (
    Identifier,
    conversation,
    erasure,
    installation,
    mailbox,
    message,
    receipt,
)
from dmcore.domain.ids import MessageId, User
from dmcore.domain.mode import Mode
from dmcore.domain.pseudonyms import pseudonym_of
from dmcore.errors import AccountErased

_BEFORE_ALL: Final = literal(UUID(int=0), Identifier())
_LOWEST: Final = MessageId(UUID(int=0))


def part(core: Select[Any] | CompoundSelect[Any], name: str) -> CTE:
    """A part of a statement that is read by itself: rows of one user, or of one conversation.

    On Citus each is one machine's, in one state, and only what was found travels: no join crosses
    from one to the other (SCALE-1, ADR 71).
    """
    return core.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")


def text_param(name: str) -> BindParameter[str]:
    """A parameter that is an id of a user or a tenant, or a key."""
    return bindparam(name, type_=Text())


def id_param(name: str) -> BindParameter[Any]:
    """A parameter that is an id of a conversation or a message."""
    return bindparam(name, type_=Identifier())


TENANT = text_param("tenant")
CONVERSATION = id_param("conversation")
SINCE = id_param("since")
"""Below which nothing is there any more; below every id where all is kept (GDPR-2)."""


def since_param(since: MessageId | None) -> dict[str, Any]:
    """The parameter of ``SINCE``."""
    return {"since": _LOWEST if since is None else since}


def is_erased_as(pseudonym: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the ledger knows who would have this pseudonym in ``TENANT`` (GDPR-1)."""
    return exists().where(erasure.c.tenant == TENANT, erasure.c.pseudonym == pseudonym)


_ERASED: Final = "erased"


def standing(mode: ColumnElement[Any]) -> Label[Any]:
    """In the place of the mode, for who reads: whether they were erased, in the same statement."""
    is_erased = is_erased_as(text_param("erased_as"))
    return case((is_erased, literal(_ERASED)), else_=mode).label("mode")


STANDING = standing(installation.c.mode)


def standing_params(namespace: bytes, user: User) -> dict[str, Any]:
    """The parameters of ``STANDING``, the tenant among them."""
    return {"tenant": user.tenant, "erased_as": pseudonym_of(namespace, user).id}


def mode_of(standing: str) -> Mode:
    """The mode, for who may read. Raises ``AccountErased``."""
    if standing == _ERASED:
        raise AccountErased
    return Mode(standing)


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


def of_side(user: ColumnElement[str], name: str, table: Any = conversation) -> ColumnElement[Any]:
    """A column of the side of ``user``, who is one of the pair."""
    columns = table.c
    return case((columns.low == user, columns[f"low_{name}"]), else_=columns[f"high_{name}"])


def other_than(user: ColumnElement[str], table: Any = conversation) -> ColumnElement[str]:
    """The partner of ``user``, who is one of the pair."""
    columns = table.c
    return case((columns.low == user, columns.high), else_=columns.low)


def is_shown(reader: ColumnElement[str], table: Any = message) -> ColumnElement[bool]:
    """Whether ``reader`` would see a message if they blocked nobody; its conversation is joined."""
    cleared = of_side(reader, "cleared")
    return and_(or_(cleared.is_(None), table.c.id > cleared), is_for(reader, table))


def is_for(reader: ColumnElement[str], table: Any = message) -> ColumnElement[bool]:
    """What a message itself says of whether ``reader`` would see it."""
    columns = table.c
    return or_(
        and_(columns.sender == reader, columns.hidden_by_sender == false()),
        and_(
            columns.sender != reader,
            columns.sender_only == false(),
            columns.hidden_by_recipient == false(),
        ),
    )


def expired_unread(
    reader: ColumnElement[str],
    place: ColumnElement[Any],
    *,
    unread: ColumnElement[Any],
    read: ColumnElement[Any],
) -> ColumnElement[Any]:
    """How many of the ``unread`` messages that ``reader`` has at ``place`` are below ``SINCE``.

    Counted only where the marker ``read`` is below it too. What is counted was not removed yet, so
    where pruning comes around it is little or nothing.
    """
    marker = func.coalesce(read, _BEFORE_ALL)
    counted = (
        select(func.count())
        .select_from(_OLD)
        .join(_OLD_TALK, _OLD_TALK.c.id == _OLD.c.conversation_id)
        .where(_OLD.c.conversation_id == place, *_is_expired(reader, marker))
        .scalar_subquery()
    )
    is_exact = or_(unread == 0, marker >= SINCE)
    return case((is_exact, 0), else_=counted)


_OLD, _OLD_TALK = message.alias("old"), conversation.alias("old_talk")


def _is_expired(
    reader: ColumnElement[str], marker: ColumnElement[Any]
) -> Iterator[ColumnElement[bool]]:
    """Whether ``_OLD`` in ``_OLD_TALK`` is below ``SINCE``, and unread behind ``marker``."""
    old, cleared = _OLD.c, func.coalesce(of_side(reader, "cleared", _OLD_TALK), _BEFORE_ALL)
    yield old.id < SINCE
    yield old.id > case((marker > cleared, marker), else_=cleared)
    yield old.sender != reader
    yield old.sender_only == false()
    yield old.hidden_by_recipient == false()
    yield old.body.is_not(None)


def expired_of(reader: ColumnElement[str], lines: CTE) -> CTE:
    """The same of each of ``lines`` that has any, counted where its conversation is (ADR 71)."""
    marker = func.coalesce(lines.c.read, _BEFORE_ALL)
    place = _OLD.c.conversation_id
    return part(
        select(place, func.count().label("expired"))
        .select_from(lines)
        .join(_OLD, place == lines.c.conversation_id)
        .join(_OLD_TALK, _OLD_TALK.c.id == place)
        .where(lines.c.unread > 0, marker < SINCE, *_is_expired(reader, marker))
        .group_by(place),
        "expired",
    )


def is_visible(reader: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``reader`` sees a message now, whose conversation is joined (see the port)."""
    return and_(
        is_shown(reader), or_(message.c.sender == reader, of_side(reader, "blocks") == false())
    )


def is_kept(reader: ColumnElement[str]) -> ColumnElement[bool]:
    """The bound for the index: nothing below ``SINCE`` is even read, nor what ``reader`` cleared.

    One bound for both, in ``CONVERSATION``: of several from below SQLite looks for one, whichever,
    and goes through everything that is above that.
    """
    talk = conversation.alias("cleared")
    cleared = func.coalesce(of_side(reader, "cleared", talk), _BEFORE_ALL)
    bound = select(case((cleared > SINCE, cleared), else_=SINCE)).where(talk.c.id == CONVERSATION)
    newer: ColumnElement[bool] = message.c.id >= bound.scalar_subquery()
    return newer


def suspended_until(user: ColumnElement[str]) -> ColumnElement[Any]:
    """The end of the suspension of a user of ``TENANT``; NULL where they never were (MOD-4)."""
    reader = mailbox.alias("reader")
    return (
        select(reader.c.suspended_until_us)
        .where(reader.c.tenant == TENANT, reader.c.user_id == user)
        .scalar_subquery()
        .label("suspended_until_us")
    )


def shows_receipts(user: ColumnElement[str]) -> ColumnElement[Any]:
    """Whether a user of ``TENANT`` wants receipts (READ-2); NULL where they have no mailbox.

    No EXISTS: to ask that of each row, PostgreSQL may first collect all who want any.
    """
    return (
        select(mailbox.c.receipts)
        .where(mailbox.c.tenant == TENANT, mailbox.c.user_id == user)
        .scalar_subquery()
    )


def partner_shows_receipts(reader: ColumnElement[str]) -> ColumnElement[bool]:
    """The same of the partner in ``CONVERSATION``, asked once for all its messages."""
    talk = conversation.alias("talk")
    return exists().where(
        talk.c.id == CONVERSATION,
        mailbox.c.tenant == TENANT,
        mailbox.c.user_id == other_than(reader, talk),
        mailbox.c.receipts == true(),
    )


def as_seen_by(
    reader: ColumnElement[str],
    *,
    partner: ColumnElement[str],
    partner_shows: ColumnElement[Any],
    reader_shows: ColumnElement[Any] | None = None,
    place: ColumnElement[Any] = message.c.conversation_id,
) -> tuple[ColumnElement[Any], ...]:
    """The columns of a message as ``reader`` sees it, in the order of ``domain.message.Message``.

    But for its conversation, which whoever asks for it knows. What is only for its sender is not
    even read for anybody else. ``partner_shows`` says whether the ``partner`` wants receipts, and
    ``reader_shows`` whether the reader does; without it their mailbox is asked. ``place`` is where
    the message is.
    """
    columns = message.c
    shows = shows_receipts(reader) if reader_shows is None else reader_shows
    is_own = columns.sender == reader
    is_edited = and_(is_own, columns.own_body.is_not(None))
    is_own_link = and_(is_own, columns.own_reply_to.is_not(None))
    seen_at_us = (
        select(receipt.c.at_us)
        .where(
            receipt.c.conversation_id == place,
            receipt.c.reader == partner,
            receipt.c.through >= columns.id,
        )
        .order_by(receipt.c.through)
        .limit(1)
        .scalar_subquery()
    )
    return (
        columns.id,
        columns.sender,
        case((is_edited, columns.own_body), else_=columns.body).label("body"),
        columns.sent_at_us,
        case((is_edited, columns.own_edited_at_us), else_=columns.edited_at_us).label(
            "edited_at_us"
        ),
        case((is_own_link, columns.own_reply_to), else_=columns.reply_to).label("reply_to"),
        case((is_own_link, columns.own_thread_id), else_=columns.thread_id).label("thread_id"),
        case((and_(is_own, shows, partner_shows), seen_at_us)).label("seen_at_us"),
        columns.is_sealed,
        case((is_own, null()), else_=columns.franking).label("franking"),
    )
