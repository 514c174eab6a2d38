"""The operator: the switch, the health of the store, the journal; never content (MOD-2)."""

from collections.abc import Generator
from contextlib import closing
from itertools import islice
from typing import Final

import attrs

from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.domain.mode import Mode
from dmcore.domain.numbers import is_whole_number
from dmcore.domain.paging import CursorScope, Page, check_page_size
from dmcore.domain.verification import (
    Finding,
    account_findings,
    conversation_findings,
    orphan_findings,
)
from dmcore.errors import InvalidSetting
from dmcore.ports.clock import Clock, reading_of
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import Transaction, Transactions

_MOST_FINDINGS: Final = 1_000_000

# Use cases --------------------------------------------------------------------------------------


def mode(tx: Transaction) -> Mode:
    """The mode now."""
    return tx.installation.mode()


def set_mode(tx: Transaction, clock: Clock, *, operator: User, mode: Mode) -> Mode:
    """Turn the switch; return the mode before. Turning it to where it stands changes nothing."""
    account = tx.mailboxes.hold(operator)
    before = tx.installation.hold_mode()
    if before is not mode:
        fact = Fact(
            action=Action.MODE_CHANGED, actor=operator.id, mode=mode, at_us=reading_of(clock)
        )
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
    scope = _audit_scope(operator, owner)
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


def _audit_scope(operator: User, owner: User) -> CursorScope:
    return CursorScope("audit", operator, f"{owner.tenant}\0{owner.id}")


# What a host holds ------------------------------------------------------------------------------


@attrs.frozen
class Operations:
    """The operator's desk; who may hold one is the host's decision.

    Any method may raise ``StoreError``.
    """

    operator: User
    _transactions: Transactions = attrs.field(repr=False)
    _clock: Clock = attrs.field(repr=False)

    def mode(self) -> Mode:
        """The mode now (OPS-1)."""
        return self._transactions.read(mode)

    def set_mode(self, mode: Mode | str) -> Mode:
        """Turn the switch, at once in every process, journaled; return the mode before (OPS-1).

        Raises ``InvalidSetting`` for a word that is no mode.
        """
        return self._transactions.write(
            set_mode, self._clock, operator=self.operator, mode=Mode.parse(mode)
        )

    def status(self) -> StoreStatus:
        """Mode, versions and counts, never content (OPS-3)."""
        return self._transactions.snapshot(status)

    def audit(
        self, user: str, *, tenant: str = "", limit: int = 50, cursor: str | None = None
    ) -> Page[Entry]:
        """A page of the content-free facts about one user, oldest first (AUD-1).

        Raises ``InvalidId``, ``InvalidPageSize`` and ``InvalidCursor``.
        """
        owner = User(parse_tenant_id(tenant), parse_user_id(user))
        after = 0 if cursor is None else _audit_scope(self.operator, owner).read_position(cursor)
        return self._transactions.read(
            audit, operator=self.operator, owner=owner, after=after, limit=check_page_size(limit)
        )

    def verify(self, *, most: int = 100) -> tuple[Finding, ...]:
        """Recount everything that is counted, and name what is wrong (OPS-5); empty is healthy.

        Raises ``InvalidSetting`` where ``most`` is no whole number in 1..1000000.
        """
        if not is_whole_number(most, least=1, most=_MOST_FINDINGS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_FINDINGS}")
        return self._transactions.snapshot(verify, most=most)
