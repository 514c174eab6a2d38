"""What a host holds for an operator, in two colours. Both run ``OperationsCalls``."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import attrs

from dmcore.domain.erasure import Erased, Erasure, ErasurePreview
from dmcore.domain.events import Entry
from dmcore.domain.ids import User
from dmcore.domain.key_work import KeyWork
from dmcore.domain.mending import Repair, returned
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Page
from dmcore.domain.relaying import ConsumerStatus, Reference, SetAside
from dmcore.domain.retention import Pruned
from dmcore.domain.verification import Finding
from dmcore.operations._calls import ErasureSteps, OperationsCalls
from dmcore.operations._relay_facades import AsyncRelaying, Relaying
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import AsyncTransactions, Transactions


@attrs.frozen
class Operations:
    """The operator's desk; who may hold one is the host's decision.

    Whatever is refused, but for its form, is journaled (AUD-1). Any method may raise
    ``StoreError``.
    """

    _calls: OperationsCalls = attrs.field(repr=False)
    _transactions: Transactions = attrs.field(repr=False)
    operator: User = attrs.field(init=False)

    @operator.default
    def _operator(self) -> User:
        return self._calls.operator

    def mode(self) -> Mode:
        """The mode now (OPS-1)."""
        return self._transactions.run(self._calls.mode())

    def set_mode(self, mode: Mode | str) -> Mode:
        """Turn the switch, at once in every process, journaled; return the mode before (OPS-1).

        Raises ``InvalidSetting`` for a word that is no mode.
        """
        return self._transactions.run(self._calls.set_mode(mode))

    def status(self) -> StoreStatus:
        """Mode, versions and counts, never content (OPS-3)."""
        return self._transactions.run(self._calls.status())

    def audit(
        self, user: str, *, tenant: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Entry]:
        """A page of the content-free facts about one user, oldest first (AUD-1).

        Without ``tenant``, of the operator's own. Raises ``InvalidId``, ``InvalidPageSize`` and
        ``InvalidCursor``.
        """
        return self._transactions.run(
            self._calls.audit(user, tenant=tenant, limit=limit, cursor=cursor)
        )

    def verify(self, *, most: int = 100) -> tuple[Finding, ...]:
        """Recount everything that is counted, and name what is wrong (OPS-5); empty is healthy.

        Raises ``InvalidSetting`` where ``most`` is no whole number in 1..1000000.
        """
        return self._transactions.run(self._calls.verify(most=most))

    def repair(self, *, most: int = 100) -> Repair:
        """Mend what can be derived from what is left; return what was, and what is still wrong.

        Counters, markers, listings and bounds are made anew from messages, receipts, block lists,
        restrictions and journals; nothing that is gone is made up. In at most ``most``
        conversations and as many accounts, each in a transaction of its own under the locks of
        writers, each journaled before: call it until nothing is mended, and again whenever it was
        interrupted (OPS-5). Raises ``InvalidSetting`` for a ``most`` outside 1..1000000.
        """
        steps = self._calls.repairing(most=most)
        damage = self._transactions.run(steps.find)
        mended: list[Finding] = []
        if not damage.is_none:
            self._transactions.run(steps.note(damage))
            for step in steps.mend(damage):
                mended += self._transactions.run(step)
            if damage.returned:
                mended += returned(self.reapply_erasures())
        return Repair(mended=tuple(mended), left=self._transactions.run(steps.left))

    def prune(self, *, most: int = 1_000) -> Pruned:
        """Remove for good what the policy keeps no longer, ``most`` of each kind at most (GDPR-2).

        Messages whose time is over and that are a day old, with their keys and receipts; evidence
        that nobody may look at any more; the beginnings of journals. In transactions of at most 500
        messages, in every mode: call it until ``is_complete``, and again whenever it was
        interrupted. Nobody notices but by a feed that expired (FEED-1). Raises ``InvalidSetting``
        for a ``most`` outside 1..10000.
        """
        steps = self._calls.pruning(most=most)
        done = self._transactions.run(steps.begin)
        step = steps.messages(done)
        while step is not None:
            done = done.then(self._transactions.run(step))
            step = steps.messages(done)
        evidence = self._transactions.run(steps.evidence)
        journals = self._shorten(self._transactions.run(steps.journals))
        return steps.finished(done, evidence=evidence, journals=journals)

    def prune_journals(self, *, before: datetime, most: int = 1_000) -> int:
        """Forget what journals tell of the time before an instant; return how many were shortened.

        At most ``most`` users at a time, each in a transaction of its own: call it until it returns
        0, and again whenever it was interrupted. Feeds expire where they were shortened (FEED-1).
        Raises ``InvalidSetting`` for a ``before`` without time zone and ``most`` outside 1..10000.
        """
        found = self._transactions.run(self._calls.expired(before=before, most=most))
        return len(self._shorten(found))

    def _shorten(self, found: tuple[Entry, ...]) -> list[bool]:
        if found:
            self._transactions.run(self._calls.note_pruning())
        return [self._transactions.run(self._calls.shorten(newest)) for newest in found]

    def prune_evidence(self, *, most: int = 1_000) -> int:
        """Forget the evidence that is too old to be looked at; return of how many reports.

        Of ``most`` reports at a time at most, in one transaction: call it until it returns 0.
        Raises ``InvalidSetting`` for a ``most`` outside 1..10000.
        """
        return self._transactions.run(self._calls.prune_evidence(most=most))

    def preview_erasure(self, user: str, *, tenant: str | None = None) -> ErasurePreview:
        """Count what erasing a user would reach; that it was asked is journaled (GDPR-1).

        Without ``tenant``, of the operator's own. Raises ``InvalidId``, and as ``erase``.
        """
        return self._transactions.run(self._calls.preview_erasure(user, tenant=tenant))

    def erase(self, user: str, *, tenant: str | None = None, most: int = 500) -> Erased:
        """Erase a user for good: what they wrote is shredded, their id replaced by a pseudonym.

        The other side keeps its conversations and its own messages under the same ids. It works in
        every mode, in transactions of at most ``most`` rows; one that was interrupted is gone on
        with by calling again, and a second call changes nothing (GDPR-1). Raises ``InvalidId``, and
        ``NotYourself`` for the operator's own id, and ``InvalidSetting`` for a pseudonym and a
        ``most`` outside 1..10000.
        """
        return self._erase(self._calls.erasing(user, tenant=tenant, most=most))

    def _erase(self, steps: ErasureSteps) -> Erased:
        is_new = self._transactions.run(steps.begin)
        if is_new:
            self._transactions.run(steps.settle)
        done = step = self._transactions.run(steps.go_on_behind if is_new else steps.go_on)
        while not done.is_finished:
            step = self._transactions.run(steps.go_on if step.has_changed else steps.finish)
            done = done.then(step)
        return attrs.evolve(done, has_changed=done.has_changed or is_new)

    def erasures(self, *, limit: int = 50, cursor: str | None = None) -> Page[Erasure]:
        """A page of the ledger of erasures, which names nobody.

        Raises ``InvalidPageSize`` and ``InvalidCursor``.
        """
        return self._transactions.run(self._calls.erasures(limit=limit, cursor=cursor))

    def export_erasures(self, *, limit: int = 100, cursor: str | None = None) -> Page[str]:
        """A page of the ledger as lines of JSON, to be kept beside the backups (GDPR-1).

        ``next`` leads through all of it. Raises ``InvalidPageSize`` and ``InvalidCursor``.
        """
        return self._transactions.run(self._calls.export_erasures(limit=limit, cursor=cursor))

    def record_erasures(self, lines: Iterable[str]) -> int:
        """Take lines that were kept into the ledger; return how many it did not have.

        From then on these users are closed, whatever a backup brought back: nobody acts as them or
        writes to them. What they wrote goes with `reapply_erasures`. In transactions of 500 lines
        at most, so it takes a ledger of any length; where it was interrupted, call it again. Raises
        ``InvalidLedger`` for a line that is none, or is of another installation: of its part
        nothing is taken in.
        """
        steps = self._calls.recording()
        parts = [self._transactions.run(step) for step in steps.take(lines)]
        for step in steps.close(self._transactions.run(steps.named) if parts else ()):
            self._transactions.run(step)
        own = [part.own for part in parts if part.own is not None]
        for line in own[:1]:
            self._transactions.run(steps.take_own(line))
        return sum(part.new for part in parts) + len(own[:1])

    def reapply_erasures(self) -> tuple[Erased, ...]:
        """Erase again whomever the ledger knows and some row still names (GDPR-1).

        That is so after an older backup came back, and where an erasure was interrupted.
        """
        found = self._transactions.run(self._calls.to_reapply())
        return tuple(self._erase(self._calls.reapplying(user)) for user in found)

    def note_key_work(
        self, work: KeyWork | str, *, user: str | None = None, tenant: str | None = None
    ) -> None:
        """Write down what is about to be done with keys, which lie elsewhere (CRYPT-1, AUD-1).

        ``"rotate"``, ``"rotate_users"``, ``"rewrap"``, or ``"destroy"`` with whose: say it before
        doing it to a keyring. The commands do, and so do ``sql.encrypt`` and ``sql.seal`` with
        ``"encrypt"`` and ``"seal"``. Raises ``InvalidSetting`` and ``InvalidId``.
        """
        self._transactions.run(self._calls.note_key_work(work, user=user, tenant=tenant))

    def add_consumer(self, consumer: str, *, begin: str = "kept") -> bool:
        """Add somebody to whom events leave, by a name; return whether it is new (OPS-8).

        It begins with everything that journals still tell (``"kept"``) or with what happens from
        ``"now"`` on; one that is there goes on where it is. Raises ``InvalidId`` and
        ``InvalidSetting``.
        """
        return self._transactions.run(self._calls.add_consumer(consumer, begin=begin))

    def consumers(self) -> tuple[ConsumerStatus, ...]:
        """How far behind each consumer of events is, in order of names (OPS-3, OPS-8)."""
        return self._transactions.run(self._calls.consumers())

    def set_aside(self, consumer: str, *, most: int = 100) -> tuple[SetAside, ...]:
        """What a consumer could not take, ``most`` at the most, in order of user and position.

        Raises ``InvalidId``, ``UnknownConsumer`` and, for a ``most`` outside 1..10000,
        ``InvalidSetting``.
        """
        return self._transactions.run(self._calls.set_aside(consumer, most=most))

    def retry(
        self,
        consumer: str,
        *,
        user: str | None = None,
        tenant: str | None = None,
        position: int | None = None,
    ) -> int:
        """Have what was set aside delivered once more: all, of one user, or one; return how many.

        It comes behind what went on without it. Raises ``InvalidId``, ``InvalidSetting`` for a
        position without a user, and ``UnknownConsumer``.
        """
        return self._transactions.run(
            self._calls.retry(consumer, user=user, tenant=tenant, position=position)
        )

    def forget_consumer(self, consumer: str) -> None:
        """Forget a consumer, how far it has come, and what was set aside; its worker stops.

        Raises ``InvalidId`` and ``UnknownConsumer``.
        """
        self._transactions.run(self._calls.forget_consumer(consumer))

    def relaying(
        self,
        consumer: str,
        *,
        holder: str,
        lease: timedelta = timedelta(minutes=1),
        attempts: int = 5,
    ) -> Relaying:
        """The desk of one worker, which takes events and says what became of them (OPS-8).

        ``holder`` is a name that no other worker has. While it holds the ``lease``, nobody else
        delivers; after so many ``attempts`` an event is set aside. ``dmcore.adapters.relay`` has
        the worker. Raises ``InvalidId`` and ``InvalidSetting``.
        """
        calls = self._calls.relaying(consumer, holder=holder, lease=lease, attempts=attempts)
        return Relaying(calls, self._transactions)

    def references(
        self, user: str, *, tenant: str | None = None, conversation: UUID | str | None = None
    ) -> tuple[Reference, ...]:
        """What a host may keep of a user's conversations, or of one: ids and a count (OPS-2).

        In every mode, and whatever the user may do. None for who was erased; for what is left of
        such a user, none that is listed. Raises ``InvalidId``.
        """
        return self._transactions.run(
            self._calls.references(user, tenant=tenant, conversation=conversation)
        )


@attrs.frozen
class AsyncOperations:
    """As `Operations`, awaited. A cancelled call is undone unless it is being committed."""

    _calls: OperationsCalls = attrs.field(repr=False)
    _transactions: AsyncTransactions = attrs.field(repr=False)
    operator: User = attrs.field(init=False)

    @operator.default
    def _operator(self) -> User:
        return self._calls.operator

    async def mode(self) -> Mode:
        """As `Operations.mode`."""
        return await self._transactions.run(self._calls.mode())

    async def set_mode(self, mode: Mode | str) -> Mode:
        """As `Operations.set_mode`."""
        return await self._transactions.run(self._calls.set_mode(mode))

    async def status(self) -> StoreStatus:
        """As `Operations.status`."""
        return await self._transactions.run(self._calls.status())

    async def audit(
        self, user: str, *, tenant: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Entry]:
        """As `Operations.audit`."""
        return await self._transactions.run(
            self._calls.audit(user, tenant=tenant, limit=limit, cursor=cursor)
        )

    async def verify(self, *, most: int = 100) -> tuple[Finding, ...]:
        """As `Operations.verify`."""
        return await self._transactions.run(self._calls.verify(most=most))

    async def repair(self, *, most: int = 100) -> Repair:
        """As `Operations.repair`."""
        steps = self._calls.repairing(most=most)
        damage = await self._transactions.run(steps.find)
        mended: list[Finding] = []
        if not damage.is_none:
            await self._transactions.run(steps.note(damage))
            for step in steps.mend(damage):
                mended += await self._transactions.run(step)
            if damage.returned:
                mended += returned(await self.reapply_erasures())
        return Repair(mended=tuple(mended), left=await self._transactions.run(steps.left))

    async def prune(self, *, most: int = 1_000) -> Pruned:
        """As `Operations.prune`. Cancelled, it is gone on with by calling again."""
        steps = self._calls.pruning(most=most)
        done = await self._transactions.run(steps.begin)
        step = steps.messages(done)
        while step is not None:
            done = done.then(await self._transactions.run(step))
            step = steps.messages(done)
        evidence = await self._transactions.run(steps.evidence)
        journals = await self._shorten(await self._transactions.run(steps.journals))
        return steps.finished(done, evidence=evidence, journals=journals)

    async def prune_journals(self, *, before: datetime, most: int = 1_000) -> int:
        """As `Operations.prune_journals`."""
        found = await self._transactions.run(self._calls.expired(before=before, most=most))
        return len(await self._shorten(found))

    async def _shorten(self, found: tuple[Entry, ...]) -> list[bool]:
        if found:
            await self._transactions.run(self._calls.note_pruning())
        return [await self._transactions.run(self._calls.shorten(newest)) for newest in found]

    async def prune_evidence(self, *, most: int = 1_000) -> int:
        """As `Operations.prune_evidence`."""
        return await self._transactions.run(self._calls.prune_evidence(most=most))

    async def preview_erasure(self, user: str, *, tenant: str | None = None) -> ErasurePreview:
        """As `Operations.preview_erasure`."""
        return await self._transactions.run(self._calls.preview_erasure(user, tenant=tenant))

    async def erase(self, user: str, *, tenant: str | None = None, most: int = 500) -> Erased:
        """As `Operations.erase`. Cancelled, it is gone on with by calling again."""
        return await self._erase(self._calls.erasing(user, tenant=tenant, most=most))

    async def _erase(self, steps: ErasureSteps) -> Erased:
        is_new = await self._transactions.run(steps.begin)
        if is_new:
            await self._transactions.run(steps.settle)
        done = step = await self._transactions.run(steps.go_on_behind if is_new else steps.go_on)
        while not done.is_finished:
            step = await self._transactions.run(steps.go_on if step.has_changed else steps.finish)
            done = done.then(step)
        return attrs.evolve(done, has_changed=done.has_changed or is_new)

    async def erasures(self, *, limit: int = 50, cursor: str | None = None) -> Page[Erasure]:
        """As `Operations.erasures`."""
        return await self._transactions.run(self._calls.erasures(limit=limit, cursor=cursor))

    async def export_erasures(self, *, limit: int = 100, cursor: str | None = None) -> Page[str]:
        """As `Operations.export_erasures`."""
        return await self._transactions.run(self._calls.export_erasures(limit=limit, cursor=cursor))

    async def record_erasures(self, lines: Iterable[str]) -> int:
        """As `Operations.record_erasures`. Cancelled, it is gone on with by calling again."""
        steps = self._calls.recording()
        parts = [await self._transactions.run(step) for step in steps.take(lines)]
        for step in steps.close(await self._transactions.run(steps.named) if parts else ()):
            await self._transactions.run(step)
        own = [part.own for part in parts if part.own is not None]
        for line in own[:1]:
            await self._transactions.run(steps.take_own(line))
        return sum(part.new for part in parts) + len(own[:1])

    async def reapply_erasures(self) -> tuple[Erased, ...]:
        """As `Operations.reapply_erasures`."""
        found = await self._transactions.run(self._calls.to_reapply())
        return tuple([await self._erase(self._calls.reapplying(user)) for user in found])

    async def note_key_work(
        self, work: KeyWork | str, *, user: str | None = None, tenant: str | None = None
    ) -> None:
        """As `Operations.note_key_work`."""
        await self._transactions.run(self._calls.note_key_work(work, user=user, tenant=tenant))

    async def add_consumer(self, consumer: str, *, begin: str = "kept") -> bool:
        """As `Operations.add_consumer`."""
        return await self._transactions.run(self._calls.add_consumer(consumer, begin=begin))

    async def consumers(self) -> tuple[ConsumerStatus, ...]:
        """As `Operations.consumers`."""
        return await self._transactions.run(self._calls.consumers())

    async def set_aside(self, consumer: str, *, most: int = 100) -> tuple[SetAside, ...]:
        """As `Operations.set_aside`."""
        return await self._transactions.run(self._calls.set_aside(consumer, most=most))

    async def retry(
        self,
        consumer: str,
        *,
        user: str | None = None,
        tenant: str | None = None,
        position: int | None = None,
    ) -> int:
        """As `Operations.retry`."""
        return await self._transactions.run(
            self._calls.retry(consumer, user=user, tenant=tenant, position=position)
        )

    async def forget_consumer(self, consumer: str) -> None:
        """As `Operations.forget_consumer`."""
        await self._transactions.run(self._calls.forget_consumer(consumer))

    def relaying(
        self,
        consumer: str,
        *,
        holder: str,
        lease: timedelta = timedelta(minutes=1),
        attempts: int = 5,
    ) -> AsyncRelaying:
        """As `Operations.relaying`."""
        calls = self._calls.relaying(consumer, holder=holder, lease=lease, attempts=attempts)
        return AsyncRelaying(calls, self._transactions)

    async def references(
        self, user: str, *, tenant: str | None = None, conversation: UUID | str | None = None
    ) -> tuple[Reference, ...]:
        """As `Operations.references`."""
        return await self._transactions.run(
            self._calls.references(user, tenant=tenant, conversation=conversation)
        )
