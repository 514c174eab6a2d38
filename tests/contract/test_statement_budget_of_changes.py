"""How many statements it takes to look at a thread, and to change what is there."""

from collections.abc import Callable

import pytest
from tests.conftest import IS_NIGHTLY
from tests.contract.test_statement_budget import Budget
from tests.support.stores import SqlHarness

from dmcore import ConversationId, MessageId
from dmcore.testing.world import ABSORBING, World, inbox_of

MANY = 300 if IS_NIGHTLY else 120


@pytest.fixture
def budget(sql_world: World) -> Budget:
    return Budget(sql_world)


def filled(world: World, count: int) -> tuple[ConversationId, MessageId]:
    """A conversation in which everything was answered, seen, changed, hidden or taken back."""
    root = world.ann.start("bob", "root")
    here = root.conversation
    for number in range(count):
        world.tick()
        message = (world.ann, world.bob)[number % 2].send(here, str(number), reply_to=root.id)
        if number % 3 == 0:
            (world.bob, world.ann)[number % 2].mark_read(here, through=message.id)
        if number % 10 == 0:
            (world.ann, world.bob)[number % 2].delete(here, message.id)
        if number % 10 == 5:
            world.ann.hide(here, message.id)
    return here, root.id


@pytest.mark.promise("PAGE-3", "MSG-6", "READ-2")
@pytest.mark.parametrize("count", [0, 1, MANY])
def test_a_page_of_a_thread_with_its_receipts_takes_two_statements(
    sql_world: World, budget: Budget, count: int
) -> None:
    here, root = filled(sql_world, count)
    for chain in (None, root):
        for limit in (1, 50, 100):
            with budget.of(2):
                page = sql_world.ann.thread(here, root=chain, limit=limit)
            if page.older is not None:
                with budget.of(2):
                    sql_world.ann.thread(here, root=chain, limit=limit, before=page.older)
            with budget.of(2):
                sql_world.ann.thread(here, root=chain, limit=limit, after=page.newer)


@pytest.mark.promise("PAGE-3", "MSG-5", "READ-2")
@pytest.mark.parametrize("count", [0, 1, MANY])
def test_each_list_takes_two_statements_and_one_conversation_two(
    sql_world: World, budget: Budget, count: int
) -> None:
    filled(sql_world, 2)
    for number in range(count):
        sent = sql_world.dm.mailbox(f"user {number}").start("ann", "x")
        if number % 2:
            sql_world.ann.archive(sent.conversation)
    for limit in (1, 100):
        for read in (sql_world.ann.inbox, sql_world.ann.archived, sql_world.ann.requests):
            with budget.of(2):
                page = read(limit=limit)
            if page.next is not None:
                with budget.of(2):
                    read(limit=limit, cursor=page.next)
    conversation = inbox_of(sql_world.bob)[0].conversation
    looks: tuple[Callable[[], object], ...] = (
        lambda: sql_world.ann.conversation(conversation),
        lambda: sql_world.ann.conversation_with("bob"),
        lambda: sql_world.ann.conversation_with("nobody"),
    )
    for look in looks:
        with budget.of(2):
            look()


@pytest.mark.promise("PAGE-3", "MSG-5", "READ-1")
@pytest.mark.parametrize("count", [0, MANY])
def test_a_change_takes_as_many_statements_in_a_long_conversation_as_in_a_short_one(
    sql_world: World, budget: Budget, count: int
) -> None:
    here, root = filled(sql_world, count)
    ann, bob = sql_world.ann, sql_world.bob
    first = ann.send(here, "first", key="k")
    second = ann.send(here, "second")
    third = bob.send(here, "third")
    changes: tuple[tuple[int, Callable[[], object]], ...] = (
        (4, lambda: bob.send(here, "reply", reply_to=first.id, key="k")),
        (4, lambda: ann.edit(here, first.id, "changed")),
        (4, lambda: bob.mark_read(here, through=first.id)),
        (4, lambda: bob.mark_read(here, through=second.id)),
        (4, lambda: ann.delete(here, first.id)),
        (4, lambda: ann.delete(here, second.id)),
        (5, lambda: ann.hide(here, third.id)),
        (5, lambda: ann.hide(here, root)),
        (3, lambda: ann.mute(here)),
        (3, lambda: ann.archive(here)),
        (3, lambda: ann.unarchive(here)),
        (3, lambda: ann.unmute(here)),
        (3, lambda: ann.clear(here)),
    )
    for most, change in changes:
        with budget.of(most, commits=1):
            change()
    assert sql_world.is_sound()


@pytest.mark.promise("PAGE-3", "BLOCK-2")
def test_an_absorbed_edit_takes_as_many_as_another(sql_harness: SqlHarness) -> None:
    world = World(sql_harness, policy=ABSORBING)
    sent = world.bob.start("ann", "1")
    budget = Budget(world)
    for text in ("2", "3"):
        with budget.of(4, commits=1):
            world.bob.edit(sent.conversation, sent.id, text)
        world.ann.block("bob")
