"""Events on their way out: who takes them, how far each has come, what could not be taken (OPS-8).

A worker begins a batch in one transaction, delivers outside of any, and settles what became of it
in another one. Both look at the lease under the lock of its row: whoever lost it stores nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

import attrs

from dmcore._access import held_account
from dmcore._rules import Rules
from dmcore.domain.conversation import Folder
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import ConsumerName, ConversationId, MessageId, User
from dmcore.domain.inbox import ConversationView
from dmcore.domain.instants import to_datetime
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.relaying import (
    Batch,
    Begin,
    ConsumerStatus,
    Delivery,
    Lease,
    Mark,
    Outcome,
    Reference,
    SetAside,
    Settlement,
    claimable,
    claimed,
    given_up,
    retried,
    settled,
)
from dmcore.errors import AccountErased, UnknownConsumer
from dmcore.ports.transactions import Transaction

_USERS_AT_ONCE: Final = 50
_EVENTS_AT_ONCE: Final = 20
_CONVERSATIONS_AT_ONCE: Final = 500


@attrs.frozen(kw_only=True)
class Worker:
    """Who works for a consumer, under a name that no other worker has, and on what terms."""

    consumer: ConsumerName
    holder: str
    lease: timedelta
    attempts: int


@attrs.frozen(kw_only=True)
class Turn:
    """Whether a worker has the lease, and what is to be tried again before anything else."""

    is_held: bool
    again: Delivery | None = None


# What an operator does ----------------------------------------------------------------------------


def add(
    tx: Transaction, rules: Rules, *, operator: User, consumer: ConsumerName, begin: Begin
) -> bool:
    """Add a consumer; return whether it is new. One that is there stays where it is."""
    if tx.outbox.hold(consumer) is not None:
        return False
    tx.outbox.add(Lease(consumer=consumer))
    if begin is Begin.NOW:
        tx.outbox.pass_over(consumer)
    # Behind the marks: that it was added is the first that it hears of.
    _note(tx, rules, operator, Action.CONSUMER_ADDED)
    return True


def forget(tx: Transaction, rules: Rules, *, operator: User, consumer: ConsumerName) -> None:
    """Forget a consumer and everything about it. Raises ``UnknownConsumer``."""
    _held(tx, consumer)
    _note(tx, rules, operator, Action.CONSUMER_FORGOTTEN)
    tx.outbox.forget(consumer)


def consumers(tx: Transaction, rules: Rules) -> tuple[ConsumerStatus, ...]:
    """How each consumer is doing, in order of names."""
    now_us = rules.now_us()
    return tuple(_status(tx, lease, now_us) for lease in tx.outbox.consumers())


def _status(tx: Transaction, lease: Lease, now_us: int) -> ConsumerStatus:
    backlog = tx.outbox.backlog(lease.consumer)
    oldest_us = backlog.oldest_us
    return ConsumerStatus(
        consumer=lease.consumer,
        is_running=lease.is_held(now_us),
        behind=backlog.behind,
        oldest_at=None if oldest_us is None else to_datetime(oldest_us),
        set_aside=backlog.set_aside,
    )


def aside(tx: Transaction, *, consumer: ConsumerName, most: int) -> tuple[SetAside, ...]:
    """What could not be delivered. Raises ``UnknownConsumer``."""
    if all(it.consumer != consumer for it in tx.outbox.consumers()):
        raise UnknownConsumer
    return tuple(tx.outbox.aside(consumer, due=False, limit=most))


def retry(
    tx: Transaction,
    rules: Rules,
    *,
    operator: User,
    consumer: ConsumerName,
    owner: User | None,
    position: int | None,
) -> int:
    """Have what was set aside tried once more; return how many. Raises ``UnknownConsumer``."""
    _held(tx, consumer)
    count = tx.outbox.retry(consumer, owner=owner, position=position)
    if count:
        _note(tx, rules, operator, Action.EVENTS_RETRIED)
    return count


def references(
    tx: Transaction, rules: Rules, *, owner: User, conversation: ConversationId | None
) -> tuple[Reference, ...]:
    """What a host may keep of a user's conversations, or of one of them (OPS-2).

    Whatever the mode, and also while the user may not read. None where there is none, or where the
    user was erased; of what is left of such a user, none is listed.
    """
    since = rules.kept_since(rules.now_us())
    try:
        if conversation is not None:
            view = tx.conversations.view(conversation, reader=owner, since=since).found
            found = [] if view is None else [view]
        else:
            found = list(_all_of(tx, owner, since))
    except AccountErased:
        found = []
    return tuple(
        Reference(
            conversation=view.conversation,
            other=view.other,
            unread=view.unread,
            is_listed=view.folder is Folder.INBOX and not is_pseudonym(owner.id),
            is_muted=view.is_muted,
        )
        for view in found
    )


def _all_of(tx: Transaction, owner: User, since: MessageId | None) -> Iterator[ConversationView]:
    after: ConversationId | None = None
    while some := tx.conversations.of(
        owner, after=after, limit=_CONVERSATIONS_AT_ONCE, since=since
    ):
        yield from some
        after = some[-1].conversation


# What a worker does -------------------------------------------------------------------------------


def hold(tx: Transaction, rules: Rules, *, worker: Worker) -> Turn:
    """Take the lease, or renew it; and with it what somebody asked to try again.

    Raises ``UnknownConsumer``.
    """
    now_us = rules.now_us()
    if not _took(tx, worker, now_us):
        return Turn(is_held=False)
    return Turn(is_held=True, again=_to_retry(tx, worker.consumer, now_us))


def look(
    tx: Transaction, rules: Rules, *, worker: Worker, after: User | None
) -> tuple[Delivery, ...]:
    """What waits. No lock is held while it is looked for: that may take as long as a scan."""
    found = tx.outbox.due(
        worker.consumer,
        after=after,
        now_us=rules.now_us(),
        users=_USERS_AT_ONCE,
        events=_EVENTS_AT_ONCE,
    )
    return tuple(found)


def begin(
    tx: Transaction, rules: Rules, *, worker: Worker, due: tuple[Delivery, ...]
) -> Batch | None:
    """Begin what was found waiting, all or the first of it; ``None`` where the lease is lost.

    Since that was looked for nobody else stored a mark, or the lease would not be this worker's.
    """
    if _held(tx, worker.consumer).holder != worker.holder:
        return None
    now_us = rules.now_us()
    some = claimable(due)
    is_all = len(some) == len(due) < _USERS_AT_ONCE
    after = None if is_all else some[-1].mark.owner
    marks: list[Mark] = []
    aside: list[SetAside] = []
    deliveries: list[Delivery] = []
    for delivery in some:
        if not delivery.events:
            # All of it is kept no longer.
            marks.append(Mark(owner=delivery.mark.owner, position=delivery.head))
        elif delivery.mark.attempts >= worker.attempts:
            mark, event = given_up(delivery.mark, delivery.events[0], now_us)
            marks.append(mark)
            aside.append(event)
        else:
            marks.append(claimed(delivery.mark, now_us))
            deliveries.append(delivery)
    tx.outbox.claim(worker.consumer, marks)
    tx.outbox.set_aside(worker.consumer, aside)
    return Batch(deliveries=tuple(deliveries), after=after, set_aside=len(aside))


def _to_retry(tx: Transaction, consumer: ConsumerName, now_us: int) -> Delivery | None:
    """The next event that somebody asked to try again; those that are kept no longer are dropped.

    It is counted before it is tried, and nobody tries it a second time without being asked.
    """
    for event in tx.outbox.aside(consumer, due=True, limit=_EVENTS_AT_ONCE):
        found = tx.journal.entries_of(event.owner, after=event.position - 1, limit=1)
        if [it.position for it in found] == [event.position]:
            begun = attrs.evolve(event, attempts=event.attempts + 1, at_us=now_us, is_due=False)
            tx.outbox.set_aside(consumer, (begun,))
            mark = Mark(owner=event.owner, position=event.position - 1)
            return Delivery(mark=mark, head=event.position, events=tuple(found), aside=event)
        tx.outbox.take_back(consumer, event)
    return None


def keep(tx: Transaction, rules: Rules, *, worker: Worker) -> bool:
    """Renew the lease, in the middle of a batch; return whether the worker still has it."""
    return _took(tx, worker, rules.now_us())


def settle(
    tx: Transaction, rules: Rules, *, worker: Worker, outcomes: Iterable[Outcome]
) -> Settlement:
    """Keep what became of deliveries, if nobody else took the lease meanwhile."""
    if _held(tx, worker.consumer).holder != worker.holder:
        return Settlement(is_kept=False)
    now_us = rules.now_us()
    marks: list[Mark] = []
    aside: list[SetAside] = []
    for outcome in outcomes:
        event = outcome.delivery.aside
        if event is not None:
            _settle_retried(tx, worker.consumer, outcome, event, now_us)
            continue
        mark, given = settled(outcome, now_us=now_us, most_attempts=worker.attempts)
        marks.append(mark)
        aside += [] if given is None else [given]
    tx.outbox.advance(worker.consumer, marks)
    tx.outbox.set_aside(worker.consumer, aside)
    return Settlement(is_kept=True, set_aside=len(aside))


def _settle_retried(
    tx: Transaction, consumer: ConsumerName, outcome: Outcome, event: SetAside, now_us: int
) -> None:
    left = retried(outcome, event, now_us)
    if left is None:
        tx.outbox.take_back(consumer, event)
    else:
        tx.outbox.set_aside(consumer, (left,))


def release(tx: Transaction, *, worker: Worker) -> None:
    """Give the lease back, so that another worker need not wait for its end."""
    lease = tx.outbox.hold(worker.consumer)
    if lease is not None and lease.holder == worker.holder:
        tx.outbox.save(Lease(consumer=worker.consumer))


def _took(tx: Transaction, worker: Worker, now_us: int) -> bool:
    lease = _held(tx, worker.consumer)
    taken = lease.taken(worker.holder, now_us=now_us, length=worker.lease)
    if taken is None:
        return False
    if taken != lease:
        tx.outbox.save(taken)
    return True


def _held(tx: Transaction, consumer: ConsumerName) -> Lease:
    lease = tx.outbox.hold(consumer)
    if lease is None:
        raise UnknownConsumer
    return lease


def _note(tx: Transaction, rules: Rules, operator: User, action: Action) -> None:
    account = held_account(tx, operator)
    account, entries = account.noted(Fact(action=action, actor=operator.id, at_us=rules.now_us()))
    tx.mailboxes.save(account)
    tx.journal.record(entries)
