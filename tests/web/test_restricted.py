"""What a moderator took, over HTTP and on pages: refused in words, and what protects stays."""

from datetime import timedelta

import pytest
from tests.web.browsing import Browser
from tests.web.described import Api
from tests.web.hosts import Host

HOURS = timedelta(hours=3)


def begun(host: Host) -> str:
    return str(host.dm.mailbox("bob").start("ann", "hello").conversation)


@pytest.mark.promise("MOD-4")
def test_who_is_muted_is_told_for_how_long_and_keeps_the_text(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    host.dm.moderation("mod").restrict("ann", "mute", reason="harassment", for_=HOURS)
    refused = ann.press(page, "Send", body="wait")
    words = "You can read messages at the moment, and not write any. Try again in 3 hours."
    assert (refused.status, refused.alert, refused.typed) == (403, words, "wait")
    page = ann.get(f"/t/{thread}")
    assert (page.status, page.bodies) == (200, ["hello"])
    assert words in page.text
    assert "harassment" not in page.text
    assert not list(page.tree.all("textarea"))
    host.dm.moderation("mod").lift("ann", "mute")
    assert ann.press(refused, "Send").bodies == ["hello", "wait"]


@pytest.mark.promise("MOD-4")
def test_to_who_is_suspended_every_page_says_that_it_is_closed(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    host.dm.moderation("mod").restrict("ann", "suspend", reason="other")
    for path in ("/", "/requests", f"/t/{thread}", "/t/00000000-0000-8000-8000-000000000000"):
        page = ann.get(path)
        assert (page.status, page.tree.one("h1").text) == (403, "Messages are closed to you")
        assert "hello" not in page.text
        assert "You can still export them, block people and report them." in page.text


@pytest.mark.promise("MOD-4", "GDPR-1")
def test_over_http_the_refusal_has_a_code_and_the_export_is_open(host: Host) -> None:
    thread, client = begun(host), host.client
    desk = host.dm.moderation("mod")
    desk.restrict("ann", "suspend", reason="other", for_=HOURS)
    for path in ("/threads", f"/threads/{thread}", "/unread-count", "/changes"):
        answer = client.request("GET", f"/api{path}", user="ann")
        assert answer.status == 403
        problem = answer.json()
        assert (problem["code"], problem["retry_after_s"]) == ("suspended", HOURS.total_seconds())
    account, *_ = client.request("GET", "/api/export", user="ann").text.splitlines()
    assert '"is_suspended":true,"suspended_until":"1970-01-01T03:00:00.000000Z"' in account
    assert Api(host).get("/threads", user="bob")
    desk.lift("ann", "suspend")
    desk.restrict("ann", "mute", reason="other")
    before = host.dm.mailbox("bob").thread(thread)
    answer = client.request(
        "POST", f"/api/threads/{thread}/messages", user="ann", json={"body": "x"}
    )
    assert (answer.status, answer.json()["code"]) == (403, "muted")
    assert "retry_after_s" not in answer.json()
    assert host.dm.mailbox("bob").thread(thread) == before
