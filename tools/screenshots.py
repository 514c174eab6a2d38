"""Takes the pictures in docs/screenshots from a small invented scene; `make screenshots` runs it.

It uses the site and the browser of the tests. The clock of the scene stands still, so that pictures
change when the pages do and not with the day on which they are taken.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright
from tests.browser.chromium import ARGUMENTS
from tests.browser.people import DESKTOP, PHONE, Person
from tests.browser.sealing import SEALED
from tests.browser.site import LiveSite

from dmcore import Policy, RateLimit
from dmcore.adapters import web
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web import Site, Viewer
from dmcore.domain.instants import to_us
from dmcore.domain.message import Message

FOLDER = Path("docs/screenshots")
LARGEST_BYTES = 150_000

NAMES = {
    "noor": "Noor Haddad",
    "ida": "Ida Lindqvist",
    "tomas": "Tomás Rivera",
    "mei": "Mei Tanaka",
    "layla": "ليلى منصور",
    "choir": "Choir of the Blue Room",
    "oleks": "Oleksandr Koval",
    "vera": "Vera Molina",
    "olaf": "Olaf Brandt",
}

# Minutes before now, who, to whom, what.
STORY: tuple[tuple[int, str, str, str], ...] = (
    (4_400, "oleks", "noor", "The parcel is with the neighbours on the second floor."),
    (4_390, "noor", "oleks", "Thank you! I will fetch it tonight."),
    (2_900, "choir", "noor", "We meet in the blue room at seven. Bring the green folder."),
    (1_700, "layla", "noor", "شكراً على الخبز، كان لذيذاً جداً!"),
    (1_690, "noor", "layla", "بالهناء والشفاء"),
    (1_500, "noor", "ida", "Good morning! Is the long ladder free on Friday?"),
    (1_480, "ida", "noor", "It is. What are you up to?"),
    (1_478, "noor", "ida", "The gutter, before the rain comes. Two hours, no more."),
    (1_470, "ida", "noor", "Then take the gloves as well, they hang next to it."),
    (95, "mei", "noor", "Could you water the tomatoes while I am away?"),
    (
        60,
        "ida",
        "noor",
        "Small change: my brother needs it until noon. Does the afternoon suit you?",
    ),
    (52, "noor", "ida", "Afternoon is fine. I come at three."),
    (40, "tomas", "noor", "I can bring two chairs and a lamp on Sunday."),
    (38, "tomas", "noor", "Or three chairs, if they fit into the car."),
    (9, "ida", "noor", "Perfect. The key is under the flower pot, the blue one."),
)
NOW = datetime(2026, 6, 12, 10, 30, tzinfo=UTC)


def _people(_viewer: Viewer, ids: Sequence[str]) -> Mapping[str, web.Person]:
    return {user: web.Person(name=NAMES[user], url=f"/people/{user}") for user in ids}


def _scene(folder: Path, clock: ManualClock) -> tuple[LiveSite, str]:
    """A site where all of this was written, and the conversation in the middle of it."""
    policy = Policy(
        messages=RateLimit(count=8, window=timedelta(seconds=60)),
        starts=None,
        evidence="reporter_selected",
    )
    roles = Site(
        people=_people,
        is_moderator=lambda viewer: viewer.user == "vera",
        is_operator=lambda viewer: viewer.user == "olaf",
    )
    site = LiveSite(folder, policy=policy, site=roles, clock=clock)
    shown = ""
    for minutes, writer, reader, text in STORY:
        clock.set_us(to_us(NOW - timedelta(minutes=minutes)))
        sent = site.dm.mailbox(writer).start(reader, text)
        if writer == "noor":
            _read(site, writer, sent)
            clock.advance(seconds=50)
            _read(site, reader, sent)
        if "ida" in {writer, reader}:
            shown = str(sent.conversation)
    clock.set_us(to_us(NOW))
    return site, shown


def _read(site: LiveSite, reader: str, message: Message) -> None:
    mailbox = site.dm.mailbox(reader)
    mailbox.mark_read(message.conversation, through=message.id)


def _seen_by(browser: Browser, site: LiveSite, name: str, **options: Any) -> Person:
    """Somebody whose clock shows what the clock of the scene does."""
    person = Person(browser, site, name, timezone_id="UTC", **options)
    person.page.clock.set_fixed_time(NOW)
    return person


def _pictures(browser: Browser, site: LiveSite, conversation: str) -> None:
    ida = _seen_by(browser, site, "ida", viewport=DESKTOP)
    ida.open_live(conversation)
    for theme in ("light", "dark"):
        noor = _seen_by(browser, site, "noor", viewport=DESKTOP, color_scheme=theme)
        noor.open_live(conversation)
        expect(noor.page.locator("[data-dm-presence]")).to_be_visible()
        expect(noor.entries.first.locator(".dm-count")).to_have_count(0)
        expect(noor.badge).to_contain_text("4")
        _take(noor, f"inbox-{theme}")
        noor.context.close()
    noor = _seen_by(browser, site, "noor", viewport=PHONE, device_scale_factor=1.5)
    noor.open_live()
    _take(noor, "phone-list")
    noor.open_live(conversation)
    with ida.page.expect_response("**/typing"):
        ida.composer.press_sequentially("See you")
    expect(noor.page.locator("[data-dm-typing]")).to_be_visible()
    noor.composer.fill("I will find it")
    _take(noor, "phone-thread")
    noor.context.close()
    noor = _seen_by(browser, site, "noor", viewport=DESKTOP, java_script_enabled=False)
    noor.open_thread(conversation)
    noor.messages.nth(5).locator("summary").first.click()
    _take(noor, "no-javascript")
    noor.context.close()
    noor = _seen_by(browser, site, "noor", viewport=DESKTOP)
    noor.open_live(conversation)
    for text in ("Found it!", "And the gloves", "And a cat", "It is grey", "It is yours?"):
        noor.write(text)
    for text in ("It sleeps in the folder", "In the shade", "I let it sleep", "It says hello"):
        noor.write(text)
    expect(noor.status).to_contain_text("Try again in")
    expect(noor.page.locator("[data-dm-typing]")).to_be_hidden()
    _take(noor, "limit")
    noor.context.close()
    ida.context.close()


def _desks(browser: Browser, site: LiveSite, clock: ManualClock) -> None:
    """How somebody reports, and what a moderator sees."""
    clock.advance(seconds=300)
    spam = site.dm.mailbox("mei").start("noor", "CHEAP PHONES! Tell all your friends, today only!")
    site.dm.mailbox("mei").start("noor", "Last chance: call now, before they are gone.")
    noor = Person(browser, site, "noor", viewport=PHONE, device_scale_factor=1.5)
    noor.open(f"/t/{spam.conversation}/report?message={spam.id}")
    noor.page.get_by_label("Spam or advertising").check()
    _take(noor, "report-phone")
    noor.page.get_by_role("button", name="Send the report").click()
    noor.open("/privacy")
    _take(noor, "privacy-phone")
    noor.context.close()
    for reporter, reported, reason in (
        ("ida", "oleks", "harassment"),
        ("tomas", "mei", "spam"),
        ("layla", "oleks", "other"),
    ):
        clock.advance(seconds=300)
        site.dm.mailbox(reporter).report(reported, reason=reason)
    desk = site.dm.moderation("vera")
    theirs = next(it.id for it in desk.reports().items if it.reported == "oleks")
    desk.take(theirs)
    for theme in ("light", "dark"):
        vera = Person(browser, site, "vera", viewport=DESKTOP, color_scheme=theme)
        vera.open("/moderation?state=")
        _take(vera, f"reports-{theme}")
        vera.context.close()
    vera = Person(browser, site, "vera", viewport=DESKTOP)
    vera.open("/moderation")
    vera.page.get_by_role("link", name="Spam or advertising").filter(has_text="1 message").click()
    vera.page.get_by_role("button", name="Take").click()
    expect(vera.page.get_by_role("button", name="Dismiss")).to_be_visible()
    _take(vera, "report-taken")
    vera.page.get_by_role("button", name="Look at what was chosen").click()
    expect(vera.page.locator(".dm-quoted")).to_be_visible()
    _take(vera, "evidence")
    desk.restrict("mei", "mute", reason="spam", for_=timedelta(days=7))
    vera.page.get_by_role("link", name="Back to the report").last.click()
    vera.page.get_by_role("link", name="Mei Tanaka").click()
    expect(vera.page.get_by_role("button", name="Restrict")).to_be_visible()
    _take(vera, "restrictions")
    vera.context.close()


def _operating(browser: Browser, site: LiveSite) -> None:
    """What an operator sees."""
    olaf = Person(browser, site, "olaf", viewport=DESKTOP, color_scheme="dark")
    olaf.open("/operations")
    olaf.page.get_by_role("button", name="Turn to: Replies only").click()
    expect(olaf.page.get_by_role("status")).to_contain_text("Replies only")
    _take(olaf, "operations-dark")
    olaf.context.close()
    olaf = Person(browser, site, "olaf", viewport=PHONE, device_scale_factor=1.5)
    olaf.open("/operations")
    _take(olaf, "operations-phone")
    olaf.page.get_by_label("Id of the user").first.fill("noor")
    olaf.page.get_by_role("button", name="Show").click()
    expect(olaf.page.get_by_role("list", name="Journal")).to_be_visible()
    _take(olaf, "journal-phone")
    olaf.open("/operations").page.get_by_label("Id of the user").last.fill("mei")
    olaf.page.get_by_role("button", name="Look first").click()
    expect(olaf.page.get_by_role("button", name="Erase for good")).to_be_visible()
    _take(olaf, "erasure-phone")
    olaf.context.close()


def _sealed(browser: Browser, folder: Path) -> None:
    """Two who seal what they write, and the number that they compare."""
    folder.mkdir()
    clock = ManualClock(to_us(NOW))
    site = LiveSite(folder, policy=SEALED, site=Site(people=_people), clock=clock)
    thread = str(site.dm.mailbox("ida").start("noor", "Shall we seal this?").conversation)
    noor = _seen_by(browser, site, "noor", viewport=DESKTOP)
    ida = _seen_by(browser, site, "ida", viewport=DESKTOP)
    for person, words in ((noor, "has no device yet"), (ida, "Only you and Noor Haddad")):
        person.open_live(thread)
        person.page.get_by_role("button", name="Seal this conversation").click()
        expect(person.page.locator("[data-dm-seals-words]")).to_contain_text(words)
    for writer, reader, text in (
        (ida, noor, "The key is under the flower pot."),
        (noor, ida, "The blue one, as always?"),
        (ida, noor, "The blue one."),
    ):
        clock.advance(seconds=20)
        writer.write(text)
        expect(reader.message(text)).to_have_count(1)
    noor.page.get_by_text("Be certain that it is Ida").click()
    expect(noor.page.locator("[data-dm-digits]")).not_to_be_empty()
    _take(noor, "sealed")
    for person in (noor, ida):
        person.context.close()
    site.close()


def _take(person: Person, name: str) -> None:
    target = FOLDER / f"{name}.png"
    person.page.screenshot(path=target, animations="disabled", caret="hide")
    size = target.stat().st_size
    print(f"{target}: {size // 1000} kB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"{target} is larger than {LARGEST_BYTES} bytes")


def main() -> int:
    """Take all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("DMCORE_TEST_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        clock = ManualClock()
        site, conversation = _scene(Path(folder), clock)
        try:
            _pictures(browser, site, conversation)
            _desks(browser, site, clock)
            _operating(browser, site)
            _sealed(browser, Path(folder, "sealed"))
        finally:
            browser.close()
            site.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
