"""What a device tells over HTTP and is told: the same values again, and nothing but what fits."""

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.e2ee.people import Person

from dmcore.adapters.e2ee import wire
from dmcore.adapters.web.wire import _models, _sealing
from dmcore.domain.devices import KeyClaim

pytestmark = pytest.mark.promise("CRYPT-2")


def answered(model: Any) -> Any:
    """What the interface would answer, as a client reads it."""
    return json.loads(model.model_dump_json())


def claim_of(found: KeyClaim) -> Any:
    told = {side: _sealing.KeyBundle.of(getattr(found, side)) for side in ("own", "other")}
    return answered(_sealing.KeyClaim(**told))


def test_keys_come_as_they_were_given_out(ann: Person, bob: Person) -> None:
    claim = ann.box.devices.claim("bob")
    assert wire.claim_from_json(claim_of(claim)) == claim
    assert wire.bundle_from_json(claim_of(claim)["other"]) == claim.other
    (device,) = bob.box.devices.list()
    assert wire.device_from_json(answered(_sealing.Device.of(device))) == device


def test_what_a_device_makes_is_what_the_interface_takes(ann: Person) -> None:
    enrolment, renewal = ann.device.enrolment(), ann.device.renewal(one_time_keys=3)
    new = _sealing.NewDevice(**wire.enrolment_to_json(enrolment))
    told = (new.identity, new.prekey.value, tuple(new.one_time))
    assert told == (enrolment.identity, enrolment.prekey, enrolment.one_time_keys)
    keys = _sealing.NewKeys(**wire.renewal_to_json(renewal))
    assert (keys.prekey.value, tuple(keys.one_time)) == (renewal.prekey, renewal.one_time_keys)


@pytest.mark.parametrize("fate", ["sealed", "answered", "changed", "taken back", "seen", "open"])
def test_a_message_comes_as_it_is(ann: Person, bob: Person, fate: str) -> None:
    sent = ann.box.start("bob", "hello") if fate == "open" else ann.say(bob, "hello")
    viewer = bob
    if fate == "answered":
        claim = bob.box.devices.claim("ann")
        envelope = bob.device.seal("hi", claim, to="ann")
        bob.box.send(sent.conversation, envelope, reply_to=sent.id)
        viewer = ann
    elif fate == "changed":
        ann.change(bob, sent, "hi")
    elif fate == "taken back":
        ann.box.delete(sent.conversation, sent.id)
    elif fate == "seen":
        bob.box.mark_read(sent.conversation, through=sent.id)
        viewer = ann
    for found in viewer.box.thread(sent.conversation).items:
        read = wire.message_from_json(answered(_models.Message.of(found, viewer.name)))
        assert read == (attrs.evolve(found, is_sealed=False) if found.is_deleted else found)
        assert read.franking == found.franking


def changed(told: Any, path: tuple[str | int, ...], value: object) -> Any:
    """The same with another value at one place."""
    if not path:
        return value
    again: Any = dict(told) if isinstance(told, dict) else list(told)
    again[path[0]] = changed(told[path[0]], path[1:], value)
    return again


NUMBERS = (None, -1, 1.5, True, "1")
IDS = (None, 7, "", "x")
BYTES = (None, 7, "?", "AAAA", "\ud800")
INSTANTS = (None, 7, "now", "2030-01-01T12:00:00")


def test_what_is_no_answer_is_refused_and_not_repeated(ann: Person, bob: Person) -> None:
    claim = claim_of(ann.box.devices.claim("bob"))
    sent = ann.say(bob, "hello")
    (found,) = bob.box.thread(sent.conversation).items
    message = answered(_models.Message.of(found, "bob"))
    device: tuple[str | int, ...] = ("other", "devices", 0, "device")
    one_time: tuple[str | int, ...] = ("other", "devices", 0, "one_time")
    of_claims: list[tuple[tuple[str | int, ...], tuple[object, ...]]] = [
        ((), (None, 7, [], "zebra", {})),
        (("own",), (None, [], {})),
        (("other", "user"), (None, 7, "", "\ud800")),
        (("other", "key_changes"), NUMBERS),
        (("other", "devices"), (None, 7, [None], "zebra")),
        ((*device, "id"), IDS),
        ((*device, "identity"), BYTES),
        ((*device, "prekey"), (None, {})),
        ((*device, "added_at"), INSTANTS),
        ((*one_time, "number"), NUMBERS),
        ((*one_time, "public"), BYTES),
        ((*one_time, "signature"), BYTES),
    ]
    of_messages: list[tuple[tuple[str | int, ...], tuple[object, ...]]] = [
        ((), (None, 7, [], "zebra", {})),
        (("id",), IDS),
        (("thread",), IDS),
        (("sender",), (None, 7, "")),
        (("body",), (7, [])),
        (("envelope",), (7, {})),
        (("sent_at_us",), (*NUMBERS[2:], 10**30, None)),
        (("edited_at_us",), (*NUMBERS[2:], 10**30)),
        (("reply_to",), IDS[1:]),
        (("seen_at",), INSTANTS[1:]),
        (("tag",), BYTES[1:3]),
    ]
    readers: list[tuple[Callable[[Any], object], Any, Any]] = [
        (wire.claim_from_json, claim, of_claims),
        (wire.message_from_json, message, of_messages),
    ]
    for reader, whole, wrong in readers:
        for path, values in wrong:
            for value in values:
                told = changed(whole, path, value)
                if path == ("body",):
                    told["envelope"] = None
                with pytest.raises(ValueError, match="form of the interface") as caught:
                    reader(told)
                assert caught.value.__context__ is None, (path, value)
                assert type(caught.value) is ValueError
