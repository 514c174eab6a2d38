"""What a worker of the relay holds, in two colours. Both run ``RelayingCalls``."""

from collections.abc import Iterable

import attrs

from dmcore.domain.ids import User
from dmcore.domain.relaying import Batch, Outcome, Settlement
from dmcore.operations._calls import RelayingCalls
from dmcore.ports.transactions import AsyncTransactions, Transactions


@attrs.frozen
class Relaying:
    """The desk of one worker for one consumer: take, deliver, settle, and again (OPS-8).

    What is taken and not settled is delivered once more, by whoever has the lease then. Any method
    may raise ``StoreError``, and all but ``release`` ``UnknownConsumer``.
    """

    _calls: RelayingCalls = attrs.field(repr=False)
    _transactions: Transactions = attrs.field(repr=False)

    def take(self, *, after: User | None = None) -> Batch | None:
        """Take or renew the lease, and what is next; ``None`` while another worker has it.

        ``after`` is what the batch before said, so that every user gets a turn.
        """
        turn = self._transactions.run(self._calls.hold())
        if not turn.is_held:
            return None
        if turn.again is not None:
            return Batch(deliveries=(turn.again,), after=after)
        due = self._transactions.run(self._calls.look(after=after))
        if not due:
            return Batch(deliveries=(), after=None)
        return self._transactions.run(self._calls.begin(due))

    def keep(self) -> bool:
        """Renew the lease while delivering; return whether there is still one: if not, stop."""
        return self._transactions.run(self._calls.keep())

    def settle(self, outcomes: Iterable[Outcome]) -> Settlement:
        """Have kept what became of deliveries; nothing is, where the lease was lost."""
        return self._transactions.run(self._calls.settle(outcomes))

    def release(self) -> None:
        """Give the lease back; nothing happens where another worker has it."""
        self._transactions.run(self._calls.release())


@attrs.frozen
class AsyncRelaying:
    """As `Relaying`, awaited."""

    _calls: RelayingCalls = attrs.field(repr=False)
    _transactions: AsyncTransactions = attrs.field(repr=False)

    async def take(self, *, after: User | None = None) -> Batch | None:
        """As `Relaying.take`."""
        turn = await self._transactions.run(self._calls.hold())
        if not turn.is_held:
            return None
        if turn.again is not None:
            return Batch(deliveries=(turn.again,), after=after)
        due = await self._transactions.run(self._calls.look(after=after))
        if not due:
            return Batch(deliveries=(), after=None)
        return await self._transactions.run(self._calls.begin(due))

    async def keep(self) -> bool:
        """As `Relaying.keep`."""
        return await self._transactions.run(self._calls.keep())

    async def settle(self, outcomes: Iterable[Outcome]) -> Settlement:
        """As `Relaying.settle`."""
        return await self._transactions.run(self._calls.settle(outcomes))

    async def release(self) -> None:
        """As `Relaying.release`."""
        await self._transactions.run(self._calls.release())
