"""Whatever PostgreSQL complains about, its complaint stays inside."""

from collections.abc import Iterator

import attrs
import psycopg
import pytest
from sqlalchemy import make_url
from tests.leaks.canary import ANN, BOB, BODY, KEY, OTHER_BODY, UNLIMITED, Ear

from dmcore import ConversationId, DirectMessages, Mailbox, errors
from dmcore.adapters import sql
from dmcore.adapters.sql import _transactions
from dmcore.testing.world import text_of

pytestmark = pytest.mark.promise("LEAK-1")


@attrs.frozen
class Scene:
    """A conversation in a database, and ways to spoil the database."""

    dm: DirectMessages
    url: str
    conversation: ConversationId

    @property
    def ann(self) -> Mailbox:
        return self.dm.mailbox(ANN)

    def write(self) -> object:
        """A message with everything in it."""
        return self.ann.send(self.conversation, BODY, key=KEY)

    def read(self) -> object:
        return self.ann.thread(self.conversation)

    def execute(self, *statements: str) -> None:
        """Change the database behind the back of dmcore."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def on_insert(self, action: str) -> None:
        """Have a trigger do something with each new message."""
        self.execute(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {action}; RETURN NEW; END $$",
            "CREATE TRIGGER meddle BEFORE INSERT ON dm_message "
            "FOR EACH ROW EXECUTE FUNCTION meddle()",
        )


@pytest.fixture
def scene(postgres_url: str, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(_transactions, "_PATIENCE_S", 0.02)
    sql.initialise(postgres_url)
    with sql.open_sync(postgres_url, policy=UNLIMITED, pool_size=1) as dm:
        ear.listen_to(dm)
        dm.operations("olga").set_mode("on")
        first = dm.mailbox(ANN).start(BOB, OTHER_BODY, key=f"{KEY}-first")
        yield Scene(dm, postgres_url, first.conversation)


def test_a_check_that_refuses_the_text(scene: Scene, ear: Ear) -> None:
    """PostgreSQL answers with the whole failing row."""
    scene.execute(f"ALTER TABLE dm_message ADD CONSTRAINT no_birds CHECK (body <> '{BODY}')")
    error = ear.refusal(scene.write)
    assert isinstance(error, errors.StoreRefused)
    assert error.details == {"rule": "no_birds"}


def test_a_unique_text(scene: Scene, ear: Ear) -> None:
    """PostgreSQL answers with the duplicate; the runner tries again as long as it may."""
    scene.execute("CREATE UNIQUE INDEX only_once ON dm_message (body)")
    error = ear.refusal(lambda: scene.ann.send(scene.conversation, OTHER_BODY, key=KEY))
    assert isinstance(error, errors.StoreRefused)
    assert error.details == {"rule": "only_once"}


def test_a_reference_that_leads_nowhere(scene: Scene, ear: Ear) -> None:
    scene.execute(
        "CREATE TABLE allowed (body text PRIMARY KEY)",
        f"INSERT INTO allowed VALUES ('{OTHER_BODY}')",
        "ALTER TABLE dm_message ADD CONSTRAINT known FOREIGN KEY (body) REFERENCES allowed",
    )
    assert ear.refusal(scene.write).details == {"rule": "known"}


def test_a_text_that_is_not_null_and_yet_is(scene: Scene, ear: Ear) -> None:
    """The failing row is quoted, the rule has no name."""
    scene.execute("ALTER TABLE dm_message ALTER sender_only DROP NOT NULL")
    scene.on_insert("NEW.sent_at_us = NULL")
    assert isinstance(ear.refusal(scene.write), errors.StoreRefused)


def test_a_trigger_that_says_the_text_aloud(scene: Scene, ear: Ear) -> None:
    scene.on_insert(
        "RAISE EXCEPTION USING MESSAGE = NEW.body, DETAIL = NEW.key, HINT = NEW.sender,"
        " CONSTRAINT = NEW.body, COLUMN = NEW.body, TABLE = NEW.body"
    )
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)


@pytest.mark.parametrize(
    "kind",
    ["integer USING 0", "varchar(9) USING left(body, 9)", "boolean USING true", "uuid USING NULL"],
)
def test_a_column_of_another_type(scene: Scene, ear: Ear, kind: str) -> None:
    """PostgreSQL quotes the value that does not fit."""
    scene.execute(
        "ALTER TABLE dm_message ALTER body DROP NOT NULL",
        f"ALTER TABLE dm_message ALTER body TYPE {kind}",
    )
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)


def test_a_missing_column(scene: Scene, ear: Ear) -> None:
    scene.execute("ALTER TABLE dm_message DROP COLUMN body")
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)
    assert isinstance(ear.refusal(scene.read), errors.StoreUnavailable)


def test_a_missing_table(scene: Scene, ear: Ear) -> None:
    scene.execute("DROP TABLE dm_message")
    assert isinstance(ear.refusal(scene.write), errors.NotInitialised)
    assert isinstance(ear.refusal(scene.read), errors.NotInitialised)


def test_a_statement_that_takes_too_long(scene: Scene, ear: Ear) -> None:
    scene.on_insert("SET LOCAL statement_timeout = 1; PERFORM pg_sleep(5)")
    scene.execute(f'ALTER DATABASE "{make_url(scene.url).database}" SET statement_timeout = 50')
    with sql.open_sync(scene.url, policy=UNLIMITED) as dm:
        ear.listen_to(dm)
        error = ear.refusal(lambda: dm.mailbox(ANN).send(scene.conversation, BODY, key=KEY))
    assert isinstance(error, errors.StoreBusy)


def test_a_server_that_hangs_up_in_the_middle(scene: Scene, ear: Ear) -> None:
    scene.on_insert("PERFORM pg_terminate_backend(pg_backend_pid())")
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)


def test_a_database_that_may_only_be_read(scene: Scene, ear: Ear) -> None:
    scene.on_insert("SET LOCAL transaction_read_only = on; INSERT INTO dm_block SELECT NULL")
    error = ear.refusal(scene.write)
    assert error.details == {"reason": "it is read-only"}


def test_a_conflict_that_never_ends(scene: Scene, ear: Ear) -> None:
    scene.on_insert("RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = NEW.body")
    assert isinstance(ear.refusal(scene.write), errors.StoreBusy)


@pytest.mark.parametrize("name", ["latin1", "sql_ascii"])
def test_a_connection_in_another_encoding(scene: Scene, ear: Ear, name: str) -> None:
    """An address, or a variable of the environment, may ask for one; texts travel all the same."""
    with sql.open_sync(f"{scene.url}&client_encoding={name}", policy=UNLIMITED) as dm:
        ear.listen_to(dm)
        message = dm.mailbox(ANN).send(scene.conversation, BODY, key=KEY)
        assert text_of(message) == BODY
        (*_, newest) = dm.mailbox(BOB).thread(scene.conversation).items
        assert text_of(newest) == BODY


def test_an_encoding_that_the_environment_asks_for(
    scene: Scene, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with sql.open_sync(scene.url, policy=UNLIMITED) as dm:
        ear.listen_to(dm)
        assert text_of(dm.mailbox(ANN).send(scene.conversation, BODY, key=KEY)) == BODY


def test_no_row_in_the_log_tells_who_writes_to_whom(scene: Scene, ear: Ear) -> None:
    """Blocks and partners are other people's secrets: an echo of rows would tell them."""
    scene.dm.mailbox(BOB).block(ANN)
    assert ear.refusal(scene.write).code == "recipient_unavailable"
    # What is asked most is not logged by SQLAlchemy at all; this is.
    scene.dm.operations("olga").preview_erasure(BOB)
    messages = [record.getMessage() for record in ear.records]
    assert any("SELECT" in message for message in messages), "the engine was not listened to"
    assert [it for it in messages if ANN in it or BOB in it] == []
