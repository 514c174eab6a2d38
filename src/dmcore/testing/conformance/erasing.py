"""Somebody who is erased is gone from the store, and the others keep what is theirs."""

from collections.abc import Callable

import pytest

from dmcore import Action, Mailbox, Policy, Preferences
from dmcore.errors import (
    AccountErased,
    InvalidSetting,
    NotYourself,
    RecipientUnavailable,
    UnknownUser,
)
from dmcore.testing.conformance.sights import check_counts, news, shown, stored
from dmcore.testing.world import (
    ABSORBING,
    UNLIMITED,
    MakeWorld,
    World,
    anatomy,
    inbox_of,
    others,
    thread_of,
)

SECRET = "what only the one who wrote it may decide about"
WHO = "annabel-0x7c"
EVIDENT = Policy(messages=None, starts=None, blocked="absorb", evidence="reporter_selected")


def lived(world: World) -> Mailbox:
    """Everything that somebody can leave behind, in whosever rows; returns their mailbox."""
    who = world.dm.mailbox(WHO)
    first = who.start("bob", f"{SECRET} 1", key="first")
    place = first.conversation
    kept = world.bob.send(place, "bob's own", reply_to=first.id)
    who.mark_read(place, through=kept.id)
    edited = who.send(place, f"{SECRET} 2", key="edited")
    who.edit(place, edited.id, f"{SECRET} 3")
    who.send(place, f"{SECRET} 4", reply_to=kept.id)
    world.bob.report(conversation=place, messages=[edited.id, kept.id], reason="threat")
    world.bob.report(WHO, reason="spam")
    who.report("eve", reason="other")
    world.cyd.start(WHO, "from cyd")
    who.block("dan")
    world.eve.block(WHO)
    who.start("eve", f"{SECRET} 5")
    world.bob.block(WHO)
    who.edit(place, edited.id, f"{SECRET} 6")
    world.bob.unblock(WHO)
    world.dm.mailbox("zoe").start(WHO, "from zoe")
    return who


class TestErasing:
    """Somebody who is erased is gone from the store, and the others keep what is theirs."""

    @pytest.mark.promise("GDPR-1")
    @pytest.mark.parametrize("most", [1, 2, 500])
    def test_neither_a_text_nor_the_id_is_in_any_row(
        self, make_world: MakeWorld, most: int
    ) -> None:
        world = make_world(EVIDENT)
        lived(world)
        assert SECRET in stored(world.harness)
        assert WHO in stored(world.harness)
        done = world.olga.erase(WHO, most=most)
        assert (done.has_changed, done.is_finished, done.messages) == (True, True, 4)
        assert SECRET not in stored(world.harness)
        assert WHO not in stored(world.harness)
        assert "bob's own" in stored(world.harness)
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1")
    def test_the_other_side_keeps_its_messages_ids_and_order(self, make_world: MakeWorld) -> None:
        world = make_world(EVIDENT)
        who = lived(world)
        had = []
        for box in (world.bob, world.cyd, world.dm.mailbox("zoe")):
            view = box.conversation_with(WHO)
            assert view is not None
            had.append((box, view, thread_of(box, view.conversation)))
        gone = world.olga.erase(WHO).pseudonym
        for box, view, before in had:
            after = thread_of(box, view.conversation)
            assert [it.id for it in after] == [it.id for it in before]
            for old, new in zip(before, after, strict=True):
                if old.sender == who.user.id:
                    assert (new.sender, new.body, new.edited_at) == (gone, None, None)
                else:
                    assert new == old
                assert (new.reply_to, new.thread_id) == (old.reply_to, old.thread_id)
            found = box.conversation(view.conversation)
            assert (found.other, found.newest) == (gone, view.newest)
            assert box.conversation_with(gone) == found
            assert gone in others(inbox_of(box))
            assert box.conversation_with(WHO) is None

    @pytest.mark.promise("GDPR-1", "READ-3")
    def test_unread_is_what_a_recount_says_after_each_step(self, world: World) -> None:
        for partner in (world.bob, world.cyd):
            first = world.ann.start(partner.user.id, "1")
            world.ann.send(first.conversation, "2")
            partner.mark_read(first.conversation, through=first.id)
            world.ann.send(first.conversation, "3")
            partner.send(first.conversation, "4")
        world.dan.start("bob", "5")
        assert (world.bob.unread(), world.cyd.unread()) == (3, 2)
        world.olga.erase("ann", most=1)
        assert (world.bob.unread(), world.cyd.unread()) == (1, 0)
        check_counts(world, "bob", "cyd", "dan")
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "BLOCK-2")
    @pytest.mark.parametrize("policy", [UNLIMITED, ABSORBING], ids=["refuse", "absorb"])
    def test_whoever_writes_to_them_gets_the_one_refusal(
        self, make_world: MakeWorld, policy: Policy
    ) -> None:
        """The same for whom they had blocked, whatever the policy says of blocks."""
        world = make_world(policy)
        it = world.ann.start("bob", "1").conversation
        mine = world.bob.send(it, "2")
        blocked = world.ann.start("cyd", "3").conversation
        world.cyd.send(blocked, "4")
        world.ann.block("cyd")
        world.eve.set_preferences(Preferences(open_to="nobody"))
        with pytest.raises(RecipientUnavailable) as closed:
            world.bob.start("eve", "x")
        gone = world.olga.erase("ann").pseudonym
        attempts: list[Callable[[], object]] = [
            lambda: world.bob.send(it, "x"),
            lambda: world.bob.start("ann", "x"),
            lambda: world.bob.start(gone, "x"),
            lambda: world.bob.edit(it, mine.id, "x"),
            lambda: world.cyd.send(blocked, "x"),
            lambda: world.cyd.start("ann", "x"),
            lambda: world.dan.start("ann", "x"),
        ]
        for attempt in attempts:
            with world.unchanged(), pytest.raises(RecipientUnavailable) as caught:
                attempt()
            assert anatomy(caught.value) == anatomy(closed.value)
        for name in ("ann", gone):
            for box in (world.bob, world.cyd, world.dan):
                assert box.can_message(name).reason == "recipient_unavailable"

    @pytest.mark.promise("GDPR-1")
    def test_under_the_old_id_nothing_is_done_and_nothing_read(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        it, cursor = sent.conversation, world.ann.changes().next
        gone = world.olga.erase("ann").pseudonym
        ann = world.ann
        attempts: list[Callable[[], object]] = [
            lambda: ann.start("bob", "x"),
            lambda: ann.start("cyd", "x"),
            lambda: ann.send(it, "x"),
            lambda: ann.edit(it, sent.id, "x"),
            lambda: ann.delete(it, sent.id),
            lambda: ann.hide(it, sent.id),
            lambda: ann.mark_read(it, through=sent.id),
            lambda: ann.clear(it),
            lambda: ann.block("bob"),
            lambda: ann.unblock("bob"),
            lambda: ann.report("bob", reason="spam"),
            lambda: ann.set_preferences(Preferences(typing=False)),
            lambda: ann.can_message("bob"),
            ann.inbox,
            ann.requests,
            ann.archived,
            ann.unread,
            ann.blocked,
            ann.preferences,
            ann.changes,
            ann.snapshot,
            ann.export,
            lambda: ann.changes(after=cursor),
            lambda: ann.thread(it),
            lambda: ann.conversation(it),
            lambda: ann.conversation_with("bob"),
            lambda: ann.audience(it),
            lambda: ann.can_see_profile("bob"),
            lambda: ann.visible_profiles(["bob"]),
            lambda: world.dm.mailbox(gone),
            lambda: world.dm.operations(gone),
            lambda: world.dm.moderation(gone),
        ]
        for attempt in attempts:
            with world.unchanged(), pytest.raises(AccountErased):
                attempt()
        north = world.dm.mailbox("ann", tenant="north")
        assert north.start("bob", "another ann").sender == "ann"

    @pytest.mark.promise("GDPR-1")
    def test_nobody_brings_the_old_id_back(self, world: World) -> None:
        world.ann.start("bob", "1")
        world.bob.block("ann")
        world.olga.erase("ann")
        attempts: list[Callable[[], object]] = [
            lambda: world.bob.block("ann"),
            lambda: world.cyd.block("ann"),
            lambda: world.cyd.report("ann", reason="spam"),
        ]
        for attempt in attempts:
            with world.unchanged(), pytest.raises(UnknownUser):
                attempt()
        with world.unchanged():
            world.bob.unblock("ann")
            assert world.cyd.can_see_profile("ann")

    @pytest.mark.promise("GDPR-1", "BLOCK-3")
    def test_what_is_left_can_be_read_sorted_blocked_and_reported(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        mine = world.bob.send(first.conversation, "2")
        it = first.conversation
        gone = world.olga.erase("ann").pseudonym
        world.bob.mark_read(it, through=mine.id)
        world.bob.report(conversation=it, messages=[first.id], reason="spam")
        world.bob.report(gone, reason="spam")
        world.bob.block(gone)
        assert [block.blocked for block in world.bob.blocked().items] == [gone]
        assert world.bob.conversation(it).you_block
        assert world.is_sound()
        world.bob.unblock(gone)
        assert world.bob.audience(it).presence is False
        world.bob.delete(it, mine.id)
        world.bob.hide(it, first.id)
        world.bob.archive(it)
        assert shown(world.bob, it) == [None]
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "FEED-1", "BLOCK-2", "MOD-4")
    @pytest.mark.parametrize("most", [1, 2, 500])
    @pytest.mark.parametrize("hidden", [0, 3])
    def test_partners_are_told_once_however_much_there_was_that_they_never_saw(
        self, make_world: MakeWorld, most: int, hidden: int
    ) -> None:
        world = make_world(ABSORBING)
        it = world.ann.start("bob", "1").conversation
        world.bob.send(it, "2")
        world.bob.block("ann")
        for number in range(hidden):
            world.ann.send(it, f"absorbed {number}")
        world.bob.unblock("ann")
        world.dm.moderation("mod").restrict("ann", "shadow_ban", reason="spam")
        for number in range(hidden):
            world.ann.send(it, f"unseen {number}")
        with news(world) as told:
            world.olga.erase("ann", most=most)
        assert told["bob"] == [(Action.PERSON_ERASED, None)]
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "FEED-1", "REQ-1")
    def test_partners_are_told_once_and_whoever_declined_is_not(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(Policy(requests="ask", request_messages=3))
        it = world.ann.start("bob", "1").conversation
        world.bob.send(it, "2")
        declined = world.ann.start("cyd", "3").conversation
        world.cyd.decline(declined)
        with news(world) as told:
            gone = world.olga.erase("ann").pseudonym
        assert told["bob"] == [(Action.PERSON_ERASED, None)]
        assert "cyd" not in told
        fact = world.bob.changes(limit=100).items[-1]
        assert (fact.actor, fact.other, fact.conversation) == (gone, "bob", it)

    @pytest.mark.promise("GDPR-1", "MSG-3")
    def test_a_retry_of_what_was_accepted_before_still_finds_it(self, world: World) -> None:
        sent = world.bob.start("ann", "1", key="k")
        world.olga.erase("ann")
        with world.unchanged():
            assert world.bob.start("ann", "1", key="k") == sent
            assert world.bob.send(sent.conversation, "1", key="k") == sent

    @pytest.mark.promise("GDPR-1", "MSG-5")
    def test_a_history_that_was_cleared_by_hand_is_shredded_too(self, world: World) -> None:
        """Also where it was marked read before, and hidden message by message."""
        it = world.ann.start("bob", f"{SECRET} 1").conversation
        second = world.ann.send(it, f"{SECRET} 2")
        answer = world.bob.send(it, "3")
        world.ann.mark_read(it, through=answer.id)
        world.ann.hide(it, second.id)
        world.bob.hide(it, second.id)
        world.ann.clear(it)
        assert world.olga.erase("ann", most=1).messages == 2
        assert SECRET not in stored(world.harness)
        assert shown(world.bob, it) == [None, "3"]
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1")
    def test_both_of_a_pair_can_be_erased(self, world: World) -> None:
        it = world.ann.start("bob", SECRET).conversation
        world.bob.send(it, f"{SECRET} too")
        world.bob.block("ann")
        for name in ("ann", "bob"):
            assert world.olga.erase(name).is_finished
            assert world.is_sound()
        assert SECRET not in stored(world.harness)

    @pytest.mark.promise("GDPR-1", "OPS-1")
    @pytest.mark.parametrize("mode", ["off", "read_only", "replies_only"])
    def test_it_works_in_every_mode(self, world: World, mode: str) -> None:
        world.ann.start("bob", SECRET)
        world.olga.set_mode(mode)
        assert world.olga.preview_erasure("ann").scope.messages == 1
        assert world.olga.erase("ann").messages == 1
        assert SECRET not in stored(world.harness)

    @pytest.mark.promise("GDPR-1", "TEN-1")
    def test_the_same_id_in_another_tenant_is_somebody_else(self, world: World) -> None:
        north = world.dm.mailbox("ann", tenant="north")
        theirs = north.start("bob", "stays")
        world.ann.start("bob", "goes")
        before = thread_of(north, theirs.conversation)
        done = world.olga.erase("ann")
        assert thread_of(north, theirs.conversation) == before
        assert world.olga.erase("ann", tenant="north").pseudonym != done.pseudonym

    @pytest.mark.promise("GDPR-1")
    def test_an_operator_erases_somebody_else(self, world: World) -> None:
        gone = world.olga.erase("ann").pseudonym
        for act in (world.olga.erase, world.olga.preview_erasure):
            with world.unchanged(), pytest.raises(InvalidSetting):
                act(gone)
            before = world.journal("olga")
            with pytest.raises(NotYourself):
                act("olga")
            *same, last = world.journal("olga")
            assert same == before
            assert (last.fact.action, last.fact.other) == (Action.ERASURE_REFUSED, None)
        for most in (0, 10_001, True):
            with pytest.raises(InvalidSetting):
                world.olga.erase("bob", most=most)
        other = world.dm.operations("otto")
        world.olga.erase("otto")
        attempts: list[Callable[[], object]] = [
            lambda: other.erase("bob"),
            lambda: other.preview_erasure("bob"),
            lambda: other.record_erasures(world.olga.export_erasures().items),
        ]
        for attempt in attempts:
            with world.unchanged(), pytest.raises(AccountErased):
                attempt()
