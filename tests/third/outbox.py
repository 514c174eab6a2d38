"""The port of the outbox on ``sqlite3``: marks are compared with accounts, value by value."""

from collections.abc import Iterator, Sequence
from itertools import islice

import attrs
from tests.third.ports import Journal
from tests.third.rows import Rows
from tests.third.values import from_json, to_json

from dmcore import Delivery, Entry, SetAside, User
from dmcore.domain.account import Account
from dmcore.domain.ids import ConsumerName
from dmcore.domain.relaying import Backlog, Lease, Mark, is_due


class Outbox(Rows):
    """The ``Outbox`` port."""

    def consumers(self) -> Sequence[Lease]:
        query = "SELECT value FROM consumers ORDER BY name"
        return [from_json(Lease, value) for value in self._values(query)]

    def hold(self, consumer: ConsumerName) -> Lease | None:
        found = next(self._values("SELECT value FROM consumers WHERE name = ?", consumer), None)
        return None if found is None else from_json(Lease, found)

    def add(self, lease: Lease) -> None:
        self._rows.execute("INSERT INTO consumers VALUES (?, ?)", (lease.consumer, to_json(lease)))

    def save(self, lease: Lease) -> None:
        query = "UPDATE consumers SET value = ? WHERE name = ?"
        self._rows.execute(query, (to_json(lease), lease.consumer))

    def forget(self, consumer: ConsumerName) -> None:
        self._rows.execute("DELETE FROM consumers WHERE name = ?", (consumer,))
        for table in ("marks", "aside"):
            self._rows.execute(f"DELETE FROM {table} WHERE consumer = ?", (consumer,))

    def pass_over(self, consumer: ConsumerName) -> None:
        ends = [Mark(owner=it.user, position=it.position) for it in self._accounts()]
        self.claim(consumer, ends)

    def _accounts(self) -> list[Account]:
        query = "SELECT value FROM accounts ORDER BY tenant, user"
        return [from_json(Account, value) for value in self._values(query)]

    def _behind(self, consumer: ConsumerName) -> Iterator[tuple[Mark, int]]:
        for account in self._accounts():
            mark = self._mark(consumer, account.user) or Mark(owner=account.user)
            if mark.position < account.position:
                yield mark, account.position

    def _mark(self, consumer: ConsumerName, owner: User) -> Mark | None:
        query = "SELECT value FROM marks WHERE tenant = ? AND user = ? AND consumer = ?"
        found = next(self._values(query, owner.tenant, owner.id, consumer), None)
        return None if found is None else from_json(Mark, found)

    def due(
        self, consumer: ConsumerName, *, after: User | None, now_us: int, users: int, events: int
    ) -> Sequence[Delivery]:
        found = (
            Delivery(mark=mark, head=head, events=self._next(mark, 1 if mark.attempts else events))
            for mark, head in self._behind(consumer)
            if is_due(mark, now_us) and (after is None or _place(mark.owner) > _place(after))
        )
        return list(islice(found, users))

    def _next(self, mark: Mark, limit: int) -> tuple[Entry, ...]:
        journal = Journal(self._rows)
        return tuple(journal.entries_of(mark.owner, after=mark.position, limit=limit))

    def claim(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        known = {account.user for account in self._accounts()}
        for mark in marks:
            before = self._mark(consumer, mark.owner) or Mark(owner=mark.owner)
            if mark.owner not in known or mark.position < before.position:
                continue
            row = (mark.owner.tenant, mark.owner.id, consumer, to_json(mark))
            self._rows.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", row)

    def advance(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        known = [mark for mark in marks if self._mark(consumer, mark.owner) is not None]
        self.claim(consumer, known)

    def set_aside(self, consumer: ConsumerName, events: Sequence[SetAside]) -> None:
        known = {account.user for account in self._accounts()}
        for event in events:
            if event.owner in known:
                place = (event.owner.tenant, event.owner.id, consumer, event.position)
                row = (*place, event.is_due, to_json(event))
                self._rows.execute("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?, ?, ?)", row)

    def aside(self, consumer: ConsumerName, *, due: bool, limit: int) -> Sequence[SetAside]:
        query = """
            SELECT value FROM aside WHERE consumer = ? AND is_due >= ?
            ORDER BY tenant, user, position LIMIT ?"""
        return [from_json(SetAside, it) for it in self._values(query, consumer, due, limit)]

    def take_back(self, consumer: ConsumerName, event: SetAside) -> None:
        query = "DELETE FROM aside WHERE tenant = ? AND user = ? AND consumer = ? AND position = ?"
        place = (event.owner.tenant, event.owner.id, consumer, event.position)
        self._rows.execute(query, place)

    def retry(self, consumer: ConsumerName, *, owner: User | None, position: int | None) -> int:
        found = [
            event
            for event in self.aside(consumer, due=False, limit=-1)
            if owner in (None, event.owner) and position in (None, event.position)
        ]
        self.set_aside(consumer, [attrs.evolve(event, is_due=True) for event in found])
        return len(found)

    def backlog(self, consumer: ConsumerName) -> Backlog:
        behind = [mark for mark, _ in self._behind(consumer)]
        waiting = [entry.fact.at_us for mark in behind for entry in self._next(mark, 1)]
        return Backlog(
            behind=len(behind),
            oldest_us=min(waiting, default=None),
            set_aside=len(self.aside(consumer, due=False, limit=-1)),
        )


def _place(user: User) -> tuple[str, str]:
    return user.tenant, user.id
