"""Restricting: what a moderator does, what is kept of it, and who may look at it (MOD-4, MOD-2)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import attrs
import pytest

from dmcore import (
    Action,
    Dossier,
    Mailbox,
    ReportState,
    Restriction,
    RestrictionKind,
    RestrictionReason,
)
from dmcore.domain.instants import LAST_US
from dmcore.errors import (
    AccessDenied,
    DmcoreError,
    InvalidCursor,
    InvalidId,
    InvalidPageSize,
    InvalidRestriction,
    NotRestricted,
)
from dmcore.testing.world import DAY_US, SECOND_US, World, anatomy, facts_of, walked

KINDS = tuple(RestrictionKind)
MADE = {
    RestrictionKind.MUTE: Action.USER_MUTED,
    RestrictionKind.SUSPEND: Action.USER_SUSPENDED,
    RestrictionKind.SHADOW_BAN: Action.USER_SHADOW_BANNED,
}
LIFTED = {
    RestrictionKind.MUTE: Action.USER_UNMUTED,
    RestrictionKind.SUSPEND: Action.USER_UNSUSPENDED,
    RestrictionKind.SHADOW_BAN: Action.USER_SHADOW_BAN_LIFTED,
}
DAY = timedelta(days=1)


def restrict(world: World, user: str, kind: str, **more: Any) -> Restriction:
    """Restrict somebody, for good where nothing else is said."""
    given: dict[str, Any] = {"reason": "spam", **more}
    return world.dm.moderation("mod").restrict(user, kind, **given)


def lift(world: World, user: str, kind: str) -> Restriction:
    return world.dm.moderation("mod").lift(user, kind)


def history_of(world: World, user: str, *, limit: int = 100) -> list[Restriction]:
    """All that was ever decided about somebody, newest first."""
    desk = world.dm.moderation("mod")
    pages = walked(lambda cursor: desk.restrictions(user, limit=limit, cursor=cursor))
    assert all(len(page.items) == limit for page in pages[:-1])
    return [line for page in pages for line in page.items]


def denied(
    world: World, attempt: Callable[[], object], moderator: str, refusal: DmcoreError | None = None
) -> None:
    """What is not a moderator's to do is refused, noted once, and changes nothing else."""
    before = world.journal(moderator)
    with pytest.raises(DmcoreError) as caught:
        attempt()
    assert anatomy(caught.value) == anatomy(refusal or AccessDenied())
    *same, last = world.journal(moderator)
    assert same == before
    assert last.fact.action is Action.RESTRICTION_REFUSED
    assert last.fact.at_us == world.clock.now_us()


def not_lifted(world: World, user: str, kind: str) -> None:
    denied(world, partial(lift, world, user, kind), "mod", NotRestricted())


class TestRestrictions:
    """Restricting: what a moderator does, what is kept of it, and who may look at it."""

    @pytest.mark.promise("MOD-4", "AUD-1")
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_restriction_is_kept_with_reason_end_and_who_decided(
        self, world: World, kind: RestrictionKind
    ) -> None:
        report = world.bob.report("ann", reason="spam")
        made = restrict(world, "ann", kind, for_=DAY, report=report.id)
        now_us = world.clock.now_us()
        line = Restriction(
            tenant=world.ann.user.tenant,
            user=world.ann.user.id,
            number=1,
            kind=kind,
            reason=RestrictionReason.SPAM,
            by=world.dm.moderation("mod").moderator.id,
            since_us=now_us,
            until_us=now_us + DAY_US,
            report=report.id,
        )
        assert made == line
        assert made.until == made.since + DAY
        assert made.ended_at is None
        world.tick()
        ended = lift(world, "ann", kind)
        assert ended == attrs.evolve(line, ended_at_us=now_us + SECOND_US, ended_by=made.by)
        assert ended.ended_at == made.since + timedelta(seconds=1)
        assert history_of(world, "ann") == [ended]
        facts = [entry.fact for entry in world.journal("mod")]
        assert [(it.action, it.actor, it.other, it.report) for it in facts] == [
            (MADE[kind], "mod", "ann", report.id),
            (LIFTED[kind], "mod", "ann", report.id),
        ]
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "AUD-1")
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_user_is_told_of_all_but_a_shadow_ban_and_never_who_decided(
        self, world: World, kind: RestrictionKind
    ) -> None:
        before, others = facts_of(world.ann), facts_of(world.bob)
        restrict(world, "ann", kind)
        lift(world, "ann", kind)
        told = facts_of(world.ann)[len(before) :]
        expected = [] if kind is RestrictionKind.SHADOW_BAN else [MADE[kind], LIFTED[kind]]
        assert [it.action for it in told] == expected
        assert all((it.actor, it.other, it.report) == ("ann", None, None) for it in told)
        assert facts_of(world.bob) == others
        positions = [entry.position for entry in world.journal("ann")]
        assert positions == list(range(1, len(expected) + 1))

    @pytest.mark.promise("MOD-4")
    def test_one_of_a_kind_holds_and_the_next_takes_its_place(self, world: World) -> None:
        first = restrict(world, "ann", "mute", for_=DAY)
        world.tick()
        second = restrict(world, "ann", "mute", reason="harassment")
        now_us = world.clock.now_us()
        banned = restrict(world, "ann", "shadow_ban", until=second.since + DAY)
        assert banned.until == second.since + DAY
        assert history_of(world, "ann") == [
            banned,
            second,
            attrs.evolve(first, ended_at_us=now_us, ended_by=first.by),
        ]
        assert [it.number for it in history_of(world, "ann", limit=1)] == [3, 2, 1]
        assert second.until_us is None
        assert world.dm.moderation("mod").about("ann").restrictions == (second, banned)
        lift(world, "ann", "mute")
        assert world.dm.moderation("mod").about("ann").restrictions == (banned,)
        assert world.is_sound()

    @pytest.mark.promise("MOD-4")
    @pytest.mark.parametrize("kind", KINDS)
    def test_what_ended_by_itself_cannot_be_lifted_and_stays_in_the_history(
        self, world: World, kind: RestrictionKind
    ) -> None:
        made = restrict(world, "ann", kind, for_=timedelta(seconds=10))
        world.tick(seconds=10)
        not_lifted(world, "ann", kind)
        assert world.dm.moderation("mod").about("ann").restrictions == ()
        assert history_of(world, "ann") == [made]
        again = restrict(world, "ann", kind)
        assert history_of(world, "ann") == [again, made]
        assert lift(world, "ann", kind).number == 2
        not_lifted(world, "ann", kind)
        assert world.is_sound()

    @pytest.mark.promise("MOD-4")
    def test_a_clock_that_went_back_leaves_nothing_behind_a_lift(self, world: World) -> None:
        restrict(world, "ann", "mute", for_=timedelta(seconds=10))
        world.tick(seconds=11)
        restrict(world, "ann", "mute")
        lift(world, "ann", "mute")
        world.tick(seconds=-8)
        # The first one would not have ended by now.
        not_lifted(world, "ann", "mute")
        world.ann.start("bob", "x")
        assert world.dm.moderation("mod").about("ann").restrictions == ()
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "AUD-1")
    def test_nobody_restricts_themselves_or_for_a_report_about_somebody_else(
        self, world: World
    ) -> None:
        desk = world.dm.moderation("mod")
        about_bob = world.ann.report("bob", reason="spam").id
        about_mod = world.ann.report("mod", reason="spam").id
        of_north = world.dm.mailbox("ann", tenant="north").report("cyd", reason="spam").id
        denied(world, partial(desk.restrict, "mod", "mute", reason="spam"), "mod")
        denied(world, partial(desk.lift, "mod", "mute"), "mod")
        for report in (about_bob, about_mod, of_north):
            attempt = partial(desk.restrict, "cyd", "mute", reason="spam", report=report)
            denied(world, attempt, "mod")
        assert history_of(world, "cyd") == []
        world.cyd.start("ann", "x")
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "MOD-2")
    def test_nobody_looks_at_what_was_decided_about_themselves(self, world: World) -> None:
        restrict(world, "eve", "shadow_ban")
        desk = world.dm.moderation("eve")
        for look in (desk.restrictions, desk.about):
            denied(world, partial(look, "eve"), "eve")

    @pytest.mark.promise("MOD-4")
    @pytest.mark.parametrize(
        "given",
        [
            {"kind": "exile"},
            {"reason": "they had it coming"},
            {"for_": timedelta(0)},
            {"for_": timedelta(days=-1)},
            {"for_": timedelta(days=36_501)},
            {"for_": 5},
            {"until": datetime(2029, 12, 31, tzinfo=UTC)},
            {"until": datetime(2100, 1, 1)},  # noqa: DTZ001
            {"until": datetime(2140, 1, 1, tzinfo=UTC)},
            # An instant that no datetime in UTC can hold.
            {"until": datetime.max.replace(tzinfo=timezone(-timedelta(hours=14)))},
            {"until": "tomorrow"},
            {"for_": DAY, "until": datetime(2100, 1, 1, tzinfo=UTC)},
        ],
    )
    def test_what_does_not_say_what_it_has_to_changes_nothing(
        self, world: World, given: dict[str, Any]
    ) -> None:
        with world.unchanged(), pytest.raises(InvalidRestriction):
            restrict(world, "ann", **{"kind": "mute", **given})
        with world.unchanged(), pytest.raises(InvalidRestriction):
            lift(world, "ann", "exile")

    @pytest.mark.promise("MOD-4")
    def test_a_restriction_ends_while_there_is_a_calendar(self, world: World) -> None:
        """What was stored could be read by nobody, for good."""
        world.clock.set_us(LAST_US - SECOND_US)
        last = restrict(world, "ann", "mute", for_=timedelta(seconds=1))
        assert last.until == datetime.max.replace(tzinfo=UTC)
        with world.unchanged(), pytest.raises(InvalidRestriction):
            restrict(world, "bob", "mute", for_=timedelta(seconds=2))
        assert history_of(world, "ann") == [last]
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "PAGE-1")
    def test_a_cursor_of_a_history_is_good_for_that_one(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        for user in ("ann", "ann", "bob", "bob"):
            restrict(world, user, "mute")
        cursor = desk.restrictions("ann", limit=1).next
        wrong: tuple[Callable[[], object], ...] = (
            lambda: desk.restrictions("bob", cursor=cursor),
            lambda: world.dm.moderation("mia").restrictions("ann", cursor=cursor),
            lambda: desk.restrictions("ann", cursor="x"),
        )
        for attempt in wrong:
            with pytest.raises(InvalidCursor):
                attempt()
        with pytest.raises(InvalidPageSize):
            desk.restrictions("ann", limit=0)
        with pytest.raises(InvalidId):
            desk.restrictions("")

    @pytest.mark.promise("MOD-4", "MOD-3")
    def test_many_at_once_are_answered_one_by_one(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        asked = ["ann", "mod", "", "bob"]
        made = desk.restrict_each(asked, "suspend", reason="evasion", for_=DAY)
        assert [it.asked for it in made] == asked
        assert [it.error for it in made] == [None, "access_denied", "invalid_id", None]
        assert [it.restriction for it in made if not it.error] == [
            *history_of(world, "ann"),
            *history_of(world, "bob"),
        ]
        ended = desk.lift_each(["ann", "cyd"], RestrictionKind.SUSPEND)
        assert [(it.error, it.restriction) for it in ended] == [
            (None, history_of(world, "ann")[0]),
            ("not_restricted", None),
        ]
        for count in (0, 101):
            with pytest.raises(InvalidPageSize):
                desk.restrict_each(["ann"] * count, "mute", reason="spam")
            with pytest.raises(InvalidPageSize):
                desk.lift_each(["ann"] * count, "mute")

    @pytest.mark.promise("MOD-4", "MOD-3")
    def test_one_id_is_not_taken_for_many_of_one_letter(self, world: World) -> None:
        """A text is a sequence of texts too: ``restrict_each("bob")`` would mute b, o and b."""
        desk = world.dm.moderation("mod")
        restrict(world, "b", "mute")
        with world.unchanged():
            with pytest.raises(InvalidRestriction):
                desk.restrict_each("bob", "mute", reason="spam")
            with pytest.raises(InvalidRestriction):
                desk.lift_each("b", "mute")

    @pytest.mark.promise("MOD-2")
    def test_what_a_moderator_sees_of_a_user_is_an_allow_list(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        sent = world.ann.start("bob", "the door code is zebra")
        assert desk.about("ann") == Dossier(
            user=world.ann.user.id,
            restrictions=(),
            restricted=0,
            reports=dict.fromkeys(ReportState, 0),
        )
        for box in (world.bob, world.cyd, world.dan):
            report = box.report("ann", reason="spam")
        world.ann.report("bob", reason="spam")
        world.dm.mailbox("bob", tenant="north").report("ann", reason="spam")
        desk.take(report.id)
        muted = restrict(world, "ann", "mute", for_=DAY)
        lift(world, "ann", "mute")
        banned = restrict(world, "ann", "shadow_ban")
        assert muted.number == 1
        found = desk.about("ann")
        assert found == Dossier(
            user=world.ann.user.id,
            restrictions=(banned,),
            restricted=2,
            reports={
                **dict.fromkeys(ReportState, 0),
                ReportState.PENDING: 2,
                ReportState.TAKEN: 1,
            },
        )
        for told in ("zebra", str(sent.conversation), str(sent.id), "bob"):
            assert told not in repr(found)

    @pytest.mark.promise("MOD-2")
    def test_metrics_tell_no_count_that_could_be_somebody_in_particular(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        few = desk.metrics()
        assert set(few.reports.values()) == set(few.restrictions.values()) == {None}
        assert set(few.reports) == set(ReportState)
        assert set(few.restrictions) == set(RestrictionKind)
        for number in range(4):
            restrict(world, f"u{number}", "mute")
            restrict(world, f"u{number}", "suspend", for_=DAY)
            world.dm.mailbox(f"r{number}").report("ann", reason="spam")
        assert desk.metrics() == few
        world.dm.moderation("mia").restrict("mod", "mute", reason="other")
        world.bob.report("mod", reason="spam")
        restrict(world, "u9", "suspend", for_=timedelta(seconds=1))
        north = world.dm.moderation("mod", tenant="north")
        north.restrict("ann", "mute", reason="other")
        world.tick()
        # Not those of the moderator, of another tenant, or that have ended.
        assert desk.metrics() == few
        restrict(world, "u4", "mute")
        world.bob.report("ann", reason="spam")
        found = desk.metrics()
        assert found.restrictions == {**few.restrictions, RestrictionKind.MUTE: 5}
        assert found.reports == {**few.reports, ReportState.PENDING: 5}

    @pytest.mark.promise("MOD-4", "TEN-1")
    def test_a_restriction_is_of_one_tenant(self, world: World) -> None:
        world.dm.moderation("mod", tenant="north").restrict("ann", "suspend", reason="other")
        assert history_of(world, "ann") == []
        world.ann.start("bob", "x")
        with pytest.raises(NotRestricted):
            lift(world, "ann", "suspend")

    @pytest.mark.promise("MOD-4", "OPS-1")
    def test_it_works_in_every_mode_and_about_somebody_never_seen(self, world: World) -> None:
        for mode in ("off", "read_only", "replies_only", "on"):
            world.olga.set_mode(mode)
            restrict(world, mode, "mute")
            lift(world, mode, "mute")
            assert history_of(world, mode)[0].ended_by == "mod"
        assert world.is_sound()

    @pytest.mark.promise("MOD-4", "GDPR-1")
    def test_an_erasure_leaves_what_was_decided_under_the_pseudonym(self, world: World) -> None:
        restrict(world, "ann", "shadow_ban")
        world.ann.start("bob", "hidden")
        restrict(world, "ann", "mute")
        world.dm.moderation("ann").restrict("cyd", "mute", reason="other")
        gone = world.olga.erase("ann").pseudonym
        assert [it.by for it in history_of(world, "cyd")] == [gone]
        assert [(it.user, it.number) for it in history_of(world, gone)] == [(gone, 2), (gone, 1)]
        assert history_of(world, "ann") == []
        denied(world, partial(restrict, world, "ann", "mute"), "mod")
        # Nobody is named again who was erased.
        assert world.journal("mod")[-1].fact.other == gone
        assert world.is_sound()


def messaging_of(box: Mailbox, conversation: object) -> list[Callable[[], object]]:
    """Everything about messages that somebody can ask for by looking."""
    here: Any = conversation
    return [
        box.inbox,
        box.requests,
        box.archived,
        box.unread,
        box.changes,
        box.snapshot,
        lambda: box.conversation(here),
        lambda: box.conversation_with("bob"),
        lambda: box.audience(here),
        lambda: box.thread(here),
    ]
