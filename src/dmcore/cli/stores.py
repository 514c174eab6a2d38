"""Message stores as the command line names them, by URL; which part of a URL may be shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final, Literal

import attrs
from sqlalchemy import make_url

from dmcore.adapters import memory, sql
from dmcore.cli.failures import MissingExtra, StoreNotEmpty
from dmcore.cli.options import DEFAULT_OPERATOR
from dmcore.direct_messages import DirectMessages
from dmcore.domain.mode import Mode
from dmcore.domain.policy import Policy
from dmcore.errors import InvalidSetting, MessagingUnavailable
from dmcore.operations import Operations
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy

Synchronous = Literal["FULL", "NORMAL"]

MEMORY_URL: Final = "memory:"


@attrs.frozen
class StoreAddress:
    """Where messages are. ``repr`` and ``place`` show no user name and no password."""

    url: str = attrs.field(repr=False)

    @property
    def is_memory(self) -> bool:
        return self.url == MEMORY_URL

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def place(self) -> str:
        """What a person may see of the URL of a store that was opened: file, or database."""
        if self.is_memory:
            return "memory"
        url = make_url(self.url)
        if self.is_sqlite:
            return str(url.database)
        host = url.host or url.query.get("host") or "this machine"
        hosts = host if isinstance(host, str) else ", ".join(host)
        return f"{url.database or 'the default database'} on {hosts}"

    def initialise(self) -> bool:
        """Make the tables where there are none; return whether there were none."""
        if self.is_memory:
            return True
        self._check()
        return sql.initialise(self.url)

    def open(
        self,
        *,
        policy: Policy | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        synchronous: Synchronous = "FULL",
    ) -> DirectMessages:
        """Messaging on this store, which is a fresh one each time in memory."""
        if self.is_memory:
            return memory.open_sync(policy=policy, clock=clock, entropy=entropy)
        self._check()
        return sql.open_sync(
            self.url,
            policy=policy,
            clock=clock,
            entropy=entropy,
            synchronous=synchronous,
            pool_size=1,
        )

    def _check(self) -> None:
        if self.is_sqlite and "?" in self.url:
            # The driver would ignore them with a warning, or open another file than is named.
            raise InvalidSetting("url", "SQLite takes no options after `?`; write %3F for the sign")
        if self.url.startswith("postgresql") and find_spec("psycopg") is None:
            raise MissingExtra("PostgreSQL", "postgres")


def lasting(url: str) -> StoreAddress:
    """The address of a store that is still there after the command. Raises ``InvalidSetting``."""
    address = StoreAddress(url)
    if address.is_memory:
        raise InvalidSetting(
            "url", "the store in memory ends with the command: name a file or a database"
        )
    return address


def check_empty(operations: Operations, remedy: str) -> None:
    """Raise ``StoreNotEmpty`` for a store that holds messages; ``remedy`` says what to do."""
    if operations.status().messages:
        raise StoreNotEmpty(remedy)


@contextmanager
def messaging_on(operations: Operations) -> Iterator[None]:
    """Messaging is on inside, and afterwards as it was.

    Only a store without messages is turned on here; to turn on one that is in use is a decision for
    its operator. Raises ``MessagingUnavailable``.
    """
    before = operations.mode()
    if before is Mode.ON:
        yield
        return
    if before is not Mode.OFF or operations.status().messages:
        raise MessagingUnavailable(before)
    operations.set_mode(Mode.ON)
    try:
        yield
    finally:
        operations.set_mode(before)


def operator_of(dm: DirectMessages) -> Operations:
    """The desk of the operator that commands act as when none is named."""
    return dm.operations(DEFAULT_OPERATOR)
