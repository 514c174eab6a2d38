"""A message, as a participant sees it and as it is stored."""

import hashlib
from datetime import datetime
from typing import Final, Self

import attrs

from dmcore.domain.body import UNREADABLE, Body
from dmcore.domain.conversation import Side
from dmcore.domain.envelope import Envelope, parse_envelope
from dmcore.domain.ids import ConversationId, Key, MessageId, UserId
from dmcore.domain.instants import to_datetime
from dmcore.errors import InvalidEnvelope

_FINGERPRINT_SIZE: Final = 4


# Without slots: a page makes a hundred of them, and attrs fills those in half of the time.
@attrs.frozen(slots=False)
class Message:
    """What a participant sees: nothing in it tells whether anyone else can see it.

    ``body`` is ``None`` after its sender deleted it. ``reply_to`` is the message that this one
    answers and ``thread_id`` the first of that chain (MSG-6). ``seen_at_us`` is when the partner
    saw it: of own messages only, and only where both show receipts (READ-2). ``is_sealed``: its
    sender sealed it, so ``body`` is nothing to show, and ``envelope`` is what to open (CRYPT-2).
    ``franking`` proves what it says, and is given to its recipient alone.
    """

    id: MessageId
    conversation: ConversationId
    sender: UserId
    body: Body | None
    sent_at_us: int
    edited_at_us: int | None = None
    reply_to: MessageId | None = None
    thread_id: MessageId | None = None
    seen_at_us: int | None = None
    is_sealed: bool = False
    # Not part of what it says: a message is the same to both, and only one of them can prove it.
    franking: bytes | None = attrs.field(default=None, repr=False, eq=False)

    @property
    def is_deleted(self) -> bool:
        """Whether its sender took it back: what is left is a place in the conversation."""
        return self.body is None

    @property
    def is_unreadable(self) -> bool:
        """Whether its text cannot be opened any more; ``body`` is what is shown instead."""
        return self.body is UNREADABLE

    @property
    def envelope(self) -> Envelope | None:
        """What its sender sealed; ``None`` where nothing is sealed, or it is damaged or gone."""
        if not self.is_sealed or self.body is None:
            return None
        try:
            return parse_envelope(self.body.text)
        except InvalidEnvelope:
            return None

    @property
    def sent_at(self) -> datetime:
        """When the message was accepted, in UTC."""
        return to_datetime(self.sent_at_us)

    @property
    def edited_at(self) -> datetime | None:
        """When the text was changed last, in UTC."""
        return None if self.edited_at_us is None else to_datetime(self.edited_at_us)

    @property
    def seen_at(self) -> datetime | None:
        """When the partner saw it, in UTC."""
        return None if self.seen_at_us is None else to_datetime(self.seen_at_us)


@attrs.frozen(kw_only=True)
class Edit:
    """A later text of a message."""

    body: Body
    at_us: int


@attrs.frozen(kw_only=True)
class Link:
    """What a message answers: that message, and the first of the chain."""

    reply_to: MessageId
    thread_id: MessageId


@attrs.frozen(kw_only=True)
class Posting:
    """A message as it is stored, with what only one of the two knows.

    - ``message``: as the partner would see it, if they see it.
    - ``key``: the idempotency key it came under; ``fingerprint`` stands for its first text after
      that is gone, so that a retry can still be told from another message (MSG-3).
    - ``sender_only``: it exists for its sender alone and leaves no trace in any value derived for
      the other side. ``own_edit`` is a change of a delivered message, of the same kind, and
      ``own_link`` what it answers, where its sender sees more of that than the partner.
    - ``hidden_by_sender``, ``hidden_by_recipient``: who hid it for themselves.
    """

    message: Message
    key: Key | None = attrs.field(default=None, repr=False)
    fingerprint: bytes | None = attrs.field(default=None, repr=False)
    sender_only: bool = False
    own_edit: Edit | None = None
    own_link: Link | None = None
    hidden_by_sender: bool = False
    hidden_by_recipient: bool = False

    def is_shown_to(self, reader: UserId, side: Side) -> bool:
        """Whether ``reader``, whose view is ``side``, would see it if they blocked nobody."""
        if side.cleared is not None and self.message.id <= side.cleared:
            return False
        if self.message.sender == reader:
            return not self.hidden_by_sender
        return not self.sender_only and not self.hidden_by_recipient

    def is_visible_to(self, reader: UserId, side: Side) -> bool:
        """Whether ``reader`` sees it now: nothing of somebody whom they block (BLOCK-1)."""
        is_own = self.message.sender == reader
        return self.is_shown_to(reader, side) and (is_own or not side.blocks)

    def is_unread_by(self, reader: UserId, side: Side) -> bool:
        """Whether it counts as unread for ``reader``: the partner's, shown, not taken back."""
        if self.message.sender == reader or self.message.is_deleted:
            return False
        is_after = side.read is None or self.message.id > side.read
        return is_after and self.is_shown_to(reader, side)

    def seen_by(self, reader: UserId) -> Message:
        """The message as ``reader`` sees it, receipts apart."""
        message = self.message
        if message.sender != reader:
            return message
        # Who sees the tag of a changed text would see whether that arrived.
        if message.franking is not None:
            message = attrs.evolve(message, franking=None)
        if self.own_link is not None:
            message = attrs.evolve(message, **attrs.asdict(self.own_link, recurse=False))
        if self.own_edit is not None:
            text, at_us = self.own_edit.body, self.own_edit.at_us
            message = attrs.evolve(message, body=text, edited_at_us=at_us)
        return message

    def link_for(self, reader: UserId) -> Link | None:
        """What an answer to this message is linked to, as far as ``reader`` sees the chain."""
        if self.sender_only and self.message.sender != reader:
            return None
        seen = self.seen_by(reader)
        return Link(reply_to=seen.id, thread_id=seen.thread_id or seen.id)

    def came_with(self, body: Body) -> bool:
        """Whether ``body`` is the text that this message was sent with."""
        if self.fingerprint is not None:
            return self.fingerprint == self._fingerprint_of(body)
        return self.message.body == body

    def without_first_text(self) -> Self:
        """Before the first text goes: keep what a retry under the same key is known by."""
        body = self.message.body
        if self.key is None or self.fingerprint is not None or body is None:
            return self
        return attrs.evolve(self, fingerprint=self._fingerprint_of(body))

    def hidden_by(self, user: UserId) -> Self:
        """The posting after ``user`` hid it for themselves."""
        if user == self.message.sender:
            return attrs.evolve(self, hidden_by_sender=True)
        return attrs.evolve(self, hidden_by_recipient=True)

    def _fingerprint_of(self, body: Body) -> bytes:
        # Long enough to notice another message, too short to prove a guess: it outlives the text.
        return hashlib.blake2b(
            body.text.encode(), digest_size=_FINGERPRINT_SIZE, key=self.message.conversation.bytes
        ).digest()


@attrs.frozen(kw_only=True)
class Receipt:
    """That ``reader`` saw everything in a conversation up to ``through``, and when (READ-1)."""

    conversation: ConversationId
    reader: UserId
    through: MessageId
    at_us: int
