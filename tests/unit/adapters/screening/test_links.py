"""Links and contact details: what is one, what only looks like one, what an operator allows."""

from typing import Any

import pytest
from hypothesis import given
from tests.unit.adapters.screening.submissions import forms, submitted, texts

from dmcore.adapters.screening import LinksAndContacts
from dmcore.domain.screening import Flag, Pass, Refuse
from dmcore.errors import InvalidSetting

LINKS = [
    "https://x.y",
    "HTTP://EXAMPLE.COM",
    "http://localhost:1",
    "http://1.2.3.4/x",
    "hxxp://a.b",
    "tg://x",
    "see example.com.",
    "(example.com)",
    "example.com/x?y",
    "example.com?x",
    "example.com:80",
    "see:example.com",
    "and/example.com",
    "www.foo.bar1",
    "m.example.co.uk",
    "t.me/foo",
    "@t.me/foo",
    "!@example.com",
    "main.py/x",
    "docs.main.py",
    "ask.it",
    "ASK.IT",
    "wait...example.com",
    "a=example.com",
    "example[.]com",
    "example . com",
    "example (dot) com",
    "example dot com, really",
    "example DOT com",
    "example\u3002com",
    "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d",
    "exam\u00adple.c\u200bom",
    "\u8bf7\u770bexample.com\u8c22\u8c22",
    "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
    "\ud55c\uad6d.\ud55c\uad6d",
    "x.xn--p1ai",
    "https://example.com\\@x",
]

EMAILS = [
    "a@b.co",
    "<a.b+c@d.example>",
    "mailto:a@b.co",
    "A@B.CO.",
    "a@b.c@d.com",
    "name at example dot com",
    "name [at] example [dot] com",
    "\u0438\u043c\u044f \u0441\u043e\u0431\u0430\u043a\u0430 x \u0442\u043e\u0447\u043a\u0430 ru",
    "\uff41\uff20\uff42\uff0e\uff43\uff4f",
]

PHONES = [
    "+44 20 7946 0958",
    "+4915112345678",
    "+1-555-01234",
    "(020) 7946 0958",
    "555-123-4567",
    "5551234567",
    "612 345 678",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "0 6 1 2 3 4 5 6 7 8",
    "0044 20 7946 0958",
    "on 21.11.2026 0612345678",
    "1 + 44 20 7946 0958",
    "12 +442079460958",
    "+442079460958 +1",
    "+442079460958\u2003\u2003\u2003\u2003\u20031",
    "\u0660\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
    "\uff10\uff16\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
]

NEITHER = [
    "hello",
    "main.py",
    "README.md",
    "main.py:12",
    "src/main.py",
    "e.g. this, i.e. that",
    "Fine.It is",
    "and/or",
    "node.js",
    "end.",
    "1.2.3.4",
    "3:30 p.m. ok",
    "...",
    "a ... b",
    "wait...what",
    "-.-",
    "://",
    "http://",
    "!!://x",
    "@name hi",
    "@ name",
    "a @ b",
    "a@b",
    "connect the dot in here",
    "the dot",
    "dot com",
    "a . b",
    "x.y",
    "a\u20ac.b\u20ac",
    "192.168.100.200",
    "2026-11-21 14:30",
    "2026-11-21 14-30-00",
    "21.11.2026 12:30",
    "12 000 000 000",
    "100 000 000",
    "1 2 3 4 5 6 7 8 9 10",
    "10 20 30 40 50",
    "978-3-16-148410-0",
    "1234 5678 9012 3456",
    "123456789012345",
    "1+1+1+1+1+1+1+1+1+1",
    "555-1234",
    "+1234567",
    "12345     67890",
]

FLAGS = LinksAndContacts()


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", LINKS, ids=ascii)
def test_a_link_is_found(text: str) -> None:
    assert FLAGS.screen(submitted(text)) == Flag("link")
    only = LinksAndContacts(links="refuse", emails=None, phones=None)
    assert only.screen(submitted(f"so: {text} ok")) == Refuse("link")


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", EMAILS, ids=ascii)
def test_a_mail_address_is_found(text: str) -> None:
    only = LinksAndContacts(links=None, phones=None)
    assert only.screen(submitted(text)) == Flag("email")
    assert only.screen(submitted(f"so: {text} ok")) == Flag("email")


@pytest.mark.promise("MOD-5")
def test_a_mail_address_with_a_sign_that_stands_alone_is_found() -> None:
    only = LinksAndContacts(links=None, phones=None)
    assert only.screen(submitted("name @ example.com")) == Flag("email")


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", PHONES, ids=ascii)
def test_a_telephone_number_is_found(text: str) -> None:
    assert FLAGS.screen(submitted(text)) == Flag("phone")
    assert FLAGS.screen(submitted(f"call {text}, please")) == Flag("phone")


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", NEITHER, ids=ascii)
def test_what_only_looks_like_one_passes(text: str) -> None:
    assert FLAGS.screen(submitted(text)) == Pass()


@pytest.mark.promise("MOD-5")
def test_each_kind_has_an_action_of_its_own_and_a_refusal_comes_first() -> None:
    everything = submitted("https://x.y a@b.co +44 20 7946 0958")
    assert FLAGS.screen(everything) == Flag("link")
    assert LinksAndContacts(emails="refuse").screen(everything) == Refuse("email")
    assert LinksAndContacts(links=None, emails=None).screen(everything) == Flag("phone")
    off = LinksAndContacts(links=None, emails=None, phones=None)
    assert off.screen(everything) == Pass()
    assert set(FLAGS.reasons) == {"link", "email", "phone"}


# Allowed domains --------------------------------------------------------------------------------

ALLOWS = LinksAndContacts(allowed_domains=["example.org", "Help.Example.COM"])


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "EXAMPLE.ORG.",
        "www.example.org",
        "https://example.org",
        "https://deep.down.example.org:80/x?y=evil.com#z",
        "example.org/evil.com",
        "http://help.example.com",
        "a@example.org",
        "a @ example.org",
        "example dot org",
        "https://example.org\\evil.com",
        "https://example.org?evil.com",
        "=example.org",
        "caf\u00e9: https://example.org",
        "\u201cexample.org\u201d",
        "\ud55c\uad6d, https://example.org",
    ],
)
def test_an_allowed_domain_and_what_is_below_it_passes(text: str) -> None:
    assert ALLOWS.screen(submitted(text)) == Pass()
    assert FLAGS.screen(submitted(text)) != Pass()


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize(
    "text",
    [
        "example.com",
        "notexample.org",
        "example.org.evil.com",
        "https://example.org@evil.com",
        "https://example.org:x@evil.com/",
        "https://evil.com\\@example.org",
        "https://evil.com/@example.org",
        "https://evil.com?@example.org",
        "https://evil.com#@example.org",
        "http://ex\u00e1mple.org",
        "exa\u0301mple.org",
        "a@ex\u00e1mple.org",
        "ex\u00e1mple dot org",
        "\u0435xample.org",
        "https://evil.com/example.org",
        "https://evil.com?example.org",
        "evil.com/example.org",
        "https://example.org,https://evil.com",
        "https://example.orghttps://evil.com",
        "example.org:evil.com",
        "example.org evil.com",
        "a@example.org@evil.com",
        "evil.com@example.org.evil.com",
    ],
)
def test_a_domain_that_only_mentions_an_allowed_one_does_not(text: str) -> None:
    assert ALLOWS.screen(submitted(text)) != Pass()


# Values -----------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-5")
@given(text=texts)
def test_the_verdict_is_the_same_for_both_forms_of_composition(text: str) -> None:
    composed, decomposed = forms(text)
    assert FLAGS.screen(submitted(composed)) == FLAGS.screen(submitted(decomposed))


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("name", ["links", "emails", "phones"])
@pytest.mark.parametrize("value", ["", "pass", "FLAG", True, 1, ["flag"]], ids=repr)
def test_an_action_is_one_of_those_there_are(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        LinksAndContacts(**{name: value})
    assert caught.value.details["setting"] == "screening.action"


@pytest.mark.parametrize(
    "value",
    ["example.org", ["localhost"], [""], [7], None, ["https://x.org"], ["caf\u00e9.org"]],
    ids=repr,
)
def test_allowed_domains_are_names_of_domains(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        LinksAndContacts(allowed_domains=value)
    assert caught.value.details["setting"] == "screening.allowed_domains"
