"""Signals: what matters for seconds and is never stored: who types, who is there, who left."""

from collections.abc import Callable
from typing import Protocol

import attrs

from dmcore.domain.ids import ConversationId, User, UserId


@attrs.frozen(kw_only=True)
class Typing:
    """Somebody is writing to ``recipient`` in a conversation of the two."""

    recipient: User
    writer: UserId
    conversation: ConversationId


@attrs.frozen(kw_only=True)
class SignedOut:
    """Somebody logged out: of one session or, where that is ``None``, of all of them.

    ``session`` is a digest of the host's own name for it, which may be a secret.
    """

    user: User
    session: str | None


Signal = Typing | SignedOut


class Signals(Protocol):
    """Carries signals between the processes of one site. Any method may be called from any thread.

    Nothing that is correct rests on it: a signal MAY be lost, and an implementation that cannot
    reach its carrier MUST lose it rather than raise or wait. Only ``is_present`` MAY take a moment;
    the others are called where nothing may block. Who may know of whom was decided
    before (BLOCK-1, PREF-1); an implementation tells whoever it is told to.
    """

    def tell(self, signal: Signal) -> None:
        """Hand a signal to every listener of every process."""
        ...

    def listen(self, listener: Callable[[Signal], None]) -> Callable[[], None]:
        """Call a listener, from any thread, for what is told from now on; returns how to stop."""
        ...

    def arrive(self, user: User, *, seconds: float) -> None:
        """This user is there, for so many seconds unless it is said again."""
        ...

    def leave(self, user: User) -> None:
        """This user is there no more."""
        ...

    def is_present(self, user: User) -> bool:
        """Whether the user is there, as far as is known."""
        ...
