"""What a use case may have to know from outside of its transaction, and how it asks for that.

Whoever runs it finds the answer while nothing is held, and runs it again with what was said.
"""

import attrs

from dmcore._runners import Question
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import User
from dmcore.domain.screening import Screening, Submission


class Unintroduced(Question):
    """The host has to be asked about the two first; nothing is done.

    Raised, so that what was begun is undone and nothing stays held while the host answers, also
    inside a transaction of the host's (EMB-3).
    """

    def __init__(self, sender: User, recipient: User) -> None:
        super().__init__()
        self.sender = sender
        self.recipient = recipient


class Unscreened(Question):
    """Nothing but its text could be against it: the screeners have to be asked; nothing is done.

    Raised for the same reason.
    """

    def __init__(self, submission: Submission) -> None:
        super().__init__()
        self.submission = submission


@attrs.frozen(kw_only=True)
class Advice:
    """What was said so far: by the host about the two, and by the screeners about the text."""

    introduction: Introduction | None = None
    screening: Screening | None = None


NO_ADVICE = Advice()
