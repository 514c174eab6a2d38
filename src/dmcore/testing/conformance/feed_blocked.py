"""The feed of somebody who blocks: nothing of the blocked, full pages, a cursor that goes on."""

import pytest

from dmcore import Action, Fact
from dmcore.domain.feed import Changes
from dmcore.domain.ids import UserId
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import World, busy, facts_of, feed_pages_of

A = Action


def of_others(facts: list[Fact], blocked: str) -> list[Fact]:
    """What is left of a feed without the facts whose actor is blocked."""
    return [fact for fact in facts if fact.actor != blocked]


class TestFeedBlocked:
    """The feed of somebody who blocks: nothing of the blocked, and nothing else is missing."""

    @pytest.mark.promise("BLOCK-1", "FEED-1")
    def test_while_ann_blocks_bob_nothing_of_his_is_told(self, world: World) -> None:
        """Also nothing from before. What she did about him herself is told as ever."""
        busy(world)
        before, his, cyds = (facts_of(box) for box in (world.ann, world.bob, world.cyd))
        assert 0 < len(of_others(before, "bob")) < len(before)
        world.ann.block("bob")
        blocked = world.journal("ann")[-1].fact
        assert blocked.action is A.USER_BLOCKED
        assert facts_of(world.ann) == [*of_others(before, "bob"), blocked]
        assert (facts_of(world.bob), facts_of(world.cyd)) == (his, cyds)
        assert [entry.fact for entry in world.journal("ann")] == [*before, blocked]
        world.ann.unblock("bob")
        unblocked = world.journal("ann")[-1].fact
        assert facts_of(world.ann) == [*before, blocked, unblocked]
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-1", "FEED-1", "TEN-1")
    def test_a_block_of_somebody_else_keeps_nothing_from_ann(self, world: World) -> None:
        busy(world)
        before = facts_of(world.ann)
        world.cyd.block("bob")
        world.dm.mailbox("ann", tenant="north").block("bob")
        world.bob.block("ann")
        assert facts_of(world.ann) == before

    @pytest.mark.promise("BLOCK-1", "FEED-1", "PAGE-1")
    def test_pages_are_full_of_what_may_be_told(self, world: World) -> None:
        busy(world)
        world.ann.block("bob")
        whole = world.ann.changes(limit=100)
        for limit in range(1, len(whole.items) + 2):
            pages = feed_pages_of(world.ann, limit=limit)
            assert [fact for page in pages for fact in page.items] == list(whole.items)
            assert all(len(page.items) == limit for page in pages[:-1])
            assert 1 <= len(pages[-1].items) <= limit
            assert pages[-1].next == whole.next

    @pytest.mark.promise("BLOCK-1", "FEED-1")
    def test_after_the_unblock_comes_again_what_was_not_polled_past(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        start = world.ann.changes().next
        for number in range(3):
            world.cyd.start("ann", str(number))
            world.bob.send(first.conversation, str(number))
        told = facts_of(world.ann, after=start)
        world.ann.block("bob")
        polled = world.ann.changes(after=start, limit=2)
        assert (list(polled.items), polled.has_more) == ([told[0], told[2]], True)
        world.ann.unblock("bob")
        later = facts_of(world.ann, after=polled.next)
        assert later[:-2] == told[3:]
        assert [fact.action for fact in later[-2:]] == [A.USER_BLOCKED, A.USER_UNBLOCKED]

    @pytest.mark.promise("BLOCK-1", "FEED-1")
    def test_what_is_kept_out_at_the_end_is_passed_over_once(self, world: World) -> None:
        world.ann.block("bob")
        start = world.ann.changes().next

        def tell(tx: Transaction) -> None:
            fact = Fact(action=A.MESSAGE_SENT, actor=UserId("bob"), other=UserId("ann"), at_us=0)
            account, entries = tx.mailboxes.hold(world.ann.user).noted(fact)
            tx.mailboxes.save(account)
            tx.journal.record(entries)

        runner_of(world.dm).run(writing(tell))
        end = world.ann.changes(after=start, limit=1)
        assert (end.items, end.has_more) == ((), False)
        assert end.next != start
        assert world.ann.snapshot().cursor == end.next
        world.ann.unblock("bob")
        (news,) = world.ann.changes(after=end.next).items
        assert news.action is A.USER_UNBLOCKED
        assert len(facts_of(world.ann, after=start)) == 2
        assert world.ann.changes(after=end.next) == Changes(
            items=(news,), next=world.ann.snapshot().cursor, has_more=False
        )
