"""A store on one PostgreSQL that takes itself for one that Citus spreads over machines (ADR 71).

What it asks is what it would ask there. What Citus says to that is only known where there is one:
see ``tests/citus``.
"""

import pytest

from dmcore.adapters.sql import _row_security
from dmcore.adapters.sql._row_security import ON_CITUS


def take_for_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is opened from here on take itself for that."""
    monkeypatch.setattr(_row_security, "look", lambda _connection: ON_CITUS)
