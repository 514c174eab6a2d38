"""Reporting on a page: what is said before, what is sent, and that nothing else goes along."""

from datetime import timedelta
from typing import Any

import pytest
from tests.web.browsing import Browser, Page
from tests.web.conftest import MakeHost
from tests.web.desks import NEIGHBOUR, SECRET, SHOWING
from tests.web.hosts import Host

from dmcore import Policy, RateLimit
from dmcore.domain.reports import ReportLine


@pytest.fixture(params=["asgi", "flask"])
def host_kind(request: pytest.FixtureRequest) -> str:
    """One that awaits and one that blocks: what a page holds is the same in every framework."""
    kind: str = request.param
    return kind


def begun(host: Host, *more: str) -> str:
    bob = host.dm.mailbox("bob")
    for text in (SECRET, *more):
        thread = str(bob.start("ann", text).conversation)
    return thread


def queue(host: Host) -> tuple[ReportLine, ...]:
    return host.dm.moderation("mod").reports().items


def boxes(page: Page) -> list[str]:
    return [it.attributes["name"] for it in page.tree.all("input", type="checkbox")]


def evidence(host: Host) -> list[str | None]:
    """What a moderator would see of the one report."""
    (line,) = queue(host)
    desk = host.dm.moderation("mod")
    desk.take(line.id)
    return [None if it.body is None else it.body.text for it in desk.evidence(line.id)]


@pytest.mark.promise("MOD-1")
def test_a_report_shows_exactly_the_messages_that_were_ticked(make_host: MakeHost) -> None:
    host = make_host(policy=SHOWING)
    thread = begun(host, NEIGHBOUR)
    ann = Browser.of(host, "ann")
    (link, *_) = [
        it
        for it in ann.get(f"/t/{thread}").tree.all("a")
        if "report?message=" in it.attributes["href"]
    ]
    form = ann.get(link.attributes["href"])
    assert "Only the moderators of this site learn of it. bob is told nothing." in form.text
    assert "the messages that you ticked, word for word" in form.text
    ticked = list(form.tree.all("input", type="checkbox", checked=None))
    assert len(boxes(form)) == 2
    assert len(ticked) == 1
    done = ann.press(form, "Send the report", reason="threat")
    assert done.path == f"/t/{thread}/report?sent=1"
    assert "Your report was sent" in done.text
    assert "nothing else of this conversation" in done.text
    assert done.buttons == ["Block"]
    (line,) = queue(host)
    assert (line.reporter, line.reported, line.reason, line.messages) == ("ann", "bob", "threat", 1)
    assert evidence(host) == [SECRET]


@pytest.mark.promise("MOD-1")
def test_where_no_evidence_is_allowed_no_message_can_be_chosen(make_host: MakeHost) -> None:
    host = make_host(policy=Policy())
    thread = begun(host)
    ann = Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    reports = [it for it in page.tree.all("a") if "/report" in it.attributes["href"]]
    assert [it.attributes["href"] for it in reports] == [f"/messages/t/{thread}/report"]
    form = ann.get(f"/t/{thread}/report")
    assert boxes(form) == []
    assert "zebra" not in form.text
    assert "they cannot read anything of this conversation" in form.text
    message = host.dm.mailbox("ann").thread(thread).items[0].id
    key = form.field("key")
    ann.post(f"/t/{thread}/report", {"key": key, "reason": "spam", f"item-{message}": "on"})
    assert [line.messages for line in queue(host)] == [0]


@pytest.mark.promise("MOD-1", "CONV-1")
def test_a_third_cannot_open_or_send_the_form(make_host: MakeHost) -> None:
    host = make_host(policy=SHOWING)
    thread = begun(host)
    for user in ("cyd", "mod"):
        third = Browser.of(host, user)
        for path in ("report", "report?sent=1"):
            page = third.get(f"/t/{thread}/{path}")
            assert page.status == 403
            assert "bob" not in page.text
        page = third.post(f"/t/{thread}/report", {"key": "k", "reason": "spam"})
        assert page.status == 403
    assert queue(host) == ()


def test_sending_the_page_twice_is_reporting_once(make_host: MakeHost) -> None:
    host = make_host()
    thread = begun(host)
    ann = Browser.of(host, "ann")
    form = ann.get(f"/t/{thread}/report")
    for _ in range(2):
        assert ann.press(form, "Send the report", reason="spam").status == 200
    assert len(queue(host)) == 1
    host.clock.advance(seconds=1)
    again = ann.press(form, "Send the report", reason="other")
    assert again.status == 409
    assert again.field("key") != form.field("key")
    assert ann.press(again, "Send the report").status == 200
    assert [line.reason for line in queue(host)] == ["spam", "other"]


def test_ticks_go_along_to_other_pages_of_messages(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(messages=None, evidence="reporter_selected"))
    thread = begun(host, *(f"number {number}" for number in range(70)))
    ann = Browser.of(host, "ann")
    form = ann.get(f"/t/{thread}/report")
    newest = host.dm.mailbox("ann").thread(thread).items[-1]
    tick: dict[str, Any] = {f"item-{newest.id}": "on"}
    earlier = ann.press(form, "Earlier messages", **tick)
    assert "1 more is ticked on other pages." in earlier.text
    assert SECRET in earlier.text
    first = host.dm.mailbox("ann").thread(thread, before=older(form)).items[0]
    tick = {f"item-{first.id}": "on"}
    back = ann.press(earlier, "Newest messages", **tick)
    assert queue(host) == ()
    ann.press(back, "Send the report", reason="spam")
    assert evidence(host) == [SECRET, "number 69"]


def older(form: Page) -> str:
    (button,) = [it for it in form.tree.all("button") if it.text == "Earlier messages"]
    return button.attributes["value"]


def test_what_is_lacking_is_said_where_it_was_filled_in(make_host: MakeHost) -> None:
    host = make_host(policy=SHOWING)
    thread = begun(host)
    ann = Browser.of(host, "ann")
    message = str(host.dm.mailbox("ann").thread(thread).items[0].id)
    form = ann.get(f"/t/{thread}/report?message={message}")
    lacking = ann.press(form, "Send the report")
    assert (lacking.status, lacking.alert) == (422, "Choose a reason, and 20 messages at most.")
    assert lacking.tree.one("input", name=f"item-{message}").attributes.get("checked") == ""
    host.dm.mailbox("ann").hide(thread, message)
    vanished = ann.press(lacking, "Send the report", reason="spam")
    assert vanished.status == 403
    assert "is not there any more" in vanished.alert
    assert queue(host) == ()
    assert ann.press(vanished, "Send the report").status == 200


def test_who_reports_a_lot_is_told_to_wait_in_words_about_reports(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(reports=RateLimit(1, timedelta(hours=1))))
    thread = begun(host)
    ann = Browser.of(host, "ann")
    ann.press(ann.get(f"/t/{thread}/report"), "Send the report", reason="spam")
    page = ann.press(ann.get(f"/t/{thread}/report"), "Send the report", reason="spam")
    assert (page.status, page.answer.headers["retry-after"]) == (429, "3600")
    assert page.alert == "You have made a lot of reports. Try again in 60 minutes."


def test_deleted_messages_are_not_offered(make_host: MakeHost) -> None:
    host = make_host(policy=SHOWING)
    thread = begun(host)
    host.dm.mailbox("bob").delete(thread, host.dm.mailbox("bob").thread(thread).items[0].id)
    form = Browser.of(host, "ann").get(f"/t/{thread}/report")
    assert boxes(form) == []
    assert "There are no messages to show here." in form.text
