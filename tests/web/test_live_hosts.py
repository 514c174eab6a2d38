"""Live updates on every framework: the stream as a browser reads it, beside the interface."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.web.conftest import MakeHost
from tests.web.hosts import Host, Stream

from dmcore.adapters.web import Site

QUICK = Site(look_every=timedelta(milliseconds=20), most_streams=2)


@pytest.fixture
def host(make_host: MakeHost) -> Host:
    return make_host(site=QUICK)


def following(stream: Stream, name: str) -> dict[str, Any]:
    """The next event of a name, its data read."""
    while (event := stream.event()).get("event") != name:
        assert event, f"the stream ended before {name}"
    return {**event, "data": json.loads(event["data"])}


@pytest.mark.promise("FEED-1", "LEAK-1")
def test_a_stream_tells_what_the_feed_does_and_goes_on_where_it_was_cut(host: Host) -> None:
    stream = host.client.open_stream("/api/stream", "ann")
    assert stream.status == 200
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    start = following(stream, "hello")["id"]
    sent = host.client.request(
        "POST", "/api/threads", user="bob", json={"user": "ann", "body": "canary"}
    )
    assert sent.status == 201
    event = following(stream, "changes")
    page = host.client.request("GET", f"/api/changes?after={start}", user="ann").json()
    assert event["data"] == {"items": page["items"], "next": page["next"]}
    assert event["id"] == page["next"]
    assert "canary" not in json.dumps(event)
    stream.close()
    thread = page["items"][0]["conversation"]
    host.client.request("POST", f"/api/threads/{thread}/messages", user="bob", json={"body": "2"})
    # A browser asks for the address that it began with, and says where it is by the header.
    place, come_back = f"/api/stream?after={start}", {"last-event-id": event["id"]}
    again = host.client.open_stream(place, "ann", headers=come_back)
    rest = following(again, "changes")["data"]
    page = host.client.request("GET", f"/api/changes?after={event['id']}", user="ann").json()
    assert rest == {"items": page["items"], "next": page["next"]}
    assert len(rest["items"]) == 1


@pytest.mark.promise("PREF-1", "BLOCK-1")
def test_typing_reaches_the_stream_of_the_other_one_alone(host: Host) -> None:
    sent = host.dm.mailbox("ann").start("bob", "x")
    host.dm.mailbox("bob").send(sent.conversation, "y")
    streams = {user: host.client.open_stream("/api/stream", user) for user in ("ann", "bob")}
    for stream in streams.values():
        following(stream, "hello")
    typed = host.client.request("POST", f"/api/threads/{sent.conversation}/typing", user="ann")
    assert typed.status == 204
    told = following(streams["bob"], "typing")
    assert told["data"] == {"conversation": str(sent.conversation), "user": "ann"}
    path = f"/api/threads/{sent.conversation}/presence"
    seen = host.client.request("GET", path, user="bob").json()
    assert seen == {"is_present": True, "is_typing": True}
    host.dm.mailbox("bob").block("ann")
    seen = host.client.request("GET", path, user="ann").json()
    assert seen == {"is_present": False, "is_typing": False}


def test_one_stream_too_many_is_refused_with_a_status(host: Host) -> None:
    for _ in range(2):
        following(host.client.open_stream("/api/stream", "ann"), "hello")
    refused = host.client.request("GET", "/api/stream", user="ann")
    assert (refused.status, refused.json()["code"]) == (429, "too_many_streams")


def test_a_site_that_only_polls_has_no_streams(make_host: MakeHost) -> None:
    host = make_host(site=Site(live="poll"))
    refused = host.client.request("GET", "/api/stream", user="ann")
    assert (refused.status, refused.json()["code"]) == (404, "streams_off")
    page = host.client.request("GET", "/api/changes?wait=25", user="ann")
    assert (page.status, page.json()["items"]) == (200, [])


@pytest.mark.promise("OPS-1")
def test_turning_messaging_off_ends_the_stream_and_says_so(host: Host) -> None:
    stream = host.client.open_stream("/api/stream", "ann")
    following(stream, "hello")
    host.dm.operations("olga").set_mode("off")
    assert following(stream, "closed")["data"] == {"reason": "unavailable"}
    assert stream.read() == b""
    assert host.client.request("GET", "/api/stream", user="ann").status == 503


def test_a_browser_that_comes_back_with_a_place_that_is_none_begins_anew(host: Host) -> None:
    damaged = {"last-event-id": "nonsense"}
    stream = host.client.open_stream("/api/stream", "ann", headers=damaged)
    assert stream.status == 200
    assert following(stream, "expired")["data"] == {}
    refused = host.client.request("GET", "/api/stream?after=nonsense", user="ann")
    assert (refused.status, refused.json()["code"]) == (422, "invalid_cursor")
