"""A keyring in a database of its own: one key for each user, wrapped under a root key.

The root key is wrapped by the master key, which is asked when a root is made or first needed, and
never for a message.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from dmcore.adapters.crypto._tables import (
    SCHEMA_VERSION,
    check_outside,
    file_of,
    keyring,
    make_file,
    make_keyring_engine,
    metadata,
    reading,
    root,
    user_key,
    writing,
)
from dmcore.adapters.crypto._wrapping import bound, new_key, unwrapped, wrapped
from dmcore.domain.ids import User
from dmcore.errors import DmcoreError, KeyringUnavailable, WrongKeyring
from dmcore.ports.keyring import Keyring, MasterKey, UserKey, UserKeys, WrappedKey

Answer = TypeVar("Answer")

_IDENTITY_SIZE: Final = 16
_KEY_ID_SIZE: Final = 8
_AT_ONCE: Final = 200
_MOST_ATTEMPTS: Final = 20


@attrs.frozen(kw_only=True)
class Rewrapped:
    """How far the keys of users have come under the newest root: ``left`` is 0 at the end."""

    done: int
    left: int


@attrs.frozen(kw_only=True)
class KeyringStatus:
    """What an operator may see of a keyring: numbers, nobody's name."""

    round: int
    users: int
    user_keys: int
    roots: int
    newest_root: int
    to_rewrap: int


def initialise(url: str, *, master: MasterKey) -> bool:
    """Make a keyring with a first root key; ``False`` where there is one already.

    Raises ``InvalidSetting``, ``KeyringUnavailable`` and ``WrongKeyring``.
    """

    def make(connection: Connection) -> bool:
        check_outside(connection)
        if inspect(connection).has_table(keyring.name):
            return False
        metadata.create_all(connection)
        identity = secrets.token_bytes(_IDENTITY_SIZE)
        row = {"id": 1, "schema_version": SCHEMA_VERSION, "identity": identity, "round": 1}
        connection.execute(insert(keyring), row)
        connection.execute(insert(root), _new_root(master, identity, 1))
        return True

    engine = make_keyring_engine(url)
    try:
        make_file(engine)
        return writing(engine, make)
    finally:
        engine.dispose()


def is_initialised(url: str) -> bool:
    """Whether there is a keyring. Raises ``InvalidSetting`` and ``KeyringUnavailable``."""
    engine = make_keyring_engine(url)
    file = file_of(engine)
    try:
        if file is not None and not file.exists():
            return False
        return reading(engine, lambda connection: inspect(connection).has_table(keyring.name))
    finally:
        engine.dispose()


def open_keyring(url: str, *, master: MasterKey) -> "SqlKeyring":
    """The keyring that ``initialise`` has made.

    Raises ``InvalidSetting``, ``KeyringUnavailable`` and, for another master key, ``WrongKeyring``.
    """
    engine = make_keyring_engine(url)
    try:
        found = SqlKeyring(engine, master, _identity_in(engine))
        # Now, and not with the first message.
        found.check()
    except BaseException:
        engine.dispose()
        raise
    return found


def _identity_in(engine: Engine) -> bytes:
    file = file_of(engine)
    missing = KeyringUnavailable(
        "there is none here; no other one opens what was sealed with it. For a store that was never"
        " encrypted `dmcore keys init` makes one"
    )
    if file is not None and not file.exists():
        raise missing

    def read(connection: Connection) -> Row[Any]:
        check_outside(connection)
        if not inspect(connection).has_table(keyring.name):
            raise missing
        return connection.execute(select(keyring)).one()

    row = reading(engine, read)
    if row.schema_version != SCHEMA_VERSION:
        raise KeyringUnavailable("it was made by another version of dmcore")
    return bytes(row.identity)


class SqlKeyring:
    """The ``Keyring`` port on SQLite or PostgreSQL, and what an operator does with it."""

    def __init__(self, engine: Engine, master: MasterKey, identity: bytes) -> None:
        self._engine = engine
        self._master = master
        self._identity = identity
        self._roots: dict[int, bytes] = {}
        self._lock = Lock()

    @property
    def identity(self) -> bytes:
        return self._identity

    def check(self) -> None:
        """Raise ``WrongKeyring`` where the master key does not open the newest root."""
        reading(self._engine, self._newest_root)

    def find(self, users: Collection[User]) -> Mapping[User, UserKeys]:
        return reading(self._engine, lambda connection: self._found(connection, users))

    def make(self, user: User) -> UserKeys:
        def found_or_made(connection: Connection) -> UserKeys:
            found = self._found(connection, [user])[user]
            if found.current is not None:
                return found
            self._add(connection, user, found.round)
            return self._found(connection, [user])[user]

        for _ in range(_MOST_ATTEMPTS):
            try:
                return writing(self._engine, found_or_made)
            except _Taken:
                # Somebody else made the key, or a root went while this one was being made.
                continue
        raise KeyringUnavailable("a key could not be made")

    def destroy(self, user: User) -> None:
        gone = delete(user_key).where(_is_of(user))
        writing(self._engine, lambda connection: connection.execute(gone))

    def close(self) -> None:
        with self._lock:
            self._roots.clear()
        self._engine.dispose()

    # What an operator does --------------------------------------------------------------------

    def rotate_master(self, master: MasterKey | None = None) -> int:
        """A new root key under the newest version of the master key, or under another one.

        Keys of users are wrapped under it from now on; ``rewrap`` brings the others. Returns the
        version of the new root.
        """

        def rotate(connection: Connection) -> int:
            version = int(connection.execute(select(func.max(root.c.version))).scalar_one()) + 1
            made = _new_root(master or self._master, self._identity, version)
            connection.execute(insert(root), made)
            return version

        version = writing(self._engine, rotate)
        if master is not None:
            self._master = master
        return version

    def rotate_users(self) -> int:
        """From now on everybody's next text is sealed under a new key; returns the round.

        What was sealed before stays readable, and is sealed again by ``dmcore keys seal``.
        """

        def rotate(connection: Connection) -> int:
            connection.execute(update(keyring).values(round=keyring.c.round + 1))
            return int(connection.execute(select(keyring.c.round)).scalar_one())

        return writing(self._engine, rotate)

    def rewrap(self, *, most: int = _AT_ONCE) -> Rewrapped:
        """Bring at most ``most`` keys of users under the newest root, in one transaction.

        It can be stopped and run again at any time. When nothing is left, the older roots are
        forgotten: whoever has a copy of them and of the old master key opens nothing made since.
        """
        return writing(self._engine, lambda connection: self._rewrap(connection, most))

    def _rewrap(self, connection: Connection, most: int) -> Rewrapped:
        version, newest = self._newest_root(connection)
        is_old = user_key.c.root < version
        rows = connection.execute(select(user_key).where(is_old).limit(most)).all()
        for row in rows:
            user = User(row.tenant, row.user_id)
            secret = self._secret(connection, row)
            if secret is None:
                raise WrongKeyring("a key in this keyring is damaged")
            context = self._context(user, row.round, version, row.key_id)
            changed = {"root": version, "wrapped": wrapped(newest, secret, context)}
            key = and_(_is_of(user), user_key.c.round == row.round)
            connection.execute(update(user_key).where(key).values(changed))
        count = select(func.count()).select_from(user_key).where(is_old)
        left = int(connection.execute(count).scalar_one())
        if left == 0:
            connection.execute(delete(root).where(root.c.version < version))
        return Rewrapped(done=len(rows), left=left)

    def status(self) -> KeyringStatus:
        """How much there is of everything."""
        newest = select(func.max(root.c.version)).scalar_subquery()
        people = select(user_key.c.tenant, user_key.c.user_id).distinct().subquery()
        counts = {
            "users": select(func.count()).select_from(people),
            "user_keys": select(func.count()).select_from(user_key),
            "roots": select(func.count()).select_from(root),
            "newest_root": select(func.max(root.c.version)),
            "to_rewrap": select(func.count()).select_from(user_key).where(user_key.c.root < newest),
        }
        columns = (count.scalar_subquery().label(name) for name, count in counts.items())
        statement = select(keyring.c.round, *columns)
        row = reading(self._engine, lambda connection: connection.execute(statement).one())
        return KeyringStatus(**row._mapping)  # noqa: SLF001 - a documented name of SQLAlchemy

    # Inside -----------------------------------------------------------------------------------

    def _found(self, connection: Connection, users: Collection[User]) -> dict[User, UserKeys]:
        keys: dict[User, list[UserKey]] = {user: [] for user in users}
        round_ = int(connection.execute(select(keyring.c.round)).scalar_one())
        for tenant, names in _chunks(users):
            statement = (
                select(user_key)
                .where(user_key.c.tenant == tenant, user_key.c.user_id.in_(names))
                .order_by(user_key.c.round)
            )
            for row in connection.execute(statement).all():
                secret = self._secret(connection, row)
                if secret is not None:
                    key = UserKey(id=bytes(row.key_id), round=row.round, secret=secret)
                    keys[User(row.tenant, row.user_id)].append(key)
        return {user: UserKeys(round=round_, keys=found) for user, found in keys.items()}

    def _add(self, connection: Connection, user: User, round_: int) -> None:
        version, newest = self._newest_root(connection)
        key_id = secrets.token_bytes(_KEY_ID_SIZE)
        row = {
            "tenant": user.tenant,
            "user_id": user.id,
            "round": round_,
            "key_id": key_id,
            "root": version,
            "wrapped": wrapped(newest, new_key(), self._context(user, round_, version, key_id)),
        }
        try:
            connection.execute(insert(user_key), row)
        except IntegrityError:
            raise _Taken from None

    def _secret(self, connection: Connection, row: Row[Any]) -> bytes | None:
        """The key of a row; ``None`` where the row was changed or is another's."""
        user = User(row.tenant, row.user_id)
        context = self._context(user, row.round, row.root, row.key_id)
        return unwrapped(self._root(connection, row.root), row.wrapped, context)

    def _newest_root(self, connection: Connection) -> tuple[int, bytes]:
        version = connection.execute(select(func.max(root.c.version))).scalar_one()
        return version, self._root(connection, version)

    def _root(self, connection: Connection, version: int) -> bytes:
        with self._lock:
            known = self._roots.get(version)
        if known is not None:
            return known
        row = connection.execute(select(root).where(root.c.version == version)).one()
        name = WrappedKey(key=row.master_key, version=row.master_version, blob=bytes(row.wrapped))
        secret = _asked(lambda: self._master.unwrap(name, context=_of(self._identity, version)))
        with self._lock:
            self._roots[version] = secret
        return secret

    def _context(self, user: User, round_: int, version: int, key_id: bytes) -> bytes:
        names = (user.tenant.encode(), user.id.encode())
        numbers = (round_.to_bytes(8, "big"), version.to_bytes(8, "big"))
        return bound(b"dmcore user key", self._identity, *names, *numbers, bytes(key_id))


class _Taken(Exception):
    """A row was there after all, or the root under it was gone."""


def _new_root(master: MasterKey, identity: bytes, version: int) -> dict[str, object]:
    made = _asked(lambda: master.wrap(new_key(), context=_of(identity, version)))
    return {
        "version": version,
        "master_key": made.key,
        "master_version": made.version,
        "wrapped": made.blob,
    }


def _of(identity: bytes, version: int) -> bytes:
    return bound(b"dmcore root key", identity, version.to_bytes(8, "big"))


def _asked(ask: Callable[[], Answer]) -> Answer:
    """What a master key answers; whatever it may complain about, nothing of it goes on."""
    error: DmcoreError
    try:
        return ask()
    except DmcoreError as ours:
        error = ours
    except Exception:  # noqa: BLE001 - it is the host's, and may raise anything
        error = KeyringUnavailable("its master key cannot be asked")
    try:
        raise error
    finally:
        # It would hold what holds it, and with that the text of a call.
        del error


def _is_of(user: User) -> ColumnElement[bool]:
    return and_(user_key.c.tenant == user.tenant, user_key.c.user_id == user.id)


def _chunks(users: Collection[User]) -> Iterator[tuple[str, Sequence[str]]]:
    """Users by tenant, so many at once that an index finds them."""
    by_tenant: dict[str, list[str]] = defaultdict(list)
    for user in users:
        by_tenant[user.tenant].append(user.id)
    for tenant, names in by_tenant.items():
        for start in range(0, len(names), _AT_ONCE):
            yield tenant, names[start : start + _AT_ONCE]


if TYPE_CHECKING:

    def _conforms(engine: Engine, master: MasterKey) -> Keyring:
        return SqlKeyring(engine, master, b"")
