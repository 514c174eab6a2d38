"""Who may do what over HTTP, and that the others change nothing and learn nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from tests.web.conftest import MakeHost
from tests.web.described import DOCUMENT, Api
from tests.web.hosts import Host
from tests.web.scene import ABOUT_A_MESSAGE, ABOUT_A_THREAD, ACTS, ASKS, LOOKS, ask_named

from dmcore import Policy
from dmcore.adapters.web import Site
from dmcore.testing.conformance.devices import enrol
from dmcore.testing.world import outlook

SECRET = "the door code is zebra"
NOWHERE = str(UUID(int=0x018000000000_7000_8000_000000000001))
PEOPLE = ("ann", "bob", "cyd", "dan")


@pytest.fixture
def api(host: Host) -> Api:
    return Api(host)


@pytest.fixture
def sent(api: Api) -> dict[str, str]:
    """A message of Ann's to Bob, which Bob has not read."""
    message: dict[str, str] = api.start("bob", SECRET)
    return message


@contextmanager
def unchanged(host: Host) -> Iterator[None]:
    """Whatever the block does leaves every list, count, feed and journal as it was."""
    before = everything(host)
    yield
    assert everything(host) == before


def everything(host: Host) -> list[object]:
    operator = host.dm.operations("olga")
    return [
        (
            outlook(host.dm.mailbox(user), *(other for other in PEOPLE if other != user)),
            operator.audit(user, limit=100),
        )
        for user in PEOPLE
    ]


# Looking ----------------------------------------------------------------------------------------


@pytest.mark.promise("READ-1", "GATE-2")
def test_looking_changes_nothing(api: Api, sent: dict[str, str]) -> None:
    for user in ("ann", "bob"):
        api.start("dan", "whose keys one may look at", user=user)
    with unchanged(api.host):
        for user in ("ann", "bob"):
            for name in LOOKS:
                ask = ask_named(name, sent["thread"], sent["id"])
                assert ask.made(api, user).status == 200, name
    assert api.get("/unread-count", user="bob") == {"unread": 1}


@pytest.mark.promise("READ-1")
def test_asking_for_the_headers_alone_is_looking(api: Api, sent: dict[str, str]) -> None:
    api.start("dan", "whose keys one may look at", user="bob")
    with unchanged(api.host):
        for name in LOOKS:
            path = ask_named(name, sent["thread"], sent["id"]).path
            answer = api.host.client.request("HEAD", f"/api{path}", user="bob")
            assert (answer.status, answer.body) == (200, b"")
            lines = "l" if name == "export_everything" else ""
            assert answer.headers["content-type"] == f"application/json{lines}"


@pytest.mark.promise("LEAK-1")
def test_no_answer_may_be_kept_or_guessed_at(api: Api, sent: dict[str, str]) -> None:
    """Where it is held against the description, this is seen of every answer in these tests."""
    path = f"/threads/{sent['thread']}"
    for answer in (api.ask("GET", path), api.ask("GET", path, user="cyd"), api.ask("GET", "/no")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


# Nobody, and a third ----------------------------------------------------------------------------


def test_nobody_gets_nothing(api: Api, sent: dict[str, str]) -> None:
    with unchanged(api.host):
        for name in ASKS:
            answer = ask_named(name, sent["thread"], sent["id"]).made(api, None)
            assert (answer.status, answer.json()["code"]) == (401, "not_signed_in"), name
            assert b"zebra" not in answer.body


@pytest.mark.promise("CONV-1")
def test_a_third_is_told_the_same_as_if_there_were_no_such_conversation(
    api: Api, sent: dict[str, str]
) -> None:
    with unchanged(api.host):
        for name in ABOUT_A_THREAD:
            there = ask_named(name, sent["thread"], sent["id"]).made(api, "cyd")
            nowhere = ask_named(name, NOWHERE, sent["id"]).made(api, "cyd")
            assert (there.status, there.json()["code"]) == (403, "access_denied"), name
            assert (there.status, there.body) == (nowhere.status, nowhere.body)
            told = [{**answer.headers, "date": ""} for answer in (there, nowhere)]
            assert told[0] == told[1]


@pytest.mark.promise("CONV-1", "CONV-2")
def test_a_message_is_found_in_its_own_conversation_only(api: Api, sent: dict[str, str]) -> None:
    """Ann has both conversations, and still one is not the way to a message of the other."""
    other = api.start("cyd", "elsewhere")
    with unchanged(api.host):
        for name in (*ABOUT_A_MESSAGE, "send_message", "mark_read"):
            answer = ask_named(name, sent["thread"], other["id"]).made(api, "ann")
            if name == "list_replies":
                assert answer.json()["messages"] == []
            else:
                assert (answer.status, answer.json()["code"]) == (403, "access_denied"), name


@pytest.mark.promise("TEN-1")
def test_a_user_of_another_tenant_is_somebody_else(api: Api, sent: dict[str, str]) -> None:
    elsewhere = {"x-tenant": "elsewhere"}
    path = f"/threads/{sent['thread']}"
    assert api.refusal("GET", path, headers=elsewhere) == "403 access_denied"
    assert api.get("/threads", headers=elsewhere)["items"] == []
    assert api.get("/threads/with?user=bob", headers=elsewhere) == {"thread": None}


def test_a_participant_may_do_everything_once(make_host: MakeHost) -> None:
    """What the tests above refuse to others is not refused to everybody."""
    api = Api(make_host(policy=Policy(sealing="offered")))
    for other in ("bob", "dan"):
        enrol(api.host.dm.mailbox(other))
    sent = api.start("bob", SECRET)
    refused = {
        name: answer.json()["code"]
        for name in ASKS
        if (answer := ask_named(name, sent["thread"], sent["id"]).made(api, "ann")).status >= 400
    }
    # Deleted before it is hidden, cleared before it is read or reported: one after the other.
    assert refused == {
        "decline_request": "no_request",
        "mark_read": "access_denied",
        "make_report": "access_denied",
    }


# Other sites ------------------------------------------------------------------------------------

FOREIGN = {
    "another site": {"sec-fetch-site": "cross-site"},
    "a neighbour": {"sec-fetch-site": "same-site"},
    "another origin": {"sec-fetch-site": None, "origin": "https://evil.test"},
    "no origin to speak of": {"sec-fetch-site": None, "origin": "null"},
    "another port": {"sec-fetch-site": None, "origin": "https://site.test:8080"},
}
OWN = {
    "the same origin": {"sec-fetch-site": "same-origin"},
    "the person themselves": {"sec-fetch-site": "none"},
    "an old browser": {"sec-fetch-site": None, "origin": "https://site.test"},
    "no browser": {"sec-fetch-site": None},
}


def test_another_site_cannot_act_in_somebodys_name(api: Api, sent: dict[str, str]) -> None:
    for kind, headers in FOREIGN.items():
        with unchanged(api.host):
            for name in ACTS:
                ask = ask_named(name, sent["thread"], sent["id"])
                answer = ask.made(api, "ann", headers=headers)
                told = answer.status, answer.json()["code"]
                assert told == (403, "cross_site"), (kind, name)


def test_another_site_cannot_even_look_and_the_description_says_so(
    api: Api, sent: dict[str, str]
) -> None:
    """A request that waits takes one of the user's places, and each has but few."""
    for name in LOOKS:
        ask = ask_named(name, sent["thread"], sent["id"])
        answer = ask.made(api, "ann", headers={"sec-fetch-site": "cross-site"})
        assert (answer.status, answer.json()["code"]) == (403, "cross_site"), name
    # What opens a stream is not among them: it would not end.
    for operation in (path for paths in DOCUMENT["paths"].values() for path in paths.values()):
        assert "`cross_site`" in operation["responses"]["403"]["description"]


def test_the_site_itself_and_what_is_no_browser_can(api: Api) -> None:
    given = {"user": "bob", "body": "x"}
    for kind, headers in OWN.items():
        assert api.ask("POST", "/threads", json=given, headers=headers).status == 201, kind


def test_a_site_that_the_host_trusts_can(make_host: MakeHost) -> None:
    api = Api(make_host(site=Site(trusted_origins=frozenset({"https://friend.test"}))))
    given = {"user": "bob", "body": "x"}
    headers = {"sec-fetch-site": "cross-site", "origin": "https://friend.test"}
    assert api.ask("POST", "/threads", json=given, headers=headers).status == 201
    headers["origin"] = "https://evil.test"
    refused = api.refusal("POST", "/threads", json=given, headers=headers)
    assert refused == "403 cross_site"


def test_what_a_form_can_send_is_no_act(api: Api, sent: dict[str, str]) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        headers = {"content-type": kind, "sec-fetch-site": None}
        with unchanged(api.host):
            for name in ACTS:
                ask = ask_named(name, sent["thread"], sent["id"])
                answer = ask.made(api, "ann", json=None, body=b'{"body": "x"}', headers=headers)
                told = answer.status, answer.json()["code"]
                assert told == (415, "unsupported_media_type"), (kind, name)


# Paths ------------------------------------------------------------------------------------------


def test_where_nothing_is_says_so(api: Api) -> None:
    for path in ("", "/", "/thread", "/threads/", "/users", "/users/x", "/threads/x/y", "/THREADS"):
        for user in ("ann", None):
            assert api.refusal("GET", path, user=user) == "404 nothing_here", path


def test_how_a_path_can_be_asked_is_told(api: Api) -> None:
    for method, path, allowed in (
        ("PUT", "/threads", "GET, HEAD, POST"),
        ("DELETE", "/threads", "GET, HEAD, POST"),
        ("GET", "/threads/x/messages", "POST"),
        ("GET", "/threads/x/mute", "DELETE, PUT"),
        ("GET", "/threads/x/messages/y", "DELETE, PATCH"),
        ("POST", "/unread-count", "GET, HEAD"),
        ("OPTIONS", "/preferences", "GET, HEAD, PUT"),
    ):
        with unchanged(api.host):
            answer = api.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_what_is_no_id_is_told_apart_from_what_is_not_ones_own(api: Api) -> None:
    """It says nothing of any conversation: no conversation has such an id."""
    for wrong in ("x", "%00", "%F0%9F%98%80", NOWHERE[:-1], f"{NOWHERE}0", f"%7B{NOWHERE}%7D"):
        for path in (f"/threads/{wrong}", f"/threads/{wrong}/messages/{NOWHERE}/replies"):
            assert api.refusal("GET", path) == "422 invalid_id"
