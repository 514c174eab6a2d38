"""Who may start a conversation with whom: rules of the host's product, given as data (GATE-1).

What the host knows of its users comes as an ``Introduction``; nothing here asks for it.
"""

from collections.abc import Collection
from enum import Enum, auto

import attrs

from dmcore.errors import InvalidSetting


def _to_roles(names: Collection[str]) -> frozenset[str]:
    if not _are_names(names):
        raise InvalidSetting("roles", "must be a set of role names")
    return frozenset(names)


def _are_names(value: object) -> bool:
    # One name is an iterable of its letters, and never what was meant.
    if not isinstance(value, Collection) or isinstance(value, str):
        return False
    return all(isinstance(name, str) for name in value)


def _check_flags(value: object, *names: str) -> None:
    # A text like "no" is as true as any other: nobody becomes staff by it.
    for name in names:
        if not isinstance(getattr(value, name), bool):
            raise InvalidSetting(name, "must be True or False")


def _to_needed_roles(names: Collection[str] | None) -> frozenset[str] | None:
    if names is None:
        return None
    roles = _to_roles(names)
    if not roles:
        raise InvalidSetting("roles", "must name at least one, or be None to ask for none")
    return roles


@attrs.frozen(kw_only=True)
class Profile:
    """What the host says of one user. Raises ``InvalidSetting``.

    ``roles`` are the host's own words. ``is_staff`` can reach anyone. Who is not ``is_active`` can
    neither start a conversation nor be started with.
    """

    roles: frozenset[str] = attrs.field(default=frozenset(), converter=_to_roles)
    is_subscribed: bool = False
    is_staff: bool = False
    is_active: bool = True

    def __attrs_post_init__(self) -> None:
        _check_flags(self, "is_subscribed", "is_staff", "is_active")


@attrs.frozen(kw_only=True)
class Introduction:
    """What the host says of two users; ``None`` for one that it does not know in this tenant."""

    sender: Profile | None
    recipient: Profile | None
    are_connected: bool = False

    def __attrs_post_init__(self) -> None:
        _check_flags(self, "are_connected")


@attrs.frozen(kw_only=True)
class Gate:
    """One way in: everything that it asks for must be so. ``None`` asks for no role.

    Raises ``InvalidSetting``.
    """

    sender_roles: frozenset[str] | None = attrs.field(default=None, converter=_to_needed_roles)
    recipient_roles: frozenset[str] | None = attrs.field(default=None, converter=_to_needed_roles)
    needs_subscription: bool = False
    needs_connection: bool = False

    def __attrs_post_init__(self) -> None:
        _check_flags(self, "needs_subscription", "needs_connection")


class Passage(Enum):
    """What the gates say of one attempt."""

    OPEN = auto()
    FOR_SUBSCRIBERS = auto()
    """Closed, and a subscription of the sender would open it."""
    CLOSED = auto()


def passage(gates: tuple[Gate, ...], introduction: Introduction) -> Passage:
    """Whether the sender may start with the recipient, both of whom are known.

    Without any gate everybody may. Staff can reach anyone.
    """
    sender, recipient = introduction.sender, introduction.recipient
    if sender is None or recipient is None:
        raise ValueError("somebody is unknown: there is nothing to judge")
    if not gates or sender.is_staff:
        return Passage.OPEN
    fitting = [
        gate
        for gate in gates
        if _has_one(sender, gate.sender_roles)
        and _has_one(recipient, gate.recipient_roles)
        and (introduction.are_connected or not gate.needs_connection)
    ]
    if any(sender.is_subscribed or not gate.needs_subscription for gate in fitting):
        return Passage.OPEN
    return Passage.FOR_SUBSCRIBERS if fitting else Passage.CLOSED


def _has_one(profile: Profile, roles: frozenset[str] | None) -> bool:
    return roles is None or not roles.isdisjoint(profile.roles)
