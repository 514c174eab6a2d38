"""Looking over HTTP: lists, conversations, other people, oneself, and what happened."""

import json
from urllib.parse import quote

import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.hosts import Host

from dmcore import Policy
from dmcore.adapters.web import wire
from dmcore.testing.world import asking

NOON_US = 1_893_499_200_123_456


@pytest.fixture
def api(host: Host) -> Api:
    return Api(host)


# Conversations ----------------------------------------------------------------------------------


@pytest.mark.promise("PAGE-2")
def test_the_inbox_shows_each_conversation_with_its_newest_message(api: Api) -> None:
    api.host.clock.set_us(NOON_US)
    api.start("ann", "hello Ann", user="cyd")
    api.host.clock.advance(seconds=1)
    sent = api.start("ann", "are you there?", user="bob")
    newest, older = api.get("/threads")["items"]
    assert newest == {
        "id": sent["thread"],
        "other": "bob",
        "newest": sent["id"],
        "preview": {**sent, "is_mine": False, "tag": newest["preview"]["tag"]},
        "read": None,
        "unread": 1,
        "is_muted": False,
    }
    assert older["other"] == "cyd"
    assert (sent["sender"], sent["is_mine"]) == ("bob", True)
    assert sent["sent_at"] == "2030-01-01T12:00:01.123456Z"


def test_instants_have_their_microseconds_also_where_they_are_zero(api: Api) -> None:
    api.host.clock.set_us(NOON_US - NOON_US % 1_000_000)
    assert api.start("bob", "x")["sent_at"] == "2030-01-01T12:00:00.000000Z"


@pytest.mark.promise("REQ-1", "MSG-5")
def test_each_folder_is_a_list_of_its_own(make_host: MakeHost) -> None:
    api = Api(make_host(policy=asking(1)))
    asked = api.start("ann", "may I?", user="bob")["thread"]
    begun = api.start("cyd", "hello")["thread"]
    api.do("PUT", f"/threads/{begun}/archive")
    folders = {
        folder: [entry["id"] for entry in api.get(f"/threads?folder={folder}")["items"]]
        for folder in ("inbox", "requests", "archived")
    }
    assert folders == {"inbox": [], "requests": [asked], "archived": [begun]}
    assert api.get("/threads") == api.get("/threads?folder=inbox")


@pytest.mark.promise("PAGE-2", "READ-1")
def test_a_conversation_shows_its_state_and_its_messages_oldest_first(api: Api) -> None:
    first = api.start("bob", "one")
    thread = first["thread"]
    second = api.send(thread, "two", user="bob", reply_to=first["id"])
    seen = api.get(f"/threads/{thread}")
    assert seen["thread"] == {
        "id": thread,
        "other": "bob",
        "folder": "inbox",
        "request": None,
        "newest": second["id"],
        "read": None,
        "unread": 1,
        "is_muted": False,
        "is_archived": False,
        "you_block": False,
        "is_sealed": False,
    }
    assert [message["body"] for message in seen["messages"]] == ["one", "two"]
    assert [message["is_mine"] for message in seen["messages"]] == [True, False]
    assert seen["messages"][1]["reply_to"] == seen["messages"][1]["thread_root"] == first["id"]
    assert (seen["older"], seen["has_more"]) == (None, False)
    later = api.get(f"/threads/{thread}?after={seen['newer']}")
    assert (later["messages"], later["has_more"]) == ([], False)


def test_a_conversation_is_found_by_its_other_user_or_it_is_none(api: Api) -> None:
    assert api.get("/threads/with?user=bob") == {"thread": None}
    thread = api.start("bob", "x")["thread"]
    found = api.get("/threads/with?user=bob")["thread"]
    assert found == api.get(f"/threads/{thread}")["thread"]
    assert api.get("/threads/with?user=ann", user="bob")["thread"]["id"] == thread
    assert api.get("/threads/with?user=cyd") == {"thread": None}


@pytest.mark.promise("MSG-6")
def test_the_replies_of_a_message_are_listed_with_it(api: Api) -> None:
    root = api.start("bob", "root")
    thread = root["thread"]
    api.send(thread, "beside it")
    reply = api.send(thread, "reply", user="bob", reply_to=root["id"])
    api.send(thread, "reply to the reply", reply_to=reply["id"])
    chain = api.get(f"/threads/{thread}/messages/{root['id']}/replies")
    assert [it["body"] for it in chain["messages"]] == ["root", "reply", "reply to the reply"]


@pytest.mark.promise("READ-2")
def test_an_own_message_tells_when_it_was_seen(api: Api) -> None:
    api.host.clock.set_us(NOON_US)
    sent = api.start("bob", "x")
    thread = sent["thread"]
    assert sent["seen_at"] is None
    api.host.clock.advance(seconds=2, us=1)
    api.do("POST", f"/threads/{thread}/read", user="bob", json={"through": sent["id"]})
    (mine,) = api.get(f"/threads/{thread}")["messages"]
    (theirs,) = api.get(f"/threads/{thread}", user="bob")["messages"]
    assert mine["seen_at"] == "2030-01-01T12:00:02.123457Z"
    assert theirs["seen_at"] is None


def test_presence_is_not_known_of_somebody_who_never_came(api: Api) -> None:
    thread = api.start("bob", "x")["thread"]
    found = api.get(f"/threads/{thread}/presence")
    assert found == {"is_present": False, "is_typing": False}


# Other people, and oneself ----------------------------------------------------------------------


@pytest.mark.promise("BLOCK-3")
def test_the_block_list_names_whom_and_since_when(api: Api) -> None:
    api.host.clock.set_us(NOON_US)
    api.do("POST", "/users/cyd/block")
    assert api.get("/users/blocked") == {
        "items": [{"user": "cyd", "since": "2030-01-01T12:00:00.123456Z"}],
        "next": None,
    }
    assert api.get("/users/blocked", user="cyd") == {"items": [], "next": None}


@pytest.mark.promise("GATE-2")
def test_whether_one_may_write_is_told_with_the_reason(make_host: MakeHost) -> None:
    api = Api(make_host(policy=Policy(messages=None)))
    allowed = {"is_allowed": True, "reason": None, "retry_after_s": None, "is_sealed": False}
    assert api.get("/users/bob/can-message") == allowed
    api.do("POST", "/users/bob/block")
    refused = {
        "is_allowed": False,
        "reason": "you_blocked_them",
        "retry_after_s": None,
        "is_sealed": False,
    }
    assert api.get("/users/bob/can-message") == refused
    for number in range(5):
        api.start(f"user {number}", "x")
    api.host.clock.advance(seconds=0.5)
    limited = {"is_allowed": False, "reason": "limit_reached", "retry_after_s": 86_399.5}
    limited["is_sealed"] = False
    assert api.get("/users/cyd/can-message") == limited


@pytest.mark.promise("BLOCK-2", "BLOCK-3")
def test_whether_a_profile_may_be_shown_is_for_the_host_alone(api: Api) -> None:
    """It is false for one reason only: whoever may ask it about themselves learns of a block."""
    assert "visible" not in json.dumps(api.get("/openapi.json"))
    assert "visible" not in "".join(route.pattern for route in wire.ROUTES)


@pytest.mark.promise("READ-3")
def test_the_unread_count_is_the_sum_of_the_inbox(api: Api) -> None:
    assert api.get("/unread-count") == {"unread": 0}
    thread = api.start("ann", "x", user="bob")["thread"]
    api.send(thread, "y", user="bob")
    api.start("ann", "z", user="cyd")
    assert api.get("/unread-count") == {"unread": 3}
    assert api.get("/unread-count", user="bob") == {"unread": 0}


# Keeping up -------------------------------------------------------------------------------------


@pytest.mark.promise("FEED-1")
def test_a_snapshot_is_continued_by_the_changes_after_its_cursor(api: Api) -> None:
    api.start("ann", "before", user="cyd")
    snapshot = api.get("/snapshot")
    assert snapshot["unread"] == 1
    assert snapshot["inbox"] == api.get("/threads")
    assert snapshot["preferences"] == api.get("/preferences")
    assert api.get(f"/changes?after={snapshot['cursor']}")["items"] == []
    api.host.clock.set_us(NOON_US)
    sent = api.start("ann", "after", user="bob")
    news = api.get(f"/changes?after={snapshot['cursor']}")
    (fact,) = news["items"]
    assert fact == {
        "action": "conversation_started",
        "actor": "bob",
        "at": "2030-01-01T12:00:00.123456Z",
        "other": "ann",
        "conversation": sent["thread"],
        "message": sent["id"],
        "mode": None,
        "report": None,
    }
    assert news["has_more"] is False
    assert api.get(f"/changes?after={news['next']}")["items"] == []


@pytest.mark.promise("FEED-1")
def test_asking_to_wait_answers_at_once_where_something_is(api: Api) -> None:
    cursor = api.get("/snapshot")["cursor"]
    sent = api.start("ann", "x", user="bob")
    (fact,) = api.get(f"/changes?after={cursor}&wait=25")["items"]
    assert fact["message"] == sent["id"]


def test_a_stream_goes_on_from_what_a_browser_says_or_from_its_address(host: Host) -> None:
    api = Api(host)
    early = api.get("/snapshot")["cursor"]
    api.start("ann", "x", user="bob")
    late = api.get("/snapshot")["cursor"]
    path = f"/api/stream?after={early}"
    with host.client.open_stream(path, "ann") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.event()["event"] == "changes"
    api.start("ann", "y", user="cyd")
    with host.client.open_stream(path, "ann", {"last-event-id": late}) as stream:
        event = stream.event()
        assert event["event"] == "changes"
        assert '"cyd"' in event["data"]
        assert '"bob"' not in event["data"]


@pytest.mark.promise("FEED-1")
def test_a_stream_tells_facts_in_the_words_of_the_list_of_changes(host: Host) -> None:
    api = Api(host)
    cursor = api.get("/snapshot")["cursor"]
    sent = api.start("ann", "x", user="bob")
    api.do("POST", f"/threads/{sent['thread']}/read", json={"through": sent["id"]})
    listed = api.get(f"/changes?after={cursor}")
    with host.client.open_stream(f"/api/stream?after={cursor}", "ann") as stream:
        event = stream.event()
    told = json.loads(event["data"])
    assert told["items"] == listed["items"]
    assert told["next"] == event["id"] == listed["next"]


def test_what_a_stream_refuses_is_a_problem_like_any_other(host: Host) -> None:
    with host.client.open_stream("/api/stream", None) as stream:
        assert stream.status == 401
        assert stream.headers["content-type"] == "application/problem+json"
    with host.client.open_stream("/api/stream?after=elsewhere", "ann") as stream:
        assert stream.status == 422
        assert b"invalid_cursor" in stream.read()


# Names of any kind ------------------------------------------------------------------------------

ODD = [
    *("a/b", "/a", "a/", "a//b", "50%", "a b", "a+b", "ä/ö", "日本", "😀"),
    *('"q"', "'", "a?b=c", "a#b", "a&b=c", "a;b", "a\\b", "<b>", "\u202eabc", "block", "blocked"),
    *("blocked/can-message", "x/block", "a,b", "~", "-", "1", "null"),
]


@pytest.mark.promise("EMB-5")
def test_a_user_may_be_called_anything(make_host: MakeHost) -> None:
    api = Api(make_host(policy=Policy(messages=None, starts=None)))
    for user in ODD:
        _has_everything(api, user)


@pytest.mark.promise("EMB-5")
def test_what_is_encoded_twice_is_decoded_once(host: Host) -> None:
    """By a real server: the test client of Starlette decodes a path once more than servers do."""
    assert host.client.address
    for user in ("%2F", "%252F/%"):
        _has_everything(Api(host), user)


def _has_everything(api: Api, user: str) -> None:
    there = quote(user, safe="")
    assert api.get(f"/users/{there}/can-message")["is_allowed"] is True
    sent = api.start(user, "hello")
    assert api.get(f"/threads/with?user={there}")["thread"]["other"] == user
    (entry,) = api.get("/threads", user=user)["items"]
    assert (entry["id"], entry["other"], entry["preview"]["sender"]) == (
        sent["thread"],
        "ann",
        "ann",
    )
    api.do("POST", f"/users/{there}/block")
    assert [block["user"] for block in api.get("/users/blocked")["items"]] == [user]
    api.do("DELETE", f"/users/{there}/block")
    assert api.get("/users/blocked")["items"] == []
