"""The outbox in memory."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.events import Entry
from dmcore.domain.ids import ConsumerName, User
from dmcore.domain.relaying import Backlog, Delivery, Lease, Mark, SetAside, is_due
from dmcore.errors import StoreRefused
from dmcore.ports.outbox import Outbox


class MemoryOutbox:
    """The ``Outbox`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    # Consumers ------------------------------------------------------------------------------------

    def consumers(self) -> Sequence[Lease]:
        return [lease for _, lease in sorted(self._store.leases.items())]

    def hold(self, consumer: ConsumerName) -> Lease | None:
        return self._store.leases.get(consumer)

    def add(self, lease: Lease) -> None:
        if lease.consumer in self._store.leases:
            raise StoreRefused("pk_dm_consumer")
        self.save(lease)

    def save(self, lease: Lease) -> None:
        self._changes.put(self._store.leases, lease.consumer, lease)

    def forget(self, consumer: ConsumerName) -> None:
        self._changes.drop(self._store.leases, consumer)
        for mark in [it for it in self._store.marks if it[0] == consumer]:
            self._changes.drop(self._store.marks, mark)
        for event in [it for it in self._store.aside if it[0] == consumer]:
            self._changes.drop(self._store.aside, event)

    def pass_over(self, consumer: ConsumerName) -> None:
        for user, account in self._store.accounts.items():
            mark = Mark(owner=user, position=account.position)
            self._changes.put(self._store.marks, (consumer, user), mark)

    # Marks ----------------------------------------------------------------------------------------

    def due(
        self, consumer: ConsumerName, *, after: User | None, now_us: int, users: int, events: int
    ) -> Sequence[Delivery]:
        due = (
            Delivery(
                mark=mark,
                head=self._store.accounts[mark.owner].position,
                events=tuple(self._next(mark, 1 if mark.attempts else events)),
            )
            for mark in self._behind(consumer)
            if is_due(mark, now_us) and (after is None or _place(mark.owner) > _place(after))
        )
        return list(islice(due, users))

    def _behind(self, consumer: ConsumerName) -> Iterator[Mark]:
        for user in sorted(self._store.accounts, key=_place):
            mark = self._store.marks.get((consumer, user), Mark(owner=user))
            if mark.position < self._store.accounts[user].position:
                yield mark

    def _next(self, mark: Mark, limit: int) -> Sequence[Entry]:
        rows = self._store.journal.get(mark.owner, [])
        start = bisect_right(rows, mark.position, key=lambda entry: entry.position)
        return rows[start : start + limit]

    def claim(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        for mark in marks:
            before = self._store.marks.get((consumer, mark.owner), Mark(owner=mark.owner))
            if mark.owner in self._store.accounts and before.position <= mark.position:
                self._changes.put(self._store.marks, (consumer, mark.owner), mark)

    def advance(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        self.claim(consumer, [it for it in marks if (consumer, it.owner) in self._store.marks])

    # What could not be delivered ------------------------------------------------------------------

    def set_aside(self, consumer: ConsumerName, events: Sequence[SetAside]) -> None:
        for event in events:
            if event.owner in self._store.accounts:
                key = consumer, event.owner, event.position
                self._changes.put(self._store.aside, key, event)

    def aside(self, consumer: ConsumerName, *, due: bool, limit: int) -> Sequence[SetAside]:
        found = [
            event
            for (of, _, _), event in self._store.aside.items()
            if of == consumer and (event.is_due or not due)
        ]
        return sorted(found, key=lambda it: (*_place(it.owner), it.position))[:limit]

    def take_back(self, consumer: ConsumerName, event: SetAside) -> None:
        key = consumer, event.owner, event.position
        if key in self._store.aside:
            self._changes.drop(self._store.aside, key)

    def retry(self, consumer: ConsumerName, *, owner: User | None, position: int | None) -> int:
        found = [
            (key, event)
            for key, event in self._store.aside.items()
            if key[0] == consumer
            and owner in (None, event.owner)
            and position in (None, event.position)
        ]
        for key, event in found:
            self._changes.put(self._store.aside, key, attrs.evolve(event, is_due=True))
        return len(found)

    def backlog(self, consumer: ConsumerName) -> Backlog:
        behind = list(self._behind(consumer))
        waiting = [entry.fact.at_us for mark in behind for entry in self._next(mark, 1)]
        return Backlog(
            behind=len(behind),
            oldest_us=min(waiting, default=None),
            set_aside=sum(of == consumer for of, _, _ in self._store.aside),
        )


def _place(user: User) -> tuple[str, str]:
    return user.tenant, user.id


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Outbox:
        return MemoryOutbox(store, changes)
