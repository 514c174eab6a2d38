"""What a moderator can ask: reads what comes from outside and describes the call to run."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import attrs

from dmcore._rules import Rules
from dmcore.domain.events import Action, Reach
from dmcore.domain.ids import ReportId, User, UserId, parse_report_id, parse_user_id
from dmcore.domain.paging import Page, check_page_size
from dmcore.domain.reports import (
    EvidenceItem,
    MadeMove,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportState,
    asked_move,
)
from dmcore.domain.restriction import (
    DeskMetrics,
    Dossier,
    Restriction,
    RestrictionKind,
    RestrictionReason,
    Term,
)
from dmcore.errors import InvalidReport, InvalidRestriction
from dmcore.moderation import _acting, _restricting
from dmcore.ports.transactions import Call, each_named, reading, surveying, writing


def check_users(users: Sequence[str]) -> None:
    """What is done to each of some users. Raises ``InvalidRestriction`` and ``InvalidPageSize``."""
    if isinstance(users, str):
        # Each of its letters may be somebody's id.
        raise InvalidRestriction("the users must be a list of ids, and not one id")
    check_page_size(len(users))


def check_reports(reports: Sequence[UUID | str]) -> None:
    """What is done with each of some reports. Raises ``InvalidReport`` and ``InvalidPageSize``."""
    if isinstance(reports, str):
        raise InvalidReport("the reports must be a list of ids, and not one id")
    check_page_size(len(reports))


def _report(report: ReportId, refused: Action = Action.REPORT_REFUSED) -> Reach:
    return Reach(refused=refused, report=report)


def _user(user: UserId, report: ReportId | None = None) -> Reach:
    return Reach(refused=Action.RESTRICTION_REFUSED, other=user, report=report)


@attrs.frozen
@each_named
class ModerationCalls:
    """One call for each method of the two desks, which document them. No I/O."""

    moderator: User
    _rules: Rules = attrs.field(repr=False)

    def reports(
        self,
        *,
        state: ReportState | str | None,
        reason: ReportReason | str | None,
        origin: ReportOrigin | str | None,
        limit: int,
        cursor: str | None,
    ) -> Call[Page[ReportLine]]:
        of_state = None if state is None else ReportState.parse(state)
        for_reason = None if reason is None else ReportReason.parse(reason)
        from_origin = None if origin is None else ReportOrigin.parse(origin)
        scope = _acting.queue_scope(self.moderator, of_state, for_reason, from_origin)
        return reading(
            _acting.reports,
            moderator=self.moderator,
            state=of_state,
            reason=for_reason,
            origin=from_origin,
            after=None if cursor is None else scope.read_report(cursor),
            limit=check_page_size(limit),
        )

    def report(self, report: UUID | str) -> Call[ReportLine]:
        id_ = parse_report_id(report)
        call = reading(_acting.report, moderator=self.moderator, report=id_)
        return call.reaching(_report(id_))

    def move(
        self,
        report: UUID | str,
        move: ReportMove | str,
        *,
        outcome: ReportOutcome | str | None = None,
    ) -> Call[ReportLine]:
        asked, came_of_it = asked_move(move, outcome)
        id_ = parse_report_id(report)
        call = writing(
            _acting.move,
            self._rules,
            moderator=self.moderator,
            report=id_,
            move=asked,
            outcome=came_of_it,
        )
        return call.named(asked.value).reaching(_report(id_))

    def report_history(
        self, report: UUID | str, *, limit: int, cursor: str | None
    ) -> Call[Page[MadeMove]]:
        id_ = parse_report_id(report)
        scope = _acting.report_scope(self.moderator, id_)
        call = reading(
            _acting.report_history,
            moderator=self.moderator,
            report=id_,
            after=0 if cursor is None else scope.read_position(cursor),
            limit=check_page_size(limit),
        )
        return call.reaching(_report(id_))

    def evidence(self, report: UUID | str) -> Call[tuple[EvidenceItem, ...]]:
        id_ = parse_report_id(report)
        call = writing(_acting.evidence, self._rules, moderator=self.moderator, report=id_)
        return call.reaching(_report(id_, Action.EVIDENCE_REFUSED))

    def restrict(
        self,
        user: str,
        kind: RestrictionKind | str,
        *,
        reason: RestrictionReason | str,
        for_: timedelta | None,
        until: datetime | None,
        report: UUID | str | None,
    ) -> Call[Restriction]:
        of = parse_user_id(user)
        measure = _restricting.Measure(
            kind=RestrictionKind.parse(kind),
            reason=RestrictionReason.parse(reason),
            term=Term(for_, until),
            report=None if report is None else parse_report_id(report),
        )
        call = writing(
            _restricting.restrict, self._rules, moderator=self.moderator, user=of, measure=measure
        )
        return call.reaching(_user(of, measure.report))

    def lift(self, user: str, kind: RestrictionKind | str) -> Call[Restriction]:
        of = parse_user_id(user)
        call = writing(
            _restricting.lift,
            self._rules,
            moderator=self.moderator,
            user=of,
            kind=RestrictionKind.parse(kind),
        )
        return call.reaching(_user(of))

    def restrictions(self, user: str, *, limit: int, cursor: str | None) -> Call[Page[Restriction]]:
        of = parse_user_id(user)
        scope = _restricting.history_scope(self.moderator, of)
        call = reading(
            _restricting.restrictions,
            moderator=self.moderator,
            user=of,
            before=None if cursor is None else scope.read_position(cursor),
            limit=check_page_size(limit),
        )
        return call.reaching(_user(of))

    def about(self, user: str) -> Call[Dossier]:
        of = parse_user_id(user)
        call = surveying(_restricting.about, self._rules, moderator=self.moderator, user=of)
        return call.reaching(_user(of))

    def metrics(self) -> Call[DeskMetrics]:
        return surveying(_restricting.metrics, self._rules, moderator=self.moderator)
