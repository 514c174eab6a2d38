"""What the five products have asked for, in the policies that ship."""

import attrs
import pytest

from dmcore import presets
from dmcore.domain.body import parse_body
from dmcore.domain.gates import Introduction, Passage, Profile, passage
from dmcore.domain.policy import Policy
from dmcore.errors import InvalidBody


@pytest.mark.parametrize("name", presets.__all__)
def test_each_preset_keeps_the_limits_that_were_promised(name: str) -> None:
    policy = getattr(presets, name)

    assert (policy.messages, policy.starts) == (Policy().messages, Policy().starts)


@pytest.mark.parametrize("name", presets.__all__)
def test_only_the_community_refuses_emoji(name: str) -> None:
    rules = getattr(presets, name).body

    if name == "COMMUNITY":
        with pytest.raises(InvalidBody):
            parse_body("fine \N{THUMBS UP SIGN}", rules)
    else:
        assert parse_body("fine \N{THUMBS UP SIGN}", rules) is not None


def test_only_those_who_moderate_may_be_shown_messages() -> None:
    shown = {name for name in presets.__all__ if getattr(presets, name).evidence != "never"}

    assert shown == {"CARE"}


@pytest.mark.parametrize(
    ("sender", "opens"),
    [
        (Profile(roles={"professional"}, is_subscribed=True), Passage.OPEN),
        (Profile(roles={"company"}, is_subscribed=True), Passage.OPEN),
        (Profile(roles={"professional"}), Passage.FOR_SUBSCRIBERS),
        (Profile(roles={"talent"}, is_subscribed=True), Passage.CLOSED),
        (Profile(is_staff=True), Passage.OPEN),
    ],
    ids=lambda value: value.name if isinstance(value, Passage) else None,
)
def test_who_pays_may_write_to_talent(sender: Profile, opens: Passage) -> None:
    met = Introduction(sender=sender, recipient=Profile(roles={"talent"}))

    assert passage(presets.TALENT.gates, met) is opens


def test_a_preset_is_a_value_to_start_from() -> None:
    assert attrs.evolve(presets.CARE, requests="open").blocked == "absorb"
    assert presets.CARE.requests == "ask"
