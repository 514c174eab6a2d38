"""Recounting in memory, from the messages and the journal alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dmcore.adapters.memory._conversations import unread_in
from dmcore.adapters.memory._store import Store
from dmcore.domain.conversation import Conversation, Folder, Listing, Side
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.ports.inspection import Inspection


class MemoryInspection:
    """The ``Inspection`` port."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def conversations(self) -> Iterator[ConversationCensus]:
        for key in sorted(self._store.conversations):
            conversation = self._store.conversations[key]
            postings = self._store.postings[key]
            yield ConversationCensus(
                conversation=conversation,
                newest=max((posting.message.id for posting in postings), default=None),
                low=self._side(conversation, postings, conversation.pair.low),
                high=self._side(conversation, postings, conversation.pair.high),
            )

    def _side(
        self, conversation: Conversation, postings: list[Posting], user: UserId
    ) -> SideCensus:
        side = conversation.side_of(user)
        owner = User(conversation.pair.tenant, user)
        partner = conversation.pair.other_than(user)
        receipts = self._store.receipts.get((conversation.id, user), [])
        return SideCensus(
            newest_shown=max(
                (posting.message.id for posting in postings if posting.is_shown_to(user, side)),
                default=None,
            ),
            newest_said=max(
                (posting.message.id for posting in postings if posting.message.sender == user),
                default=None,
            ),
            newest_heard=max(
                (
                    posting.message.id
                    for posting in postings
                    if posting.message.sender == partner and not posting.sender_only
                ),
                default=None,
            ),
            unread=unread_in(postings, user, side),
            is_block_listed=partner in self._store.blocks.get(owner, {}),
            listed=self._listed(owner, conversation.id, side),
            newest_receipt=max((receipt.through for receipt in receipts), default=None),
        )

    def _listed(self, owner: User, conversation: ConversationId, side: Side) -> Listing | None:
        """What the lists say; a place that is not the side's, where there is one.

        The lists in memory are an index of the sides and hold nothing but places.
        """
        found = [
            Listing(
                folder=folder,
                newest=newest,
                read=side.read,
                unread=side.unread,
                is_muted=side.is_muted,
            )
            for folder in Folder
            for newest, key in self._store.listed.get((owner, folder), ())
            if key == conversation
        ]
        wrong = [listing for listing in found if listing != side.listing]
        return next(iter(wrong + found), None)

    def accounts(self) -> Iterator[AccountCensus]:
        for user in sorted(self._store.accounts, key=lambda user: (user.tenant, user.id)):
            positions = [entry.position for entry in self._store.journal.get(user, [])]
            listed = self._store.listed.get((user, Folder.INBOX), [])
            sides = (self._store.conversations[key].side_of(user.id) for _, key in listed)
            yield AccountCensus(
                account=self._store.accounts[user],
                entries=len(positions),
                first_position=min(positions, default=None),
                last_position=max(positions, default=None),
                unread_listed=sum(side.unread for side in sides),
            )

    def orphans(self) -> Orphans:
        store = self._store
        return Orphans(
            messages=sum(
                len(rows) for key, rows in store.postings.items() if key not in store.conversations
            ),
            sides=sum(
                key not in store.conversations
                for places in store.listed.values()
                for _, key in places
            ),
            journal_entries=sum(
                len(entries)
                for user, entries in store.journal.items()
                if user not in store.accounts
            ),
            foreign_senders=sum(
                posting.message.sender not in store.conversations[key].pair
                for key, rows in store.postings.items()
                if key in store.conversations
                for posting in rows
            ),
            foreign_readers=sum(
                len(receipts)
                for (key, reader), receipts in store.receipts.items()
                if key not in store.conversations or reader not in store.conversations[key].pair
            ),
            broken_links=sum(
                not _links_of(posting) <= {row.message.id for row in rows}
                for rows in store.postings.values()
                for posting in rows
                if _links_of(posting)
            ),
        )


def _links_of(posting: Posting) -> set[MessageId]:
    """The messages that a message names."""
    message, own = posting.message, posting.own_link
    named = {message.reply_to, message.thread_id}
    if own is not None:
        named |= {own.reply_to, own.thread_id}
    return {it for it in named if it is not None}


if TYPE_CHECKING:

    def _conforms(store: Store) -> Inspection:
        return MemoryInspection(store)
