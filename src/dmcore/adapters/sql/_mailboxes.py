"""Mailboxes and the journal in SQL."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, or_, select, true

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import TENANT, text_param
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import (
    account_of,
    account_row,
    entry_of,
    entry_row,
    preferences_of,
    rows_of,
)
from dmcore.adapters.sql._schema import installation, journal, mailbox
from dmcore.domain.account import Account
from dmcore.domain.events import Entry
from dmcore.domain.ids import User
from dmcore.domain.mode import Mode
from dmcore.domain.preferences import DEFAULT_PREFERENCES, Preferences
from dmcore.ports.journal import FeedRows, Journal
from dmcore.ports.mailboxes import Mailboxes
from dmcore.ports.reading import Reading

_OWNER = text_param("owner")
_IS_OWNER = and_(mailbox.c.tenant == TENANT, mailbox.c.user_id == _OWNER)
_ACCOUNT = select(mailbox).where(_IS_OWNER).with_for_update(key_share=True)
_UNREAD = (
    select(installation.c.mode, func.coalesce(mailbox.c.unread, 0).label("unread"))
    .select_from(installation)
    .outerjoin(mailbox, _IS_OWNER)
)
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


_PREFERENCES = (
    select(
        installation.c.mode,
        mailbox.c.open_to,
        mailbox.c.receipts,
        mailbox.c.typing,
        mailbox.c.presence,
    )
    .select_from(installation)
    .outerjoin(mailbox, _IS_OWNER)
)


def _feed() -> Select[Any]:
    entries = _ENTRIES.subquery("entries")
    return (
        select(
            installation.c.mode.label("feed_mode"),
            func.coalesce(mailbox.c.pruned, 0).label("feed_pruned"),
            func.coalesce(mailbox.c.position, 0).label("feed_position"),
            entries,
        )
        .select_from(installation)
        .outerjoin(mailbox, _IS_OWNER)
        .outerjoin(entries, true())
        .order_by(entries.c.position)
    )


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


_FEED = _feed()
_EXPIRED = _expired()
_PRUNE = delete(journal).where(
    journal.c.tenant == TENANT,
    journal.c.user_id == _OWNER,
    journal.c.position <= bindparam("through"),
)


class SqlMailboxes:
    """The ``Mailboxes`` port."""

    def __init__(self, connection: Connection, batch: Batch, identity: Identity) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity

    def hold(self, user: User) -> Account:
        facts = {"tenant": user.tenant, "owner": user.id}
        row = self._connection.execute(_ACCOUNT, facts).one_or_none()
        if row is None:
            return Account(user=user)
        return self._identity.account(account_of(user, row))

    def save(self, account: Account) -> None:
        before = self._identity.account_before(account.user)
        if before is None:
            self._batch.insert(mailbox, account_row(account))
        else:
            self._batch.update(mailbox, account_row(account), account_row(before))

    def preferences(self, user: User) -> Reading[Preferences]:
        facts = {"tenant": user.tenant, "owner": user.id}
        row = self._connection.execute(_PREFERENCES, facts).one()
        chosen = DEFAULT_PREFERENCES if row.open_to is None else preferences_of(row._mapping)
        return Reading(Mode(row.mode), chosen)

    def unread(self, user: User) -> Reading[int]:
        row = self._connection.execute(_UNREAD, {"tenant": user.tenant, "owner": user.id}).one()
        return Reading(Mode(row.mode), row.unread)


class SqlJournal:
    """The ``Journal`` port."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def record(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._batch.insert(journal, entry_row(entry))

    def feed(self, owner: User, *, after: int, limit: int) -> Reading[FeedRows]:
        facts = {"tenant": owner.tenant, "owner": owner.id, "after": after, "limit": limit}
        rows = rows_of(self._connection, _FEED, facts)
        ends = rows[0]
        found = FeedRows(
            pruned=ends.feed_pruned,
            position=ends.feed_position,
            entries=[entry_of(row) for row in rows if row.position is not None],
        )
        return Reading(Mode(ends.feed_mode), found)

    def expired(self, *, before_us: int, limit: int) -> Sequence[Entry]:
        facts = {"before_us": before_us, "limit": limit}
        return [entry_of(row) for row in self._connection.execute(_EXPIRED, facts)]

    def prune(self, owner: User, *, through: int) -> None:
        facts = {"tenant": owner.tenant, "owner": owner.id, "through": through}
        self._connection.execute(_PRUNE, facts)

    def entries_of(self, owner: User, *, after: int, limit: int) -> Sequence[Entry]:
        facts = {"tenant": owner.tenant, "owner": owner.id, "after": after, "limit": limit}
        return [entry_of(row) for row in self._connection.execute(_ENTRIES, facts)]


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity
    ) -> tuple[Mailboxes, Journal]:
        return SqlMailboxes(connection, batch, identity), SqlJournal(connection, batch)
