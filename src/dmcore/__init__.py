"""Private one-to-one messaging for any web application. Importing this does nothing else."""

from dmcore import errors
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.account import OwnAccount
from dmcore.domain.body import Body, BodyReason, BodyRules
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Folder, Request
from dmcore.domain.devices import Device, DeviceKeys, KeyBundle, KeyClaim, Prekey
from dmcore.domain.envelope import Envelope, SealedPart, parse_envelope
from dmcore.domain.erasure import Erased, Erasure, ErasurePreview, ErasureScope
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.feed import Changes, Heads, Snapshot
from dmcore.domain.franking import Disclosure
from dmcore.domain.gates import Gate, Introduction, Profile
from dmcore.domain.ids import ConversationId, DeviceId, MessageId, ReportId, TenantId, User, UserId
from dmcore.domain.inbox import Audience, ConversationView, InboxEntry
from dmcore.domain.limits import RateLimit
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Cursor, Page
from dmcore.domain.policy import Policy
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.domain.relaying import (
    Batch,
    ConsumerStatus,
    Delivery,
    Outcome,
    Reference,
    SetAside,
    Settlement,
)
from dmcore.domain.reports import (
    EvidenceItem,
    EvidenceVerdict,
    MadeMove,
    OwnReport,
    ReportAnswer,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportReceipt,
    ReportState,
)
from dmcore.domain.restriction import (
    DeskMetrics,
    Dossier,
    Restriction,
    RestrictionAnswer,
    RestrictionKind,
    RestrictionReason,
)
from dmcore.domain.retention import Pruned
from dmcore.domain.screening import Flag, Pass, Refuse, Submission, Verdict
from dmcore.domain.verification import Finding
from dmcore.errors import DmcoreError
from dmcore.mailbox import (
    AsyncDeviceList,
    AsyncMailbox,
    DeviceList,
    Exported,
    Mailbox,
    Permission,
    ThreadPage,
    json_line,
)
from dmcore.moderation import AsyncModerationDesk, ModerationDesk
from dmcore.operations import AsyncOperations, AsyncRelaying, Operations, Relaying
from dmcore.ports.consumers import Consumer
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.installation import StoreStatus
from dmcore.ports.screening import Screener

__all__ = [
    "Action",
    "AsyncDeviceList",
    "AsyncDirectMessages",
    "AsyncDirectory",
    "AsyncMailbox",
    "AsyncModerationDesk",
    "AsyncOperations",
    "AsyncRelaying",
    "Audience",
    "Batch",
    "Block",
    "Body",
    "BodyReason",
    "BodyRules",
    "Changes",
    "Consumer",
    "ConsumerStatus",
    "ConversationId",
    "ConversationView",
    "Cursor",
    "Delivery",
    "DeskMetrics",
    "Device",
    "DeviceId",
    "DeviceKeys",
    "DeviceList",
    "DirectMessages",
    "Directory",
    "Disclosure",
    "DmcoreError",
    "Dossier",
    "Entry",
    "Envelope",
    "Erased",
    "Erasure",
    "ErasurePreview",
    "ErasureScope",
    "EvidenceItem",
    "EvidenceVerdict",
    "Exported",
    "Fact",
    "Finding",
    "Flag",
    "Folder",
    "Gate",
    "Heads",
    "InboxEntry",
    "Introduction",
    "KeyBundle",
    "KeyClaim",
    "MadeMove",
    "Mailbox",
    "Message",
    "MessageId",
    "Mode",
    "ModerationDesk",
    "OpenTo",
    "Operations",
    "Outcome",
    "OwnAccount",
    "OwnReport",
    "Page",
    "Pass",
    "Permission",
    "Policy",
    "Preferences",
    "Prekey",
    "Profile",
    "Pruned",
    "RateLimit",
    "Reference",
    "Refuse",
    "Relaying",
    "ReportAnswer",
    "ReportId",
    "ReportLine",
    "ReportMove",
    "ReportOrigin",
    "ReportOutcome",
    "ReportReason",
    "ReportReceipt",
    "ReportState",
    "Request",
    "Restriction",
    "RestrictionAnswer",
    "RestrictionKind",
    "RestrictionReason",
    "Screener",
    "SealedPart",
    "SetAside",
    "Settlement",
    "Snapshot",
    "StoreStatus",
    "Submission",
    "TenantId",
    "ThreadPage",
    "User",
    "UserId",
    "Verdict",
    "errors",
    "json_line",
    "parse_envelope",
]
