"""Live updates that are cut go on where they were: nothing is lost, nothing comes twice."""

from datetime import timedelta

import pytest
from playwright.sync_api import Route, expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.people import Person
from tests.browser.site import LiveSite

from dmcore import Mode
from dmcore.adapters.web import Site
from dmcore.domain.message import Message
from dmcore.errors import CursorExpired


@pytest.fixture
def first(site: LiveSite) -> Message:
    return site.dm.mailbox("ada").start("ben", "0")


@pytest.fixture
def ben(site: LiveSite, meet: Meet, first: Message) -> Person:
    person = meet(site, "ben").open_live(first.conversation)
    person.may_fail = True
    person.page.evaluate("window.isStillHere = true")
    return person


def say(site: LiveSite, first: Message, *texts: str) -> None:
    for text in texts:
        site.dm.mailbox("ada").send(first.conversation, text)


def shows(ben: Person, *texts: str) -> None:
    """These and no others, and the page was not loaded again."""
    expect(ben.texts).to_have_text(list(texts))
    assert ben.page.evaluate("window.isStillHere") is True


def test_a_stream_that_the_server_ends_is_opened_again(
    site: LiveSite, ben: Person, first: Message
) -> None:
    say(site, first, "1")
    shows(ben, "0", "1")
    with ben.page.expect_response("**/api/stream?*"):
        site.messages.disconnect("ben")
    say(site, first, "2")
    shows(ben, "0", "1", "2")


def test_what_happened_while_the_server_was_away_comes_when_it_is_back(
    site: LiveSite, ben: Person, first: Message
) -> None:
    say(site, first, "1")
    shows(ben, "0", "1")
    site.stop()
    say(site, first, "2", "3")
    site.start()
    shows(ben, "0", "1", "2", "3")
    say(site, first, "4")
    shows(ben, "0", "1", "2", "3", "4")


def test_while_the_server_cannot_be_reached_one_is_told(
    site: LiveSite, meet: Meet, first: Message
) -> None:
    ben = meet(site, "ben")
    ben.may_fail = True
    ben.page.route("**/api/stream?*", lambda route: route.abort("connectionrefused"))
    ben.open_thread(first.conversation)
    expect(ben.status).to_contain_text("No connection")
    ben.page.unroute_all()
    expect(ben.status).to_contain_text("Connected again")


def test_where_streams_do_not_work_pages_ask(site: LiveSite, ben: Person, first: Message) -> None:
    site.fails = lambda _method, path: path.endswith("/stream")
    with ben.page.expect_response("**/api/changes?*"):
        site.messages.disconnect("ben")
    say(site, first, "1")
    shows(ben, "0", "1")
    say(site, first, "2")
    shows(ben, "0", "1", "2")
    site.fails = lambda _method, _path: False
    with ben.page.expect_response(lambda it: "/stream" in it.url and it.ok):
        say(site, first, "3")
    say(site, first, "4")
    shows(ben, "0", "1", "2", "3", "4")


def test_a_page_that_could_not_be_fetched_is_fetched_again(
    site: LiveSite, ben: Person, first: Message
) -> None:
    site.fails = lambda _method, path: "/fragments/" in path
    with ben.page.expect_response("**/fragments/thread/**"):
        say(site, first, "1")
    site.fails = lambda _method, _path: False
    shows(ben, "0", "1")


def prune_past(site: LiveSite, first: Message, cursor: str) -> None:
    """Keep nothing of what followed this place in the feed."""
    newest = site.dm.mailbox("ada").thread(first.conversation).items[-1].sent_at
    site.dm.operations("operator").prune_journals(before=newest + timedelta(seconds=1))
    with pytest.raises(CursorExpired):
        site.dm.mailbox("ben").changes(after=cursor)


@pytest.mark.promise("FEED-1")
def test_a_stream_that_cannot_go_on_where_it_was_begins_anew(
    site: LiveSite, meet: Meet, first: Message
) -> None:
    """The page is as old as its cursor: the module comes late."""
    ben = meet(site, "ben")

    def wait(route: Route) -> None:
        cursor = site.dm.mailbox("ben").snapshot().cursor
        say(site, first, "1", "2")
        prune_past(site, first, cursor)
        route.continue_()

    ben.page.route("**/dmcore.js*", wait)
    ben.open_live(first.conversation)
    expect(ben.texts).to_have_text(["0", "1", "2"])
    say(site, first, "3")
    expect(ben.texts).to_have_text(["0", "1", "2", "3"])
    assert not any("/changes" in path for _method, path in site.asked)


@pytest.mark.promise("FEED-1")
def test_a_question_that_cannot_go_on_where_it_was_begins_anew(
    site: LiveSite, ben: Person, first: Message
) -> None:
    say(site, first, "1")
    shows(ben, "0", "1")
    site.fails = lambda _method, path: path.startswith("/messages/api")
    with ben.page.expect_response("**/api/changes?*"):
        site.messages.disconnect("ben")
    cursor = site.dm.mailbox("ben").snapshot().cursor
    say(site, first, "2", "3", "4")
    prune_past(site, first, cursor)
    site.fails = lambda _method, path: path.endswith("/stream")
    shows(ben, "0", "1", "2", "3", "4")
    say(site, first, "5")
    shows(ben, "0", "1", "2", "3", "4", "5")


def test_a_hidden_window_gives_its_stream_back_and_catches_up_when_it_is_seen(
    site: LiveSite, meet: Meet, first: Message
) -> None:
    ben = meet(site, "ben")
    ben.page.clock.install()
    ben.open_live(first.conversation)
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s});"
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    ben.page.evaluate(hide % "true" + turn)
    ben.page.clock.run_for(40_000)
    say(site, first, "1")
    with ben.page.expect_response("**/api/changes?*"):
        ben.page.evaluate(hide % "false" + turn)
    expect(ben.texts).to_have_text(["0", "1"])


@pytest.mark.promise("OPS-1")
def test_while_messages_are_switched_off_one_is_told_so_and_goes_on_when_they_are_on(
    site: LiveSite, ben: Person, first: Message
) -> None:
    operator = site.dm.operations("operator")
    operator.set_mode(Mode.OFF)
    expect(ben.status).to_contain_text("Messages are switched off at the moment.")
    operator.set_mode(Mode.ON)
    say(site, first, "1")
    expect(ben.status).to_contain_text("Connected again")
    shows(ben, "0", "1")


def test_whose_account_is_closed_is_told_and_asks_no_more(site: LiveSite, ben: Person) -> None:
    refusal = {"status": 410, "code": "account_gone", "notice": "This account was closed."}
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=410, json=refusal, content_type="application/problem+json")

    ben.page.route("**/api/changes?*", refuse)
    ben.page.route("**/api/snapshot*", refuse)
    site.messages.disconnect("ben")
    expect(ben.status).to_have_text("This account was closed.")
    # Taking it for a place in the feed that is not kept any more, it would take a snapshot.
    assert len(asked) == 1


def test_who_is_signed_out_is_told_and_asks_no_more(site: LiveSite, ben: Person) -> None:
    ben.context.clear_cookies()
    site.messages.disconnect("ben")
    expect(ben.status).to_contain_text("sign in", ignore_case=True)


def test_who_has_too_many_windows_open_follows_in_all_of_them(
    make_site: MakeSite, meet: Meet
) -> None:
    site = make_site(site=Site(most_streams=1))
    first = site.dm.mailbox("ada").start("ben", "0")
    windows = [meet(site, "ben").open_live(first.conversation) for _ in range(2)]
    windows[1].may_fail = True
    for number in (1, 2):
        say(site, first, str(number))
        for window in windows:
            expect(window.texts).to_have_count(number + 1)


def test_after_a_long_absence_the_newest_are_shown(
    site: LiveSite, ben: Person, first: Message
) -> None:
    say(site, first, "1")
    shows(ben, "0", "1")
    site.stop()
    with site.at_once() as dm:
        for number in range(2, 120):
            dm.mailbox("ada").send(first.conversation, str(number))
    site.start()
    shows(ben, *(str(number) for number in range(70, 120)))
    expect(ben.texts.last).to_be_in_viewport()
