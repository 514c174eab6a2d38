"""Everything can be done without a pointer, and one always sees where one is."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Meet
from tests.browser.people import DESKTOP, PHONE, Person
from tests.browser.site import LiveSite

# Everything that one can act with and that is shown.
_REACHABLE = """
() => [...document.querySelectorAll(
    "a[href], button, summary, textarea, select, input:not([type=hidden]), [tabindex='0']")]
  .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.disabled)
  .filter((it) => it.type !== "radio" || it.checked || !document.querySelector(
    `input[type=radio][name="${it.name}"]:checked`))
  .map((it, place) => { it.dataset.testPlace = place; return place; })
"""
_HERE = """
() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const style = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  const label = it.closest("label") ?? document.querySelector(`label[for="${it.id}"]`) ?? it;
  const shown = [it, label].some((one) => {
    const look = getComputedStyle(one);
    return look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 1 ||
      look.boxShadow !== "none";
  });
  return { place: Number(it.dataset.testPlace), isSeen: shown, isInView: box.bottom > 0 &&
    box.top < window.innerHeight };
}
"""


def walk(person: Person) -> list[int]:
    """Press Tab until it leads out of the page; returns where it led, in that order."""
    reachable: list[int] = person.page.evaluate(_REACHABLE)
    reached: list[int] = []
    for _ in range(len(reachable) + 1):
        person.page.keyboard.press("Tab")
        here = person.page.evaluate(_HERE)
        if here is None:
            break
        assert here["isSeen"], "the focus cannot be seen"
        assert here["isInView"], "the focus is out of sight"
        reached.append(here["place"])
    assert sorted(reached) == sorted(reachable)
    return reached


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("page", ["/", "/t", "/requests", "/archived", "/blocked", "/settings"])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(
    site: LiveSite, meet: Meet, page: str, viewport: dict[str, int]
) -> None:
    first = site.dm.mailbox("ada").start("ben", "Is the ladder free on Friday?")
    site.dm.mailbox("ben").send(first.conversation, "Yes, come over.")
    # With nothing left to mark as read, nothing is rendered anew meanwhile.
    site.dm.mailbox("ben").mark_read(first.conversation, through=first.id)
    site.dm.mailbox("cleo").start("ben", "The choir meets at six.")
    site.dm.mailbox("ben").block("dora")
    ben = meet(site, "ben", viewport=viewport)
    ben.open(f"/t/{first.conversation}" if page == "/t" else page)
    reached = walk(ben)
    assert reached == sorted(reached)


def test_a_conversation_is_found_read_and_answered_with_the_keyboard(
    site: LiveSite, meet: Meet
) -> None:
    site.dm.mailbox("ada").start("ben", "Is the ladder free on Friday?")
    ben = meet(site, "ben").open_live()
    link = ben.entries.get_by_role("link")
    for _ in range(30):
        ben.page.keyboard.press("Tab")
        if link.evaluate("(it) => it === document.activeElement"):
            break
    ben.page.keyboard.press("Enter")
    ben.page.wait_for_url("**/t/*")
    expect(ben.texts).to_have_count(1)
    for _ in range(60):
        ben.page.keyboard.press("Tab")
        if ben.composer.evaluate("(it) => it === document.activeElement"):
            break
    ben.page.keyboard.type("Yes, come over.")
    ben.page.keyboard.press("Enter")
    expect(ben.texts).to_have_text(["Is the ladder free on Friday?", "Yes, come over."])
    expect(ben.composer).to_be_focused()
