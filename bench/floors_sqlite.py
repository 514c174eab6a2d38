"""The floors on SQLite: writes through raw sqlite3, reads through bare SQLAlchemy Core."""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self
from uuid import UUID

from bench.core_reads import BEFORE, BLOCKS, INBOX, NEWEST, UNREAD
from bench.floors import IS_NEWS, MARKED, Floor, Rows, proof_of
from bench.population import TENANT
from bench.windows import HEAD_BYTES, LIMIT_BYTES, LIMIT_US, REST_OF_HEAD
from sqlalchemy import (
    Select,
    create_engine,
)

from dmcore.domain.ids import next_message_id
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy

_TAKE: Final = """
    UPDATE dm_conversation SET newest = :id, low_newest = :id, high_newest = :id,
        low_said = CASE low WHEN :user THEN :id ELSE low_said END,
        high_said = CASE high WHEN :user THEN :id ELSE high_said END,
        low_heard = CASE low WHEN :user THEN low_heard ELSE :id END,
        high_heard = CASE high WHEN :user THEN high_heard ELSE :id END,
        low_unread = low_unread + (low <> :user), high_unread = high_unread + (high <> :user)
    WHERE id = :conversation AND tenant = :tenant AND newest < :id
        AND :user IN (low, high) AND low_newest IS NOT NULL AND high_newest IS NOT NULL
        AND NOT low_blocks AND NOT high_blocks
        AND NOT low_is_archived AND NOT high_is_archived
        AND low_request IS NULL AND high_request IS NULL
        AND low_asked IS NULL AND high_asked IS NULL
        AND (SELECT mode FROM dm_installation) IN ('on', 'replies_only')
    RETURNING CASE low WHEN :user THEN high ELSE low END
"""
# Text made of bytes, and bytes again: what SQLite calls concatenation knows no blobs.
_COUNT: Final = f"""
    UPDATE dm_mailbox SET position = position + 1,
        sends = CAST(
            :instant || :instant || :rest
            || substr(CAST(substr(sends, {HEAD_BYTES + 1}) || :instant AS BLOB), -{LIMIT_BYTES})
            AS BLOB
        )
    WHERE tenant = :tenant AND user_id = :user
        AND (
            length(sends) = {HEAD_BYTES}
            OR substr(sends, 1, 8) <= :instant AND substr(sends, 1, 8) = substr(sends, 9, 8)
            AND substr(sends, 17, {HEAD_BYTES - 16}) = :rest
            AND (length(sends) < {HEAD_BYTES + LIMIT_BYTES}
                OR substr(sends, {HEAD_BYTES + 1}, 8) <= :expired)
        )
    RETURNING position
"""
_RECEIVE: Final = """
    UPDATE dm_mailbox SET position = position + 1, unread = unread + 1
    WHERE tenant = :tenant AND user_id = :other
    RETURNING position
"""
_LIST: Final = """
    UPDATE dm_side SET newest = :id, unread = unread + (user_id <> :user)
    WHERE tenant = :tenant AND user_id IN (:user, :other) AND conversation_id = :conversation
"""
_WRITE: Final = """
    INSERT INTO dm_message (
        conversation_id, id, sender, body, sent_at_us,
        sender_only, hidden_by_sender, hidden_by_recipient, is_sealed, franking
    )
    VALUES (:conversation, :id, :user, :body, :now, 0, 0, 0, 0, :proof)
"""
_NOTE: Final = """
    INSERT INTO dm_journal
        (tenant, user_id, position, at_us, action, actor, other, conversation_id, message_id)
    VALUES
        (:tenant, :user, :position, :now, 'message_sent', :user, :other, :conversation, :id),
        (:tenant, :other, :received, :now, 'message_sent', :user, :other, :conversation, :id)
"""

_UNSEEN: Final = f"""
    SELECT CASE low WHEN :user THEN high ELSE low END,
        CASE low WHEN :user THEN low_unread ELSE high_unread END
    FROM dm_conversation
    WHERE id = :conversation AND tenant = :tenant
        AND (SELECT mode FROM dm_installation) <> 'off'
        AND {IS_NEWS}
"""
_MARK: Final = f"UPDATE dm_conversation SET {MARKED} WHERE id = :conversation"
_MARK_LISTED: Final = """
    UPDATE dm_side SET read = :through, unread = 0
    WHERE tenant = :tenant AND user_id = :user AND conversation_id = :conversation
"""
_LOWER: Final = """
    UPDATE dm_mailbox SET position = position + 1, unread = unread - :unread
    WHERE tenant = :tenant AND user_id = :user AND receipts
    RETURNING position
"""
_TELL: Final = """
    UPDATE dm_mailbox SET position = position + 1
    WHERE tenant = :tenant AND user_id = :other AND receipts
    RETURNING position
"""
_SEEN: Final = """
    INSERT INTO dm_receipt (conversation_id, reader, through, at_us)
    VALUES (:conversation, :user, :through, :now)
"""
_NOTE_MARK: Final = """
    INSERT INTO dm_journal
        (tenant, user_id, position, at_us, action, actor, other, conversation_id, message_id)
    VALUES
        (:tenant, :user, :position, :now, 'marked_read', :user, :other, :conversation, :through),
        (:tenant, :other, :told, :now, 'messages_seen', :user, :other, :conversation, :through)
"""


class SqliteFloor:
    """The ``Floor`` on one file, set up as dmcore sets it up."""

    def __init__(self, url: str, clock: Clock, entropy: Entropy) -> None:
        self._url = url
        self._clock = clock
        self._entropy = entropy
        self._connection = sqlite3.connect(
            url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
        )
        settings = ("journal_mode = WAL", "foreign_keys = ON", "secure_delete = ON")
        for pragma in (*settings, "synchronous = FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._cursor = self._connection.cursor()
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._is_rehearsing = False

    def inbox(self, owner: str) -> Rows:
        return self._found(INBOX, {"user": owner})

    def thread(self, reader: str, conversation: UUID, before: UUID | None) -> Rows:
        facts = {"user": reader, "conversation": conversation}
        if before is None:
            return self._found(NEWEST, facts)
        return self._found(BEFORE, {**facts, "before": before})

    def unread(self, owner: str) -> Rows:
        return self._found(UNREAD, {"user": owner})

    def blocks(self, blocker: str, blocked: str) -> Rows:
        return self._found(BLOCKS, {"user": blocker, "other": blocked})

    def _found(self, statement: Select[Any], facts: dict[str, Any]) -> Rows:
        with self._engine.connect() as connection:
            return connection.execute(statement, facts).all()

    def send(self, sender: str, conversation: UUID, body: str) -> None:
        now_us = self._clock.now_us()
        message = next_message_id(now_us, self._entropy.draw(), None)
        facts: dict[str, Any] = {
            "tenant": TENANT,
            "user": sender,
            "conversation": conversation.bytes,
            "body": body,
            "now": now_us,
            "instant": struct.pack(">q", now_us),
            "rest": REST_OF_HEAD,
            "expired": struct.pack(">q", now_us - LIMIT_US),
            "id": message.bytes,
            "proof": proof_of(message, sender, conversation, body, now_us),
        }
        with self._transaction():
            execute = self._cursor.execute
            (facts["other"],) = execute(_TAKE, facts).fetchone()
            (facts["position"],) = execute(_COUNT, facts).fetchone()
            (facts["received"],) = execute(_RECEIVE, facts).fetchone()
            execute(_LIST, facts)
            execute(_WRITE, facts)
            execute(_NOTE, facts)

    def mark_read(self, reader: str, conversation: UUID, through: UUID) -> None:
        facts: dict[str, Any] = {
            "tenant": TENANT,
            "user": reader,
            "conversation": conversation.bytes,
            "through": through.bytes,
            "now": self._clock.now_us(),
        }
        with self._transaction():
            execute = self._cursor.execute
            facts["other"], facts["unread"] = execute(_UNSEEN, facts).fetchone()
            execute(_MARK, facts)
            execute(_MARK_LISTED, facts)
            (facts["position"],) = execute(_LOWER, facts).fetchone()
            (facts["told"],) = execute(_TELL, facts).fetchone()
            execute(_SEEN, facts)
            execute(_NOTE_MARK, facts)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._is_rehearsing:
            yield
            return
        self._cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._cursor.execute("ROLLBACK")
            raise
        self._cursor.execute("COMMIT")

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        self._cursor.execute("BEGIN IMMEDIATE")
        self._is_rehearsing = True
        try:
            yield
        finally:
            self._is_rehearsing = False
            self._cursor.execute("ROLLBACK")

    def rows(self, statement: str) -> Rows:
        return self._connection.execute(statement).fetchall()

    def another(self) -> Self:
        return type(self)(self._url, self._clock, self._entropy)

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


def _conforms(url: str, clock: Clock, entropy: Entropy) -> Floor:
    return SqliteFloor(url, clock, entropy)
