"""A message is sent once and is never lost, whatever the network and the limits do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.site import LiveSite

from dmcore import Mode, Policy, RateLimit
from dmcore.adapters.clock import ManualClock

PATH = "**/api/threads/*/messages"


def stored(site: LiveSite, conversation: object) -> list[str]:
    page = site.dm.mailbox("ada").thread(str(conversation), limit=100)
    return [it.body.text for it in page.items if it.body]


@contextmanager
def keys_of(page: Page) -> Iterator[list[str]]:
    """The keys by which messages are sent meanwhile, one for each attempt."""
    keys: list[str] = []
    page.on(
        "request",
        lambda it: (
            keys.append(it.headers["idempotency-key"])
            if it.method == "POST" and it.url.endswith("/messages")
            else None
        ),
    )
    yield keys


@pytest.mark.promise("MSG-3")
def test_without_a_network_a_message_waits_and_is_stored_once(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    with keys_of(ada.page) as keys:
        ada.context.set_offline(True)
        ada.write("On my way")
        ada.write("See you soon")
        expect(ada.bubbles).to_have_count(2)
        expect(ada.bubbles.first).to_contain_text("Not sent yet")
        assert stored(site, first.conversation) == ["Hello Ben"]
        ada.context.set_offline(False)
        expect(ada.texts).to_have_text(["Hello Ben", "On my way", "See you soon"])
        expect(ada.bubbles).to_have_count(0)
    assert stored(site, first.conversation) == ["Hello Ben", "On my way", "See you soon"]
    assert len(set(keys)) == 2


@pytest.mark.promise("MSG-3", "MSG-4")
def test_a_message_whose_answer_is_lost_is_sent_again_and_stored_once(
    site: LiveSite, meet: Meet
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    ada.page.route(PATH, lose, times=2)
    with keys_of(ada.page) as keys:
        ada.write("On my way")
        expect(ada.bubbles).to_have_count(0)
    expect(ada.texts).to_have_text(["Hello Ben", "On my way"])
    assert stored(site, first.conversation) == ["Hello Ben", "On my way"]
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.promise("MSG-3", "MSG-4")
@pytest.mark.parametrize("loads_again", [False, True])
def test_what_is_refused_after_a_lost_answer_is_sent_again_by_the_same_key(
    site: LiveSite, meet: Meet, loads_again: bool
) -> None:
    """As where a sign-in ends in between: the message may have been stored before."""
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True

    def lose(route: Route) -> None:
        route.fetch()
        ada.context.clear_cookies()
        route.abort()

    ada.page.route(PATH, lose, times=1)
    ada.write("On my way")
    expect(ada.status).to_contain_text("signed out")
    expect(ada.composer).to_have_value("On my way")
    described = ada.composer.get_attribute("aria-describedby")
    assert described == ada.status.get_attribute("id")
    ada.sign_in()
    if loads_again:
        ada.page.reload()
        expect(ada.composer).to_have_value("On my way")
    ada.composer.press("Enter")
    expect(ada.bubbles).to_have_count(0)
    expect(ada.texts).to_have_text(["Hello Ben", "On my way"])
    assert stored(site, first.conversation) == ["Hello Ben", "On my way"]
    ada.write("On my way")
    expect(ada.texts).to_have_count(3)
    assert len(stored(site, first.conversation)) == 3


@pytest.mark.promise("BLOCK-1")
def test_whom_one_has_blocked_elsewhere_can_be_unblocked_where_it_is_noticed(
    site: LiveSite, meet: Meet
) -> None:
    """In the words of the pages, and the text is still there afterwards."""
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    site.dm.mailbox("ada").block("ben")
    for _ in range(2):
        ada.write("Are you there?")
        expect(ada.status).to_have_text(
            "You have blocked this person. Unblock them to write to them."
        )
    ways = ada.page.locator(".dm-foot").get_by_role("button", name="Unblock")
    expect(ways).to_have_count(1)
    ways.click()
    expect(ada.composer).to_have_value("Are you there?")
    ada.composer.press("Enter")
    expect(ada.texts).to_have_text(["Hello Ben", "Are you there?"])


@pytest.mark.promise("LIMIT-1")
def test_a_limit_is_counted_down_and_hours_are_only_said(make_site: MakeSite, meet: Meet) -> None:
    seconds = re.compile(r"^You have sent a lot of messages\. Try again in \d+ s\.$")
    hours = re.compile(r"^You have sent a lot of messages\. Try again in 5 hours\.$")
    for window, words in ((timedelta(seconds=60), seconds), (timedelta(hours=5), hours)):
        site = make_site(policy=Policy(messages=RateLimit(1, window)))
        first = site.dm.mailbox("ada").start("ben", "Hello Ben")
        ada = meet(site, "ada").open_live(first.conversation)
        ada.may_fail = True
        ada.write("One more")
        expect(ada.status).to_have_text(words)
        expect(ada.composer).to_have_value("One more")


@pytest.mark.promise("MSG-5")
def test_another_text_for_a_message_outlives_the_page_until_it_is_stored(
    site: LiveSite, meet: Meet
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada")
    ada.may_fail = True
    text = ada.page.locator("form textarea[name=body]")
    edit = f"{first.conversation}?edit={first.id}"
    ada.open_thread(edit)
    text.fill("Hello Benjamin")
    ada.page.reload()
    expect(text).to_have_value("Hello Benjamin")
    ada.context.clear_cookies()
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.page.get_by_role("heading", name="Please sign in")).to_be_visible()
    ada.sign_in()
    ada.open_thread(edit)
    expect(text).to_have_value("Hello Benjamin")
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.texts).to_have_text(["Hello Benjamin"])
    ada.open_thread(edit)
    expect(text).to_have_value("Hello Benjamin")
    site.dm.mailbox("ada").edit(first.conversation, first.id, "Hello")
    ada.page.reload()
    expect(text).to_have_value("Hello")


def test_what_is_not_sent_yet_is_sent_after_the_page_was_loaded_again(
    site: LiveSite, meet: Meet
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    site.fails = lambda method, path: method == "POST" and path.endswith("/messages")
    ada.write("On my way")
    ada.composer.fill("and then")
    expect(ada.bubbles).to_contain_text("Not sent yet")
    ada.page.reload()
    expect(ada.bubbles.locator("[data-dm-text]")).to_have_text("On my way")
    site.fails = lambda _method, _path: False
    expect(ada.texts).to_have_text(["Hello Ben", "On my way"])
    expect(ada.composer).to_have_value("and then")
    assert stored(site, first.conversation) == ["Hello Ben", "On my way"]


def test_a_draft_is_there_after_the_page_was_loaded_again(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_thread(first.conversation)
    ada.composer.fill("Dear Ben,\n")
    ada.page.reload()
    expect(ada.composer).to_have_value("Dear Ben,\n")
    ada.write("Dear Ben, hello")
    expect(ada.texts).to_have_text(["Hello Ben", "Dear Ben, hello"])
    ada.page.reload()
    expect(ada.composer).to_have_value("")


@pytest.mark.promise("LIMIT-1")
def test_who_reaches_the_limit_keeps_the_text_and_is_told_how_long(
    make_site: MakeSite, meet: Meet
) -> None:
    limit = RateLimit(count=1, window=timedelta(seconds=60))
    site = make_site(policy=Policy(messages=limit, starts=None))
    with site.at_once() as dm:
        first = dm.mailbox("ben").start("ada", "0")
        for number in range(1, 30):
            dm.mailbox("ben").send(first.conversation, str(number))
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    ada.write("How are you?")
    expect(ada.texts).to_have_count(31)
    ada.write("And where?")
    expect(ada.status).to_have_text(re.compile(r"Try again in \d+ s\."))
    expect(ada.composer).to_have_value("And where?")
    expect(ada.bubbles).to_have_count(0)
    # What grows below takes its room from the list, and covers nothing of it.
    ada.composer.fill("And where?\n\n\n\n\nI am here.")
    expect(ada.composer).to_have_attribute("rows", "6")
    expect(ada.texts.last).to_be_in_viewport(ratio=1)
    assert stored(site, first.conversation)[-2:] == ["29", "How are you?"]


@pytest.mark.promise("LIMIT-1")
def test_the_wait_is_counted_down_and_its_end_told(make_site: MakeSite, meet: Meet) -> None:
    limit = RateLimit(count=1, window=timedelta(seconds=60))
    site = make_site(policy=Policy(messages=limit, starts=None))
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada")
    ada.may_fail = True
    ada.page.clock.install()
    ada.open_live(first.conversation)
    ada.write("How are you?")
    expect(ada.status).to_have_text(re.compile(r"Try again in [45]\d s\."))
    ada.page.clock.run_for(30_000)
    expect(ada.status).to_have_text(re.compile(r"Try again in [12]\d s\."))
    ada.page.clock.run_for(30_000)
    expect(ada.status).to_have_text("You can send again.")
    expect(ada.composer).to_have_value("How are you?")


def test_what_is_refused_comes_back_with_the_reason(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    site.dm.mailbox("ben").block("ada")
    ada.write("Are you there?")
    expect(ada.status).to_contain_text("cannot receive messages")
    expect(ada.composer).to_have_value("Are you there?")
    expect(ada.bubbles).to_have_count(0)
    site.dm.mailbox("ben").unblock("ada")
    ada.composer.press("Enter")
    expect(ada.texts).to_have_text(["Hello Ben", "Are you there?"])


def test_a_refusal_is_an_alert_until_the_text_is_changed(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    ada.write("x" * 4001)
    alert = ada.page.get_by_role("alert")
    expect(alert).to_contain_text("4000")
    expect(ada.composer).to_have_attribute("aria-invalid", "true")
    ada.composer.fill("Are you there?")
    expect(ada.status).to_have_text("")
    expect(alert).to_have_count(0)
    expect(ada.composer).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.promise("MSG-6")
def test_a_refused_answer_still_is_one(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Tea or coffee?")
    ben = meet(site, "ben").open_live(f"{first.conversation}?reply={first.id}")
    ben.may_fail = True
    for _ in range(2):
        ben.write("x" * 4001)
        expect(ben.page.get_by_role("alert")).to_be_visible()
        expect(ben.page.locator("[data-dm-replying]")).to_contain_text("Tea or coffee?")
    ben.write("Tea")
    expect(ben.texts).to_have_count(2)
    assert site.dm.mailbox("ben").thread(first.conversation).items[-1].reply_to == first.id
    expect(ben.page.locator("[data-dm-replying]")).to_have_count(0)


@pytest.mark.promise("MSG-6")
def test_a_refused_answer_can_be_given_up(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Tea or coffee?")
    ben = meet(site, "ben").open_live(f"{first.conversation}?reply={first.id}")
    ben.may_fail = True
    ben.write("x" * 4001)
    expect(ben.page.get_by_role("alert")).to_be_visible()
    ben.page.get_by_role("link", name="Cancel").click()
    expect(ben.composer).to_be_focused()
    ben.write("Hello Ada")
    expect(ben.texts).to_have_count(2)
    assert site.dm.mailbox("ben").thread(first.conversation).items[-1].reply_to is None


@pytest.mark.promise("LIMIT-1")
def test_several_refused_texts_stay_apart_until_the_writer_decides(
    make_site: MakeSite, meet: Meet
) -> None:
    clock = ManualClock()
    limit = RateLimit(count=3, window=timedelta(seconds=60))
    site = make_site(policy=Policy(messages=limit, starts=None), clock=clock)
    first = site.dm.mailbox("ben").start("ada", "Hello Ada")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    site.fails = lambda method, path: method == "POST" and path.endswith("/messages")
    for text in ("one", "two", "three"):
        ada.write(text)
    expect(ada.bubbles.first).to_contain_text("Not sent yet")
    for other in ("cleo", "dora", "eve"):
        site.dm.mailbox("ada").start(other, "Hello")
    site.fails = lambda _method, _path: False
    ada.page.evaluate("window.dispatchEvent(new Event('online'))")
    held = ada.bubbles.locator("[data-dm-text]")
    for _ in range(2):
        expect(ada.bubbles.get_by_role("button", name="Try again")).to_have_count(3)
        expect(held).to_have_text(["one", "two", "three"])
        expect(ada.composer).to_have_value("")
        ada.page.reload()
    clock.advance(seconds=61)
    ada.bubbles.nth(1).get_by_role("button", name="Discard").click()
    ada.bubbles.nth(1).get_by_role("button", name="Try again").click()
    expect(ada.texts).to_have_text(["Hello Ada", "three"])
    expect(held).to_have_text(["one"])
    ada.bubbles.get_by_role("button", name="Try again").click()
    expect(ada.texts).to_have_text(["Hello Ada", "three", "one"])
    expect(ada.bubbles).to_have_count(0)
    assert stored(site, first.conversation) == ["Hello Ada", "three", "one"]


def test_who_presses_the_button_goes_on_writing(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.composer.fill("Are you there?")
    ada.page.get_by_role("button", name="Send").click()
    expect(ada.texts).to_have_count(2)
    expect(ada.composer).to_be_focused()


@pytest.mark.promise("OPS-1")
def test_what_is_written_while_messaging_is_off_is_sent_when_it_is_on(
    site: LiveSite, meet: Meet
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.may_fail = True
    operations = site.dm.operations("operator")
    operations.set_mode(Mode.READ_ONLY)
    ada.write("Are you there?")
    expect(ada.bubbles).to_contain_text("Not sent yet. Messages can only be read at the moment.")
    assert stored(site, first.conversation) == ["Hello Ben"]
    operations.set_mode(Mode.ON)
    # A browser tells pages that the network is back; here it never was away.
    ada.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(ada.texts).to_have_text(["Hello Ben", "Are you there?"])


def test_enter_sends_and_with_shift_it_is_a_new_line(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.composer.press_sequentially("Milk")
    ada.composer.press("Shift+Enter")
    ada.composer.press_sequentially("Bread")
    expect(ada.composer).to_have_value("Milk\nBread")
    expect(ada.composer).to_have_attribute("rows", "2")
    ada.composer.press("Enter")
    expect(ada.texts).to_have_text(["Hello Ben", "Milk\nBread"])
    assert stored(site, first.conversation) == ["Hello Ben", "Milk\nBread"]


def test_the_key_that_ends_a_composition_sends_nothing(site: LiveSite, meet: Meet) -> None:
    """Who writes Japanese chooses a word with the same key."""
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ada.composer.fill("こんにち")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true})"
    ada.composer.evaluate(f"(it) => it.dispatchEvent({composing})")
    expect(ada.composer).to_have_value("こんにち")
    assert stored(site, first.conversation) == ["Hello Ben"]
    ada.composer.press("Enter")
    expect(ada.texts).to_have_text(["Hello Ben", "こんにち"])


def test_on_a_touch_screen_enter_is_a_new_line_and_the_button_sends(
    site: LiveSite, meet: Meet
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(
        site, "ada", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ).open_live(first.conversation)
    ada.composer.press_sequentially("Milk")
    ada.composer.press("Enter")
    ada.composer.press_sequentially("Bread")
    expect(ada.composer).to_have_value("Milk\nBread")
    ada.page.get_by_role("button", name="Send").tap()
    expect(ada.texts).to_have_text(["Hello Ben", "Milk\nBread"])


def test_a_reply_names_what_it_answers(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Tea or coffee?")
    ben = meet(site, "ben").open_live(f"{first.conversation}?reply={first.id}")
    ben.write("Tea")
    expect(ben.texts).to_have_count(2)
    ben.write("With milk")
    expect(ben.texts).to_have_count(3)
    page = site.dm.mailbox("ben").thread(first.conversation)
    assert [it.reply_to for it in page.items] == [None, first.id, None]
