"""What values show of themselves, and what the journal has room for."""

import copy
import pickle
import pprint
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from tests.leaks.canary import ANN, BOB, BODY, KEY, OTHER_BODY, SECRETS, UNLIMITED

from dmcore import Body, DirectMessages, Entry, InboxEntry, Message, Preferences
from dmcore.adapters import memory
from dmcore.adapters.sql import metadata
from dmcore.domain.account import Account
from dmcore.domain.changing import edited
from dmcore.domain.contact import Contact, Written
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import Key, TenantId, User, UserId
from dmcore.domain.message import Edit, Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.policy import Policy
from dmcore.domain.sending import Draft, decide
from dmcore.ports.messages import ThreadRows
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
    ]
    assert [field.name for field in attrs.fields(Entry)] == ["owner", "position", "fact"]


@pytest.mark.promise("LEAK-1")
def test_a_text_is_stored_in_one_column_of_one_table() -> None:
    from dmcore.adapters.sql._schema import BodyText

    holders = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, BodyText)
    ]
    assert holders == ["dm_message.body", "dm_message.own_body"]
    keys = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name == "key"
    ]
    assert keys == ["dm_message.key"]


@pytest.mark.promise("AUD-1", "LEAK-1")
def test_the_journal_of_everything_that_can_be_done_tells_ids_and_nothing_else() -> None:
    asking = attrs.evolve(UNLIMITED, requests="ask")
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

    def entries_now() -> list[Entry]:
        return [entry for user in (ANN, BOB, "olga") for entry in olga.audit(user).items]

    entries = entries_now()
    assert olga.prune_journals(before=datetime.now(UTC)) > 0
    entries += entries_now()
    assert {entry.fact.action for entry in entries} == set(Action)
    for entry in entries:
        for value in attrs.asdict(entry.fact).values():
            assert not [secret for secret in SECRETS if secret in str(value)]


def test_a_side_and_a_conversation_hold_ids_flags_and_counts() -> None:
    assert {field.name for field in attrs.fields(Side)} == {
        *("exists", "newest", "read", "said", "heard", "told", "cleared", "unread", "blocks"),
        *("is_muted", "is_archived", "request", "asked"),
    }
    names = {field.name for field in attrs.fields(Conversation)}
    assert names == {"id", "pair", "newest", "low", "high"}
