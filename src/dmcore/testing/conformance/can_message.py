"""Asking whether a message would be accepted: the answer of an attempt, without making one."""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, Literal

import pytest

from dmcore import DmcoreError, Mailbox, Message, Policy, RateLimit
from dmcore.domain.gates import Gate, Profile
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.errors import (
    CannotMessageYourself,
    InvalidId,
    LimitReached,
    MessagingUnavailable,
    NoRequest,
    YouBlockedThem,
)
from dmcore.mailbox import Permission
from dmcore.testing.directory import INACTIVE, PLAIN, STAFF, People
from dmcore.testing.harness import Harness
from dmcore.testing.world import MINUTE_US, MakeWorld, World

ALLOWED: Final = Permission(is_allowed=True)
NAMES: Final = ("ann", "bob", "cyd", "dan")


def attempted(write: Callable[[], Message]) -> Permission:
    """What an attempt was answered, in the form of a permission."""
    try:
        write()
    except LimitReached as limit:
        return Permission(is_allowed=False, reason=limit.code, retry_after=limit.retry_after)
    except DmcoreError as refusal:
        return Permission(is_allowed=False, reason=refusal.code)
    return ALLOWED


# One state after another ------------------------------------------------------------------------


class Walk:
    """Random acts of four people on one store; each attempt to write is asked about first."""

    def __init__(self, world: World, people: People, seed: str) -> None:
        self._world = world
        self._people = people
        self._random = random.Random(seed)
        self.reasons: set[str | None] = set()
        for name in NAMES:
            people.know(name, self._random.choice(PROFILES))

    def step(self) -> None:
        act = self._random.choice((self._attempt, self._attempt, self._act, self._world.tick))
        act()

    def _two(self) -> tuple[Mailbox, str]:
        name, other = self._random.sample(NAMES, 2)
        return self._world.dm.mailbox(name), other

    def _attempt(self) -> None:
        box, other = self._two()
        asked = box.can_message(other)
        assert box.can_message(other) == asked
        view = box.conversation_with(other)
        if view is not None and self._random.random() < 0.5:
            conversation = view.conversation
            said = attempted(lambda: box.send(conversation, "x"))
        else:
            said = attempted(lambda: box.start(other, "x"))
        assert asked == said
        self.reasons.add(asked.reason)

    def _act(self) -> None:
        box, other = self._two()
        conversation = box.conversation_with(other)
        acts: list[Callable[[], object]] = [
            lambda: box.block(other),
            lambda: box.unblock(other),
            lambda: box.unblock(other),
            lambda: box.set_preferences(Preferences(open_to=self._random.choice(list(OpenTo)))),
            lambda: self._world.olga.set_mode(
                self._random.choice((*["on"] * 6, "read_only", "replies_only"))
            ),
            lambda: self._people.know(other, self._random.choice(PROFILES)),
            lambda: self._people.connect(box.user.id, other),
            lambda: self._people.disconnect(box.user.id, other),
            lambda: self._world.tick(seconds=self._random.choice((-3, 7, 30, 3_600))),
        ]
        if conversation is not None:
            it = conversation.conversation
            acts += [
                lambda: box.accept(it),
                lambda: box.decline(it),
                lambda: box.clear(it),
                lambda: box.archive(it),
            ]
        with suppress(YouBlockedThem, NoRequest):
            self._random.choice(acts)()


PROFILES: Final = (
    PLAIN,
    INACTIVE,
    STAFF,
    Profile(roles={"professional"}),
    Profile(roles={"professional"}, is_subscribed=True),
    Profile(roles={"talent"}),
)
GATES: Final = (
    Gate(sender_roles={"professional"}, needs_subscription=True),
    Gate(recipient_roles={"talent"}),
)
POLICIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "limits": {
        "messages": RateLimit(3, timedelta(seconds=20)),
        "starts": RateLimit(2, timedelta(minutes=2)),
    },
    "requests": {"messages": None, "starts": None, "requests": "ask", "request_messages": 2},
    "gates": {"messages": None, "starts": RateLimit(3, timedelta(hours=1)), "gates": GATES},
}


class TestCanMessage:
    """Asking whether a message would be accepted: the answer of an attempt, without making one."""

    @pytest.mark.promise("GATE-2")
    @pytest.mark.parametrize("blocked", ["refuse", "absorb"])
    @pytest.mark.parametrize("rules", POLICIES)
    def test_the_answer_is_what_an_attempt_is_then_answered(
        self, harness: Harness, rules: str, blocked: Literal["refuse", "absorb"]
    ) -> None:
        reasons: set[str | None] = set()
        for seed in ("one", "two", "three", "four"):
            harness.clear()
            people = People(*NAMES)
            policy = Policy(blocked=blocked, **POLICIES[rules])
            world = World(harness, policy=policy, directory=people)
            walk = Walk(world, people, f"{rules} {blocked} {seed}")
            for _ in range(60):
                walk.step()
            assert world.is_sound()
            reasons |= walk.reasons
        # The walk came by what it is about.
        expected: dict[str, set[str | None]] = {
            "limits": {None, "limit_reached", "you_blocked_them"},
            "requests": {None, "not_accepted_yet", "you_blocked_them"},
            "gates": {None, "start_refused", "upgrade_required"},
        }
        assert reasons >= expected[rules]

    # Single answers -------------------------------------------------------------------------------

    @pytest.mark.promise("GATE-2")
    def test_asking_changes_nothing_whatever_the_answer(self, harness: Harness) -> None:
        one = RateLimit(1, timedelta(minutes=1))
        people = People("ann", "bob", "cyd", "dan")
        policy = Policy(messages=one, starts=one)
        world = World(harness, policy=policy, directory=people)
        world.ann.start("bob", "x")
        world.cyd.block("dan")
        asked = {
            (world.ann, "bob"): "limit_reached",
            (world.ann, "cyd"): "limit_reached",
            (world.bob, "ann"): None,
            (world.dan, "ann"): None,
            (world.dan, "cyd"): "recipient_unavailable",
            (world.cyd, "dan"): "you_blocked_them",
            (world.bob, "nobody"): "unknown_user",
        }
        with world.unchanged():
            for _ in range(3):
                for (box, other), reason in asked.items():
                    assert box.can_message(other).reason == reason
                    assert box.can_message(other).is_allowed is (reason is None)
        assert world.bob.conversation_with("cyd") is None

    @pytest.mark.promise("GATE-2", "LIMIT-1")
    def test_the_wait_is_exact_and_asking_costs_nothing(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(messages=RateLimit(2, timedelta(seconds=60)), starts=None))
        begun = world.ann.start("bob", "1")
        for _ in range(10):
            assert world.ann.can_message("bob") == ALLOWED
        world.tick(seconds=10)
        world.ann.send(begun.conversation, "2")
        world.tick(seconds=20)
        asked = world.ann.can_message("bob")
        assert asked == Permission(
            is_allowed=False, reason="limit_reached", retry_after=timedelta(seconds=30)
        )
        world.tick(seconds=30, us=-1)
        assert not world.ann.can_message("bob").is_allowed
        world.tick(seconds=0, us=1)
        assert world.ann.can_message("bob") == ALLOWED
        world.ann.send(begun.conversation, "3")

    @pytest.mark.promise("GATE-2", "LIMIT-2")
    @pytest.mark.parametrize("back_us", [1, 10 * MINUTE_US, 400 * MINUTE_US])
    def test_the_answer_holds_on_a_clock_that_was_set_back(
        self, make_world: MakeWorld, back_us: int
    ) -> None:
        world = make_world(Policy(messages=RateLimit(1, timedelta(hours=1)), starts=None))
        begun = world.ann.start("bob", "1")
        world.clock.advance(us=-back_us)
        with world.unchanged():
            asked = world.ann.can_message("bob")
        assert asked == attempted(lambda: world.ann.send(begun.conversation, "2"))
        assert asked.retry_after is not None
        world.clock.advance(seconds=asked.retry_after.total_seconds())
        assert world.ann.can_message("bob") == ALLOWED
        world.ann.send(begun.conversation, "2")

    @pytest.mark.promise("GATE-2", "BLOCK-2", "PREF-1")
    def test_blocked_closed_and_inactive_are_one_answer(self, harness: Harness) -> None:
        """Whether they ever wrote to each other before or not."""
        people = People("ann", "bob", "cyd")
        people.know("dan", INACTIVE)
        world = World(harness, directory=people)
        world.bob.block("ann")
        world.cyd.set_preferences(Preferences(open_to=OpenTo.NOBODY))
        answers = [world.ann.can_message(other) for other in ("bob", "cyd", "dan")]
        assert answers == [Permission(is_allowed=False, reason="recipient_unavailable")] * 3

    @pytest.mark.promise("GATE-2", "BLOCK-2")
    def test_under_absorb_a_block_is_answered_as_no_block(self, harness: Harness) -> None:
        """Step by step the same as with somebody who never answers."""
        policy = Policy(
            blocked="absorb",
            messages=RateLimit(3, timedelta(minutes=1)),
            starts=RateLimit(1, timedelta(minutes=2)),
            requests="ask",
            request_messages=2,
        )
        lives = []
        for is_blocked in (False, True):
            harness.clear()
            world = World(harness, policy=policy)
            if is_blocked:
                world.bob.block("ann")
            life = []
            for seconds in (0, 1, 1, 10, 60, 60):
                world.tick(seconds=seconds)
                for other in ("bob", "cyd"):
                    life.append(world.ann.can_message(other))
                    life.append(attempted(partial(world.ann.start, other, "x")))
            lives.append(life)
        assert lives[0] == lives[1]
        assert {it.reason for it in lives[0]} == {None, "limit_reached", "not_accepted_yet"}

    @pytest.mark.promise("GATE-2", "REQ-1")
    def test_a_declined_request_is_answered_as_one_nobody_looked_at(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(Policy(messages=None, starts=None, requests="ask"))
        for other in ("bob", "cyd"):
            world.ann.start(other, "x")
        view = world.bob.conversation_with("ann")
        assert view is not None
        world.bob.decline(view.conversation)
        asked = [world.ann.can_message(other) for other in ("bob", "cyd")]
        assert asked == [Permission(is_allowed=False, reason="not_accepted_yet")] * 2
        assert world.bob.can_message("ann") == ALLOWED

    @pytest.mark.promise("GATE-2", "PAIR-3")
    def test_what_is_no_other_user_is_refused_as_an_attempt_is(self, world: World) -> None:
        for other, refusal in (
            ("ann", CannotMessageYourself),
            ("", InvalidId),
            ("a\0b", InvalidId),
        ):
            for ask in (world.ann.can_message, lambda name: world.ann.start(name, "x")):
                with world.unchanged(), pytest.raises(refusal):
                    ask(other)

    @pytest.mark.promise("GATE-2", "OPS-1")
    @pytest.mark.parametrize("mode", ["off", "read_only", "replies_only", "on"])
    def test_the_switch_answers_for_everybody(self, world: World, mode: str) -> None:
        world.ann.start("bob", "x")
        world.olga.set_mode(mode)
        for other in ("bob", "cyd"):
            asked = world.ann.can_message(other)
            with_attempt = attempted(partial(world.ann.start, other, "y"))
            assert asked == with_attempt
            may = mode == "on" or (mode == "replies_only" and other == "bob")
            assert asked.is_allowed is may
            if not may:
                assert asked.reason == MessagingUnavailable.code

    @pytest.mark.promise("GATE-2", "TEN-1")
    def test_it_is_asked_within_ones_own_tenant(self, world: World) -> None:
        world.bob.block("ann")
        world.dm.mailbox("bob", tenant="north").start("ann", "x")
        assert world.dm.mailbox("ann", tenant="north").can_message("bob") == ALLOWED
        assert world.ann.can_message("bob").reason == "recipient_unavailable"
