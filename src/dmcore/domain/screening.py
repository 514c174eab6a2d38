"""Screening: what a screener is told of a message before it is sent, and what it may answer.

It knows no screener. What it is told beside the text are facts of the sender's own side, so no
verdict can tell anybody what the other side keeps to itself.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final, TypeAlias

import attrs

from dmcore.domain.body import Body
from dmcore.domain.contact import Contact
from dmcore.domain.ids import User, UserId
from dmcore.errors import InvalidSetting

SCREENER_FAILED: Final = "screener_failed"
"""The reason where a screener broke its contract; none may give it itself."""

_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MICROSECOND: Final = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Submission:
    """A text that somebody wants to send, and what is known of its sender.

    ``is_first_contact``: nothing that the recipient wrote ever reached the sender.
    ``recent_sends_us`` are the newest instants in the sender's limit on messages, oldest first, in
    all conversations: as many as that limit counts, none where there is no limit, nor for another
    text of a message that was sent before.
    """

    text: Body
    sender: User
    recipient: UserId
    at_us: int
    is_first_contact: bool
    recent_sends_us: tuple[int, ...] = ()


def submission_of(contact: Contact, text: Body, *, now_us: int) -> Submission:
    """What screeners are told of a ``text`` from the one who acts to their partner."""
    return Submission(
        text=text,
        sender=contact.actor.user,
        recipient=contact.partner.user.id,
        at_us=now_us,
        # What was written to a sender who blocked is no contact, and nothing they may find out.
        is_first_contact=contact.side.heard is None,
        recent_sends_us=contact.actor.sends.instants,
    )


def resubmission_of(contact: Contact, text: Body, *, now_us: int) -> Submission:
    """The same of another ``text`` for a message that was sent before, which is no sending."""
    return attrs.evolve(submission_of(contact, text, now_us=now_us), recent_sends_us=())


def count_recent(instants_us: Iterable[int], *, at_us: int, within: timedelta) -> int:
    """How many of the instants are less than ``within`` away from ``at_us``.

    On both sides: clocks of two processes differ a little, and one that was set back is forgotten.
    """
    within_us = within // _MICROSECOND
    return sum(1 for instant in instants_us if abs(at_us - instant) < within_us)


def checked_reason(reason: str) -> str:
    """A reason in valid form: a short slug. Raises ``InvalidSetting``, which does not show it."""
    if not _is_reason(reason):
        raise InvalidSetting("screening.reason", "must be 1 to 40 of a-z, 0-9 and _")
    return reason


def _is_reason(value: object) -> bool:
    return isinstance(value, str) and _REASON.fullmatch(value) is not None


@attrs.frozen
class Pass:
    """Nothing against it."""


@attrs.frozen
class Flag:
    """It is sent, and a report without content is made of it. Raises ``InvalidSetting``."""

    reason: str = attrs.field(converter=checked_reason)


@attrs.frozen
class Refuse:
    """It is not sent, for this reason. Raises ``InvalidSetting``."""

    reason: str = attrs.field(converter=checked_reason)


Verdict: TypeAlias = Pass | Flag | Refuse


@attrs.frozen
class Failure:
    """A screener broke: the names of its class and of the error's. Nothing else of it is kept."""

    screener: str
    error: str


@attrs.frozen(kw_only=True)
class Screening:
    """What the whole chain said: it refuses, or it lets through with these flags, each once."""

    refusal: str | None = None
    flags: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
