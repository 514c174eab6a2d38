"""All of a change to what is there, or nothing of it, wherever it breaks."""

from collections.abc import Callable
from uuid import UUID

import pytest

from dmcore import DirectMessages, Mailbox, Message, Policy
from dmcore.adapters.opening import open_on
from dmcore.domain.preferences import Preferences
from dmcore.testing.blocking import runner_of
from dmcore.testing.faults import Breakdown, BreakingTransactions
from dmcore.testing.world import MakeWorld, World, inbox_of, thread_of

POLICY = Policy(messages=None, starts=None, blocked="absorb", requests="ask")


def arranged(make_world: MakeWorld) -> World:
    """Ann and bob talk, bob has not read all; dan blocks ann; eve awaits an answer of ann."""
    world = make_world(POLICY)
    sent = world.ann.start("bob", "one", key="1")
    world.bob.accept(sent.conversation)
    world.ann.send(sent.conversation, "two", key="2")
    answer = world.bob.send(sent.conversation, "three")
    world.ann.mark_read(sent.conversation, through=answer.id)
    world.ann.send(sent.conversation, "four")
    world.dan.start("ann", "hello")
    world.ann.start("dan", "hello yourself")
    world.dan.block("ann")
    world.eve.start("ann", "may I?")
    return world


def newest_own(box: Mailbox, other: str) -> Message:
    """The newest message of the owner of the mailbox in a conversation."""
    here = found(box, other)
    return [it for it in thread_of(box, here) if it.sender == box.user.id][-1]


def found(box: Mailbox, other: str) -> UUID:
    view = box.conversation_with(other)
    assert view is not None
    return view.conversation


def edit(box: Mailbox, other: str) -> None:
    message = newest_own(box, other)
    box.edit(message.conversation, message.id, "changed")


def delete(box: Mailbox, other: str) -> None:
    message = newest_own(box, other)
    box.delete(message.conversation, message.id)


def hide_newest(box: Mailbox, other: str) -> None:
    newest = thread_of(box, found(box, other))[-1]
    box.hide(newest.conversation, newest.id)


def read_newest(box: Mailbox, other: str) -> None:
    newest = thread_of(box, found(box, other))[-1]
    box.mark_read(newest.conversation, through=newest.id)


def reply(box: Mailbox, other: str) -> None:
    newest = thread_of(box, found(box, other))[-1]
    box.send(newest.conversation, "reply", reply_to=newest.id, key="reply")


CHANGES: dict[str, tuple[str, Callable[[Mailbox], object]]] = {
    "an edit": ("ann", lambda box: edit(box, "bob")),
    "an edit that is absorbed": ("ann", lambda box: edit(box, "dan")),
    "taking back": ("ann", lambda box: delete(box, "bob")),
    "taking back from who blocks": ("ann", lambda box: delete(box, "dan")),
    "hiding": ("bob", lambda box: hide_newest(box, "ann")),
    "a read marker with a receipt": ("bob", lambda box: read_newest(box, "ann")),
    "a reply": ("bob", lambda box: reply(box, "ann")),
    "clearing": ("bob", lambda box: box.clear(found(box, "ann"))),
    "muting": ("bob", lambda box: box.mute(found(box, "ann"))),
    "archiving": ("bob", lambda box: box.archive(found(box, "ann"))),
    "accepting": ("ann", lambda box: box.accept(found(box, "eve"))),
    "declining": ("ann", lambda box: box.decline(found(box, "eve"))),
    "a choice": ("ann", lambda box: box.set_preferences(Preferences(receipts=False))),
}


def breaking(world: World, *, after: int) -> DirectMessages:
    return open_on(
        BreakingTransactions(runner_of(world.dm), after=after),
        policy=POLICY,
        clock=world.clock,
        entropy=world.entropy,
    )


class TestRollbackOfChanges:
    """All of a change to what is there, or nothing of it, wherever it breaks."""

    @pytest.mark.promise("MSG-4", "MSG-5", "FEED-2", "READ-1")
    @pytest.mark.parametrize(("user", "act"), CHANGES.values(), ids=CHANGES)
    def test_a_breakdown_after_any_write_leaves_everything_as_it_was(
        self, make_world: MakeWorld, user: str, act: Callable[[Mailbox], object]
    ) -> None:
        world = arranged(make_world)
        assert world.is_sound()
        after = 0
        while True:
            after += 1
            before = world.harness.contents()
            try:
                act(breaking(world, after=after).mailbox(user))
            except Breakdown:
                assert world.harness.contents() == before
                assert world.is_sound()
            else:
                break
        # At the least a row and the journal were written; it broke after each.
        assert after > 2
        assert world.harness.contents() != before
        assert world.is_sound()
        assert inbox_of(world.bob) == inbox_of(world.open(POLICY).mailbox("bob"))
