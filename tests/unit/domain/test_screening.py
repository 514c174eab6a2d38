"""The chain of screeners: what each is told, what comes of it, and of one that breaks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.situation import ANN, BOB, BODY, FIRST, NOW_US, TENANT, Situation

from dmcore.domain.body import Body
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import User
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
    count_recent,
    submission_of,
)
from dmcore.errors import InvalidSetting
from dmcore.ports.screening import Screener, checked_screeners, screened

SUBMISSION = Submission(
    text=Body("a secret"),
    sender=User(TENANT, ANN),
    recipient=BOB,
    at_us=NOW_US,
    is_first_contact=True,
)


@attrs.frozen
class Says:
    """A screener that always does the same."""

    act: Callable[[], Any]
    reasons: Any = ("rude", "link")

    def screen(self, submission: Submission) -> Verdict:
        assert submission is SUBMISSION
        verdict: Verdict = self.act()
        return verdict


def says(verdict: Any) -> Says:
    return Says(lambda: verdict)


class QuotingError(Exception):
    """As a host's own code may raise one."""


def quote() -> None:
    raise QuotingError(SUBMISSION.text.text)


def asked_twice() -> None:
    raise AssertionError("nobody is asked after a refusal")


def chain_says(*screeners: Screener, when_broken: Any = "refuse") -> Screening:
    return screened(checked_screeners(screeners), SUBMISSION, when_broken=when_broken)


# The chain --------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-5")
def test_without_anything_against_it_a_text_passes() -> None:
    assert chain_says() == chain_says(says(Pass()), says(Pass())) == Screening()


@pytest.mark.promise("MOD-5")
def test_flags_are_collected_in_order_and_each_once() -> None:
    chain = [says(it) for it in (Flag("link"), Pass(), Flag("rude"), Flag("link"))]
    assert chain_says(*chain) == Screening(flags=("link", "rude"))


@pytest.mark.promise("MOD-5")
def test_the_first_refusal_ends_it() -> None:
    chain = (says(Flag("link")), says(Refuse("rude")), Says(asked_twice))
    assert chain_says(*chain) == Screening(refusal="rude")


# One that breaks --------------------------------------------------------------------------------


@pytest.mark.promise("MOD-5")
def test_a_screener_that_breaks_refuses_or_flags_as_the_host_chose() -> None:
    broken = Says(quote)
    failures = (Failure("Says", "QuotingError"),)
    refused = Screening(refusal=SCREENER_FAILED, failures=failures)
    assert chain_says(broken, Says(asked_twice)) == refused
    flagged = Screening(flags=(SCREENER_FAILED, "link"), failures=failures)
    assert chain_says(broken, says(Flag("link")), when_broken="flag") == flagged
    later = Screening(refusal="rude", failures=failures)
    assert chain_says(broken, says(Refuse("rude")), when_broken="flag") == later


@pytest.mark.promise("MOD-5", "LEAK-1")
@pytest.mark.parametrize(
    "verdict", [None, True, "rude", Flag, Flag("a_secret"), Refuse(SCREENER_FAILED)], ids=repr
)
def test_what_is_no_verdict_with_a_declared_reason_is_broken(verdict: Any) -> None:
    failures = (Failure("Says", "InvalidVerdict"),)
    said = chain_says(says(verdict))
    assert said == Screening(refusal=SCREENER_FAILED, failures=failures)


@pytest.mark.promise("LEAK-1", "MOD-5")
def test_nothing_that_a_broken_screener_says_is_kept() -> None:
    said = chain_says(Says(quote), when_broken="flag")
    assert said.failures
    assert "secret" not in f"{said!r} {SUBMISSION!r}"


@pytest.mark.promise("MOD-5")
def test_who_interrupts_the_process_is_heard() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chain_says(Says(interrupt), when_broken="flag")


# Reasons ----------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("reason", ["a", "first_contact_link", "x9", "a" * 40])
def test_a_reason_is_a_short_slug(reason: str) -> None:
    assert checked_reason(reason) == reason
    assert Flag(reason).reason == Refuse(reason).reason == reason


@pytest.mark.promise("LEAK-1", "MOD-5")
@pytest.mark.parametrize("verdict", [Flag, Refuse])
@pytest.mark.parametrize(
    "reason", ["", "a secret", "Secret", "9", "_", "s\u00e9cret", "a\n", "a" * 41, None, 7, ["a"]]
)
def test_anything_else_is_no_reason_and_is_not_shown(verdict: Any, reason: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        verdict(reason)
    assert caught.value.details["setting"] == "screening.reason"
    assert "ecret" not in repr(caught.value)


@pytest.mark.promise("MOD-5")
def test_a_chain_is_checked_before_it_sees_a_text() -> None:
    chain = [says(Pass()), says(Flag("link"))]
    checked = checked_screeners(chain)
    assert [it.screener for it in checked] == chain
    assert [it.reasons for it in checked] == [frozenset(it.reasons) for it in chain]
    assert checked_screeners([]) == ()


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize(
    "reasons", [(), None, "rude", 7, ("Rude!",), ("rude", SCREENER_FAILED), (7,)], ids=repr
)
def test_a_screener_declares_its_reasons(reasons: Any) -> None:
    with pytest.raises(InvalidSetting):
        checked_screeners([Says(asked_twice, reasons)])


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize(
    "other",
    [None, "words", 7, asked_twice],
    ids=["nothing", "text", "a number", "a function"],
)
def test_what_cannot_screen_is_no_screener(other: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        checked_screeners([other])
    assert caught.value.details["setting"] == "screeners"


# What a screener is told ------------------------------------------------------------------------


def conversation_with(situation: Situation, **own: Any) -> Conversation:
    contact = situation.contact()
    side = Side(exists=True, **own)
    partner = Side(exists=True, said=FIRST)
    return Conversation(
        id=contact.conversation_id,
        pair=contact.pair,
        newest=FIRST,
        oldest=FIRST,
        low=side,
        high=partner,
    )


@pytest.mark.promise("MOD-5")
def test_a_screener_is_told_who_writes_to_whom_and_when_they_wrote_before() -> None:
    contact = Situation(sends=(NOW_US - 2, NOW_US - 1)).contact()
    told = submission_of(contact, BODY, now_us=NOW_US)
    assert told == Submission(
        text=BODY,
        sender=User(TENANT, ANN),
        recipient=BOB,
        at_us=NOW_US,
        is_first_contact=True,
        recent_sends_us=(NOW_US - 2, NOW_US - 1),
    )


@pytest.mark.promise("MOD-5", "BLOCK-2")
def test_first_contact_ends_with_what_reached_the_sender_and_not_with_what_was_written() -> None:
    """What the partner wrote to somebody who blocked them stays unknown."""
    situation = Situation()
    for heard, is_first in ((FIRST, False), (None, True)):
        contact = situation.but(conversation=conversation_with(situation, heard=heard)).contact()
        told = submission_of(contact, BODY, now_us=NOW_US)
        assert told.is_first_contact is is_first


@pytest.mark.promise("MOD-5")
@given(
    instants=st.lists(st.integers(0, 40), max_size=10),
    at_us=st.integers(0, 40),
    within_us=st.integers(1, 20),
)
def test_recent_is_what_is_nearer_than_that(
    instants: list[int], at_us: int, within_us: int
) -> None:
    nearer = [it for it in instants if at_us - within_us < it < at_us + within_us]
    within = timedelta(microseconds=within_us)
    assert count_recent(instants, at_us=at_us, within=within) == len(nearer)
