"""Any number of users as one table, in a statement that never changes.

A list of pairs would do in SQL, but neither engine looks it up in an index: SQLite scans,
and PostgreSQL turns it into a chain of ORs. A list in JSON is taken apart by both.
"""

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BindParameter,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)

from dmcore.adapters.sql._conditions import text_param
from dmcore.domain.ids import User

_GIVEN: Final = text_param("users")
USER_IDS: Final[BindParameter[Any]] = bindparam("user_ids", type_=ARRAY(Text()))
"""Their ids alone, by which Citus knows whom it need not ask."""


def _parts_of(listed: Any) -> Select[Any]:
    part = listed.c.value.op("->>")
    return select(
        part(literal_column("0")).label("tenant"), part(literal_column("1")).label("user_id")
    ).select_from(listed)


USERS: Final = {
    "sqlite": _parts_of(func.json_each(_GIVEN).table_valued("value")),
    "postgresql": _parts_of(
        func.json_array_elements(cast(_GIVEN, JSON))
        .table_valued("value")
        .render_derived(name="listed")
    ),
}
"""The table for each dialect: columns ``tenant`` and ``user_id``."""


def user_params(users: Collection[User]) -> dict[str, object]:
    """The parameters that the table is made of."""
    return {"users": json.dumps([(user.tenant, user.id) for user in users])}


def user_ids(users: Collection[User]) -> dict[str, object]:
    """The parameter ``USER_IDS``."""
    return {"user_ids": [user.id for user in users]}
