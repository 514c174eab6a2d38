"""The ports themselves: what was stored is found, by whom it may be, in order and within bounds."""

from collections.abc import Callable
from typing import TypeVar

import attrs
import pytest

from dmcore import OpenTo, Preferences
from dmcore.domain.account import Account
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Conversation, Folder, Request, Side
from dmcore.domain.erasure import Erasure
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import Key, MessageId, TenantId, User, UserId
from dmcore.domain.inbox import InboxPlace
from dmcore.domain.limits import Window
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.domain.restriction import FOREVER_US, Standing
from dmcore.ports.transactions import Transaction, Transactions, reading, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.rows import (
    ANN,
    BOB,
    CYD,
    HERE,
    PAIR,
    begin,
    begun,
    posting,
    with_everything,
)
from dmcore.testing.world import World, text_of, texts, thread_of

Result = TypeVar("Result")


class TestPorts:
    """The ports themselves: what was stored is found, by whom it may be, in order, bounded."""

    @pytest.fixture
    def runner(self, world: World) -> Transactions:
        return runner_of(world.dm)

    # Facts ----------------------------------------------------------------------------------------

    def test_strangers_are_held_as_fresh_accounts(self, runner: Transactions) -> None:
        contact = runner.run(writing(lambda tx: tx.contacts.hold(PAIR, actor=BOB.id, key=Key("k"))))
        assert (contact.actor, contact.partner) == (Account(user=BOB), Account(user=ANN))
        assert (contact.conversation, contact.earlier) == (None, None)
        assert (contact.actor_blocks, contact.partner_blocks) == (False, False)
        assert contact.mode is Mode.ON
        assert contact.is_start
        assert (contact.side, contact.partner_side) == (Side(), Side())
        assert runner.run(writing(lambda tx: tx.mailboxes.hold(CYD))) == Account(user=CYD)
        assert runner.run(reading(lambda tx: tx.mailboxes.look(CYD))).found == Account(user=CYD)

    def test_everything_that_was_stored_is_held(self, runner: Transactions) -> None:
        account = Account(
            user=ANN,
            position=3,
            pruned=2,
            unread=2,
            preferences=Preferences(
                open_to=OpenTo.CONNECTIONS, receipts=False, typing=False, presence=False
            ),
            sends=Window(instants=(1, 2, 2, 1 << 60), time_us=1 << 60, reading_us=7),
            starts=Window(instants=(-5, 0), time_us=0, reading_us=0),
            standing=Standing(muted_until_us=1, suspended_until_us=2, hidden_until_us=FOREVER_US),
        )

        def store(tx: Transaction) -> Conversation:
            contact = tx.contacts.hold(PAIR, actor=ANN.id)
            conversation = begun(contact)
            newest = conversation.newest
            conversation = attrs.evolve(
                conversation,
                low=Side(
                    exists=True,
                    newest=newest,
                    read=newest,
                    said=newest,
                    heard=newest,
                    told=newest,
                    cleared=newest,
                    unread=2,
                    blocks=True,
                    is_muted=True,
                    is_archived=True,
                    request=Request.DECLINED,
                    asked=7,
                ),
            )
            tx.conversations.add(conversation)
            tx.messages.add(with_everything(conversation))
            tx.contacts.add_block(PAIR, Block(blocked=BOB.id, since_us=1, position=2))
            tx.mailboxes.save(account)
            return conversation

        conversation = runner.run(writing(store))
        for contact in (
            runner.run(writing(lambda tx: tx.contacts.hold(PAIR, actor=ANN.id, key=Key("k")))),
            runner.run(
                writing(
                    lambda tx: tx.contacts.hold_conversation(
                        conversation.id, actor=ANN, key=Key("k")
                    )
                )
            ),
        ):
            assert contact is not None
            assert contact.conversation == conversation
            assert (contact.actor, contact.partner) == (account, Account(user=BOB))
            assert (contact.actor_blocks, contact.partner_blocks) == (True, False)
            assert contact.earlier == with_everything(conversation)
            assert contact.side == conversation.low
        seen_by_bob = runner.run(
            writing(lambda tx: tx.contacts.hold(PAIR, actor=BOB.id, key=Key("k")))
        )
        assert seen_by_bob.earlier is None
        assert (seen_by_bob.actor_blocks, seen_by_bob.partner_blocks) == (False, True)
        assert seen_by_bob.side == conversation.high
        assert runner.run(writing(lambda tx: tx.mailboxes.hold(ANN))) == account
        assert runner.run(reading(lambda tx: tx.mailboxes.look(ANN))).found == account

    def test_a_key_that_is_none_finds_no_message_without_one(self, world: World) -> None:
        world.ann.start("bob", "x")
        world.ann.start("bob", "y")
        contact = runner_of(world.dm).run(
            writing(lambda tx: tx.contacts.hold(PAIR, actor=ANN.id, key=None))
        )
        assert contact.earlier is None

    @pytest.mark.promise("CONV-1")
    def test_a_conversation_is_held_by_its_two_alone(
        self, world: World, runner: Transactions
    ) -> None:
        conversation = runner.run(writing(begin))
        for user in (CYD, User(TenantId("north"), ANN.id), User(TenantId("north"), CYD.id)):
            found = runner.run(
                writing(
                    lambda tx, user=user: tx.contacts.hold_conversation(  # type: ignore[misc]
                        conversation.id, actor=user
                    )
                )
            )
            assert found is None
        for user in (ANN, BOB):
            found = runner.run(
                writing(
                    lambda tx, user=user: tx.contacts.hold_conversation(  # type: ignore[misc]
                        conversation.id, actor=user
                    )
                )
            )
            assert found is not None
            assert found.actor.user == user
        assert texts(thread_of(world.ann, conversation.id)) == ["x"]

    # Blocks ---------------------------------------------------------------------------------------

    @pytest.mark.promise("BLOCK-3")
    def test_the_block_list_belongs_to_the_other_of_the_pair(self, runner: Transactions) -> None:
        line = Block(blocked=ANN.id, since_us=5, position=3)
        runner.run(writing(lambda tx: tx.contacts.add_block(PAIR, line)))

        def read(use_case: Callable[[Transaction], Result]) -> Result:
            return runner.run(reading(use_case))

        both = (ANN.id, BOB.id)
        assert read(lambda tx: tx.contacts.blockers(ANN, among=both).found) == {BOB.id}
        assert read(lambda tx: tx.contacts.blockers(BOB, among=both).found) == frozenset()
        assert read(lambda tx: tx.contacts.blockers(ANN, among=[CYD.id]).found) == frozenset()
        assert list(read(lambda tx: tx.contacts.blocked_by(BOB, before=None, limit=5).found)) == [
            line
        ]
        assert list(read(lambda tx: tx.contacts.blocked_by(ANN, before=None, limit=5).found)) == []
        runner.run(writing(lambda tx: tx.contacts.remove_block(PAIR, blocked=ANN.id)))
        assert read(lambda tx: tx.contacts.blockers(ANN, among=both).found) == frozenset()

    @pytest.mark.promise("PAGE-1", "BLOCK-3")
    def test_a_block_list_is_cut_below_a_position(self, runner: Transactions) -> None:
        def fill(tx: Transaction) -> None:
            for number in (4, 1, 9, 6):
                other = UserId(f"user {number}")
                line = Block(blocked=other, since_us=0, position=number)
                tx.contacts.add_block(Pair.of(HERE, ANN.id, other), line)

        runner.run(writing(fill))

        def positions(tx: Transaction, before: int | None, limit: int) -> list[int]:
            found = tx.contacts.blocked_by(ANN, before=before, limit=limit).found
            return [line.position for line in found]

        assert runner.run(reading(positions, None, 10)) == [9, 6, 4, 1]
        assert runner.run(reading(positions, None, 2)) == [9, 6]
        assert runner.run(reading(positions, 6, 10)) == [4, 1]
        assert runner.run(reading(positions, 1, 10)) == []

    # Conversations and messages -------------------------------------------------------------------

    @pytest.mark.promise("PAGE-1", "PAGE-2")
    def test_a_listing_follows_the_side(self, runner: Transactions) -> None:
        """Listed when the side begins, moved with its newest message, away while it blocks."""

        def listed(
            user: User, folder: Folder = Folder.INBOX
        ) -> list[tuple[MessageId, int, MessageId | None]]:
            found = runner.run(
                reading(
                    lambda tx: (
                        tx.conversations.inbox(
                            user, folder=folder, after=None, limit=5, since=None
                        ).found
                    )
                )
            )
            return [(entry.newest, entry.unread, entry.read) for entry in found]

        def change(side: Side) -> None:
            def use_case(tx: Transaction) -> None:
                contact = tx.contacts.hold(PAIR, actor=BOB.id)
                assert contact.conversation is not None
                tx.conversations.save(contact.conversation.with_side(BOB.id, side))

            runner.run(writing(use_case))

        def begin_for_ann_alone(tx: Transaction) -> Conversation:
            contact = tx.contacts.hold(PAIR, actor=ANN.id)
            conversation = attrs.evolve(begun(contact), high=Side())
            tx.conversations.add(conversation)
            tx.messages.add(posting(conversation))
            return conversation

        newest = runner.run(writing(begin_for_ann_alone)).newest
        assert (listed(ANN), listed(BOB)) == ([(newest, 0, None)], [])
        change(Side(exists=True, newest=newest, unread=1))
        assert listed(BOB) == [(newest, 1, None)]
        read = Side(exists=True, newest=newest, read=newest)
        change(read)
        assert listed(BOB) == [(newest, 0, newest)]
        in_no_list = (
            attrs.evolve(read, blocks=True),
            attrs.evolve(read, newest=None),
            attrs.evolve(read, request=Request.DECLINED),
        )
        for side in in_no_list:
            change(side)
            assert [listed(BOB, folder) for folder in Folder] == [[], [], []]
            change(read)
            assert listed(BOB) == [(newest, 0, newest)]
        for folder, side in (
            (Folder.REQUESTS, attrs.evolve(read, request=Request.PENDING, is_archived=True)),
            (Folder.ARCHIVED, attrs.evolve(read, is_archived=True)),
            (Folder.INBOX, attrs.evolve(read, is_muted=True)),
        ):
            change(side)
            assert {it: listed(BOB, it) for it in Folder if listed(BOB, it)} == {
                folder: [(newest, 0, newest)]
            }
        assert listed(ANN) == [(newest, 0, None)]

    @pytest.mark.promise("PAGE-1")
    def test_places_are_strict_on_both_sides(self, world: World, runner: Transactions) -> None:
        sent = [world.ann.start("bob", "0")]
        for number in range(1, 4):
            world.tick()
            sent.append(world.bob.send(sent[0].conversation, str(number)))

        def ids(place: ThreadPlace, limit: int = 10) -> list[int]:
            found = runner.run(
                reading(
                    lambda tx: (
                        tx.messages.thread(
                            sent[0].conversation, reader=ANN, place=place, limit=limit, since=None
                        ).found
                    )
                )
            )
            assert found is not None
            return [int(text_of(message)) for message in found.messages]

        assert ids(ThreadPlace()) == [3, 2, 1, 0]
        assert ids(ThreadPlace(), 2) == [3, 2]
        assert ids(ThreadPlace(before=sent[2].id)) == [1, 0]
        assert ids(ThreadPlace(after=sent[1].id)) == [2, 3]
        assert ids(ThreadPlace(after=sent[0].id), 1) == [1]
        assert ids(ThreadPlace(before=sent[0].id)) == []
        assert ids(ThreadPlace(after=sent[3].id)) == []

        world.tick()
        other = world.ann.start("cyd", "x")
        place = InboxPlace(newest=other.id, conversation=other.conversation)
        entries = runner.run(
            reading(
                lambda tx: (
                    tx.conversations.inbox(
                        ANN, folder=Folder.INBOX, after=place, limit=5, since=None
                    ).found
                )
            )
        )
        assert [entry.other for entry in entries] == ["bob"]

    @pytest.mark.promise("CONV-2")
    def test_a_marking_counts_what_lies_behind_it(self, world: World, runner: Transactions) -> None:
        first = world.ann.start("bob", "0")
        theirs = [world.bob.send(first.conversation, str(number)) for number in range(3)]
        elsewhere = world.ann.start("cyd", "x")

        def unread_after(message: Message) -> int | None:
            found = runner.run(
                writing(
                    lambda tx: tx.messages.marking(
                        first.conversation, reader=ANN, through=message.id, since=None
                    )
                )
            )
            return None if found is None else found.unread_after

        assert [unread_after(message) for message in (first, *theirs)] == [3, 2, 1, 0]
        assert unread_after(elsewhere) is None
        world.ann.block("bob")
        assert [unread_after(message) for message in (first, *theirs)] == [3, None, None, None]

    @pytest.mark.promise("FEED-2")
    def test_a_journal_is_read_after_a_position_and_by_its_owner(
        self, runner: Transactions
    ) -> None:
        facts = [
            Fact(action=Action.USER_BLOCKED, actor=ANN.id, other=BOB.id, at_us=number)
            for number in range(4)
        ]
        entries: tuple[Entry, ...] = ()

        def fill(tx: Transaction) -> None:
            nonlocal entries
            account, entries = tx.mailboxes.hold(ANN).noted(*facts)
            tx.mailboxes.save(account)
            tx.journal.record(entries)

        runner.run(writing(fill))

        def read(tx: Transaction, user: User, after: int, limit: int) -> list[Entry]:
            return list(tx.journal.entries_of(user, after=after, limit=limit))

        assert runner.run(reading(read, ANN, 0, 10)) == list(entries)
        assert runner.run(reading(read, ANN, 2, 1)) == [entries[2]]
        assert runner.run(reading(read, ANN, 4, 10)) == []
        assert runner.run(reading(read, BOB, 0, 10)) == []

    @pytest.mark.promise("FEED-1")
    def test_what_lies_behind_something_younger_is_not_expired(self, runner: Transactions) -> None:
        """A clock that was set back leaves older entries behind younger ones: they stay."""

        def fill(tx: Transaction, owner: User, instants: tuple[int, ...]) -> tuple[Entry, ...]:
            facts = [
                Fact(action=Action.PREFERENCES_CHANGED, actor=owner.id, at_us=at_us)
                for at_us in instants
            ]
            account, entries = tx.mailboxes.hold(owner).noted(*facts)
            tx.mailboxes.save(account)
            tx.journal.record(entries)
            return entries

        ann = runner.run(writing(fill, ANN, (1, 3, 7, 2, 9)))
        runner.run(writing(fill, BOB, (7, 1)))
        cyd = runner.run(writing(fill, CYD, (6, 6)))

        def read(tx: Transaction, before_us: int, limit: int) -> set[Entry]:
            return set(tx.journal.expired(before_us=before_us, limit=limit))

        # Operators have journals too; what the world's own one did is younger than all of this.
        assert runner.run(reading(read, 1, 100)) == set()
        assert runner.run(reading(read, 7, 100)) == {ann[1], cyd[1]}
        assert runner.run(reading(read, 6, 100)) == {ann[1]}
        assert len(runner.run(reading(read, 7, 1))) == 1

    @pytest.mark.promise("GDPR-1")
    def test_a_line_of_the_ledger_is_saved_as_it_is(self, runner: Transactions) -> None:
        """Also one that is open again, because an older backup brought somebody back."""
        open_ = Erasure(tenant=HERE, pseudonym=UserId("erased-somebody"), began_at_us=1)
        closed = attrs.evolve(open_, finished_at_us=2)

        def save(tx: Transaction, line: Erasure) -> None:
            tx.erasures.save(line)

        runner.run(writing(lambda tx: tx.erasures.add(open_)))
        for line in (closed, open_, closed):
            runner.run(writing(save, line))
            assert runner.run(reading(lambda tx: tx.erasures.find(open_.gone))) == line

    @pytest.mark.promise("OPS-1")
    def test_every_reading_carries_the_mode(self, world: World, runner: Transactions) -> None:
        sent = world.ann.start("bob", "x")
        readings: tuple[Callable[[Transaction], Mode], ...] = (
            lambda tx: (
                tx.conversations.inbox(
                    ANN, folder=Folder.INBOX, after=None, limit=1, since=None
                ).mode
            ),
            lambda tx: (
                tx.conversations.inbox(
                    CYD, folder=Folder.INBOX, after=None, limit=1, since=None
                ).mode
            ),
            lambda tx: tx.conversations.view(sent.conversation, reader=ANN, since=None).mode,
            lambda tx: tx.conversations.view(sent.conversation, reader=CYD, since=None).mode,
            lambda tx: (
                tx.messages.thread(
                    sent.conversation, reader=ANN, place=ThreadPlace(), limit=1, since=None
                ).mode
            ),
            lambda tx: (
                tx.messages.thread(
                    sent.conversation, reader=CYD, place=ThreadPlace(), limit=1, since=None
                ).mode
            ),
            lambda tx: tx.mailboxes.unread(ANN, since=None).mode,
            lambda tx: tx.mailboxes.unread(CYD, since=None).mode,
            lambda tx: tx.mailboxes.look(ANN).mode,
            lambda tx: tx.mailboxes.look(CYD).mode,
            lambda tx: tx.journal.feed(ANN, after=0, limit=1, since=None).mode,
            lambda tx: tx.journal.feed(CYD, after=0, limit=1, since=None).mode,
            lambda tx: tx.contacts.look(PAIR, actor=ANN.id).mode,
            lambda tx: tx.contacts.blockers(ANN, among=[BOB.id]).mode,
            lambda tx: tx.contacts.blockers(ANN, among=[]).mode,
            lambda tx: tx.contacts.blocked_by(ANN, before=None, limit=1).mode,
            lambda tx: tx.contacts.hold(PAIR, actor=ANN.id).mode,
            lambda tx: tx.installation.mode(),
            lambda tx: tx.installation.hold_mode(),
            lambda tx: tx.installation.status().mode,
        )
        for mode in Mode:
            world.olga.set_mode(mode)
            assert {runner.run(writing(reading)) for reading in readings} == {mode}
