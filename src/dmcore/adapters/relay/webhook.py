"""Events as signed HTTP requests, in the form of Standard Webhooks 1.0 (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from dmcore.adapters.clock import SystemClock
from dmcore.domain.events import Entry
from dmcore.errors import ConsumerUnavailable, DmcoreError, InvalidSetting
from dmcore.ports.clock import Clock, reading_of
from dmcore.ports.consumers import Consumer

_PREFIX: Final = "whsec_"
_SMALLEST_SECRET: Final = 24
_LARGEST_SECRET: Final = 64
_SHORTEST: Final = timedelta(milliseconds=1)
_LONGEST: Final = timedelta(minutes=10)
_AGENT: Final = "dmcore-relay"
_DONE: Final = range(200, 300)
# Too many requests, and a service that is down: about none of the events in particular.
_LATER: Final = frozenset({429, 503})
_ID_DIGITS: Final = 32


class WebhookRefused(DmcoreError):
    """The receiver answered with another status than 2xx; ``details["status"]`` says which."""

    code = "webhook_refused"
    http_status = 502

    def __init__(self, status: int) -> None:
        super().__init__(f"the receiver answered with status {status}", status=status)


class WebhookFailed(DmcoreError):
    """No answer came: the connection broke, timed out, or said something that is no HTTP."""

    code = "webhook_failed"
    http_status = 502

    def __init__(self) -> None:
        super().__init__("the receiver gave no answer")


class Webhook:
    """The ``Consumer`` port: posts each event to a URL of the host's, as JSON that holds ids only.

    ``secret`` signs it: 24 to 64 bytes, or ``whsec_`` and those in Base64, as receivers' libraries
    take it. ``webhook-id`` is the same for each repeat of an event. The URL is ``https``, and
    ``http`` on this machine alone. An answer 2xx says that the receiver has the event; redirects
    are not followed. ``timeout`` bounds each step of a request and should be well below the lease.
    A receiver that cannot be connected to, or answers 429 or 503, is unavailable: everything waits.
    Anything else counts against the event.

    Raises ``InvalidSetting``.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | bytes,
        timeout: timedelta = timedelta(seconds=10),
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = _checked_url(url)
        self._key = key_of(secret)
        if not _SHORTEST <= timeout <= _LONGEST:
            raise InvalidSetting("timeout", "must be a timedelta of a millisecond to ten minutes")
        self._clock = SystemClock() if clock is None else clock
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connect = _connecting(parts, timeout.total_seconds(), tls)

    def __repr__(self) -> str:
        return "Webhook(...)"

    def deliver(self, event: Entry) -> None:
        """As the port has it. Raises ``WebhookRefused`` and ``WebhookFailed``."""
        body = body_of(event)
        headers = signed(body, key=self._key, at_us=reading_of(self._clock))
        status = self._posted(body, headers)
        if status in _LATER:
            raise ConsumerUnavailable
        if status not in _DONE:
            raise WebhookRefused(status)

    def _posted(self, body: bytes, headers: Mapping[str, str]) -> int:
        # What is raised is ours, outside of the handlers: theirs could quote the URL.
        connection = self._connect()
        try:
            if not _is_connected(connection):
                raise ConsumerUnavailable
            status = _answer(connection, self._path, body, headers)
        finally:
            connection.close()
        if status is None:
            raise WebhookFailed
        return status


def body_of(event: Entry) -> bytes:
    """An event as JSON: who owns it, where it stands, and what its fact names."""
    fact = event.fact
    named = {
        "actor": fact.actor,
        "other": fact.other,
        "conversation": fact.conversation,
        "message": fact.message,
        "report": fact.report,
        "mode": fact.mode,
    }
    content: dict[str, Any] = {
        "type": fact.action.value,
        "timestamp": fact.at.isoformat(),
        "data": {
            "tenant": event.owner.tenant,
            "user": event.owner.id,
            "position": event.position,
            **{name: str(value) for name, value in named.items() if value is not None},
        },
    }
    return json.dumps(content).encode()


def signed(body: bytes, *, key: bytes, at_us: int) -> dict[str, str]:
    """The headers of a request: what it is, when it was made, and that nobody else made it."""
    id_ = f"msg_{hashlib.sha256(body).hexdigest()[:_ID_DIGITS]}"
    seconds = str(at_us // 1_000_000)
    content = f"{id_}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {
        "content-type": "application/json",
        "user-agent": _AGENT,
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }


def key_of(secret: str | bytes) -> bytes:
    """The bytes that sign. Raises ``InvalidSetting``, which repeats nothing of the secret."""
    key = secret if isinstance(secret, bytes) else _decoded(secret)
    if not _SMALLEST_SECRET <= len(key) <= _LARGEST_SECRET:
        raise InvalidSetting(
            "secret",
            f"must be {_SMALLEST_SECRET} to {_LARGEST_SECRET} bytes, or {_PREFIX} and those in"
            " Base64",
        )
    return key


def _decoded(secret: object) -> bytes:
    if not isinstance(secret, str) or not secret.startswith(_PREFIX):
        return b""
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        return b""


def _checked_url(url: str) -> SplitResult:
    parts = _split(url)
    if parts is None or not parts.hostname:
        raise InvalidSetting("url", "must be an https URL with a host")
    if parts.username is not None or parts.fragment:
        raise InvalidSetting("url", "must hold no user and no fragment")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidSetting("url", "must be written in printable ASCII, without spaces")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
        raise InvalidSetting("url", "must be https; http only to this machine")
    return parts


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except (AttributeError, TypeError, ValueError):
        return None
    return parts


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connecting(
    parts: SplitResult, timeout_s: float, tls: ssl.SSLContext | None
) -> Callable[[], http.client.HTTPConnection]:
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "http":
        return lambda: http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.create_default_context() if tls is None else tls
    return lambda: http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


def _is_connected(connection: http.client.HTTPConnection) -> bool:
    """Whether there is somebody to talk to: where there is not, no event is to blame."""
    try:
        connection.connect()
    except OSError:
        return False
    return True


def _answer(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]
) -> int | None:
    """The status of the answer, of which nothing else is read; ``None`` where none came."""
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None


if TYPE_CHECKING:

    def _conforms() -> Consumer:
        return Webhook("", secret="")
