"""What differs between products: a policy is data, chosen once per installation."""

from datetime import timedelta
from typing import Literal

import attrs

from dmcore.domain.body import BodyRules
from dmcore.domain.limits import RateLimit
from dmcore.errors import InvalidSetting


@attrs.frozen(kw_only=True)
class Policy:
    """The rules of one product. Every value has a sound default.

    ``messages`` and ``starts`` are the two limits of LIMIT-1 (``None`` switches one off); ``body``
    says what a text may be (MSG-1); ``blocked`` what happens to a message to someone who blocks its
    sender: ``"refuse"`` answers as for any unavailable recipient, ``"absorb"`` lets the sender see
    it sent while nobody ever receives it (BLOCK-2). Raises ``InvalidSetting``.
    """

    messages: RateLimit | None = RateLimit(20, timedelta(seconds=60))
    starts: RateLimit | None = RateLimit(5, timedelta(hours=24))
    body: BodyRules = attrs.field(factory=BodyRules)
    blocked: Literal["refuse", "absorb"] = "refuse"

    def __attrs_post_init__(self) -> None:
        for name in ("messages", "starts"):
            limit = getattr(self, name)
            if limit is not None and not isinstance(limit, RateLimit):
                raise InvalidSetting(name, "must be a RateLimit, or None for no limit")
        if not isinstance(self.body, BodyRules):
            raise InvalidSetting("body", "must be BodyRules")
        if self.blocked not in ("refuse", "absorb"):
            raise InvalidSetting("blocked", "must be 'refuse' or 'absorb'")
