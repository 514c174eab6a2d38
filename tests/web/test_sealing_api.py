"""Sealing over HTTP: devices, keys, envelopes, and what proves a sealed message in a report."""

import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import ROLES, on_two_sites
from tests.web.hosts import Answer
from tests.web.scene import DEVICE, KEY, PREKEY

from dmcore import Envelope, Policy, RateLimit
from dmcore.adapters.e2ee import Opened, SealingDevice, wire
from dmcore.adapters.web._values import LARGEST_BODY_BYTES, MOST_BODY_BYTES
from dmcore.domain.envelope import LARGEST_ENVELOPE
from dmcore.testing.conformance.sealing import envelope

POLICY = Policy(sealing="offered", evidence="reporter_selected", blocked="refuse", key_claims=None)

pytestmark = pytest.mark.promise("CRYPT-2")


@pytest.fixture
def api(make_host: MakeHost) -> Api:
    return Api(make_host(policy=POLICY, site=ROLES))


@attrs.frozen
class Person:
    """Somebody with a device, who knows of the site what it answers."""

    api: Api
    name: str
    device: SealingDevice

    def ask(self, method: str, path: str, content: object = None, **given: Any) -> Answer:
        return self.api.ask(method, path, user=self.name, json=content, **given)

    def seal(self, text: str, to: str, **given: Any) -> dict[str, Any]:
        claim = self.ask("POST", "/key-claims", {"user": to})
        assert claim.status == 200, claim.text
        found = wire.claim_from_json(claim.json())
        return wire.envelope_to_json(self.device.seal(text, found, to=to, **given))

    def read(self, thread: str, other: str) -> list[str]:
        bundle = wire.bundle_from_json(self.api.get(f"/users/{other}/keys", user=self.name))
        self.device.learn(bundle)
        page = self.api.get(f"/threads/{thread}", user=self.name)
        messages = [wire.message_from_json(it) for it in page["messages"]]
        found = [self.device.open(it, partner=other) for it in messages]
        return [it.text for it in found if isinstance(it, Opened)]


def enrolled(api: Api, name: str) -> Person:
    person = Person(api, name, SealingDevice.new(name))
    content = wire.enrolment_to_json(person.device.enrolment(one_time_keys=5))
    answer = person.ask("PUT", f"/devices/{person.device.id}", content)
    assert answer.status == 200, answer.text
    return person


def keys(*numbers: int) -> dict[str, Any]:
    """Keys that nobody could use, as good as any other for a directory."""
    return {"prekey": PREKEY, "one_time_keys": [{**PREKEY, "number": it} for it in numbers]}


def added(api: Api, user: str, *numbers: int) -> None:
    content = {"identity": KEY, **keys(*numbers)}
    assert api.ask("PUT", f"/devices/{DEVICE}", user=user, json=content).status == 200


# Devices ----------------------------------------------------------------------------------------


def test_a_device_is_there_as_it_was_added_and_twice_is_once(api: Api) -> None:
    content = {"identity": KEY, **keys(1, 2)}
    first, again = (api.ask("PUT", f"/devices/{DEVICE}", json=content) for _ in range(2))
    assert (first.status, again.body) == (200, first.body)
    device = first.json()
    assert (device["id"], device["identity"], device["prekey"]) == (DEVICE, KEY, PREKEY)
    assert device["added_at"] == device["renewed_at"]
    assert api.get("/devices") == {"items": [device]}
    assert api.get("/devices", user="bob") == {"items": []}
    other = {**content, "identity": f"{'B' * 43}="}
    assert api.refusal("PUT", f"/devices/{DEVICE}", json=other) == "409 device_conflict"
    for _ in range(4):
        assert api.ask("PUT", f"/devices/{uuid4()}", json=content).status == 200
    refused = api.ask("PUT", f"/devices/{uuid4()}", json=content)
    assert (refused.status, refused.json()["most"]) == (409, 5)
    assert len(api.get("/devices")["items"]) == 5


@on_two_sites
def test_what_is_no_device_is_refused_and_nothing_is_stored(api: Api) -> None:
    good = {"identity": KEY, **keys(1)}
    wrong: Sequence[tuple[dict[str, Any], str]] = (
        ({"identity": "AAAA"}, "422 invalid_device"),
        ({"identity": f"{'A' * 44}"}, "422 invalid_device"),
        ({"identity": f"{'A' * 42}-="}, "422 malformed_request"),
        ({"identity": f"{KEY}\n"}, "422 malformed_request"),
        ({"identity": "\ud800"}, "422 malformed_request"),
        ({"identity": 7}, "422 malformed_request"),
        ({"prekey": None}, "422 malformed_request"),
        ({"prekey": {**PREKEY, "public": PREKEY["signature"]}}, "422 invalid_device"),
        ({"prekey": {**PREKEY, "signature": KEY}}, "422 invalid_device"),
        ({"prekey": {**PREKEY, "number": -1}}, "422 invalid_device"),
        ({"prekey": {**PREKEY, "number": 2**31}}, "422 invalid_device"),
        ({"prekey": {**PREKEY, "number": 1.0}}, "422 malformed_request"),
        ({"prekey": {**PREKEY, "number": True}}, "422 malformed_request"),
        ({"prekey": {**PREKEY, "private": KEY}}, "422 malformed_request"),
        (keys(1, 1), "422 invalid_device"),
        (keys(*range(101)), "422 invalid_device"),
    )
    for changed, refusal in wrong:
        given = good | changed
        assert api.refusal("PUT", f"/devices/{DEVICE}", json=given) == refusal, changed
    assert api.refusal("PUT", "/devices/phone", json=good) == "422 invalid_id"
    problem = api.ask("PUT", f"/devices/{DEVICE}", json={**good, "identity": "?"}).json()
    assert (problem["where"], problem["reason"]) == ("identity", "it is not base64")
    assert api.get("/devices") == {"items": []}


@on_two_sites
def test_only_ones_own_device_is_renewed_or_removed_and_what_is_left_is_not_told(api: Api) -> None:
    added(api, "ann", 1, 2)
    added(api, "bob")
    path, renewal = f"/devices/{DEVICE}", {**keys(8), "prekey": {**PREKEY, "number": 9}}
    for user, refusal in (("cyd", "403 access_denied"), (None, "401 not_signed_in")):
        assert api.refusal("PUT", f"{path}/keys", user=user, json=renewal) == refusal
        assert api.refusal("DELETE", path, user=user) == refusal
    nowhere = f"/devices/{uuid4()}"
    assert api.refusal("PUT", f"{nowhere}/keys", json=renewal) == "403 access_denied"
    api.host.clock.advance(seconds=7 * 86_400)
    renewed = api.ask("PUT", f"{path}/keys", json=renewal).json()
    assert renewed["prekey"]["number"] == 9
    assert renewed["renewed_at"] > renewed["added_at"]
    assert set(renewed) == {"id", "identity", "prekey", "added_at", "renewed_at"}
    assert api.get("/devices") == {"items": [renewed]}
    api.do("DELETE", path)
    assert api.refusal("DELETE", path) == "403 access_denied"
    assert api.get("/devices") == {"items": []}
    # Bob's, which has the same name, is his.
    assert len(api.get("/devices", user="bob")["items"]) == 1


# Keys -------------------------------------------------------------------------------------------


def test_each_one_time_key_is_given_once_and_looking_takes_none(api: Api) -> None:
    added(api, "ann")
    added(api, "bob", 1, 2)
    api.start("bob", "hello")
    looked = api.get("/users/bob/keys")
    assert [it["one_time"] for it in looked["devices"]] == [None]
    claims = [api.ask("POST", "/key-claims", json={"user": "bob"}).json() for _ in range(3)]
    given = [claim["other"]["devices"][0]["one_time"] for claim in claims]
    assert sorted(it["number"] for it in given if it is not None) == [1, 2]
    assert given.count(None) == 1
    for claim in claims:
        assert claim["other"]["devices"][0]["device"] == looked["devices"][0]["device"]
        assert [claim[side]["user"] for side in ("own", "other")] == ["ann", "bob"]
        assert claim["own"]["devices"][0]["one_time"] is None
    assert claims[0]["other"]["key_changes"] == looked["key_changes"] == 1


@on_two_sites
def test_who_may_not_write_takes_no_key_and_a_third_sees_none(api: Api) -> None:
    def refusal(user: str, other: str) -> str:
        return api.refusal("POST", "/key-claims", user=user, json={"user": other})

    assert refusal("ann", "bob") == "409 no_device"
    added(api, "ann")
    answer = api.ask("POST", "/key-claims", json={"user": "bob"})
    assert (answer.status, answer.json()["whose"]) == (409, "theirs")
    added(api, "bob", 1)
    assert refusal("ann", "ann") == "422 cannot_message_yourself"
    assert refusal("ann", "") == "422 invalid_id"
    for nobody in ("bob", "nobody"):
        assert api.refusal("GET", f"/users/{nobody}/keys") == "403 access_denied"
    api.do("POST", "/users/ann/block", user="bob")
    assert refusal("ann", "bob") == "403 recipient_unavailable"
    assert refusal("bob", "ann") == "409 you_blocked_them"
    api.do("DELETE", "/users/ann/block", user="bob")
    claim = api.ask("POST", "/key-claims", json={"user": "bob"}).json()
    assert claim["other"]["devices"][0]["one_time"]["number"] == 1


@on_two_sites
@pytest.mark.promise("LIMIT-1")
def test_who_takes_too_many_keys_is_told_when_to_go_on(make_host: MakeHost) -> None:
    limit = RateLimit(1, timedelta(minutes=1))
    api = Api(make_host(policy=attrs.evolve(POLICY, key_claims=limit)))
    for name in ("ann", "bob"):
        added(api, name, 1, 2)
    assert api.ask("POST", "/key-claims", json={"user": "bob"}).status == 200
    refused = api.ask("POST", "/key-claims", json={"user": "bob"})
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert refused.json()["notice"] == "You have sealed a lot of messages. Try again in 60 s."
    api.host.clock.advance(seconds=60)
    claim = api.ask("POST", "/key-claims", json={"user": "bob"}).json()
    # What was refused took none.
    assert claim["other"]["devices"][0]["one_time"] is not None


# Messages ---------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-3")
def test_two_talk_sealed_over_http_alone(api: Api) -> None:
    ann, bob = enrolled(api, "ann"), enrolled(api, "bob")
    content = {"user": "bob", **ann.seal("the door code is zebra", "bob")}
    once = {"idempotency-key": "once"}
    first, again = (ann.ask("POST", "/threads", content, headers=once) for _ in range(2))
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    sent = first.json()
    assert (sent["body"], sent["envelope"], sent["tag"]) == (None, content["envelope"], None)
    # Who seals again has another message.
    other = {"user": "bob", **ann.seal("the door code is zebra", "bob")}
    assert ann.ask("POST", "/threads", other, headers=once).json()["code"] == "key_conflict"
    thread = sent["thread"]
    assert bob.read(thread, "ann") == ["the door code is zebra"]
    (received,) = api.get(f"/threads/{thread}", user="bob")["messages"]
    assert received["tag"] is not None
    for name in ("ann", "bob"):
        assert api.get(f"/threads/{thread}", user=name)["thread"]["is_sealed"]
        assert b"zebra" not in api.ask("GET", f"/threads/{thread}", user=name).body
    assert api.get("/users/bob/can-message")["is_sealed"]
    path = f"/threads/{thread}/messages"
    answered = {**bob.seal("it is open", "ann"), "reply_to": sent["id"]}
    assert bob.ask("POST", path, answered).json()["reply_to"] == sent["id"]
    changed = ann.seal("the other door", "bob", edits=sent["id"])
    edited = ann.ask("PATCH", f"{path}/{sent['id']}", changed).json()
    assert (edited["envelope"], edited["edited_at_us"]) == (
        changed["envelope"],
        edited["sent_at_us"],
    )
    assert bob.read(thread, "ann") == ["the other door", "it is open"]
    assert ann.read(thread, "bob") == ["the other door", "it is open"]


@on_two_sites
def test_what_is_not_sealed_as_it_has_to_be_is_refused_and_nothing_is_stored(api: Api) -> None:
    ann = enrolled(api, "ann")
    bob = enrolled(api, "bob")
    said = api.start("bob", "in the clear")
    path = f"/threads/{said['thread']}/messages"
    late = ann.seal("x", "bob")
    enrolled(api, "bob")
    assert api.refusal("POST", path, json=late) == "409 keys_changed"
    sealed = ann.seal("x", "bob")
    for wrong in ("{}", "zebra", "\ud800", f" {sealed['envelope']}", "[" * 9_000):
        answer = api.ask("POST", path, json={"envelope": wrong})
        assert (answer.status, answer.json()["code"]) == (422, "invalid_envelope")
        assert b"zebra" not in answer.body
    both = {"body": "x", **sealed}
    assert api.refusal("POST", path, json=both) == "422 malformed_request"
    # What was said in the clear is not sealed later, nor what was sealed ever said.
    edit = f"{path}/{said['id']}"
    assert api.refusal("PATCH", edit, json=sealed) == "409 sealing_not_offered"
    assert len(api.get(f"/threads/{said['thread']}")["messages"]) == 1
    sent = ann.ask("POST", path, sealed).json()
    for method, place in (("POST", path), ("PATCH", f"{path}/{sent['id']}")):
        assert api.refusal(method, place, json={"body": "x"}) == "409 sealed_only"
    assert api.refusal("POST", path, user="cyd", json=bob.seal("x", "ann")) == "403 access_denied"
    assert len(api.get(f"/threads/{said['thread']}")["messages"]) == 2


@on_two_sites
def test_a_conversation_is_sealed_by_hand_and_stays_so(api: Api, make_host: MakeHost) -> None:
    thread = api.start("bob", "hello")["thread"]
    assert api.refusal("POST", f"/threads/{thread}/seal") == "409 no_device"
    for name in ("ann", "bob"):
        added(api, name)
    first, again = (api.ask("POST", f"/threads/{thread}/seal") for _ in range(2))
    assert (first.status, again.body) == (200, first.body)
    assert (first.json()["id"], first.json()["is_sealed"]) == (thread, True)
    for name in ("ann", "bob"):
        path = f"/threads/{thread}/messages"
        assert api.refusal("POST", path, user=name, json={"body": "x"}) == "409 sealed_only"
    elsewhere = Api(make_host())
    for name in ("ann", "bob"):
        added(elsewhere, name)
    thread = elsewhere.start("bob", "hello")["thread"]
    assert elsewhere.refusal("POST", f"/threads/{thread}/seal") == "409 sealing_not_offered"


def test_the_largest_envelope_fits_and_is_shown_as_it_was_sent(api: Api) -> None:
    for name in ("ann", "bob"):
        added(api, name)
    largest = filled(envelope(api.host.dm.mailbox("ann"), "bob", "x"))
    content = {"user": "bob", "envelope": largest.text}
    # Some escape every slash, which JSON allows.
    body = json.dumps(content).replace("/", "\\/").encode()
    assert MOST_BODY_BYTES < len(body) < LARGEST_BODY_BYTES
    answer = api.ask("POST", "/threads", body=body)
    assert (answer.status, answer.json()["envelope"]) == (201, largest.text)


def filled(small: Envelope) -> Envelope:
    """The same with as many characters as an envelope may have."""
    (part,) = small.other
    empty = attrs.evolve(small, other=(attrs.evolve(part, ciphertext=b""),))
    quads, rest = divmod(LARGEST_ENVELOPE - len(empty.text), 4)
    full = attrs.evolve(
        empty,
        protocol=empty.protocol + "x" * rest,
        other=(attrs.evolve(part, ciphertext=Random(7).randbytes(3 * quads)),),
    )
    assert len(full.text) == LARGEST_ENVELOPE
    return full


# Reports ----------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-1", "MOD-3")
def test_a_recipient_proves_what_the_site_never_read(api: Api) -> None:
    ann, bob = enrolled(api, "ann"), enrolled(api, "bob")
    content = {"user": "bob", **ann.seal("I know where you live", "bob")}
    sent = ann.ask("POST", "/threads", content).json()
    assert bob.read(sent["thread"], "ann") == ["I know where you live"]
    shown = wire.disclosure_to_json(bob.device.disclosure(sent["id"]))
    api.do("DELETE", f"/threads/{sent['thread']}/messages/{sent['id']}")
    given = {"thread": sent["thread"], "reason": "threat", "disclosures": [shown]}
    receipt = bob.ask("POST", "/reports", given)
    assert (receipt.status, receipt.json()["messages"]) == (201, 1)
    assert b"where you live" not in receipt.body
    assert evidence_of(api, receipt.json()["id"]) == [("I know where you live", "proven")]
    for wrong in (
        {"text": "I like you"},
        {"text": "\ud800"},
        {"text": "a\0b"},
        {"text": ""},
        {"text": "x" * (LARGEST_ENVELOPE // 2)},
        {"sender": "cyd"},
        {"key": None},
        {"tag": KEY},
        {"key": "AAAA"},
        {"sent_at_us": 2**63},
        {"sent_at_us": -(10**30)},
        {"edited_at_us": sent["sent_at_us"]},
        {"message": str(UUID(int=7))},
    ):
        refused = {**given, "disclosures": [{**shown, **wrong}]}
        assert bob.ask("POST", "/reports", refused).json()["code"] == "invalid_report", wrong
    for user, code in (("ann", "invalid_report"), ("cyd", "access_denied")):
        assert api.ask("POST", "/reports", user=user, json=given).json()["code"] == code
    many = {**given, "disclosures": [shown] * 21}
    assert bob.ask("POST", "/reports", many).json()["code"] == "invalid_report"


@on_two_sites
@pytest.mark.promise("MOD-1", "MOD-3")
def test_what_was_said_in_the_clear_is_proven_with_its_tag_alone(api: Api) -> None:
    sent = api.start("bob", "I know where you live")
    (kept,) = api.get(f"/threads/{sent['thread']}", user="bob")["messages"]
    path = f"/threads/{sent['thread']}/messages/{sent['id']}"
    assert api.ask("PATCH", path, json={"body": "I like you"}).status == 200
    names = ("sender", "sent_at_us", "edited_at_us", "tag")
    shown = {"message": kept["id"], "text": kept["body"], **{it: kept[it] for it in names}}
    given = {"thread": sent["thread"], "reason": "threat", "disclosures": [shown]}
    receipt = api.ask("POST", "/reports", user="bob", json=given).json()
    assert evidence_of(api, receipt["id"]) == [("I know where you live", "proven")]


def evidence_of(api: Api, report: str) -> list[tuple[str, str]]:
    """What a moderator is shown."""
    path = f"/moderation/reports/{report}"
    assert api.ask("POST", f"{path}/moves", user="mod", json={"move": "take"}).status == 200
    found = api.ask("POST", f"{path}/looks", user="mod").json()
    return [(item["body"], item["verdict"]) for item in found["items"]]
