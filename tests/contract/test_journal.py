"""The journal: what happened, once for each who may know it, and nothing of what was said."""

import attrs
import pytest
from tests.support.stores import Harness, MemoryHarness, SqlHarness

from dmcore import Action, Entry, Fact
from dmcore.adapters.sql import metadata
from dmcore.testing.world import World


@pytest.mark.promise("AUD-1", "LEAK-1")
def test_the_fields_of_a_fact_are_a_closed_set() -> None:
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
    assert set(Action) == {
        "conversation_started",
        *("message_sent", "message_edited", "message_deleted", "message_hidden"),
        *("marked_read", "messages_seen", "history_cleared"),
        *("conversation_muted", "conversation_unmuted"),
        *("conversation_archived", "conversation_unarchived"),
        *("request_accepted", "request_declined", "preferences_changed"),
        "user_blocked",
        "user_unblocked",
        "mode_changed",
        "journals_pruned",
        *("report_made", "report_taken", "report_released"),
        *("report_resolved", "report_dismissed", "report_reopened"),
        *("evidence_viewed", "evidence_refused", "evidence_pruned"),
        *("person_erased", "erasure_previewed", "erasure_begun", "erasure_finished"),
        "erasures_recorded",
        *("user_muted", "user_unmuted", "user_suspended", "user_unsuspended"),
        *("user_shadow_banned", "user_shadow_ban_lifted", "restriction_refused"),
        *("report_refused", "erasure_refused", "call_refused"),
        *("store_restored", "store_mended", "facts_lost"),
        *("consumer_added", "consumer_forgotten", "events_retried"),
        *("encryption_turned_on", "texts_sealed", "master_key_rotated"),
        *("user_keys_rotated", "user_keys_rewrapped", "user_keys_destroyed"),
        *("device_added", "device_renewed", "device_removed"),
        *("keys_claimed", "changed_keys_seen", "conversation_sealed", "keys_changed"),
        "messages_pruned",
    }
    assert set(metadata.tables["dm_journal"].columns.keys()) == {
        *("tenant", "user_id", "position", "at_us", "action", "actor", "other"),
        *("conversation_id", "message_id", "mode", "report_id"),
    }


@pytest.mark.promise("AUD-1", "LEAK-1")
def test_no_text_and_no_key_is_in_the_journal(harness: Harness) -> None:
    world = World(harness)
    sent = world.ann.start("bob", "the door code is zebra", key="open sesame")
    world.bob.mark_read(sent.conversation, through=sent.id)
    contents = harness.contents()
    names = {"memory": "journal", "sqlite": "dm_journal", "postgres": "dm_journal"}
    shown = repr(contents[names[harness.kind]])
    assert "message_sent" in shown or "conversation_started" in shown
    for secret in ("zebra", "sesame"):
        assert secret not in shown
        assert secret not in repr(world.journal("ann"))


@pytest.mark.promise("FEED-2")
def test_a_fact_is_written_in_the_transaction_that_causes_it(sql_harness: SqlHarness) -> None:
    """Nobody who looks in between finds one without the other."""
    world = World(sql_harness)
    for number in range(5):
        world.ann.start("bob", str(number))
        messages = sql_harness.rows("SELECT count(*) FROM dm_message")[0][0]
        told = sql_harness.rows(
            "SELECT count(*) FROM dm_journal WHERE user_id = :user AND message_id IS NOT NULL",
            user="bob",
        )
        assert told == [(messages,)] == [(number + 1,)]


def test_a_store_in_memory_keeps_its_journal_apart() -> None:
    one, two = World(MemoryHarness()), World(MemoryHarness())
    one.ann.block("bob")
    assert two.journal("ann") == []
