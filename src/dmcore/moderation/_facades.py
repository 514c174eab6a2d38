"""What a host holds for a moderator, in two colours. Both run ``ModerationCalls``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import attrs

from dmcore.domain.ids import User
from dmcore.domain.paging import Page
from dmcore.domain.reports import (
    EvidenceItem,
    MadeMove,
    ReportAnswer,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportState,
)
from dmcore.domain.restriction import (
    DeskMetrics,
    Dossier,
    Restriction,
    RestrictionAnswer,
    RestrictionKind,
    RestrictionReason,
)
from dmcore.errors import DmcoreError
from dmcore.moderation._calls import ModerationCalls, check_reports, check_users
from dmcore.ports.transactions import AsyncTransactions, Transactions


@attrs.frozen
class ModerationDesk:
    """The moderator's desk for one tenant; who may hold one is the host's decision.

    It works in every mode. Nobody moderates what is reported about themselves: to them there is no
    such report. Whatever is refused, but for its form, is journaled (AUD-1). Any method may raise
    ``StoreError``, and each that names a report ``AccessDenied`` and ``InvalidId``.
    """

    _calls: ModerationCalls = attrs.field(repr=False)
    _transactions: Transactions = attrs.field(repr=False)
    moderator: User = attrs.field(init=False)

    @moderator.default
    def _moderator(self) -> User:
        return self._calls.moderator

    def reports(
        self,
        *,
        state: ReportState | str | None = None,
        reason: ReportReason | str | None = None,
        origin: ReportOrigin | str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ReportLine]:
        """A page of 1..100 reports, oldest first: all, or those of a state, a reason, an origin.

        What screening flagged is among them, its ``origin`` being ``"screening"`` (MOD-5). Raises
        ``InvalidReport``, ``InvalidPageSize`` and ``InvalidCursor``.
        """
        return self._transactions.run(
            self._calls.reports(
                state=state, reason=reason, origin=origin, limit=limit, cursor=cursor
            )
        )

    def report(self, report: UUID | str) -> ReportLine:
        """One report: metadata of an allow-list, never content (MOD-2)."""
        return self._transactions.run(self._calls.report(report))

    def take(self, report: UUID | str) -> ReportLine:
        """Take a report that waits, and that this moderator did not make (MOD-3).

        Raises ``IllegalMove``, also where it is taken.
        """
        return self._transactions.run(self._calls.move(report, ReportMove.TAKE))

    def release(self, report: UUID | str) -> ReportLine:
        """Put a taken report back, one's own or another's: how it changes hands, in the open.

        Raises ``IllegalMove``.
        """
        return self._transactions.run(self._calls.move(report, ReportMove.RELEASE))

    def resolve(self, report: UUID | str, outcome: ReportOutcome | str) -> ReportLine:
        """Finish a report that was found right, and say what came of it.

        Raises ``IllegalMove``, ``TakenByAnother`` and ``InvalidReport``.
        """
        return self._transactions.run(self._calls.move(report, ReportMove.RESOLVE, outcome=outcome))

    def dismiss(self, report: UUID | str) -> ReportLine:
        """Finish a report in which nothing was found. Raises as ``resolve``."""
        return self._transactions.run(self._calls.move(report, ReportMove.DISMISS))

    def reopen(self, report: UUID | str) -> ReportLine:
        """Let a finished report wait once more, for anybody; its history keeps what came of it.

        Raises ``IllegalMove``.
        """
        return self._transactions.run(self._calls.move(report, ReportMove.REOPEN))

    def report_history(
        self, report: UUID | str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[MadeMove]:
        """A page of 1..100 of the moves that were made with a report, oldest first (MOD-3).

        Who made each, when, and what came of it; never content. Raises ``InvalidPageSize`` and
        ``InvalidCursor``.
        """
        return self._transactions.run(
            self._calls.report_history(report, limit=limit, cursor=cursor)
        )

    def bulk(
        self,
        reports: Sequence[UUID | str],
        move: ReportMove | str,
        *,
        outcome: ReportOutcome | str | None = None,
    ) -> tuple[ReportAnswer, ...]:
        """Do the same with 1..100 reports, each in a transaction of its own (MOD-3).

        One answer for each in their order: the report as it is now, or the code of the error that
        doing it alone would raise. Raises ``InvalidPageSize``, and ``InvalidReport`` for one id
        that is no list of them.
        """
        check_reports(reports)
        answers = []
        for report in reports:
            try:
                line = self._transactions.run(self._calls.move(report, move, outcome=outcome))
            except DmcoreError as error:
                answers.append(ReportAnswer(asked=str(report), error=error.code))
            else:
                answers.append(ReportAnswer(asked=str(report), report=line))
        return tuple(answers)

    def evidence(self, report: UUID | str) -> tuple[EvidenceItem, ...]:
        """What the reporter chose to show, as they saw it, oldest first; nothing once it is old.

        Only where the policy allows it, and only of a report that this moderator took and has not
        finished: ``EvidenceDenied``. Each look and each refused one is journaled (MOD-2, AUD-1).
        """
        return self._transactions.run(self._calls.evidence(report))

    def restrict(
        self,
        user: str,
        kind: RestrictionKind | str,
        *,
        reason: RestrictionReason | str,
        for_: timedelta | None = None,
        until: datetime | None = None,
        report: UUID | str | None = None,
    ) -> Restriction:
        """Restrict a user for a time, until an instant, or for good (MOD-4).

        ``mute``: they read and do not write. ``suspend``: messaging is closed to them, but for what
        protects them. ``shadow_ban``: whatever they do stays with them, for ever, and nothing tells
        them so. It takes the place of a restriction of that kind that holds. ``report`` names what
        led to it. Each act is journaled; of a mute or a suspension the user's own feed tells as
        well, without who decided it. Raises ``InvalidRestriction``, and ``AccessDenied`` for
        oneself, somebody erased, and a report that is not about this user.
        """
        return self._transactions.run(
            self._calls.restrict(user, kind, reason=reason, for_=for_, until=until, report=report)
        )

    def lift(self, user: str, kind: RestrictionKind | str) -> Restriction:
        """End a restriction that holds; what was hidden by it stays hidden (MOD-4).

        Raises ``NotRestricted``, ``InvalidRestriction``, and ``AccessDenied`` for oneself.
        """
        return self._transactions.run(self._calls.lift(user, kind))

    def restrict_each(
        self,
        users: Sequence[str],
        kind: RestrictionKind | str,
        *,
        reason: RestrictionReason | str,
        for_: timedelta | None = None,
        until: datetime | None = None,
    ) -> tuple[RestrictionAnswer, ...]:
        """Restrict 1..100 users, each in a transaction of its own: one answer for each (MOD-3).

        Raises ``InvalidPageSize``, and ``InvalidRestriction`` for one id that is no list of them.
        """
        check_users(users)
        answers = []
        for user in users:
            try:
                made = self.restrict(user, kind, reason=reason, for_=for_, until=until)
            except DmcoreError as error:
                answers.append(RestrictionAnswer(asked=str(user), error=error.code))
            else:
                answers.append(RestrictionAnswer(asked=str(user), restriction=made))
        return tuple(answers)

    def lift_each(
        self, users: Sequence[str], kind: RestrictionKind | str
    ) -> tuple[RestrictionAnswer, ...]:
        """Lift the same restriction of 1..100 users, as ``restrict_each``."""
        check_users(users)
        answers = []
        for user in users:
            try:
                ended = self.lift(user, kind)
            except DmcoreError as error:
                answers.append(RestrictionAnswer(asked=str(user), error=error.code))
            else:
                answers.append(RestrictionAnswer(asked=str(user), restriction=ended))
        return tuple(answers)

    def restrictions(
        self, user: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Restriction]:
        """A page of 1..100 of a user's restrictions, newest first, ended ones included.

        Raises ``AccessDenied`` for oneself, ``InvalidPageSize`` and ``InvalidCursor``.
        """
        return self._transactions.run(self._calls.restrictions(user, limit=limit, cursor=cursor))

    def about(self, user: str) -> Dossier:
        """What a moderator may know of a user: an allow-list, never content (MOD-2).

        Raises ``AccessDenied`` for oneself.
        """
        return self._transactions.run(self._calls.about(user))

    def metrics(self) -> DeskMetrics:
        """Counts for a dashboard; what is below 5 is not told exactly. Nobody counts their own."""
        return self._transactions.run(self._calls.metrics())


@attrs.frozen
class AsyncModerationDesk:
    """As `ModerationDesk`, awaited.

    A cancelled call is undone unless it is being committed.
    """

    _calls: ModerationCalls = attrs.field(repr=False)
    _transactions: AsyncTransactions = attrs.field(repr=False)
    moderator: User = attrs.field(init=False)

    @moderator.default
    def _moderator(self) -> User:
        return self._calls.moderator

    async def reports(
        self,
        *,
        state: ReportState | str | None = None,
        reason: ReportReason | str | None = None,
        origin: ReportOrigin | str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ReportLine]:
        """As `ModerationDesk.reports`."""
        return await self._transactions.run(
            self._calls.reports(
                state=state, reason=reason, origin=origin, limit=limit, cursor=cursor
            )
        )

    async def report(self, report: UUID | str) -> ReportLine:
        """As `ModerationDesk.report`."""
        return await self._transactions.run(self._calls.report(report))

    async def take(self, report: UUID | str) -> ReportLine:
        """As `ModerationDesk.take`."""
        return await self._transactions.run(self._calls.move(report, ReportMove.TAKE))

    async def release(self, report: UUID | str) -> ReportLine:
        """As `ModerationDesk.release`."""
        return await self._transactions.run(self._calls.move(report, ReportMove.RELEASE))

    async def resolve(self, report: UUID | str, outcome: ReportOutcome | str) -> ReportLine:
        """As `ModerationDesk.resolve`."""
        return await self._transactions.run(
            self._calls.move(report, ReportMove.RESOLVE, outcome=outcome)
        )

    async def dismiss(self, report: UUID | str) -> ReportLine:
        """As `ModerationDesk.dismiss`."""
        return await self._transactions.run(self._calls.move(report, ReportMove.DISMISS))

    async def reopen(self, report: UUID | str) -> ReportLine:
        """As `ModerationDesk.reopen`."""
        return await self._transactions.run(self._calls.move(report, ReportMove.REOPEN))

    async def report_history(
        self, report: UUID | str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[MadeMove]:
        """As `ModerationDesk.report_history`."""
        return await self._transactions.run(
            self._calls.report_history(report, limit=limit, cursor=cursor)
        )

    async def bulk(
        self,
        reports: Sequence[UUID | str],
        move: ReportMove | str,
        *,
        outcome: ReportOutcome | str | None = None,
    ) -> tuple[ReportAnswer, ...]:
        """As `ModerationDesk.bulk`."""
        check_reports(reports)
        answers = []
        for report in reports:
            try:
                line = await self._transactions.run(self._calls.move(report, move, outcome=outcome))
            except DmcoreError as error:
                answers.append(ReportAnswer(asked=str(report), error=error.code))
            else:
                answers.append(ReportAnswer(asked=str(report), report=line))
        return tuple(answers)

    async def evidence(self, report: UUID | str) -> tuple[EvidenceItem, ...]:
        """As `ModerationDesk.evidence`."""
        return await self._transactions.run(self._calls.evidence(report))

    async def restrict(
        self,
        user: str,
        kind: RestrictionKind | str,
        *,
        reason: RestrictionReason | str,
        for_: timedelta | None = None,
        until: datetime | None = None,
        report: UUID | str | None = None,
    ) -> Restriction:
        """As `ModerationDesk.restrict`."""
        return await self._transactions.run(
            self._calls.restrict(user, kind, reason=reason, for_=for_, until=until, report=report)
        )

    async def lift(self, user: str, kind: RestrictionKind | str) -> Restriction:
        """As `ModerationDesk.lift`."""
        return await self._transactions.run(self._calls.lift(user, kind))

    async def restrict_each(
        self,
        users: Sequence[str],
        kind: RestrictionKind | str,
        *,
        reason: RestrictionReason | str,
        for_: timedelta | None = None,
        until: datetime | None = None,
    ) -> tuple[RestrictionAnswer, ...]:
        """As `ModerationDesk.restrict_each`."""
        check_users(users)
        answers = []
        for user in users:
            try:
                made = await self.restrict(user, kind, reason=reason, for_=for_, until=until)
            except DmcoreError as error:
                answers.append(RestrictionAnswer(asked=str(user), error=error.code))
            else:
                answers.append(RestrictionAnswer(asked=str(user), restriction=made))
        return tuple(answers)

    async def lift_each(
        self, users: Sequence[str], kind: RestrictionKind | str
    ) -> tuple[RestrictionAnswer, ...]:
        """As `ModerationDesk.lift_each`."""
        check_users(users)
        answers = []
        for user in users:
            try:
                ended = await self.lift(user, kind)
            except DmcoreError as error:
                answers.append(RestrictionAnswer(asked=str(user), error=error.code))
            else:
                answers.append(RestrictionAnswer(asked=str(user), restriction=ended))
        return tuple(answers)

    async def restrictions(
        self, user: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Restriction]:
        """As `ModerationDesk.restrictions`."""
        return await self._transactions.run(
            self._calls.restrictions(user, limit=limit, cursor=cursor)
        )

    async def about(self, user: str) -> Dossier:
        """As `ModerationDesk.about`."""
        return await self._transactions.run(self._calls.about(user))

    async def metrics(self) -> DeskMetrics:
        """As `ModerationDesk.metrics`."""
        return await self._transactions.run(self._calls.metrics())
