"""Who blocks sees nothing more; who is blocked cannot find out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dmcore import Action, Mailbox, Policy, RateLimit
from dmcore.adapters.ids import SeededEntropy
from dmcore.errors import (
    AccessDenied,
    DmcoreError,
    InvalidId,
    LimitReached,
    MessagingUnavailable,
    RecipientUnavailable,
    YouBlockedThem,
)
from dmcore.testing.world import (
    ABSORBING,
    MakeWorld,
    World,
    anatomy,
    inbox_of,
    others,
    texts,
    thread_of,
)


def view(world: World, box: Mailbox) -> tuple[object, ...]:
    """Everything that a user and the journal about them show."""
    entries = inbox_of(box)
    return (
        entries,
        [thread_of(box, entry.conversation) for entry in entries],
        box.unread(),
        box.blocked().items,
        world.journal(box.user.id, tenant=box.user.tenant),
    )


STEPS: tuple[Callable[[Mailbox, list[Any]], Any], ...] = (
    lambda bob, _: bob.start("ann", "one", key="1"),
    lambda bob, _: bob.start("ann", "one", key="1"),
    lambda bob, _: bob.start("ann", "two", key="1"),
    lambda bob, made: bob.send(made[0].conversation, "two"),
    lambda bob, made: bob.mark_read(made[0].conversation, through=made[3].id),
    lambda bob, made: bob.send(made[0].conversation, "three"),
    lambda bob, made: bob.send(made[0].conversation, "four"),
    lambda bob, made: bob.send(made[0].conversation, "five"),
    lambda bob, _: bob.start("cyd", "a start"),
    lambda bob, _: bob.start("dan", "a start too many"),
    lambda bob, made: bob.thread(made[0].conversation, limit=2),
    lambda bob, made: bob.thread(made[0].conversation, limit=2, before=made[10].older),
    lambda bob, made: bob.thread(made[0].conversation, after=made[10].newer),
    lambda bob, _: bob.inbox(),
    lambda bob, _: bob.unread(),
    lambda bob, _: bob.blocked(),
    lambda bob, _: bob.block("ann"),
    lambda bob, made: bob.send(made[0].conversation, "six"),
    lambda bob, made: bob.thread(made[0].conversation),
    lambda bob, _: bob.inbox(),
    lambda bob, _: bob.unblock("ann"),
    lambda bob, made: bob.send(made[0].conversation, "seven"),
)


class TestBlocks:
    """Who blocks sees nothing more; who is blocked cannot find out."""

    @pytest.fixture
    def absorbing(self, make_world: MakeWorld) -> World:
        return make_world(ABSORBING)

    # The blocker ----------------------------------------------------------------------------------

    @pytest.mark.promise("BLOCK-1")
    @pytest.mark.parametrize("policy", ["refuse", "absorb"])
    def test_while_ann_blocks_bob_she_cannot_write_to_him(
        self, make_world: MakeWorld, policy: Any
    ) -> None:
        world = make_world(Policy(blocked=policy))
        sent = world.ann.start("bob", "hello")
        world.ann.block("bob")
        with world.unchanged():
            for write, target in (
                (world.ann.send, str(sent.conversation)),
                (world.ann.start, "bob"),
            ):
                with pytest.raises(YouBlockedThem) as caught:
                    write(target, "x")
                assert (caught.value.code, caught.value.details) == ("you_blocked_them", {})
        world.ann.unblock("bob")
        world.ann.send(sent.conversation, "x")

    @pytest.mark.promise("BLOCK-1")
    def test_while_ann_blocks_bob_she_cannot_begin_with_him(self, world: World) -> None:
        world.ann.block("bob")
        with world.unchanged(), pytest.raises(YouBlockedThem):
            world.ann.start("bob", "x")

    @pytest.mark.promise("BLOCK-1")
    @pytest.mark.parametrize("policy", ["refuse", "absorb"])
    def test_the_blocker_sees_nothing_of_the_blocked(
        self, make_world: MakeWorld, policy: Any
    ) -> None:
        """Inbox, pages, unread; what she wrote herself stays in the thread."""
        world = make_world(Policy(blocked=policy, messages=None))
        conversation = world.bob.start("ann", "his 1").conversation
        world.ann.send(conversation, "hers 1")
        world.bob.send(conversation, "his 2")
        world.tick()
        world.cyd.start("ann", "from cyd")
        assert world.ann.unread() == 3

        world.ann.block("bob")
        assert others(inbox_of(world.ann)) == ["cyd"]
        assert world.ann.unread() == 1
        assert texts(thread_of(world.ann, conversation)) == ["hers 1"]
        assert world.ann.thread(conversation).other == "bob"

    @pytest.mark.promise("BLOCK-1")
    def test_an_unblock_brings_back_what_was_there_before(self, world: World) -> None:
        conversation = world.bob.start("ann", "1").conversation
        world.ann.mark_read(conversation, through=world.ann.inbox().items[0].newest)
        world.ann.send(conversation, "2")
        world.bob.send(conversation, "3")
        world.tick()
        world.cyd.start("ann", "from cyd")
        before = inbox_of(world.ann), thread_of(world.ann, conversation), world.ann.unread()
        for _ in range(2):
            world.ann.block("bob")
            world.tick()
            world.ann.unblock("bob")
            after = inbox_of(world.ann), thread_of(world.ann, conversation), world.ann.unread()
            assert after == before
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-1")
    def test_two_who_block_each_other_are_told_of_their_own_block_only(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        world.ann.block("bob")
        world.bob.block("ann")
        with world.unchanged():
            for box, other in ((world.ann, "bob"), (world.bob, "ann")):
                with pytest.raises(YouBlockedThem):
                    box.start(other, "x")
                with pytest.raises(YouBlockedThem):
                    box.send(sent.conversation, "x")
        world.ann.unblock("bob")
        with pytest.raises(RecipientUnavailable):
            world.ann.send(sent.conversation, "x")
        with pytest.raises(YouBlockedThem):
            world.bob.send(sent.conversation, "x")

    @pytest.mark.promise("BLOCK-1")
    def test_a_block_is_between_two_people_of_one_tenant(self, world: World) -> None:
        world.ann.block("bob")
        world.dm.mailbox("bob", tenant="north").start("ann", "other people")
        world.cyd.start("ann", "x")
        world.bob.start("cyd", "x")
        assert others(inbox_of(world.ann)) == ["cyd"]
        assert world.dm.mailbox("ann", tenant="north").blocked().items == ()

    # The blocked, refused -------------------------------------------------------------------------

    @pytest.mark.promise("BLOCK-1", "BLOCK-2")
    def test_the_blocked_get_the_one_answer_for_whoever_cannot_be_reached(
        self, world: World
    ) -> None:
        conversation = world.bob.start("ann", "1").conversation
        world.ann.block("bob")
        world.ann.block("cyd")
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.bob.send(conversation, "2"),
            lambda: world.bob.send(conversation, "2", key="k"),
            lambda: world.bob.start("ann", "2"),
            lambda: world.cyd.start("ann", "first contact"),
        )
        answers = set()
        with world.unchanged():
            for attempt in attempts:
                with pytest.raises(RecipientUnavailable) as caught:
                    attempt()
                answers.add(repr(anatomy(caught.value)))
        assert len(answers) == 1
        (answer,) = answers
        assert "block" not in answer.lower()

    @pytest.mark.promise("BLOCK-2")
    @pytest.mark.parametrize("policy", ["refuse", "absorb"])
    def test_a_block_changes_nothing_that_the_blocked_can_see(
        self, make_world: MakeWorld, policy: Any
    ) -> None:
        world = make_world(Policy(blocked=policy))
        conversation = world.bob.start("ann", "1").conversation
        world.ann.send(conversation, "2")
        before = view(world, world.bob)
        world.tick()
        for act in (world.ann.block, world.ann.unblock, world.ann.block):
            act("bob")
            assert view(world, world.bob) == before

    @pytest.mark.promise("BLOCK-1")
    def test_after_the_unblock_the_two_write_again(self, world: World) -> None:
        conversation = world.bob.start("ann", "1").conversation
        world.ann.block("bob")
        with pytest.raises(RecipientUnavailable):
            world.bob.send(conversation, "2")
        world.ann.unblock("bob")
        world.bob.send(conversation, "3")
        world.ann.send(conversation, "4")
        assert texts(thread_of(world.ann, conversation)) == ["1", "3", "4"]
        assert world.ann.unread() == 2

    # The blocked, absorbed ------------------------------------------------------------------------

    @pytest.mark.promise("BLOCK-2")
    def test_an_absorbed_message_is_for_its_senders_eyes(self, absorbing: World) -> None:
        world = absorbing
        conversation = world.bob.start("ann", "1").conversation
        world.ann.send(conversation, "2")
        world.ann.block("bob")
        before = view(world, world.ann)
        world.tick()
        absorbed = world.bob.send(conversation, "3")

        assert view(world, world.ann) == before
        assert texts(thread_of(world.bob, conversation)) == ["1", "2", "3"]
        (entry,) = inbox_of(world.bob)
        assert (entry.preview, entry.newest) == (absorbed, absorbed.id)
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-2")
    def test_absorbed_messages_are_never_delivered(self, absorbing: World) -> None:
        world = absorbing
        conversation = world.bob.start("ann", "1").conversation
        world.tick()
        world.cyd.start("ann", "in between")
        world.ann.block("bob")
        world.tick()
        world.bob.send(conversation, "absorbed 1")
        world.bob.start("ann", "absorbed 2")
        world.ann.unblock("bob")

        assert others(inbox_of(world.ann)) == ["cyd", "bob"]
        assert world.ann.unread() == 2
        assert texts(thread_of(world.ann, conversation)) == ["1"]
        world.tick()
        world.bob.send(conversation, "2")
        world.ann.send(conversation, "3")
        assert texts(thread_of(world.ann, conversation)) == ["1", "2", "3"]
        assert texts(thread_of(world.bob, conversation)) == [
            "1",
            "absorbed 1",
            "absorbed 2",
            "2",
            "3",
        ]
        assert world.ann.unread() == 3
        assert others(inbox_of(world.ann)) == ["bob", "cyd"]
        assert [it.fact.message for it in world.journal("ann") if it.fact.actor == "bob"] == [
            message.id for message in thread_of(world.ann, conversation) if message.sender == "bob"
        ]
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-2")
    def test_an_absorbed_first_message_leaves_no_trace_for_the_blocker(
        self, absorbing: World
    ) -> None:
        world = absorbing
        world.ann.block("bob")
        before = view(world, world.ann)
        hidden = world.bob.start("ann", "hello")
        world.bob.send(hidden.conversation, "hello?")
        for is_unblocked in (False, True):
            if is_unblocked:
                world.ann.unblock("bob")
            assert view(world, world.ann)[:3] == before[:3]
            with pytest.raises(AccessDenied):
                world.ann.thread(hidden.conversation)
        assert [it.fact.action for it in world.journal("ann")] == [
            Action.USER_BLOCKED,
            Action.USER_UNBLOCKED,
        ]
        assert [it.fact.conversation for it in world.journal("ann")] == [None, None]
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-2")
    @pytest.mark.parametrize("is_known", [False, True], ids=["strangers", "in a conversation"])
    def test_being_absorbed_looks_like_writing_to_someone_who_never_answers(
        self, make_world: MakeWorld, *, is_known: bool
    ) -> None:
        """Two tenants, the same steps, the same bits: in one of them Ann blocks Bob."""
        policy = Policy(
            blocked="absorb",
            messages=RateLimit(6, timedelta(minutes=1)),
            starts=RateLimit(2, timedelta(days=1)),
        )
        world = make_world(policy)
        began_us = world.clock.now_us()
        observed = []
        for tenant in ("blocks", "is silent"):
            dm = world.open(policy, entropy=SeededEntropy("the same for both"))
            bob, ann = dm.mailbox("bob", tenant=tenant), dm.mailbox("ann", tenant=tenant)
            world.clock.set_us(began_us)
            known_as = {}
            if is_known:
                known_as[str(ann.start("bob", "before").conversation)] = "theirs"
            if tenant == "blocks":
                ann.block("bob")
            answers: list[Any] = []
            for step in STEPS:
                world.tick(seconds=5)
                try:
                    answer = step(bob, answers)
                except DmcoreError as error:
                    answer = anatomy(error)
                answers.append(answer)
            answers.append(view(world, bob))
            known_as[str(answers[0].conversation)] = "theirs"
            known_as[str(answers[8].conversation)] = "cyd's"
            shown = repr(answers)
            for conversation, name in known_as.items():
                shown = shown.replace(conversation, name)
            cursors = {answers[10].older, answers[10].newer, answers[11].newer, answers[12].newer}
            for cursor in sorted(filter(None, cursors | {answers[11].older, answers[12].older})):
                shown = shown.replace(cursor, "cursor")
            for later in (answers[18].older, answers[18].newer):
                shown = shown.replace(str(later), "cursor")
            observed.append(shown.replace(f"tenant='{tenant}'", "tenant"))
        assert observed[0] == observed[1]

    @pytest.mark.promise("BLOCK-2", "LIMIT-1", "AUD-1")
    def test_to_ann_her_own_beginning_after_an_absorbed_one_is_the_first(
        self,
        make_world: MakeWorld,
    ) -> None:
        """It counts as a start, it is journaled as one, and the mode treats it as one."""
        policy = Policy(blocked="absorb", starts=RateLimit(1, timedelta(days=1)))
        world = make_world(policy)
        world.ann.block("bob")
        hidden = world.bob.start("ann", "absorbed")
        world.olga.set_mode("replies_only")
        world.bob.send(hidden.conversation, "he may go on in what he has")
        world.bob.start("ann", "in whatever way")
        world.ann.unblock("bob")
        with world.unchanged(), pytest.raises(MessagingUnavailable):
            world.ann.start("bob", "hello")
        world.olga.set_mode("on")

        begun = world.ann.start("bob", "hello")
        assert begun.conversation == hidden.conversation
        assert world.journal("ann")[-1].fact.action is Action.CONVERSATION_STARTED
        told_bob = world.journal("bob")[-1].fact
        assert (told_bob.action, told_bob.actor) == (Action.MESSAGE_SENT, "ann")
        with world.unchanged(), pytest.raises(LimitReached) as caught:
            world.ann.start("cyd", "one too many")
        assert caught.value.limit == "starts"
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-2", "AUD-1")
    def test_to_ann_his_first_message_after_the_unblock_begins_the_conversation(
        self,
        absorbing: World,
    ) -> None:
        world = absorbing
        world.ann.block("bob")
        hidden = world.bob.start("ann", "absorbed")
        world.ann.unblock("bob")
        world.tick()
        arrived = world.bob.send(hidden.conversation, "arrives")

        (entry,) = inbox_of(world.ann)
        assert (entry.preview, entry.unread) == (arrived, 1)
        fact = world.journal("ann")[-1].fact
        assert (fact.action, fact.actor, fact.at_us) == (
            Action.CONVERSATION_STARTED,
            "bob",
            world.clock.now_us(),
        )
        assert world.journal("bob")[-1].fact.action is Action.MESSAGE_SENT
        assert texts(thread_of(world.ann, hidden.conversation)) == ["arrives"]
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-2")
    def test_a_policy_that_changes_does_not_change_what_was_absorbed(
        self, absorbing: World
    ) -> None:
        world = absorbing
        world.ann.block("bob")
        hidden = world.bob.start("ann", "absorbed")
        refusing = world.open(Policy(blocked="refuse"))
        with world.unchanged(), pytest.raises(RecipientUnavailable):
            refusing.mailbox("bob").send(hidden.conversation, "refused")
        refusing.mailbox("ann").unblock("bob")
        assert refusing.mailbox("ann").inbox().items == ()
        assert texts(thread_of(refusing.mailbox("bob"), hidden.conversation)) == ["absorbed"]

    # The list -------------------------------------------------------------------------------------

    @pytest.mark.promise("BLOCK-3")
    def test_the_block_list_is_its_owners_newest_first(self, world: World) -> None:
        for other in ("bob", "cyd", "dan"):
            world.tick()
            world.ann.block(other)
        lines = world.ann.blocked().items
        assert [line.blocked for line in lines] == ["dan", "cyd", "bob"]
        assert lines[0].since_us == world.clock.now_us()
        for box in (world.bob, world.cyd, world.eve):
            assert box.blocked().items == ()

        world.ann.unblock("cyd")
        world.ann.unblock("bob")
        world.tick()
        world.ann.block("bob")
        assert [line.blocked for line in world.ann.blocked().items] == ["bob", "dan"]
        assert world.ann.blocked().items[0].since_us == world.clock.now_us()

    @pytest.mark.promise("BLOCK-3")
    def test_the_profile_of_the_blocker_is_not_shown_to_the_blocked(self, world: World) -> None:
        world.ann.block("bob")
        assert not world.bob.can_see_profile("ann")
        assert world.ann.can_see_profile("bob")
        assert world.cyd.can_see_profile("ann")
        assert world.ann.can_see_profile("ann")
        assert world.dm.mailbox("bob", tenant="north").can_see_profile("ann")
        world.ann.unblock("bob")
        assert world.bob.can_see_profile("ann")

    @pytest.mark.promise("BLOCK-3")
    def test_the_profiles_of_many_are_asked_about_at_once(self, world: World) -> None:
        world.ann.block("bob")
        world.bob.block("cyd")
        world.dan.block("bob")
        everybody = ("ann", "bob", "cyd", "dan", "nobody")
        with world.unchanged():
            assert world.bob.visible_profiles(everybody) == {"bob", "cyd", "nobody"}
            assert world.bob.visible_profiles(("dan", "ann", "dan")) == frozenset()
            assert world.bob.visible_profiles(()) == frozenset()
            assert world.ann.visible_profiles(everybody) == set(everybody)
            assert world.cyd.visible_profiles(everybody) == set(everybody) - {"bob"}
            elsewhere = world.dm.mailbox("bob", tenant="north")
            assert elsewhere.visible_profiles(everybody) == set(everybody)
            with pytest.raises(InvalidId):
                world.bob.visible_profiles(("ann", ""))

    @pytest.mark.promise("BLOCK-3", "AUD-1")
    def test_blocking_twice_is_blocking_once(self, world: World) -> None:
        world.ann.start("bob", "x")
        world.ann.block("bob")
        world.tick()
        with world.unchanged():
            world.ann.block("bob")
            world.ann.unblock("cyd")
        world.ann.unblock("bob")
        with world.unchanged():
            world.ann.unblock("bob")

    @pytest.mark.promise("BLOCK-1", "BLOCK-3")
    def test_a_stranger_can_be_blocked_before_they_ever_write(self, world: World) -> None:
        world.ann.block("zoe")
        with world.unchanged(), pytest.raises(RecipientUnavailable):
            world.dm.mailbox("zoe").start("ann", "x")
        assert [line.blocked for line in world.ann.blocked().items] == ["zoe"]
        assert world.is_sound()
