"""Rows of messages that are somewhere else than in the message database: in the host's (OPS-2).

What is read there is compared here: nothing of a message is sent to the host's server, which may
write down what it is asked. What is found is told by the names of tables and columns, never by what
is in them.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final
from uuid import UUID

import attrs
from sqlalchemy import URL, ColumnElement, Connection, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.sql._apart import (
    HostsDatabase,
    HostUrl,
    check_apart,
    hosts_database,
    parse_host_url,
)
from dmcore.adapters.sql._engine import Settings, check_file, make_engine, parse_url
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._hosts_tables import Place, Value, beginnings, places
from dmcore.adapters.sql._roles import VIEWS
from dmcore.adapters.sql._row_security import SETTINGS
from dmcore.adapters.sql._schema import SealedText, conversation, message, metadata
from dmcore.adapters.sql._setup import found_in
from dmcore.domain.body import Body
from dmcore.domain.ids import User
from dmcore.domain.numbers import is_whole_number
from dmcore.domain.verification import Finding
from dmcore.errors import HostUnavailable, InvalidSetting, UnreadableText
from dmcore.ports import keyring
from dmcore.ports.keyring import Encryption, Shelf
from dmcore.ports.transactions import Actor, Capacity

_SAMPLE: Final = 100_000

_OPERATOR: Final = Actor(Capacity.OPERATOR)
_AT_ONCE: Final = 500
# A shorter beginning is a phrase that two people write without knowing of each other.
_OPENING: Final = 24
_ID_SIZE: Final = 16

_OURS: Final = {*(it.name for it in metadata.sorted_tables), *VIEWS, "dm_write"}
_REFERENCES: Final = "dm_reference"
_REFERENCE_COLUMNS: Final = {"tenant", "user_id", "other_id", "conversation", "unread", "position"}

_TABLE: Final = "a table of dmcore's is in the host's database"
_COLUMN: Final = "the table of references has a column that is no reference"
_IDS: Final = "ids of messages are in the host's database"
_TEXTS: Final = "texts of messages are in the host's database"
_CLOSED: Final = "a table of the host's could not be read as a whole"

_ID: Final = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


@attrs.frozen(kw_only=True)
class Elsewhere:
    """What was looked into, what it was compared with, and where messages are that must not be.

    ``is_complete`` says that it was every message, and every row of every table.
    """

    findings: tuple[Finding, ...]
    tables: int
    messages: int
    is_complete: bool


def look_elsewhere(
    url: str,
    host_url: HostUrl,
    *,
    encryption: Encryption | None = None,
    most: int = 100,
    sample: int = _SAMPLE,
) -> Elsewhere:
    """Name at most ``most`` places of the host's database where rows of messages are.

    By their names, tables of dmcore's in any schema, and columns of ``dm_reference`` that are none
    of its. By looking, any column of any table that holds the id of a message, or begins as the
    text of one does. At most ``sample`` messages are compared, half of them the newest and half
    drawn by lot; with every row of a SQLite file and, on a server, at most ``sample`` of a table.
    Memory is bounded by that. A table that cannot be read as a whole is named too, for nothing is
    proved of it.

    Nothing is changed in either database. Texts that are sealed need ``encryption``. Raises
    ``SharedDatabase``, ``HostUnavailable``, ``InvalidSetting`` and ``StoreError``.
    """
    for name, value in (("most", most), ("sample", sample)):
        if not is_whole_number(value, least=1):
            raise InvalidSetting(name, "must be a whole number of at least 1")
    host = parse_host_url(host_url)
    known = _known(url, host, encryption, sample)
    with hosts_database(host) as database:
        search = _Search(database, known, sample)
        findings = tuple(islice(search.findings(), most))
    return Elsewhere(
        findings=findings,
        tables=search.tables,
        messages=len(known.ids),
        is_complete=known.is_complete and search.is_complete and len(findings) < most,
    )


# What messages are known by ---------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Known:
    """Ids of messages, and how their texts begin where no two begin alike."""

    ids: frozenset[bytes] = attrs.field(repr=False)
    openings: frozenset[str] = attrs.field(repr=False)
    is_complete: bool

    def seen_in(self, value: Value) -> Iterator[str]:
        """The rules that a value of the host's breaks."""
        if not value:
            return
        if isinstance(value, bytes):
            if len(value) == _ID_SIZE and value in self.ids:
                yield _IDS
            value = value.decode(errors="ignore")
        found = _ID.findall(value)
        if any(bytes.fromhex(it.replace("-", "")) in self.ids for it in found):
            yield _IDS
        # In a document a text begins behind a quotation mark.
        begins = (0, *(it.end() for it in re.finditer('"', value)))
        if any(value[at : at + _OPENING] in self.openings for at in begins):
            yield _TEXTS


def _known(url: str, host: URL, encryption: Encryption | None, sample: int) -> _Known:
    parsed = parse_url(url)
    check_file(parsed)
    check_apart(parsed, host)
    engine = make_engine(parsed, Settings())
    try:
        found_in(engine, "bypass", encryption).security.check(_OPERATOR)
        with engine.connect() as connection:
            return _drawn(connection, encryption, sample)
    except SQLAlchemyError as error:
        verdict = judge(error)
    finally:
        engine.dispose()
    raise verdict.error


def _drawn(connection: Connection, encryption: Encryption | None, sample: int) -> _Known:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
        lot: ColumnElement[Any] = func.substr(message.c.id, 9)
    else:
        connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.exec_driver_sql(f"SELECT set_config('{SETTINGS[0]}', 'operator', true)")
        # The first half of an id is its time, the second was drawn.
        lot = func.substr(func.uuid_send(message.c.id), 9)
    total = connection.execute(select(func.count()).select_from(message)).scalar_one()
    newest = sample if total <= sample else sample - sample // 2
    known = _Drawn(encryption)
    known.take(connection, _messages(message.c.id.desc(), newest))
    if total > sample:
        oldest = UUID(bytes=min(known.ids))
        drawn = _messages(lot, sample - newest).where(message.c.id < oldest)
        known.take(connection, drawn)
    return known.known(is_complete=total <= sample)


class _Drawn:
    """What was drawn so far."""

    def __init__(self, encryption: Encryption | None) -> None:
        self._encryption = encryption
        self.ids: set[bytes] = set()
        self._openings: set[str] = set()
        self._repeated: set[str] = set()

    def take(self, connection: Connection, messages: Select[Any]) -> None:
        """Remember the ids of these, and how their texts begin."""
        for some in connection.execute(messages).partitions():
            if self._encryption is not None:
                self._encryption.prepare({User(it.tenant, it.sender) for it in some})
            for row in some:
                self.ids.add(row.id.bytes)
                begun = _openings_of(row, self._encryption)
                self._repeated |= begun & self._openings
                self._openings |= begun

    def known(self, *, is_complete: bool) -> _Known:
        """What others are compared with; how several messages begin is a phrase, and no copy."""
        return _Known(
            ids=frozenset(self.ids),
            openings=frozenset(self._openings - self._repeated),
            is_complete=is_complete,
        )


def _messages(order: ColumnElement[Any], most: int) -> Select[Any]:
    columns = message.c
    return (
        select(
            *(columns.conversation_id, columns.id, columns.sender),
            *(columns.body, columns.own_body, conversation.c.tenant),
        )
        .join_from(message, conversation)
        .order_by(order)
        .limit(most)
        .execution_options(yield_per=_AT_ONCE)
    )


def _openings_of(row: Any, encryption: Encryption | None) -> set[str]:
    """How the texts of a message begin, where they are long enough to tell."""
    found = set()
    for stored, shelf in ((row.body, Shelf.BODY), (row.own_body, Shelf.OWN_BODY)):
        place = keyring.Place(
            owner=User(row.tenant, row.sender),
            scope=row.conversation_id,
            message=row.id,
            shelf=shelf,
        )
        text = _text_of(stored, place, encryption)
        if len(text) >= _OPENING:
            found.add(text[:_OPENING])
    return found


def _text_of(stored: Body | None, place: keyring.Place, encryption: Encryption | None) -> str:
    if stored is None:
        return ""
    if encryption is None or not isinstance(stored, SealedText):
        return stored.text
    try:
        return encryption.open(stored.sealed, place).decode()
    except UnreadableText:
        return ""


# Looking ----------------------------------------------------------------------------------------


class _Search:
    """One look through the host's database."""

    def __init__(self, database: HostsDatabase, known: _Known, most_rows: int) -> None:
        self._database = database
        self._known = known
        self._most_rows = most_rows
        self.tables = 0
        self.is_complete = True

    def findings(self) -> Iterator[Finding]:
        """One for each place and rule, as they are found."""
        for place in self._database.ask(places):
            name = place.name.lower()
            if name in _OURS:
                yield Finding(_TABLE, place.shown())
                continue
            if name == _REFERENCES:
                others = (it.name for it in place.columns if it.name not in _REFERENCE_COLUMNS)
                yield from (Finding(_COLUMN, place.shown(it)) for it in others)
            if place.holds_rows:
                self.tables += 1
                yield from self._inside(place)

    def _inside(self, place: Place) -> Iterable[Finding]:
        if place.is_open:
            with suppress(HostUnavailable):
                return self._database.ask(lambda connection: self._read(connection, place))
            # Was it this table only, or is nobody there any more?
            self._database.ask(lambda _connection: None)
        self.is_complete = False
        return [Finding(_CLOSED, place.shown())]

    def _read(self, connection: Connection, place: Place) -> Iterable[Finding]:
        found: dict[Finding, None] = {}
        seen = 0
        for row in beginnings(connection, place, self._most_rows):
            seen += 1
            for name, value in row.items():
                for rule in self._known.seen_in(value):
                    found[Finding(rule, place.shown(name))] = None
        if connection.dialect.name != "sqlite":
            self.is_complete &= max(place.rows, seen) <= self._most_rows
        return found
