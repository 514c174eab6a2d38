"""What the database is told of who asks."""

import pytest

from dmcore.adapters.sql._row_security import _identity
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.ports.transactions import HOST, Actor, Capacity

ANN = User(TenantId("north"), UserId("ann"))


@pytest.mark.promise("OPS-7")
def test_nobody_is_told_as_nobody_and_a_host_as_no_user() -> None:
    assert _identity(None) == ("", "", "")
    assert _identity(HOST) == (Capacity.HOST.value, "", "")
    asked = _identity(Actor(Capacity.PARTICIPANT, ANN))
    assert asked == (Capacity.PARTICIPANT.value, "north", "ann")
