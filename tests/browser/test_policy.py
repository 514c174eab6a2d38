"""Pages keep to a policy that allows no inline script, no inline style and no other site."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.people import Person
from tests.browser.site import LiveSite

from dmcore.adapters.web import Document, Site

PAGES = ("/", "/requests", "/archived", "/blocked", "/settings", "/nowhere")


def test_no_page_breaks_its_policy_or_asks_another_site(site: LiveSite, meet: Meet) -> None:
    """Whoever is met sees it: a violation, a stranger or a word in the console fails the test."""
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ben = meet(site, "ben")
    ben.may_fail = True
    for page in (*PAGES, f"/t/{first.conversation}"):
        answer = ben.page.goto(f"{site.address}/messages{page}")
        assert answer is not None
        policy = answer.header_value("content-security-policy")
        assert policy is not None
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        expect(ben.page.locator("script:not([src]), style, [style], [onclick]")).to_have_count(0)
    ben.write("Hello Ada")
    expect(ben.texts).to_have_count(2)
    assert ben.troubles == []


@pytest.mark.promise("LEAK-1")
def test_no_address_names_a_person_a_message_or_a_text(site: LiveSite, meet: Meet) -> None:
    """Addresses end up in the logs of servers and in the histories of browsers."""
    writer = "adalbert.the.writer"
    first = site.dm.mailbox(writer).start("benedicta", "Where is the ladder?")
    person = meet(site, "benedicta")
    person.page.goto(f"{site.address}/people/{writer}")
    said = len(person.requested)
    person.page.get_by_role("button", name="Message").click()
    person.write("Behind the house")
    expect(person.texts).to_have_count(2)
    answer = site.dm.mailbox(writer).thread(first.conversation).items[-1]
    site.dm.mailbox(writer).edit(first.conversation, first.id, "Where is the long ladder?")
    expect(person.texts.first).to_contain_text("long")
    addresses = "\n".join(person.requested[said:])
    assert str(first.conversation) in addresses
    for secret in (writer, "benedicta", "ladder", "house", str(first.id), str(answer.id)):
        assert secret not in addresses


def _tries(person: Person, markup: str) -> None:
    person.page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", markup)


def test_a_page_that_breaks_its_policy_is_noticed(site: LiveSite, meet: Meet) -> None:
    """Otherwise the test above could not fail."""
    ben = meet(site, "ben").open()
    _tries(ben, "<img src=data:, onerror='document.title = 1'>")
    ben.page.wait_for_function("() => !document.querySelector('img[onerror]:not([src])')")
    _tries(ben, "<p style='color: red'>red</p>")
    _tries(ben, "<img src=http://127.0.0.2:9/x.png>")
    expect(ben.page.locator("p[style]")).to_have_count(1)
    ben.page.wait_for_function("() => document.title !== '1'")
    assert [it for it in ben.troubles if "policy: style-src" in it]
    assert [it for it in ben.troubles if "policy: img-src" in it]
    assert [it for it in ben.troubles if "policy: script-src" in it]
    ben.troubles.clear()
    ben.requested.clear()


def test_a_frame_that_says_its_language_in_no_language_has_live_pages(
    make_site: MakeSite, meet: Meet
) -> None:
    def layout(document: Document, _request: object) -> str:
        head = f"<title>Messages</title>{document.head}"
        return f"<html lang=en_US><head>{head}</head><body>{document.body}</body></html>"

    site = make_site(site=Site(layout=layout))
    first = site.dm.mailbox("ada").start("ben", "Hello")
    ben = meet(site, "ben").open_live(first.conversation)
    site.dm.mailbox("ada").send(first.conversation, "Are you there?")
    clock = re.compile(r"^\d\d:\d\d$")
    expect(ben.message("Are you there?").locator(".dm-meta time")).to_have_text(clock)
