"""What a user is told about their own privacy, and everything of it to take away (GDPR-1)."""

import json

import pytest
from tests.web.browsing import Browser
from tests.web.conftest import MakeHost
from tests.web.desks import SECRET, SHOWING, on_two_sites
from tests.web.hosts import Host

from dmcore import Mode, Policy
from dmcore.adapters.crypto import TranscriptSigner, verify_transcript
from dmcore.adapters.web import Site
from dmcore.errors import InvalidTranscript


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


@pytest.mark.promise("CRYPT-2", "GDPR-1")
@on_two_sites
def test_what_one_takes_away_can_be_signed_by_the_site(make_host: MakeHost) -> None:
    signer = TranscriptSigner.new()
    host = make_host(policy=Policy(messages=None), site=Site(transcripts=signer))
    for number in range(120):
        host.dm.mailbox("bob").start("ann", f"number {number}")
    page = Browser.of(host, "ann").get("/privacy")
    (link,) = [it for it in page.tree.all("a") if it.text == "Download it signed"]
    path = link.attributes["href"].removeprefix(host.client.root)
    answer = host.client.request("GET", path, user="ann")
    assert answer.headers["content-disposition"] == 'attachment; filename="transcript.jsonl"'
    lines = answer.text.splitlines()
    found = verify_transcript(lines, public_key=signer.public_key)
    assert (found.user.id, found.lines) == ("ann", 122)
    plain = host.client.request("GET", "/privacy/messages.jsonl", user="ann").text.splitlines()
    assert lines[1:-1] == plain
    assert host.client.request("GET", path, user=None).status == 401
    with pytest.raises(InvalidTranscript):
        verify_transcript([*lines[:5], *lines[6:]], public_key=signer.public_key)


def test_where_the_site_signs_nothing_there_is_nothing_signed(host: Host) -> None:
    assert "signed" not in Browser.of(host, "ann").get("/privacy").text
    assert host.client.request("GET", "/privacy/transcript.jsonl", user="ann").status == 404


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
    assert "devices" not in never
    sealing = Browser.of(make_host(policy=Policy(sealing="offered")), "ann").get("/privacy").text
    assert "The devices that you seal with" in sealing
    assert "Of sealed ones not what they say" in sealing
    shown = Browser.of(make_host(policy=SHOWING), "ann").get("/privacy").text
    assert "a moderator sees a copy, and each look at it is written down" in shown
    assert "30 days at most" in shown
    switched_off = make_host()
    switched_off.dm.operations("operator").set_mode(Mode.OFF)
    off = Browser.of(switched_off, "ann").get("/privacy").text
    assert "Messages cannot be used at the moment" in off
