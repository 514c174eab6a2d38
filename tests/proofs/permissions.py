"""Who may do what, in words: for each operation, what refuses it, in the order in which it does.

Stands on the promises alone and knows nothing of the code that keeps them. A rule looks at a
``Situation`` and names the error that it means, or nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import attrs

from dmcore import Batch, DmcoreError, Mailbox, ModerationDesk, Operations, Outcome
from dmcore.domain.preferences import Preferences
from dmcore.errors import (
    AccessDenied,
    MessagingUnavailable,
    Muted,
    NoRequest,
    NotAcceptedYet,
    RecipientUnavailable,
    SealingNotOffered,
    Suspended,
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
    - ``restriction``: what a moderator took from them.
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
    restriction: str | None = None


Refusal = type[DmcoreError]
Rule = Callable[[Situation], Refusal | None]


def _rule(error: Refusal, holds: Callable[[Situation], bool]) -> Rule:
    return lambda it: error if holds(it) else None


off: Final = _rule(MessagingUnavailable, lambda it: it.mode == "off")
suspended: Final = _rule(Suspended, lambda it: it.restriction == "suspend")
muted: Final = _rule(Muted, lambda it: it.restriction == "mute")
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
not_offered: Final = _rule(SealingNotOffered, lambda _: True)
blocked_request: Final = _rule(YouBlockedThem, lambda it: it.is_request and it.you_block)

WRITING: Final = (no_replies, suspended, muted, you_block, they_refuse, waiting)
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
    """The switch comes first where nothing is written, and then what a moderator took."""
    rules = (off, suspended) if about in {"nothing", "peer"} else (off, suspended, not_theirs)
    return Row(call, rules, about, is_reading=True, **more)


def _protects(call: Callable[[Mailbox, Asked], object]) -> Row:
    """What no moderator takes away (MOD-4)."""
    return Row(call, (off,), is_reading=True)


def _views(call: Callable[[Mailbox, Asked], object], *rules: Rule) -> Row:
    """One's own view of a conversation: who has it is asked first."""
    return Row(call, (not_theirs, off, suspended, *rules), "conversation")


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
            (
                *(not_theirs, off, suspended, unseen, not_own, no_replies, muted),
                *(you_block, they_refuse, gone),
            ),
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
            (not_theirs, off, suspended, unseen),
            "message",
        ),
    ),
    "mark_read": (
        Row(
            lambda box, it: box.mark_read(it.conversation, through=it.message),
            (not_theirs, off, suspended, unseen),
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
    # Refused to nobody about their own, in any mode (OPS-1).
    "export": (Row(lambda box, _: box.export(), (), is_reading=True),),
    "blocked": (_protects(lambda box, _: box.blocked()),),
    "preferences": (_protects(lambda box, _: box.preferences()),),
    "set_preferences": (
        Row(lambda box, _: box.set_preferences(Preferences(receipts=False)), (off,)),
    ),
    "conversation": (_asks(lambda box, it: box.conversation(it.conversation), "conversation"),),
    "audience": (
        _asks(
            lambda box, it: box.audience(it.conversation),
            "conversation",
            answers=lambda situation, answer: (
                not answer.typing or not (situation.you_block or situation.they_block)
            ),
        ),
    ),
    "conversation_with": (
        _asks(
            lambda box, it: box.conversation_with(it.peer),
            "peer",
            answers=lambda situation, answer: (answer is not None) == situation.has,
        ),
    ),
    # A block holds in any mode.
    "can_see_profile": (
        Row(
            lambda box, it: box.can_see_profile(it.peer),
            (),
            "peer",
            is_reading=True,
            answers=lambda situation, answer: answer is not situation.they_block,
        ),
    ),
    "visible_profiles": (
        Row(
            lambda box, it: it.peer in box.visible_profiles([it.peer]),
            (),
            "peer",
            is_reading=True,
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
    "seal": (
        Row(
            lambda box, it: box.seal(it.conversation),
            (not_theirs, *WRITING, not_offered),
            "conversation",
        ),
    ),
    "accept": (_views(lambda box, it: box.accept(it.conversation), blocked_request),),
    "decline": (_views(lambda box, it: box.decline(it.conversation), no_request),),
    "report": (
        Row(lambda box, it: box.report(it.peer, reason="spam"), (off,), "peer"),
        Row(
            lambda box, it: box.report(conversation=it.conversation, reason="spam"),
            (not_theirs, off),
            "conversation",
        ),
        Row(
            lambda box, it: box.report(
                conversation=it.conversation, messages=[it.message], reason="spam"
            ),
            (not_theirs, off, unseen),
            "message",
        ),
    ),
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
    "repair": lambda desk: desk.repair(),
    "preview_erasure": lambda desk: desk.preview_erasure("ann"),
    "erase": lambda desk: desk.erase("ann"),
    "erasures": lambda desk: [desk.erase("bob"), desk.erasures()],
    "export_erasures": lambda desk: desk.export_erasures(),
    "record_erasures": lambda desk: desk.record_erasures(desk.export_erasures().items),
    "reapply_erasures": lambda desk: desk.reapply_erasures(),
    "prune": lambda desk: desk.prune(),
    "prune_evidence": lambda desk: desk.prune_evidence(),
    "prune_journals": lambda desk: desk.prune_journals(before=datetime(2100, 1, 1, tzinfo=UTC)),
    "note_key_work": lambda desk: desk.note_key_work("destroy", user="ann"),
    "add_consumer": lambda desk: desk.add_consumer("hook"),
    "consumers": lambda desk: [desk.add_consumer("hook"), desk.consumers()],
    "set_aside": lambda desk: [set_aside(desk)],
    "retry": lambda desk: [set_aside(desk), desk.retry("hook")],
    "forget_consumer": lambda desk: forgotten(desk),  # noqa: PLW0108 - it stands further down
    "relaying": lambda desk: [desk.add_consumer("hook"), taken(desk)],
    "references": lambda desk: [desk.references("ann"), desk.references("bob")],
}


def forgotten(desk: Operations) -> None:
    """Somebody who took events."""
    desk.add_consumer("hook")
    desk.forget_consumer("hook")


def taken(desk: Operations) -> Batch | None:
    """What a worker is given."""
    return desk.relaying("hook", holder="worker").take()


def set_aside(desk: Operations) -> object:
    """What could not be delivered."""
    desk.add_consumer("hook")
    worker = desk.relaying("hook", holder="worker", attempts=1)
    batch = worker.take()
    found = () if batch is None else batch.deliveries
    settled = worker.settle([Outcome(delivery=it, delivered=0, error="E") for it in found])
    return settled, desk.set_aside("hook")


# So does the moderator's. Each call finds the report waiting.
MODERATION: Final[Mapping[str, Callable[[ModerationDesk, UUID], object]]] = {
    "reports": lambda desk, _: desk.reports(),
    "report": lambda desk, it: desk.report(it),
    "take": lambda desk, it: desk.take(it),
    "release": lambda desk, it: [desk.take(it), desk.release(it)],
    "resolve": lambda desk, it: [desk.take(it), desk.resolve(it, "warned")],
    "dismiss": lambda desk, it: [desk.take(it), desk.dismiss(it)],
    "reopen": lambda desk, it: [desk.take(it), desk.dismiss(it), desk.reopen(it)],
    "report_history": lambda desk, it: [desk.take(it), desk.report_history(it)],
    "bulk": lambda desk, it: desk.bulk([it], "take"),
    "evidence": lambda desk, it: [desk.take(it), desk.evidence(it)],
    "restrict": lambda desk, it: desk.restrict("bob", "mute", reason="spam", report=it),
    "lift": lambda desk, it: [
        desk.restrict("bob", "suspend", reason="spam", report=it),
        desk.lift("bob", "suspend"),
    ],
    "restrict_each": lambda desk, _: desk.restrict_each(["ann", "bob"], "mute", reason="spam"),
    "lift_each": lambda desk, _: desk.lift_each(["ann", "bob"], "mute"),
    "restrictions": lambda desk, _: desk.restrictions("ann"),
    "about": lambda desk, _: desk.about("ann"),
    "metrics": lambda desk, _: desk.metrics(),
}
