"""Gates: who may start with whom, against the same rule said a second time."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.situation import gate, profile

from dmcore.domain.gates import Gate, Introduction, Passage, Profile, passage
from dmcore.errors import InvalidSetting

ROLES = ("member", "pro", "guest")
roles: Any = st.frozensets(st.sampled_from(ROLES))
asked: Any = st.none() | st.frozensets(st.sampled_from(ROLES), min_size=1)
profiles = st.builds(
    Profile,
    roles=roles,
    is_subscribed=st.booleans(),
    is_staff=st.booleans(),
    is_active=st.booleans(),
)
gates = st.builds(
    Gate,
    sender_roles=asked,
    recipient_roles=asked,
    needs_subscription=st.booleans(),
    needs_connection=st.booleans(),
)
introductions = st.builds(
    Introduction, sender=profiles, recipient=profiles, are_connected=st.booleans()
)
many = st.lists(gates, max_size=4).map(tuple)


def is_open(gate: Gate, sender: Profile, recipient: Profile, *, connected: bool) -> bool:
    """Every demand, one by one."""
    if gate.sender_roles is not None and not any(it in gate.sender_roles for it in sender.roles):
        return False
    if gate.recipient_roles is not None and not any(
        it in gate.recipient_roles for it in recipient.roles
    ):
        return False
    if gate.needs_subscription and not sender.is_subscribed:
        return False
    return connected or not gate.needs_connection


def naively(gates: tuple[Gate, ...], introduction: Introduction) -> Passage:
    """Ask as the sender is, then as the sender would be with a subscription."""
    sender, recipient = introduction.sender, introduction.recipient
    assert sender is not None
    assert recipient is not None
    if gates == () or sender.is_staff:
        return Passage.OPEN
    subscribed = profile(*sender.roles, is_subscribed=True)
    for who, answer in ((sender, Passage.OPEN), (subscribed, Passage.FOR_SUBSCRIBERS)):
        for one in gates:
            if is_open(one, who, recipient, connected=introduction.are_connected):
                return answer
    return Passage.CLOSED


@pytest.mark.promise("GATE-1")
@given(gates=many, introduction=introductions)
def test_the_gates_answer_as_the_rule_says(
    gates: tuple[Gate, ...], introduction: Introduction
) -> None:
    assert passage(gates, introduction) is naively(gates, introduction)


@pytest.mark.promise("GATE-1")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("is_subscribed", [False, True])
def test_every_role_and_subscription_at_one_gate(role: str, is_subscribed: bool) -> None:
    """Subscribed pros may write to members: the whole table, by hand."""
    only: Any = {"sender_roles": {"pro"}, "recipient_roles": {"member"}}
    gate = Gate(**only, needs_subscription=True)
    named: Any = {"roles": [role]}
    sender = Profile(**named, is_subscribed=is_subscribed)
    found = {}
    for other in ROLES:
        named = {"roles": [other]}
        found[other] = passage((gate,), Introduction(sender=sender, recipient=Profile(**named)))
    may = Passage.OPEN if is_subscribed else Passage.FOR_SUBSCRIBERS
    assert found == {
        "member": may if role == "pro" else Passage.CLOSED,
        "pro": Passage.CLOSED,
        "guest": Passage.CLOSED,
    }


@pytest.mark.promise("GATE-1")
@given(gates=many, introduction=introductions)
def test_another_gate_never_closes_what_was_open(
    gates: tuple[Gate, ...], introduction: Introduction
) -> None:
    """Ways in add up, in any order; the first gate alone shuts out those whom it does not fit."""
    answers = {passage(order, introduction) for order in itertools.permutations(gates)}
    assert len(answers) == 1
    openness = [Passage.CLOSED, Passage.FOR_SUBSCRIBERS, Passage.OPEN]
    for count in range(1, len(gates)):
        fewer = openness.index(passage(gates[:count], introduction))
        assert fewer <= openness.index(passage(gates, introduction))


@pytest.mark.promise("GATE-1")
def test_the_subscription_of_the_recipient_opens_nothing() -> None:
    paying = Profile(is_subscribed=True)
    gates = (Gate(needs_subscription=True),)
    assert passage(gates, Introduction(sender=Profile(), recipient=paying)) is (
        Passage.FOR_SUBSCRIBERS
    )


@pytest.mark.promise("GATE-1")
def test_staff_opens_the_way_to_others_and_not_the_way_to_staff() -> None:
    closed = (gate("nobody"),)
    staff = Profile(is_staff=True)
    assert passage(closed, Introduction(sender=staff, recipient=Profile())) is Passage.OPEN
    assert passage(closed, Introduction(sender=Profile(), recipient=staff)) is Passage.CLOSED


@pytest.mark.parametrize("known", [(None, Profile()), (Profile(), None), (None, None)])
def test_of_somebody_unknown_nothing_is_judged(
    known: tuple[Profile | None, Profile | None],
) -> None:
    with pytest.raises(ValueError, match="unknown"):
        passage((), Introduction(sender=known[0], recipient=known[1]))


@pytest.mark.parametrize("name", ["sender_roles", "recipient_roles"])
@pytest.mark.parametrize("value", [[], "pro", 5, {1}, ["pro", None]], ids=repr)
def test_a_gate_asks_for_roles_by_name_or_for_none(name: str, value: Any) -> None:
    """Nobody has a role of an empty set, and one name is no set of its letters."""
    with pytest.raises(InvalidSetting) as caught:
        Gate(**{name: value})
    assert caught.value.details["setting"] == "roles"


@pytest.mark.parametrize("value", ["pro", 5, None, {1}, [None]], ids=repr)
def test_a_profile_has_roles_by_name(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Profile(roles=value)
    assert caught.value.details["setting"] == "roles"


def test_roles_may_come_in_any_collection() -> None:
    listed: Any = ["pro", "member", "pro"]
    assert Profile(roles=listed) == Profile(roles=frozenset(listed))
    assert Gate(sender_roles=listed).sender_roles == frozenset({"pro", "member"})


@pytest.mark.promise("GATE-1")
@pytest.mark.parametrize("value", ["no", 0, 1, None])
@pytest.mark.parametrize("name", ["is_subscribed", "is_staff", "is_active"])
def test_a_flag_of_a_profile_is_true_or_false(name: str, value: Any) -> None:
    """A text is as true as any other: nobody becomes staff by it."""
    with pytest.raises(InvalidSetting) as caught:
        Profile(**{name: value})
    assert caught.value.details["setting"] == name


@pytest.mark.parametrize("value", ["no", 0, None])
def test_a_connection_is_there_or_not(value: Any) -> None:
    with pytest.raises(InvalidSetting):
        Introduction(sender=None, recipient=None, are_connected=value)


@pytest.mark.parametrize("name", ["needs_subscription", "needs_connection"])
def test_a_gate_needs_something_or_not(name: str) -> None:
    with pytest.raises(InvalidSetting):
        Gate(**{name: "yes"})  # type: ignore[arg-type]
