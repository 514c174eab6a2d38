"""A pair: two different users of one tenant, in one order."""

import pytest
from hypothesis import assume, given
from tests.unit.strategies import tenant_ids, user_ids

from dmcore.domain.ids import TenantId, UserId
from dmcore.domain.pair import Pair
from dmcore.errors import CannotMessageYourself

NAMESPACE = bytes(16)
ACME = TenantId("acme")


@pytest.mark.promise("PAIR-1")
@given(tenant=tenant_ids, one=user_ids, other=user_ids)
def test_both_directions_are_one_pair(tenant: TenantId, one: UserId, other: UserId) -> None:
    assume(one != other)
    pair = Pair.of(tenant, one, other)
    assert pair == Pair.of(tenant, other, one)
    assert {pair.low, pair.high} == {one, other}
    assert pair.conversation_id(NAMESPACE) == Pair.of(tenant, other, one).conversation_id(NAMESPACE)


@pytest.mark.promise("PAIR-1")
@given(one=user_ids, other=user_ids)
def test_the_order_is_that_of_the_bytes_in_utf_8(one: UserId, other: UserId) -> None:
    """So "C" collation and BINARY agree with Python."""
    assume(one != other)
    pair = Pair.of(ACME, one, other)
    assert pair.low.encode() < pair.high.encode()


@pytest.mark.promise("PAIR-1")
@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("Bob", "ann"),  # upper case first: no language's order
        ("a", "a "),
        ("a-", "a_"),
        ("z", "\u00e4"),
        ("e\u0301", "\u00e9"),  # the same letter to the eye, two users here
        ("\uffff", "\U00010000"),  # UTF-16 would turn these two round
        ("10", "9"),
    ],
)
def test_no_language_orders_users(low: str, high: str) -> None:
    pair = Pair.of(ACME, UserId(high), UserId(low))
    assert (pair.low, pair.high) == (low, high)


@pytest.mark.promise("PAIR-3")
@given(user=user_ids)
def test_nobody_is_a_pair_alone(user: UserId) -> None:
    with pytest.raises(CannotMessageYourself):
        Pair.of(ACME, user, user)
    with pytest.raises(CannotMessageYourself):
        Pair(ACME, user, user)


@pytest.mark.promise("PAIR-1")
def test_a_pair_in_the_wrong_order_cannot_be_built() -> None:
    with pytest.raises(ValueError, match=r"Pair\.of"):
        Pair(ACME, UserId("bob"), UserId("ann"))


def test_users_that_only_look_alike_are_two() -> None:
    """Ids are compared byte for byte, never folded."""
    assert Pair.of(ACME, UserId("ann"), UserId("Ann")).low == "Ann"


@pytest.mark.promise("PAIR-1", "TEN-1")
def test_the_same_two_names_in_another_tenant_are_another_conversation() -> None:
    here = Pair.of(ACME, UserId("ann"), UserId("bob"))
    there = Pair.of(TenantId(""), UserId("ann"), UserId("bob"))
    assert here != there
    assert here.conversation_id(NAMESPACE) != there.conversation_id(NAMESPACE)


def test_a_pair_knows_its_two() -> None:
    pair = Pair.of(ACME, UserId("bob"), UserId("ann"))
    assert UserId("ann") in pair
    assert UserId("bob") in pair
    assert UserId("eve") not in pair
    assert pair.other_than(UserId("ann")) == "bob"
    assert pair.other_than(UserId("bob")) == "ann"
