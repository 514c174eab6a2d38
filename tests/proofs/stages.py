"""A world to run programs in: what can be done there, and all that somebody can ask of it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import combinations
from typing import Any, Final
from uuid import UUID

import attrs
from tests.proofs.sealing import about_keys, change_tablet, sealed
from tests.support.stores import WRITING, Harness, MemoryHarness, SqlHarness, asked_through

from dmcore import DirectMessages, DmcoreError, Envelope, Mailbox, Message, Policy
from dmcore.adapters.clock import ManualClock
from dmcore.domain.gates import Introduction, Profile
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import OpenTo
from dmcore.testing.world import NOON_US, anatomy, walked

PEOPLE: Final = ("ann", "bob", "cyd", "dan")
NOWHERE: Final = UUID("0b5e7d3c-7c31-8f0e-9d6a-3f2b1c0d9e8f")


@attrs.frozen
class Step:
    """``who`` does something about ``peer``; ``pick`` chooses among what there is."""

    who: str
    verb: str
    peer: str
    pick: int = 0
    wait_s: float = 1
    words: str = ""


@attrs.frozen
class Target:
    """What a step is about, as far as the one who acts has it in every world they act in."""

    conversation: UUID
    message: UUID


@attrs.frozen
class Seen:
    """What one call came to, and the statements that it took."""

    answer: object
    asked: tuple[str, ...] = ()
    is_refusal: bool = False


class SteppedEntropy:
    """The same bits for the same step, however often they are drawn."""

    step = 0

    def draw(self) -> int:
        return int.from_bytes(hashlib.sha256(str(self.step).encode()).digest()[:8], "big") >> 2


class Host:
    """A directory that knows everybody; accounts can be deactivated."""

    def __init__(self) -> None:
        self.inactive: set[str] = set()

    def introduce(self, sender: User, recipient: User) -> Introduction:
        return Introduction(sender=self._profile(sender), recipient=self._profile(recipient))

    def _profile(self, user: User) -> Profile:
        return Profile(is_active=user.id not in self.inactive)


class Stage:
    """One world."""

    def __init__(
        self,
        dm: DirectMessages,
        clock: ManualClock,
        entropy: SteppedEntropy,
        host: Host,
        *,
        namespace: bytes,
        is_sealing: bool,
    ) -> None:
        self.dm, self.clock, self.entropy, self.host = dm, clock, entropy, host
        self.is_sealing = is_sealing
        self.ever: set[UUID] = set()
        self.asked: list[str] = []
        dm.operations("olga").set_mode("on")
        self.conversations = {
            pair: Pair.of(TenantId(""), *map(UserId, pair)).conversation_id(namespace)
            for pair in combinations(PEOPLE, 2)
        }

    def box(self, name: str) -> Mailbox:
        """``north/ann`` is a user of another tenant."""
        tenant, _, user = name.rpartition("/")
        return self.dm.mailbox(user, tenant=tenant)

    def blocks(self, who: str, peer: str) -> bool:
        return peer in [line.blocked for line in self.box(who).blocked().items]

    def messages(self, who: str, peer: str) -> list[Message]:
        """What there is to choose from, oldest first."""
        view = self.box(who).conversation_with(peer)
        return [] if view is None else list(self.box(who).thread(view.conversation).items)

    def has_read(self, step: Step, target: "Target") -> bool:
        """Whether a step would mark as read what its actor has marked already."""
        if step.verb not in {"see", "mark"}:
            return False
        view = self.box(step.who).conversation_with(step.peer)
        return view is not None and view.read is not None and target.message <= view.read

    def begin(self, step: Step, number: int) -> None:
        self.clock.advance(seconds=step.wait_s)
        self.entropy.step = number

    def act(self, step: Step, target: Target, words: str) -> Seen:
        seen = self.call(lambda: ACTS[step.verb](self, step, target, step.words or words))
        if isinstance(seen.answer, Message):
            self.ever.add(seen.answer.id)
        return seen

    def call(self, call: Callable[[], object]) -> Seen:
        """What a call comes to; any number of rows in the one writing statement are one write."""
        del self.asked[:]
        try:
            answer, is_refusal = call(), False
        except DmcoreError as refusal:
            answer, is_refusal = repr(anatomy(refusal)), True
        asked = tuple("the write" if it.startswith(WRITING) else it for it in self.asked)
        return Seen(answer, asked, is_refusal)

    def observed(self, name: str, probes: Sequence[UUID]) -> dict[str, Seen]:
        """Everything that a user gets by any call that only asks."""
        box = self.box(name)
        asks = {**_lists(box), **_about_people(box), **_about_threads(self, box, probes)}
        if self.is_sealing:
            asks |= about_keys(box, PEOPLE)
        # What wakes whoever watches for them.
        asks["head"] = lambda: self.dm.heads([box.user])
        return {question: self.call(ask) for question, ask in asks.items()}


Ask = Callable[[], object]


def _lists(box: Mailbox) -> dict[str, Ask]:
    return {
        "inbox": lambda: walked(lambda cursor: box.inbox(limit=2, cursor=cursor)),
        "requests": lambda: walked(lambda cursor: box.requests(limit=2, cursor=cursor)),
        "archived": lambda: walked(lambda cursor: box.archived(limit=2, cursor=cursor)),
        "blocked": lambda: walked(lambda cursor: box.blocked(limit=2, cursor=cursor)),
        "unread": box.unread,
        "preferences": box.preferences,
        "changes": lambda: list(_feed(box)),
        "snapshot": lambda: box.snapshot(limit=2),
        "export": lambda: walked(lambda cursor: box.export(limit=3, cursor=cursor)),
    }


def _feed(box: Mailbox) -> Iterator[object]:
    page = box.changes(limit=5)
    yield page
    while page.has_more:
        page = box.changes(after=page.next, limit=5)
        yield page


def _about_people(box: Mailbox) -> dict[str, Ask]:
    asks: dict[str, Ask] = {}
    for peer in PEOPLE:
        if peer == box.user.id:
            continue
        asks[f"can_message {peer}"] = lambda peer=peer: box.can_message(peer)  # type: ignore[misc]
        asks[f"conversation_with {peer}"] = lambda peer=peer: (  # type: ignore[misc]
            box.conversation_with(peer)
        )
        asks[f"can_see_profile {peer}"] = lambda peer=peer: (  # type: ignore[misc]
            box.can_see_profile(peer)
        )
    return asks


def _about_threads(stage: Stage, box: Mailbox, probes: Sequence[UUID]) -> dict[str, Ask]:
    """Of every conversation that could be, with roots that the user may have or not."""
    asks: dict[str, Ask] = {}
    for (low, high), conversation in stage.conversations.items():
        asks[f"conversation {low}-{high}"] = lambda it=conversation: (  # type: ignore[misc]
            box.conversation(it)
        )
        asks[f"audience {low}-{high}"] = lambda it=conversation: (  # type: ignore[misc]
            box.audience(it)
        )
        asks[f"thread {low}-{high}"] = lambda it=conversation: _pages(box, it)  # type: ignore[misc]
        if box.user.id in (low, high):
            for root in probes:
                asks[f"thread {low}-{high} of {root}"] = lambda it=conversation, root=root: (  # type: ignore[misc]
                    box.thread(it, root=root)
                )
    return asks


def _pages(box: Mailbox, conversation: UUID) -> list[object]:
    """Back to the beginning, and forward again."""
    pages = [box.thread(conversation, limit=3)]
    while pages[-1].older is not None:
        pages.append(box.thread(conversation, limit=3, before=pages[-1].older))
    after = pages[-1].newer
    while after is not None:
        pages.append(box.thread(conversation, limit=3, after=after))
        after = pages[-1].newer if pages[-1].has_more else None
    return list(pages)


# Acts -------------------------------------------------------------------------------------------


def _said(stage: Stage, step: Step, words: str) -> str | Envelope:
    """What is written: sealed where people seal, with keys that are taken for it."""
    if not stage.is_sealing:
        return words
    return sealed(stage.box(step.who), step.peer, words)


def _choose(stage: Stage, step: Step, **choices: Any) -> None:
    box = stage.box(step.who)
    box.set_preferences(attrs.evolve(box.preferences(), **choices))


def _dismiss(stage: Stage, step: Step) -> None:
    stage.host.inactive ^= {step.who}


Act = Callable[[Stage, Step, Target, str], object]


ACTS: Final[Mapping[str, Act]] = {
    "nothing": lambda *_: None,
    "start": lambda at, it, _, words: at.box(it.who).start(it.peer, _said(at, it, words)),
    "send": lambda at, it, to, words: at.box(it.who).send(to.conversation, _said(at, it, words)),
    "reply": lambda at, it, to, words: at.box(it.who).send(
        to.conversation, _said(at, it, words), reply_to=to.message
    ),
    "keyed": lambda at, it, *_: at.box(it.who).start(
        it.peer, _said(at, it, f"keyed {it.pick % 3}"), key=f"{it.pick % 2}"
    ),
    "edit": lambda at, it, to, words: at.box(it.who).edit(
        to.conversation, to.message, _said(at, it, words)
    ),
    "in the clear": lambda at, it, _, words: at.box(it.who).start(it.peer, words),
    "claim": lambda at, it, *_: at.box(it.who).devices.claim(it.peer),
    "seal": lambda at, it, to, _: at.box(it.who).seal(to.conversation),
    "tablet": lambda at, it, *_: change_tablet(at.box(it.who)),
    "delete": lambda at, it, to, _: at.box(it.who).delete(to.conversation, to.message),
    "hide": lambda at, it, to, _: at.box(it.who).hide(to.conversation, to.message),
    "mark": lambda at, it, to, _: at.box(it.who).mark_read(to.conversation, through=to.message),
    "see": lambda at, it, to, _: at.box(it.who).mark_read(to.conversation, through=to.message),
    "clear": lambda at, it, to, _: at.box(it.who).clear(to.conversation),
    "mute": lambda at, it, to, _: at.box(it.who).mute(to.conversation),
    "unmute": lambda at, it, to, _: at.box(it.who).unmute(to.conversation),
    "archive": lambda at, it, to, _: at.box(it.who).archive(to.conversation),
    "unarchive": lambda at, it, to, _: at.box(it.who).unarchive(to.conversation),
    "accept": lambda at, it, to, _: at.box(it.who).accept(to.conversation),
    "decline": lambda at, it, to, _: at.box(it.who).decline(to.conversation),
    "block": lambda at, it, *_: at.box(it.who).block(it.peer),
    "unblock": lambda at, it, *_: at.box(it.who).unblock(it.peer),
    "report": lambda at, it, to, _: at.box(it.who).report(
        it.peer,
        conversation=to.conversation if it.pick else None,
        messages=[to.message] if it.pick > 1 else (),
        reason="harassment",
    ),
    "close": lambda at, it, *_: _choose(at, it, open_to=OpenTo.NOBODY),
    "open": lambda at, it, *_: _choose(at, it, open_to=OpenTo.EVERYONE),
    "receipts off": lambda at, it, *_: _choose(at, it, receipts=False),
    "receipts on": lambda at, it, *_: _choose(at, it, receipts=True),
    "shy": lambda at, it, *_: _choose(at, it, typing=False, presence=it.pick % 2 == 0),
    "bold": lambda at, it, *_: _choose(at, it, typing=True, presence=True),
    "dismiss": lambda at, it, *_: _dismiss(at, it),
    "ban": lambda at, it, *_: at.dm.moderation(it.who).restrict(
        it.peer, "shadow_ban", reason="other"
    ),
    "lift ban": lambda at, it, *_: at.dm.moderation(it.who).lift(it.peer, "shadow_ban"),
}


# Opening ----------------------------------------------------------------------------------------


@contextmanager
def in_two(harnesses: tuple[Harness, Harness], policy: Policy) -> Iterator[tuple[Stage, Stage]]:
    """A world on each of two stores of one installation, emptied before; statements are noted."""
    with ExitStack() as stack:

        def stage(harness: Harness) -> Stage:
            harness.clear()
            clock, entropy, host = ManualClock(NOON_US), SteppedEntropy(), Host()
            stack.callback(harness.close)
            dm = harness.open(policy=policy, clock=clock, entropy=entropy, directory=host)
            made = Stage(
                dm,
                clock,
                entropy,
                host,
                namespace=_namespace_of(harness),
                is_sealing=policy.sealing != "never",
            )
            if isinstance(harness, SqlHarness):
                made.asked = stack.enter_context(asked_through(dm))
            return made

        first, second = map(stage, harnesses)
        assert first.conversations == second.conversations, "these are two installations"
        yield first, second


def _namespace_of(harness: Harness) -> bytes:
    if isinstance(harness, MemoryHarness):
        return harness.store.namespace
    assert isinstance(harness, SqlHarness)
    return bytes(harness.rows("SELECT namespace FROM dm_installation")[0][0])
