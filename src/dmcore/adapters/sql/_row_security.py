"""Row-level security as a runner meets it: who acts is told to the database, in each transaction.

The identity is local to a transaction, so a connection that goes back to its pool carries none
(OPS-7). Owns how it is said and how it is found out whether it has to be. Knows no policy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import attrs
from sqlalchemy import Connection, text

from dmcore.adapters.sql._citus import is_spread
from dmcore.errors import InvalidSetting, WrongRole
from dmcore.ports.installation import RowSecurity
from dmcore.ports.transactions import Actor, Call, Capacity, Needs

Expected = Literal["as_found", "require", "bypass"]

EXPECTED: Final = ("as_found", "require", "bypass")
PARTICIPANT_POLICY: Final = "dm_participant_read"
OPERATOR_POLICY: Final = "dm_operator"
SETTINGS: Final = ("dmcore.capacity", "dmcore.tenant", "dmcore.user")

# How a transaction begins; a single reading statement needs none around it.
_BEGIN: Final = {
    ("sqlite", Needs.SNAPSHOT): "BEGIN",
    ("sqlite", Needs.WRITE): "BEGIN IMMEDIATE",
    ("postgresql", Needs.SNAPSHOT): "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    ("postgresql", Needs.WRITE): "BEGIN",
}
# Where an identity has to be told, a reading statement has one around it all the same.
_BEGIN_READING: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"

_LOOK: Final = text(
    "SELECT relrowsecurity AS is_on,"
    " (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses,"
    " (SELECT json_object_agg(polname, polroles[1]::regrole::text) FROM pg_policy"
    "  WHERE polrelid = pg_class.oid AND polname IN (:participant, :operator)) AS roles,"
    " (SELECT json_object_agg(polname, pg_has_role(polroles[1], 'USAGE')) FROM pg_policy"
    "  WHERE polrelid = pg_class.oid AND polname IN (:participant, :operator)) AS held,"
    " to_regclass('pg_dist_partition') IS NOT NULL AS has_citus"
    " FROM pg_class WHERE oid = to_regclass('dm_message')"
).bindparams(participant=PARTICIPANT_POLICY, operator=OPERATOR_POLICY)
_READ_IDENTITY: Final = "SELECT " + ", ".join(f"current_setting('{it}', true)" for it in SETTINGS)
_SET_IDENTITY: Final = "SELECT " + ", ".join(f"set_config('{it}', %s, true)" for it in SETTINGS)


@attrs.frozen(kw_only=True)
class Security:
    """What row-level security means to one connection's role, found when it was opened.

    Also whether the tables ``is_spread`` over machines, where there is none of it (ADR 71).
    """

    found: RowSecurity = RowSecurity.OFF
    participant_role: str = ""
    operator_role: str = ""
    may_participate: bool = True
    may_operate: bool = True
    is_spread: bool = False

    def beginning(self, dialect: str, call: Call[object]) -> str | None:
        """The statement that begins a call's transaction and says who acts; ``None`` for none.

        It is sent without parameters, for only so are several statements one round trip; what the
        ids are made of is sent as hexadecimal digits. Raises ``WrongRole``.
        """
        if self.found is not RowSecurity.ON:
            return _BEGIN.get((dialect, call.needs))
        self.check(call.actor)
        begin = _BEGIN.get((dialect, call.needs), _BEGIN_READING)
        values = map(_literal, _identity(call.actor))
        settings = zip(SETTINGS, values, strict=True)
        told = ", ".join(f"set_config('{name}', {value}, true)" for name, value in settings)
        return f"{begin}; SELECT {told}"

    def lets_guard(self, dialect: str) -> bool:
        """Whether a call may write without a transaction around what it reads (ADR 53).

        Not where who acts has to be told first, nor on Citus, where no statement sees all of it in
        one state; and on SQLite nobody could be in between.
        """
        is_one = dialect == "postgresql" and not self.is_spread
        return is_one and self.found is not RowSecurity.ON

    @contextmanager
    def acting(self, connection: Connection, actor: Actor | None) -> Iterator[None]:
        """Act as somebody inside a transaction of the host, whose identity comes back after it.

        In a savepoint, whatever is asked: what it sets goes when it is undone, however it ended,
        also where nothing more can be asked before.
        """
        if self.found is not RowSecurity.ON:
            yield
            return
        self.check(actor)
        with connection.begin_nested():
            before = connection.exec_driver_sql(_READ_IDENTITY).one()
            connection.exec_driver_sql(_SET_IDENTITY, _identity(actor))
            yield
            host = tuple(value or "" for value in before)
            connection.exec_driver_sql(_SET_IDENTITY, host)

    def check(self, actor: Actor | None) -> None:
        """Raise ``WrongRole`` for what this role could not do, rather than find nothing."""
        is_operator = actor is not None and actor.capacity is Capacity.OPERATOR
        if is_operator and not self.may_operate:
            raise _not_granted(self.operator_role)
        if not is_operator and not self.may_participate:
            raise _not_granted(self.participant_role)


OFF: Final = Security()
ON_CITUS: Final = Security(is_spread=True)


def check_expected(expected: Expected) -> Expected:
    """The word itself. Raises ``InvalidSetting``."""
    if expected not in EXPECTED:
        raise InvalidSetting("row_security", f"must be one of {', '.join(EXPECTED)}")
    return expected


def look(connection: Connection) -> Security:
    """What row-level security means to the role of a connection."""
    if connection.dialect.name == "sqlite":
        return OFF
    row = connection.execute(_LOOK).one()
    if row.has_citus and is_spread(connection):
        return ON_CITUS
    if not row.is_on or row.roles is None:
        return OFF
    return Security(
        found=RowSecurity.BYPASSED if row.bypasses else RowSecurity.ON,
        participant_role=row.roles[PARTICIPANT_POLICY],
        operator_role=row.roles[OPERATOR_POLICY],
        may_participate=row.held[PARTICIPANT_POLICY],
        may_operate=row.held[OPERATOR_POLICY],
    )


def checked(connection: Connection, expected: Expected) -> Security:
    """The same. Raises ``WrongRole`` where that is not what the host expects."""
    security = look(connection)
    if security.found is RowSecurity.OFF and expected == "require":
        raise WrongRole("this database has no row-level security: run `dmcore init --rls` on it")
    if security.found is RowSecurity.BYPASSED and expected != "bypass":
        raise WrongRole(
            "it bypasses row-level security, which is on: connect as a login that is granted"
            f' {security.participant_role}, or say row_security="bypass"'
        )
    if not security.may_participate and not security.may_operate:
        raise _not_granted(security.participant_role)
    return security


def _not_granted(role: str) -> WrongRole:
    return WrongRole(f"it is not granted {role}")


def _identity(actor: Actor | None) -> tuple[str, str, str]:
    """The values of the settings; nobody is nobody, and sees nothing."""
    if actor is None:
        return "", "", ""
    if actor.user is None:
        return actor.capacity.value, "", ""
    return actor.capacity.value, actor.user.tenant, actor.user.id


def _literal(value: str) -> str:
    return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"
