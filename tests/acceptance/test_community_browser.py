"""Community at a browser: where things are, on a screen and on a phone, and how news arrive."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.acceptance.conftest import Visit
from tests.browser.faults import cut_off, faults
from tests.browser.people import DESKTOP, PHONE, Visitor
from tests.web.flask_hosts import WerkzeugServer

from examples.community.app import Community


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a forum is served."""
    with Community(tmp_path) as site:
        server = WerkzeugServer(site.app)
        yield "http://{}:{}".format(*server.address)
        server.stop()


def arrive(visit: Visit, address: str, username: str, **options: object) -> Visitor:
    """Somebody signs in."""
    visitor = visit(address, **options)
    visitor.page.goto(f"{address}/sign-in")
    visitor.page.get_by_role("button", name=username).click()
    expect(visitor.page.get_by_role("link", name=username).first).to_be_visible()
    return visitor


def test_the_list_is_left_of_the_thread_and_on_a_phone_each_fills_the_screen(
    address: str, visit: Visit
) -> None:
    for viewport, is_wide in ((DESKTOP, True), (PHONE, False)):
        page = arrive(visit, address, "tessa_k", viewport=viewport).page
        page.get_by_role("link", name="Messages").click()
        entry = page.locator("[data-dm-entry]").filter(has_text="brin")
        expect(entry).to_contain_text("You: I will bring bread.")
        entry.get_by_role("link").click()
        thread = page.locator("[data-dm-thread]")
        expect(thread).to_contain_text("Come on Saturday")
        expect(thread.get_by_role("heading")).to_have_text("brin")
        if is_wide:
            left, right = entry.bounding_box(), thread.bounding_box()
            assert left is not None
            assert right is not None
            assert left["x"] + left["width"] <= right["x"]
        else:
            expect(entry).to_be_hidden()
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            page.get_by_role("link", name="Back to the list").click()
            expect(entry).to_be_visible()
            expect(thread).to_have_count(0)


def test_what_is_new_is_asked_for_and_no_socket_is_opened(address: str, visit: Visit) -> None:
    tessa, brin = (arrive(visit, address, name) for name in ("tessa_k", "brin"))
    sockets: list[str] = []
    for person in (tessa, brin):
        person.page.on("websocket", lambda socket: sockets.append(socket.url))
        person.page.get_by_role("link", name="Messages").click()
        person.page.locator("[data-dm-entry]").filter(has_text="bread").get_by_role("link").click()
    brin.page.get_by_role("textbox").fill("Ten o'clock?")
    brin.page.get_by_role("textbox").press("Enter")
    expect(tessa.page.locator("[data-dm-message]").last).to_contain_text("Ten o'clock?")
    expect(brin.page.locator("[data-dm-message]").last).to_contain_text("Seen")
    asked = {urlsplit(url).path.rpartition("/")[2] for url in tessa.requested + brin.requested}
    assert "changes" in asked
    assert "stream" not in asked
    assert sockets == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_forum_can_be_used_by_everybody(
    address: str, visit: Visit, axe: str, theme: str
) -> None:
    look = {"color_scheme": theme, "bypass_csp": True, "viewport": {"width": 320, "height": 600}}
    person = arrive(visit, address, "juniper", **look)
    person.may_fail = True  # of one page there is none
    for path in ("/", "/u/brin", "/sign-in", "/messages/", "/messages/moderation", "/messages/x"):
        person.page.goto(f"{address}{path}")
        assert (path, faults(person, axe), cut_off(person)) == (path, [], [])
