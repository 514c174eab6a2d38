"""Bringing messages of another system into a store, each at its own instant, and none twice.

Messaging is off there meanwhile. It refuses to know files and terminals.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import Final

import attrs

from dmcore.adapters.clock import ManualClock
from dmcore.cli.closed import behind_closed_doors
from dmcore.cli.failures import ImportIncomplete, MessagingIsOn, StoreNotEmpty
from dmcore.cli.legacy import Line, Lines
from dmcore.cli.paging import every
from dmcore.direct_messages import DirectMessages
from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.inbox import InboxEntry
from dmcore.domain.message import Message
from dmcore.domain.policy import Policy
from dmcore.errors import DmcoreError, StoreError
from dmcore.mailbox import Mailbox

POLICY: Final = Policy(messages=None, starts=None)
"""What was sent before is no attempt to send: there is no limit on it."""

_AT_ONCE: Final = 100

Threads = Mapping[tuple[str, str], bytes]
"""For a user and a partner a digest of what they see: who said what when, in its order."""


@attrs.frozen(kw_only=True)
class Importing:
    """An import of the messages in ``lines`` into the conversations of one tenant.

    The users of the file have nothing in the store but what the same import brought before it was
    interrupted: the beginning of what it brings. So what comes next is the newest everywhere. Every
    method raises ``MessagingIsOn`` where somebody else might write.
    """

    dm: DirectMessages
    clock: ManualClock
    lines: Lines
    tenant: str

    def begin(self) -> int:
        """How many are there already. Raises ``StoreNotEmpty`` and ``ImportIncomplete``."""
        there, stored = self._stored()
        if there > len(self.lines) or stored != self._expected(there):
            raise StoreNotEmpty("more than the beginning of this file; name a fresh one")
        return there

    def go_on(self, lines: Iterable[Line]) -> None:
        """Send each message at its instant, by its sender; ``lines`` are all, in order of time.

        The key is made of the old id, so that nothing is there twice. Afterwards everybody's marker
        is put to the newest message that they had read, as if they had read it when it came. In the
        end all is read back and compared. Raises ``ImportIncomplete``.
        """
        read: dict[tuple[UserId, ConversationId], tuple[Line, MessageId]] = {}
        for number, message in lines:
            with _explained(f"line {number}: the store refused it"):
                self.clock.set_us(message.at_us)
                box = self._box(message.sender)
                sent = box.start(message.recipient, message.text, key=message.key)
            if message.is_read:
                read[message.recipient, sent.conversation] = (number, message), sent.id
        for (reader, conversation), ((number, message), newest) in read.items():
            with _explained(f"line {number}: the store refused it"):
                self.clock.set_us(message.at_us)
                self._box(reader).mark_read(conversation, through=newest)
        _, stored = self._stored()
        if stored != self._expected(len(self.lines)):
            raise ImportIncomplete("what people see is not what the file holds")

    @cached_property
    def _users(self) -> Iterable[UserId]:
        return self.lines.users()

    @cached_property
    def _closed(self) -> DirectMessages:
        return behind_closed_doors(self.dm)

    def _box(self, user: UserId) -> Mailbox:
        return self._closed.mailbox(user, tenant=self.tenant)

    def _stored(self) -> tuple[int, Threads]:
        """How many messages the users of the file have, and which."""
        seen = 0
        threads: dict[tuple[str, str], bytes] = {}
        for user in self._users:
            box = self._box(user)
            with _explained("the store shows somebody nothing"):
                for entry in _entries(box):
                    digest = b""
                    for message in _backwards(box, entry.conversation):
                        text = "" if message.body is None else message.body.text
                        digest = _behind(digest, message.sender, message.sent_at_us, text)
                        seen += 1
                    threads[user, entry.other] = digest
        # Each of the two sees it.
        return seen // 2, threads

    def _expected(self, count: int) -> Threads:
        """What so many of the first messages are to whom."""
        threads: dict[tuple[str, str], bytes] = {}
        for message in self.lines.backwards(count):
            low, high = message.pair
            before = threads.get((low, high), b"")
            digest = _behind(before, message.sender, message.at_us, message.text)
            threads[low, high] = threads[high, low] = digest
        return threads


def _entries(box: Mailbox) -> Iterator[InboxEntry]:
    """Wherever they stand."""
    return chain.from_iterable(every(folder) for folder in (box.inbox, box.requests, box.archived))


def _backwards(box: Mailbox, conversation: ConversationId) -> Iterator[Message]:
    page = box.thread(conversation, limit=_AT_ONCE)
    yield from reversed(page.items)
    while page.older is not None:
        page = box.thread(conversation, limit=_AT_ONCE, before=page.older)
        yield from reversed(page.items)


def _behind(after: bytes, sender: str, at_us: int, text: str) -> bytes:
    """A digest of a message and of all that comes after it."""
    said = "\0".join((sender, str(at_us), text)).encode()
    return hashlib.blake2b(said, digest_size=16, key=after).digest()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """What the store answers a user inside is no answer to an operator: ``what`` that means is."""
    try:
        yield
    except (StoreError, MessagingIsOn):
        raise
    except DmcoreError as error:
        reason = f"{what}: {error.code}"
        raise ImportIncomplete(reason) from None
