"""A policy is valid or does not exist."""

import copy
import pickle
from datetime import timedelta
from typing import Any

import attrs
import pytest

from dmcore.domain.body import BodyRules
from dmcore.domain.gates import Gate
from dmcore.domain.instants import LONGEST
from dmcore.domain.limits import RateLimit
from dmcore.domain.policy import Policy
from dmcore.errors import InvalidSetting

TOO_LONG = LONGEST + timedelta(microseconds=1)


@pytest.mark.promise("LIMIT-1")
def test_the_limits_are_20_a_minute_and_5_starts_a_day_unless_said_otherwise() -> None:
    policy = Policy()
    assert policy.messages == RateLimit(20, timedelta(seconds=60))
    assert policy.starts == RateLimit(5, timedelta(hours=24))


@pytest.mark.promise("BLOCK-2", "MSG-1")
def test_a_blocked_sender_is_refused_and_emoji_are_allowed_unless_said_otherwise() -> None:
    assert Policy().blocked == "refuse"
    assert Policy().body == BodyRules(longest=4_000, largest_bytes=16_384, emoji="allow")


def test_none_switches_a_limit_off() -> None:
    assert Policy(messages=None, starts=None).messages is None


@pytest.mark.parametrize("name", ["messages", "starts", "edits"])
@pytest.mark.parametrize("value", [20, (20, 60), "20/min", False, timedelta(seconds=60)], ids=repr)
def test_a_limit_is_a_rate_limit(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Policy(**{name: value})
    assert caught.value.details["setting"] == name


@pytest.mark.parametrize("value", [None, {}, 4_000, BodyRules], ids=repr)
def test_the_rules_for_bodies_are_body_rules(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Policy(body=value)
    assert caught.value.details["setting"] == "body"


@pytest.mark.parametrize("value", ["", "REFUSE", "drop", None, True, ["refuse"]], ids=repr)
def test_a_blocked_sender_is_refused_or_absorbed(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Policy(blocked=value)
    assert caught.value.details["setting"] == "blocked"


@pytest.mark.promise("MSG-5", "REQ-1", "GATE-1")
def test_edits_for_a_quarter_of_an_hour_open_requests_and_no_gate_unless_said_otherwise() -> None:
    policy = Policy()
    assert policy.edit_window == timedelta(minutes=15)
    assert (policy.requests, policy.request_messages) == ("open", 1)
    assert policy.gates == ()


@pytest.mark.parametrize("value", [timedelta(0), timedelta(days=9_999), None], ids=repr)
def test_a_message_may_be_changed_never_for_a_while_or_always(value: timedelta | None) -> None:
    assert Policy(edit_window=value).edit_window == value


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("edit_window", [timedelta(microseconds=-1), 900, "15 min", False, TOO_LONG]),
        ("requests", ["", "ASK", "closed", None, True]),
        ("request_messages", [0, -1, 101, 1.0, True, None, "1"]),
        ("gates", [["everybody"], [None], [{}], "x"]),
    ],
)
def test_a_value_that_is_none_is_refused_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InvalidSetting) as caught:
            Policy(**{name: value})
        assert caught.value.details["setting"] == name


@pytest.mark.parametrize("value", [1, 100])
def test_a_request_may_have_1_to_100_messages(value: int) -> None:
    assert Policy(request_messages=value).request_messages == value


def test_every_span_can_be_as_long_as_anything_is_reckoned_and_no_longer() -> None:
    """Whatever is a span today or will be: a longer one overflows where it is counted with."""
    spans = [it.name for it in attrs.fields(Policy) if "timedelta" in str(it.type)]
    assert {"edit_window", "evidence_kept"} <= set(spans)
    for name in spans:
        given: dict[str, Any] = {name: LONGEST}
        assert getattr(Policy(**given), name) == LONGEST
        for span in (TOO_LONG, timedelta.max):
            with pytest.raises(InvalidSetting) as caught:
                Policy(**{name: span})  # type: ignore[arg-type]
            assert caught.value.details["setting"] == name
    assert RateLimit(1, LONGEST).window == LONGEST
    with pytest.raises(InvalidSetting):
        RateLimit(1, TOO_LONG)


def test_gates_are_kept_in_their_order_however_they_are_given() -> None:
    gates: Any = [Gate(needs_subscription=True), Gate(needs_connection=True)]
    assert Policy(gates=gates).gates == tuple(gates)
    assert hash(Policy(gates=gates)) == hash(Policy(gates=tuple(gates)))


def test_a_policy_cannot_be_changed_and_can_be_copied() -> None:
    policy = Policy(messages=None, blocked="absorb")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        policy.blocked = "refuse"  # type: ignore[misc]
    assert copy.deepcopy(policy) == pickle.loads(pickle.dumps(policy)) == policy
    with pytest.raises(InvalidSetting):
        attrs.evolve(policy, blocked="sometimes")  # type: ignore[arg-type]
