"""The inbox and its sister lists: what their lines say, and a place among them."""

import attrs

from dmcore.domain.conversation import Conversation, Folder, Request
from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.message import Message


@attrs.frozen(kw_only=True)
class InboxEntry:
    """One line of the inbox, of the requests or of the archive, as its owner sees it (PAGE-2).

    ``newest`` is the id of the newest message that the owner may see and ``preview`` that message;
    ``preview`` is ``None`` only when it vanished while the page was read. ``read`` is the owner's
    marker and ``unread`` the number of the other's messages after it. ``is_muted`` is for whoever
    notifies the owner.
    """

    conversation: ConversationId
    other: UserId
    newest: MessageId
    preview: Message | None
    read: MessageId | None
    unread: int
    is_muted: bool = False


@attrs.frozen(kw_only=True)
class ConversationView:
    """How one participant has a conversation (MSG-5, REQ-1).

    ``folder`` is where it is listed: nowhere (``None``) while they block the other, after they
    declined it, or with nothing to see in it. ``request`` is set while they have not accepted it.
    ``sealed_at_us`` is since when they know that texts are sealed here, where they are (CRYPT-2).
    """

    conversation: ConversationId
    other: UserId
    folder: Folder | None
    request: Request | None
    newest: MessageId | None
    read: MessageId | None
    unread: int
    is_muted: bool
    is_archived: bool
    you_block: bool
    sealed_at_us: int | None = None

    @property
    def is_sealed(self) -> bool:
        """Whether what is written here has to be sealed (CRYPT-2)."""
        return self.sealed_at_us is not None


@attrs.frozen(kw_only=True)
class Audience:
    """The other one in a conversation, and whether the two may know of each other just now.

    ``typing`` and ``presence`` work in both directions or in none. ``False`` never says why: the
    other one may have it off, may block, or may not have accepted yet (BLOCK-2). Whether what the
    viewer does reaches the other is not here: that is nothing for the viewer to know (MOD-4).
    """

    other: UserId
    typing: bool
    presence: bool


@attrs.frozen(kw_only=True)
class InboxPlace:
    """A place in an inbox: entries are in order of (newest message, conversation), downwards."""

    newest: MessageId
    conversation: ConversationId


def view_of(
    conversation: Conversation,
    reader: UserId,
    *,
    since: MessageId | None,
    unread_expired: int,
) -> ConversationView:
    """How ``reader``, who is one of the pair, has a conversation.

    Of somebody whom they block it tells nothing but that (BLOCK-1), and nothing of what is below
    ``since``, where ``unread_expired`` of their unread messages are (GDPR-2).
    """
    side = conversation.side_of(reader).kept(since, unread_expired=unread_expired)
    return ConversationView(
        conversation=conversation.id,
        other=conversation.pair.other_than(reader),
        folder=side.folder,
        request=side.request,
        newest=None if side.blocks else side.newest,
        read=side.read,
        unread=0 if side.blocks else side.unread,
        is_muted=side.is_muted,
        is_archived=side.is_archived,
        you_block=side.blocks,
        sealed_at_us=side.sealed_at_us,
    )
