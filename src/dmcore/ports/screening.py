"""Screeners: whatever looks at a text before it is sent (MOD-5)."""

from collections.abc import Collection, Sequence
from typing import Literal, Protocol, TypeAlias, TypeVar, get_args

import attrs

from dmcore.domain.screening import (
    SCREENER_FAILED,
    Failure,
    Flag,
    Pass,
    Refuse,
    Screening,
    Submission,
    Verdict,
    checked_reason,
)
from dmcore.errors import InvalidSetting

WhenBroken: TypeAlias = Literal["refuse", "flag"]
"""What becomes of a message when a screener breaks: it is refused, or sent and flagged."""


class Screener(Protocol):
    """Looks at one text and says pass, flag or refuse.

    It is called outside of any transaction, on the thread of whoever sends or, for hosts that
    await, on another one than the event loop's; from many threads at once. It MUST do no I/O and
    MUST answer in a time bounded by the length of the text, whatever the text is. It is not called
    for a retry that finds its message, nor for what is refused without it.

    It MUST NOT keep, log or pass on the text or a piece of it, nor put one into an error. It MAY
    remember keyed digests, in bounded memory, under a key that is not stored. It is called for
    attempts: what it lets through may still be refused by another one, by a limit or by the store.

    An error that it raises is dropped unread, for it may quote the text; so is a verdict with a
    reason it did not declare. What then becomes of the message is the host's choice.
    """

    @property
    def reasons(self) -> Collection[str]:
        """Every reason it can ever give, fixed before it sees a text: short slugs.

        They are shown to senders and moderators and stored in reports.
        """
        ...

    def screen(self, submission: Submission) -> Verdict:
        """The verdict on one attempt to send. It MUST be ``Pass``, ``Flag`` or ``Refuse``."""
        ...


@attrs.frozen
class Declared:
    """A screener, and the reasons that it declared before it saw a text: it has no others."""

    screener: Screener
    reasons: frozenset[str]


class ScreenerChain(Protocol):
    """The screeners of a host in their order, asked as one."""

    def screened(self, submission: Submission) -> Screening:
        """What they say together, as ``screened`` below. It MUST NOT raise."""
        ...


class AsyncScreenerChain(Protocol):
    """The same for hosts that await; the event loop MUST go on meanwhile."""

    async def screened(self, submission: Submission) -> Screening:
        """As ``ScreenerChain.screened``."""
        ...


Chain = TypeVar("Chain", ScreenerChain, AsyncScreenerChain)


def chain_of(screeners: Chain | None) -> Chain:
    """The chain of a handle whose rules say that there is one."""
    if screeners is None:
        raise ValueError("rules that ask screeners were given none")
    return screeners


def checked_when_broken(choice: WhenBroken) -> WhenBroken:
    """What becomes of a message when a screener breaks. Raises ``InvalidSetting``."""
    if choice not in get_args(WhenBroken):
        raise InvalidSetting("when_screener_breaks", "must be 'refuse' or 'flag'")
    return choice


def checked_screeners(screeners: Sequence[Screener]) -> tuple[Declared, ...]:
    """The chain of a host, in its order. Raises ``InvalidSetting``."""
    checked = []
    for screener in screeners:
        if not callable(getattr(screener, "screen", None)):
            raise InvalidSetting("screeners", "must be Screeners")
        declared = getattr(screener, "reasons", None)
        if not isinstance(declared, Collection) or isinstance(declared, str) or not declared:
            raise InvalidSetting("screeners", "must declare the reasons that they can give")
        reasons = frozenset(map(checked_reason, declared))
        if SCREENER_FAILED in reasons:
            raise InvalidSetting("screeners", f"cannot give the reason {SCREENER_FAILED}")
        checked.append(Declared(screener, reasons))
    return tuple(checked)


def screened(
    screeners: Sequence[Declared], submission: Submission, *, when_broken: WhenBroken
) -> Screening:
    """Ask one after the other. The first refusal ends it; flags are collected, each once."""
    flags: dict[str, None] = {}
    failures: list[Failure] = []
    for screener in screeners:
        verdict = _answer_of(screener, submission)
        if isinstance(verdict, Failure):
            failures.append(verdict)
            verdict = Refuse(SCREENER_FAILED) if when_broken == "refuse" else Flag(SCREENER_FAILED)
        if isinstance(verdict, Refuse):
            return Screening(refusal=verdict.reason, failures=tuple(failures))
        if isinstance(verdict, Flag):
            flags[verdict.reason] = None
    return Screening(flags=tuple(flags), failures=tuple(failures))


def _answer_of(declared: Declared, submission: Submission) -> Verdict | Failure:
    """What it says, or that it broke: by an error, or by an answer that is none."""
    name = type(declared.screener).__name__
    try:
        verdict = declared.screener.screen(submission)
        is_sound = _is_verdict(verdict) and (
            isinstance(verdict, Pass) or verdict.reason in declared.reasons
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, it may quote the text
        return Failure(name, type(error).__name__)
    return verdict if is_sound else Failure(name, "InvalidVerdict")


def _is_verdict(value: object) -> bool:
    return isinstance(value, Pass | Flag | Refuse)
