"""After any history of everything that people do, each count is what a count by hand finds."""

import random
from collections.abc import Callable, Sequence

import attrs
import pytest

from dmcore import Mailbox, Message, Policy
from dmcore.domain.preferences import Preferences
from dmcore.errors import (
    AccessDenied,
    NoRequest,
    NotAcceptedYet,
    RecipientUnavailable,
    TooLateToEdit,
    YouBlockedThem,
)
from dmcore.testing.conformance.sights import NOWHERE, check_counts
from dmcore.testing.world import MakeWorld, World, thread_of

USERS = ("ann", "bob", "cyd")
STEPS = 300
SEED = 12
POLICIES = {
    "refusing": Policy(messages=None, starts=None),
    "absorbing": Policy(messages=None, starts=None, blocked="absorb"),
    "asking": Policy(
        messages=None, starts=None, blocked="absorb", requests="ask", request_messages=3
    ),
}
REFUSALS = (
    AccessDenied,
    NoRequest,
    NotAcceptedYet,
    RecipientUnavailable,
    TooLateToEdit,
    YouBlockedThem,
)


@attrs.frozen
class Walk:
    """One step after another, each by somebody, to somebody, about any message there ever was."""

    world: World
    dice: random.Random
    sent: list[Message] = attrs.field(factory=list)

    def step(self) -> str:
        user, other = self.dice.sample(USERS, 2)
        box = self.world.dm.mailbox(user)
        acts = self._acts(box, other)
        name = self.dice.choices(list(acts), weights=[acts[name][0] for name in acts])[0]
        try:
            acts[name][1]()
        except REFUSALS:
            return f"{name} refused"
        return name

    def _acts(self, box: Mailbox, other: str) -> dict[str, tuple[int, Callable[[], object]]]:
        seen = self._seen_by(box) or self.sent
        here, message = self.dice.choice(
            [(it.conversation, it.id) for it in seen] or [(NOWHERE, NOWHERE)]
        )
        text = str(self.dice.randrange(3))
        asked = next((it.conversation for it in box.requests().items), here)
        is_shown = self.dice.random() < 0.7
        return {
            "start": (6, lambda: self._keep(box.start(other, text))),
            "send": (6, lambda: self._keep(box.send(here, text))),
            "reply": (4, lambda: self._keep(box.send(here, text, reply_to=message))),
            "edit": (4, lambda: box.edit(here, message, text)),
            "delete": (4, lambda: box.delete(here, message)),
            "hide": (4, lambda: box.hide(here, message)),
            "clear": (1, lambda: box.clear(here)),
            "mark": (4, lambda: box.mark_read(here, through=message)),
            "mute": (1, lambda: box.mute(here)),
            "unmute": (1, lambda: box.unmute(here)),
            "archive": (2, lambda: box.archive(here)),
            "unarchive": (1, lambda: box.unarchive(here)),
            "block": (2, lambda: box.block(other)),
            "unblock": (4, lambda: box.unblock(other)),
            "accept": (1, lambda: box.accept(asked)),
            "decline": (4, lambda: box.decline(asked)),
            "choose": (1, lambda: box.set_preferences(Preferences(receipts=is_shown))),
        }

    def _seen_by(self, box: Mailbox) -> Sequence[Message]:
        """Mostly a message of theirs; now and then just any, which has to be refused."""
        if self.dice.random() < 0.1:
            return ()
        other = self.dice.choice([user for user in USERS if user != box.user.id])
        view = box.conversation_with(other)
        return thread_of(box, view.conversation) if view is not None else ()

    def _keep(self, message: Message) -> None:
        self.sent.append(message)


def check_receipts(world: World) -> None:
    """Whoever shows receipts sees a first part of their messages seen, in order of time."""
    for user in USERS:
        box = world.dm.mailbox(user)
        for other in USERS:
            view = box.conversation_with(other) if other != user else None
            if view is None:
                continue
            messages = thread_of(box, view.conversation)
            times = [message.seen_at_us for message in messages if message.sender == user]
            seen = [time for time in times if time is not None]
            assert times == seen + [None] * (len(times) - len(seen))
            assert seen == sorted(seen)
            assert all(it.seen_at_us is None for it in messages if it.sender != user)
            both = (box.preferences(), world.dm.mailbox(other).preferences())
            assert not seen or all(choice.receipts for choice in both)


class TestRandomHistories:
    """After any history of everything that people do, each count is what a count by hand finds."""

    @pytest.mark.promise("READ-3", "READ-2", "MSG-5", "MSG-6", "PAGE-2", "OPS-5")
    @pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
    def test_counts_and_lists_are_what_the_pages_say_after_any_history(
        self, make_world: MakeWorld, policy: Policy
    ) -> None:
        world = make_world(policy)
        walk = Walk(world, random.Random(SEED))
        done: dict[str, int] = {}
        for number in range(1, STEPS + 1):
            world.tick()
            name = walk.step()
            done[name] = done.get(name, 0) + 1
            if number % 20 == 0:
                check_counts(world, *USERS)
                check_receipts(world)
                assert world.olga.verify() == ()
        # The walk went everywhere: every act was possible at least once.
        expected = {"start", "send", "reply", "edit", "delete", "hide", "clear", "mark", "mute"}
        expected |= {"unmute", "archive", "unarchive", "block", "unblock", "choose", "edit refused"}
        assert expected <= set(done)
        assert ("decline" in done) == (policy.requests == "ask")
