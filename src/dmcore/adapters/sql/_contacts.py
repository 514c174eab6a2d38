"""Contacts in SQL: the lock, the facts, the block lists."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    null,
    select,
    true,
    union_all,
)

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import (
    CONVERSATION,
    STANDING,
    TENANT,
    has_side,
    id_param,
    is_erased_as,
    mode_of,
    other_than,
    part,
    standing_params,
    text_param,
)
from dmcore.adapters.sql._guarding import Guard, Seen, Unguarded, version_of
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import (
    ACCOUNT_WIDTH,
    CONVERSATION_WIDTH,
    account_of,
    conversation_of,
    first_of,
    named,
    posting_of,
    rows_of,
)
from dmcore.adapters.sql._schema import block, conversation, installation, mailbox, message
from dmcore.adapters.sql._statements import Statement
from dmcore.adapters.sql._texts import Texts
from dmcore.adapters.sql._users import USER_IDS, USERS, user_ids, user_params
from dmcore.domain.account import Account
from dmcore.domain.contact import Block, Contact
from dmcore.domain.ids import ConversationId, Key, MessageId, TenantId, User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.pseudonyms import is_pseudonym, pseudonym_of
from dmcore.errors import AccountErased
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


def _boxes_of_conversation(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The same of a conversation, found by its id.

    The two users are rows of their own: asked for one who is low or high, PostgreSQL would look at
    every mailbox there is.
    """
    halves = (
        select(conversation.c.tenant, conversation.c[name].label("user_id")).where(
            conversation.c.id == CONVERSATION, *conditions
        )
        for name in ("low", "high")
    )
    member = union_all(*halves).subquery("member")
    is_theirs = and_(mailbox.c.tenant == member.c.tenant, mailbox.c.user_id == member.c.user_id)
    return select(mailbox).join_from(member, mailbox, is_theirs).order_by(mailbox.c.user_id)


_BOXES_OF_ANY = _boxes_of_conversation()
_BOXES_OF_CONVERSATION = _boxes_of_conversation(has_side(conversation, _ACTOR))


def _facts(
    boxes: Select[Any] | None,
    partner: ColumnElement[Any],
    *,
    having: ColumnElement[bool],
    waits: bool = True,
    is_watched: bool = False,
    is_keyed: bool = True,
) -> Select[Any]:
    """Lock the mailboxes and read everything that decides between the two, always as one row.

    A statement that had to wait for a lock returns the locked rows as they are now, and everything
    else as it was when the statement began. So the positions are read a second time without a
    lock, and how often something was removed: where they differ, the rest is out of date and is to
    be read again. Without ``boxes`` nothing is locked. Where it ``waits`` for nobody, a lock that
    another has is an error. What ``is_watched`` says which versions of the rows it read. Without a
    key none need be looked for: Citus would do so on every machine.
    """
    held: Any = mailbox
    if boxes is not None:
        held = boxes.with_for_update(key_share=True, of=mailbox, nowait=not waits).cte("held")
    actor_box, partner_box = held.alias("actor_box"), held.alias("partner_box")
    actor_seen, partner_seen = mailbox.alias("actor_seen"), mailbox.alias("partner_seen")
    earlier = message.alias("earlier")
    is_fresh: ColumnElement[bool] = true()
    if boxes is not None:
        is_fresh = and_(
            *(
                box.c[name].is_not_distinct_from(seen.c[name])
                for box, seen in ((actor_box, actor_seen), (partner_box, partner_seen))
                for name in ("position", "removals")
            )
        )
    versions = {"installation": installation, "actor": actor_box, "partner": partner_box}

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

    facts = (
        select(
            installation.c.mode,
            installation.c.keyring,
            *conversation.c,
            partner.label("partner"),
            is_erased_as(text_param("actor_erased_as")).label("actor_is_gone"),
            is_erased_as(text_param("partner_erased_as")).label("partner_is_gone"),
            *columns_of(actor_box, "actor"),
            *columns_of(partner_box, "partner"),
            is_fresh.label("is_fresh"),
            blocks(_ACTOR, partner).label("actor_blocks"),
            blocks(partner, _ACTOR).label("partner_blocks"),
            (earlier.c.id if is_keyed else null()).label("earlier_id"),
            *(
                version_of(row).label(f"{name}_version")
                for name, row in versions.items()
                if is_watched
            ),
            *([func.pg_is_in_recovery().label("is_standby")] if is_watched else ()),
        )
        .select_from(installation)
        .outerjoin(conversation, and_(conversation.c.id == CONVERSATION, having))
        .outerjoin(actor_box, is_box_of(actor_box, _ACTOR))
        .outerjoin(partner_box, is_box_of(partner_box, partner))
    )
    if is_keyed:
        facts = facts.outerjoin(
            earlier,
            and_(
                earlier.c.conversation_id == CONVERSATION,
                earlier.c.sender == _ACTOR,
                earlier.c.key == text_param("key"),
            ),
        )
    if boxes is None:
        return facts
    return facts.outerjoin(actor_seen, is_box_of(actor_seen, _ACTOR)).outerjoin(
        partner_seen, is_box_of(partner_seen, partner)
    )


# Not the conversation of somebody who was erased since, and has another name in it.
_IS_OF_PAIR = and_(
    conversation.c.low == text_param("low"), conversation.c.high == text_param("high")
)


class _Holding:
    """The statement that holds a pair, and the one that reads it again under the same locks.

    ``alone`` is for who only looks, or holds the whole database; ``watched`` for who holds nothing
    and will write. On Citus ``other`` says first who they are, and ``known`` the facts of both.
    """

    def __init__(
        self, boxes: Select[Any], partner: ColumnElement[Any], *, having: ColumnElement[bool]
    ) -> None:
        self.other = Statement(
            select(other_than(_ACTOR).label("id")).where(conversation.c.id == CONVERSATION, having)
        )
        self.known = {
            is_keyed: Statement(
                _facts(None, text_param("partner"), having=having, is_keyed=is_keyed)
            )
            for is_keyed in (False, True)
        }
        self.first, self.again = (
            Statement(_facts(boxes, partner, having=having, waits=waits)) for waits in (True, False)
        )
        self.alone = Statement(_facts(None, partner, having=having))
        self.watched = Statement(_facts(None, partner, having=having, is_watched=True))


_FACTS_OF_PAIR = _Holding(_BOXES_OF_PAIR, text_param("partner"), having=_IS_OF_PAIR)
_FACTS_OF_ANY = _Holding(_BOXES_OF_ANY, other_than(_ACTOR), having=true())
_FACTS_OF_CONVERSATION = _Holding(
    _BOXES_OF_CONVERSATION, other_than(_ACTOR), having=has_side(conversation, _ACTOR)
)
_NOWHERE = ConversationId(UUID(int=0))
# Where they begin in a row of facts.
_CONVERSATION_AT = 2
_ACTOR_AT = _CONVERSATION_AT + CONVERSATION_WIDTH + 3
_PARTNER_AT = _ACTOR_AT + ACCOUNT_WIDTH


# Where the three rows that are held are on different machines: each by itself, and with the
# conversation, which may be committed later than the accounts are (ADR 71).
_IS_ONES = and_(mailbox.c.tenant == TENANT, mailbox.c.user_id == text_param("owner"))
_LOCK_BOX, _LOCK_TALK = (
    {
        waits: Statement(found.with_for_update(key_share=True, nowait=not waits))
        for waits in (True, False)
    }
    for found in (
        select(mailbox.c.position).where(_IS_ONES),
        select(conversation.c.newest).where(conversation.c.id == CONVERSATION),
    )
)


_PAIRED = select(conversation.c.id).where(conversation.c.tenant == TENANT, _IS_OF_PAIR)
_POSTING = select(message).where(
    message.c.conversation_id == CONVERSATION, message.c.id == id_param("message")
)


def _blockers(users: Select[Any]) -> Select[Any]:
    given = users.subquery("given")
    # Not joined: for few users in a short table PostgreSQL would read the whole table.
    since = select(block.c.since_us).where(
        block.c.tenant == given.c.tenant,
        block.c.blocker == given.c.user_id,
        block.c.blocked == text_param("blocked"),
    )
    return (
        select(STANDING, given.c.user_id, since.scalar_subquery().label("since_us"))
        .select_from(installation)
        .outerjoin(given, true())
    )


_BLOCKERS = {dialect: Statement(_blockers(users)) for dialect, users in USERS.items()}


def _blockers_apart() -> Select[Any]:
    """The same of those who do, where what each of them blocks is on a machine of theirs."""
    found = part(
        select(block.c.blocker.label("user_id"), block.c.since_us).where(
            block.c.tenant == TENANT,
            block.c.blocker == func.any(USER_IDS),
            block.c.blocked == text_param("blocked"),
        ),
        "found",
    )
    return select(STANDING, found).select_from(installation).outerjoin(found, true())


_BLOCKERS_APART = Statement(_blockers_apart())


def _block_list() -> Select[Any]:
    lines = (
        select(block)
        .where(_IS_OF_BLOCKER, block.c.position < bindparam("before"))
        .order_by(block.c.position.desc())
        .limit(bindparam("limit"))
        .subquery()
    )
    return (
        select(STANDING, lines)
        .select_from(installation)
        .outerjoin(lines, true())
        .order_by(lines.c.position.desc())
    )


_BLOCK_LIST = _block_list()
_ABOVE_ALL_POSITIONS = (1 << 63) - 1


class SqlContacts:
    """The ``Contacts`` port."""

    def __init__(
        self,
        connection: Connection,
        batch: Batch,
        identity: Identity,
        namespace: bytes,
        texts: Texts,
        *,
        is_spread: bool = False,
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity
        self._namespace = namespace
        self._texts = texts
        self._is_spread = is_spread

    def hold(self, pair: Pair, *, actor: UserId, key: Key | None = None) -> Contact:
        facts = self._facts_of(pair, actor, key)
        row = self._held(_FACTS_OF_PAIR, facts)
        row = self._fresh(row, _FACTS_OF_PAIR, facts)
        _check_actor(row)
        return self._contact(row, pair, facts["conversation"], actor)

    def look(self, pair: Pair, *, actor: UserId) -> Contact:
        facts = self._facts_of(pair, actor, None)
        if self._is_spread:
            row = self._known(_FACTS_OF_PAIR, facts)
        else:
            row = first_of(_FACTS_OF_PAIR.alone.all(self._connection, facts))
        _check_actor(row)
        return self._contact(row, pair, facts["conversation"], actor)

    def _facts_of(self, pair: Pair, actor: UserId, key: Key | None) -> dict[str, Any]:
        partner = User(pair.tenant, pair.other_than(actor))
        return {
            "actor_erased_as": pseudonym_of(self._namespace, User(pair.tenant, actor)).id,
            "partner_erased_as": pseudonym_of(self._namespace, partner).id,
            "tenant": pair.tenant,
            "low": pair.low,
            "high": pair.high,
            "actor": actor,
            "partner": partner.id,
            "conversation": self.conversation_of(pair),
            "key": key,
        }

    def hold_conversation(
        self, conversation: ConversationId, *, actor: User, key: Key | None = None
    ) -> Contact | None:
        facts = self._facts_in(conversation, actor, key)
        row = self._held(_FACTS_OF_CONVERSATION, facts)
        _check_actor(row)
        if row.id is None:
            return None
        row = self._fresh(row, _FACTS_OF_CONVERSATION, facts)
        _check_actor(row)
        return self._contact(row, Pair(row.tenant, row.low, row.high), conversation, actor.id)

    def hold_any(self, conversation: ConversationId, *, user: User) -> Contact:
        """Hold the pair of a conversation for an erasure, whatever ``user`` has of it."""
        self._batch.check_held()
        facts = self._facts_in(conversation, user, None)
        row = self._held(_FACTS_OF_ANY, facts)
        row = self._fresh(row, _FACTS_OF_ANY, facts)
        return self._contact(row, Pair(row.tenant, row.low, row.high), conversation, user.id)

    def _facts_in(
        self, conversation: ConversationId, actor: User, key: Key | None
    ) -> dict[str, Any]:
        return {
            "tenant": actor.tenant,
            "actor": actor.id,
            "actor_erased_as": pseudonym_of(self._namespace, actor).id,
            # Who was erased has another name in the pair, and an account that says so.
            "partner_erased_as": None,
            "conversation": conversation,
            "key": key,
        }

    def conversation_of(self, pair: Pair) -> ConversationId:
        """The id of the conversation of a pair, whether it has one or not.

        Where somebody has a pseudonym it cannot be derived.
        """
        if is_pseudonym(pair.low) or is_pseudonym(pair.high):
            facts = {"tenant": pair.tenant, "low": pair.low, "high": pair.high}
            found = self._connection.execute(_PAIRED, facts).scalar_one_or_none()
            if found is not None:
                return ConversationId(found)
        return pair.conversation_id(self._namespace)

    def _held(self, holding: _Holding, facts: dict[str, Any]) -> Any:
        """The facts of a pair, held or watched."""
        if self._connection.dialect.name == "sqlite":
            return first_of(holding.alone.all(self._connection, facts))
        if self._is_spread:
            return self._held_apart(holding, facts)
        if not self._batch.is_guarded:
            return first_of(holding.first.all(self._connection, facts))
        row = first_of(holding.watched.all(self._connection, facts))
        if row.is_standby:
            # What is read here may be old; and to be told so is how a server that leads is found.
            raise Unguarded
        if row.partner is not None:
            seen = (
                self._seen(facts["tenant"], facts["actor"], row.actor_version),
                self._seen(facts["tenant"], row.partner, row.partner_version),
            )
            self._batch.watch(Guard(row.installation_version, seen))
        return row

    def _held_apart(self, holding: _Holding, facts: dict[str, Any]) -> Any:
        """The facts of a pair that lies on several machines, read when all of it is held (ADR 71).

        Each machine commits by itself: who has waited for one may be too early on another. So each
        row is waited for, and the facts come last.
        """
        waits = True
        while True:
            partner = facts.get("partner") or self._other(holding, facts)
            if partner is None:
                # Nor is it there for what comes next, if it comes meanwhile.
                nothing = {"partner": "", "conversation": _NOWHERE}
                return self._known(holding, facts | nothing)
            held = self._lock(facts, partner, waits=waits)
            row = self._known(holding, facts | {"partner": partner})
            positions = {facts["actor"]: row.actor_position, partner: row.partner_position}
            there = {user for user, position in positions.items() if position is not None}
            if there <= held and (row.id is None or partner in (row.low, row.high)):
                return row
            # A mailbox came meanwhile, or the partner has another name by now. Out of the order
            # nobody is waited for: whoever finds one taken starts over.
            waits = False

    def _known(self, holding: _Holding, facts: dict[str, Any]) -> Any:
        statement = holding.known[facts["key"] is not None]
        return first_of(statement.all(self._connection, facts))

    def _other(self, holding: _Holding, facts: dict[str, Any]) -> UserId | None:
        found = holding.other.all(self._connection, facts)
        return found[0].id if found else None

    def _lock(self, facts: dict[str, Any], partner: UserId, *, waits: bool) -> set[UserId]:
        """Hold the mailboxes of the two that exist, the low one first, and their conversation."""
        held = {
            owner
            for owner in sorted((facts["actor"], partner))
            if _LOCK_BOX[waits].all(self._connection, facts | {"owner": owner})
        }
        _LOCK_TALK[waits].all(self._connection, facts)
        return held

    def _seen(self, tenant: TenantId, user: UserId, version: str | None) -> Seen:
        owner = User(tenant, user)
        return Seen(owner, version, pseudonym_of(self._namespace, owner))

    def _fresh(self, row: Any, holding: _Holding, facts: dict[str, Any]) -> Any:
        """The row, or what it is by now, if it was read before the wait for a lock was over."""
        if row.is_fresh:
            return row
        # Nothing can change any more: what is held now was held when this began. Only a mailbox
        # that came meanwhile was not. To wait for the low one with the high one in hand would be
        # the wrong order, so whoever finds it taken lets go of everything and starts over.
        return first_of(holding.again.all(self._connection, facts))

    def _contact(
        self,
        row: Any,
        pair: Pair,
        conversation_id: ConversationId,
        actor: UserId,
    ) -> Contact:
        self._texts.check(row.keyring)
        self._identity.hold(conversation_id, pair.tenant)
        found = None
        if row.id is not None:
            columns = row[_CONVERSATION_AT : _CONVERSATION_AT + CONVERSATION_WIDTH]
            found = self._identity.conversation(
                conversation_of(columns), named(conversation, columns)
            )
        return Contact(
            mode=Mode(row.mode),
            pair=pair,
            conversation_id=conversation_id,
            conversation=found,
            actor=self._account(User(pair.tenant, actor), row[_ACTOR_AT:], row.actor_is_gone),
            partner=self._account(
                User(pair.tenant, pair.other_than(actor)), row[_PARTNER_AT:], row.partner_is_gone
            ),
            actor_blocks=bool(row.actor_blocks),
            partner_blocks=bool(row.partner_blocks),
            earlier=self._earlier(conversation_id, row.earlier_id, pair.tenant),
        )

    def _earlier(
        self, conversation: ConversationId, message_: MessageId | None, tenant: TenantId
    ) -> Posting | None:
        if message_ is None:
            return None
        facts = {"conversation": conversation, "message": message_}
        stored = posting_of(self._connection.execute(_POSTING, facts).one())
        return self._texts.posting(stored, tenant)

    def _account(self, user: User, columns: Sequence[Any], is_gone: object) -> Account:
        if columns[0] is None:
            return Account(user=user, is_erased=bool(is_gone))
        stored = columns[:ACCOUNT_WIDTH]
        row = named(mailbox, (user.tenant, user.id, *stored))
        return self._identity.account(account_of(user, stored), row)

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

    def blockers(self, blocked: User, *, among: Collection[UserId]) -> Reading[frozenset[UserId]]:
        users = [attrs.evolve(blocked, id=it) for it in among]
        facts = standing_params(self._namespace, blocked) | {"blocked": blocked.id}
        if self._is_spread:
            rows = _BLOCKERS_APART.all(self._connection, facts | user_ids(users))
        else:
            asked = _BLOCKERS[self._connection.dialect.name]
            rows = asked.all(self._connection, facts | user_params(users))
        found = {row.user_id for row in rows if row.since_us is not None}
        return Reading(mode_of(first_of(rows).mode), frozenset(found))

    def blocked_by(
        self, blocker: User, *, before: int | None, limit: int
    ) -> Reading[Sequence[Block]]:
        facts = {
            **standing_params(self._namespace, blocker),
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
        return Reading(mode_of(rows[0].mode), lines)


def _check_actor(row: Any) -> None:
    if row.actor_is_gone:
        raise AccountErased


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity, namespace: bytes
    ) -> Contacts:
        return SqlContacts(connection, batch, identity, namespace, Texts())
