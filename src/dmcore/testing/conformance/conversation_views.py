"""How one has a conversation: found by its id or by the other, shown as it is for its reader."""

from collections.abc import Callable
from functools import partial

import pytest

from dmcore.domain.conversation import Folder
from dmcore.errors import CannotMessageYourself, InvalidId
from dmcore.testing.conformance.sights import NOWHERE, check_all_denied
from dmcore.testing.world import ABSORBING, MakeWorld, World


class TestConversationViews:
    """How one has a conversation: found by its id or by the other, shown as it is for
    its reader.
    """

    @pytest.mark.promise("MSG-5", "CONV-1")
    def test_nobody_sorts_or_looks_at_a_conversation_that_they_do_not_have(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("cyd", "1")
        world.ann.block("dan")
        absorbed = world.dan.start("ann", "absorbed")

        def acts(user: str, *, tenant: str = "") -> list[Callable[..., object]]:
            box = world.dm.mailbox(user, tenant=tenant)
            return [box.mute, box.unmute, box.archive, box.unarchive, box.conversation, box.clear]

        check_all_denied(
            world,
            [
                partial(act, it)
                for tried in (acts("ann"), acts("eve"), acts("bob", tenant="t"))
                for act in tried
                for it in (sent.conversation, absorbed.conversation, NOWHERE)
            ],
        )

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_a_conversation_is_shown_as_its_reader_has_it(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        second = world.ann.send(first.conversation, "2")
        world.bob.mark_read(first.conversation, through=first.id)
        with world.unchanged():
            mine = world.ann.conversation(str(first.conversation))
            theirs = world.bob.conversation(first.conversation)
        assert (mine.conversation, mine.other, theirs.other) == (first.conversation, "bob", "ann")
        assert (mine.folder, theirs.folder) == (Folder.INBOX, Folder.INBOX)
        assert mine.newest == theirs.newest == second.id
        assert (mine.read, mine.unread) == (None, 0)
        assert (theirs.read, theirs.unread) == (first.id, 1)
        assert mine.request is theirs.request is None
        world.bob.archive(first.conversation)
        world.bob.mute(first.conversation)
        theirs = world.bob.conversation(first.conversation)
        assert (theirs.folder, theirs.is_archived, theirs.is_muted) == (Folder.ARCHIVED, True, True)
        assert world.ann.conversation(first.conversation) == mine

    @pytest.mark.promise("MSG-5", "PAIR-1")
    def test_it_is_found_by_the_other_as_by_its_id(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        for box, other in ((world.ann, "bob"), (world.bob, "ann")):
            assert box.conversation_with(other) == box.conversation(sent.conversation)
        with world.unchanged():
            assert world.ann.conversation_with("cyd") is None
            assert world.cyd.conversation_with("nobody ever") is None
            assert world.dm.mailbox("ann", tenant="t").conversation_with("bob") is None
        with pytest.raises(CannotMessageYourself):
            world.ann.conversation_with("ann")
        with pytest.raises(InvalidId):
            world.ann.conversation_with("")

    @pytest.mark.promise("BLOCK-1", "BLOCK-2", "MSG-5")
    def test_only_the_blocker_sees_the_block_in_it(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        sent = world.ann.start("bob", "1")
        before = world.bob.conversation(sent.conversation)
        world.ann.block("bob")
        mine = world.ann.conversation(sent.conversation)
        assert (mine.you_block, mine.folder) == (True, None)
        assert world.ann.conversation_with("bob") == mine
        assert world.bob.conversation(sent.conversation) == before
        assert world.bob.conversation_with("ann") == before
        world.ann.unblock("bob")
        assert not world.ann.conversation(sent.conversation).you_block

    @pytest.mark.promise("BLOCK-1", "BLOCK-2", "MSG-5")
    def test_a_conversation_made_of_absorbed_messages_is_its_senders_alone(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(ABSORBING)
        world.ann.block("dan")
        absorbed = world.dan.start("ann", "absorbed")
        view = world.dan.conversation_with("ann")
        assert view is not None
        assert (view.conversation, view.newest) == (absorbed.conversation, absorbed.id)
        world.ann.unblock("dan")
        assert world.ann.conversation_with("dan") is None
