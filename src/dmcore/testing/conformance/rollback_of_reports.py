"""All of a report, of a move and of a look at evidence, or nothing of it, wherever it breaks."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from dmcore import DirectMessages, MessageId, ReportId
from dmcore.adapters.opening import open_on
from dmcore.domain.reports import Report, ReportReason
from dmcore.errors import StoreError
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.reports import SHOWING
from dmcore.testing.faults import Breakdown, BreakingTransactions
from dmcore.testing.world import MakeWorld, World

POLICY = attrs.evolve(SHOWING, evidence_kept=timedelta(hours=1))

Act = Callable[[DirectMessages, ReportId, MessageId], object]


def report(dm: DirectMessages, _: ReportId, message: MessageId) -> object:
    box = dm.mailbox("ann")
    view = box.conversation_with("bob")
    assert view is not None
    return box.report(conversation=view.conversation, messages=[message], reason="spam", key="2")


ACTS: dict[str, Act] = {
    "a report": report,
    "a move": lambda dm, made, _: dm.moderation("mod").release(made),
    "the end": lambda dm, made, _: dm.moderation("mod").resolve(made, "warned"),
    "a look": lambda dm, made, _: dm.moderation("mod").evidence(made),
}


def breaking(world: World, *, after: int) -> DirectMessages:
    return open_on(
        BreakingTransactions(runner_of(world.dm), after=after),
        policy=POLICY,
        clock=world.clock,
        entropy=world.entropy,
    )


class TestRollbackOfReports:
    """All of a report, of a move and of a look at evidence, or nothing, wherever it breaks."""

    @pytest.mark.promise("MOD-1", "MOD-3", "AUD-1", "FEED-2")
    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    def test_a_breakdown_after_any_write_leaves_everything_as_it_was(
        self, make_world: MakeWorld, act: Act
    ) -> None:
        """A look that was not written down was not answered either."""
        world = make_world(POLICY)
        sent = world.bob.start("ann", "x")
        made = world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
        world.dm.moderation("mod").take(made.id)
        self._break(world, lambda dm: act(dm, made.id, sent.id), least=2)

    @pytest.mark.promise("MOD-2", "AUD-1")
    def test_evidence_is_pruned_together_with_the_fact_of_it(self, make_world: MakeWorld) -> None:
        world = make_world(POLICY)
        sent = world.bob.start("ann", "x")
        world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
        world.tick(seconds=3600)
        self._break(world, lambda dm: dm.operations("olga").prune_evidence(), least=3)

    def _break(self, world: World, act: Callable[[DirectMessages], object], *, least: int) -> None:
        after = 0
        while True:
            after += 1
            before = world.harness.contents()
            try:
                act(breaking(world, after=after))
            except Breakdown:
                assert world.harness.contents() == before
                assert world.is_sound()
            else:
                break
        assert after > least
        assert world.harness.contents() != before
        assert world.is_sound()

    @pytest.mark.promise("MOD-1")
    def test_the_store_itself_notices_a_report_that_is_there_already(self, world: World) -> None:
        """Two attempts under one key that do not see each other are one report all the same."""
        made = Report(
            id=ReportId(UUID(int=7)),
            tenant=world.ann.user.tenant,
            reporter=world.ann.user.id,
            reported=world.bob.user.id,
            conversation=None,
            chosen=0,
            reason=ReportReason.SPAM,
            made_at_us=0,
            changed_at_us=0,
        )

        def add(tx: Transaction) -> None:
            tx.reports.add(made, chosen=(), evidence=())

        runner = runner_of(world.dm)
        runner.run(writing(add))
        with world.unchanged(), pytest.raises(StoreError):
            runner.run(writing(add))
