"""The host's users stay in the host: who asks it, when, and what its answers may not do."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from dmcore import Policy
from dmcore.domain.gates import Gate
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.errors import (
    DmcoreError,
    InvalidSetting,
    KeyConflict,
    MessagingUnavailable,
    RecipientUnavailable,
    StartRefused,
    UnknownUser,
    YouBlockedThem,
)
from dmcore.testing.directory import PLAIN, People, user
from dmcore.testing.harness import Harness
from dmcore.testing.world import World, anatomy, inbox_of, outlook


class Down(Exception):
    """The host's directory cannot answer."""


class TestDirectory:
    """The host's users stay in the host: who asks it, when, and what its answers may not do."""

    @pytest.fixture
    def people(self) -> People:
        return People("ann", "bob", "cyd")

    @pytest.fixture
    def world(self, harness: Harness, people: People) -> Iterator[World]:
        made = World(harness, directory=people)
        yield made
        assert made.is_sound()

    # When it is asked -----------------------------------------------------------------------------

    @pytest.mark.promise("EMB-5")
    def test_one_who_starts_is_introduced_once_and_by_name(
        self, world: World, people: People
    ) -> None:
        world.ann.start("bob", "x")
        assert people.asked == [(user("ann"), user("bob"))]
        world.cyd.can_message("bob")
        assert people.asked[1:] == [(user("cyd"), user("bob"))]

    @pytest.mark.promise("EMB-5", "OPS-1")
    def test_what_is_refused_without_the_host_does_not_ask_it(
        self, world: World, people: People
    ) -> None:
        world.ann.block("bob")
        with pytest.raises(YouBlockedThem):
            world.ann.start("bob", "x")
        assert world.ann.can_message("bob").reason == YouBlockedThem.code
        world.olga.set_mode("replies_only")
        with pytest.raises(MessagingUnavailable):
            world.ann.start("cyd", "x")
        assert world.ann.can_message("cyd").reason == MessagingUnavailable.code
        assert people.asked == []

    @pytest.mark.parametrize("answer", [None, {}, (None, None), "friends"], ids=repr)
    def test_an_answer_that_is_none_is_the_hosts_mistake(
        self, world: World, people: People, monkeypatch: pytest.MonkeyPatch, answer: object
    ) -> None:
        monkeypatch.setattr(people, "introduce", lambda *_: answer)
        with world.unchanged(), pytest.raises(InvalidSetting) as caught:
            world.ann.start("bob", "x")
        assert caught.value.details["setting"] == "directory"

    @pytest.mark.promise("EMB-5")
    def test_nothing_but_a_start_asks_the_host(self, world: World, people: People) -> None:
        begun = world.ann.start("bob", "x", key="k")
        people.asked.clear()
        people.fault = Down("whoever asks now did so without need")
        it = begun.conversation
        acts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.start("bob", "x", key="k"),
            lambda: world.ann.start("bob", "y"),
            lambda: world.bob.start("ann", "z"),
            lambda: world.bob.send(it, "z", reply_to=begun.id),
            lambda: world.ann.can_message("bob"),
            lambda: world.bob.can_message("ann"),
            lambda: world.ann.edit(it, begun.id, "X"),
            lambda: world.bob.mark_read(it, through=begun.id),
            lambda: world.bob.hide(it, begun.id),
            lambda: world.ann.delete(it, begun.id),
            lambda: world.bob.mute(it),
            lambda: world.bob.archive(it),
            lambda: world.bob.clear(it),
            lambda: world.bob.accept(it),
            lambda: world.bob.block("cyd"),
            lambda: world.bob.unblock("cyd"),
            lambda: world.bob.set_preferences(Preferences(open_to=OpenTo.CONNECTIONS)),
            lambda: world.bob.conversation_with("cyd"),
            lambda: world.bob.can_see_profile("cyd"),
            lambda: outlook(world.ann, "bob"),
            world.olga.verify,
        )
        for act in acts:
            act()
        assert people.asked == []

    @pytest.mark.promise("EMB-5", "MSG-3")
    def test_a_retry_under_its_key_never_asks(self, world: World, people: People) -> None:
        """Neither for the answer nor for the conflict; also where the recipient is gone since."""
        first = world.ann.start("bob", "x", key="k")
        people.forget("bob")
        people.fault = Down()
        people.asked.clear()
        with world.unchanged():
            assert world.ann.start("bob", "x", key="k").id == first.id
            with pytest.raises(KeyConflict):
                world.ann.start("bob", "another", key="k")
        assert people.asked == []

    @pytest.mark.promise("EMB-5")
    def test_a_conversation_that_only_the_other_has_is_a_start(
        self, harness: Harness, people: People
    ) -> None:
        world = World(harness, policy=Policy(blocked="absorb"), directory=people)
        world.ann.block("bob")
        world.bob.start("ann", "absorbed")
        world.ann.unblock("bob")
        people.asked.clear()
        world.ann.start("bob", "x")
        assert people.asked == [(user("ann"), user("bob"))]

    @pytest.mark.promise("EMB-5")
    def test_what_is_refused_for_its_form_asks_nobody(self, world: World, people: People) -> None:
        for other, body, key in (
            ("ann", "x", "k"),
            ("", "x", "k"),
            ("bob", " ", "k"),
            ("bob", "x", ""),
        ):
            with world.unchanged(), pytest.raises(DmcoreError):
                world.ann.start(other, body, key=key)
        assert people.asked == []

    @pytest.mark.promise("EMB-5")
    def test_it_is_asked_while_nothing_is_held(self, world: World, people: People) -> None:
        """Meanwhile another handle writes to the very rows that the start is about."""
        elsewhere = world.open()

        def write() -> None:
            people.while_asked = None
            for name, other in (("ann", "bob"), ("bob", "ann")):
                box = elsewhere.mailbox(name)
                box.set_preferences(Preferences(typing=False))
                box.block(other)
                box.unblock(other)
            elsewhere.operations("olga").set_mode("read_only")
            elsewhere.operations("olga").set_mode("on")

        for ask in (lambda: world.ann.can_message("bob"), lambda: world.ann.start("bob", "x")):
            people.while_asked = write
            ask()
            assert people.while_asked is None, "it was never asked"
            for box in (world.ann, world.bob):
                box.set_preferences(Preferences())
        assert world.bob.unread() == 1

    # What may happen before it answers ------------------------------------------------------------

    @pytest.mark.promise("EMB-5", "BLOCK-1")
    @pytest.mark.parametrize(
        ("blocker", "blocked", "refusal"),
        [("bob", "ann", RecipientUnavailable), ("ann", "bob", YouBlockedThem)],
    )
    def test_a_block_made_before_the_answer_holds(
        self, world: World, people: People, blocker: str, blocked: str, refusal: type[DmcoreError]
    ) -> None:
        people.while_asked = lambda: world.open().mailbox(blocker).block(blocked)
        with pytest.raises(refusal):
            world.ann.start("bob", "x")
        assert inbox_of(world.ann) == []
        assert world.ann.conversation_with("bob") is None

    @pytest.mark.promise("EMB-5", "GATE-1")
    def test_a_conversation_that_began_before_the_answer_is_replied_to(
        self, harness: Harness, people: People
    ) -> None:
        """The gate refuses Ann, but by then Bob has written to her."""
        gates = (Gate(sender_roles={"welcome"}),)
        world = World(harness, policy=Policy(gates=gates), directory=people)
        with world.unchanged(), pytest.raises(StartRefused):
            world.ann.start("bob", "x")
        open_to_all = World(harness, directory=People("ann", "bob"), mode=None)
        people.while_asked = lambda: open_to_all.bob.start("ann", "hello")
        world.ann.start("bob", "hello yourself")
        assert (world.ann.unread(), world.bob.unread()) == (1, 1)

    @pytest.mark.promise("EMB-5", "MSG-3")
    def test_the_same_key_used_before_the_answer_is_found(
        self, world: World, people: People
    ) -> None:
        elsewhere = world.open().mailbox("ann")
        first: list[UUID] = []

        def start() -> None:
            people.while_asked = None
            first.append(elsewhere.start("bob", "x", key="k").id)

        people.while_asked = start
        assert world.ann.start("bob", "x", key="k").id == first[0]
        assert world.bob.unread() == 1

    # What it says ---------------------------------------------------------------------------------

    @pytest.mark.promise("EMB-5")
    def test_a_directory_that_raises_leaves_nothing_and_is_heard(
        self, world: World, people: People
    ) -> None:
        fault = people.fault = Down("the host says why")
        for attempt in (
            lambda: world.ann.start("bob", "x", key="k"),
            lambda: world.ann.can_message("bob"),
        ):
            with world.unchanged(), pytest.raises(Down) as caught:
                attempt()
            assert caught.value is fault
        people.fault = None
        world.ann.start("bob", "x", key="k")
        assert world.bob.unread() == 1

    @pytest.mark.promise("TEN-1", "GATE-2")
    def test_unknown_and_elsewhere_are_one_answer(self, world: World, people: People) -> None:
        people.know("nora", PLAIN, tenant="north")
        world.dm.mailbox("nora", tenant="north").block("ann")
        answers = []
        permissions = []
        with world.unchanged():
            for other in ("nora", "nobody at all"):
                with pytest.raises(UnknownUser) as caught:
                    world.ann.start(other, "x", key="k")
                answers.append(anatomy(caught.value))
                permissions.append(world.ann.can_message(other))
                assert world.ann.conversation_with(other) is None
        assert answers[0] == answers[1]
        assert permissions[0] == permissions[1]
        assert permissions[0].reason == "unknown_user"

    @pytest.mark.promise("TEN-1")
    def test_who_the_host_does_not_know_starts_with_nobody(self, world: World) -> None:
        for box, other in ((world.dan, "bob"), (world.dan, "eve"), (world.ann, "dan")):
            with world.unchanged(), pytest.raises(UnknownUser):
                box.start(other, "x")

    @pytest.mark.promise("TEN-1", "GATE-1")
    def test_who_left_the_host_keeps_the_conversations_they_have(
        self, world: World, people: People
    ) -> None:
        begun = world.ann.start("bob", "x")
        people.forget("bob")
        world.ann.send(begun.conversation, "y")
        world.ann.start("bob", "z")
        with world.unchanged(), pytest.raises(UnknownUser):
            world.cyd.start("bob", "x")
        with world.unchanged(), pytest.raises(UnknownUser):
            world.bob.start("cyd", "x")

    @pytest.mark.promise("EMB-5")
    @pytest.mark.parametrize(
        "name",
        [
            "42",
            "042",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "0F8FAD5B-D9CB-469F-A165-70867728950E",
            "a-slug_of.words",
            "Zoë",
            "Zoe\u0308",
            "用户 1",
            "'; DROP TABLE dm_message; --",
            "x" * 255,
        ],
    )
    def test_ids_of_any_kind_reach_the_host_as_they_are(
        self, world: World, people: People, name: str
    ) -> None:
        """Nothing is folded: what looks alike is somebody else, whom the host may not know."""
        with world.unchanged(), pytest.raises(UnknownUser):
            world.ann.start(name, "x")
        assert people.asked == [(user("ann"), user(name))]
        people.know(name, PLAIN)
        begun = world.ann.start(name, "x")
        world.dm.mailbox(name).send(begun.conversation, "y")
        assert world.ann.inbox().items[0].other == name
