"""What an operator does: each a function of a transaction. Never content (MOD-2)."""

from collections.abc import Generator
from contextlib import closing
from itertools import islice

from dmcore._access import held_account
from dmcore._rules import Rules
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.mode import Mode
from dmcore.domain.paging import CursorScope, Page
from dmcore.domain.pseudonyms import pseudonym_of
from dmcore.domain.verification import (
    Finding,
    account_findings,
    conversation_findings,
    erasure_findings,
    orphan_findings,
)
from dmcore.operations._erasing import in_parts, lines_about
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import Transaction


def mode(tx: Transaction) -> Mode:
    """The mode now."""
    return tx.installation.mode()


def set_mode(tx: Transaction, rules: Rules, *, operator: User, mode: Mode) -> Mode:
    """Turn the switch; return the mode before. Turning it to where it stands changes nothing."""
    account = held_account(tx, operator)
    before = tx.installation.hold_mode()
    if before is not mode:
        fact = Fact(action=Action.MODE_CHANGED, actor=operator.id, mode=mode, at_us=rules.now_us())
        account, entries = account.noted(fact)
        tx.installation.set_mode(mode)
        tx.mailboxes.save(account)
        tx.journal.record(entries)
    return before


def note_restored(tx: Transaction, rules: Rules, *, operator: User) -> None:
    """Write down that a backup came back, and turn messaging off: somebody has to look first."""
    account = held_account(tx, operator)
    tx.installation.hold_mode()
    fact = Fact(
        action=Action.STORE_RESTORED, actor=operator.id, mode=Mode.OFF, at_us=rules.now_us()
    )
    account, entries = account.noted(fact)
    tx.installation.set_mode(Mode.OFF)
    tx.mailboxes.save(account)
    tx.journal.record(entries)


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
    for accounts in in_parts(tx.inspection.accounts()):
        ledger = lines_about(tx, [it.account.user for it in accounts])
        for account in accounts:
            yield from account_findings(account)
            gone = pseudonym_of(tx.namespace, account.account.user)
            yield from erasure_findings(account.account, ledger, gone)
    yield from orphan_findings(tx.inspection.orphans())


def audit_scope(operator: User, owner: User) -> CursorScope:
    """Where cursors of one user's journal are good, in one operator's hands."""
    return CursorScope("audit", operator, f"{owner.tenant}\0{owner.id}")
