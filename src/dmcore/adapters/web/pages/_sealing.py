"""What a page knows of sealing: whether texts are sealed here, or could be (CRYPT-2).

A page seals and opens nothing: the module does, on a device (ADR 65).
"""

from typing import Self

import attrs

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web.pages._assets import sealing_modules
from dmcore.domain.body import EMOJI_CLASS, BodyRules
from dmcore.domain.inbox import ConversationView
from dmcore.mailbox import Permission


@attrs.frozen(kw_only=True)
class Sealing:
    """``is_sealed``: what is written to this person has to be sealed. ``is_offered``: it may be.

    ``is_built``: there is what makes a browser a device. ``rules`` are for who seals: nobody else
    can look at the text.
    """

    is_sealed: bool
    is_offered: bool
    is_built: bool
    rules: BodyRules

    @property
    def lets_write(self) -> bool:
        """Whether there is a way to write on these pages."""
        return self.is_built or not self.is_sealed

    @property
    def refused_signs(self) -> str:
        """What must not be in a text, inside the brackets of a regular expression."""
        return EMOJI_CLASS if self.rules.emoji == "refuse" else ""

    @classmethod
    def of(cls, visit: Visit, permission: Permission, view: ConversationView | None) -> Self:
        """How it stands between the viewer and somebody."""
        return cls(
            is_sealed=permission.is_sealed or (view is not None and view.is_sealed),
            is_offered=visit.world.dm.policy.sealing != "never" and permission.is_allowed,
            is_built=sealing_modules(visit.request.root) is not None,
            rules=visit.world.dm.policy.body,
        )
