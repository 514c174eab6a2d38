"""What a mailbox can be asked: reads what comes from outside and describes the call to run."""

from collections.abc import Collection, Sequence
from uuid import UUID

import attrs

from dmcore._rules import Rules
from dmcore.domain.body import Body, parse_body
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Folder
from dmcore.domain.devices import Device, KeyBundle, KeyClaim, Prekey, check_one_time_keys
from dmcore.domain.envelope import Envelope
from dmcore.domain.feed import Changes, Snapshot
from dmcore.domain.franking import Disclosure
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import (
    User,
    UserId,
    parse_conversation_id,
    parse_device_id,
    parse_key,
    parse_message_id,
    parse_user_id,
)
from dmcore.domain.inbox import Audience, ConversationView, InboxEntry
from dmcore.domain.message import Message
from dmcore.domain.paging import Page, ThreadPlace, check_page_size
from dmcore.domain.preferences import Preferences, check_preferences
from dmcore.domain.reports import MOST_CHOSEN, ReportReason, ReportReceipt
from dmcore.domain.sending import Refused
from dmcore.errors import InvalidCursor, InvalidReport
from dmcore.mailbox import _acting, _blocking, _devices, _exporting, _reading, _reporting, _writing
from dmcore.mailbox._advice import NO_ADVICE, Advice
from dmcore.ports.transactions import Call, each_named, reading, surveying, writing


@attrs.frozen
@each_named
class MailboxCalls:
    """One call for each method of the two mailboxes, which document them. No I/O."""

    user: User
    _rules: Rules = attrs.field(repr=False)

    def _read(self, body: str | Envelope) -> Body:
        """What is stored. What is sealed nobody here can measure (CRYPT-2)."""
        if isinstance(body, Envelope):
            return body.body
        return parse_body(body, self._rules.policy.body)

    def start(
        self,
        other: str,
        body: str | Envelope,
        *,
        key: str | None,
        advice: Advice = NO_ADVICE,
    ) -> Call[Message | Refused]:
        return writing(
            _writing.start,
            self._rules,
            sender=self.user,
            other=parse_user_id(other),
            body=self._read(body),
            envelope=body if isinstance(body, Envelope) else None,
            key=None if key is None else parse_key(key),
            advice=advice,
        ).written_by(self.user)

    def send(
        self,
        conversation: UUID | str,
        body: str | Envelope,
        *,
        key: str | None,
        reply_to: UUID | str | None,
        advice: Advice = NO_ADVICE,
    ) -> Call[Message | Refused]:
        return writing(
            _writing.send,
            self._rules,
            sender=self.user,
            conversation=parse_conversation_id(conversation),
            body=self._read(body),
            envelope=body if isinstance(body, Envelope) else None,
            key=None if key is None else parse_key(key),
            reply_to=None if reply_to is None else parse_message_id(reply_to),
            advice=advice,
        ).written_by(self.user)

    def edit(
        self,
        conversation: UUID | str,
        message: UUID | str,
        body: str | Envelope,
        *,
        advice: Advice = NO_ADVICE,
    ) -> Call[Message | Refused]:
        return writing(
            _writing.edit,
            self._rules,
            sender=self.user,
            conversation=parse_conversation_id(conversation),
            message=parse_message_id(message),
            body=self._read(body),
            envelope=body if isinstance(body, Envelope) else None,
            advice=advice,
        ).written_by(self.user)

    def delete(self, conversation: UUID | str, message: UUID | str) -> Call[None]:
        return writing(
            _writing.delete,
            self._rules,
            sender=self.user,
            conversation=parse_conversation_id(conversation),
            message=parse_message_id(message),
        )

    def can_message(
        self, other: str, *, introduction: Introduction | None = None
    ) -> Call[_reading.Permission]:
        return reading(
            _reading.can_message,
            self._rules,
            sender=self.user,
            other=parse_user_id(other),
            introduction=introduction,
        )

    def folder(self, folder: Folder, *, limit: int, cursor: str | None) -> Call[Page[InboxEntry]]:
        scope = _reading.folder_scope(self.user, folder)
        return reading(
            _reading.inbox,
            self._rules,
            owner=self.user,
            folder=folder,
            after=None if cursor is None else scope.read_inbox(cursor),
            limit=check_page_size(limit),
        ).named(folder.value)

    def conversation(self, conversation: UUID | str) -> Call[ConversationView]:
        return reading(
            _reading.conversation,
            self._rules,
            reader=self.user,
            conversation=parse_conversation_id(conversation),
        )

    def conversation_with(self, other: str) -> Call[ConversationView | None]:
        return reading(
            _reading.conversation_with, self._rules, reader=self.user, other=parse_user_id(other)
        )

    def audience(self, conversation: UUID | str) -> Call[Audience]:
        return reading(
            _reading.audience,
            self._rules,
            viewer=self.user,
            conversation=parse_conversation_id(conversation),
        )

    def hearer(self, conversation: UUID | str) -> Call[User | None]:
        return reading(
            _reading.hearer,
            self._rules,
            writer=self.user,
            conversation=parse_conversation_id(conversation),
        )

    def thread(
        self,
        conversation: UUID | str,
        *,
        root: UUID | str | None,
        limit: int,
        before: str | None,
        after: str | None,
    ) -> Call[_reading.ThreadPage]:
        conversation_id = parse_conversation_id(conversation)
        root_id = None if root is None else parse_message_id(root)
        if before is not None and after is not None:
            raise InvalidCursor
        scope = _reading.thread_scope(self.user, conversation_id, root_id)
        return reading(
            _reading.thread,
            self._rules,
            reader=self.user,
            conversation=conversation_id,
            root=root_id,
            place=ThreadPlace(
                before=None if before is None else scope.read_message(before),
                after=None if after is None else scope.read_message(after),
            ),
            limit=check_page_size(limit),
        )

    def unread(self) -> Call[int]:
        return reading(_reading.unread, self._rules, owner=self.user)

    def mark_read(self, conversation: UUID | str, *, through: UUID | str) -> Call[None]:
        return writing(
            _acting.mark_read,
            self._rules,
            reader=self.user,
            conversation=parse_conversation_id(conversation),
            through=parse_message_id(through),
        )

    def hide(self, conversation: UUID | str, message: UUID | str) -> Call[None]:
        return writing(
            _acting.hide,
            self._rules,
            reader=self.user,
            conversation=parse_conversation_id(conversation),
            message=parse_message_id(message),
        )

    def seal(self, conversation: UUID | str) -> Call[None]:
        return writing(
            _acting.seal,
            self._rules,
            actor=self.user,
            conversation=parse_conversation_id(conversation),
        )

    def change_view(self, conversation: UUID | str, change: _acting.ViewChange) -> Call[None]:
        return writing(
            _acting.change_view,
            self._rules,
            change,
            reader=self.user,
            conversation=parse_conversation_id(conversation),
        )

    def preferences(self) -> Call[Preferences]:
        return reading(_reading.preferences, owner=self.user)

    def set_preferences(self, preferences: Preferences) -> Call[None]:
        return writing(
            _acting.set_preferences,
            self._rules,
            owner=self.user,
            preferences=check_preferences(preferences),
        )

    def changes(self, *, after: str | None, limit: int) -> Call[Changes]:
        scope = _reading.feed_scope(self.user)
        return reading(
            _reading.changes,
            self._rules,
            owner=self.user,
            after=0 if after is None else scope.read_position(after),
            limit=check_page_size(limit),
        )

    def snapshot(self, *, limit: int) -> Call[Snapshot]:
        return surveying(
            _reading.snapshot, self._rules, owner=self.user, limit=check_page_size(limit)
        )

    def export(self, *, limit: int, cursor: str | None) -> Call[Page[_exporting.Exported]]:
        scope = _exporting.export_scope(self.user)
        return surveying(
            _exporting.export,
            self._rules,
            owner=self.user,
            after=None if cursor is None else scope.read_export(cursor),
            limit=check_page_size(limit),
        )

    def report(
        self,
        other: str | None,
        *,
        conversation: UUID | str | None,
        messages: Sequence[UUID | str],
        reason: ReportReason | str,
        disclosures: Sequence[Disclosure],
        key: str | None,
    ) -> Call[ReportReceipt]:
        if other is None and conversation is None:
            raise InvalidReport("it names neither a user nor a conversation")
        named = [*(parse_message_id(it) for it in messages), *(it.message for it in disclosures)]
        if named and conversation is None:
            raise InvalidReport("messages need the conversation that they are of")
        if len(named) > MOST_CHOSEN:
            raise InvalidReport(f"it names more than {MOST_CHOSEN} messages")
        complaint = _reporting.Complaint(
            other=None if other is None else parse_user_id(other),
            conversation=None if conversation is None else parse_conversation_id(conversation),
            messages=_reporting.sorted_once(named),
            reason=ReportReason.parse(reason),
            disclosed=tuple(disclosures),
            key=None if key is None else parse_key(key),
        )
        return writing(_reporting.report, self._rules, reporter=self.user, complaint=complaint)

    def block(self, other: str) -> Call[None]:
        return writing(_blocking.block, self._rules, blocker=self.user, other=parse_user_id(other))

    def unblock(self, other: str) -> Call[None]:
        return writing(
            _blocking.unblock, self._rules, blocker=self.user, other=parse_user_id(other)
        )

    def blocked(self, *, limit: int, cursor: str | None) -> Call[Page[Block]]:
        before = None if cursor is None else _reading.blocked_scope(self.user).read_position(cursor)
        return reading(
            _reading.blocked, blocker=self.user, before=before, limit=check_page_size(limit)
        )

    def can_see_profile(self, other: str) -> Call[bool]:
        return reading(_reading.can_see_profile, viewer=self.user, other=parse_user_id(other))

    def visible_profiles(self, others: Collection[str]) -> Call[frozenset[UserId]]:
        asked = frozenset(parse_user_id(other) for other in others)
        return reading(_reading.visible_profiles, viewer=self.user, others=asked)

    def own_devices(self) -> Call[tuple[Device, ...]]:
        return reading(_devices.own, owner=self.user)

    def add_device(
        self,
        device: UUID | str,
        *,
        identity: bytes,
        prekey: Prekey,
        one_time_keys: Collection[Prekey],
    ) -> Call[Device]:
        return writing(
            _devices.add,
            self._rules,
            owner=self.user,
            device=parse_device_id(device),
            identity=identity,
            prekey=prekey,
            one_time_keys=check_one_time_keys(one_time_keys),
        )

    def renew_device(
        self, device: UUID | str, *, prekey: Prekey, one_time_keys: Collection[Prekey]
    ) -> Call[Device]:
        return writing(
            _devices.renew,
            self._rules,
            owner=self.user,
            device=parse_device_id(device),
            prekey=prekey,
            one_time_keys=check_one_time_keys(one_time_keys),
        )

    def remove_device(self, device: UUID | str) -> Call[None]:
        return writing(
            _devices.remove, self._rules, owner=self.user, device=parse_device_id(device)
        )

    def claim_keys(self, other: str, *, introduction: Introduction | None) -> Call[KeyClaim]:
        return writing(
            _devices.claim,
            self._rules,
            sender=self.user,
            other=parse_user_id(other),
            introduction=introduction,
        )

    def keys_of(self, other: str) -> Call[KeyBundle]:
        return reading(_devices.keys_of, self._rules, reader=self.user, other=parse_user_id(other))

    def safety_number(self, other: str) -> Call[str]:
        return reading(
            _devices.number_with, self._rules, reader=self.user, other=parse_user_id(other)
        )
