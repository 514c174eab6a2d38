"""Operating over HTTP: the switch, the counts, a journal, and health, which anybody may ask."""

import re

import pytest
from tests.web.asgi_hosts import make_asgi
from tests.web.conftest import MakeHost
from tests.web.desks import ELSEWHERE, OPERATOR, ROLES, Case, on_two_sites, reported

from dmcore import Mode
from dmcore.adapters import memory, sql
from dmcore.adapters.web import Site, wire

# By their paths: what is said of whom they are for is what is asked here.
OPERATIONS = [it for it in wire.EVERY if it.pattern.startswith("/operations")]


@pytest.fixture
def case(make_host: MakeHost) -> Case:
    return reported(make_host)


def mode(case: Case) -> Mode:
    return case.host.dm.operations(OPERATOR).mode()


@pytest.mark.promise("OPS-1")
def test_to_whoever_is_no_operator_there_is_no_such_thing(case: Case) -> None:
    nowhere = case.host.client.request("GET", "/api/no/such/path", user="cyd")
    for user in ("ann", "mod", "cyd"):
        for it in OPERATIONS:
            given = {"json": {"mode": "off"}} if it.method == "PUT" else {}
            answer = case.api.ask(it.method, it.pattern.format(user="bob"), user=user, **given)
            assert (answer.status, answer.body) == (404, nowhere.body)
    assert mode(case) is Mode.ON
    assert case.api.refusal("GET", "/operations/status", user=None) == "401 not_signed_in"


@on_two_sites
def test_a_site_that_names_no_operators_has_no_operations(make_host: MakeHost) -> None:
    case = reported(make_host, site=Site())
    for user in (OPERATOR, None):
        for it in OPERATIONS:
            given = {"json": {"mode": "off"}} if it.method == "PUT" else {}
            answer = case.api.ask(it.method, it.pattern.format(user="bob"), user=user, **given)
            assert answer.json()["code"] == "nothing_here"
    assert mode(case) is Mode.ON


@pytest.mark.promise("OPS-1")
def test_the_switch_holds_at_once_and_is_written_down(case: Case) -> None:
    for asked, before in (("off", "on"), ("read_only", "off"), ("read_only", "read_only")):
        answer = case.api.ask("PUT", "/operations/mode", user=OPERATOR, json={"mode": asked})
        assert answer.json() == {"mode": asked, "before": before}
        assert case.api.get("/health", user=None) == {"mode": asked}
    assert case.journal(OPERATOR) == ["mode_changed", "mode_changed"]
    refusal = case.api.refusal(
        "POST", f"/threads/{case.thread}/messages", user="bob", json={"body": "hello"}
    )
    assert refusal == "503 messaging_unavailable"


@on_two_sites
@pytest.mark.promise("OPS-1")
def test_what_is_no_mode_changes_nothing(case: Case) -> None:
    for content in ({"mode": "maybe"}, {"mode": True}, {}, {"mode": "off", "why": "no reason"}):
        refusal = case.api.refusal("PUT", "/operations/mode", user=OPERATOR, json=content)
        assert refusal == "422 malformed_request"
    cross = {"sec-fetch-site": "cross-site"}
    refusal = case.api.refusal(
        "PUT", "/operations/mode", user=OPERATOR, json={"mode": "off"}, headers=cross
    )
    assert refusal == "403 cross_site"
    assert mode(case) is Mode.ON


@on_two_sites
@pytest.mark.promise("OPS-3")
def test_the_status_counts_and_names_nobody(case: Case) -> None:
    status = case.api.ask("GET", "/operations/status", user=OPERATOR)
    found = status.json()
    assert (found["mode"], found["messages"], found["conversations"]) == ("on", 2, 1)
    assert found["health"] == "not_durable"  # It is in memory,
    assert (found["size_bytes"], found["free_bytes"]) == (None, None)  # and takes no disk.
    assert not {"ann", "bob", "zebra"} & set(status.text.replace('"', " ").split())


@pytest.mark.promise("OPS-3")
def test_a_store_that_takes_room_says_how_much(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url) as dm:
        messages, client = make_asgi(dm, ROLES)
        found = client.request("GET", "/api/operations/status", user=OPERATOR).json()
        page = client.request("GET", "/operations", user=OPERATOR).text
        client.close(messages.close)
    assert found["health"] == "sound"
    assert 0 < found["size_bytes"] < found["free_bytes"]
    assert re.search(r"<dt>Size</dt>\s*<dd>[\d.]+ [kM]B</dd>", page)
    assert re.search(r"<dt>Left on its disk</dt>\s*<dd>[\d.]+ [MGT]B</dd>", page)


@on_two_sites
@pytest.mark.promise("AUD-1")
def test_a_journal_is_of_ones_own_tenant_paged_and_without_content(case: Case) -> None:
    path = "/operations/users/bob/journal?limit=1"
    pages = list(case.api.walk(path, user=OPERATOR))
    facts = [entry["fact"]["action"] for page in pages for entry in page["items"]]
    assert facts == case.journal("bob")
    assert len(pages) == len(facts)
    assert "zebra" not in str(pages)
    elsewhere = case.api.get(path, user=OPERATOR, headers=ELSEWHERE)
    assert elsewhere == {"items": [], "next": None}


@pytest.mark.promise("OPS-3")
def test_anybody_may_ask_whether_messaging_is_there(case: Case) -> None:
    """Nobody is signed in where a probe asks; below the pages it is found as well."""
    client = case.host.client
    for path in ("/api/health", "/health"):
        for user in (None, "ann"):
            answer = client.request("GET", path, user=user)
            assert (answer.status, answer.json()) == (200, {"mode": "on"})
            assert answer.headers["cache-control"] == "no-store"
    assert client.request("HEAD", "/health", user=None).status == 200
    assert client.request("POST", "/health", user=None, json={}).status == 405


@pytest.mark.promise("OPS-3")
def test_a_store_that_cannot_be_reached_is_said_to_be_so() -> None:
    dm = memory.open_sync()
    messages, client = make_asgi(dm, Site())
    dm.close()
    answer = client.request("GET", "/health", user=None)
    client.close(messages.close)
    assert (answer.status, answer.json()["code"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"]
