"""What must hold in any store, checked against a second count (OPS-5).

A store counts (``ports.inspection``), this file judges. A finding names rows by their ids and never
by what they hold.
"""

from collections.abc import Iterator, Mapping

import attrs

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Listing, Side
from dmcore.domain.erasure import Erasure, is_being_shredded, is_of_its_pair
from dmcore.domain.ids import MessageId, User
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.restriction import UNRESTRICTED, Standing


@attrs.frozen(kw_only=True)
class SideCensus:
    """One side recounted from the messages, beside what the user's listing says.

    ``newest_shown`` is the newest message that the user sees if they block nobody, ``newest_said``
    the newest that they wrote, ``newest_heard`` the newest of the partner's that reached them;
    ``unread`` is how many of those wait. ``listed`` is what the user's lists say, ``None`` where
    they say nothing. ``is_block_listed`` is what the user's block list says about the partner.
    ``newest_receipt`` is the greatest that the user gave, ``oldest_receipt`` the lowest.
    """

    newest_shown: MessageId | None
    newest_said: MessageId | None
    newest_heard: MessageId | None
    unread: int
    is_block_listed: bool
    listed: Listing | None
    newest_receipt: MessageId | None
    oldest_receipt: MessageId | None = None


@attrs.frozen(kw_only=True)
class ConversationCensus:
    """A conversation as stored, and recounted.

    ``newest`` is the greatest stored message id, ``oldest`` the lowest.
    """

    conversation: Conversation
    newest: MessageId | None
    oldest: MessageId | None
    low: SideCensus
    high: SideCensus


@attrs.frozen(kw_only=True)
class AccountCensus:
    """An account as stored, and recounted from its journal, its listing and its restrictions.

    ``standing`` is what the newest restriction of each kind says, ``restrictions`` how many there
    are, ``last_restriction`` the greatest number among them, and ``timeless`` how many of them name
    an instant that no calendar has. ``marks_beyond`` counts the consumers of events whose mark is
    beyond the end of the journal.
    """

    account: Account
    entries: int
    first_position: int | None
    last_position: int | None
    unread_listed: int
    standing: Standing = UNRESTRICTED
    restrictions: int = 0
    last_restriction: int | None = None
    timeless: int = 0
    marks_beyond: int = 0


@attrs.frozen(kw_only=True)
class Orphans:
    """Rows whose owner row is missing, or that name somebody or something outside of it.

    ``damage`` is 1 where the store itself says that what it keeps does not fit together.
    """

    messages: int
    sides: int
    journal_entries: int
    foreign_senders: int
    foreign_readers: int
    broken_links: int
    foreign_reports: int = 0
    chosen_messages: int = 0
    miscounted_reports: int = 0
    misled_reports: int = 0
    evidence: int = 0
    restrictions: int = 0
    sealed_texts: int = 0
    marks: int = 0
    damage: int = 0


@attrs.frozen
class Finding:
    """One thing that is not as it must be: the rule, and where."""

    rule: str
    where: str


def conversation_findings(census: ConversationCensus, namespace: bytes) -> Iterator[Finding]:
    """The rules of one conversation: pair, order, sides, unread, listing, blocks."""
    conversation = census.conversation
    where = f"conversation {conversation.id}"
    if not is_of_its_pair(conversation, namespace):
        yield Finding("the id is not the one of its pair", where)
    if conversation.oldest != census.oldest:
        yield Finding("the oldest message is not the lowest stored", where)
    if not _agree(conversation, conversation.newest, census.newest):
        yield Finding("the newest message is not the greatest stored", where)
    sides = (("low", conversation.low, census.low), ("high", conversation.high, census.high))
    others = (conversation.pair.high, conversation.pair.low)
    for (name, side, counted), other in zip(sides, others, strict=True):
        if side.read is not None and side.read > conversation.newest:
            yield Finding("the read marker is beyond the newest message", f"{where}, {name} side")
        is_whole = not is_being_shredded(conversation, other)
        if is_whole and not _agree(conversation, side.heard, counted.newest_heard):
            yield Finding("the newest message heard is another one", f"{where}, {name} side")
        for rule in _side_faults(conversation, side, counted):
            yield Finding(rule, f"{where}, {name} side")


def noted_or_counted(
    noted: MessageId | None, counted: MessageId | None, oldest: MessageId | None
) -> MessageId | None:
    """What must be noted: what is counted, or what was removed with the beginning (GDPR-2)."""
    is_removed = noted is not None and (oldest is None or noted < oldest)
    return noted if is_removed and counted is None else counted


def is_of_removed(receipt: MessageId | None, oldest: MessageId | None) -> bool:
    """Whether a receipt names a message that was removed for its age: it goes with it (GDPR-2)."""
    return receipt is not None and (oldest is None or receipt < oldest)


def _agree(conversation: Conversation, noted: MessageId | None, counted: MessageId | None) -> bool:
    return noted == noted_or_counted(noted, counted, conversation.oldest)


def _side_faults(conversation: Conversation, side: Side, counted: SideCensus) -> Iterator[str]:
    if side.newest != counted.newest_shown:
        yield "the newest visible message is another one"
    if not _agree(conversation, side.said, counted.newest_said):
        yield "the newest message said is another one"
    if side.unread != counted.unread:
        yield "the unread count is not the number of unread messages"
    if side.blocks != counted.is_block_listed:
        yield "the side and the block list disagree"
    if counted.listed != side.listing:
        yield "the listing is not the side"
    if not _agree(conversation, side.told, counted.newest_receipt):
        yield "the newest receipt is another one"
    if is_of_removed(counted.oldest_receipt, conversation.oldest):
        yield "a receipt is of a message that was removed"
    if not side.exists and side != Side(blocks=side.blocks):
        yield "the side has something of a conversation that it does not have"


def erasure_findings(
    account: Account, ledger: Mapping[User, Erasure], gone: User
) -> Iterator[Finding]:
    """The rules of an account and the ledger; ``gone`` is whom its user would be once erased."""
    line = ledger.get(gone)
    if line is not None and (line.finished_at_us is not None or not account.is_erased):
        yield Finding("somebody who was erased is there again", f"the ledger's {gone.id}")
    if account.is_erased and account.user not in ledger and line is None:
        # By no name but the one that is left of them.
        where = account.user.id if is_pseudonym(account.user.id) else gone.id
        yield Finding("an account was erased and the ledger has no line of it", where)


def account_findings(census: AccountCensus) -> Iterator[Finding]:
    """The rules of one account: positions without a gap, unread total."""
    account = census.account
    where = f"mailbox of tenant {account.user.tenant!r}, user {account.user.id!r}"
    kept = account.position - account.pruned
    expected = (kept, account.pruned + 1, account.position) if kept else (0, None, None)
    if (census.entries, census.first_position, census.last_position) != expected:
        yield Finding("the journal positions have a gap or another end", where)
    if account.unread != census.unread_listed:
        yield Finding("the unread total is not the sum over the inbox", where)
    windows = (account.sends, account.starts, account.edits)
    if any(list(it.instants) != sorted(it.instants) for it in windows):
        yield Finding("the instants of a limit are not in order", where)
    if account.standing != census.standing:
        yield Finding("the standing is not that of the restrictions", where)
    if (census.restrictions, census.last_restriction or 0) != 2 * (account.restrictions,):
        yield Finding("the restrictions are not numbered as counted", where)
    if census.timeless:
        yield Finding("a restriction has an instant that no calendar has", where)
    if census.marks_beyond:
        yield Finding("the mark of a consumer of events is beyond the end of the journal", where)


def orphan_findings(orphans: Orphans) -> Iterator[Finding]:
    """The rules of rows that belong together."""
    rules = (
        ("messages without a conversation", orphans.messages),
        ("listings of a conversation that is not their user's", orphans.sides),
        ("journal entries without a mailbox", orphans.journal_entries),
        ("messages by someone outside the pair", orphans.foreign_senders),
        ("receipts by someone outside the pair", orphans.foreign_readers),
        ("answers to a message that is not there", orphans.broken_links),
        ("reports about a conversation that is not of the two", orphans.foreign_reports),
        ("chosen messages without a report", orphans.chosen_messages),
        ("reports that name another number of messages", orphans.miscounted_reports),
        ("reports that do not stand where they were moved", orphans.misled_reports),
        ("evidence of a message that no report chose", orphans.evidence),
        ("restrictions without a mailbox", orphans.restrictions),
        ("sealed texts in a store that names no keys", orphans.sealed_texts),
        ("marks or events set aside of no consumer or mailbox", orphans.marks),
    )
    for rule, count in rules:
        if count:
            yield Finding(rule, f"{count} rows")
    if orphans.damage:
        yield Finding("the file is damaged, or an index does not fit its table", "the database")
