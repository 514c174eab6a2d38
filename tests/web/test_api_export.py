"""The export over HTTP: JSON Lines that say what every other way of looking says."""

import json
from collections import Counter
from typing import Any

import pytest
from tests.web.described import Api, next_of
from tests.web.hosts import Host

from dmcore import Mode

KINDS = ["account", "block", "conversation", "message", "message", "conversation", "message"]


@pytest.fixture
def api(host: Host) -> Api:
    """Ann has a conversation with Bob, one that Cyd asked for, and blocks Dan."""
    api = Api(host)
    thread = api.start("bob", "Zeile\n\u2028 eins")["thread"]
    host.clock.advance(seconds=1)
    api.send(thread, "two", user="bob")
    api.start("ann", "three", user="cyd")
    api.do("POST", "/users/dan/block")
    return api


def lines_of(api: Api, path: str = "/export", *, user: str = "ann") -> list[list[Any]]:
    """What each page says, by the links alone."""
    pages = []
    following: str | None = path
    while following is not None:
        answer = api.ask("GET", following, user=user)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/jsonl")
        assert answer.text.endswith("\n")
        pages.append([json.loads(line) for line in answer.text.splitlines()])
        following = next_of(answer)
    return pages


@pytest.mark.promise("GDPR-1")
def test_it_says_what_the_other_endpoints_say(api: Api) -> None:
    (lines,) = lines_of(api)
    assert Counter(line.pop("kind") for line in lines) == Counter(KINDS)
    account, block, *rest = lines
    ends = dict.fromkeys(("muted_until", "suspended_until"))
    assert account == {
        **api.get("/preferences"),
        "is_muted": False,
        "is_suspended": False,
        **ends,
    }
    assert [block] == api.get("/users/blocked")["items"]
    # Conversations are in the order of their ids, which are by lot in each store.
    second = next(it for it, line in enumerate(rest) if it and "other" in line)
    parts = {part[0]["other"]: part for part in (rest[:second], rest[second:])}
    for other, found in parts.items():
        thread = api.get(f"/threads/with?user={other}")["thread"]
        messages = api.get(f"/threads/{thread['id']}")["messages"]
        for message in messages:
            assert message.pop("is_mine") == (message["sender"] == "ann")
            assert message.pop("sent_at_us") >= 0
            # What is said a second time, for whoever wants whole numbers.
            del message["edited_at_us"]
        assert found == [thread, *messages]


@pytest.mark.promise("GDPR-1", "PAGE-1")
def test_the_links_lead_through_all_of_it_once(api: Api) -> None:
    (whole,) = lines_of(api)
    for limit in (1, 2, 3):
        pages = lines_of(api, f"/export?limit={limit}")
        assert all(len(page) == limit for page in pages[:-1])
        assert [line for page in pages for line in page] == whole


@pytest.mark.promise("GDPR-1", "OPS-1")
def test_it_works_while_messaging_is_off(api: Api) -> None:
    whole = lines_of(api)
    api.host.dm.operations("olga").set_mode(Mode.OFF)
    assert lines_of(api) == whole
    assert api.refusal("GET", "/threads") == "503 messaging_unavailable"


@pytest.mark.promise("GDPR-1", "CONV-1")
def test_others_get_their_own_and_nobody_gets_nothing(api: Api) -> None:
    assert [line["kind"] for line in lines_of(api, user="eve")[0]] == ["account"]
    assert [line.get("other") for line in lines_of(api, user="bob")[0][1:]] == ["ann", None, None]
    assert api.refusal("GET", "/export", user=None) == "401 not_signed_in"
    cursor = next_of(api.ask("GET", "/export?limit=1"))
    assert cursor is not None
    assert api.refusal("GET", cursor, user="bob") == "422 invalid_cursor"
    for wrong in ("limit=0", "limit=101"):
        assert api.refusal("GET", f"/export?{wrong}") == "422 invalid_page_size"
    assert api.refusal("GET", "/export?cursor=AAAA") == "422 invalid_cursor"
