"""Row-level security on PostgreSQL, as ``initialise`` sets it up: five roles and what each may.

Owns the statements. Each policy lets through what the use cases of a capacity need, and none lets a
text through to who is not in its conversation. What is not named here is closed: a table without a
policy shows nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs
from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from dmcore.adapters.sql._batch import Verb, writes
from dmcore.adapters.sql._row_security import OPERATOR_POLICY, PARTICIPANT_POLICY
from dmcore.adapters.sql._schema import installation, message, metadata, report
from dmcore.errors import InvalidSetting, WrongRole

_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")

TENANT: Final = "current_setting('dmcore.tenant', true)"
USER: Final = "current_setting('dmcore.user', true)"
_CAPACITY: Final = "current_setting('dmcore.capacity', true)"
_OPERATES: Final = f"{_CAPACITY} = 'operator'"


@attrs.frozen
class Roles:
    """The names of the five roles. None of them may log in: grant them to roles that may."""

    prefix: str

    def __attrs_post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise InvalidSetting(
                "roles", "must be a prefix of at most 40 letters a-z, digits and underscores"
            )

    @property
    def owner(self) -> str:
        """Owns the tables, and is held to the policies of an operator."""
        return f"{self.prefix}_owner"

    @property
    def application(self) -> str:
        """The running site: participants, moderators and the host itself."""
        return f"{self.prefix}_application"

    @property
    def operator(self) -> str:
        """Operations: the switch, verification, pruning, erasure."""
        return f"{self.prefix}_operator"

    @property
    def moderator(self) -> str:
        """Reads the views of reports and of what was done with them, and nothing else."""
        return f"{self.prefix}_moderator"

    @property
    def backup(self) -> str:
        """Reads everything."""
        return f"{self.prefix}_backup"

    def all(self) -> tuple[str, ...]:
        return self.owner, self.application, self.operator, self.moderator, self.backup


@attrs.frozen
class _Rule:
    """One policy of the application role: as what one acts, on which rows, for which command."""

    capacity: str
    command: str
    rows: str

    def sql(self, table: str, role: str, number: int) -> str:
        name = f"dm_{self.capacity}_{self.command.lower()}_{number}"
        if (table, self.capacity, self.command) == (message.name, "participant", "SELECT"):
            name = PARTICIPANT_POLICY
        condition = f"{_CAPACITY} = '{self.capacity}' AND ({self.rows})"
        clauses = {
            "SELECT": f"USING ({condition})",
            "DELETE": f"USING ({condition})",
            "INSERT": f"WITH CHECK ({condition})",
            "UPDATE": f"USING ({condition}) WITH CHECK ({condition})",
        }
        return (
            f"CREATE POLICY {name} ON {table} FOR {self.command} TO {role} {clauses[self.command]}"
        )


def _rules(capacity: str, rows: str, *commands: str) -> tuple[_Rule, ...]:
    return tuple(_Rule(capacity, command, rows) for command in commands)


def _in_conversation(table: str) -> str:
    """The user is one of the pair."""
    return (
        f"EXISTS (SELECT FROM dm_conversation AS talk WHERE talk.id = {table}.conversation_id"
        f" AND talk.tenant = {TENANT} AND {USER} IN (talk.low, talk.high))"
    )


# What one sees of a conversation, one has it, or one said it in a conversation only the other has.
_SEES_MESSAGE: Final = (
    "EXISTS (SELECT FROM dm_conversation AS talk WHERE talk.id = dm_message.conversation_id"
    f" AND talk.tenant = {TENANT} AND ("
    f"talk.low = {USER} AND (talk.low_exists OR dm_message.sender = {USER})"
    f" OR talk.high = {USER} AND (talk.high_exists OR dm_message.sender = {USER})))"
)
_IS_HERE: Final = f"tenant = {TENANT}"
_IS_OWN: Final = f"{_IS_HERE} AND user_id = {USER}"
# Made by oneself; or by a screener that was asked while one wrote, about what one wrote.
_IS_FROM: Final = f"(reporter = {USER} OR reporter IS NULL AND reported = {USER})"
_IS_OWN_REPORT: Final = (
    "EXISTS (SELECT FROM dm_report AS it WHERE it.id = {table}.report_id"
    f" AND it.tenant = {TENANT} AND {_IS_FROM})"
)
# Somebody is told in their own name of what was taken from them or given back (MOD-4).
_IS_TOLD: Final = (
    f"{_IS_HERE} AND actor = user_id AND other IS NULL AND action IN"
    " ('user_muted', 'user_unmuted', 'user_suspended', 'user_unsuspended')"
)
_MAY_RESTRICT: Final = f"{_IS_HERE} AND user_id <> {USER}"
_MAY_MODERATE: Final = f"{_IS_HERE} AND reported <> {USER}"
_FINDS_REPORT: Final = (
    f"{_IS_HERE} AND EXISTS (SELECT FROM dm_report AS it WHERE it.id = dm_report_move.report_id"
    f" AND it.tenant = {TENANT} AND it.reported <> {USER})"
)
_HOLDS_REPORT: Final = (
    "EXISTS (SELECT FROM dm_report AS it WHERE it.id = dm_evidence.report_id"
    f" AND it.tenant = {TENANT} AND it.reported <> {USER}"
    f" AND it.taken_by = {USER} AND it.state = 'taken')"
)

_APPLICATION: Final[Mapping[str, Sequence[_Rule]]] = {
    # Whom one writes to may have no conversation yet; so the partner is whoever is of the tenant.
    "dm_mailbox": (
        *_rules("participant", _IS_HERE, "SELECT", "INSERT", "UPDATE"),
        # Of whomever they restrict a moderator holds the row in which that stands.
        *_rules("moderator", _IS_HERE, "SELECT", "INSERT", "UPDATE"),
        *_rules("host", "true", "SELECT"),
    ),
    "dm_conversation": _rules(
        "participant", f"{_IS_HERE} AND {USER} IN (low, high)", "SELECT", "INSERT", "UPDATE"
    ),
    "dm_side": _rules(
        "participant",
        f"{_IS_HERE} AND {USER} IN (user_id, other)",
        *("SELECT", "INSERT", "UPDATE", "DELETE"),
    ),
    "dm_message": (
        *_rules("participant", _SEES_MESSAGE, "SELECT", "UPDATE"),
        *_rules("participant", f"sender = {USER}", "INSERT"),
    ),
    "dm_receipt": (
        *_rules("participant", _in_conversation("dm_receipt"), "SELECT"),
        *_rules("participant", f"reader = {USER} AND {_in_conversation('dm_receipt')}", "INSERT"),
    ),
    "dm_block": (
        *_rules("participant", f"{_IS_HERE} AND {USER} IN (blocker, blocked)", "SELECT"),
        *_rules("participant", f"{_IS_HERE} AND blocker = {USER}", "INSERT", "DELETE"),
    ),
    "dm_journal": (
        *_rules("participant", _IS_OWN, "SELECT"),
        *_rules("participant", f"{_IS_HERE} AND actor = {USER}", "INSERT"),
        *_rules("moderator", f"{_IS_OWN} AND actor = {USER}", "INSERT"),
        *_rules("moderator", _IS_TOLD, "INSERT"),
    ),
    # Whether somebody was erased is asked under the name that is left of them.
    "dm_erasure": (
        *_rules("participant", _IS_HERE, "SELECT"),
        *_rules("moderator", _IS_HERE, "SELECT"),
    ),
    "dm_report": (
        *_rules("participant", f"{_IS_HERE} AND {_IS_FROM}", "SELECT", "INSERT"),
        *_rules("moderator", _MAY_MODERATE, "SELECT", "UPDATE"),
    ),
    "dm_report_message": (
        *_rules("participant", _IS_OWN_REPORT.format(table="dm_report_message"), "SELECT"),
        *_rules("participant", f"{USER} <> ''", "INSERT"),
    ),
    # The history of a report goes to who may find it, and each adds what they do themselves.
    "dm_report_move": (
        *_rules("moderator", _FINDS_REPORT, "SELECT"),
        *_rules("moderator", f"made_by = {USER} AND {_FINDS_REPORT}", "INSERT"),
    ),
    "dm_evidence": (
        *_rules("participant", f"{USER} <> ''", "INSERT"),
        *_rules("moderator", _HOLDS_REPORT, "SELECT"),
    ),
    "dm_restriction": _rules("moderator", _MAY_RESTRICT, "SELECT", "INSERT", "UPDATE"),
    "dm_device": (
        *_rules("participant", _IS_HERE, "SELECT"),
        *_rules("participant", _IS_OWN, "INSERT", "UPDATE", "DELETE"),
    ),
    # Whoever seals a message for somebody takes a key of theirs away.
    "dm_one_time_key": (
        *_rules("participant", _IS_HERE, "SELECT", "DELETE"),
        *_rules("participant", _IS_OWN, "INSERT"),
    ),
}

# Who a row is about does not change, nor does its key.
_FIXED: Final[Mapping[str, Sequence[str]]] = {
    "dm_conversation": ("tenant", "low", "high"),
    "dm_side": ("other",),
    "dm_message": ("sender", "sent_at_us"),
    "dm_report": (
        *("tenant", "reporter", "reported", "conversation_id"),
        *("chosen", "reason", "made_at_us", "flags"),
    ),
    "dm_device": ("identity", "added_at_us"),
    "dm_restriction": ("kind", "reason", "made_by", "since_us", "until_us", "report_id"),
}

# A rule about a row that another row of the same statement decides is looked at when all are there.
_AFTERWARDS: Final[Mapping[str, tuple[str, str]]] = {
    "dm_message": (
        "dm_check_sender",
        "EXISTS (SELECT FROM {schema}.dm_conversation AS talk WHERE talk.id = NEW.conversation_id"
        f" AND talk.tenant = {TENANT} AND {USER} IN (talk.low, talk.high))",
    ),
    **dict.fromkeys(
        ("dm_report_message", "dm_evidence"),
        (
            "dm_check_reporter",
            "EXISTS (SELECT FROM {schema}.dm_report AS it WHERE it.id = NEW.report_id"
            f" AND it.tenant = {TENANT} AND {_IS_FROM})",
        ),
    ),
}

# What a moderator's line of a report shows, which messages it names, and what was done with it;
# never a text (MOD-2).
_LINE: Final = ", ".join(f"it.{column.name}" for column in report.c if column.name != "tenant")
VIEWS: Final = {
    "dm_moderation_report": f"SELECT {_LINE} FROM dm_report AS it",  # noqa: S608
    "dm_moderation_message": (
        "SELECT named.report_id, named.message_id FROM dm_report_message AS named"
        " JOIN dm_report AS it ON it.id = named.report_id"
    ),
    "dm_moderation_move": (
        "SELECT made.report_id, made.number, made.move, made.made_by, made.at_us, made.outcome"
        " FROM dm_report_move AS made JOIN dm_report AS it ON it.id = made.report_id"
    ),
}
_VIEWED: Final = {
    "dm_report": _MAY_MODERATE,
    "dm_report_message": (
        "EXISTS (SELECT FROM dm_report AS it WHERE it.id = dm_report_message.report_id"
        f" AND it.tenant = {TENANT} AND it.reported <> {USER})"
    ),
    "dm_report_move": _FINDS_REPORT,
}


_OLD_POLICIES: Final = (
    "SELECT quote_ident(polname), polrelid::regclass::text FROM pg_policy"
    " WHERE starts_with(polname, 'dm_') AND starts_with(polrelid::regclass::text, 'dm_')"
)


def secure(connection: Connection, roles: Roles) -> None:
    """Make the roles where they are missing, and every policy and grant anew, in one transaction.

    Raises ``WrongRole``.
    """
    for role in roles.all():
        _make(connection, role)
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    if not _is_granted(connection, roles.owner):
        connection.exec_driver_sql(f"GRANT {roles.owner} TO CURRENT_USER")
    if not _is_granted(connection, roles.operator, to=roles.owner):
        connection.exec_driver_sql(f"GRANT {roles.operator} TO {roles.owner}")
    for role, right in (
        (roles.owner, "CREATE"),
        *((role, "USAGE") for role in roles.all()),
    ):
        _let(connection, role, right, schema)
    for statement in _statements(schema, roles):
        connection.exec_driver_sql(statement)
    for name, table in connection.exec_driver_sql(_OLD_POLICIES).all():
        connection.exec_driver_sql(f"DROP POLICY {name} ON {table}")
    for statement in _policies(roles):
        connection.exec_driver_sql(statement)


def check_may_secure(connection: Connection, roles: Roles) -> None:
    """Whether this login may make policies and grants anew, where the roles are there already.

    Whoever is granted the owner needs no right to grant anything more. Raises ``WrongRole``.
    """
    if not _is_granted(connection, roles.owner):
        raise WrongRole(
            f"it is not granted {roles.owner}, which owns the tables: connect as a login that is,"
            " or as a superuser"
        )


def _is_granted(connection: Connection, role: str, *, to: str | None = None) -> bool:
    """Whether a login, or the one that is connected, may do what a role may; a superuser may."""
    has = "SELECT pg_has_role(coalesce(%s::text, current_user), %s, 'USAGE')"
    return bool(connection.exec_driver_sql(has, (to, role)).scalar_one())


def _let(connection: Connection, role: str, right: str, schema: str) -> None:
    """Give a role a right on the schema that it does not have: who may not give it need not."""
    has = "SELECT has_schema_privilege(%s, %s, %s)"
    if not connection.exec_driver_sql(has, (role, schema, right)).scalar_one():
        connection.exec_driver_sql(f"GRANT {right} ON SCHEMA {schema} TO {role}")


def _make(connection: Connection, role: str) -> None:
    exists = connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    if exists.one_or_none() is not None:
        return
    try:
        connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
    except ProgrammingError:
        pass
    else:
        return
    raise WrongRole(f"it may not create roles; have an administrator run CREATE ROLE {role}")


def _statements(schema: str, roles: Roles) -> Iterator[str]:
    """Who owns and who may touch what, and the checks at the end of a statement."""
    for table in metadata.sorted_tables:
        yield f"ALTER TABLE {table.name} OWNER TO {roles.owner}"
        yield f"REVOKE ALL ON {table.name} FROM PUBLIC, {', '.join(roles.all()[1:])}"
        yield f"GRANT SELECT ON {table.name} TO {roles.application}, {roles.backup}"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {roles.operator}"
    for verb, name, columns in writes():
        if name == installation.name:
            continue
        changed = _quoted(it for it in columns if it not in _FIXED.get(name, ()))
        listed = f" ({', '.join(changed)})" if verb is Verb.UPDATE else ""
        yield f"GRANT {verb.upper()}{listed} ON {name} TO {roles.application}"
    yield from _checks(schema, roles)
    for name, query in VIEWS.items():
        yield f"DROP VIEW IF EXISTS {name}"
        yield f"CREATE VIEW {name} WITH (security_barrier) AS {query}"
        yield f"ALTER VIEW {name} OWNER TO {roles.owner}"
        yield f"REVOKE ALL ON {name} FROM PUBLIC"
        yield f"GRANT SELECT ON {name} TO {roles.moderator}"


def _checks(schema: str, roles: Roles) -> Iterator[str]:
    participates = f"{_CAPACITY} = 'participant'"
    for function, condition in dict(_AFTERWARDS.values()).items():
        found = condition.format(schema=schema)
        yield (
            f"CREATE OR REPLACE FUNCTION {schema}.{function}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN IF NOT {found} THEN {_REFUSE} END IF; RETURN NULL; END $$"
        )
        yield f"ALTER FUNCTION {schema}.{function}() OWNER TO {roles.owner}"
    yield (
        f"CREATE OR REPLACE FUNCTION {schema}.dm_refuse() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {_REFUSE} END $$"
    )
    yield f"ALTER FUNCTION {schema}.dm_refuse() OWNER TO {roles.owner}"
    for table, (function, _) in _AFTERWARDS.items():
        yield f"DROP TRIGGER IF EXISTS {function} ON {table}"
        yield (
            f"CREATE TRIGGER {function} AFTER INSERT ON {table} FOR EACH ROW"
            f" WHEN ({participates}) EXECUTE FUNCTION {schema}.{function}()"
        )
    # Of the other's message one may change whether one sees it, and nothing else.
    kept = _quoted(it.name for it in message.c if it.name != "hidden_by_recipient")
    before, after = (", ".join(f"{row}.{it}" for it in kept) for row in ("OLD", "NEW"))
    yield "DROP TRIGGER IF EXISTS dm_refuse ON dm_message"
    yield (
        "CREATE TRIGGER dm_refuse AFTER UPDATE ON dm_message FOR EACH ROW"
        f" WHEN ({participates} AND OLD.sender <> {USER}"
        f" AND ROW({before}) IS DISTINCT FROM ROW({after}))"
        f" EXECUTE FUNCTION {schema}.dm_refuse()"
    )


_REFUSE: Final = (
    "RAISE EXCEPTION 'refused by row-level security' USING ERRCODE = 'insufficient_privilege';"
)


def _policies(roles: Roles) -> Iterator[str]:
    for table in metadata.sorted_tables:
        if table is installation:
            # What every connection reads before it knows who acts; it holds nobody's rows.
            continue
        name = table.name
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        yield (
            f"CREATE POLICY {OPERATOR_POLICY} ON {name} TO {roles.operator}"
            f" USING ({_OPERATES}) WITH CHECK ({_OPERATES})"
        )
        yield f"CREATE POLICY dm_backup ON {name} FOR SELECT TO {roles.backup} USING (true)"
        for number, rule in enumerate(_APPLICATION.get(name, ())):
            yield rule.sql(name, roles.application, number)
        if name in _VIEWED:
            yield (
                f"CREATE POLICY dm_viewed ON {name} FOR SELECT TO {roles.owner}"
                f" USING ({_CAPACITY} = 'moderator' AND {_VIEWED[name]})"
            )


def _quoted(names: Iterable[str]) -> list[str]:
    return [f'"{name}"' for name in names]
