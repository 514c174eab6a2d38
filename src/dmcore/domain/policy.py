"""What differs between products: a policy is data, chosen once per installation."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final, Literal

import attrs

from dmcore.domain.body import BodyRules
from dmcore.domain.gates import Gate
from dmcore.domain.instants import LONGEST, is_span
from dmcore.domain.limits import RateLimit
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting

_MOST_REQUEST_MESSAGES: Final = 100

_SPANS: Final = ("edit_window", "evidence_kept", "messages_kept", "journal_kept")
_SPANS_OR_NONE: Final = frozenset({"edit_window", "messages_kept", "journal_kept"})


def _to_gates(gates: Collection[Gate]) -> tuple[Gate, ...]:
    if not _are_gates(gates):
        raise InvalidSetting("gates", "must be Gates")
    return tuple(gates)


def _are_gates(value: object) -> bool:
    return isinstance(value, Collection) and all(isinstance(gate, Gate) for gate in value)


@attrs.frozen(kw_only=True)
class Policy:
    """The rules of one product. Every value has a sound default.

    ``messages`` and ``starts`` are the two limits of LIMIT-1 (``None`` switches one off); ``body``
    says what a text may be (MSG-1); ``blocked`` what happens to a message to someone who blocks its
    sender: ``"refuse"`` answers as for any unavailable recipient, ``"absorb"`` lets the sender see
    it sent while nobody ever receives it (BLOCK-2).

    ``edit_window`` is how long a message may be changed: zero for never, ``None`` for always
    (MSG-5); ``edits`` is how often a user may change one. Under ``requests="ask"`` a first message
    has to be accepted, and ``request_messages`` may be written until it is (REQ-1). ``gates`` are
    the ways in for who wants to start a conversation, all of them open where there are none
    (GATE-1).

    ``evidence`` says whether a reporter may show messages: ``"never"``, or ``"reporter_selected"``
    for copies of exactly those that they choose, which moderators may look at for as long as
    ``evidence_kept`` (MOD-1, MOD-2). ``reports`` is how many reports a user may make.

    ``messages_kept`` is how long a message is there for anybody, and ``journal_kept`` how long what
    journals tell is kept; both ``None`` for ever (GDPR-2). ``key_claims`` is how often a user may
    take keys of others, to seal a message with. ``sealing`` says whether conversations are sealed
    end to end: never, where one of the two begins to, or as soon as both have a device (CRYPT-2).
    Raises ``InvalidSetting``.
    """

    messages: RateLimit | None = RateLimit(20, timedelta(seconds=60))
    starts: RateLimit | None = RateLimit(5, timedelta(hours=24))
    body: BodyRules = attrs.field(factory=BodyRules)
    blocked: Literal["refuse", "absorb"] = "refuse"
    edit_window: timedelta | None = timedelta(minutes=15)
    edits: RateLimit | None = RateLimit(20, timedelta(seconds=60))
    requests: Literal["open", "ask"] = "open"
    request_messages: int = 1
    gates: tuple[Gate, ...] = attrs.field(default=(), converter=_to_gates)
    evidence: Literal["never", "reporter_selected"] = "never"
    evidence_kept: timedelta = timedelta(days=30)
    reports: RateLimit | None = RateLimit(20, timedelta(hours=24))
    messages_kept: timedelta | None = None
    journal_kept: timedelta | None = None
    key_claims: RateLimit | None = RateLimit(60, timedelta(seconds=60))
    sealing: Literal["never", "offered", "by_default"] = "never"

    def __attrs_post_init__(self) -> None:
        for name in ("messages", "starts", "edits", "reports", "key_claims"):
            limit = getattr(self, name)
            if limit is not None and not isinstance(limit, RateLimit):
                raise InvalidSetting(name, "must be a RateLimit, or None for no limit")
        for name in _SPANS:
            span = getattr(self, name)
            if not (is_span(span) or (span is None and name in _SPANS_OR_NONE)):
                ending = ", or None" if name in _SPANS_OR_NONE else ""
                raise InvalidSetting(name, f"must be a timedelta of 0 to {LONGEST}{ending}")
        if not isinstance(self.body, BodyRules):
            raise InvalidSetting("body", "must be BodyRules")
        if self.blocked not in ("refuse", "absorb"):
            raise InvalidSetting("blocked", "must be 'refuse' or 'absorb'")
        if self.requests not in ("open", "ask"):
            raise InvalidSetting("requests", "must be 'open' or 'ask'")
        if not is_whole_number(self.request_messages, least=1, most=_MOST_REQUEST_MESSAGES):
            raise InvalidSetting(
                "request_messages", f"must be a whole number in 1..{_MOST_REQUEST_MESSAGES}"
            )
        if self.sealing not in ("never", "offered", "by_default"):
            raise InvalidSetting("sealing", "must be 'never', 'offered' or 'by_default'")
        if self.evidence not in ("never", "reporter_selected"):
            raise InvalidSetting("evidence", "must be 'never' or 'reporter_selected'")
        for name in ("messages_kept", "journal_kept"):
            if getattr(self, name) == timedelta(0):
                raise InvalidSetting(name, "must be above zero, or None for ever")
