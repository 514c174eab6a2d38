"""Leases, attempts and what becomes of a delivery, with values alone."""

from datetime import timedelta

import attrs
import pytest

from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConsumerName, TenantId, User, UserId
from dmcore.domain.relaying import (
    LONGEST_DELAY_US,
    WORKER_ENDED,
    Begin,
    Delivery,
    Lease,
    Mark,
    Outcome,
    claimable,
    claimed,
    delay_us,
    given_up,
    is_due,
    settled,
)
from dmcore.errors import InvalidSetting

NOW_US = 1_000_000_000_000_000
MINUTE = timedelta(minutes=1)
MINUTE_US = 60_000_000
ANN, BOB, CYD = (User(TenantId(""), UserId(name)) for name in ("ann", "bob", "cyd"))
FREE = Lease(consumer=ConsumerName("hook"))

pytestmark = pytest.mark.promise("OPS-8")


def entry(position: int) -> Entry:
    fact = Fact(action=Action.MESSAGE_SENT, actor=ANN.id, at_us=1)
    return Entry(owner=ANN, position=position, fact=fact)


def delivery(mark: Mark, *positions: int) -> Delivery:
    return Delivery(mark=mark, head=9, events=tuple(map(entry, positions)))


def test_a_lease_is_for_one_worker_until_it_ends() -> None:
    mine = FREE.taken("me", now_us=NOW_US, length=MINUTE)
    assert mine == attrs.evolve(FREE, holder="me", until_us=NOW_US + MINUTE_US)
    assert mine is not None
    assert mine.taken("you", now_us=NOW_US + MINUTE_US - 1, length=MINUTE) is None
    yours = mine.taken("you", now_us=NOW_US + MINUTE_US, length=MINUTE)
    assert yours is not None
    assert yours.holder == "you"


def test_it_is_written_anew_when_half_of_it_is_over() -> None:
    mine = attrs.evolve(FREE, holder="me", until_us=NOW_US + MINUTE_US)
    assert mine.taken("me", now_us=NOW_US + MINUTE_US // 2 - 1, length=MINUTE) is mine
    renewed = mine.taken("me", now_us=NOW_US + MINUTE_US // 2, length=MINUTE)
    assert renewed is not None
    assert renewed.until_us == NOW_US + MINUTE_US // 2 + MINUTE_US


def test_delays_grow_up_to_an_hour() -> None:
    found = [delay_us(attempts) // 1_000_000 for attempts in (1, 2, 3, 4, 5, 1_000)]
    assert found == [10, 60, 360, 2160, 3600, 3600]


def test_what_is_further_away_than_any_delay_is_due() -> None:
    for due_us, expected in (
        (NOW_US, True),
        (NOW_US + 1, False),
        (NOW_US + LONGEST_DELAY_US, False),
        (NOW_US + LONGEST_DELAY_US + 1, True),
    ):
        assert is_due(Mark(owner=ANN, due_us=due_us), NOW_US) is expected


def test_whose_worker_ended_is_delivered_alone() -> None:
    fresh, failed = delivery(Mark(owner=ANN)), delivery(Mark(owner=BOB, attempts=1, error="E"))
    suspect = delivery(claimed(Mark(owner=CYD), NOW_US))
    assert claimable(()) == ()
    assert claimable((fresh, failed)) == (fresh, failed)
    assert claimable((fresh, suspect, failed)) == (fresh,)
    assert claimable((suspect, fresh)) == (suspect,)


def test_an_event_that_ended_its_workers_says_so() -> None:
    mark = claimed(claimed(Mark(owner=ANN, position=3), NOW_US), NOW_US)
    after, aside = given_up(mark, entry(4), NOW_US)
    assert after == Mark(owner=ANN, position=4)
    assert (aside.position, aside.attempts, aside.error) == (4, 2, WORKER_ENDED)


def test_what_was_not_tried_is_as_it_was() -> None:
    before = Mark(owner=ANN, position=3, attempts=2, due_us=7, error="E")
    outcome = Outcome(delivery=delivery(before, 4), delivered=0)
    assert settled(outcome, now_us=NOW_US, most_attempts=5) == (before, None)


def test_the_attempts_are_those_of_the_next_event_alone() -> None:
    before = Mark(owner=ANN, position=3, attempts=4, error="E")
    outcome = Outcome(delivery=delivery(before, 4, 5), delivered=1, error="F")
    after, aside = settled(outcome, now_us=NOW_US, most_attempts=5)
    assert (after.position, after.attempts, after.error, aside) == (4, 1, "F", None)
    outcome = Outcome(delivery=delivery(before, 4, 5), delivered=0, error="F")
    after, aside = settled(outcome, now_us=NOW_US, most_attempts=5)
    assert after == Mark(owner=ANN, position=4)
    assert aside is not None
    assert (aside.position, aside.attempts, aside.error) == (4, 5, "F")


def test_a_word_for_the_beginning_is_read() -> None:
    assert Begin.parse("now") is Begin.NOW
    with pytest.raises(InvalidSetting):
        Begin.parse("later")
