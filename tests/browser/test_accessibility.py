"""No page has a fault that axe finds by the rules of WCAG 2.1 A and AA, light or dark."""

from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.faults import cut_off, faults
from tests.browser.people import DESKTOP, PHONE, Person

from dmcore import Gate, Introduction, Mode, Policy, Profile, RateLimit
from dmcore.adapters import web
from dmcore.adapters.web import Site
from dmcore.domain.ids import User

Theme = Literal["light", "dark"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_fault(
    make_site: MakeSite, meet: Meet, axe: str, theme: Theme, viewport: dict[str, int]
) -> None:
    site = make_site(policy=Policy(messages=None, starts=None, requests="ask"))
    ada, ben = site.dm.mailbox("ada"), site.dm.mailbox("ben")
    first = ada.start("ben", "Is the ladder free on Friday?")
    ben.accept(first.conversation)
    mine = ben.send(first.conversation, "Yes, come over.")
    gone = ben.send(first.conversation, "At four?")
    ben.delete(first.conversation, gone.id)
    ben.edit(first.conversation, mine.id, "Yes, come over at five.")
    ada.send(first.conversation, "Thank you!", reply_to=mine.id)
    ada.mark_read(first.conversation, through=mine.id)
    asked = site.dm.mailbox("cleo").start("ben", "The choir meets at six.")
    old = site.dm.mailbox("dora").start("ben", "Do you still have the chair?")
    ben.accept(old.conversation)
    ben.archive(old.conversation)
    blocked = site.dm.mailbox("eve").start("ben", "Buy my chair.")
    ben.block("eve")
    person = meet(site, "ben", viewport=viewport, color_scheme=theme, bypass_csp=True)
    person.may_fail = True
    places = (
        *("/", "/requests", "/archived", "/blocked", "/settings", "/nowhere"),
        f"/t/{first.conversation}",
        f"/t/{first.conversation}?edit={mine.id}",
        f"/t/{first.conversation}?reply={mine.id}",
        *(f"/t/{it.conversation}" for it in (asked, old, blocked)),
    )
    found = {place: faults(person.open(place), axe) for place in places}
    person.page.goto(f"{site.address}/people/frida")
    found["a page of the host"] = faults(person, axe)
    person.page.get_by_role("button", name="Message").click()
    expect(person.page.get_by_role("textbox")).to_be_visible()
    found["a first message"] = faults(person, axe)
    assert {place: it for place, it in found.items() if it} == {}
    assert len(found) == len(places) + 2


class Poor:
    """A directory in which nobody pays."""

    def introduce(self, sender: User, recipient: User) -> Introduction:  # noqa: ARG002
        return Introduction(sender=Profile(), recipient=Profile())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_that_is_empty_refused_or_closed_has_a_fault(
    make_site: MakeSite, meet: Meet, axe: str, theme: Theme
) -> None:
    """All that is seen on a bad day: nothing yet, not signed in, to be paid for, gone, off."""
    gates = (Gate(needs_subscription=True),)
    names = {"ada": web.Person(name="Ada"), "frida": web.Person(name="Frida")}
    site = make_site(
        policy=Policy(messages=None, starts=None, gates=gates),
        site=Site(
            people=lambda _viewer, ids: {it: names[it] for it in ids if it in names},
            upgrade_url="/subscribe",
            sign_in_url="/sign-in",
        ),
        directory=Poor(),
    )
    with site.at_once() as dm:
        gone = dm.mailbox("ben").start("somebody", "Are you there?").conversation
        there = dm.mailbox("ben").start("ada", "Are you there?").conversation
    found: dict[str, list[str]] = {}
    look = {"color_scheme": theme, "bypass_csp": True}

    def seen(person: Person, name: str, path: str) -> None:
        person.may_fail = True
        found[name] = faults(person.open(path), axe)

    new = meet(site, "frida", **look)
    for path in ("/", "/requests", "/archived", "/blocked", "/settings?saved=1"):
        seen(new, f"nothing at {path}", path)
    new.page.goto(f"{site.address}/people/ada")
    expect(new.page.get_by_role("link", name="Subscribe")).to_be_visible()
    found["a button to pay"] = faults(new, axe)
    ben = meet(site, "ben", **look)
    seen(ben, "an account that is gone", f"/t/{gone}")
    for mode in (Mode.READ_ONLY, Mode.REPLIES_ONLY, Mode.OFF):
        site.dm.operations("operator").set_mode(mode)
        seen(ben, mode.value, f"/t/{there}")
    ben.context.clear_cookies()
    seen(ben, "nobody", "/")
    assert {name: it for name, it in found.items() if it} == {}
    assert len(found) == 11


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_the_module_shows_has_no_fault(
    make_site: MakeSite, meet: Meet, axe: str, theme: Theme
) -> None:
    """A bubble that waits, somebody who writes, a limit, a refusal, a menu, a way to the newest."""
    limit = RateLimit(count=3, window=timedelta(seconds=60))
    site = make_site(policy=Policy(messages=limit, starts=None))
    first = site.dm.mailbox("ada").start("ben", "Is the ladder free on Friday?")
    person = meet(site, "ben", color_scheme=theme, bypass_csp=True)
    person.may_fail = True
    person.open_live(first.conversation)
    site.fails = lambda method, path: method == "POST" and path.endswith("/messages")
    person.write("Yes")
    expect(person.bubbles).to_contain_text("Not sent yet")
    hidden = "[data-dm-typing], [data-dm-presence], [data-dm-jump]"
    person.page.locator(hidden).evaluate_all("(them) => them.forEach((it) => (it.hidden = false))")
    assert faults(person, axe) == []
    site.fails = lambda _method, _path: False
    for text in ("Come over", "At five", "Or at six"):
        person.write(text)
    expect(person.status).to_contain_text("Try again in")
    assert faults(person, axe) == []
    site.fails = lambda method, path: method == "POST" and path.endswith("/messages")
    person.write("Come over")
    person.write("Or at six")
    expect(person.bubbles.first).to_contain_text("Not sent yet")
    site.fails = lambda _method, _path: False
    person.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(person.bubbles.get_by_role("button", name="Discard")).to_have_count(2)
    person.messages.first.locator("summary").first.click()
    person.messages.first.get_by_text("Hide for me", exact=True).click()
    assert faults(person, axe) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_refusal_without_the_module_has_no_fault(
    make_site: MakeSite, meet: Meet, axe: str, theme: Theme
) -> None:
    """Where the module does not come, the form is sent, and the page says what is the matter."""
    limit = RateLimit(count=1, window=timedelta(seconds=60))
    site = make_site(policy=Policy(messages=limit, starts=None))
    first = site.dm.mailbox("ada").start("ben", "Is the ladder free on Friday?")
    person = meet(site, "ben", color_scheme=theme, bypass_csp=True)
    person.may_fail = True
    site.fails = lambda _method, path: path.endswith(".js")
    person.open_thread(first.conversation)
    for text in ("Yes", "Come over"):
        person.composer.fill(text)
        person.page.get_by_role("button", name="Send").click()
    expect(person.texts).to_have_text(["Is the ladder free on Friday?", "Yes"])
    expect(person.page.get_by_role("alert")).to_contain_text("Try again in")
    expect(person.composer).to_have_value("Come over")
    assert faults(person, axe) == []


def test_on_the_smallest_screen_nothing_is_cut_off(make_site: MakeSite, meet: Meet) -> None:
    """320 pixels: a phone of old, or a window of 1280 looked at four times as large."""
    site = make_site(policy=Policy(messages=None, starts=None, requests="ask"))
    ada, ben = site.dm.mailbox("ada"), site.dm.mailbox("ben")
    sent = ada.start("ben", f"{'A long word: ' + 'w' * 300}\n{'And many words. ' * 30}")
    asked = site.dm.mailbox("cleo").start("ben", "The choir meets at six.")
    ben.accept(sent.conversation)
    ben.send(sent.conversation, "w" * 300, reply_to=sent.id)
    for number in range(120):
        ada.send(sent.conversation, f"Message {number}")
    site.dm.mailbox("eve").start("ben", "Buy my chair.")
    ben.block("eve")
    person = meet(site, "ben", viewport={"width": 320, "height": 256})
    person.may_fail = True
    for path in (
        *("/", "/requests", "/archived", "/blocked", "/settings", "/nowhere"),
        *(f"/t/{it.conversation}" for it in (sent, asked)),
        f"/t/{sent.conversation}?reply={sent.id}",
    ):
        person.open(path)
        assert cut_off(person) == [], path


def test_axe_finds_faults_where_there_are_some(make_site: MakeSite, meet: Meet, axe: str) -> None:
    """Otherwise the tests above could not fail."""
    person = meet(make_site(), "ben", bypass_csp=True).open()
    person.page.evaluate(
        """() => {
          const title = document.querySelector("h1");
          title.style.cssText = "color: #999; background: #aaa";
          title.insertAdjacentHTML("afterend", "<button></button><img src='data:,'>");
        }"""
    )
    rules = {fault.split()[0] for fault in faults(person, axe)}
    assert {"button-name", "color-contrast", "image-alt"} <= rules
