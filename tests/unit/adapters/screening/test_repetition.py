"""The same text again and again, and many texts in a short time."""

import threading
from datetime import timedelta
from typing import Any

import attrs
import pytest
from tests.unit.adapters.screening.submissions import ANN, CARL, NOW_US, submitted

from dmcore.adapters.screening import Burst, Repetition
from dmcore.domain.ids import TenantId
from dmcore.domain.screening import Flag, Pass, Refuse, Verdict
from dmcore.errors import InvalidSetting

TEXT = "You have won a wonderful prize, come and get it"
HOUR_US = 3_600_000_000
CAUGHT = Flag("repetition")


def said(screener: Repetition, *texts: str, **rest: Any) -> list[Verdict]:
    return [screener.screen(submitted(text, **rest)) for text in texts]


@pytest.mark.promise("MOD-5")
def test_the_same_text_is_caught_from_the_third_time_on() -> None:
    assert said(Repetition(), *[TEXT] * 4) == [Pass(), Pass(), CAUGHT, CAUGHT]
    assert said(Repetition(same_text=2), TEXT, TEXT) == [Pass(), CAUGHT]
    assert Repetition().reasons == ("repetition",)


@pytest.mark.promise("MOD-5")
def test_what_differs_in_other_signs_than_letters_is_the_same_text() -> None:
    texts = [f"{TEXT} 1", TEXT.upper() + "!!", TEXT.replace(" ", "\u200b\n") + " \U0001f600"]
    assert said(Repetition(), *texts)[-1] == CAUGHT


@pytest.mark.promise("MOD-5")
def test_another_text_is_another_text() -> None:
    assert said(Repetition(same_text=2), *[TEXT + letter for letter in "abcdef"]) == [Pass()] * 6


@pytest.mark.promise("MOD-5")
def test_short_texts_may_be_said_often() -> None:
    assert said(Repetition(), *["thank you!"] * 9) == [Pass()] * 9
    assert said(Repetition(shortest=8), *["thank you!"] * 3)[-1] == CAUGHT
    assert said(Repetition(shortest=9), *["thank you!"] * 3)[-1] == Pass()


@pytest.mark.promise("MOD-5", "TEN-1")
def test_everybody_is_counted_for_themselves() -> None:
    screener = Repetition(same_text=2)
    namesake = attrs.evolve(ANN, tenant=TenantId("other"))
    for sender in (ANN, CARL, namesake):
        assert said(screener, TEXT, sender=sender) == [Pass()]
    assert said(screener, TEXT, sender=ANN) == [CAUGHT]


@pytest.mark.promise("MOD-5")
def test_what_was_said_so_long_ago_no_longer_counts() -> None:
    for gap_us, verdict in ((HOUR_US - 1, CAUGHT), (HOUR_US, Pass())):
        screener = Repetition(same_text=2)
        assert said(screener, TEXT) == [Pass()]
        assert said(screener, TEXT, at_us=NOW_US + gap_us) == [verdict]
    # And a clock that was set back by as much forgets.
    screener = Repetition(same_text=2)
    assert said(screener, TEXT) == [Pass()]
    assert said(screener, TEXT, at_us=NOW_US - HOUR_US) == [Pass()]


@pytest.mark.promise("MOD-5")
def test_an_attempt_that_it_refused_does_not_count() -> None:
    """So one may say it again when the first time is long enough ago."""
    screener = Repetition(same_text=2, action="refuse")
    assert said(screener, TEXT, TEXT) == [Pass(), Refuse("repetition")]
    assert said(screener, TEXT, at_us=NOW_US + HOUR_US - 1) == [Refuse("repetition")]
    assert said(screener, TEXT, at_us=NOW_US + HOUR_US) == [Pass()]


@pytest.mark.promise("MOD-5")
def test_it_remembers_so_many_texts_and_forgets_who_was_seen_longest_ago() -> None:
    screener = Repetition(same_text=2, remembers=2)
    first, second, third = (TEXT + letter for letter in "abc")
    assert said(screener, first, second, first, third) == [Pass(), Pass(), CAUGHT, Pass()]
    assert said(screener, first, second) == [CAUGHT, Pass()]


@pytest.mark.promise("MOD-5")
def test_no_time_is_lost_between_threads() -> None:
    screener = Repetition(same_text=1_000)
    verdicts: list[Verdict] = []
    senders = [
        threading.Thread(target=lambda: verdicts.extend(said(screener, *[TEXT] * 250)))
        for _ in range(4)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert verdicts.count(CAUGHT) == 1


@pytest.mark.promise("LEAK-1", "MOD-5")
def test_it_keeps_no_text_and_no_name_and_two_never_keep_the_same() -> None:
    kept = []
    for _ in range(2):
        screener = Repetition()
        said(screener, TEXT)
        assert TEXT not in repr(screener)
        kept.append(dict(screener._seen_us))
    assert [list(it.values()) for it in kept] == [[(NOW_US,)], [(NOW_US,)]]
    assert len({digest for it in kept for digest in it}) == 2
    assert all(len(digest) == 16 for it in kept for digest in it)


# Burst ------------------------------------------------------------------------------------------

SECOND_US = 1_000_000


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize(("earlier", "verdict"), [(0, Pass()), (1, Pass()), (2, Flag("burst"))])
def test_many_in_a_short_time_are_a_burst(earlier: int, verdict: Verdict) -> None:
    burst = Burst(count=3, within=timedelta(seconds=10))
    recent = tuple(NOW_US - place for place in range(earlier, 0, -1))
    assert burst.screen(submitted("hi", recent_sends_us=recent)) == verdict
    assert burst.reasons == ("burst",)


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("distance_us", [10 * SECOND_US, -10 * SECOND_US])
def test_what_is_as_far_away_as_that_time_is_no_part_of_a_burst(distance_us: int) -> None:
    burst = Burst(count=2, within=timedelta(seconds=10), action="refuse")
    away, inside = NOW_US - distance_us, NOW_US - distance_us // 10 * 9
    assert burst.screen(submitted("hi", recent_sends_us=(away,))) == Pass()
    assert burst.screen(submitted("hi", recent_sends_us=(inside,))) == Refuse("burst")


# Settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("screener", [Repetition, Burst])
@pytest.mark.parametrize("value", [0, timedelta(0), timedelta(-1), None, 3600], ids=repr)
def test_a_time_is_a_positive_timedelta(screener: Any, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        screener(within=value)
    assert caught.value.details["setting"] == "screening.within"


@pytest.mark.parametrize(
    ("screener", "name", "value"),
    [
        (Repetition, "same_text", 1),
        (Repetition, "same_text", 2.5),
        (Repetition, "shortest", 0),
        (Repetition, "remembers", 0),
        (Burst, "count", 1),
        (Burst, "count", True),
        (Burst, "count", None),
    ],
)
def test_a_count_is_a_whole_number(screener: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        screener(**{name: value})
    assert caught.value.details["setting"] == "screening.count"


@pytest.mark.parametrize("screener", [Repetition, Burst])
def test_an_action_is_one_of_those_there_are(screener: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        screener(action="block")
    assert caught.value.details["setting"] == "screening.action"
