"""Sealed conversations: what has to be sealed from when on, and every rule that reads no text."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import attrs
import pytest

from dmcore import (
    Action,
    Envelope,
    EvidenceVerdict,
    KeyBundle,
    Mailbox,
    Message,
    Permission,
    Policy,
    RateLimit,
    SealedPart,
    parse_envelope,
)
from dmcore.domain.ids import DeviceId
from dmcore.errors import (
    AccessDenied,
    InvalidEnvelope,
    KeyConflict,
    KeysChanged,
    LimitReached,
    NoDevice,
    RecipientUnavailable,
    SealedOnly,
    SealingNotOffered,
    TooLateToEdit,
    YouBlockedThem,
)
from dmcore.testing.conformance.devices import LAPTOP, PHONE, enrol
from dmcore.testing.harness import Harness
from dmcore.testing.screening import Censor
from dmcore.testing.world import World, export_of, facts_of, outlook, thread_of

OFFERED: Final = Policy(messages=None, starts=None, key_claims=None, sealing="offered")
BY_DEFAULT: Final = attrs.evolve(OFFERED, sealing="by_default")


def envelope(box: Mailbox, other: str, text: str = "sealed words") -> Envelope:
    """A text as if it were sealed, with what was claimed for it; any bytes are as good."""
    claim = box.devices.claim(other)

    def parts(bundle: KeyBundle) -> tuple[SealedPart, ...]:
        ciphertext = text.encode()[::-1]
        return tuple(
            SealedPart(device=it.device.id, ciphertext=ciphertext) for it in bundle.devices
        )

    return Envelope(
        protocol="test",
        version=1,
        device=claim.own.devices[0].device.id,
        own_changes=claim.own.key_changes,
        other_changes=claim.other.key_changes,
        header=b"header",
        commitment=bytes(32),
        signature=bytes(64),
        own=parts(claim.own),
        other=parts(claim.other),
    )


def equipped(world: World) -> World:
    """The same, in which Ann, Bob and Cyd have a phone each."""
    for box in (world.ann, world.bob, world.cyd):
        enrol(box)
    return world


def actions(box: Mailbox, after: int = 0) -> list[Action]:
    return [fact.action for fact in facts_of(box)[after:] if fact.action != Action.KEYS_CLAIMED]


class TestSealing:
    """Sealed conversations: what has to be sealed, and every rule that reads no text."""

    @pytest.fixture
    def world(self, harness: Harness) -> World:
        return equipped(World(harness, policy=OFFERED))

    # From when on ---------------------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2")
    def test_what_was_sealed_comes_out_as_it_was_put_in(self, world: World) -> None:
        given = envelope(world.ann, "bob")
        sent = world.ann.start("bob", given)
        assert (sent.is_sealed, sent.envelope) == (True, given)
        (seen,) = thread_of(world.bob, sent.conversation)
        assert (seen.id, seen.is_sealed, seen.envelope) == (sent.id, True, given)
        (line,) = world.bob.inbox().items
        assert line.preview is not None
        assert line.preview.envelope == given
        assert line.unread == 1
        assert parse_envelope(given.text) == given
        assert world.is_sound()

    @pytest.mark.promise("CRYPT-2")
    def test_from_the_first_envelope_on_nothing_is_sent_unsealed_by_either(
        self, world: World
    ) -> None:
        plain = world.ann.start("bob", "in the clear")
        it = plain.conversation
        assert not world.bob.conversation(it).is_sealed
        assert world.bob.can_message("ann") == Permission(is_allowed=True)
        world.ann.send(it, envelope(world.ann, "bob"))
        for box, other in ((world.ann, "bob"), (world.bob, "ann")):
            assert box.conversation(it).is_sealed
            assert box.can_message(other) == Permission(is_allowed=True, is_sealed=True)
            refused: tuple[Callable[[], object], ...] = (
                lambda box=box: box.send(it, "in the clear"),  # type: ignore[misc]
                lambda box=box, other=other: box.start(other, "in the clear"),  # type: ignore[misc]
            )
            for attempt in refused:
                with world.unchanged(), pytest.raises(SealedOnly):
                    attempt()
        # What was said before stays what it was, and is not changed in the clear either.
        with world.unchanged(), pytest.raises(SealedOnly):
            world.ann.edit(it, plain.id, "another text")
        sealed = envelope(world.ann, "bob")
        with world.unchanged(), pytest.raises(SealingNotOffered):
            world.ann.edit(it, plain.id, sealed)
        assert [found.is_sealed for found in thread_of(world.bob, it)] == [False, True]
        # Nor is it a way back that nobody has a device any more.
        world.bob.devices.remove(PHONE)
        with world.unchanged(), pytest.raises(SealedOnly):
            world.ann.send(it, "in the clear")

    @pytest.mark.promise("CRYPT-2")
    def test_either_of_the_two_may_seal_before_anything_is_sent(self, world: World) -> None:
        it = world.ann.start("bob", "x").conversation
        before = {box: len(actions(box)) for box in (world.ann, world.bob)}
        world.bob.seal(it)
        for box in (world.ann, world.bob):
            assert box.conversation(it).is_sealed
            assert actions(box, before[box]) == [Action.CONVERSATION_SEALED]
        with world.unchanged():
            world.ann.seal(it)
            world.bob.seal(it)
        with world.unchanged(), pytest.raises(AccessDenied):
            world.cyd.seal(it)

    @pytest.mark.promise("CRYPT-2")
    def test_sealing_is_what_the_policy_offers(self, harness: Harness) -> None:
        world = equipped(World(harness))
        it = world.ann.start("bob", "x").conversation
        given = envelope(world.ann, "bob")
        for attempt in (lambda: world.ann.seal(it), lambda: world.ann.send(it, given)):
            with world.unchanged(), pytest.raises(SealingNotOffered):
                attempt()
        offering = world.open(OFFERED).mailbox("ann")
        offering.send(it, envelope(offering, "bob"))
        # What is sealed stays so, whatever the policy says later.
        with world.unchanged(), pytest.raises(SealedOnly):
            world.ann.send(it, "in the clear")
        assert world.ann.send(it, envelope(world.ann, "bob")).is_sealed

    @pytest.mark.promise("CRYPT-2")
    def test_by_default_everything_is_sealed_once_both_have_a_device(
        self, harness: Harness
    ) -> None:
        world = World(harness, policy=BY_DEFAULT)
        enrol(world.ann)
        it = world.ann.start("bob", "nobody could open an envelope").conversation
        with world.unchanged(), pytest.raises(NoDevice):
            world.ann.seal(it)
        enrol(world.bob)
        with world.unchanged(), pytest.raises(SealedOnly):
            world.bob.send(it, "in the clear")
        assert world.bob.can_message("ann").is_sealed
        world.bob.send(it, envelope(world.bob, "ann"))
        assert world.ann.conversation(it).is_sealed

    @pytest.mark.promise("CRYPT-2")
    def test_an_envelope_that_leaves_a_device_out_is_refused(self, world: World) -> None:
        first = envelope(world.ann, "bob")
        it = world.ann.start("bob", first).conversation
        for change in (
            lambda: enrol(world.bob, LAPTOP),
            lambda: enrol(world.ann, LAPTOP),
            lambda: world.bob.devices.remove(LAPTOP),
        ):
            stale = envelope(world.ann, "bob")
            change()
            with world.unchanged(), pytest.raises(KeysChanged):
                world.ann.send(it, stale)
            world.ann.send(it, envelope(world.ann, "bob"))
        stale = envelope(world.ann, "bob")
        world.bob.devices.remove(PHONE)
        with world.unchanged(), pytest.raises(NoDevice):
            world.ann.send(it, stale)

    @pytest.mark.promise("CRYPT-2")
    def test_the_other_is_told_of_changed_keys_with_the_first_message_under_them(
        self, world: World
    ) -> None:
        it = world.ann.start("bob", envelope(world.ann, "bob")).conversation
        before = len(actions(world.bob))
        enrol(world.ann, LAPTOP)
        assert actions(world.bob, before) == []
        world.ann.send(it, envelope(world.ann, "bob"))
        world.ann.send(it, envelope(world.ann, "bob"))
        assert actions(world.bob, before) == [
            Action.KEYS_CHANGED,
            Action.MESSAGE_SENT,
            Action.MESSAGE_SENT,
        ]
        told = facts_of(world.bob)[-3]
        assert (told.actor, told.conversation) == ("ann", it)

    @pytest.mark.promise("CRYPT-2")
    def test_whoever_sealed_the_first_message_is_told_of_keys_that_change_after_it(
        self, world: World
    ) -> None:
        world.ann.start("bob", envelope(world.ann, "bob"))
        enrol(world.bob, LAPTOP)
        for _ in range(2):
            world.ann.devices.claim("bob")
        assert actions(world.ann).count(Action.CHANGED_KEYS_SEEN) == 1

    # Rules that read no text ----------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2", "MSG-3")
    def test_a_retry_is_the_same_envelope_under_the_same_key(self, world: World) -> None:
        given = envelope(world.ann, "bob")
        sent = world.ann.start("bob", given, key="k")
        with world.unchanged():
            assert world.ann.start("bob", given, key="k") == sent
        other = envelope(world.ann, "bob", "sealed words as well")
        for wrong in (other, "in the clear"):
            with world.unchanged(), pytest.raises(KeyConflict):
                world.ann.start("bob", wrong, key="k")
        world.ann.delete(sent.conversation, sent.id)
        with world.unchanged():
            assert world.ann.start("bob", given, key="k").is_deleted

    @pytest.mark.promise("CRYPT-2", "MSG-5", "MSG-6")
    def test_it_is_answered_changed_and_taken_back_as_any_message(self, harness: Harness) -> None:
        policy = attrs.evolve(OFFERED, edit_window=timedelta(minutes=1))
        world = equipped(World(harness, policy=policy))
        sent = world.ann.start("bob", envelope(world.ann, "bob"))
        it = sent.conversation
        reply = world.bob.send(it, envelope(world.bob, "ann"), reply_to=sent.id)
        assert reply.thread_id == sent.id
        with world.unchanged(), pytest.raises(SealedOnly):
            world.ann.edit(it, sent.id, "in the clear")
        later = envelope(world.ann, "bob", "other words")
        world.ann.edit(it, sent.id, later)
        seen = thread_of(world.bob, it)[0]
        assert (seen.envelope, seen.edited_at_us) == (later, world.clock.now_us())
        stale = envelope(world.ann, "bob", "yet other words")
        enrol(world.bob, LAPTOP)
        with world.unchanged(), pytest.raises(KeysChanged):
            world.ann.edit(it, sent.id, stale)
        world.ann.delete(it, sent.id)
        gone = thread_of(world.bob, it)[0]
        assert (gone.is_deleted, gone.envelope) == (True, None)
        world.tick(seconds=61)
        late = envelope(world.bob, "ann")
        with world.unchanged(), pytest.raises(TooLateToEdit):
            world.bob.edit(it, reply.id, late)
        assert world.is_sound()

    @pytest.mark.promise("CRYPT-2", "LIMIT-1", "READ-2")
    def test_limits_and_receipts_are_as_ever(self, harness: Harness) -> None:
        limited = attrs.evolve(OFFERED, messages=RateLimit(2, timedelta(seconds=60)))
        world = equipped(World(harness, policy=limited))
        sent = world.ann.start("bob", envelope(world.ann, "bob"))
        it = sent.conversation
        world.ann.send(it, envelope(world.ann, "bob"))
        third = envelope(world.ann, "bob")
        with world.unchanged(), pytest.raises(LimitReached):
            world.ann.send(it, third)
        world.bob.mark_read(it, through=sent.id)
        assert [found.seen_at_us is not None for found in thread_of(world.ann, it)] == [True, False]
        assert world.bob.unread() == 1

    @pytest.mark.promise("CRYPT-2", "BLOCK-1", "BLOCK-2")
    def test_a_block_holds_for_sealing_too(self, world: World) -> None:
        it = world.ann.start("bob", "x").conversation
        given = envelope(world.ann, "bob")
        world.bob.block("ann")
        for attempt in (lambda: world.ann.send(it, given), lambda: world.ann.seal(it)):
            with world.unchanged(), pytest.raises(RecipientUnavailable):
                attempt()
        with world.unchanged(), pytest.raises(YouBlockedThem):
            world.bob.seal(it)

    @pytest.mark.promise("CRYPT-2", "BLOCK-2", "MOD-4")
    @pytest.mark.parametrize("cause", ["blocked", "banned"])
    def test_who_reaches_nobody_seals_nothing_for_anybody_else(
        self, harness: Harness, cause: str
    ) -> None:
        world = equipped(World(harness, policy=attrs.evolve(OFFERED, blocked="absorb")))
        it = world.ann.start("bob", "x").conversation
        if cause == "blocked":
            world.bob.block("ann")
        else:
            world.dm.moderation("mod").restrict("ann", kind="shadow_ban", reason="spam")
        before = outlook(world.bob, "ann")
        sent = world.ann.send(it, envelope(world.ann, "bob"))
        assert world.ann.conversation(it).is_sealed
        with world.unchanged(), pytest.raises(SealedOnly):
            world.ann.send(it, "in the clear")
        assert outlook(world.bob, "ann") == before
        if cause == "blocked":
            world.bob.unblock("ann")
        else:
            world.dm.moderation("mod").lift("ann", kind="shadow_ban")
        assert not world.bob.conversation(it).is_sealed
        world.ann.send(it, envelope(world.ann, "bob"))
        assert world.bob.conversation(it).is_sealed
        assert sent.id not in {found.id for found in thread_of(world.bob, it)}
        assert world.is_sound()

    @pytest.mark.promise("CRYPT-2", "MOD-4")
    def test_who_is_banned_seals_by_hand_for_themselves_alone(self, world: World) -> None:
        it = world.ann.start("bob", "x").conversation
        world.dm.moderation("mod").restrict("ann", kind="shadow_ban", reason="spam")
        before = outlook(world.bob, "ann")
        world.ann.seal(it)
        assert world.ann.conversation(it).is_sealed
        assert outlook(world.bob, "ann") == before

    @pytest.mark.promise("CRYPT-2", "REQ-1")
    def test_a_sealed_request_that_was_declined_is_sealed_when_it_is_accepted(
        self, harness: Harness
    ) -> None:
        policy = attrs.evolve(OFFERED, requests="ask", request_messages=3)
        world = equipped(World(harness, policy=policy))
        it = world.ann.start("bob", "x").conversation
        world.bob.decline(it)
        before = actions(world.bob)
        world.ann.send(it, envelope(world.ann, "bob"))
        assert actions(world.bob) == before
        world.bob.accept(it)
        assert world.bob.conversation(it).is_sealed

    # Rules that read a text -----------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2", "MOD-5")
    def test_screeners_are_not_asked_about_what_they_cannot_read(self, harness: Harness) -> None:
        world = equipped(World(harness, policy=OFFERED, screeners=[censor := Censor()]))
        sent = world.ann.start("bob", envelope(world.ann, "bob", "refuse"))
        world.ann.edit(sent.conversation, sent.id, envelope(world.ann, "bob", "flag"))
        assert censor.asked == []

    @pytest.mark.promise("CRYPT-2", "MOD-1")
    def test_a_report_of_it_has_no_text(self, harness: Harness) -> None:
        policy = attrs.evolve(OFFERED, evidence="reporter_selected")
        world = equipped(World(harness, policy=policy))
        sent = world.ann.start("bob", envelope(world.ann, "bob"))
        made = world.bob.report(conversation=sent.conversation, messages=[sent.id], reason="threat")
        desk = world.dm.moderation("mod")
        desk.take(made.id)
        (item,) = desk.evidence(made.id)
        assert (item.message, item.body) == (sent.id, None)
        assert item.verdict is EvidenceVerdict.SEALED

    @pytest.mark.promise("CRYPT-2", "GDPR-1")
    def test_the_export_has_it_as_it_is(self, world: World) -> None:
        given = envelope(world.ann, "bob")
        world.ann.start("bob", given)
        (message,) = (it for it in export_of(world.bob) if isinstance(it, Message))
        assert message.envelope == given

    # Form -----------------------------------------------------------------------------------------

    def test_what_is_no_envelope_is_refused(self, world: World) -> None:
        given = envelope(world.ann, "bob")
        part = given.other[0]
        wrong: tuple[dict[str, Any], ...] = (
            {"protocol": "Test"},
            {"protocol": ""},
            {"version": -1},
            {"own_changes": 1 << 31},
            {"header": bytes(1_025)},
            {"commitment": bytes(31)},
            {"signature": bytes(65)},
            {"other": ()},
            {"other": (part, part)},
            {"other": (attrs.evolve(part, device=DeviceId(LAPTOP)), part)},
            {"other": (attrs.evolve(part, ciphertext=bytes(200_000)),)},
            {"own": tuple(attrs.evolve(part, device=DeviceId(UUID(int=n))) for n in range(6))},
        )
        for changed in wrong:
            with pytest.raises(InvalidEnvelope):
                attrs.evolve(given, **changed)
        spelled = (
            "",
            "{}",
            "[]",
            "x" * 300_000,
            f" {given.text}",
            given.text.replace("[1,1]", "[1]"),
            given.text.replace("[1,1]", "[1,1.0]"),
            given.text.replace(str(part.device), "x"),
            given.text.replace('"header":"', '"header":"!'),
        )
        for text in spelled:
            with pytest.raises(InvalidEnvelope):
                parse_envelope(text)
        assert "sealed words" not in repr(given)
