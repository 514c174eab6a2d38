"""The decision to accept a message: every rule, and the order in which they are asked.

Read as: given a situation, when Ann writes to Bob, then this happens.
"""

import gc
import weakref
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.situation import (
    ANN,
    BOB,
    BODY,
    FIRST,
    ID,
    KEY,
    NOW_US,
    PAIR,
    TENANT,
    Situation,
    gate,
    gated,
    profile,
    window_of,
)

from dmcore.domain.account import Account
from dmcore.domain.contact import Outcome, Written
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.gates import Introduction, Profile
from dmcore.domain.ids import MessageId, User, next_message_id
from dmcore.domain.message import Message, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.policy import Policy
from dmcore.domain.sending import Draft, Refused, decide
from dmcore.errors import (
    DmcoreError,
    KeyConflict,
    LimitReached,
    MessagingUnavailable,
    NotAcceptedYet,
    RecipientUnavailable,
    StartRefused,
    UnknownUser,
    UpgradeRequired,
    YouBlockedThem,
)

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US
FULL = tuple(range(NOW_US - 20, NOW_US))
FIVE = tuple(range(NOW_US - 5, NOW_US))
ABSORBING = Policy(blocked="absorb")


def sent(situation: Situation, **how: int) -> Written:
    decided = situation.when_ann_writes(**how)  # type: ignore[arg-type]
    assert isinstance(decided, Written)
    return decided


def conversation_after(decided: Written) -> Conversation:
    assert decided.outcome.conversation is not None
    return decided.outcome.conversation


def refusal(situation: Situation) -> DmcoreError:
    with pytest.raises(DmcoreError) as caught:
        situation.when_ann_writes()
    return caught.value


def limit_reached(situation: Situation) -> LimitReached:
    error = refusal(situation)
    assert isinstance(error, LimitReached)
    return error


# The order of the rules -------------------------------------------------------------------------

GATED = gated(gate("pro", needs_subscription=True))
GONE = Profile(is_active=False)
PRO, SUBSCRIBED = profile("pro"), profile("pro", is_subscribed=True)
ASKED = Policy(requests="ask")

# Each line breaks one rule; from the first to the last in the order in which they are asked.
BROKEN: dict[type[DmcoreError], dict[str, Any]] = {
    KeyConflict: {"earlier": Situation().sent_before("another text").earlier},
    MessagingUnavailable: {"mode": Mode.OFF},
    YouBlockedThem: {"ann_blocks": True},
    UnknownUser: {"introduction": Introduction(sender=Profile(), recipient=None)},
    StartRefused: {"introduction": Introduction(sender=Profile(), recipient=GONE)},
    UpgradeRequired: {"introduction": Introduction(sender=PRO, recipient=GONE)},
    RecipientUnavailable: {
        "introduction": Introduction(sender=SUBSCRIBED, recipient=GONE),
        "bob_blocks": True,
    },
    NotAcceptedYet: Situation()
    .with_conversation(actor_side=Side(exists=True, newest=FIRST, asked=1))
    .differences(),
    LimitReached: {
        "introduction": Introduction(sender=SUBSCRIBED, recipient=Profile()),
        "sends": FULL,
        "starts": FIVE,
    },
}
OF_STARTS = [rule for rule in BROKEN if rule is not NotAcceptedYet]
OF_REPLIES = [rule for rule in BROKEN if rule not in (UnknownUser, StartRefused, UpgradeRequired)]


def broken(rules: list[type[DmcoreError]], *, policy: Policy) -> Situation:
    """Where all of these are broken at once."""
    situation = Situation(policy=policy)
    for rule in reversed(rules):
        situation = situation.but(**BROKEN[rule])
    return situation


@pytest.mark.promise("MSG-3", "OPS-1", "BLOCK-1", "BLOCK-2", "GATE-1", "LIMIT-1")
@pytest.mark.parametrize("first", range(len(OF_STARTS)), ids=[it.__name__ for it in OF_STARTS])
def test_the_first_broken_rule_is_the_one_named(first: int) -> None:
    """Whatever else is broken behind it; so a refusal tells no more than it must."""
    situation = broken(OF_STARTS[first:], policy=GATED)
    assert type(refusal(situation)) is OF_STARTS[first]


@pytest.mark.promise("MSG-3", "OPS-1", "BLOCK-1", "BLOCK-2", "REQ-1", "LIMIT-1")
@pytest.mark.parametrize("first", range(len(OF_REPLIES)), ids=[it.__name__ for it in OF_REPLIES])
def test_the_first_broken_rule_of_a_reply_is_the_one_named(first: int) -> None:
    situation = broken(OF_REPLIES[first:], policy=ASKED)
    if first > OF_REPLIES.index(NotAcceptedYet):
        situation = situation.talking()
    assert type(refusal(situation)) is OF_REPLIES[first]


@pytest.mark.promise("MSG-3")
def test_a_retry_comes_before_every_other_rule() -> None:
    """The first acknowledgement is returned though the switch, blocks and limits say no."""
    for rules, policy in ((OF_STARTS, GATED), (OF_REPLIES, ASKED)):
        retried = broken(rules[1:], policy=policy).sent_before()
        assert retried.earlier is not None
        assert retried.when_ann_writes() == retried.earlier.message


@pytest.mark.promise("MSG-3")
def test_the_same_key_with_another_text_is_a_conflict() -> None:
    assert isinstance(refusal(Situation().talking().sent_before("another text")), KeyConflict)


@pytest.mark.promise("BLOCK-2")
def test_an_absorbed_message_can_be_retried_like_any_other() -> None:
    situation = Situation(policy=ABSORBING, bob_blocks=True).sent_before()
    assert situation.earlier is not None
    situation = situation.but(earlier=attrs.evolve(situation.earlier, sender_only=True))
    assert isinstance(situation.when_ann_writes(), Message)


# The switch -------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
@pytest.mark.parametrize("mode", Mode)
def test_replies_are_allowed_in_two_modes_and_starts_in_one(mode: Mode) -> None:
    reply, start = Situation(mode=mode).talking(), Situation(mode=mode)
    if mode in (Mode.REPLIES_ONLY, Mode.ON):
        sent(reply)
    else:
        assert isinstance(refusal(reply), MessagingUnavailable)
    if mode is Mode.ON:
        sent(start)
    else:
        assert isinstance(refusal(start), MessagingUnavailable)


@pytest.mark.promise("OPS-1", "BLOCK-2")
def test_a_conversation_that_only_bob_has_counts_as_a_start() -> None:
    situation = Situation(mode=Mode.REPLIES_ONLY).with_conversation(
        partner_side=Side(exists=True, newest=FIRST)
    )
    assert isinstance(refusal(situation), MessagingUnavailable)


# Blocks -----------------------------------------------------------------------------------------


@pytest.mark.promise("BLOCK-1")
def test_whoever_blocks_cannot_write_to_the_blocked() -> None:
    assert isinstance(refusal(Situation(ann_blocks=True).talking()), YouBlockedThem)
    assert isinstance(refusal(Situation(ann_blocks=True)), YouBlockedThem)


@pytest.mark.promise("BLOCK-1")
def test_whoever_blocks_learns_nothing_of_a_block_of_the_other_side() -> None:
    both = Situation(ann_blocks=True, bob_blocks=True)
    assert isinstance(refusal(both), YouBlockedThem)
    assert isinstance(refusal(both.but(policy=ABSORBING)), YouBlockedThem)


@pytest.mark.promise("BLOCK-2")
def test_the_blocked_get_the_uniform_answer() -> None:
    for situation in (Situation(bob_blocks=True), Situation(bob_blocks=True).talking()):
        error = refusal(situation)
        assert isinstance(error, RecipientUnavailable)
        assert error.details == {}


@pytest.mark.promise("BLOCK-2")
@pytest.mark.parametrize("is_talking", [True, False], ids=["reply", "start"])
def test_an_absorbed_message_is_the_senders_alone(is_talking: bool) -> None:
    situation = Situation(policy=ABSORBING, bob_blocks=True)
    situation = situation.talking() if is_talking else situation
    before = situation.contact()
    decided = sent(situation)
    assert decided.posting.sender_only
    assert [account.user.id for account in decided.outcome.accounts] == [ANN]
    assert [entry.owner.id for entry in decided.outcome.entries] == [ANN]
    theirs = before.conversation.high if before.conversation else Side(blocks=True)
    assert conversation_after(decided).high == theirs


@pytest.mark.promise("BLOCK-2")
@pytest.mark.parametrize("is_talking", [True, False], ids=["reply", "start"])
def test_what_ann_sees_of_an_absorbed_message_is_what_she_always_sees(is_talking: bool) -> None:
    """Her message, her account, her journal and her side of the conversation are equal."""

    def seen(situation: Situation) -> tuple[object, ...]:
        decided = sent(situation.talking() if is_talking else situation)
        return (
            decided.posting.message,
            decided.outcome.accounts[0],
            decided.outcome.entries[0],
            conversation_after(decided).low,
        )

    absorbed = Situation(policy=ABSORBING, bob_blocks=True)
    assert seen(absorbed) == seen(Situation(policy=ABSORBING))


@pytest.mark.promise("BLOCK-2", "LIMIT-1")
def test_absorbed_messages_count_towards_the_limits() -> None:
    situation = Situation(policy=ABSORBING, bob_blocks=True)
    assert sent(situation).outcome.accounts[0].sends.instants == (NOW_US,)
    assert sent(situation).outcome.accounts[0].starts.instants == (NOW_US,)
    assert limit_reached(situation.but(starts=FIVE)).limit == "starts"


# Limits -----------------------------------------------------------------------------------------


@pytest.mark.promise("LIMIT-1")
def test_the_twenty_first_message_in_a_minute_is_refused() -> None:
    situation = Situation(sends=FULL).talking()
    error = limit_reached(situation)
    assert error.limit == "messages"
    assert error.retry_after == timedelta(microseconds=MINUTE_US - 20)
    assert error.details == {"limit": "messages", "retry_after_s": 59.99998}
    sent(situation, now_us=NOW_US - 20 + MINUTE_US)
    sent(situation.but(sends=FULL[1:]))


@pytest.mark.promise("LIMIT-1")
def test_the_sixth_start_in_a_day_is_refused() -> None:
    situation = Situation(starts=FIVE)
    error = limit_reached(situation)
    assert error.limit == "starts"
    assert error.retry_after == timedelta(microseconds=DAY_US - 5)
    sent(situation, now_us=NOW_US - 5 + DAY_US)
    sent(situation.but(starts=FIVE[1:]))


def test_what_was_refused_is_gone_with_the_refusal() -> None:
    """The frames behind an error hold the text: no longer than somebody holds the error."""
    gc.disable()
    try:
        Situation(starts=FIVE).when_ann_writes()
    except LimitReached as error:
        left = weakref.ref(error)
    finally:
        gc.enable()
    assert left() is None


@pytest.mark.promise("LIMIT-1")
def test_replies_are_no_starts() -> None:
    decided = sent(Situation(starts=FIVE).talking())
    assert decided.outcome.accounts[0].starts.instants == FIVE
    assert decided.outcome.accounts[0].sends.instants == (NOW_US,)


@pytest.mark.promise("LIMIT-1")
def test_a_start_into_a_conversation_that_only_bob_has_is_a_start() -> None:
    """Otherwise Ann could tell that he has one."""
    situation = Situation(starts=FIVE).with_conversation(
        partner_side=Side(exists=True, newest=FIRST)
    )
    assert limit_reached(situation).limit == "starts"


@pytest.mark.promise("LIMIT-1")
def test_where_both_limits_refuse_the_start_limit_is_named_with_the_longer_wait() -> None:
    error = limit_reached(Situation(sends=FULL, starts=FIVE))
    assert error.limit == "starts"
    assert error.retry_after == timedelta(microseconds=DAY_US - 5)
    old = tuple(instant - DAY_US + 6 for instant in FIVE)
    error = limit_reached(Situation(sends=FULL, starts=old))
    assert error.limit == "starts"
    assert error.retry_after == timedelta(microseconds=MINUTE_US - 20)


@pytest.mark.promise("LIMIT-1")
@pytest.mark.parametrize("switched_off", ["messages", "starts"])
def test_a_limit_that_is_switched_off_neither_refuses_nor_counts(switched_off: str) -> None:
    situation = Situation(
        policy=Policy(messages=None) if switched_off == "messages" else Policy(starts=None),
        sends=FULL if switched_off == "messages" else (),
        starts=FIVE if switched_off == "starts" else (),
    )
    account = sent(situation).outcome.accounts[0]
    assert account.sends.instants == (FULL if switched_off == "messages" else (NOW_US,))
    assert account.starts.instants == (FIVE if switched_off == "starts" else (NOW_US,))


@pytest.mark.promise("LIMIT-1")
def test_with_both_limits_off_nothing_is_counted() -> None:
    account = sent(Situation(policy=Policy(messages=None, starts=None))).outcome.accounts[0]
    assert account.sends.instants == account.starts.instants == ()


@pytest.mark.promise("LIMIT-2")
def test_a_refusal_after_a_jump_back_notes_what_the_clock_shows_and_nothing_else() -> None:
    """From the first refusal on, the wait announced is the wait endured."""
    future = tuple(range(NOW_US + 1, NOW_US + 21))
    situation = Situation(sends=future, starts=(NOW_US + 5,)).talking()
    decided = situation.when_ann_writes()
    assert isinstance(decided, Refused)
    assert isinstance(decided.error, LimitReached)
    assert decided.error.retry_after == timedelta(seconds=60)
    before = situation.contact().actor
    assert decided.account == attrs.evolve(before, sends=window_of((NOW_US,) * 20))
    noted = situation.but(sends=(NOW_US,) * 20)
    assert limit_reached(noted).retry_after == timedelta(seconds=60)
    sent(noted, now_us=NOW_US + MINUTE_US)


@pytest.mark.promise("LIMIT-2")
def test_an_accepted_message_after_a_jump_back_counts_what_was_counted_later_as_now() -> None:
    account = sent(Situation(sends=(5, NOW_US + 9), starts=(NOW_US + 9,))).outcome.accounts[0]
    assert account.sends == window_of((5, NOW_US, NOW_US))
    assert account.starts == window_of((NOW_US, NOW_US))


# What is stored ---------------------------------------------------------------------------------


@pytest.mark.promise("PAIR-2", "AUD-1", "FEED-2")
def test_a_first_message_makes_the_conversation_for_both() -> None:
    decided = sent(Situation(unread=3))
    made = next_message_id(NOW_US, 5, None)
    assert decided == Written(
        Posting(
            message=Message(id=made, conversation=ID, sender=ANN, body=BODY, sent_at_us=NOW_US),
            key=KEY,
        ),
        Outcome(
            conversation=Conversation(
                id=ID,
                pair=PAIR,
                newest=made,
                oldest=made,
                low=Side(exists=True, newest=made, said=made),
                high=Side(exists=True, newest=made, heard=made, unread=1),
            ),
            accounts=(
                Account(
                    user=User(TENANT, ANN),
                    position=5,
                    unread=3,
                    sends=window_of((NOW_US,)),
                    starts=window_of((NOW_US,)),
                ),
                Account(user=User(TENANT, BOB), position=10, unread=3),
            ),
            entries=(
                Entry(owner=User(TENANT, ANN), position=5, fact=started(made)),
                Entry(owner=User(TENANT, BOB), position=10, fact=started(made)),
            ),
        ),
    )


def started(message: MessageId) -> Fact:
    return Fact(
        action=Action.CONVERSATION_STARTED,
        actor=ANN,
        other=BOB,
        conversation=ID,
        message=message,
        at_us=NOW_US,
    )


@pytest.mark.promise("MSG-2")
@given(now_us=st.integers(0, 2 * NOW_US), entropy=st.integers(0, (1 << 74) - 1))
def test_a_reply_is_greater_than_the_newest_whatever_the_clock_says(
    now_us: int, entropy: int
) -> None:
    decided = sent(Situation().talking(), now_us=now_us, entropy=entropy)
    assert decided.posting.message.id > FIRST
    assert conversation_after(decided).newest == decided.posting.message.id
    assert decided.posting.message.sent_at_us == now_us


@pytest.mark.promise("FEED-2")
@pytest.mark.parametrize(
    ("ann_has_it", "bob_has_it"),
    [(True, True), (True, False), (False, True), (False, False)],
)
def test_each_side_is_told_what_it_saw_happen(ann_has_it: bool, bob_has_it: bool) -> None:
    """A conversation that only the other one had is new here."""
    situation = Situation().with_conversation(
        actor_side=Side(exists=True, newest=FIRST) if ann_has_it else None,
        partner_side=Side(exists=True, newest=FIRST) if bob_has_it else None,
    )
    told = {entry.owner.id: entry.fact.action for entry in sent(situation).outcome.entries}
    assert told == {
        ANN: Action.MESSAGE_SENT if ann_has_it else Action.CONVERSATION_STARTED,
        BOB: Action.MESSAGE_SENT if bob_has_it else Action.CONVERSATION_STARTED,
    }


@pytest.mark.promise("MSG-3")
def test_a_message_without_a_key_has_none() -> None:
    decided = Situation().when_ann_writes(key=None)
    assert isinstance(decided, Written)
    assert decided.posting.key is None


def test_the_other_order_of_names_changes_nothing_but_the_sides() -> None:
    """Bob, the high one, writes: his side is the high one."""
    contact = Situation().contact()
    turned = attrs.evolve(contact, actor=contact.partner, partner=contact.actor)
    decided = decide(turned, Policy(), Draft(body=BODY), now_us=NOW_US, entropy=5)
    assert isinstance(decided, Written)
    assert decided.posting.message.sender == BOB
    after = conversation_after(decided)
    made = after.newest
    assert after.low == Side(exists=True, newest=made, heard=made, unread=1)
    assert after.high == Side(exists=True, newest=made, said=made)
