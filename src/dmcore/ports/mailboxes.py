"""Mailboxes: the per-user rows."""

from typing import Protocol

from dmcore.domain.account import Account
from dmcore.domain.ids import MessageId, User
from dmcore.ports.reading import Reading


class Mailboxes(Protocol):
    """Storage of accounts."""

    def hold(self, user: User) -> Account:
        """Hold one user's account alone; fresh if never stored.

        A fresh one says whether the ledger of erasures knows the user. In one statement, stored or
        not.
        """
        ...

    def save(self, account: Account) -> None:
        """Store the state of a held account, or of one that does not exist yet.

        Where it was read as fresh and exists by now, the transaction MUST start over.
        """
        ...

    def unread(self, user: User, *, since: MessageId | None) -> Reading[int]:
        """The user's unread total, 0 for an unknown user. In one statement.

        Without counting where ``since`` is ``None``; else what the lines of the inbox would say
        together.
        """
        ...

    def look(self, user: User) -> Reading[Account]:
        """One user's account without holding it; fresh if never stored. In one statement."""
        ...
