"""The page on which a conversation is begun: to whom, going back and forth, and where one is."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Meet
from tests.browser.people import DESKTOP, PHONE, Person
from tests.browser.site import LiveSite


def begin(person: Person, other: str) -> None:
    """Press the button on somebody's profile."""
    person.page.goto(f"{person.site.address}/people/{other}")
    person.page.get_by_role("button", name="Message").click()


def field(person: Person) -> None:
    expect(person.page.get_by_role("textbox")).to_be_focused()


def test_going_back_after_a_first_message_sends_nothing_again(site: LiveSite, meet: Meet) -> None:
    ada = meet(site, "ada")
    begin(ada, "ben")
    field(ada)
    ada.page.get_by_role("textbox").fill("Hello Ben")
    ada.page.get_by_role("button", name="Send").click()
    expect(ada.texts).to_have_text(["Hello Ben"])
    ada.page.go_back()
    expect(ada.texts).to_have_text(["Hello Ben"])
    expect(ada.composer).to_have_value("")
    ada.page.reload()
    expect(ada.texts).to_have_text(["Hello Ben"])
    assert len(site.dm.mailbox("ben").inbox().items) == 1
    assert ada.page.evaluate("sessionStorage.length") == 0


def test_a_first_text_that_is_not_sent_yet_is_kept(site: LiveSite, meet: Meet) -> None:
    ada = meet(site, "ada")
    begin(ada, "ben")
    ada.page.get_by_role("textbox").fill("Dear Ben,")
    ada.page.reload()
    expect(ada.page.get_by_role("textbox")).to_have_value("Dear Ben,")
    ada.page.goto(f"{site.address}/messages/")
    ada.page.go_back()
    expect(ada.page.get_by_role("textbox")).to_have_value("Dear Ben,")
    begin(ada, "cleo")
    expect(ada.page.get_by_role("textbox")).to_have_value("")
    begin(ada, "ben")
    expect(ada.page.get_by_role("textbox")).to_have_value("Dear Ben,")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_one_sees_to_whom_and_on_a_wide_screen_the_list(
    site: LiveSite, meet: Meet, viewport: dict[str, int]
) -> None:
    site.dm.mailbox("cleo").start("ada", "The choir meets at six.")
    ada = meet(site, "ada", viewport=viewport)
    begin(ada, "benedicta-of-the-hill")
    name = ada.page.get_by_role("heading", level=1).locator(".dm-name")
    expect(name).to_have_text("benedicta-of-the-hill")
    assert name.evaluate("(it) => it.scrollWidth <= it.clientWidth && it.clientWidth > 100")
    expect(ada.entries).to_be_visible(visible=viewport == DESKTOP)


def test_whoever_opens_a_conversation_or_an_answer_can_write_at_once(
    site: LiveSite, meet: Meet
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    for scripts in (True, False):
        ada = meet(site, "ada", java_script_enabled=scripts)
        begin(ada, "ben")
        expect(ada.composer).to_be_focused()
        for action in ("Reply", "Edit"):
            ada.open_thread(first.conversation)
            ada.messages.first.locator("summary").first.click()
            ada.messages.first.get_by_role("link", name=action).click()
            field(ada)
