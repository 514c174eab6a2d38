"""Mending what can be derived: one conversation or account at a time, each whole (OPS-5).

What is wrong is looked for without a lock, and counted again under the locks that writers take
(ADR 13): what was mended meanwhile, or never wrong, stays as it is. That something is about to be
mended is written down first, in the operator's journal, so that no repair goes unseen.
"""

from typing import Final

import attrs

from dmcore._access import held_account
from dmcore._rules import Rules
from dmcore.domain.account import Account
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, User
from dmcore.domain.mending import (
    Damage,
    mended_account,
    mended_account_findings,
    mended_conversation,
    mended_findings,
)
from dmcore.domain.pseudonyms import pseudonym_of
from dmcore.domain.verification import (
    Finding,
    account_findings,
    conversation_findings,
    erasure_findings,
)
from dmcore.operations._erasing import in_parts, lines_about
from dmcore.ports.transactions import Transaction

_MOST_HOLES: Final = 1_000
_AT_ONCE: Final = 500
_STRAYS: Final = "listings of a conversation that is not their user's"
_OWNERLESS: Final = "journal entries or restrictions without a mailbox"


def find(tx: Transaction, *, most: int) -> Damage:
    """Where something is wrong, in at most so many conversations and as many accounts."""
    conversations: dict[ConversationId, User] = {}
    for census in tx.inspection.conversations():
        if len(conversations) < most and any(conversation_findings(census, tx.namespace)):
            pair = census.conversation.pair
            conversations[census.conversation.id] = User(pair.tenant, pair.low)
    accounts: list[User] = []
    returned = False
    for some in in_parts(tx.inspection.accounts()):
        ledger = lines_about(tx, [it.account.user for it in some])
        for account in some:
            user = account.account.user
            if len(accounts) < most and any(account_findings(account)):
                accounts.append(user)
            gone = pseudonym_of(tx.namespace, user)
            returned = returned or (
                gone in ledger and any(erasure_findings(account.account, ledger, gone))
            )
    return Damage(
        conversations=conversations,
        accounts=tuple(accounts),
        ownerless=tuple(tx.mending.ownerless(limit=most)),
        strays=bool(tx.inspection.orphans().sides),
        returned=returned,
    )


def note(tx: Transaction, rules: Rules, *, operator: User, damage: Damage) -> None:
    """Write down what is about to be mended, each by its name."""
    account = held_account(tx, operator)
    act = Fact(action=Action.STORE_MENDED, actor=operator.id, at_us=rules.now_us())
    facts = [
        *(attrs.evolve(act, conversation=it) for it in damage.conversations),
        *(attrs.evolve(act, other=it.id) for it in (*damage.accounts, *damage.ownerless)),
    ]
    account, entries = account.noted(*(facts or [act]))
    tx.mailboxes.save(account)
    tx.journal.record(entries)


def mend_conversation(
    tx: Transaction, *, conversation: ConversationId, user: User
) -> tuple[Finding, ...]:
    """Make one conversation, its sides and its listings what follows from its messages.

    No journal tells the two, so whoever waits for one of them notices by their accounts (ADR 13).
    """
    contact = tx.erasures.hold_conversation(conversation, user=user)
    census = next(iter(tx.inspection.conversations(only=conversation)))
    after = mended_conversation(census)
    found = tuple(mended_findings(census, after, tx.namespace))
    if found:
        tx.mending.relist(census.conversation)
        tx.mending.drop_receipts(after)
        tx.conversations.save(after)
        for account in (contact.actor, contact.partner):
            if account.changed_untold() != account:
                tx.mailboxes.save(account.changed_untold())
    return found


def mend_account(tx: Transaction, rules: Rules, *, user: User) -> tuple[Finding, ...]:
    """Make one account what follows from its listings, restrictions and journal."""
    tx.mailboxes.hold(user)
    census = next(iter(tx.inspection.accounts(only=user)), None)
    if census is None:
        return ()
    after = mended_account(census)
    holes = _holes(tx, census.entries, after)
    if holes is None:
        ends = census.account
        after, holes = attrs.evolve(after, position=ends.position, pruned=ends.pruned), []
    found = tuple(mended_account_findings(census, after, len(holes)))
    lost = Fact(action=Action.FACTS_LOST, actor=user.id, at_us=rules.now_us())
    tx.mailboxes.save(after)
    tx.mending.fill([Entry(owner=user, position=it, fact=lost) for it in holes])
    return found


def _holes(tx: Transaction, entries: int, account: Account) -> list[int] | None:
    """The positions of a journal that hold nothing; ``None`` where there are too many to fill."""
    missing = account.position - account.pruned - entries
    if missing > _MOST_HOLES:
        return None
    holes: list[int] = []
    expected = account.pruned + 1
    while len(holes) < missing and (
        some := tx.journal.entries_of(account.user, after=expected - 1, limit=_AT_ONCE)
    ):
        for entry in some:
            holes += range(expected, entry.position)
            expected = entry.position + 1
    return holes + list(range(expected, account.position + 1)) if missing else []


def mend_ownerless(tx: Transaction, *, user: User) -> tuple[Finding, ...]:
    """Give somebody whose journal or restrictions are there an account; the rest is mended then."""
    account = tx.mailboxes.hold(user)
    newest = tx.journal.entries_of(user, after=0, limit=1)
    first = newest[0].position if newest else 1
    tx.mailboxes.save(attrs.evolve(account, position=first - 1, pruned=first - 1))
    return (Finding(_OWNERLESS, f"mailbox of tenant {user.tenant!r}, user {user.id!r}"),)


def mend_strays(tx: Transaction) -> tuple[Finding, ...]:
    """Remove listings of what is not there."""
    count = tx.mending.drop_strays()
    return (Finding(_STRAYS, f"{count} rows"),) if count else ()
