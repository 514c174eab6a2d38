"""What a use case is told besides its facts: the policy, the time and chance."""

import attrs

from dmcore.domain.ids import MessageId
from dmcore.domain.policy import Policy
from dmcore.domain.retention import kept_since
from dmcore.errors import InvalidSetting
from dmcore.ports.clock import Clock, reading_of
from dmcore.ports.ids import Entropy


@attrs.frozen(kw_only=True)
class Rules:
    """The same for every call on one handle. Raises ``InvalidSetting`` for gates that nobody
    can open: ``has_directory`` says whether the host was asked for a directory, and
    ``has_connections`` whether that knows any; ``has_screeners`` whether texts are screened.
    """

    policy: Policy
    clock: Clock = attrs.field(repr=False)
    entropy: Entropy = attrs.field(repr=False)
    has_directory: bool = False
    has_connections: bool = True
    has_screeners: bool = False

    def __attrs_post_init__(self) -> None:
        if not _is_policy(self.policy):
            raise InvalidSetting("policy", "must be a Policy")
        if self.policy.gates and not self.has_directory:
            raise InvalidSetting("gates", "need a directory that knows who is who")
        if not self.has_connections and any(it.needs_connection for it in self.policy.gates):
            raise InvalidSetting("gates", "need a directory that knows connections")

    @property
    def offers_connections(self) -> bool:
        """Whether one can be open to connections only."""
        return self.has_directory and self.has_connections

    def now_us(self) -> int:
        """What the clock shows. Raises ``InvalidSetting`` where that is no instant."""
        return reading_of(self.clock)

    def kept_since(self, now_us: int) -> MessageId | None:
        """The lowest id of a message that is still there at an instant; ``None`` for any."""
        return kept_since(self.policy, now_us)

    def draw(self) -> int:
        """Random bits for one message id."""
        return self.entropy.draw()


def _is_policy(value: object) -> bool:
    return isinstance(value, Policy)
