"""How often somebody writes: the same text again and again, or many in a short time."""

import threading
from collections import OrderedDict
from datetime import timedelta
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

import attrs

from dmcore.adapters.screening._actions import (
    Action,
    checked_action,
    checked_count,
    checked_span,
    verdict_of,
)
from dmcore.adapters.screening._folding import folded
from dmcore.domain.screening import Pass, Submission, Verdict, count_recent
from dmcore.ports.screening import Screener

_DIGEST_BYTES: Final = 16


class Repetition:
    """The ``Screener`` port against one text sent by one person so many times ``within`` a time.

    It compares letters alone, so a number or a name's sign added makes no other text, and leaves
    texts of fewer than ``shortest`` letters alone: people say "thank you" often. Remembered are the
    times of keyed digests, for at most ``remembers`` texts of this process; the key dies with it.

    Several processes count each for itself, and a restart forgets: it may see fewer repetitions
    than there are, never more. Attempts count whether or not they were stored in the end; those it
    refused do not. Reason: ``repetition``. Raises ``InvalidSetting``.
    """

    __slots__ = (
        "_action", "_key", "_lock", "_remembers", "_same_text", "_seen_us", "_shortest", "_within",
    )  # fmt: skip

    reasons = ("repetition",)

    def __init__(
        self,
        *,
        same_text: int = 3,
        within: timedelta = timedelta(hours=1),
        shortest: int = 20,
        remembers: int = 10_000,
        action: Action = "flag",
    ) -> None:
        self._same_text = checked_count(same_text)
        self._within = checked_span(within)
        self._shortest = checked_count(shortest, least=1)
        self._remembers = checked_count(remembers, least=1)
        self._action = checked_action(action)
        self._key = token_bytes(32)
        self._lock = threading.Lock()
        # Who was seen last is the last in it.
        self._seen_us: OrderedDict[bytes, tuple[int, ...]] = OrderedDict()

    def screen(self, submission: Submission) -> Verdict:
        letters = "".join(filter(str.isalpha, folded(submission.text.text)))
        if len(letters) < self._shortest:
            return Pass()
        digest = self._digest(submission.sender.tenant, submission.sender.id, letters)
        with self._lock:
            seen_us = self._seen_us.pop(digest, ())
            recent = count_recent(seen_us, at_us=submission.at_us, within=self._within)
            is_caught = recent + 1 >= self._same_text
            if not is_caught or self._action == "flag":
                seen_us = (*seen_us, submission.at_us)[1 - self._same_text :]
            self._seen_us[digest] = seen_us
            if len(self._seen_us) > self._remembers:
                self._seen_us.popitem(last=False)
        return verdict_of(self._action, "repetition") if is_caught else Pass()

    def _digest(self, *parts: str) -> bytes:
        digest = blake2b(key=self._key, digest_size=_DIGEST_BYTES)
        for part in parts:
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(4, "big") + encoded)
        return digest.digest()


@attrs.frozen(kw_only=True)
class Burst:
    """The ``Screener`` port against so many messages of one person ``within`` a time.

    It counts in the sender's limit on messages, so it is exact for all processes, and sees no more
    than that limit counts: ``count`` must not be above the limit's. Reason: ``burst``. Raises
    ``InvalidSetting``.
    """

    count: int = attrs.field(default=10, converter=checked_count)
    within: timedelta = attrs.field(default=timedelta(seconds=10), converter=checked_span)
    action: Action = attrs.field(default="flag", converter=checked_action)

    @property
    def reasons(self) -> tuple[str, ...]:
        return ("burst",)

    def screen(self, submission: Submission) -> Verdict:
        recent = count_recent(
            submission.recent_sends_us, at_us=submission.at_us, within=self.within
        )
        return verdict_of(self.action, "burst") if recent + 1 >= self.count else Pass()


if TYPE_CHECKING:

    def _conform() -> tuple[Screener, Screener]:
        return Repetition(), Burst()
