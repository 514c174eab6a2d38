"""What a recipient does with a request shows in nothing to who sent it: two lives compared.

In one life it is done, in the other nobody ever looks; the sender's answers and everything that
they can look at are the same after each step.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dmcore import DmcoreError, Mailbox, Policy, RateLimit
from dmcore.testing.harness import Harness
from dmcore.testing.world import World, anatomy, asking, facts_of, inbox_of, outlook, requests_of

Act = Callable[[World], object]


def answer(act: Callable[[], object]) -> object:
    try:
        return act()
    except DmcoreError as refusal:
        return anatomy(refusal)


def lived(harness: Harness, policy: Policy, acts: list[Act]) -> list[object]:
    """What Ann is answered and can look at, after each act of a life in an empty store."""
    harness.clear()
    world = World(harness, policy=policy)
    seen: list[object] = []
    for act in acts:
        seen.append(answer(lambda act=act: act(world)))  # type: ignore[misc]
        seen.append(outlook(world.ann, "bob", "cyd"))
        world.tick()
    assert world.is_sound()
    return seen


def first_of(box: Mailbox) -> Any:
    """The conversation of Ann and Bob."""
    view = box.conversation_with("bob" if box.user.id == "ann" else "ann")
    assert view is not None
    return view.conversation


def by_bob(act: Callable[[Mailbox, Any], object]) -> Act:
    """Something that Bob does, whose answer is not Ann's to see."""

    def done(world: World) -> None:
        act(world.bob, first_of(world.ann))

    return done


def nothing(_: World) -> None:
    """Bob does nothing."""


LATER: tuple[Act, ...] = (
    lambda w: w.ann.send(first_of(w.ann), "2", key="2"),
    lambda w: w.ann.edit(first_of(w.ann), w.ann.inbox().items[0].newest, "two"),
    lambda w: w.ann.send(first_of(w.ann), "3", reply_to=w.ann.inbox().items[0].newest),
    lambda w: w.ann.send(first_of(w.ann), "2", key="2"),
    lambda w: w.ann.start("bob", "one too many"),
    lambda w: w.ann.mark_read(first_of(w.ann), through=w.ann.inbox().items[0].newest),
    lambda w: w.ann.delete(first_of(w.ann), w.ann.inbox().items[0].newest),
    lambda w: w.ann.decline(first_of(w.ann)),
    lambda w: w.ann.accept(first_of(w.ann)),
    lambda w: w.ann.start("cyd", "uses up the limit"),
    lambda w: w.ann.start("dan", "over the limit"),
    lambda w: w.ann.block("bob"),
    lambda w: w.ann.send(first_of(w.ann), "x"),
    lambda w: w.ann.unblock("bob"),
    lambda w: w.ann.hide(first_of(w.ann), w.ann.inbox().items[0].newest),
    lambda w: w.ann.clear(first_of(w.ann)),
)
QUIET_ACTS: dict[str, list[Act]] = {
    "decline": [by_bob(lambda box, it: box.decline(it)), nothing],
    "decline twice": [
        by_bob(lambda box, it: box.decline(it)),
        by_bob(lambda box, it: box.decline(it)),
    ],
    "mark read": [
        by_bob(lambda box, it: box.mark_read(it, through=box.requests().items[0].newest)),
        nothing,
    ],
    "read and decline": [
        by_bob(lambda box, it: box.mark_read(it, through=box.requests().items[0].newest)),
        by_bob(lambda box, it: box.decline(it)),
    ],
    "clear": [by_bob(lambda box, it: box.clear(it)), nothing],
    "archive and mute": [
        by_bob(lambda box, it: box.archive(it)),
        by_bob(lambda box, it: box.mute(it)),
    ],
}
LIMITED = asking(3, messages=RateLimit(4, timedelta(hours=1)), starts=RateLimit(3, timedelta(1)))


class TestRequestsUnseen:
    """What a recipient does with a request shows in nothing to who sent it: two lives compared."""

    @pytest.mark.promise("REQ-1")
    @pytest.mark.parametrize("does", QUIET_ACTS)
    def test_what_bob_does_with_a_request_shows_in_nothing_to_ann(
        self, harness: Harness, does: str
    ) -> None:
        """Two lives, step by step: in one Bob does it, in the other he never looks."""
        first: Act = lambda w: w.ann.start("bob", "1", key="1")  # noqa: E731
        acted = lived(harness, LIMITED, [first, *QUIET_ACTS[does], *LATER])
        ignored = lived(harness, LIMITED, [first, nothing, nothing, *LATER])
        for step, (one, other) in enumerate(zip(acted, ignored, strict=True)):
            assert one == other, f"step {step // 2} tells"

    @pytest.mark.promise("REQ-1", "READ-2")
    @pytest.mark.parametrize("then", ["accept", "answer"])
    @pytest.mark.parametrize("before", ["mark read", "decline", "read and decline"])
    def test_accepting_shows_nothing_of_what_was_before(
        self, harness: Harness, before: str, then: str
    ) -> None:
        """Whether it was read, or declined first, is not to be seen in the acceptance either."""
        first: Act = lambda w: w.ann.start("bob", "1")  # noqa: E731
        accepts = {
            "accept": by_bob(lambda box, it: box.accept(it)),
            "answer": by_bob(lambda box, it: box.send(it, "yes")),
        }[then]
        goes_on: list[Act] = [lambda w: w.ann.send(first_of(w.ann), "2"), *LATER]
        acted = lived(harness, LIMITED, [first, *QUIET_ACTS[before], accepts, *goes_on])
        waited = lived(harness, LIMITED, [first, nothing, nothing, accepts, *goes_on])
        for step, (one, other) in enumerate(zip(acted, waited, strict=True)):
            assert one == other, f"step {step // 2} tells"

    @pytest.mark.promise("REQ-1", "BLOCK-2")
    def test_an_absorbed_request_is_like_one_that_nobody_answers(self, harness: Harness) -> None:
        """Also after the block is lifted; and it never comes to whom it was written."""
        policy = asking(2, blocked="absorb")
        block: Act = lambda w: w.bob.block("ann")  # noqa: E731
        unblock: Act = lambda w: w.bob.unblock("ann")  # noqa: E731
        first: Act = lambda w: w.ann.start("bob", "1")  # noqa: E731
        blocked = lived(harness, policy, [block, first, *LATER, unblock, first])
        ignored = lived(harness, policy, [nothing, first, *LATER, nothing, first])
        for step, (one, other) in enumerate(zip(blocked, ignored, strict=True)):
            assert one == other, f"step {step // 2} tells"
        harness.clear()
        world = World(harness, policy=policy)
        for act in (block, first, unblock):
            act(world)
        assert requests_of(world.bob) == inbox_of(world.bob) == []
        assert len(facts_of(world.bob)) == len(("blocked", "unblocked"))
        assert world.bob.conversation_with("ann") is None
