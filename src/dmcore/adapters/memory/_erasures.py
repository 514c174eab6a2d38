"""Erasures in memory: the ledger, and everything that names a user."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from dmcore.adapters.memory._contacts import MemoryContacts
from dmcore.adapters.memory._conversations import unread_in
from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.contact import Contact
from dmcore.domain.erasure import Erasure, ErasureScope, Shredded, shredded
from dmcore.domain.events import Entry, Fact
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.pair import Pair
from dmcore.domain.relaying import Mark
from dmcore.domain.reports import Report
from dmcore.domain.restriction import Restriction
from dmcore.errors import StoreRefused
from dmcore.ports.erasures import Erasures


class MemoryErasures:
    """The ``Erasures`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    # The ledger ---------------------------------------------------------------------------------

    def find(self, gone: User) -> Erasure | None:
        return self._store.erasures.get(gone)

    def among(self, gone: Collection[User]) -> Mapping[User, Erasure]:
        lines = self._store.erasures
        return {it: lines[it] for it in gone if it in lines}

    def add(self, erasure: Erasure) -> None:
        if erasure.gone in self._store.erasures:
            raise StoreRefused("pk_dm_erasure")
        self.save(erasure)

    def save(self, erasure: Erasure) -> None:
        self._changes.put(self._store.erasures, erasure.gone, erasure)

    def ledger(self, *, after: UserId | None, limit: int) -> Sequence[Erasure]:
        lines = self._store.erasures.values()
        later = [line for line in lines if after is None or line.pseudonym > after]
        return sorted(later, key=lambda line: line.pseudonym)[:limit]

    def settle(self) -> None:
        """One transaction at a time: nobody is under way."""

    # What there is ------------------------------------------------------------------------------

    def scope(self, user: User) -> ErasureScope:
        store = self._store
        pairs = [key for key, it in store.conversations.items() if _is_in(user, it.pair)]
        return ErasureScope(
            conversations=len(pairs),
            messages=sum(
                it.message.sender == user.id for key in pairs for it in store.postings[key]
            ),
            receipts=sum(len(store.receipts.get((key, user.id), ())) for key in pairs),
            blocks=len(store.blocks.get(user, ())) + len(list(self._blockers(user))),
            reports=sum(
                it.tenant == user.tenant and user.id in (it.reporter, it.reported, it.taken_by)
                for it in store.reports.values()
            ),
            journal_entries=sum(
                _names(entry, user) for rows in store.journal.values() for entry in rows
            ),
        )

    def _blockers(self, user: User) -> Iterator[User]:
        for blocker, lines in self._store.blocks.items():
            if blocker.tenant == user.tenant and user.id in lines:
                yield blocker

    def next_conversation(self, user: User) -> ConversationId | None:
        pairs = self._store.conversations.items()
        return next((key for key, it in pairs if _is_in(user, it.pair)), None)

    def conversation_of(self, pair: Pair) -> ConversationId | None:
        key = self._store.paired(pair)
        return key if key in self._store.conversations else None

    def hold_conversation(self, conversation: ConversationId, *, user: User) -> Contact:
        found = self._store.conversations[conversation]
        contacts = MemoryContacts(self._store, self._changes)
        return contacts.contact(found.pair, conversation, found, user.id, None)

    def people(self) -> Iterator[User]:
        return iter(set(self._everybody()))

    def _everybody(self) -> Iterator[User]:
        store = self._store
        yield from store.accounts
        for conversation in store.conversations.values():
            pair = conversation.pair
            yield from (User(pair.tenant, pair.low), User(pair.tenant, pair.high))
        for blocker, lines in store.blocks.items():
            for blocked in lines:
                yield from (blocker, User(blocker.tenant, blocked))
        for owner, rows in store.journal.items():
            for entry in rows:
                named = (owner.id, entry.fact.actor, entry.fact.other)
                yield from (User(owner.tenant, it) for it in named if it is not None)
        for report in store.reports.values():
            concerned = (report.reporter, report.reported, report.taken_by)
            yield from (User(report.tenant, it) for it in concerned if it is not None)
        for moves in store.moves.values():
            yield from (User(made.tenant, made.by) for made in moves)
        for subject, decisions in store.restrictions.items():
            yield subject
            for row in decisions:
                deciding = (row.by, row.ended_by)
                yield from (User(subject.tenant, it) for it in deciding if it is not None)

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
        store = self._store
        postings = store.postings[conversation]
        found = [
            index
            for index, it in enumerate(postings)
            if it.message.sender == writer and (after is None or it.message.id > after)
        ]
        for index in found[:limit]:
            posting = postings[index]
            if posting.key is not None:
                self._changes.drop(store.keys, (conversation, writer, posting.key))
            self._changes.replace(postings, index, shredded(posting, pseudonym))
        pair = store.conversations[conversation].pair
        partner = pair.other_than(writer)
        side = store.conversations[conversation].side_of(partner)
        return Shredded(
            messages=len(found[:limit]),
            through=postings[found[:limit][-1]].message.id if found else None,
            unread_left=unread_in(postings, partner, side),
            is_all=len(found) <= limit,
        )

    def rename_in_pair(
        self, conversation: ConversationId, *, user: User, partner: UserId, pseudonym: UserId
    ) -> None:
        store, changes = self._store, self._changes
        given = store.receipts.get((conversation, user.id))
        if given is not None:
            changes.drop(store.receipts, (conversation, user.id))
            renamed = [attrs.evolve(receipt, reader=pseudonym) for receipt in given]
            changes.put(store.receipts, (conversation, pseudonym), renamed)
        self._rename_block(user, partner, pseudonym)
        self._rename_blocked(attrs.evolve(user, id=partner), user.id, pseudonym)

    def _rename_block(self, user: User, blocked: UserId, pseudonym: UserId) -> bool:
        line = self._store.blocks.get(user, {}).get(blocked)
        if line is None:
            return False
        gone = attrs.evolve(user, id=pseudonym)
        self._changes.drop(self._store.blocks[user], blocked)
        self._changes.put(self._store.blocks.setdefault(gone, {}), blocked, line)
        return True

    def _rename_blocked(self, blocker: User, user: UserId, pseudonym: UserId) -> bool:
        lines = self._store.blocks.get(blocker, {})
        if user not in lines:
            return False
        line = attrs.evolve(lines[user], blocked=pseudonym)
        self._changes.drop(lines, user)
        self._changes.put(lines, pseudonym, line)
        return True

    def rename(self, user: User, pseudonym: UserId, *, limit: int) -> int:
        return sum(1 for _ in islice(self._renaming(user, pseudonym), limit))

    def _renaming(self, user: User, pseudonym: UserId) -> Iterator[object]:
        """One row after the other, each as it is asked for."""
        store, changes = self._store, self._changes
        for blocked in list(store.blocks.get(user, ())):
            yield self._rename_block(user, blocked, pseudonym)
        for blocker in list(self._blockers(user)):
            yield self._rename_blocked(blocker, user.id, pseudonym)
        for key, items in list(store.evidence.items()):
            of_tenant = store.reports[key].tenant == user.tenant
            if of_tenant and any(item.sender == user.id for item in items):
                hidden = tuple(
                    attrs.evolve(item, sender=pseudonym, body=None)
                    if item.sender == user.id
                    else item
                    for item in items
                )
                changes.put(store.evidence, key, hidden)
                yield key
        for key, report in list(store.reports.items()):
            renamed = _renamed_report(report, user, pseudonym)
            if renamed != report:
                changes.put(store.reports, key, renamed)
                yield key
        yield from self._renaming_decided(user, pseudonym)
        for owner, rows in store.journal.items():
            for index, entry in enumerate(rows):
                fact = _renamed_fact(entry.fact, user.id, pseudonym)
                if owner.tenant == user.tenant and fact != entry.fact:
                    changes.replace(rows, index, attrs.evolve(entry, fact=fact))
                    yield owner

    def _renaming_decided(self, user: User, pseudonym: UserId) -> Iterator[object]:
        """What they did as a moderator."""
        store, changes = self._store, self._changes
        for moves in store.moves.values():
            for number, made in enumerate(moves):
                if (made.tenant, made.by) == (user.tenant, user.id):
                    changes.replace(moves, number, attrs.evolve(made, by=pseudonym))
                    yield made
        for subject, decisions in store.restrictions.items():
            for index, row in enumerate(decisions):
                decided = _renamed_restriction(row, user.id, pseudonym)
                if subject.tenant == user.tenant and decided != row:
                    changes.replace(decisions, index, decided)
                    yield subject

    def move_journal(self, user: User, pseudonym: UserId, *, through: int) -> None:
        gone = attrs.evolve(user, id=pseudonym)
        rows = self._store.journal.get(user, [])
        moved = [entry for entry in rows if entry.position <= through]
        self._changes.drop_first(rows, len(moved))
        target = self._store.journal.setdefault(gone, [])
        for entry in moved:
            self._changes.append(target, attrs.evolve(entry, owner=gone))
        restrictions = self._store.restrictions
        if user in restrictions and gone not in restrictions:
            renamed = [attrs.evolve(row, user=pseudonym) for row in restrictions[user]]
            self._changes.drop(restrictions, user)
            self._changes.put(restrictions, gone, renamed)
        self._move_outbox(user, gone, through)

    def _move_outbox(self, user: User, gone: User, through: int) -> None:
        store, changes = self._store, self._changes
        for (consumer, owner), mark in list(store.marks.items()):
            before = store.marks.get((consumer, gone))
            reached = Mark(owner=gone, position=min(mark.position, through))
            if owner == user and (before is None or before.position < reached.position):
                changes.put(store.marks, (consumer, gone), reached)
        for key, event in list(store.aside.items()):
            consumer, owner, position = key
            if owner == user and position <= through:
                changes.drop(store.aside, key)
                moved = attrs.evolve(event, owner=gone)
                changes.put(store.aside, (consumer, gone, position), moved)

    def drop_account(self, user: User) -> bool:
        if user not in self._store.accounts:
            return False
        self._changes.drop(self._store.accounts, user)
        for mark in [it for it in self._store.marks if it[1] == user]:
            self._changes.drop(self._store.marks, mark)
        for event in [it for it in self._store.aside if it[1] == user]:
            self._changes.drop(self._store.aside, event)
        return True


def _is_in(user: User, pair: Pair) -> bool:
    return pair.tenant == user.tenant and user.id in pair


def _names(entry: Entry, user: User) -> bool:
    named = (entry.owner.id, entry.fact.actor, entry.fact.other)
    return entry.owner.tenant == user.tenant and user.id in named


def _renamed_fact(fact: Fact, user: UserId, pseudonym: UserId) -> Fact:
    actor = pseudonym if fact.actor == user else fact.actor
    other = pseudonym if fact.other == user else fact.other
    return attrs.evolve(fact, actor=actor, other=other)


def _renamed_restriction(row: Restriction, user: UserId, pseudonym: UserId) -> Restriction:
    by = pseudonym if row.by == user else row.by
    ended_by = pseudonym if row.ended_by == user else row.ended_by
    return attrs.evolve(row, by=by, ended_by=ended_by)


def _renamed_report(report: Report, user: User, pseudonym: UserId) -> Report:
    if report.tenant != user.tenant:
        return report
    return attrs.evolve(
        report,
        reporter=pseudonym if report.reporter == user.id else report.reporter,
        reported=pseudonym if report.reported == user.id else report.reported,
        taken_by=pseudonym if report.taken_by == user.id else report.taken_by,
    )


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Erasures:
        return MemoryErasures(store, changes)
