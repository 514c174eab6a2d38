"""While somebody is being erased the others go on: moderators, partners, and who else goes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from dmcore import Action, DirectMessages
from dmcore.domain.instants import to_datetime
from dmcore.domain.reports import ReportOutcome
from dmcore.errors import AccessDenied, AccountErased, RecipientUnavailable, UnknownUser
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.erasing import EVIDENT, WHO
from dmcore.testing.world import ABSORBING, MakeWorld, World


def steps_of(dm: DirectMessages, user: str) -> Iterator[bool]:
    """Erase somebody, and stop after each step, of one text; whether it was the last."""
    desk = dm.operations("olga")
    steps = desk._calls.erasing(user, tenant=None, most=1)
    # Behind the desk, for whatever runs there is said to be an operator's.
    run = runner_of(cast("DirectMessages", desk)).run
    assert run(steps.begin)
    run(steps.settle)
    yield False
    step = run(steps.go_on_behind)
    yield False
    while not step.is_finished:
        step = run(steps.go_on if step.has_changed else steps.finish)
        yield step.is_finished


def actions(world: World, user: str) -> list[Action]:
    """What a journal tells, oldest first."""
    return [entry.fact.action for entry in world.journal(user)]


class TestErasingMeets:
    """While somebody is being erased the others go on."""

    @pytest.mark.promise("GDPR-1", "OPS-5")
    def test_under_the_new_name_is_nobody_from_the_first_step_on(self, world: World) -> None:
        """Or a pair, a listing or an account would be there twice when the old name goes."""
        world.ann.start("bob", "1")
        gone = world.olga.preview_erasure("ann").pseudonym
        moderator = world.dm.moderation("mod")
        steps = steps_of(world.dm, "ann")
        next(steps)
        attempts: list[tuple[type[Exception], Callable[[], object]]] = [
            (RecipientUnavailable, lambda: world.bob.start(gone, "2")),
            (RecipientUnavailable, lambda: world.cyd.start(gone, "2")),
            (UnknownUser, lambda: world.bob.block(gone)),
        ]
        for error, attempt in attempts:
            with world.unchanged(), pytest.raises(error):
                attempt()
        with pytest.raises(AccessDenied):
            moderator.restrict(gone, "mute", reason="spam")
        assert actions(world, "mod") == [Action.RESTRICTION_REFUSED]
        assert all(world.is_sound() for _ in steps)
        world.bob.block(gone)
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "AUD-1", "MOD-4")
    def test_two_who_wrote_to_each_other_go_at_the_same_time(self, world: World) -> None:
        """Neither journal and no decision of a moderator is lost by it."""
        place = world.ann.start("bob", "1").conversation
        world.bob.send(place, "2")
        gone = {it: world.olga.preview_erasure(it).pseudonym for it in ("ann", "bob")}
        for user in gone:
            world.dm.moderation("mod").restrict(user, "mute", reason="spam")
        kept = {user: actions(world, user) for user in gone}
        both = [steps_of(world.dm, user) for user in gone]
        are_open = True
        while are_open:
            # Both take a step, whichever is through.
            were_last = [next(steps, True) for steps in both]
            are_open = not all(were_last)
            assert world.is_sound()
        for user, pseudonym in gone.items():
            told = actions(world, pseudonym)
            assert [it for it in told if it is not Action.PERSON_ERASED] == [
                *kept[user],
                Action.ERASURE_BEGUN,
            ]
            (line,) = world.dm.moderation("mod").restrictions(pseudonym).items
            assert line.user == pseudonym
        assert world.olga.preview_erasure("ann").scope == world.olga.preview_erasure("zoe").scope

    @pytest.mark.promise("GDPR-1", "MOD-4")
    def test_what_was_decided_goes_along_where_no_journal_is_left(self, world: World) -> None:
        world.dm.moderation("mod").restrict("ann", "suspend", reason="spam")
        gone = world.olga.preview_erasure("ann").pseudonym
        steps = steps_of(world.dm, "ann")
        next(steps)
        world.tick()
        world.olga.prune_journals(before=to_datetime(world.clock.now_us()))
        assert all(world.is_sound() for _ in steps)
        (line,) = world.dm.moderation("mod").restrictions(gone).items
        assert line.user == gone
        assert world.dm.moderation("mod").restrictions("ann").items == ()

    @pytest.mark.promise("GDPR-1", "AUD-1")
    def test_what_is_left_of_a_journal_that_is_pruned_meanwhile_goes_along(
        self, world: World
    ) -> None:
        world.cyd.start("ann", "1")
        world.ann.block("bob")
        world.ann.unblock("bob")
        gone = world.olga.preview_erasure("ann").pseudonym
        world.tick()
        between = to_datetime(world.clock.now_us())
        world.tick()
        steps = steps_of(world.dm, "ann")
        while not actions(world, gone):
            next(steps)
        assert world.olga.prune_journals(before=between)
        assert all(world.is_sound() for _ in steps)
        assert actions(world, gone) == [Action.ERASURE_BEGUN]

    @pytest.mark.promise("GDPR-1", "READ-3")
    def test_a_partner_takes_back_what_was_not_read_yet(self, world: World) -> None:
        sent = world.bob.start("ann", "1")
        steps = steps_of(world.dm, "ann")
        next(steps)
        world.bob.delete(sent.conversation, sent.id)
        assert all(world.is_sound() for _ in steps)

    @pytest.mark.promise("GDPR-1", "OPS-5")
    def test_what_the_other_never_heard_is_shredded_last(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        place = world.ann.start("bob", "1").conversation
        world.bob.block("ann")
        world.ann.send(place, "2")
        world.ann.send(place, "3")
        assert all(world.is_sound() for _ in steps_of(world.dm, "ann"))
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "MOD-2", "OPS-1")
    def test_who_was_erased_moderates_and_operates_no_more(self, make_world: MakeWorld) -> None:
        """Or the id would be back in a journal, in a report, and in a list of people."""
        world = make_world(EVIDENT)
        sent = world.ann.start("bob", "1")
        said: dict[str, Any] = {"conversation": sent.conversation, "messages": [sent.id]}
        taken, pending = (world.bob.report(**said, reason=it).id for it in ("spam", "other"))
        moderator, operator = world.dm.moderation("mod"), world.dm.operations("mod")
        moderator.take(taken)
        world.olga.erase("mod")
        past = to_datetime(world.clock.now_us())
        attempts: list[Callable[[], object]] = [
            moderator.reports,
            moderator.metrics,
            lambda: moderator.report(taken),
            lambda: moderator.take(pending),
            lambda: moderator.release(taken),
            lambda: moderator.resolve(taken, ReportOutcome.WARNED),
            lambda: moderator.evidence(taken),
            lambda: moderator.about("ann"),
            lambda: moderator.restrictions("ann"),
            lambda: moderator.restrict("ann", "mute", reason="spam"),
            lambda: moderator.restrict("mod", "mute", reason="spam"),
            lambda: moderator.lift("ann", "mute"),
            lambda: operator.set_mode("off"),
            lambda: operator.prune_journals(before=past + timedelta(days=1)),
            operator.prune_evidence,
            operator.prune,
            operator.mode,
            operator.status,
            operator.verify,
            operator.repair,
            lambda: operator.audit("ann"),
            lambda: operator.preview_erasure("ann"),
            lambda: operator.erase("ann"),
            operator.erasures,
            operator.export_erasures,
            operator.reapply_erasures,
        ]
        world.tick(seconds=100 * 24 * 3600)
        for attempt in attempts:
            with world.unchanged(), pytest.raises(AccountErased):
                attempt()

    @pytest.mark.promise("GDPR-1")
    def test_whoever_is_in_the_ledger_erases_nobody(self, make_world: MakeWorld) -> None:
        """Neither goes on with somebody else, nor, after an older backup, with themselves."""
        world = make_world()
        world.ann.start("bob", "1")
        otto = world.dm.operations("otto")
        steps = steps_of(world.dm, "ann")
        next(steps)
        world.olga.erase("otto")
        lines = world.olga.export_erasures().items
        for attempt in (lambda: otto.erase("ann"), otto.reapply_erasures):
            with world.unchanged(), pytest.raises(AccountErased):
                attempt()
        assert all(world.is_sound() for _ in steps)
        world.harness.clear()
        world = make_world()
        otto = world.dm.operations("otto")
        otto.set_mode("read_only")
        otto.record_erasures(lines)
        with world.unchanged(), pytest.raises(AccountErased):
            otto.reapply_erasures()
        assert len(world.olga.reapply_erasures()) == 1
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "BLOCK-3")
    def test_a_block_between_two_who_never_wrote_keeps_its_place(self, world: World) -> None:
        world.bob.block("dan")
        world.bob.block("eve")
        gone = world.olga.erase("dan").pseudonym
        assert [line.blocked for line in world.bob.blocked().items] == ["eve", gone]
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "BLOCK-2")
    def test_what_they_never_got_goes_with_its_conversation(self, make_world: MakeWorld) -> None:
        """It was written to somebody who blocked its sender, and is the sender's alone."""
        world = make_world(EVIDENT)
        world.dm.mailbox(WHO).block("bob")
        sent = world.bob.start(WHO, "absorbed")
        gone = world.olga.erase(WHO).pseudonym
        assert world.bob.conversation(sent.conversation).other == gone
        assert [it.id for it in world.bob.thread(sent.conversation).items] == [sent.id]
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "MOD-4")
    def test_what_was_decided_about_others_brings_nobody_back(self, world: World) -> None:
        world.dm.moderation("mod").restrict("bob", "mute", reason="spam")
        world.dm.moderation("mod").lift("bob", "mute")
        world.olga.erase("dan")
        assert world.olga.reapply_erasures() == ()
        assert world.is_sound()
