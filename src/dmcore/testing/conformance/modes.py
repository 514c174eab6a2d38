"""The switch: what each mode allows, for every use case."""

from collections.abc import Callable

import pytest

from dmcore import Action, Message, Mode
from dmcore.errors import InvalidSetting, MessagingUnavailable
from dmcore.testing.world import MakeWorld, World

READ = {Mode.READ_ONLY, Mode.REPLIES_ONLY, Mode.ON}
REPLY = {Mode.REPLIES_ONLY, Mode.ON}
START = {Mode.ON}
ALWAYS = set(Mode)

TABLE: dict[str, tuple[set[Mode], Callable[[World, Message], object]]] = {
    "start": (START, lambda world, _: world.ann.start("zoe", "x")),
    "start where there is a conversation": (REPLY, lambda world, _: world.ann.start("bob", "x")),
    "send": (REPLY, lambda world, sent: world.ann.send(sent.conversation, "x")),
    "send by the other": (REPLY, lambda world, sent: world.bob.send(sent.conversation, "x")),
    "retry": (ALWAYS, lambda world, sent: world.bob.send(sent.conversation, "hello", key="k")),
    "inbox": (READ, lambda world, _: world.ann.inbox()),
    "inbox of a stranger": (READ, lambda world, _: world.dm.mailbox("zoe").inbox()),
    "thread": (READ, lambda world, sent: world.ann.thread(sent.conversation)),
    "unread": (READ, lambda world, _: world.ann.unread()),
    "unread of a stranger": (READ, lambda world, _: world.dm.mailbox("zoe").unread()),
    "mark_read": (
        READ,
        lambda world, sent: world.ann.mark_read(sent.conversation, through=sent.id),
    ),
    "block": (READ, lambda world, _: world.ann.block("bob")),
    "block again": (READ, lambda world, _: world.ann.block("dan")),
    "unblock": (READ, lambda world, _: world.ann.unblock("dan")),
    "unblock nobody": (READ, lambda world, _: world.ann.unblock("zoe")),
    "blocked": (READ, lambda world, _: world.ann.blocked()),
    "can_see_profile": (ALWAYS, lambda world, _: world.ann.can_see_profile("bob")),
    "visible_profiles": (ALWAYS, lambda world, _: world.ann.visible_profiles(["bob"])),
    "mode": (ALWAYS, lambda world, _: world.olga.mode()),
    "status": (ALWAYS, lambda world, _: world.olga.status()),
    "audit": (ALWAYS, lambda world, _: world.olga.audit("ann")),
    "verify": (ALWAYS, lambda world, _: world.olga.verify()),
}


class TestModes:
    """The switch: what each mode allows, for every use case."""

    @pytest.mark.promise("OPS-1")
    @pytest.mark.parametrize("mode", Mode)
    def test_each_mode_allows_what_it_says_and_no_more(self, world: World, mode: Mode) -> None:
        sent = world.bob.start("ann", "hello", key="k")
        world.ann.block("dan")
        for name, (allowing, use_case) in TABLE.items():
            world.olga.set_mode(mode)
            if mode in allowing:
                use_case(world, sent)
            else:
                with world.unchanged(), pytest.raises(MessagingUnavailable) as caught:
                    use_case(world, sent)
                assert caught.value.details == {"mode": mode.value}, name
                assert caught.value.http_status == 503
            world.olga.set_mode("on")
            world.ann.unblock("bob")
            world.ann.block("dan")

    @pytest.mark.promise("OPS-1")
    def test_a_new_installation_is_off(self, make_world: MakeWorld) -> None:
        world = make_world(mode=None)
        assert world.olga.mode() is Mode.OFF
        with world.unchanged(), pytest.raises(MessagingUnavailable):
            world.ann.start("bob", "x")
        assert world.olga.set_mode("on") is Mode.OFF
        world.ann.start("bob", "x")

    @pytest.mark.promise("OPS-1")
    def test_a_turn_is_seen_at_once_by_whoever_has_the_store_open(self, world: World) -> None:
        sent = world.ann.start("bob", "hello")
        elsewhere = world.open()
        bob, otto = elsewhere.mailbox("bob"), elsewhere.operations("otto")
        bob.send(sent.conversation, "x")
        for mode in Mode:
            world.olga.set_mode(mode)
            assert otto.mode() is mode
            assert otto.status().mode is mode
            if mode in REPLY:
                bob.send(sent.conversation, "x")
            else:
                with pytest.raises(MessagingUnavailable):
                    bob.send(sent.conversation, "x")
        otto.set_mode("off")
        with pytest.raises(MessagingUnavailable):
            world.ann.inbox()

    @pytest.mark.promise("OPS-1", "AUD-1")
    def test_a_turn_is_journaled_once_for_the_operator(self, world: World) -> None:
        assert [entry.fact.mode for entry in world.journal("olga")] == [Mode.ON]
        world.tick()
        otto = world.dm.operations("otto", tenant="north")
        assert otto.set_mode("read-only") is Mode.ON
        with world.unchanged():
            assert otto.set_mode(Mode.READ_ONLY) is Mode.READ_ONLY
            assert world.olga.set_mode("read_only") is Mode.READ_ONLY
        (entry,) = world.journal("otto", tenant="north")
        fact = entry.fact
        assert (fact.action, fact.actor, fact.mode) == (Action.MODE_CHANGED, "otto", Mode.READ_ONLY)
        assert fact.at_us == world.clock.now_us()
        assert (fact.other, fact.conversation, fact.message) == (None, None, None)
        assert len(world.journal("olga")) == 1
        assert world.is_sound()

    @pytest.mark.promise("OPS-1")
    @pytest.mark.parametrize(
        "word", ["", "On", "none", "read only", "onn", 1, None, True], ids=repr
    )
    def test_a_word_that_is_no_mode_turns_nothing(self, world: World, word: object) -> None:
        with world.unchanged(), pytest.raises(InvalidSetting) as caught:
            world.olga.set_mode(word)  # type: ignore[arg-type]
        assert caught.value.details["setting"] == "mode"

    @pytest.mark.promise("OPS-1")
    def test_a_mode_outlives_the_one_who_set_it(self, world: World) -> None:
        world.olga.set_mode("replies_only")
        assert world.open().operations("otto").mode() is Mode.REPLIES_ONLY
