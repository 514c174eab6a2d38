"""The history of a report: what was done with it stays readable, whatever follows (MOD-3)."""

from collections.abc import Callable
from functools import partial

import attrs
import pytest

from dmcore import MadeMove, ReportMove, ReportOutcome
from dmcore.domain.ids import ReportId
from dmcore.errors import AccessDenied, DmcoreError, InvalidCursor, InvalidPageSize
from dmcore.ports.transactions import Actor, Capacity, Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.moderation import refused_report, reported
from dmcore.testing.conformance.sights import NOWHERE
from dmcore.testing.world import World, walked


def judged_twice(world: World) -> ReportId:
    """A report that was resolved, reopened by somebody else, and dismissed by them."""
    mod, mia = world.dm.moderation("mod"), world.dm.moderation("mia")
    report = reported(world).id
    acts: tuple[Callable[[], object], ...] = (
        lambda: mod.take(report),
        lambda: mod.resolve(report, "warned"),
        lambda: mia.reopen(report),
        lambda: mia.take(report),
        lambda: mia.release(report),
        lambda: mia.take(report),
        lambda: mia.dismiss(report),
    )
    for act in acts:
        world.tick()
        act()
    return report


def done_with(world: World, report: ReportId, *, limit: int = 100) -> list[MadeMove]:
    """The whole history of a report."""
    desk = world.dm.moderation("mod")
    pages = walked(lambda cursor: desk.report_history(report, limit=limit, cursor=cursor))
    assert all(len(page.items) == limit for page in pages[:-1])
    return [made for page in pages for made in page.items]


class TestReportHistory:
    """The history of a report: what was done with it stays readable, whatever follows."""

    @pytest.mark.promise("MOD-3")
    @pytest.mark.parametrize("limit", [1, 3, 7, 100])
    def test_a_reopened_report_keeps_what_came_of_it_before(self, world: World, limit: int) -> None:
        began_us = world.clock.now_us()
        report = judged_twice(world)
        seconds = [(it.at_us - began_us) // 1_000_000 for it in done_with(world, report)]
        assert seconds == [1, 2, 3, 4, 5, 6, 7]
        assert done_with(world, report)[1].at.year > 2000
        assert [
            (it.number, it.move, it.by, it.outcome) for it in done_with(world, report, limit=limit)
        ] == [
            (1, ReportMove.TAKE, "mod", None),
            (2, ReportMove.RESOLVE, "mod", ReportOutcome.WARNED),
            (3, ReportMove.REOPEN, "mia", None),
            (4, ReportMove.TAKE, "mia", None),
            (5, ReportMove.RELEASE, "mia", None),
            (6, ReportMove.TAKE, "mia", None),
            (7, ReportMove.DISMISS, "mia", None),
        ]
        assert world.is_sound()

    @pytest.mark.promise("MOD-3")
    def test_what_is_refused_is_no_part_of_it(self, world: World) -> None:
        report = judged_twice(world)
        before = done_with(world, report)
        mod = world.dm.moderation("mod")
        attempts: tuple[Callable[[], object], ...] = (
            lambda: mod.release(report),
            lambda: mod.resolve(report, "warned"),
            lambda: world.dm.moderation("ann").reopen(report),
            lambda: world.dm.moderation("bob").reopen(report),
            lambda: world.dm.moderation("mod", tenant="north").reopen(report),
        )
        for attempt in attempts:
            with pytest.raises(DmcoreError):
                attempt()
        assert done_with(world, report) == before
        fresh = world.cyd.report("bob", reason="spam").id
        assert done_with(world, fresh) == []

    @pytest.mark.promise("MOD-2", "TEN-1", "AUD-1")
    def test_who_may_not_find_the_report_finds_no_history_of_it(self, world: World) -> None:
        """To who is reported, and to another tenant, it is as one that is not there."""
        report = judged_twice(world)
        for desk, asked in (
            (world.dm.moderation("bob"), report),
            (world.dm.moderation("mod", tenant="north"), report),
            (world.dm.moderation("mod"), NOWHERE),
        ):
            attempt = partial(desk.report_history, asked)
            refused_report(world, desk, attempt, AccessDenied(), asked)
        # Who reported reads it where they are a moderator too: they may not move it.
        assert len(world.dm.moderation("ann").report_history(report).items) == 7

    @pytest.mark.promise("PAGE-1")
    def test_a_cursor_is_good_in_its_own_history_only(self, world: World) -> None:
        report = judged_twice(world)
        desk = world.dm.moderation("mod")
        cursor = desk.report_history(report, limit=1).next
        other = desk.take(world.cyd.report("bob", reason="spam").id).id
        wrong: tuple[Callable[[], object], ...] = (
            lambda: desk.report_history(other, cursor=cursor),
            lambda: world.dm.moderation("mia").report_history(report, cursor=cursor),
            lambda: desk.report_history(report, cursor="x"),
        )
        for attempt in wrong:
            with pytest.raises(InvalidCursor):
                attempt()
        for limit in (0, 101):
            with pytest.raises(InvalidPageSize):
                desk.report_history(report, limit=limit)

    @pytest.mark.promise("GDPR-1")
    def test_an_erased_moderator_has_a_pseudonym_in_it(self, world: World) -> None:
        report = judged_twice(world)
        twin = world.dm.mailbox("ann", tenant="north").report("bob", reason="spam").id
        desk = world.dm.moderation("mia", tenant="north")
        desk.take(twin)
        gone = world.olga.erase("mia").pseudonym
        assert [it.by for it in done_with(world, report)] == ["mod"] * 2 + [gone] * 5
        assert [it.by for it in desk.report_history(twin).items] == ["mia"]
        assert world.is_sound()
        assert not world.olga.erase("mia").has_changed

    @pytest.mark.promise("OPS-5")
    @pytest.mark.parametrize("move", [ReportMove.TAKE, ReportMove.REOPEN])
    def test_a_history_that_leads_elsewhere_is_named(self, world: World, move: ReportMove) -> None:
        report = judged_twice(world)
        made = done_with(world, report)[-1]

        def add(tx: Transaction) -> None:
            assert tx.reports.last_move(report) == 7
            tx.reports.add_move(attrs.evolve(made, number=8, move=move))

        call = writing(add).by(Actor(Capacity.OPERATOR, world.olga.operator))
        runner_of(world.dm).run(call)
        (finding,) = world.olga.verify()
        assert finding.rule == "reports that do not stand where they were moved"

    @pytest.mark.promise("OPS-5")
    def test_a_hole_in_a_history_is_named(self, world: World) -> None:
        report = judged_twice(world)
        made = done_with(world, report)[-1]

        def add(tx: Transaction) -> None:
            tx.reports.add_move(attrs.evolve(made, number=9))

        call = writing(add).by(Actor(Capacity.OPERATOR, world.olga.operator))
        runner_of(world.dm).run(call)
        (finding,) = world.olga.verify()
        assert finding.rule == "reports that do not stand where they were moved"
