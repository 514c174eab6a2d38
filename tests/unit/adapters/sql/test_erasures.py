"""No column that holds the id of a user is forgotten by an erasure."""

import pytest
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from dmcore.adapters.sql._erasures import APART, RENAMED, WITH_THE_PAIR
from dmcore.adapters.sql._schema import erasure, metadata

# Text that is compared by code point and is no id of a user.
NO_USERS = {"tenant", "key", "consumer", "name"}
LEDGER = {erasure.c.pseudonym}


def looks_like_an_id(column: Column[object]) -> bool:
    """As ids are compared by code point, whatever the collation of the database (PAIR-1)."""
    kind = column.type.dialect_impl(postgresql.dialect())  # type: ignore[no-untyped-call]
    return getattr(kind, "collation", None) == "C" and column.name not in NO_USERS


@pytest.mark.promise("GDPR-1")
def test_every_column_with_the_id_of_a_user_is_named() -> None:
    found = {
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if looks_like_an_id(column)
    }
    named = [*RENAMED, *WITH_THE_PAIR, *APART, *LEDGER]
    assert len(named) == len(set(named))
    assert found == set(named)


@pytest.mark.promise("GDPR-1", "TEN-1")
def test_whatever_is_renamed_by_itself_has_a_tenant_to_be_found_by() -> None:
    for column in RENAMED:
        assert "tenant" in column.table.columns, column
