"""Undoing: whatever a transaction did in memory, afterwards nothing of it is left."""

import copy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmcore.adapters.memory import MemoryTransactions, Store
from dmcore.adapters.memory._store import Changes, Place
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId
from dmcore.domain.mode import Mode
from dmcore.ports.transactions import Transaction, reading, surveying, writing

ANN = User(TenantId(""), UserId("ann"))

keys = st.integers(0, 4)
VERBS = ["put", "drop", "append", "replace", "drop first", "list", "unlist", "mode"]
operations = st.lists(st.tuples(st.sampled_from(VERBS), keys, keys))


def place(number: int) -> Place:
    return MessageId(UUID(int=number)), ConversationId(UUID(int=number))


@given(
    table=st.dictionaries(keys, keys),
    places=st.sets(keys),
    steps=operations,
)
def test_rolling_back_restores_everything(
    table: dict[int, int], places: set[int], steps: list[tuple[str, int, int]]
) -> None:
    store, rows, listed = Store(), [1, 2], sorted(place(number) for number in places)
    before = copy.deepcopy((table, rows, listed, store.mode))
    changes = Changes()
    for verb, key, value in steps:
        match verb:
            case "put":
                changes.put(table, key, value)
            case "drop" if key in table:
                changes.drop(table, key)
            case "append":
                changes.append(rows, value)
            case "replace" if key < len(rows):
                changes.replace(rows, key, value)
            case "drop first":
                changes.drop_first(rows, key)
            case "list" if place(key) not in listed:
                changes.list_place(listed, place(key))
            case "unlist" if place(key) in listed:
                changes.unlist_place(listed, place(key))
            case "mode":
                changes.set_mode(store, list(Mode)[key % len(Mode)])
        assert listed == sorted(listed)
    changes.roll_back()
    assert (table, rows, listed, store.mode) == before
    changes.roll_back()
    assert (table, rows, listed, store.mode) == before


class Interrupted(BaseException):
    """Like a keyboard interrupt: no ordinary error."""


@pytest.mark.promise("MSG-4")
def test_an_interrupted_transaction_leaves_nothing_and_lets_the_next_one_in() -> None:
    store = Store()
    transactions = MemoryTransactions(store)

    def turn_on_and_fail(tx: Transaction) -> None:
        tx.installation.set_mode(Mode.ON)
        raise Interrupted

    with pytest.raises(Interrupted):
        transactions.run(writing(turn_on_and_fail))
    assert transactions.run(reading(lambda tx: tx.installation.mode())) is Mode.OFF


def test_a_failing_read_lets_the_next_one_in() -> None:
    transactions = MemoryTransactions(Store())

    def fail(_tx: Transaction) -> None:
        raise Interrupted

    for call in (reading(fail), surveying(fail)):
        with pytest.raises(Interrupted):
            transactions.run(call)
    assert transactions.run(reading(lambda tx: tx.mailboxes.hold(ANN))).position == 0


def test_two_stores_have_two_namespaces() -> None:
    assert Store().namespace != Store().namespace
    assert len(Store().namespace) == 16
