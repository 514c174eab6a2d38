"""What is done with keys, as it is written down: before it is done, for they lie elsewhere (AUD-1).

Holds no key and asks no keyring.
"""

from dmcore._access import held_account, named
from dmcore._rules import Rules
from dmcore.domain.events import Fact
from dmcore.domain.ids import User
from dmcore.domain.key_work import KeyWork
from dmcore.ports.transactions import Transaction


def note(
    tx: Transaction, rules: Rules, *, operator: User, work: KeyWork, owner: User | None = None
) -> None:
    """Write down that somebody sets about something, with whose keys where it is about one user's.

    Who was erased is named by what is left of them.
    """
    account = held_account(tx, operator)
    fact = Fact(
        action=work.action,
        actor=operator.id,
        other=None if owner is None else named(tx, owner),
        at_us=rules.now_us(),
    )
    account, entries = account.noted(fact)
    tx.mailboxes.save(account)
    tx.journal.record(entries)
