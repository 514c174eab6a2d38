"""What one must not find out makes no difference to anything that one can observe.

Two worlds differ in a secret and in nothing else; whatever people do, the observer gets the same
from both (``programs``). So a secret leaks through no page, count, order, id, refusal or wait, and
on SQL not through the statements that a call takes either.
"""

import operator
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.proofs.conftest import Worlds
from tests.proofs.programs import Halves, Secret, Stages, run
from tests.proofs.stages import Step

from dmcore import Policy, RateLimit

Moves = tuple[tuple[str, str, str], ...]
Requests = Literal["open", "ask"]

LIMITED: Final = Policy(
    messages=RateLimit(4, timedelta(seconds=60)),
    starts=RateLimit(2, timedelta(hours=24)),
    blocked="absorb",
)
UNLIMITED: Final = Policy(messages=None, starts=None, request_messages=2)
ASKING: Final = attrs.evolve(LIMITED, requests="ask", request_messages=2)

OWN_VIEW: Final = ("hide", "clear", "mute", "unmute", "archive", "unarchive")
WRITING: Final = ("start", "send", "reply", "keyed", "edit", "delete")


def moves(who: str, verbs: Sequence[str], peer: str) -> Moves:
    return tuple((who, verb, peer) for verb in verbs)


ANN_AND_BOB: Final = (
    *moves("ann", (*WRITING, "mark", *OWN_VIEW, "block", "unblock"), "bob"),
    *moves("ann", ("start", "mark"), "cyd"),
    *moves("cyd", ("start", "see"), "ann"),
)


ONWARDS_S: Final = (1.0, 0.001, 61.0)
ANYHOW_S: Final = (*ONWARDS_S, 0.0, -5.0, -100.0)
"""Before each step the clock goes on, stands still, or goes back: past a limit's window too."""


def programs(
    of: Moves, waits_s: Sequence[float], *openings: Moves
) -> st.SearchStrategy[list[Step]]:
    """Any of the moves in any order, behind one of the openings or none."""
    waits = st.sampled_from(waits_s)
    steps = st.builds(
        lambda move, pick, wait_s: attrs.evolve(Step(*move), pick=pick, wait_s=wait_s),
        st.sampled_from(of),
        st.integers(0, 3),
        waits,
    )
    begun = st.sampled_from([[Step(*move) for move in opening] for opening in (*openings, ())])
    return st.builds(operator.add, begun, st.lists(steps, max_size=14))


def prove(
    worlds: Worlds,
    policy: Policy,
    secret: Secret,
    of: Moves,
    *,
    observers: Sequence[str],
    openings: Sequence[Moves] = (),
    but: Sequence[str] = (),
    waits_s: Sequence[float] = ANYHOW_S,
) -> None:
    """Whatever program runs, the observers cannot tell the two worlds apart."""
    examples = max(settings().max_examples // worlds.share, 1)

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(programs(of, waits_s, *openings))
    def proof(program: list[Step]) -> None:
        with worlds.open(policy) as stages:
            run(program, stages, secret, observers=observers, but=but, stride=worlds.stride)

    proof()


# Blocked, or never answered ---------------------------------------------------------------------


def blocked_or_silent(step: Step, stages: Stages) -> Halves:
    """In the first world Bob blocks; in the second he does nothing, and sees nothing meanwhile."""
    if step.who != "bob":
        return step, step
    if step.verb in {"block", "unblock"}:
        return step, None
    is_reading = step.verb in {"see", "mark"}
    return step, None if is_reading and stages[0].blocks("bob", "ann") else step


@pytest.mark.promise("BLOCK-2")
@pytest.mark.parametrize("policy", [LIMITED, ASKING], ids=["open", "ask"])
def test_whom_bob_blocks_cannot_tell_it_from_silence(worlds: Worlds, policy: Policy) -> None:
    """Before, during and after the block, whether or not they had written to each other."""
    of = (
        *ANN_AND_BOB,
        *moves("ann", ("accept", "decline"), "bob"),
        *moves(
            "bob", ("block", "unblock", "block", "start", "see", "mark", "delete", "accept"), "ann"
        ),
        *moves("bob", ("receipts off", "receipts on"), "ann"),
    )
    prove(
        worlds,
        policy,
        blocked_or_silent,
        of,
        observers=["ann"],
        openings=[(("ann", "start", "bob"), ("bob", "start", "ann"), ("bob", "block", "ann"))],
        # It is the host that asks the one, to know what to show. The other looks like somebody who
        # shows neither that they write nor that they are there, as its own tests say.
        but=["can_see_profile bob", "audience ann-bob"],
    )


# Blocked, or closed to everybody ----------------------------------------------------------------


def blocked_or(other: str) -> Secret:
    """As long as the two have no conversation: in the second world Bob is closed by other means."""

    def secret(step: Step, stages: Stages) -> Halves:
        if step.who != "bob" or step.verb not in {"block", "unblock"}:
            return step, step
        is_blocking = step.verb == "block"
        have_met = stages[0].box("ann").conversation_with("bob") is not None
        if stages[0].blocks("bob", "ann") == is_blocking or (is_blocking and have_met):
            return None, None
        if other == "closed":
            return step, attrs.evolve(step, verb="close" if is_blocking else "open")
        return step, attrs.evolve(step, verb="dismiss")

    return secret


@pytest.mark.promise("BLOCK-2", "PREF-1")
@pytest.mark.parametrize("other", ["closed", "dismissed"])
@pytest.mark.parametrize("requests", ["open", "ask"])
def test_a_blocked_stranger_cannot_tell_it_from_a_closed_inbox(
    worlds: Worlds, other: str, requests: Requests
) -> None:
    policy = attrs.evolve(LIMITED, blocked="refuse", requests=requests)
    of = (
        *moves("ann", ("start", "keyed", "block", "unblock", "send"), "bob"),
        *moves("ann", ("start",), "cyd"),
        *moves("ann", ("start",), "dan"),
        *moves("bob", ("block", "unblock", "block"), "ann"),
    )
    prove(
        worlds,
        policy,
        blocked_or(other),
        of,
        observers=["ann"],
        openings=[(("bob", "block", "ann"),)],
        but=["can_see_profile bob"],
    )


# Declined, or never looked at -------------------------------------------------------------------


def declined_or_untouched(step: Step, stages: Stages) -> Halves:
    """While it is a request to Bob, what he does about it happens in the first world only."""
    private = {"decline", "see", *OWN_VIEW}
    if step.who != "bob" or step.verb not in private:
        return step, step
    view = stages[0].box("bob").conversation_with("ann")
    return step, None if view is not None and view.request is not None else step


@pytest.mark.promise("REQ-1")
def test_a_declined_request_looks_like_one_never_looked_at(worlds: Worlds) -> None:
    """Also after it was accepted all the same."""
    of = (
        *ANN_AND_BOB,
        *moves("bob", ("decline", "decline", "see", *OWN_VIEW, "accept", "start"), "ann"),
    )
    prove(
        worlds,
        ASKING,
        declined_or_untouched,
        of,
        observers=["ann"],
        openings=[(("ann", "start", "bob"), ("bob", "decline", "ann"))],
    )


# What others have between them ------------------------------------------------------------------


OTHERS: Final = (
    *moves("cyd", (*WRITING, "see", "clear", "hide", "block", "unblock"), "bob"),
    *moves("bob", ("start", "see", "delete", "archive", "block", "unblock"), "cyd"),
    *moves("cyd", ("start", "close", "open"), "dan"),
    *moves("north/ann", ("start", "block", "shy"), "bob"),
    *moves("north/bob", ("start", "see"), "ann"),
)
_INSIDE: Final = (
    *moves("ann", (*WRITING, "mark", *OWN_VIEW), "bob"),
    *moves("bob", ("start", "see", "hide", "delete"), "ann"),
)


def happens_or_not(step: Step, _stages: Stages) -> Halves:
    return step, None if {step.who, step.peer} != {"ann", "bob"} else step


@pytest.mark.promise("CONV-1", "TEN-1")
def test_what_others_do_is_nobodys_to_notice(worlds: Worlds) -> None:
    """Ann writes with Bob; what he and others have with each other might as well not be."""
    prove(
        worlds,
        UNLIMITED,
        happens_or_not,
        (*_INSIDE, *OTHERS),
        observers=["ann", "north/cyd"],
        openings=[(("cyd", "start", "bob"), ("ann", "start", "bob"), ("bob", "start", "cyd"))],
        # Closing the inbox is told to who asks to write; it is nothing between two others.
        but=["can_message cyd", "can_message dan", "can_see_profile cyd"],
    )


def other_words(step: Step, _stages: Stages) -> Halves:
    """Between Bob and Cyd, and between people of another tenant."""
    if {step.who, step.peer} in ({"ann", "bob"}, {"cyd", "dan"}):
        return step, step
    return attrs.evolve(step, words="yes"), attrs.evolve(step, words=f"no, {step.pick}, never!")


@pytest.mark.promise("CONV-1")
def test_what_others_say_is_nobodys_to_notice(worlds: Worlds) -> None:
    prove(
        worlds,
        UNLIMITED,
        other_words,
        (*_INSIDE, *OTHERS),
        observers=["ann", "dan", "north/cyd"],
        openings=[(("cyd", "start", "bob"), ("bob", "start", "cyd"))],
    )


# What the partner does to their own view --------------------------------------------------------


def privately_or_not(step: Step, _stages: Stages) -> Halves:
    private = {*OWN_VIEW, "shy", "bold"}
    is_private = step.who == "bob" and (step.verb in private or step.peer == "cyd")
    return step, None if is_private else step


@pytest.mark.promise("MSG-5", "PREF-1", "BLOCK-3")
@pytest.mark.parametrize("requests", ["open", "ask"])
def test_what_bob_does_to_his_own_view_is_his_alone(worlds: Worlds, requests: Requests) -> None:
    """Hiding, clearing, muting, archiving, typing and presence, blocks of third people."""
    of = (
        *ANN_AND_BOB,
        *moves("bob", (*OWN_VIEW, "shy", "bold"), "ann"),
        *moves("bob", ("start", "reply", "edit", "delete", "see", "accept"), "ann"),
        *moves("bob", ("block", "unblock"), "cyd"),
    )
    prove(
        worlds,
        attrs.evolve(UNLIMITED, requests=requests),
        privately_or_not,
        of,
        observers=["ann"],
        openings=[(("ann", "start", "bob"), ("bob", "start", "ann"), ("bob", "clear", "ann"))],
        # What he shows of himself is hers to see; what else he does about it is not.
        but=["audience ann-bob"],
    )


# Read without receipts, or never read -----------------------------------------------------------


def read_or_not(step: Step, stages: Stages) -> Halves:
    """What Bob reads while he shows no receipts, he reads in the first world only."""
    if step.who != "bob" or step.verb not in {"see", "mark"}:
        return step, step
    return step, step if stages[0].box("bob").preferences().receipts else None


@pytest.mark.promise("READ-2")
def test_reading_without_receipts_looks_like_not_reading(worlds: Worlds) -> None:
    """Also after he shows receipts again."""
    of = (
        *ANN_AND_BOB,
        *moves("ann", ("receipts off", "receipts on"), "bob"),
        *moves("bob", ("see", "see", "start", "receipts off", "receipts on"), "ann"),
    )
    prove(
        worlds,
        UNLIMITED,
        read_or_not,
        of,
        observers=["ann"],
        openings=[(("bob", "receipts off", "ann"), ("ann", "start", "bob"), ("bob", "see", "ann"))],
    )


# Absorbed, or never written ---------------------------------------------------------------------


def absorbed_or_unwritten(step: Step, stages: Stages) -> Halves:
    """What Ann writes while Bob blocks her she writes in the first world only."""
    if step.who != "ann" or step.peer != "bob" or step.verb not in WRITING:
        return step, step
    if stages[0].blocks("bob", "ann") and step.verb != "delete":
        return step, None
    if step.verb == "reply":
        return answering(step, stages)
    return step, step


def answering(step: Step, stages: Stages) -> Halves:
    """An answer to what was absorbed is, in the second world, a message like any other."""
    written, kept = (stage.messages("ann", "bob") for stage in stages)
    target = written[-1 - step.pick % len(written)].id if written else None
    is_absorbed = target not in {message.id for message in kept}
    return step, attrs.evolve(step, verb="start") if is_absorbed else step


@pytest.mark.promise("BLOCK-1", "BLOCK-2")
@pytest.mark.parametrize("requests", ["open", "ask"])
def test_what_was_absorbed_never_was_to_the_blocker(worlds: Worlds, requests: Requests) -> None:
    """Messages, edits and answers, during the block and after it."""
    of = (
        *moves("ann", ("start", "start", "reply", "edit", "delete", "hide", "mark"), "bob"),
        *moves("bob", ("start", "reply", "mark", "see", "delete", "hide"), "ann"),
        *moves("bob", ("block", "unblock", "unblock", "accept"), "ann"),
        *moves("cyd", ("start",), "bob"),
    )
    prove(
        worlds,
        attrs.evolve(UNLIMITED, blocked="absorb", requests=requests),
        absorbed_or_unwritten,
        of,
        observers=["bob"],
        openings=[
            (("ann", "start", "bob"), ("bob", "block", "ann"), ("ann", "start", "bob")),
            (("bob", "block", "ann"), ("ann", "start", "bob"), ("bob", "unblock", "ann")),
        ],
        # Ids grow also where the clock goes back, and so behind what was absorbed (ADR 15).
        waits_s=ONWARDS_S,
    )
