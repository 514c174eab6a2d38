"""What an operator does: each a function of a transaction. Never content (MOD-2)."""

from collections.abc import Generator
from contextlib import closing
from itertools import islice

import attrs

from dmcore._rules import Rules
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.mode import Mode
from dmcore.domain.paging import CursorScope, Page
from dmcore.domain.verification import (
    Finding,
    account_findings,
    conversation_findings,
    orphan_findings,
)
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import Transaction


def mode(tx: Transaction) -> Mode:
    """The mode now."""
    return tx.installation.mode()


def set_mode(tx: Transaction, rules: Rules, *, operator: User, mode: Mode) -> Mode:
    """Turn the switch; return the mode before. Turning it to where it stands changes nothing."""
    account = tx.mailboxes.hold(operator)
    before = tx.installation.hold_mode()
    if before is not mode:
        fact = Fact(action=Action.MODE_CHANGED, actor=operator.id, mode=mode, at_us=rules.now_us())
        account, entries = account.noted(fact)
        tx.installation.set_mode(mode)
        tx.mailboxes.save(account)
        tx.journal.record(entries)
    return before


def status(tx: Transaction) -> StoreStatus:
    """Mode, versions and counts."""
    return tx.installation.status()


def audit(tx: Transaction, *, operator: User, owner: User, after: int, limit: int) -> Page[Entry]:
    """The journal of one user, oldest entry first."""
    found = tx.journal.entries_of(owner, after=after, limit=limit + 1)
    scope = audit_scope(operator, owner)
    return Page.cut(found, limit, lambda entry: scope.position(entry.position))


def verify(tx: Transaction, *, most: int) -> tuple[Finding, ...]:
    """Everything that is not as it must be, ``most`` findings at the most."""
    with closing(_findings(tx)) as findings:
        return tuple(islice(findings, most))


def _findings(tx: Transaction) -> Generator[Finding]:
    for conversation in tx.inspection.conversations():
        yield from conversation_findings(conversation, tx.namespace)
    for account in tx.inspection.accounts():
        yield from account_findings(account)
    yield from orphan_findings(tx.inspection.orphans())


def audit_scope(operator: User, owner: User) -> CursorScope:
    """Where cursors of one user's journal are good, in one operator's hands."""
    return CursorScope("audit", operator, f"{owner.tenant}\0{owner.id}")


def expired(tx: Transaction, rules: Rules, *, before_us: int, most: int) -> tuple[Entry, ...]:
    """Of each journal that begins with entries older than an instant, the newest such entry.

    Nothing from now on is old, or what is noted about this would be the next to forget.
    """
    return tuple(tx.journal.expired(before_us=min(before_us, rules.now_us()), limit=most))


def note_pruning(tx: Transaction, rules: Rules, *, operator: User) -> None:
    """Write down that journals are about to be shortened, before any is."""
    account = tx.mailboxes.hold(operator)
    fact = Fact(action=Action.JOURNALS_PRUNED, actor=operator.id, at_us=rules.now_us())
    account, entries = account.noted(fact)
    tx.mailboxes.save(account)
    tx.journal.record(entries)


def prune(tx: Transaction, *, owner: User, through: int) -> None:
    """Forget a journal up to a position; its feed expires there (FEED-1)."""
    account = tx.mailboxes.hold(owner)
    if through > account.pruned:
        tx.mailboxes.save(attrs.evolve(account, pruned=through))
        tx.journal.prune(owner, through=through)
