"""The first words to somebody: without links, and short, if an operator wants that."""

from typing import Any

import pytest
from hypothesis import given
from tests.unit.adapters.screening.submissions import forms, submitted, texts

from dmcore.adapters.screening import FirstContact
from dmcore.domain.screening import Flag, Pass, Refuse
from dmcore.errors import InvalidSetting

FIRST = FirstContact(longest=30)


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", ["https://x.y", "a@b.co", "+44 20 7946 0958", "example.com"])
def test_first_words_have_no_link_and_no_contact_details(text: str) -> None:
    assert FIRST.screen(submitted(text)) == Refuse("first_contact_link")
    assert FIRST.screen(submitted(text, is_first_contact=False)) == Pass()


@pytest.mark.promise("MOD-5")
def test_first_words_are_short() -> None:
    assert FIRST.screen(submitted("x" * 30)) == Pass()
    assert FIRST.screen(submitted("x" * 31)) == Refuse("first_contact_long")
    assert FIRST.screen(submitted("x" * 31, is_first_contact=False)) == Pass()
    assert FirstContact().screen(submitted("x" * 4_000)) == Pass()


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", ["e\u0301", "\u1112\u1161\u11ab", "\u0915\u0941", "\ud55c"])
def test_marks_and_parts_of_a_syllable_make_no_text_longer(text: str) -> None:
    assert FIRST.screen(submitted(text * 30)) == Pass()
    assert FIRST.screen(submitted(text * 31)) == Refuse("first_contact_long")


@pytest.mark.promise("MOD-5")
def test_an_operator_says_what_becomes_of_it_and_what_is_allowed() -> None:
    lenient = FirstContact(action="flag", allowed_domains=("example.org",))
    assert lenient.screen(submitted("https://example.org/x")) == Pass()
    assert lenient.screen(submitted("https://example.com/x")) == Flag("first_contact_link")
    assert FirstContact(no_links=False).screen(submitted("https://x.y")) == Pass()
    assert set(lenient.reasons) == {"first_contact_link", "first_contact_long"}


@pytest.mark.promise("MOD-5")
@given(text=texts)
def test_the_verdict_is_the_same_for_both_forms_of_composition(text: str) -> None:
    composed, decomposed = forms(text)
    strict = FirstContact(longest=10)
    assert strict.screen(submitted(composed)) == strict.screen(submitted(decomposed))


@pytest.mark.parametrize(
    ("name", "value"),
    [("longest", 0), ("longest", "9"), ("action", None), ("allowed_domains", "example.org")],
)
def test_settings_are_checked(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting):
        FirstContact(**{name: value})
