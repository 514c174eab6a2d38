"""Private one-to-one messaging for any web application. Importing this does nothing else."""

from dmcore import errors
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.body import Body, BodyReason, BodyRules
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Folder, Request
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.feed import Changes, Snapshot
from dmcore.domain.gates import Gate, Introduction, Profile
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId
from dmcore.domain.inbox import ConversationView, InboxEntry
from dmcore.domain.limits import RateLimit
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Cursor, Page
from dmcore.domain.policy import Policy
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.domain.verification import Finding
from dmcore.errors import DmcoreError
from dmcore.mailbox import AsyncMailbox, Mailbox, Permission, ThreadPage
from dmcore.operations import AsyncOperations, Operations
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.installation import StoreStatus

__all__ = [
    "Action",
    "AsyncDirectMessages",
    "AsyncDirectory",
    "AsyncMailbox",
    "AsyncOperations",
    "Block",
    "Body",
    "BodyReason",
    "BodyRules",
    "Changes",
    "ConversationId",
    "ConversationView",
    "Cursor",
    "DirectMessages",
    "Directory",
    "DmcoreError",
    "Entry",
    "Fact",
    "Finding",
    "Folder",
    "Gate",
    "InboxEntry",
    "Introduction",
    "Mailbox",
    "Message",
    "MessageId",
    "Mode",
    "OpenTo",
    "Operations",
    "Page",
    "Permission",
    "Policy",
    "Preferences",
    "Profile",
    "RateLimit",
    "Request",
    "Snapshot",
    "StoreStatus",
    "TenantId",
    "ThreadPage",
    "User",
    "UserId",
    "errors",
]
