"""Reporting, moderating and operating in a real browser: without scripts, by keyboard, by axe."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import MakeSite, Meet
from tests.browser.faults import faults
from tests.browser.people import DESKTOP, PHONE, Person
from tests.browser.site import LiveSite
from tests.browser.test_accessibility import Theme

from dmcore import Policy
from dmcore.adapters.web import Site

HOSTILE = "<img src=x onerror='alert(1)'> the door code is zebra"
ROLES = Site(
    is_moderator=lambda viewer: viewer.user == "mod",
    is_operator=lambda viewer: viewer.user == "olga",
)


@pytest.fixture
def site(make_site: MakeSite) -> LiveSite:
    made = make_site(
        policy=Policy(messages=None, starts=None, evidence="reporter_selected"), site=ROLES
    )
    for text in ("Hello!", HOSTILE, "Answer me."):
        made.dm.mailbox("ben").start("ada", text)
    return made


def thread_of(site: LiveSite) -> str:
    view = site.dm.mailbox("ada").conversation_with("ben")
    assert view is not None
    return str(view.conversation)


@pytest.mark.promise("MOD-1", "MOD-2", "MOD-3", "AUD-1")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_from_a_report_to_its_end(site: LiveSite, meet: Meet, scripts: bool) -> None:
    """Ada reports one message; a moderator takes it, looks, and finishes it; no address tells."""
    ada = meet(site, "ada", java_script_enabled=scripts).open_thread(thread_of(site))
    ada.message("zebra").locator("summary").first.click()
    ada.message("zebra").get_by_role("link", name="Report").click()
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("Report ben")
    expect(ada.page.get_by_role("checkbox", checked=True)).to_have_count(1)
    ada.page.get_by_label("A threat").check()
    ada.page.get_by_role("button", name="Send the report").click()
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("Your report was sent")
    mod = meet(site, "mod", java_script_enabled=scripts).open("/moderation")
    mod.page.get_by_role("link", name="A threat: ben").click()
    when = mod.page.locator(".dm-facts time").first
    expect(when).to_have_text(re.compile(r"\d{1,2} \w{3,4}, \d\d:\d\d"))
    mod.page.get_by_role("button", name="Take").click()
    mod.page.get_by_role("button", name="Look at what was chosen").click()
    expect(mod.page.locator(".dm-quoted")).to_have_text(HOSTILE)
    expect(mod.page).to_have_title("Evidence")
    assert not any("zebra" in url for url in mod.requested)
    mod.page.get_by_role("link", name="Back to the report").last.click()
    mod.page.get_by_label("Warned").check()
    mod.page.get_by_role("button", name="Resolve").click()
    expect(mod.page.locator(".dm-head .dm-flag")).to_have_text("Resolved")
    journal = site.dm.operations("olga").audit("mod").items
    assert [entry.fact.action for entry in journal] == [
        "report_taken",
        "evidence_viewed",
        "report_resolved",
    ]


@pytest.mark.promise("OPS-1")
def test_the_switch_is_turned_with_the_keyboard_alone(site: LiveSite, meet: Meet) -> None:
    olga = meet(site, "olga").open("/operations")
    shown = olga.page.locator("[data-dm-mode]")
    expect(shown).to_have_text("on")
    olga.page.get_by_role("button", name="Turn to: Read only").focus()
    olga.page.keyboard.press("Enter")
    expect(shown).to_have_text("read_only")
    expect(olga.page.get_by_role("status")).to_contain_text("Messaging is now: Read only")
    assert site.dm.operations("olga").mode() == "read_only"


@pytest.mark.promise("GDPR-1")
def test_a_copy_of_everything_is_a_file(site: LiveSite, meet: Meet) -> None:
    ada = meet(site, "ada").open("/privacy")
    with ada.page.expect_download() as downloading:
        ada.page.get_by_role("link", name="Download my messages").click()
    download = downloading.value
    assert download.suggested_filename == "messages.jsonl"
    lines = download.path().read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if '"kind":"message"' in line.replace(" ", "")]) == 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_none_of_these_pages_has_a_fault(
    site: LiveSite, meet: Meet, axe: str, theme: Theme
) -> None:
    thread = thread_of(site)
    message = site.dm.mailbox("ada").thread(thread).items[0].id
    report = site.dm.mailbox("ada").report(
        conversation=thread, messages=[message], reason="harassment"
    )
    site.dm.mailbox("cyd").report("ben", reason="spam")
    site.dm.moderation("mod").take(report.id)
    options = {"color_scheme": theme, "bypass_csp": True}
    ada = meet(site, "ada", viewport=PHONE, **options)
    mod = meet(site, "mod", viewport=DESKTOP, **options)
    olga = meet(site, "olga", viewport=PHONE, **options)

    def sound(person: Person) -> None:
        assert faults(person, axe) == []
        width = person.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0

    for path in (f"/t/{thread}/report", f"/t/{thread}/report?sent=1", "/privacy"):
        sound(ada.open(path))
    site.dm.moderation("root").restrict("ben", "mute", reason="spam")
    about = f"/moderation/reports/{report.id}"
    for path in ("/moderation?state=", f"{about}/user", about):
        sound(mod.open(path))
    mod.page.get_by_role("button", name="Look at what was chosen").click()
    expect(mod.page.locator(".dm-quoted")).to_have_count(1)
    sound(mod)
    sound(olga.open("/operations"))
    olga.page.get_by_label("Id of the user").first.fill("ada")
    olga.page.get_by_role("button", name="Show").click()
    expect(olga.page.get_by_role("list", name="Journal")).to_be_visible()
    sound(olga)
    olga.open("/operations").page.get_by_label("Id of the user").last.fill("ada")
    olga.page.get_by_role("button", name="Look first").click()
    expect(olga.page.get_by_role("button", name="Erase for good")).to_be_visible()
    sound(olga)
