"""Databases whose texts are sealed: what lies in them, what is moved in them, how they begin."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.sealed import Keys, SealedSqliteHarness, set_up

from dmcore import AsyncDirectMessages, Body, DirectMessages, Message, Policy, errors
from dmcore.adapters import crypto, sql
from dmcore.adapters.sql._schema import SealedText
from dmcore.domain.body import UNREADABLE
from dmcore.domain.franking import Disclosure, franked
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.testing.world import UNLIMITED, World, export_of, texts

pytestmark = pytest.mark.promise("CRYPT-1")

CANARY = "canary-text-7c41-é"
EVIDENT = attrs.evolve(UNLIMITED, evidence="reporter_selected", reports=None)


@attrs.frozen
class Scene:
    """A sealed database of one kind."""

    url: str
    keys: Keys
    encryption: crypto.AesGcm

    def open(self, policy: Policy = EVIDENT) -> DirectMessages:
        return sql.open_sync(self.url, policy=policy, encryption=self.encryption)

    def execute(self, statement: str, *values: Any) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            sign = "%s" if self.url.startswith("postgresql") else "?"
            connection.exec_driver_sql(statement.replace("?", sign), values)
        engine.dispose()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.exec_driver_sql(statement)]
        engine.dispose()
        return found

    def id(self, value: Any) -> Any:
        return value if self.url.startswith("postgresql") else value.bytes


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def scene(request: pytest.FixtureRequest, keys: Keys) -> Iterator[Scene]:
    url: str = request.getfixturevalue(request.param)
    set_up(url, keys)
    encryption = keys.encryption()
    with sql.open_sync(url, encryption=encryption) as dm:
        dm.operations("olga").set_mode("on")
    yield Scene(url, keys, encryption)
    encryption.close()


def shown(messages: Any) -> list[str | None]:
    return [None if it.body is None else it.body.text for it in messages.items]


# What lies in the rows --------------------------------------------------------------------------


def test_every_column_that_holds_a_text_is_sealed(scene: Scene) -> None:
    with scene.open(attrs.evolve(EVIDENT, blocked="absorb")) as dm:
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        sent = ann.start("bob", CANARY, key="k")
        bob.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
        bob.block("ann")
        ann.edit(sent.conversation, sent.id, f"{CANARY} changed")
    ((body, own_body, fingerprint),) = scene.rows(
        "SELECT body, own_body, fingerprint FROM dm_message"
    )
    ((copy,),) = scene.rows("SELECT body FROM dm_evidence")
    for text in (body, own_body, copy):
        assert text.startswith("\x01")
        assert "canary" not in text
    assert fingerprint is None or len(fingerprint) > 4
    with scene.open(attrs.evolve(EVIDENT, blocked="absorb")) as dm:
        assert shown(dm.mailbox("ann").thread(sent.conversation)) == [f"{CANARY} changed"]
        dm.mailbox("bob").unblock("ann")
        assert shown(dm.mailbox("bob").thread(sent.conversation)) == [CANARY]
        (line,) = dm.moderation("mod").reports().items
        dm.moderation("mod").take(line.id)
        (item,) = dm.moderation("mod").evidence(line.id)
        assert item.body == Body(CANARY)


def test_what_stands_for_a_text_that_is_gone_is_sealed_too(scene: Scene) -> None:
    """Four bytes of a hash would do to try out guesses."""
    with scene.open() as dm:
        ann = dm.mailbox("ann")
        sent = ann.start("bob", CANARY, key="k")
        ann.edit(sent.conversation, sent.id, "changed")
        ((fingerprint,),) = scene.rows("SELECT fingerprint FROM dm_message")
        assert len(fingerprint) == 41
        assert ann.send(sent.conversation, CANARY, key="k").id == sent.id
        with pytest.raises(errors.KeyConflict):
            ann.send(sent.conversation, "another", key="k")


def test_no_guess_of_a_text_can_be_tried_on_what_is_stored(scene: Scene) -> None:
    """Whoever has the database has the installation's secret, and so could make the tag anew."""
    with scene.open() as dm:
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        sent = ann.start("bob", "yes")
        (received,) = bob.thread(sent.conversation).items
        ((secret, tag),) = scene.rows("SELECT namespace, franking FROM dm_installation, dm_message")
        guessed = franked(sent, bytes(secret), TenantId("")).franking
        assert guessed is not None
        assert guessed == received.franking
        assert guessed not in bytes(tag)
        bob.hide(sent.conversation, sent.id)
        assert scene.rows("SELECT franking FROM dm_message") == [(tag,)]
        assert Disclosure.of(received).text == "yes"


def test_a_text_that_nobody_can_open_proves_nothing(scene: Scene) -> None:
    with scene.open() as dm:
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        here = ann.start("bob", "yes").conversation
        scene.encryption.destroy(ann.user)
        (received,) = bob.thread(here).items
        assert received.is_unreadable
        assert received.franking is None


@pytest.mark.parametrize("text", ["\x01", "\x01\x01", "\x01AQID", "\x01 and more", "x\x01"])
def test_a_text_that_looks_sealed_is_a_text(text: str, sqlite_url: str, keys: Keys) -> None:
    text = f"{text}x"
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url) as dm:
        dm.operations("olga").set_mode("on")
        here = dm.mailbox("ann").start("bob", text).conversation
        assert texts(dm.mailbox("bob").thread(here)) == [text]
    encryption = keys.encryption()
    sql.encrypt(sqlite_url, encryption=encryption)
    with sql.open_sync(sqlite_url, encryption=encryption) as dm:
        dm.mailbox("bob").send(here, text)
        assert texts(dm.mailbox("bob").thread(here)) == [text, text]
        assert list(sql.seal(sqlite_url, encryption=encryption))[-1].sealed == 1
        assert texts(dm.mailbox("bob").thread(here)) == [text, text]


def test_a_plain_text_with_a_sealed_change_is_read_as_both(sqlite_url: str, keys: Keys) -> None:
    """Before ``seal`` has been there, some of a message may be sealed and some not."""
    sql.initialise(sqlite_url)
    absorbing = attrs.evolve(EVIDENT, blocked="absorb")
    with sql.open_sync(sqlite_url, policy=absorbing) as dm:
        dm.operations("olga").set_mode("on")
        sent = dm.mailbox("ann").start("bob", "plain", key="k")
        deleted = dm.mailbox("ann").send(sent.conversation, "gone", key="gone")
        dm.mailbox("bob").block("ann")
    encryption = keys.encryption()
    sql.encrypt(sqlite_url, encryption=encryption)
    with sql.open_sync(sqlite_url, policy=absorbing, encryption=encryption) as dm:
        ann, bob, here = dm.mailbox("ann"), dm.mailbox("bob"), sent.conversation
        ann.edit(here, sent.id, "sealed")
        ann.hide(here, sent.id)
        assert ann.send(here, "plain", key="k").id == sent.id
        bob.unblock("ann")
        ann.delete(here, deleted.id)
        assert ann.send(here, "gone", key="gone").id == deleted.id
        assert shown(bob.thread(here)) == ["plain", None]
        assert shown(ann.thread(here)) == [None]


# Rows moved by hand -----------------------------------------------------------------------------


@pytest.fixture
def talk(scene: Scene) -> Iterator[tuple[DirectMessages, list[Message]]]:
    """Four messages of a conversation, and one of another."""
    with scene.open() as dm:
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        first = ann.start("bob", "first")
        here = first.conversation
        rest = [ann.send(here, "second"), bob.send(here, "third"), bob.send(here, "fourth")]
        yield dm, [first, *rest, ann.start("cyd", "elsewhere")]


@pytest.mark.parametrize("other", ["second", "third", "elsewhere"])
def test_a_text_that_was_moved_costs_itself_and_not_the_page(
    scene: Scene, talk: tuple[DirectMessages, list[Message]], other: str
) -> None:
    dm, messages = talk
    names = ["first", "second", "third", "fourth", "elsewhere"]
    foreign = messages[names.index(other)]
    scene.execute(
        "UPDATE dm_message SET body = (SELECT body FROM dm_message WHERE id = ?) WHERE id = ?",
        scene.id(foreign.id),
        scene.id(messages[0].id),
    )
    here = messages[0].conversation
    page = dm.mailbox("bob").thread(here)
    assert shown(page) == ["\ufffd", "second", "third", "fourth"]
    assert [it.is_unreadable for it in page.items] == [True, False, False, False]
    assert shown(dm.mailbox("ann").thread(here)) == shown(page)


@pytest.mark.parametrize(
    "damage", ["substr(body, 1, 40)", "substr(body, 1, 1)", "body || 'AAAA'", "'\x01!!!'"]
)
def test_a_damaged_text_costs_itself(
    scene: Scene, talk: tuple[DirectMessages, list[Message]], damage: str
) -> None:
    dm, messages = talk
    scene.execute(f"UPDATE dm_message SET body = {damage} WHERE id = ?", scene.id(messages[3].id))
    here = messages[0].conversation
    assert shown(dm.mailbox("ann").thread(here)) == ["first", "second", "third", "\ufffd"]
    previews = {str(it.other): it.preview for it in dm.mailbox("ann").inbox().items}
    assert previews["bob"] is not None
    assert previews["bob"].body is UNREADABLE
    assert previews["cyd"] is not None
    assert previews["cyd"].body == Body("elsewhere")


def test_the_senders_own_text_is_not_shown_to_the_partner(scene: Scene) -> None:
    """Somebody puts what an absorbed edit says where the partner would read it."""
    with scene.open(attrs.evolve(EVIDENT, blocked="absorb")) as dm:
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        sent = ann.start("bob", "shown")
        bob.block("ann")
        ann.edit(sent.conversation, sent.id, "hidden")
        bob.unblock("ann")
        scene.execute("UPDATE dm_message SET body = own_body")
        assert shown(bob.thread(sent.conversation)) == ["\ufffd"]
        assert shown(ann.thread(sent.conversation)) == ["hidden"]


def test_a_copy_is_bound_to_its_report(scene: Scene) -> None:
    with scene.open() as dm:
        ann, bob, desk = dm.mailbox("ann"), dm.mailbox("bob"), dm.moderation("mod")
        here = ann.start("bob", "one").conversation
        sent = [ann.send(here, "two"), ann.send(here, "three")]
        for message in sent:
            bob.report(conversation=here, messages=[message.id], reason="spam")
        first, second = (it.id for it in desk.reports().items)
        for report in (first, second):
            desk.take(report)
        scene.execute(
            "UPDATE dm_evidence SET body = (SELECT body FROM dm_evidence WHERE report_id = ?)",
            scene.id(second),
        )
        assert [it.body for it in desk.evidence(first)] == [UNREADABLE]
        assert [it.body for it in desk.evidence(second)] == [Body("three")]


def test_what_cannot_be_read_can_be_hidden_changed_and_taken_back(
    scene: Scene, talk: tuple[DirectMessages, list[Message]]
) -> None:
    """And stays as it lies there where it is not changed."""
    dm, messages = talk
    here = messages[0].conversation
    ids = [scene.id(it.id) for it in messages]
    scene.execute("UPDATE dm_message SET body = ? WHERE sender = 'ann'", "\x01AAAA")
    ann = dm.mailbox("ann")
    ann.hide(here, messages[0].id)
    ann.edit(here, messages[1].id, "mended")
    assert shown(ann.thread(here)) == ["mended", "third", "fourth"]
    left = {row[0]: row[1] for row in scene.rows("SELECT id, body FROM dm_message")}
    assert left[ids[0]] == "\x01AAAA"
    ann.delete(here, messages[1].id)
    assert shown(ann.thread(here)) == [None, "third", "fourth"]
    # The tag of what nobody could read goes with it.
    elsewhere = messages[4]
    ann.delete(elsewhere.conversation, elsewhere.id)
    (gone,) = dm.mailbox("cyd").thread(elsewhere.conversation).items
    assert (gone.body, gone.franking) == (None, None)
    assert dm.operations("olga").verify() == ()


def test_a_retry_of_what_cannot_be_read_any_more_is_a_conflict(scene: Scene) -> None:
    with scene.open() as dm:
        ann = dm.mailbox("ann")
        sent = ann.start("bob", "first", key="k")
        scene.execute("UPDATE dm_message SET body = ?", "\x01AAAA")
        with pytest.raises(errors.KeyConflict):
            ann.send(sent.conversation, "first", key="k")
        ann.edit(sent.conversation, sent.id, "mended")
        scene.execute("UPDATE dm_message SET fingerprint = ?", b"12345")
        with pytest.raises(errors.KeyConflict):
            ann.send(sent.conversation, "first", key="k")


# Keys that are gone -----------------------------------------------------------------------------


def test_a_backup_cannot_be_read_after_the_key_was_destroyed(
    sqlite_url: str, keys: Keys, tmp_path: Path
) -> None:
    """What the other wrote stays as it was, in the backup too."""
    set_up(sqlite_url, keys)
    encryption = keys.encryption()
    with sql.open_sync(sqlite_url, encryption=encryption) as dm:
        dm.operations("olga").set_mode("on")
        here = dm.mailbox("ann").start("bob", CANARY).conversation
        dm.mailbox("bob").send(here, "answer")
        backup = tmp_path / "backup.db"
        file = sqlite_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        encryption.destroy(User(TenantId(""), UserId("ann")))
        assert shown(dm.mailbox("bob").thread(here)) == ["\ufffd", "answer"]
    with sql.open_sync(f"sqlite:///{backup}", encryption=keys.encryption()) as dm:
        assert shown(dm.mailbox("bob").thread(here)) == ["\ufffd", "answer"]
        assert shown(dm.mailbox("ann").thread(here)) == ["\ufffd", "answer"]


@pytest.mark.promise("GDPR-1")
def test_erasing_a_user_makes_their_texts_unreadable_in_old_backups(
    sqlite_url: str, keys: Keys, tmp_path: Path
) -> None:
    set_up(sqlite_url, keys)
    with sql.open_sync(sqlite_url, encryption=keys.encryption()) as dm:
        dm.operations("olga").set_mode("on")
        here = dm.mailbox("ann").start("bob", CANARY, key="k").conversation
        dm.mailbox("bob").send(here, "answer")
        backup = tmp_path / "backup.db"
        file = sqlite_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        dm.operations("olga").erase("ann")
        assert shown(dm.mailbox("bob").thread(here)) == [None, "answer"]
        assert dm.operations("olga").verify() == ()
    with closing(keys.keyring()) as ring:
        assert ring.status().users == 1
    with sql.open_sync(f"sqlite:///{backup}", encryption=keys.encryption()) as dm:
        assert shown(dm.mailbox("ann").thread(here)) == ["\ufffd", "answer"]


@pytest.mark.promise("GDPR-1")
def test_of_copies_those_of_an_erased_user_are_gone_and_the_others_are_read(scene: Scene) -> None:
    with scene.open() as dm:
        ann, bob, desk = dm.mailbox("ann"), dm.mailbox("bob"), dm.moderation("mod")
        first = ann.start("bob", CANARY)
        second = bob.send(first.conversation, "answer")
        chosen = [first.id, second.id]
        bob.report(conversation=first.conversation, messages=chosen, reason="spam")
        (line,) = desk.reports().items
        desk.take(line.id)
        dm.operations("olga").erase("ann")
        assert [it.body for it in desk.evidence(line.id)] == [None, Body("answer")]


@pytest.mark.promise("GDPR-1")
def test_a_copy_made_during_an_erasure_leaves_no_key_of_who_is_erased(scene: Scene) -> None:
    """The keys are gone by then; a new one would name the user in the keyring for ever."""
    with scene.open() as dm:
        ann, bob, run = dm.mailbox("ann"), dm.mailbox("bob"), dm._transactions.run
        here = ann.start("bob", CANARY).conversation
        second = ann.send(here, CANARY)
        operations = dm.operations("olga")
        steps = operations._calls.erasing("ann", tenant=None, most=1)
        assert run(steps.begin)
        run(steps.settle)
        step = run(steps.go_on_behind)
        assert step.messages == 1
        bob.report(conversation=here, messages=[second.id], reason="spam")
        with closing(scene.keys.keyring()) as ring:
            assert ring.status().users == 1
        while not step.is_finished:
            step = run(steps.go_on if step.has_changed else steps.finish)
        assert operations.verify() == ()
    with closing(scene.keys.keyring()) as ring:
        assert ring.status().users == 0


@pytest.mark.promise("GDPR-1")
def test_no_key_is_made_for_who_was_erased(scene: Scene) -> None:
    """However often somebody tries, who is still signed in."""
    with scene.open() as dm:
        ann = dm.mailbox("ann")
        place = ann.start("bob", CANARY).conversation
        dm.operations("olga").erase("ann")
        attempts: list[Callable[[], object]] = [
            lambda: ann.start("cyd", "x"),
            lambda: ann.send(place, "x"),
        ]
        for attempt in attempts:
            with pytest.raises(errors.AccountErased):
                attempt()
    with closing(scene.keys.keyring()) as ring:
        assert ring.status().users == 0


def test_erasing_a_user_is_awaited_too(scene: Scene) -> None:
    async def main() -> None:
        async with await sql.open_async(scene.url, encryption=scene.encryption) as dm:
            here = (await dm.mailbox("ann").start("bob", CANARY)).conversation
            await dm.operations("olga").erase("ann")
            assert shown(await dm.mailbox("bob").thread(here)) == [None]
            with pytest.raises(errors.AccountErased):
                await dm.mailbox("ann").start("bob", "x")

    asyncio.run(main())
    with closing(scene.keys.keyring()) as ring:
        assert ring.status().users == 0


def test_a_keyring_that_cannot_be_asked_makes_no_text_unreadable(
    scene: Scene, talk: tuple[DirectMessages, list[Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dm, messages = talk
    here = messages[0].conversation
    scene.encryption.close()
    away = errors.KeyringUnavailable("it is away")

    def fail(*_: object, **__: object) -> None:
        raise away

    before = scene.rows("SELECT count(*) FROM dm_message")
    with monkeypatch.context() as patch:
        patch.setattr(crypto.SqlKeyring, "find", fail)
        patch.setattr(crypto.SqlKeyring, "make", fail)
        for act in (
            lambda: dm.mailbox("ann").thread(here),
            lambda: dm.mailbox("ann").inbox(),
            lambda: dm.mailbox("ann").send(here, "x"),
            lambda: dm.mailbox("ann").edit(here, messages[0].id, "x"),
        ):
            with pytest.raises(errors.KeyringUnavailable):
                act()
    assert scene.rows("SELECT count(*) FROM dm_message") == before
    assert shown(dm.mailbox("ann").thread(here)) == ["first", "second", "third", "fourth"]


# Beginning --------------------------------------------------------------------------------------


def test_a_sealed_database_is_not_opened_without_its_keyring(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(errors.EncryptionRequired, match="--keyring"):
        sql.open_sync(scene.url)
    folder = tmp_path / "other"
    folder.mkdir()
    other = Keys(folder).make().encryption()
    for act in (
        lambda: sql.open_sync(scene.url, encryption=other),
        lambda: sql.encrypt(scene.url, encryption=other),
        lambda: next(sql.seal(scene.url, encryption=other)),
    ):
        with pytest.raises(errors.WrongKeyring):
            act()
    other.close()
    assert sql.is_encrypted(scene.url)


def test_a_keyring_alone_encrypts_nothing(sqlite_url: str, keys: Keys) -> None:
    sql.initialise(sqlite_url)
    encryption = keys.encryption()
    with pytest.raises(errors.NotEncrypted, match="dmcore keys init"):
        sql.open_sync(sqlite_url, encryption=encryption)
    with pytest.raises(errors.NotEncrypted):
        next(sql.seal(sqlite_url, encryption=encryption))
    assert not sql.is_encrypted(sqlite_url)
    encryption.close()


def test_what_is_not_set_up_is_not_encrypted(
    scene: Scene, postgres_url: str, tmp_path: Path
) -> None:
    empty = scene.url if scene.url.startswith("sqlite") else postgres_url
    scene.execute("DELETE FROM dm_installation")
    somebody_elses = tmp_path / "other.db"
    with closing(sqlite3.connect(somebody_elses)) as other:
        other.execute("CREATE TABLE letters (id)")
    urls = [scene.url, f"{empty}.none" if empty.startswith("sqlite") else empty]
    urls.append(f"sqlite:///{somebody_elses}")
    for url in urls:
        with pytest.raises(errors.NotInitialised):
            sql.encrypt(url, encryption=scene.encryption)
        with pytest.raises(errors.NotInitialised):
            sql.is_encrypted(url)
        with pytest.raises(errors.NotInitialised):
            next(sql.seal(url, encryption=scene.encryption))


@pytest.mark.parametrize("store", ["sqlite_url", "postgres_url"])
def test_nobody_writes_a_plain_text_once_encryption_is_on(
    store: str, keys: Keys, request: pytest.FixtureRequest
) -> None:
    """Not even who had the database open before: reading goes on until a sealed text is met."""
    url: str = request.getfixturevalue(store)
    sql.initialise(url)
    encryption = keys.encryption()
    with sql.open_sync(url, policy=EVIDENT) as early:
        early.operations("olga").set_mode("on")
        ann, bob = early.mailbox("ann"), early.mailbox("bob")
        sent = ann.start("bob", "before", key="k")
        here = sent.conversation
        assert sql.encrypt(url, encryption=encryption)
        writing: list[Callable[[], object]] = [
            lambda: ann.start("bob", "x"),
            lambda: ann.send(here, "x"),
            lambda: ann.edit(here, sent.id, "x"),
            lambda: bob.report(conversation=here, messages=[sent.id], reason="spam"),
        ]
        for act in writing:
            with pytest.raises(errors.EncryptionRequired):
                act()
        assert texts(ann.thread(here)) == ["before"]
        with sql.open_sync(url, policy=EVIDENT, encryption=encryption) as late:
            late.mailbox("bob").send(here, "after")
            assert texts(late.mailbox("ann").thread(here)) == ["before", "after"]
        reading: list[Callable[[], object]] = [
            lambda: ann.thread(here),
            ann.inbox,
            lambda: export_of(ann),
        ]
        for act in reading:
            with pytest.raises(errors.EncryptionRequired):
                act()


# The other ways to open -------------------------------------------------------------------------


async def _talks(dm: AsyncDirectMessages, encryption: crypto.AesGcm) -> list[str | None]:
    ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
    here = (await ann.start("bob", "one")).conversation
    encryption.close()
    first = await bob.send(here, "two")
    await bob.edit(here, first.id, "three")
    encryption.close()
    return shown(await ann.thread(here))


def test_awaited(scene: Scene) -> None:
    async def main() -> None:
        async with await sql.open_async(scene.url, encryption=scene.encryption) as dm:
            assert await _talks(dm, scene.encryption) == ["one", "three"]

    asyncio.run(main())
    assert all(body.startswith("\x01") for (body,) in scene.rows("SELECT body FROM dm_message"))


def test_inside_the_hosts_transaction(scene: Scene) -> None:
    engine = create_engine(scene.url, hide_parameters=True)
    with engine.begin() as connection:
        dm = sql.join(connection, encryption=scene.encryption)
        here = dm.mailbox("ann").start("bob", "one").conversation
        assert shown(dm.mailbox("bob").thread(here)) == ["one"]
        with pytest.raises(errors.EncryptionRequired):
            sql.join(connection)
    engine.dispose()
    assert all(body.startswith("\x01") for (body,) in scene.rows("SELECT body FROM dm_message"))


def test_inside_the_hosts_awaited_transaction(postgres_url: str, keys: Keys) -> None:
    set_up(postgres_url, keys)
    encryption = keys.encryption()
    with sql.open_sync(postgres_url, encryption=encryption) as blocking:
        blocking.operations("olga").set_mode("on")

    async def main() -> None:
        engine = create_async_engine(postgres_url, hide_parameters=True)
        async with engine.begin() as connection:
            dm = await sql.join_async(connection, encryption=encryption)
            assert await _talks(dm, encryption) == ["one", "three"]
        await engine.dispose()

    asyncio.run(main())
    encryption.close()


def test_closing_forgets_every_key(scene: Scene) -> None:
    people = [User(TenantId(""), UserId(name)) for name in ("ann", "bob")]
    with scene.open() as dm:
        here = dm.mailbox("ann").start("bob", "x").conversation
        dm.mailbox("bob").thread(here)
        assert scene.encryption.is_ready(people[:1], writer=people[0])
    assert not scene.encryption.is_ready(people[:1])


def test_without_encryption_a_sealed_text_is_never_shown_as_it_lies_there(
    sealed_harness: SealedSqliteHarness,
) -> None:
    """Somebody takes the mark off the database."""
    harness, world = sealed_harness, World(sealed_harness)
    here = world.ann.start("bob", "x").conversation
    harness.execute("UPDATE dm_installation SET keyring = NULL")
    with sql.open_sync(harness.url) as dm, pytest.raises(errors.EncryptionRequired):
        dm.mailbox("bob").thread(here)
    assert repr(SealedText("\x01AAAA")) == "<Body redacted>"
