"""Setting up on Citus, with a stand-in for it: the statements run, in this order, on PostgreSQL."""

import psycopg
import pytest

from dmcore import errors
from dmcore.adapters import sql
from dmcore.adapters.sql._citus import EVERYWHERE, SPREAD

# They write down what they are asked for, and that the table was there and empty.
STAND_IN = """
CREATE TABLE asked (name text, spread_by text, beside text);
CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO asked VALUES (name::text, NULL, NULL) $$;
CREATE FUNCTION create_distributed_table(name regclass, spread_by text, colocate_with text)
    RETURNS void LANGUAGE sql
    AS $$ INSERT INTO asked VALUES (name::text, spread_by, colocate_with) $$;
"""

CATALOGUE = """
CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char");
INSERT INTO pg_dist_partition VALUES ('dm_mailbox', 'h');
CREATE FUNCTION citus_total_relation_size(name regclass) RETURNS bigint LANGUAGE sql
    AS $$ SELECT pg_total_relation_size(name) $$;
"""

pytestmark = pytest.mark.promise("SCALE-2")


def test_the_tables_are_made_and_spread_once(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(STAND_IN)
        assert sql.initialise(postgres_url, shared=True, citus=True)
        with pytest.raises(errors.InvalidSetting, match="are not spread"):
            sql.initialise(postgres_url, shared=True, citus=True)
        connection.execute(CATALOGUE)
        assert not sql.initialise(postgres_url, shared=True, citus=True)
        asked = connection.execute("SELECT name, spread_by FROM asked").fetchall()
    expected = [(name, spread.column) for name, spread in SPREAD.items()]
    assert sorted(asked) == sorted([*expected, *((name, None) for name in EVERYWHERE)])
    (difference,) = sql.check_schema(postgres_url).differences
    assert difference.startswith("add_constraint uq_dm_conversation")
    with sql.open_sync(postgres_url) as dm:
        assert dm.operations("olga").status().mode == "off"


def test_a_database_without_citus_is_refused_and_left_as_it_was(postgres_url: str) -> None:
    with pytest.raises(errors.InvalidSetting, match="no extension citus"):
        sql.initialise(postgres_url, citus=True)
    with pytest.raises(errors.NotInitialised):
        sql.open_sync(postgres_url)


def test_neither_sqlite_nor_row_level_security_goes_with_it(
    sqlite_url: str, postgres_url: str
) -> None:
    for url, roles in ((sqlite_url, None), (postgres_url, "dmcore")):
        with pytest.raises(errors.InvalidSetting, match="needs PostgreSQL, without row-level"):
            sql.initialise(url, roles=roles, citus=True)
