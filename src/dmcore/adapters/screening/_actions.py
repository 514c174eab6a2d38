"""What a shipped screener does where it finds something, as a setting."""

from datetime import timedelta
from typing import Literal, TypeAlias

from dmcore.domain.numbers import is_whole_number
from dmcore.domain.screening import Flag, Refuse
from dmcore.errors import InvalidSetting

Action: TypeAlias = Literal["flag", "refuse"]


def checked_action(action: Action) -> Action:
    """One of the two. Raises ``InvalidSetting``."""
    if action not in ("flag", "refuse"):
        raise InvalidSetting("screening.action", "must be 'flag' or 'refuse'")
    return action


def checked_count(count: int, *, least: int = 2) -> int:
    """How many, at least so many. Raises ``InvalidSetting``."""
    if not is_whole_number(count, least=least):
        raise InvalidSetting("screening.count", f"must be a whole number of at least {least}")
    return count


def checked_span(span: timedelta) -> timedelta:
    """A positive length of time. Raises ``InvalidSetting``."""
    if not _is_positive(span):
        raise InvalidSetting("screening.within", "must be a positive timedelta")
    return span


def _is_positive(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)


def verdict_of(action: Action, reason: str) -> Flag | Refuse:
    """The verdict that a setting asks for."""
    return Refuse(reason) if action == "refuse" else Flag(reason)
