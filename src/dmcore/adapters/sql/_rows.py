"""Between rows and values of the domain, in both directions."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Executable, Row, Table

from dmcore.adapters.sql._schema import conversation as conversation_table
from dmcore.adapters.sql._schema import known
from dmcore.adapters.sql._schema import mailbox as mailbox_table
from dmcore.adapters.sql._schema import message as message_table
from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Request, Side
from dmcore.domain.erasure import Erasure
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.message import Edit, Link, Message, Posting, Receipt
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import Preferences
from dmcore.domain.reports import (
    EvidenceItem,
    EvidenceVerdict,
    MadeMove,
    Report,
    ReportMove,
    ReportOutcome,
    ReportReason,
    ReportState,
)
from dmcore.domain.restriction import (
    Restriction,
    RestrictionKind,
    RestrictionReason,
    Standing,
)
from dmcore.errors import NotInitialised

_MESSAGE: Final = tuple(message_table.columns.keys())
# The columns of one side are its fields, in the same order.
_SIDE: Final = tuple(attrs.fields_dict(Side))
_SIDE_WIDTH: Final = len(_SIDE)
_NAMES: Final = {it.name: tuple(it.columns.keys()) for it in (conversation_table, mailbox_table)}
CONVERSATION_WIDTH: Final = len(conversation_table.columns)
ACCOUNT_AT: Final = 2
"""Where the columns of an account begin in those of its table: behind the key."""
ACCOUNT_WIDTH: Final = len(mailbox_table.columns) - ACCOUNT_AT


def rows_of(
    connection: Connection, statement: Executable, facts: Mapping[str, object]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a statement that begins at the installation record, so there is at least one.

    Raises ``NotInitialised`` where even the record is gone.
    """
    rows = connection.execute(statement, facts).all()
    if not rows:
        raise NotInitialised
    return rows


def first_of(rows: Sequence[Any]) -> Any:
    """The first row of a statement that begins at the installation record, likewise."""
    if not rows:
        raise NotInitialised
    return rows[0]


def named(table: Table, columns: Sequence[Any]) -> dict[str, Any]:
    """The columns of a table, which are all there and in its order, under their names.

    As the functions below make a row of what was read: with the same names in the same order.
    """
    return dict(zip(_NAMES[table.name], columns, strict=True))


def account_row(account: Account) -> dict[str, object]:
    standing = account.standing
    return {
        "tenant": account.user.tenant,
        "user_id": account.user.id,
        "position": account.position,
        "pruned": account.pruned,
        "unread": account.unread,
        "sends": account.sends,
        "starts": account.starts,
        **preferences_row(account.preferences),
        "is_erased": account.is_erased,
        "muted_until_us": standing.muted_until_us,
        "suspended_until_us": standing.suspended_until_us,
        "hidden_until_us": standing.hidden_until_us,
        "restrictions": account.restrictions,
        "removals": account.removals,
        "devices": account.devices,
        "key_changes": account.key_changes,
        "claims": account.claims,
        "edits": account.edits,
    }


def preferences_row(preferences: Preferences) -> dict[str, object]:
    return {
        "open_to": preferences.open_to.value,
        "receipts": preferences.receipts,
        "typing": preferences.typing,
        "presence": preferences.presence,
    }


@cache
def _preferences(open_to: str, receipts: bool, typing: bool, presence: bool) -> Preferences:
    return Preferences(open_to=open_to, receipts=receipts, typing=typing, presence=presence)


@lru_cache(maxsize=1_000)
def _standing(muted: int | None, suspended: int | None, hidden: int | None) -> Standing:
    return Standing(muted_until_us=muted, suspended_until_us=suspended, hidden_until_us=hidden)


def account_of(user: User, columns: Sequence[Any]) -> Account:
    """From the columns of ``dm_mailbox``, in their order, those of its key apart."""
    position, pruned, unread, sends, starts, *chosen = columns[:9]
    is_erased, muted, suspended, hidden, *counted, claims, edits = columns[9:]
    restrictions, removals, devices, key_changes = counted
    return Account(
        user=user,
        position=position,
        pruned=pruned,
        unread=unread,
        sends=sends,
        starts=starts,
        preferences=_preferences(*chosen),
        is_erased=bool(is_erased),
        standing=_standing(muted, suspended, hidden),
        restrictions=restrictions,
        removals=removals,
        devices=devices,
        key_changes=key_changes,
        claims=claims,
        edits=edits,
    )


def conversation_row(conversation: Conversation) -> dict[str, object]:
    pair = conversation.pair
    return {
        "id": conversation.id,
        "tenant": pair.tenant,
        "low": pair.low,
        "high": pair.high,
        "newest": conversation.newest,
        "oldest": conversation.oldest,
        **_side_columns("low", conversation.low),
        **_side_columns("high", conversation.high),
    }


def _side_columns(name: str, side: Side) -> dict[str, object]:
    return {
        f"{name}_exists": side.exists,
        f"{name}_newest": side.newest,
        f"{name}_read": side.read,
        f"{name}_said": side.said,
        f"{name}_heard": side.heard,
        f"{name}_told": side.told,
        f"{name}_cleared": side.cleared,
        f"{name}_unread": side.unread,
        f"{name}_blocks": side.blocks,
        f"{name}_is_muted": side.is_muted,
        f"{name}_is_archived": side.is_archived,
        f"{name}_request": None if side.request is None else side.request.value,
        f"{name}_asked": side.asked,
        f"{name}_keys": side.keys,
        f"{name}_sealed_at_us": side.sealed_at_us,
    }


def conversation_of(columns: Sequence[Any]) -> Conversation:
    """From the columns of ``dm_conversation``, in their order."""
    id_, tenant, low, high, newest, oldest, *sides = columns
    return Conversation(
        id=id_,
        pair=Pair(tenant, low, high),
        newest=newest,
        oldest=oldest,
        low=_side_of(sides[:_SIDE_WIDTH]),
        high=_side_of(sides[_SIDE_WIDTH:]),
    )


def _side_of(columns: Sequence[Any]) -> Side:
    fields = dict(zip(_SIDE, columns, strict=True))
    if fields["request"] is not None:
        fields["request"] = known(Request, fields["request"], "a request")
    return Side(**fields)


def side_row(conversation: Conversation, user: User) -> dict[str, object] | None:
    """What the lists of ``user`` show of a conversation; ``None`` where they do not show it."""
    listing = conversation.side_of(user.id).listing
    if listing is None:
        return None
    return {
        "tenant": user.tenant,
        "user_id": user.id,
        "conversation_id": conversation.id,
        "other": conversation.pair.other_than(user.id),
        "folder": listing.folder.value,
        "newest": listing.newest,
        "read": listing.read,
        "unread": listing.unread,
        "is_muted": listing.is_muted,
    }


def posting_row(posting: Posting) -> dict[str, object]:
    message, own_edit, own_link = posting.message, posting.own_edit, posting.own_link
    return {
        "conversation_id": message.conversation,
        "id": message.id,
        "sender": message.sender,
        "body": message.body,
        "sent_at_us": message.sent_at_us,
        "edited_at_us": message.edited_at_us,
        "reply_to": message.reply_to,
        "thread_id": message.thread_id,
        "sender_only": posting.sender_only,
        "hidden_by_sender": posting.hidden_by_sender,
        "hidden_by_recipient": posting.hidden_by_recipient,
        "own_body": None if own_edit is None else own_edit.body,
        "own_edited_at_us": None if own_edit is None else own_edit.at_us,
        "own_reply_to": None if own_link is None else own_link.reply_to,
        "own_thread_id": None if own_link is None else own_link.thread_id,
        "key": posting.key,
        "fingerprint": posting.fingerprint,
        "is_sealed": message.is_sealed,
        "franking": message.franking,
    }


def posting_of(row: Row[Any], prefix: str = "") -> Posting:
    """From a row that carries the columns of ``dm_message`` under their names after ``prefix``."""
    column = {name: row._mapping[f"{prefix}{name}"] for name in _MESSAGE}
    own_body, own_reply_to = column["own_body"], column["own_reply_to"]
    return Posting(
        message=Message(
            id=column["id"],
            conversation=column["conversation_id"],
            sender=column["sender"],
            body=column["body"],
            sent_at_us=column["sent_at_us"],
            edited_at_us=column["edited_at_us"],
            reply_to=column["reply_to"],
            thread_id=column["thread_id"],
            is_sealed=bool(column["is_sealed"]),
            franking=_bytes_of(column["franking"]),
        ),
        key=column["key"],
        fingerprint=column["fingerprint"],
        sender_only=bool(column["sender_only"]),
        own_edit=None
        if own_body is None
        else Edit(body=own_body, at_us=column["own_edited_at_us"]),
        own_link=None
        if own_reply_to is None
        else Link(reply_to=own_reply_to, thread_id=column["own_thread_id"]),
        hidden_by_sender=bool(column["hidden_by_sender"]),
        hidden_by_recipient=bool(column["hidden_by_recipient"]),
    )


def _bytes_of(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)


def receipt_row(receipt: Receipt) -> dict[str, object]:
    return {
        "conversation_id": receipt.conversation,
        "reader": receipt.reader,
        "through": receipt.through,
        "at_us": receipt.at_us,
    }


def entry_row(entry: Entry) -> dict[str, object]:
    fact = entry.fact
    return {
        "tenant": entry.owner.tenant,
        "user_id": entry.owner.id,
        "position": entry.position,
        "at_us": fact.at_us,
        "action": fact.action.value,
        "actor": fact.actor,
        "other": fact.other,
        "conversation_id": fact.conversation,
        "message_id": fact.message,
        "mode": None if fact.mode is None else fact.mode.value,
        "report_id": fact.report,
    }


def entry_of(row: Row[Any]) -> Entry:
    """From a row that carries every column of ``dm_journal`` under its own name."""
    return Entry(
        owner=User(row.tenant, row.user_id),
        position=row.position,
        fact=Fact(
            action=known(Action, row.action, "an action in a journal"),
            actor=row.actor,
            at_us=row.at_us,
            other=row.other,
            conversation=row.conversation_id,
            message=row.message_id,
            mode=None if row.mode is None else known(Mode, row.mode, "a mode in a journal"),
            report=row.report_id,
        ),
    )


def report_row(report: Report) -> dict[str, object]:
    return {
        "id": report.id,
        "tenant": report.tenant,
        "reporter": report.reporter,
        "reported": report.reported,
        "conversation_id": report.conversation,
        "chosen": report.chosen,
        "reason": None if report.reason is None else report.reason.value,
        "made_at_us": report.made_at_us,
        "changed_at_us": report.changed_at_us,
        "flags": " ".join(report.flags) or None,
        "state": report.state.value,
        "taken_by": report.taken_by,
        "outcome": None if report.outcome is None else report.outcome.value,
    }


def report_of(row: Row[Any]) -> Report:
    """From a row that carries every column of ``dm_report`` under its own name."""
    return Report(
        id=row.id,
        tenant=row.tenant,
        reporter=row.reporter,
        reported=row.reported,
        conversation=row.conversation_id,
        chosen=row.chosen,
        reason=None if row.reason is None else ReportReason(row.reason),
        made_at_us=row.made_at_us,
        changed_at_us=row.changed_at_us,
        flags=tuple((row.flags or "").split()),
        state=ReportState(row.state),
        taken_by=row.taken_by,
        outcome=_outcome_of(row),
    )


def _outcome_of(row: Row[Any]) -> ReportOutcome | None:
    if row.outcome is None:
        return None
    return known(ReportOutcome, row.outcome, "the outcome of a report")


def move_row(made: MadeMove) -> dict[str, object]:
    return {
        "report_id": made.report,
        "number": made.number,
        "tenant": made.tenant,
        "move": made.move.value,
        "made_by": made.by,
        "at_us": made.at_us,
        "outcome": None if made.outcome is None else made.outcome.value,
    }


def move_of(row: Row[Any]) -> MadeMove:
    """From a row that carries every column of ``dm_report_move`` under its own name."""
    return MadeMove(
        report=row.report_id,
        tenant=row.tenant,
        number=row.number,
        move=ReportMove(row.move),
        by=row.made_by,
        at_us=row.at_us,
        outcome=_outcome_of(row),
    )


def evidence_row(report: Report, item: EvidenceItem) -> dict[str, object]:
    return {
        "report_id": report.id,
        "message_id": item.message,
        "sender": item.sender,
        "body": item.body,
        "sent_at_us": item.sent_at_us,
        "edited_at_us": item.edited_at_us,
        "verdict": None if item.verdict is None else item.verdict.value,
    }


def evidence_of(row: Row[Any]) -> EvidenceItem:
    """From a row that carries every column of ``dm_evidence`` under its own name."""
    return EvidenceItem(
        message=row.message_id,
        sender=row.sender,
        body=row.body,
        sent_at_us=row.sent_at_us,
        edited_at_us=row.edited_at_us,
        verdict=None
        if row.verdict is None
        else known(EvidenceVerdict, row.verdict, "a verdict on evidence"),
    )


def erasure_row(erasure: Erasure) -> dict[str, object]:
    return {
        "tenant": erasure.tenant,
        "pseudonym": erasure.pseudonym,
        "began_at_us": erasure.began_at_us,
        "finished_at_us": erasure.finished_at_us,
    }


def erasure_of(row: Row[Any]) -> Erasure:
    """From a row that carries every column of ``dm_erasure`` under its own name."""
    return Erasure(
        tenant=row.tenant,
        pseudonym=row.pseudonym,
        began_at_us=row.began_at_us,
        finished_at_us=row.finished_at_us,
    )


def restriction_row(restriction: Restriction) -> dict[str, object]:
    return {
        "tenant": restriction.tenant,
        "user_id": restriction.user,
        "number": restriction.number,
        "kind": restriction.kind.value,
        "reason": restriction.reason.value,
        "made_by": restriction.by,
        "since_us": restriction.since_us,
        "until_us": restriction.until_us,
        "report_id": restriction.report,
        "ended_at_us": restriction.ended_at_us,
        "ended_by": restriction.ended_by,
    }


def restriction_of(row: Row[Any]) -> Restriction:
    """From a row that carries every column of ``dm_restriction`` under its own name."""
    return Restriction(
        tenant=row.tenant,
        user=row.user_id,
        number=row.number,
        kind=RestrictionKind(row.kind),
        reason=RestrictionReason(row.reason),
        by=row.made_by,
        since_us=row.since_us,
        until_us=row.until_us,
        report=row.report_id,
        ended_at_us=row.ended_at_us,
        ended_by=row.ended_by,
    )
