"""A site that lies to its clients: what it changes in its answers is refused, or noticed (CRYPT-2).

What a device makes of it in itself is in ``tests.e2ee.test_hostile``; here the lie is told in JSON.
"""

import json
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import ROLES
from tests.web.scene import KEY
from tests.web.sealing import POLICY, Person, enrolled

from dmcore.adapters.e2ee import Opened, SealingDevice, wire
from dmcore.errors import UntrustedKeys

Lie = Callable[[Any], None]

pytestmark = [
    pytest.mark.promise("CRYPT-2"),
    pytest.mark.parametrize("host_kind", ["asgi"]),
]


@pytest.fixture
def api(make_host: MakeHost) -> Api:
    return Api(make_host(policy=POLICY, site=ROLES))


@pytest.fixture
def ann(api: Api) -> Person:
    return enrolled(api, "ann")


@pytest.fixture
def bob(api: Api) -> Person:
    return enrolled(api, "bob")


def say(sender: Person, to: str, text: str) -> Any:
    answer = sender.ask("POST", "/threads", {"user": to, **sender.seal(text, to)})
    assert answer.status == 201, answer.text
    return answer.json()


def shown(reader: Person, partner: str, told: Any) -> str:
    """What a client shows for a message, or the reason why it shows none."""
    found = reader.device.open(wire.message_from_json(told), partner=partner)
    return found.text if isinstance(found, Opened) else f"[{found.reason}]"


def received(reader: Person, partner: str) -> list[Any]:
    """The messages of the conversation as the site tells them, after learning whose keys are."""
    keys = reader.api.get(f"/users/{partner}/keys", user=reader.name)
    reader.device.learn(wire.bundle_from_json(keys))
    path = reader.api.get(f"/threads/with?user={partner}", user=reader.name)["thread"]["id"]
    messages: list[Any] = reader.api.get(f"/threads/{path}", user=reader.name)["messages"]
    return messages


# Keys -------------------------------------------------------------------------------------------


def _claimed(api: Api) -> Any:
    return api.ask("POST", "/key-claims", json={"user": "bob"}).json()


@pytest.mark.usefixtures("bob")
def test_keys_that_the_site_exchanges_are_not_sealed_with(api: Api, ann: Person) -> None:
    mallory = wire.enrolment_to_json(SealingDevice.new("bob").enrolment(one_time_keys=1))
    enrolled(api, "cyd")

    def of(change: Lie) -> Any:
        claim = _claimed(api)
        change(claim["other"]["devices"][0])
        return claim

    def renamed(device: Any) -> None:
        device["device"] |= {"identity": mallory["identity"], "prekey": mallory["prekey"]}
        device["one_time"] = mallory["one_time_keys"][0]

    lies: tuple[Lie, ...] = (
        lambda it: it.update(one_time=mallory["one_time_keys"][0]),
        lambda it: it["one_time"].update(public=mallory["prekey"]["public"]),
        lambda it: it["one_time"].update(number=7_000),
        lambda it: it["device"].update(identity=mallory["identity"]),
        lambda it: it["device"].update(prekey=mallory["prekey"]),
        lambda it: it["device"].update(id=str(UUID(int=7))),
        renamed,
    )
    as_bob = api.ask("POST", "/key-claims", json={"user": "cyd"}).json()
    as_bob["other"]["user"] = "bob"
    without_own = _claimed(api)
    without_own["own"]["devices"] = []
    for claim in (*(of(lie) for lie in lies), as_bob, without_own):
        with pytest.raises(UntrustedKeys):
            ann.device.seal("for Bob alone", wire.claim_from_json(claim), to="bob")
    ann.device.seal("for Bob alone", wire.claim_from_json(_claimed(api)), to="bob")


def test_a_device_that_the_site_adds_shows_in_the_number_that_two_compare(
    api: Api, ann: Person, bob: Person
) -> None:
    say(ann, "bob", "hello")
    received(bob, "ann")
    bob.device.learn(
        wire.claim_from_json(bob.ask("POST", "/key-claims", {"user": "ann"}).json()).own
    )
    number = ann.device.safety_number("bob")
    assert number == bob.device.safety_number("ann")
    ann.device.compared("bob")
    mallory = SealingDevice.new("bob")
    forged = wire.enrolment_to_json(mallory.enrolment())
    claim = _claimed(api)
    first = claim["other"]["devices"][0]
    device = {**first["device"], "id": str(mallory.id)}
    device |= {name: forged[name] for name in ("identity", "prekey")}
    claim["other"]["devices"].append({"device": device, "one_time": None})
    with pytest.raises(UntrustedKeys, match="since the two of you compared"):
        ann.device.seal("for Bob alone", wire.claim_from_json(claim), to="bob")


# Messages ---------------------------------------------------------------------------------------

_CHANGED: Final[dict[str, object]] = {
    "version": 2,
    "protocol": "olm",
    "device": str(UUID(int=5)),
    "changes": [1, 2],
    "header": KEY,
    "commitment": KEY,
    "signature": f"{'A' * 86}==",
    "own": {},
}


def test_whatever_the_site_changes_in_a_message_shows_no_other_text(
    ann: Person, bob: Person
) -> None:
    say(ann, "bob", "as it was")
    (told,) = received(bob, "ann")
    envelope = json.loads(told["envelope"])
    for name, value in _CHANGED.items():
        spelled = json.dumps({**envelope, name: value}, separators=(",", ":"))
        lie = {**told, "envelope": spelled}
        assert shown(bob, "ann", lie)[1:-1] in {"damaged", "unknown_protocol", "unknown_device"}
    for lie, reason in (
        ({"envelope": told["envelope"] + " "}, "nothing_sealed"),
        ({"envelope": "{}"}, "nothing_sealed"),
        ({"envelope": None, "body": "as it never was"}, "nothing_sealed"),
        ({"sender": "bob"}, "unknown_device"),
    ):
        assert shown(bob, "ann", {**told, **lie}) == f"[{reason}]"
    # Neither a text beside the envelope nor the name of the conversation is listened to.
    told |= {"body": "as it never was", "thread": str(UUID(int=7))}
    assert shown(bob, "ann", told) == "as it was"


def test_messages_that_the_site_repeats_moves_or_exchanges_are_noticed(
    api: Api, ann: Person, bob: Person
) -> None:
    cyd = enrolled(api, "cyd")
    for text in ("no", "yes"):
        say(ann, "bob", text)
        api.host.clock.advance(seconds=1)
    say(ann, "cyd", "Cyd, this is for you")
    say(cyd, "bob", "I am Cyd")
    first, second = received(bob, "ann")
    (from_cyd,) = received(bob, "cyd")
    (to_cyd,) = received(cyd, "ann")
    # Exchanged, in another conversation, from another sender, and once more.
    places = {first["id"]: second["envelope"], second["id"]: first["envelope"]}
    exchanged = [{**it, "envelope": places[it["id"]]} for it in (first, second)]
    assert [shown(bob, "ann", it) for it in exchanged] == ["yes", "[misplaced]"]
    assert shown(bob, "ann", {**second, "envelope": to_cyd["envelope"]}) == "[damaged]"
    assert shown(cyd, "ann", {**to_cyd, "envelope": first["envelope"]}) == "[damaged]"
    as_anns = {**from_cyd, "sender": "ann", "thread": first["thread"]}
    assert shown(bob, "ann", as_anns) == "[unknown_device]"
    assert shown(bob, "cyd", from_cyd) == "I am Cyd"
    again = {**from_cyd, "id": str(UUID(int=UUID(from_cyd["id"]).int + (1 << 80)))}
    assert shown(bob, "cyd", again) == "[replayed]"


def test_a_tag_that_the_site_exchanges_proves_nothing(ann: Person, bob: Person) -> None:
    """Such a site refuses the reports of its own users, and makes nobody say what they did not."""
    for text in ("I like you", "I will find you"):
        say(ann, "bob", text)
    first, second = received(bob, "ann")
    assert shown(bob, "ann", {**first, "tag": second["tag"]}) == "I like you"
    kept = wire.disclosure_to_json(bob.device.disclosure(first["id"]))
    given = {"thread": first["thread"], "reason": "threat", "disclosures": [kept]}
    assert bob.ask("POST", "/reports", given).json()["code"] == "invalid_report"
    honest = {**given, "disclosures": [{**kept, "tag": first["tag"]}]}
    assert bob.ask("POST", "/reports", honest).status == 201
