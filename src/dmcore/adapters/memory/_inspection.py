"""Recounting in memory, from the messages and the journal alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dmcore.adapters.memory._conversations import unread_in
from dmcore.adapters.memory._store import Store
from dmcore.domain.conversation import Conversation, Folder, Listing, Side
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.reports import Report, is_where_it_was_led
from dmcore.domain.restriction import standing_after
from dmcore.domain.retention import is_expired
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.ports.inspection import Inspection


class MemoryInspection:
    """The ``Inspection`` port."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def conversations(self, *, only: ConversationId | None = None) -> Iterator[ConversationCensus]:
        for key in sorted(self._store.conversations) if only is None else (only,):
            conversation = self._store.conversations[key]
            postings = self._store.postings[key]
            yield ConversationCensus(
                conversation=conversation,
                newest=max((posting.message.id for posting in postings), default=None),
                oldest=min((posting.message.id for posting in postings), default=None),
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
            oldest_receipt=min((receipt.through for receipt in receipts), default=None),
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

    def accounts(self, *, only: User | None = None) -> Iterator[AccountCensus]:
        for user in sorted(self._store.accounts, key=lambda user: (user.tenant, user.id)):
            if only is not None and user != only:
                continue
            restrictions = self._store.restrictions.get(user, [])
            positions = [entry.position for entry in self._store.journal.get(user, [])]
            listed = self._store.listed.get((user, Folder.INBOX), [])
            sides = (self._store.conversations[key].side_of(user.id) for _, key in listed)
            yield AccountCensus(
                account=self._store.accounts[user],
                entries=len(positions),
                first_position=min(positions, default=None),
                last_position=max(positions, default=None),
                unread_listed=sum(side.unread for side in sides),
                standing=standing_after(restrictions),
                restrictions=len(restrictions),
                last_restriction=max((it.number for it in restrictions), default=None),
                timeless=sum(not it.has_instants for it in restrictions),
                marks_beyond=sum(
                    owner == user and mark.position > self._store.accounts[user].position
                    for (_, owner), mark in self._store.marks.items()
                ),
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
                and not self._is_under_way(
                    User(store.conversations[key].pair.tenant, posting.message.sender)
                )
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
                not self._kept_links(posting) <= {row.message.id for row in rows}
                for rows in store.postings.values()
                for posting in rows
                if _links_of(posting)
            ),
            foreign_reports=sum(self._is_foreign(report) for report in store.reports.values()),
            chosen_messages=sum(
                len(chosen) for key, chosen in store.chosen.items() if key not in store.reports
            ),
            miscounted_reports=sum(
                len(store.chosen.get(key, ())) != report.chosen
                for key, report in store.reports.items()
            ),
            misled_reports=sum(
                not is_where_it_was_led(report, store.moves.get(key, ()))
                for key, report in store.reports.items()
            )
            + len(store.moves.keys() - store.reports.keys()),
            evidence=sum(
                item.message not in store.chosen.get(key, ())
                for key, items in store.evidence.items()
                for item in items
            ),
            restrictions=sum(
                len(rows) for user, rows in store.restrictions.items() if user not in store.accounts
            ),
            marks=sum(
                key[0] not in store.leases or key[1] not in store.accounts
                for key in (*store.marks, *store.aside)
            ),
        )

    def _kept_links(self, posting: Posting) -> set[MessageId]:
        """The messages that a message names, without those that were removed for their age."""
        conversation = self._store.conversations.get(posting.message.conversation)
        oldest = None if conversation is None else conversation.oldest
        return {it for it in _links_of(posting) if not is_expired(it, oldest)}

    def _is_under_way(self, gone: User) -> bool:
        """Whether names are being replaced just now: not everything has the new one yet."""
        line = self._store.erasures.get(gone)
        return line is not None and line.finished_at_us is None

    def _is_foreign(self, report: Report) -> bool:
        if report.conversation is None:
            return False
        found = self._store.conversations.get(report.conversation)
        is_here = found is not None and found.pair.tenant == report.tenant
        two = {found.pair.low, found.pair.high} if found is not None and is_here else set()
        if any(self._is_under_way(User(report.tenant, it)) for it in two):
            return False
        # What screening reports, nobody did.
        return not {report.reporter or report.reported, report.reported} <= two


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
