"""The journal: what happened, once for each who may know it, and nothing of what was said."""

from collections.abc import Callable

import attrs
import pytest

from dmcore import Action, Entry, Fact
from dmcore.errors import DmcoreError, InvalidId, InvalidSetting
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of

PEOPLE = ("ann", "bob", "cyd", "dan", "eve", "olga")


def journals(world: World) -> dict[str, list[Entry]]:
    return {name: world.journal(name) for name in PEOPLE}


def news(before: dict[str, list[Entry]], after: dict[str, list[Entry]]) -> dict[str, list[Fact]]:
    """What was added, for those to whom something was."""
    added = {}
    for name in PEOPLE:
        assert after[name][: len(before[name])] == before[name]
        facts = [entry.fact for entry in after[name][len(before[name]) :]]
        if facts:
            added[name] = facts
    return added


class TestJournal:
    """The journal: what happened, once for each who may know it, and nothing of what was said."""

    @pytest.mark.promise("AUD-1", "FEED-2")
    def test_every_act_is_one_fact_for_each_who_may_know_it(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        ann, bob = world.ann, world.bob
        before = journals(world)

        def told() -> dict[str, list[Fact]]:
            nonlocal before
            after = journals(world)
            added = news(before, after)
            before = after
            world.tick()
            return added

        first = ann.start("bob", "a text that is nowhere in a fact", key="a key")
        fact = Fact(
            action=Action.CONVERSATION_STARTED,
            actor=ann.user.id,
            other=bob.user.id,
            conversation=first.conversation,
            message=first.id,
            at_us=first.sent_at_us,
        )
        assert told() == {"ann": [fact], "bob": [fact]}

        reply = bob.send(first.conversation, "x")
        fact = Fact(
            action=Action.MESSAGE_SENT,
            actor=bob.user.id,
            other=ann.user.id,
            conversation=first.conversation,
            message=reply.id,
            at_us=reply.sent_at_us,
        )
        assert told() == {"ann": [fact], "bob": [fact]}

        ann.mark_read(first.conversation, through=reply.id)
        fact = attrs.evolve(
            fact,
            action=Action.MARKED_READ,
            actor=ann.user.id,
            other=bob.user.id,
            at_us=world.clock.now_us(),
        )
        # Both show receipts, so the one who wrote it is told that it was seen (READ-2).
        seen = attrs.evolve(fact, action=Action.MESSAGES_SEEN)
        assert told() == {"ann": [fact], "bob": [seen]}

        ann.block("bob")
        fact = attrs.evolve(
            fact, action=Action.USER_BLOCKED, message=None, at_us=world.clock.now_us()
        )
        assert told() == {"ann": [fact]}

        absorbed = bob.send(first.conversation, "x")
        assert told() == {
            "bob": [
                Fact(
                    action=Action.MESSAGE_SENT,
                    actor=bob.user.id,
                    other=ann.user.id,
                    conversation=first.conversation,
                    message=absorbed.id,
                    at_us=absorbed.sent_at_us,
                )
            ]
        }

        ann.unblock("bob")
        fact = attrs.evolve(fact, action=Action.USER_UNBLOCKED, at_us=world.clock.now_us())
        assert told() == {"ann": [fact]}

        ann.block("eve")
        blocked = attrs.evolve(
            fact,
            action=Action.USER_BLOCKED,
            other=world.eve.user.id,
            conversation=None,
            at_us=world.clock.now_us(),
        )
        assert told() == {"ann": [blocked]}

        hidden = world.eve.start("ann", "x")
        assert list(told()) == ["eve"]
        ann.unblock("eve")
        assert told()["ann"][0].conversation is None
        begun = ann.start("eve", "x")
        facts = told()
        assert begun.conversation == hidden.conversation
        assert facts["ann"][0].action is Action.CONVERSATION_STARTED
        assert facts["eve"][0].action is Action.MESSAGE_SENT
        assert attrs.evolve(facts["eve"][0], action=facts["ann"][0].action) == facts["ann"][0]

        world.olga.set_mode("off")
        assert [fact.action for fact in told()["olga"]] == [Action.MODE_CHANGED]

    @pytest.mark.promise("FEED-2")
    def test_positions_have_no_gap_and_a_hidden_act_leaves_none(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        for _ in range(3):
            for box, other in ((world.ann, "bob"), (world.bob, "ann"), (world.cyd, "ann")):
                box.start(other, "x")
            world.ann.block("bob")
            world.bob.start("ann", "absorbed")
            world.ann.unblock("bob")
        for entries in journals(world).values():
            assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
        told_ann = [entry.fact for entry in world.journal("ann") if entry.fact.actor == "bob"]
        assert len(told_ann) == 3
        assert world.is_sound()

    @pytest.mark.promise("AUD-1")
    def test_a_refusal_or_an_act_without_effect_is_no_fact(self, world: World) -> None:
        sent = world.ann.start("bob", "x", key="k")
        world.bob.mark_read(sent.conversation, through=sent.id)
        world.ann.block("dan")
        refused: tuple[Callable[[], object], ...] = (
            lambda: world.ann.start("bob", "y", key="k"),
            lambda: world.ann.start("dan", "y"),
            lambda: world.dan.start("ann", "y"),
            lambda: world.cyd.send(sent.conversation, "y"),
            lambda: world.ann.start("ann", "y"),
            lambda: world.ann.start("bob", " "),
        )
        before = journals(world)
        world.ann.block("dan")
        world.ann.unblock("cyd")
        world.ann.start("bob", "x", key="k")
        world.bob.mark_read(sent.conversation, through=sent.id)
        world.olga.set_mode("on")
        for attempt in refused:
            with pytest.raises(DmcoreError):
                attempt()
        assert journals(world) == before

    @pytest.mark.promise("AUD-1", "CRYPT-1")
    def test_what_is_done_with_keys_is_a_fact_of_the_operator(self, world: World) -> None:
        """Of nobody else: whose keys are destroyed is named in it, and not told."""
        world.ann.start("bob", "x")
        gone = world.olga.erase("cyd").pseudonym
        before = journals(world)
        world.olga.note_key_work("rotate")
        world.olga.note_key_work("destroy", user="ann")
        world.olga.note_key_work("destroy", user="eve", tenant="north")
        world.olga.note_key_work("destroy", user="cyd")
        facts = news(before, journals(world))
        assert facts.keys() == {"olga"}
        assert [(it.action, it.other) for it in facts["olga"]] == [
            (Action.MASTER_KEY_ROTATED, None),
            (Action.USER_KEYS_DESTROYED, "ann"),
            (Action.USER_KEYS_DESTROYED, "eve"),
            (Action.USER_KEYS_DESTROYED, gone),
        ]

    @pytest.mark.promise("AUD-1")
    @pytest.mark.parametrize(
        ("work", "user"),
        [("melt", None), ("", None), ("destroy", None), ("rotate", "ann"), ("destroy", "a\0")],
    )
    def test_what_is_no_work_with_keys_is_no_fact(
        self, world: World, work: str, user: str | None
    ) -> None:
        with world.unchanged(), pytest.raises((InvalidSetting, InvalidId)):
            world.olga.note_key_work(work, user=user)

    @pytest.mark.promise("AUD-1")
    def test_the_journal_of_one_tenant_is_not_that_of_another(self, world: World) -> None:
        world.dm.mailbox("ann", tenant="north").start("bob", "x")
        assert world.journal("ann") == []
        assert [entry.owner.tenant for entry in world.journal("ann", tenant="north")] == ["north"]
        assert inbox_of(world.ann) == []
