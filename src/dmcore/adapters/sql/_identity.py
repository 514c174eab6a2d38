"""What a unit of work has read, so that it knows what is there and what has changed."""

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import ConversationId, User


class Identity:
    """The rows that one unit of work found stored."""

    def __init__(self) -> None:
        self._accounts: set[User] = set()
        self._conversations: dict[ConversationId, Conversation] = {}

    def stored(self, account: Account) -> Account:
        """Remember that this account has a row."""
        self._accounts.add(account.user)
        return account

    def is_stored(self, user: User) -> bool:
        return user in self._accounts

    def seen(self, conversation: Conversation) -> Conversation:
        """Remember a conversation as it is stored."""
        self._conversations[conversation.id] = conversation
        return conversation

    def before(self, conversation: ConversationId) -> Conversation:
        """The conversation as it was read, before it is saved."""
        return self._conversations[conversation]
