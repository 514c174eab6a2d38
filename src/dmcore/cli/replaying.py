"""Sending a record again, at its own instants, and counting what came of it.

It refuses to know files and terminals.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import attrs

from dmcore.adapters.clock import ManualClock
from dmcore.cli.trace import Attempt
from dmcore.direct_messages import DirectMessages
from dmcore.domain.ids import ConversationId
from dmcore.errors import LimitReached, RecipientUnavailable, YouBlockedThem

# As many as are worth keeping open: few people write most of what is written.
_MAILBOXES: Final = 4_096


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of all attempts; ``conversations`` counts those that got a message.

    ``refused_recipients`` can only be other than 0 in a store that held blocks before.
    """

    accepted: int
    refused_messages: int
    refused_starts: int
    refused_recipients: int
    conversations: int


def send_all(dm: DirectMessages, clock: ManualClock, attempts: Iterable[Attempt]) -> Outcome:
    """Make every attempt at its instant; a refused one is counted, and the next one is made."""
    mailbox_of = lru_cache(maxsize=_MAILBOXES)(dm.mailbox)
    refused: Counter[str] = Counter()
    accepted = 0
    conversations: set[ConversationId] = set()
    for attempt in attempts:
        clock.set_us(attempt.at_us)
        mailbox = mailbox_of(attempt.sender)
        try:
            message = mailbox.start(attempt.receiver, f"message {attempt.line}")
        except LimitReached as refusal:
            refused[refusal.limit] += 1
        except (RecipientUnavailable, YouBlockedThem):
            refused["recipients"] += 1
        else:
            accepted += 1
            conversations.add(message.conversation)
    return Outcome(
        accepted=accepted,
        refused_messages=refused["messages"],
        refused_starts=refused["starts"],
        refused_recipients=refused["recipients"],
        conversations=len(conversations),
    )
