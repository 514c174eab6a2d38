"""One policy for each of the five products that dmcore is made for: the same core, other rules.

A policy is a value: ``attrs.evolve(presets.CARE, requests="open")`` is another product.
"""

from datetime import timedelta
from typing import Final

from dmcore.domain.body import BodyRules
from dmcore.domain.gates import Gate
from dmcore.domain.policy import Policy

__all__ = ["CARE", "COMMUNITY", "RESIDENTS", "TALENT", "WHITEBALLOON"]

COMMUNITY: Final = Policy(body=BodyRules(emoji="refuse"), edit_window=timedelta(0))
"""A public forum: text without emoji, own messages can be deleted and not changed; 20 messages a
minute and 5 new conversations a day, as everywhere."""

RESIDENTS: Final = Policy(blocked="absorb")
"""Neighbours of one building, who meet on the stairs: a block cannot be told from silence."""

WHITEBALLOON: Final = Policy()
"""Mutual aid among people who know where to find each other: the defaults."""

CARE: Final = Policy(
    blocked="absorb",
    requests="ask",
    evidence="reporter_selected",
    evidence_kept=timedelta(days=30),
    journal_kept=timedelta(days=365),
)
"""Moderated help among strangers: a first message has to be accepted, a block cannot be noticed,
who reports may show messages, and what happened is forgotten after a year."""

TALENT: Final = Policy(
    gates=(
        Gate(
            sender_roles={"professional", "company"},
            recipient_roles={"talent"},
            needs_subscription=True,
        ),
    ),
)
"""A casting marketplace: who pays may write to talent first, and talent may answer anybody. Staff
(``Profile.is_staff``) reach everyone."""
