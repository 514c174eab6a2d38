"""Mending in memory, where damage is done to the dictionaries themselves."""

from uuid import UUID

import pytest

from dmcore import DirectMessages
from dmcore.adapters import memory
from dmcore.adapters.memory import Store
from dmcore.domain.conversation import Folder
from dmcore.domain.ids import ConversationId, TenantId, User, UserId
from dmcore.operations import _mending
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of

pytestmark = pytest.mark.promise("OPS-5")

ANN, EVE = (User(TenantId(""), UserId(name)) for name in ("ann", "eve"))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def dm(store: Store) -> DirectMessages:
    """Ann has written to Bob."""
    dm = memory.open_sync(store=store)
    dm.operations("olga").set_mode("on")
    dm.mailbox("ann").start("bob", "hello")
    return dm


def test_listings_of_strangers_and_of_nothing_go(store: Store, dm: DirectMessages) -> None:
    (place,) = store.listed[ANN, Folder.INBOX]
    store.listed[EVE, Folder.INBOX] = [place]
    store.listed[ANN, Folder.ARCHIVED] = [(place[0], ConversationId(UUID(int=7)))]
    done = dm.operations("olga").repair()
    assert [(it.rule, it.where) for it in done.mended] == [
        ("listings of a conversation that is not their user's", "2 rows")
    ]
    assert done.left == ()
    assert store.listed[ANN, Folder.INBOX] == [place]
    assert runner_of(dm).run(writing(_mending.mend_strays)) == ()


def test_an_account_that_is_gone_is_made_from_its_journal(store: Store, dm: DirectMessages) -> None:
    del store.accounts[ANN]
    operations = dm.operations("olga")
    while operations.repair().mended:
        pass
    assert operations.verify() == ()
    assert store.accounts[ANN].position == len(store.journal[ANN]) == 1


def test_who_has_nothing_any_more_is_left_alone(dm: DirectMessages) -> None:
    """As where somebody was erased between looking and mending."""

    def mend(tx: Transaction) -> object:
        return _mending.mend_account(tx, dm._rules, user=EVE)

    assert runner_of(dm).run(writing(mend)) == ()


def test_a_feed_with_a_hole_is_in_order_again(store: Store, dm: DirectMessages) -> None:
    for number in range(3):
        dm.mailbox("ann").start("bob", str(number))
    del store.journal[ANN][1]
    assert dm.operations("olga").repair().left == ()
    assert [it.position for it in store.journal[ANN]] == [1, 2, 3, 4]
