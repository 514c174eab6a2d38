"""What a user decides about being reached and being seen (PREF-1)."""

from enum import StrEnum

import attrs

from dmcore.errors import InvalidSetting


class OpenTo(StrEnum):
    """Who may start a conversation with a user. It never touches one that exists."""

    EVERYONE = "everyone"
    CONNECTIONS = "connections"
    NOBODY = "nobody"


def _to_open_to(value: object) -> OpenTo:
    for choice in OpenTo:
        if value == choice.value:
            return choice
    raise InvalidSetting("open_to", f"must be one of {', '.join(OpenTo)}")


@attrs.frozen(kw_only=True)
class Preferences:
    """One user's choices; a user who never chose has these.

    ``receipts``, ``typing`` and ``presence`` are reciprocal: who does not show them does not see
    them. Raises ``InvalidSetting``.
    """

    open_to: OpenTo = attrs.field(default=OpenTo.EVERYONE, converter=_to_open_to)
    receipts: bool = True
    typing: bool = True
    presence: bool = True

    def __attrs_post_init__(self) -> None:
        for name in ("receipts", "typing", "presence"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidSetting(name, "must be True or False")


DEFAULT_PREFERENCES = Preferences()


def check_preferences(value: object) -> Preferences:
    """Return ``value`` where it is ``Preferences``. Raises ``InvalidSetting``."""
    if not isinstance(value, Preferences):
        raise InvalidSetting("preferences", "must be Preferences")
    return value
