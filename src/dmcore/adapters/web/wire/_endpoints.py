"""Every endpoint in one table: what it takes, what it answers, what refuses it beside the usual."""

from functools import partial
from http import HTTPStatus
from typing import Final

from dmcore import errors
from dmcore.adapters.web import _errors
from dmcore.adapters.web._values import LARGEST_BODY_BYTES
from dmcore.adapters.web.wire import (
    _acting,
    _contents,
    _exporting,
    _models,
    _parameters,
    _reading,
)
from dmcore.adapters.web.wire._endpoint import Endpoint, Parameter
from dmcore.domain.conversation import Folder
from dmcore.domain.paging import LARGEST_PAGE


def limit(usual: int) -> Parameter:
    """The parameter of a list: how long its pages are."""
    schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": usual}
    return Parameter(name="limit", schema=schema, description="How many items a page holds.")


def cursor(name: str, description: str) -> Parameter:
    """A parameter that continues a list."""
    return Parameter(name=name, schema={"type": "string"}, description=description)


_CURSOR = cursor("cursor", "Where to go on: `next` of the page before.")
_NEXT = cursor("cursor", "Where to go on: as `Link` of the page before says.")
_BEFORE = cursor("before", "Messages before this cursor: `older` of a page.")
_AFTER = cursor("after", "Messages after this cursor: `newer` of a page. Not with `before`.")
_SINCE = cursor("after", "Where to go on: `next` of the page before, or a snapshot's `cursor`.")
_FOLDER = Parameter(
    name="folder",
    schema={"type": "string", "enum": [*Folder], "default": Folder.INBOX},
    description="Which list.",
)
_WHOM = Parameter(
    name="user", schema=_contents.USER_SCHEMA, description="With whom.", is_needed=True
)
_WAIT = Parameter(
    name="wait",
    schema={
        "type": "integer",
        "minimum": 0,
        "maximum": _parameters.LONGEST_WAIT_S,
        "default": 0,
    },
    description="How many seconds to wait for something to happen, where nothing has; 0 where the "
    "site only polls.",
)
_LAST_EVENT = Parameter(
    name="Last-Event-ID",
    schema={"type": "string"},
    description="Where to go on after a cut; browsers send it. It counts more than `after`, and "
    "begins anew where it is no cursor.",
    place="header",
)
KEY = Parameter(
    name="Idempotency-Key",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
    description=(
        "Chosen by the client for this attempt. The same key with the same content is the same "
        "attempt, however often it is made; a quoted string means what stands in the quotes."
    ),
    place="header",
)

_SEALED = (
    errors.InvalidEnvelope,
    errors.SealedOnly,
    errors.SealingNotOffered,
    errors.NoDevice,
    errors.KeysChanged,
)
PAGED = (_errors.MalformedRequest, errors.InvalidPageSize, errors.InvalidCursor)
_WRITING = (
    errors.InvalidBody,
    errors.MessageRefused,
    errors.InvalidKey,
    errors.KeyConflict,
    errors.Muted,
    errors.YouBlockedThem,
    errors.RecipientUnavailable,
    errors.NotAcceptedYet,
    errors.LimitReached,
    *_SEALED,
)
_STARTING = (
    errors.CannotMessageYourself,
    errors.UnknownUser,
    errors.StartRefused,
    errors.UpgradeRequired,
)
_CHANGING = (
    errors.InvalidBody,
    errors.MessageRefused,
    errors.TooLateToEdit,
    errors.Muted,
    errors.YouBlockedThem,
    errors.RecipientUnavailable,
    errors.LimitReached,
    *_SEALED,
)


_thread = partial(Endpoint, tag="Conversations")
_message = partial(Endpoint, tag="Messages")
_user = partial(Endpoint, tag="Users")
_oneself = partial(Endpoint, tag="Oneself")
_live = partial(Endpoint, tag="Keeping up")
ENDPOINTS: Final = (
    _thread(
        method="GET",
        pattern="/threads",
        handler=_reading.list_threads,
        parameters=(_FOLDER, limit(_reading.USUAL_CONVERSATIONS), _CURSOR),
        answers=_models.Entries,
        headers=("Link",),
        refusals=PAGED,
    ),
    _message(
        method="POST",
        pattern="/threads",
        handler=_acting.start_thread,
        parameters=(KEY,),
        takes=_contents.NewConversation,
        answers=_models.Message,
        status=HTTPStatus.CREATED,
        headers=("Location",),
        refusals=(*_WRITING, *_STARTING),
        most_bytes=LARGEST_BODY_BYTES,
    ),
    _thread(
        method="GET",
        pattern="/threads/with",
        handler=_reading.find_thread,
        parameters=(_WHOM,),
        answers=_models.ConversationWith,
        refusals=(_errors.MalformedRequest, errors.CannotMessageYourself),
    ),
    _thread(
        method="GET",
        pattern="/threads/{thread}",
        handler=_reading.read_thread,
        parameters=(limit(_reading.USUAL_MESSAGES), _BEFORE, _AFTER),
        answers=_models.Thread,
        headers=("Link",),
        refusals=PAGED,
    ),
    _message(
        method="POST",
        pattern="/threads/{thread}/messages",
        handler=_acting.send_message,
        parameters=(KEY,),
        takes=_contents.NewMessage,
        answers=_models.Message,
        status=HTTPStatus.CREATED,
        headers=("Location",),
        refusals=_WRITING,
        most_bytes=LARGEST_BODY_BYTES,
    ),
    _message(
        method="PATCH",
        pattern="/threads/{thread}/messages/{message}",
        handler=_acting.edit_message,
        takes=_contents.NewText,
        answers=_models.Message,
        refusals=_CHANGING,
        most_bytes=LARGEST_BODY_BYTES,
    ),
    _message(
        method="DELETE",
        pattern="/threads/{thread}/messages/{message}",
        handler=_acting.delete_message,
        status=HTTPStatus.NO_CONTENT,
    ),
    _message(
        method="POST",
        pattern="/threads/{thread}/messages/{message}/hide",
        handler=_acting.hide_message,
        status=HTTPStatus.NO_CONTENT,
    ),
    _message(
        method="GET",
        pattern="/threads/{thread}/messages/{message}/replies",
        handler=_reading.list_replies,
        parameters=(limit(_reading.USUAL_MESSAGES), _BEFORE, _AFTER),
        answers=_models.Messages,
        headers=("Link",),
        refusals=PAGED,
    ),
    _thread(
        method="POST",
        pattern="/threads/{thread}/read",
        handler=_acting.mark_read,
        takes=_contents.ReadThrough,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="POST",
        pattern="/threads/{thread}/clear",
        handler=_acting.clear_thread,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="PUT",
        pattern="/threads/{thread}/mute",
        handler=_acting.mute_thread,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="DELETE",
        pattern="/threads/{thread}/mute",
        handler=_acting.unmute_thread,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="PUT",
        pattern="/threads/{thread}/archive",
        handler=_acting.archive_thread,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="DELETE",
        pattern="/threads/{thread}/archive",
        handler=_acting.unarchive_thread,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="POST",
        pattern="/threads/{thread}/accept",
        handler=_acting.accept_request,
        status=HTTPStatus.NO_CONTENT,
        refusals=(errors.YouBlockedThem,),
    ),
    _thread(
        method="POST",
        pattern="/threads/{thread}/decline",
        handler=_acting.decline_request,
        status=HTTPStatus.NO_CONTENT,
        refusals=(errors.NoRequest,),
    ),
    _thread(
        method="POST",
        pattern="/threads/{thread}/typing",
        handler=_acting.tell_typing,
        status=HTTPStatus.NO_CONTENT,
    ),
    _thread(
        method="GET",
        pattern="/threads/{thread}/presence",
        handler=_reading.see_presence,
        answers=_models.Presence,
    ),
    _user(
        method="GET",
        pattern="/users/blocked",
        handler=_reading.list_blocked,
        parameters=(limit(_reading.USUAL_USERS), _CURSOR),
        answers=_models.Blocks,
        headers=("Link",),
        refusals=PAGED,
    ),
    _user(
        method="POST",
        pattern="/users/{user}/block",
        handler=_acting.block_user,
        status=HTTPStatus.NO_CONTENT,
        refusals=(errors.CannotMessageYourself, errors.UnknownUser),
    ),
    _user(
        method="DELETE",
        pattern="/users/{user}/block",
        handler=_acting.unblock_user,
        status=HTTPStatus.NO_CONTENT,
        refusals=(errors.CannotMessageYourself,),
    ),
    _user(
        method="GET",
        pattern="/users/{user}/can-message",
        handler=_reading.can_message,
        answers=_models.Permission,
        refusals=(errors.CannotMessageYourself,),
    ),
    _oneself(
        method="GET",
        pattern="/unread-count",
        handler=_reading.count_unread,
        answers=_models.UnreadCount,
    ),
    _oneself(
        method="GET",
        pattern="/preferences",
        handler=_reading.read_preferences,
        answers=_contents.Preferences,
    ),
    _oneself(
        method="PUT",
        pattern="/preferences",
        handler=_acting.choose_preferences,
        takes=_contents.Preferences,
        answers=_contents.Preferences,
        refusals=(errors.ChoiceNotOffered,),
    ),
    _oneself(
        method="GET",
        pattern="/export",
        handler=_exporting.export_everything,
        parameters=(limit(_exporting.USUAL_LINES), _NEXT),
        answers=_exporting.ExportedLine,
        media_type=_exporting.LINES,
        headers=("Link",),
        refusals=PAGED,
    ),
    _live(
        method="GET",
        pattern="/snapshot",
        handler=_reading.take_snapshot,
        parameters=(limit(_reading.USUAL_CONVERSATIONS),),
        answers=_models.Snapshot,
        refusals=(_errors.MalformedRequest, errors.InvalidPageSize),
    ),
    _live(
        method="GET",
        pattern="/changes",
        handler=_reading.list_changes,
        parameters=(_SINCE, limit(_reading.USUAL_FACTS), _WAIT),
        answers=_models.Changes,
        headers=("Link",),
        refusals=(*PAGED, errors.CursorExpired, _errors.TooManyStreams),
    ),
    _live(
        method="GET",
        pattern="/stream",
        handler=_reading.open_stream,
        parameters=(_SINCE, _LAST_EVENT),
        media_type="text/event-stream",
        refusals=(errors.InvalidCursor, _errors.StreamsOff, _errors.TooManyStreams),
    ),
)
