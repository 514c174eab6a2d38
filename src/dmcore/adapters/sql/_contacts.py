"""Contacts in SQL: the lock, the facts, the block lists."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    select,
    true,
)

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import CONVERSATION, TENANT, has_side, id_param, text_param
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import account_of, conversation_of, posting_of, rows_of
from dmcore.adapters.sql._schema import block, conversation, installation, mailbox, message
from dmcore.domain.account import Account
from dmcore.domain.contact import Block, Contact
from dmcore.domain.ids import ConversationId, Key, MessageId, User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.ports.contacts import Contacts
from dmcore.ports.reading import Reading

_ACTOR = text_param("actor")
_IS_OF_BLOCKER = and_(block.c.tenant == TENANT, block.c.blocker == text_param("blocker"))

# The two mailboxes of a pair, the low one first.
_BOXES_OF_PAIR = (
    select(mailbox)
    .where(
        mailbox.c.tenant == TENANT,
        mailbox.c.user_id.in_((text_param("low"), text_param("high"))),
    )
    .order_by(mailbox.c.user_id)
)
_BOXES_OF_CONVERSATION = (
    select(mailbox)
    .join_from(
        conversation,
        mailbox,
        and_(
            mailbox.c.tenant == conversation.c.tenant,
            mailbox.c.user_id.in_((conversation.c.low, conversation.c.high)),
        ),
    )
    .where(conversation.c.id == CONVERSATION, has_side(conversation, _ACTOR))
    .order_by(mailbox.c.user_id)
)


def _facts(
    boxes: Select[Any] | None, partner: ColumnElement[Any], *, having: ColumnElement[bool]
) -> Select[Any]:
    """Lock the mailboxes and read everything that decides between the two, always as one row.

    A statement that had to wait for a lock returns the locked rows as they are now, and everything
    else as it was when the statement began. So the positions are read a second time without a
    lock: where they differ, the rest is out of date and is to be read again. Without ``boxes``
    nothing is locked.
    """
    held: Any = mailbox
    if boxes is not None:
        held = boxes.with_for_update(key_share=True, of=mailbox).cte("held")
    actor_box, partner_box = held.alias("actor_box"), held.alias("partner_box")
    actor_seen, partner_seen = mailbox.alias("actor_seen"), mailbox.alias("partner_seen")
    earlier = message.alias("earlier")

    def blocks(blocker: ColumnElement[Any], blocked: ColumnElement[Any]) -> ColumnElement[bool]:
        return exists().where(
            block.c.tenant == TENANT, block.c.blocker == blocker, block.c.blocked == blocked
        )

    def is_box_of(box: Any, user: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(box.c.tenant == TENANT, box.c.user_id == user)

    def columns_of(alias: Any, name: str) -> list[ColumnElement[Any]]:
        keys = ("tenant", "user_id")
        return [
            column.label(f"{name}_{column.name}") for column in alias.c if column.name not in keys
        ]

    return (
        select(
            installation.c.mode,
            *conversation.c,
            partner.label("partner"),
            *columns_of(actor_box, "actor"),
            *columns_of(partner_box, "partner"),
            and_(
                actor_box.c.position.is_not_distinct_from(actor_seen.c.position),
                partner_box.c.position.is_not_distinct_from(partner_seen.c.position),
            ).label("is_fresh"),
            blocks(_ACTOR, partner).label("actor_blocks"),
            blocks(partner, _ACTOR).label("partner_blocks"),
            earlier.c.id.label("earlier_id"),
        )
        .select_from(installation)
        .outerjoin(conversation, and_(conversation.c.id == CONVERSATION, having))
        .outerjoin(actor_box, is_box_of(actor_box, _ACTOR))
        .outerjoin(actor_seen, is_box_of(actor_seen, _ACTOR))
        .outerjoin(partner_box, is_box_of(partner_box, partner))
        .outerjoin(partner_seen, is_box_of(partner_seen, partner))
        .outerjoin(
            earlier,
            and_(
                earlier.c.conversation_id == CONVERSATION,
                earlier.c.sender == _ACTOR,
                earlier.c.key == text_param("key"),
            ),
        )
    )


_FACTS_OF_PAIR = _facts(_BOXES_OF_PAIR, text_param("partner"), having=true())
_FACTS_UNHELD = _facts(None, text_param("partner"), having=true())
_FACTS_OF_CONVERSATION = _facts(
    _BOXES_OF_CONVERSATION,
    case((conversation.c.low == _ACTOR, conversation.c.high), else_=conversation.c.low),
    having=has_side(conversation, _ACTOR),
)

_POSTING = select(message).where(
    message.c.conversation_id == CONVERSATION, message.c.id == id_param("message")
)
_BLOCKS = select(
    installation.c.mode,
    exists().where(_IS_OF_BLOCKER, block.c.blocked == text_param("blocked")).label("blocks"),
)


def _block_list() -> Select[Any]:
    lines = (
        select(block)
        .where(_IS_OF_BLOCKER, block.c.position < bindparam("before"))
        .order_by(block.c.position.desc())
        .limit(bindparam("limit"))
        .subquery()
    )
    return (
        select(installation.c.mode, lines)
        .select_from(installation)
        .outerjoin(lines, true())
        .order_by(lines.c.position.desc())
    )


_BLOCK_LIST = _block_list()
_ABOVE_ALL_POSITIONS = (1 << 63) - 1


class SqlContacts:
    """The ``Contacts`` port."""

    def __init__(
        self, connection: Connection, batch: Batch, identity: Identity, namespace: bytes
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity
        self._namespace = namespace

    def hold(self, pair: Pair, *, actor: UserId, key: Key | None = None) -> Contact:
        facts = self._facts_of(pair, actor, key)
        row = self._connection.execute(_FACTS_OF_PAIR, facts).one()
        row = self._fresh(row, _FACTS_OF_PAIR, facts)
        return self._contact(row, pair, facts["conversation"], actor)

    def look(self, pair: Pair, *, actor: UserId) -> Contact:
        facts = self._facts_of(pair, actor, None)
        row = self._connection.execute(_FACTS_UNHELD, facts).one()
        return self._contact(row, pair, facts["conversation"], actor)

    def _facts_of(self, pair: Pair, actor: UserId, key: Key | None) -> dict[str, Any]:
        return {
            "tenant": pair.tenant,
            "low": pair.low,
            "high": pair.high,
            "actor": actor,
            "partner": pair.other_than(actor),
            "conversation": pair.conversation_id(self._namespace),
            "key": key,
        }

    def hold_conversation(
        self, conversation: ConversationId, *, actor: User, key: Key | None = None
    ) -> Contact | None:
        facts = {
            "tenant": actor.tenant,
            "actor": actor.id,
            "conversation": conversation,
            "key": key,
        }
        row = self._connection.execute(_FACTS_OF_CONVERSATION, facts).one()
        if row.id is None:
            return None
        row = self._fresh(row, _FACTS_OF_CONVERSATION, facts)
        pair = Pair(row.tenant, row.low, row.high)
        return self._contact(row, pair, conversation, actor.id)

    def _fresh(self, row: Row[Any], statement: Select[Any], facts: dict[str, Any]) -> Row[Any]:
        """The row, or what it is by now, if it was read before the wait for a lock was over."""
        if row.is_fresh:
            return row
        # Nothing can change any more: what is held now was held when this began.
        return self._connection.execute(statement, facts).one()

    def _contact(
        self,
        row: Row[Any],
        pair: Pair,
        conversation_id: ConversationId,
        actor: UserId,
    ) -> Contact:
        found = None if row.id is None else self._identity.conversation(conversation_of(row))
        return Contact(
            mode=Mode(row.mode),
            pair=pair,
            conversation_id=conversation_id,
            conversation=found,
            actor=self._account(User(pair.tenant, actor), row, "actor"),
            partner=self._account(User(pair.tenant, pair.other_than(actor)), row, "partner"),
            actor_blocks=bool(row.actor_blocks),
            partner_blocks=bool(row.partner_blocks),
            earlier=self._earlier(conversation_id, row.earlier_id),
        )

    def _earlier(self, conversation: ConversationId, message_: MessageId | None) -> Posting | None:
        if message_ is None:
            return None
        facts = {"conversation": conversation, "message": message_}
        return posting_of(self._connection.execute(_POSTING, facts).one())

    def _account(self, user: User, row: Row[Any], name: str) -> Account:
        if row._mapping[f"{name}_position"] is None:
            return Account(user=user)
        return self._identity.account(account_of(user, row, f"{name}_"))

    def add_block(self, pair: Pair, block_: Block) -> None:
        self._batch.insert(
            block,
            {
                "tenant": pair.tenant,
                "blocker": pair.other_than(block_.blocked),
                "blocked": block_.blocked,
                "since_us": block_.since_us,
                "position": block_.position,
            },
        )

    def remove_block(self, pair: Pair, *, blocked: UserId) -> None:
        blocker = pair.other_than(blocked)
        self._batch.delete(block, {"tenant": pair.tenant, "blocker": blocker, "blocked": blocked})

    def blocks(self, *, blocker: User, blocked: UserId) -> Reading[bool]:
        facts = {"tenant": blocker.tenant, "blocker": blocker.id, "blocked": blocked}
        row = self._connection.execute(_BLOCKS, facts).one()
        return Reading(Mode(row.mode), bool(row.blocks))

    def blocked_by(
        self, blocker: User, *, before: int | None, limit: int
    ) -> Reading[Sequence[Block]]:
        facts = {
            "tenant": blocker.tenant,
            "blocker": blocker.id,
            "before": _ABOVE_ALL_POSITIONS if before is None else before,
            "limit": limit,
        }
        rows = rows_of(self._connection, _BLOCK_LIST, facts)
        lines = [
            Block(blocked=row.blocked, since_us=row.since_us, position=row.position)
            for row in rows
            if row.blocked is not None
        ]
        return Reading(Mode(rows[0].mode), lines)


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity, namespace: bytes
    ) -> Contacts:
        return SqlContacts(connection, batch, identity, namespace)
