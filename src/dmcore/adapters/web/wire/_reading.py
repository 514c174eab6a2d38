"""What can be looked at. Nothing here changes anything, not even what counts as read (READ-1)."""

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _models, _parameters
from dmcore.adapters.web.wire._answering import answer, next_link
from dmcore.adapters.web.wire._contents import Preferences
from dmcore.domain.conversation import Folder
from dmcore.mailbox import ThreadPage

USUAL_CONVERSATIONS = 20
USUAL_MESSAGES = 50
USUAL_USERS = 50
USUAL_FACTS = 100


# Conversations ----------------------------------------------------------------------------------


async def list_threads(visit: Visit) -> Response:
    """The conversations of one list, newest activity first."""
    folder = _parameters.folder(visit.request)
    limit = _parameters.limit(visit.request, USUAL_CONVERSATIONS)
    read = {
        Folder.INBOX: visit.mailbox.inbox,
        Folder.REQUESTS: visit.mailbox.requests,
        Folder.ARCHIVED: visit.mailbox.archived,
    }
    page = await read[folder](limit=limit, cursor=visit.request.query.get("cursor"))
    following = {"folder": folder.value, "limit": limit, "cursor": page.next}
    onward = [next_link(visit, following)] if page.has_more else []
    return answer(_models.Entries.of(page, visit.viewer.user), *onward)


async def find_thread(visit: Visit) -> Response:
    """The conversation with somebody, if there is one."""
    user = _parameters.needed(visit.request, "user")
    found = await visit.mailbox.conversation_with(user)
    thread = None if found is None else _models.Conversation.of(found)
    return answer(_models.ConversationWith(thread=thread))


async def read_thread(visit: Visit) -> Response:
    """A conversation and a page of its messages, oldest first.

    The newest ones; those before or after a cursor if one is given. Reading marks nothing as read.
    """
    limit = _parameters.limit(visit.request, USUAL_MESSAGES)
    page = await visit.mailbox.thread(
        visit.arguments["thread"],
        limit=limit,
        before=visit.request.query.get("before"),
        after=visit.request.query.get("after"),
    )
    view = await visit.mailbox.conversation(visit.arguments["thread"])
    shown = _models.Thread.of(view, page, visit.viewer.user)
    return answer(shown, *_onward(visit, page, limit))


async def list_replies(visit: Visit) -> Response:
    """A message and the chain of replies to it, oldest first."""
    limit = _parameters.limit(visit.request, USUAL_MESSAGES)
    page = await visit.mailbox.thread(
        visit.arguments["thread"],
        root=visit.arguments["message"],
        limit=limit,
        before=visit.request.query.get("before"),
        after=visit.request.query.get("after"),
    )
    return answer(_models.Messages.of(page, visit.viewer.user), *_onward(visit, page, limit))


def _onward(visit: Visit, page: ThreadPage, limit: int) -> list[tuple[str, str]]:
    """The link that goes on in the direction just read, towards its end."""
    if not page.has_more:
        return []
    forward = "after" in visit.request.query
    place = ("after", page.newer) if forward else ("before", page.older)
    return [next_link(visit, dict([("limit", limit), place]))]


async def see_presence(visit: Visit) -> Response:
    """Whether the other is there and writes.

    What may not be known looks the same as nobody there.
    """
    found = await visit.live.presence(visit, visit.arguments["thread"])
    return answer(_models.Presence(is_present=found.is_present, is_typing=found.is_typing))


# Other people, and oneself ----------------------------------------------------------------------


async def list_blocked(visit: Visit) -> Response:
    """The users whom one blocks, newest block first."""
    limit = _parameters.limit(visit.request, USUAL_USERS)
    page = await visit.mailbox.blocked(limit=limit, cursor=visit.request.query.get("cursor"))
    onward = [next_link(visit, {"limit": limit, "cursor": page.next})] if page.has_more else []
    return answer(_models.Blocks.of(page), *onward)


async def can_message(visit: Visit) -> Response:
    """Whether a message to somebody would be accepted now.

    Nothing is created, and no more is told than an attempt would tell.
    """
    permission = await visit.mailbox.can_message(visit.arguments["user"])
    return answer(_models.Permission.of(permission))


async def count_unread(visit: Visit) -> Response:
    """How many messages wait in the inbox."""
    return answer(_models.UnreadCount(unread=await visit.mailbox.unread()))


async def read_preferences(visit: Visit) -> Response:
    """What one chose about being reached and being seen."""
    return answer(Preferences.of(await visit.mailbox.preferences()))


# Keeping up -------------------------------------------------------------------------------------


async def take_snapshot(visit: Visit) -> Response:
    """The state of this instant, with the cursor that continues from it."""
    limit = _parameters.limit(visit.request, USUAL_CONVERSATIONS)
    snapshot = await visit.mailbox.snapshot(limit=limit)
    return answer(_models.Snapshot.of(snapshot, visit.viewer.user))


async def list_changes(visit: Visit) -> Response:
    """What happened since a cursor, each thing once, oldest first.

    Without a cursor, from the beginning. With ``wait``, an answer without items comes only after so
    many seconds; something that happens meanwhile is answered at once.
    """
    after = visit.request.query.get("after")
    limit = _parameters.limit(visit.request, USUAL_FACTS)
    seconds = _parameters.wait_s(visit.request)
    page = await visit.live.changes(visit, after, limit, seconds)
    onward = [next_link(visit, {"after": page.next, "limit": limit})] if page.has_more else []
    return answer(_models.Changes.of(page), *onward)


async def open_stream(visit: Visit) -> Response:
    """What happens from now on, as server-sent events.

    After a cut, a browser goes on by itself from where it was.
    """
    # What a browser says after a cut is newer than the address it began with.
    last_event = visit.request.headers.get("last-event-id")
    after = visit.request.query.get("after")
    return await visit.live.stream(visit, after, last_event=last_event)
