"""What is sent on the driver's own cursor fails and is seen like what SQLAlchemy sends."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from dmcore.adapters.sql._statements import send


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://", isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


def test_an_error_leaves_the_connection_as_it_was(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(OverflowError):
            send(connection, "SELECT ?", [1 << 80])
        with pytest.raises(DBAPIError) as raised:
            send(connection, "SELECT ? FROM nowhere", ["secret"])
        assert raised.value.statement is None
        assert "secret" not in str(raised.value)
        assert not connection.invalidated
        assert send(connection, "SELECT ?", [1]) == [(1,)]


def test_an_interrupt_throws_the_connection_away(engine: Engine) -> None:
    def interrupt(*_seen: object) -> None:
        raise KeyboardInterrupt

    with engine.connect() as connection:
        event.listen(engine, "after_cursor_execute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            send(connection, "SELECT ?", [1])
        event.remove(engine, "after_cursor_execute", interrupt)
        assert connection.invalidated


def test_who_listens_sees_what_is_sent_and_may_change_it(engine: Engine) -> None:
    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def sign(
        _connection: object, _cursor: object, statement: str, values: object, *_rest: object
    ) -> tuple[str, object]:
        return f"{statement} + 1", values

    with engine.connect() as connection:
        assert send(connection, "SELECT ?", [1]) == [(2,)]
