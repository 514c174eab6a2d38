"""Invented people: the same ones for the same seed, and never against the rules."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmcore import DirectMessages
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.cli.fixtures import BEGIN_US, Chance, Planted, Size, _pair, plant
from dmcore.errors import InvalidSetting
from dmcore.testing.world import text_of

SMALL = Size(users=6, conversations=8, messages=60, blocks=3)


def planted(size: Size, seed: int) -> tuple[DirectMessages, Planted]:
    clock = ManualClock(BEGIN_US)
    dm = memory.open_sync(clock=clock, entropy=SeededEntropy(seed))
    dm.operations("operator").set_mode("on")
    return dm, plant(dm, clock, size=size, seed=seed)


def observed(dm: DirectMessages, size: Size) -> object:
    """All that anybody can see, without the ids that a store derives from its own secret."""
    seen = []
    for number in range(1, size.users + 1):
        mailbox = dm.mailbox(f"user-{number:03}")
        inbox = mailbox.inbox(limit=100).items
        threads = [mailbox.thread(entry.conversation, limit=100) for entry in inbox]
        seen.append(
            (
                mailbox.unread(),
                [(entry.other, entry.unread, entry.newest, entry.read) for entry in inbox],
                [
                    [(it.id, it.sender, text_of(it), it.sent_at_us) for it in thread.items]
                    for thread in threads
                ],
                [(block.blocked, block.since_us) for block in mailbox.blocked().items],
            )
        )
    return seen


def test_the_same_seed_makes_the_same_and_another_one_does_not() -> None:
    one, again, other = (planted(SMALL, seed)[0] for seed in (1, 1, 2))
    assert observed(one, SMALL) == observed(again, SMALL)
    assert observed(one, SMALL) != observed(other, SMALL)


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    users = draw(st.integers(2, 12))
    conversations = draw(st.integers(1, users * (users - 1) // 2))
    return Size(
        users=users,
        conversations=conversations,
        messages=conversations + draw(st.integers(0, 50)),
        blocks=draw(st.integers(0, 2 * conversations)),
    )


@given(size=sizes(), seed=st.integers(0, 5))
def test_there_is_as_much_as_was_asked_for_and_it_is_sound(size: Size, seed: int) -> None:
    dm, made = planted(size, seed)
    status = dm.operations("operator").status()
    assert (status.conversations, status.messages, status.blocks) == (
        size.conversations,
        size.messages,
        size.blocks,
    )
    assert made == Planted(
        users=status.users - 1,  # the operator has a mailbox, too
        conversations=status.conversations,
        messages=status.messages,
        blocks=status.blocks,
    )
    assert dm.operations("operator").verify() == ()


def test_where_a_limit_refuses_the_script_waits() -> None:
    """Two people who start 6 conversations a day have to wait for the next day."""
    size = Size(users=30, conversations=435, messages=435, blocks=0)
    dm, _ = planted(size, 1)
    starts: dict[str, list[int]] = {}
    for number in range(1, 31):
        user = f"user-{number:03}"
        for entry in dm.operations("operator").audit(user, limit=100).items:
            if entry.fact.action == "conversation_started" and entry.fact.actor == user:
                starts.setdefault(user, []).append(entry.fact.at_us)
    assert sum(map(len, starts.values())) == 435
    day_us = 24 * 3600 * 1_000_000
    assert all(
        later - earlier >= day_us
        for instants in starts.values()
        for earlier, later in zip(instants, instants[5:], strict=False)
    )


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"users": 1}, "users"),
        ({"users": 1_000_001}, "users"),
        ({"conversations": 0}, "conversations"),
        ({"conversations": 16}, "conversations"),
        ({"messages": 7}, "messages"),
        ({"messages": 10_000_001}, "messages"),
        ({"blocks": -1}, "blocks"),
        ({"blocks": 17}, "blocks"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, int], setting: str) -> None:
    sizes = {"users": 6, "conversations": 8, "messages": 60, "blocks": 3, **changed}
    with pytest.raises(InvalidSetting) as caught:
        Size(**sizes)
    assert caught.value.details["setting"] == setting


def test_every_pair_has_one_place() -> None:
    names = [f"user-{number:03}" for number in range(1, 31)]
    assert {_pair(index) for index in range(435)} == set(combinations(names, 2))


@given(st.integers(1, 50), st.data())
def test_a_choice_of_some_has_no_doubles(bound: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, bound))
    chosen = Chance(SeededEntropy(data.draw(st.integers()))).some_below(bound, count)
    assert len(chosen) == len(set(chosen)) == count
    assert all(0 <= number < bound for number in chosen)
