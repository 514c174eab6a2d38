"""What a user chooses about being reached: it holds for starts, and it never shows."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, cast

import attrs
import pytest

from dmcore import Action, Policy
from dmcore.domain.preferences import DEFAULT_PREFERENCES, OpenTo, Preferences
from dmcore.errors import InvalidSetting, MessagingUnavailable, RecipientUnavailable
from dmcore.testing.directory import PLAIN, STAFF, People
from dmcore.testing.harness import Harness
from dmcore.testing.world import MakeWorld, World, anatomy, facts_of, outlook

CLOSED = Preferences(open_to=OpenTo.NOBODY)
YES_NO = (True, False)
ACQUAINTED = Preferences(open_to=OpenTo.CONNECTIONS)


class TestPreferences:
    """What a user chooses about being reached: it holds for starts, and it never shows."""

    @pytest.fixture
    def people(self) -> People:
        return People("ann", "bob", "cyd", "dan")

    @pytest.fixture
    def social(self, harness: Harness, people: People) -> World:
        """A world whose host knows who is connected."""
        return World(harness, directory=people)

    @pytest.mark.promise("PREF-1")
    def test_a_choice_is_kept_as_it_was_made_and_is_nobody_elses(self, social: World) -> None:
        assert social.ann.preferences() == DEFAULT_PREFERENCES
        here = social.dm.mailbox("ann", tenant="north")
        for open_to, receipts, typing, presence in product(OpenTo, YES_NO, YES_NO, YES_NO):
            chosen = Preferences(
                open_to=open_to, receipts=receipts, typing=typing, presence=presence
            )
            social.ann.set_preferences(chosen)
            assert social.ann.preferences() == chosen == social.ann.snapshot().preferences
            assert social.open().mailbox("ann").preferences() == chosen
            assert social.bob.preferences() == here.preferences() == DEFAULT_PREFERENCES

    @pytest.mark.promise("PREF-1", "FEED-1")
    def test_a_choice_is_told_to_its_owner_alone_and_only_when_it_is_another(
        self, world: World
    ) -> None:
        world.ann.start("bob", "x")
        before = facts_of(world.bob)
        world.ann.set_preferences(CLOSED)
        with world.unchanged():
            world.ann.set_preferences(CLOSED)
        told = facts_of(world.ann)[-1]
        assert (told.action, told.other, told.conversation) == (
            Action.PREFERENCES_CHANGED,
            None,
            None,
        )
        assert [fact.action for fact in facts_of(world.ann)].count(Action.PREFERENCES_CHANGED) == 1
        assert facts_of(world.bob) == before

    @pytest.mark.promise("PREF-1")
    def test_what_is_no_choice_is_refused_and_changes_nothing(self, world: World) -> None:
        with world.unchanged():
            for wrong in (None, {"open_to": "nobody"}, "nobody"):
                with pytest.raises(InvalidSetting):
                    world.ann.set_preferences(cast("Any", wrong))
        for open_to in ("Nobody", "", 0, None):
            with pytest.raises(InvalidSetting):
                Preferences(open_to=cast("Any", open_to))
        for name in ("receipts", "typing", "presence"):
            with pytest.raises(InvalidSetting):
                Preferences(**{name: cast("Any", "no")})

    @pytest.mark.promise("PREF-1")
    def test_connections_cannot_be_chosen_where_nobody_knows_them(self, world: World) -> None:
        with world.unchanged(), pytest.raises(InvalidSetting):
            world.ann.set_preferences(ACQUAINTED)
        assert world.ann.preferences() == DEFAULT_PREFERENCES

    @pytest.mark.promise("PREF-1", "BLOCK-2")
    def test_a_closed_inbox_refuses_starts_as_a_block_does(self, world: World) -> None:
        world.bob.set_preferences(CLOSED)
        world.cyd.block("ann")
        errors = []
        for other in ("bob", "cyd"):
            with world.unchanged(), pytest.raises(RecipientUnavailable) as caught:
                world.ann.start(other, "x", key="k")
            errors.append(anatomy(caught.value))
        assert errors[0] == errors[1]
        assert world.ann.can_message("bob") == world.ann.can_message("cyd")
        assert facts_of(world.bob)[-1].action is Action.PREFERENCES_CHANGED
        world.dan.start("ann", "others are reached as before")

    @pytest.mark.promise("PREF-1")
    def test_a_closed_inbox_never_touches_a_conversation_that_exists(self, world: World) -> None:
        begun = world.ann.start("bob", "1")
        world.bob.set_preferences(CLOSED)
        world.ann.set_preferences(CLOSED)
        world.ann.send(begun.conversation, "2")
        world.ann.start("bob", "3")
        world.bob.start("ann", "4")
        world.bob.send(begun.conversation, "5")
        assert (world.ann.unread(), world.bob.unread()) == (2, 3)

    @pytest.mark.promise("PREF-1")
    def test_who_is_closed_may_begin_and_be_answered(self, world: World) -> None:
        world.ann.set_preferences(CLOSED)
        begun = world.ann.start("bob", "x")
        world.bob.start("ann", "an answer")
        world.bob.send(begun.conversation, "another")
        assert world.ann.unread() == 2

    @pytest.mark.promise("PREF-1")
    def test_closing_keeps_a_request_and_what_may_still_follow_it(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(
            Policy(messages=None, starts=None, requests="ask", request_messages=2),
        )
        world.ann.start("bob", "1")
        world.bob.set_preferences(CLOSED)
        world.ann.start("bob", "2")
        assert [entry.unread for entry in world.bob.requests().items] == [2]

    @pytest.mark.promise("PREF-1", "GATE-1")
    def test_who_may_start_is_what_was_chosen_and_the_host_knows(
        self, social: World, people: People
    ) -> None:
        """Every choice × connection × staff, each with a recipient of its own."""
        cases = product(OpenTo, (False, True), (False, True))
        for number, (open_to, is_connected, is_staff) in enumerate(cases):
            name = f"user {number}"
            people.know(name, PLAIN)
            people.know("ann", STAFF if is_staff else PLAIN)
            if is_connected:
                people.connect(name, "ann")
            social.dm.mailbox(name).set_preferences(Preferences(open_to=open_to))
            may = (
                is_staff
                or open_to is OpenTo.EVERYONE
                or (open_to is OpenTo.CONNECTIONS and is_connected)
            )
            assert social.ann.can_message(name).is_allowed is may
            if may:
                social.ann.start(name, "x")
                assert social.dm.mailbox(name).unread() == 1
            else:
                with social.unchanged(), pytest.raises(RecipientUnavailable):
                    social.ann.start(name, "x")

    @pytest.mark.promise("PREF-1")
    def test_a_choice_holds_from_the_next_attempt_on(self, social: World, people: People) -> None:
        social.bob.set_preferences(ACQUAINTED)
        with social.unchanged(), pytest.raises(RecipientUnavailable):
            social.ann.start("bob", "x")
        people.connect("ann", "bob")
        begun = social.ann.start("bob", "x")
        people.disconnect("ann", "bob")
        social.ann.send(begun.conversation, "a conversation that exists stays open")
        people.connect("cyd", "bob")
        social.bob.set_preferences(CLOSED)
        with social.unchanged(), pytest.raises(RecipientUnavailable):
            social.cyd.start("bob", "x")
        social.bob.set_preferences(DEFAULT_PREFERENCES)
        social.cyd.start("bob", "x")

    @pytest.mark.promise("PREF-1")
    def test_nobody_can_look_at_what_another_chose(self, harness: Harness) -> None:
        """A user who is written to shows the same whatever they chose, receipts apart."""
        seen = []
        for chosen in (DEFAULT_PREFERENCES, attrs.evolve(CLOSED, typing=False, presence=False)):
            harness.clear()
            world = World(harness)
            world.ann.start("bob", "x")
            world.bob.set_preferences(chosen)
            world.ann.start("bob", "y")
            seen.append(outlook(world.ann, "bob"))
        assert seen[0] == seen[1]

    @pytest.mark.promise("PREF-1", "OPS-1")
    def test_choosing_works_while_reading_does(self, world: World) -> None:
        world.olga.set_mode("read_only")
        world.ann.set_preferences(CLOSED)
        assert world.ann.preferences() == CLOSED
        world.olga.set_mode("off")
        with world.unchanged():
            with pytest.raises(MessagingUnavailable):
                world.ann.set_preferences(DEFAULT_PREFERENCES)
            with pytest.raises(MessagingUnavailable):
                world.ann.preferences()

    @pytest.mark.promise("PREF-1", "READ-3")
    def test_choosing_while_messages_come_loses_neither(self, world: World) -> None:
        begun = world.ann.start("bob", "0")
        elsewhere = world.open().mailbox("bob")

        def choose() -> None:
            for number in range(20):
                elsewhere.set_preferences(Preferences(typing=bool(number % 2)))

        with ThreadPoolExecutor() as pool:
            choosing = pool.submit(choose)
            for number in range(1, 20):
                world.ann.send(begun.conversation, str(number))
            choosing.result()
        assert world.bob.unread() == 20
        actions = [fact.action for fact in facts_of(world.bob)]
        assert actions.count(Action.PREFERENCES_CHANGED) == 20
        assert actions.count(Action.MESSAGE_SENT) == 19
        assert world.is_sound()
