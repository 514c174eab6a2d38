"""Who may start with whom is a rule given as data; who has the conversation may always reply."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest

from dmcore import Policy, RateLimit
from dmcore.domain.gates import Gate, Profile
from dmcore.errors import (
    DmcoreError,
    InvalidSetting,
    RecipientUnavailable,
    StartRefused,
    UpgradeRequired,
)
from dmcore.testing.directory import INACTIVE, PLAIN, STAFF, People
from dmcore.testing.harness import Harness
from dmcore.testing.world import World, anatomy, inbox_of, others

MARKET = (
    Gate(
        sender_roles={"professional", "company"},
        recipient_roles={"talent"},
        needs_subscription=True,
    ),
    Gate(sender_roles={"professional"}, recipient_roles={"company"}),
    Gate(sender_roles={"talent"}, recipient_roles={"talent"}, needs_connection=True),
    Gate(recipient_roles={"desk"}, needs_subscription=True, needs_connection=True),
)
ROLES: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        ((), ("talent",), ("company",), ("professional",), ("talent", "professional"), ("desk",)),
    )
)


def market() -> Policy:
    return Policy(messages=None, starts=None, gates=MARKET)


def verdict(sender: Profile, recipient: Profile, *, are_connected: bool) -> str | None:
    """The rules of ``MARKET`` in plain words, one by one; the code of the refusal."""
    if not sender.is_active:
        return "start_refused"
    may = sender.is_staff
    would_with_subscription = False
    if "talent" in recipient.roles and (
        "professional" in sender.roles or "company" in sender.roles
    ):
        may = may or sender.is_subscribed
        would_with_subscription = True
    if "company" in recipient.roles and "professional" in sender.roles:
        may = True
    if "talent" in recipient.roles and "talent" in sender.roles and are_connected:
        may = True
    if "desk" in recipient.roles and are_connected:
        may = may or sender.is_subscribed
        would_with_subscription = True
    if may:
        return None if recipient.is_active else "recipient_unavailable"
    return "upgrade_required" if would_with_subscription else "start_refused"


class TestGates:
    """Who may start with whom is a rule given as data; who has the conversation may
    always reply.
    """

    @pytest.mark.promise("GATE-1", "GATE-2")
    @pytest.mark.parametrize(
        "sender_roles", ROLES, ids=lambda roles: "-".join(sorted(roles)) or "none"
    )
    def test_every_combination_is_answered_as_the_rules_say(
        self, harness: Harness, sender_roles: frozenset[str]
    ) -> None:
        """Roles × subscription × connection × staff × active, asked and tried."""
        people = People("ann")
        world = World(harness, policy=market(), directory=people)
        flags = (False, True)
        begun = set()
        combinations = product(ROLES, flags, flags, flags, flags, flags)
        for number, (roles, subscribed, connected, staff, active, there) in enumerate(combinations):
            name = f"user {number}"
            sender = Profile(
                roles=sender_roles, is_subscribed=subscribed, is_staff=staff, is_active=active
            )
            # What the recipient pays, or whether they are staff, opens nothing.
            recipient = Profile(
                roles=roles, is_subscribed=not subscribed, is_staff=not staff, is_active=there
            )
            people.know("ann", sender)
            people.know(name, recipient)
            if connected:
                people.connect("ann", name)
            expected = verdict(sender, recipient, are_connected=connected)
            permission = world.ann.can_message(name)
            assert (permission.is_allowed, permission.reason) == (expected is None, expected)
            if expected is not None:
                with pytest.raises(DmcoreError) as caught:
                    world.ann.start(name, "x")
                assert caught.value.code == expected
            elif number % 5 == 0:
                world.ann.start(name, "x")
                begun.add(name)
        # Whatever was refused, or only asked about, left nothing.
        assert set(others(inbox_of(world.ann))) == begun
        assert world.is_sound()

    @pytest.fixture
    def people(self) -> People:
        """A professional who does not pay, a talent, and somebody who is neither."""
        known = People("cyd")
        known.know("ann", Profile(roles={"professional"}))
        known.know("bob", Profile(roles={"talent"}))
        return known

    @pytest.fixture
    def world(self, harness: Harness, people: People) -> Iterator[World]:
        made = World(harness, policy=market(), directory=people)
        yield made
        assert made.is_sound()

    @pytest.mark.promise("GATE-1")
    def test_what_a_refusal_says_is_what_would_help(self, world: World, people: People) -> None:
        with world.unchanged():
            with pytest.raises(UpgradeRequired) as caught:
                world.ann.start("bob", "x")
            assert (caught.value.code, caught.value.details) == ("upgrade_required", {})
            with pytest.raises(StartRefused) as refused:
                world.cyd.start("bob", "x")
            assert (refused.value.code, refused.value.details) == ("start_refused", {})
        people.know("ann", Profile(roles={"professional"}, is_subscribed=True))
        world.ann.start("bob", "x")
        people.know("cyd", Profile(is_subscribed=True))
        with world.unchanged(), pytest.raises(StartRefused):
            world.cyd.start("bob", "paying helps nobody whom it lets in nowhere")

    @pytest.mark.promise("GATE-1")
    def test_both_may_reply_for_ever_whatever_becomes_of_their_roles(
        self, world: World, people: People
    ) -> None:
        people.know("ann", Profile(roles={"professional"}, is_subscribed=True))
        begun = world.ann.start("bob", "1")
        changes = (PLAIN, INACTIVE, None)
        for number, profile in enumerate(changes):
            for name in ("ann", "bob"):
                if profile is None:
                    people.forget(name)
                else:
                    people.know(name, profile)
            for box, other in ((world.ann, "bob"), (world.bob, "ann")):
                assert box.can_message(other).is_allowed
                box.send(begun.conversation, f"{number}")
                box.start(other, f"{number}")
        assert (world.ann.unread(), world.bob.unread()) == (6, 7)

    @pytest.mark.promise("GATE-1")
    def test_a_gate_is_passed_in_one_direction_only(self, world: World, people: People) -> None:
        people.know("ann", Profile(roles={"professional"}, is_subscribed=True))
        with world.unchanged(), pytest.raises(StartRefused):
            world.bob.start("ann", "x")
        world.ann.start("bob", "x")
        world.bob.start("ann", "an answer")

    @pytest.mark.promise("GATE-1", "PREF-1", "BLOCK-2")
    def test_staff_reaches_anyone_who_is_there_and_blocks_nobody(
        self, world: World, people: People
    ) -> None:
        people.know("cyd", STAFF)
        for other in ("ann", "bob"):
            world.cyd.start(other, "x")
        people.know("dan", INACTIVE)
        people.know("eve", PLAIN)
        world.eve.block("cyd")
        errors = []
        for other in ("dan", "eve"):
            with world.unchanged(), pytest.raises(RecipientUnavailable) as caught:
                world.cyd.start(other, "x")
            errors.append(anatomy(caught.value))
        assert errors[0] == errors[1]

    @pytest.mark.promise("GATE-1", "BLOCK-2")
    def test_who_may_not_start_is_told_so_before_anything_of_the_other(
        self, world: World, people: People
    ) -> None:
        """A gate that refuses says nothing about a block, an inbox or an account."""
        answers = []
        with pytest.raises(UpgradeRequired) as caught:
            world.ann.start("bob", "x")
        answers.append(anatomy(caught.value))
        world.bob.block("ann")
        with pytest.raises(UpgradeRequired) as caught:
            world.ann.start("bob", "x")
        answers.append(anatomy(caught.value))
        people.know("bob", Profile(roles={"talent"}, is_active=False))
        with world.unchanged(), pytest.raises(UpgradeRequired) as caught:
            world.ann.start("bob", "x")
        answers.append(anatomy(caught.value))
        assert answers == [answers[0]] * 3
        assert world.ann.can_message("bob").reason == "upgrade_required"

    @pytest.mark.promise("GATE-1", "LIMIT-1")
    def test_a_refusal_at_a_gate_costs_no_limit(self, harness: Harness, people: People) -> None:
        one_start = RateLimit(1, timedelta(days=1))
        policy = Policy(messages=one_start, starts=one_start, gates=MARKET)
        world = World(harness, policy=policy, directory=people)
        for _ in range(3):
            with world.unchanged(), pytest.raises(UpgradeRequired):
                world.ann.start("bob", "x")
        people.know("ann", Profile(roles={"professional"}, is_subscribed=True))
        world.ann.start("bob", "x")

    @pytest.mark.promise("GATE-1")
    def test_who_is_inactive_starts_with_nobody_even_without_gates(self, harness: Harness) -> None:
        people = People("bob")
        people.know("ann", Profile(is_staff=True, is_active=False))
        people.know("cyd", INACTIVE)
        world = World(harness, directory=people)
        with world.unchanged():
            with pytest.raises(StartRefused):
                world.ann.start("bob", "x")
            with pytest.raises(RecipientUnavailable):
                world.bob.start("cyd", "x")

    @pytest.mark.promise("GATE-1", "BLOCK-2")
    def test_an_absorbed_start_gives_its_recipient_no_way_around_a_gate(
        self, harness: Harness, people: People
    ) -> None:
        """Who never received anything does not have the conversation: writing is a
        start to them.
        """
        policy = Policy(messages=None, starts=None, gates=MARKET, blocked="absorb")
        world = World(harness, policy=policy, directory=people)
        people.know("ann", Profile(roles={"professional"}, is_subscribed=True))
        world.bob.block("ann")
        world.ann.start("bob", "absorbed")
        world.bob.unblock("ann")
        with world.unchanged(), pytest.raises(StartRefused):
            world.bob.start("ann", "x")

    @pytest.mark.promise("GATE-1")
    def test_gates_need_a_directory(self, harness: Harness) -> None:
        with pytest.raises(InvalidSetting):
            World(harness, policy=market())
