"""The worker of the relay: takes events, hands them to a consumer, and says what became of them.

Owns when to wait, when to renew the lease, and what is logged. Refuses to know any consumer, and
any rule of what is delivered when: that is decided where marks are stored.
"""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Final, Protocol

import attrs

from dmcore.domain.ids import User
from dmcore.domain.relaying import Batch, Outcome
from dmcore.errors import ConsumerUnavailable, InvalidSetting, StoreBusy, StoreError
from dmcore.operations import Operations
from dmcore.ports.consumers import Consumer

_log: Final = logging.getLogger("dmcore.relay")

_SHORTEST_PAUSE: Final = timedelta(milliseconds=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_PAUSES: Final = 60


class Stop(Protocol):
    """Says when to stop, and waits for it, as ``threading.Event`` does."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float, /) -> bool: ...


@attrs.frozen(kw_only=True)
class Relayed:
    """What one round did.

    ``failed`` events are tried again, ``set_aside`` ones are not. ``has_lease`` says whether this
    worker may deliver at all, ``is_open`` whether the consumer took what it was given, and
    ``is_idle`` that nothing was left to deliver.
    """

    delivered: int = 0
    failed: int = 0
    set_aside: int = 0
    has_lease: bool = True
    is_open: bool = True
    is_idle: bool = False

    def then(self, later: "Relayed") -> "Relayed":
        """This and what came after it as one."""
        return attrs.evolve(
            later,
            delivered=self.delivered + later.delivered,
            failed=self.failed + later.failed,
            set_aside=self.set_aside + later.set_aside,
        )


class Relay:
    """Delivers the events of a store to one consumer, as one worker (OPS-8).

    ``operations`` is the desk it works at, and ``name`` the one under which ``add_consumer`` knows
    the consumer. Any number of workers may be started for one consumer, in any number of processes:
    the one with the lease delivers, the others wait for their turn. A worker is asked from one
    thread. ``pause`` is how long it waits where nothing is to be done; while the consumer is
    unavailable, or the store is, up to sixty times as long.

    Raises ``InvalidId`` and ``InvalidSetting``.
    """

    def __init__(
        self,
        operations: Operations,
        consumer: Consumer,
        *,
        name: str,
        lease: timedelta = timedelta(minutes=1),
        attempts: int = 5,
        pause: timedelta = timedelta(seconds=1),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        if not _SHORTEST_PAUSE <= pause <= _LONGEST_PAUSE:
            raise InvalidSetting("pause", "must be a timedelta of a millisecond to an hour")
        self._desk = operations.relaying(
            name, holder=secrets.token_hex(16), lease=lease, attempts=attempts
        )
        self._consumer = consumer
        self._name = name
        self._pause_s = pause.total_seconds()
        # Renewed long before the end: whoever waits for it must not come in between.
        self._renew_s = lease.total_seconds() / 3
        self._renewed_s = 0.0
        self._seconds = seconds
        self._after: User | None = None

    def run_once(self, stop: Stop | None = None) -> Relayed:
        """One round: what is next for some users, delivered and settled; return what it did.

        Once ``stop`` is set nothing more of it is delivered. Raises ``UnknownConsumer`` and
        ``StoreError``; what the consumer raises is counted, never raised.
        """
        began_s = self._seconds()
        from_the_start = self._after is None
        batch = self._desk.take(after=self._after)
        if batch is None:
            return Relayed(has_lease=False)
        self._renewed_s = began_s
        self._after = batch.after
        if not batch.deliveries:
            is_idle = from_the_start and batch.after is None and not batch.set_aside
            return Relayed(set_aside=batch.set_aside, is_idle=is_idle)
        return self._worked_off(batch, Event() if stop is None else stop)

    def run(self, stop: Stop, *, until_idle: bool = False) -> Relayed:
        """Deliver until ``stop`` is set, or until nothing is left; return what it did.

        A store that does not answer is waited for, and so is a consumer that is unavailable. With
        ``until_idle`` either ends it, for that may last. The lease is given back at the end. Raises
        ``UnknownConsumer``, also where the consumer is forgotten meanwhile, and with ``until_idle``
        ``StoreError`` other than ``StoreBusy``.
        """
        total, pauses = Relayed(), 0
        try:
            while not stop.is_set():
                try:
                    round_ = self.run_once(stop)
                    is_over = until_idle and (round_.is_idle or not round_.is_open)
                except StoreError as error:
                    if until_idle and not isinstance(error, StoreBusy):
                        raise
                    _log.warning("%s: the store failed: %s", self._name, type(error).__name__)
                    round_, is_over = Relayed(is_open=False), False
                total = total.then(round_)
                if is_over:
                    break
                is_waiting = round_.is_idle or not (round_.has_lease and round_.is_open)
                pauses = 0 if round_.is_open else min(2 * pauses or 1, _MOST_PAUSES)
                if is_waiting:
                    stop.wait(self._pause_s * max(pauses, 1))
        finally:
            self._release()
        return total

    def _release(self) -> None:
        try:
            self._desk.release()
        except StoreError as error:
            # It runs out by itself.
            _log.warning("%s: the lease was not given back: %s", self._name, type(error).__name__)

    def _worked_off(self, batch: Batch, stop: Stop) -> Relayed:
        outcomes: list[Outcome] = []
        is_open = goes_on = True
        for delivery in batch.deliveries:
            delivered, kind = 0, None
            for event in delivery.events:
                goes_on = goes_on and is_open and not stop.is_set() and self._holds()
                if not goes_on:
                    break
                try:
                    self._consumer.deliver(event)
                except ConsumerUnavailable:
                    _log.warning("%s: the consumer is unavailable", self._name)
                    is_open = False
                except Exception as error:  # noqa: BLE001 - the host's: it may raise anything
                    kind = type(error).__name__
                    _log.warning("%s: a delivery failed: %s", self._name, kind)
                    break
                else:
                    delivered += 1
            outcomes.append(Outcome(delivery=delivery, delivered=delivered, error=kind))
        kept = self._desk.settle(outcomes)
        if not kept.is_kept:
            _log.warning(
                "%s: another worker took over; what was delivered may come again", self._name
            )
        return Relayed(
            delivered=sum(it.delivered for it in outcomes),
            failed=sum(it.error is not None for it in outcomes) - kept.set_aside,
            set_aside=batch.set_aside + kept.set_aside,
            has_lease=kept.is_kept,
            is_open=is_open,
        )

    def _holds(self) -> bool:
        """Whether the lease is still there, which is renewed where that is due."""
        now_s = self._seconds()
        if now_s - self._renewed_s < self._renew_s:
            return True
        self._renewed_s = now_s
        return self._desk.keep()
