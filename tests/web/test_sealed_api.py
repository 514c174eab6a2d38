"""Sealed messages over HTTP, and what proves one in a report (CRYPT-2)."""

import json
from random import Random
from uuid import UUID

import attrs
import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import ROLES, on_two_sites
from tests.web.scene import KEY
from tests.web.sealing import POLICY, added, enrolled

from dmcore import Envelope
from dmcore.adapters.e2ee import wire
from dmcore.adapters.web._values import LARGEST_BODY_BYTES, MOST_BODY_BYTES
from dmcore.domain.envelope import LARGEST_ENVELOPE
from dmcore.testing.conformance.sealing import envelope

pytestmark = pytest.mark.promise("CRYPT-2")


@pytest.fixture
def api(make_host: MakeHost) -> Api:
    return Api(make_host(policy=POLICY, site=ROLES))


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
