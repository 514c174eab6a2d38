"""The operator's switch (OPS-1)."""

from enum import StrEnum
from typing import Self

from dmcore.errors import InvalidSetting, MessagingUnavailable


class Mode(StrEnum):
    """What messaging allows at the moment. A fresh installation is ``OFF``."""

    OFF = "off"
    READ_ONLY = "read_only"
    REPLIES_ONLY = "replies_only"
    ON = "on"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a mode, with ``-`` or ``_``. Raises ``InvalidSetting``."""
        normal = str(text).replace("-", "_")
        for mode in cls:
            if mode.value == normal:
                return mode
        choices = ", ".join(mode.replace("_", "-") for mode in cls)
        raise InvalidSetting("mode", f"must be one of {choices}")

    def check_read(self) -> None:
        """Reading, marking read and blocking work in every mode but ``OFF``."""
        if self is Mode.OFF:
            raise MessagingUnavailable(self)

    def check_reply(self) -> None:
        """Writing in a conversation that one has."""
        if self in (Mode.OFF, Mode.READ_ONLY):
            raise MessagingUnavailable(self)

    def check_start(self) -> None:
        """Starting a conversation."""
        if self is not Mode.ON:
            raise MessagingUnavailable(self)
