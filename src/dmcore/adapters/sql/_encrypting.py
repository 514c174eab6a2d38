"""Turning encryption on, and sealing what is not sealed as it would be now (CRYPT-1).

Both are an operator's jobs, and are in that operator's journal (AUD-1, ADR 50). They stand outside
of every other use case: they read texts and show none.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from dmcore._access import held_account
from dmcore._rules import Rules
from dmcore.adapters.opening import open_on, rules_for
from dmcore.adapters.sql._engine import Settings, check_file, make_engine, parse_url
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._row_security import look
from dmcore.adapters.sql._schema import (
    MARK,
    SealedText,
    conversation,
    evidence,
    installation,
    message,
    report,
)
from dmcore.adapters.sql._setup import found_in, found_to_encrypt
from dmcore.adapters.sql._texts import FINGERPRINT_SIZE, check_keyring
from dmcore.adapters.sql._transactions import SqlTransaction, SqlTransactions
from dmcore.domain.body import Body
from dmcore.domain.franking import TAG_SIZE
from dmcore.domain.ids import User
from dmcore.domain.key_work import KeyWork
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting, NotInitialised, UnreadableText
from dmcore.operations import _keys
from dmcore.ports.clock import Clock
from dmcore.ports.keyring import Encryption, Place, Shelf
from dmcore.ports.transactions import Actor, Capacity, Transaction, writing

Result = TypeVar("Result")

_AT_ONCE: Final = 200
_OPERATOR: Final = Actor(Capacity.OPERATOR)


@attrs.frozen(kw_only=True)
class Sealed:
    """What a run has looked at, what it sealed, and what nobody can open any more."""

    seen: int = 0
    sealed: int = 0
    unreadable: int = 0
    is_complete: bool = False


def encrypt(
    url: str, *, encryption: Encryption, operator: str = "operator", clock: Clock | None = None
) -> bool:
    """From now on the texts of this database are sealed; ``False`` where they are already.

    What is there stays as it is, and readable, until ``seal`` has been there. Processes that have
    the database open without ``encryption`` write nothing any more, nor will they after a restart.
    That it was done is in the journal of ``operator``, in the same transaction (AUD-1).

    Raises ``WrongKeyring`` where it is encrypted with another keyring, and ``InvalidId``.
    """
    engine = _engine_of(url)
    try:
        found = found_to_encrypt(engine, encryption)
        transactions = SqlTransactions(engine, found.namespace, security=found.security)
        who = open_on(transactions).operations(operator).operator
        rules = rules_for(None, clock, None, None, is_awaited=False)
        turning = writing(_turn_on, rules, operator=who, encryption=encryption)
        return transactions.run(turning.by(Actor(Capacity.OPERATOR, who)))
    finally:
        engine.dispose()


def _turn_on(tx: Transaction, rules: Rules, *, operator: User, encryption: Encryption) -> bool:
    assert isinstance(tx, SqlTransaction)  # noqa: S101 - what is here is not asked of every store
    held_account(tx, operator)
    marked = tx.installation.hold_keyring()
    check_keyring(marked, encryption)
    if marked is None:
        _keys.note(tx, rules, operator=operator, work=KeyWork.ENCRYPT)
        tx.installation.set_keyring(encryption.identity)
    return marked is None


def is_encrypted(url: str) -> bool:
    """Whether the texts of a database are sealed with somebody's keyring."""

    def look(engine: Engine) -> bool:
        with engine.connect() as connection:
            return _mark_of(connection, select(installation.c.keyring)) is not None

    engine = _engine_of(url)
    try:
        return _judged(lambda: look(engine))
    finally:
        engine.dispose()


def count_plain(url: str) -> int:
    """How many messages and copies hold a text that is not sealed: a walk over all of them.

    Where ``seal`` has been everywhere there is none, nor is there one again: whatever is plain then
    was put there by somebody without the keys, and is shown as if its sender had written it.
    """

    def count(engine: Engine) -> int:
        with engine.connect() as connection:
            _begin(connection)
            look(connection).check(_OPERATOR)
            return sum(
                connection.execute(_plain_in(kept)).scalar_one() for kept in (_MESSAGES, _EVIDENCE)
            )

    engine = _engine_of(url)
    try:
        return _judged(lambda: count(engine))
    finally:
        engine.dispose()


def _mark_of(connection: Connection, statement: Select[Any]) -> bytes | None:
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotInitialised
    return None if row.keyring is None else bytes(row.keyring)


def seal(
    url: str,
    *,
    encryption: Encryption,
    most: int | None = None,
    operator: str = "operator",
    clock: Clock | None = None,
) -> Iterator[Sealed]:
    """Seal every text that is not sealed, or not under its sender's newest key.

    Yields how far it is after each transaction, which looks at 200 messages; it ends when ``most``
    or a few more are sealed. It can be stopped at any time and run again: what is done is passed
    over. That it is about to be done is in the journal of ``operator`` first, for each run (AUD-1).
    """
    if most is not None and not is_whole_number(most, least=1):
        raise InvalidSetting("most", "must be a whole number of at least 1")
    engine = _engine_of(url)
    try:
        opened = found_in(engine, "bypass", encryption)
        transactions = SqlTransactions(engine, opened.namespace, security=opened.security)
        open_on(transactions, clock=clock).operations(operator).note_key_work(KeyWork.SEAL)
        so_far = Sealed()
        for kept in (_MESSAGES, _EVIDENCE):
            after: tuple[UUID, UUID] | None = None
            while most is None or so_far.sealed < most:
                found = _judged(partial(_seal_some, engine, encryption, kept, after))
                if found is None:
                    break
                after, some = found
                so_far = _sum(so_far, some)
                yield so_far
                # Or who writes meanwhile would keep it going: what is new is sealed already.
                if some.seen < _AT_ONCE:
                    break
        if most is None or so_far.sealed < most:
            yield attrs.evolve(so_far, is_complete=True)
    finally:
        engine.dispose()


@attrs.frozen(kw_only=True)
class _Kept:
    """A table that holds texts: what identifies a row, and which columns are texts."""

    table: Table
    parts: dict[str, Shelf]
    tenant: Any
    parent: Table

    @property
    def keys(self) -> tuple[str, str]:
        first, second = self.table.primary_key.columns.keys()
        return first, second

    def batch(self, *, continued: bool) -> Select[Any]:
        """Rows in the order of the primary key, held against whoever would change them."""
        columns = self.table.c
        place = [columns[key] for key in self.keys]
        statement = (
            select(self.table, self.tenant.label("tenant"))
            .join_from(self.table, self.parent, self.parent.c.id == place[0])
            .order_by(*place)
            .limit(_AT_ONCE)
            .with_for_update(of=self.table, key_share=True)
        )
        if continued:
            after = tuple_(
                *(bindparam(f"after_{key}", type_=columns[key].type) for key in self.keys)
            )
            statement = statement.where(tuple_(*place) > after)
        return statement

    def change(self, names: Sequence[str]) -> Update:
        columns = self.table.c
        found = [columns[key] == bindparam(f"of_{key}") for key in self.keys]
        return (
            update(self.table)
            .where(*found)
            .values({name: bindparam(f"new_{name}") for name in names})
        )


# What is bytes, and is told from what is sealed by its size.
_PLAIN_SIZES: Final = {Shelf.FINGERPRINT: FINGERPRINT_SIZE, Shelf.FRANKING: TAG_SIZE}

_MESSAGES: Final = _Kept(
    table=message,
    parts={
        "body": Shelf.BODY,
        "own_body": Shelf.OWN_BODY,
        "fingerprint": Shelf.FINGERPRINT,
        "franking": Shelf.FRANKING,
    },
    tenant=conversation.c.tenant,
    parent=conversation,
)
_EVIDENCE: Final = _Kept(
    table=evidence,
    parts={"body": Shelf.EVIDENCE},
    tenant=report.c.tenant,
    parent=report,
)


def _plain_in(kept: _Kept) -> Select[Any]:
    is_plain: list[ColumnElement[bool]] = []
    for name, shelf in kept.parts.items():
        column = kept.table.c[name]
        if shelf in _PLAIN_SIZES:
            is_plain.append(func.length(column) == _PLAIN_SIZES[shelf])
            continue
        text = type_coerce(column, Text)
        is_plain += (func.substr(text, 1, 1) != MARK, func.substr(text, 1, 2) == MARK * 2)
    return select(func.count()).select_from(kept.table).where(or_(*is_plain))


def _seal_some(
    engine: Engine, encryption: Encryption, kept: _Kept, after: tuple[UUID, UUID] | None
) -> tuple[tuple[UUID, UUID], Sealed] | None:
    """One transaction of it; where it came to, or ``None`` at the end."""
    with engine.begin() as connection:
        _begin(connection)
        return _seal_in(connection, encryption, kept, after)


def _seal_in(
    connection: Connection, encryption: Encryption, kept: _Kept, after: tuple[UUID, UUID] | None
) -> tuple[tuple[UUID, UUID], Sealed] | None:
    facts = (
        {} if after is None else dict(zip((f"after_{it}" for it in kept.keys), after, strict=True))
    )
    rows = connection.execute(kept.batch(continued=after is not None), facts).all()
    if not rows:
        return None
    encryption.prepare({User(row.tenant, row.sender) for row in rows})
    done = Sealed(seen=len(rows))
    for row in rows:
        changes, unreadable = _changes(row, kept, encryption)
        if changes:
            values = {f"of_{key}": row._mapping[key] for key in kept.keys} | {
                f"new_{name}": value for name, value in changes.items()
            }
            connection.execute(kept.change(list(changes)), values)
        done = _sum(done, Sealed(sealed=min(len(changes), 1), unreadable=min(unreadable, 1)))
    last = rows[-1]._mapping
    first, second = kept.keys
    return (last[first], last[second]), done


def _changes(row: Row[Any], kept: _Kept, encryption: Encryption) -> tuple[dict[str, object], int]:
    """What has to be stored anew in a row, and how much of it nobody can open."""
    owner = User(row.tenant, row.sender)
    scope, message_id = (row._mapping[key] for key in kept.keys)
    changes: dict[str, object] = {}
    unreadable = 0
    for name, shelf in kept.parts.items():
        value = row._mapping[name]
        place = Place(owner=owner, scope=scope, message=message_id, shelf=shelf)
        try:
            content = _to_seal(value, place, encryption)
        except UnreadableText:
            unreadable += 1
            continue
        if content is not None:
            sealed = encryption.seal(content, place)
            changes[name] = sealed if shelf in _PLAIN_SIZES else SealedText.of(sealed)
    return changes, unreadable


def _to_seal(value: Body | bytes | None, place: Place, encryption: Encryption) -> bytes | None:
    """The text that has to be sealed; ``None`` where there is none or it is sealed as it is now."""
    if value is None:
        return None
    if isinstance(value, bytes):
        if len(value) == _PLAIN_SIZES[place.shelf]:
            return value
        sealed = value
    elif isinstance(value, SealedText):
        sealed = value.sealed
    else:
        return value.text.encode()
    content = encryption.open(sealed, place)
    return None if encryption.is_current(sealed, place.owner) else content


def _sum(one: Sealed, other: Sealed) -> Sealed:
    return Sealed(
        seen=one.seen + other.seen,
        sealed=one.sealed + other.sealed,
        unreadable=one.unreadable + other.unreadable,
    )


def _begin(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
    if not is_sqlite:
        # Where there is row-level security, nobody sees a row before saying as what they act.
        connection.exec_driver_sql("SELECT set_config('dmcore.capacity', 'operator', true)")


def _engine_of(url: str) -> Engine:
    parsed = parse_url(url)
    check_file(parsed)
    return make_engine(parsed, Settings())


def _judged(work: Callable[[], Result]) -> Result:
    """What comes of it; whatever the database complains about becomes ours."""
    try:
        return work()
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error
