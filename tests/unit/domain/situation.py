"""A situation between Ann, who acts, and Bob: said in words, built in one place."""

from typing import Any

import attrs

from dmcore.domain.account import Account
from dmcore.domain.body import Body
from dmcore.domain.contact import Contact, Written
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.gates import Gate, Introduction, Profile
from dmcore.domain.ids import Key, MessageId, TenantId, User, UserId, next_message_id
from dmcore.domain.limits import Window
from dmcore.domain.message import Message, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.policy import Policy
from dmcore.domain.preferences import DEFAULT_PREFERENCES, Preferences
from dmcore.domain.sending import Draft, Refused, decide

TENANT = TenantId("acme")
ANN, BOB = UserId("ann"), UserId("bob")
PAIR = Pair.of(TENANT, ANN, BOB)
ID = PAIR.conversation_id(bytes(16))
NOW_US = 1_000_000_000_000_000
FIRST: MessageId = next_message_id(NOW_US - 1_000_000, 7, None)
KEY = Key("key")
BODY = Body("hello")


def window_of(instants: tuple[int, ...], reading_us: int | None = None) -> Window:
    """A window with these instants, last noted at the newest of them by a clock that is right."""
    if not instants:
        return Window()
    return Window(
        instants=instants,
        time_us=instants[-1],
        reading_us=instants[-1] if reading_us is None else reading_us,
    )


def profile(*roles: str, **rest: bool) -> Profile:
    """What the host says of somebody in these roles."""
    fields: dict[str, Any] = {"roles": roles, **rest}
    return Profile(**fields)


def gate(*sender_roles: str, **rest: bool) -> Gate:
    """A way in for these, or for everybody."""
    fields: dict[str, Any] = {"sender_roles": sender_roles or None, **rest}
    return Gate(**fields)


def gated(*gates: Gate) -> Policy:
    """A policy with these ways in."""
    fields: dict[str, Any] = {"gates": gates}
    return Policy(**fields)


@attrs.frozen(kw_only=True)
class Situation:
    """What is the case; everything not said is as on a first day."""

    mode: Mode = Mode.ON
    policy: Policy = attrs.field(factory=Policy)
    ann_blocks: bool = False
    bob_blocks: bool = False
    sends: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    reading_us: int | None = None
    unread: int = 0
    ann_prefers: Preferences = DEFAULT_PREFERENCES
    bob_prefers: Preferences = DEFAULT_PREFERENCES
    introduction: Introduction | None = None
    conversation: Conversation | None = None
    earlier: Posting | None = None

    def but(self, **changes: Any) -> "Situation":
        """The same with something else."""
        return attrs.evolve(self, **changes)

    def differences(self) -> dict[str, Any]:
        """What was said of this one, to say it of another."""
        default = Situation()
        fields = [field.name for field in attrs.fields(Situation)]
        return {
            name: getattr(self, name)
            for name in fields
            if getattr(self, name) != getattr(default, name)
        }

    def with_conversation(
        self, *, actor_side: Side | None = None, partner_side: Side | None = None
    ) -> "Situation":
        """A conversation is stored, of which each has what is given."""
        return self.but(
            conversation=Conversation(
                id=ID,
                pair=PAIR,
                newest=FIRST,
                oldest=FIRST,
                low=attrs.evolve(actor_side or Side(), blocks=self.ann_blocks),
                high=attrs.evolve(partner_side or Side(), blocks=self.bob_blocks),
            )
        )

    def talking(self) -> "Situation":
        """They have written to each other before."""
        both = Side(exists=True, newest=FIRST, read=FIRST)
        return self.with_conversation(actor_side=both, partner_side=both)

    def sent_before(self, text: str = BODY.text) -> "Situation":
        """Ann's message under the same key is there."""
        message = Message(
            id=FIRST, conversation=ID, sender=ANN, body=Body(text), sent_at_us=NOW_US - 1_000_000
        )
        return self.but(earlier=Posting(message=message, key=KEY, sender_only=False))

    def contact(self) -> Contact:
        """The facts that a store would find."""
        return Contact(
            mode=self.mode,
            pair=PAIR,
            conversation_id=ID,
            conversation=self.conversation,
            actor=Account(
                user=User(TENANT, ANN),
                position=4,
                unread=self.unread,
                sends=window_of(self.sends, self.reading_us),
                starts=window_of(self.starts, self.reading_us),
                preferences=self.ann_prefers,
            ),
            partner=Account(
                user=User(TENANT, BOB), position=9, unread=2, preferences=self.bob_prefers
            ),
            actor_blocks=self.ann_blocks,
            partner_blocks=self.bob_blocks,
            earlier=self.earlier,
        )

    def when_ann_writes(
        self,
        *,
        now_us: int = NOW_US,
        key: Key | None = KEY,
        entropy: int = 5,
        target: Posting | None = None,
    ) -> Written | Message | Refused:
        """What is decided about her message."""
        return decide(
            self.contact(),
            self.policy,
            Draft(body=BODY, key=key, target=target),
            introduction=self.introduction,
            now_us=now_us,
            entropy=entropy,
        )
