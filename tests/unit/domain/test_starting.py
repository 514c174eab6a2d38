"""Who may begin, and what has to be accepted: gates, preferences and requests at a send."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.situation import (
    ANN,
    BOB,
    FIRST,
    NOW_US,
    Situation,
    gate,
    gated,
    profile,
)

from dmcore.domain.body import Body
from dmcore.domain.contact import Written
from dmcore.domain.conversation import Conversation, Request, Side
from dmcore.domain.events import Action
from dmcore.domain.gates import Introduction, Profile
from dmcore.domain.ids import next_message_id
from dmcore.domain.message import Link, Posting
from dmcore.domain.policy import Policy
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.domain.sending import check_writing
from dmcore.errors import (
    DmcoreError,
    NotAcceptedYet,
    RecipientUnavailable,
    StartRefused,
    UnknownUser,
    UpgradeRequired,
)

ASK = Policy(requests="ask")
ASK_ABSORBING = Policy(requests="ask", blocked="absorb")
SOMEBODY, STAFF, GONE = Profile(), profile(is_staff=True), profile(is_active=False)
HAS_IT = Side(exists=True, newest=FIRST)


def introduced(
    sender: Profile | None = SOMEBODY,
    recipient: Profile | None = SOMEBODY,
    *,
    are_connected: bool = False,
) -> Situation:
    introduction = Introduction(sender=sender, recipient=recipient, are_connected=are_connected)
    return Situation(introduction=introduction)


def refusal(situation: Situation) -> DmcoreError:
    with pytest.raises(DmcoreError) as caught:
        situation.when_ann_writes()
    return caught.value


def sent(situation: Situation, *, target: Posting | None = None) -> Written:
    decided = situation.when_ann_writes(target=target)
    assert isinstance(decided, Written)
    return decided


def after(situation: Situation) -> Conversation:
    conversation = sent(situation).outcome.conversation
    assert conversation is not None
    return conversation


# Gates and the directory ------------------------------------------------------------------------


@pytest.mark.promise("GATE-1", "TEN-1")
@pytest.mark.parametrize(
    ("situation", "error"),
    [
        (introduced(sender=None), UnknownUser),
        (introduced(recipient=None), UnknownUser),
        (introduced(sender=None, recipient=None), UnknownUser),
        (introduced(sender=GONE), StartRefused),
        (introduced(sender=profile(is_active=False, is_staff=True)), StartRefused),
        (introduced(recipient=GONE), RecipientUnavailable),
        (introduced(sender=STAFF, recipient=GONE), RecipientUnavailable),
        (introduced().but(policy=gated(gate("pro"))), StartRefused),
        (introduced().but(policy=gated(gate(needs_subscription=True))), UpgradeRequired),
        (introduced().but(policy=gated(gate(needs_connection=True))), StartRefused),
        (Situation(policy=gated(gate())), StartRefused),
        (
            introduced(sender=GONE).but(policy=gated(gate(needs_subscription=True))),
            StartRefused,
        ),
    ],
)
def test_a_start_that_is_not_let_in_says_why(
    situation: Situation, error: type[DmcoreError]
) -> None:
    assert type(refusal(situation)) is error
    # Who has the conversation replies, whatever the host says.
    sent(situation.talking())


@pytest.mark.promise("GATE-1")
@pytest.mark.parametrize(
    "situation",
    [
        introduced(),
        introduced(sender=profile("pro")).but(policy=gated(gate("pro"))),
        introduced(sender=profile(is_subscribed=True)).but(
            policy=gated(gate(needs_subscription=True))
        ),
        introduced(are_connected=True).but(policy=gated(gate(needs_connection=True))),
        introduced(sender=STAFF).but(policy=gated(gate("pro"))),
    ],
)
def test_a_start_that_is_let_in_is_sent(situation: Situation) -> None:
    sent(situation)


@pytest.mark.promise("PREF-1", "BLOCK-2")
@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("are_connected", [False, True])
@pytest.mark.parametrize("sender", [SOMEBODY, STAFF], ids=["somebody", "staff"])
@pytest.mark.parametrize("open_to", OpenTo)
def test_a_recipient_chooses_who_may_start(
    open_to: OpenTo, sender: Profile, are_connected: bool, is_known: bool
) -> None:
    """Whoever may not gets the answer that the blocked get, and a reply is never touched."""
    situation = introduced(sender, are_connected=are_connected) if is_known else Situation()
    situation = situation.but(bob_prefers=Preferences(open_to=open_to))
    is_let_in = (
        open_to is OpenTo.EVERYONE
        or (is_known and sender.is_staff)
        or (is_known and are_connected and open_to is OpenTo.CONNECTIONS)
    )
    if is_let_in:
        sent(situation)
    else:
        error = refusal(situation)
        blocked = refusal(Situation(bob_blocks=True))
        assert (type(error), str(error), error.details) == (
            type(blocked),
            str(blocked),
            blocked.details,
        )
    sent(situation.talking())


@pytest.mark.promise("PREF-1")
def test_what_one_chooses_for_oneself_does_not_keep_one_from_starting() -> None:
    sent(Situation(ann_prefers=Preferences(open_to=OpenTo.NOBODY)))


@pytest.mark.promise("GATE-2")
@given(
    blocks=st.tuples(st.booleans(), st.booleans()),
    is_talking=st.booleans(),
    policy=st.sampled_from([Policy(), Policy(blocked="absorb"), gated(gate("pro"))]),
    sender=st.sampled_from([None, SOMEBODY, STAFF, GONE, profile("pro")]),
    recipient=st.sampled_from([None, SOMEBODY, GONE]),
    open_to=st.sampled_from(OpenTo),
)
def test_a_question_is_answered_as_an_attempt_would_be(
    *,
    blocks: tuple[bool, bool],
    is_talking: bool,
    policy: Policy,
    sender: Profile | None,
    recipient: Profile | None,
    open_to: OpenTo,
) -> None:
    situation = introduced(sender, recipient).but(
        policy=policy,
        ann_blocks=blocks[0],
        bob_blocks=blocks[1],
        bob_prefers=Preferences(open_to=open_to),
    )
    situation = situation.talking() if is_talking else situation
    asked = attempted = None
    try:
        check_writing(situation.contact(), situation.policy, situation.introduction, NOW_US)
    except DmcoreError as error:
        asked = error.code
    try:
        situation.when_ann_writes()
    except DmcoreError as error:
        attempted = error.code
    assert asked == attempted


# Requests ---------------------------------------------------------------------------------------


@pytest.mark.promise("REQ-1")
def test_a_start_asks_where_the_policy_does() -> None:
    conversation = after(Situation(policy=ASK))
    assert conversation.low.asked == 1
    assert conversation.high.request is Request.PENDING
    assert conversation.high.unread == 1
    accounts = {it.user.id: it.unread for it in sent(Situation(policy=ASK)).outcome.accounts}
    assert accounts == {ANN: 0, BOB: 2}
    plain = after(Situation())
    assert (plain.low.asked, plain.high.request) == (None, None)


@pytest.mark.promise("REQ-1", "GATE-1")
def test_staff_needs_no_consent() -> None:
    conversation = after(introduced(sender=STAFF).but(policy=ASK))
    assert (conversation.low.asked, conversation.high.request) == (None, None)


@pytest.mark.promise("REQ-1")
@pytest.mark.parametrize("request_", Request)
@pytest.mark.parametrize("most", [1, 3])
def test_until_it_is_accepted_so_many_may_be_written(most: int, request_: Request) -> None:
    """Pending or declined: the writer is answered the same, and sees the same."""
    policy = Policy(requests="ask", request_messages=most)
    for asked in range(1, most + 1):
        waiting = Situation(policy=policy).with_conversation(
            actor_side=attrs.evolve(HAS_IT, asked=asked),
            partner_side=attrs.evolve(HAS_IT, heard=FIRST, request=request_, unread=asked),
        )
        if asked == most:
            error = refusal(waiting)
            assert isinstance(error, NotAcceptedYet)
            assert error.details == {"most": most}
        else:
            assert after(waiting).low.asked == asked + 1
            assert after(waiting).high.request is request_


@pytest.mark.promise("REQ-1")
def test_who_declined_is_told_nothing_more_and_the_writer_cannot_tell() -> None:
    policy = Policy(requests="ask", request_messages=5)
    told, own = {}, []
    for request in Request:
        waiting = Situation(policy=policy).with_conversation(
            actor_side=attrs.evolve(HAS_IT, asked=1),
            partner_side=attrs.evolve(HAS_IT, request=request),
        )
        decided = sent(waiting)
        entries = decided.outcome.entries
        told[request] = [it.fact.action for it in entries if it.owner.id == BOB]
        own.append((decided.posting, entries[0], decided.outcome.accounts[0]))
    assert own[0] == own[1]
    assert told == {Request.PENDING: [Action.MESSAGE_SENT], Request.DECLINED: []}


@pytest.mark.promise("REQ-1")
@pytest.mark.parametrize("request_", Request)
def test_an_answer_accepts_and_frees_both(request_: Request) -> None:
    asked = Situation(policy=ASK).with_conversation(
        actor_side=attrs.evolve(HAS_IT, request=request_),
        partner_side=attrs.evolve(HAS_IT, asked=1),
    )
    conversation = after(asked)
    assert (conversation.low.request, conversation.low.asked) == (None, None)
    assert (conversation.high.request, conversation.high.asked) == (None, None)


@pytest.mark.promise("REQ-1", "BLOCK-2")
def test_an_absorbed_request_waits_like_any_other() -> None:
    """Bob blocks Ann: she may write as much as to somebody who never looks."""
    conversation = after(Situation(policy=ASK_ABSORBING, bob_blocks=True))
    assert conversation.low == after(Situation(policy=ASK_ABSORBING)).low
    assert conversation.high == Side(blocks=True)


# Answers to a message ---------------------------------------------------------------------------

THEIRS = Situation().sent_before().earlier
assert THEIRS is not None
ROOT = next_message_id(NOW_US - 9_000_000, 1, None)


@pytest.mark.promise("MSG-6")
def test_an_answer_names_its_message_and_the_root_of_the_chain() -> None:
    target: Any = THEIRS
    made = sent(Situation().talking(), target=target).posting
    assert (made.message.reply_to, made.message.thread_id) == (FIRST, FIRST)
    linked = attrs.evolve(target.message, reply_to=ROOT, thread_id=ROOT)
    deeper = attrs.evolve(target, message=linked)
    made = sent(Situation().talking(), target=deeper).posting
    assert (made.message.reply_to, made.message.thread_id) == (FIRST, ROOT)
    assert made.own_link is None
    plain = sent(Situation().talking()).posting
    assert (plain.message.reply_to, plain.message.thread_id) == (None, None)


@pytest.mark.promise("MSG-6", "BLOCK-2")
def test_an_answer_to_what_was_absorbed_is_linked_for_its_sender_alone() -> None:
    theirs: Any = THEIRS
    target: Posting = attrs.evolve(theirs, sender_only=True)
    made = sent(Situation().talking(), target=target).posting
    assert made.own_link == Link(reply_to=FIRST, thread_id=FIRST)
    assert made.seen_by(ANN).reply_to == FIRST
    assert made.seen_by(BOB).reply_to is None
    assert made.seen_by(BOB).thread_id is None
    assert made.seen_by(BOB).body == Body("hello")
