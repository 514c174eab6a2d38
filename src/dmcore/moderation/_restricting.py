"""What a moderator takes from a user and gives back, and what they see of one (MOD-2, MOD-4).

Every act is a fact in the moderator's journal (AUD-1).
"""

from typing import Final

import attrs

from dmcore._rules import Rules
from dmcore.domain.account import Account
from dmcore.domain.contact import Contact
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import ReportId, User, UserId
from dmcore.domain.paging import CursorScope, Page
from dmcore.domain.pair import Pair
from dmcore.domain.reports import ReportState
from dmcore.domain.restriction import (
    DeskMetrics,
    Dossier,
    Restriction,
    RestrictionKind,
    RestrictionReason,
    Term,
    told,
)
from dmcore.errors import AccessDenied, NotRestricted
from dmcore.ports.transactions import Transaction

_MADE: Final = {
    RestrictionKind.MUTE: Action.USER_MUTED,
    RestrictionKind.SUSPEND: Action.USER_SUSPENDED,
    RestrictionKind.SHADOW_BAN: Action.USER_SHADOW_BANNED,
}
_LIFTED: Final = {
    RestrictionKind.MUTE: Action.USER_UNMUTED,
    RestrictionKind.SUSPEND: Action.USER_UNSUSPENDED,
    RestrictionKind.SHADOW_BAN: Action.USER_SHADOW_BAN_LIFTED,
}


@attrs.frozen(kw_only=True)
class Measure:
    """What a moderator wants to do to somebody."""

    kind: RestrictionKind
    reason: RestrictionReason
    term: Term
    report: ReportId | None


def restrict(
    tx: Transaction, rules: Rules, *, moderator: User, user: UserId, measure: Measure
) -> Restriction:
    """Restrict a user, in the place of a restriction of that kind that holds."""
    now_us = rules.now_us()
    until_us = measure.term.until_us(now_us)
    contact = _held(tx, moderator, user)
    if not _is_about(tx, moderator, user, measure.report):
        raise AccessDenied
    made = Restriction(
        tenant=moderator.tenant,
        user=user,
        number=contact.partner.restrictions + 1,
        kind=measure.kind,
        reason=measure.reason,
        by=moderator.id,
        since_us=now_us,
        until_us=until_us,
        report=measure.report,
    )
    _end_active(tx, contact, measure.kind, now_us)
    tx.restrictions.add(made)
    standing = contact.partner.standing.until(made.kind, made.end_us)
    restricted = attrs.evolve(contact.partner, standing=standing, restrictions=made.number)
    _store(tx, contact, restricted, action=_MADE[made.kind], report=made.report, now_us=now_us)
    return made


def lift(
    tx: Transaction, rules: Rules, *, moderator: User, user: UserId, kind: RestrictionKind
) -> Restriction:
    """End a restriction that holds. What was hidden by it stays hidden."""
    now_us = rules.now_us()
    contact = _held(tx, moderator, user)
    ended = _end_active(tx, contact, kind, now_us)
    if ended is None:
        raise NotRestricted
    standing = contact.partner.standing.until(kind, None)
    lifted = attrs.evolve(contact.partner, standing=standing)
    _store(tx, contact, lifted, action=_LIFTED[kind], report=ended.report, now_us=now_us)
    return ended


def restrictions(
    tx: Transaction, *, moderator: User, user: UserId, before: int | None, limit: int
) -> Page[Restriction]:
    """A user's restrictions, newest first."""
    owner = _somebody_else(moderator, user)
    found = tx.restrictions.history(owner, before=before, limit=limit + 1)
    scope = history_scope(moderator, user)
    return Page.cut(found, limit, lambda line: scope.position(line.number))


def about(tx: Transaction, rules: Rules, *, moderator: User, user: UserId) -> Dossier:
    """What a moderator may know of a user: the allow-list."""
    owner = _somebody_else(moderator, user)
    active = tx.restrictions.active(owner, now_us=rules.now_us())
    newest = tx.restrictions.history(owner, before=None, limit=1)
    counts = tx.reports.counts(moderator, about=user)
    return Dossier(
        user=user,
        restrictions=tuple(active),
        restricted=newest[0].number if newest else 0,
        reports={state: counts.get(state, 0) for state in ReportState},
    )


def metrics(tx: Transaction, rules: Rules, *, moderator: User) -> DeskMetrics:
    """Counts of the tenant, but those that are too small."""
    reports = tx.reports.counts(moderator, about=None)
    restrictions = tx.restrictions.counts(moderator, now_us=rules.now_us())
    return DeskMetrics(
        reports={state: told(reports.get(state, 0)) for state in ReportState},
        restrictions={kind: told(restrictions.get(kind, 0)) for kind in RestrictionKind},
    )


def _held(tx: Transaction, moderator: User, user: UserId) -> Contact:
    """Both accounts, in the one order in which everybody locks them (ADR 13).

    Raises ``AccessDenied`` for oneself, and for who was erased: nothing is written about them any
    more (GDPR-1).
    """
    _check_is_another(moderator, user)
    pair = Pair.of(moderator.tenant, moderator.id, user)
    contact = tx.contacts.hold(pair, actor=moderator.id)
    if contact.partner.is_gone:
        raise AccessDenied
    return contact


def _is_about(tx: Transaction, moderator: User, user: UserId, report: ReportId | None) -> bool:
    if report is None:
        return True
    found = tx.reports.find(report, moderator=moderator)
    return found is not None and found.reported == user


def _end_active(
    tx: Transaction, contact: Contact, kind: RestrictionKind, now_us: int
) -> Restriction | None:
    """End what holds of a kind, if anything does, and return it."""
    active = tx.restrictions.active(contact.partner.user, now_us=now_us)
    found = next((it for it in active if it.kind is kind), None)
    if found is None:
        return None
    ended = found.ended(by=contact.actor.user.id, now_us=now_us)
    tx.restrictions.save(ended)
    return ended


def _store(
    tx: Transaction,
    contact: Contact,
    user: Account,
    *,
    action: Action,
    report: ReportId | None,
    now_us: int,
) -> None:
    """The moderator's fact; and the user's own, but of what they must not notice."""
    moderator = contact.actor
    fact = Fact(
        action=action, actor=moderator.user.id, other=user.user.id, report=report, at_us=now_us
    )
    moderator, entries = moderator.noted(fact)
    if action not in (Action.USER_SHADOW_BANNED, Action.USER_SHADOW_BAN_LIFTED):
        # In their own name: who decided it is not told.
        user, told_entries = user.noted(Fact(action=action, actor=user.user.id, at_us=now_us))
        entries += told_entries
    tx.mailboxes.save(moderator)
    tx.mailboxes.save(user)
    tx.journal.record(entries)


def _somebody_else(moderator: User, user: UserId) -> User:
    """Whom a moderator looks at. Raises ``AccessDenied``."""
    _check_is_another(moderator, user)
    return attrs.evolve(moderator, id=user)


def _check_is_another(moderator: User, user: UserId) -> None:
    """Nobody decides about themselves, or looks at what was decided: it may be hidden.

    Raises ``AccessDenied``.
    """
    if user == moderator.id:
        raise AccessDenied


def history_scope(moderator: User, user: UserId) -> CursorScope:
    """Where cursors of one user's restrictions are good, in one moderator's hands."""
    return CursorScope("restrictions", moderator, user)
