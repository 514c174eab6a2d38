"""Erasing on our stores: nothing is left in files and tables, and each step leaves all sound."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import Text
from tests.faults.moments import once_at
from tests.support.stores import (
    Harness,
    MemoryHarness,
    PostgresHarness,
    SqlHarness,
    SqliteHarness,
    engine_of,
)

from dmcore import Action, Fact, User
from dmcore.adapters import sql
from dmcore.adapters.sql import IsolationLevel, metadata
from dmcore.domain.account import Account
from dmcore.domain.events import Entry
from dmcore.domain.ids import TenantId, UserId
from dmcore.errors import AccountErased, DmcoreError, RecipientUnavailable, StoreBusy
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.erasing import EVIDENT, SECRET, WHO, lived
from dmcore.testing.conformance.sights import stored
from dmcore.testing.world import World

LEVELS: tuple[IsolationLevel, ...] = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


@pytest.mark.promise("GDPR-1", "READ-3", "OPS-5")
@pytest.mark.parametrize("most", [1, 3])
def test_everything_is_sound_after_each_step(harness: Harness, most: int) -> None:
    world = World(harness, policy=EVIDENT)
    lived(world)
    steps = world.olga._calls.erasing(WHO, tenant=None, most=most)
    run = runner_of(world.dm).run
    assert run(steps.begin)
    run(steps.settle)
    done, taken = False, 0
    while not done:
        assert world.is_sound()
        step = run(steps.go_on)
        if not step.has_changed:
            step = run(steps.finish)
        assert step.messages <= most
        assert step.other_rows <= most
        done, taken = step.is_finished, taken + 1
    assert taken > 20 // most
    assert world.is_sound()
    assert SECRET not in stored(harness)


@pytest.mark.promise("GDPR-1")
def test_neither_text_nor_id_is_in_any_file(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    file = Path(sqlite_url.removeprefix("sqlite:///"))

    def on_disk() -> bytes:
        return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))

    harness = SqliteHarness(sqlite_url)
    world = World(harness, policy=EVIDENT)
    who = lived(world)
    place = who.start("bob", "long").conversation
    for size in (90, 3_900):
        who.send(place, SECRET + "!" * size)
    assert SECRET.encode() in on_disk()
    world.olga.erase(WHO)
    harness.close()
    assert b"bob's own" in on_disk()
    for gone in (SECRET, WHO):
        assert gone.encode() not in on_disk()


@pytest.mark.promise("GDPR-1")
def test_neither_text_nor_id_is_in_any_column(sql_harness: SqlHarness) -> None:
    """Asked of the database itself, also of tables that nobody thought of."""
    world = World(sql_harness, policy=EVIDENT)
    lived(world)
    world.olga.erase(WHO)
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type.dialect_impl(sql_harness._raw.dialect), Text):
                query = f'SELECT count(*) FROM {table.name} WHERE "{column.name}" LIKE :sought'
                for gone in (SECRET, WHO):
                    assert sql_harness.rows(query, sought=f"%{gone}%") == [(0,)], column


@pytest.mark.promise("GDPR-1")
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_under_way_is_shredded_or_refused(
    postgres_harness: PostgresHarness, level: IsolationLevel
) -> None:
    """Five write to and as somebody until each is refused, while they are erased."""
    world = World(postgres_harness)
    begun = world.ann.start("bob", f"{SECRET} 0").conversation
    others = [world.bob, world.cyd, world.dan, world.eve]
    opened = postgres_harness.open(
        policy=world.dm.policy, clock=world.clock, entropy=world.entropy, isolation_level=level
    )
    refusals: list[DmcoreError] = []
    are_ready = threading.Barrier(len(others) + 3)

    def until_refused(write: Callable[[int], object]) -> None:
        are_ready.wait()
        for number in range(10_000):
            try:
                write(number)
            except StoreBusy:
                continue
            except DmcoreError as error:
                refusals.append(error)
                return

    def to_ann(name: str) -> Callable[[int], object]:
        box = opened.mailbox(name)
        return lambda number: box.start("ann", f"own {name} {number}")

    ann = opened.mailbox("ann")
    writes = [
        *(to_ann(box.user.id) for box in others),
        lambda number: ann.send(begun, f"{SECRET} {number}", key=f"k{number}"),
        lambda number: ann.start("zoe", f"{SECRET} {number}"),
    ]
    threads = [threading.Thread(target=until_refused, args=(write,)) for write in writes]
    for thread in threads:
        thread.start()
    are_ready.wait()
    gone = opened.operations("olga").erase("ann", most=2).pseudonym
    for thread in threads:
        thread.join()
    kinds = sorted(type(error).__name__ for error in refusals)
    assert kinds == [AccountErased.__name__] * 2 + [RecipientUnavailable.__name__] * 4
    assert SECRET not in stored(postgres_harness)
    for table, column in (("dm_mailbox", "user_id"), ("dm_conversation", "low")):
        query = f"SELECT count(*) FROM {table} WHERE {column} = 'ann'"
        assert postgres_harness.rows(query) == [(0,)]
    assert {it.other for it in world.bob.inbox().items} == {gone}
    assert world.is_sound()


@pytest.mark.promise("GDPR-1")
def test_whoever_holds_an_account_keeps_an_erasure_waiting_and_nobody_else(
    postgres_harness: PostgresHarness,
) -> None:
    """One of the host's, say, that holds a mailbox for as long as it likes."""
    world = World(postgres_harness)
    world.ann.start("bob", "1")
    others = postgres_harness.open(policy=world.dm.policy, clock=world.clock, entropy=world.entropy)

    def unrelated() -> None:
        others.mailbox("cyd").start("dan", "2")

    def impatient(cursor: Any) -> None:
        cursor.execute("SET lock_timeout = '40ms'")
        unrelated()

    def patient(cursor: Any) -> None:
        unrelated()
        holder.rollback()
        cursor.execute("RESET lock_timeout")

    with postgres_harness._raw.connect() as holder:
        holder.exec_driver_sql("SELECT FROM dm_mailbox WHERE user_id = 'bob' FOR UPDATE")
        asked = once_at(engine_of(world.dm), "before_cursor_execute", "pg_locks", impatient)
        with pytest.raises(StoreBusy):
            world.olga.erase("ann")
        with pytest.raises(AccountErased):
            world.ann.inbox()
        waited = once_at(engine_of(world.dm), "before_cursor_execute", "pg_sleep", patient)
        assert world.olga.erase("ann").is_finished
    assert asked
    assert waited
    assert world.dm.mailbox("dan").unread() == 2
    assert world.is_sound()


@pytest.mark.promise("GDPR-1", "OPS-5")
def test_what_comes_after_the_end_is_named_and_taken_away() -> None:
    """A row by hand, or one of a writer that nobody waited for."""
    harness = MemoryHarness()
    world = World(harness)
    world.ann.start("bob", "1")
    gone = world.olga.erase("ann").pseudonym
    ann = User(TenantId(""), UserId("ann"))
    fact = Fact(action=Action.MESSAGE_SENT, actor=UserId("cyd"), other=ann.id, at_us=1)
    account, entries = Account(user=ann).noted(fact)
    harness.store.accounts[ann] = account
    harness.store.journal[ann] = list[Entry](entries)
    assert [it.rule for it in world.olga.verify()] == ["somebody who was erased is there again"]
    kept = world.journal(gone)
    assert world.olga.erase("ann").has_changed
    assert world.journal(gone) == kept
    assert world.is_sound()
    harness.store.erasures.clear()
    assert [(it.rule, it.where) for it in world.olga.verify()] == [
        ("an account was erased and the ledger has no line of it", gone)
    ]
    unknown = attrs.evolve(ann, id=UserId("zoe"))
    harness.store.accounts[unknown] = Account(user=unknown, is_erased=True)
    assert "zoe" not in repr(world.olga.verify())
    harness.close()


@pytest.mark.promise("GDPR-1", "BLOCK-2")
def test_nobody_starts_with_whom_a_backup_brought_back(sql_harness: SqlHarness) -> None:
    """The ledger is asked in the statement that holds the two, before anything is erased again."""
    world = World(sql_harness, policy=EVIDENT)
    lived(world)
    world.olga.erase(WHO)
    lines = world.olga.export_erasures().items
    sql_harness.clear()
    world = World(sql_harness, policy=EVIDENT)
    lived(world)
    assert world.olga.record_erasures(lines) == 1
    with world.unchanged(), pytest.raises(RecipientUnavailable):
        world.bob.start(WHO, "are you back?")
