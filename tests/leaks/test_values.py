"""What values show of themselves, and what the journal has room for."""

import copy
import pickle
import pprint
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.leaks.canary import ANN, BOB, BODY, KEY, OTHER_BODY, SECRETS, UNLIMITED

from dmcore import (
    Body,
    DirectMessages,
    DmcoreError,
    Entry,
    EvidenceItem,
    InboxEntry,
    Message,
    Operations,
    Preferences,
)
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.memory import MemoryTransactions, Store
from dmcore.adapters.relay import Callback, Relay
from dmcore.adapters.sql import metadata
from dmcore.domain.account import Account
from dmcore.domain.changing import edited
from dmcore.domain.contact import Contact, Written
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import Key, TenantId, User, UserId
from dmcore.domain.instants import to_us
from dmcore.domain.key_work import KeyWork
from dmcore.domain.message import Edit, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.policy import Policy
from dmcore.domain.sending import Draft, decide
from dmcore.ports.messages import ThreadRows
from dmcore.testing.conformance.devices import LAPTOP, PHONE, enrol, prekey
from dmcore.testing.conformance.sealing import envelope
from dmcore.testing.world import text_of

PAIR = Pair.of(TenantId(""), UserId(ANN), UserId(BOB))


def shows(value: object) -> list[str]:
    """Secrets in whatever a value says about itself."""
    said = (repr(value), str(value), f"{value}", pprint.pformat(value), ascii([value]))
    return [secret for secret in SECRETS if any(secret in text for text in said)]


def conversation_with_everything() -> tuple[DirectMessages, Message]:
    dm = memory.open_sync(policy=UNLIMITED)
    dm.operations("olga").set_mode("on")
    return dm, dm.mailbox(ANN).start(BOB, BODY, key=KEY)


@pytest.mark.promise("LEAK-1")
def test_what_a_host_gets_shows_no_text_and_no_key() -> None:
    dm, message = conversation_with_everything()
    bob, olga = dm.mailbox(BOB), dm.operations("olga")
    bob.block("eve")
    values: list[Any] = [
        message,
        message.body,
        bob.inbox(),
        bob.inbox().items[0],
        bob.thread(message.conversation),
        bob.requests(),
        bob.archived(),
        bob.conversation(message.conversation),
        bob.conversation_with(ANN),
        bob.can_message(ANN),
        bob.preferences(),
        bob.changes(),
        bob.changes().items[0],
        bob.snapshot(),
        bob.export(),
        bob.blocked(),
        bob.blocked().items[0],
        olga.audit(ANN),
        olga.audit(ANN).items[0],
        olga.status(),
        olga.verify(),
        dm,
        bob,
        olga,
    ]
    assert [value for value in values if shows(value)] == []
    assert text_of(message) == BODY
    assert isinstance(bob.inbox().items[0], InboxEntry)


@pytest.mark.promise("LEAK-1")
def test_what_passes_through_the_core_shows_no_text_and_no_key() -> None:
    """A debugger, an assertion or an error tracker prints these."""
    contact = Contact(
        mode=Mode.ON,
        pair=PAIR,
        conversation_id=PAIR.conversation_id(bytes(16)),
        conversation=None,
        actor=Account(user=User(TenantId(""), UserId(ANN))),
        partner=Account(user=User(TenantId(""), UserId(BOB))),
        actor_blocks=False,
        partner_blocks=False,
    )
    draft = Draft(body=Body(BODY), key=Key(KEY))
    sent = decide(contact, Policy(), draft, now_us=1, entropy=1)
    assert isinstance(sent, Written)
    posting: Posting = sent.posting
    rows = ThreadRows(other=UserId(BOB), read=None, messages=[posting.message])
    later = attrs.evolve(contact, conversation=sent.outcome.conversation, earlier=posting)
    changed = edited(later, Policy(), posting, body=Body(OTHER_BODY), now_us=2)
    absorbed = attrs.evolve(posting, own_edit=Edit(body=Body(OTHER_BODY), at_us=2))
    values = [draft, sent, posting, posting.message, rows, later, changed, absorbed]
    values += [attrs.evolve(draft, target=posting), posting.without_first_text()]
    assert [type(value).__name__ for value in values if shows(value)] == []


@pytest.mark.promise("LEAK-1")
def test_a_comparison_that_fails_shows_no_text() -> None:
    """As pytest, unittest and attrs print two values that differ."""
    dm, message = conversation_with_everything()
    other = attrs.evolve(message, body=Body(BODY + "!"))
    with pytest.raises(AssertionError) as caught:
        assert message == other
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    assert dm.mailbox(BOB).inbox().items[0].preview == message


@pytest.mark.promise("LEAK-1", "MSG-1")
def test_a_message_can_be_copied_and_pickled_with_its_text() -> None:
    """Hidden, not lost: hosts keep messages in caches and queues."""
    _, message = conversation_with_everything()
    for other in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert other == message
        assert text_of(other) == BODY
        assert shows(other) == []


# The journal ------------------------------------------------------------------------------------


@pytest.mark.promise("AUD-1", "FEED-2", "LEAK-1")
def test_the_journal_has_no_column_for_a_text_a_length_or_a_preview() -> None:
    """A closed list: whoever adds a column meets this test."""
    columns = {
        column.name: type(column.type).__name__ for column in metadata.tables["dm_journal"].c
    }
    assert columns == {
        "tenant": "Text",
        "user_id": "Text",
        "position": "BigInteger",
        "at_us": "BigInteger",
        "action": "Text",
        "actor": "Text",
        "other": "Text",
        "conversation_id": "Identifier",
        "message_id": "Identifier",
        "mode": "Text",
        "report_id": "Identifier",
    }


@pytest.mark.promise("AUD-1", "LEAK-1")
def test_a_fact_has_no_field_for_a_text_a_length_or_a_preview() -> None:
    assert [field.name for field in attrs.fields(Fact)] == [
        "action",
        "actor",
        "at_us",
        "other",
        "conversation",
        "message",
        "mode",
        "report",
    ]
    assert [field.name for field in attrs.fields(Entry)] == ["owner", "position", "fact"]


@pytest.mark.promise("LEAK-1")
def test_a_text_is_stored_with_its_message_and_with_evidence_that_was_chosen() -> None:
    from dmcore.adapters.sql._schema import BodyText

    holders = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, BodyText)
    ]
    assert set(holders) == {"dm_message.body", "dm_message.own_body", "dm_evidence.body"}
    keys = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name == "key"
    ]
    assert keys == ["dm_message.key"]


@pytest.mark.promise("AUD-1", "LEAK-1")
def test_the_journal_of_everything_that_can_be_done_tells_ids_and_nothing_else() -> None:
    asking = attrs.evolve(
        UNLIMITED,
        requests="ask",
        evidence="reporter_selected",
        evidence_kept=timedelta(days=1),
        messages_kept=timedelta(days=1),
    )
    dm = memory.open_sync(policy=asking)
    ann, bob, olga = dm.mailbox(ANN), dm.mailbox(BOB), dm.operations("olga")
    olga.set_mode("on")
    message = ann.start(BOB, BODY, key=KEY)
    place = message.conversation
    bob.accept(place)
    bob.decline(dm.mailbox("cyd").start(BOB, BODY).conversation)
    bob.mark_read(place, through=message.id)
    ann.edit(place, message.id, OTHER_BODY)
    ann.hide(place, ann.send(place, BODY, key=f"{KEY}-2").id)
    ann.delete(place, message.id)
    bob.clear(place)
    for act in (bob.mute, bob.unmute, bob.archive, bob.unarchive):
        act(place)
    bob.set_preferences(Preferences(typing=False))
    bob.block(ANN)
    bob.unblock(ANN)
    moderated(dm, place, ann.send(place, BODY).id)
    restricted(dm)
    relayed(olga)
    for work in KeyWork:
        olga.note_key_work(work, user=ANN if work is KeyWork.DESTROY else None)
    sealed(dm)

    def entries_now() -> list[Entry]:
        return [
            entry
            for user in (ANN, BOB, "olga", "mod")
            for entry in olga.audit(user, limit=100).items
        ]

    assert later(dm).operations("olga").prune_evidence() == 2
    assert later(dm).operations("olga").prune().messages > 0
    restored = erased(dm)
    mended(dm)
    entries = entries_now()
    assert olga.prune_journals(before=datetime.now(UTC)) > 0
    entries += entries_now()
    entries += restored.audit("olga", limit=100).items
    # The first is of a database that came back, the second of a method that nobody forgot.
    unseen = {Action.STORE_RESTORED, Action.CALL_REFUSED}
    assert {entry.fact.action for entry in entries} == set(Action) - unseen
    for entry in entries:
        for value in attrs.asdict(entry.fact).values():
            assert not [secret for secret in SECRETS if secret in str(value)]


def relayed(olga: Operations) -> None:
    """A consumer is added, cannot take what is in it, and is forgotten."""

    def fails(event: Entry) -> None:
        raise LookupError(repr(event))

    olga.add_consumer("hook")
    Relay(olga, Callback(fails), name="hook", attempts=1).run_once()
    assert olga.retry("hook") > 0
    olga.forget_consumer("hook")


def moderated(dm: DirectMessages, place: UUID, message: UUID) -> None:
    """Everything that a moderator can do, about two reports that came with evidence."""
    mod = dm.moderation("mod")
    for reporter in (ANN, BOB):
        box = dm.mailbox(reporter)
        made = box.report(conversation=place, messages=[message], reason="spam", key=KEY)
        with pytest.raises(DmcoreError):
            mod.evidence(made.id)
        mod.take(made.id)
        assert text_of_evidence(mod.evidence(made.id)) == BODY
        mod.release(made.id)
        mod.take(made.id)
        mod.dismiss(made.id)
        mod.reopen(made.id)
        mod.take(made.id)
        mod.resolve(made.id, "warned")
    assert shows(mod.reports()) == []


def restricted(dm: DirectMessages) -> None:
    """Every restriction, made and lifted, and two reaches that are refused."""
    mod = dm.moderation("mod")
    for kind in ("mute", "suspend", "shadow_ban"):
        mod.restrict(ANN, kind, reason="spam")
        mod.lift(ANN, kind)
    with pytest.raises(DmcoreError):
        mod.restrict("mod", "mute", reason="spam")
    made = dm.mailbox(ANN).report("mod", reason="spam")
    with pytest.raises(DmcoreError):
        mod.take(made.id)


def erased(dm: DirectMessages) -> Operations:
    """Somebody to whom Ann wrote is erased; the ledger is taken into a store without it."""
    olga = dm.operations("olga")
    dm.mailbox("dan").accept(dm.mailbox(ANN).start("dan", BODY).conversation)
    assert isinstance(dm._transactions, MemoryTransactions)
    backup = Store()
    backup.namespace = dm._transactions._store.namespace
    olga.preview_erasure("dan")
    olga.erase("dan")
    with pytest.raises(DmcoreError):
        olga.erase("olga")
    restored = attrs.evolve(dm, transactions=MemoryTransactions(backup)).operations("olga")
    restored.record_erasures(olga.export_erasures().items)
    return restored


def mended(dm: DirectMessages) -> None:
    """A counter that is wrong and a fact that is gone are found and mended."""
    assert isinstance(dm._transactions, MemoryTransactions)
    store, bob = dm._transactions._store, User(TenantId(""), UserId(BOB))
    store.accounts[bob] = attrs.evolve(store.accounts[bob], unread=99)
    actions = [entry.fact.action for entry in store.journal[bob]]
    del store.journal[bob][actions.index(Action.MESSAGE_SENT)]
    assert dm.operations("olga").repair().mended


def sealed(dm: DirectMessages) -> None:
    """Devices come and go, and what two people write is sealed."""
    offering = DirectMessages(
        rules=attrs.evolve(dm._rules, policy=attrs.evolve(dm._rules.policy, sealing="offered")),
        transactions=dm._transactions,
    )
    ann, bob = offering.mailbox(ANN), offering.mailbox(BOB)
    for box in (ann, bob):
        enrol(box)
    place = ann.start(BOB, envelope(ann, BOB)).conversation
    ann.devices.renew(PHONE, prekey=prekey())
    enrol(ann, LAPTOP)
    bob.send(place, envelope(bob, ANN))
    ann.devices.remove(LAPTOP)
    ann.send(place, envelope(ann, BOB))


def text_of_evidence(items: tuple[EvidenceItem, ...]) -> str:
    assert shows(items) == []
    (item,) = items
    assert item.body is not None
    return item.body.text


def later(dm: DirectMessages) -> DirectMessages:
    """The same store, two days later."""
    clock = ManualClock(to_us(datetime.now(UTC) + timedelta(days=2)))
    return DirectMessages(rules=attrs.evolve(dm._rules, clock=clock), transactions=dm._transactions)


def test_a_side_and_a_conversation_hold_ids_flags_and_counts() -> None:
    assert {field.name for field in attrs.fields(Side)} == {
        *("exists", "newest", "read", "said", "heard", "told", "cleared", "unread", "blocks"),
        *("is_muted", "is_archived", "request", "asked", "keys", "sealed_at_us"),
    }
    names = {field.name for field in attrs.fields(Conversation)}
    assert names == {"id", "pair", "newest", "oldest", "low", "high"}
