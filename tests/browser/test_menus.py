"""Menus of messages: where they open, and what closes them."""

import pytest
from playwright.sync_api import FloatRect, Locator, expect
from tests.browser.conftest import Meet
from tests.browser.people import Person
from tests.browser.site import LiveSite


@pytest.fixture
def ben(site: LiveSite, meet: Meet) -> Person:
    first = site.dm.mailbox("ada").start("ben", "0")
    return meet(site, "ben").open_live(first.conversation)


def opened(ben: Person) -> Locator:
    return ben.page.locator("details.dm-menu[open]")


def test_escape_closes_a_menu_and_leads_back_to_its_button(ben: Person) -> None:
    button = ben.messages.first.locator("summary").first
    button.click()
    expect(opened(ben)).to_have_count(1)
    ben.page.keyboard.press("Tab")
    ben.page.keyboard.press("Escape")
    expect(opened(ben)).to_have_count(0)
    expect(button).to_be_focused()


def test_a_touch_elsewhere_closes_a_menu_and_one_inside_does_not(ben: Person) -> None:
    ben.messages.first.locator("summary").first.click()
    ben.messages.first.get_by_text("Hide for me", exact=True).click()
    expect(ben.page.get_by_role("button", name="Hide it for me")).to_be_visible()
    ben.composer.click()
    expect(opened(ben)).to_have_count(0)
    expect(ben.messages).to_have_count(1)


def box(it: Locator) -> FloatRect:
    found = it.bounding_box()
    assert found is not None
    return found


def test_the_menu_of_a_message_opens_beside_it_below_the_line_of_its_day(
    site: LiveSite, meet: Meet
) -> None:
    """Near the end it opens upwards; the line of a day stands above its message."""
    ada = site.dm.mailbox("ada")
    conversation = ada.start("ben", "0").conversation
    for number in range(1, 12):
        ada.send(conversation, str(number))
    ben = meet(site, "ben").open_live(conversation)
    message = ben.messages.last
    menu = message.locator(".dm-menu-box")
    message.locator("summary").first.click()
    plain = box(message.locator(".dm-bubble"))["y"] - box(menu)["y"] - box(menu)["height"]
    message.evaluate(
        "(it) => it.insertAdjacentHTML('afterbegin', '<p class=dm-day>Friday, 12 June 2026</p>')"
    )
    under = box(message.locator(".dm-bubble"))["y"] - box(menu)["y"] - box(menu)["height"]
    assert abs(under) <= max(abs(plain), 8) + 8
