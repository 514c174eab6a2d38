"""Live updates: each user's feed as it grows, who writes, who is there. Never content."""

from dmcore.adapters.web.live._live import Live, Presence
from dmcore.adapters.web.live._rhythm import Rhythm

__all__ = ["Live", "Presence", "Rhythm"]
