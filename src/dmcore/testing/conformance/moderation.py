"""The moderator's desk: the queue, the life of a report, and many at once (MOD-2, MOD-3)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import attrs
import pytest

from dmcore import (
    Action,
    Fact,
    ModerationDesk,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportState,
)
from dmcore.domain.ids import ReportId
from dmcore.domain.reports import MOVES
from dmcore.errors import (
    AccessDenied,
    DmcoreError,
    IllegalMove,
    InvalidCursor,
    InvalidId,
    InvalidPageSize,
    InvalidReport,
    TakenByAnother,
)
from dmcore.testing.conformance.reports import SHOWING
from dmcore.testing.conformance.sights import NOWHERE, stored
from dmcore.testing.world import MakeWorld, World, anatomy, walked

Act = Callable[[ModerationDesk, ReportLine], ReportLine]

ACTS: dict[ReportMove, Act] = {
    ReportMove.TAKE: lambda desk, it: desk.take(it.id),
    ReportMove.RELEASE: lambda desk, it: desk.release(str(it.id)),
    ReportMove.RESOLVE: lambda desk, it: desk.resolve(it.id, "warned"),
    ReportMove.DISMISS: lambda desk, it: desk.dismiss(it.id),
    ReportMove.REOPEN: lambda desk, it: desk.reopen(it.id),
}
WAYS: dict[ReportState, tuple[ReportMove, ...]] = {
    ReportState.PENDING: (),
    ReportState.TAKEN: (ReportMove.TAKE,),
    ReportState.RESOLVED: (ReportMove.TAKE, ReportMove.RESOLVE),
    ReportState.DISMISSED: (ReportMove.TAKE, ReportMove.DISMISS),
}
NOTED = {
    ReportMove.TAKE: Action.REPORT_TAKEN,
    ReportMove.RELEASE: Action.REPORT_RELEASED,
    ReportMove.RESOLVE: Action.REPORT_RESOLVED,
    ReportMove.DISMISS: Action.REPORT_DISMISSED,
    ReportMove.REOPEN: Action.REPORT_REOPENED,
}
REASONS = ("spam", "threat", "spam", "other", "spam", "threat", "illegal")


def reported(world: World) -> ReportLine:
    """A report of ann's about bob, as a moderator finds it."""
    made = world.ann.report("bob", reason="spam")
    return world.dm.moderation("mod").report(made.id)


def lines_of(desk: ModerationDesk, *, limit: int = 100, **chosen: Any) -> list[ReportLine]:
    """A whole queue."""
    pages = walked(lambda cursor: desk.reports(limit=limit, cursor=cursor, **chosen))
    assert all(len(page.items) == limit for page in pages[:-1])
    return [line for page in pages for line in page.items]


def queued(world: World) -> Iterator[ReportLine]:
    """A queue of reports, two of them of the same instant; ids do not follow time."""
    desk = world.dm.moderation("mod")
    for number, reason in enumerate(REASONS):
        box = (world.ann, world.bob, world.cyd)[number % 3]
        made = box.report("eve", reason=reason, key=f"k{number}")
        yield desk.report(made.id)
        world.tick(seconds=number % 2)


def refused_report(
    world: World,
    desk: ModerationDesk,
    attempt: Callable[[], object],
    refusal: DmcoreError,
    report: UUID,
    **named: Any,
) -> None:
    """Who reaches for a report that is not theirs is refused, and that alone is stored (AUD-1)."""
    moderator = desk.moderator
    before = world.journal(moderator.id, tenant=moderator.tenant)
    with pytest.raises(DmcoreError) as caught:
        attempt()
    assert anatomy(caught.value) == anatomy(refusal)
    *same, entry = world.journal(moderator.id, tenant=moderator.tenant)
    assert same == before
    assert entry.fact == Fact(
        action=Action.REPORT_REFUSED,
        actor=moderator.id,
        report=ReportId(report),
        at_us=world.clock.now_us(),
        **named,
    )


class TestModeration:
    """The moderator's desk: the queue, the life of a report, and many at once."""

    @pytest.mark.promise("MOD-2")
    def test_a_line_is_an_allow_list_without_content(self, make_world: MakeWorld) -> None:
        world = make_world(SHOWING)
        desk = world.dm.moderation("mod")
        assert desk.moderator.id == "mod"
        sent = world.bob.start("ann", "the door code is zebra")
        world.tick()
        made = world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
        line = ReportLine(
            id=made.id,
            origin=ReportOrigin.PARTICIPANT,
            reporter=world.ann.user.id,
            reported=world.bob.user.id,
            conversation=sent.conversation,
            messages=1,
            reason=ReportReason.SPAM,
            flags=(),
            state=ReportState.PENDING,
            taken_by=None,
            outcome=None,
            made_at_us=world.clock.now_us(),
            changed_at_us=world.clock.now_us(),
        )
        assert desk.report(made.id) == line
        assert line.made_at == line.changed_at == made.made_at
        assert lines_of(desk) == [line]
        assert str(sent.id) not in repr(line)
        assert "zebra" not in repr(line)

    @pytest.mark.promise("MOD-2", "PAGE-1")
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_the_queue_is_paged_from_the_oldest_on(self, world: World, limit: int) -> None:
        desk = world.dm.moderation("mod")
        assert desk.reports().items == ()
        made = sorted(queued(world), key=lambda line: (line.made_at_us, line.id))
        desk.take(made[1].id)
        desk.take(made[4].id)
        made = [desk.report(line.id) for line in made]
        assert lines_of(desk, limit=limit) == made
        for state in ReportState:
            expected = [line for line in made if line.state is state]
            assert lines_of(desk, limit=limit, state=state.value) == expected
            for reason in ReportReason:
                both = [line for line in expected if line.reason is reason]
                assert lines_of(desk, limit=limit, state=state, reason=reason) == both
        spam = [line for line in made if line.reason is ReportReason.SPAM]
        assert lines_of(desk, limit=limit, reason="spam") == spam

    @pytest.mark.promise("MOD-2", "PAGE-1")
    def test_a_cursor_is_good_in_its_own_queue_only(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        list(queued(world))
        cursor = desk.reports(limit=1).next
        wrong: tuple[Callable[[], object], ...] = (
            lambda: desk.reports(state="pending", cursor=cursor),
            lambda: desk.reports(reason="spam", cursor=cursor),
            lambda: world.dm.moderation("mia").reports(cursor=cursor),
            lambda: desk.reports(cursor="x"),
        )
        for attempt in wrong:
            with pytest.raises(InvalidCursor):
                attempt()
        for limit in (0, 101):
            with pytest.raises(InvalidPageSize):
                desk.reports(limit=limit)
        with pytest.raises(InvalidReport):
            desk.reports(state="lost")
        with pytest.raises(InvalidReport):
            desk.reports(reason="lost")

    @pytest.mark.promise("MOD-2", "TEN-1")
    def test_reports_of_another_tenant_and_about_oneself_are_not_there(self, world: World) -> None:
        line = reported(world)
        desks = [world.dm.moderation("mod", tenant="north"), world.dm.moderation("bob")]
        attempts = [(desks[0], NOWHERE), *((desk, line.id) for desk in desks)]
        for desk, report in attempts:
            assert lines_of(desk) == []
            refused_report(world, desk, partial(desk.report, report), AccessDenied(), report)
        with pytest.raises(InvalidId):
            desks[0].report("x")

    @pytest.mark.promise("MOD-2", "AUD-1")
    @pytest.mark.parametrize("move", ReportMove)
    def test_whoever_reaches_for_what_is_said_against_them_is_refused_and_noted(
        self, world: World, move: ReportMove
    ) -> None:
        """A look is noted, and so is what would make a report go away. They learn nothing by it."""
        line = reported(world)
        mod = world.dm.moderation("mod")
        here, there = world.dm.moderation("bob"), world.dm.moderation("mod", tenant="north")
        for desk, report in ((here, line.id), (there, line.id), (here, ReportId(NOWHERE))):
            attempt = partial(ACTS[move], desk, attrs.evolve(line, id=report))
            refused_report(world, desk, attempt, AccessDenied(), report)
        assert mod.report(line.id) == line
        noted = len(world.journal("bob"))
        outcome = "warned" if move is ReportMove.RESOLVE else None
        (answer,) = here.bulk([line.id], move, outcome=outcome)
        assert answer.error == "access_denied"
        assert len(world.journal("bob")) == noted + 1
        assert world.is_sound()

    @pytest.mark.promise("MOD-3", "AUD-1")
    @pytest.mark.parametrize("state", ReportState)
    @pytest.mark.parametrize("move", ReportMove)
    def test_every_move_is_the_tables_or_changes_nothing(
        self, world: World, state: ReportState, move: ReportMove
    ) -> None:
        desk = world.dm.moderation("mod")
        line = reported(world)
        for way in WAYS[state]:
            line = ACTS[way](desk, line)
        assert line.state is state
        world.tick()
        before = len(world.journal("mod"))
        after = MOVES.get((state, move))
        if after is None:
            attempt = partial(ACTS[move], desk, line)
            refused_report(world, desk, attempt, IllegalMove(state, move), line.id, other="bob")
            assert desk.report(line.id) == line
            return
        found = ACTS[move](desk, line)
        is_resolved = after is ReportState.RESOLVED
        assert found == attrs.evolve(
            line,
            state=after,
            taken_by=None if after is ReportState.PENDING else desk.moderator.id,
            outcome=ReportOutcome.WARNED if is_resolved else None,
            changed_at_us=world.clock.now_us(),
        )
        assert desk.report(line.id) == found
        (entry,) = world.journal("mod")[before:]
        fact = entry.fact
        assert (fact.action, fact.actor, fact.other) == (NOTED[move], "mod", "bob")
        assert (fact.report, fact.conversation, fact.message) == (line.id, None, None)
        assert world.is_sound()

    @pytest.mark.promise("MOD-3")
    def test_who_took_a_report_finishes_it(self, world: World) -> None:
        mod, mia = world.dm.moderation("mod"), world.dm.moderation("mia")
        line = mod.take(reported(world).id)
        for finish in (ReportMove.RESOLVE, ReportMove.DISMISS):
            attempt = partial(ACTS[finish], mia, line)
            refused_report(world, mia, attempt, TakenByAnother(), line.id, other="bob")
        taking = IllegalMove("taken", "take")
        refused_report(world, mia, partial(mia.take, line.id), taking, line.id, other="bob")
        assert mod.report(line.id) == line
        # It changes hands in the open: both steps are in the journal of who took it over.
        mia.release(line.id)
        assert mia.take(line.id).taken_by == "mia"
        assert [it.fact.action for it in world.journal("mia")][-2:] == [
            Action.REPORT_RELEASED,
            Action.REPORT_TAKEN,
        ]
        refused_report(
            world, mod, partial(mod.dismiss, line.id), TakenByAnother(), line.id, other="bob"
        )
        assert mia.resolve(line.id, ReportOutcome.REFERRED).outcome is ReportOutcome.REFERRED

    @pytest.mark.promise("MOD-3", "AUD-1")
    @pytest.mark.parametrize("move", ReportMove)
    def test_nobody_judges_what_they_reported_themselves(
        self, world: World, move: ReportMove
    ) -> None:
        line = reported(world)
        ann = world.dm.moderation("ann")
        attempt = partial(ACTS[move], ann, line)
        refused_report(world, ann, attempt, AccessDenied(), line.id, other="bob")
        assert ann.report(line.id) == line

    @pytest.mark.promise("MOD-3")
    def test_an_outcome_belongs_to_resolving_and_to_nothing_else(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        line = desk.take(reported(world).id)
        with world.unchanged():
            with pytest.raises(InvalidReport):
                desk.resolve(line.id, "they had it coming")
            answers = [
                *desk.bulk([line.id], "resolve"),
                *desk.bulk([line.id], "dismiss", outcome="warned"),
                *desk.bulk([line.id], "forget"),
            ]
            # Each of its letters would be asked for.
            with pytest.raises(InvalidReport):
                desk.bulk(str(line.id), "dismiss")
        assert [it.error for it in answers] == ["invalid_report"] * 3

    @pytest.mark.promise("MOD-3")
    def test_many_at_once_are_answered_one_by_one(self, world: World) -> None:
        desk = world.dm.moderation("mod")
        made = list(queued(world))
        desk.take(made[1].id)
        asked: list[UUID | str] = [made[0].id, made[1].id, NOWHERE, "no id", str(made[2].id)]
        answers = desk.bulk(asked, ReportMove.TAKE)
        assert [it.asked for it in answers] == [str(it) for it in asked]
        assert [it.error for it in answers] == [
            None,
            "illegal_move",
            "access_denied",
            "invalid_id",
            None,
        ]
        assert [it.report for it in answers if it.error is None] == [
            desk.report(made[0].id),
            desk.report(made[2].id),
        ]
        assert all(it.report is None for it in answers if it.error)
        assert len(lines_of(desk, state="taken")) == 3
        done = desk.bulk([it.id for it in made[:3]], "resolve", outcome="warned")
        assert {it.report and it.report.outcome for it in done} == {ReportOutcome.WARNED}
        for count in (0, 101):
            with pytest.raises(InvalidPageSize):
                desk.bulk([NOWHERE] * count, "take")

    @pytest.mark.promise("MOD-2", "OPS-1")
    def test_moderation_works_in_every_mode(self, world: World) -> None:
        line = reported(world)
        desk = world.dm.moderation("mod")
        for mode in ("off", "read_only", "replies_only", "on"):
            world.olga.set_mode(mode)
            desk.take(line.id)
            desk.dismiss(line.id)
            desk.reopen(line.id)
            assert [it.id for it in lines_of(desk)] == [line.id]

    @pytest.mark.promise("MOD-1", "MOD-3")
    def test_a_reporter_is_not_told_what_becomes_of_it(self, world: World) -> None:
        line = reported(world)
        before = world.ann.changes(), world.bob.changes()
        desk = world.dm.moderation("mod")
        desk.take(line.id)
        desk.resolve(line.id, "restricted")
        assert (world.ann.changes(), world.bob.changes()) == before
        assert "restricted" in stored(world.harness)
