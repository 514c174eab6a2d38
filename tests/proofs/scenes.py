"""The states in which the matrix is asked: what was done, and in words what is so since then."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import attrs
from tests.proofs.permissions import KEY, KEYED, Asked, Situation

from dmcore import DirectMessages, Mailbox, Message, Policy
from dmcore.adapters.clock import ManualClock

NOWHERE: Final = UUID("0b5e7d3c-7c31-8f0e-9d6a-3f2b1c0d9e8f")
PARTNER: Final = {"ann": "bob", "bob": "ann"}
OUTSIDERS: Final = ("zed", "north/ann", "newcomer", "olga")


@attrs.frozen
class Said:
    """A message between the two, and what became of it."""

    message: Message
    is_deleted: bool = False
    hidden_by: str | None = None
    is_absorbed: bool = False


@attrs.frozen
class Facts:
    """What is so between Ann and Bob; ``restriction`` is what was taken from Ann."""

    said: tuple[Said, ...] = ()
    has: frozenset[str] = frozenset()
    blocker: str | None = None
    request_to: str | None = None
    cleared_by: str | None = None
    restriction: str | None = None


@attrs.frozen
class People:
    """Whoever there is, on one store."""

    dm: DirectMessages
    clock: ManualClock

    def box(self, name: str) -> Mailbox:
        """``north/ann`` is a user of another tenant."""
        tenant, _, user = name.rpartition("/")
        return self.dm.mailbox(user, tenant=tenant)

    def start(self, who: str, other: str, text: str, key: str | None = None) -> Message:
        self.clock.advance(seconds=1)
        return self.box(who).start(other, text, key=key)


@attrs.frozen
class Scene:
    """A state of the pair, under a policy."""

    policy: Policy
    build: Callable[[People], Facts]


BOTH: Final = frozenset({"ann", "bob"})
_REFUSING: Final = Policy(messages=None, starts=None)
_ABSORBING: Final = attrs.evolve(_REFUSING, blocked="absorb")
_ASKING: Final = attrs.evolve(_REFUSING, requests="ask")


def _nothing(_people: People) -> Facts:
    return Facts()


def _talking(people: People) -> Facts:
    """Each of them has an own message, one that is taken back, and one of the other's hidden."""
    said = [
        Said(people.start("ann", "bob", KEYED, KEY)),
        Said(people.start("bob", "ann", "canary 1")),
        Said(people.start("ann", "bob", "canary 2"), is_deleted=True),
        Said(people.start("bob", "ann", "canary 3"), is_deleted=True),
        Said(people.start("ann", "bob", "canary 4"), hidden_by="bob"),
        Said(people.start("bob", "ann", "canary 5"), hidden_by="ann"),
        Said(people.start("ann", "bob", "canary 6"), hidden_by="ann"),
    ]
    for it in said:
        place = it.message.conversation, it.message.id
        if it.is_deleted:
            people.box(it.message.sender).delete(*place)
        if it.hidden_by is not None:
            people.box(it.hidden_by).hide(*place)
    return Facts(tuple(said), BOTH)


def _blocking(people: People) -> Facts:
    facts = _talking(people)
    people.box("ann").block("bob")
    return attrs.evolve(facts, blocker="ann")


def _absorbed_start(people: People) -> Facts:
    people.box("bob").block("ann")
    said = Said(people.start("ann", "bob", KEYED, KEY), is_absorbed=True)
    return Facts((said,), frozenset({"ann"}), blocker="bob")


def _absorbed_and_unblocked(people: People) -> Facts:
    facts = _absorbed_start(people)
    people.box("bob").unblock("ann")
    return attrs.evolve(facts, blocker=None)


def _asked(people: People) -> Facts:
    return Facts((Said(people.start("ann", "bob", KEYED, KEY)),), BOTH, request_to="bob")


def _declined(people: People) -> Facts:
    facts = _asked(people)
    people.box("bob").decline(facts.said[0].message.conversation)
    return facts


def _asked_and_blocked(people: People) -> Facts:
    facts = _asked(people)
    people.box("bob").block("ann")
    return attrs.evolve(facts, blocker="bob")


def _cleared(people: People) -> Facts:
    facts = _talking(people)
    people.box("bob").clear(facts.said[0].message.conversation)
    return attrs.evolve(facts, cleared_by="bob")


def _restricted(kind: str) -> Callable[[People], Facts]:
    def build(people: People) -> Facts:
        facts = _talking(people)
        people.dm.moderation("mod").restrict("ann", kind, reason="other")
        return attrs.evolve(facts, restriction=kind)

    return build


SCENES: Final[Mapping[str, Scene]] = {
    "there is no conversation": Scene(_REFUSING, _nothing),
    "the two write to each other": Scene(_REFUSING, _talking),
    "it exists for ann only": Scene(_ABSORBING, _absorbed_and_unblocked),
    "it exists for ann only, whom bob blocks": Scene(_ABSORBING, _absorbed_start),
    "ann blocks bob, who is refused": Scene(_REFUSING, _blocking),
    "ann blocks bob, who is absorbed": Scene(_ABSORBING, _blocking),
    "a request awaits bob": Scene(_ASKING, _asked),
    "bob declined it": Scene(_ASKING, _declined),
    "a request awaits bob, who blocks": Scene(_ASKING, _asked_and_blocked),
    "bob cleared it": Scene(_REFUSING, _cleared),
    "ann is muted": Scene(_REFUSING, _restricted("mute")),
    "ann is suspended": Scene(_REFUSING, _restricted("suspend")),
    "ann is shadow-banned": Scene(_REFUSING, _restricted("shadow_ban")),
}


@attrs.frozen
class Surroundings:
    """Conversations that neither of the two nor any outsider has, each with a message in it."""

    others: Message
    north: Message

    @classmethod
    def build(cls, people: People) -> "Surroundings":
        north = people.start("north/cyd", "dan", "canary of the north")
        return cls(others=people.start("cyd", "dan", "canary of others"), north=north)


@attrs.frozen
class Cell:
    """Who asks about what, and what decides; ``cause`` says why it is not theirs, if it is not."""

    actor: str
    asked: Asked
    situation: Situation
    cause: str


def cells(
    scene: Scene, facts: Facts, around: Surroundings, pair: UUID, *, mode: str, about: str
) -> list[Cell]:
    """Everybody, with everything that such an operation could be asked about."""
    found = []
    for actor in (*PARTNER, *OUTSIDERS):
        situation = _situation(scene, facts, actor, mode)
        peer = PARTNER.get(actor, "ann" if actor != "north/ann" else "bob")
        ids = facts.said[0].message.id if facts.said else NOWHERE
        theirs = Cell(actor, Asked(peer, pair, ids), situation, "it is of the two")
        found.append(theirs)
        if about in {"nothing", "peer"}:
            continue
        if about == "message":
            found[-1:] = _with_messages(theirs, facts)
            if situation.has:
                for name, message in (("others", around.others), ("north", around.north)):
                    found.append(_elsewhere(theirs, pair, message.id, f"a message of {name}"))
        apart = Situation(mode=mode, restriction=situation.restriction)
        stranger = attrs.evolve(theirs, situation=apart)
        for conversation, message_id, cause in (
            (around.others.conversation, around.others.id, "it is of two others"),
            (around.north.conversation, around.north.id, "it is of another tenant"),
            (NOWHERE, around.others.id, "it does not exist"),
        ):
            found.append(_elsewhere(stranger, conversation, message_id, cause))
    return found


def _situation(scene: Scene, facts: Facts, actor: str, mode: str) -> Situation:
    if actor not in PARTNER:
        return Situation(mode=mode)
    has = actor in facts.has
    is_request = facts.request_to == actor
    return Situation(
        mode=mode,
        absorbs=scene.policy.blocked == "absorb",
        has=has,
        you_block=facts.blocker == actor,
        they_block=facts.blocker == PARTNER[actor],
        is_request=is_request,
        is_waiting=facts.request_to == PARTNER[actor],
        wrote_keyed=actor == "ann" and bool(facts.said),
        restriction=facts.restriction if actor == "ann" else None,
    )


def _with_messages(cell: Cell, facts: Facts) -> list[Cell]:
    """The cell for each message of the two, and for one that does not exist."""
    made = [_elsewhere(cell, cell.asked.conversation, NOWHERE, "a message of nobody")]
    for it in facts.said:
        is_own = it.message.sender == cell.actor
        sees = (
            cell.situation.has
            and cell.actor not in {it.hidden_by, facts.cleared_by}
            and (is_own or not (it.is_absorbed or cell.situation.you_block))
        )
        made.append(
            attrs.evolve(
                cell,
                asked=attrs.evolve(cell.asked, message=it.message.id),
                situation=attrs.evolve(
                    cell.situation, sees=sees, is_own=is_own, is_deleted=it.is_deleted
                ),
            )
        )
    return made


def _elsewhere(cell: Cell, conversation: UUID, message: UUID, cause: str) -> Cell:
    asked = attrs.evolve(cell.asked, conversation=conversation, message=message)
    return attrs.evolve(cell, asked=asked, cause=cause)
