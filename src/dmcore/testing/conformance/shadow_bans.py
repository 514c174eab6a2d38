"""Who is shadow-banned sees all as ever, and nobody else anything of theirs (MOD-4)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from dmcore import Action, OwnAccount, Policy, Preferences, RateLimit
from dmcore.domain.conversation import Request
from dmcore.domain.preferences import OpenTo
from dmcore.errors import (
    AccessDenied,
    LimitReached,
    NotAcceptedYet,
    RecipientUnavailable,
)
from dmcore.testing.conformance.restrictions import lift, restrict
from dmcore.testing.conformance.sights import says, shown
from dmcore.testing.directory import PLAIN, STAFF, People
from dmcore.testing.harness import Harness
from dmcore.testing.world import (
    UNLIMITED,
    MakeWorld,
    World,
    asking,
    facts_of,
    inbox_of,
    outlook,
    requests_of,
    text_of,
    texts,
    thread_of,
)

LIMITED = Policy(
    messages=RateLimit(3, timedelta(seconds=60)), starts=RateLimit(2, timedelta(hours=24))
)


def ban(world: World, **more: Any) -> None:
    restrict(world, "ann", "shadow_ban", **more)


class TestShadowBans:
    """Who is shadow-banned sees all as ever, and nobody else anything of theirs."""

    @pytest.mark.promise("MOD-4", "READ-3", "FEED-1")
    def test_nobody_observes_anything_of_theirs(self, world: World) -> None:
        here = world.ann.start("bob", "before").conversation
        there = world.bob.send(here, "mine").id
        before = outlook(world.bob, "ann"), outlook(world.cyd, "ann")
        ban(world)
        world.tick()
        hidden = world.ann.send(here, "hidden", reply_to=there)
        world.ann.start("cyd", "hidden start")
        world.ann.edit(here, hidden.id, "hidden still")
        world.ann.mark_read(here, through=there)
        assert (outlook(world.bob, "ann"), outlook(world.cyd, "ann")) == before
        assert texts(world.ann.thread(here)) == ["before", "mine", "hidden still"]
        assert [it.other for it in inbox_of(world.ann)] == ["cyd", "bob"]
        with pytest.raises(AccessDenied):
            world.bob.send(here, "x", reply_to=hidden.id)
        assert world.is_sound()

    @pytest.mark.promise("MOD-4")
    def test_it_tells_its_user_nothing(self, world: World) -> None:
        """Their answers are those of somebody who is not banned, in all that they can ask."""
        here = world.ann.start("bob", "x").conversation
        world.bob.send(here, "y")
        before = outlook(world.ann, "bob", "cyd")
        ban(world)
        assert outlook(world.ann, "bob", "cyd") == before
        lift(world, "ann", "shadow_ban")
        assert outlook(world.ann, "bob", "cyd") == before

    @pytest.mark.promise("MOD-4", "LIMIT-1")
    def test_limits_refuse_them_exactly_as_anybody(self, make_world: MakeWorld) -> None:
        world = make_world(LIMITED)
        ban(world)
        for box in (world.ann, world.eve):
            for other in ("bob", "cyd"):
                box.start(other, "x")
            with pytest.raises(LimitReached) as starts:
                box.start("dan", "x")
            box.start("bob", "x")
            with pytest.raises(LimitReached) as messages:
                box.start("bob", "x")
            assert (starts.value.limit, messages.value.limit) == ("starts", "messages")
            assert starts.value.retry_after == timedelta(hours=24)
            assert messages.value.retry_after == timedelta(seconds=60)

    @pytest.mark.promise("MOD-4", "PAIR-2")
    def test_what_exists_only_hidden_is_new_to_the_other_who_starts(self, world: World) -> None:
        ban(world)
        hidden = world.ann.start("bob", "hidden")
        assert world.bob.conversation_with("ann") is None
        with pytest.raises(AccessDenied):
            world.bob.thread(hidden.conversation)
        sent = world.bob.start("ann", "hello")
        assert sent.conversation == hidden.conversation
        assert [it.action for it in facts_of(world.bob)] == [Action.CONVERSATION_STARTED]
        assert shown(world.bob, sent.conversation) == ["hello"]
        assert shown(world.ann, sent.conversation) == ["hidden", "hello"]
        assert world.is_sound()

    @pytest.mark.promise("MOD-4")
    @pytest.mark.parametrize("ends", ["lifted", "by itself"])
    def test_what_was_hidden_stays_hidden_after_it_ended(self, world: World, ends: str) -> None:
        here = world.ann.start("bob", "before").conversation
        ban(world, for_=timedelta(seconds=10))
        world.ann.send(here, "hidden")
        world.ann.start("cyd", "hidden")
        before = outlook(world.bob, "ann"), outlook(world.cyd, "ann")
        if ends == "lifted":
            lift(world, "ann", "shadow_ban")
        world.tick(seconds=10)
        assert (outlook(world.bob, "ann"), outlook(world.cyd, "ann")) == before
        world.ann.send(here, "after")
        world.ann.start("cyd", "after")
        assert shown(world.bob, here) == ["before", "after"]
        assert world.bob.unread() == 2
        assert [it.action for it in facts_of(world.cyd)] == [Action.CONVERSATION_STARTED]
        assert world.cyd.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "MSG-5")
    def test_an_edit_stays_with_them_and_a_text_taken_back_is_gone_for_both(
        self, world: World
    ) -> None:
        """What withdraws a text that others have is never held back (ADR 21)."""
        first = world.ann.start("bob", "first")
        here = first.conversation
        second = world.ann.send(here, "second")
        ban(world)
        feed = facts_of(world.bob)
        world.ann.edit(here, first.id, "not for bob")
        assert shown(world.bob, here) == ["first", "second"]
        assert shown(world.ann, here) == ["not for bob", "second"]
        assert facts_of(world.bob) == feed
        world.ann.delete(here, second.id)
        assert shown(world.bob, here) == ["first", None]
        assert world.bob.unread() == 1
        assert [it.action for it in facts_of(world.bob)[len(feed) :]] == [Action.MESSAGE_DELETED]
        lift(world, "ann", "shadow_ban")
        assert shown(world.bob, here) == ["first", None]
        world.ann.edit(here, first.id, "for bob again")
        assert shown(world.bob, here) == ["for bob again", None]
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "MSG-5", "FEED-1")
    def test_a_text_that_others_have_anyway_is_no_edit_to_them(self, world: World) -> None:
        """Changed while banned and back again after it: a mark would tell of what was between."""
        sent = world.ann.start("bob", "as it was", key="k")
        here = sent.conversation
        ban(world)
        world.ann.edit(here, sent.id, "not for bob")
        lift(world, "ann", "shadow_ban")
        before = outlook(world.bob, "ann")
        world.tick()
        back = world.ann.edit(here, sent.id, "as it was")
        assert outlook(world.bob, "ann") == before
        assert (says(back), back.edited_at_us) == ("as it was", world.clock.now_us())
        assert thread_of(world.ann, here) == [back]
        assert facts_of(world.ann)[-1].action is Action.MESSAGE_EDITED
        world.ann.edit(here, sent.id, "for both")
        assert shown(world.bob, here) == shown(world.ann, here) == ["for both"]
        with world.unchanged():
            assert world.ann.send(here, "as it was", key="k").id == sent.id
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "READ-2")
    def test_their_reading_is_told_to_nobody_and_others_reading_to_them(self, world: World) -> None:
        sent = world.bob.start("ann", "x")
        here = sent.conversation
        own = world.ann.send(here, "y")
        ban(world)
        feed = facts_of(world.bob)
        world.ann.mark_read(here, through=sent.id)
        world.bob.mark_read(here, through=own.id)
        assert world.ann.unread() == 0
        assert world.bob.thread(here).items[0].seen_at_us is None
        assert facts_of(world.bob)[len(feed) :] == [facts_of(world.bob)[-1]]
        assert facts_of(world.bob)[-1].action is Action.MARKED_READ
        assert world.ann.thread(here).items[1].seen_at_us == world.clock.now_us()
        lift(world, "ann", "shadow_ban")
        assert world.bob.thread(here).items[0].seen_at_us is None
        later = world.bob.send(here, "z")
        world.tick()
        world.ann.mark_read(here, through=later.id)
        assert world.bob.thread(here).items[0].seen_at_us == world.clock.now_us()
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "REQ-1")
    def test_they_accept_for_themselves_alone(self, make_world: MakeWorld) -> None:
        world = make_world(asking())
        here = world.bob.start("ann", "x").conversation
        ban(world)
        before = outlook(world.bob, "ann")
        world.ann.accept(here)
        world.ann.send(here, "hidden")
        assert outlook(world.bob, "ann") == before
        assert world.ann.conversation(here).request is None
        assert facts_of(world.ann)[-2].action is Action.REQUEST_ACCEPTED
        with pytest.raises(NotAcceptedYet):
            world.bob.send(here, "y")
        lift(world, "ann", "shadow_ban")
        assert outlook(world.bob, "ann") == before
        world.ann.send(here, "an answer")
        world.bob.send(here, "y")
        assert shown(world.bob, here) == ["x", "an answer", "y"]
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "REQ-1")
    def test_their_request_reaches_nobody_and_waits_as_any(self, make_world: MakeWorld) -> None:
        world = make_world(asking())
        ban(world)
        here = world.ann.start("bob", "hidden").conversation
        assert requests_of(world.bob) == []
        with pytest.raises(NotAcceptedYet):
            world.ann.send(here, "x")
        # The other's own start is no request to who has written already.
        world.bob.start("ann", "hello")
        assert world.ann.conversation(here).request is None
        assert world.bob.conversation(here).request is None
        assert world.bob.conversation(here).request is not Request.PENDING

    @pytest.mark.promise("MOD-4", "PREF-1")
    def test_nobody_sees_them_write_or_be_there_and_they_see_others(self, world: World) -> None:
        here = world.ann.start("bob", "x").conversation
        world.bob.send(here, "y")
        before = world.ann.audience(here)
        assert before.typing
        assert world.dm.hearer("ann", here) == world.bob.user
        ban(world)
        assert world.ann.audience(here) == before
        assert world.dm.hearer("ann", here) is None
        found = world.bob.audience(here)
        assert (found.typing, found.presence) == (False, False)
        # Where they wrote hidden only, they are answered like anybody, and unheard of.
        there = world.ann.start("cyd", "hidden").conversation
        world.cyd.start("ann", "hello")
        assert world.ann.audience(there).presence
        assert not world.cyd.audience(there).presence
        lift(world, "ann", "shadow_ban")
        assert world.bob.audience(here).typing
        assert world.ann.audience(there).presence
        assert world.dm.hearer("ann", there) is None

    @pytest.mark.promise("MOD-4", "PREF-1", "EMB-5")
    @pytest.mark.parametrize("open_to", ["everyone", "connections", "nobody"])
    @pytest.mark.parametrize("who", ["a stranger", "a friend", "staff"])
    def test_after_the_lift_whoever_may_begin_is_heard(
        self, harness: Harness, who: str, open_to: str
    ) -> None:
        """What was hidden stays so; for the other, what comes first now is a start."""
        people = People("bob")
        people.know("ann", STAFF if who == "staff" else PLAIN)
        people.connect("ann", "bob")
        world = World(harness, directory=people)
        ban(world)
        here = world.ann.start("bob", "hidden").conversation
        world.ann.send(here, "hidden too")
        lift(world, "ann", "shadow_ban")
        world.bob.set_preferences(Preferences(open_to=OpenTo(open_to)))
        if who == "a stranger":
            people.disconnect("ann", "bob")
        people.asked.clear()
        assert world.ann.can_message("bob").is_allowed
        assert people.asked == []
        world.ann.send(here, "heard?", key="key")
        world.ann.send(here, "heard?", key="key")
        is_heard = open_to == "everyone" or who == "staff"
        is_heard = is_heard or (open_to == "connections" and who == "a friend")
        expected = ["heard?"] if is_heard else []
        found = inbox_of(world.bob)
        assert [text_of(it.preview) for it in found if it.preview] == expected
        assert len(people.asked) == (open_to != "everyone")
        world.ann.start("bob", "and again?")
        assert world.bob.unread() == 2 * is_heard
        assert len(people.asked) == (open_to != "everyone") * (1 if is_heard else 2)
        assert texts(world.ann.thread(here)) == ["hidden", "hidden too", "heard?", "and again?"]
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "BLOCK-1", "PREF-1")
    def test_what_only_takes_away_holds_for_them_as_for_anybody(self, world: World) -> None:
        """Blocking and closing the inbox protect; reporting tells moderators alone."""
        here = world.bob.start("ann", "x").conversation
        ban(world)
        world.ann.block("bob")
        world.ann.set_preferences(Preferences(open_to="nobody"))
        attempts: list[Callable[[], object]] = [
            lambda: world.bob.send(here, "y"),
            lambda: world.cyd.start("ann", "y"),
        ]
        for attempt in attempts:
            with world.unchanged(), pytest.raises(RecipientUnavailable):
                attempt()
        report = world.ann.report("bob", reason="spam")
        assert world.dm.moderation("mod").report(report.id).reporter == "ann"

    @pytest.mark.promise("MOD-4", "BLOCK-2")
    def test_they_are_refused_where_anybody_would_be(self, world: World) -> None:
        here = world.ann.start("bob", "x").conversation
        world.bob.block("ann")
        world.cyd.set_preferences(Preferences(open_to="nobody"))
        ban(world)
        attempts: list[Callable[[], object]] = [
            lambda: world.ann.send(here, "y"),
            lambda: world.ann.start("cyd", "y"),
        ]
        with world.unchanged():
            for attempt in attempts:
                with pytest.raises(RecipientUnavailable):
                    attempt()
        world.dan.set_preferences(Preferences(open_to="everyone"))
        begun = world.ann.start("dan", "hidden").conversation
        world.dan.set_preferences(Preferences(open_to="nobody"))
        world.ann.send(begun, "hidden too")
        lift(world, "ann", "shadow_ban")
        world.ann.send(begun, "a start in truth")
        assert world.dan.conversation_with("ann") is None
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "MSG-3")
    def test_a_retry_finds_what_was_hidden_and_hides_nothing_that_was_not(
        self, world: World
    ) -> None:
        sent = world.ann.start("bob", "x", key="one")
        ban(world)
        hidden = world.ann.start("bob", "y", key="two")
        assert world.ann.start("bob", "x", key="one") == sent
        lift(world, "ann", "shadow_ban")
        assert world.ann.start("bob", "y", key="two") == hidden
        assert shown(world.bob, sent.conversation) == ["x"]

    @pytest.mark.promise("MOD-4", "PAGE-1")
    def test_pages_of_others_stay_full(self, world: World) -> None:
        here = world.bob.start("ann", "0").conversation
        ban(world)
        for number in range(1, 10):
            world.ann.send(here, "hidden")
            world.bob.send(here, str(number))
            world.ann.start("cyd", "hidden")
            world.dm.mailbox(f"u{number}").start("cyd", "x")
        page = world.bob.thread(here, limit=4)
        assert texts(page) == ["6", "7", "8", "9"]
        assert page.has_more
        assert len(world.cyd.inbox(limit=9).items) == 9
        assert not world.cyd.inbox(limit=9).has_more
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "GDPR-1")
    def test_their_own_export_is_whole_and_says_nothing_of_it(self, world: World) -> None:
        world.ann.start("cyd", "x")
        before = world.ann.export()
        for more in ({"for_": timedelta(days=1)}, {}):
            ban(world, **more)
            assert world.ann.export() == before
        own = before.items[0]
        assert own == OwnAccount(preferences=world.ann.preferences())
        restrict(world, "ann", "mute")
        assert world.ann.export().items[0] == attrs.evolve(own, is_muted=True)
        lift(world, "ann", "mute")
        sent = world.ann.start("bob", "hidden")
        assert sent in world.ann.export().items
        assert all(sent != it for it in world.bob.export().items)

    @pytest.mark.promise("MOD-4")
    def test_both_may_be_banned(self, make_world: MakeWorld) -> None:
        world = make_world(attrs.evolve(UNLIMITED, blocked="absorb"))
        here = world.ann.start("bob", "x").conversation
        for user in ("ann", "bob"):
            restrict(world, user, "shadow_ban")
        world.ann.send(here, "of ann's")
        world.bob.send(here, "of bob's")
        assert shown(world.ann, here) == ["x", "of ann's"]
        assert shown(world.bob, here) == ["x", "of bob's"]
        assert world.is_sound()
