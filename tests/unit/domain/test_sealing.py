"""What a policy offers, and how often keys may be taken."""

from datetime import timedelta
from typing import Any

import pytest

from dmcore import Policy, RateLimit
from dmcore.errors import InvalidSetting


@pytest.mark.promise("CRYPT-2")
def test_nothing_is_sealed_unless_a_policy_offers_it() -> None:
    policy = Policy()
    assert policy.sealing == "never"
    assert policy.key_claims == RateLimit(60, timedelta(seconds=60))
    assert Policy(key_claims=None).key_claims is None
    wrong: dict[str, tuple[Any, ...]] = {
        "sealing": ("", "always", True, None),
        "key_claims": (60, (60, 60), False),
    }
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(InvalidSetting) as caught:
                Policy(**{name: value})
            assert caught.value.details["setting"] == name
