"""An erasure can be previewed, interrupted, repeated, and done again after an older backup."""

import json
from collections.abc import Callable, Iterator

import pytest

from dmcore import Action, ErasureScope, Preferences
from dmcore.adapters.ids import SeededEntropy
from dmcore.errors import (
    AccountErased,
    InvalidCursor,
    InvalidLedger,
    InvalidPageSize,
    RecipientUnavailable,
)
from dmcore.ports.clock import Clock
from dmcore.testing.conformance.erasing import EVIDENT, SECRET, WHO, lived
from dmcore.testing.conformance.sights import stored
from dmcore.testing.world import MakeWorld, World, walked


class Interrupted(Exception):
    """Somebody pulled the plug."""


class StoppingClock:
    """Shows the time once, and then interrupts whoever looks."""

    def __init__(self, clock: Clock) -> None:
        self._readings = iter([clock.now_us()])

    def now_us(self) -> int:
        reading = next(self._readings, None)
        if reading is None:
            raise Interrupted
        return reading


def interruptions(world: World) -> Iterator[None]:
    """Erase, interrupted after each step that looks at a clock, until it is through."""
    while True:
        clock = StoppingClock(world.clock)
        dm = world.harness.open(policy=EVIDENT, clock=clock, entropy=SeededEntropy("again"))
        try:
            dm.operations("olga").erase(WHO, most=1)
        except Interrupted:
            yield
        else:
            return


class TestErasingSteps:
    """An erasure can be previewed, interrupted, repeated, and done again after an older backup."""

    @pytest.mark.promise("GDPR-1")
    def test_it_goes_on_wherever_it_was_interrupted(self, make_world: MakeWorld) -> None:
        """And at every such point everything is sound and the user is closed."""
        world = make_world(EVIDENT)
        who = lived(world)
        begun = 0
        for _ in interruptions(world):
            begun += 1
            assert world.is_sound()
            with pytest.raises(AccountErased):
                who.inbox()
        assert begun > 5
        assert SECRET not in stored(world.harness)
        assert WHO not in stored(world.harness)
        assert world.is_sound()
        told = [entry.fact.action for entry in world.journal("olga")]
        assert told.count(Action.ERASURE_BEGUN) == told.count(Action.ERASURE_FINISHED) == 1

    @pytest.mark.promise("GDPR-1")
    def test_a_second_time_changes_nothing_and_says_so(self, make_world: MakeWorld) -> None:
        world = make_world(EVIDENT)
        lived(world)
        first = world.olga.erase(WHO)
        world.tick()
        with world.unchanged():
            again = world.olga.erase(WHO)
            assert world.olga.reapply_erasures() == ()
        assert (again.pseudonym, again.has_changed, again.is_finished) == (
            first.pseudonym,
            False,
            True,
        )

    @pytest.mark.promise("GDPR-1", "AUD-1", "MOD-2")
    def test_a_preview_counts_and_leaves_a_fact_alone(self, make_world: MakeWorld) -> None:
        world = make_world(EVIDENT)
        lived(world)
        scope = world.olga.preview_erasure(WHO).scope
        assert (scope.conversations, scope.messages, scope.receipts) == (4, 4, 1)
        assert (scope.blocks, scope.reports) == (2, 3)
        assert scope.journal_entries > 20
        entry = world.journal("olga")[-1]
        found = world.olga.preview_erasure(WHO)
        assert (entry.fact.action, entry.fact.other) == (Action.ERASURE_PREVIEWED, found.pseudonym)
        assert (found.began_at_us, found.finished_at_us) == (None, None)
        assert SECRET not in repr(found)
        world.olga.erase(WHO)
        after = world.olga.preview_erasure(WHO)
        assert after.scope == ErasureScope()
        assert None not in (after.began_at_us, after.finished_at_us)

    @pytest.mark.promise("GDPR-1", "AUD-1")
    def test_facts_name_the_pseudonym_and_the_journal_is_kept(self, world: World) -> None:
        world.ann.start("bob", "1")
        world.bob.block("ann")
        before = world.journal("ann")
        gone = world.olga.erase("ann").pseudonym
        assert world.journal("ann") == []
        kept = world.journal(gone)
        assert [it.position for it in kept] == list(range(1, len(before) + 2))
        assert [it.fact.action for it in kept[:-1]] == [it.fact.action for it in before]
        assert kept[0].fact.actor == gone
        for owner in ("bob", "olga", gone):
            for entry in world.journal(owner):
                assert "ann" not in (entry.owner.id, entry.fact.actor, entry.fact.other)
        told = [it.fact for it in world.journal("olga")][-2:]
        assert [(it.action, it.actor, it.other) for it in told] == [
            (Action.ERASURE_BEGUN, "olga", gone),
            (Action.ERASURE_FINISHED, "olga", gone),
        ]

    @pytest.mark.promise("GDPR-1")
    def test_the_ledger_erases_again_what_an_older_backup_brings_back(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(EVIDENT)
        lived(world)
        gone = world.olga.erase(WHO).pseudonym
        lines = world.olga.export_erasures().items
        assert WHO not in repr(lines)
        # What the backup knows: everything, and nothing of the erasure.
        world.harness.clear()
        world = make_world(EVIDENT)
        who = lived(world)
        # Whom it knows is looked up wherever somebody is named, moves of reports too.
        world.dm.moderation("mod").take(world.bob.report("eve", reason="spam").id)
        # By an operator whom this store has never seen.
        assert world.dm.operations("otto").record_erasures(lines) == 1
        with pytest.raises(AccountErased):
            who.inbox()
        with world.unchanged(), pytest.raises(AccountErased):
            who.set_preferences(Preferences(receipts=False))
        # And nobody writes to them, also who has a conversation with them.
        begun = world.bob.conversation_with(WHO)
        assert begun is not None
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.bob.send(begun.conversation, "x"),
            lambda: world.bob.start(WHO, "x"),
            lambda: world.dan.start(WHO, "x"),
        )
        for attempt in attempts:
            with world.unchanged(), pytest.raises(RecipientUnavailable):
                attempt()
        assert [it.fact.action for it in world.journal("otto")] == [
            Action.ERASURES_RECORDED,
            Action.ERASURE_BEGUN,
        ]
        assert [it.rule for it in world.olga.verify()] == ["somebody who was erased is there again"]
        (done,) = world.olga.reapply_erasures()
        assert (done.pseudonym, done.messages, done.is_finished) == (gone, 4, True)
        assert SECRET not in stored(world.harness)
        assert WHO not in stored(world.harness)
        assert world.is_sound()
        with world.unchanged():
            assert world.olga.record_erasures(lines) == 0
            assert world.olga.reapply_erasures() == ()

    @pytest.mark.promise("GDPR-1")
    def test_a_line_that_is_none_takes_nothing_in(self, world: World) -> None:
        world.olga.erase("ann")
        (line,) = world.olga.export_erasures().items
        mark = line.split('"installation": "')[1][:36]
        began = line.split('"began_at_us": ')[1].split(",")[0]
        wrong = (
            *("", "{", "[]", "[" * 100_000, "{}", line.replace("erasure", "else", 1)),
            line.replace(mark, "0" + mark[1:] if mark[0] != "0" else "1" + mark[1:]),
            *(line.replace("erased-", "erased"), line.replace('"erased-', '7, "x": "')),
            *(
                line.replace(began, '"soon"'),
                line.replace(began, "1e3"),
                line.replace(began, "9" * 20),
            ),
            line.replace('"tenant": ""', '"tenant": 7'),
            line.replace('"finished_at_us": ', '"finished_at_us": true, "x": '),
        )
        for text in wrong:
            with world.unchanged(), pytest.raises(InvalidLedger) as caught:
                world.olga.record_erasures([line, text])
            assert caught.value.details == {"line": 2}

    @pytest.mark.promise("GDPR-1")
    def test_a_ledger_of_any_length_is_taken_in(self, make_world: MakeWorld) -> None:
        """Part by part; whom it means is closed whichever part says so, the operator last."""
        world = make_world()
        for name in ("ann", "otto"):
            world.olga.erase(name)
        known = list(world.olga.export_erasures().items)
        world.harness.clear()
        world = make_world()
        world.ann.start("bob", "back again")
        otto = world.dm.operations("otto")
        otto.set_mode("replies_only")
        name = json.loads(known[0])["pseudonym"]
        others = [
            known[0].replace(name, f"erased-00000000-0000-8000-8000-{it:012x}") for it in range(700)
        ]
        with pytest.raises(InvalidLedger) as caught:
            otto.record_erasures(iter([*others[:600], "{}"]))
        assert caught.value.details == {"line": 601}
        assert otto.record_erasures(iter([known[1], *others, known[0], known[1]])) == 202
        with pytest.raises(AccountErased):
            otto.mode()
        with pytest.raises(AccountErased):
            world.ann.inbox()
        assert world.journal("otto")[-1].fact.action is Action.ERASURES_RECORDED
        # Once more, by somebody who is still there: Ann is closed, and the operator is by now.
        assert world.olga.record_erasures(known) == 0
        assert len(world.olga.reapply_erasures()) == 2
        assert len(list(walked(lambda at: world.olga.erasures(limit=100, cursor=at)))) == 8
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "PAGE-1")
    def test_the_ledger_is_read_in_pages(self, world: World) -> None:
        names = {world.olga.erase(name).pseudonym for name in ("ann", "bob", "cyd")}
        pages = walked(lambda cursor: world.olga.erasures(limit=2, cursor=cursor))
        assert [len(page.items) for page in pages] == [2, 1]
        lines = [line for page in pages for line in page.items]
        assert [line.pseudonym for line in lines] == sorted(names)
        assert all(line.finished_at is not None for line in lines)
        assert all(line.began_at <= line.finished_at for line in lines if line.finished_at)
        cursor = world.olga.erasures(limit=1).next
        with pytest.raises(InvalidCursor):
            world.dm.operations("otto").erasures(cursor=cursor)
        written = walked(lambda cursor: world.olga.export_erasures(limit=2, cursor=cursor))
        assert [len(page.items) for page in written] == [2, 1]
        said = [json.loads(line)["pseudonym"] for page in written for line in page.items]
        assert said == sorted(names)
        with pytest.raises(InvalidCursor):
            world.olga.export_erasures(cursor=cursor)
        with pytest.raises(InvalidPageSize):
            world.olga.export_erasures(limit=101)

    @pytest.mark.promise("GDPR-1")
    def test_somebody_who_never_came_can_be_erased_and_never_comes(self, world: World) -> None:
        assert world.olga.erase("nobody").is_finished
        with pytest.raises(AccountErased):
            world.dm.mailbox("nobody").start("bob", "x")
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "READ-2")
    def test_what_partners_were_told_of_their_own_messages_stays(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.bob.mark_read(sent.conversation, through=sent.id)
        seen = world.ann.thread(sent.conversation).items
        assert seen[0].seen_at_us is not None
        world.olga.erase("bob")
        assert world.ann.thread(sent.conversation).items == seen
