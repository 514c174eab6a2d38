"""What a unit of work has read, so that it knows what is there and what has changed."""

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.message import Posting


class Identity:
    """The rows that one unit of work found stored."""

    def __init__(self) -> None:
        self._accounts: dict[User, Account] = {}
        self._conversations: dict[ConversationId, Conversation] = {}
        self._postings: dict[MessageId, Posting] = {}

    def account(self, found: Account) -> Account:
        """Remember an account as it is stored."""
        self._accounts[found.user] = found
        return found

    def account_before(self, user: User) -> Account | None:
        """The account as it was read; ``None`` where it has no row."""
        return self._accounts.get(user)

    def conversation(self, found: Conversation) -> Conversation:
        """Remember a conversation as it is stored."""
        self._conversations[found.id] = found
        return found

    def conversation_before(self, id_: ConversationId) -> Conversation:
        """The conversation as it was read, before it is saved."""
        return self._conversations[id_]

    def posting(self, found: Posting) -> Posting:
        """Remember a message as it is stored."""
        self._postings[found.message.id] = found
        return found

    def posting_before(self, id_: MessageId) -> Posting:
        """The message as it was read, before it is saved."""
        return self._postings[id_]
