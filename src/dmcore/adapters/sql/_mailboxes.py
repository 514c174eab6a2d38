"""Mailboxes and the journal in SQL."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, bindparam, func, select

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import TENANT, text_param
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import account_of, account_row, entry_of, entry_row
from dmcore.adapters.sql._schema import installation, journal, mailbox
from dmcore.domain.account import Account
from dmcore.domain.events import Entry
from dmcore.domain.ids import User
from dmcore.domain.mode import Mode
from dmcore.ports.journal import Journal
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

    def entries_of(self, owner: User, *, after: int, limit: int) -> Sequence[Entry]:
        facts = {"tenant": owner.tenant, "owner": owner.id, "after": after, "limit": limit}
        return [entry_of(row) for row in self._connection.execute(_ENTRIES, facts)]


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity
    ) -> tuple[Mailboxes, Journal]:
        return SqlMailboxes(connection, batch, identity), SqlJournal(connection, batch)
