"""What eight processes lived through at once, checked as one history."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import pytest
from tests.conftest import IS_NIGHTLY
from tests.races import acts
from tests.races.acts import Attempt
from tests.races.conftest import MakeStage
from tests.races.crew import SIZE, part

from dmcore import Policy, RateLimit
from dmcore.testing.world import text_of, thread_of

_ROUNDS: Final = 200 if IS_NIGHTLY else 2
_READERS: Final = 2
_LOOKS: Final = 40
_KEYS: Final = [f"key {it}" for it in range(24)]
_LIMIT: Final = RateLimit(5, timedelta(milliseconds=700))


def unjustified(attempts: Sequence[Attempt], sent_us: Sequence[int], limit: RateLimit) -> list[str]:
    """What limits did wrong, by when messages were counted, oldest first.

    A refusal is right if there was a moment, while it was being decided, at which ``limit.count``
    messages were younger than the window, and the oldest of them has just the wait left to go.
    """
    wrong = [
        f"{limit.count + 1} messages within {late - early} us"
        for early, late in zip(sent_us, sent_us[limit.count :], strict=False)
        if late - early < limit.window_us
    ]
    for it in attempts:
        if it.wait is None:
            continue
        wait_us = it.wait // timedelta(microseconds=1)
        moments = [(oldest + limit.window_us - wait_us, oldest) for oldest in sent_us]
        if not any(
            it.began_us <= moment <= it.ended_us
            and sum(oldest <= other <= moment for other in sent_us) >= limit.count
            for moment, oldest in moments
        ):
            wrong.append(f"refused for {wait_us} us without need")
    return wrong


def out_of_order(pages: Sequence[Sequence[str]], order: Sequence[str]) -> list[str]:
    """What of the newest pages that a reader saw is no piece of the order, or goes back in it."""
    place = {id_: number for number, id_ in enumerate(order)}
    wrong, furthest = [], -1
    for page in pages:
        places = [place[it] for it in page]
        if places != list(range(places[0], places[0] + len(places))):
            wrong.append(f"a page with a gap: {places}")
        if places[-1] < furthest:
            wrong.append(f"a page that ends at {places[-1]} after one that ended at {furthest}")
        furthest = places[-1]
    return wrong


@pytest.mark.promise("MSG-2", "MSG-3", "MSG-4", "LIMIT-1", "LIMIT-2")
def test_the_history_of_many_senders_and_readers_is_one_that_may_be(
    make_stage: MakeStage, record_property: Callable[[str, object], None]
) -> None:
    """Acknowledged is stored, a key is one message, all see one order, each refusal was due."""
    stage = make_stage(Policy(messages=_LIMIT, starts=None))
    accepted = refused = 0
    for number in range(_ROUNDS):
        ann, bob = f"ann{number}", f"bob{number}"
        conversation = stage.dm.mailbox(bob).start(ann, "hello").conversation
        sending = [
            part(acts.attempts, user=ann, conversation=str(conversation), keys=keys)
            for keys in _turned(_KEYS, SIZE - _READERS)
        ]
        looking = [
            part(acts.looks, user=user, conversation=str(conversation), count=_LOOKS)
            for user in (ann, bob)
        ]
        answers = stage.race(*sending, *looking)
        attempts: list[Attempt] = [it for answer in answers[: len(sending)] for it in answer]
        stored = thread_of(stage.dm.mailbox(bob), conversation)
        anns = {text_of(it): it for it in stored if it.sender == ann}
        assert len(anns) == len(stored) - 1, "a key is more than one message"
        acknowledged = {(it.key, it.id) for it in attempts if it.id is not None}
        assert acknowledged == {(text, str(it.id)) for text, it in anns.items()}
        sent_us = [it.sent_at_us for it in anns.values()]
        assert unjustified(attempts, sent_us, _LIMIT) == []
        order = [str(it.id) for it in stored]
        for pages in answers[len(sending) :]:
            assert out_of_order(pages, order) == []
        accepted += len(anns)
        refused += sum(it.wait is not None for it in attempts)
    assert accepted
    assert refused
    record_property("messages of histories", accepted)
    record_property("refusals of histories", refused)


def _turned(keys: Sequence[str], count: int) -> list[list[str]]:
    """The keys as often as needed, each time beginning at another one."""
    return [[*keys[at:], *keys[:at]] for at in range(0, len(keys), len(keys) // count)][:count]


_SENT_US: Final = [0, 10, 20, 30, 40]
_WINDOW: Final = RateLimit(5, timedelta(microseconds=100))


def _refused(wait_us: int, *, during: tuple[int, int] = (50, 60)) -> list[Attempt]:
    began_us, ended_us = during
    wait = timedelta(microseconds=wait_us)
    return [Attempt(key="key", began_us=began_us, ended_us=ended_us, id=None, wait=wait)]


def test_a_refusal_is_right_while_it_could_be_and_says_how_long() -> None:
    for wait_us in range(40, 51):
        assert unjustified(_refused(wait_us), _SENT_US, _WINDOW) == []
    for wait_us in (39, 51):
        assert unjustified(_refused(wait_us), _SENT_US, _WINDOW)
    assert unjustified(_refused(45), _SENT_US[1:], _WINDOW)


def test_one_message_too_many_is_noticed() -> None:
    assert unjustified([], [*_SENT_US, 100], _WINDOW) == []
    assert unjustified([], [*_SENT_US, 99], _WINDOW)


def test_a_reader_who_goes_back_or_misses_something_is_noticed() -> None:
    assert out_of_order(["ab", "abc", "bc", "bcd"], "abcd") == []
    assert out_of_order(["abd"], "abcd")
    assert out_of_order(["abc", "ab"], "abcd")
