"""An account: positions in its journal run 1, 2, 3 and on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmcore.domain.account import Account
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.limits import Window

SENDS, STARTS = Window(instants=(1,)), Window(instants=(2,))

ANN = User(TenantId(""), UserId("ann"))


def fact(at_us: int) -> Fact:
    return Fact(action=Action.MESSAGE_SENT, actor=UserId("bob"), at_us=at_us)


def test_a_user_never_seen_before_has_nothing() -> None:
    account = Account(user=ANN)
    assert (account.position, account.unread, account.sends, account.starts) == (
        0,
        0,
        Window(),
        Window(),
    )


@pytest.mark.promise("FEED-2")
@given(position=st.integers(0, 1 << 40), count=st.integers(0, 5))
def test_facts_take_the_next_positions_in_their_order(position: int, count: int) -> None:
    before = Account(user=ANN, position=position, unread=3, sends=SENDS, starts=STARTS)
    facts = [fact(at_us) for at_us in range(count)]
    after, entries = before.noted(*facts)
    assert entries == tuple(
        Entry(owner=ANN, position=position + number, fact=it)
        for number, it in enumerate(facts, start=1)
    )
    assert after == Account(
        user=ANN, position=position + count, unread=3, sends=SENDS, starts=STARTS
    )
    assert before.position == position
