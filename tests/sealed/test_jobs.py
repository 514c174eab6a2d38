"""Turning encryption on and changing its keys: step by step, and on after any stop (CRYPT-1)."""

import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import attrs
import pytest
from sqlalchemy import create_engine
from tests.races.processes import PROCESSES
from tests.sealed.dying import rewraps_and_dies, rotates_and_dies, seals_and_dies
from tests.support.sealed import Keys

from dmcore import Action, DirectMessages, Fact, errors
from dmcore.adapters import crypto, sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.sql import Sealed, _encrypting
from dmcore.domain.franking import TAG_SIZE
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.testing.world import NOON_US, SECOND_US, UNLIMITED, texts, thread_of

pytestmark = pytest.mark.promise("CRYPT-1")

EVIDENT = attrs.evolve(UNLIMITED, evidence="reporter_selected", reports=None, blocked="absorb")
CANARY = "canary-plain-4b71"


@attrs.frozen
class Scene:
    """A database with plain texts in every column that can hold one."""

    url: str
    conversation: UUID
    report: UUID
    encryption: crypto.AesGcm

    def open(self) -> DirectMessages:
        return sql.open_sync(self.url, policy=EVIDENT, encryption=self.encryption)

    def seal(self, most: int | None = None) -> Sealed:
        return list(sql.seal(self.url, encryption=self.encryption, most=most))[-1]

    def raw(self) -> list[bytes]:
        """Every stored text as bytes."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = [
                *connection.exec_driver_sql(
                    "SELECT body, own_body, fingerprint, franking FROM dm_message"
                ),
                *connection.exec_driver_sql("SELECT body FROM dm_evidence"),
            ]
        engine.dispose()
        found = [value for row in rows for value in row if value is not None]
        return [it.encode() if isinstance(it, str) else bytes(it) for it in found]

    def looks(self) -> object:
        """Everything that people see."""
        with self.open() as dm:
            ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
            desk = dm.moderation("mod")
            return (
                thread_of(ann, self.conversation),
                thread_of(bob, self.conversation),
                [it.body for it in desk.evidence(self.report)],
                [it.franking for it in bob.thread(self.conversation).items],
                ann.send(self.conversation, f"{CANARY} three", key="three").id,
                dm.operations("olga").verify(),
            )


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def scene(request: pytest.FixtureRequest, keys: Keys) -> Scene:
    url: str = request.getfixturevalue(request.param)
    sql.initialise(url)
    with sql.open_sync(url, policy=EVIDENT) as dm:
        dm.operations("olga").set_mode("on")
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        here = ann.start("bob", f"{CANARY} one").conversation
        for number in range(10):
            bob.send(here, f"{CANARY} {number}")
        third = ann.send(here, f"{CANARY} three", key="three")
        ann.edit(here, third.id, f"{CANARY} three changed")
        bob.report(conversation=here, messages=[third.id], reason="spam")
        bob.block("ann")
        ann.edit(here, third.id, f"{CANARY} three for herself")
        bob.unblock("ann")
        (line,) = dm.moderation("mod").reports().items
        dm.moderation("mod").take(line.id)
    return Scene(url, here, line.id, keys.encryption())


def canaries_in(scene: Scene) -> int:
    return sum(CANARY.encode() in one for one in scene.raw())


def test_encryption_is_turned_on_and_then_seals_what_was_there(scene: Scene) -> None:
    assert sql.encrypt(scene.url, encryption=scene.encryption)
    before, plain = scene.looks(), canaries_in(scene)
    assert sql.count_plain(scene.url) == 13
    assert plain == 14
    assert scene.seal() == Sealed(seen=13, sealed=13, unreadable=0, is_complete=True)
    assert canaries_in(scene) == sql.count_plain(scene.url) == 0
    assert TAG_SIZE not in map(len, scene.raw())
    assert scene.looks() == before
    assert not sql.encrypt(scene.url, encryption=scene.encryption)
    after = scene.raw()
    assert scene.seal() == Sealed(seen=13, sealed=0, unreadable=0, is_complete=True)
    assert scene.raw() == after


def test_texts_are_sealed_anew_under_new_keys_of_their_senders(scene: Scene, keys: Keys) -> None:
    sql.encrypt(scene.url, encryption=scene.encryption)
    scene.seal()
    before, seen = scene.raw(), scene.looks()
    with closing(keys.keyring()) as ring:
        ring.rotate_users()
    assert scene.looks() == seen
    assert scene.seal().sealed == 13
    assert not set(before) & set(scene.raw())
    assert scene.looks() == seen
    assert scene.seal().sealed == 0


def test_a_job_stops_where_it_is_told_to_and_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_encrypting, "_AT_ONCE", 4)
    sql.encrypt(scene.url, encryption=scene.encryption)
    with pytest.raises(errors.InvalidSetting):
        scene.seal(most=0)
    first = scene.seal(most=5)
    assert (first.seen, first.sealed, first.is_complete) == (8, 8, False)
    second = scene.seal(most=5)
    assert (second.seen, second.sealed, second.is_complete) == (13, 5, False)
    steps = [it.seen for it in sql.seal(scene.url, encryption=scene.encryption)]
    assert steps == [4, 8, 12, 13, 13]
    assert canaries_in(scene) == 0


def test_what_nobody_can_open_is_counted_and_left(scene: Scene) -> None:
    sql.encrypt(scene.url, encryption=scene.encryption)
    scene.seal()
    scene.encryption.destroy(User(TenantId(""), UserId("ann")))
    before = scene.raw()
    assert scene.seal() == Sealed(seen=13, sealed=0, unreadable=3, is_complete=True)
    assert scene.raw() == before


def test_a_database_that_fails_tells_nothing(scene: Scene) -> None:
    sql.encrypt(scene.url, encryption=scene.encryption)
    engine = create_engine(scene.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE dm_message RENAME COLUMN own_body TO other")
    engine.dispose()
    with pytest.raises(errors.StoreError) as caught:
        scene.seal()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# Written down -----------------------------------------------------------------------------------


def noted(scene: Scene, operator: str = "olga") -> list[Fact]:
    """What is in an operator's journal since messaging was turned on."""
    engine = create_engine(scene.url)
    with engine.connect() as connection:
        keyring = connection.exec_driver_sql("SELECT keyring FROM dm_installation").scalar_one()
    engine.dispose()
    encryption = None if keyring is None else scene.encryption
    with sql.open_sync(scene.url, encryption=encryption) as dm:
        found = dm.operations("looking").audit(operator, limit=100).items
    return [it.fact for it in found if it.fact.action is not Action.MODE_CHANGED]


@pytest.mark.promise("AUD-1")
def test_turning_encryption_on_and_each_sealing_is_one_fact(scene: Scene) -> None:
    clock = ManualClock(NOON_US)
    for _ in range(2):
        sql.encrypt(scene.url, encryption=scene.encryption, operator="olga", clock=clock)
        clock.advance(seconds=1)
    for _ in range(2):
        job = sql.seal(scene.url, encryption=scene.encryption, operator="olga", clock=clock)
        assert len(list(job)) > 1
        clock.advance(seconds=1)
    assert [(it.action, (it.at_us - NOON_US) // SECOND_US) for it in noted(scene)] == [
        (Action.ENCRYPTION_TURNED_ON, 0),
        (Action.TEXTS_SEALED, 2),
        (Action.TEXTS_SEALED, 3),
    ]
    for fact in noted(scene):
        given = {name for name, value in attrs.asdict(fact).items() if value is not None}
        assert given == {"action", "actor", "at_us"}
    assert noted(scene, "operator") == []


@pytest.mark.promise("AUD-1")
def test_what_cannot_be_written_down_is_not_done(scene: Scene) -> None:
    """Turning it on is one transaction with its fact; sealing comes behind its own."""
    refuse(scene, Action.ENCRYPTION_TURNED_ON)
    with pytest.raises(errors.StoreError):
        sql.encrypt(scene.url, encryption=scene.encryption)
    assert not sql.is_encrypted(scene.url)
    refuse(scene, Action.TEXTS_SEALED)
    sql.encrypt(scene.url, encryption=scene.encryption)
    before = scene.raw()
    with pytest.raises(errors.StoreError):
        scene.seal()
    assert scene.raw() == before


def refuse(scene: Scene, action: Action) -> None:
    """From now on the database takes every fact but one."""
    engine = create_engine(scene.url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS refusing")
            connection.exec_driver_sql(
                f"CREATE TRIGGER refusing BEFORE INSERT ON dm_journal WHEN NEW.action = '{action}'"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            connection.exec_driver_sql(
                "ALTER TABLE dm_journal DROP CONSTRAINT IF EXISTS refusing,"
                f" ADD CONSTRAINT refusing CHECK (action <> '{action}') NOT VALID"
            )
    engine.dispose()


@pytest.mark.promise("AUD-1", "GDPR-1")
def test_who_was_erased_turns_nothing_on_and_seals_nothing(scene: Scene) -> None:
    with sql.open_sync(scene.url) as dm:
        gone = dm.operations("olga").erase("orla").pseudonym
    before = scene.raw()
    for operator in ("orla", gone):
        with pytest.raises(errors.AccountErased):
            sql.encrypt(scene.url, encryption=scene.encryption, operator=operator)
    assert not sql.is_encrypted(scene.url)
    sql.encrypt(scene.url, encryption=scene.encryption, operator="olga")
    for operator in ("orla", gone):
        with pytest.raises(errors.AccountErased):
            next(sql.seal(scene.url, encryption=scene.encryption, operator=operator))
    assert scene.raw() == before
    assert noted(scene, "orla") == []


# Killed -----------------------------------------------------------------------------------------


def killed(target: Callable[..., None], *given: object) -> None:
    process = PROCESSES.Process(target=target, args=given)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("rows", [1, 3])
def test_sealing_goes_on_after_a_kill(scene: Scene, keys: Keys, rows: int) -> None:
    sql.encrypt(scene.url, encryption=scene.encryption)
    before = scene.looks()
    killed(seals_and_dies, scene.url, keys.folder, rows)
    assert 0 < canaries_in(scene) < 14
    assert [it.action for it in noted(scene, "operator")][1:] == [Action.TEXTS_SEALED]
    assert scene.looks() == before
    done = scene.seal()
    assert (done.seen, done.is_complete) == (13, True)
    assert 0 < done.sealed < 13
    assert canaries_in(scene) == 0
    assert scene.looks() == before


@pytest.mark.parametrize("rows", [1, 3])
def test_rewrapping_goes_on_after_a_kill(keys: Keys, rows: int) -> None:
    people = [User(TenantId(""), UserId(str(number))) for number in range(10)]
    with closing(keys.keyring()) as ring:
        made = [ring.make(user) for user in people]
        ring.rotate_master(crypto.KeyFile(keys.file).renewed())
    killed(rewraps_and_dies, keys.folder, rows)
    with closing(keys.keyring()) as ring:
        assert ring.status().to_rewrap == 6
        assert [ring.find([user])[user] for user in people] == made
        assert ring.rewrap() == crypto.Rewrapped(done=6, left=0)
        assert [ring.find([user])[user] for user in people] == made
        assert ring.status().roots == 1


def test_a_rotation_that_was_killed_is_run_again(keys: Keys) -> None:
    ann = User(TenantId(""), UserId("ann"))
    with closing(keys.keyring()) as ring:
        made = ring.make(ann)
    killed(rotates_and_dies, keys.folder)
    with closing(keys.keyring()) as ring:
        assert ring.status().newest_root == 1
        ring.rotate_master(crypto.KeyFile(keys.file).renewed())
        assert ring.rewrap() == crypto.Rewrapped(done=1, left=0)
        assert ring.find([ann])[ann] == made
    assert len(keys.file.read_text().splitlines()) == 3


# While people write -----------------------------------------------------------------------------


def test_people_write_on_while_texts_are_sealed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_encrypting, "_AT_ONCE", 3)
    sql.encrypt(scene.url, encryption=scene.encryption)
    with scene.open() as dm:
        ann, here = dm.mailbox("ann"), scene.conversation
        newest = ann.thread(here).items[-1]
        for number, _ in enumerate(sql.seal(scene.url, encryption=scene.encryption)):
            ann.edit(here, newest.id, f"changed {number}")
            ann.send(here, "new")
        assert dm.operations("olga").verify() == ()
    assert canaries_in(scene) == 0


def test_an_old_backup_is_read_after_every_rotation(
    keys: Keys, sqlite_url: str, tmp_path: Path
) -> None:
    """Who restores it needs the keyring of today, and not one of its age."""
    sql.initialise(sqlite_url)
    encryption = keys.encryption()
    sql.encrypt(sqlite_url, encryption=encryption)
    with sql.open_sync(sqlite_url, encryption=encryption) as dm:
        dm.operations("olga").set_mode("on")
        here = dm.mailbox("ann").start("bob", "kept").conversation
    backup = shutil.copy(sqlite_url.removeprefix("sqlite:///"), tmp_path / "backup.db")
    with closing(keys.keyring()) as ring:
        ring.rotate_users()
        ring.rotate_master(crypto.KeyFile(keys.file).renewed())
        ring.rewrap()
    list(sql.seal(sqlite_url, encryption=encryption))
    for file in (backup, sqlite_url.removeprefix("sqlite:///")):
        with sql.open_sync(f"sqlite:///{file}", encryption=keys.encryption()) as dm:
            assert texts(dm.mailbox("bob").thread(here)) == ["kept"]
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM dm_message").fetchone() == (1,)
