"""What a unit of work has read, so that it knows what is there and what has changed."""

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import ConversationId, MessageId, ReportId, TenantId, User
from dmcore.domain.message import Posting
from dmcore.domain.reports import Report


class Identity:
    """The rows that one unit of work found stored."""

    def __init__(self) -> None:
        self._accounts: dict[User, Account] = {}
        self._conversations: dict[ConversationId, Conversation] = {}
        self._tenants: dict[ConversationId, TenantId] = {}
        self._postings: dict[MessageId, tuple[Posting, Posting]] = {}
        self._reports: dict[ReportId, Report] = {}

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

    def hold(self, id_: ConversationId, tenant: TenantId) -> None:
        """Remember whose conversation is held: what is written in it is sealed for that tenant."""
        self._tenants[id_] = tenant

    def tenant_of(self, id_: ConversationId) -> TenantId:
        """The tenant of a conversation that is held."""
        return self._tenants[id_]

    def posting(self, read: Posting, stored: Posting) -> Posting:
        """Remember a message as it was read, and as it is stored."""
        self._postings[read.message.id] = read, stored
        return read

    def posting_before(self, id_: MessageId) -> tuple[Posting, Posting]:
        """The message as it was read and as it is stored, before it is saved."""
        return self._postings[id_]

    def report(self, found: Report) -> Report:
        """Remember a report as it is stored."""
        self._reports[found.id] = found
        return found

    def report_before(self, id_: ReportId) -> Report:
        """The report as it was read, before it is saved."""
        return self._reports[id_]
