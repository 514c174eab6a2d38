"""Changing a message, taking it back, hiding it: what it leaves behind, and what it may not."""

from datetime import timedelta
from typing import Any

import attrs
import pytest
from tests.unit.domain.situation import ANN, BOB, BODY, FIRST, KEY, NOW_US, Situation

from dmcore.domain.account import Account
from dmcore.domain.body import Body
from dmcore.domain.changing import deleted, edited, hidden
from dmcore.domain.contact import Written
from dmcore.domain.conversation import Request, Side
from dmcore.domain.events import Action
from dmcore.domain.limits import RateLimit, Window
from dmcore.domain.message import Edit, Message, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.policy import Policy
from dmcore.domain.sending import Refused
from dmcore.errors import (
    AccessDenied,
    DmcoreError,
    LimitReached,
    MessagingUnavailable,
    RecipientUnavailable,
    TooLateToEdit,
    YouBlockedThem,
)

NEW = Body("hello again")
ABSORBING = Policy(blocked="absorb")
SECOND_US = 1_000_000


def first(situation: Situation | None = None) -> Posting:
    """Ann's message of a second ago, with a key."""
    earlier = (situation or Situation()).sent_before().earlier
    assert earlier is not None
    return earlier


def theirs() -> Posting:
    """The same, by Bob."""
    return attrs.evolve(first(), message=attrs.evolve(first().message, sender=BOB))


def unread(**but: Any) -> Situation:
    """Bob has not read it."""
    both = Side(exists=True, newest=FIRST)
    return Situation(**but).with_conversation(
        actor_side=both, partner_side=attrs.evolve(both, heard=FIRST, unread=1)
    )


def edit(
    situation: Situation, posting: Posting | None = None, *, body: Body = NEW, now_us: int = NOW_US
) -> Written | Message | Refused:
    return edited(
        situation.contact(), situation.policy, posting or first(), body=body, now_us=now_us
    )


def written(decided: Written | Message | Refused | None) -> Written:
    assert isinstance(decided, Written)
    return decided


def told(decided: Written) -> dict[str, Action]:
    return {entry.owner.id: entry.fact.action for entry in decided.outcome.entries}


# How often ---------------------------------------------------------------------------------------

TWICE = Policy(edits=RateLimit(2, timedelta(seconds=60)))
BUSY = Window(
    instants=(NOW_US - 9 * SECOND_US, NOW_US - SECOND_US),
    time_us=NOW_US - SECOND_US,
    reading_us=NOW_US - SECOND_US,
)


def change(
    policy: Policy, window: Window, *, body: Body = NEW, now_us: int = NOW_US
) -> Written | Message | Refused:
    """Ann changes her message, having changed some before."""
    contact = unread(policy=policy).contact()
    actor = attrs.evolve(contact.actor, edits=window)
    return edited(attrs.evolve(contact, actor=actor), policy, first(), body=body, now_us=now_us)


@pytest.mark.promise("MSG-5")
def test_a_change_counts_and_one_too_many_is_refused_and_costs_nothing() -> None:
    assert written(change(TWICE, Window())).outcome.accounts[0].edits.instants == (NOW_US,)
    with pytest.raises(LimitReached) as caught:
        change(TWICE, BUSY)
    assert (caught.value.limit, caught.value.retry_after) == ("edits", timedelta(seconds=51))
    free_us = NOW_US + 51 * SECOND_US
    with pytest.raises(LimitReached):
        change(TWICE, BUSY, now_us=free_us - 1)
    assert written(change(TWICE, BUSY, now_us=free_us)).outcome.accounts[0].edits.instants == (
        NOW_US - SECOND_US,
        free_us,
    )


@pytest.mark.promise("MSG-5")
def test_the_same_text_is_no_change_and_no_limit_is_no_window() -> None:
    assert change(TWICE, BUSY, body=BODY) == first().message
    unlimited = attrs.evolve(TWICE, edits=None)
    assert written(change(unlimited, BUSY)).outcome.accounts[0].edits == BUSY


@pytest.mark.promise("MSG-5", "LIMIT-2")
def test_who_meets_a_clock_that_went_back_writes_down_what_it_shows() -> None:
    """So that the wait announced is the wait endured, as with every limit."""
    refused = change(TWICE, BUSY, now_us=NOW_US - 5 * SECOND_US)
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, LimitReached)
    assert refused.account.edits.reading_us == NOW_US - 5 * SECOND_US
    assert refused.account.sends == Window()


@pytest.mark.promise("BLOCK-2")
def test_what_stays_with_its_sender_counts_like_anything_else() -> None:
    policy = attrs.evolve(TWICE, blocked="absorb")
    contact = unread(policy=policy, bob_blocks=True).contact()
    decided = written(edited(contact, policy, first(), body=NEW, now_us=NOW_US))
    assert decided.posting.own_edit is not None
    assert decided.outcome.accounts[0].edits.instants == (NOW_US,)


# Editing ----------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-5")
def test_an_edit_changes_the_text_and_says_when_and_nothing_else() -> None:
    situation = unread()
    decided = written(edit(situation))
    before = first()
    assert decided.posting.message == attrs.evolve(before.message, body=NEW, edited_at_us=NOW_US)
    assert (decided.posting.key, decided.posting.own_edit) == (KEY, None)
    assert decided.posting.came_with(BODY)
    assert not decided.posting.came_with(NEW)
    assert decided.outcome.conversation == situation.contact().conversation
    assert told(decided) == {ANN: Action.MESSAGE_EDITED, BOB: Action.MESSAGE_EDITED}
    assert {entry.fact.message for entry in decided.outcome.entries} == {FIRST}


@pytest.mark.promise("MSG-5", "AUD-1")
def test_the_same_text_is_no_change() -> None:
    assert edit(unread(), body=BODY) == first().message


@pytest.mark.promise("MSG-5")
@pytest.mark.parametrize(
    ("window", "late_us"),
    [(timedelta(minutes=15), 15 * 60 * SECOND_US), (timedelta(microseconds=1), 1)],
)
def test_the_last_instant_of_the_window_belongs_to_it(window: timedelta, late_us: int) -> None:
    situation = unread().but(policy=Policy(edit_window=window))
    last_us = first().message.sent_at_us + late_us
    written(edit(situation, now_us=last_us))
    with pytest.raises(TooLateToEdit):
        edit(situation, now_us=last_us + 1)


@pytest.mark.promise("MSG-5")
def test_a_window_of_zero_is_never_and_none_is_always() -> None:
    sent_us = first().message.sent_at_us
    for now_us in (sent_us - 1, sent_us, sent_us + 1):
        with pytest.raises(TooLateToEdit):
            edit(unread().but(policy=Policy(edit_window=timedelta(0))), now_us=now_us)
    written(edit(unread().but(policy=Policy(edit_window=None)), now_us=sent_us * 2))


# Each line breaks one rule; from the first to the last in the order in which they are asked.
REFUSED: list[tuple[type[DmcoreError], dict[str, object]]] = [
    (MessagingUnavailable, {"mode": Mode.READ_ONLY}),
    (YouBlockedThem, {"ann_blocks": True}),
    (RecipientUnavailable, {"bob_blocks": True}),
    (TooLateToEdit, {"policy": Policy(edit_window=timedelta(0))}),
]


@pytest.mark.promise("MSG-5", "OPS-1", "BLOCK-1", "BLOCK-2")
@pytest.mark.parametrize("number", range(len(REFUSED)), ids=[it.__name__ for it, _ in REFUSED])
def test_the_first_broken_rule_of_an_edit_is_the_one_named(number: int) -> None:
    situation = unread()
    for _, broken in REFUSED[number:]:
        situation = situation.but(**broken)
    with pytest.raises(DmcoreError) as caught:
        edit(situation)
    assert type(caught.value) is REFUSED[number][0]
    with pytest.raises(AccessDenied):
        edit(situation, theirs())


@pytest.mark.promise("MSG-5")
def test_what_was_taken_back_is_not_changed_any_more() -> None:
    gone = attrs.evolve(first(), message=attrs.evolve(first().message, body=None))
    with pytest.raises(TooLateToEdit):
        edit(unread().but(policy=Policy(edit_window=None)), gone)


@pytest.mark.promise("BLOCK-2")
def test_an_absorbed_edit_is_the_senders_alone_and_looks_like_any_other() -> None:
    situation = unread(policy=ABSORBING)
    absorbed = written(edit(unread(policy=ABSORBING, bob_blocks=True)))
    assert absorbed.posting.seen_by(BOB) == first().message
    assert absorbed.posting.own_edit == Edit(body=NEW, at_us=NOW_US)
    assert told(absorbed) == {ANN: Action.MESSAGE_EDITED}
    plain = written(edit(situation))
    assert absorbed.posting.seen_by(ANN) == plain.posting.seen_by(ANN)
    assert absorbed.outcome.entries[0] == plain.outcome.entries[0]


@pytest.mark.promise("BLOCK-2")
def test_the_next_edit_after_the_unblock_reaches_the_partner() -> None:
    situation = unread(policy=ABSORBING)
    absorbed = written(edit(unread(policy=ABSORBING, bob_blocks=True))).posting
    again = written(edit(situation, absorbed, body=Body("third"))).posting
    assert again.seen_by(BOB) == again.seen_by(ANN)
    assert again.message.body == Body("third")
    assert edit(situation, absorbed) == absorbed.seen_by(ANN)


@pytest.mark.promise("MSG-3")
def test_a_first_text_stays_known_through_every_change() -> None:
    posting = first()
    for text in ("two", "three"):
        posting = written(edit(unread(), posting, body=Body(text))).posting
    gone = written(deleted(unread().contact(), posting, now_us=NOW_US)).posting
    assert gone.came_with(BODY)
    assert not gone.came_with(Body("two"))


# Taking back ------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-5", "READ-3")
def test_what_is_taken_back_leaves_its_place_and_no_text() -> None:
    situation = unread()
    absorbed = attrs.evolve(
        first(),
        message=attrs.evolve(first().message, edited_at_us=NOW_US),
        own_edit=Edit(body=NEW, at_us=NOW_US),
    )
    for posting in (first(), absorbed):
        decided = written(deleted(situation.contact(), posting, now_us=NOW_US))
        assert decided.posting.message == attrs.evolve(first().message, body=None)
        assert decided.posting.own_edit is None
        assert decided.outcome.conversation is not None
        assert decided.outcome.conversation.high == Side(exists=True, newest=FIRST, heard=FIRST)
        assert [account.unread for account in decided.outcome.accounts] == [0, 1]
        assert told(decided) == {ANN: Action.MESSAGE_DELETED, BOB: Action.MESSAGE_DELETED}


@pytest.mark.promise("MSG-5", "READ-3")
def test_what_was_read_is_not_counted_off_again() -> None:
    read = Side(exists=True, newest=FIRST, read=FIRST)
    situation = Situation().with_conversation(actor_side=read, partner_side=read)
    decided = written(deleted(situation.contact(), first(), now_us=NOW_US))
    assert decided.outcome.conversation == situation.conversation


@pytest.mark.promise("MSG-5")
def test_once_taken_back_is_enough_and_only_ones_own() -> None:
    contact = unread().contact()
    gone = written(deleted(contact, first(), now_us=NOW_US)).posting
    assert deleted(contact, gone, now_us=NOW_US) is None
    with pytest.raises(AccessDenied):
        deleted(contact, theirs(), now_us=NOW_US)


@pytest.mark.promise("MSG-5", "BLOCK-1", "BLOCK-2", "REQ-1")
@pytest.mark.parametrize(
    ("posting", "partner_side"),
    [
        (attrs.evolve(first(), sender_only=True), Side(exists=True, newest=FIRST)),
        (attrs.evolve(first(), hidden_by_recipient=True), Side(exists=True)),
        (first(), Side(exists=True, cleared=FIRST)),
    ],
    ids=["absorbed", "hidden", "cleared"],
)
def test_the_partner_is_told_of_nothing_that_they_do_not_see(
    posting: Posting, partner_side: Side
) -> None:
    situation = Situation().with_conversation(
        actor_side=Side(exists=True, newest=FIRST), partner_side=partner_side
    )
    for decided in (edit(situation, posting), deleted(situation.contact(), posting, now_us=NOW_US)):
        assert list(told(written(decided))) == [ANN]
        assert written(decided).outcome.conversation == situation.conversation


@pytest.mark.promise("MSG-5", "BLOCK-1")
@pytest.mark.parametrize("who", ["ann_blocks", "bob_blocks"])
@pytest.mark.parametrize("mode", [Mode.READ_ONLY, Mode.ON])
def test_taking_back_needs_nobody(who: str, mode: Mode) -> None:
    situation = unread(mode=mode, **{who: True})
    decided = written(deleted(situation.contact(), first(), now_us=NOW_US))
    assert decided.posting.message.is_deleted
    assert set(told(decided)) == ({ANN} if who == "bob_blocks" else {ANN, BOB})


# Hiding -----------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-5", "READ-3")
@pytest.mark.parametrize("request_", [None, Request.PENDING])
def test_hiding_is_for_oneself_alone(request_: Request | None) -> None:
    before = Side(exists=True, newest=FIRST, heard=FIRST, unread=1, request=request_)
    situation = Situation(unread=5).with_conversation(
        actor_side=before, partner_side=Side(exists=True, newest=FIRST)
    )
    contact = situation.contact()
    decided = hidden(contact, theirs(), newest_left=None, now_us=NOW_US)
    assert decided.posting == attrs.evolve(theirs(), hidden_by_recipient=True)
    after = decided.outcome.conversation
    assert after is not None
    assert after.low == attrs.evolve(before, newest=None, unread=0)
    assert after.high == contact.partner_side
    # A request was never counted.
    (account,) = decided.outcome.accounts
    assert account.unread == (4 if request_ is None else 5)
    assert told(decided) == {ANN: Action.MESSAGE_HIDDEN}


@pytest.mark.promise("MSG-5")
def test_hiding_ones_own_message_counts_nothing_off() -> None:
    contact = unread().contact()
    decided = hidden(contact, first(), newest_left=FIRST, now_us=NOW_US)
    assert decided.posting == attrs.evolve(first(), hidden_by_sender=True)
    assert decided.outcome.conversation == contact.conversation
    noted: Account = contact.actor.noted(decided.outcome.entries[0].fact)[0]
    assert decided.outcome.accounts == (noted,)
