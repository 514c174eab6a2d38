"""The runner and the ports themselves: all or nothing, held until the end, fresh facts on retry."""

import pytest
from tests.support.stores import PostgresHarness, asked_through, is_postgres

from dmcore.domain.contact import Contact
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import Key
from dmcore.domain.mode import Mode
from dmcore.errors import StoreRefused
from dmcore.ports.transactions import Transaction, reading, surveying, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.rows import ANN, PAIR, begin
from dmcore.testing.world import World


@pytest.mark.promise("MSG-4")
def test_a_snapshot_is_one_state_and_a_read_is_the_newest(sql_world: World) -> None:
    """Where a reader does not keep writers out, a snapshot does not see what they commit."""

    def twice(tx: Transaction) -> tuple[int, int]:
        before = tx.installation.status().messages
        sql_world.ann.start("bob", "meanwhile")
        return before, tx.installation.status().messages

    runner = runner_of(sql_world.open())
    assert runner.run(surveying(twice)) == (0, 0)
    assert runner.run(reading(twice)) == (1, 2)


@pytest.mark.promise("MSG-4")
def test_what_is_not_committed_is_seen_by_nobody(sql_world: World) -> None:
    reader = runner_of(sql_world.open())

    def use_case(tx: Transaction) -> int:
        begin(tx)
        return reader.run(reading(lambda other: other.installation.status().messages))

    assert runner_of(sql_world.dm).run(writing(use_case)) == 0
    assert sql_world.olga.status().messages == 1


@pytest.mark.promise("OPS-5", "GDPR-1")
def test_a_unit_of_work_may_write_more_rows_than_a_statement_takes(sql_world: World) -> None:
    """A repair notes each row that it is about to mend; and it is all or none of them as ever."""
    fact = Fact(action=Action.STORE_MENDED, actor=ANN.id, at_us=1)
    entries = [Entry(owner=ANN, position=it, fact=fact) for it in range(1, 1_102)]

    def write(tx: Transaction) -> None:
        tx.journal.record(entries)

    def read(tx: Transaction) -> int:
        return len(tx.journal.entries_of(ANN, after=0, limit=2_000))

    runner = runner_of(sql_world.dm)
    with asked_through(sql_world.dm) as asked:
        runner.run(writing(write))
    # What no act of a user's is, SQLite is told row by row (ADR 54).
    at_once = 3 if is_postgres(sql_world) else len(entries)
    assert sum("dm_journal" in it for it in asked) == at_once
    assert asked[-1] == "COMMIT"
    assert runner.run(reading(read)) == 1_101
    entries[0] = Entry(owner=ANN, position=2_000, fact=fact)
    with pytest.raises(StoreRefused):
        runner.run(writing(write))
    assert runner.run(reading(read)) == 1_101


# Starting over ----------------------------------------------------------------------------------


@pytest.mark.promise("PAIR-2", "MSG-4")
def test_who_was_overtaken_starts_over_with_fresh_facts(postgres_harness: PostgresHarness) -> None:
    """Both accounts, the conversation and the key were not there when the facts were read."""
    world = World(postgres_harness)
    rival = world.open().mailbox("ann")
    seen: list[Contact] = []

    def use_case(tx: Transaction) -> None:
        contact = tx.contacts.hold(PAIR, actor=ANN.id, key=Key("k"))
        seen.append(contact)
        if len(seen) == 1:
            rival.start("bob", "first", key="k")
            begin(tx, key="k")

    runner_of(world.dm).run(writing(use_case))
    first, second = seen
    assert (first.conversation, first.earlier) == (None, None)
    assert (first.actor.position, first.partner.position) == (0, 0)
    assert second.conversation is not None
    assert second.earlier is not None
    assert (second.actor.position, second.partner.unread) == (1, 1)
    assert world.olga.status().messages == 1
    assert world.is_sound()


@pytest.mark.promise("LIMIT-1", "FEED-2")
def test_an_account_that_came_up_meanwhile_is_never_overwritten(
    postgres_harness: PostgresHarness,
) -> None:
    world = World(postgres_harness)
    rival = world.open().mailbox("ann")
    positions = []

    def use_case(tx: Transaction) -> None:
        account = tx.mailboxes.hold(ANN)
        positions.append(account.position)
        if len(positions) == 1:
            rival.start("bob", "first")
        account, entries = account.noted(
            Fact(action=Action.MODE_CHANGED, actor=ANN.id, at_us=0, mode=Mode.ON)
        )
        tx.mailboxes.save(account)
        tx.journal.record(entries)

    runner_of(world.dm).run(writing(use_case))
    assert positions == [0, 1]
    assert [entry.position for entry in world.journal("ann")] == [1, 2]
    assert world.is_sound()
