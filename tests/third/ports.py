"""The ports on ``sqlite3``: each finds values by their columns and asks the domain about them.

A transaction sees one state of the file, so what one method reads in several statements is of one
instant, the mode included.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

import attrs
from tests.third.rows import Rows
from tests.third.values import from_json, to_json

from dmcore import (
    Block,
    ConversationId,
    ConversationView,
    Entry,
    Folder,
    InboxEntry,
    Message,
    MessageId,
    Mode,
    StoreStatus,
    User,
    UserId,
)
from dmcore.domain.account import Account
from dmcore.domain.contact import Contact
from dmcore.domain.conversation import Conversation, Listing, Side
from dmcore.domain.ids import Key
from dmcore.domain.inbox import InboxPlace, view_of
from dmcore.domain.message import Posting, Receipt
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.domain.reports import MadeMove, Report, is_where_it_was_led
from dmcore.domain.restriction import standing_after
from dmcore.domain.retention import is_expired
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.domain.viewing import Marking
from dmcore.ports.journal import FeedRows
from dmcore.ports.messages import ThreadRows
from dmcore.ports.reading import Reading


class Installation(Rows):
    """The ``Installation`` port."""

    def namespace(self) -> bytes:
        return self._namespace()

    def hold_mode(self) -> Mode:
        return self.mode()

    def set_mode(self, mode: Mode) -> None:
        self._rows.execute("UPDATE installation SET mode = ?", (mode,))

    def status(self) -> StoreStatus:
        def count(table: str) -> int:
            return int(self._one(f"SELECT count(*) FROM {table}"))

        return StoreStatus(
            mode=self.mode(),
            schema_version=1,
            store="documents",
            conversations=count("conversations"),
            messages=count("messages"),
            users=count("accounts"),
            blocks=count("blocks"),
            journal_entries=count("journal"),
        )


class Contacts(Rows):
    """The ``Contacts`` port."""

    def hold(self, pair: Pair, *, actor: UserId, key: Key | None = None) -> Contact:
        self._mode_for(User(pair.tenant, actor))
        return self.contact(pair, self._paired(pair), actor=actor, key=key)

    def contact(
        self, pair: Pair, id_: ConversationId, *, actor: UserId, key: Key | None = None
    ) -> Contact:
        """What decides between the two; nobody is asked whether they may act."""
        acting, partner = User(pair.tenant, actor), User(pair.tenant, pair.other_than(actor))
        found = self._conversation(id_)
        query = "SELECT value FROM messages WHERE conversation = ? AND sender = ? AND key = ?"
        earlier = next(self._values(query, str(id_), actor, key), None)
        return Contact(
            mode=self.mode(),
            pair=pair,
            conversation_id=id_,
            # Not the one of somebody who was erased since, and has another name in it.
            conversation=found if found is not None and found.pair == pair else None,
            actor=self._account(acting),
            partner=self._account(partner),
            actor_blocks=self._blocks(acting, partner.id),
            partner_blocks=self._blocks(partner, acting.id),
            earlier=None if earlier is None else from_json(Posting, earlier),
        )

    def hold_conversation(
        self, conversation: ConversationId, *, actor: User, key: Key | None = None
    ) -> Contact | None:
        self._mode_for(actor)
        found = self._held_by(conversation, actor)
        if found is None:
            return None
        return self.contact(found.pair, conversation, actor=actor.id, key=key)

    def look(self, pair: Pair, *, actor: UserId) -> Contact:
        return self.hold(pair, actor=actor)

    def add_block(self, pair: Pair, block: Block) -> None:
        blocker = pair.other_than(block.blocked)
        row = (pair.tenant, blocker, block.blocked, block.position, to_json(block))
        self._rows.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?)", row)

    def remove_block(self, pair: Pair, *, blocked: UserId) -> None:
        query = "DELETE FROM blocks WHERE tenant = ? AND user = ? AND blocked = ?"
        self._rows.execute(query, (pair.tenant, pair.other_than(blocked), blocked))

    def blockers(self, blocked: User, *, among: Collection[UserId]) -> Reading[frozenset[UserId]]:
        boxes = {attrs.evolve(blocked, id=it) for it in among}
        found = frozenset(box.id for box in boxes if self._blocks(box, blocked.id))
        return Reading(self._mode_for(blocked), found)

    def blocked_by(
        self, blocker: User, *, before: int | None, limit: int
    ) -> Reading[Sequence[Block]]:
        query = """
            SELECT value FROM blocks WHERE tenant = ? AND user = ? AND (? IS NULL OR position < ?)
            ORDER BY position DESC LIMIT ?"""
        found = self._values(query, blocker.tenant, blocker.id, before, before, limit)
        return Reading(self._mode_for(blocker), [from_json(Block, value) for value in found])


class Conversations(Rows):
    """The ``Conversations`` port."""

    def add(self, conversation: Conversation) -> None:
        pair = conversation.pair
        row = (str(conversation.id), pair.tenant, pair.low, pair.high, to_json(conversation))
        self._rows.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", row)
        self._list(conversation)

    def save(self, conversation: Conversation) -> None:
        pair = conversation.pair
        row = (pair.low, pair.high, to_json(conversation), str(conversation.id))
        self._rows.execute(
            "UPDATE conversations SET low = ?, high = ?, value = ? WHERE id = ?", row
        )
        self._list(conversation)

    def _list(self, conversation: Conversation) -> None:
        pair, id_ = conversation.pair, str(conversation.id)
        self._rows.execute("DELETE FROM listings WHERE conversation = ?", (id_,))
        for user in (pair.low, pair.high):
            listing = conversation.side_of(user).listing
            if listing is not None:
                place = (listing.folder, str(listing.newest), to_json(listing))
                row = (pair.tenant, user, id_, *place)
                self._rows.execute("INSERT INTO listings VALUES (?, ?, ?, ?, ?, ?)", row)

    def inbox(
        self,
        owner: User,
        *,
        folder: Folder,
        after: InboxPlace | None,
        limit: int,
        since: MessageId | None,
    ) -> Reading[Sequence[InboxEntry]]:
        query = """
            SELECT conversations.value, listings.newest FROM listings
            JOIN conversations ON conversations.id = listings.conversation
            WHERE listings.tenant = ? AND user = ? AND folder = ?
            AND (? IS NULL OR (newest, conversation) < (?, ?)) AND newest >= ?
            ORDER BY newest DESC, conversation DESC LIMIT ?"""
        newest = None if after is None else str(after.newest)
        conversation = None if after is None else str(after.conversation)
        place = (newest, newest, conversation, "" if since is None else str(since))
        bounds = (owner.tenant, owner.id, folder, *place, limit)
        found = self._rows.execute(query, bounds).fetchall()
        entries = [self._entry(owner, from_json(Conversation, row[0]), since) for row in found]
        return self._read_for(owner, entries)

    def _entry(
        self, owner: User, conversation: Conversation, since: MessageId | None
    ) -> InboxEntry:
        expired = self._expired_unread(conversation, owner, since)
        side = conversation.side_of(owner.id).kept(since, unread_expired=expired)
        assert side.newest is not None, "what is listed shows something"
        query = "SELECT value FROM messages WHERE conversation = ? AND id = ?"
        posting = from_json(Posting, self._one(query, str(conversation.id), str(side.newest)))
        return InboxEntry(
            conversation=conversation.id,
            other=conversation.pair.other_than(owner.id),
            newest=side.newest,
            preview=Sight(self._rows, conversation, owner).of(posting),
            read=side.read,
            unread=side.unread,
            is_muted=side.is_muted,
        )

    def view(
        self, conversation: ConversationId, *, reader: User, since: MessageId | None
    ) -> Reading[ConversationView | None]:
        found = self._held_by(conversation, reader)
        view = None if found is None else self._view_of(found, reader, since)
        return self._read_for(reader, view)

    def _view_of(
        self, conversation: Conversation, reader: User, since: MessageId | None
    ) -> ConversationView:
        expired = self._expired_unread(conversation, reader, since)
        return view_of(conversation, reader.id, since=since, unread_expired=expired)

    def of(
        self, owner: User, *, after: ConversationId | None, limit: int, since: MessageId | None
    ) -> Sequence[ConversationView]:
        query = "SELECT value FROM conversations WHERE tenant = ? AND ? IN (low, high)"
        found = (from_json(Conversation, it) for it in self._values(query, owner.tenant, owner.id))
        had = (it for it in found if it.side_of(owner.id).exists)
        views = (self._view_of(it, owner, since) for it in had)
        later = (view for view in views if after is None or view.conversation > after)
        return sorted(later, key=lambda view: view.conversation)[:limit]


class Sight(Rows):
    """How a participant sees messages, receipts included."""

    def __init__(self, rows: sqlite3.Connection, conversation: Conversation, reader: User) -> None:
        super().__init__(rows)
        partner = User(reader.tenant, conversation.pair.other_than(reader.id))
        accounts = (self._account(reader), self._account(partner))
        are_on = all(account.preferences.receipts for account in accounts)
        self._reader = reader.id
        self._seen = self._receipts(conversation.id, partner.id) if are_on else []

    def of(self, posting: Posting) -> Message:
        message = posting.seen_by(self._reader)
        if message.sender != self._reader:
            return message
        seen = (receipt.at_us for receipt in self._seen if receipt.through >= message.id)
        return attrs.evolve(message, seen_at_us=next(seen, None))


class Messages(Rows):
    """The ``Messages`` port."""

    def add(self, posting: Posting) -> None:
        it = posting.message
        row = (str(it.conversation), str(it.id), it.sender, posting.key, to_json(posting))
        self._rows.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", row)

    def save(self, posting: Posting) -> None:
        row = (to_json(posting), str(posting.message.conversation), str(posting.message.id))
        query = "UPDATE messages SET value = ? WHERE conversation = ? AND id = ?"
        self._rows.execute(query, row)

    def add_receipt(self, receipt: Receipt) -> None:
        row = (str(receipt.conversation), receipt.reader, str(receipt.through), to_json(receipt))
        self._rows.execute("INSERT INTO receipts VALUES (?, ?, ?, ?)", row)

    def find(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        message: MessageId,
        since: MessageId | None,
    ) -> Posting | None:
        side = self._side(conversation, reader)
        if is_expired(message, since):
            return None
        query = "SELECT value FROM messages WHERE conversation = ? AND id = ?"
        for value in self._values(query, str(conversation), str(message)):
            posting = from_json(Posting, value)
            return posting if posting.is_visible_to(reader.id, side) else None
        return None

    def newest_below(
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> MessageId | None:
        side = self._side(conversation, reader)
        below = self._postings(conversation, ThreadPlace(before=message))
        return _first(it for it in below if it.is_shown_to(reader.id, side))

    def thread(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        place: ThreadPlace,
        limit: int,
        since: MessageId | None,
        root: MessageId | None = None,
    ) -> Reading[ThreadRows | None]:
        found = self._held_by(conversation, reader)
        if found is None:
            return self._read_for(reader, None)
        side, sight = found.side_of(reader.id), Sight(self._rows, found, reader)
        visible = (
            sight.of(posting)
            for posting in self._postings(conversation, place)
            if posting.is_visible_to(reader.id, side) and not is_expired(posting.message.id, since)
        )
        if root is not None:
            visible = (message for message in visible if root in (message.id, message.thread_id))
        rows = ThreadRows(
            other=found.pair.other_than(reader.id),
            read=side.read,
            messages=list(islice(visible, limit)),
        )
        return self._read_for(reader, rows)

    def marking(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        through: MessageId,
        since: MessageId | None,
    ) -> Marking | None:
        if self.find(conversation, reader=reader, message=through, since=since) is None:
            return None
        side = self._side(conversation, reader)
        after = attrs.evolve(side, read=through)
        unread, seen = 0, None
        for posting in self._postings(conversation):
            it = posting.message
            unread += posting.is_unread_by(reader.id, after)
            if seen is None and it.id <= through and it.sender != reader.id:
                seen = it.id
        is_told = seen is None or (side.told is not None and seen <= side.told)
        is_news = not is_told and not is_expired(seen, since)
        return Marking(unread_after=unread, seen=seen if is_news else None)

    def _side(self, id_: ConversationId, reader: User) -> Side:
        found = self._conversation(id_)
        assert found is not None, "the reader has this conversation"
        return found.side_of(reader.id)


class Mailboxes(Rows):
    """The ``Mailboxes`` port."""

    def hold(self, user: User) -> Account:
        return self._account(user)

    def save(self, account: Account) -> None:
        row = (account.user.tenant, account.user.id, to_json(account))
        self._rows.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", row)

    def unread(self, user: User, *, since: MessageId | None) -> Reading[int]:
        query = """
            SELECT conversations.value FROM listings
            JOIN conversations ON conversations.id = listings.conversation
            WHERE listings.tenant = ? AND user = ? AND folder = 'inbox'"""
        listed = (from_json(Conversation, it) for it in self._values(query, user.tenant, user.id))
        expired = sum(self._expired_unread(it, user, since) for it in listed)
        return self._read_for(user, self._account(user).unread - expired)

    def look(self, user: User) -> Reading[Account]:
        return Reading(self._mode_for(user), self._account(user))


class Journal(Rows):
    """The ``Journal`` port."""

    def record(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            row = (entry.owner.tenant, entry.owner.id, entry.position, to_json(entry))
            self._rows.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", row)

    def entries_of(self, owner: User, *, after: int, limit: int) -> Sequence[Entry]:
        query = """
            SELECT value FROM journal WHERE tenant = ? AND user = ? AND position > ?
            ORDER BY position LIMIT ?"""
        found = self._values(query, owner.tenant, owner.id, after, limit)
        return [from_json(Entry, value) for value in found]

    def feed(
        self, owner: User, *, after: int, limit: int, since: MessageId | None
    ) -> Reading[FeedRows]:
        account = self._account(owner)
        entries = [
            entry
            for entry in self.entries_of(owner, after=after, limit=account.position)
            if not self._blocks(owner, entry.fact.actor)
            and not is_expired(entry.fact.message, since)
        ]
        rows = FeedRows(pruned=account.pruned, position=account.position, entries=entries[:limit])
        return self._read_for(owner, rows)

    def heads(self, users: Collection[User]) -> Reading[Mapping[User, int]]:
        return Reading(self.mode(), {user: self._account(user).position for user in users})

    def expired(self, *, before_us: int, limit: int) -> Sequence[Entry]:
        last: dict[User, Entry] = {}
        younger: set[User] = set()
        for value in self._values("SELECT value FROM journal ORDER BY tenant, user, position"):
            entry = from_json(Entry, value)
            if entry.fact.at_us >= before_us:
                younger.add(entry.owner)
            elif entry.owner not in younger:
                last[entry.owner] = entry
        return list(last.values())[:limit]

    def prune(self, owner: User, *, through: int) -> None:
        query = "DELETE FROM journal WHERE tenant = ? AND user = ? AND position <= ?"
        self._rows.execute(query, (owner.tenant, owner.id, through))


class Inspection(Rows):
    """The ``Inspection`` port."""

    def conversations(self, *, only: ConversationId | None = None) -> Iterator[ConversationCensus]:
        for value in self._values("SELECT value FROM conversations ORDER BY id"):
            conversation = from_json(Conversation, value)
            if only is not None and conversation.id != only:
                continue
            postings = list(self._postings(conversation.id))
            yield ConversationCensus(
                conversation=conversation,
                newest=_first(iter(postings)),
                oldest=_first(reversed(postings)),
                low=self._census(conversation, postings, conversation.pair.low),
                high=self._census(conversation, postings, conversation.pair.high),
            )

    def _census(
        self, conversation: Conversation, postings: list[Posting], user: UserId
    ) -> SideCensus:
        side, pair = conversation.side_of(user), conversation.pair
        query = "SELECT value FROM listings WHERE tenant = ? AND user = ? AND conversation = ?"
        listed = next(self._values(query, pair.tenant, user, str(conversation.id)), None)
        shown = (it for it in postings if it.is_shown_to(user, side))
        said = (it for it in postings if it.message.sender == user)
        other = pair.other_than(user)
        heard = (it for it in postings if it.message.sender == other and not it.sender_only)
        receipts = self._receipts(conversation.id, user)
        return SideCensus(
            newest_shown=_first(shown),
            newest_said=_first(said),
            newest_heard=_first(heard),
            unread=sum(posting.is_unread_by(user, side) for posting in postings),
            is_block_listed=self._blocks(User(pair.tenant, user), pair.other_than(user)),
            listed=None if listed is None else from_json(Listing, listed),
            newest_receipt=receipts[-1].through if receipts else None,
            oldest_receipt=receipts[0].through if receipts else None,
        )

    def accounts(self, *, only: User | None = None) -> Iterator[AccountCensus]:
        for value in self._values("SELECT value FROM accounts ORDER BY tenant, user"):
            account = from_json(Account, value)
            if only is not None and account.user != only:
                continue
            owner = (account.user.tenant, account.user.id)
            restrictions = self._restrictions(account.user)
            query = "SELECT position FROM journal WHERE tenant = ? AND user = ?"
            positions = [int(position) for position in self._values(query, *owner)]
            query = "SELECT value FROM listings WHERE tenant = ? AND user = ? AND folder = 'inbox'"
            listed = (from_json(Listing, value) for value in self._values(query, *owner))
            yield AccountCensus(
                account=account,
                entries=len(positions),
                first_position=min(positions, default=None),
                last_position=max(positions, default=None),
                unread_listed=sum(listing.unread for listing in listed),
                standing=standing_after(restrictions),
                restrictions=len(restrictions),
                last_restriction=restrictions[-1].number if restrictions else None,
                timeless=sum(not it.has_instants for it in restrictions),
            )

    def orphans(self) -> Orphans:
        def count(query: str) -> int:
            return int(self._one(f"SELECT count(*) FROM {query}"))

        owner = "SELECT 1 FROM accounts WHERE (tenant, user) = (journal.tenant, journal.user)"
        known = "(SELECT id FROM conversations)"
        joined = "JOIN conversations ON conversations.id = conversation"
        renaming = "SELECT tenant, pseudonym FROM erasures WHERE finished_at_us IS NULL"
        foreign = "low IS NULL OR reader NOT IN (low, high)"
        return Orphans(
            messages=count(f"messages WHERE conversation NOT IN {known}"),
            sides=count(f"listings WHERE conversation NOT IN {known}"),
            journal_entries=count(f"journal WHERE NOT EXISTS ({owner})"),
            foreign_senders=count(
                f"messages {joined} WHERE sender NOT IN (low, high)"
                f" AND (tenant, sender) NOT IN ({renaming})"
            ),
            foreign_readers=count(f"receipts LEFT {joined} WHERE {foreign}"),
            broken_links=sum(map(self._is_broken, self._values("SELECT value FROM messages"))),
            foreign_reports=sum(map(self._is_foreign, self._values("SELECT value FROM reports"))),
            chosen_messages=count("chosen WHERE report NOT IN (SELECT id FROM reports)"),
            miscounted_reports=sum(map(self._is_off, self._values("SELECT value FROM reports"))),
            misled_reports=sum(map(self._is_misled, self._values("SELECT value FROM reports"))),
            evidence=count(
                "evidence WHERE (report, message) NOT IN (SELECT report, message FROM chosen)"
            ),
            restrictions=count(
                "restrictions WHERE (tenant, user) NOT IN (SELECT tenant, user FROM accounts)"
            ),
        )

    def _is_foreign(self, value: str) -> bool:
        report = from_json(Report, value)
        if report.conversation is None:
            return False
        found = self._conversation(report.conversation)
        if found is None or found.pair.tenant != report.tenant:
            return True
        query = """
            SELECT 1 FROM erasures WHERE tenant = ? AND pseudonym IN (?, ?)
            AND finished_at_us IS NULL"""
        if any(self._values(query, report.tenant, found.pair.low, found.pair.high)):
            return False
        # What screening reports, nobody did.
        named = {report.reporter or report.reported, report.reported}
        return not named <= {found.pair.low, found.pair.high}

    def _is_off(self, value: str) -> bool:
        report = from_json(Report, value)
        query = "SELECT count(*) FROM chosen WHERE report = ?"
        return int(self._one(query, str(report.id))) != report.chosen

    def _is_misled(self, value: str) -> bool:
        report = from_json(Report, value)
        query = "SELECT value FROM moves WHERE report = ? ORDER BY number"
        moves = [from_json(MadeMove, it) for it in self._values(query, str(report.id))]
        return not is_where_it_was_led(report, moves)

    def _is_broken(self, value: str) -> bool:
        posting = from_json(Posting, value)
        links = (posting.message, posting.own_link)
        named = {it for link in links if link for it in (link.reply_to, link.thread_id) if it}
        query = "SELECT 1 FROM messages WHERE conversation = ? AND id = ?"
        here = str(posting.message.conversation)
        found = self._conversation(posting.message.conversation)
        # What was removed for its age may be named by what is left.
        kept = {it for it in named if found is None or not is_expired(it, found.oldest)}
        return not all(any(self._values(query, here, str(it))) for it in kept)


def _first(postings: Iterator[Posting]) -> MessageId | None:
    return next((posting.message.id for posting in postings), None)
