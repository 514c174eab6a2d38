"""Screeners look at a text before it is sent: when they are asked, and what a refusal does."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from dmcore import Flag, Gate, Policy, RateLimit, Refuse, Submission, Verdict
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.errors import (
    AccessDenied,
    DmcoreError,
    InvalidBody,
    KeyConflict,
    LimitReached,
    MessageRefused,
    MessagingUnavailable,
    NotAcceptedYet,
    RecipientUnavailable,
    StartRefused,
    TooLateToEdit,
    YouBlockedThem,
)
from dmcore.testing.conformance.sights import NOWHERE, all_of, shown
from dmcore.testing.directory import People, user
from dmcore.testing.harness import Harness
from dmcore.testing.screening import Censor
from dmcore.testing.world import ABSORBING, UNLIMITED, World, asking, inbox_of, outlook


class Down(Exception):
    """A screener of a host breaks."""


class Learning:
    """A screener that takes its reasons from the texts that it sees."""

    def __init__(self, verdict: type[Flag | Refuse]) -> None:
        self._verdict = verdict
        self.reasons = {"known"}

    def screen(self, submission: Submission) -> Verdict:
        self.reasons.add(submission.text.text)
        return self._verdict(submission.text.text)


class TestScreening:
    """Screeners look at a text before it is sent: when they are asked, what a refusal does."""

    @pytest.fixture
    def censor(self) -> Censor:
        return Censor()

    @pytest.fixture
    def world(self, harness: Harness, censor: Censor) -> Iterator[World]:
        made = World(harness, screeners=[censor])
        yield made
        assert made.is_sound()

    # A refusal ------------------------------------------------------------------------------------

    @pytest.mark.promise("MOD-5", "LEAK-1")
    def test_a_refused_text_stores_nothing_and_its_error_holds_the_reason_alone(
        self, world: World
    ) -> None:
        sent = world.ann.start("bob", "fine")
        here = sent.conversation
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.start("cyd", "refuse zebra", key="k"),
            lambda: world.ann.start("bob", "refuse zebra"),
            lambda: world.bob.send(here, "refuse zebra", key="k", reply_to=sent.id),
            lambda: world.ann.edit(here, sent.id, "refuse zebra"),
        )
        with world.unchanged():
            for attempt in attempts:
                with pytest.raises(MessageRefused) as caught:
                    attempt()
                assert caught.value.details == {"reason": "rude"}
                assert caught.value.http_status == 422
                assert "zebra" not in all_of(caught.value)
        assert shown(world.bob, here) == ["fine"]

    @pytest.mark.promise("MOD-5", "LIMIT-1")
    def test_a_refused_text_costs_no_limit(self, harness: Harness, censor: Censor) -> None:
        day = timedelta(hours=24)
        policy = Policy(messages=RateLimit(2, day), starts=RateLimit(1, day))
        world = World(harness, policy=policy, screeners=[censor])
        for number in range(5):
            with pytest.raises(MessageRefused):
                world.ann.start("bob", f"refuse {number}")
        sent = world.ann.start("bob", "fine")
        for number in range(5):
            with pytest.raises(MessageRefused):
                world.ann.send(sent.conversation, f"refuse {number}")
        world.ann.send(sent.conversation, "fine too")
        with pytest.raises(LimitReached):
            world.ann.send(sent.conversation, "one too many")

    @pytest.mark.promise("MOD-5")
    def test_a_text_that_passes_is_sent_as_it_is_and_asked_about_once(
        self, world: World, censor: Censor
    ) -> None:
        sent = world.ann.start("bob", " Fine ")
        world.bob.send(sent.conversation, "and well", reply_to=sent.id)
        world.ann.edit(sent.conversation, sent.id, "Fine")
        assert shown(world.bob, sent.conversation) == ["Fine", "and well"]
        assert censor.texts() == [" Fine ", "and well", "Fine"]

    # When they are asked --------------------------------------------------------------------------

    @pytest.mark.promise("MOD-5", "MSG-3")
    def test_a_retry_that_finds_its_message_is_never_screened(
        self, world: World, censor: Censor
    ) -> None:
        censor.is_lenient = True
        first = world.ann.start("bob", "refuse", key="k")
        second = world.ann.send(first.conversation, "refuse", key="l")
        censor.is_lenient = False
        censor.asked.clear()
        with world.unchanged():
            assert world.ann.start("bob", "refuse", key="k").id == first.id
            assert world.ann.send(first.conversation, "refuse", key="l").id == second.id
            with pytest.raises(KeyConflict):
                world.ann.send(first.conversation, "refuse more", key="l")
        assert censor.asked == []

    @pytest.mark.promise("MOD-5")
    def test_the_same_text_again_is_no_edit_to_screen(self, world: World, censor: Censor) -> None:
        censor.is_lenient = True
        sent = world.ann.start("bob", "refuse")
        censor.is_lenient = False
        censor.asked.clear()
        with world.unchanged():
            assert world.ann.edit(sent.conversation, sent.id, "refuse").body == sent.body
        assert censor.asked == []

    @pytest.mark.promise("MOD-5", "BLOCK-2", "OPS-1")
    def test_what_is_refused_without_them_asks_none(self, harness: Harness, censor: Censor) -> None:
        """Nor do they tell anything: the answer is the one that any text gets."""
        policy = asking(1, edit_window=timedelta(minutes=1), messages=RateLimit(4, timedelta(1)))
        world = World(harness, policy=policy, screeners=[censor])
        begun = world.ann.start("bob", "fine")
        here = begun.conversation
        world.cyd.block("ann")
        world.dan.set_preferences(Preferences(open_to=OpenTo.NOBODY))
        world.ann.block("eve")
        limited = World(harness, policy=policy, mode=None, screeners=[censor])
        sent = limited.cyd.start("bob", "fine")
        limited.bob.send(sent.conversation, "fine")
        for _ in range(3):
            limited.cyd.send(sent.conversation, "fine")
        world.tick(seconds=61)
        censor.asked.clear()
        attempts: tuple[tuple[type[DmcoreError], Callable[[], object]], ...] = (
            (NotAcceptedYet, lambda: world.ann.send(here, "refuse")),
            (RecipientUnavailable, lambda: world.ann.start("cyd", "refuse")),
            (RecipientUnavailable, lambda: world.ann.start("dan", "refuse")),
            (YouBlockedThem, lambda: world.ann.start("eve", "refuse")),
            (LimitReached, lambda: world.cyd.send(sent.conversation, "refuse")),
            (AccessDenied, lambda: world.eve.send(here, "refuse")),
            (AccessDenied, lambda: world.ann.send(here, "refuse", reply_to=NOWHERE)),
            (AccessDenied, lambda: world.bob.edit(here, begun.id, "refuse")),
            (TooLateToEdit, lambda: world.ann.edit(here, begun.id, "refuse")),
            (InvalidBody, lambda: world.ann.send(here, " ")),
        )
        with world.unchanged():
            for refusal, attempt in attempts:
                with pytest.raises(refusal):
                    attempt()
        world.olga.set_mode("read_only")
        for attempt in (
            lambda: world.bob.send(here, "refuse"),
            lambda: world.ann.start("fay", "refuse"),
        ):
            with world.unchanged(), pytest.raises(MessagingUnavailable):
                attempt()
        assert censor.asked == []

    @pytest.mark.promise("MOD-5")
    def test_nothing_but_a_new_text_is_screened(self, world: World, censor: Censor) -> None:
        begun = world.ann.start("bob", "fine")
        reply = world.bob.send(begun.conversation, "well")
        it = begun.conversation
        censor.asked.clear()
        acts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.can_message("cyd"),
            lambda: world.ann.mark_read(it, through=reply.id),
            lambda: world.ann.hide(it, reply.id),
            lambda: world.ann.report(conversation=it, messages=[begun.id], reason="spam"),
            lambda: world.ann.delete(it, begun.id),
            lambda: world.bob.archive(it),
            lambda: world.bob.block("ann"),
            lambda: world.bob.unblock("ann"),
            lambda: world.bob.clear(it),
            lambda: outlook(world.ann, "bob"),
            world.olga.verify,
        )
        for act in acts:
            act()
        assert censor.asked == []

    @pytest.mark.promise("MOD-5", "GATE-1", "EMB-5")
    def test_whom_the_host_lets_in_is_introduced_and_screened_each_once(
        self, harness: Harness, censor: Censor
    ) -> None:
        people = People("ann", "bob")
        gates = (Gate(sender_roles={"welcome"}),)
        closed = World(harness, policy=Policy(gates=gates), directory=people, screeners=[censor])
        with closed.unchanged(), pytest.raises(StartRefused):
            closed.ann.start("bob", "refuse")
        assert censor.asked == []
        people.asked.clear()
        world = World(harness, directory=people, screeners=[censor])
        with world.unchanged(), pytest.raises(MessageRefused):
            world.ann.start("bob", "refuse")
        world.ann.start("bob", "fine")
        assert people.asked == [(user("ann"), user("bob"))] * 2
        assert censor.texts() == ["refuse", "fine"]

    @pytest.mark.promise("MOD-5")
    def test_they_are_asked_while_nothing_is_held(self, world: World, censor: Censor) -> None:
        """Meanwhile another handle writes to the very rows that the message is about."""
        elsewhere = world.open()
        begun = world.ann.start("bob", "fine")
        written = []

        def write() -> None:
            for name, other in (("ann", "bob"), ("bob", "ann")):
                box = elsewhere.mailbox(name)
                box.set_preferences(Preferences(typing=not box.preferences().typing))
                box.block(other)
                box.unblock(other)
            written.append(elsewhere.operations("olga").set_mode("on"))

        censor.while_asked = write
        world.ann.start("cyd", "fine")
        world.bob.send(begun.conversation, "fine")
        world.ann.edit(begun.conversation, begun.id, "finer")
        assert len(written) == 3

    # What may happen before they answer -----------------------------------------------------------

    @pytest.mark.promise("MOD-5", "BLOCK-1")
    @pytest.mark.parametrize("text", ["fine", "refuse", "flag"])
    def test_a_block_made_before_the_verdict_holds(
        self, world: World, censor: Censor, text: str
    ) -> None:
        """And it is what the sender is told, whatever the screeners say."""
        censor.while_asked = lambda: world.open().mailbox("bob").block("ann")
        with pytest.raises(RecipientUnavailable):
            world.ann.start("bob", text)
        assert inbox_of(world.ann) == []
        assert world.dm.moderation("mod").reports().items == ()

    @pytest.mark.promise("MOD-5", "MSG-3")
    @pytest.mark.parametrize("text", ["fine", "refuse", "flag"])
    def test_the_same_key_used_before_the_verdict_is_found(
        self, world: World, censor: Censor, text: str
    ) -> None:
        """What was accepted once is never refused by a retry, nor flagged by it."""
        elsewhere = world.open()
        first: list[UUID] = []

        def start() -> None:
            censor.while_asked = None
            censor.is_lenient = True
            first.append(elsewhere.mailbox("ann").start("bob", text, key="k").id)
            censor.is_lenient = False

        censor.while_asked = start
        assert world.ann.start("bob", text, key="k").id == first[0]
        assert len(censor.asked) == 2
        assert world.bob.unread() == 1
        assert world.dm.moderation("mod").reports().items == ()

    # What they are told ---------------------------------------------------------------------------

    @pytest.mark.promise("MOD-5", "BLOCK-2")
    def test_they_are_told_what_the_sender_may_know(self, harness: Harness, censor: Censor) -> None:
        limit = RateLimit(2, timedelta(hours=1))
        policy = attrs.evolve(ABSORBING, messages=limit, edit_window=None)
        world = World(harness, policy=policy, screeners=[censor])
        times = []
        begun = world.ann.start("bob", "one")
        for text in ("two", "three"):
            times.append(world.clock.now_us())
            world.tick(seconds=3_000)
            world.ann.send(begun.conversation, text)
        first, _, third = censor.asked
        assert (first.sender, first.recipient) == (user("ann"), "bob")
        assert (first.at_us, first.recent_sends_us) == (times[0], ())
        assert third.recent_sends_us == tuple(times)
        # Another text for what was sent is no sending.
        world.ann.edit(begun.conversation, begun.id, "ONE")
        assert censor.asked[-1] == attrs.evolve(
            third, text=censor.asked[-1].text, recent_sends_us=()
        )
        assert {it.is_first_contact for it in censor.asked} == {True}
        # What a block keeps from the sender is no contact; what comes through is.
        world.ann.block("bob")
        world.bob.send(begun.conversation, "absorbed")
        world.ann.unblock("bob")
        world.tick(seconds=7_200)
        world.ann.send(begun.conversation, "four")
        assert censor.asked[-1].is_first_contact
        world.bob.send(begun.conversation, "here")
        world.ann.send(begun.conversation, "five")
        assert not censor.asked[-1].is_first_contact

    # One that breaks ------------------------------------------------------------------------------

    @pytest.mark.promise("MOD-5", "LEAK-1")
    def test_one_that_breaks_refuses_and_nothing_of_its_error_is_told(
        self, world: World, censor: Censor, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        sent = world.ann.start("bob", "fine")
        censor.fault = Down("the door code is zebra")
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.send(sent.conversation, "the door code is zebra"),
            lambda: world.ann.edit(sent.conversation, sent.id, "the door code is zebra"),
        )
        for attempt in attempts:
            with world.unchanged(), pytest.raises(MessageRefused) as caught:
                attempt()
            assert caught.value.details == {"reason": "screener_failed"}
            assert "zebra" not in all_of(caught.value)
        told = [it.getMessage() for it in caplog.records if it.name == "dmcore.screening"]
        assert told == ["the screener Censor broke: Down"] * 2
        assert "zebra" not in caplog.text

    @pytest.mark.promise("MOD-5", "LEAK-1")
    @pytest.mark.parametrize("verdict", [Flag, Refuse])
    def test_a_reason_that_was_found_in_a_text_is_no_reason(
        self, harness: Harness, verdict: type[Flag | Refuse]
    ) -> None:
        """What a screener may say is what it declared before it saw a text, whatever it adds."""
        world = World(harness, screeners=[Learning(verdict)])
        with world.unchanged(), pytest.raises(MessageRefused) as caught:
            world.ann.start("bob", "hunter2")
        assert caught.value.details == {"reason": "screener_failed"}
        assert "hunter2" not in all_of(caught.value)

    @pytest.mark.promise("MOD-5")
    def test_a_host_may_have_it_flagged_instead(self, harness: Harness, censor: Censor) -> None:
        world = World(harness, screeners=[censor], when_screener_breaks="flag")
        censor.fault = Down()
        sent = world.ann.start("bob", "refuse")
        assert shown(world.bob, sent.conversation) == ["refuse"]
        (line,) = world.dm.moderation("mod").reports().items
        assert line.flags == ("screener_failed",)
        assert world.is_sound()

    @pytest.mark.promise("MOD-5")
    def test_each_handle_has_its_own_chain(self, harness: Harness, censor: Censor) -> None:
        strict = World(harness, screeners=[censor])
        free = World(harness, mode=None)
        sent = free.ann.start("bob", "refuse")
        with strict.unchanged(), pytest.raises(MessageRefused):
            strict.ann.send(sent.conversation, "refuse")
        free.ann.send(sent.conversation, "refuse again")
        assert free.dm.policy == UNLIMITED
        assert censor.texts() == ["refuse"]
