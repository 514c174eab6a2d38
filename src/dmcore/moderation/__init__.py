"""The moderator: the reports, their life, and the evidence that a policy allows (MOD-2, MOD-3)."""

from dmcore.moderation._calls import ModerationCalls
from dmcore.moderation._facades import AsyncModerationDesk, ModerationDesk

__all__ = ["AsyncModerationDesk", "ModerationCalls", "ModerationDesk"]
