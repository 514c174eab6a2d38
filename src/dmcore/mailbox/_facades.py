"""What a host holds for one user, in two colours. Both run the calls of ``MailboxCalls``.

One long file rather than two: whoever changes a method has its twin before their eyes.
"""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import attrs

from dmcore.domain import viewing
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Folder
from dmcore.domain.envelope import Envelope
from dmcore.domain.feed import Changes, Snapshot
from dmcore.domain.franking import Disclosure
from dmcore.domain.ids import User, UserId
from dmcore.domain.inbox import Audience, ConversationView, InboxEntry
from dmcore.domain.message import Message
from dmcore.domain.paging import Page
from dmcore.domain.preferences import Preferences
from dmcore.domain.reports import ReportReason, ReportReceipt
from dmcore.domain.screening import Submission
from dmcore.domain.sending import Refused
from dmcore.mailbox._advice import NO_ADVICE, Advice, Unintroduced, Unscreened
from dmcore.mailbox._calls import MailboxCalls
from dmcore.mailbox._device_facades import AsyncDeviceList, DeviceList
from dmcore.mailbox._exporting import Exported
from dmcore.mailbox._reading import Permission, ThreadPage
from dmcore.mailbox._writing import Answer, answered
from dmcore.ports.directory import AsyncDirectory, Directory, answer_of, asked
from dmcore.ports.screening import AsyncScreenerChain, ScreenerChain, chain_of
from dmcore.ports.transactions import AsyncTransactions, Call, Transactions

Ask = Callable[[Advice], Call[Answer | Refused]]
"""A call, made with what was said so far."""


@attrs.frozen(kw_only=True)
class Mailbox:
    """One user's mailbox. Every method acts as this user and as nobody else.

    Any method may raise ``StoreError`` and, while the operator's switch forbids it,
    ``MessagingUnavailable``; while a moderator suspended this user, all but what protects them
    raises ``Suspended`` (MOD-4): the export, the block list, reporting, taking a message back and
    the preferences stay. Ids may be given as text or as UUIDs; one that is in no valid form
    raises ``InvalidId``. A conversation or a message that this user does not have or cannot see
    raises ``AccessDenied``, whatever the cause (CONV-1).
    """

    _calls: MailboxCalls = attrs.field(repr=False)
    _transactions: Transactions = attrs.field(repr=False)
    _directory: Directory | None = attrs.field(repr=False)
    _screeners: ScreenerChain | None = attrs.field(default=None, repr=False)
    user: User = attrs.field(init=False)

    @user.default
    def _user(self) -> User:
        return self._calls.user

    # Writing ------------------------------------------------------------------------------------

    def start(self, other: str, body: str | Envelope, *, key: str | None = None) -> Message:
        """Write to ``other``, beginning the conversation if there is none (PAIR-2).

        Returns the stored message, after it is durable (MSG-4); with a ``key`` used before, that
        message (MSG-3). Raises ``InvalidBody``, ``InvalidKey``, ``CannotMessageYourself``,
        ``KeyConflict``, ``Muted``, ``YouBlockedThem``, ``RecipientUnavailable``,
        ``NotAcceptedYet``, ``LimitReached``, ``MessageRefused`` and, where this begins a
        conversation, ``UnknownUser``, ``StartRefused`` and ``UpgradeRequired`` (GATE-1).

        An ``Envelope`` is a text that was sealed, and the conversation is from then on (CRYPT-2):
        no text is accepted any more, but raises ``SealedOnly``. Raises ``SealingNotOffered``,
        ``NoDevice``, and ``KeysChanged`` where keys have to be claimed anew.
        """
        return self._advised(lambda advice: self._calls.start(other, body, key=key, advice=advice))

    def send(
        self,
        conversation: UUID | str,
        body: str | Envelope,
        *,
        key: str | None = None,
        reply_to: UUID | str | None = None,
    ) -> Message:
        """Write into a conversation of this user, perhaps in answer to a message of it (MSG-6).

        As ``start``; a reply is never a start.
        """
        return self._advised(
            lambda advice: self._calls.send(
                conversation, body, key=key, reply_to=reply_to, advice=advice
            )
        )

    def edit(self, conversation: UUID | str, message: UUID | str, body: str | Envelope) -> Message:
        """Give an own message another text, within the policy's ``edit_window`` (MSG-5).

        Returns the message as it is now, its receipt apart. Raises ``AccessDenied`` also for the
        other's message, and ``InvalidBody``, ``TooLateToEdit``, ``Muted``, ``YouBlockedThem``,
        ``RecipientUnavailable``, ``LimitReached``, ``MessageRefused``.
        """
        return self._advised(
            lambda advice: self._calls.edit(conversation, message, body, advice=advice)
        )

    def delete(self, conversation: UUID | str, message: UUID | str) -> None:
        """Take an own message back: its text is gone for both, its place stays (MSG-5).

        Deleting twice is deleting once. Raises ``AccessDenied`` also for the other's message.
        """
        self._transactions.run(self._calls.delete(conversation, message))

    def can_message(self, other: str) -> Permission:
        """Whether a message to ``other`` would be accepted now; nothing is created (GATE-2).

        It says what an attempt would be answered, and never more. Raises ``CannotMessageYourself``.
        """
        return self._advised(
            lambda advice: self._calls.can_message(other, introduction=advice.introduction)
        )

    # Reading ------------------------------------------------------------------------------------

    def inbox(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """A page of 1..100 conversations, newest activity first (PAGE-2).

        Raises ``InvalidPageSize`` and ``InvalidCursor``, as every list does.
        """
        return self._transactions.run(self._calls.folder(Folder.INBOX, limit=limit, cursor=cursor))

    def requests(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """A page of the conversations that await this user's consent (REQ-1)."""
        return self._transactions.run(
            self._calls.folder(Folder.REQUESTS, limit=limit, cursor=cursor)
        )

    def archived(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """A page of the conversations that this user put away (MSG-5)."""
        return self._transactions.run(
            self._calls.folder(Folder.ARCHIVED, limit=limit, cursor=cursor)
        )

    def conversation(self, conversation: UUID | str) -> ConversationView:
        """How this user has a conversation: with whom, where it is listed, its flags."""
        return self._transactions.run(self._calls.conversation(conversation))

    def conversation_with(self, other: str) -> ConversationView | None:
        """The same of the conversation with ``other``; ``None`` where this user has none.

        Raises ``CannotMessageYourself``.
        """
        return self._transactions.run(self._calls.conversation_with(other))

    def audience(self, conversation: UUID | str) -> Audience:
        """Whether the two may know of each other's typing and presence (PREF-1, BLOCK-1).

        For whoever shows such signals: nothing here keeps them.
        """
        return self._transactions.run(self._calls.audience(conversation))

    def thread(
        self,
        conversation: UUID | str,
        *,
        root: UUID | str | None = None,
        limit: int = 50,
        before: str | None = None,
        after: str | None = None,
    ) -> ThreadPage:
        """A page of 1..100 messages: the newest, those before a cursor, or those after one.

        With ``root``, only that message and the chain of replies to it (MSG-6). Reading marks
        nothing as read (READ-1). Raises ``InvalidPageSize`` and ``InvalidCursor`` (also for both
        cursors at once).
        """
        return self._transactions.run(
            self._calls.thread(conversation, root=root, limit=limit, before=before, after=after)
        )

    def unread(self) -> int:
        """The number of unread messages over all conversations in the inbox (READ-3)."""
        return self._transactions.run(self._calls.unread())

    def changes(self, *, after: str | None = None, limit: int = 100) -> Changes:
        """What happened to this user since a cursor, each fact once, oldest first (FEED-1).

        Without a cursor, from the beginning. Raises ``CursorExpired`` where what follows is not
        kept any more: then ``snapshot`` gives a state and a cursor to go on from.
        """
        return self._transactions.run(self._calls.changes(after=after, limit=limit))

    def snapshot(self, *, limit: int = 20) -> Snapshot:
        """This user's state at one instant, with the cursor for ``changes`` from just there."""
        return self._transactions.run(self._calls.snapshot(limit=limit))

    def export(self, *, limit: int = 100, cursor: str | None = None) -> Page[Exported]:
        """A part of everything that this user may see, in whatever mode (GDPR-1, OPS-1).

        First their account: their preferences, and whether they are muted or suspended. Then their
        devices, their block list, newest first, and what they reported, oldest first; then each
        conversation that they have, in a list or not, followed by its messages, oldest first.
        ``next`` leads through all of it, each thing once; what comes meanwhile into a part that is
        passed is not in it.
        """
        return self._transactions.run(self._calls.export(limit=limit, cursor=cursor))

    # One's own view -----------------------------------------------------------------------------

    def mark_read(self, conversation: UUID | str, *, through: UUID | str) -> None:
        """Mark everything up to and including the message ``through`` as read (READ-1).

        It never moves back. Where both users show receipts, the other sees when (READ-2).
        """
        self._transactions.run(self._calls.mark_read(conversation, through=through))

    def hide(self, conversation: UUID | str, message: UUID | str) -> None:
        """Hide a message from this user alone, for good (MSG-5)."""
        self._transactions.run(self._calls.hide(conversation, message))

    def clear(self, conversation: UUID | str) -> None:
        """Hide everything so far from this user alone; the conversation itself stays (MSG-5)."""
        self._transactions.run(self._calls.change_view(conversation, viewing.cleared))

    def seal(self, conversation: UUID | str) -> None:
        """Have a conversation sealed from now on, which nobody undoes (CRYPT-2).

        Both need a device. Raises ``SealingNotOffered``, ``NoDevice``, ``YouBlockedThem`` and
        ``RecipientUnavailable``; sealing twice is sealing once.
        """
        self._transactions.run(self._calls.seal(conversation))

    def mute(self, conversation: UUID | str) -> None:
        """Flag a conversation for whoever notifies; new messages leave it in the archive."""
        self._transactions.run(self._calls.change_view(conversation, viewing.muted))

    def unmute(self, conversation: UUID | str) -> None:
        """Take the flag of ``mute`` away."""
        self._transactions.run(self._calls.change_view(conversation, viewing.unmuted))

    def archive(self, conversation: UUID | str) -> None:
        """Move a conversation out of the inbox; a new message brings it back, unless muted."""
        self._transactions.run(self._calls.change_view(conversation, viewing.archived))

    def unarchive(self, conversation: UUID | str) -> None:
        """Move a conversation back into the inbox."""
        self._transactions.run(self._calls.change_view(conversation, viewing.unarchived))

    def accept(self, conversation: UUID | str) -> None:
        """Accept a request, also one that was declined (REQ-1). Writing into it accepts as well.

        Raises ``YouBlockedThem``.
        """
        self._transactions.run(self._calls.change_view(conversation, viewing.accepted))

    def decline(self, conversation: UUID | str) -> None:
        """Decline a request, which the other cannot find out (REQ-1). Raises ``NoRequest``."""
        self._transactions.run(self._calls.change_view(conversation, viewing.declined))

    # Other people, and oneself ------------------------------------------------------------------

    def block(self, other: str) -> None:
        """Block ``other``, who cannot find out (BLOCK-1, BLOCK-2).

        Raises ``CannotMessageYourself``, and ``UnknownUser`` for somebody who was erased (GDPR-1).
        """
        self._transactions.run(self._calls.block(other))

    def unblock(self, other: str) -> None:
        """Lift the block of ``other``, if there is one. Raises as ``block``."""
        self._transactions.run(self._calls.unblock(other))

    def blocked(self, *, limit: int = 50, cursor: str | None = None) -> Page[Block]:
        """A page of this user's private block list, newest first (BLOCK-3)."""
        return self._transactions.run(self._calls.blocked(limit=limit, cursor=cursor))

    def report(
        self,
        other: str | None = None,
        *,
        conversation: UUID | str | None = None,
        messages: Sequence[UUID | str] = (),
        reason: ReportReason | str,
        disclosures: Sequence[Disclosure] = (),
        key: str | None = None,
    ) -> ReportReceipt:
        """Report a user, a conversation, or up to 20 messages of one that this user sees (MOD-1).

        Nobody but moderators learns of it, in every mode but ``off``. The ids and the reason are
        kept; what the messages say only under ``evidence="reporter_selected"``, as it is now. A
        report that is repeated with its key is the one that was made.

        A ``Disclosure`` is a message of the other's as this user kept it: it counts if it was sent
        exactly like this, also where it was sealed, changed, taken back or erased since (CRYPT-2).
        Raises ``AccessDenied`` for
        what this user does not have or see, ``InvalidReport``, ``CannotMessageYourself``,
        ``LimitReached``, ``KeyConflict``, and ``UnknownUser`` for somebody who was erased.
        """
        call = self._calls.report(
            other,
            conversation=conversation,
            messages=messages,
            reason=reason,
            disclosures=disclosures,
            key=key,
        )
        return self._transactions.run(call)

    def can_see_profile(self, other: str) -> bool:
        """Whether the host should show the profile of ``other`` to this user (BLOCK-3).

        Answered in every mode: a block holds while messaging is off, too.
        """
        return self._transactions.run(self._calls.can_see_profile(other))

    def visible_profiles(self, others: Collection[str]) -> frozenset[UserId]:
        """Those of these users whose profile the host should show to this user (BLOCK-3).

        For a page with many people on it: they are all asked about at once, in every mode.
        """
        return self._transactions.run(self._calls.visible_profiles(others))

    def preferences(self) -> Preferences:
        """What this user chose about being reached and being seen (PREF-1)."""
        return self._transactions.run(self._calls.preferences())

    def set_preferences(self, preferences: Preferences) -> None:
        """Choose anew, all at once. Raises ``InvalidSetting`` for what are no preferences.

        Being open to connections only needs a host that knows connections, or ``ChoiceNotOffered``
        is raised.
        """
        self._transactions.run(self._calls.set_preferences(preferences))

    @property
    def devices(self) -> DeviceList:
        """This user's devices, and the keys that messages are sealed with (CRYPT-2)."""
        return DeviceList(self._calls, self._transactions, self._advised)

    def _advised(self, ask: Ask[Answer]) -> Answer:
        """Run a call; where it has to be told something first, find that out and run it again.

        The host is asked about the two, and the screeners about the text, while nothing is held.
        """
        advice = NO_ADVICE
        question: tuple[User, User] | Submission
        while True:
            try:
                return answered(self._transactions.run(ask(advice)))
            except Unintroduced as unintroduced:
                question = unintroduced.sender, unintroduced.recipient
            except Unscreened as unscreened:
                question = unscreened.submission
            if isinstance(question, Submission):
                screening = chain_of(self._screeners).screened(question)
                advice = attrs.evolve(advice, screening=screening)
            else:
                said = asked(self._directory).introduce(*question)
                advice = attrs.evolve(advice, introduction=answer_of(said))


@attrs.frozen(kw_only=True)
class AsyncMailbox:
    """As `Mailbox`, awaited. A cancelled call is undone unless it is being committed."""

    _calls: MailboxCalls = attrs.field(repr=False)
    _transactions: AsyncTransactions = attrs.field(repr=False)
    _directory: AsyncDirectory | None = attrs.field(repr=False)
    _screeners: AsyncScreenerChain | None = attrs.field(default=None, repr=False)
    user: User = attrs.field(init=False)

    @user.default
    def _user(self) -> User:
        return self._calls.user

    # Writing ------------------------------------------------------------------------------------

    async def start(self, other: str, body: str | Envelope, *, key: str | None = None) -> Message:
        """As `Mailbox.start`."""
        return await self._advised(
            lambda advice: self._calls.start(other, body, key=key, advice=advice)
        )

    async def send(
        self,
        conversation: UUID | str,
        body: str | Envelope,
        *,
        key: str | None = None,
        reply_to: UUID | str | None = None,
    ) -> Message:
        """As `Mailbox.send`."""
        return await self._advised(
            lambda advice: self._calls.send(
                conversation, body, key=key, reply_to=reply_to, advice=advice
            )
        )

    async def edit(
        self, conversation: UUID | str, message: UUID | str, body: str | Envelope
    ) -> Message:
        """As `Mailbox.edit`."""
        return await self._advised(
            lambda advice: self._calls.edit(conversation, message, body, advice=advice)
        )

    async def delete(self, conversation: UUID | str, message: UUID | str) -> None:
        """As `Mailbox.delete`."""
        await self._transactions.run(self._calls.delete(conversation, message))

    async def can_message(self, other: str) -> Permission:
        """As `Mailbox.can_message`."""
        return await self._advised(
            lambda advice: self._calls.can_message(other, introduction=advice.introduction)
        )

    # Reading ------------------------------------------------------------------------------------

    async def inbox(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """As `Mailbox.inbox`."""
        return await self._transactions.run(
            self._calls.folder(Folder.INBOX, limit=limit, cursor=cursor)
        )

    async def requests(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """As `Mailbox.requests`."""
        return await self._transactions.run(
            self._calls.folder(Folder.REQUESTS, limit=limit, cursor=cursor)
        )

    async def archived(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """As `Mailbox.archived`."""
        return await self._transactions.run(
            self._calls.folder(Folder.ARCHIVED, limit=limit, cursor=cursor)
        )

    async def conversation(self, conversation: UUID | str) -> ConversationView:
        """As `Mailbox.conversation`."""
        return await self._transactions.run(self._calls.conversation(conversation))

    async def conversation_with(self, other: str) -> ConversationView | None:
        """As `Mailbox.conversation_with`."""
        return await self._transactions.run(self._calls.conversation_with(other))

    async def audience(self, conversation: UUID | str) -> Audience:
        """As `Mailbox.audience`."""
        return await self._transactions.run(self._calls.audience(conversation))

    async def thread(
        self,
        conversation: UUID | str,
        *,
        root: UUID | str | None = None,
        limit: int = 50,
        before: str | None = None,
        after: str | None = None,
    ) -> ThreadPage:
        """As `Mailbox.thread`."""
        return await self._transactions.run(
            self._calls.thread(conversation, root=root, limit=limit, before=before, after=after)
        )

    async def unread(self) -> int:
        """As `Mailbox.unread`."""
        return await self._transactions.run(self._calls.unread())

    async def changes(self, *, after: str | None = None, limit: int = 100) -> Changes:
        """As `Mailbox.changes`."""
        return await self._transactions.run(self._calls.changes(after=after, limit=limit))

    async def snapshot(self, *, limit: int = 20) -> Snapshot:
        """As `Mailbox.snapshot`."""
        return await self._transactions.run(self._calls.snapshot(limit=limit))

    async def export(self, *, limit: int = 100, cursor: str | None = None) -> Page[Exported]:
        """As `Mailbox.export`."""
        return await self._transactions.run(self._calls.export(limit=limit, cursor=cursor))

    # One's own view -----------------------------------------------------------------------------

    async def mark_read(self, conversation: UUID | str, *, through: UUID | str) -> None:
        """As `Mailbox.mark_read`."""
        await self._transactions.run(self._calls.mark_read(conversation, through=through))

    async def hide(self, conversation: UUID | str, message: UUID | str) -> None:
        """As `Mailbox.hide`."""
        await self._transactions.run(self._calls.hide(conversation, message))

    async def clear(self, conversation: UUID | str) -> None:
        """As `Mailbox.clear`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.cleared))

    async def seal(self, conversation: UUID | str) -> None:
        """As `Mailbox.seal`."""
        await self._transactions.run(self._calls.seal(conversation))

    async def mute(self, conversation: UUID | str) -> None:
        """As `Mailbox.mute`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.muted))

    async def unmute(self, conversation: UUID | str) -> None:
        """As `Mailbox.unmute`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.unmuted))

    async def archive(self, conversation: UUID | str) -> None:
        """As `Mailbox.archive`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.archived))

    async def unarchive(self, conversation: UUID | str) -> None:
        """As `Mailbox.unarchive`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.unarchived))

    async def accept(self, conversation: UUID | str) -> None:
        """As `Mailbox.accept`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.accepted))

    async def decline(self, conversation: UUID | str) -> None:
        """As `Mailbox.decline`."""
        await self._transactions.run(self._calls.change_view(conversation, viewing.declined))

    # Other people, and oneself ------------------------------------------------------------------

    async def block(self, other: str) -> None:
        """As `Mailbox.block`."""
        await self._transactions.run(self._calls.block(other))

    async def unblock(self, other: str) -> None:
        """As `Mailbox.unblock`."""
        await self._transactions.run(self._calls.unblock(other))

    async def blocked(self, *, limit: int = 50, cursor: str | None = None) -> Page[Block]:
        """As `Mailbox.blocked`."""
        return await self._transactions.run(self._calls.blocked(limit=limit, cursor=cursor))

    async def report(
        self,
        other: str | None = None,
        *,
        conversation: UUID | str | None = None,
        messages: Sequence[UUID | str] = (),
        reason: ReportReason | str,
        disclosures: Sequence[Disclosure] = (),
        key: str | None = None,
    ) -> ReportReceipt:
        """As `Mailbox.report`."""
        call = self._calls.report(
            other,
            conversation=conversation,
            messages=messages,
            reason=reason,
            disclosures=disclosures,
            key=key,
        )
        return await self._transactions.run(call)

    async def can_see_profile(self, other: str) -> bool:
        """As `Mailbox.can_see_profile`."""
        return await self._transactions.run(self._calls.can_see_profile(other))

    async def visible_profiles(self, others: Collection[str]) -> frozenset[UserId]:
        """As `Mailbox.visible_profiles`."""
        return await self._transactions.run(self._calls.visible_profiles(others))

    async def preferences(self) -> Preferences:
        """As `Mailbox.preferences`."""
        return await self._transactions.run(self._calls.preferences())

    async def set_preferences(self, preferences: Preferences) -> None:
        """As `Mailbox.set_preferences`."""
        await self._transactions.run(self._calls.set_preferences(preferences))

    @property
    def devices(self) -> AsyncDeviceList:
        """As `Mailbox.devices`."""
        return AsyncDeviceList(self._calls, self._transactions, self._advised)

    async def _advised(self, ask: Ask[Answer]) -> Answer:
        """As `Mailbox._advised`."""
        advice = NO_ADVICE
        question: tuple[User, User] | Submission
        while True:
            try:
                return answered(await self._transactions.run(ask(advice)))
            except Unintroduced as unintroduced:
                question = unintroduced.sender, unintroduced.recipient
            except Unscreened as unscreened:
                question = unscreened.submission
            if isinstance(question, Submission):
                screening = await chain_of(self._screeners).screened(question)
                advice = attrs.evolve(advice, screening=screening)
            else:
                said = await asked(self._directory).introduce(*question)
                advice = attrs.evolve(advice, introduction=answer_of(said))
