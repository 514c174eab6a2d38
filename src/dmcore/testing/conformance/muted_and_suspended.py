"""What a mute and a suspension take, what they leave, and when they end (MOD-4)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from dmcore import DmcoreError, Mailbox, OwnAccount, Permission, Preferences
from dmcore.errors import AccessDenied, MessagingUnavailable, Muted, Suspended, YouBlockedThem
from dmcore.testing.conformance.restrictions import DAY, lift, messaging_of, restrict
from dmcore.testing.conformance.sights import NOWHERE
from dmcore.testing.world import (
    DAY_US,
    SECOND_US,
    MakeWorld,
    World,
    anatomy,
    asking,
    export_of,
    facts_of,
    outlook,
    texts,
)

TEN_SECONDS = timedelta(seconds=10)
QUIET = Preferences(typing=False)


def refused(world: World, attempt: Callable[[], object], error: DmcoreError) -> None:
    """It is refused just so, and changes nothing."""
    with world.unchanged(), pytest.raises(DmcoreError) as caught:
        attempt()
    assert anatomy(caught.value) == anatomy(error)


def account_of(box: Mailbox, *, limit: int = 100) -> OwnAccount:
    """What an export says of its user."""
    (found,) = (it for it in export_of(box, limit=limit) if isinstance(it, OwnAccount))
    return found


class TestMutedAndSuspended:
    """What a mute and a suspension take, what they leave, and when they end."""

    @pytest.mark.promise("MOD-4", "PREF-1")
    def test_nobody_is_told_that_who_is_muted_writes(self, world: World) -> None:
        """There is nothing to wait for, and a sign that comes again and again is a message too."""
        here = world.ann.start("bob", "x").conversation
        world.bob.send(here, "y")
        before = world.ann.audience(here)
        restrict(world, "ann", "mute", for_=TEN_SECONDS)
        assert world.dm.hearer("ann", here) is None
        assert world.ann.audience(here) == before
        assert world.bob.audience(here).presence
        world.tick(seconds=10)
        assert world.dm.hearer("ann", here) == world.bob.user

    @pytest.mark.promise("MOD-4")
    def test_who_is_muted_reads_and_does_not_write(self, world: World) -> None:
        sent = world.ann.start("bob", "x", key="k")
        here = sent.conversation
        reply = world.bob.send(here, "y")
        before = outlook(world.ann, "bob", "cyd")
        exported = export_of(world.ann)
        restrict(world, "ann", "mute", for_=TEN_SECONDS)
        error = Muted(TEN_SECONDS)
        assert error.details == {"retry_after_s": 10.0}
        for attempt in (
            lambda: world.ann.start("cyd", "x"),
            lambda: world.ann.start("bob", "x"),
            lambda: world.ann.send(here, "x"),
            lambda: world.ann.edit(here, sent.id, "z"),
        ):
            refused(world, attempt, error)
        refusal = Permission(is_allowed=False, reason="muted", retry_after=TEN_SECONDS)
        after = outlook(world.ann, "bob", "cyd")
        assert after["permissions"] == {"bob": refusal, "cyd": refusal}
        for same in ("folders", "views", "threads", "unread", "blocked", "preferences"):
            assert after[same] == before[same]
        assert export_of(world.ann)[1:] == exported[1:]
        world.ann.mark_read(here, through=reply.id)
        assert world.bob.thread(here).items[-1].seen_at_us == world.clock.now_us()
        world.bob.send(here, "still heard")
        assert texts(world.ann.thread(here))[-1] == "still heard"
        # A retry is the acknowledgement of before (MSG-3); taking back is always possible (MSG-5).
        assert world.ann.send(here, "x", key="k").id == sent.id
        world.ann.delete(here, sent.id)
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "REQ-1")
    def test_who_is_muted_accepts_and_declines(self, make_world: MakeWorld) -> None:
        world = make_world(asking())
        here = world.bob.start("ann", "x").conversation
        restrict(world, "ann", "mute")
        world.ann.decline(here)
        world.ann.accept(here)
        world.bob.send(here, "y")
        refused(world, lambda: world.ann.send(here, "z"), Muted(None))
        assert Muted(None).details == {}
        assert world.ann.can_message("bob") == Permission(is_allowed=False, reason="muted")

    @pytest.mark.promise("MOD-4")
    @pytest.mark.parametrize("kind", ["mute", "suspend"])
    def test_it_ends_at_its_instant_and_not_before(self, world: World, kind: str) -> None:
        here = world.ann.start("bob", "x").conversation
        restrict(world, "ann", kind, for_=TEN_SECONDS)
        world.tick(seconds=9, us=SECOND_US - 1)
        refused_as = {"mute": Muted, "suspend": Suspended}[kind]
        refused(world, lambda: world.ann.send(here, "y"), refused_as(timedelta(microseconds=1)))
        world.tick(seconds=0, us=1)
        world.ann.send(here, "y")
        assert world.ann.can_message("bob").is_allowed
        assert texts(world.ann.thread(here)) == ["x", "y"]

    @pytest.mark.promise("MOD-4")
    @pytest.mark.parametrize("kind", ["mute", "suspend"])
    def test_a_lift_gives_back_at_once(self, world: World, kind: str) -> None:
        here = world.ann.start("bob", "x").conversation
        restrict(world, "ann", kind)
        lift(world, "ann", kind)
        world.ann.send(here, "y")
        assert texts(world.bob.thread(here)) == ["x", "y"]

    @pytest.mark.promise("MOD-4")
    def test_to_who_is_suspended_messaging_is_closed(self, world: World) -> None:
        sent = world.ann.start("bob", "x", key="k")
        here = sent.conversation
        reply = world.bob.send(here, "y")
        restrict(world, "ann", "suspend", for_=DAY)
        own_view: list[Callable[[], object]] = [
            lambda: world.ann.mark_read(here, through=reply.id),
            lambda: world.ann.hide(here, reply.id),
            lambda: world.ann.clear(here),
            lambda: world.ann.mute(here),
            lambda: world.ann.unmute(here),
            lambda: world.ann.archive(here),
            lambda: world.ann.unarchive(here),
            lambda: world.ann.accept(here),
            lambda: world.ann.decline(here),
        ]
        writing: list[Callable[[], object]] = [
            lambda: world.ann.start("cyd", "x"),
            lambda: world.ann.start("bob", "x"),
            lambda: world.ann.send(here, "x"),
            lambda: world.ann.edit(here, sent.id, "z"),
        ]
        for attempt in (*messaging_of(world.ann, here), *own_view, *writing):
            refused(world, attempt, Suspended(DAY))
        # Nor does it tell whether a conversation is there.
        for attempt in messaging_of(world.ann, NOWHERE):
            refused(world, attempt, Suspended(DAY))
        refusal = Permission(is_allowed=False, reason="suspended", retry_after=DAY)
        assert world.ann.can_message("bob") == world.ann.can_message("cyd") == refusal
        # Who writes to them notices nothing.
        world.bob.send(here, "z")
        world.cyd.start("ann", "hello")
        assert world.bob.can_message("ann").is_allowed
        lift(world, "ann", "suspend")
        assert texts(world.ann.thread(here)) == ["x", "y", "z"]
        assert world.ann.unread() == 3
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "GDPR-1", "MSG-5", "BLOCK-3")
    def test_what_protects_stays_open_to_who_is_suspended(self, world: World) -> None:
        sent = world.ann.start("bob", "x", key="k")
        here = sent.conversation
        reply = world.bob.send(here, "the door code is zebra")
        own = account_of(world.ann)
        _, *before = export_of(world.ann)
        restrict(world, "ann", "suspend")
        assert export_of(world.ann) == [attrs.evolve(own, is_suspended=True), *before]
        world.ann.block("cyd")
        world.ann.block("dan")
        world.ann.unblock("dan")
        assert [line.blocked for line in world.ann.blocked().items] == ["cyd"]
        assert not world.cyd.can_see_profile("ann")
        assert world.ann.can_see_profile("bob")
        assert world.ann.visible_profiles(["bob"]) == {"bob"}
        made = world.ann.report(conversation=here, messages=[reply.id], reason="threat")
        assert made.messages == 1
        quiet = Preferences(open_to="nobody")
        world.ann.set_preferences(quiet)
        assert world.ann.preferences() == quiet
        assert world.ann.send(here, "x", key="k").id == sent.id
        world.ann.delete(here, sent.id)
        assert world.bob.thread(here).items[0].is_deleted
        with pytest.raises(AccessDenied):
            world.ann.delete(here, reply.id)
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "OPS-1")
    def test_the_switch_is_named_first_then_the_restriction_then_the_own_block(
        self, world: World
    ) -> None:
        here = world.ann.start("bob", "x").conversation
        world.ann.block("bob")
        restrict(world, "ann", "mute")
        refused(world, lambda: world.ann.send(here, "y"), Muted(None))
        restrict(world, "ann", "suspend")
        refused(world, lambda: world.ann.send(here, "y"), Suspended(None))
        refused(world, lambda: world.ann.thread(here), Suspended(None))
        world.olga.set_mode("off")
        off = MessagingUnavailable("off")
        refused(world, lambda: world.ann.send(here, "y"), off)
        refused(world, lambda: world.ann.thread(here), off)
        refused(world, lambda: world.ann.mark_read(here, through=NOWHERE), off)
        world.olga.set_mode("on")
        for kind in ("suspend", "mute"):
            lift(world, "ann", kind)
        refused(world, lambda: world.ann.send(here, "y"), YouBlockedThem())

    @pytest.mark.promise("GDPR-1", "MOD-4")
    @pytest.mark.parametrize("limit", [1, 100])
    def test_the_own_export_says_what_was_taken_and_until_when(
        self, world: World, limit: int
    ) -> None:
        """Whatever the switch says, as long as it holds, and nobody else's."""
        world.ann.start("bob", "x")
        world.ann.set_preferences(QUIET)
        free = OwnAccount(preferences=QUIET)
        assert account_of(world.ann, limit=limit) == free
        mute = restrict(world, "ann", "mute", for_=TEN_SECONDS)
        suspension = restrict(world, "ann", "suspend", for_=DAY)
        world.olga.set_mode("off")
        suspended = attrs.evolve(
            free, is_suspended=True, suspended_until_us=world.clock.now_us() + DAY_US
        )
        ends_us = world.clock.now_us() + 10 * SECOND_US
        both = attrs.evolve(suspended, is_muted=True, muted_until_us=ends_us)
        assert account_of(world.ann, limit=limit) == both
        assert (both.muted_until, both.suspended_until) == (mute.until, suspension.until)
        assert account_of(world.bob) == OwnAccount(preferences=Preferences())
        world.tick(seconds=9, us=SECOND_US - 1)
        assert account_of(world.ann, limit=limit) == both
        world.tick(seconds=0, us=1)
        assert account_of(world.ann, limit=limit) == suspended
        lift(world, "ann", "suspend")
        assert account_of(world.ann, limit=limit) == free
        assert (free.muted_until, free.suspended_until) == (None, None)

    @pytest.mark.promise("GDPR-1", "MOD-4")
    def test_the_own_export_says_what_was_taken_for_good_and_not_what_was_given_back(
        self, world: World
    ) -> None:
        """Also to who was never here: they come to be there with what is decided of them."""
        free = account_of(world.dan)
        for kind, taken in (
            ("mute", attrs.evolve(free, is_muted=True)),
            ("suspend", attrs.evolve(free, is_suspended=True)),
        ):
            restrict(world, "dan", kind)
            assert export_of(world.dan) == [taken]
            lift(world, "dan", kind)
            assert export_of(world.dan) == [free]

    @pytest.mark.promise("MOD-4", "PREF-1")
    def test_who_is_suspended_is_not_there_to_others(self, world: World) -> None:
        here = world.ann.start("bob", "x").conversation
        world.bob.send(here, "y")
        assert world.bob.audience(here).presence
        restrict(world, "ann", "suspend", for_=TEN_SECONDS)
        found = world.bob.audience(here)
        assert (found.typing, found.presence) == (False, False)
        world.tick(seconds=10)
        assert world.bob.audience(here).presence

    @pytest.mark.promise("MOD-4", "LEAK-1")
    def test_a_refusal_says_until_when_and_nothing_else(self, world: World) -> None:
        restrict(world, "ann", "mute", reason="harassment", for_=DAY)
        with pytest.raises(Muted) as caught:
            world.ann.start("bob", "the door code is zebra")
        told: Any = (str(caught.value), caught.value.details, facts_of(world.ann))
        for secret in ("'mod'", "harassment", "zebra", "bob"):
            assert secret not in repr(told)
