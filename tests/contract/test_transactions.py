"""The runner and the ports themselves: all or nothing, held until the end, fresh facts on retry."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
from tests.support.stores import Harness, PostgresHarness, runner_of
from tests.support.world import NOON_US, World, texts, thread_of

from dmcore import Body
from dmcore.domain.account import Account
from dmcore.domain.contact import Block, Contact
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import Key, MessageId, TenantId, User, UserId, next_message_id
from dmcore.domain.inbox import InboxPlace
from dmcore.domain.limits import Window
from dmcore.domain.message import Message, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.errors import StoreError
from dmcore.ports.transactions import Transaction, Transactions

HERE = TenantId("")
ANN, BOB, CYD = (User(HERE, UserId(name)) for name in ("ann", "bob", "cyd"))
PAIR = Pair.of(HERE, ANN.id, BOB.id)


@pytest.fixture
def runner(world: World) -> Transactions:
    return runner_of(world.dm)


def posting(conversation: Conversation, *, text: str = "x", key: str | None = None) -> Posting:
    message = Message(
        id=conversation.newest,
        conversation=conversation.id,
        sender=ANN.id,
        body=Body(text),
        sent_at_us=NOON_US,
    )
    return Posting(message=message, key=None if key is None else Key(key), sender_only=False)


def begun(contact: Contact, *, number: int = 0) -> Conversation:
    """A conversation of Ann and Bob with one message of hers."""
    newest = next_message_id(NOON_US, number, None)
    return Conversation(
        id=contact.conversation_id,
        pair=contact.pair,
        newest=newest,
        low=Side(newest=newest),
        high=Side(newest=newest, unread=1),
    )


def begin(tx: Transaction, *, key: str | None = None) -> Conversation:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    conversation = begun(contact)
    tx.conversations.add(conversation)
    tx.messages.add(posting(conversation, key=key))
    tx.mailboxes.save(contact.actor)
    tx.mailboxes.save(attrs.evolve(contact.partner, unread=1))
    return conversation


# The runner -------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-4")
def test_a_use_case_gets_its_arguments_and_its_result_comes_back(runner: Transactions) -> None:
    def use_case(tx: Transaction, first: int, *, second: str) -> tuple[int, str, int]:
        return first, second, len(tx.namespace)

    for run in (runner.read, runner.snapshot, runner.write):
        assert run(use_case, 7, second="x") == (7, "x", 16)


@pytest.mark.promise("MSG-4")
def test_what_was_written_is_there_when_write_returns(world: World, runner: Transactions) -> None:
    runner.write(lambda tx: tx.mailboxes.save(Account(user=ANN, unread=7)))
    assert runner.read(lambda tx: tx.mailboxes.unread(ANN).found) == 7
    elsewhere = runner_of(world.open())
    assert elsewhere.snapshot(lambda tx: tx.mailboxes.unread(ANN).found) == 7


@pytest.mark.promise("MSG-4")
def test_an_exception_passes_through_and_undoes_everything(
    world: World, runner: Transactions
) -> None:
    fault = LookupError("of the host")

    def use_case(tx: Transaction) -> None:
        begin(tx)
        tx.contacts.add_block(PAIR, Block(blocked=BOB.id, since_us=0, position=1))
        tx.installation.set_mode(Mode.OFF)
        raise fault

    with world.unchanged(), pytest.raises(LookupError) as caught:
        runner.write(use_case)
    assert caught.value is fault
    assert caught.value.__context__ is None


def test_closing_twice_is_closing_once(harness: Harness) -> None:
    world = World(harness)
    with world.open() as dm:
        dm.mailbox("ann").start("bob", "x")
    dm.close()
    assert world.ann.inbox().items != ()


@pytest.mark.promise("MSG-4")
def test_a_snapshot_is_one_state_and_a_read_is_the_newest(sql_world: World) -> None:
    """Where a reader does not keep writers out, a snapshot does not see what they commit."""

    def twice(tx: Transaction) -> tuple[int, int]:
        before = tx.installation.status().messages
        sql_world.ann.start("bob", "meanwhile")
        return before, tx.installation.status().messages

    runner = runner_of(sql_world.open())
    assert runner.snapshot(twice) == (0, 0)
    assert runner.read(twice) == (1, 2)


@pytest.mark.promise("MSG-4")
def test_what_is_not_committed_is_seen_by_nobody(sql_world: World) -> None:
    reader = runner_of(sql_world.open())

    def use_case(tx: Transaction) -> int:
        begin(tx)
        return reader.read(lambda other: other.installation.status().messages)

    assert runner_of(sql_world.dm).write(use_case) == 0
    assert sql_world.olga.status().messages == 1


# Starting over ----------------------------------------------------------------------------------


@pytest.mark.promise("PAIR-2", "MSG-4")
def test_who_was_overtaken_starts_over_with_fresh_facts(postgres_harness: PostgresHarness) -> None:
    """Both accounts, the conversation and the key were not there when the facts were read."""
    world = World(postgres_harness)
    rival = world.open().mailbox("ann")
    seen: list[Contact] = []

    def use_case(tx: Transaction) -> None:
        contact = tx.contacts.hold(PAIR, actor=ANN.id, key=Key("k"))
        seen.append(contact)
        if len(seen) == 1:
            rival.start("bob", "first", key="k")
            begin(tx, key="k")

    runner_of(world.dm).write(use_case)
    first, second = seen
    assert (first.conversation, first.earlier) == (None, None)
    assert (first.actor.position, first.partner.position) == (0, 0)
    assert second.conversation is not None
    assert second.earlier is not None
    assert (second.actor.position, second.partner.unread) == (1, 1)
    assert world.olga.status().messages == 1
    assert world.is_sound()


@pytest.mark.promise("LIMIT-1", "FEED-2")
def test_an_account_that_came_up_meanwhile_is_never_overwritten(
    postgres_harness: PostgresHarness,
) -> None:
    world = World(postgres_harness)
    rival = world.open().mailbox("ann")
    positions = []

    def use_case(tx: Transaction) -> None:
        account = tx.mailboxes.hold(ANN)
        positions.append(account.position)
        if len(positions) == 1:
            rival.start("bob", "first")
        account, entries = account.noted(
            Fact(action=Action.MODE_CHANGED, actor=ANN.id, at_us=0, mode=Mode.ON)
        )
        tx.mailboxes.save(account)
        tx.journal.record(entries)

    runner_of(world.dm).write(use_case)
    assert positions == [0, 1]
    assert [entry.position for entry in world.journal("ann")] == [1, 2]
    assert world.is_sound()


@pytest.mark.promise("LIMIT-1")
def test_writers_of_one_pair_take_turns(runner: Transactions) -> None:
    """A held pair is nobody else's: no increment is lost."""
    runner.write(begin)

    def increment(tx: Transaction) -> None:
        contact = tx.contacts.hold(PAIR, actor=ANN.id)
        tx.mailboxes.save(attrs.evolve(contact.partner, unread=contact.partner.unread + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: runner.write(increment), range(20)))
    assert runner.read(lambda tx: tx.mailboxes.unread(BOB).found) == 21


@pytest.mark.promise("LIMIT-1")
def test_writers_in_both_directions_do_not_stand_in_each_others_way(world: World) -> None:
    def write(number: int) -> None:
        names = ("ann", "bob", "cyd")
        sender, other = names[number % 3], names[(number + 1 + number % 2) % 3]
        world.dm.mailbox(sender).start(other, str(number))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(60)))
    assert world.olga.status().messages == 60
    assert world.olga.status().conversations == 3
    assert world.is_sound()


@pytest.mark.promise("MSG-4")
def test_saving_what_did_not_change_is_harmless(world: World, runner: Transactions) -> None:
    conversation = runner.write(begin)

    def save_again(tx: Transaction) -> None:
        contact = tx.contacts.hold_conversation(conversation.id, actor=ANN)
        assert contact is not None
        assert contact.conversation is not None
        tx.conversations.save(contact.conversation)
        tx.mailboxes.save(contact.actor)
        tx.mailboxes.save(contact.partner)
        tx.installation.set_mode(tx.installation.hold_mode())

    with world.unchanged():
        runner.write(save_again)


# What the store notices by itself ---------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A use case that is wrong each time it runs is not run for long."""
    monkeypatch.setattr("dmcore.adapters.sql._transactions._PATIENCE_S", 0.05)


def _second_conversation(tx: Transaction) -> None:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    tx.conversations.add(begun(contact, number=1))


def _second_message_of_a_key(tx: Transaction) -> None:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    assert contact.conversation is not None
    newest = next_message_id(NOON_US, 0, contact.conversation.newest)
    grown = contact.conversation.with_message(newest, ANN.id, sender_only=False)
    tx.conversations.save(grown)
    tx.messages.add(posting(grown, text="another", key="k"))


def _same_message_again(tx: Transaction) -> None:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    assert contact.conversation is not None
    tx.messages.add(posting(contact.conversation))


@pytest.mark.promise("PAIR-1", "MSG-3")
@pytest.mark.parametrize(
    "use_case", [_second_conversation, _second_message_of_a_key, _same_message_again]
)
@pytest.mark.usefixtures("impatient")
def test_what_must_be_unique_is_the_stores_own_concern(
    world: World, runner: Transactions, use_case: Callable[[Transaction], None]
) -> None:
    """The ports say: the store itself notices, whatever a use case believes."""
    runner.write(begin, key="k")
    with world.unchanged(), pytest.raises(StoreError):
        runner.write(use_case)


# Facts ------------------------------------------------------------------------------------------


def test_strangers_are_held_as_fresh_accounts(runner: Transactions) -> None:
    contact = runner.write(lambda tx: tx.contacts.hold(PAIR, actor=BOB.id, key=Key("k")))
    assert (contact.actor, contact.partner) == (Account(user=BOB), Account(user=ANN))
    assert (contact.conversation, contact.earlier) == (None, None)
    assert (contact.actor_blocks, contact.partner_blocks) == (False, False)
    assert contact.mode is Mode.ON
    assert contact.is_start
    assert contact.is_new_to_partner
    assert runner.write(lambda tx: tx.mailboxes.hold(CYD)) == Account(user=CYD)


def test_everything_that_was_stored_is_held(runner: Transactions) -> None:
    account = Account(
        user=ANN,
        position=3,
        unread=2,
        sends=Window(instants=(1, 2, 2, 1 << 60), time_us=1 << 60, reading_us=7),
        starts=Window(instants=(-5, 0), time_us=0, reading_us=0),
    )

    def store(tx: Transaction) -> Conversation:
        contact = tx.contacts.hold(PAIR, actor=ANN.id)
        conversation = begun(contact)
        conversation = attrs.evolve(
            conversation,
            low=Side(newest=conversation.newest, read=conversation.newest, unread=2, blocks=True),
        )
        tx.conversations.add(conversation)
        tx.messages.add(posting(conversation, key="k"))
        tx.contacts.add_block(PAIR, Block(blocked=BOB.id, since_us=1, position=2))
        tx.mailboxes.save(account)
        return conversation

    conversation = runner.write(store)
    for contact in (
        runner.write(lambda tx: tx.contacts.hold(PAIR, actor=ANN.id, key=Key("k"))),
        runner.write(
            lambda tx: tx.contacts.hold_conversation(conversation.id, actor=ANN, key=Key("k"))
        ),
    ):
        assert contact is not None
        assert contact.conversation == conversation
        assert (contact.actor, contact.partner) == (account, Account(user=BOB))
        assert (contact.actor_blocks, contact.partner_blocks) == (True, False)
        assert contact.earlier == posting(conversation, key="k")
        assert contact.side == conversation.low
    seen_by_bob = runner.write(lambda tx: tx.contacts.hold(PAIR, actor=BOB.id, key=Key("k")))
    assert seen_by_bob.earlier is None
    assert (seen_by_bob.actor_blocks, seen_by_bob.partner_blocks) == (False, True)
    assert seen_by_bob.side == conversation.high
    assert runner.write(lambda tx: tx.mailboxes.hold(ANN)) == account


def test_a_key_that_is_none_finds_no_message_without_one(world: World) -> None:
    world.ann.start("bob", "x")
    world.ann.start("bob", "y")
    contact = runner_of(world.dm).write(lambda tx: tx.contacts.hold(PAIR, actor=ANN.id, key=None))
    assert contact.earlier is None


@pytest.mark.promise("CONV-1")
def test_a_conversation_is_held_by_its_two_alone(world: World, runner: Transactions) -> None:
    conversation = runner.write(begin)
    for user in (CYD, User(TenantId("north"), ANN.id), User(TenantId("north"), CYD.id)):
        found = runner.write(
            lambda tx, user=user: tx.contacts.hold_conversation(  # type: ignore[misc]
                conversation.id, actor=user
            )
        )
        assert found is None
    for user in (ANN, BOB):
        found = runner.write(
            lambda tx, user=user: tx.contacts.hold_conversation(  # type: ignore[misc]
                conversation.id, actor=user
            )
        )
        assert found is not None
        assert found.actor.user == user
    assert texts(thread_of(world.ann, conversation.id)) == ["x"]


# Blocks -----------------------------------------------------------------------------------------


@pytest.mark.promise("BLOCK-3")
def test_the_block_list_belongs_to_the_other_of_the_pair(runner: Transactions) -> None:
    line = Block(blocked=ANN.id, since_us=5, position=3)
    runner.write(lambda tx: tx.contacts.add_block(PAIR, line))
    read = runner.read
    assert read(lambda tx: tx.contacts.blocks(blocker=BOB, blocked=ANN.id).found) is True
    assert read(lambda tx: tx.contacts.blocks(blocker=ANN, blocked=BOB.id).found) is False
    assert list(read(lambda tx: tx.contacts.blocked_by(BOB, before=None, limit=5).found)) == [line]
    assert list(read(lambda tx: tx.contacts.blocked_by(ANN, before=None, limit=5).found)) == []
    runner.write(lambda tx: tx.contacts.remove_block(PAIR, blocked=ANN.id))
    assert read(lambda tx: tx.contacts.blocks(blocker=BOB, blocked=ANN.id).found) is False


@pytest.mark.promise("PAGE-1", "BLOCK-3")
def test_a_block_list_is_cut_below_a_position(runner: Transactions) -> None:
    def fill(tx: Transaction) -> None:
        for number in (4, 1, 9, 6):
            other = UserId(f"user {number}")
            line = Block(blocked=other, since_us=0, position=number)
            tx.contacts.add_block(Pair.of(HERE, ANN.id, other), line)

    runner.write(fill)

    def positions(tx: Transaction, before: int | None, limit: int) -> list[int]:
        found = tx.contacts.blocked_by(ANN, before=before, limit=limit).found
        return [line.position for line in found]

    assert runner.read(positions, None, 10) == [9, 6, 4, 1]
    assert runner.read(positions, None, 2) == [9, 6]
    assert runner.read(positions, 6, 10) == [4, 1]
    assert runner.read(positions, 1, 10) == []


# Conversations and messages ---------------------------------------------------------------------


@pytest.mark.promise("PAGE-1", "PAGE-2")
def test_a_listing_follows_the_side(runner: Transactions) -> None:
    """Listed when the side begins, moved with its newest message, away while it blocks."""

    def listed(user: User) -> list[tuple[MessageId, int, MessageId | None]]:
        found = runner.read(lambda tx: tx.conversations.inbox(user, after=None, limit=5).found)
        return [(entry.newest, entry.unread, entry.read) for entry in found]

    def change(side: Side) -> None:
        def use_case(tx: Transaction) -> None:
            contact = tx.contacts.hold(PAIR, actor=BOB.id)
            assert contact.conversation is not None
            tx.conversations.save(contact.conversation.with_side(BOB.id, side))

        runner.write(use_case)

    def begin_for_ann_alone(tx: Transaction) -> Conversation:
        contact = tx.contacts.hold(PAIR, actor=ANN.id)
        conversation = attrs.evolve(begun(contact), high=Side())
        tx.conversations.add(conversation)
        tx.messages.add(posting(conversation))
        return conversation

    newest = runner.write(begin_for_ann_alone).newest
    assert (listed(ANN), listed(BOB)) == ([(newest, 0, None)], [])
    change(Side(newest=newest, unread=1))
    assert listed(BOB) == [(newest, 1, None)]
    change(Side(newest=newest, read=newest))
    assert listed(BOB) == [(newest, 0, newest)]
    change(Side(newest=newest, read=newest, blocks=True))
    assert listed(BOB) == []
    change(Side(newest=newest, read=newest))
    assert listed(BOB) == [(newest, 0, newest)]
    assert listed(ANN) == [(newest, 0, None)]


@pytest.mark.promise("PAGE-1")
def test_places_are_strict_on_both_sides(world: World, runner: Transactions) -> None:
    sent = [world.ann.start("bob", "0")]
    for number in range(1, 4):
        world.tick()
        sent.append(world.bob.send(sent[0].conversation, str(number)))

    def ids(place: ThreadPlace, limit: int = 10) -> list[int]:
        reading = runner.read(
            lambda tx: tx.messages.thread(
                sent[0].conversation, reader=ANN, place=place, limit=limit
            )
        )
        assert reading.found is not None
        return [int(message.body.text) for message in reading.found.messages]

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
    entries = runner.read(lambda tx: tx.conversations.inbox(ANN, after=place, limit=5).found)
    assert [entry.other for entry in entries] == ["bob"]


@pytest.mark.promise("CONV-2")
def test_a_marking_counts_what_lies_behind_it(world: World, runner: Transactions) -> None:
    first = world.ann.start("bob", "0")
    theirs = [world.bob.send(first.conversation, str(number)) for number in range(3)]
    elsewhere = world.ann.start("cyd", "x")

    def unread_after(message: Message) -> int | None:
        found = runner.write(
            lambda tx: tx.messages.marking(first.conversation, reader=ANN, through=message.id)
        )
        return None if found is None else found.unread_after

    assert [unread_after(message) for message in (first, *theirs)] == [3, 2, 1, 0]
    assert unread_after(elsewhere) is None
    world.ann.block("bob")
    assert [unread_after(message) for message in (first, *theirs)] == [3, None, None, None]


@pytest.mark.promise("FEED-2")
def test_a_journal_is_read_after_a_position_and_by_its_owner(runner: Transactions) -> None:
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

    runner.write(fill)

    def read(tx: Transaction, user: User, after: int, limit: int) -> list[Entry]:
        return list(tx.journal.entries_of(user, after=after, limit=limit))

    assert runner.read(read, ANN, 0, 10) == list(entries)
    assert runner.read(read, ANN, 2, 1) == [entries[2]]
    assert runner.read(read, ANN, 4, 10) == []
    assert runner.read(read, BOB, 0, 10) == []


@pytest.mark.promise("OPS-1")
def test_every_reading_carries_the_mode(world: World, runner: Transactions) -> None:
    sent = world.ann.start("bob", "x")
    readings: tuple[Callable[[Transaction], Mode], ...] = (
        lambda tx: tx.conversations.inbox(ANN, after=None, limit=1).mode,
        lambda tx: tx.conversations.inbox(CYD, after=None, limit=1).mode,
        lambda tx: (
            tx.messages.thread(sent.conversation, reader=ANN, place=ThreadPlace(), limit=1).mode
        ),
        lambda tx: (
            tx.messages.thread(sent.conversation, reader=CYD, place=ThreadPlace(), limit=1).mode
        ),
        lambda tx: tx.mailboxes.unread(ANN).mode,
        lambda tx: tx.mailboxes.unread(CYD).mode,
        lambda tx: tx.contacts.blocks(blocker=ANN, blocked=BOB.id).mode,
        lambda tx: tx.contacts.blocked_by(ANN, before=None, limit=1).mode,
        lambda tx: tx.contacts.hold(PAIR, actor=ANN.id).mode,
        lambda tx: tx.installation.mode(),
        lambda tx: tx.installation.hold_mode(),
        lambda tx: tx.installation.status().mode,
    )
    for mode in Mode:
        world.olga.set_mode(mode)
        assert {runner.write(reading) for reading in readings} == {mode}
