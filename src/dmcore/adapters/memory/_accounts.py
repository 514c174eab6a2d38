"""Mailboxes, journal and the installation record in memory."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from dmcore.adapters.memory._store import Changes, Store, read_for
from dmcore.domain.account import Account
from dmcore.domain.conversation import Folder
from dmcore.domain.events import Entry
from dmcore.domain.ids import MessageId, User
from dmcore.domain.mode import Mode
from dmcore.domain.retention import is_expired
from dmcore.ports.installation import Installation, StorageHealth, StoreStatus
from dmcore.ports.journal import FeedRows, Journal
from dmcore.ports.mailboxes import Mailboxes
from dmcore.ports.reading import Reading


class MemoryMailboxes:
    """The ``Mailboxes`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def hold(self, user: User) -> Account:
        return self._store.account_of(user)

    def save(self, account: Account) -> None:
        self._changes.put(self._store.accounts, account.user, account)

    def unread(self, user: User, *, since: MessageId | None) -> Reading[int]:
        listed = self._store.listed.get((user, Folder.INBOX), [])
        sides = (self._store.side_for(user, place, since) for _, place in listed)
        found = self.hold(user).unread if since is None else sum(it.counted_unread for it in sides)
        return read_for(self._store, user, found)

    def look(self, user: User) -> Reading[Account]:
        return Reading(self._store.mode_for(user), self._store.account_of(user))


class MemoryJournal:
    """The ``Journal`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def record(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._changes.append(self._store.journal.setdefault(entry.owner, []), entry)

    def entries_of(self, owner: User, *, after: int, limit: int) -> Sequence[Entry]:
        rows = self._store.journal.get(owner, [])
        start = bisect_right(rows, after, key=_position_of)
        return rows[start : start + limit]

    def feed(
        self, owner: User, *, after: int, limit: int, since: MessageId | None
    ) -> Reading[FeedRows]:
        account = self._store.account_of(owner)
        blocked = self._store.blocks.get(owner, {})
        kept = self._store.journal.get(owner, [])
        later = map(kept.__getitem__, range(bisect_right(kept, after, key=_position_of), len(kept)))
        entries = (
            entry
            for entry in later
            if entry.fact.actor not in blocked and not is_expired(entry.fact.message, since)
        )
        rows = FeedRows(
            pruned=account.pruned,
            position=account.position,
            entries=list(islice(entries, limit)),
        )
        return read_for(self._store, owner, rows)

    def heads(self, users: Collection[User]) -> Reading[Mapping[User, int]]:
        accounts = self._store.accounts
        found = {user: accounts[user].position if user in accounts else 0 for user in users}
        return Reading(self._store.mode, found)

    def expired(self, *, before_us: int, limit: int) -> Sequence[Entry]:
        found = []
        for rows in self._store.journal.values():
            leading = list(takewhile(lambda entry: entry.fact.at_us < before_us, rows))
            found += leading[-1:]
        found.sort(key=lambda entry: (entry.owner.tenant, entry.owner.id))
        return found[:limit]

    def prune(self, owner: User, *, through: int) -> None:
        rows = self._store.journal.get(owner, [])
        self._changes.drop_first(rows, bisect_right(rows, through, key=_position_of))


def _position_of(entry: Entry) -> int:
    return entry.position


class MemoryInstallation:
    """The ``Installation`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def mode(self) -> Mode:
        return self._store.mode

    def hold_mode(self) -> Mode:
        return self._store.mode

    def set_mode(self, mode: Mode) -> None:
        self._changes.set_mode(self._store, mode)

    def status(self) -> StoreStatus:
        store = self._store
        return StoreStatus(
            mode=store.mode,
            schema_version=0,
            store="memory",
            conversations=len(store.conversations),
            messages=sum(map(len, store.postings.values())),
            users=len(store.accounts),
            blocks=sum(map(len, store.blocks.values())),
            journal_entries=sum(map(len, store.journal.values())),
            health=StorageHealth.NOT_DURABLE,
        )


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> tuple[Mailboxes, Journal, Installation]:
        return (
            MemoryMailboxes(store, changes),
            MemoryJournal(store, changes),
            MemoryInstallation(store, changes),
        )
