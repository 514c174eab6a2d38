"""How reports and their life read on a page. Knows the closed sets, and no HTML."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from dmcore.domain.mode import Mode
from dmcore.domain.reports import (
    MOVES,
    TAKERS_ALONE,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportState,
)
from dmcore.ports.installation import StorageHealth

REASONS: Final[Mapping[ReportReason, str]] = {
    ReportReason.SPAM: "Spam or advertising",
    ReportReason.HARASSMENT: "Harassment",
    ReportReason.THREAT: "A threat",
    ReportReason.ILLEGAL: "Something illegal",
    ReportReason.SELF_HARM: "Somebody may harm themselves",
    ReportReason.OTHER: "Something else",
}

STATES: Final[Mapping[ReportState, str]] = {
    ReportState.PENDING: "Waiting",
    ReportState.TAKEN: "Taken",
    ReportState.RESOLVED: "Resolved",
    ReportState.DISMISSED: "Dismissed",
}

ORIGINS: Final[Mapping[ReportOrigin, str]] = {
    ReportOrigin.PARTICIPANT: "People",
    ReportOrigin.SCREENING: "Screening",
}

MOVE_WORDS: Final[Mapping[ReportMove, str]] = {
    ReportMove.TAKE: "Take",
    ReportMove.RELEASE: "Put back",
    ReportMove.RESOLVE: "Resolve",
    ReportMove.DISMISS: "Dismiss",
    ReportMove.REOPEN: "Reopen",
}

MADE_WORDS: Final[Mapping[ReportMove, str]] = {
    ReportMove.TAKE: "Taken",
    ReportMove.RELEASE: "Put back",
    ReportMove.RESOLVE: "Resolved",
    ReportMove.DISMISS: "Dismissed",
    ReportMove.REOPEN: "Reopened",
}

OUTCOMES: Final[Mapping[ReportOutcome, str]] = {
    ReportOutcome.WARNED: "Warned",
    ReportOutcome.RESTRICTED: "Restricted",
    ReportOutcome.REFERRED: "Handed on to somebody else",
    ReportOutcome.NO_ACTION: "Nothing had to be done",
}

MODES: Final[Mapping[Mode, tuple[str, str]]] = {
    Mode.ON: ("On", "Everybody can read, answer and start conversations."),
    Mode.REPLIES_ONLY: ("Replies only", "No new conversations; those that exist go on."),
    Mode.READ_ONLY: ("Read only", "Everybody can read. Nobody can write."),
    Mode.OFF: ("Off", "Nobody can read or write. Nothing is lost; export and erasure work."),
}

HEALTH: Final[Mapping[StorageHealth, str]] = {
    StorageHealth.SOUND: "Sound",
    StorageHealth.NOT_DURABLE: "Not durable: a power cut may lose what was acknowledged",
    StorageHealth.READ_ONLY: "Read-only: nothing can be written",
    StorageHealth.DAMAGED: "Damaged: what is whole should be saved, and a backup restored",
}


def moves_of(line: ReportLine, moderator: str) -> tuple[ReportMove, ...]:
    """What this moderator can do with a report where it stands."""
    return tuple(
        move
        for (state, move) in MOVES
        if state is line.state and (move not in TAKERS_ALONE or line.taken_by == moderator)
    )


def span_of(time: timedelta) -> str:
    """A span of days and hours in words, as long as it is kept."""
    if time.days:
        return f"{time.days} {'day' if time.days == 1 else 'days'}"
    hours = time.seconds // 3600
    return "less than an hour" if not hours else f"{hours} {'hour' if hours == 1 else 'hours'}"
