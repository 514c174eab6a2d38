"""What a handle is opened with."""

from typing import Any

import pytest

from dmcore import Gate, Policy
from dmcore.adapters import memory
from dmcore.errors import InvalidSetting
from dmcore.ports.directory import Directory, asked


@pytest.mark.parametrize("policy", [{}, 0, "", "strict", 7])
def test_a_policy_is_a_policy(policy: Any) -> None:
    """Whatever else is handed in is no silent default."""
    with pytest.raises(InvalidSetting) as caught:
        memory.open_sync(policy=policy)
    assert caught.value.details["setting"] == "policy"


@pytest.mark.promise("GATE-1")
def test_gates_need_somebody_who_knows_who_is_who() -> None:
    with pytest.raises(InvalidSetting) as caught:
        memory.open_sync(policy=Policy(gates=(Gate(),)))
    assert caught.value.details["setting"] == "gates"


def test_rules_that_ask_need_somebody_to_ask() -> None:
    nobody: Directory | None = None
    with pytest.raises(ValueError, match="none"):
        asked(nobody)
