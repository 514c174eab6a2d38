"""Message stores as the command line names them, by URL; which part of a URL may be shown."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal

import attrs

from dmcore.adapters import memory, sql
from dmcore.adapters.database_urls import hosts_of, read_url
from dmcore.cli.failures import MissingExtra, StoreNotEmpty
from dmcore.cli.interrupts import Check, interrupts_wait
from dmcore.cli.keyrings import named_keys
from dmcore.cli.options import DEFAULT_OPERATOR, HOST_VARIABLE
from dmcore.direct_messages import DirectMessages
from dmcore.domain.mode import Mode
from dmcore.domain.policy import Policy
from dmcore.errors import InvalidSetting, MessagingUnavailable
from dmcore.operations import Operations
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy

if TYPE_CHECKING:
    # Needs the extra, which a store without encryption does without.
    from dmcore.adapters.crypto import AesGcm

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
        url = read_url(self.url)
        if self.is_sqlite:
            return str(url.database)
        hosts = ", ".join(hosts_of(url)) or "this machine"
        return f"{url.database or 'the default database'} on {hosts}"

    def initialise(
        self,
        *,
        roles: str | None = None,
        host_url: str | None = None,
        shared: bool = False,
        citus: bool = False,
    ) -> bool:
        """Make the tables where there are none; return whether there were none.

        ``roles`` is how the names of the roles of row-level security begin, where it is wanted.
        """
        if self.is_memory:
            return True
        self.check()
        host = host_url or os.environ.get(HOST_VARIABLE)
        return sql.initialise(self.url, roles=roles, host_url=host, shared=shared, citus=citus)

    def open(
        self,
        *,
        policy: Policy | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        synchronous: Synchronous = "FULL",
        host_url: str | None = None,
    ) -> DirectMessages:
        """Messaging on this store, which is a fresh one each time in memory."""
        if self.is_memory:
            return memory.open_sync(policy=policy, clock=clock, entropy=entropy)
        self.check()
        with ExitStack() as undo:
            encryption = self.encryption()
            if encryption is not None:
                undo.callback(encryption.close)
            opened = sql.open_sync(
                self.url,
                policy=policy,
                clock=clock,
                entropy=entropy,
                synchronous=synchronous,
                pool_size=1,
                encryption=encryption,
                # Whoever is at the terminal with a superuser's login has that login anyway.
                row_security="bypass",
                host_url=host_url or os.environ.get(HOST_VARIABLE),
            )
            # What was opened closes the keys when it is closed itself.
            undo.pop_all()
        return opened

    def look_elsewhere(self, host_url: str, *, most: int, sample: int) -> sql.Elsewhere:
        """Where rows of this store's messages are in the site's own database."""
        encryption = self.encryption()
        try:
            return sql.look_elsewhere(
                self.url, host_url, encryption=encryption, most=most, sample=sample
            )
        finally:
            if encryption is not None:
                encryption.close()

    def encryption(self) -> "AesGcm | None":
        """What the store's texts are sealed with, where keys are named."""
        return named_keys().encryption()

    def check(self) -> None:
        """Raise ``InvalidSetting`` and ``MissingExtra`` for a URL that nothing can be done with."""
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
def messaging_on(operations: Operations) -> Iterator[Check]:
    """Messaging is on inside, and afterwards as it was; an interrupt waits until it is checked for.

    Only a store without messages is turned on here; to turn on one that is in use is a decision for
    its operator. Raises ``MessagingUnavailable``.
    """
    before = operations.mode()
    with interrupts_wait() as check:
        if before is Mode.ON:
            yield check
            return
        if before is not Mode.OFF or operations.status().messages:
            raise MessagingUnavailable(before)
        try:
            operations.set_mode(Mode.ON)
            yield check
        finally:
            operations.set_mode(before)


def operator_of(dm: DirectMessages) -> Operations:
    """The desk of the operator that commands act as when none is named."""
    return dm.operations(DEFAULT_OPERATOR)
