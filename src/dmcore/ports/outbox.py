"""The outbox: how far each consumer of events has come, and who works for it (OPS-8)."""

from collections.abc import Sequence
from typing import Protocol

from dmcore.domain.ids import ConsumerName, User
from dmcore.domain.relaying import Backlog, Delivery, Lease, Mark, SetAside


class Outbox(Protocol):
    """Storage of consumers, of their marks and of what they could not take.

    The events are the journals: nothing is stored here by who sends, and no writer of messages
    waits for anything here. What writes, but for ``add``, MUST be called only while the consumer is
    held: holding it is what keeps two workers from storing at the same time. Marks and events set
    aside belong to an account; they MUST NOT be there without it.
    """

    def consumers(self) -> Sequence[Lease]:
        """Every consumer, in order of names."""
        ...

    def hold(self, consumer: ConsumerName) -> Lease | None:
        """Hold a consumer: nobody else holds it until the transaction ends. ``None`` for none."""
        ...

    def add(self, lease: Lease) -> None:
        """Store a new consumer. That it is there already MUST make the transaction start over."""
        ...

    def save(self, lease: Lease) -> None:
        """Store the new state of a consumer that is held."""
        ...

    def forget(self, consumer: ConsumerName) -> None:
        """Remove a consumer with all of its marks, and what it could not take. It MAY be slow."""
        ...

    def pass_over(self, consumer: ConsumerName) -> None:
        """Set a mark at the end of every journal there is, in one statement. It MAY be slow."""
        ...

    def due(
        self, consumer: ConsumerName, *, after: User | None, now_us: int, users: int, events: int
    ) -> Sequence[Delivery]:
        """What waits, of ``users`` users at most, in order of (tenant, user), strictly after one.

        Of those whose journal ends behind their mark, and whose next event is due: the next
        ``events`` of each, and one alone where that was begun before. Who has no mark has one at 0.
        None of the events is given where none of them is kept any more. In one statement, which MAY
        look at every account behind ``after``, and MUST NOT hold up anybody meanwhile.
        """
        ...

    def claim(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        """Store marks of journals from which is about to be delivered, also where there are none.

        One that is further than what is given MUST stay where it is; one whose account is not there
        any more MUST be left out.
        """
        ...

    def advance(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        """As ``claim``, but for marks that are there: one that is gone since MUST NOT come back."""
        ...

    def set_aside(self, consumer: ConsumerName, events: Sequence[SetAside]) -> None:
        """Store that events could not be delivered; those of who is gone since MUST be left out."""
        ...

    def aside(self, consumer: ConsumerName, *, due: bool, limit: int) -> Sequence[SetAside]:
        """What was set aside, or of it what is to be tried again; in order of (owner, position)."""
        ...

    def take_back(self, consumer: ConsumerName, event: SetAside) -> None:
        """Forget that an event was set aside: it was delivered, or is kept no longer."""
        ...

    def retry(self, consumer: ConsumerName, *, owner: User | None, position: int | None) -> int:
        """Say of what was set aside that it is due: all, of one user, or one. Returns how many."""
        ...

    def backlog(self, consumer: ConsumerName) -> Backlog:
        """Counts. It MAY be slow and MUST NOT hold up writers.

        ``oldest_us`` is when the oldest event happened that waits and is kept.
        """
        ...
