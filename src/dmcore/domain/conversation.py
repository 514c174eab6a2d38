"""A conversation: a pair, the order of its messages, and what each of the two has of it."""

from enum import StrEnum
from typing import Self

import attrs

from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.pair import Pair


class Request(StrEnum):
    """What became of a first message that has to be accepted (REQ-1)."""

    PENDING = "pending"
    DECLINED = "declined"


class Folder(StrEnum):
    """The lists in which a conversation can stand; one at a time, or none."""

    INBOX = "inbox"
    REQUESTS = "requests"
    ARCHIVED = "archived"


@attrs.frozen(kw_only=True)
class Listing:
    """What a list says of a conversation: where it stands in which list, and what it shows."""

    folder: Folder
    newest: MessageId
    read: MessageId | None
    unread: int
    is_muted: bool


@attrs.frozen(kw_only=True)
class Side:
    """One participant's own view of a conversation.

    - ``exists``: whether this participant has the conversation at all.
    - ``newest``: the newest message that they may see; ``None`` also after they hid everything.
    - ``read``: their read marker; ``unread`` counts the partner's visible messages after it.
    - ``said``: the newest message that they wrote; ``heard``: the newest of the partner's that ever
      reached them; ``told``: up to which of those the partner was told that they saw it (READ-2).
    - ``cleared``: everything up to here is gone for them (MSG-5).
    - ``blocks``: they block the partner. ``is_muted``, ``is_archived``: their own flags.
    - ``request``: set while they have not accepted the conversation (REQ-1).
    - ``asked``: how many messages they wrote while it awaits acceptance; ``None`` where nothing
      awaits any.
    - ``keys``: which change of the partner's keys they were told of last, if of any;
      ``sealed_at_us``: since when they know that texts are sealed here (CRYPT-2).
    """

    exists: bool = False
    newest: MessageId | None = None
    read: MessageId | None = None
    said: MessageId | None = None
    heard: MessageId | None = None
    told: MessageId | None = None
    cleared: MessageId | None = None
    unread: int = 0
    blocks: bool = False
    is_muted: bool = False
    is_archived: bool = False
    request: Request | None = None
    asked: int | None = None
    keys: int | None = None
    sealed_at_us: int | None = None

    @property
    def folder(self) -> Folder | None:
        """Where the conversation is listed: nowhere while they block, or with nothing to see."""
        if self.newest is None or self.blocks or self.request is Request.DECLINED:
            return None
        if self.request is Request.PENDING:
            return Folder.REQUESTS
        return Folder.ARCHIVED if self.is_archived else Folder.INBOX

    @property
    def listing(self) -> Listing | None:
        """What the lists of this participant say of the conversation, if it stands in one."""
        folder = self.folder
        if folder is None or self.newest is None:
            return None
        return Listing(
            folder=folder,
            newest=self.newest,
            read=self.read,
            unread=self.unread,
            is_muted=self.is_muted,
        )

    def kept(self, since: MessageId | None, *, unread_expired: int) -> Self:
        """The same view while nothing below ``since`` is there any more (GDPR-2).

        ``unread_expired`` of what is counted as unread is below it.
        """
        is_expired = self.newest is not None and since is not None and self.newest < since
        newest = None if is_expired else self.newest
        return attrs.evolve(self, newest=newest, unread=self.unread - unread_expired)

    @property
    def counted_unread(self) -> int:
        """What this side adds to its user's unread total: only what stands in the inbox counts."""
        return self.unread if self.folder is Folder.INBOX else 0

    def after_writing(self, message: MessageId, *, asks: bool) -> Self:
        """The writer's view after they wrote: writing accepts, and takes out of the archive."""
        return attrs.evolve(
            self,
            exists=True,
            newest=message,
            said=message,
            is_archived=False,
            request=None,
            asked=(self.asked or 0) + 1 if asks else None,
        )

    def after_receiving(self, message: MessageId, *, is_request: bool) -> Self:
        """The recipient's view after a message came.

        It takes the conversation out of the archive, unless it is muted; and being written to is an
        answer to what one asked.
        """
        return attrs.evolve(
            self,
            exists=True,
            newest=message,
            heard=message,
            unread=self.unread + 1,
            is_archived=self.is_archived and self.is_muted,
            request=Request.PENDING if is_request else self.request,
            asked=None,
        )


@attrs.frozen(kw_only=True)
class Conversation:
    """The one conversation of a pair, begun with its first message.

    ``newest`` is the greatest id given out in it, hidden messages included. ``oldest`` is the
    lowest id that is stored: ``None`` where nothing is, because all was removed for its age.
    """

    id: ConversationId
    pair: Pair
    newest: MessageId
    oldest: MessageId | None
    low: Side
    high: Side

    def side_of(self, user: UserId) -> Side:
        """The view of ``user``, who must be one of the pair."""
        return self.low if user == self.pair.low else self.high

    def with_side(self, user: UserId, side: Side) -> Self:
        """The conversation with another view for ``user``."""
        if user == self.pair.low:
            return attrs.evolve(self, low=side)
        return attrs.evolve(self, high=side)

    def with_message(
        self, message: MessageId, sender: UserId, *, sender_only: bool, asks: bool
    ) -> Self:
        """The conversation after ``sender`` wrote ``message``.

        A sender-only message changes nothing on the other side: not its newest message, so not its
        place in the inbox, and not its unread count. ``asks`` says that it awaits consent; then it
        is a request to whoever did not have the conversation before.
        """
        own, view = self.side_of(sender), self.side_of(self.pair.other_than(sender))
        own = own.after_writing(message, asks=asks)
        if not sender_only:
            view = view.after_receiving(message, is_request=asks and not view.exists)
        low, high = (own, view) if sender == self.pair.low else (view, own)
        oldest = self.oldest or message
        return attrs.evolve(self, newest=message, oldest=oldest, low=low, high=high)
