"""Two people talk, each in a browser of their own, and nobody loads a page again."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.people import PHONE, Person
from tests.browser.site import LiveSite

from dmcore import Policy, Preferences
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web import Site
from dmcore.domain.instants import to_us
from dmcore.domain.message import Message

Kind = Literal["stream", "poll"]
KINDS: tuple[Kind, ...] = ("stream", "poll")


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, make_site: MakeSite) -> LiveSite:
    """A site with streams, and one where pages ask."""
    kind: Kind = request.param
    return make_site(site=Site(live=kind, poll_every=timedelta(milliseconds=300)))


def begun(site: LiveSite, text: str = "Is the ladder free on Friday?") -> Message:
    """Ada has written to Ben."""
    return site.dm.mailbox("ada").start("ben", text)


def answered(site: LiveSite) -> Message:
    """Ada has written to Ben, and Ben to her: only then one knows of the other what goes by."""
    first = begun(site)
    return site.dm.mailbox("ben").send(first.conversation, "It is.")


def stay(person: Person) -> None:
    """Leave a mark that a page which is loaded again has lost."""
    person.page.evaluate("window.isStillHere = true")


def stayed(person: Person) -> bool:
    return person.page.evaluate("window.isStillHere === true") is True


def test_what_is_written_stands_in_the_other_window_at_once(either: LiveSite, meet: Meet) -> None:
    first = begun(either)
    ada, ben = meet(either, "ada"), meet(either, "ben", viewport=PHONE)
    for person in (ada, ben):
        person.open_thread(first.conversation)
        stay(person)
    ben.write("Yes, come over.")
    expect(ada.texts).to_have_text(["Is the ladder free on Friday?", "Yes, come over."])
    ada.write("At four?")
    ada.write("Or at five?")
    for person in (ada, ben):
        expect(person.texts).to_have_text(
            ["Is the ladder free on Friday?", "Yes, come over.", "At four?", "Or at five?"]
        )
        expect(person.bubbles).to_have_count(0)
        assert stayed(person)
    asked = {path.rpartition("/")[2] for _method, path in either.asked}
    assert asked & {"stream", "changes"} == ({"stream"} if either.streams else {"changes"})
    stored = either.dm.mailbox("ben").thread(first.conversation).items
    assert [it.body.text for it in stored if it.body] == ada.texts.all_text_contents()


@pytest.mark.promise("READ-2")
def test_a_sender_sees_that_a_message_was_seen(either: LiveSite, meet: Meet) -> None:
    first = begun(either)
    ada = meet(either, "ada").open_thread(first.conversation)
    stay(ada)
    expect(ada.message("ladder")).not_to_contain_text("Seen")
    ben = meet(either, "ben").open_thread(first.conversation)
    expect(ada.message("ladder")).to_contain_text("Seen")
    ben.write("Yes.")
    ada.write("Thank you!")
    expect(ada.message("Thank you!")).to_contain_text("Seen")
    assert stayed(ada)


@pytest.mark.promise("READ-1")
def test_a_window_that_nobody_looks_at_reads_nothing(site: LiveSite, meet: Meet) -> None:
    first = begun(site)
    ben = meet(site, "ben")
    ben.context.add_init_script("document.hasFocus = () => false")
    ben.open_live(first.conversation)
    site.dm.mailbox("ada").send(first.conversation, "Hello?")
    expect(ben.message("Hello?")).to_be_visible()
    expect(ben.badge).to_contain_text("2")
    assert site.dm.mailbox("ben").unread() == 2
    with ben.page.expect_response("**/read"):
        ben.page.evaluate(
            "document.hasFocus = () => true; window.dispatchEvent(new Event('focus'))"
        )
    expect(ben.badge).not_to_contain_text("2")
    assert site.dm.mailbox("ben").unread() == 0


def test_one_sees_that_the_other_is_writing(either: LiveSite, meet: Meet) -> None:
    first = answered(either)
    ada = meet(either, "ada").open_thread(first.conversation)
    ben = meet(either, "ben").open_thread(first.conversation)
    typing = ada.page.locator("[data-dm-typing]")
    expect(typing).to_be_hidden()
    with ben.page.expect_response("**/typing"):
        ben.composer.press_sequentially("Yes")
    expect(typing).to_be_visible()
    ben.composer.press("Enter")
    expect(ada.message("Yes")).to_be_visible()
    expect(typing).to_be_hidden()


def test_writing_is_told_now_and_then_and_shown_for_a_while(site: LiveSite, meet: Meet) -> None:
    first = answered(site)
    ada, ben = meet(site, "ada"), meet(site, "ben")
    for person in (ada, ben):
        person.page.clock.install(time=0)
        person.open_live(first.conversation)
        person.page.clock.pause_at(60_000)
    told = [("POST", f"/messages/api/threads/{first.conversation}/typing")]
    with ben.page.expect_response("**/typing"):
        ben.composer.press_sequentially("Yes, of course")
    ben.page.clock.run_for(2_900)
    ben.composer.press_sequentially(", at four")
    assert [it for it in site.asked if it in told] == told
    typing = ada.page.locator("[data-dm-typing]")
    expect(typing).to_be_visible()
    ada.page.clock.run_for(5_900)
    expect(typing).to_be_visible()
    ada.page.clock.run_for(200)
    expect(typing).to_be_hidden()
    with ben.page.expect_response("**/typing"):
        ben.page.clock.run_for(200)
        ben.composer.press_sequentially(" or at five")
    assert [it for it in site.asked if it in told] == told * 2


@pytest.mark.promise("PREF-1")
def test_who_does_not_want_it_is_not_seen_writing_and_not_seen_there(
    site: LiveSite, meet: Meet
) -> None:
    first = answered(site)
    site.dm.mailbox("ben").set_preferences(Preferences(typing=False, presence=False))
    ben = meet(site, "ben").open_live(first.conversation)
    ada = meet(site, "ada")
    with ada.page.expect_response("**/presence"):
        ada.open_live(first.conversation)
    with ben.page.expect_response("**/typing"):
        ben.composer.press_sequentially("Yes")
    ben.composer.press("Enter")
    expect(ada.message("Yes")).to_be_visible()
    seen = "[data-dm-typing]:not([hidden]), [data-dm-presence]:not([hidden])"
    expect(ada.page.locator(seen)).to_have_count(0)


@pytest.mark.promise("REQ-1")
def test_who_was_not_answered_sees_nobody_there_and_nobody_writing(
    site: LiveSite, meet: Meet
) -> None:
    first = begun(site)
    ben = meet(site, "ben").open_live(first.conversation)
    ada = meet(site, "ada")
    with ada.page.expect_response("**/presence"):
        ada.open_live(first.conversation)
    with ben.page.expect_response("**/typing"):
        ben.composer.press_sequentially("Yes")
    site.dm.mailbox("ada").send(first.conversation, "Hello?")
    expect(ada.message("Hello?")).to_be_visible()
    seen = "[data-dm-typing]:not([hidden]), [data-dm-presence]:not([hidden])"
    expect(ada.page.locator(seen)).to_have_count(0)


def test_one_sees_that_the_other_is_there(site: LiveSite, meet: Meet) -> None:
    first = answered(site)
    ada = meet(site, "ada")
    ada.page.clock.install()
    with ada.page.expect_response("**/presence"):
        ada.open_live(first.conversation)
    presence = ada.page.locator("[data-dm-presence]")
    expect(presence).to_be_hidden()
    meet(site, "ben").open_live(first.conversation)
    ada.page.clock.run_for(25_000)
    expect(presence).to_be_visible()


@pytest.mark.promise("MSG-5")
def test_what_is_edited_and_taken_back_changes_in_the_other_window(
    either: LiveSite, meet: Meet
) -> None:
    first = begun(either)
    ben = meet(either, "ben").open_thread(first.conversation)
    stay(ben)
    expect(ben.texts).to_have_text(["Is the ladder free on Friday?"])
    mailbox = either.dm.mailbox("ada")
    mailbox.edit(first.conversation, first.id, "Is the ladder free tonight?")
    expect(ben.texts).to_have_text(["Is the ladder free tonight?"])
    expect(ben.messages).to_contain_text("edited", ignore_case=True)
    mailbox.delete(first.conversation, first.id)
    expect(ben.page.get_by_text("tonight")).to_have_count(0)
    expect(ben.messages).to_have_count(1)
    assert stayed(ben)


def test_the_list_and_the_badge_follow(either: LiveSite, meet: Meet) -> None:
    begun(either)
    either.dm.mailbox("cleo").start("ben", "The choir meets at six.")
    ben = meet(either, "ben").open()
    stay(ben)
    expect(ben.entries).to_have_count(2)
    expect(ben.entries.first).to_contain_text("The choir meets at six.")
    expect(ben.badge).to_contain_text("2")
    either.dm.mailbox("ada").start("ben", "Or the small one?")
    expect(ben.entries.first).to_contain_text("Or the small one?")
    expect(ben.entries).to_have_count(2)
    expect(ben.badge).to_contain_text("3")
    either.dm.mailbox("dora").start("ben", "Hello Ben!")
    expect(ben.entries).to_have_count(3)
    expect(ben.entries.first).to_contain_text("Hello Ben!")
    assert stayed(ben)


@pytest.mark.promise("REQ-1")
def test_who_asks_to_write_is_noticed_at_once(make_site: MakeSite, meet: Meet) -> None:
    site = make_site(policy=Policy(messages=None, starts=None, requests="ask"))
    ben = meet(site, "ben").open_live()
    tab = ben.page.get_by_role("link", name="Requests")
    mark = tab.locator("[data-dm-asked-mark]")
    expect(mark).to_be_hidden()
    asked = begun(site)
    expect(mark).to_be_visible()
    expect(tab).to_contain_text("somebody is waiting")
    stay(ben)
    site.dm.mailbox("ben").accept(asked.conversation)
    expect(mark).to_be_hidden()
    assert stayed(ben)


@pytest.mark.promise("MSG-6")
def test_an_answer_shows_at_once_what_it_answers_and_leads_there(
    either: LiveSite, meet: Meet
) -> None:
    first = begun(either)
    ben = meet(either, "ben").open_thread(first.conversation)
    ada = meet(either, "ada").open_thread(f"{first.conversation}?reply={first.id}")
    ada.write("I mean the long one")
    for person in (ada, ben):
        quote = person.message("the long one").locator(".dm-quote")
        expect(quote).to_contain_text("Is the ladder free on Friday?")
        stay(person)
        quote.click()
        expect(person.messages.first.locator(".dm-bubble")).to_have_css("outline-style", "solid")
        assert stayed(person)


def test_following_takes_the_focus_from_nothing(site: LiveSite, meet: Meet) -> None:
    begun(site)
    site.dm.mailbox("cleo").start("ben", "The choir meets at six.")
    ben = meet(site, "ben").open_live()
    link = ben.entries.filter(has_text="ladder").get_by_role("link")
    link.focus()
    site.dm.mailbox("ada").start("ben", "Or the small one?")
    expect(ben.entries.first).to_contain_text("Or the small one?")
    expect(ben.entries.first.get_by_role("link")).to_be_focused()


@pytest.mark.promise("CONV-1")
def test_a_third_person_is_shown_nothing(site: LiveSite, meet: Meet) -> None:
    first = begun(site)
    eve = meet(site, "eve")
    eve.may_fail = True
    answer = eve.page.goto(f"{site.address}/messages/t/{first.conversation}")
    assert answer is not None
    assert answer.status == 403
    expect(eve.page.locator("body")).not_to_contain_text("ladder")
    expect(eve.page.locator("body")).not_to_contain_text("ben")
    expect(eve.composer).to_have_count(0)


def test_times_are_those_of_the_reader(make_site: MakeSite, meet: Meet) -> None:
    """In New York it is still the evening before; without the module it is UTC, and says so."""
    clock = ManualClock(to_us(datetime(2026, 6, 12, 3, 59, tzinfo=UTC)))
    site = make_site(clock=clock)
    first = begun(site)
    clock.advance(seconds=60)
    site.dm.mailbox("ada").send(first.conversation, "Or the small one?")
    zone = "America/New_York"
    plain = meet(site, "ben", timezone_id=zone, java_script_enabled=False)
    days = plain.open_thread(first.conversation).page.locator(".dm-day")
    expect(days).to_have_text([re.compile("12 June 2026.*UTC")])
    ben = meet(site, "ben", timezone_id=zone).open_live(first.conversation)
    expect(ben.messages.first).to_contain_text("23:59")
    clock.advance(seconds=60)
    site.dm.mailbox("ada").send(first.conversation, "Hello?")
    expect(ben.message("Hello?")).to_contain_text("00:01")
    days = ben.page.locator(".dm-day")
    expect(days).to_have_text([re.compile("11 June 2026$"), re.compile("12 June 2026$")])
    expect(ben.messages.nth(1).locator(".dm-day")).to_have_count(1)
    # In the list it is told as shortly as it is not mistaken, by the reader's own calendar.
    for then, words in (
        (datetime(2026, 6, 13, 3, 59, tzinfo=UTC), "00:01"),
        (datetime(2026, 6, 13, 4, 1, tzinfo=UTC), "Fri"),
        (datetime(2026, 6, 17, 12, 0, tzinfo=UTC), "Fri"),
        (datetime(2026, 6, 19, 12, 0, tzinfo=UTC), "12 Jun"),
        (datetime(2027, 1, 2, 12, 0, tzinfo=UTC), "12 Jun 2026"),
        (datetime(2026, 6, 11, 12, 0, tzinfo=UTC), "12 Jun"),
    ):
        ben.page.clock.set_fixed_time(then)
        ben.open()
        expect(ben.entries.locator("time")).to_have_text([words])
        assert ben.entries.locator("time").get_attribute("title") == "12 Jun, 00:01"
