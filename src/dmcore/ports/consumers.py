"""Consumers: those to whom events leave, one by one (OPS-8)."""

from typing import Protocol

from dmcore.domain.events import Entry


class Consumer(Protocol):
    """Takes events: entries of journals, each of which names what happened and holds no content.

    It is called by one worker, on one thread, outside of any transaction. Of one user it gets every
    event in the order of positions, but for those that were set aside; between users there is no
    order. It gets each at least once: it MUST recognise a repeat by ``(owner, position)``, or do
    what is the same when done twice. It MAY be called again for an event while an earlier call is
    still under way in another process, where that one outlived its lease.

    It SHOULD return within a bounded time that is shorter than the lease. Whatever it does, what
    was sent stays sent, and nobody who sends waits for it.
    """

    def deliver(self, event: Entry) -> None:
        """Take one event. Returning says that it has it, for good.

        What it raises counts against this event, which is tried again later and set aside after
        some attempts; of the error nothing but the name of its class is kept or told. Meanwhile the
        later events of the same user wait, and those of others go on. ``ConsumerUnavailable`` says
        that it can take none at all just now: nothing is counted and everybody's wait.
        """
        ...
