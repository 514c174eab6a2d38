"""The conformance suite: what every store must do, as plain pytest classes.

A test file takes all of it with ``from dmcore.testing.conformance import *``, beside a fixture
``harness``; see ``dmcore.testing.plugin``. Each class is about one subject and uses public names
and ports alone. Owns no store: what only one of them has to do is tested beside it.
"""

from dmcore.testing.conformance.access import TestAccess
from dmcore.testing.conformance.audience import TestAudience
from dmcore.testing.conformance.blocks import TestBlocks
from dmcore.testing.conformance.bodies import TestBodies
from dmcore.testing.conformance.can_message import TestCanMessage
from dmcore.testing.conformance.clearing import TestClearing
from dmcore.testing.conformance.clock_jumps import TestClockJumps
from dmcore.testing.conformance.closing import TestClosing
from dmcore.testing.conformance.conversation_views import TestConversationViews
from dmcore.testing.conformance.deleted_texts import TestDeletedTexts
from dmcore.testing.conformance.deleting import TestDeleting
from dmcore.testing.conformance.devices import TestDevices
from dmcore.testing.conformance.directory import TestDirectory
from dmcore.testing.conformance.editing import TestEditing
from dmcore.testing.conformance.editing_while_blocked import TestEditingWhileBlocked
from dmcore.testing.conformance.erasing import TestErasing
from dmcore.testing.conformance.erasing_meets import TestErasingMeets
from dmcore.testing.conformance.erasing_steps import TestErasingSteps
from dmcore.testing.conformance.evidence import TestEvidence
from dmcore.testing.conformance.export import TestExport
from dmcore.testing.conformance.feed import TestFeed
from dmcore.testing.conformance.feed_blocked import TestFeedBlocked
from dmcore.testing.conformance.feed_kept import TestFeedKept
from dmcore.testing.conformance.flags import TestFlags
from dmcore.testing.conformance.folders import TestFolders
from dmcore.testing.conformance.franking import TestFranking
from dmcore.testing.conformance.gates import TestGates
from dmcore.testing.conformance.heads import TestHeads
from dmcore.testing.conformance.hiding import TestHiding
from dmcore.testing.conformance.journal import TestJournal
from dmcore.testing.conformance.keys import TestKeys
from dmcore.testing.conformance.limits import TestLimits
from dmcore.testing.conformance.moderation import TestModeration
from dmcore.testing.conformance.modes import TestModes
from dmcore.testing.conformance.muted_and_suspended import TestMutedAndSuspended
from dmcore.testing.conformance.order import TestOrder
from dmcore.testing.conformance.outbox import TestOutbox
from dmcore.testing.conformance.own_conversation import TestOwnConversation
from dmcore.testing.conformance.paging import TestPaging
from dmcore.testing.conformance.pairs import TestPairs
from dmcore.testing.conformance.ports import TestPorts
from dmcore.testing.conformance.preferences import TestPreferences
from dmcore.testing.conformance.pruning import TestPruning
from dmcore.testing.conformance.random_histories import TestRandomHistories
from dmcore.testing.conformance.reading import TestReading
from dmcore.testing.conformance.receipts import TestReceipts
from dmcore.testing.conformance.receipts_and_blocks import TestReceiptsAndBlocks
from dmcore.testing.conformance.relaying import TestRelaying
from dmcore.testing.conformance.removal import TestRemoval
from dmcore.testing.conformance.replies import TestReplies
from dmcore.testing.conformance.replies_and_blocks import TestRepliesAndBlocks
from dmcore.testing.conformance.report_history import TestReportHistory
from dmcore.testing.conformance.reports import TestReports
from dmcore.testing.conformance.requests import TestRequests
from dmcore.testing.conformance.requests_crossing import TestRequestsCrossing
from dmcore.testing.conformance.requests_unseen import TestRequestsUnseen
from dmcore.testing.conformance.restrictions import TestRestrictions
from dmcore.testing.conformance.retention import TestRetention
from dmcore.testing.conformance.rollback import TestRollback
from dmcore.testing.conformance.rollback_of_changes import TestRollbackOfChanges
from dmcore.testing.conformance.rollback_of_reports import TestRollbackOfReports
from dmcore.testing.conformance.screening import TestScreening
from dmcore.testing.conformance.sealing import TestSealing
from dmcore.testing.conformance.shadow_bans import TestShadowBans
from dmcore.testing.conformance.snapshot import TestSnapshot
from dmcore.testing.conformance.status import TestStatus
from dmcore.testing.conformance.tenants import TestTenants
from dmcore.testing.conformance.transactions import TestTransactions
from dmcore.testing.conformance.verify import TestVerify

__all__ = [
    "TestAccess",
    "TestAudience",
    "TestBlocks",
    "TestBodies",
    "TestCanMessage",
    "TestClearing",
    "TestClockJumps",
    "TestClosing",
    "TestConversationViews",
    "TestDeletedTexts",
    "TestDeleting",
    "TestDevices",
    "TestDirectory",
    "TestEditing",
    "TestEditingWhileBlocked",
    "TestErasing",
    "TestErasingMeets",
    "TestErasingSteps",
    "TestEvidence",
    "TestExport",
    "TestFeed",
    "TestFeedBlocked",
    "TestFeedKept",
    "TestFlags",
    "TestFolders",
    "TestFranking",
    "TestGates",
    "TestHeads",
    "TestHiding",
    "TestJournal",
    "TestKeys",
    "TestLimits",
    "TestModeration",
    "TestModes",
    "TestMutedAndSuspended",
    "TestOrder",
    "TestOutbox",
    "TestOwnConversation",
    "TestPaging",
    "TestPairs",
    "TestPorts",
    "TestPreferences",
    "TestPruning",
    "TestRandomHistories",
    "TestReading",
    "TestReceipts",
    "TestReceiptsAndBlocks",
    "TestRelaying",
    "TestRemoval",
    "TestReplies",
    "TestRepliesAndBlocks",
    "TestReportHistory",
    "TestReports",
    "TestRequests",
    "TestRequestsCrossing",
    "TestRequestsUnseen",
    "TestRestrictions",
    "TestRetention",
    "TestRollback",
    "TestRollbackOfChanges",
    "TestRollbackOfReports",
    "TestScreening",
    "TestSealing",
    "TestShadowBans",
    "TestSnapshot",
    "TestStatus",
    "TestTenants",
    "TestTransactions",
    "TestVerify",
]
