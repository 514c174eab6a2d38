"""A call that somebody knows one thing more about is otherwise the same."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from dmcore.domain.events import Reach
from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.ports.transactions import Actor, Call, Capacity, Needs, Transaction


def _user(id_: str) -> User:
    return User(parse_tenant_id(""), parse_user_id(id_))


def _use_case(_tx: Transaction) -> None: ...


WHOLE: Call[None] = Call(
    needs=Needs.WRITE,
    use_case=_use_case,
    name="send",
    writer=_user("ann"),
    actor=Actor(Capacity.PARTICIPANT, _user("ann")),
    forgotten=_user("ben"),
    reach=Reach(other=parse_user_id("cat")),
)
OTHER = Actor(Capacity.HOST)


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        (lambda call: call.named("other"), "name", "other"),
        (lambda call: call.by(OTHER), "actor", OTHER),
        (lambda call: call.written_by(_user("dan")), "writer", _user("dan")),
        (lambda call: call.forgetting(_user("dan")), "forgotten", _user("dan")),
        (lambda call: call.reaching(Reach()), "reach", Reach()),
    ],
)
def test_all_that_was_known_stays(
    changed: Callable[[Call[None]], Call[None]], field: str, value: Any
) -> None:
    before = attrs.asdict(WHOLE, recurse=False)
    assert all(it.default != before[it.name] for it in attrs.fields(Call))
    assert attrs.asdict(changed(WHOLE), recurse=False) == before | {field: value}
