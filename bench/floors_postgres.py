"""The floors on PostgreSQL: raw psycopg, prepared, one statement in one round trip.

Every statement is planned once, which saves as much as preparing it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self
from uuid import UUID

import psycopg
from bench.floors import INBOX_PAGE, IS_NEWS, MARKED, THREAD_PAGE, Floor, Rows, proof_of
from bench.population import TENANT
from bench.windows import HEAD_BYTES, LIMIT_BYTES, LIMIT_US, REST_OF_HEAD

from dmcore.domain.ids import next_message_id
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy

_MOST_ATTEMPTS: Final = 50

_TYPES: Final = {
    **dict.fromkeys(("tenant", "user", "other", "body"), "text"),
    **dict.fromkeys(("conversation", "id", "before", "through"), "uuid"),
    "now": "bigint",
    "proof": "bytea",
}


def _typed(statement: str) -> str:
    """``:name`` as a parameter of a fixed type, so that nothing is left to be inferred."""
    return re.sub(r"(?<!:):([a-z]+)", lambda it: f"%({it[1]})s::{_TYPES[it[1]]}", statement)


def _message(m: str, other: str, shows: str) -> str:
    """A message as its reader sees it, with the first receipt that covers it if it is their own."""
    return f"""
        {m}.sender,
        CASE WHEN {m}.sender = :user THEN coalesce({m}.own_body, {m}.body) ELSE {m}.body END,
        {m}.sent_at_us,
        CASE WHEN {m}.sender = :user THEN coalesce({m}.own_edited_at_us, {m}.edited_at_us)
            ELSE {m}.edited_at_us END,
        CASE WHEN {m}.sender = :user THEN coalesce({m}.own_reply_to, {m}.reply_to)
            ELSE {m}.reply_to END,
        CASE WHEN {m}.sender = :user THEN coalesce({m}.own_thread_id, {m}.thread_id)
            ELSE {m}.thread_id END,
        CASE WHEN {m}.sender = :user AND {shows} THEN (
            SELECT at_us FROM dm_receipt
            WHERE conversation_id = {m}.conversation_id AND reader = {other} AND through >= {m}.id
            ORDER BY through LIMIT 1
        ) END
    """


def _is_shown(m: str) -> str:
    """Whether the reader sees a message, blocks and a cleared history apart."""
    return f"""CASE WHEN {m}.sender = :user THEN NOT {m}.hidden_by_sender
        ELSE NOT ({m}.sender_only OR {m}.hidden_by_recipient) END"""


_INBOX_SHOWS: Final = """(
    SELECT count(*) = 2 FROM dm_mailbox
    WHERE tenant = :tenant AND user_id IN (:user, s.other) AND receipts
)"""

_INBOX: Final = _typed(f"""
    SELECT i.mode, s.conversation_id, s.other, s.newest, s.read, s.unread, s.is_muted,
           {_message("m", "s.other", _INBOX_SHOWS)}
    FROM dm_installation i
    LEFT JOIN (
        SELECT conversation_id, other, newest, read, unread, is_muted FROM dm_side
        WHERE tenant = :tenant AND user_id = :user AND folder = 'inbox'
        ORDER BY newest DESC, conversation_id DESC LIMIT {INBOX_PAGE + 1}
    ) s ON true
    LEFT JOIN dm_message m ON m.conversation_id = s.conversation_id AND m.id = s.newest
        AND {_is_shown("m")}
    ORDER BY s.newest DESC, s.conversation_id DESC
""")


def _thread(before: str) -> str:
    # The messages are asked for as a range of the primary key, not by equality: then any plan
    # walks the index backwards and stops at the limit, however long the conversation is.
    return _typed(f"""
        SELECT i.mode, c.other, c.read, m.id, {_message("m", "c.other", "c.shows")}
        FROM dm_installation i
        LEFT JOIN (
            SELECT id, (
                    SELECT count(*) = 2 FROM dm_mailbox
                    WHERE tenant = :tenant AND user_id IN (low, high) AND receipts
                ) AS shows,
                CASE WHEN low = :user THEN low_cleared ELSE high_cleared END AS cleared,
                CASE low WHEN :user THEN high ELSE low END AS other,
                CASE low WHEN :user THEN low_read ELSE high_read END AS read,
                CASE low WHEN :user THEN low_blocks ELSE high_blocks END AS blocks
            FROM dm_conversation
            WHERE id = :conversation AND tenant = :tenant
                AND CASE :user WHEN low THEN low_exists WHEN high THEN high_exists END
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT * FROM dm_message
            WHERE conversation_id >= :conversation
                AND (conversation_id, id) < (:conversation, {before})
                AND {_is_shown("dm_message")} AND (sender = :user OR NOT c.blocks)
                AND (c.cleared IS NULL OR id > c.cleared)
            ORDER BY conversation_id DESC, id DESC LIMIT {THREAD_PAGE + 1}
        ) m ON c.id IS NOT NULL
        ORDER BY m.id DESC
    """)


_NEWEST: Final = _thread(f"'{UUID(int=2**128 - 1)}'")
_BEFORE: Final = _thread(":before")

_UNREAD: Final = _typed("""
    SELECT i.mode, coalesce(m.unread, 0)
    FROM dm_installation i
    LEFT JOIN dm_mailbox m ON m.tenant = :tenant AND m.user_id = :user
""")

_BLOCKS: Final = _typed("""
    SELECT i.mode, EXISTS (
        SELECT FROM dm_block WHERE tenant = :tenant AND blocker = :user AND blocked = :other
    )
    FROM dm_installation i
""")


_FULL: Final = HEAD_BYTES + LIMIT_BYTES
_REST: Final = f"'\\x{REST_OF_HEAD.hex()}'::bytea"


def _mailbox(user: str, after: str) -> str:
    """One mailbox after a message, guarded by clock and limit if it is the sender's."""
    return f"""
        UPDATE dm_mailbox SET position = dm_mailbox.position + 1,
            unread = dm_mailbox.unread + (dm_mailbox.user_id <> :user)::int,
            sends = CASE
                WHEN dm_mailbox.user_id <> :user THEN sends
                ELSE int8send(:now) || int8send(:now) || {_REST} || substr(
                    sends, {HEAD_BYTES} + CASE WHEN octet_length(sends) < {_FULL} THEN 1 ELSE 9 END
                ) || int8send(:now)
            END
        FROM {after} WHERE tenant = :tenant AND dm_mailbox.user_id = {user}
            AND (
                dm_mailbox.user_id <> :user OR octet_length(sends) = {HEAD_BYTES}
                OR substr(sends, 1, 8) <= int8send(:now)
                AND substr(sends, 9, {HEAD_BYTES - 8}) = substr(sends, 1, 8) || {_REST}
                AND (octet_length(sends) < {_FULL}
                    OR substr(sends, {HEAD_BYTES + 1}, 8) <= int8send(:now - {LIMIT_US}))
            )
        RETURNING dm_mailbox.user_id, dm_mailbox.position
    """


# The rows are locked in one order, the conversation and then the mailboxes, low first, so that
# senders cannot deadlock. Where another sender was faster and the instant is no longer the newest,
# no row comes back or a division by zero undoes everything: then it is done again.
SEND: Final = _typed(f"""
    WITH talk AS (
        UPDATE dm_conversation SET newest = :id, low_newest = :id, high_newest = :id,
            low_said = CASE WHEN low = :user THEN :id ELSE low_said END,
            high_said = CASE WHEN high = :user THEN :id ELSE high_said END,
            low_heard = CASE WHEN low = :user THEN low_heard ELSE :id END,
            high_heard = CASE WHEN high = :user THEN high_heard ELSE :id END,
            low_unread = low_unread + (low <> :user)::int,
            high_unread = high_unread + (high <> :user)::int
        FROM dm_installation i
        WHERE dm_conversation.id = :conversation AND tenant = :tenant AND newest < :id
            AND i.mode IN ('on', 'replies_only')
            AND :user IN (low, high) AND low_newest IS NOT NULL AND high_newest IS NOT NULL
            AND NOT (low_blocks OR high_blocks OR low_is_archived OR high_is_archived)
            AND low_request IS NULL AND high_request IS NULL
            AND low_asked IS NULL AND high_asked IS NULL
        RETURNING low, high, CASE WHEN low = :user THEN high ELSE low END AS other
    ), low_box AS ({_mailbox("talk.low", "talk")}
    ), high_box AS ({_mailbox("talk.high", "low_box, talk")}
    ), sender_side AS (
        UPDATE dm_side SET newest = :id
        FROM talk WHERE tenant = :tenant AND user_id = :user AND conversation_id = :conversation
    ), other_side AS (
        UPDATE dm_side SET newest = :id, unread = dm_side.unread + 1
        FROM talk WHERE tenant = :tenant AND user_id = talk.other
            AND conversation_id = :conversation
    ), written AS (
        INSERT INTO dm_message (
            conversation_id, id, sender, body, sent_at_us,
            sender_only, hidden_by_sender, hidden_by_recipient, is_sealed, franking
        )
        SELECT :conversation, :id, :user, :body, :now, false, false, false, false, :proof FROM talk
    ), noted AS (
        INSERT INTO dm_journal
            (tenant, user_id, position, at_us, action, actor, other, conversation_id, message_id)
        SELECT :tenant, box.user_id, box.position, :now, 'message_sent', :user, talk.other,
            :conversation, :id
        FROM (SELECT * FROM low_box UNION ALL SELECT * FROM high_box) box, talk
    )
    SELECT 1 / (SELECT count(*) FROM high_box) FROM talk
""")


def _reader_or_partner(user: str, after: str) -> str:
    """One mailbox after reading, if its user shows receipts; locked in the order of a send."""
    return f"""
        UPDATE dm_mailbox SET position = dm_mailbox.position + 1,
            unread = dm_mailbox.unread
                - CASE WHEN dm_mailbox.user_id = :user THEN talk.unread ELSE 0 END
        FROM {after} WHERE tenant = :tenant AND dm_mailbox.user_id = {user}
            AND dm_mailbox.receipts
        RETURNING dm_mailbox.user_id, dm_mailbox.position
    """


_MARK_READ: Final = _typed(f"""
    WITH talk AS (
        SELECT low AS low_user, high AS high_user,
            CASE WHEN low = :user THEN high ELSE low END AS other,
            CASE WHEN low = :user THEN low_unread ELSE high_unread END AS unread
        FROM dm_conversation c, dm_installation i
        WHERE c.id = :conversation AND tenant = :tenant AND i.mode <> 'off'
            AND {IS_NEWS}
        FOR NO KEY UPDATE OF c
    ), marked AS (
        UPDATE dm_conversation SET {MARKED}
        FROM talk WHERE id = :conversation
    ), listed AS (
        UPDATE dm_side SET read = :through, unread = 0
        FROM talk WHERE tenant = :tenant AND user_id = :user AND conversation_id = :conversation
    ), low_box AS ({_reader_or_partner("talk.low_user", "talk")}
    ), high_box AS ({_reader_or_partner("talk.high_user", "low_box, talk")}
    ), seen AS (
        INSERT INTO dm_receipt (conversation_id, reader, through, at_us)
        SELECT :conversation, :user, :through, :now FROM talk
    ), noted AS (
        INSERT INTO dm_journal
            (tenant, user_id, position, at_us, action, actor, other, conversation_id, message_id)
        SELECT :tenant, box.user_id, box.position, :now,
            CASE WHEN box.user_id = :user THEN 'marked_read' ELSE 'messages_seen' END,
            :user, talk.other, :conversation, :through
        FROM (SELECT * FROM low_box UNION ALL SELECT * FROM high_box) box, talk
    )
    SELECT 1 / (SELECT count(*) FROM high_box) FROM talk
""")


def send_facts(
    sender: str, conversation: UUID, body: str, *, now_us: int, entropy: Entropy
) -> dict[str, Any]:
    """The parameters of ``SEND``."""
    message = next_message_id(now_us, entropy.draw(), None)
    return {
        "tenant": TENANT,
        "user": sender,
        "conversation": conversation,
        "body": body,
        "now": now_us,
        "id": message,
        "proof": proof_of(message, sender, conversation, body, now_us),
    }


class PostgresFloor:
    """The ``Floor`` on one psycopg connection in autocommit."""

    def __init__(self, url: str, clock: Clock, entropy: Entropy) -> None:
        self._url = url
        self._clock = clock
        self._entropy = entropy
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET plan_cache_mode = force_generic_plan")
        self._cursor = self._connection.cursor()

    def inbox(self, owner: str) -> Rows:
        return self._found(_INBOX, {"tenant": TENANT, "user": owner})

    def thread(self, reader: str, conversation: UUID, before: UUID | None) -> Rows:
        facts = {"tenant": TENANT, "user": reader, "conversation": conversation}
        if before is None:
            return self._found(_NEWEST, facts)
        return self._found(_BEFORE, {**facts, "before": before})

    def unread(self, owner: str) -> Rows:
        return self._found(_UNREAD, {"tenant": TENANT, "user": owner})

    def blocks(self, blocker: str, blocked: str) -> Rows:
        return self._found(_BLOCKS, {"tenant": TENANT, "user": blocker, "other": blocked})

    def send(self, sender: str, conversation: UUID, body: str) -> None:
        for _ in range(_MOST_ATTEMPTS):
            facts = send_facts(
                sender, conversation, body, now_us=self._clock.now_us(), entropy=self._entropy
            )
            try:
                if self._found(SEND, facts):
                    return
            except psycopg.errors.DivisionByZero:
                continue
        raise AssertionError("the floor was refused")

    def mark_read(self, reader: str, conversation: UUID, through: UUID) -> None:
        facts = {
            "tenant": TENANT,
            "user": reader,
            "conversation": conversation,
            "through": through,
            "now": self._clock.now_us(),
        }
        if not self._found(_MARK_READ, facts):
            raise AssertionError("the floor was refused")

    def _found(self, statement: str, facts: dict[str, Any]) -> Rows:
        return self._cursor.execute(statement, facts, prepare=True).fetchall()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        with self._connection.transaction(force_rollback=True):
            yield

    def rows(self, statement: str) -> Rows:
        return self._connection.execute(statement.encode()).fetchall()

    def another(self) -> Self:
        return type(self)(self._url, self._clock, self._entropy)

    def close(self) -> None:
        self._connection.close()


def _conforms(url: str, clock: Clock, entropy: Entropy) -> Floor:
    return PostgresFloor(url, clock, entropy)
