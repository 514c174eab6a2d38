"""The runner: all or nothing, held until the end, and what the store notices by itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from dmcore.domain.account import Account
from dmcore.domain.contact import Block
from dmcore.domain.ids import next_message_id
from dmcore.domain.mode import Mode
from dmcore.errors import StoreError
from dmcore.ports.transactions import Transaction, Transactions, reading, surveying, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.rows import ANN, BOB, PAIR, begin, begun, posting
from dmcore.testing.harness import Harness
from dmcore.testing.world import NOON_US, World


def _second_conversation(tx: Transaction) -> None:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    tx.conversations.add(begun(contact, number=1))


def _second_message_of_a_key(tx: Transaction) -> None:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    assert contact.conversation is not None
    newest = next_message_id(NOON_US, 0, contact.conversation.newest)
    grown = contact.conversation.with_message(newest, ANN.id, sender_only=False, asks=False)
    tx.conversations.save(grown)
    tx.messages.add(posting(grown, text="another", key="k"))


def _same_message_again(tx: Transaction) -> None:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    assert contact.conversation is not None
    tx.messages.add(posting(contact.conversation))


class TestTransactions:
    """The runner: all or nothing, held until the end, and what the store notices by itself."""

    @pytest.fixture
    def runner(self, world: World) -> Transactions:
        return runner_of(world.dm)

    # The runner -----------------------------------------------------------------------------------

    @pytest.mark.promise("MSG-4")
    def test_a_use_case_gets_its_arguments_and_its_result_comes_back(
        self, runner: Transactions
    ) -> None:
        def use_case(tx: Transaction, first: int, *, second: str) -> tuple[int, str, int]:
            return first, second, len(tx.namespace)

        for calling in (reading, surveying, writing):
            assert runner.run(calling(use_case, 7, second="x")) == (7, "x", 16)

    @pytest.mark.promise("MSG-4")
    def test_what_was_written_is_there_when_write_returns(
        self, world: World, runner: Transactions
    ) -> None:
        runner.run(writing(lambda tx: tx.mailboxes.save(Account(user=ANN, unread=7))))
        assert runner.run(reading(lambda tx: tx.mailboxes.unread(ANN, since=None).found)) == 7
        elsewhere = runner_of(world.open())
        assert elsewhere.run(surveying(lambda tx: tx.mailboxes.unread(ANN, since=None).found)) == 7

    @pytest.mark.promise("MSG-4")
    def test_an_exception_passes_through_and_undoes_everything(
        self, world: World, runner: Transactions
    ) -> None:
        fault = LookupError("of the host")

        def use_case(tx: Transaction) -> None:
            begin(tx)
            tx.contacts.add_block(PAIR, Block(blocked=BOB.id, since_us=0, position=1))
            tx.installation.set_mode(Mode.OFF)
            raise fault

        with world.unchanged(), pytest.raises(LookupError) as caught:
            runner.run(writing(use_case))
        assert caught.value is fault
        assert caught.value.__context__ is None

    def test_closing_twice_is_closing_once(self, harness: Harness) -> None:
        world = World(harness)
        with world.open() as dm:
            dm.mailbox("ann").start("bob", "x")
        dm.close()
        assert world.ann.inbox().items != ()

    @pytest.mark.promise("LIMIT-1")
    def test_writers_of_one_pair_take_turns(self, runner: Transactions) -> None:
        """A held pair is nobody else's: no increment is lost."""
        runner.run(writing(begin))

        def increment(tx: Transaction) -> None:
            contact = tx.contacts.hold(PAIR, actor=ANN.id)
            tx.mailboxes.save(attrs.evolve(contact.partner, unread=contact.partner.unread + 1))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: runner.run(writing(increment)), range(20)))
        assert runner.run(reading(lambda tx: tx.mailboxes.unread(BOB, since=None).found)) == 21

    @pytest.mark.promise("LIMIT-1")
    def test_writers_in_both_directions_do_not_stand_in_each_others_way(self, world: World) -> None:
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
    def test_saving_what_did_not_change_is_harmless(
        self, world: World, runner: Transactions
    ) -> None:
        conversation = runner.run(writing(begin))

        def save_again(tx: Transaction) -> None:
            contact = tx.contacts.hold_conversation(conversation.id, actor=ANN)
            assert contact is not None
            assert contact.conversation is not None
            tx.conversations.save(contact.conversation)
            tx.mailboxes.save(contact.actor)
            tx.mailboxes.save(contact.partner)
            tx.installation.set_mode(tx.installation.hold_mode())

        with world.unchanged():
            runner.run(writing(save_again))

    @pytest.mark.promise("PAIR-1", "MSG-3")
    @pytest.mark.parametrize(
        "use_case", [_second_conversation, _second_message_of_a_key, _same_message_again]
    )
    def test_what_must_be_unique_is_the_stores_own_concern(
        self, world: World, runner: Transactions, use_case: Callable[[Transaction], None]
    ) -> None:
        """The ports say: the store itself notices, whatever a use case believes."""
        runner.run(writing(begin, key="k"))
        with world.unchanged(), pytest.raises(StoreError):
            runner.run(writing(use_case))
