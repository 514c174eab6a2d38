"""What a unit of work has read, so that it knows what is there and what has changed."""

from collections.abc import Mapping

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation
from dmcore.domain.devices import Device
from dmcore.domain.ids import ConversationId, DeviceId, MessageId, ReportId, TenantId, User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.reports import Report
from dmcore.domain.restriction import Restriction

Row = Mapping[str, object]


class Identity:
    """The rows that one unit of work found stored."""

    def __init__(self) -> None:
        self._accounts: dict[User, Row] = {}
        self._conversations: dict[ConversationId, tuple[Conversation, Row]] = {}
        self._tenants: dict[ConversationId, TenantId] = {}
        self._postings: dict[MessageId, tuple[Posting, Posting]] = {}
        self._reports: dict[ReportId, Report] = {}
        self._devices: dict[tuple[User, DeviceId], Device] = {}
        self._restrictions: dict[tuple[TenantId, UserId, int], Restriction] = {}

    def account(self, found: Account, row: Row) -> Account:
        """Remember an account, and the row it was read from."""
        self._accounts[found.user] = row
        return found

    def account_before(self, user: User) -> Row | None:
        """The row of an account as it was read; ``None`` where it has none."""
        return self._accounts.get(user)

    def conversation(self, found: Conversation, row: Row) -> Conversation:
        """Remember a conversation, and the row it was read from."""
        self._conversations[found.id] = found, row
        return found

    def conversation_before(self, id_: ConversationId) -> tuple[Conversation, Row]:
        """The conversation as it was read, and its row, before it is saved."""
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

    def device(self, owner: User, found: Device) -> Device:
        """Remember a device as it is stored."""
        self._devices[owner, found.id] = found
        return found

    def device_before(self, owner: User, id_: DeviceId) -> Device:
        """The device as it was read, before it is saved."""
        return self._devices[owner, id_]

    def restriction(self, found: Restriction) -> Restriction:
        """Remember a restriction as it is stored."""
        self._restrictions[found.tenant, found.user, found.number] = found
        return found

    def restriction_before(self, after: Restriction) -> Restriction:
        """The restriction as it was read, before it is saved."""
        return self._restrictions[after.tenant, after.user, after.number]
