"""A first message that asks for consent: what may follow it, and what nobody finds out."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from dmcore import Action, Policy, RateLimit
from dmcore.domain.conversation import Folder, Request
from dmcore.errors import AccessDenied, LimitReached, NoRequest, NotAcceptedYet
from dmcore.testing.directory import PLAIN, STAFF, People
from dmcore.testing.harness import Harness
from dmcore.testing.world import (
    MakeWorld,
    World,
    anatomy,
    asking,
    facts_of,
    inbox_of,
    others,
    requests_of,
    text_of,
    texts,
    thread_of,
)


class TestRequests:
    """A first message that asks for consent: what may follow it, and what nobody finds out."""

    @pytest.fixture
    def world(self, make_world: MakeWorld) -> Iterator[World]:
        """A world in which first messages ask; it is sound whatever a test did to it."""
        made = make_world(asking())
        yield made
        assert made.is_sound()

    # The recipient --------------------------------------------------------------------------------

    @pytest.mark.promise("REQ-1")
    def test_a_first_message_is_a_request_and_counts_nowhere_else(self, world: World) -> None:
        sent = world.ann.start("bob", "may I?")
        (line,) = world.bob.requests().items
        assert (line.conversation, line.other, line.newest) == (sent.conversation, "ann", sent.id)
        assert line.preview is not None
        assert (text_of(line.preview), line.unread) == ("may I?", 1)
        assert inbox_of(world.bob) == []
        assert world.bob.unread() == 0
        assert world.bob.archived().items == ()
        snapshot = world.bob.snapshot()
        assert (snapshot.unread, snapshot.inbox.items) == (0, ())
        view = world.bob.conversation(sent.conversation)
        assert (view.folder, view.request) == (Folder.REQUESTS, Request.PENDING)
        assert texts(thread_of(world.bob, sent.conversation)) == ["may I?"]
        assert others(inbox_of(world.ann)) == ["bob"]
        assert requests_of(world.ann) == []

    @pytest.mark.promise("REQ-1")
    def test_under_an_open_policy_nothing_asks(self, make_world: MakeWorld) -> None:
        world = make_world()
        sent = world.ann.start("bob", "x")
        world.ann.send(sent.conversation, "y")
        assert requests_of(world.bob) == []
        assert world.bob.unread() == 2

    @pytest.mark.promise("REQ-1", "READ-3")
    def test_accepting_moves_it_to_the_inbox_and_opens_it_both_ways(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        world.bob.accept(sent.conversation)
        assert requests_of(world.bob) == []
        assert [entry.unread for entry in inbox_of(world.bob)] == [1] == [world.bob.unread()]
        for number in range(3):
            world.ann.send(sent.conversation, str(number))
        world.bob.send(sent.conversation, "hello")
        assert (world.ann.unread(), world.bob.unread()) == (1, 4)
        for box in (world.ann, world.bob):
            told = [fact for fact in facts_of(box) if fact.action is Action.REQUEST_ACCEPTED]
            assert [(fact.actor, fact.conversation) for fact in told] == [
                ("bob", sent.conversation)
            ]

    @pytest.mark.promise("REQ-1")
    @pytest.mark.parametrize("by", ["send", "start"])
    def test_answering_accepts(self, world: World, by: str) -> None:
        sent = world.ann.start("bob", "x")
        if by == "send":
            world.bob.send(sent.conversation, "yes")
        else:
            world.bob.start("ann", "yes")
        assert requests_of(world.bob) == requests_of(world.ann) == []
        assert others(inbox_of(world.bob)) == ["ann"]
        for number in range(3):
            world.ann.send(sent.conversation, str(number))
        assert world.bob.unread() == 4

    @pytest.mark.promise("REQ-1")
    def test_only_a_request_can_be_declined_and_only_by_who_was_asked(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        opened = world.cyd.start("bob", "x").conversation
        world.bob.accept(opened)
        with world.unchanged():
            for box, conversation in ((world.ann, sent.conversation), (world.bob, opened)):
                with pytest.raises(NoRequest):
                    box.decline(conversation)
                box.accept(conversation)
            for act in (world.dan.accept, world.dan.decline):
                with pytest.raises(AccessDenied):
                    act(sent.conversation)
        with world.unchanged(), pytest.raises(NotAcceptedYet):
            world.ann.send(sent.conversation, "accepting one's own request is nothing")

    @pytest.mark.promise("REQ-1")
    def test_declining_takes_it_off_every_list_and_declining_twice_is_once(
        self, world: World
    ) -> None:
        sent = world.ann.start("bob", "x")
        world.bob.decline(sent.conversation)
        with world.unchanged():
            world.bob.decline(sent.conversation)
        for page in (world.bob.inbox(), world.bob.requests(), world.bob.archived()):
            assert page.items == ()
        assert world.bob.unread() == 0
        view = world.bob.conversation(sent.conversation)
        assert (view.folder, view.request) == (None, Request.DECLINED)

    @pytest.mark.promise("REQ-1", "READ-3")
    def test_what_was_declined_can_be_accepted_or_answered_later(self, world: World) -> None:
        for box, other in ((world.ann, "bob"), (world.cyd, "bob")):
            conversation = box.start(other, "x").conversation
            world.bob.decline(conversation)
            if box is world.ann:
                world.bob.accept(conversation)
            else:
                world.bob.send(conversation, "after all")
            box.send(conversation, "thank you")
            box.send(conversation, "so much")
        assert others(inbox_of(world.bob)) == ["cyd", "ann"]
        assert world.bob.unread() == 6

    @pytest.mark.promise("REQ-1")
    def test_what_follows_a_declined_request_is_listed_and_told_to_nobody(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(asking(3))
        sent = world.ann.start("bob", "1")
        world.bob.decline(sent.conversation)
        lists = world.bob.inbox(), world.bob.requests(), world.bob.archived(), world.bob.snapshot()
        feed = facts_of(world.bob)
        second = world.ann.send(sent.conversation, "2")
        world.ann.start("bob", "3")
        world.ann.edit(sent.conversation, second.id, "two")
        assert texts(thread_of(world.ann, sent.conversation)) == ["1", "two", "3"]
        assert facts_of(world.bob)[: len(feed)] == feed
        news = {fact.action for fact in facts_of(world.bob)[len(feed) :]}
        assert Action.MESSAGE_SENT not in news
        after = world.bob.inbox(), world.bob.requests(), world.bob.archived()
        assert after == lists[:3]
        assert world.bob.unread() == 0
        world.bob.accept(sent.conversation)
        assert world.bob.unread() == 3
        assert world.is_sound()

    # The sender -----------------------------------------------------------------------------------

    @pytest.mark.promise("REQ-1")
    @pytest.mark.parametrize("most", [1, 2, 5])
    def test_exactly_as_many_messages_as_allowed_may_be_written(
        self, make_world: MakeWorld, most: int
    ) -> None:
        """However they are written; a retry is none, and one that was deleted still is one."""
        world = make_world(asking(most))
        first = world.ann.start("bob", "1", key="1")
        for number in range(2, most + 1):
            if number % 2:
                world.ann.start("bob", str(number))
            else:
                world.ann.send(first.conversation, str(number))
            world.ann.start("bob", "1", key="1")
        world.ann.delete(first.conversation, first.id)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.send(first.conversation, "one too many"),
            lambda: world.ann.start("bob", "one too many"),
            lambda: world.ann.send(first.conversation, "one too many", reply_to=first.id),
        )
        errors = []
        with world.unchanged():
            for attempt in attempts:
                with pytest.raises(NotAcceptedYet) as caught:
                    attempt()
                errors.append(anatomy(caught.value))
                assert caught.value.details == {"most": most}
            assert world.ann.start("bob", "1", key="1").id == first.id
        assert errors == [errors[0]] * 3
        assert world.bob.requests().items[0].unread == most - 1
        assert world.is_sound()

    @pytest.mark.promise("REQ-1")
    def test_each_conversation_has_an_allowance_of_its_own(self, world: World) -> None:
        for other in ("bob", "cyd", "dan"):
            world.ann.start(other, "x")
            with pytest.raises(NotAcceptedYet):
                world.ann.start(other, "y")

    @pytest.mark.promise("REQ-1")
    def test_clearing_gives_no_second_first_message(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        world.ann.clear(sent.conversation)
        world.ann.archive(sent.conversation)
        with world.unchanged(), pytest.raises(NotAcceptedYet):
            world.ann.start("bob", "y")

    @pytest.mark.promise("REQ-1")
    def test_hiding_a_request_is_no_acceptance(self, make_world: MakeWorld) -> None:
        world = make_world(asking(2))
        sent = world.ann.start("bob", "1")
        world.bob.hide(sent.conversation, sent.id)
        assert requests_of(world.bob) == []
        world.ann.send(sent.conversation, "2")
        assert [entry.unread for entry in requests_of(world.bob)] == [1]
        assert world.bob.unread() == 0
        with pytest.raises(NotAcceptedYet):
            world.ann.send(sent.conversation, "3")
        assert world.is_sound()

    @pytest.mark.promise("REQ-1")
    def test_archiving_a_request_is_no_acceptance(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.bob.archive(sent.conversation)
        world.bob.mute(sent.conversation)
        assert others(requests_of(world.bob)) == ["ann"]
        assert world.bob.archived().items == ()
        with pytest.raises(NotAcceptedYet):
            world.ann.send(sent.conversation, "2")

    @pytest.mark.promise("REQ-1")
    def test_conversations_from_before_the_policy_stay_open(self, make_world: MakeWorld) -> None:
        world = make_world()
        sent = world.ann.start("bob", "x")
        later = world.open(asking())
        for _ in range(3):
            later.mailbox("ann").send(sent.conversation, "y")
        assert requests_of(world.bob) == []
        later.mailbox("ann").start("cyd", "z")
        assert others(requests_of(world.cyd)) == ["ann"]

    @pytest.mark.promise("REQ-1", "GATE-1")
    def test_staff_asks_for_no_consent(self, harness: Harness) -> None:
        people = People("bob")
        people.know("ann", STAFF)
        people.know("cyd", PLAIN)
        world = World(harness, policy=asking(), directory=people)
        for _ in range(3):
            world.ann.start("bob", "x")
        world.cyd.start("bob", "x")
        assert others(inbox_of(world.bob)) == ["ann"]
        assert others(requests_of(world.bob)) == ["cyd"]

    @pytest.mark.promise("REQ-1", "LIMIT-1")
    def test_a_refusal_for_want_of_consent_costs_nothing(self, make_world: MakeWorld) -> None:
        window = RateLimit(2, timedelta(seconds=60))
        world = make_world()
        limited = world.open(Policy(messages=window, starts=None, requests="ask")).mailbox("ann")
        sent = limited.start("bob", "x")
        for _ in range(5):
            with world.unchanged(), pytest.raises(NotAcceptedYet):
                limited.send(sent.conversation, "y")
        limited.start("cyd", "the second within the window")
        with world.unchanged(), pytest.raises(LimitReached):
            limited.start("dan", "the third")

    @pytest.mark.promise("REQ-1", "READ-2")
    def test_only_what_is_marked_after_accepting_is_told_as_seen(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        world.bob.mark_read(sent.conversation, through=sent.id)
        world.tick()
        world.bob.accept(sent.conversation)
        assert world.bob.unread() == 0
        assert [it.seen_at for it in thread_of(world.ann, sent.conversation)] == [None]
        world.tick()
        second = world.ann.send(sent.conversation, "y")
        world.bob.mark_read(sent.conversation, through=second.id)
        seen = [it.seen_at_us for it in thread_of(world.ann, sent.conversation)]
        assert seen == [world.clock.now_us()] * 2
