"""A PostgreSQL database into a file and out of it, by ``pg_dump`` and ``pg_restore``.

Only our tables with their rows, keys and indexes travel. Owners, grants and policies are made anew
where they arrive: they name roles, which are of a server and not of a database.
"""

import re
import tempfile
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from dmcore.adapters.sql._manifest import Manifest
from dmcore.adapters.sql._row_security import look
from dmcore.adapters.sql._schema import installation
from dmcore.adapters.sql._tools import conninfo_of, find_tool, server_version
from dmcore.domain.mode import Mode
from dmcore.errors import InvalidBackup, NotAFreshStore, WrongRole
from dmcore.ports.installation import RowSecurity

SCHEMA: Final = "SELECT current_schema()"
TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    " AND relkind = 'r' AND starts_with(relname, 'dm_') ORDER BY relname"
)
_BACKUP_ROLE: Final = (
    "SELECT polroles[1]::regrole::text AS name, pg_has_role(polroles[1], 'USAGE') AS is_held"
    " FROM pg_policy WHERE polname = 'dm_backup' AND polrelid = 'dm_message'::regclass"
)
_RECORD: Final = installation.name
_TAKEN: Final = re.compile(
    r"\d+; \d+ \d+ (TABLE DATA|TABLE|CONSTRAINT|FK CONSTRAINT|CHECK CONSTRAINT|INDEX) "
)
_APPLICATION: Final = "_application"


def check_may_read_all(connection: Connection) -> str | None:
    """How the names of the roles begin where row-level security is on, ``None`` where it is not.

    Raises ``WrongRole`` where it would keep rows from this login: a backup would lack them.
    """
    security = look(connection)
    if security.found is RowSecurity.ON:
        role = connection.exec_driver_sql(_BACKUP_ROLE).one()
        if not role.is_held:
            raise WrongRole(
                f"a backup needs every row: connect as a login that is granted {role.name}"
            )
    return security.participant_role.removesuffix(_APPLICATION) or None


def dump(
    connection: Connection, file: Path, *, snapshot: str, tables: list[str], tools: Path | None
) -> int:
    """Write the tables, as a snapshot sees them; return the version of the program."""
    tool = find_tool(
        "pg_dump", connection=connection, least=server_version(connection), folder=tools
    )
    conninfo, password = conninfo_of(connection)
    schema = connection.exec_driver_sql(SCHEMA).scalar_one()
    wanted = [f"--table={_quoted(schema)}.{_quoted(table)}" for table in tables]
    options = ["--format=custom", "--strict-names", f"--snapshot={snapshot}", f"--file={file}"]
    if look(connection).found is RowSecurity.ON:
        options.append("--enable-row-security")
    tool.run([*options, *wanted, f"--dbname={conninfo}"], password=password)
    return tool.version


def check_fresh(connection: Connection, schema: str | None) -> None:
    """Raise ``NotAFreshStore`` where tables are already, or the tables would not come here."""
    here = connection.exec_driver_sql(SCHEMA).scalar_one()
    if here != schema:
        raise NotAFreshStore(f"its tables belong into the schema {schema}, and this is {here}")
    if connection.exec_driver_sql(TABLES).first() is not None:
        raise NotAFreshStore("the database has tables of dmcore; make an empty one")


def load(connection: Connection, folder: Path, manifest: Manifest, *, tools: Path | None) -> None:
    """Bring the tables and their rows, all or none; but not the record, so nobody can open them."""
    tool = find_tool(
        "pg_restore",
        connection=connection,
        least=max(server_version(connection), manifest.tool or 0),
        folder=tools,
    )
    conninfo, password = conninfo_of(connection)
    file = folder / manifest.file
    lines = tool.run(["--list", file]).splitlines()
    record = f" TABLE DATA {manifest.schema} {_RECORD} "
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".list") as wanted:
        wanted.writelines(f"{it}\n" for it in lines if _TAKEN.match(it) and record not in it)
        wanted.flush()
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        tool.run(
            [*options, f"--use-list={wanted.name}", f"--dbname={conninfo}", file], password=password
        )


def unload(connection: Connection) -> None:
    """Remove what was loaded into a database that was fresh, with all of its rows."""
    connection.exec_driver_sql("ROLLBACK")
    for table in connection.exec_driver_sql(TABLES).scalars().all():
        connection.exec_driver_sql(f"DROP TABLE {table} CASCADE")


def bring_record(
    connection: Connection, folder: Path, manifest: Manifest, *, tools: Path | None
) -> None:
    """Put the record of the installation in, with messaging off: the store is there with it."""
    tool = find_tool("pg_restore", connection=connection, least=manifest.tool or 0, folder=tools)
    options = ["--data-only", f"--table={_RECORD}", "--file=-"]
    said = tool.run([*options, folder / manifest.file])
    found = re.search(r"^COPY \S+ \((.+)\) FROM stdin;\n(.+)$", said, re.MULTILINE)
    if found is None:
        raise InvalidBackup("the record of the installation is missing")
    names = found[1].split(", ")
    values = [None if it == r"\N" else it.replace(r"\\", "\\") for it in found[2].split("\t")]
    record = dict(zip(names, values, strict=True)) | {"mode": Mode.OFF.value}
    marks = ", ".join(["%s"] * len(record))
    connection.exec_driver_sql(
        f"INSERT INTO {_RECORD} ({', '.join(record)}) VALUES ({marks})",  # noqa: S608
        tuple(record.values()),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
