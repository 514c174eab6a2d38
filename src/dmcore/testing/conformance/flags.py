"""What screening flags is sent, and reported once without content; nobody else can tell (MOD-5)."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import attrs
import pytest

from dmcore import (
    DirectMessages,
    Flag,
    ModerationDesk,
    Page,
    Policy,
    RateLimit,
    ReportLine,
    ReportOrigin,
    ReportState,
    Submission,
    Verdict,
)
from dmcore.adapters.ids import SeededEntropy
from dmcore.adapters.opening import open_on
from dmcore.errors import AccessDenied, InvalidCursor, InvalidReport
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.moderation import refused_report
from dmcore.testing.conformance.reports import SHOWING
from dmcore.testing.conformance.sights import PEOPLE, shown, stored
from dmcore.testing.faults import Breakdown, BreakingTransactions
from dmcore.testing.harness import Harness
from dmcore.testing.screening import Censor
from dmcore.testing.world import ABSORBING, UNLIMITED, World, outlook, walked


def _page(desk: ModerationDesk, origin: str, cursor: str | None) -> Page[ReportLine]:
    return desk.reports(origin=origin, limit=2, cursor=cursor)


class Loud:
    """A screener that finds every text loud."""

    reasons = ("loud",)

    def screen(self, _: Submission) -> Verdict:
        return Flag("loud")


class TestFlags:
    """What screening flags is sent, and reported once without content; nobody else can tell."""

    @pytest.fixture
    def censor(self) -> Censor:
        return Censor()

    @pytest.fixture
    def world(self, harness: Harness, censor: Censor) -> Iterator[World]:
        made = World(harness, policy=SHOWING, screeners=[censor, Censor()])
        yield made
        assert made.is_sound()

    @pytest.mark.promise("MOD-5", "MOD-2", "LEAK-1")
    def test_a_flagged_message_is_sent_and_reported_without_content(self, world: World) -> None:
        sent = world.ann.start("bob", "flag the door code zebra")
        assert shown(world.bob, sent.conversation) == ["flag the door code zebra"]
        desk = world.dm.moderation("mod")
        (line,) = desk.reports().items
        assert attrs.asdict(line) == {
            "id": line.id,
            "origin": ReportOrigin.SCREENING,
            "reporter": None,
            "reported": "ann",
            "conversation": sent.conversation,
            "messages": 1,
            "reason": None,
            "flags": ("link",),
            "state": ReportState.PENDING,
            "taken_by": None,
            "outcome": None,
            "made_at_us": world.clock.now_us(),
            "changed_at_us": world.clock.now_us(),
        }
        desk.take(line.id)
        # Also where a reporter may show messages: here is nobody who chose any.
        assert desk.evidence(line.id) == ()
        world.ann.delete(sent.conversation, sent.id)
        assert "zebra" not in stored(world.harness)

    @pytest.mark.promise("MOD-5")
    def test_many_flags_are_one_report(self, harness: Harness) -> None:
        lenient = Censor()
        lenient.is_lenient = True
        world = World(harness, screeners=[lenient, Censor(), Censor(), Loud()])
        world.ann.start("bob", "flag")
        (line,) = world.dm.moderation("mod").reports().items
        assert line.flags == ("link", "loud")

    @pytest.mark.promise("MOD-5", "MSG-3")
    def test_a_retry_is_not_reported_again(self, world: World) -> None:
        sent = world.ann.start("bob", "flag", key="k")
        with world.unchanged():
            assert world.ann.start("bob", "flag", key="k").id == sent.id
            assert world.ann.send(sent.conversation, "flag", key="k").id == sent.id
        world.ann.send(sent.conversation, "flag")
        assert len(world.dm.moderation("mod").reports().items) == 2

    @pytest.mark.promise("MOD-5", "MSG-5")
    def test_another_text_is_flagged_too_for_each_reason_once(self, world: World) -> None:
        sent = world.ann.start("bob", "fine")
        desk = world.dm.moderation("mod")

        def flags_after(text: str) -> list[tuple[str, ...]]:
            world.tick()
            world.ann.edit(sent.conversation, sent.id, text)
            return [line.flags for line in desk.reports().items]

        assert flags_after("fine too") == []
        assert flags_after("flag") == [("link",)]
        assert flags_after("flag more") == [("link",)]
        assert flags_after("FLAG") == [("link",), ("loud",)]
        assert flags_after("flag") == [("link",), ("loud",)]
        assert flags_after("fine") == [("link",), ("loud",)]

    @pytest.mark.promise("MOD-5", "MOD-1", "BLOCK-2")
    @pytest.mark.parametrize("is_lenient", [True, False])
    def test_a_message_that_nobody_receives_is_flagged_as_any_other(
        self, harness: Harness, censor: Censor, is_lenient: bool
    ) -> None:
        world = World(harness, policy=ABSORBING, screeners=[censor])
        censor.is_lenient = is_lenient
        begun = world.bob.start("ann", "hello")
        world.ann.block("bob")
        world.cyd.block("bob")
        before = outlook(world.ann, "bob"), outlook(world.cyd, "bob")
        world.bob.send(begun.conversation, "flag")
        world.tick()
        world.bob.edit(begun.conversation, begun.id, "FLAG")
        world.tick()
        started = world.bob.start("cyd", "flag")
        assert (outlook(world.ann, "bob"), outlook(world.cyd, "bob")) == before
        lines = world.dm.moderation("mod").reports().items
        places = [begun.conversation, begun.conversation, started.conversation]
        assert [line.conversation for line in lines] == ([] if is_lenient else places)
        assert world.is_sound()

    @pytest.mark.promise("MOD-5", "MOD-1")
    def test_nobody_else_can_tell_a_flagged_message_from_another(self, harness: Harness) -> None:
        """Everybody sees the same, in their feeds and journals as well, either way."""

        def life(*, is_lenient: bool) -> dict[str, object]:
            harness.clear()
            censor = Censor()
            censor.is_lenient = is_lenient
            entropy = SeededEntropy("the same")
            world = World(harness, policy=SHOWING, screeners=[censor], entropy=entropy)
            begun = world.ann.start("bob", "flag", key="k")
            reply = world.bob.send(begun.conversation, "FLAG", reply_to=begun.id)
            world.ann.edit(begun.conversation, begun.id, "flag more")
            world.ann.mark_read(begun.conversation, through=reply.id)
            world.cyd.start("ann", "fine")
            world.ann.block("cyd")
            assert world.is_sound()
            assert bool(world.dm.moderation("mod").reports().items) is not is_lenient
            everybody = {user: [it for it in PEOPLE if it != user] for user in PEOPLE}
            seen = {user: outlook(world.dm.mailbox(user), *it) for user, it in everybody.items()}
            return {**seen, **{f"journal of {user}": world.journal(user) for user in PEOPLE}}

        assert life(is_lenient=True) == life(is_lenient=False)

    @pytest.mark.promise("MOD-5", "TEN-1")
    def test_who_wrote_it_and_other_tenants_find_no_such_report(self, world: World) -> None:
        world.ann.start("bob", "flag")
        (line,) = world.dm.moderation("mod").reports(origin="screening").items
        ann, north = world.dm.moderation("ann"), world.dm.moderation("mod", tenant="north")
        assert ann.reports().items == north.reports().items == ()
        for desk in (ann, north):
            for look in (desk.report, desk.take):
                refused_report(world, desk, partial(look, line.id), AccessDenied(), line.id)

    @pytest.mark.promise("MOD-5", "MOD-2", "PAGE-1")
    def test_the_queue_holds_both_and_is_filtered_by_origin(self, world: World) -> None:
        begun = world.ann.start("bob", "flag 0")
        for number in range(1, 4):
            world.tick()
            world.bob.report("ann", reason="spam")
            world.tick()
            world.ann.send(begun.conversation, f"flag {number}")
        desk = world.dm.moderation("mod")
        screening, participant = ReportOrigin.SCREENING, ReportOrigin.PARTICIPANT
        assert [it.origin for it in desk.reports().items] == [
            *(screening, participant, screening, participant, screening, participant, screening)
        ]
        for origin, count in ((screening, 4), ("participant", 3)):
            pages = walked(partial(_page, desk, origin))
            lines = [line for page in pages for line in page.items]
            assert [line.origin for line in lines] == [origin] * count
            assert all(page.next is None or len(page.items) == 2 for page in pages)
        assert desk.reports(origin="screening", reason="spam").items == ()
        assert len(desk.reports(origin="participant", reason="spam", state="pending").items) == 3
        with pytest.raises(InvalidReport):
            desk.reports(origin="heaven")
        cursor = desk.reports(origin="screening", limit=1).next
        for other in (None, "participant"):
            with pytest.raises(InvalidCursor):
                desk.reports(origin=other, cursor=cursor)

    @pytest.mark.promise("MOD-5", "MOD-3")
    def test_it_has_the_life_of_any_report(self, world: World) -> None:
        world.ann.start("bob", "flag")
        desk = world.dm.moderation("mod")
        (line,) = desk.reports(state="pending", origin="screening").items
        assert desk.take(line.id).flags == ("link",)
        assert desk.resolve(line.id, "warned").outcome == "warned"
        assert desk.reopen(line.id).state is ReportState.PENDING
        (answer,) = desk.bulk([line.id], "take")
        assert answer.report is not None
        assert answer.report.origin is ReportOrigin.SCREENING

    @pytest.mark.promise("MOD-5", "LIMIT-1")
    def test_it_counts_among_nobodys_reports(self, harness: Harness, censor: Censor) -> None:
        policy = attrs.evolve(UNLIMITED, reports=RateLimit(1, timedelta(hours=1)))
        world = World(harness, policy=policy, screeners=[censor])
        begun = world.ann.start("bob", "flag")
        world.bob.send(begun.conversation, "flag")
        world.ann.report("bob", reason="spam")
        world.bob.report("ann", reason="spam")
        assert world.is_sound()

    @pytest.mark.promise("MOD-5", "MSG-4")
    @pytest.mark.parametrize("verb", ["send", "edit"])
    def test_a_breakdown_leaves_neither_message_nor_report(
        self, harness: Harness, censor: Censor, verb: str
    ) -> None:
        world = World(harness, policy=Policy(), screeners=[censor])
        sent = world.ann.start("bob", "fine")

        def breaking(after: int) -> DirectMessages:
            return open_on(
                BreakingTransactions(runner_of(world.dm), after=after),
                policy=Policy(),
                clock=world.clock,
                entropy=world.entropy,
                screeners=[censor],
            )

        def act(dm: DirectMessages) -> object:
            box = dm.mailbox("ann")
            if verb == "send":
                return box.send(sent.conversation, "flag")
            return box.edit(sent.conversation, sent.id, "flag")

        after = 0
        while True:
            after += 1
            before = harness.contents()
            try:
                act(breaking(after))
            except Breakdown:
                assert harness.contents() == before
            else:
                break
        assert after > 4
        (line,) = world.dm.moderation("mod").reports().items
        assert line.flags == ("link",)
        assert world.is_sound()
