"""Recounting in SQL, from the messages and the journal alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)

from dmcore.adapters.sql._conditions import is_shown
from dmcore.adapters.sql._rows import account_of, conversation_of
from dmcore.adapters.sql._schema import (
    block,
    conversation,
    journal,
    mailbox,
    message,
    receipt,
    side,
)
from dmcore.domain.conversation import Folder, Listing
from dmcore.domain.ids import User
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.ports.inspection import Inspection

_ROWS_AT_A_TIME: Final = 500
_LISTED: Final = ("other", "folder", "newest", "read", "unread", "is_muted")


def _newest(*conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    return (
        select(message.c.id)
        .where(message.c.conversation_id == conversation.c.id, *conditions)
        .order_by(message.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _side_columns(name: str, listed: Any) -> list[ColumnElement[Any]]:
    user, read = conversation.c[name], conversation.c[f"{name}_read"]
    other = conversation.c.high if name == "low" else conversation.c.low
    unread = (
        select(func.count())
        .where(
            message.c.conversation_id == conversation.c.id,
            message.c.sender == other,
            message.c.body.is_not(None),
            or_(read.is_(None), message.c.id > read),
            is_shown(user),
        )
        .scalar_subquery()
    )
    is_block_listed = exists().where(
        block.c.tenant == conversation.c.tenant,
        block.c.blocker == user,
        block.c.blocked == other,
    )
    newest_receipt = (
        select(receipt.c.through)
        .where(receipt.c.conversation_id == conversation.c.id, receipt.c.reader == user)
        .order_by(receipt.c.through.desc())
        .limit(1)
        .scalar_subquery()
    )
    return [
        _newest(is_shown(user)).label(f"{name}_newest_shown"),
        _newest(message.c.sender == user).label(f"{name}_newest_said"),
        _newest(message.c.sender == other, message.c.sender_only == false()).label(
            f"{name}_newest_heard"
        ),
        unread.label(f"{name}_unread_counted"),
        is_block_listed.label(f"{name}_is_block_listed"),
        newest_receipt.label(f"{name}_newest_receipt"),
        *(listed.c[column].label(f"{name}_listed_{column}") for column in _LISTED),
    ]


def _conversations() -> Select[Any]:
    listings = {"low": side.alias("low_listed"), "high": side.alias("high_listed")}
    statement = select(
        *conversation.c,
        _newest().label("newest_stored"),
        *_side_columns("low", listings["low"]),
        *_side_columns("high", listings["high"]),
    ).select_from(conversation)
    for name, listed in listings.items():
        statement = statement.outerjoin(
            listed,
            and_(
                listed.c.tenant == conversation.c.tenant,
                listed.c.user_id == conversation.c[name],
                listed.c.conversation_id == conversation.c.id,
            ),
        )
    return statement.order_by(conversation.c.id).execution_options(yield_per=_ROWS_AT_A_TIME)


def _accounts() -> Select[Any]:
    is_owner = and_(journal.c.tenant == mailbox.c.tenant, journal.c.user_id == mailbox.c.user_id)
    counts = {
        "entries": func.count(),
        "first_position": func.min(journal.c.position),
        "last_position": func.max(journal.c.position),
    }
    unread_listed = (
        select(func.coalesce(func.sum(side.c.unread), 0))
        .where(
            side.c.tenant == mailbox.c.tenant,
            side.c.user_id == mailbox.c.user_id,
            side.c.folder == Folder.INBOX.value,
        )
        .scalar_subquery()
    )
    return (
        select(
            mailbox,
            *(
                select(count).select_from(journal).where(is_owner).scalar_subquery().label(name)
                for name, count in counts.items()
            ),
            unread_listed.label("unread_listed"),
        )
        .order_by(mailbox.c.tenant, mailbox.c.user_id)
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )


def _orphans() -> Select[Any]:
    has_conversation = exists().where(conversation.c.id == message.c.conversation_id)
    is_of_pair = and_(
        conversation.c.id == message.c.conversation_id,
        message.c.sender.not_in((conversation.c.low, conversation.c.high)),
    )
    is_listed = exists().where(
        conversation.c.id == side.c.conversation_id,
        conversation.c.tenant == side.c.tenant,
        side.c.user_id.in_((conversation.c.low, conversation.c.high)),
    )
    has_owner = exists().where(
        mailbox.c.tenant == journal.c.tenant, mailbox.c.user_id == journal.c.user_id
    )
    is_reader = exists().where(
        conversation.c.id == receipt.c.conversation_id,
        receipt.c.reader.in_((conversation.c.low, conversation.c.high)),
    )
    named = message.alias("named")
    broken = [
        and_(
            link.is_not(None),
            ~exists(literal(1)).where(
                named.c.conversation_id == message.c.conversation_id, named.c.id == link
            ),
        )
        for link in (
            message.c.reply_to,
            message.c.thread_id,
            message.c.own_reply_to,
            message.c.own_thread_id,
        )
    ]
    counts = {
        "messages": select(func.count()).select_from(message).where(~has_conversation),
        "sides": select(func.count()).select_from(side).where(~is_listed),
        "journal_entries": select(func.count()).select_from(journal).where(~has_owner),
        "foreign_senders": select(func.count())
        .select_from(message)
        .where(exists(literal(1)).where(is_of_pair)),
        "foreign_readers": select(func.count()).select_from(receipt).where(~is_reader),
        "broken_links": select(func.count()).select_from(message).where(or_(*broken)),
    }
    return select(*(count.scalar_subquery().label(name) for name, count in counts.items()))


_CONVERSATIONS = _conversations()
_ACCOUNTS = _accounts()
_ORPHANS = _orphans()


class SqlInspection:
    """The ``Inspection`` port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def conversations(self) -> Iterator[ConversationCensus]:
        with self._connection.execute(_CONVERSATIONS) as rows:
            for row in rows:
                yield ConversationCensus(
                    conversation=conversation_of(row),
                    newest=row.newest_stored,
                    low=_side_census(row, "low", row.high),
                    high=_side_census(row, "high", row.low),
                )

    def accounts(self) -> Iterator[AccountCensus]:
        with self._connection.execute(_ACCOUNTS) as rows:
            for row in rows:
                yield AccountCensus(
                    account=account_of(User(row.tenant, row.user_id), row),
                    entries=row.entries,
                    first_position=row.first_position,
                    last_position=row.last_position,
                    unread_listed=int(row.unread_listed),
                )

    def orphans(self) -> Orphans:
        return Orphans(**self._connection.execute(_ORPHANS).one()._mapping)


def _side_census(row: Row[Any], name: str, other: str) -> SideCensus:
    columns = row._mapping
    listed = None
    # A listing under another partner's name is as wrong as none.
    if columns[f"{name}_listed_other"] == other:
        listed = Listing(
            folder=Folder(columns[f"{name}_listed_folder"]),
            newest=columns[f"{name}_listed_newest"],
            read=columns[f"{name}_listed_read"],
            unread=columns[f"{name}_listed_unread"],
            is_muted=bool(columns[f"{name}_listed_is_muted"]),
        )
    return SideCensus(
        newest_shown=columns[f"{name}_newest_shown"],
        newest_said=columns[f"{name}_newest_said"],
        newest_heard=columns[f"{name}_newest_heard"],
        unread=columns[f"{name}_unread_counted"],
        is_block_listed=bool(columns[f"{name}_is_block_listed"]),
        listed=listed,
        newest_receipt=columns[f"{name}_newest_receipt"],
    )


if TYPE_CHECKING:

    def _conforms(connection: Connection) -> Inspection:
        return SqlInspection(connection)
