"""Users of different tenants cannot find, reach or see each other."""

import pytest

from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.errors import AccessDenied, UnknownUser
from dmcore.testing.directory import PLAIN, People, user
from dmcore.testing.harness import Harness
from dmcore.testing.world import World, facts_of, inbox_of, outlook


class TestTenants:
    """Users of different tenants cannot find, reach or see each other."""

    @pytest.mark.promise("TEN-1")
    def test_the_host_is_asked_about_users_of_the_senders_tenant(self, harness: Harness) -> None:
        people = People("ann", "bob")
        world = World(harness, directory=people)
        people.know("bob", PLAIN, tenant="north")
        with world.unchanged(), pytest.raises(UnknownUser):
            world.dm.mailbox("ann", tenant="north").start("bob", "x")
        assert people.asked == [(user("ann", tenant="north"), user("bob", tenant="north"))]

    @pytest.mark.promise("TEN-1")
    def test_one_tenant_reaches_sees_and_moves_nothing_of_another(self, harness: Harness) -> None:
        """The same names in two tenants: whatever the ones do, the others' world stays
        as it was.
        """
        world = World(harness)
        begun = world.ann.start("bob", "here")
        world.bob.block("cyd")
        north = {name: world.dm.mailbox(name, tenant="north") for name in ("ann", "bob", "cyd")}
        here = (world.ann, "bob"), (world.bob, "ann"), (world.cyd, "ann")
        before = {box.user: outlook(box, other) for box, other in here}

        assert north["ann"].conversation_with("bob") is None
        assert north["cyd"].can_see_profile("bob")
        assert north["cyd"].can_message("bob").is_allowed
        assert facts_of(north["ann"]) == [] == inbox_of(north["ann"])
        with world.unchanged():
            for attempt in (
                lambda: north["ann"].send(begun.conversation, "x"),
                lambda: north["ann"].conversation(begun.conversation),
                lambda: north["ann"].thread(begun.conversation),
                lambda: north["bob"].mark_read(begun.conversation, through=begun.id),
                lambda: north["bob"].hide(begun.conversation, begun.id),
                lambda: north["bob"].accept(begun.conversation),
                lambda: north["bob"].decline(begun.conversation),
                lambda: north["bob"].archive(begun.conversation),
                lambda: north["ann"].edit(begun.conversation, begun.id, "x"),
                lambda: north["ann"].delete(begun.conversation, begun.id),
            ):
                with pytest.raises(AccessDenied):
                    attempt()

        there = north["ann"].start("bob", "there")
        assert there.conversation != begun.conversation
        north["bob"].block("ann")
        north["bob"].set_preferences(Preferences(open_to=OpenTo.NOBODY, receipts=False))
        after = {box.user: outlook(box, other) for box, other in here}
        assert after == before
        assert world.ann.can_message("bob").is_allowed
        assert world.is_sound()
