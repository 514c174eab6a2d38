"""What follows from what is left, where something stored contradicts it (OPS-5).

Messages, receipts, block lists, restrictions and journal entries are what happened; counters,
markers, listings and bounds follow from them. A text or a fact that is gone is gone: nothing here
makes one up.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.erasure import Erased, is_being_shredded
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.limits import Window
from dmcore.domain.verification import (
    AccountCensus,
    ConversationCensus,
    Finding,
    SideCensus,
    account_findings,
    conversation_findings,
    is_of_removed,
    noted_or_counted,
)


@attrs.frozen(kw_only=True)
class Damage:
    """Where a verification found something that may be mended: ids and users, in no order.

    ``returned``: somebody who was erased is there again. ``strays``: listings of nothing.
    """

    conversations: Mapping[ConversationId, User] = attrs.field(factory=dict)
    accounts: tuple[User, ...] = ()
    ownerless: tuple[User, ...] = ()
    strays: bool = False
    returned: bool = False

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to mend."""
        return self == Damage()


@attrs.frozen(kw_only=True)
class Repair:
    """What was mended, and what a verification still finds afterwards."""

    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]


def mended_conversation(census: ConversationCensus) -> Conversation:
    """The conversation as its messages, receipts and block lists say it is.

    While somebody's texts in it are being shredded it stays as it is: the erasure goes on first.
    """
    found = census.conversation
    pair = found.pair
    if is_being_shredded(found, pair.low) or is_being_shredded(found, pair.high):
        return found
    newest, oldest = census.newest or found.newest, census.oldest or found.oldest
    return attrs.evolve(
        found,
        newest=newest,
        # Where nothing is left it was removed for its age, or is gone: nobody can tell any more.
        oldest=oldest,
        low=_mended_side(found.low, census.low, newest, oldest),
        high=_mended_side(found.high, census.high, newest, oldest),
    )


def _mended_side(
    side: Side, given: SideCensus, newest: MessageId, oldest: MessageId | None
) -> Side:
    counted = _without_receipts_of_removed(given, oldest)
    if not side.exists and counted.newest_said is None and counted.newest_heard is None:
        return Side(blocks=counted.is_block_listed)
    return attrs.evolve(
        side,
        exists=True,
        newest=counted.newest_shown,
        read=None if side.read is None else min(side.read, newest),
        said=noted_or_counted(side.said, counted.newest_said, oldest),
        heard=noted_or_counted(side.heard, counted.newest_heard, oldest),
        told=noted_or_counted(side.told, counted.newest_receipt, oldest),
        unread=counted.unread,
        blocks=counted.is_block_listed,
    )


def _without_receipts_of_removed(counted: SideCensus, oldest: MessageId | None) -> SideCensus:
    """The side with no receipt of a message that was removed: a repair drops those first."""
    newest = counted.newest_receipt
    left = None if is_of_removed(newest, oldest) else newest
    return attrs.evolve(counted, newest_receipt=left, oldest_receipt=left)


def mended_account(census: AccountCensus) -> Account:
    """The account as its listings, its restrictions and the ends of its journal say it is.

    A position is never lowered: somebody may have read that far, and would miss what comes next.
    """
    found = census.account
    position = max(found.position, census.last_position or 0)
    kept_from = position + 1 if census.first_position is None else census.first_position
    is_numbered = census.restrictions == (census.last_restriction or 0)
    return attrs.evolve(
        found,
        position=position,
        pruned=kept_from - 1,
        unread=census.unread_listed,
        sends=_in_order(found.sends),
        starts=_in_order(found.starts),
        edits=_in_order(found.edits),
        standing=census.standing,
        restrictions=census.restrictions if is_numbered else found.restrictions,
    )


def _in_order(window: Window) -> Window:
    return attrs.evolve(window, instants=tuple(sorted(window.instants)))


def mended_findings(
    census: ConversationCensus, after: Conversation, namespace: bytes
) -> Iterator[Finding]:
    """What was wrong in a conversation, and is not when it is stored as ``after`` and listed so."""
    low, high = (_without_receipts_of_removed(it, after.oldest) for it in (census.low, census.high))
    left = set(
        conversation_findings(
            attrs.evolve(
                census,
                conversation=after,
                low=attrs.evolve(low, listed=after.low.listing),
                high=attrs.evolve(high, listed=after.high.listing),
            ),
            namespace,
        )
    )
    yield from (it for it in conversation_findings(census, namespace) if it not in left)


def mended_account_findings(
    census: AccountCensus, after: Account, filled: int
) -> Iterator[Finding]:
    """The same of an account, in whose journal so many holes were filled."""
    entries = census.entries + filled
    counted = attrs.evolve(
        census,
        account=after,
        entries=entries,
        first_position=after.pruned + 1 if entries else None,
        last_position=after.position if entries else None,
    )
    left = set(account_findings(counted))
    yield from (it for it in account_findings(census) if it not in left)


def returned(erased: Iterable[Erased]) -> Iterator[Finding]:
    """What was wrong about whoever was erased and had come back."""
    for it in erased:
        yield Finding("somebody who was erased is there again", f"the ledger's {it.pseudonym}")
