"""All of a change or nothing of it, wherever it breaks."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from dmcore import DirectMessages, Message, Policy, Preferences, RateLimit
from dmcore.adapters.opening import open_on
from dmcore.domain.account import Account
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import LimitReached
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.faults import Breakdown, BreakingTransactions
from dmcore.testing.world import SECOND_US, MakeWorld, World, inbox_of, thread_of

POLICY = Policy(
    messages=RateLimit(8, timedelta(minutes=1)),
    starts=RateLimit(8, timedelta(days=1)),
    blocked="absorb",
)


def arranged(make_world: MakeWorld) -> World:
    """Conversations of every kind: answered, unread, one that exists for the partner only."""
    world = make_world(POLICY)
    sent = world.ann.start("bob", "one", key="1")
    world.bob.send(sent.conversation, "two")
    world.cyd.start("ann", "three")
    world.ann.block("dan")
    world.dan.start("ann", "absorbed")
    world.ann.unblock("dan")
    world.ann.block("eve")
    return world


def refused_after_a_jump(dm: DirectMessages, world: World) -> None:
    """A refusal that stores something: the sender's windows, corrected by a clock set back."""
    now_us = world.clock.now_us()
    world.clock.set_us(now_us - SECOND_US)
    try:
        with pytest.raises(LimitReached):
            dm.mailbox("fay").start("bob", "one more")
    finally:
        world.clock.set_us(now_us)


def own_newest(world: World) -> Message:
    """Ann's own message to Bob."""
    (conversation,) = (it.conversation for it in inbox_of(world.ann) if it.other == "bob")
    return next(it for it in thread_of(world.ann, conversation) if it.sender == "ann")


def place_of(message: Message) -> tuple[UUID, UUID]:
    return message.conversation, message.id


CHANGES: dict[str, tuple[int, Callable[[DirectMessages, World], object]]] = {
    "a first message": (5, lambda dm, _: dm.mailbox("ann").start("zoe", "x")),
    "a first message between strangers": (5, lambda dm, _: dm.mailbox("yan").start("zoe", "x")),
    "a reply": (5, lambda dm, _: dm.mailbox("ann").start("bob", "x", key="2")),
    "a message that is absorbed": (4, lambda dm, _: dm.mailbox("eve").start("ann", "x")),
    "a start where only the partner had one": (
        5,
        lambda dm, _: dm.mailbox("ann").start("dan", "x"),
    ),
    "a read marker": (
        5,
        lambda dm, world: dm.mailbox("ann").mark_read(
            (entry := inbox_of(world.ann)[0]).conversation, through=entry.newest
        ),
    ),
    "a read marker without a receipt": (
        3,
        lambda dm, world: dm.mailbox("ann").mark_read(
            (sent := own_newest(world)).conversation, through=sent.id
        ),
    ),
    "an edit": (5, lambda dm, world: dm.mailbox("ann").edit(*place_of(own_newest(world)), "z")),
    "a deletion": (5, lambda dm, world: dm.mailbox("ann").delete(*place_of(own_newest(world)))),
    "a message hidden": (
        4,
        lambda dm, world: dm.mailbox("ann").hide(*place_of(own_newest(world))),
    ),
    "a history cleared": (
        3,
        lambda dm, world: dm.mailbox("ann").clear(own_newest(world).conversation),
    ),
    "other preferences": (
        2,
        lambda dm, _: dm.mailbox("ann").set_preferences(Preferences(typing=False)),
    ),
    "a block": (4, lambda dm, _: dm.mailbox("ann").block("bob")),
    "a block of a stranger": (3, lambda dm, _: dm.mailbox("yan").block("zoe")),
    "an unblock": (3, lambda dm, _: dm.mailbox("ann").unblock("eve")),
    "a turn of the switch": (3, lambda dm, _: dm.operations("otto").set_mode("read_only")),
    "a refusal after a jump": (1, refused_after_a_jump),
}


class Stop(BaseException):
    """As a worker is told to stop in the middle of a request."""


class TestRollback:
    """All of a change or nothing of it, wherever it breaks."""

    @pytest.mark.promise("MSG-4", "FEED-2")
    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_a_breakdown_after_any_write_leaves_everything_as_it_was(
        self, make_world: MakeWorld, change: tuple[int, Callable[[DirectMessages, World], object]]
    ) -> None:
        writes, act = change
        world = arranged(make_world)
        for number in range(8):
            world.dm.mailbox("fay").start("bob", str(number))
        after = 0
        while True:
            after += 1
            breaking = open_on(
                BreakingTransactions(runner_of(world.dm), after=after),
                policy=POLICY,
                clock=world.clock,
                entropy=world.entropy,
            )
            before = world.harness.contents()
            try:
                act(breaking, world)
            except Breakdown:
                assert world.harness.contents() == before
                assert world.is_sound()
            else:
                break
        assert after == writes + 1
        assert world.harness.contents() != before
        assert world.is_sound()

    @pytest.mark.promise("MSG-4")
    def test_an_interruption_that_is_no_error_undoes_everything_too(self, world: World) -> None:
        user = User(TenantId(""), UserId("ann"))

        def interrupted(tx: Transaction) -> None:
            tx.mailboxes.save(Account(user=user, position=0))
            raise Stop

        with world.unchanged(), pytest.raises(Stop):
            runner_of(world.dm).run(writing(interrupted))
        world.ann.start("bob", "still works")
