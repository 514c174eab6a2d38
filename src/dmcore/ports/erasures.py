"""Erasures: the ledger, and what an erasure finds and changes under an id (GDPR-1)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from dmcore.domain.contact import Contact
from dmcore.domain.erasure import Erasure, ErasureScope, Shredded
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.pair import Pair


class Erasures(Protocol):
    """The ledger of erasures, and storage seen by user rather than by pair.

    A user is erased as soon as the ledger has a line under their pseudonym, whatever else is
    stored. From then on every other port MUST answer for them as its contract says: what somebody
    asks to read for themselves raises ``AccountErased``, and so does holding a pair in their name.

    The ledger is not part of what is erased, and MUST NOT hold the id of a user or a text. Nothing
    here is on a hot path: every method MAY be slow, and MUST work in bounded memory. Where a
    method says that rows are changed, only rows of the user's tenant are.
    """

    def find(self, gone: User) -> Erasure | None:
        """The line of the ledger about whoever has the pseudonym ``gone``."""
        ...

    def among(self, gone: Collection[User]) -> Mapping[User, Erasure]:
        """The lines about whoever of these has one, in one statement; a thousand at a time."""
        ...

    def add(self, erasure: Erasure) -> None:
        """Store a new line. That it is there already MUST make the transaction start over."""
        ...

    def save(self, erasure: Erasure) -> None:
        """Store the new state of a line that is there."""
        ...

    def ledger(self, *, after: UserId | None, limit: int) -> Sequence[Erasure]:
        """Lines of the ledger, in order of their pseudonyms, strictly after ``after``."""
        ...

    def settle(self) -> None:
        """Wait for whoever decided before the ledger had its newest line.

        Afterwards they have finished, or can store nothing of what they decided any more.

        Called in a transaction of its own, which writes nothing, after the line was committed.
        It MUST NOT keep anybody waiting who comes meanwhile, however long one of those takes who
        were there before, and MUST raise ``StoreBusy`` where that is as long as one would wait
        for a lock. A store that lets one writer in at a time has nothing to do.
        """
        ...

    def scope(self, user: User) -> ErasureScope:
        """How many rows name a user, by kind."""
        ...

    def next_conversation(self, user: User) -> ConversationId | None:
        """Any conversation whose pair has ``user`` in it, whether they see it or not."""
        ...

    def conversation_of(self, pair: Pair) -> ConversationId | None:
        """The conversation of a pair in which somebody has a pseudonym: no id can be derived."""
        ...

    def hold_conversation(self, conversation: ConversationId, *, user: User) -> Contact:
        """Hold the pair of such a conversation as ``Contacts`` does, with ``user`` as the actor.

        Whoever of the two is erased is held all the same.
        """
        ...

    def shred(
        self,
        conversation: ConversationId,
        *,
        writer: UserId,
        pseudonym: UserId,
        after: MessageId | None,
        limit: int,
    ) -> Shredded:
        """Take what ``writer`` wrote out of their ``limit`` oldest messages behind ``after``.

        Those still under the writer's name; while the pair is held. Each becomes what
        ``domain.erasure.shredded`` says: text, own text, key, fingerprint and own link MUST be gone
        from the store, and the sender is ``pseudonym``. Nobody else's message is touched.
        """
        ...

    def rename_in_pair(
        self, conversation: ConversationId, *, user: User, partner: UserId, pseudonym: UserId
    ) -> None:
        """Give the user's receipts in the conversation, and the blocks of the two, the pseudonym.

        While the pair is held; the pair itself is saved with the conversation.
        """
        ...

    def rename(self, user: User, pseudonym: UserId, *, limit: int) -> int:
        """Give at most ``limit`` rows outside of conversations the pseudonym; return how many.

        Every column of every table that holds the id of a user, but those that
        ``next_conversation`` leads to, the user's own journal and their account. In evidence of the
        user's messages the text goes as well.
        """
        ...

    def move_journal(self, user: User, pseudonym: UserId, *, through: int) -> None:
        """Make the entries of the user's own journal up to a position those of the pseudonym.

        And what was set aside of them; the marks of consumers up to there are the pseudonym's too,
        from now on or further on than before. All restrictions of the user, where the pseudonym has
        none yet.

        The pseudonym's account is stored.
        """
        ...

    def drop_account(self, user: User) -> bool:
        """Remove the account, whose journal is empty, with its marks; return if it was there."""
        ...

    def people(self) -> Iterator[User]:
        """Everybody whom any row names, each once; MUST stream."""
        ...
