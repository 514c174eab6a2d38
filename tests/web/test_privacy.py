"""What a user is told about their own privacy, and everything of it to take away (GDPR-1)."""

import json

import pytest
from tests.web.browsing import Browser
from tests.web.conftest import MakeHost
from tests.web.desks import SECRET, SHOWING
from tests.web.hosts import Host

from dmcore import Mode, Policy


@pytest.mark.promise("GDPR-1", "OPS-1")
def test_a_user_takes_everything_away_whatever_the_switch_says(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(messages=None))
    texts = [f"number {number}" for number in range(120)]
    for text in texts:
        host.dm.mailbox("bob").start("ann", text)
    for mode in Mode:
        host.dm.operations("operator").set_mode(mode)
        page = Browser.of(host, "ann").get("/privacy")
        assert page.status == 200
        (link,) = [it for it in page.tree.all("a") if it.text == "Download my messages"]
        path = link.attributes["href"].removeprefix(host.client.root)
        answer = host.client.request("GET", path, user="ann")
        assert answer.headers["content-type"] == "application/jsonl"
        assert answer.headers["content-disposition"] == 'attachment; filename="messages.jsonl"'
        assert answer.headers["cache-control"] == "no-store"
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [line["body"] for line in lines if line["kind"] == "message"] == texts


@pytest.mark.promise("GDPR-1", "CONV-1")
def test_nobody_else_takes_anything_of_it(host: Host) -> None:
    host.dm.mailbox("bob").start("ann", SECRET)
    third = host.client.request("GET", "/privacy/messages.jsonl", user="cyd")
    assert [json.loads(line)["kind"] for line in third.text.splitlines()] == ["account"]
    nobody = host.client.request("GET", "/privacy/messages.jsonl", user=None)
    assert nobody.status == 401
    assert host.client.request("HEAD", "/privacy/messages.jsonl", user="ann").body == b""


def test_the_page_says_what_is_so(make_host: MakeHost) -> None:
    """In the words of the policy that is in force."""
    never = Browser.of(make_host(), "ann").get("/privacy").text
    assert "That you are typing: yes" in never
    assert "a moderator sees a copy" not in never
    shown = Browser.of(make_host(policy=SHOWING), "ann").get("/privacy").text
    assert "a moderator sees a copy, and each look at it is written down" in shown
    assert "30 days at most" in shown
    switched_off = make_host()
    switched_off.dm.operations("operator").set_mode(Mode.OFF)
    off = Browser.of(switched_off, "ann").get("/privacy").text
    assert "Messages cannot be used at the moment" in off
