"""Streams: each fact once and in order, from any place on; and when they end."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.races.processes import PROCESSES
from tests.web.live.conftest import MakeStage
from tests.web.live.scene import (
    PATIENCE_S,
    QUICK,
    UNLIMITED,
    Stage,
    comes_true,
    facts_shown,
    parsed,
)

from dmcore import DirectMessages
from dmcore.adapters import sql
from dmcore.adapters.web import Site, Viewer
from dmcore.adapters.web._errors import StreamsOff, TooManyStreams
from dmcore.adapters.web.live import Rhythm
from dmcore.errors import AccountErased, InvalidCursor, InvalidSetting, MessagingUnavailable

CANARY = "canary of a text"
LONG_S = 3600.0


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'dm.db'}"
    sql.initialise(url)
    with sql.open_sync(url) as messages:
        messages.operations("olga").set_mode("on")
    return url


# What comes ------------------------------------------------------------------------------------


@pytest.mark.promise("FEED-1")
def test_a_stream_begins_now_and_tells_every_fact_with_its_place(
    stage: Stage, dm: DirectMessages
) -> None:
    ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
    ann.start("bob", CANARY)
    response = stage.opened("ann")
    assert dict(response.headers)["Content-Type"].startswith("text/event-stream")
    assert (response.status, dict(response.headers)["X-Accel-Buffering"]) == (200, "no")
    client = stage.read(response)
    assert client.next("retry").content == "2000"
    hello = client.next("hello")
    assert (hello.content, hello.id) == ({}, ann.snapshot().cursor)
    sent = bob.start("ann", CANARY)
    bob.edit(sent.conversation, sent.id, f"{CANARY} changed")
    facts, place = client.facts(2)
    changes = ann.changes(after=hello.id)
    assert place == changes.next
    assert [
        (fact.action.value, fact.actor, str(fact.message), fact.at) for fact in changes.items
    ] == [
        (fact["action"], fact["actor"], fact["message"], datetime.fromisoformat(fact["at"]))
        for fact in facts
    ]
    assert facts[0] == {
        "action": "message_sent",
        "actor": "bob",
        "at": sent_at(changes.items[0].at),
        "other": "ann",
        "conversation": str(sent.conversation),
        "message": str(sent.id),
        "mode": None,
        "report": None,
    }
    assert b"canary" not in client.raw


def sent_at(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_fact_without_a_conversation_and_a_turn_of_the_switch_are_told_too(
    stage: Stage, dm: DirectMessages
) -> None:
    olga, ann = stage.connected("olga"), stage.connected("ann")
    olga.next("hello")
    ann.next("hello")
    dm.operations("olga").set_mode("read_only")
    dm.mailbox("ann").block("bob")
    (turned,), _ = olga.facts(1)
    assert (turned["action"], turned["mode"]) == ("mode_changed", "read_only")
    (blocked,), _ = ann.facts(1)
    assert (blocked["action"], blocked["other"]) == ("user_blocked", "bob")
    assert (blocked["conversation"], blocked["message"], blocked["mode"]) == (None, None, None)


@pytest.mark.promise("FEED-1")
def test_each_fact_comes_once_and_in_order_while_threads_write_and_the_client_is_cut_off(
    stage: Stage, dm: DirectMessages
) -> None:
    client = stage.connected("ann")
    place = client.next("hello").id

    def write(number: int) -> None:
        box = dm.mailbox(f"writer {number}")
        for _ in range(30):
            box.start("ann", CANARY)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    found: list[dict[str, Any]] = []
    while len(found) < 120:
        facts, place = client.facts(1)
        found += facts
        # The client goes away in the middle and comes back with the place that it knows; what it
        # did not read of the old stream is told again on the new one, and nothing else.
        stage.live.disconnect("ann")
        assert client.is_over.wait(PATIENCE_S)
        client = stage.connected("ann", place)
    for writer in writers:
        writer.join()
    expected: list[Any] = []
    after = None
    while len(expected) < 120:
        changes = dm.mailbox("ann").changes(after=after)
        expected += [(it.action.value, it.actor, str(it.message)) for it in changes.items]
        after = changes.next
    assert facts_shown(found) == expected


def write_from_elsewhere(url: str, number: int) -> None:
    with sql.open_sync(url, policy=UNLIMITED) as messages:
        for _ in range(15):
            messages.mailbox(f"writer {number}").start("ann", CANARY)


@pytest.mark.promise("FEED-1")
@pytest.mark.parametrize("kind", ["threads", "loop over threads"])
def test_each_fact_comes_once_and_in_order_while_other_processes_write(
    kind: str, file_url: str
) -> None:
    with sql.open_sync(file_url, policy=UNLIMITED) as messages:
        stage = Stage(kind, messages, site=QUICK)
        client = stage.connected("ann")
        client.next("hello")
        writers = [
            PROCESSES.Process(target=write_from_elsewhere, args=(file_url, number))
            for number in range(3)
        ]
        for writer in writers:
            writer.start()
        facts, _ = client.facts(45)
        for writer in writers:
            writer.join()
        changes = messages.mailbox("ann").changes(limit=100)
        assert facts_shown(facts) == [
            (it.action.value, it.actor, str(it.message)) for it in changes.items
        ]
        stage.end()


@pytest.mark.promise("FEED-1")
def test_a_stream_goes_on_from_the_place_that_a_client_names(
    stage: Stage, dm: DirectMessages
) -> None:
    bob = dm.mailbox("bob")
    client = stage.connected("ann")
    client.next("hello")
    bob.start("ann", "1")
    _, place = client.facts(1)
    second = bob.start("ann", "2")
    response = stage.opened("ann", place)
    again = stage.read(response)
    assert again.next("retry", "hello", "changes").name == "retry"
    first = again.next("hello", "changes")
    assert [fact["message"] for fact in first.content["items"]] == [str(second.id)]
    later = stage.read(stage_more(stage, "ann", first.id, instead_of=response))
    third = bob.start("ann", "3")
    facts, _ = later.facts(1)
    assert [fact["message"] for fact in facts] == [str(third.id)]


def stage_more(stage: Stage, user: str, after: str | None, *, instead_of: Any) -> Any:
    """Another stream where there is no more room for one."""
    stage.closed(instead_of)
    return stage.opened(user, after)


def test_more_facts_than_fit_into_one_event_come_in_several(
    stage: Stage, dm: DirectMessages
) -> None:
    start = dm.mailbox("ann").snapshot().cursor
    sent = [str(dm.mailbox("bob").start("ann", "x").id) for _ in range(250)]
    client = stage.connected("ann", start)
    sizes = []
    facts: list[Any] = []
    while len(facts) < len(sent):
        event = client.next("changes")
        sizes.append(len(event.content["items"]))
        facts += event.content["items"]
    assert sizes == [100, 100, 50]
    assert [fact["message"] for fact in facts] == sent


@pytest.mark.promise("FEED-1")
def test_a_place_that_is_no_longer_kept_is_told_and_the_stream_goes_on_from_now(
    stage: Stage, dm: DirectMessages
) -> None:
    start = dm.mailbox("ann").snapshot().cursor
    dm.mailbox("bob").start("ann", "x")
    opened_before = stage.opened("ann")
    dm.mailbox("bob").start("ann", "y")
    dm.operations("olga").prune_journals(before=datetime.now(UTC) + timedelta(days=1))
    client = stage.connected("ann", start)
    expired = client.next("expired", "changes", "hello")
    assert (expired.name, expired.content) == ("expired", {})
    assert expired.id == dm.mailbox("ann").snapshot().cursor
    read_later = stage.read(opened_before)
    assert read_later.next("expired", "changes") == expired
    sent = dm.mailbox("bob").start("ann", "z")
    for each in (client, read_later):
        facts, _ = each.facts(1)
        assert [fact["message"] for fact in facts] == [str(sent.id)]


def test_a_place_that_is_none_is_refused_before_anything_begins(
    stage: Stage, dm: DirectMessages
) -> None:
    for wrong in ("", "nonsense", dm.mailbox("bob").snapshot().cursor):
        with pytest.raises(InvalidCursor):
            stage.opened("ann", wrong)
        assert stage.is_free("ann")


@pytest.mark.promise("FEED-1")
def test_a_browser_that_comes_back_with_a_place_that_is_none_begins_anew(
    stage: Stage, dm: DirectMessages
) -> None:
    """It would never come back after a refusal."""
    ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
    start = ann.snapshot().cursor
    first = bob.start("ann", "x")
    for wrong in ("nonsense", bob.snapshot().cursor):
        response = stage.opened("ann", start, last_event=wrong)
        client = stage.read(response)
        expired = client.next("expired", "changes", "hello")
        assert (expired.name, expired.content) == ("expired", {})
        assert expired.id == ann.snapshot().cursor
        sent = bob.start("ann", "y")
        facts, _ = client.facts(1)
        assert [fact["message"] for fact in facts] == [str(sent.id)]
        stage.live.disconnect("ann")
        client.rest()
    again = stage.opened("ann", "nonsense", last_event=start)
    facts, _ = stage.read(again).facts(1)
    assert facts[0]["message"] == str(first.id), "the newer of the two counts"


def test_what_is_written_here_is_looked_at_at_once(
    make_stage: MakeStage, dm: DirectMessages
) -> None:
    """The next look of its own would come in an hour."""
    stage = make_stage(attrs.evolve(QUICK, look_every=timedelta(hours=1)))
    client = stage.connected("ann")
    client.next("hello")
    assert comes_true(stage.is_watching)
    sent = dm.mailbox("bob").start("ann", "x")
    stage.live.look()
    facts, _ = client.facts(1)
    assert facts[0]["message"] == str(sent.id)


def test_looking_while_nobody_is_connected_does_nothing(stage: Stage) -> None:
    stage.live.look()
    assert not stage.is_watching()


def test_a_stream_says_something_now_and_then(make_stage: MakeStage) -> None:
    client = make_stage(rhythm=Rhythm(beat=0.02)).connected("ann")
    client.next("hello")
    for _ in range(3):
        assert client.next("", "changes").name == ""
    assert client.raw.endswith(b":\n\n")


# When it ends ----------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_streams_end_when_messaging_is_turned_off_and_none_begins(
    stage: Stage, dm: DirectMessages
) -> None:
    client = stage.connected("ann")
    client.next("hello")
    dm.operations("olga").set_mode("off")
    end = client.next("closed", "changes")
    assert (end.name, end.content, end.id) == ("closed", {"reason": "unavailable"}, None)
    assert client.rest() == []
    assert stage.is_free("ann")
    for after in (None, "x"):
        with pytest.raises((MessagingUnavailable, InvalidCursor)):
            stage.opened("ann", after)
    assert stage.is_free("ann")
    dm.operations("olga").set_mode("on")
    stage.connected("ann").next("hello")


@pytest.mark.parametrize("is_coroutine", [False, True])
def test_streams_end_when_the_host_says_that_the_sign_in_is_over(
    make_stage: MakeStage, is_coroutine: bool, dm: DirectMessages
) -> None:
    out: set[str] = set()

    def is_current(viewer: Viewer) -> bool:
        return viewer.session not in out

    async def is_current_awaited(viewer: Viewer) -> bool:
        return viewer.session not in out

    stage = make_stage(attrs.evolve(QUICK, is_current=is_current))
    if is_coroutine and stage.kind != "threads":
        stage = make_stage(attrs.evolve(QUICK, is_current=is_current_awaited))
    gone, stays = (stage.connected("ann", session=session) for session in ("1", "2"))
    gone.next("hello")
    stays.next("hello")
    out.add("1")
    assert gone.next("closed").content == {"reason": "signed_out"}
    assert gone.rest() == []
    dm.mailbox("bob").start("ann", "x")
    assert len(stays.facts(1)[0]) == 1
    assert gone.rest() == [], "nothing after the end"


def test_a_host_that_cannot_say_ends_the_stream_and_frees_its_place(make_stage: MakeStage) -> None:
    def is_current(_viewer: Viewer) -> bool:
        raise LookupError("the host's own database is away")

    stage = make_stage(attrs.evolve(QUICK, is_current=is_current))
    response = stage.opened("ann")
    stream = response.stream
    assert stream is not None

    async def read() -> None:
        async for _ in stream:
            pass

    with pytest.raises(LookupError):
        stage.run(read())
    assert stage.is_free("ann")


@pytest.mark.promise("GDPR-1")
def test_streams_end_when_an_operator_erases_their_user(stage: Stage, dm: DirectMessages) -> None:
    dm.mailbox("bob").start("ann", CANARY)
    ann, bob = stage.connected("ann"), stage.connected("bob")
    for client in (ann, bob):
        client.next("hello")
    dm.operations("olga").erase("ann")
    assert ann.next("closed").content == {"reason": "refused"}
    assert comes_true(lambda: stage.is_free("ann"))
    with pytest.raises(AccountErased):
        stage.opened("ann")
    assert not bob.is_over.is_set()


def test_no_stream_is_so_old_that_a_forgotten_sign_in_lives_in_it(
    make_stage: MakeStage, dm: DirectMessages
) -> None:
    """The next stream is a request of its own: the host is asked again who it is."""
    stage = make_stage(rhythm=Rhythm(oldest=0.05))
    client = stage.connected("ann")
    place = client.next("hello").id
    assert client.next("closed").content == {"reason": "going_away"}
    assert client.rest() == []
    assert stage.is_free("ann")
    sent = dm.mailbox("bob").start("ann", "x")
    facts, _ = stage.connected("ann", place).facts(1)
    assert [fact["message"] for fact in facts] == [str(sent.id)]


def test_logging_out_closes_the_streams_of_that_sign_in(stage: Stage, dm: DirectMessages) -> None:
    one, other = (stage.connected("ann", session=session) for session in ("1", "2"))
    bob, north = stage.connected("bob", session="1"), stage.connected("ann", tenant="north")
    for client in (one, other, bob, north):
        client.next("hello")
    stage.live.disconnect("ann", session="1")
    assert one.next("closed").content == {"reason": "signed_out"}
    dm.mailbox("bob").start("ann", "x")
    other.facts(1)
    bob.facts(1)
    stage.live.disconnect("ann")
    other.next("closed")
    assert stage.is_free("ann")
    dm.mailbox("bob", tenant="north").start("ann", "x")
    north.facts(1)
    stage.live.disconnect("ann", tenant="north")
    north.next("closed")
    assert not stage.is_free("bob")


def test_closing_ends_every_stream_and_the_watcher_and_later_ones_at_once(stage: Stage) -> None:
    clients = [stage.connected(user) for user in ("ann", "bob")]
    for client in clients:
        client.next("hello")
    stage.live.close()
    for client in clients:
        assert client.next("closed").content == {"reason": "going_away"}
        assert client.rest() == []
    assert comes_true(lambda: not stage.is_watching())
    late = stage.connected("ann")
    assert [event.name for event in late.rest()] == ["retry", "hello", "closed"]
    assert not stage.is_watching()
    stage.live.close()


def test_the_watcher_ends_with_the_last_stream_and_begins_with_the_next(
    stage: Stage, dm: DirectMessages
) -> None:
    for _ in range(2):
        clients = [stage.connected(user) for user in ("ann", "bob")]
        for client in clients:
            client.next("hello")
        assert comes_true(stage.is_watching)
        stage.live.disconnect("ann")
        clients[0].next("closed")
        dm.mailbox("ann").start("bob", "x")
        clients[1].facts(1)
        stage.live.disconnect("bob")
        clients[1].next("closed")
        assert comes_true(lambda: not stage.is_watching())


@pytest.mark.parametrize("make_stage", ["loop", "loop over threads"], indirect=True)
def test_a_watcher_that_was_cancelled_begins_again_with_the_next_stream(
    stage: Stage, dm: DirectMessages
) -> None:
    client = stage.connected("ann")
    client.next("hello")
    assert comes_true(stage.is_watching)
    stage.cancel_watcher()
    assert not stage.is_watching()
    stage.connected("bob").next("hello")
    dm.mailbox("bob").start("ann", "x")
    client.facts(1)


# Places ----------------------------------------------------------------------------------------


def test_one_user_has_so_many_streams_and_a_place_is_freed_however_a_stream_ends(
    stage: Stage, dm: DirectMessages
) -> None:
    first, second = stage.opened("ann"), stage.opened("ann")
    with pytest.raises(TooManyStreams):
        stage.opened("ann")
    assert not stage.is_free("ann")
    stage.opened("bob")
    stage.closed(first)
    stage.closed(first)
    third = stage.connected("ann")
    third.next("hello")
    with pytest.raises(TooManyStreams):
        stage.opened("ann")
    stage.closed(second)
    stage.live.disconnect("ann")
    third.next("closed")
    assert stage.is_free("ann")
    dm.mailbox("bob").start("ann", "x")
    assert stage.read(first).rest() == [], "what was closed says nothing"


def test_a_process_has_so_many_streams_in_all(make_stage: MakeStage, dm: DirectMessages) -> None:
    stage = make_stage(attrs.evolve(QUICK, most_streams_in_all=3))
    first = stage.opened("ann")
    for user in ("ann", "bob"):
        stage.opened(user)
    visit = stage.visit("cyd")
    for work in (stage.live.stream(visit, None), stage.live.changes(visit, None, 10, LONG_S)):
        with pytest.raises(TooManyStreams):
            stage.run(work)
    assert {user.id for user in stage.live._room.users()} == {"ann", "bob"}
    assert stage.run(stage.live.changes(visit, None, 10, 0)).items == (), "who only asks may"
    stage.closed(first)
    client = stage.connected("cyd")
    client.next("hello")
    dm.mailbox("bob").start("cyd", "x")
    client.facts(1)


@pytest.mark.parametrize("most", [0, -1, 1.5, True])
def test_a_number_of_streams_that_cannot_be_meant_is_refused(most: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Site(most_streams_in_all=most)
    assert caught.value.details["setting"] == "most_streams_in_all"


def test_a_site_that_only_polls_has_no_streams_and_lets_nobody_wait(
    make_stage: MakeStage, dm: DirectMessages
) -> None:
    stage = make_stage(attrs.evolve(QUICK, live="poll"))
    start = dm.mailbox("ann").snapshot().cursor
    for after in (None, start, "nonsense"):
        with pytest.raises(StreamsOff):
            stage.opened("ann", after)
    visit = stage.visit("ann")
    assert stage.run(stage.live.changes(visit, start, 10, LONG_S)).items == ()
    assert stage.is_free("ann")
    assert not stage.is_watching()
    sent = dm.mailbox("bob").start("ann", "x")
    found = stage.run(stage.live.changes(visit, start, 10, LONG_S))
    assert [fact.message for fact in found.items] == [sent.id]


def test_a_stream_that_nobody_reads_is_given_up(make_stage: MakeStage) -> None:
    stage = make_stage(rhythm=Rhythm(stalled=0.3))
    never, once = stage.opened("ann"), stage.opened("ann")
    assert once.stream is not None
    assert parsed(stage.run(_one(once.stream))).name == "retry"
    reader = stage.connected("bob")
    reader.next("hello")
    assert comes_true(lambda: stage.is_free("ann"))
    assert not stage.is_free("bob")
    for response in (never, once):
        ended = [event.name for event in stage.read(response).rest()]
        assert ended[-1] == "closed"


async def _one(stream: Any) -> bytes:
    chunk: bytes = await anext(stream)
    return chunk
