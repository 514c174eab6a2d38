"""How the tables lie on Citus: told by the statements, without a Citus (SCALE-1, SCALE-2)."""

import re
from typing import Any

import pytest
from sqlalchemy import UniqueConstraint
from sqlalchemy.schema import CreateTable

from dmcore.adapters.sql import metadata
from dmcore.adapters.sql._citus import EVERYWHERE, LEFT_OUT, SPREAD, citus_sql, statements

pytestmark = pytest.mark.promise("SCALE-1", "SCALE-2")


def spread_by_sql() -> dict[str, tuple[str, str]]:
    """For each table the column that it is spread by, and the table that it lies beside."""
    call = r"create_distributed_table\('(\w+)', '(\w+)', colocate_with => '(\w+)'\)"
    return {name: (column, place) for name, column, place in re.findall(call, citus_sql())}


def test_every_table_is_made_and_either_spread_or_whole_everywhere() -> None:
    made = re.findall(r"CREATE TABLE (\w+)", citus_sql())
    whole = re.findall(r"create_reference_table\('(\w+)'\)", citus_sql())
    assert sorted(made) == sorted(metadata.tables)
    assert sorted(whole) == sorted(EVERYWHERE)
    assert sorted([*whole, *spread_by_sql()]) == sorted(metadata.tables)


def test_tables_are_spread_by_the_conversation_the_user_or_the_report() -> None:
    columns = {name: column for name, (column, _) in spread_by_sql().items()}
    assert columns == {
        "dm_conversation": "id",
        "dm_message": "conversation_id",
        "dm_receipt": "conversation_id",
        "dm_mailbox": "user_id",
        "dm_side": "user_id",
        "dm_journal": "user_id",
        "dm_block": "blocker",
        "dm_restriction": "user_id",
        "dm_erasure": "pseudonym",
        "dm_mark": "user_id",
        "dm_aside": "user_id",
        "dm_device": "user_id",
        "dm_one_time_key": "user_id",
        "dm_report": "id",
        "dm_report_message": "report_id",
        "dm_report_move": "report_id",
        "dm_evidence": "report_id",
    }


def test_every_key_that_is_made_holds_the_column_that_its_table_is_spread_by() -> None:
    for name, spread in SPREAD.items():
        table = metadata.tables[name]
        unique = [it for it in table.constraints if isinstance(it, UniqueConstraint)]
        keys: list[Any] = [table.primary_key, *unique, *(it for it in table.indexes if it.unique)]
        for key in keys:
            assert spread.column in key.columns or key.name == LEFT_OUT


def test_the_one_that_does_not_is_left_out_and_nothing_else() -> None:
    """The derived primary key makes the pair unique by itself (ADR 17)."""
    assert LEFT_OUT not in citus_sql()
    rules = {str(it.name) for table in metadata.tables.values() for it in table.constraints}
    rules |= {str(it.name) for table in metadata.tables.values() for it in table.indexes}
    assert {it for it in rules if it not in citus_sql()} == {LEFT_OUT}
    # Nor is it gone from where there is no Citus.
    assert LEFT_OUT in {it.name for it in metadata.tables["dm_conversation"].constraints}


def test_tables_that_refer_to_each_other_lie_together() -> None:
    """By columns of the same kind that hold the same value, or the reference would be refused."""
    for name, spread in SPREAD.items():
        for reference in metadata.tables[name].foreign_key_constraints:
            other = reference.referred_table.name
            assert SPREAD[other].group == spread.group
            pairs = {it.parent.name: it.column.name for it in reference.elements}
            assert pairs[spread.column] == SPREAD[other].column
    for group in {it.group for it in SPREAD.values()}:
        kinds = {
            str(metadata.tables[name].c[spread.column].type)
            for name, spread in SPREAD.items()
            if spread.group == group
        }
        assert len(kinds) == 1


def test_a_group_lies_beside_the_first_of_its_tables() -> None:
    """And a reference is made only when both of its tables are spread."""
    places: dict[str, set[str]] = {}
    for name, (_, place) in spread_by_sql().items():
        places.setdefault(SPREAD[name].group, set()).add(name if place == "none" else place)
    assert [len(it) for it in places.values()] == [1, 1, 1]
    kinds = [it.split()[0] for it in statements()]
    assert kinds.index("ALTER") > max(at for at, kind in enumerate(kinds) if kind == "SELECT")
    assert kinds.index("SELECT") > max(at for at, kind in enumerate(kinds) if kind == "CREATE")


def test_tables_elsewhere_are_made_as_before() -> None:
    """To have asked for the statements leaves nothing behind in the metadata."""
    before = [str(CreateTable(it)) for it in metadata.sorted_tables]
    assert citus_sql() == citus_sql()
    assert [str(CreateTable(it)) for it in metadata.sorted_tables] == before
    assert "FOREIGN KEY" in "".join(before)
