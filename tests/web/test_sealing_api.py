"""Devices and their keys over HTTP: whose they are, and who is given which (CRYPT-2)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import attrs
import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import ROLES, on_two_sites
from tests.web.scene import DEVICE, KEY, PREKEY
from tests.web.sealing import POLICY, added, keys

from dmcore import RateLimit

pytestmark = pytest.mark.promise("CRYPT-2")


@pytest.fixture
def api(make_host: MakeHost) -> Api:
    return Api(make_host(policy=POLICY, site=ROLES))


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
