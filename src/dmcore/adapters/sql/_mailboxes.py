"""Mailboxes and the journal in SQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    true,
)

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import (
    SINCE,
    STANDING,
    TENANT,
    expired_of,
    expired_unread,
    is_erased_as,
    mode_of,
    part,
    since_param,
    standing,
    standing_params,
    text_param,
)
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import (
    ACCOUNT_AT,
    account_of,
    account_row,
    entry_of,
    entry_row,
    first_of,
    named,
    rows_of,
)
from dmcore.adapters.sql._schema import block, installation, journal, mailbox, side
from dmcore.adapters.sql._statements import Statement
from dmcore.adapters.sql._users import USER_IDS, USERS, user_ids, user_params
from dmcore.domain.account import Account
from dmcore.domain.conversation import Folder
from dmcore.domain.events import Entry
from dmcore.domain.ids import MessageId, User
from dmcore.domain.mode import Mode
from dmcore.ports.journal import FeedRows, Journal
from dmcore.ports.mailboxes import Mailboxes
from dmcore.ports.reading import Reading

_OWNER = text_param("owner")
_IS_OWNER = and_(mailbox.c.tenant == TENANT, mailbox.c.user_id == _OWNER)


def _account() -> Select[Any]:
    """Lock a mailbox, and say whether its owner was erased: one row, also where there is none.

    One statement whether it is there or not, so that nobody can tell by that.
    """
    held = select(mailbox).where(_IS_OWNER).with_for_update(key_share=True).cte("held")
    is_erased = is_erased_as(text_param("erased_as")).label("is_gone")
    return select(is_erased, held).select_from(installation).outerjoin(held, true())


_ACCOUNT = _account()


def _unread(total: ColumnElement[Any]) -> Select[Any]:
    return (
        select(STANDING, mailbox.c.suspended_until_us, func.coalesce(total, 0).label("unread"))
        .select_from(installation)
        .outerjoin(mailbox, _IS_OWNER)
    )


_IS_UNREAD = and_(
    side.c.tenant == TENANT,
    side.c.user_id == _OWNER,
    side.c.folder == Folder.INBOX.value,
    side.c.newest >= SINCE,
    side.c.unread > 0,
)


def _kept_unread() -> ColumnElement[Any]:
    """The sum over the lines of the inbox, without what is below ``SINCE``; none where all is read.

    It follows the list from its end to there.
    """
    expired = expired_unread(_OWNER, side.c.conversation_id, unread=side.c.unread, read=side.c.read)
    kept = select(func.sum(side.c.unread - expired)).where(_IS_UNREAD).scalar_subquery()
    return case((mailbox.c.unread > 0, kept), else_=0)


def _kept_unread_apart() -> ColumnElement[Any]:
    """The same, where the conversations of the lines are on other machines."""
    lines = part(
        select(side.c.conversation_id, side.c.unread, side.c.read).where(_IS_UNREAD), "lines"
    )
    expired = expired_of(_OWNER, lines)
    kept = (
        select(func.sum(lines.c.unread - func.coalesce(expired.c.expired, 0)))
        .select_from(lines)
        .outerjoin(expired, expired.c.conversation_id == lines.c.conversation_id)
        .scalar_subquery()
    )
    return case((mailbox.c.unread > 0, kept), else_=0)


_UNREAD = Statement(_unread(mailbox.c.unread))
_KEPT_UNREAD = {
    is_spread: Statement(_unread(kept))
    for is_spread, kept in ((False, _kept_unread()), (True, _kept_unread_apart()))
}
_ENTRIES = (
    select(journal)
    .where(
        journal.c.tenant == TENANT,
        journal.c.user_id == _OWNER,
        journal.c.position > bindparam("after"),
    )
    .order_by(journal.c.position)
    .limit(bindparam("limit"))
)


_LOOK = select(STANDING, mailbox).select_from(installation).outerjoin(mailbox, _IS_OWNER)


def _feed_from(mode: ColumnElement[Any]) -> Select[Any]:
    """A piece of a feed, with its ends and with ``mode``."""
    is_blocked = exists().where(
        block.c.tenant == TENANT, block.c.blocker == _OWNER, block.c.blocked == journal.c.actor
    )
    is_there = or_(journal.c.message_id.is_(None), journal.c.message_id >= SINCE)
    entries = _ENTRIES.where(~is_blocked, is_there).subquery("entries")
    return (
        select(
            mode.label("feed_mode"),
            mailbox.c.suspended_until_us.label("feed_suspended"),
            func.coalesce(mailbox.c.pruned, 0).label("feed_pruned"),
            func.coalesce(mailbox.c.position, 0).label("feed_position"),
            entries,
        )
        .select_from(installation)
        .outerjoin(mailbox, _IS_OWNER)
        .outerjoin(entries, true())
        .order_by(entries.c.position)
    )


def _feed_apart() -> Select[Any]:
    """The same, all of one state on Citus too: an entry before an end read later would be skipped.

    Whether they were erased is asked elsewhere, and behind it.
    """
    own = part(_feed_from(installation.c.mode), "own")
    mode, *others = own.c
    told = standing(mode).element.label("feed_mode")
    return select(told, *others).order_by(own.c.position)


def _expired() -> Select[Any]:
    """The newest of each owner's entries below which nothing is younger than the given instant."""
    younger = journal.alias("younger")
    oldest_kept = (
        select(func.min(younger.c.position))
        .where(
            younger.c.tenant == journal.c.tenant,
            younger.c.user_id == journal.c.user_id,
            younger.c.at_us >= bindparam("before_us"),
        )
        .scalar_subquery()
    )
    newest_leading = (
        select(journal.c.tenant, journal.c.user_id, func.max(journal.c.position).label("position"))
        .where(
            journal.c.at_us < bindparam("before_us"),
            or_(oldest_kept.is_(None), journal.c.position < oldest_kept),
        )
        .group_by(journal.c.tenant, journal.c.user_id)
        .order_by(journal.c.tenant, journal.c.user_id)
        .limit(bindparam("limit"))
        .subquery("newest_leading")
    )
    return (
        select(journal)
        .join(
            newest_leading,
            and_(
                journal.c.tenant == newest_leading.c.tenant,
                journal.c.user_id == newest_leading.c.user_id,
                journal.c.position == newest_leading.c.position,
            ),
        )
        .order_by(journal.c.tenant, journal.c.user_id)
    )


def _heads(users: Select[Any]) -> Select[Any]:
    return _positions(users.subquery("given"), mailbox)


def _heads_apart() -> Select[Any]:
    """The same, where the mailboxes are on different machines."""
    given = USERS["postgresql"].cte("given")
    is_theirs = and_(mailbox.c.tenant == given.c.tenant, mailbox.c.user_id == given.c.user_id)
    found = part(
        select(given, mailbox.c.position)
        .join_from(given, mailbox, is_theirs)
        .where(mailbox.c.user_id == func.any(USER_IDS)),
        "found",
    )
    return _positions(given, found)


def _positions(given: FromClause, boxes: FromClause) -> Select[Any]:
    """How far those have come who are given; nowhere who has no mailbox."""
    is_theirs = and_(boxes.c.tenant == given.c.tenant, boxes.c.user_id == given.c.user_id)
    return (
        select(
            installation.c.mode,
            given,
            func.coalesce(boxes.c.position, 0).label("position"),
        )
        .select_from(installation)
        .outerjoin(given, true())
        .outerjoin(boxes, is_theirs)
    )


_FEED = {False: _feed_from(STANDING.element), True: _feed_apart()}
_HEADS = {dialect: _heads(users) for dialect, users in USERS.items()}
_HEADS_APART = _heads_apart()
_EXPIRED = _expired()
_PRUNE = delete(journal).where(
    journal.c.tenant == TENANT,
    journal.c.user_id == _OWNER,
    journal.c.position <= bindparam("through"),
)


class SqlMailboxes:
    """The ``Mailboxes`` port."""

    def __init__(
        self,
        connection: Connection,
        batch: Batch,
        identity: Identity,
        namespace: bytes,
        *,
        is_spread: bool = False,
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity
        self._namespace = namespace
        self._is_spread = is_spread

    def hold(self, user: User) -> Account:
        self._batch.check_held()
        facts = {"owner": user.id} | standing_params(self._namespace, user)
        is_gone, *columns = self._connection.execute(_ACCOUNT, facts).one()
        if columns[0] is None:
            return Account(user=user, is_erased=bool(is_gone))
        account = account_of(user, columns[ACCOUNT_AT:])
        return self._identity.account(account, named(mailbox, columns))

    def save(self, account: Account) -> None:
        before = self._identity.account_before(account.user)
        if before is None:
            self._batch.insert(mailbox, account_row(account))
        else:
            self._batch.update(mailbox, account_row(account), before)

    def look(self, user: User) -> Reading[Account]:
        facts = {"owner": user.id} | standing_params(self._namespace, user)
        mode, *columns = self._connection.execute(_LOOK, facts).one()
        is_stored = columns[0] is not None
        found = account_of(user, columns[ACCOUNT_AT:]) if is_stored else Account(user=user)
        return Reading(mode_of(mode), found)

    def unread(self, user: User, *, since: MessageId | None) -> Reading[int]:
        facts = {"owner": user.id} | standing_params(self._namespace, user)
        statement = _UNREAD
        if since is not None:
            facts |= since_param(since)
            statement = _KEPT_UNREAD[self._is_spread]
        row = first_of(statement.all(self._connection, facts))
        return Reading(mode_of(row.mode), int(row.unread), row.suspended_until_us)


class SqlJournal:
    """The ``Journal`` port."""

    def __init__(
        self,
        connection: Connection,
        batch: Batch,
        namespace: bytes,
        *,
        is_spread: bool = False,
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._namespace = namespace
        self._is_spread = is_spread

    def record(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._batch.insert(journal, entry_row(entry))

    def feed(
        self, owner: User, *, after: int, limit: int, since: MessageId | None
    ) -> Reading[FeedRows]:
        facts = {"owner": owner.id, "after": after, "limit": limit, **since_param(since)}
        facts |= standing_params(self._namespace, owner)
        rows = rows_of(self._connection, _FEED[self._is_spread], facts)
        ends = rows[0]
        found = FeedRows(
            pruned=ends.feed_pruned,
            position=ends.feed_position,
            entries=[entry_of(row) for row in rows if row.position is not None],
        )
        return Reading(mode_of(ends.feed_mode), found, ends.feed_suspended)

    def heads(self, users: Collection[User]) -> Reading[Mapping[User, int]]:
        statement, facts = _HEADS[self._connection.dialect.name], user_params(users)
        if self._is_spread:
            statement, facts = _HEADS_APART, facts | user_ids(users)
        rows = rows_of(self._connection, statement, facts)
        found = {
            User(row.tenant, row.user_id): row.position for row in rows if row.user_id is not None
        }
        return Reading(Mode(rows[0].mode), found)

    def expired(self, *, before_us: int, limit: int) -> Sequence[Entry]:
        facts = {"before_us": before_us, "limit": limit}
        return [entry_of(row) for row in self._connection.execute(_EXPIRED, facts)]

    def prune(self, owner: User, *, through: int) -> None:
        self._batch.check_held()
        facts = {"tenant": owner.tenant, "owner": owner.id, "through": through}
        self._connection.execute(_PRUNE, facts)

    def entries_of(self, owner: User, *, after: int, limit: int) -> Sequence[Entry]:
        facts = {"tenant": owner.tenant, "owner": owner.id, "after": after, "limit": limit}
        return [entry_of(row) for row in self._connection.execute(_ENTRIES, facts)]


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity, namespace: bytes
    ) -> tuple[Mailboxes, Journal]:
        return (
            SqlMailboxes(connection, batch, identity, namespace),
            SqlJournal(connection, batch, namespace),
        )
