"""The types of columns: what goes in comes out."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from tests.unit.strategies import uuids

from dmcore.adapters.sql._schema import BodyText, Identifier, WindowBytes, metadata
from dmcore.domain.body import Body
from dmcore.domain.limits import NEW_WINDOW, Window

numbers = st.integers(-(1 << 63), (1 << 63) - 1)

DIALECTS: list[Dialect] = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda it: it.name)
@given(value=st.none() | uuids)
def test_a_uuid_comes_back(dialect: Dialect, value: UUID | None) -> None:
    kind = Identifier()
    bind, read = kind.bind_processor(dialect), kind.result_processor(dialect, None)
    stored = value if bind is None else bind(value)
    assert (stored if read is None else read(stored)) == value


@given(one=uuids, other=uuids)
def test_ids_sort_in_the_database_as_they_do_here(one: UUID, other: UUID) -> None:
    """SQLite compares the bytes of a blob, PostgreSQL those of a uuid."""
    kind = Identifier()
    stored = [kind.process_bind_param(value, DIALECTS[0]) for value in (one, other)]
    assert all(isinstance(it, bytes) and len(it) == 16 for it in stored)
    assert (stored[0] < stored[1]) == (one < other)  # type: ignore[operator]


@pytest.mark.promise("LIMIT-1")
@given(
    value=st.none()
    | st.builds(
        Window,
        instants=st.lists(numbers).map(tuple),
        time_us=numbers,
        reading_us=numbers,
        jump_us=numbers,
    )
)
def test_a_window_comes_back(value: Window | None) -> None:
    kind = WindowBytes()
    for dialect in DIALECTS:
        stored = kind.bind_processor(dialect)(value)
        assert kind.result_processor(dialect, None)(stored) == value


def test_a_window_that_was_never_used_is_known() -> None:
    """Most of an account's are, and none of those is taken apart."""
    kind = WindowBytes()
    for dialect in DIALECTS:
        stored = kind.bind_processor(dialect)(Window())
        assert stored == kind.bind_processor(dialect)(NEW_WINDOW)
        assert kind.result_processor(dialect, None)(stored) is NEW_WINDOW


@pytest.mark.promise("MSG-1", "LEAK-1")
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda it: it.name)
def test_a_text_comes_back_as_a_body(dialect: Dialect) -> None:
    kind = BodyText()
    assert kind.process_bind_param(Body("h\u00e9\u00a0"), dialect) == "h\u00e9\u00a0"
    assert kind.process_bind_param(None, dialect) is None
    read = kind.result_processor(dialect, None)
    assert read("h\u00e9\u00a0") == Body("h\u00e9\u00a0")
    assert read(None) is None


@pytest.mark.promise("PAIR-1")
def test_every_text_that_is_an_id_is_compared_by_code_point() -> None:
    """Whatever collation the database was made with."""
    others = {"mode", "action", "body", "own_body", "folder", "open_to"}
    others |= {"low_request", "high_request"}
    for table in metadata.sorted_tables:
        for column in table.columns:
            kind = column.type.dialect_impl(DIALECTS[1])
            if kind.__class__.__name__.upper() == "TEXT" and column.name not in others:
                assert getattr(kind, "collation", None) == "C", column


@pytest.mark.promise("PAIR-1")
def test_the_database_itself_guards_the_pair() -> None:
    conversation = metadata.tables["dm_conversation"]
    rules = {str(it.name): str(getattr(it, "sqltext", "")) for it in conversation.constraints}
    assert rules["ck_dm_conversation_pair_order"] == "low < high"
    assert "uq_dm_conversation_tenant_low_high" in rules
    assert list(conversation.primary_key.columns.keys()) == ["id"]


@pytest.mark.promise("MSG-3")
def test_the_database_itself_guards_the_key() -> None:
    (index,) = [it for it in metadata.tables["dm_message"].indexes if it.unique]
    assert [column.name for column in index.columns] == ["conversation_id", "sender", "key"]
