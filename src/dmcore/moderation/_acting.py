"""What a moderator does: each a function of a transaction.

No content but what ``evidence`` returns, and that not before the look is written down (AUD-1).
"""

from typing import Final

from dmcore._access import allowed, held_account
from dmcore._rules import Rules
from dmcore.domain.account import Account
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import ReportId, User
from dmcore.domain.paging import CursorScope, Page
from dmcore.domain.reports import (
    EvidenceItem,
    MadeMove,
    Report,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportPlace,
    ReportReason,
    ReportState,
    is_evidence_kept,
    line_of,
    made_move,
    moved,
)
from dmcore.errors import AccessDenied, EvidenceDenied
from dmcore.ports.transactions import Transaction

_NOTED_AS: Final = {
    ReportMove.TAKE: Action.REPORT_TAKEN,
    ReportMove.RELEASE: Action.REPORT_RELEASED,
    ReportMove.RESOLVE: Action.REPORT_RESOLVED,
    ReportMove.DISMISS: Action.REPORT_DISMISSED,
    ReportMove.REOPEN: Action.REPORT_REOPENED,
}


def reports(
    tx: Transaction,
    *,
    moderator: User,
    state: ReportState | None,
    reason: ReportReason | None,
    origin: ReportOrigin | None,
    after: ReportPlace | None,
    limit: int,
) -> Page[ReportLine]:
    """A page of the queue, oldest first."""
    found = tx.reports.queue(
        moderator, state=state, reason=reason, origin=origin, after=after, limit=limit + 1
    )
    scope = queue_scope(moderator, state, reason, origin)
    return Page.cut(
        [line_of(it) for it in found],
        limit,
        lambda line: scope.report(ReportPlace(made_at_us=line.made_at_us, id=line.id)),
    )


def report(tx: Transaction, *, moderator: User, report: ReportId) -> ReportLine:
    """One report."""
    return line_of(allowed(tx.reports.find(report, moderator=moderator)))


def move(
    tx: Transaction,
    rules: Rules,
    *,
    moderator: User,
    report: ReportId,
    move: ReportMove,
    outcome: ReportOutcome | None,
) -> ReportLine:
    """Move a report on (MOD-3)."""
    account = held_account(tx, moderator)
    before = allowed(tx.reports.hold(report, moderator=moderator))
    if before.reporter == moderator.id:
        # Nobody judges what they said themselves.
        raise AccessDenied
    now_us = rules.now_us()
    after = moved(before, move, moderator=moderator.id, outcome=outcome, now_us=now_us)
    tx.reports.save(after)
    number = tx.reports.last_move(report) + 1
    tx.reports.add_move(made_move(after, move, by=moderator.id, number=number))
    _note(tx, account, _NOTED_AS[move], after, now_us)
    return line_of(after)


def report_history(
    tx: Transaction, *, moderator: User, report: ReportId, after: int, limit: int
) -> Page[MadeMove]:
    """What was done with a report, oldest first."""
    allowed(tx.reports.find(report, moderator=moderator))
    found = tx.reports.moves(report, after=after, limit=limit + 1)
    scope = report_scope(moderator, report)
    return Page.cut(found, limit, lambda made: scope.position(made.number))


def evidence(
    tx: Transaction, rules: Rules, *, moderator: User, report: ReportId
) -> tuple[EvidenceItem, ...]:
    """What the reporter chose to show; the look is written down first (AUD-1)."""
    account = held_account(tx, moderator)
    held = allowed(tx.reports.hold(report, moderator=moderator))
    now_us = rules.now_us()
    if rules.policy.evidence != "reporter_selected" or not held.is_held_by(moderator.id):
        raise EvidenceDenied
    _note(tx, account, Action.EVIDENCE_VIEWED, held, now_us)
    if not is_evidence_kept(held, rules.policy.evidence_kept, now_us):
        return ()
    return tuple(tx.reports.evidence(report))


def _note(tx: Transaction, moderator: Account, action: Action, report: Report, now_us: int) -> None:
    fact = Fact(
        action=action,
        actor=moderator.user.id,
        other=report.reported,
        conversation=report.conversation,
        report=report.id,
        at_us=now_us,
    )
    noted, entries = moderator.noted(fact)
    tx.mailboxes.save(noted)
    tx.journal.record(entries)


def queue_scope(
    moderator: User,
    state: ReportState | None,
    reason: ReportReason | None,
    origin: ReportOrigin | None,
) -> CursorScope:
    """Where cursors of one queue are good, in one moderator's hands."""
    return CursorScope("reports", moderator, f"{state}/{reason}/{origin}")


def report_scope(moderator: User, report: ReportId) -> CursorScope:
    """Where cursors of one report's history are good, in one moderator's hands."""
    return CursorScope("moves", moderator, str(report))
