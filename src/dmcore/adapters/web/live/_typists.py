"""Who is writing to whom, as this process heard: remembered for moments."""

import threading
import time
from collections.abc import Iterable
from math import inf

from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import ConversationId, User
from dmcore.ports.signals import Typing


class Typists:
    """Safe between threads."""

    def __init__(self, *, seconds: float, pause: float) -> None:
        self._seconds = seconds
        self._pause = pause
        self._lock = threading.Lock()
        # The last to write is the last in it.
        self._heard: dict[tuple[User, ConversationId], float] = {}

    def hear(self, typing: Typing) -> None:
        """Somebody is writing, as some process says."""
        with self._lock:
            self._forget()
            self._remember(typing)

    def is_news(self, typing: Typing) -> bool:
        """Whether it is worth telling: not where it was told or heard within the last pause."""
        place = (typing.recipient, typing.conversation)
        with self._lock:
            self._forget()
            if time.monotonic() - self._heard.get(place, -inf) < self._pause:
                return False
            self._remember(typing)
            return True

    def forget_sent(self, reader: User, facts: Iterable[Fact]) -> None:
        """Whoever sent the reader a message has written it: that they write is over."""
        with self._lock:
            for fact in facts:
                is_theirs = fact.action is Action.MESSAGE_SENT and fact.actor != reader.id
                if is_theirs and fact.conversation is not None:
                    self._heard.pop((reader, fact.conversation), None)

    def wrote_lately(self, reader: User, conversation: ConversationId) -> bool:
        """Whether somebody wrote to the reader in a conversation just now."""
        with self._lock:
            self._forget()
            return (reader, conversation) in self._heard

    def _remember(self, typing: Typing) -> None:
        place = (typing.recipient, typing.conversation)
        self._heard.pop(place, None)
        self._heard[place] = time.monotonic()

    def _forget(self) -> None:
        before = time.monotonic() - self._seconds
        while self._heard:
            place = next(iter(self._heard))
            if self._heard[place] > before:
                return
            del self._heard[place]
