"""How reports read on a page: every word there is has one, and spans are said as they are."""

from datetime import timedelta

import pytest

from dmcore import Mode
from dmcore.adapters.web.pages import _report_words
from dmcore.adapters.web.pages._report_words import span_of
from dmcore.domain.reports import ReportMove, ReportOutcome, ReportReason, ReportState


def test_every_word_of_a_closed_set_has_one_for_people() -> None:
    assert set(_report_words.REASONS) == set(ReportReason)
    assert set(_report_words.STATES) == set(ReportState)
    assert set(_report_words.MOVE_WORDS) == set(ReportMove)
    assert set(_report_words.OUTCOMES) == set(ReportOutcome)
    assert set(_report_words.MODES) == set(Mode)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(days=1, hours=7), "1 day"),
        (timedelta(hours=12), "12 hours"),
        (timedelta(minutes=90), "1 hour"),
        (timedelta(minutes=59), "less than an hour"),
    ],
)
def test_a_span_is_never_said_longer_than_it_is(span: timedelta, words: str) -> None:
    assert span_of(span) == words
