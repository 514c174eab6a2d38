"""No text makes a screener slow, raise, or say anything of the text."""

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.adapters.screening.submissions import (
    ANN,
    EXPENSIVE,
    characters,
    of_length,
    submitted,
    texts,
)

from dmcore.adapters import screening
from dmcore.adapters.screening import Burst, FirstContact, LinksAndContacts, Repetition, WordList
from dmcore.domain.body import BodyRules, parse_body
from dmcore.domain.screening import Flag, Pass, Refuse, Screening
from dmcore.errors import InvalidBody
from dmcore.ports.screening import Screener, checked_screeners, screened

SCREENERS: dict[str, Callable[[], Screener]] = {
    "words": lambda: WordList(
        ["ass", "fuck", "kill kill kill kill kill kill kill me", "a a a a a a a b", "сук"]
    ),
    "links": lambda: LinksAndContacts(allowed_domains=frozenset({"a.very.deep.example.org"})),
    "repetition": Repetition,
    "burst": Burst,
    "first contact": lambda: FirstContact(longest=4_000),
}
KINDS = pytest.mark.parametrize("kind", EXPENSIVE)
EACH = pytest.mark.parametrize("name", SCREENERS)


def steps_of(screener: Screener, text: str) -> int:
    """How many calls it makes, those of the interpreter's own functions among them."""
    submission = submitted(text)
    screener.screen(submission)  # what single characters fold to is known from here on
    steps = 0

    def count(_frame: FrameType, event: str, _called: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        screener.screen(submission)
    finally:
        sys.setprofile(before)
    return steps


@pytest.mark.promise("MOD-5")
@EACH
@KINDS
def test_the_work_grows_with_the_text_and_no_faster(name: str, kind: str) -> None:
    """Counted, not timed: four times the text is four times the calls, and not sixteen times."""
    few, many = (steps_of(SCREENERS[name](), of_length(kind, size)) for size in (1_000, 4_000))
    assert many <= 5 * few + 200
    assert many <= 80 * 4_000


@pytest.mark.promise("MOD-5")
def test_how_many_phrases_begin_alike_costs_nothing() -> None:
    """An operator's list is as long as it is; whoever knows a word of it repeats it."""
    text = "kill " * 800
    few, many = (
        steps_of(WordList([f"kill number{it}" for it in range(size)]), text) for size in (10, 1_000)
    )
    assert many <= few + 200


@pytest.mark.promise("MOD-5")
def test_no_shipped_screener_searches_with_patterns() -> None:
    """What has no pattern has none that goes back and tries again."""
    sources = list(Path(screening.__file__).parent.glob("*.py"))
    assert len(sources) > 5
    for source in sources:
        assert not re.search(r"^\s*(import|from) re\b", source.read_text("utf-8"), re.MULTILINE)


@pytest.mark.promise("MOD-5")
@KINDS
@pytest.mark.parametrize("size", [1, 2, 3, 999])
def test_an_expensive_text_has_a_verdict(kind: str, size: int) -> None:
    chain = checked_screeners([make() for make in SCREENERS.values()])
    said = screened(chain, submitted(of_length(kind, size)), when_broken="refuse")
    assert said.failures == ()


@pytest.mark.promise("LEAK-1", "MOD-5")
@EACH
@given(text=st.one_of(texts, st.text(characters, min_size=1)))
def test_every_valid_body_has_a_verdict_with_a_declared_reason(name: str, text: str) -> None:
    try:
        parse_body(text, BodyRules())
    except InvalidBody:
        return
    screener = SCREENERS[name]()
    verdict = screener.screen(submitted(text))
    assert isinstance(verdict, Pass) or verdict.reason in screener.reasons


SECRET = "xyzzy fuck https://xyzzy.example.com xyzzy@example.com +44 20 7946 0958 xyzzy"


@pytest.mark.promise("LEAK-1", "MOD-5")
@EACH
def test_a_screener_shows_nothing_of_a_text(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    screener = SCREENERS[name]()
    submission = submitted(SECRET, sender=ANN)
    verdicts = [screener.screen(submission) for _ in range(3)]
    shown = f"{submission!r} {verdicts!r} {screener!r} {caplog.text}"
    assert "xyzzy" not in shown
    assert "7946" not in shown


@pytest.mark.promise("MOD-5")
def test_the_shipped_ones_make_a_chain() -> None:
    chain = checked_screeners([LinksAndContacts(), Burst(count=2), WordList(["fuck"])])
    now_us = submitted("x").at_us
    flagged = submitted("https://x.y", recent_sends_us=(now_us,))
    assert screened(chain, flagged, when_broken="refuse") == Screening(flags=("link", "burst"))
    refused = submitted("fuck https://x.y")
    assert screened(chain, refused, when_broken="refuse") == Screening(refusal="word")
    assert {type(it.screener.screen(refused)) for it in chain} == {Flag, Pass, Refuse}
