"""Private one-to-one messaging for any web application. Importing this does nothing else."""

from dmcore import errors
from dmcore.direct_messages import DirectMessages
from dmcore.domain.body import Body, BodyReason, BodyRules
from dmcore.domain.contact import Block
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId
from dmcore.domain.inbox import InboxEntry
from dmcore.domain.limits import RateLimit
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Cursor, Page
from dmcore.domain.policy import Policy
from dmcore.domain.verification import Finding
from dmcore.errors import DmcoreError
from dmcore.mailbox import Mailbox, ThreadPage
from dmcore.operations import Operations
from dmcore.ports.installation import StoreStatus

__all__ = [
    "Action",
    "Block",
    "Body",
    "BodyReason",
    "BodyRules",
    "ConversationId",
    "Cursor",
    "DirectMessages",
    "DmcoreError",
    "Entry",
    "Fact",
    "Finding",
    "InboxEntry",
    "Mailbox",
    "Message",
    "MessageId",
    "Mode",
    "Operations",
    "Page",
    "Policy",
    "RateLimit",
    "StoreStatus",
    "TenantId",
    "ThreadPage",
    "User",
    "UserId",
    "errors",
]
