"""What can be done. Every handler sees first that nothing but what is described was sent."""

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import DONE, answer
from dmcore.domain import message
from dmcore.domain.preferences import OpenTo, Preferences

# Messages ---------------------------------------------------------------------------------------


async def start_thread(visit: Visit) -> Response:
    """Write to somebody, beginning the conversation if there is none."""
    new = _contents.content(visit.request, _contents.NewConversation)
    key = _parameters.idempotency_key(visit.request)
    return _created(visit, await visit.mailbox.start(new.user, new.said, key=key))


async def send_message(visit: Visit) -> Response:
    """Write into a conversation."""
    new = _contents.content(visit.request, _contents.NewMessage)
    sent = await visit.mailbox.send(
        visit.arguments["thread"],
        new.said,
        key=_parameters.idempotency_key(visit.request),
        reply_to=new.reply_to,
    )
    return _created(visit, sent)


def _created(visit: Visit, sent: message.Message) -> Response:
    place = f"{visit.request.root}/threads/{sent.conversation}/messages/{sent.id}"
    shown = _models.Message.of(sent, visit.viewer.user)
    return answer(shown, ("Location", place), status=201)


async def edit_message(visit: Visit) -> Response:
    """Give an own message another text."""
    text = _contents.content(visit.request, _contents.NewText)
    thread, edited = visit.arguments["thread"], visit.arguments["message"]
    now = await visit.mailbox.edit(thread, edited, text.said)
    return answer(_models.Message.of(now, visit.viewer.user))


async def delete_message(visit: Visit) -> Response:
    """Take an own message back: its text is gone for both."""
    _contents.nothing(visit.request)
    await visit.mailbox.delete(visit.arguments["thread"], visit.arguments["message"])
    return DONE


async def hide_message(visit: Visit) -> Response:
    """Hide a message from oneself alone, for good."""
    _contents.nothing(visit.request)
    await visit.mailbox.hide(visit.arguments["thread"], visit.arguments["message"])
    return DONE


# One's own view of a conversation ---------------------------------------------------------------


async def mark_read(visit: Visit) -> Response:
    """Mark everything up to a message as read; never back."""
    marker = _contents.content(visit.request, _contents.ReadThrough)
    await visit.mailbox.mark_read(visit.arguments["thread"], through=marker.through)
    return DONE


async def clear_thread(visit: Visit) -> Response:
    """Hide everything so far from oneself alone."""
    _contents.nothing(visit.request)
    await visit.mailbox.clear(visit.arguments["thread"])
    return DONE


async def mute_thread(visit: Visit) -> Response:
    """Mute a conversation."""
    _contents.nothing(visit.request)
    await visit.mailbox.mute(visit.arguments["thread"])
    return DONE


async def unmute_thread(visit: Visit) -> Response:
    """Unmute a conversation."""
    _contents.nothing(visit.request)
    await visit.mailbox.unmute(visit.arguments["thread"])
    return DONE


async def archive_thread(visit: Visit) -> Response:
    """Move a conversation out of the inbox."""
    _contents.nothing(visit.request)
    await visit.mailbox.archive(visit.arguments["thread"])
    return DONE


async def unarchive_thread(visit: Visit) -> Response:
    """Move a conversation back into the inbox."""
    _contents.nothing(visit.request)
    await visit.mailbox.unarchive(visit.arguments["thread"])
    return DONE


async def accept_request(visit: Visit) -> Response:
    """Accept a request."""
    _contents.nothing(visit.request)
    await visit.mailbox.accept(visit.arguments["thread"])
    return DONE


async def decline_request(visit: Visit) -> Response:
    """Decline a request, which the other cannot find out."""
    _contents.nothing(visit.request)
    await visit.mailbox.decline(visit.arguments["thread"])
    return DONE


async def tell_typing(visit: Visit) -> Response:
    """Let the other know that one is writing, if they may know."""
    _contents.nothing(visit.request)
    await visit.live.typing(visit, visit.arguments["thread"])
    return DONE


# Other people, and oneself ----------------------------------------------------------------------


async def block_user(visit: Visit) -> Response:
    """Block somebody, who cannot find out."""
    _contents.nothing(visit.request)
    await visit.mailbox.block(visit.arguments["user"])
    return DONE


async def unblock_user(visit: Visit) -> Response:
    """Lift a block, if there is one."""
    _contents.nothing(visit.request)
    await visit.mailbox.unblock(visit.arguments["user"])
    return DONE


async def choose_preferences(visit: Visit) -> Response:
    """Choose anew, all at once.

    Being open to connections only needs a host that knows connections.
    """
    chosen = _contents.content(visit.request, _contents.Preferences)
    preferences = Preferences(
        open_to=OpenTo(chosen.open_to),
        receipts=chosen.receipts,
        typing=chosen.typing,
        presence=chosen.presence,
    )
    await visit.mailbox.set_preferences(preferences)
    return answer(chosen)
