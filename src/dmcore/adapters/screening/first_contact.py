"""What the first words to somebody may be, as long as that person wrote nothing back."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from dmcore.adapters.screening._actions import (
    Action,
    checked_action,
    checked_count,
    verdict_of,
)
from dmcore.adapters.screening._folding import is_mark
from dmcore.adapters.screening.links import found_kinds, to_domains
from dmcore.domain.screening import Pass, Submission, Verdict
from dmcore.ports.screening import Screener


def _to_length(longest: int | None) -> int | None:
    return None if longest is None else checked_count(longest, least=1)


def _length_of(text: str) -> int:
    """How many characters are seen, whatever the form of composition: syllables, without marks."""
    return sum(1 for it in text if not is_mark(it) and not "\u1160" <= it <= "\u11ff")


@attrs.frozen(kw_only=True)
class FirstContact:
    """The ``Screener`` port for messages to somebody who never wrote to their sender.

    ``no_links`` is about contact details as well, those of ``allowed_domains`` apart; ``longest``
    counts characters without their combining marks. Reasons: ``first_contact_link``,
    ``first_contact_long``. Raises ``InvalidSetting``.
    """

    no_links: bool = True
    longest: int | None = attrs.field(default=None, converter=_to_length)
    allowed_domains: frozenset[str] = attrs.field(default=(), converter=to_domains)
    action: Action = attrs.field(default="refuse", converter=checked_action)

    @property
    def reasons(self) -> tuple[str, ...]:
        return ("first_contact_link", "first_contact_long")

    def screen(self, submission: Submission) -> Verdict:
        if not submission.is_first_contact:
            return Pass()
        text = submission.text.text
        if self.longest is not None and _length_of(text) > self.longest:
            return verdict_of(self.action, "first_contact_long")
        if self.no_links and _has_any(found_kinds(text, allowed=self.allowed_domains)):
            return verdict_of(self.action, "first_contact_link")
        return Pass()


def _has_any(found: Iterable[object]) -> bool:
    return any(True for _ in found)


if TYPE_CHECKING:

    def _conforms() -> Screener:
        return FirstContact()
