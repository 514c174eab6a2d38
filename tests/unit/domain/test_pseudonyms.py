"""The names that are left of users."""

import pytest
from hypothesis import given
from tests.unit.strategies import user_ids

from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.pseudonyms import is_pseudonym, named, number_of, pseudonym_of

HERE, THERE = b"h" * 16, b"t" * 16


@pytest.mark.promise("GDPR-1")
@given(user=user_ids)
def test_a_pseudonym_is_the_same_each_time_and_tells_nothing(user: UserId) -> None:
    gone = pseudonym_of(HERE, User(TenantId(""), user))
    assert gone == pseudonym_of(HERE, User(TenantId(""), user))
    assert is_pseudonym(gone.id)
    assert named(number_of(gone.id)) == gone.id
    assert gone.id != pseudonym_of(THERE, User(TenantId(""), user)).id
    assert gone.id != pseudonym_of(HERE, User(TenantId("north"), user)).id


@pytest.mark.promise("GDPR-1")
def test_no_two_users_share_one() -> None:
    """Nor do a tenant and an id that are the same text together."""
    users = [User(TenantId(t), UserId(u)) for t, u in (("a", "bc"), ("ab", "c"), ("", "abc"))]
    assert len({pseudonym_of(HERE, user).id for user in users}) == 3


@pytest.mark.promise("GDPR-1", "EMB-5")
@pytest.mark.parametrize(
    "text",
    [
        *("ann", "", "erased-", "erased-ann", "0220c8c4-4d35-8207-9107-2fa51b8f5b33"),
        "erased-0220c8c4-4d35-4207-9107-2fa51b8f5b33",
        "Erased-0220c8c4-4d35-8207-9107-2fa51b8f5b33",
        "erased-0220c8c4-4d35-8207-9107-2fa51b8f5b33 ",
    ],
)
def test_other_ids_are_nobodys_pseudonym(text: str) -> None:
    assert not is_pseudonym(text)
