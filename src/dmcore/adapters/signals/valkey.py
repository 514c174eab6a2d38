"""Signals between several processes, through a Valkey (or Redis) server.

What one process tells reaches its own listeners at once and those of others through the server;
without the server that half is lost, and nobody waits for it.
"""

import json
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from dmcore._extras import extra
from dmcore.adapters.signals.local import LocalSignals
from dmcore.domain.ids import User, parse_conversation_id, parse_tenant_id, parse_user_id
from dmcore.errors import DmcoreError, InvalidSetting
from dmcore.ports.signals import Signal, Signals, SignedOut, Typing

_MOST_WAITING: Final = 1_000
_POLL_S: Final = 0.5
_SHORTEST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_REST_S: Final = 2.0

Command = Callable[[Any], object]


class ValkeySignals:
    """The ``Signals`` port for a site of several processes.

    ``prefix`` keeps several sites on one server apart. ``timeout`` is how long a question may wait
    for the server; after one waited in vain none is asked for two seconds. Raises
    ``InvalidSetting`` for what is no URL, ``ImportError`` without the package ``valkey``.
    """

    def __init__(self, url: str, *, prefix: str = "dmcore", timeout: float = 0.5) -> None:
        self._client, self._errors = _client_of(url, timeout)
        self._channel = f"{prefix}:signals"
        self._prefix = prefix
        # Of several that say that a user is there, each can only take back its own word.
        self._name = uuid4().hex
        self._local = LocalSignals()
        self._commands: SimpleQueue[Command | None] = SimpleQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._sender: threading.Thread | None = None
        self._receiver: threading.Thread | None = None
        # Set from a question that was not answered to one that is.
        self._rests_until: float | None = None

    def tell(self, signal: Signal) -> None:
        self._local.tell(signal)
        written = json.dumps({"from": self._name, **_written(signal)})
        self._send(lambda client: client.publish(self._channel, written))

    def listen(self, listener: Callable[[Signal], None]) -> Callable[[], None]:
        stop = self._local.listen(listener)
        with self._lock:
            if self._receiver is None and not self._closing.is_set():
                self._receiver = self._begun(self._receive)
        return stop

    def arrive(self, user: User, *, seconds: float) -> None:
        self._local.arrive(user, seconds=seconds)
        until = time.time() + seconds

        def command(client: Any) -> None:
            place = self._place_of(user)
            asked = client.pipeline(transaction=False)
            asked.zremrangebyscore(place, "-inf", time.time())
            asked.zadd(place, {self._name: until})
            # What nobody renews goes by itself, never before the longest that was said.
            asked.pexpire(place, round(seconds * 1000) + 1, nx=True)
            asked.pexpire(place, round(seconds * 1000) + 1, gt=True)
            asked.execute()

        self._send(command)

    def leave(self, user: User) -> None:
        self._local.leave(user)
        self._send(lambda client: client.zrem(self._place_of(user), self._name))

    def is_present(self, user: User) -> bool:
        if self._local.is_present(user):
            return True
        if not self._may_ask():
            return False
        try:
            found = self._client.zcount(self._place_of(user), time.time(), "+inf")
        except self._errors:
            self._rests_until = time.monotonic() + _REST_S
            return False
        self._rests_until = None
        return bool(found)

    def close(self) -> None:
        """Carry nothing more, and let the threads end."""
        with self._lock:
            self._closing.set()
            self._commands.put(None)
            threads = [it for it in (self._sender, self._receiver) if it is not None]
        for thread in threads:
            thread.join()
        self._client.close()

    def _may_ask(self) -> bool:
        """While the server is away one in a while asks; the others do not wait with it."""
        with self._lock:
            if self._rests_until is None:
                return True
            now = time.monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + _REST_S
            return True

    def _place_of(self, user: User) -> str:
        return f"{self._prefix}:present:{user.tenant}\0{user.id}"

    def _begun(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name="dmcore-signals", daemon=True)
        thread.start()
        return thread

    def _send(self, command: Command) -> None:
        with self._lock:
            if self._closing.is_set() or self._commands.qsize() >= _MOST_WAITING:
                return
            if self._sender is None:
                self._sender = self._begun(self._work)
            self._commands.put(command)

    def _work(self) -> None:
        while (command := self._commands.get()) is not None:
            try:
                command(self._client)
            except self._errors:
                # Lost; at the end so is what is left, for each would wait as long.
                if self._closing.is_set():
                    return

    def _receive(self) -> None:
        pause = _SHORTEST_PAUSE_S
        while not self._closing.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as heard:
                    heard.subscribe(self._channel)
                    while not self._closing.is_set():
                        message = heard.get_message(timeout=_POLL_S)
                        pause = _SHORTEST_PAUSE_S
                        if message is not None:
                            self._hear(message["data"])
            except self._errors:
                self._closing.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _hear(self, written: bytes) -> None:
        try:
            told = json.loads(written)
            signal = _read(told)
            is_own = told["from"] == self._name
        except (DmcoreError, KeyError, TypeError, ValueError):
            # Somebody else talks on this channel.
            return
        if not is_own:
            self._local.tell(signal)


def _written(signal: Signal) -> dict[str, str | None]:
    if isinstance(signal, SignedOut):
        return {
            "kind": "signed_out",
            "tenant": signal.user.tenant,
            "user": signal.user.id,
            "session": signal.session,
        }
    return {
        "kind": "typing",
        "tenant": signal.recipient.tenant,
        "recipient": signal.recipient.id,
        "writer": signal.writer,
        "conversation": str(signal.conversation),
    }


def _read(told: dict[str, Any]) -> Signal:
    """What was written. Raises ``DmcoreError``, ``KeyError``, ``TypeError`` and ``ValueError``."""
    tenant = parse_tenant_id(told["tenant"])
    if told["kind"] == "signed_out":
        user = User(tenant, parse_user_id(told["user"]))
        return SignedOut(user=user, session=told["session"])
    return Typing(
        recipient=User(tenant, parse_user_id(told["recipient"])),
        writer=parse_user_id(told["writer"]),
        conversation=parse_conversation_id(told["conversation"]),
    )


def _client_of(url: str, timeout: float) -> tuple[Any, tuple[type[Exception], ...]]:
    """A client that connects when it is first used, and what it raises."""
    with extra("valkey"):
        from valkey import Valkey
        from valkey.backoff import NoBackoff
        from valkey.exceptions import ValkeyError
        from valkey.retry import Retry
    try:
        client = Valkey.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # Once more at once: the server may only have closed an old connection.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        # Without its cause, which may repeat a password.
        raise InvalidSetting("url", "must be one of valkey://, valkeys:// or unix://") from None
    return client, (ValkeyError, OSError)


if TYPE_CHECKING:

    def _conforms(url: str) -> Signals:
        return ValkeySignals(url)
