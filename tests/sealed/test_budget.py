"""Encryption costs no statement, also while no key is in memory yet (PAGE-3, CRYPT-1)."""

import pytest
from tests.contract.test_statement_budget import (
    Budget,
    test_a_first_message_takes_no_more,
    test_a_refused_send_takes_no_more,
    test_a_thread_page_takes_two_statements_and_a_send_three,
    test_an_absorbed_message_takes_no_more_than_another,
    test_an_inbox_page_takes_two_statements_and_unread_one,
    test_reads_end_without_a_commit_and_leave_nothing_open,
)
from tests.support.sealed import SealedSqliteHarness

from dmcore.testing.world import World

__all__ = [
    "test_a_first_message_takes_no_more",
    "test_a_refused_send_takes_no_more",
    "test_a_thread_page_takes_two_statements_and_a_send_three",
    "test_an_absorbed_message_takes_no_more_than_another",
    "test_an_inbox_page_takes_two_statements_and_unread_one",
    "test_reads_end_without_a_commit_and_leave_nothing_open",
]

pytestmark = pytest.mark.promise("CRYPT-1", "PAGE-3")


@pytest.fixture
def sql_harness(sealed_harness: SealedSqliteHarness) -> SealedSqliteHarness:
    return sealed_harness


@pytest.fixture
def sql_world(sql_harness: SealedSqliteHarness) -> World:
    return World(sql_harness)


@pytest.fixture
def budget(sql_world: World) -> Budget:
    return Budget(sql_world)


def test_a_page_is_read_with_one_question_to_the_keyring(
    sql_world: World, sql_harness: SealedSqliteHarness
) -> None:
    """However many people wrote what is on it."""
    for number in range(30):
        sql_world.dm.mailbox(f"user {number}").start("ann", "x")
    asked: list[int] = []
    keyring = sql_harness.keyring
    find = keyring.find

    def counted(users):  # type: ignore[no-untyped-def]
        asked.append(len(users))
        return find(users)

    sql_harness.forget()
    keyring.find = counted  # type: ignore[method-assign]
    assert len(sql_world.ann.inbox(limit=50).items) == 30
    assert asked == [30]
    sql_world.ann.inbox(limit=50)
    assert asked == [30]


def test_who_writes_needs_no_keyring_while_others_wait(
    sql_world: World, sql_harness: SealedSqliteHarness
) -> None:
    """The key of a sender is there before a mailbox is locked."""
    from sqlalchemy import event
    from tests.support.stores import engine_of

    moments: list[str] = []
    keyring, engine = sql_harness.keyring, engine_of(sql_world.dm)
    make = keyring.make

    def made(user):  # type: ignore[no-untyped-def]
        moments.append("key")
        return make(user)

    keyring.make = made  # type: ignore[method-assign]
    event.listen(engine, "before_cursor_execute", lambda *_: moments.append("statement"))
    sql_world.ann.start("bob", "x")
    assert moments.index("key") == 0
    assert moments.count("key") == 1
