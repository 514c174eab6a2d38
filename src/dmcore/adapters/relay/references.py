"""References to conversations, kept in the host's own database by the relay (OPS-2).

One table of ids and counts: for each line of each user's inbox, with whom it is and how much is
unread. No text, no preview, no time. Who has rows is what dmcore says when an event is delivered.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from dmcore._extras import extra
from dmcore.domain.events import Action, Entry
from dmcore.domain.ids import User
from dmcore.domain.relaying import Reference
from dmcore.errors import ConsumerUnavailable, InvalidSetting
from dmcore.operations import Operations
from dmcore.ports.consumers import Consumer

with extra("sql"):
    from sqlalchemy import (
        BigInteger,
        Column,
        Connection,
        Engine,
        MetaData,
        PrimaryKeyConstraint,
        Table,
        Text,
        create_engine,
        delete,
        inspect,
        text,
        update,
    )
    from sqlalchemy.exc import InterfaceError, OperationalError

# As in the message database: ids are compared by code point (PAIR-1).
_Id: Final = Text().with_variant(Text(collation="C"), "postgresql")

# However a site names its driver.
_POSTGRESQL: Final = re.compile(r"^postgres(ql)?(\+\w+)?://")
_OF_MESSAGES: Final = "dm_installation"

metadata: Final = MetaData()

reference: Final = Table(
    "dm_reference",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("other_id", _Id, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("unread", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id", "conversation"),
)

# It holds the row until the end, also one that was not there, and whoever else writes it waits.
_HOLD: Final = text(
    "INSERT INTO dm_reference (tenant, user_id, other_id, conversation, unread, position)"
    " VALUES (:tenant, :user_id, '', :conversation, 0, :position)"
    " ON CONFLICT (tenant, user_id, conversation) DO UPDATE SET position ="
    " CASE WHEN dm_reference.position < excluded.position"
    " THEN excluded.position ELSE dm_reference.position END"
)


class HostReferences:
    """The ``Consumer`` port: keeps the table ``dm_reference`` in a database of the host's.

    ``operations`` is the desk that is asked what a user's inbox says; ``host`` the engine or the
    URL of the host's database, SQLite or PostgreSQL. The sum of ``unread`` of a user is the number
    for a badge. A row is written while it is held, with what dmcore says at that moment, so that a
    repeat that comes late writes nothing older. Raises ``InvalidSetting``.
    """

    def __init__(self, operations: Operations, host: Engine | str) -> None:
        self._operations = operations
        self._is_ours = isinstance(host, str)
        self._engine = _engine_of(host) if isinstance(host, str) else host

    def __repr__(self) -> str:
        return "HostReferences(...)"

    def create(self) -> None:
        """Make the table where there is none.

        Raises ``InvalidSetting`` for a database that holds messages: that is not the host's; and
        ``ConsumerUnavailable``.
        """
        _answered(self._create)

    def _create(self) -> None:
        if inspect(self._engine).has_table(_OF_MESSAGES):
            raise InvalidSetting("host", "must not be the database of the messages")
        metadata.create_all(self._engine)

    def deliver(self, event: Entry) -> None:
        """As the port has it. A database that does not answer is not a fault of the event."""
        _answered(lambda: self._deliver(event))

    def _deliver(self, event: Entry) -> None:
        fact, owner = event.fact, event.owner
        if fact.action is Action.ERASURE_BEGUN and fact.actor != owner.id:
            self._forget(owner)
        elif fact.conversation is not None:
            place = {
                "tenant": owner.tenant,
                "user_id": owner.id,
                "conversation": str(fact.conversation),
            }
            with self._engine.begin() as connection:
                connection.execute(_HOLD, {**place, "position": event.position})
                found = self._operations.references(
                    owner.id, tenant=owner.tenant, conversation=fact.conversation
                )
                _write(connection, place, found[0] if found else None)

    def close(self) -> None:
        """Close the connections, where they are not the host's own."""
        if self._is_ours:
            self._engine.dispose()

    def _forget(self, owner: User) -> None:
        """Remove what names somebody who is being erased.

        If the name is gone already, what it named is found by the conversations of what is left.
        """
        left = self._operations.references(owner.id, tenant=owner.tenant)
        of_tenant = delete(reference).where(reference.c.tenant == owner.tenant)
        with self._engine.begin() as connection:
            connection.execute(of_tenant.where(reference.c.user_id == owner.id))
            for it in left:
                is_here = reference.c.conversation == str(it.conversation)
                connection.execute(of_tenant.where(is_here, reference.c.user_id != it.other))


def _answered(work: Callable[[], None]) -> None:
    """Do something in the database. Raises ``ConsumerUnavailable`` where that does not answer."""
    is_done = False
    with suppress(OperationalError, InterfaceError):
        work()
        is_done = True
    # Not in the handler: what a driver says may quote a row.
    if not is_done:
        raise ConsumerUnavailable


def _write(connection: Connection, place: dict[str, str], found: Reference | None) -> None:
    """Make the row that is held what dmcore says; there is none for what is not in the inbox."""
    is_it = [reference.c[name] == value for name, value in place.items()]
    if found is None or not found.is_listed:
        connection.execute(delete(reference).where(*is_it))
    else:
        values = {"other_id": found.other, "unread": found.unread}
        connection.execute(update(reference).where(*is_it).values(values))


def _engine_of(url: str) -> Engine:
    """An engine whose errors and logs show no parameter. Raises ``InvalidSetting``."""
    given = _POSTGRESQL.sub("postgresql+psycopg://", url)
    engine = None
    try:
        engine = create_engine(given, hide_parameters=True, pool_size=1)
    except Exception:  # noqa: BLE001 - whatever it says may quote a password
        engine = None
    if engine is None or engine.dialect.name not in ("sqlite", "postgresql"):
        raise InvalidSetting("host", "must be the URL of a SQLite or PostgreSQL database")
    if engine.dialect.name == "sqlite" and (engine.url.database or ":memory:") == ":memory:":
        raise InvalidSetting("host", "SQLite needs a file")
    return engine


if TYPE_CHECKING:

    def _conforms(operations: Operations, host: Engine) -> Consumer:
        return HostReferences(operations, host)
