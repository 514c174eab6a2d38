"""A server that swaps, replays, reorders, moves and changes: it is refused or it is noticed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.e2ee.people import Person

from dmcore import Body, Envelope, KeyBundle, KeyClaim, Message
from dmcore.adapters.e2ee import SealingDevice
from dmcore.adapters.e2ee._bytes import LARGEST_TEXT, prekey_statement
from dmcore.domain.devices import Prekey
from dmcore.domain.ids import DeviceId, MessageId, UserId
from dmcore.errors import UntrustedKeys
from dmcore.testing.world import World

pytestmark = pytest.mark.promise("CRYPT-2")


def swapped(message: Message, change: Callable[[Envelope], Envelope]) -> Message:
    """The message with another envelope in it."""
    envelope = message.envelope
    assert envelope is not None
    return attrs.evolve(message, body=change(envelope).body)


# Keys ---------------------------------------------------------------------------------------------


def with_keys(bundle: KeyBundle, **changed: Any) -> KeyBundle:
    """A bundle whose first device has other keys."""
    first, *rest = bundle.devices
    names = {it.name for it in attrs.fields(type(first.device))}
    inside = {name: value for name, value in changed.items() if name in names}
    outside = {name: value for name, value in changed.items() if name not in names}
    device = attrs.evolve(first.device, **inside)
    first = attrs.evolve(first, device=device, **outside)
    return attrs.evolve(bundle, devices=(first, *rest))


def test_a_key_that_is_not_its_devices_is_not_sealed_with(ann: Person, bob: Person) -> None:
    claim = ann.box.devices.claim(bob.name)
    mallory = SealingDevice.new("bob")
    fake = mallory.enrolment(one_time_keys=1)
    theirs = claim.other.devices[0]
    assert theirs.one_time is not None
    swaps = (
        {"one_time": fake.one_time_keys[0]},
        {"prekey": fake.prekey},
        {"identity": fake.identity},
        {"identity": bytes(32)},
        # A prekey is no one-time key, nor is a key of another number.
        {"one_time": theirs.device.prekey},
        {"one_time": attrs.evolve(theirs.one_time, number=7)},
    )
    for swap in swaps:
        wrong = attrs.evolve(claim, other=with_keys(claim.other, **swap))
        with pytest.raises(UntrustedKeys):
            ann.device.seal("secret", wrong, to="bob")
    ann.device.seal("secret", claim, to="bob")
    # Keys that are in order in themselves, under the name of a device that was known before.
    mallory._memory.device = theirs.device.id
    whole = mallory.enrolment()
    as_bob = with_keys(claim.other, identity=whole.identity, prekey=whole.prekey, one_time=None)
    with pytest.raises(UntrustedKeys, match="another identity key"):
        ann.device.learn(as_bob)


def test_keys_of_somebody_else_are_not_taken_for_those_that_were_asked_for(
    world: World, ann: Person, bob: Person
) -> None:
    assert bob.box.devices.list()
    eve = Person.of(world, "eve")
    for_eve = ann.box.devices.claim("eve")
    with pytest.raises(UntrustedKeys):
        ann.device.seal("for Bob alone", for_eve, to="bob")
    renamed = attrs.evolve(for_eve.other, user=UserId("bob"))
    with pytest.raises(UntrustedKeys):
        ann.device.seal("for Bob alone", attrs.evolve(for_eve, other=renamed), to="bob")
    own = eve.box.devices.claim("bob").own
    with pytest.raises(UntrustedKeys):
        ann.device.seal("x", KeyClaim(own=own, other=for_eve.other), to="eve")
    nobody = attrs.evolve(for_eve.own, devices=())
    with pytest.raises(UntrustedKeys):
        ann.device.seal("x", KeyClaim(own=nobody, other=for_eve.other), to="eve")


def test_a_key_that_no_text_can_be_sealed_with_is_refused(ann: Person, bob: Person) -> None:
    """A point of small order, which its own device signed."""
    assert ann.box.devices.list()
    device = bob.device
    statement = prekey_statement(
        device.user.tenant, bob.box.user.id, device.id, is_one_time=False, number=9, key=bytes(32)
    )
    none = Prekey(number=9, public=bytes(32), signature=device._identity.sign(statement))
    bob.box.devices.renew(device.id, prekey=none, one_time_keys=())
    with pytest.raises(UntrustedKeys, match="sealed with"):
        ann.say(bob, "secret")


def test_a_device_that_was_removed_does_not_come_back_unnoticed(
    world: World, ann: Person, bob: Person
) -> None:
    """It was lost, say, and a server lists it again for whoever found it."""
    phone = Person.of(world, "bob")
    ann.say(bob, "x")
    assert set(ann.device.learn(ann.box.devices.keys_of("bob"))) == {bob.device.id, phone.device.id}
    before = ann.box.devices.keys_of("bob")
    bob.box.devices.remove(phone.device.id)
    assert ann.device.learn(ann.box.devices.keys_of("bob")) == ()
    assert ann.device.learn(before) == (phone.device.id,)


# Envelopes ----------------------------------------------------------------------------------------


def test_whatever_is_changed_in_an_envelope_is_noticed(ann: Person, bob: Person) -> None:
    ann.say(bob, "as it was")
    (message,) = bob.look(ann)

    def flipped(part: bytes) -> bytes:
        return part[:-1] + bytes([part[-1] ^ 1])

    changes: dict[str, Callable[[Envelope], Envelope]] = {
        "damaged": lambda it: attrs.evolve(it, commitment=flipped(it.commitment)),
        "damaged ": lambda it: attrs.evolve(it, signature=flipped(it.signature)),
        "damaged  ": lambda it: attrs.evolve(it, other_changes=it.other_changes + 1),
        "damaged   ": lambda it: attrs.evolve(
            it,
            other=tuple(
                attrs.evolve(part, ciphertext=flipped(part.ciphertext)) for part in it.other
            ),
        ),
        "damaged    ": lambda it: attrs.evolve(it, header=b"short"),
        "damaged     ": lambda it: attrs.evolve(it, header=flipped(it.header)),
        "damaged      ": lambda it: attrs.evolve(it, own=it.other, other=it.own),
        "unknown_device": lambda it: attrs.evolve(it, device=DeviceId(UUID(int=5))),
        "unknown_protocol": lambda it: attrs.evolve(it, version=2),
        "unknown_protocol ": lambda it: attrs.evolve(it, protocol="olm"),
    }
    for reason, change in changes.items():
        wrong = swapped(message, change)
        assert bob.opened(wrong, ann) == f"[{reason.strip()}]"
    garbage = attrs.evolve(message, body=Body("{}"))
    assert bob.opened(garbage, ann) == "[nothing_sealed]"
    assert bob.opened(message, ann) == "as it was"


def test_an_envelope_is_of_its_sender_and_its_conversation(
    world: World, ann: Person, bob: Person
) -> None:
    eve = Person.of(world, "eve")
    ann.say(bob, "Bob, this is for you")
    ann.say(eve, "Eve, this is for you")
    bob.say(ann, "x")
    (to_bob, _), (to_eve,) = bob.look(ann), eve.look(ann)
    # Into another conversation, and to another sender.
    assert bob.opened(attrs.evolve(to_eve, conversation=to_bob.conversation), ann) == "[damaged]"
    assert eve.opened(to_bob, ann) == "[damaged]"
    as_eves = attrs.evolve(to_bob, sender=UserId("eve"))
    bob.device.learn(attrs.evolve(ann.box.devices.keys_of("bob")))
    assert bob.opened(as_eves, eve) == "[unknown_device]"
    assert bob.opened(as_eves, ann) == "[damaged]"
    as_bobs = attrs.evolve(to_bob, sender=UserId("bob"))
    assert bob.opened(as_bobs, ann) == "[unknown_device]"
    assert bob.read(ann)[0] == "Bob, this is for you"


def test_a_message_that_comes_twice_is_noticed(ann: Person, bob: Person) -> None:
    ann.say(bob, "pay me 10")
    (message,) = bob.look(ann)
    assert bob.opened(message, ann) == "pay me 10"
    later = MessageId(UUID(int=message.id.int + (1 << 80)))
    assert bob.opened(attrs.evolve(message, id=later), ann) == "[replayed]"


def test_messages_in_another_order_are_noticed(ann: Person, bob: Person, world: World) -> None:
    for text in ("no", "yes"):
        ann.say(bob, text)
        world.tick()
    first, second = bob.look(ann)
    exchanged = [attrs.evolve(first, body=second.body), attrs.evolve(second, body=first.body)]
    assert [bob.opened(it, ann) for it in exchanged] == ["yes", "[misplaced]"]
    tablet = Person(bob.box, SealingDevice.imported(bob.device.exported("p"), "p"))
    assert tablet.opened(exchanged[1], ann) == "[misplaced]"


def test_one_that_stands_behind_a_later_one_is_noticed_too(
    ann: Person, bob: Person, world: World
) -> None:
    for text in ("no", "yes"):
        ann.say(bob, text)
        world.tick()
    first, second = bob.look(ann)
    assert bob.opened(attrs.evolve(second, body=first.body), ann) == "no"
    assert bob.opened(attrs.evolve(first, body=second.body), ann) == "[misplaced]"


def test_another_text_belongs_to_the_message_that_it_was_written_for(
    ann: Person, bob: Person
) -> None:
    yes, no = ann.say(bob, "yes"), ann.say(bob, "no")
    changed = ann.change(bob, yes, "certainly")
    bob.look(ann)
    assert bob.opened(attrs.evolve(no, body=changed.body), ann) == "[misplaced]"
    assert bob.read(ann) == ["certainly", "no"]


def test_what_is_withheld_is_not_noticed_and_that_is_on_purpose(
    ann: Person, bob: Person, world: World
) -> None:
    """A number that counts would tell of what was absorbed and of who is banned (MOD-4)."""
    ann.say(bob, "1")
    bob.box.block("ann")
    ann.say(bob, "absorbed")
    bob.box.unblock("ann")
    ann.say(bob, "2")
    assert bob.read(ann) == ["1", "2"]
    assert ann.read(bob) == ["1", "absorbed", "2"]
    assert world.is_sound()


def test_a_sender_who_commits_to_another_text_shows_none(
    ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could be read and not be reported."""
    monkeypatch.setattr("dmcore.adapters.e2ee._device.commitment_to", lambda _text, _key: bytes(32))
    ann.say(bob, "a threat that nobody could prove")
    assert bob.read(ann) == ["[damaged]"]


def test_a_text_that_no_report_could_hold_is_not_shown(
    ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender with a client of their own would write what nobody could prove."""
    monkeypatch.setattr("dmcore.adapters.e2ee._device.parse_body", lambda text, _rules: Body(text))
    monkeypatch.setattr("dmcore.adapters.e2ee._device.LARGEST_TEXT", 100_000)
    for text in ("", "I will find you\0", "I will find you " * 2_000, "x" * LARGEST_TEXT):
        ann.say(bob, text)
    assert bob.read(ann) == ["[damaged]"] * 3 + ["x" * LARGEST_TEXT]


def test_a_text_that_is_no_text_is_damaged(
    ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (b"", bytes(32) + b"\x00\x00\x00\x09x", bytes(32) + b"\x00\x00\x00\x01\xff"):
        monkeypatch.setattr(
            "dmcore.adapters.e2ee._device.padded", lambda _text, _key, it=content: it
        )
        ann.say(bob, "x")
    assert bob.read(ann) == ["[damaged]"] * 3
