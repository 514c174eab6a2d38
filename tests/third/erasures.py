"""The port of erasures on ``sqlite3``: values are taken out, given another name, and put back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from tests.third.ports import Contacts
from tests.third.rows import Rows
from tests.third.values import from_json, to_json

from dmcore import (
    Block,
    ConversationId,
    Entry,
    EvidenceItem,
    MessageId,
    Restriction,
    SetAside,
    User,
    UserId,
)
from dmcore.domain.contact import Contact
from dmcore.domain.erasure import Erasure, ErasureScope, Shredded, shredded
from dmcore.domain.ids import TenantId, parse_conversation_id
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.domain.relaying import Mark
from dmcore.domain.reports import MadeMove, Report

Value = TypeVar("Value")

PEOPLE = """
    SELECT tenant, user FROM accounts
    UNION SELECT tenant, low FROM conversations UNION SELECT tenant, high FROM conversations
    UNION SELECT tenant, user FROM blocks UNION SELECT tenant, blocked FROM blocks
    UNION SELECT tenant, user FROM journal
    UNION SELECT tenant, value ->> '$.fact.actor' FROM journal
    UNION SELECT tenant, value ->> '$.fact.other' FROM journal
    UNION SELECT tenant, reporter FROM reports UNION SELECT tenant, reported FROM reports
    UNION SELECT tenant, value ->> '$.taken_by' FROM reports
    UNION SELECT tenant, made_by FROM moves
    UNION SELECT tenant, user FROM restrictions
    UNION SELECT tenant, value ->> '$.by' FROM restrictions
    UNION SELECT tenant, value ->> '$.ended_by' FROM restrictions"""


class Erasures(Rows):
    """The ``Erasures`` port."""

    def find(self, gone: User) -> Erasure | None:
        query = "SELECT value FROM erasures WHERE tenant = ? AND pseudonym = ?"
        found = next(self._values(query, gone.tenant, gone.id), None)
        return None if found is None else from_json(Erasure, found)

    def among(self, gone: Collection[User]) -> Mapping[User, Erasure]:
        found = {it: self.find(it) for it in gone}
        return {it: line for it, line in found.items() if line is not None}

    def add(self, erasure: Erasure) -> None:
        row = (erasure.tenant, erasure.pseudonym, erasure.finished_at_us, to_json(erasure))
        self._rows.execute("INSERT INTO erasures VALUES (?, ?, ?, ?)", row)

    def save(self, erasure: Erasure) -> None:
        query = """
            UPDATE erasures SET finished_at_us = ?, value = ? WHERE tenant = ? AND pseudonym = ?"""
        named = (erasure.tenant, erasure.pseudonym)
        self._rows.execute(query, (erasure.finished_at_us, to_json(erasure), *named))

    def ledger(self, *, after: UserId | None, limit: int) -> Sequence[Erasure]:
        query = "SELECT value FROM erasures WHERE pseudonym > ? ORDER BY pseudonym LIMIT ?"
        return [from_json(Erasure, value) for value in self._values(query, after or "", limit)]

    def settle(self) -> None:
        """A writer has the whole file: nobody is under way."""

    def scope(self, user: User) -> ErasureScope:
        of = (user.tenant, user.id)
        pairs = "SELECT id FROM conversations WHERE tenant = ? AND ? IN (low, high)"
        named = "tenant = ? AND ? IN (user, value ->> '$.fact.actor', value ->> '$.fact.other')"
        concerned = "tenant = ? AND ? IN (reporter, reported, value ->> '$.taken_by')"

        def count(rows: str, *values: str) -> int:
            return int(self._one(f"SELECT count(*) FROM {rows}", *values))

        return ErasureScope(
            conversations=count(f"({pairs})", *of),
            messages=count(
                f"messages WHERE conversation IN ({pairs}) AND sender = ?", *of, user.id
            ),
            receipts=count(
                f"receipts WHERE conversation IN ({pairs}) AND reader = ?", *of, user.id
            ),
            blocks=count("blocks WHERE tenant = ? AND ? IN (user, blocked)", *of),
            reports=count(f"reports WHERE {concerned}", *of),
            journal_entries=count(f"journal WHERE {named}", *of),
        )

    def next_conversation(self, user: User) -> ConversationId | None:
        query = "SELECT id FROM conversations WHERE tenant = ? AND ? IN (low, high)"
        found = next(self._values(query, user.tenant, user.id), None)
        return None if found is None else parse_conversation_id(found)

    def conversation_of(self, pair: Pair) -> ConversationId | None:
        found = self._paired(pair)
        return None if self._conversation(found) is None else found

    def hold_conversation(self, conversation: ConversationId, *, user: User) -> Contact:
        found = self._conversation(conversation)
        assert found is not None, "it was found a moment ago"
        return Contacts(self._rows).contact(found.pair, conversation, actor=user.id)

    def people(self) -> Iterator[User]:
        for tenant, user in self._rows.execute(PEOPLE).fetchall():
            if user is not None:
                yield User(TenantId(tenant), UserId(user))

    def shred(
        self,
        conversation: ConversationId,
        *,
        writer: UserId,
        pseudonym: UserId,
        after: MessageId | None,
        limit: int,
    ) -> Shredded:
        place = None if after is None else ThreadPlace(after=after)
        postings = sorted(self._postings(conversation, place), key=lambda it: it.message.id)
        theirs = [posting for posting in postings if posting.message.sender == writer]
        query = """
            UPDATE messages SET sender = ?, key = NULL, value = ?
            WHERE conversation = ? AND id = ?"""
        for posting in theirs[:limit]:
            place_of = (str(conversation), str(posting.message.id))
            self._rows.execute(query, (pseudonym, to_json(shredded(posting, pseudonym)), *place_of))
        found = self._conversation(conversation)
        assert found is not None, "its pair is held"
        partner = found.pair.other_than(writer)
        side = found.side_of(partner)
        return Shredded(
            messages=len(theirs[:limit]),
            through=theirs[:limit][-1].message.id if theirs else None,
            unread_left=sum(it.is_unread_by(partner, side) for it in self._postings(conversation)),
            is_all=len(theirs) <= limit,
        )

    def rename_in_pair(
        self, conversation: ConversationId, *, user: User, partner: UserId, pseudonym: UserId
    ) -> None:
        for receipt in self._receipts(conversation, user.id):
            named = attrs.evolve(receipt, reader=pseudonym)
            row = (pseudonym, to_json(named), str(conversation), user.id, str(receipt.through))
            query = """
                UPDATE receipts SET reader = ?, value = ?
                WHERE conversation = ? AND reader = ? AND through = ?"""
            self._rows.execute(query, row)
        self._rename_blocks(user, pseudonym, "IN (user, blocked)", partner)

    def _rename_blocks(
        self, user: User, pseudonym: UserId, where: str, other: UserId, limit: int = -1
    ) -> int:
        query = f"""
            SELECT user, blocked, value FROM blocks
            WHERE tenant = ? AND ? IN (user, blocked) AND ? {where} LIMIT ?"""
        found = self._rows.execute(query, (user.tenant, user.id, other, limit)).fetchall()
        for blocker, blocked, value in found:
            new_blocker, new_blocked = (
                pseudonym if it == user.id else it for it in (blocker, blocked)
            )
            line = attrs.evolve(from_json(Block, value), blocked=UserId(new_blocked))
            row = (new_blocker, new_blocked, to_json(line), user.tenant, blocker, blocked)
            query = """
                UPDATE blocks SET user = ?, blocked = ?, value = ?
                WHERE tenant = ? AND user = ? AND blocked = ?"""
            self._rows.execute(query, row)
        return len(found)

    def rename(self, user: User, pseudonym: UserId, *, limit: int) -> int:
        changed = self._rename_blocks(user, pseudonym, "NOT NULL", user.id, limit)
        changed += self._rename_evidence(user, pseudonym, limit - changed)
        changed += self._rename_reports(user, pseudonym, limit - changed)
        changed += self._rename_moves(user, pseudonym, limit - changed)
        changed += self._rename_decisions(user, pseudonym, limit - changed)
        return changed + self._rename_facts(user, pseudonym, limit - changed)

    def _rename_moves(self, user: User, pseudonym: UserId, limit: int) -> int:
        query = "SELECT value FROM moves WHERE tenant = ? AND made_by = ? LIMIT ?"
        found = [from_json(MadeMove, it) for it in self._values(query, user.tenant, user.id, limit)]
        for made in found:
            row = (pseudonym, to_json(attrs.evolve(made, by=pseudonym)))
            query = "UPDATE moves SET made_by = ?, value = ? WHERE report = ? AND number = ?"
            self._rows.execute(query, (*row, str(made.report), made.number))
        return len(found)

    def _rename_decisions(self, user: User, pseudonym: UserId, limit: int) -> int:
        query = """
            SELECT value FROM restrictions
            WHERE tenant = ? AND ? IN (value ->> '$.by', value ->> '$.ended_by') LIMIT ?"""
        values = self._values(query, user.tenant, user.id, limit)
        found = [from_json(Restriction, value) for value in values]
        for row in found:
            self._put_restriction(row, _renamed(row, ("by", "ended_by"), user.id, pseudonym))
        return len(found)

    def _put_restriction(self, before: Restriction, after: Restriction) -> None:
        query = """
            UPDATE restrictions SET user = ?, value = ?
            WHERE tenant = ? AND user = ? AND number = ?"""
        where = (before.tenant, before.user, before.number)
        self._rows.execute(query, (after.user, to_json(after), *where))

    def _rename_evidence(self, user: User, pseudonym: UserId, limit: int) -> int:
        query = """
            SELECT report, message, evidence.value FROM evidence
            JOIN reports ON reports.id = report
            WHERE tenant = ? AND evidence.value ->> '$.sender' = ? LIMIT ?"""
        found = self._rows.execute(query, (user.tenant, user.id, limit)).fetchall()
        for report, message, value in found:
            item = attrs.evolve(from_json(EvidenceItem, value), sender=pseudonym, body=None)
            query = "UPDATE evidence SET value = ? WHERE report = ? AND message = ?"
            self._rows.execute(query, (to_json(item), report, message))
        return len(found)

    def _rename_reports(self, user: User, pseudonym: UserId, limit: int) -> int:
        query = """
            SELECT value FROM reports
            WHERE tenant = ? AND ? IN (reporter, reported, value ->> '$.taken_by') LIMIT ?"""
        found = [from_json(Report, it) for it in self._values(query, user.tenant, user.id, limit)]
        for report in found:
            named = _renamed(report, ("reporter", "reported", "taken_by"), user.id, pseudonym)
            query = "UPDATE reports SET reporter = ?, reported = ?, value = ? WHERE id = ?"
            row = (named.reporter, named.reported, to_json(named), str(report.id))
            self._rows.execute(query, row)
        return len(found)

    def _rename_facts(self, user: User, pseudonym: UserId, limit: int) -> int:
        query = """
            SELECT value FROM journal
            WHERE tenant = ? AND ? IN (value ->> '$.fact.actor', value ->> '$.fact.other')
            LIMIT ?"""
        found = [from_json(Entry, it) for it in self._values(query, user.tenant, user.id, limit)]
        for entry in found:
            fact = _renamed(entry.fact, ("actor", "other"), user.id, pseudonym)
            row = (to_json(attrs.evolve(entry, fact=fact)), user.tenant, entry.owner.id)
            query = "UPDATE journal SET value = ? WHERE tenant = ? AND user = ? AND position = ?"
            self._rows.execute(query, (*row, entry.position))
        return len(found)

    def move_journal(self, user: User, pseudonym: UserId, *, through: int) -> None:
        query = "SELECT value FROM journal WHERE tenant = ? AND user = ? AND position <= ?"
        found = [from_json(Entry, it) for it in self._values(query, user.tenant, user.id, through)]
        for entry in found:
            named = attrs.evolve(entry, owner=attrs.evolve(user, id=pseudonym))
            row = (pseudonym, to_json(named), user.tenant, user.id, entry.position)
            query = """
                UPDATE journal SET user = ?, value = ?
                WHERE tenant = ? AND user = ? AND position = ?"""
            self._rows.execute(query, row)
        if not self._restrictions(attrs.evolve(user, id=pseudonym)):
            for restriction in self._restrictions(user):
                self._put_restriction(restriction, attrs.evolve(restriction, user=pseudonym))
        self._move_outbox(user, attrs.evolve(user, id=pseudonym), through)

    def _move_outbox(self, user: User, gone: User, through: int) -> None:
        place, moved_to = (user.tenant, user.id), (gone.tenant, gone.id)
        query = "SELECT consumer, value FROM marks WHERE tenant = ? AND user = ?"
        known = dict(self._rows.execute(query, moved_to).fetchall())
        for consumer, value in self._rows.execute(query, place).fetchall():
            reached = min(from_json(Mark, value).position, through)
            before = known.get(consumer)
            if before is None or from_json(Mark, before).position < reached:
                row = (*moved_to, consumer, to_json(Mark(owner=gone, position=reached)))
                self._rows.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", row)
        query = "SELECT position, value FROM aside WHERE tenant = ? AND user = ? AND position <= ?"
        for position, value in self._rows.execute(query, (*place, through)).fetchall():
            event = attrs.evolve(from_json(SetAside, value), owner=gone)
            query = """
                UPDATE aside SET user = ?, value = ?
                WHERE tenant = ? AND user = ? AND position = ?"""
            self._rows.execute(query, (gone.id, to_json(event), *place, position))

    def drop_account(self, user: User) -> bool:
        for table in ("marks", "aside"):
            query = f"DELETE FROM {table} WHERE tenant = ? AND user = ?"
            self._rows.execute(query, (user.tenant, user.id))
        query = "DELETE FROM accounts WHERE tenant = ? AND user = ?"
        return self._rows.execute(query, (user.tenant, user.id)).rowcount > 0


def _renamed(value: Value, names: tuple[str, ...], user: UserId, pseudonym: UserId) -> Value:
    changed: Any = {name: pseudonym for name in names if getattr(value, name) == user}
    return attrs.evolve(value, **changed)  # type: ignore[misc]
