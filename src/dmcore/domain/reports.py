"""Reports: what one is, and the life that it has (MOD-1, MOD-3).

Owns the one table of moves. A report holds ids and words of closed sets: it has no field that could
hold a text. What a reporter chose to show stands beside it, as evidence.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

import attrs

from dmcore.domain.body import Body
from dmcore.domain.ids import ConversationId, MessageId, ReportId, TenantId, UserId
from dmcore.domain.instants import to_datetime
from dmcore.domain.limits import RateLimit
from dmcore.domain.message import Message
from dmcore.domain.words import word_of
from dmcore.errors import IllegalMove, InvalidReport, LimitReached, TakenByAnother

MOST_CHOSEN: Final = 20
"""How many messages one report may name."""

_MICROSECOND: Final = timedelta(microseconds=1)


class ReportReason(StrEnum):
    """Why somebody reports. A closed set: a free text would be content (MOD-1)."""

    SPAM = "spam"
    HARASSMENT = "harassment"
    THREAT = "threat"
    ILLEGAL = "illegal"
    SELF_HARM = "self_harm"
    OTHER = "other"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reason. Raises ``InvalidReport``."""
        return word_of(cls, text, "reason", InvalidReport)


class ReportOrigin(StrEnum):
    """Who made a report: one of the two, or the host's screening (MOD-5)."""

    PARTICIPANT = "participant"
    SCREENING = "screening"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an origin. Raises ``InvalidReport``."""
        return word_of(cls, text, "origin", InvalidReport)


class ReportState(StrEnum):
    """Where a report stands."""

    PENDING = "pending"
    TAKEN = "taken"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a state. Raises ``InvalidReport``."""
        return word_of(cls, text, "state", InvalidReport)


class ReportMove(StrEnum):
    """What a moderator does with a report."""

    TAKE = "take"
    RELEASE = "release"
    RESOLVE = "resolve"
    DISMISS = "dismiss"
    REOPEN = "reopen"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a move. Raises ``InvalidReport``."""
        return word_of(cls, text, "move", InvalidReport)


class ReportOutcome(StrEnum):
    """What came of a report that was found right."""

    NO_ACTION = "no_action"
    WARNED = "warned"
    RESTRICTED = "restricted"
    REFERRED = "referred"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an outcome. Raises ``InvalidReport``."""
        return word_of(cls, text, "outcome", InvalidReport)


def asked_move(
    move: ReportMove | str, outcome: ReportOutcome | str | None
) -> tuple[ReportMove, ReportOutcome | None]:
    """Read a move, and what came of the report where that finishes it. Raises ``InvalidReport``."""
    asked = ReportMove.parse(move)
    if (asked is ReportMove.RESOLVE) is (outcome is None):
        raise InvalidReport("resolving needs an outcome, and nothing else has one")
    return asked, None if outcome is None else ReportOutcome.parse(outcome)


MOVES: Final[Mapping[tuple[ReportState, ReportMove], ReportState]] = {
    (ReportState.PENDING, ReportMove.TAKE): ReportState.TAKEN,
    (ReportState.TAKEN, ReportMove.RELEASE): ReportState.PENDING,
    (ReportState.TAKEN, ReportMove.RESOLVE): ReportState.RESOLVED,
    (ReportState.TAKEN, ReportMove.DISMISS): ReportState.DISMISSED,
    (ReportState.RESOLVED, ReportMove.REOPEN): ReportState.PENDING,
    (ReportState.DISMISSED, ReportMove.REOPEN): ReportState.PENDING,
}
"""Every move there is; any other raises (MOD-3). The diagram of the documentation is made of it."""

TAKERS_ALONE: Final = frozenset({ReportMove.RESOLVE, ReportMove.DISMISS})
"""What only the moderator does who took the report."""


@attrs.frozen(kw_only=True)
class Report:
    """One report as it is kept. ``chosen`` counts the messages that it names.

    What screening reports has no ``reporter`` and no ``reason``, but ``flags``: what its screeners
    called the message. What somebody reports has no flags.
    """

    id: ReportId
    tenant: TenantId
    reporter: UserId | None
    reported: UserId
    conversation: ConversationId | None
    chosen: int
    reason: ReportReason | None
    made_at_us: int
    changed_at_us: int
    flags: tuple[str, ...] = ()
    state: ReportState = ReportState.PENDING
    taken_by: UserId | None = None
    outcome: ReportOutcome | None = None

    @property
    def origin(self) -> ReportOrigin:
        """Whose report it is."""
        return ReportOrigin.SCREENING if self.reporter is None else ReportOrigin.PARTICIPANT

    def is_held_by(self, moderator: UserId) -> bool:
        """Whether this moderator took it and has not finished."""
        return self.state is ReportState.TAKEN and self.taken_by == moderator


def moved(
    report: Report,
    move: ReportMove,
    *,
    moderator: UserId,
    outcome: ReportOutcome | None,
    now_us: int,
) -> Report:
    """The report after a move. Raises ``IllegalMove`` and ``TakenByAnother``."""
    after = MOVES.get((report.state, move))
    if after is None:
        raise IllegalMove(report.state, move)
    if move in TAKERS_ALONE and report.taken_by != moderator:
        raise TakenByAnother
    taken_by = None if after is ReportState.PENDING else moderator
    return attrs.evolve(
        report, state=after, taken_by=taken_by, outcome=outcome, changed_at_us=now_us
    )


@attrs.frozen(kw_only=True)
class MadeMove:
    """One move that a moderator made with a report; ``outcome`` is what came of it by then.

    What follows takes nothing of it back. Numbers of a report are 1, 2, 3, … without a gap.
    """

    report: ReportId
    tenant: TenantId
    number: int
    move: ReportMove
    by: UserId
    at_us: int
    outcome: ReportOutcome | None

    @property
    def at(self) -> datetime:
        """When it was made, in UTC."""
        return to_datetime(self.at_us)


def made_move(after: Report, move: ReportMove, *, by: UserId, number: int) -> MadeMove:
    """The move that led to a report as it is now."""
    return MadeMove(
        report=after.id,
        tenant=after.tenant,
        number=number,
        move=move,
        by=by,
        at_us=after.changed_at_us,
        outcome=after.outcome,
    )


_LEADS_TO: Final[Mapping[ReportMove, ReportState]] = {move: to for (_, move), to in MOVES.items()}


def is_where_it_was_led(report: Report, moves: Sequence[MadeMove]) -> bool:
    """Whether a report stands where the last of its moves left it, and they have all numbers."""
    if [made.number for made in moves] != list(range(1, len(moves) + 1)):
        return False
    if not moves:
        return report.state is ReportState.PENDING
    return (report.state, report.outcome) == (_LEADS_TO[moves[-1].move], moves[-1].outcome)


@attrs.frozen(kw_only=True)
class ReportReceipt:
    """What a reporter is told: that it was noted, and nothing of what becomes of it."""

    id: ReportId
    reported: UserId
    conversation: ConversationId | None
    messages: int
    reason: ReportReason
    made_at_us: int

    @property
    def made_at(self) -> datetime:
        """When it was made, in UTC."""
        return to_datetime(self.made_at_us)


def receipt_of(report: Report) -> ReportReceipt:
    """What its reporter may know of a report. Nobody gets one for what screening reports."""
    if report.reason is None:
        raise ValueError("nobody made this report")
    return ReportReceipt(
        id=report.id,
        reported=report.reported,
        conversation=report.conversation,
        messages=report.chosen,
        reason=report.reason,
        made_at_us=report.made_at_us,
    )


@attrs.frozen(kw_only=True)
class OwnReport:
    """What somebody reported, as they said it, with the messages that they chose.

    Nothing of what became of it, which a reporter is not told.
    """

    id: ReportId
    reported: UserId
    conversation: ConversationId | None
    messages: tuple[MessageId, ...]
    reason: ReportReason
    made_at_us: int

    @property
    def made_at(self) -> datetime:
        """When it was made, in UTC."""
        return to_datetime(self.made_at_us)


def own_report(report: Report, chosen: Sequence[MessageId]) -> OwnReport:
    """A report as its reporter sees it, with the messages that they chose."""
    receipt = receipt_of(report)
    return OwnReport(
        id=receipt.id,
        reported=receipt.reported,
        conversation=receipt.conversation,
        messages=tuple(chosen),
        reason=receipt.reason,
        made_at_us=receipt.made_at_us,
    )


@attrs.frozen(kw_only=True)
class ReportLine:
    """All that a moderator sees of a report besides its evidence: the allow-list (MOD-2).

    ``messages`` is how many the reporter chose, ``taken_by`` who works on it or finished it. What
    screening reports names one message and has ``flags``, and neither reporter nor reason (MOD-5).
    """

    id: ReportId
    origin: ReportOrigin
    reporter: UserId | None
    reported: UserId
    conversation: ConversationId | None
    messages: int
    reason: ReportReason | None
    flags: tuple[str, ...]
    state: ReportState
    taken_by: UserId | None
    outcome: ReportOutcome | None
    made_at_us: int
    changed_at_us: int

    @property
    def made_at(self) -> datetime:
        """When it was made, in UTC."""
        return to_datetime(self.made_at_us)

    @property
    def changed_at(self) -> datetime:
        """When somebody last did anything with it, in UTC."""
        return to_datetime(self.changed_at_us)


def line_of(report: Report) -> ReportLine:
    """What a moderator may know of a report."""
    return ReportLine(
        id=report.id,
        origin=report.origin,
        reporter=report.reporter,
        reported=report.reported,
        conversation=report.conversation,
        messages=report.chosen,
        reason=report.reason,
        flags=report.flags,
        state=report.state,
        taken_by=report.taken_by,
        outcome=report.outcome,
        made_at_us=report.made_at_us,
        changed_at_us=report.changed_at_us,
    )


@attrs.frozen(kw_only=True)
class ReportAnswer:
    """What came of one item of a bulk act: the report as it is now, or the code of an error."""

    asked: str
    report: ReportLine | None = None
    error: str | None = None


class EvidenceVerdict(StrEnum):
    """What is known about a copy besides what it says (CRYPT-2)."""

    SEALED = "sealed"
    """Its sender sealed it: nobody here knows the text."""
    PROVEN = "proven"
    """Exactly this was sent, by its sender and at its time."""
    ALTERED = "altered"
    """What is stored is not what was sent: somebody changed it in the database."""


@attrs.frozen(kw_only=True)
class EvidenceItem:
    """One message as its reporter saw it when they reported; ``body`` is ``None`` for a gap.

    What becomes of the message later does not change the copy.
    """

    message: MessageId
    sender: UserId
    body: Body | None
    sent_at_us: int
    edited_at_us: int | None
    verdict: EvidenceVerdict | None = None

    @property
    def sent_at(self) -> datetime:
        """When the message was sent, in UTC."""
        return to_datetime(self.sent_at_us)

    @property
    def edited_at(self) -> datetime | None:
        """When its text was last changed, in UTC."""
        return None if self.edited_at_us is None else to_datetime(self.edited_at_us)


def copied(message: Message, *, is_as_franked: bool | None) -> EvidenceItem:
    """The copy of a message that its reporter sees, and whether it is what was sent."""
    verdict = None
    if message.is_sealed:
        verdict = EvidenceVerdict.SEALED
    elif is_as_franked is not None and not message.is_deleted:
        verdict = EvidenceVerdict.PROVEN if is_as_franked else EvidenceVerdict.ALTERED
    return EvidenceItem(
        message=message.id,
        sender=message.sender,
        body=None if message.is_sealed else message.body,
        sent_at_us=message.sent_at_us,
        edited_at_us=message.edited_at_us,
        verdict=verdict,
    )


def is_evidence_kept(report: Report, kept: timedelta, now_us: int) -> bool:
    """Whether what was copied for a report may still be looked at."""
    return now_us - report.made_at_us < kept // _MICROSECOND


def check_rate(limit: RateLimit | None, made_us: Sequence[int], now_us: int) -> None:
    """One more report may be made; ``made_us`` are the newest before, as many as the limit counts.

    What a clock that went back shows as later than now counts as now. Raises ``LimitReached``.
    """
    if limit is None or len(made_us) < limit.count:
        return
    wait_us = min(*made_us, now_us) + limit.window_us - now_us
    if wait_us > 0:
        raise LimitReached("reports", wait_us * _MICROSECOND)


@attrs.frozen(kw_only=True)
class ReportPlace:
    """A place in the queue, whose order is by time and then by id."""

    made_at_us: int
    id: ReportId
