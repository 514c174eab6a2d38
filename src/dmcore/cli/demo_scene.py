"""A scene of the demo as a value: what is done, and what people see when it is over."""

from typing import Final, Self

import attrs

from dmcore.domain.message import Message

ACCEPTED: Final = "accepted"


@attrs.frozen(kw_only=True)
class Act:
    """Somebody does something; ``answer`` is ``ACCEPTED`` or the code of the refusal."""

    at_us: int
    who: str
    does: str
    says: str | None
    answer: str
    detail: str | None


@attrs.frozen(kw_only=True)
class Spoken:
    """A message as it stands in a thread or in a preview."""

    sender: str
    text: str
    at_us: int

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls(
            sender=message.sender,
            text=message.body.text if message.body else "(deleted)",
            at_us=message.sent_at_us,
        )


@attrs.frozen(kw_only=True)
class InboxLine:
    """A line of an inbox."""

    other: str
    unread: int
    newest: Spoken | None


@attrs.frozen(kw_only=True)
class View:
    """All that one person sees. ``thread`` is the end of it, after ``earlier`` more messages."""

    who: str
    unread: int
    inbox: tuple[InboxLine, ...]
    thread: tuple[Spoken, ...]
    earlier: int


@attrs.frozen(kw_only=True)
class Scene:
    """What is done, what it is meant to show, and what people see when it is over."""

    title: str
    meaning: str
    acts: tuple[Act, ...]
    views: tuple[View, ...]
