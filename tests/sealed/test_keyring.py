"""The keyring and the key file: made once, opened with the right key, changed step by step."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.support.sealed import Keys

from dmcore.adapters import crypto, sql
from dmcore.adapters.crypto import _keyring
from dmcore.adapters.crypto._tables import user_key
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import DmcoreError, InvalidSetting, KeyringUnavailable, WrongKeyring
from dmcore.ports.keyring import MasterKey, WrappedKey

pytestmark = pytest.mark.promise("CRYPT-1")

HERE = TenantId("here")
ANN = User(HERE, UserId("ann"))
PEOPLE = [User(HERE, UserId(f"user {number}")) for number in range(10)]


@pytest.fixture(params=["sqlite", "postgres"])
def ring(request: pytest.FixtureRequest, keys: Keys) -> Iterator[crypto.SqlKeyring]:
    """A keyring on each database."""
    master = crypto.KeyFile(keys.file)
    url = keys.url
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        assert not crypto.is_initialised(url)
        assert crypto.initialise(url, master=master)
    opened = crypto.open_keyring(url, master=master)
    yield opened
    opened.close()


def secrets_of(ring: crypto.SqlKeyring, *users: User) -> list[list[bytes]]:
    found = ring.find(users)
    return [[key.secret for key in found[user].keys] for user in users]


def refusal(act: Callable[[], object]) -> DmcoreError:
    with pytest.raises(DmcoreError) as caught:
        act()
    assert caught.value.__cause__ is None
    assert "secret" not in f"{caught.value!r} {caught.value.__context__!r}"
    return caught.value


# Making and opening -----------------------------------------------------------------------------


def test_a_keyring_is_made_once(keys: Keys) -> None:
    master = crypto.KeyFile(keys.file)
    with closing(keys.keyring()) as ring:
        before = secrets_of(ring, ANN), ring.identity
        assert crypto.initialise(keys.url, master=master) is False
        assert crypto.is_initialised(keys.url)
        assert (secrets_of(ring, ANN), ring.identity) == before


def test_another_key_does_not_open_it(keys: Keys, tmp_path: Path) -> None:
    crypto.KeyFile.make(tmp_path / "other")
    other = crypto.KeyFile(tmp_path / "other")
    error = refusal(lambda: crypto.open_keyring(keys.url, master=other))
    assert isinstance(error, WrongKeyring)
    # One of the same name, for whoever copies lines about.
    name = keys.file.read_text().partition(" ")[0]
    text = (tmp_path / "other").read_text().partition(" ")[2]
    (tmp_path / "other").write_text(f"{name} {text}")
    forged = crypto.KeyFile(tmp_path / "other")
    assert isinstance(refusal(lambda: crypto.open_keyring(keys.url, master=forged)), WrongKeyring)
    keys.keyring().close()


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "mysql://x", "sqlite:///nowhere/at/all.db", "postgresql+no://"]
)
def test_a_keyring_that_cannot_be(url: str, keys: Keys) -> None:
    master = crypto.KeyFile(keys.file)
    assert isinstance(refusal(lambda: crypto.initialise(url, master=master)), InvalidSetting)


def test_a_keyring_that_is_not_there(keys: Keys, tmp_path: Path, postgres_url: str) -> None:
    master = crypto.KeyFile(keys.file)
    for url in (f"sqlite:///{tmp_path / 'none.db'}", postgres_url):
        assert not crypto.is_initialised(url)
        error = refusal(lambda url=url: crypto.open_keyring(url, master=master))  # type: ignore[misc]
        assert isinstance(error, KeyringUnavailable)
        assert "dmcore keys init" in str(error)
    assert not (tmp_path / "none.db").exists()


def test_a_keyring_is_never_in_the_database_of_the_messages(keys: Keys, sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    master = crypto.KeyFile(keys.file)
    for attempt in (crypto.initialise, crypto.open_keyring):
        error = refusal(lambda attempt=attempt: attempt(sqlite_url, master=master))  # type: ignore[misc]
        assert isinstance(error, InvalidSetting)
        assert "database of the messages" in str(error)


def test_a_keyring_of_another_version_is_left_alone(keys: Keys) -> None:
    with closing(sqlite3.connect(keys.folder / "keys.db")) as connection:
        connection.execute("UPDATE dmk_keyring SET schema_version = 99")
        connection.commit()
    assert isinstance(refusal(keys.keyring), KeyringUnavailable)


def test_nobody_else_reads_the_files_that_are_made(tmp_path: Path) -> None:
    made = Keys(tmp_path).make()
    for file in (made.file, tmp_path / "keys.db"):
        assert file.stat().st_mode & 0o077 == 0
    assert sorted(it.name for it in tmp_path.iterdir()) == ["dmcore.key", "keys.db"]


def test_a_keyring_that_fails_is_unavailable_and_says_no_more(keys: Keys) -> None:
    ring = keys.keyring()
    ring.make(ANN)
    with closing(sqlite3.connect(keys.folder / "keys.db")) as connection:
        connection.execute("ALTER TABLE dmk_user_key RENAME TO secret")
        connection.commit()
    for act in (lambda: ring.find([ANN]), lambda: ring.make(ANN), lambda: ring.destroy(ANN)):
        assert isinstance(refusal(act), KeyringUnavailable)
    ring.close()


# A service that keeps the master key ------------------------------------------------------------


class Service:
    """A key management service of the host: it names its keys, and may be away."""

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[bytes, bytes]] = {}
        self.is_away = False
        self.asked = 0

    def wrap(self, secret: bytes, /, *, context: bytes) -> WrappedKey:
        name = str(len(self.kept)).encode()
        self.kept[name] = secret, context
        return WrappedKey(key="projects/x/keys/y", version="7", blob=name)

    def unwrap(self, wrapped: WrappedKey, /, *, context: bytes) -> bytes:
        self.asked += 1
        if self.is_away:
            raise OSError("the secret address of a service")
        secret, bound = self.kept[wrapped.blob]
        assert (context, wrapped.key, wrapped.version) == (bound, "projects/x/keys/y", "7")
        return secret


def test_a_service_is_asked_when_a_keyring_is_opened_and_for_no_message(tmp_path: Path) -> None:
    service = Service()
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    master: MasterKey = service
    crypto.initialise(url, master=master)
    with closing(crypto.open_keyring(url, master=master)) as ring:
        assert service.asked == 1
        for user in PEOPLE:
            ring.make(user)
        secrets_of(ring, *PEOPLE)
        assert service.asked == 1


def test_a_service_that_is_away_leaves_the_keyring_unavailable(tmp_path: Path) -> None:
    service = Service()
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    crypto.initialise(url, master=service)
    service.is_away = True
    error = refusal(lambda: crypto.open_keyring(url, master=service))
    assert isinstance(error, KeyringUnavailable)
    assert error.__context__ is None


# Keys of users ----------------------------------------------------------------------------------


def test_everybody_has_a_key_of_their_own_and_keeps_it(ring: crypto.SqlKeyring) -> None:
    assert secrets_of(ring, *PEOPLE) == [[]] * len(PEOPLE)
    made = [ring.make(user) for user in PEOPLE]
    assert [ring.make(user) for user in PEOPLE] == made
    elsewhere = User(TenantId("there"), PEOPLE[0].id)
    ring.make(elsewhere)
    found = secrets_of(ring, *PEOPLE, elsewhere)
    assert all(len(secret) == 32 for (secret,) in found)
    assert len({secret for (secret,) in found}) == len(PEOPLE) + 1


def test_all_who_ask_at_once_get_the_same_key(ring: crypto.SqlKeyring) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(ring.make, [ANN] * 24))
    assert len({keys.current.secret for keys in made if keys.current}) == 1
    assert ring.status().user_keys == 1


def test_a_key_that_cannot_be_made_is_not_tried_for_ever(ring: crypto.SqlKeyring) -> None:
    ring.make(ANN)
    with closing(ring._engine.connect()) as connection:
        connection.exec_driver_sql("UPDATE dmk_user_key SET root = root, tenant = 'there'")
        connection.exec_driver_sql("UPDATE dmk_user_key SET round = 1")
    elsewhere = User(TenantId("there"), ANN.id)
    # Its row is there, and it was another's: it opens nothing, and no other takes its place.
    assert secrets_of(ring, elsewhere) == [[]]
    assert isinstance(refusal(lambda: ring.make(elsewhere)), KeyringUnavailable)
    assert isinstance(refusal(lambda: _rotated_and_rewrapped(ring)), WrongKeyring)


def test_a_damaged_key_is_no_key(ring: crypto.SqlKeyring) -> None:
    ring.make(ANN)
    with closing(ring._engine.connect()) as connection:
        connection.execute(user_key.update().values(wrapped=b"short"))
    assert secrets_of(ring, ANN) == [[]]


def _rotated_and_rewrapped(ring: crypto.SqlKeyring) -> None:
    ring.rotate_master()
    ring.rewrap()


def test_a_destroyed_key_leaves_nothing_behind(keys: Keys) -> None:
    with closing(keys.keyring()) as ring:
        ring.make(ANN)
        with closing(sqlite3.connect(keys.folder / "keys.db")) as connection:
            key_id, wrapped = connection.execute(
                "SELECT key_id, wrapped FROM dmk_user_key"
            ).fetchone()
        ring.destroy(ANN)
        assert secrets_of(ring, ANN) == [[]]
        assert ring.status().users == 0
    left = b"".join(file.read_bytes() for file in keys.folder.iterdir())
    for trace in (key_id, wrapped, b"ann"):
        assert trace not in left


# Rotation ---------------------------------------------------------------------------------------


def test_rewrapping_goes_on_where_it_stopped(ring: crypto.SqlKeyring) -> None:
    for user in PEOPLE:
        ring.make(user)
    before = secrets_of(ring, *PEOPLE)
    assert ring.rotate_master() == 2
    assert ring.status().to_rewrap == len(PEOPLE)
    assert ring.rewrap(most=4) == crypto.Rewrapped(done=4, left=6)
    assert (ring.status().to_rewrap, ring.status().roots) == (6, 2)
    assert secrets_of(ring, *PEOPLE) == before
    again = crypto.open_keyring(
        ring._engine.url.render_as_string(hide_password=False), master=ring._master
    )
    assert again.rewrap() == crypto.Rewrapped(done=6, left=0)
    assert again.rewrap() == crypto.Rewrapped(done=0, left=0)
    assert (again.status().to_rewrap, again.status().roots) == (0, 1)
    assert secrets_of(again, *PEOPLE) == before
    again.close()


def test_the_old_key_of_the_file_opens_nothing_after_a_rotation(keys: Keys, tmp_path: Path) -> None:
    stolen = shutil.copy(keys.file, tmp_path / "stolen")
    with closing(keys.keyring()) as ring:
        before = ring.make(ANN)
        ring.rotate_master(crypto.KeyFile(keys.file).renewed())
        ring.rewrap()
        assert ring.find([ANN])[ANN] == before
    with closing(keys.keyring()) as ring:
        assert ring.find([ANN])[ANN] == before
    error = refusal(lambda: crypto.open_keyring(keys.url, master=crypto.KeyFile(stolen)))
    assert isinstance(error, WrongKeyring)


def test_keys_that_are_added_at_once_are_all_there(keys: Keys) -> None:
    """A key that was lost would take everything with it that was wrapped under it meanwhile."""
    file = crypto.KeyFile(keys.file)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: file.renewed(), range(40)))
    lines = keys.file.read_text(encoding="ascii").splitlines()
    assert len(lines) == len(set(lines)) == 41
    assert list(keys.file.parent.glob(f"{keys.file.name}*")) == [keys.file]


def test_a_key_file_that_vanished_is_told(keys: Keys) -> None:
    file = crypto.KeyFile(keys.file)
    keys.file.unlink()
    error = refusal(file.renewed)
    assert isinstance(error, InvalidSetting)
    assert error.details["setting"] == "key_file"


def test_a_key_is_not_made_under_a_root_that_goes(keys: Keys) -> None:
    """Whoever opened the keyring before a rotation makes keys under the newest root too."""
    with closing(keys.keyring()) as early, closing(keys.keyring()) as late:
        late.rotate_master(crypto.KeyFile(keys.file).renewed())
        late.rewrap()
        made = early.make(ANN)
        assert late.find([ANN])[ANN] == made


def test_a_process_that_runs_on_after_a_rotation_finds_the_new_key(keys: Keys) -> None:
    with closing(keys.keyring()) as early, closing(keys.keyring()) as late:
        made = early.make(ANN)
        late.rotate_master(crypto.KeyFile(keys.file).renewed())
        late.rewrap()
        assert early.find([ANN])[ANN] == made


def test_a_root_under_which_a_key_is_made_cannot_go(ring: crypto.SqlKeyring) -> None:
    ring.make(ANN)
    with closing(ring._engine.connect()) as connection, suppress(Exception):
        connection.exec_driver_sql("DELETE FROM dmk_root")
    assert ring.status().roots == 1


def test_a_lost_race_for_a_row_is_run_again(
    ring: crypto.SqlKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the insert, somebody else made the key."""
    add, races = crypto.SqlKeyring._add, iter([True, False])

    def late(self: crypto.SqlKeyring, *given: object) -> None:
        if next(races):
            raise _keyring._Taken
        add(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(crypto.SqlKeyring, "_add", late)
    assert ring.make(ANN).current is not None


def test_after_a_round_everybody_gets_a_new_key_and_keeps_the_old(ring: crypto.SqlKeyring) -> None:
    before = ring.make(ANN)
    assert ring.rotate_users() == 2
    assert ring.find([ANN])[ANN].current is None
    after = ring.make(ANN)
    assert [key.round for key in after.keys] == [1, 2]
    assert after.keys[0] == before.current
    assert after.current == after.keys[1] != before.current


# The key file -----------------------------------------------------------------------------------


def test_a_key_file_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    assert crypto.KeyFile.make(file)
    text = file.read_text()
    assert not crypto.KeyFile.make(file)
    # Nor by one that did not see it yet.
    monkeypatch.setattr(Path, "exists", lambda _self: False)
    assert not crypto.KeyFile.make(file)
    assert file.read_text() == text
    assert [it.name for it in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(keys: Keys, mode: int) -> None:
    keys.file.chmod(mode)
    error = refusal(lambda: crypto.KeyFile(keys.file))
    assert isinstance(error, InvalidSetting)
    assert "chmod 600" in str(error)


@pytest.mark.parametrize(
    "text", ["", "secret\n", "secret secret\n", "name c2VjcmV0\n", "name \u00e9secret\n", "a b c\n"]
)
def test_a_key_file_that_holds_no_key_is_refused_and_not_repeated(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(0o600)
    assert isinstance(refusal(lambda: crypto.KeyFile(file)), InvalidSetting)


def test_a_key_file_that_is_not_there_or_cannot_be_written(tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / "key"
    assert isinstance(refusal(lambda: crypto.KeyFile(nowhere)), InvalidSetting)
    assert isinstance(refusal(lambda: crypto.KeyFile.make(nowhere)), InvalidSetting)


def test_a_key_file_shows_no_key(keys: Keys) -> None:
    assert repr(crypto.KeyFile(keys.file)) == "KeyFile()"
