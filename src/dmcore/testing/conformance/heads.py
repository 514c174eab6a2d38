"""How far the feeds of some users have come, for one who watches for them."""

import pytest

from dmcore import Mode, User
from dmcore.domain.ids import TenantId, UserId
from dmcore.errors import InvalidId
from dmcore.testing.world import ABSORBING, MakeWorld, World


def user(name: str, tenant: str = "") -> User:
    """Somebody, who need not have been seen before."""
    return User(TenantId(tenant), UserId(name))


class TestHeads:
    """How far the feeds of some users have come, for one who watches for them."""

    @pytest.mark.promise("FEED-1")
    def test_each_fact_of_a_feed_moves_its_head_and_no_other(self, world: World) -> None:
        people = [user("ann"), user("bob"), user("cyd"), user("ann", "north")]
        assert world.dm.heads(people).positions == dict.fromkeys(people, 0)
        sent = world.ann.start("bob", "x")
        first = world.dm.heads(people).positions
        assert first[people[0]] == len(world.journal("ann")) > 0
        assert first[people[1]] == len(world.journal("bob")) > 0
        assert (first[people[2]], first[people[3]]) == (0, 0)
        world.ann.mute(sent.conversation)
        second = world.dm.heads(people).positions
        assert second == {**first, people[0]: first[people[0]] + 1}

    @pytest.mark.promise("BLOCK-2", "FEED-1")
    def test_what_is_absorbed_does_not_move_the_head_of_the_blocker(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        world.bob.block("ann")
        before = world.dm.heads([user("bob")])
        world.ann.start("bob", "x")
        assert world.dm.heads([user("bob")]) == before

    @pytest.mark.promise("OPS-1")
    def test_heads_are_told_in_every_mode_and_tell_the_mode(self, world: World) -> None:
        world.ann.start("bob", "x")
        before = world.dm.heads([user("ann")]).positions
        for mode in Mode:
            world.olga.set_mode(mode)
            with world.unchanged():
                heads = world.dm.heads([user("ann")])
                assert (heads.mode, heads.positions) == (mode, before)
                nobody = world.dm.heads([])
                assert (nobody.mode, nobody.positions) == (mode, {})

    @pytest.mark.promise("TEN-1")
    def test_any_number_of_users_with_any_ids_is_answered_for(self, world: World) -> None:
        names = ["O'Neil", '"quoted"', "back\\slash", "é", "e\u0301", "💌", "[1]", "null", "Ann"]
        many = [user(name, tenant) for name in names for tenant in ("", "north", 'a"b')]
        for number, each in enumerate(many):
            box = world.dm.mailbox(each.id, tenant=each.tenant)
            for other in range(number % 3 + 1):
                box.block(f"other {other}")
        crowd = [user(f"stranger {number}") for number in range(1001)]
        positions = world.dm.heads([*many, *crowd, *many]).positions
        expected = {each: number % 3 + 1 for number, each in enumerate(many)}
        assert positions == expected | dict.fromkeys(crowd, 0)

    def test_what_is_no_id_is_refused(self, world: World) -> None:
        with world.unchanged():
            for wrong in (user(""), user("a\0b"), user("ann", "a\0b")):
                with pytest.raises(InvalidId):
                    world.dm.heads([user("ann"), wrong])
