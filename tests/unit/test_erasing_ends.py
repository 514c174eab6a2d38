"""How an erasure ends, and how it goes on, where something came between its steps."""

import json
from typing import Any, TypeVar

import attrs
import pytest

from dmcore import Action, DirectMessages, Operations, User
from dmcore.adapters import memory
from dmcore.adapters.memory import MemoryTransactions, Store
from dmcore.domain.account import Account
from dmcore.domain.events import Fact
from dmcore.domain.ids import TenantId, UserId
from dmcore.ports.transactions import Call

Result = TypeVar("Result")

pytestmark = pytest.mark.promise("GDPR-1")

ANN, BOB = (User(TenantId(""), UserId(name)) for name in ("ann", "bob"))


def opened(store: Store) -> DirectMessages:
    return memory.open_sync(store=store)


@attrs.frozen
class Meanwhile:
    """Lets something happen once, before the end of an erasure."""

    _store: Store
    _happens: Any
    _done: list[bool] = attrs.field(factory=list)

    def run(self, call: Call[Result], /) -> Result:
        if call.name == "erase.finish" and not self._done:
            self._done.append(True)
            self._happens(self._store)
        return MemoryTransactions(self._store).run(call)

    def close(self) -> None: ...


def noted(store: Store, holder: User, other: User) -> None:
    """A fact by hand, as of a writer that nobody waited for."""
    fact = Fact(action=Action.MESSAGE_SENT, actor=UserId("cyd"), other=other.id, at_us=1)
    account, entries = store.accounts.get(holder, Account(user=holder)).noted(fact)
    store.accounts[holder] = account
    store.journal[holder] = [*store.journal.get(holder, []), *entries]


def named_again(store: Store) -> None:
    noted(store, BOB, ANN)


def noted_again(store: Store) -> None:
    noted(store, ANN, BOB)


def operations(store: Store, happens: Any) -> Operations:
    dm = attrs.evolve(opened(store), transactions=Meanwhile(store, happens))
    return dm.operations("olga")


@pytest.mark.parametrize("happens", [named_again, noted_again])
def test_what_came_up_meanwhile_is_done_before_the_end(happens: Any) -> None:
    store = Store()
    dm = opened(store)
    dm.operations("olga").set_mode("on")
    dm.mailbox("ann").start("bob", "x")
    assert operations(store, happens).erase("ann").is_finished
    assert dm.operations("olga").verify() == ()
    assert ANN not in store.accounts


def test_an_open_account_of_an_unfinished_line_is_closed() -> None:
    """The operator's own line is taken in without closing who takes it in."""
    store = Store()
    dm = opened(store)
    for name in ("olga", "otto"):
        dm.operations(name).set_mode("on" if name == "olga" else "read_only")
    elsewhere = Store()
    elsewhere.namespace = store.namespace
    there = opened(elsewhere).operations("olga")
    there.erase("otto")
    (line,) = there.export_erasures().items
    unfinished = json.dumps(json.loads(line) | {"finished_at_us": None})
    assert dm.operations("otto").record_erasures([unfinished]) == 1
    (done,) = dm.operations("olga").reapply_erasures()
    assert done.is_finished
    assert dm.operations("olga").verify() == ()
