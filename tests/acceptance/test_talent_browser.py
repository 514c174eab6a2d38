"""Talent at a browser: what is viewed is read, and nothing before it is there to be viewed."""

import pytest
from playwright.sync_api import Route, expect
from tests.acceptance.conftest import Visit
from tests.acceptance.marketplace import Marketplace, Member
from tests.browser.faults import cut_off, faults
from tests.browser.people import PHONE, Visitor
from tests.web.browsing import Page


def arrive(visit: Visit, marketplace: Marketplace, member: Member, **options: object) -> Visitor:
    """A member signs in once more, in a browser."""
    visitor = visit(marketplace.served.address, **options)
    visitor.page.goto(f"{visitor.address}/sign-in")
    visitor.page.locator(f"button[value='{member.name}']").click()
    expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
    return visitor


def address_of(visitor: Visitor, page: Page) -> str:
    return visitor.address + page.path.partition("#")[0]


@pytest.fixture
def company(marketplace: Marketplace) -> Member:
    """A company that pays."""
    return marketplace.join("company", "active")


@pytest.fixture
def talent(marketplace: Marketplace) -> Member:
    """Somebody to write to."""
    return marketplace.join("talent")


def test_what_is_viewed_is_read_without_a_line_of_the_host(
    marketplace: Marketplace, visit: Visit, company: Member, talent: Member
) -> None:
    thread = company.write(talent, "Can you row?")
    ines = arrive(visit, marketplace, talent)
    badge = ines.page.locator("nav [data-dm-badge]").first
    expect(badge).to_contain_text("1")
    ines.page.get_by_role("link", name="Messages").click()
    assert talent.unread() == 1  # the list alone is no view of a message
    ines.page.locator("[data-dm-entry]").get_by_role("link").click()
    expect(badge).to_be_hidden()
    assert talent.unread() == 0
    assert "Seen" in company.get(thread.path).text
    company.write(talent, "And swim?")
    expect(ines.page.locator("[data-dm-message]").last).to_contain_text("And swim?")
    ines.page.get_by_role("textbox").fill("Both")
    ines.page.get_by_role("textbox").press("Enter")
    expect(ines.page.locator("[data-dm-message]").last).to_contain_text("Both")
    assert company.get(thread.path).bodies == ["Can you row?", "And swim?", "Both"]
    assert talent.unread() == 0


def test_a_conversation_opened_before_its_messages_load_marks_none_of_them(
    marketplace: Marketplace, visit: Visit, company: Member, talent: Member
) -> None:
    thread = company.write(talent, "1")
    ines = arrive(visit, marketplace, talent)
    ines.may_fail = True
    held = True

    def hold(route: Route) -> None:
        route.abort() if held else route.continue_()

    # First the script does not come, and then what it fetches.
    ines.page.route("**/dmcore.js*", hold)
    ines.page.goto(address_of(ines, thread))
    expect(ines.page.locator("[data-dm-message]")).to_have_count(1)
    assert talent.unread() == 1
    ines.page.unroute("**/dmcore.js*")
    ines.page.route("**/fragments/thread/**", hold)
    with ines.page.expect_response("**/read"):
        ines.page.reload()
    assert talent.unread() == 0
    with ines.page.expect_event("requestfailed"):
        company.write(talent, "2")
    assert talent.unread() == 1
    held = False
    with ines.page.expect_response("**/read"):
        expect(ines.page.locator("[data-dm-message]")).to_have_count(2)
    assert talent.unread() == 0


def test_a_very_long_word_stays_in_its_bubble(
    marketplace: Marketplace, visit: Visit, company: Member, talent: Member
) -> None:
    thread = company.write(talent, "W" * 4000)
    ines = arrive(visit, marketplace, talent, viewport=PHONE)
    ines.page.goto(address_of(ines, thread))
    body = ines.page.locator("[data-dm-message] .dm-body")
    expect(body).to_have_text("W" * 4000)
    assert ines.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    box = body.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    ines.page.goto(f"{ines.address}/messages/")
    entry = ines.page.locator("[data-dm-entry]").bounding_box()
    assert entry is not None
    assert entry["height"] < 100


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_marketplace_can_be_used_by_everybody(
    marketplace: Marketplace, visit: Visit, axe: str, talent: Member, theme: str
) -> None:
    look = {"color_scheme": theme, "bypass_csp": True, "viewport": {"width": 320, "height": 600}}
    person = arrive(visit, marketplace, marketplace.join("company"), **look)
    for path in ("/", talent.profile(), "/sign-in", "/subscription", "/account", "/messages/"):
        person.page.goto(f"{person.address}{path}")
        assert (path, faults(person, axe), cut_off(person)) == (path, [], [])
