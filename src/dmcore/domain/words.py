"""Words of closed sets, read at the border."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from dmcore.errors import DmcoreError

Word = TypeVar("Word", bound=StrEnum)


def word_of(kind: type[Word], text: str, name: str, refusal: Callable[[str], DmcoreError]) -> Word:
    """The word of a set, written as it is; else raises ``refusal`` of what there is to choose."""
    for word in kind:
        if word.value == text:
            return word
    raise refusal(f"{name} must be one of {', '.join(kind)}")
