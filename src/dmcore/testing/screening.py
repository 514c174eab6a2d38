"""A screener for a test: it says what the text itself asks for, and notes who asked about what.

Owns a screener in memory. Refuses to know what becomes of its verdicts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dmcore.domain.screening import Flag, Pass, Refuse, Submission, Verdict
from dmcore.ports.screening import Screener
from dmcore.testing.directory import done_elsewhere

_REASONS: Final = ("rude", "link", "loud")


class Censor:
    """Refuses a text with "refuse" in it as ``rude``, and flags "flag" and "FLAG".

    ``asked`` is everything that it was asked about, in order. ``while_asked`` is called on a thread
    of its own each time, before the verdict is given; when it cannot end because somebody holds
    something, that is a failure. ``fault`` is raised instead of a verdict. Under ``is_lenient`` it
    lets everything pass.
    """

    reasons = _REASONS

    def __init__(self) -> None:
        self.asked: list[Submission] = []
        self.while_asked: Callable[[], object] | None = None
        self.fault: Exception | None = None
        self.is_lenient = False

    def screen(self, submission: Submission) -> Verdict:
        """As the port has it."""
        self.asked.append(submission)
        if self.while_asked is not None:
            done_elsewhere(self.while_asked)
        if self.fault is not None:
            raise self.fault
        text = submission.text.text
        if self.is_lenient:
            return Pass()
        if "refuse" in text:
            return Refuse("rude")
        if "FLAG" in text:
            return Flag("loud")
        return Flag("link") if "flag" in text else Pass()

    def texts(self) -> list[str]:
        """What it was asked about."""
        return [submission.text.text for submission in self.asked]


if TYPE_CHECKING:

    def _conforms(censor: Censor) -> Screener:
        return censor
