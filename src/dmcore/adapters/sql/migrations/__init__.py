"""The way from each released schema to the next, one function for each step (OPS-6, ADR 42).

To change the schema: change ``_schema``, raise ``SCHEMA_VERSION`` by one, write a module here with
one function of Alembic's ``Operations`` that does the same to a database with rows in it, and add
it to the end of ``MIGRATIONS``. It runs in one transaction with the new version, on both databases;
everything of row-level security is made anew around it. A store of the version before, with rows in
it, joins ``tests/migrations/released`` as a backup.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dmcore.adapters.sql.migrations._devices import add_devices
from dmcore.adapters.sql.migrations._moves import keep_moves

if TYPE_CHECKING:
    from alembic.operations import Operations

Migration = Callable[["Operations"], None]


def to_8(operations: "Operations") -> None:
    """Moves of reports are kept, and there is a directory of devices."""
    _close_door(operations)
    keep_moves(operations)
    add_devices(operations)


def to_9(operations: "Operations") -> None:
    """Nothing is written through a view any more (ADR 54)."""
    _close_door(operations)


def _close_door(operations: "Operations") -> None:
    """Drop the view that SQLite was written through, and that names the tables behind it."""
    operations.execute("DROP VIEW IF EXISTS dm_write")


MIGRATIONS: Final[tuple[Migration, ...]] = (to_8, to_9)
