"""Somebody at a browser of their own, and everything in it that should not happen."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from tests.browser.site import COOKIE, MOUNT, LiveSite

PATIENCE_MS = 10_000
expect.set_options(timeout=PATIENCE_MS)

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

# Runs before everything else in each page, outside of the page's own policy.
_WATCH = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""

_FROM_END = """
(list) => {
  const box = list.closest(".dm-scroll");
  return box.scrollHeight - box.scrollTop - box.clientHeight;
}
"""


class Visitor:
    """One browser context and one window of it, at some site; what goes wrong in it is kept."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.may_fail = False  # whether a browser may tell that something could not be loaded
        self.troubles: list[str] = []
        self.requested: list[str] = []
        self.context: BrowserContext = browser.new_context(
            **{"viewport": DESKTOP, "reduced_motion": "reduce", **options}
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(_WATCH)
        self.page: Page = self.window()

    def window(self) -> Page:
        """One more window of the same person."""
        page = self.context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.troubles.append(f"dialog: {dialog.type}"))
        page.on("request", lambda request: self.requested.append(request.url))
        return page

    def _said(self, message: ConsoleMessage) -> None:
        is_failure = message.text.startswith("Failed to load resource") or "ERR_" in message.text
        if not (is_failure and self.may_fail):
            self.troubles.append(f"{message.type}: {message.text}")

    def check(self) -> None:
        """See that nothing went wrong, and that nothing was asked of another site."""
        assert self.troubles == [], self.troubles
        hosts = {urlsplit(url).netloc for url in self.requested}
        assert hosts <= {urlsplit(self.address).netloc}


class Person(Visitor):
    """One person, one browser context, one window of the site's messages."""

    def __init__(self, browser: Browser, site: LiveSite, name: str, **options: Any) -> None:
        super().__init__(browser, site.address, **options)
        self.name = name
        self.site = site
        self.sign_in()

    def sign_in(self) -> None:
        """Be known to the site, as somebody is after signing in again."""
        self.context.add_cookies([{"name": COOKIE, "value": self.name, "url": self.site.address}])

    def open(self, path: str = "/") -> "Person":
        """Go to a page below the mount."""
        self.page.goto(f"{self.site.address}{MOUNT}{path}")
        return self

    def open_thread(self, conversation: UUID | str) -> "Person":
        """Go to a conversation."""
        return self.open(f"/t/{conversation}")

    def open_live(self, conversation: UUID | str | None = None) -> "Person":
        """Go to a conversation, or to the list, and wait until the stream is there."""
        with self.page.expect_response("**/api/stream?*"):
            return self.open() if conversation is None else self.open_thread(conversation)

    @property
    def messages(self) -> Locator:
        """The messages that are shown, without those that are not sent yet."""
        return self.page.locator("[data-dm-message]")

    @property
    def texts(self) -> Locator:
        """The texts of the messages that are shown."""
        return self.page.locator("[data-dm-message] .dm-body")

    @property
    def bubbles(self) -> Locator:
        """What is written and not sent yet."""
        return self.page.locator("ol[aria-label='Being sent'] > li")

    @property
    def badge(self) -> Locator:
        """How much is not read."""
        return self.page.locator("[data-dm-badge]").first

    @property
    def entries(self) -> Locator:
        """The conversations in the list."""
        return self.page.locator("[data-dm-entry]")

    @property
    def composer(self) -> Locator:
        """Where one writes."""
        return self.page.locator("form[data-dm-composer] textarea[name=body]")

    @property
    def status(self) -> Locator:
        """Where the page says in words what is the matter."""
        return self.page.locator("[data-dm-status]")

    def write(self, text: str) -> None:
        """Write a message and send it."""
        self.composer.fill(text)
        self.composer.press("Enter")

    def message(self, text: str) -> Locator:
        """The message with this text."""
        return self.messages.filter(has_text=text)

    def from_end(self) -> float:
        """How many pixels of the conversation lie below what is in view."""
        return float(self.page.locator("[data-dm-messages]").evaluate(_FROM_END))
