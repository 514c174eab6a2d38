"""The host's database holds references and nothing else, and they say what the inbox says."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from random import Random

import attrs
import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from tests.conftest import IS_NIGHTLY

from dmcore import DmcoreError, Mailbox, Policy
from dmcore.adapters import relay, sql
from dmcore.adapters.relay import HostReferences, Relay
from dmcore.errors import AccountErased, ConsumerUnavailable, InvalidSetting
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import UNLIMITED, World, inbox_of

CANARY = "the door code is zebra"
PROGRAMS = 20 if IS_NIGHTLY else 3

pytestmark = [pytest.mark.promise("OPS-2"), pytest.mark.promise("OPS-8")]


@attrs.frozen(kw_only=True)
class Host:
    """A database of the host's, with a table of its own."""

    engine: Engine
    url: str = attrs.field(repr=False)

    def references(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Each row: whose, of which conversation, with whom, how many."""
        query = "SELECT user_id, conversation, other_id, unread FROM dm_reference"
        with self.engine.connect() as connection:
            rows = connection.execute(text(query)).all()
        found = {(it.user_id, it.conversation): (it.other_id, it.unread) for it in rows}
        assert len(found) == len(rows)
        return found

    def everything(self) -> str:
        with self.engine.connect() as connection:
            return repr(
                [
                    connection.execute(text(f"SELECT * FROM {table}")).all()
                    for table in inspect(connection).get_table_names()
                ]
            )


@pytest.fixture
def host(kind: str, tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Host]:
    """On PostgreSQL where the messages are there, else on SQLite."""
    made = postgres_server.create_database() if kind == "postgres" else None
    url = f"sqlite:///{tmp_path / 'host.db'}" if made is None else made
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (name TEXT)"))
    yield Host(engine=engine, url=url)
    engine.dispose()
    if made is not None:
        postgres_server.drop_database(made)


@pytest.fixture
def references(world: World, host: Host) -> HostReferences:
    made = HostReferences(world.olga, host.engine)
    made.create()
    made.create()
    world.olga.add_consumer("host")
    return made


def relay_to(references: HostReferences, world: World) -> Relay:
    return Relay(world.olga, references, name="host")


def drained(worker: Relay) -> None:
    while not worker.run_once().is_idle:
        pass


def inboxes(boxes: list[Mailbox]) -> dict[tuple[str, str], tuple[str, int]]:
    """What the lines of everybody's inbox say, read one by one."""
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for box in boxes:
        try:
            lines = inbox_of(box)
        except AccountErased:
            continue
        for line in lines:
            found[box.user.id, str(line.conversation)] = line.other, line.unread
        assert sum(line.unread for line in lines) == box.unread()
    return found


def test_a_row_is_what_the_line_of_the_inbox_says(
    world: World, host: Host, references: HostReferences
) -> None:
    worker = relay_to(references, world)
    first = world.ann.start("bob", CANARY)
    here = str(first.conversation)
    drained(worker)
    assert host.references() == {("ann", here): ("bob", 0), ("bob", here): ("ann", 1)}
    world.bob.mark_read(here, through=first.id)
    drained(worker)
    assert host.references() == {("ann", here): ("bob", 0), ("bob", here): ("ann", 0)}
    world.ann.archive(here)
    drained(worker)
    assert host.references() == {("bob", here): ("ann", 0)}


@pytest.mark.promise("BLOCK-1")
def test_what_somebody_blocked_does_changes_nothing(
    world: World, host: Host, references: HostReferences
) -> None:
    absorbing = world.open(attrs.evolve(UNLIMITED, blocked="absorb"))
    worker = relay_to(references, world)
    here = world.ann.start("bob", "x").conversation
    world.bob.send(here, "y")
    world.ann.block("bob")
    drained(worker)
    assert host.references() == {("bob", str(here)): ("ann", 1)}
    absorbing.mailbox("bob").send(here, CANARY)
    drained(worker)
    assert host.references() == {("bob", str(here)): ("ann", 1)}
    world.ann.unblock("bob")
    drained(worker)
    assert host.references()["ann", str(here)] == ("bob", 1)


@pytest.mark.promise("OPS-1")
def test_the_mode_and_suspensions_hold_nothing_up(
    world: World, host: Host, references: HostReferences
) -> None:
    here = world.ann.start("bob", "x").conversation
    world.dm.moderation("mod").restrict("bob", "suspend", reason="spam")
    world.olga.set_mode("off")
    drained(relay_to(references, world))
    assert host.references()["bob", str(here)] == ("ann", 1)
    assert world.olga.set_aside("host") == ()


@pytest.mark.promise("GDPR-1")
@pytest.mark.parametrize("is_quick", [True, False])
def test_who_is_erased_has_no_row_and_no_name_there(
    world: World, host: Host, references: HostReferences, *, is_quick: bool
) -> None:
    """Whether the relay hears of it before the name is replaced, or long after."""
    worker = relay_to(references, world)
    here = world.ann.start("bob", "x").conversation
    world.bob.start("cyd", "y")
    drained(worker)
    assert "bob" in host.everything()
    steps = world.olga._calls.erasing("bob", tenant=None, most=100)
    world.olga._transactions.run(steps.begin)
    if is_quick:
        drained(worker)
        assert not {user for user, _ in host.references()} & {"bob"}
    gone = world.olga.erase("bob").pseudonym
    drained(worker)
    assert host.references()["ann", str(here)] == (gone, 0)
    assert "bob" not in host.everything()
    assert {user for user, _ in host.references()} == {"ann", "cyd"}


def test_a_late_repeat_writes_nothing_older(
    world: World, host: Host, references: HostReferences
) -> None:
    here = world.ann.start("bob", "x").conversation
    early = [it for name in ("ann", "bob") for it in world.journal(name)]
    for text_ in "yz":
        world.ann.send(here, text_)
    drained(relay_to(references, world))
    before = host.everything()
    for event in early:
        references.deliver(event)
    assert host.everything() == before
    world.bob.archive(here)
    drained(relay_to_again(references, world))
    for event in early:
        references.deliver(event)
    assert ("bob", str(here)) not in host.references()


def relay_to_again(references: HostReferences, world: World) -> Relay:
    world.tick(seconds=3600)
    return relay_to(references, world)


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_after_any_history_each_reference_is_what_the_inbox_says(
    world: World,
    host: Host,
    references: HostReferences,
    *,
    seed: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    chance = Random(seed)
    absorbing = world.open(attrs.evolve(UNLIMITED, blocked="absorb"))
    boxes = [absorbing.mailbox(name) for name in ("ann", "bob", "cyd", "dan")]
    worker = relay_to(references, world)
    moderator = absorbing.moderation("mod")
    left = list(boxes)

    def one() -> Mailbox:
        return chance.choice(left)

    def start() -> None:
        one().start(one().user.id, CANARY)

    def in_one(act: Callable[[Mailbox, object], object]) -> None:
        box = one()
        view = box.conversation_with(one().user.id)
        if view is not None:
            act(box, view.conversation)

    def on_message(act: Callable[..., object]) -> None:
        def done(box: Mailbox, here: object) -> None:
            items = box.thread(str(here)).items
            if items:
                act(box, str(here), chance.choice(items).id)

        in_one(done)

    def erase() -> None:
        if len(left) > 3 and chance.random() < 0.3:
            gone = left.pop()
            world.olga.erase(gone.user.id, most=2)

    acts: list[Callable[[], object]] = [
        start,
        lambda: in_one(lambda box, here: box.send(str(here), CANARY)),
        lambda: in_one(lambda box, here: box.send(str(here), CANARY)),
        lambda: in_one(lambda box, here: box.archive(str(here))),
        lambda: in_one(lambda box, here: box.unarchive(str(here))),
        lambda: in_one(lambda box, here: box.clear(str(here))),
        lambda: on_message(lambda box, here, it: box.mark_read(here, through=it)),
        lambda: on_message(lambda box, here, it: box.delete(here, it)),
        lambda: on_message(lambda box, here, it: box.hide(here, it)),
        lambda: one().block(one().user.id),
        lambda: one().unblock(one().user.id),
        lambda: moderator.restrict(one().user.id, "shadow_ban", reason="spam"),
        erase,
        worker.run_once,
    ]
    for _ in range(60):
        world.tick()
        # A refusal is a part of the history.
        with suppress(DmcoreError):
            chance.choice(acts)()
    drained(worker)
    assert host.references() == inboxes(boxes)
    assert world.olga.set_aside("host") == ()
    everything = host.everything()
    assert CANARY not in everything
    assert all(box.user.id not in everything for box in set(boxes) - set(left))
    for file in tmp_path.glob("host.db*"):
        assert CANARY.encode() not in file.read_bytes()
    assert CANARY not in caplog.text
    assert world.is_sound()


def test_the_table_has_ids_and_counts_and_stands_alone(
    host: Host, references: HostReferences
) -> None:
    assert repr(references) == "HostReferences(...)"
    with host.engine.connect() as connection:
        found = inspect(connection)
        assert set(found.get_table_names()) == {"people", "dm_reference"}
        names = [column["name"] for column in found.get_columns("dm_reference")]
    assert names == ["tenant", "user_id", "other_id", "conversation", "unread", "position"]


def test_a_url_is_opened_and_closed(world: World, host: Host) -> None:
    made = HostReferences(world.olga, host.url)
    made.create()
    world.ann.start("bob", "x")
    for event in world.journal("ann"):
        made.deliver(event)
    made.close()
    assert len(host.references()) == 1
    HostReferences(world.olga, host.engine).close()
    assert len(host.references()) == 1


@pytest.mark.promise("OPS-8")
@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/host.db", "postgresql://ann:zebra@127.0.0.1:1/site"]
)
def test_a_database_that_does_not_answer_is_no_fault_of_an_event(world: World, url: str) -> None:
    """Or everybody's next event would be set aside while it is away."""
    world.ann.start("bob", "x")
    with closing(HostReferences(world.olga, url)) as made:
        with pytest.raises(ConsumerUnavailable) as caught:
            made.create()
        world.olga.add_consumer("host")
        done = Relay(world.olga, made, name="host").run_once()
    assert caught.value.__context__ is None
    assert (done.is_open, done.delivered, done.failed, done.set_aside) == (False, 0, 0, 0)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_a_url_is_read_however_a_site_names_its_driver(
    world: World, postgres_server: PostgresServer, scheme: str
) -> None:
    url = postgres_server.create_database()
    with closing(HostReferences(world.olga, url.replace("postgresql", scheme, 1))) as made:
        made.create()
    postgres_server.drop_database(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://host/x",
        "sqlite+pysqlcipher:///x",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_what_is_no_database_is_refused(world: World, url: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        HostReferences(world.olga, url)
    assert caught.value.__context__ is None


def test_what_does_not_ship_is_not_there() -> None:
    with pytest.raises(AttributeError, match="Telegraph"):
        vars(relay)["__getattr__"]("Telegraph")


def test_references_are_not_kept_beside_the_messages(world: World, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'messages.db'}"
    sql.initialise(url)
    with pytest.raises(InvalidSetting, match="database of the messages"):
        HostReferences(world.olga, url).create()


@pytest.mark.promise("GDPR-2")
def test_what_is_expired_is_not_counted(
    world: World, host: Host, references: HostReferences
) -> None:
    here = world.ann.start("bob", "x").conversation
    world.tick(seconds=7200)
    world.ann.send(here, "y")
    kept = world.open(Policy(messages=None, starts=None, messages_kept=timedelta(hours=1)))
    olga = kept.operations("olga")
    drained(Relay(olga, HostReferences(olga, host.engine), name="host"))
    assert host.references()["bob", str(here)] == ("ann", 1)
    assert references is not None
