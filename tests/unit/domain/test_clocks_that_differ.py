"""Several servers ask one store, and their clocks differ a little: the limit stays what it is."""

from datetime import timedelta

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.domain.situation import ANN, BODY, NOW_US, Situation

from dmcore.domain.account import Account
from dmcore.domain.limits import RateLimit
from dmcore.domain.message import Message
from dmcore.domain.policy import Policy
from dmcore.domain.sending import Draft, Refused, decide
from dmcore.errors import LimitReached

COUNT = 5
WINDOW_US = 1_000
DIFFERENCE_US = 20
POLICY = Policy(
    messages=RateLimit(COUNT, timedelta(microseconds=WINDOW_US)),
    starts=None,
)


def after_an_attempt(account: Account, now_us: int) -> tuple[bool, Account]:
    """Whether a message is accepted by a clock that shows ``now_us``, and what is stored."""
    contact = attrs.evolve(Situation().talking().contact(), actor=account)
    try:
        decided = decide(contact, POLICY, Draft(body=BODY), now_us=now_us, entropy=1)
    except LimitReached:
        return False, account
    assert not isinstance(decided, Message)
    if isinstance(decided, Refused):
        return False, decided.account
    (stored,) = (it for it in decided.outcome.accounts if it.user.id == ANN)
    return True, stored


@pytest.mark.promise("LIMIT-1", "LIMIT-2")
@given(
    differences=st.lists(st.integers(0, DIFFERENCE_US), min_size=2, max_size=4),
    attempts=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=200),
)
@example(differences=[0, 20], attempts=[(2, turn % 2) for turn in range(2_000)])
@example(differences=[20, 10, 0], attempts=[(2, turn % 3) for turn in range(2_000)])
def test_a_window_is_exact_up_to_what_the_clocks_differ(
    differences: list[int], attempts: list[tuple[int, int]]
) -> None:
    """Whoever is asked in whatever turn, the differences do not add up.

    In the examples somebody tries again and again, and is sent to the servers in turn.
    """
    account = Situation().contact().actor
    accepted: list[int] = []
    true_us = NOW_US
    for passed_us, server in attempts:
        true_us += passed_us
        shown_us = true_us - differences[server % len(differences)]
        is_accepted, account = after_an_attempt(account, shown_us)
        if is_accepted:
            accepted.append(true_us)
    for first, beyond in zip(accepted, accepted[COUNT:], strict=False):
        assert beyond - first >= WINDOW_US - DIFFERENCE_US
