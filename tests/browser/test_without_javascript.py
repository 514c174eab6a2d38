"""Where no script runs, everything is done with links and forms."""

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.people import PHONE, Person
from tests.browser.site import LiveSite

from dmcore import Policy, RateLimit


def plain(meet: Meet, site: LiveSite, name: str, **options: object) -> Person:
    return meet(site, name, java_script_enabled=False, **options)


def send(person: Person, text: str) -> None:
    person.page.get_by_role("textbox", name="Write").fill(text)
    person.page.get_by_role("button", name="Send").click()


def choose(within: Locator, action: str) -> None:
    """Open the menu of a message or of the conversation, and choose."""
    within.locator("summary").first.click()
    within.get_by_text(action, exact=True).click()


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE], ids=["desk", "phone"])
def test_a_whole_conversation_is_held_by_forms(
    site: LiveSite, meet: Meet, viewport: dict[str, int]
) -> None:
    ada, ben = (plain(meet, site, name, viewport=viewport) for name in ("ada", "ben"))
    # From a profile of the host, where nothing was begun yet, to a first message.
    ada.page.goto(f"{site.address}/people/ben")
    ada.page.get_by_role("button", name="Message").click()
    expect(ada.messages).to_have_count(0)
    send(ada, "Is the ladder free?\nOr the small one?")
    expect(ada.texts).to_have_text(["Is the ladder free?\nOr the small one?"])
    # The other finds it by the badge in the navigation of the host, and in the list.
    ben.page.goto(f"{site.address}/people/ada")
    expect(ben.badge).to_contain_text("1")
    ben.page.get_by_role("link", name="Messages").click()
    expect(ben.entries).to_have_count(1)
    ben.entries.get_by_role("link").click()
    expect(ben.texts).to_have_count(1)
    assert site.dm.mailbox("ben").unread() == 1
    ben.page.get_by_role("button", name="Mark as read").click()
    expect(ben.page.get_by_role("button", name="Mark as read")).to_have_count(0)
    assert site.dm.mailbox("ben").unread() == 0
    choose(ben.messages.first, "Reply")
    send(ben, "The small one")
    send(ben, "And tomorrow the other")
    expect(ben.texts).to_have_count(3)
    ada.page.reload()
    expect(ada.texts).to_have_count(3)
    expect(ada.messages.first).to_contain_text("Seen")
    expect(ada.messages.nth(1)).to_contain_text("In answer to")
    # What one wrote can be changed and taken back, what another wrote can be hidden.
    choose(ben.messages.nth(1), "Edit")
    ben.page.get_by_role("textbox").fill("The long one")
    ben.page.get_by_role("button", name="Save").click()
    expect(ben.texts.nth(1)).to_have_text("The long one")
    choose(ben.messages.nth(2), "Delete for both")
    ben.page.get_by_role("button", name="Delete it for both").click()
    expect(ben.messages.nth(2)).to_contain_text("deleted")
    ada.page.reload()
    expect(ada.messages.nth(1)).to_contain_text("The long one")
    expect(ada.messages.nth(1)).to_contain_text("Edited")
    expect(ada.page.get_by_text("And tomorrow the other")).to_have_count(0)
    choose(ada.messages.nth(1), "Hide for me")
    ada.page.get_by_role("button", name="Hide it for me").click()
    expect(ada.messages).to_have_count(2)


def test_a_conversation_is_muted_archived_and_cleared_by_forms(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ben = plain(meet, site, "ben").open_thread(first.conversation)
    menu = ben.page.locator(".dm-thread-menu")
    choose(menu, "Mute")
    assert site.dm.mailbox("ben").conversation(first.conversation).is_muted
    choose(menu, "Unmute")
    assert not site.dm.mailbox("ben").conversation(first.conversation).is_muted
    choose(menu, "Archive")
    expect(ben.entries).to_have_count(0)
    ben.open("/archived")
    expect(ben.entries).to_have_count(1)
    ben.open_thread(first.conversation)
    choose(menu, "Move to the inbox")
    menu.locator("summary").first.click()
    menu.get_by_text("Clear the history", exact=True).click()
    menu.get_by_role("button", name="Clear it for me").click()
    expect(ben.messages).to_have_count(0)
    assert len(site.dm.mailbox("ada").thread(first.conversation).items) == 1


@pytest.mark.promise("REQ-1")
def test_a_request_is_accepted_and_another_declined_by_forms(
    make_site: MakeSite, meet: Meet
) -> None:
    site = make_site(policy=Policy(messages=None, starts=None, requests="ask"))
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    site.dm.mailbox("eve").start("ben", "Buy my chair")
    ben = plain(meet, site, "ben").open()
    expect(ben.entries).to_have_count(0)
    ben.page.get_by_role("link", name="Requests").click()
    expect(ben.entries).to_have_count(2)
    ben.entries.filter(has_text="eve").get_by_role("button", name="Decline").click()
    ben.open("/requests")
    ben.entries.filter(has_text="ada").get_by_role("button", name="Accept").click()
    ben.open()
    expect(ben.entries).to_contain_text(["ada"])
    send(ben.open_thread(first.conversation), "Hello Ada")
    expect(ben.texts).to_have_text(["Hello Ben", "Hello Ada"])


@pytest.mark.promise("BLOCK-1", "BLOCK-3")
def test_somebody_is_blocked_and_unblocked_by_forms(site: LiveSite, meet: Meet) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ben = plain(meet, site, "ben").open_thread(first.conversation)
    choose(ben.page.locator(".dm-thread-menu"), "Block")
    expect(ben.page.get_by_role("textbox")).to_have_count(0)
    ben.open("/blocked")
    expect(ben.page.locator(".dm-row")).to_contain_text(["ada"])
    ben.page.get_by_role("button", name="Unblock").click()
    expect(ben.page.locator(".dm-row")).to_have_count(0)
    send(ben.open_thread(first.conversation), "Hello Ada")
    expect(ben.texts).to_have_text(["Hello Ben", "Hello Ada"])


@pytest.mark.promise("PREF-1")
def test_settings_are_chosen_by_a_form(site: LiveSite, meet: Meet) -> None:
    ben = plain(meet, site, "ben").open("/settings")
    ben.page.get_by_label("Nobody").check()
    ben.page.get_by_label("That you have seen a message").uncheck()
    ben.page.get_by_role("button", name="Save").click()
    expect(ben.page.get_by_role("status")).to_contain_text("saved")
    expect(ben.page.get_by_label("Nobody")).to_be_checked()
    chosen = site.dm.mailbox("ben").preferences()
    assert (chosen.open_to, chosen.receipts, chosen.typing) == ("nobody", False, True)


@pytest.mark.promise("LIMIT-1")
def test_a_limit_is_explained_and_the_text_kept(make_site: MakeSite, meet: Meet) -> None:
    limit = RateLimit(count=1, window=timedelta(seconds=60))
    site = make_site(policy=Policy(messages=limit, starts=None))
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = plain(meet, site, "ada").open_thread(first.conversation)
    ada.may_fail = True
    send(ada, "Are you there?")
    expect(ada.page.get_by_role("alert")).to_contain_text("Try again in")
    expect(ada.page.get_by_role("textbox")).to_have_value("Are you there?")
    expect(ada.texts).to_have_text(["Hello Ben"])


@pytest.mark.promise("PAGE-1")
def test_a_long_thread_is_read_by_links(site: LiveSite, meet: Meet) -> None:
    with site.at_once() as dm:
        conversation = dm.mailbox("ada").start("ben", "0").conversation
        for number in range(1, 120):
            dm.mailbox("ada").send(conversation, str(number))
    ben = plain(meet, site, "ben").open_thread(conversation)
    seen: list[str] = []
    pages = (range(70, 120), range(20, 70), range(20))
    for numbers in pages:
        expect(ben.texts).to_have_text([str(number) for number in numbers])
        seen += ben.texts.all_text_contents()
        if numbers[0] > 0:
            ben.page.get_by_role("link", name="Earlier messages").click()
            ben.page.wait_for_url("**before=*")
            expect(ben.texts.first).to_have_text(str(max(0, numbers[0] - 50)))
    assert sorted(seen, key=int) == [str(number) for number in range(120)]
