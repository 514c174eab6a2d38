"""Erasures in SQL: the ledger, and every column that holds the id of a user.

Owns the list of those columns: who adds one names it here, in one of the three tuples, and a test
that reads the tables says so where it was forgotten.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    text,
    tuple_,
    union,
    update,
)

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._citus import SPREAD
from dmcore.adapters.sql._conditions import (
    CONVERSATION,
    TENANT,
    id_param,
    is_shown,
    of_side,
    text_param,
)
from dmcore.adapters.sql._contacts import SqlContacts
from dmcore.adapters.sql._rows import erasure_of, erasure_row
from dmcore.adapters.sql._schema import (
    aside,
    block,
    conversation,
    device,
    erasure,
    evidence,
    journal,
    mailbox,
    mark,
    message,
    one_time_key,
    receipt,
    report,
    report_move,
    restriction,
    side,
)
from dmcore.adapters.sql._users import USERS, user_params
from dmcore.domain.contact import Contact
from dmcore.domain.erasure import Erasure, ErasureScope, Shredded
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.pair import Pair
from dmcore.errors import StoreBusy
from dmcore.ports.erasures import Erasures

RENAMED: Final = (
    block.c.blocker,
    block.c.blocked,
    report.c.reporter,
    report.c.reported,
    report.c.taken_by,
    report_move.c.made_by,
    journal.c.actor,
    journal.c.other,
    restriction.c.made_by,
    restriction.c.ended_by,
)
"""Columns of tables with a tenant, in which an id is replaced row by row."""

WITH_THE_PAIR: Final = (
    conversation.c.low,
    conversation.c.high,
    message.c.sender,
    receipt.c.reader,
    side.c.user_id,
    side.c.other,
)
"""What changes with the conversation that it belongs to."""

APART: Final = (
    mailbox.c.user_id,
    journal.c.user_id,
    evidence.c.sender,
    restriction.c.user_id,
    mark.c.user_id,
    aside.c.user_id,
    device.c.user_id,
    one_time_key.c.user_id,
)
"""What a statement of its own is for: here, or, for devices, where they are forgotten."""

_USER = text_param("user")
_PSEUDONYM = text_param("pseudonym")
# In statements that change rows a parameter cannot have the name of a column.
_OF_TENANT = text_param("of_tenant")
_AFTER = id_param("after")
_BEFORE_ALL: Final = UUID(int=0)
_ROWS_AT_A_TIME: Final = 500

_FOUND = select(erasure).where(erasure.c.tenant == TENANT, erasure.c.pseudonym == _PSEUDONYM)


def _among(users: Select[Any]) -> Select[Any]:
    given = users.subquery("given")
    is_theirs = and_(erasure.c.tenant == given.c.tenant, erasure.c.pseudonym == given.c.user_id)
    return select(erasure).join_from(given, erasure, is_theirs)


_AMONG = {dialect: _among(users) for dialect, users in USERS.items()}
_LEDGER = (
    select(erasure)
    .where(erasure.c.pseudonym > text_param("after"))
    .order_by(erasure.c.pseudonym)
    .limit(bindparam("limit"))
)
_IS_IN_PAIR = and_(
    conversation.c.tenant == TENANT, or_(conversation.c.low == _USER, conversation.c.high == _USER)
)


def _next() -> Select[Any]:
    """Each half by an index of its own."""
    low, high = (
        select(conversation.c.id)
        .where(conversation.c.tenant == TENANT, column == _USER)
        .limit(1)
        .scalar_subquery()
        for column in (conversation.c.low, conversation.c.high)
    )
    return select(func.coalesce(low, high).label("id"))


def _scope() -> Select[Any]:
    def count(table: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
        return select(func.count()).select_from(table).where(*conditions)

    of_pair = {
        it: it.join(conversation, conversation.c.id == it.c.conversation_id)
        for it in (message, receipt)
    }
    named = (journal.c.user_id, journal.c.actor, journal.c.other)
    counts = {
        "conversations": count(conversation, _IS_IN_PAIR),
        "messages": count(of_pair[message], _IS_IN_PAIR, message.c.sender == _USER),
        "receipts": count(of_pair[receipt], _IS_IN_PAIR, receipt.c.reader == _USER),
        "blocks": count(
            block,
            block.c.tenant == TENANT,
            or_(block.c.blocker == _USER, block.c.blocked == _USER),
        ),
        "reports": count(
            report,
            report.c.tenant == TENANT,
            or_(
                report.c.reporter == _USER,
                report.c.reported == _USER,
                report.c.taken_by == _USER,
            ),
        ),
        "journal_entries": count(
            journal, journal.c.tenant == TENANT, or_(*(column == _USER for column in named))
        ),
    }
    return select(*(it.scalar_subquery().label(name) for name, it in counts.items()))


Change = tuple[Executable, ...]
"""What is done one after the other. The last of the statements counts the rows."""


def _renaming(column: Column[str], *conditions: ColumnElement[bool]) -> Change:
    """Put the pseudonym where the id stands, in the rows for which all conditions hold.

    Where the table is spread by the column, the row belongs to another machine from then on: it is
    stored there and removed here, on every store (SCALE-1, ADR 71).
    """
    table, is_theirs = column.table, and_(column == _USER, *conditions)
    if SPREAD[table.name].column != column.name:
        return (update(table).where(is_theirs).values({column.name: _PSEUDONYM}),)
    moved = [_PSEUDONYM.label(it.name) if it is column else it for it in table.columns]
    there = insert(table).from_select(list(table.columns.keys()), select(*moved).where(is_theirs))
    return there, delete(table).where(is_theirs)


def _renaming_some(column: Column[str]) -> Change:
    """The same of so many rows; which ones is the same to each of the statements."""
    table, keys = column.table, column.table.primary_key.columns
    is_of_tenant = table.c.tenant == _OF_TENANT
    found = (
        select(*keys).where(is_of_tenant, column == _USER).order_by(*keys).limit(bindparam("limit"))
    )
    return _renaming(column, is_of_tenant, tuple_(*keys).in_(found))


def _renaming_evidence() -> Update:
    found = (
        select(evidence.c.report_id, evidence.c.message_id)
        .join(report, report.c.id == evidence.c.report_id)
        .where(report.c.tenant == _OF_TENANT, evidence.c.sender == _USER)
        .limit(bindparam("limit"))
    )
    return (
        update(evidence)
        .where(tuple_(evidence.c.report_id, evidence.c.message_id).in_(found))
        .values(sender=_PSEUDONYM, body=null())
    )


_NEXT = _next()
_SCOPE = _scope()
_RENAMINGS: Final[tuple[Change, ...]] = ((_renaming_evidence(),), *map(_renaming_some, RENAMED))
_PAIRED = select(conversation.c.id).where(
    conversation.c.tenant == TENANT,
    conversation.c.low == text_param("low"),
    conversation.c.high == text_param("high"),
)
_WRITTEN = and_(
    message.c.conversation_id == CONVERSATION, message.c.sender == _USER, message.c.id > _AFTER
)
_TO_SHRED = select(message.c.id).where(_WRITTEN).order_by(message.c.id).limit(bindparam("limit"))
_SHRED = (
    update(message)
    .where(_WRITTEN, message.c.id <= id_param("through"))
    .values(
        sender=_PSEUDONYM,
        body=null(),
        edited_at_us=null(),
        own_body=null(),
        own_edited_at_us=null(),
        own_reply_to=null(),
        own_thread_id=null(),
        key=null(),
        fingerprint=null(),
        franking=null(),
    )
)
_PARTNER = text_param("partner")
_UNREAD_LEFT = (
    select(func.count())
    .select_from(message.join(conversation, conversation.c.id == message.c.conversation_id))
    .where(
        _WRITTEN,
        message.c.body.is_not(None),
        or_(of_side(_PARTNER, "read").is_(None), message.c.id > of_side(_PARTNER, "read")),
        is_shown(_PARTNER),
    )
)
_IS_OLD_ENOUGH = {
    it: and_(it.c.tenant == _OF_TENANT, it.c.position <= bindparam("through", type_=BigInteger()))
    for it in (journal, aside)
}
_IN_PAIR: Final[Change] = (
    *_renaming(receipt.c.reader, receipt.c.conversation_id == CONVERSATION),
    *_renaming(block.c.blocker, block.c.tenant == _OF_TENANT, block.c.blocked == _PARTNER),
    *_renaming(block.c.blocked, block.c.tenant == _OF_TENANT, block.c.blocker == _PARTNER),
)
# Never back: a consumer may have come further under the pseudonym.
_MARKS = text(
    "INSERT INTO dm_mark (tenant, user_id, consumer, position, attempts, due_us)"
    " SELECT tenant, :pseudonym, consumer,"
    " CASE WHEN position < :through THEN position ELSE :through END, 0, 0"
    " FROM dm_mark WHERE tenant = :of_tenant AND user_id = :user"
    " ON CONFLICT (tenant, user_id, consumer) DO UPDATE SET position = excluded.position"
    " WHERE dm_mark.position < excluded.position"
).bindparams(_PSEUDONYM, _USER, _OF_TENANT, bindparam("through", type_=BigInteger()))
_OF_JOURNAL: Final[Change] = (
    *_renaming(journal.c.user_id, _IS_OLD_ENOUGH[journal]),
    _MARKS,
    *_renaming(aside.c.user_id, _IS_OLD_ENOUGH[aside]),
)
_HAS_SOME: Final = select(
    exists().where(restriction.c.tenant == _OF_TENANT, restriction.c.user_id == _PSEUDONYM)
)
_RESTRICTIONS: Final = _renaming(restriction.c.user_id, restriction.c.tenant == _OF_TENANT)
_OUTBOX = tuple(
    delete(table).where(table.c.tenant == _OF_TENANT, table.c.user_id == _USER)
    for table in (mark, aside)
)
_DROP = delete(mailbox).where(mailbox.c.tenant == _OF_TENANT, mailbox.c.user_id == _USER)
_PEOPLE = union(
    *(
        select(column.table.c.tenant, column.label("user_id")).where(column.is_not(None))
        for column in (
            mailbox.c.user_id,
            conversation.c.low,
            conversation.c.high,
            journal.c.user_id,
            restriction.c.user_id,
            *RENAMED,
        )
    )
)
# Whoever decides about somebody holds rows of accounts, also where there are none: the lock that
# goes with it on the table names each of them. It is looked at and not asked for, or whoever came
# next would wait behind it.
_UNDER_WAY: Final = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'dm_mailbox'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode IN ('RowShareLock', 'RowExclusiveLock') AND pid IS DISTINCT FROM pg_backend_pid()"""
_PATIENCE: Final = "SELECT setting::integer FROM pg_settings WHERE name = 'lock_timeout'"
_LOOK_AGAIN_MS: Final = 20
_PAUSE: Final = f"SELECT pg_sleep({_LOOK_AGAIN_MS / 1000})"
_LONGEST_MS: Final = 10_000


class SqlErasures:
    """The ``Erasures`` port."""

    def __init__(self, connection: Connection, batch: Batch, contacts: SqlContacts) -> None:
        self._connection = connection
        self._batch = batch
        self._contacts = contacts

    # The ledger ---------------------------------------------------------------------------------

    def find(self, gone: User) -> Erasure | None:
        facts = {"tenant": gone.tenant, "pseudonym": gone.id}
        row = self._connection.execute(_FOUND, facts).one_or_none()
        return None if row is None else erasure_of(row)

    def among(self, gone: Collection[User]) -> Mapping[User, Erasure]:
        statement = _AMONG[self._connection.dialect.name]
        rows = self._connection.execute(statement, user_params(gone))
        return {line.gone: line for line in map(erasure_of, rows)}

    def add(self, erasure_: Erasure) -> None:
        self._batch.insert(erasure, erasure_row(erasure_))

    def save(self, erasure_: Erasure) -> None:
        self._batch.update(erasure, erasure_row(erasure_), {})

    def ledger(self, *, after: UserId | None, limit: int) -> Sequence[Erasure]:
        facts = {"after": after or "", "limit": limit}
        return [erasure_of(row) for row in self._connection.execute(_LEDGER, facts)]

    def settle(self) -> None:
        # SQLite lets one writer in at a time, so nobody is under way.
        if self._connection.dialect.name == "sqlite":
            return
        ask = self._connection.exec_driver_sql
        left = set(ask(_UNDER_WAY).scalars())
        patience_ms = ask(_PATIENCE).scalar_one() or _LONGEST_MS
        while left:
            if patience_ms <= 0:
                raise StoreBusy
            ask(_PAUSE)
            patience_ms -= _LOOK_AGAIN_MS
            left.intersection_update(ask(_UNDER_WAY).scalars())

    # What there is ------------------------------------------------------------------------------

    def scope(self, user: User) -> ErasureScope:
        facts = {"tenant": user.tenant, "user": user.id}
        return ErasureScope(**self._connection.execute(_SCOPE, facts).one()._mapping)

    def next_conversation(self, user: User) -> ConversationId | None:
        facts = {"tenant": user.tenant, "user": user.id}
        found: ConversationId | None = self._connection.execute(_NEXT, facts).scalar_one()
        return found

    def conversation_of(self, pair: Pair) -> ConversationId | None:
        facts = {"tenant": pair.tenant, "low": pair.low, "high": pair.high}
        found: ConversationId | None = self._connection.execute(_PAIRED, facts).scalar()
        return found

    def hold_conversation(self, conversation: ConversationId, *, user: User) -> Contact:
        return self._contacts.hold_any(conversation, user=user)

    def people(self) -> Iterator[User]:
        streamed = _PEOPLE.execution_options(yield_per=_ROWS_AT_A_TIME)
        with self._connection.execute(streamed) as rows:
            for row in rows:
                yield User(row.tenant, row.user_id)

    # What changes -------------------------------------------------------------------------------

    def shred(
        self,
        conversation: ConversationId,
        *,
        writer: UserId,
        pseudonym: UserId,
        after: MessageId | None,
        limit: int,
    ) -> Shredded:
        facts: dict[str, Any] = {
            "conversation": conversation,
            "user": writer,
            "pseudonym": pseudonym,
            "after": _BEFORE_ALL if after is None else after,
            "limit": limit + 1,
        }
        found = self._connection.execute(_TO_SHRED, facts).scalars().all()
        taken = found[:limit]
        through = MessageId(taken[-1]) if taken else None
        if taken:
            self._connection.execute(_SHRED, facts | {"through": through})
        is_all = len(found) == len(taken)
        return Shredded(
            messages=len(taken),
            through=through,
            unread_left=0 if is_all else self._unread_left(facts),
            is_all=is_all,
        )

    def _unread_left(self, facts: dict[str, Any]) -> int:
        found = self._connection.execute(
            select(conversation.c.low, conversation.c.high).where(
                conversation.c.id == facts["conversation"]
            )
        ).one()
        partner = found.high if found.low == facts["user"] else found.low
        return int(
            self._connection.execute(_UNREAD_LEFT, facts | {"partner": partner}).scalar_one()
        )

    def rename_in_pair(
        self, conversation: ConversationId, *, user: User, partner: UserId, pseudonym: UserId
    ) -> None:
        facts = {
            "of_tenant": user.tenant,
            "conversation": conversation,
            "user": user.id,
            "partner": partner,
            "pseudonym": pseudonym,
        }
        self._change(_IN_PAIR, facts)

    def rename(self, user: User, pseudonym: UserId, *, limit: int) -> int:
        facts = {"of_tenant": user.tenant, "user": user.id, "pseudonym": pseudonym}
        left = limit
        for change in _RENAMINGS:
            if left > 0:
                left -= self._change(change, facts | {"limit": left})
        return limit - left

    def move_journal(self, user: User, pseudonym: UserId, *, through: int) -> None:
        facts = {
            "of_tenant": user.tenant,
            "user": user.id,
            "pseudonym": pseudonym,
            "through": through,
        }
        self._change(_OF_JOURNAL, facts)
        if not self._connection.execute(_HAS_SOME, facts).scalar_one():
            self._change(_RESTRICTIONS, facts)

    def drop_account(self, user: User) -> bool:
        facts = {"of_tenant": user.tenant, "user": user.id}
        return self._change((*_OUTBOX, _DROP), facts) > 0

    def _change(self, change: Change, facts: Mapping[str, object]) -> int:
        """Send the statements; how many rows the last one changed."""
        counts = [self._connection.execute(it, facts).rowcount for it in change]
        return counts[-1]


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch, contacts: SqlContacts) -> Erasures:
        return SqlErasures(connection, batch, contacts)
