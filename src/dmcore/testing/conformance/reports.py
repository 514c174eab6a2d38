"""What a participant may report, what is kept of it, and who learns of it (MOD-1)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from dmcore import Action, Policy, RateLimit, ReportReason, ReportReceipt
from dmcore.errors import (
    AccessDenied,
    CannotMessageYourself,
    InvalidId,
    InvalidReport,
    KeyConflict,
    LimitReached,
    MessagingUnavailable,
)
from dmcore.testing.conformance.sights import NOWHERE, PEOPLE, check_all_denied, news, stored
from dmcore.testing.world import ABSORBING, UNLIMITED, MakeWorld, World, facts_of, outlook

SHOWING = attrs.evolve(UNLIMITED, evidence="reporter_selected", reports=None)
FEW = attrs.evolve(UNLIMITED, reports=RateLimit(2, timedelta(hours=1)))


class TestReports:
    """What a participant may report, what is kept of it, and who learns of it."""

    @pytest.mark.promise("MOD-1")
    def test_a_user_a_conversation_and_chosen_messages_can_be_reported(self, world: World) -> None:
        first = world.bob.start("ann", "first")
        second = world.bob.send(first.conversation, "second")
        here = first.conversation
        made = [
            world.ann.report("bob", reason="spam"),
            world.ann.report(conversation=here, reason=ReportReason.THREAT),
            world.ann.report(
                "bob",
                conversation=here,
                messages=[second.id, str(first.id), second.id],
                reason="other",
            ),
            world.ann.report("cyd", reason="harassment"),
        ]
        assert [(it.reported, it.conversation, it.messages, it.reason) for it in made] == [
            ("bob", None, 0, ReportReason.SPAM),
            ("bob", here, 0, ReportReason.THREAT),
            ("bob", here, 2, ReportReason.OTHER),
            ("cyd", None, 0, ReportReason.HARASSMENT),
        ]
        assert {it.made_at_us for it in made} == {world.clock.now_us()}
        assert made[0].made_at == world.ann.report("dan", reason="spam").made_at
        assert len({it.id for it in made}) == 4
        assert world.is_sound()

    @pytest.mark.promise("MOD-1", "AUD-1")
    def test_a_report_is_one_fact_in_the_feed_of_who_made_it_alone(self, world: World) -> None:
        sent = world.bob.start("ann", "the door code is zebra")
        before = len(facts_of(world.ann))
        with news(world) as told:
            made = world.ann.report(
                conversation=sent.conversation, messages=[sent.id], reason="threat"
            )
        assert told == {"ann": [(Action.REPORT_MADE, None)]}
        (fact,) = facts_of(world.ann)[before:]
        assert (fact.actor, fact.other, fact.conversation, fact.message, fact.report) == (
            "ann",
            "bob",
            sent.conversation,
            None,
            made.id,
        )

    @pytest.mark.promise("MOD-1", "BLOCK-2")
    @pytest.mark.parametrize("policy", [UNLIMITED, SHOWING], ids=["never", "reporter selected"])
    def test_nobody_else_can_tell_that_a_report_was_made(
        self, make_world: MakeWorld, policy: Policy
    ) -> None:
        world = make_world(policy)
        sent = world.bob.start("ann", "x")
        everybody = {user: [it for it in PEOPLE if it not in {user, "ann"}] for user in PEOPLE}
        del everybody["ann"]

        def looks() -> dict[str, object]:
            return {user: outlook(world.dm.mailbox(user), *it) for user, it in everybody.items()}

        before = looks(), outlook(world.bob, "ann")
        world.ann.report("bob", conversation=sent.conversation, messages=[sent.id], reason="spam")
        world.ann.report("cyd", reason="illegal")
        assert (looks(), outlook(world.bob, "ann")) == before

    @pytest.mark.promise("MOD-1", "LEAK-1")
    def test_without_a_policy_that_says_so_no_text_is_copied(self, make_world: MakeWorld) -> None:
        world = make_world(UNLIMITED)
        sent = world.bob.start("ann", "the door code is zebra")
        world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="threat")
        world.bob.delete(sent.conversation, sent.id)
        assert "zebra" not in stored(world.harness)

    @pytest.mark.promise("MOD-1", "CONV-1")
    def test_nobody_reports_a_conversation_that_is_not_theirs(self, make_world: MakeWorld) -> None:
        world = make_world(SHOWING)
        sent = world.bob.start("ann", "x")
        here = sent.conversation
        north = world.dm.mailbox("ann", tenant="north")
        check_all_denied(
            world,
            [
                lambda: world.cyd.report(conversation=here, reason="spam"),
                lambda: world.cyd.report("bob", conversation=here, reason="spam"),
                lambda: world.cyd.report(conversation=here, messages=[sent.id], reason="spam"),
                lambda: world.ann.report(conversation=NOWHERE, reason="spam"),
                lambda: north.report(conversation=here, reason="spam"),
                # Nor is it one with anybody else than it is with.
                lambda: world.ann.report("cyd", conversation=here, reason="spam"),
                lambda: world.ann.report("ann", conversation=here, reason="spam"),
            ],
        )

    @pytest.mark.promise("MOD-1", "CONV-2")
    def test_only_messages_of_that_conversation_which_one_sees_can_be_chosen(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(attrs.evolve(SHOWING, blocked="absorb"))
        seen = world.bob.start("ann", "seen")
        here = seen.conversation
        elsewhere = world.cyd.start("ann", "of another conversation")
        foreign = world.cyd.start("bob", "of others")
        hidden = world.bob.send(here, "hidden")
        world.ann.hide(here, hidden.id)
        world.ann.block("bob")
        absorbed = world.bob.send(here, "absorbed")
        world.ann.unblock("bob")

        def choosing(*messages: UUID) -> Callable[[], ReportReceipt]:
            return lambda: world.ann.report(conversation=here, messages=messages, reason="spam")

        unseen = [it.id for it in (elsewhere, foreign, hidden, absorbed)]
        attempts = [choosing(it) for it in (*unseen, NOWHERE)]
        # One that is not theirs spoils the whole.
        check_all_denied(world, [*attempts, *(choosing(seen.id, it) for it in unseen)])
        assert choosing(seen.id)().messages == 1

    @pytest.mark.promise("MOD-1", "BLOCK-1")
    def test_a_block_is_no_reason_not_to_report(self, make_world: MakeWorld) -> None:
        """In either direction; but what a block hides is not seen, so it cannot be chosen."""
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", "x")
        world.ann.block("bob")
        for box in (world.ann, world.bob):
            other = "bob" if box is world.ann else "ann"
            assert box.report(other, reason="harassment").reported == other
            assert box.report(conversation=sent.conversation, reason="spam").reported == other
        with world.unchanged(), pytest.raises(AccessDenied):
            world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
        world.ann.unblock("bob")
        made = world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
        assert made.messages == 1

    @pytest.mark.promise("MOD-1", "OPS-1")
    def test_reporting_works_in_every_mode_but_off(self, world: World) -> None:
        sent = world.bob.start("ann", "x")
        for mode in ("on", "replies_only", "read_only"):
            world.olga.set_mode(mode)
            world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
            world.ann.report("dan", reason="spam")
        world.olga.set_mode("off")
        with world.unchanged():
            for where in (sent.conversation, None):
                with pytest.raises(MessagingUnavailable):
                    world.ann.report("bob", conversation=where, reason="spam")

    @pytest.mark.promise("MOD-1")
    def test_a_report_names_somebody_and_a_reason_that_is_offered(self, world: World) -> None:
        sent = world.bob.start("ann", "x")
        here = sent.conversation
        many = [sent.id] * 21
        invalid: tuple[Callable[[], object], ...] = (
            lambda: world.ann.report(reason="spam"),
            lambda: world.ann.report("bob", messages=[sent.id], reason="spam"),
            lambda: world.ann.report("bob", reason="I just do not like them"),
            lambda: world.ann.report(conversation=here, messages=many, reason="spam"),
        )
        with world.unchanged():
            for attempt in invalid:
                with pytest.raises(InvalidReport) as caught:
                    attempt()
                assert "like them" not in str(caught.value)
            with pytest.raises(CannotMessageYourself):
                world.ann.report("ann", reason="spam")
            with pytest.raises(InvalidId):
                world.ann.report(conversation=here, messages=["x"], reason="spam")

    @pytest.mark.promise("MOD-1")
    def test_a_repeated_key_is_the_same_report(self, make_world: MakeWorld) -> None:
        world = make_world(FEW)
        sent = world.bob.start("ann", "x")
        here = sent.conversation

        def reporting() -> ReportReceipt:
            return world.ann.report(
                conversation=here, messages=[sent.id], reason="spam", key="once"
            )

        made = reporting()
        world.tick()
        world.ann.report("bob", reason="spam")
        with world.unchanged():
            # At no cost to a limit, which is reached by now.
            assert reporting() == made
            with pytest.raises(KeyConflict):
                world.ann.report(conversation=here, messages=[sent.id], reason="threat", key="once")
            with pytest.raises(KeyConflict):
                world.ann.report(conversation=here, reason="spam", key="once")
        # A key is its owner's.
        assert world.bob.report(conversation=here, reason="spam", key="once").id != made.id

    @pytest.mark.promise("MOD-1", "LIMIT-1")
    def test_reports_are_counted_over_a_rolling_window(self, make_world: MakeWorld) -> None:
        world = make_world(FEW)
        world.ann.report("bob", reason="spam")
        world.tick(seconds=1800)
        world.ann.report("bob", reason="spam")
        world.tick(seconds=600)
        with world.unchanged(), pytest.raises(LimitReached) as caught:
            world.ann.report("cyd", reason="spam")
        assert (caught.value.limit, caught.value.retry_after) == ("reports", timedelta(minutes=20))
        world.bob.report("ann", reason="spam")
        world.tick(seconds=1200, us=-1)
        with world.unchanged(), pytest.raises(LimitReached):
            world.ann.report("cyd", reason="spam")
        world.tick(seconds=0, us=1)
        world.ann.report("cyd", reason="spam")
        # A clock that went back by a day keeps nobody waiting for longer than the window.
        world.tick(seconds=-86_400)
        with pytest.raises(LimitReached) as caught:
            world.ann.report("cyd", reason="spam")
        assert caught.value.retry_after == timedelta(hours=1)
