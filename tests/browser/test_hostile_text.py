"""Text that wants to be more than text stays text, in every browser that shows it."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Meet
from tests.browser.people import PHONE, Person
from tests.browser.site import LiveSite

HOSTILE = {
    "script": "<script>alert(1)</script><script src=//example.org/x.js></script>",
    "handlers": "\"><img src=x onerror=alert(1)><svg/onload=alert(1)>' onfocus=alert(1) autofocus=",
    "closing": "</p></li></ol></textarea></template></title></style></script><h1>big</h1><!--",
    "entities": "&lt;b&gt; &amp;amp; &#60;i&#62; &nbsp; &notit; &#x202e;",
    "templates": "{{ 7 * 7 }} {% raw %} ${7*7} <%= 7 %> #{7}",
    "address": "javascript:alert(1) https://example.org/?a=1&b=2 data:text/html,<b>x</b>",
    "bidi": "\u202eevil\u202c \u2066left\u2069 \u2067right\u2069 \u200fmark \u202d\u202e\u202d",
    "unclosed bidi": "price 100\u202e001\u2067\u2067\u2067",
    "right to left": "مرحبا بالعالم, שלום עולם, 123 abc",
    "marks": "Z" + "\u0300\u0301\u0302\u0323\u0334" * 799,
    "long word": "W" * 4000,
    "joined": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 40 + "\u200d" * 200,
    "lines": "one\n\n\n  two\t\tthree   \n",
    "odd": "\ufffe\uffff\u0001\u0085\u2028\u2029\x7f\x0b\x0c.",
}

_INSIDE = "(them) => them.map((it) => it.childElementCount)"
_OVERFLOW = """
() => document.documentElement.scrollWidth - document.documentElement.clientWidth
"""
_OUTSIDE = """
(them) => them.filter((it) => {
  const box = it.getBoundingClientRect();
  const isOut = box.left < 0 || box.right > window.innerWidth + 0.5;
  return isOut || it.scrollWidth > it.clientWidth + 1;
}).length
"""


def is_inert(person: Person, texts: list[str]) -> None:
    """These texts are there to the letter, and nothing was made of them."""
    expect(person.texts).to_have_count(len(texts))
    assert person.texts.evaluate_all("(them) => them.map((it) => it.textContent)") == texts
    assert set(person.texts.evaluate_all(_INSIDE)) == {0}
    assert person.page.locator("h1:has-text('big'), img[src=x], svg[onload], b, i").count() == 0
    assert person.page.evaluate(_OVERFLOW) <= 0
    assert person.texts.evaluate_all(_OUTSIDE) == 0
    assert person.page.title() in {"Messages", "Conversation"}


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE], ids=["desk", "phone"])
def test_hostile_texts_are_rendered_as_texts(
    site: LiveSite, meet: Meet, viewport: dict[str, int]
) -> None:
    """In the thread as the server rendered it, and in the preview of the list."""
    ada = site.dm.mailbox("ada")
    texts = list(HOSTILE.values())
    conversation = ada.start("ben", texts[0]).conversation
    for text in texts[1:]:
        ada.send(conversation, text)
    ben = meet(site, "ben", viewport=viewport)
    ben.open_thread(conversation)
    is_inert(ben, texts)
    for count, text in enumerate(texts):
        site.dm.mailbox(f"writer {count}").start("ben", text)
    ben.open()
    expect(ben.entries).to_have_count(len(texts) + 1)
    assert ben.page.evaluate(_OVERFLOW) <= 0
    assert ben.entries.locator("img[src=x], script, h1, b, svg[onload]").count() == 0


def test_hostile_texts_that_arrive_live_are_texts(site: LiveSite, meet: Meet) -> None:
    """In the bubble that waits, in the message that it becomes, and in the other window."""
    first = site.dm.mailbox("ada").start("ben", "Hello Ben")
    ada = meet(site, "ada").open_live(first.conversation)
    ben = meet(site, "ben").open_live(first.conversation)
    texts = ["Hello Ben"]
    site.fails = lambda method, path: method == "POST" and path.endswith("/messages")
    ada.may_fail = True
    sent = [text for name, text in HOSTILE.items() if name not in {"odd", "lines"}]
    for text in sent:
        ada.composer.fill(text)
        ada.composer.press("Enter")
    expect(ada.bubbles).to_have_count(len(sent))
    bubbles = ada.bubbles.locator("[data-dm-text]")
    assert bubbles.evaluate_all("(them) => them.map((it) => it.textContent)") == sent
    assert set(bubbles.evaluate_all(_INSIDE)) == {0}
    site.fails = lambda _method, _path: False
    texts += sent
    is_inert(ada, texts)
    is_inert(ben, texts)
    stored = site.dm.mailbox("ben").thread(first.conversation).items
    assert [it.body.text for it in stored if it.body] == texts


def test_a_hostile_name_is_a_name(site: LiveSite, meet: Meet) -> None:
    name = "<img src=x onerror=alert(1)>\u202e\"'&amp;"
    first = site.dm.mailbox(name).start("ben", "Hello Ben")
    ben = meet(site, "ben").open_live(first.conversation)
    expect(ben.page.locator("[data-dm-thread]")).to_contain_text(name)
    expect(ben.entries).to_contain_text(name)
    assert ben.page.locator("img[src=x]").count() == 0
    assert "onerror" not in ben.page.title()
