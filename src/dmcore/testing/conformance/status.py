"""What an operator sees of a store: its mode, versions and counts."""

import pytest

from dmcore import Mode, Policy
from dmcore.testing.world import MakeWorld


class TestStatus:
    """What an operator sees of a store: its mode, versions and counts."""

    @pytest.mark.promise("OPS-3")
    def test_everything_is_counted_once(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(blocked="absorb"))
        sent = world.ann.start("bob", "1")
        reply = world.bob.send(sent.conversation, "2")
        world.ann.mark_read(sent.conversation, through=sent.id)
        world.ann.mark_read(sent.conversation, through=reply.id)
        world.ann.block("dan")
        world.dan.start("ann", "absorbed")
        world.cyd.block("zoe")
        world.dm.mailbox("ann", tenant="north").start("bob", "3")
        with world.unchanged():
            status = world.olga.status()
        # Of the switch 1, of each message 2 or (absorbed) 1, of reading one's own message 1 and of
        # reading the other's 2 (with the receipt), of the rest 1.
        assert status.journal_entries == 1 + 2 + 2 + 1 + 2 + 1 + 1 + 1 + 2
        assert (status.conversations, status.messages, status.blocks) == (3, 4, 2)
        # Olga, Ann, Bob, Dan and Cyd, and two in the north; Zoe was never here.
        assert status.users == 7
        assert status.mode is Mode.ON
