"""Who may do what, in words: for each operation, what refuses it, in the order in which it does.

Stands on the promises alone and knows nothing of the code that keeps them. A rule looks at a
``Situation`` and names the error that it means, or nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import attrs

from dmcore import DmcoreError, Mailbox, Operations
from dmcore.domain.preferences import Preferences
from dmcore.errors import (
    AccessDenied,
    MessagingUnavailable,
    NoRequest,
    NotAcceptedYet,
    RecipientUnavailable,
    TooLateToEdit,
    YouBlockedThem,
)

KEY: Final = "k"
KEYED: Final = "canary of a keyed text"


@attrs.frozen(kw_only=True)
class Situation:
    """Everything that decides about one cell of the matrix.

    - ``has``: the acting user has the conversation in question; ``sees``: also the message.
    - ``is_waiting``: they wrote all they may until they are accepted.
    - ``wrote_keyed``: the attempt repeats one of theirs that was accepted.
    """

    mode: str
    absorbs: bool = False
    has: bool = False
    sees: bool = False
    is_own: bool = False
    is_deleted: bool = False
    you_block: bool = False
    they_block: bool = False
    is_request: bool = False
    is_waiting: bool = False
    wrote_keyed: bool = False


Refusal = type[DmcoreError]
Rule = Callable[[Situation], Refusal | None]


def _rule(error: Refusal, holds: Callable[[Situation], bool]) -> Rule:
    return lambda it: error if holds(it) else None


off: Final = _rule(MessagingUnavailable, lambda it: it.mode == "off")
no_replies: Final = _rule(MessagingUnavailable, lambda it: it.mode in {"off", "read_only"})
no_starts: Final = _rule(MessagingUnavailable, lambda it: it.mode != "on" and not it.has)
not_theirs: Final = _rule(AccessDenied, lambda it: not it.has)
unseen: Final = _rule(AccessDenied, lambda it: not it.sees)
not_own: Final = _rule(AccessDenied, lambda it: not it.is_own)
you_block: Final = _rule(YouBlockedThem, lambda it: it.you_block)
they_refuse: Final = _rule(RecipientUnavailable, lambda it: it.they_block and not it.absorbs)
waiting: Final = _rule(NotAcceptedYet, lambda it: it.is_waiting)
gone: Final = _rule(TooLateToEdit, lambda it: it.is_deleted)
no_request: Final = _rule(NoRequest, lambda it: not it.is_request)
blocked_request: Final = _rule(YouBlockedThem, lambda it: it.is_request and it.you_block)

WRITING: Final = (no_replies, you_block, they_refuse, waiting)
STARTING: Final = (no_starts, *WRITING)


@attrs.frozen
class Asked:
    """What an operation is asked about: another user, a conversation, a message of it."""

    peer: str
    conversation: UUID
    message: UUID


@attrs.frozen
class Row:
    """One way to call an operation of a mailbox.

    ``refused_by``: the first rule that names an error decides. ``about`` says which parts of
    ``Asked`` it takes. What ``is_reading`` changes nothing, allowed or not. ``answers`` is what
    has to come out where it is allowed.
    """

    call: Callable[[Mailbox, Asked], object]
    refused_by: tuple[Rule, ...]
    about: str = "nothing"
    is_reading: bool = False
    is_retry: bool = False
    answers: Callable[[Situation, Any], bool] = lambda _situation, _answer: True

    def expected(self, situation: Situation) -> Refusal | None:
        """What must come out: the class of an error, or ``None`` where it is allowed."""
        if self.is_retry and situation.wrote_keyed and situation.has:
            return None
        found = (rule(situation) for rule in self.refused_by)
        return next((error for error in found if error is not None), None)


def _asks(call: Callable[[Mailbox, Asked], object], about: str = "nothing", **more: Any) -> Row:
    """The switch comes first where nothing is written."""
    rules = (off,) if about in {"nothing", "peer"} else (off, not_theirs)
    return Row(call, rules, about, is_reading=True, **more)


def _views(call: Callable[[Mailbox, Asked], object], *rules: Rule) -> Row:
    """One's own view of a conversation: who has it is asked first."""
    return Row(call, (not_theirs, off, *rules), "conversation")


def _may_start(situation: Situation) -> str | None:
    found = (rule(situation) for rule in STARTING)
    return next((error.code for error in found if error is not None), None)


MAILBOX: Final[Mapping[str, tuple[Row, ...]]] = {
    "start": (
        Row(lambda box, it: box.start(it.peer, "canary of a start"), STARTING, "peer"),
        Row(lambda box, it: box.start(it.peer, KEYED, key=KEY), STARTING, "peer", is_retry=True),
    ),
    "send": (
        Row(
            lambda box, it: box.send(it.conversation, "canary of a message"),
            (not_theirs, *WRITING),
            "conversation",
        ),
        Row(
            lambda box, it: box.send(it.conversation, KEYED, key=KEY),
            (not_theirs, *WRITING),
            "conversation",
            is_retry=True,
        ),
        Row(
            lambda box, it: box.send(it.conversation, "canary of a reply", reply_to=it.message),
            (not_theirs, unseen, *WRITING),
            "message",
        ),
    ),
    "edit": (
        Row(
            lambda box, it: box.edit(it.conversation, it.message, "canary of an edit"),
            (not_theirs, off, unseen, not_own, no_replies, you_block, they_refuse, gone),
            "message",
        ),
    ),
    "delete": (
        Row(
            lambda box, it: box.delete(it.conversation, it.message),
            (not_theirs, off, unseen, not_own),
            "message",
        ),
    ),
    "hide": (
        Row(
            lambda box, it: box.hide(it.conversation, it.message),
            (not_theirs, off, unseen),
            "message",
        ),
    ),
    "mark_read": (
        Row(
            lambda box, it: box.mark_read(it.conversation, through=it.message),
            (not_theirs, off, unseen),
            "message",
        ),
    ),
    "can_message": (
        # It is never refused: it says what would refuse the attempt (GATE-2).
        Row(
            lambda box, it: box.can_message(it.peer),
            (),
            "peer",
            is_reading=True,
            answers=lambda situation, answer: answer.reason == _may_start(situation),
        ),
    ),
    "inbox": (_asks(lambda box, _: box.inbox()),),
    "requests": (_asks(lambda box, _: box.requests()),),
    "archived": (_asks(lambda box, _: box.archived()),),
    "unread": (_asks(lambda box, _: box.unread()),),
    "changes": (_asks(lambda box, _: box.changes()),),
    "snapshot": (_asks(lambda box, _: box.snapshot()),),
    "blocked": (_asks(lambda box, _: box.blocked()),),
    "preferences": (_asks(lambda box, _: box.preferences()),),
    "set_preferences": (
        Row(lambda box, _: box.set_preferences(Preferences(receipts=False)), (off,)),
    ),
    "conversation": (_asks(lambda box, it: box.conversation(it.conversation), "conversation"),),
    "conversation_with": (
        _asks(
            lambda box, it: box.conversation_with(it.peer),
            "peer",
            answers=lambda situation, answer: (answer is not None) == situation.has,
        ),
    ),
    "can_see_profile": (
        _asks(
            lambda box, it: box.can_see_profile(it.peer),
            "peer",
            answers=lambda situation, answer: answer is not situation.they_block,
        ),
    ),
    "thread": (
        _asks(lambda box, it: box.thread(it.conversation), "conversation"),
        # A root that one cannot see has no replies that one could see: an empty page.
        _asks(
            lambda box, it: box.thread(it.conversation, root=it.message),
            "message",
            answers=lambda situation, answer: bool(answer.items) == situation.sees,
        ),
    ),
    "clear": (_views(lambda box, it: box.clear(it.conversation)),),
    "mute": (_views(lambda box, it: box.mute(it.conversation)),),
    "unmute": (_views(lambda box, it: box.unmute(it.conversation)),),
    "archive": (_views(lambda box, it: box.archive(it.conversation)),),
    "unarchive": (_views(lambda box, it: box.unarchive(it.conversation)),),
    "accept": (_views(lambda box, it: box.accept(it.conversation), blocked_request),),
    "decline": (_views(lambda box, it: box.decline(it.conversation), no_request),),
    "block": (Row(lambda box, it: box.block(it.peer), (off,), "peer"),),
    "unblock": (Row(lambda box, it: box.unblock(it.peer), (off,), "peer"),),
}

# The operator's desk works in every mode; what it answers holds no content (MOD-2).
OPERATIONS: Final[Mapping[str, Callable[[Operations], object]]] = {
    "mode": lambda desk: desk.mode(),
    "set_mode": lambda desk: [desk.set_mode(desk.mode()), desk.set_mode("read_only")],
    "status": lambda desk: desk.status(),
    "audit": lambda desk: [desk.audit("ann"), desk.audit("bob"), desk.audit("ann", tenant="north")],
    "verify": lambda desk: desk.verify(),
    "prune_journals": lambda desk: desk.prune_journals(before=datetime(2100, 1, 1, tzinfo=UTC)),
}
