"""The ports on ``sqlite3``: each finds values by their columns and asks the domain about them.

A transaction sees one state of the file, so what one method reads in several statements is of one
instant, the mode included.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice

import attrs
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
    Preferences,
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
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.domain.viewing import Marking
from dmcore.ports.journal import FeedRows
from dmcore.ports.messages import ThreadRows
from dmcore.ports.reading import Reading


class Rows:
    """What the ports have in common: the connection, and the values that several of them read."""

    def __init__(self, rows: sqlite3.Connection) -> None:
        self._rows = rows

    def mode(self) -> Mode:
        return Mode(self._one("SELECT mode FROM installation"))

    def _one(self, query: str, *values: object) -> str:
        return str(self._rows.execute(query, values).fetchone()[0])

    def _values(self, query: str, *values: object) -> Iterator[str]:
        return (row[0] for row in self._rows.execute(query, values))

    def _account(self, user: User) -> Account:
        query = "SELECT value FROM accounts WHERE tenant = ? AND user = ?"
        found = next(self._values(query, user.tenant, user.id), None)
        return Account(user=user) if found is None else from_json(Account, found)

    def _conversation(self, id_: ConversationId) -> Conversation | None:
        query = "SELECT value FROM conversations WHERE id = ?"
        found = next(self._values(query, str(id_)), None)
        return None if found is None else from_json(Conversation, found)

    def _held_by(self, id_: ConversationId, user: User) -> Conversation | None:
        found = self._conversation(id_)
        if found is None or user.tenant != found.pair.tenant or user.id not in found.pair:
            return None
        return found if found.side_of(user.id).exists else None

    def _postings(self, id_: ConversationId, place: ThreadPlace | None = None) -> Iterator[Posting]:
        """The newest first, or upwards from ``place.after``."""
        query, bounds = "SELECT value FROM messages WHERE conversation = ?", [str(id_)]
        order = "DESC"
        if place is not None and place.after is not None:
            query, order = f"{query} AND id > ?", "ASC"
            bounds.append(str(place.after))
        if place is not None and place.before is not None:
            query = f"{query} AND id < ?"
            bounds.append(str(place.before))
        found = self._values(f"{query} ORDER BY id {order}", *bounds)
        return (from_json(Posting, value) for value in found)

    def _blocks(self, blocker: User, blocked: UserId) -> bool:
        query = "SELECT 1 FROM blocks WHERE tenant = ? AND user = ? AND blocked = ?"
        return any(self._values(query, blocker.tenant, blocker.id, blocked))

    def _receipts(self, id_: ConversationId, reader: UserId) -> list[Receipt]:
        query = "SELECT value FROM receipts WHERE conversation = ? AND reader = ? ORDER BY through"
        return [from_json(Receipt, value) for value in self._values(query, str(id_), reader)]


class Installation(Rows):
    """The ``Installation`` port."""

    def namespace(self) -> bytes:
        found: bytes = self._rows.execute("SELECT namespace FROM installation").fetchone()[0]
        return found

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
        namespace = self._rows.execute("SELECT namespace FROM installation").fetchone()[0]
        id_ = pair.conversation_id(namespace)
        acting, partner = User(pair.tenant, actor), User(pair.tenant, pair.other_than(actor))
        query = "SELECT value FROM messages WHERE conversation = ? AND sender = ? AND key = ?"
        earlier = next(self._values(query, str(id_), actor, key), None)
        return Contact(
            mode=self.mode(),
            pair=pair,
            conversation_id=id_,
            conversation=self._conversation(id_),
            actor=self._account(acting),
            partner=self._account(partner),
            actor_blocks=self._blocks(acting, partner.id),
            partner_blocks=self._blocks(partner, acting.id),
            earlier=None if earlier is None else from_json(Posting, earlier),
        )

    def hold_conversation(
        self, conversation: ConversationId, *, actor: User, key: Key | None = None
    ) -> Contact | None:
        found = self._held_by(conversation, actor)
        return None if found is None else self.hold(found.pair, actor=actor.id, key=key)

    def look(self, pair: Pair, *, actor: UserId) -> Contact:
        return self.hold(pair, actor=actor)

    def add_block(self, pair: Pair, block: Block) -> None:
        blocker = pair.other_than(block.blocked)
        row = (pair.tenant, blocker, block.blocked, block.position, to_json(block))
        self._rows.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?)", row)

    def remove_block(self, pair: Pair, *, blocked: UserId) -> None:
        query = "DELETE FROM blocks WHERE tenant = ? AND user = ? AND blocked = ?"
        self._rows.execute(query, (pair.tenant, pair.other_than(blocked), blocked))

    def blocks(self, *, blocker: User, blocked: UserId) -> Reading[bool]:
        return Reading(self.mode(), self._blocks(blocker, blocked))

    def blocked_by(
        self, blocker: User, *, before: int | None, limit: int
    ) -> Reading[Sequence[Block]]:
        query = """
            SELECT value FROM blocks WHERE tenant = ? AND user = ? AND (? IS NULL OR position < ?)
            ORDER BY position DESC LIMIT ?"""
        found = self._values(query, blocker.tenant, blocker.id, before, before, limit)
        return Reading(self.mode(), [from_json(Block, value) for value in found])


class Conversations(Rows):
    """The ``Conversations`` port."""

    def add(self, conversation: Conversation) -> None:
        pair = conversation.pair
        row = (str(conversation.id), pair.tenant, pair.low, pair.high, to_json(conversation))
        self._rows.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", row)
        self._list(conversation)

    def save(self, conversation: Conversation) -> None:
        row = (to_json(conversation), str(conversation.id))
        self._rows.execute("UPDATE conversations SET value = ? WHERE id = ?", row)
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
        self, owner: User, *, folder: Folder, after: InboxPlace | None, limit: int
    ) -> Reading[Sequence[InboxEntry]]:
        query = """
            SELECT conversations.value, listings.newest FROM listings
            JOIN conversations ON conversations.id = listings.conversation
            WHERE listings.tenant = ? AND user = ? AND folder = ?
            AND (? IS NULL OR (newest, conversation) < (?, ?))
            ORDER BY newest DESC, conversation DESC LIMIT ?"""
        newest = None if after is None else str(after.newest)
        conversation = None if after is None else str(after.conversation)
        bounds = (owner.tenant, owner.id, folder, newest, newest, conversation, limit)
        found = self._rows.execute(query, bounds).fetchall()
        entries = [self._entry(owner, from_json(Conversation, row[0])) for row in found]
        return Reading(self.mode(), entries)

    def _entry(self, owner: User, conversation: Conversation) -> InboxEntry:
        side = conversation.side_of(owner.id)
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
        self, conversation: ConversationId, *, reader: User
    ) -> Reading[ConversationView | None]:
        found = self._held_by(conversation, reader)
        return Reading(self.mode(), None if found is None else view_of(found, reader.id))


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
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> Posting | None:
        side = self._side(conversation, reader)
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
        root: MessageId | None = None,
    ) -> Reading[ThreadRows | None]:
        found = self._held_by(conversation, reader)
        if found is None:
            return Reading(self.mode(), None)
        side, sight = found.side_of(reader.id), Sight(self._rows, found, reader)
        visible = (
            sight.of(posting)
            for posting in self._postings(conversation, place)
            if posting.is_visible_to(reader.id, side)
        )
        if root is not None:
            visible = (message for message in visible if root in (message.id, message.thread_id))
        rows = ThreadRows(
            other=found.pair.other_than(reader.id),
            read=side.read,
            messages=list(islice(visible, limit)),
        )
        return Reading(self.mode(), rows)

    def marking(
        self, conversation: ConversationId, *, reader: User, through: MessageId
    ) -> Marking | None:
        if self.find(conversation, reader=reader, message=through) is None:
            return None
        side = self._side(conversation, reader)
        after = attrs.evolve(side, read=through)
        unread, seen = 0, None
        for posting in self._postings(conversation):
            it = posting.message
            unread += posting.is_unread_by(reader.id, after)
            is_partners = it.sender != reader.id and posting.is_shown_to(reader.id, side)
            if seen is None and it.id <= through and is_partners:
                seen = it.id
        is_news = seen is not None and (side.told is None or seen > side.told)
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

    def unread(self, user: User) -> Reading[int]:
        return Reading(self.mode(), self._account(user).unread)

    def preferences(self, user: User) -> Reading[Preferences]:
        return Reading(self.mode(), self._account(user).preferences)


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

    def feed(self, owner: User, *, after: int, limit: int) -> Reading[FeedRows]:
        account = self._account(owner)
        entries = self.entries_of(owner, after=after, limit=limit)
        rows = FeedRows(pruned=account.pruned, position=account.position, entries=entries)
        return Reading(self.mode(), rows)

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

    def conversations(self) -> Iterator[ConversationCensus]:
        for value in self._values("SELECT value FROM conversations ORDER BY id"):
            conversation = from_json(Conversation, value)
            postings = list(self._postings(conversation.id))
            yield ConversationCensus(
                conversation=conversation,
                newest=_first(iter(postings)),
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
        heard = (it for it in postings if it.message.sender != user and not it.sender_only)
        receipts = self._receipts(conversation.id, user)
        return SideCensus(
            newest_shown=_first(shown),
            newest_said=_first(said),
            newest_heard=_first(heard),
            unread=sum(posting.is_unread_by(user, side) for posting in postings),
            is_block_listed=self._blocks(User(pair.tenant, user), pair.other_than(user)),
            listed=None if listed is None else from_json(Listing, listed),
            newest_receipt=receipts[-1].through if receipts else None,
        )

    def accounts(self) -> Iterator[AccountCensus]:
        for value in self._values("SELECT value FROM accounts ORDER BY tenant, user"):
            account = from_json(Account, value)
            owner = (account.user.tenant, account.user.id)
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
            )

    def orphans(self) -> Orphans:
        def count(query: str) -> int:
            return int(self._one(f"SELECT count(*) FROM {query}"))

        owner = "SELECT 1 FROM accounts WHERE (tenant, user) = (journal.tenant, journal.user)"
        known = "(SELECT id FROM conversations)"
        joined = "JOIN conversations ON conversations.id = conversation"
        foreign = "low IS NULL OR reader NOT IN (low, high)"
        return Orphans(
            messages=count(f"messages WHERE conversation NOT IN {known}"),
            sides=count(f"listings WHERE conversation NOT IN {known}"),
            journal_entries=count(f"journal WHERE NOT EXISTS ({owner})"),
            foreign_senders=count(f"messages {joined} WHERE sender NOT IN (low, high)"),
            foreign_readers=count(f"receipts LEFT {joined} WHERE {foreign}"),
            broken_links=sum(map(self._is_broken, self._values("SELECT value FROM messages"))),
        )

    def _is_broken(self, value: str) -> bool:
        posting = from_json(Posting, value)
        links = (posting.message, posting.own_link)
        named = {it for link in links if link for it in (link.reply_to, link.thread_id) if it}
        query = "SELECT 1 FROM messages WHERE conversation = ? AND id = ?"
        here = str(posting.message.conversation)
        return not all(any(self._values(query, here, str(it))) for it in named)


def _first(postings: Iterator[Posting]) -> MessageId | None:
    return next((posting.message.id for posting in postings), None)
