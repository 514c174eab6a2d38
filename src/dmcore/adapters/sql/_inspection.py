"""Recounting in SQL, from the messages and the journal alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    Text,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from dmcore.adapters.sql._conditions import is_shown
from dmcore.adapters.sql._rows import (
    ACCOUNT_AT,
    ACCOUNT_WIDTH,
    CONVERSATION_WIDTH,
    account_of,
    conversation_of,
)
from dmcore.adapters.sql._schema import (
    MARK,
    aside,
    block,
    consumer,
    conversation,
    erasure,
    evidence,
    installation,
    journal,
    mailbox,
    mark,
    message,
    receipt,
    report,
    report_message,
    report_move,
    restriction,
    side,
)
from dmcore.domain.conversation import Folder, Listing
from dmcore.domain.ids import ConversationId, User
from dmcore.domain.instants import FIRST_US, LAST_US
from dmcore.domain.reports import MOVES, ReportState
from dmcore.domain.restriction import FOREVER_US, RestrictionKind, Standing
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.ports.inspection import Inspection

_ROWS_AT_A_TIME: Final = 500
LISTED: Final = ("other", "folder", "newest", "read", "unread", "is_muted")
SIDES: Final = ("low", "high")


# What somebody's list shows is a conversation of theirs.
IS_LISTED: Final = exists().where(
    conversation.c.id == side.c.conversation_id,
    conversation.c.tenant == side.c.tenant,
    side.c.user_id.in_((conversation.c.low, conversation.c.high)),
)


def _newest(*conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    return (
        select(message.c.id)
        .where(message.c.conversation_id == conversation.c.id, *conditions)
        .order_by(message.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


_OLDEST: Final = (
    select(message.c.id)
    .where(message.c.conversation_id == conversation.c.id)
    .order_by(message.c.id)
    .limit(1)
    .scalar_subquery()
)


def counted(name: str) -> list[ColumnElement[Any]]:
    """What lies with a conversation, counted for one side of it."""
    user, read = conversation.c[name], conversation.c[f"{name}_read"]
    other = other_side(name)
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
    newest_receipt, oldest_receipt = (
        select(receipt.c.through)
        .where(receipt.c.conversation_id == conversation.c.id, receipt.c.reader == user)
        .order_by(order)
        .limit(1)
        .scalar_subquery()
        for order in (receipt.c.through.desc(), receipt.c.through)
    )
    return [
        _newest(is_shown(user)).label(f"{name}_newest_shown"),
        _newest(message.c.sender == user).label(f"{name}_newest_said"),
        _newest(message.c.sender == other, message.c.sender_only == false()).label(
            f"{name}_newest_heard"
        ),
        unread.label(f"{name}_unread_counted"),
        newest_receipt.label(f"{name}_newest_receipt"),
        oldest_receipt.label(f"{name}_oldest_receipt"),
    ]


def other_side(name: str, table: FromClause = conversation) -> ColumnElement[Any]:
    """The other one of the two."""
    return table.c["high" if name == "low" else "low"]


def listed_columns(name: str, listed: FromClause) -> list[ColumnElement[Any]]:
    """What the list of one of the two shows."""
    return [listed.c[column].label(f"{name}_listed_{column}") for column in LISTED]


STORED: Final = (
    *conversation.c,
    _newest().label("newest_stored"),
    _OLDEST.label("oldest_stored"),
    *counted("low"),
    *counted("high"),
)
"""A conversation, and what lies with it."""


def _is_block_listed(name: str) -> ColumnElement[bool]:
    is_listed = exists().where(
        block.c.tenant == conversation.c.tenant,
        block.c.blocker == conversation.c[name],
        block.c.blocked == other_side(name),
    )
    return is_listed.label(f"{name}_is_block_listed")


def _conversations() -> Select[Any]:
    listings = {name: side.alias(f"{name}_listed") for name in SIDES}
    statement = select(
        *STORED,
        *(_is_block_listed(name) for name in SIDES),
        *(column for name, listed in listings.items() for column in listed_columns(name, listed)),
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
    is_theirs = and_(
        restriction.c.tenant == mailbox.c.tenant, restriction.c.user_id == mailbox.c.user_id
    )
    numbers = {
        "restrictions": func.count(),
        "last_restriction": func.max(restriction.c.number),
        "timeless": func.count(case((_is_timeless(), 1))),
    }
    marks_beyond = (
        select(func.count())
        .where(
            mark.c.tenant == mailbox.c.tenant,
            mark.c.user_id == mailbox.c.user_id,
            mark.c.position > mailbox.c.position,
        )
        .scalar_subquery()
    )
    return (
        select(
            mailbox,
            *(_end_of(kind, is_theirs).label(f"{kind}_end_us") for kind in RestrictionKind),
            *(
                select(count)
                .select_from(restriction)
                .where(is_theirs)
                .scalar_subquery()
                .label(f"counted_{name}")
                for name, count in numbers.items()
            ),
            *(
                select(count).select_from(journal).where(is_owner).scalar_subquery().label(name)
                for name, count in counts.items()
            ),
            unread_listed.label("unread_listed"),
            marks_beyond.label("marks_beyond"),
        )
        .order_by(mailbox.c.tenant, mailbox.c.user_id)
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )


def _is_timeless() -> ColumnElement[bool]:
    """Whether a restriction names an instant that no calendar has."""
    named = (restriction.c.since_us, restriction.c.until_us, restriction.c.ended_at_us)
    return or_(*(~it.between(FIRST_US, LAST_US) for it in named))


def _end_of(kind: RestrictionKind, is_theirs: ColumnElement[bool]) -> Any:
    """Where the newest restriction of a kind ends; NULL where it was ended, or there is none."""
    end_us = case(
        (restriction.c.ended_at_us.is_not(None), None),
        else_=func.coalesce(restriction.c.until_us, literal(FOREVER_US, BigInteger)),
    )
    return (
        select(end_us)
        .where(is_theirs, restriction.c.kind == kind.value)
        .order_by(restriction.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )


def _orphans_of_reports() -> dict[str, Select[Any]]:
    is_of_two = exists().where(
        conversation.c.id == report.c.conversation_id,
        conversation.c.tenant == report.c.tenant,
        # What screening reports, nobody did.
        or_(
            report.c.reporter.is_(None),
            report.c.reporter.in_((conversation.c.low, conversation.c.high)),
        ),
        report.c.reported.in_((conversation.c.low, conversation.c.high)),
    )
    # The names in a report follow those in the conversation, while an erasure is under way.
    is_renamed = exists(literal(1)).where(
        conversation.c.id == report.c.conversation_id,
        erasure.c.tenant == conversation.c.tenant,
        erasure.c.pseudonym.in_((conversation.c.low, conversation.c.high)),
        erasure.c.finished_at_us.is_(None),
    )
    has_report = exists().where(report.c.id == report_message.c.report_id)
    chosen = (
        select(func.count())
        .select_from(report_message)
        .where(report_message.c.report_id == report.c.id)
        .scalar_subquery()
    )
    is_chosen = exists().where(
        report_message.c.report_id == evidence.c.report_id,
        report_message.c.message_id == evidence.c.message_id,
    )
    return {
        "foreign_reports": select(func.count())
        .select_from(report)
        .where(report.c.conversation_id.is_not(None), ~is_of_two, ~is_renamed),
        "chosen_messages": select(func.count()).select_from(report_message).where(~has_report),
        "miscounted_reports": select(func.count())
        .select_from(report)
        .where(chosen != report.c.chosen),
        "evidence": select(func.count()).select_from(evidence).where(~is_chosen),
    }


def _misled_reports() -> ColumnElement[int]:
    """Where a report stands is where its last move left it; and the moves have all numbers."""
    is_its = report_move.c.report_id == report.c.id

    def last(column: ColumnElement[Any]) -> ColumnElement[Any]:
        newest = select(column).where(is_its).order_by(report_move.c.number.desc()).limit(1)
        return newest.scalar_subquery()

    led_to = case(
        {move.value: state.value for (_, move), state in MOVES.items()},
        value=last(report_move.c.move),
        else_=ReportState.PENDING.value,
    )
    numbers = select(func.count() - func.coalesce(func.max(report_move.c.number), 0)).where(is_its)
    is_misled = or_(
        report.c.state != led_to,
        report.c.outcome.is_distinct_from(last(report_move.c.outcome)),
        numbers.scalar_subquery() != 0,
    )
    reports = select(func.count()).select_from(report).where(is_misled)
    has_report = exists().where(report.c.id == report_move.c.report_id)
    strays = select(func.count()).select_from(report_move).where(~has_report)
    return reports.scalar_subquery() + strays.scalar_subquery()


def _sealed_texts() -> ColumnElement[int]:
    """Texts that say they are sealed, in a store whose record names no keys to open them."""
    has_keys = exists().where(installation.c.keyring.is_not(None))

    def count(table: Table, *columns: ColumnElement[Any]) -> ColumnElement[int]:
        said = (type_coerce(it, Text) for it in columns)
        is_sealed = (and_(it.startswith(MARK), ~it.startswith(2 * MARK)) for it in said)
        found = select(func.count()).select_from(table).where(or_(*is_sealed), ~has_keys)
        return found.scalar_subquery()

    return count(message, message.c.body, message.c.own_body) + count(evidence, evidence.c.body)


def _stray_marks() -> ColumnElement[int]:
    """Of a consumer or a mailbox that is not there."""

    def count(table: Table) -> ColumnElement[int]:
        has_both = and_(
            exists().where(consumer.c.name == table.c.consumer),
            exists().where(
                mailbox.c.tenant == table.c.tenant, mailbox.c.user_id == table.c.user_id
            ),
        )
        return select(func.count()).select_from(table).where(~has_both).scalar_subquery()

    return count(mark) + count(aside)


def _orphans() -> dict[str, ColumnElement[Any]]:
    has_conversation = exists().where(conversation.c.id == message.c.conversation_id)
    is_of_pair = and_(
        conversation.c.id == message.c.conversation_id,
        message.c.sender.not_in((conversation.c.low, conversation.c.high)),
    )
    is_renamed = exists().where(
        erasure.c.tenant == conversation.c.tenant,
        erasure.c.pseudonym == message.c.sender,
        erasure.c.finished_at_us.is_(None),
    )
    has_owner = exists().where(
        mailbox.c.tenant == journal.c.tenant, mailbox.c.user_id == journal.c.user_id
    )
    is_restricted = exists().where(
        mailbox.c.tenant == restriction.c.tenant, mailbox.c.user_id == restriction.c.user_id
    )
    is_reader = exists().where(
        conversation.c.id == receipt.c.conversation_id,
        receipt.c.reader.in_((conversation.c.low, conversation.c.high)),
    )
    named, talk = message.alias("named"), conversation.alias("talk")
    # What was removed for its age may be named by what is left.
    oldest = select(talk.c.oldest).where(talk.c.id == message.c.conversation_id).scalar_subquery()
    broken = [
        and_(
            link.is_not(None),
            or_(oldest.is_(None), link >= oldest),
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
        "sides": select(func.count()).select_from(side).where(~IS_LISTED),
        "journal_entries": select(func.count()).select_from(journal).where(~has_owner),
        "foreign_senders": select(func.count())
        .select_from(message)
        .where(exists(literal(1)).where(is_of_pair, ~is_renamed.correlate(conversation, message))),
        "foreign_readers": select(func.count()).select_from(receipt).where(~is_reader),
        "broken_links": select(func.count()).select_from(message).where(or_(*broken)),
        **_orphans_of_reports(),
        "restrictions": select(func.count()).select_from(restriction).where(~is_restricted),
    }
    return {
        **{name: count.scalar_subquery() for name, count in counts.items()},
        "misled_reports": _misled_reports(),
        "sealed_texts": _sealed_texts(),
        "marks": _stray_marks(),
    }


_CONVERSATIONS = _conversations()
_ACCOUNTS = _accounts()
ORPHANS: Final = _orphans()
_ORPHANS = select(*(count.label(name) for name, count in ORPHANS.items()))


_CHECK: Final = "PRAGMA main.integrity_check(1)"


class SqlInspection:
    """The ``Inspection`` port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def conversations(self, *, only: ConversationId | None = None) -> Iterator[ConversationCensus]:
        for row in self._recounted(only):
            yield ConversationCensus(
                conversation=conversation_of(row[:CONVERSATION_WIDTH]),
                newest=row.newest_stored,
                oldest=row.oldest_stored,
                low=_side_census(row, "low", row.high),
                high=_side_census(row, "high", row.low),
            )

    def _recounted(self, only: ConversationId | None) -> Iterator[Row[Any]]:
        statement = _CONVERSATIONS
        if only is not None:
            statement = statement.where(conversation.c.id == only)
        with self._connection.execute(statement) as rows:
            yield from rows

    def accounts(self, *, only: User | None = None) -> Iterator[AccountCensus]:
        statement = _ACCOUNTS
        if only is not None:
            statement = statement.where(
                mailbox.c.tenant == only.tenant, mailbox.c.user_id == only.id
            )
        with self._connection.execute(statement) as rows:
            for row in rows:
                yield AccountCensus(
                    account=account_of(
                        User(row.tenant, row.user_id), row[ACCOUNT_AT : ACCOUNT_AT + ACCOUNT_WIDTH]
                    ),
                    entries=row.entries,
                    first_position=row.first_position,
                    last_position=row.last_position,
                    unread_listed=int(row.unread_listed),
                    standing=Standing(
                        muted_until_us=row.mute_end_us,
                        suspended_until_us=row.suspend_end_us,
                        hidden_until_us=row.shadow_ban_end_us,
                    ),
                    restrictions=row.counted_restrictions,
                    last_restriction=row.counted_last_restriction,
                    timeless=row.counted_timeless,
                    marks_beyond=row.marks_beyond,
                )

    def orphans(self) -> Orphans:
        counts = self._connection.execute(_ORPHANS).one()._mapping
        return Orphans(**counts, damage=int(self._is_damaged()))

    def _is_damaged(self) -> bool:
        # A server tells by an error; in a file an index can be read that says something else.
        if self._connection.dialect.name != "sqlite":
            return False
        return bool(self._connection.exec_driver_sql(_CHECK).scalar() != "ok")


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
        oldest_receipt=columns[f"{name}_oldest_receipt"],
    )


if TYPE_CHECKING:

    def _conforms(connection: Connection) -> Inspection:
        return SqlInspection(connection)
