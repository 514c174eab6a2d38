"""Bringing messages of another system into a store, each at its own instant, and none twice.

It refuses to know files and terminals.
"""

from collections.abc import Iterable

import attrs

from dmcore.adapters.clock import ManualClock
from dmcore.cli.legacy import Fault, Legacy
from dmcore.direct_messages import DirectMessages
from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.policy import Policy
from dmcore.errors import DmcoreError, MessagingUnavailable, StoreError

POLICY = Policy(messages=None, starts=None)
"""What was sent before is no attempt to send: there is no limit on it."""


@attrs.frozen(kw_only=True)
class Imported:
    """What came of it: how many messages are in the store, and which lines it did not take."""

    messages: int
    refused: tuple[Fault, ...]


def import_all(
    dm: DirectMessages,
    clock: ManualClock,
    messages: Iterable[tuple[int, Legacy]],
    *,
    tenant: str,
    now_us: int,
    goes_on: bool,
) -> Imported:
    """Send each message at its instant, in the order given, under its old id as the key.

    So one that is there already, from a run that was interrupted, stays the one it is (MSG-3).
    Where one is refused the rest is sent all the same if it ``goes_on``. Afterwards everybody's
    marker is put to the newest message that they had read.
    """
    read: dict[tuple[UserId, ConversationId], MessageId] = {}
    refused: list[Fault] = []
    there = 0
    for line, message in messages:
        clock.set_us(message.at_us)
        box = dm.mailbox(message.sender, tenant=tenant)
        try:
            sent = box.start(message.recipient, message.text, key=message.id)
        except (StoreError, MessagingUnavailable):
            raise
        except DmcoreError as error:
            refused.append(Fault(line=line, reason=f"the store refused it: {error.code}"))
            if goes_on:
                continue
            break
        there += 1
        if message.is_read:
            read[message.recipient, sent.conversation] = sent.id
    clock.set_us(now_us)
    for (reader, conversation), newest in read.items():
        dm.mailbox(reader, tenant=tenant).mark_read(conversation, through=newest)
    return Imported(messages=there, refused=tuple(refused))
