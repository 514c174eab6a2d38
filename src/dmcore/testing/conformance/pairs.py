"""A pair has one conversation, whoever begins it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from dmcore import Action, Mailbox
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.errors import CannotMessageYourself, InvalidId
from dmcore.testing.harness import Harness
from dmcore.testing.world import (
    NOON_US,
    UNLIMITED,
    MakeWorld,
    World,
    inbox_of,
    others,
    texts,
    thread_of,
)

# Ids that case, locale, normal forms, number order or UTF-16 order would sort or match otherwise
# than by code point.
CONFUSABLE = (
    ("ann", "Bob"),
    ("ann", "Ann"),
    ("ann", "ann "),
    ("\u00e9", "e\u0301"),
    ("ß", "ss"),
    ("I", "ı"),
    ("10", "9"),
    ("a-b", "ab"),
    ("z", "\u00e4"),
    ("\uffff", "\U00010000"),
    ("\ufb03", "\U0001f600"),
    ("ا", "a"),
    ("a%", "a_"),
    ("x" * 255, "x" * 254),
)

NO_USERS = {
    "empty": "",
    "256 characters": "x" * 256,
    "NUL": "a\0b",
    "newline": "a\nb",
    "C1 control": "a\x85b",
    "lone surrogate": "a\ud800b",
}


class TestPairs:
    """A pair has one conversation, whoever begins it."""

    @pytest.mark.promise("PAIR-1", "PAIR-2")
    def test_both_directions_lead_to_one_conversation(self, world: World) -> None:
        there = world.ann.start("bob", "one")
        back = world.bob.start("ann", "two")
        again = world.ann.start("bob", "three")
        reply = world.bob.send(there.conversation, "four")

        assert {it.conversation for it in (there, back, again, reply)} == {there.conversation}
        assert world.olga.status().conversations == 1
        for box in (world.ann, world.bob):
            assert texts(thread_of(box, there.conversation)) == ["one", "two", "three", "four"]

    @pytest.mark.promise("PAIR-2")
    def test_a_start_in_an_existing_conversation_is_an_ordinary_message(self, world: World) -> None:
        world.ann.start("bob", "one")
        world.ann.start("bob", "two")
        world.bob.start("ann", "three")

        actions = [Action.CONVERSATION_STARTED, Action.MESSAGE_SENT, Action.MESSAGE_SENT]
        assert [entry.fact.action for entry in world.journal("ann")] == actions
        assert [entry.fact.action for entry in world.journal("bob")] == actions

    @pytest.mark.promise("PAIR-1")
    @pytest.mark.parametrize("names", CONFUSABLE, ids=ascii)
    def test_users_are_told_apart_and_ordered_by_code_point(
        self, world: World, names: tuple[str, str]
    ) -> None:
        one, other = names
        first = world.dm.mailbox(one).start(other, "one")
        second = world.dm.mailbox(other).start(one, "two")

        assert first.conversation == second.conversation
        assert texts(thread_of(world.dm.mailbox(one), first.conversation)) == ["one", "two"]
        assert others(world.dm.mailbox(one).inbox()) == [other]
        assert others(world.dm.mailbox(other).inbox()) == [one]
        assert world.is_sound()

    @pytest.mark.promise("PAIR-1")
    @pytest.mark.parametrize("names", CONFUSABLE, ids=ascii)
    def test_names_that_look_alike_are_two_partners(
        self, world: World, names: tuple[str, str]
    ) -> None:
        with_one, with_other = (world.dan.start(name, name) for name in names)

        assert with_one.conversation != with_other.conversation
        for name, message in zip(names, (with_one, with_other), strict=True):
            assert texts(thread_of(world.dm.mailbox(name), message.conversation)) == [name]

    @pytest.mark.promise("PAIR-1")
    def test_the_same_two_names_in_two_tenants_are_two_pairs(self, world: World) -> None:
        here = world.ann.start("bob", "here")
        there = world.dm.mailbox("bob", tenant="north").start("ann", "there")

        assert here.conversation != there.conversation
        assert texts(thread_of(world.ann, here.conversation)) == ["here"]
        north = world.dm.mailbox("ann", tenant="north")
        assert texts(thread_of(north, there.conversation)) == ["there"]
        assert [entry.conversation for entry in inbox_of(north)] == [there.conversation]

    @pytest.mark.promise("PAIR-1")
    def test_a_tenant_cannot_be_shifted_into_a_name(self, world: World) -> None:
        """The parts of a pair keep their borders: ("a", "b|c") is not ("ab", "|c")."""
        made = {
            world.dm.mailbox("cd", tenant="ab").start("e", "1").conversation,
            world.dm.mailbox("cd", tenant="a").start("be", "2").conversation,
            world.dm.mailbox("d", tenant="abc").start("e", "3").conversation,
            world.dm.mailbox("abcd").start("e", "4").conversation,
            world.dm.mailbox("abc").start("de", "5").conversation,
        }
        assert len(made) == 5

    @pytest.mark.promise("PAIR-1")
    def test_a_conversation_id_is_the_same_in_every_process_and_tells_no_time(
        self, world: World
    ) -> None:
        first = world.ann.start("bob", "one")
        world.tick(seconds=86_400)
        elsewhere = world.open().mailbox("bob").start("ann", "two")

        assert elsewhere.conversation == first.conversation
        assert first.conversation.version == 8

    @pytest.mark.promise("PAIR-2")
    def test_many_at_once_from_both_directions_begin_one_conversation(self, world: World) -> None:
        def begin(number: int) -> UUID:
            boxes: tuple[tuple[Mailbox, str], ...] = ((world.ann, "bob"), (world.bob, "ann"))
            box, other = boxes[number % 2]
            return box.start(other, str(number)).conversation

        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(begin, range(24)))

        assert len(found) == 1
        (conversation,) = found
        said = texts(thread_of(world.ann, conversation))
        assert sorted(map(int, said)) == list(range(24))
        starts = [
            entry.fact
            for entry in world.journal("ann")
            if entry.fact.action is Action.CONVERSATION_STARTED
        ]
        assert len(starts) == 1
        assert world.is_sound()

    @pytest.mark.promise("PAIR-3")
    def test_nobody_meets_themselves(self, world: World) -> None:
        with world.unchanged():
            for attempt in (
                world.ann.block,
                world.ann.unblock,
                lambda name: world.ann.start(name, "x"),
            ):
                with pytest.raises(CannotMessageYourself) as caught:
                    attempt("ann")
                assert caught.value.code == "cannot_message_yourself"

    @pytest.mark.promise("PAIR-1")
    @pytest.mark.parametrize("name", NO_USERS.values(), ids=NO_USERS)
    def test_what_is_no_user_id_is_refused_at_the_border(self, world: World, name: str) -> None:
        attempts = (
            lambda: world.dm.mailbox(name),
            lambda: world.dm.operations(name),
            lambda: world.ann.start(name, "x"),
            lambda: world.ann.block(name),
            lambda: world.ann.unblock(name),
            lambda: world.ann.can_see_profile(name),
            lambda: world.olga.audit(name),
        )
        with world.unchanged():
            for attempt in attempts:
                with pytest.raises(InvalidId) as caught:
                    attempt()
                assert caught.value.details["kind"] == "user"

    @pytest.mark.promise("PAIR-1")
    def test_a_tenant_is_an_id_or_empty(self, world: World) -> None:
        for name in (name for name in NO_USERS.values() if name):
            with pytest.raises(InvalidId) as caught:
                world.dm.mailbox("ann", tenant=name)
            assert caught.value.details["kind"] == "tenant"

    @pytest.mark.promise("PAIR-2")
    def test_a_first_message_arrives_whoever_has_been_seen_before(
        self, make_world: MakeWorld
    ) -> None:
        """Both new, only the sender known, only the recipient known, both known."""
        world = make_world()
        world.ann.block("zoe")
        world.bob.block("zoe")
        for box, other in (
            (world.cyd, "dan"),
            (world.ann, "eve"),
            (world.dm.mailbox("fay"), "bob"),
            (world.ann, "bob"),
        ):
            sent = box.start(other, "x")
            assert texts(thread_of(world.dm.mailbox(other), sent.conversation)) == ["x"]
        assert world.is_sound()

    @pytest.mark.promise("PAIR-2")
    def test_two_writers_under_two_policies_share_a_conversation(self, harness: Harness) -> None:
        world = World(harness)
        strict = harness.open(
            policy=UNLIMITED, clock=ManualClock(NOON_US), entropy=SeededEntropy("other")
        )
        first = world.ann.start("bob", "one")
        second = strict.mailbox("bob").start("ann", "two")
        assert first.conversation == second.conversation
