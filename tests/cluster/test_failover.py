"""The lead of a replicated PostgreSQL changes while many write: nothing acknowledged is lost.

The leader's machine goes dark, or others do, or its server alone dies, or the lead is handed over.
Whoever has a store open under one URL for all servers goes on after a while, without opening it
again; whoever asks again under the same key is told the same message (SCALE-2, MSG-3, MSG-4).
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final
from uuid import UUID

import pytest
from tests.cluster import writers
from tests.cluster.cluster import Cluster
from tests.cluster.crew import Crew, History, crew_on
from tests.cluster.writers import UNLIMITED
from tests.conftest import IS_NIGHTLY, seed

from dmcore import ConversationId, DirectMessages
from dmcore.adapters import sql
from dmcore.testing.world import text_of, thread_of

_ROUNDS: Final = 4 if IS_NIGHTLY else 1
# What everybody is told before something is done to the cluster, at most, and when it is over.
_MOST_BEFORE: Final = 60
_AFTERWARDS: Final = 10

Note = Callable[[str, object], None]

pytestmark = pytest.mark.promise("SCALE-2", "MSG-3", "MSG-4")


@pytest.fixture
def dm(url: str) -> Iterator[DirectMessages]:
    """A store that is opened once, before anything happens."""
    sql.initialise(url)
    with sql.open_sync(url, policy=UNLIMITED) as opened:
        opened.operations("olga").set_mode("on")
        yield opened


@pytest.fixture
def conversation(dm: DirectMessages) -> ConversationId:
    return dm.mailbox("ann").start("bob", "hello").conversation


@pytest.fixture
def crew(url: str, conversation: ConversationId) -> Iterator[Crew]:
    """People who write to each other, to new people, awaited or not; and one who only looks."""
    with crew_on(url) as made:
        made.writes(writers.sends, "ann", str(conversation))
        made.writes(writers.sends_awaited, "bob", str(conversation))
        made.writes(writers.begins, "left")
        made.writes(writers.begins, "right")
        made.reads(writers.follows, "bob")
        yield made


def silence_ms(crew: Crew, number: int, happens: Callable[[], object]) -> int:
    """For how long somebody was told nothing when this happened at a moment drawn by lot."""
    before = random.Random(f"{seed()} {number}").randint(1, _MOST_BEFORE)
    crew.wait_until_told(before, since_s=monotonic())
    began_s = monotonic()
    happens()
    crew.wait_until_told(_AFTERWARDS, since_s=monotonic())
    return crew.history.longest_silence_ms(began_s)


def check(dm: DirectMessages, history: History, conversation: ConversationId, note: Note) -> None:
    """What anybody was told is there, once, in one order for all, and nothing else is."""
    told = Counter((it.conversation, it.text, it.id) for it in history.acknowledged)
    stored: Counter[tuple[str, str, str]] = Counter()
    readers = {it.conversation: it.user for it in history.acknowledged}
    for place, reader in readers.items():
        for it in thread_of(dm.mailbox(reader), UUID(place)):
            if text_of(it) != "hello":
                stored[place, text_of(it), str(it.id)] += 1
    note("acknowledged by a cluster", told.total())
    note("acknowledged and lost by a cluster", (told - stored).total())
    note("doubled by a cluster", (stored - told).total())
    note("refusals of a cluster without a leader", history.refusals)
    assert told == stored
    assert set(told.values()) == {1}
    assert len({(place, text) for place, text, _ in stored}) == stored.total()
    assert dm.operations("olga").status().conversations == len(readers)
    (feed,) = history.seen
    thread = thread_of(dm.mailbox("bob"), conversation)
    assert feed.ids == [str(it.id) for it in thread if text_of(it) != "hello"]
    assert dm.operations("olga").verify() == ()


def test_the_leader_s_machine_goes_dark(
    cluster: Cluster,
    crew: Crew,
    dm: DirectMessages,
    conversation: ConversationId,
    record_property: Note,
) -> None:
    """Again and again, each time that of whoever leads then."""
    for number in range(_ROUNDS):
        leader = cluster.wait_until_whole()

        silence = silence_ms(crew, number, leader.cut_power)
        assert cluster.leader() is not leader
        record_property(f"ms of silence, leader killed, {number}", silence)
        leader.start()
    cluster.wait_until_whole()
    check(dm, crew.end(), conversation, record_property)


def test_the_machine_that_commits_wait_for_goes_dark_and_then_the_leader_s(
    cluster: Cluster,
    crew: Crew,
    dm: DirectMessages,
    conversation: ConversationId,
    record_property: Note,
) -> None:
    """Two of three: the last one has everything that anybody was told."""
    cluster.wait_until_whole()
    followed, other = cluster.standbys()

    def one_of_three_ends() -> None:
        followed.cut_power()
        cluster.wait_until_followed_by(other)

    silence = silence_ms(crew, 100, one_of_three_ends)
    record_property("ms of silence, standby killed", silence)
    leader = cluster.leader()

    silence = silence_ms(crew, 101, leader.cut_power)
    assert cluster.leader() is other
    record_property("ms of silence, leader killed after its standby", silence)
    check(dm, crew.end(), conversation, record_property)


def test_the_server_of_the_leader_alone_dies(
    cluster: Cluster,
    crew: Crew,
    dm: DirectMessages,
    conversation: ConversationId,
    record_property: Note,
) -> None:
    """Patroni starts it again where it was, or another leads."""
    leader = cluster.wait_until_whole()
    silence = silence_ms(crew, 200, leader.end_server)
    record_property("ms of silence, server killed", silence)
    check(dm, crew.end(), conversation, record_property)


def test_the_lead_is_handed_over(
    cluster: Cluster,
    crew: Crew,
    dm: DirectMessages,
    conversation: ConversationId,
    record_property: Note,
) -> None:
    """As for an upgrade of a machine."""
    silence = silence_ms(crew, 300, cluster.hand_over)
    record_property("ms of silence, handed over", silence)
    check(dm, crew.end(), conversation, record_property)


def test_whoever_did_nothing_meanwhile_notices_nothing(
    cluster: Cluster, url: str, dm: DirectMessages, conversation: ConversationId
) -> None:
    """Connections that lie in a pool all lead to who has stopped leading."""

    async def talk() -> None:
        async with await sql.open_async(url, policy=UNLIMITED) as awaiting:
            ann = awaiting.mailbox("ann")
            for number in range(2):
                sending = [ann.send(conversation, f"{number} {it}") for it in range(3)]
                await asyncio.gather(*sending)
                await asyncio.to_thread(cluster.hand_over)

    asyncio.run(talk())
    assert len(thread_of(dm.mailbox("bob"), conversation)) == 7
    cluster.hand_over()
    dm.mailbox("bob").send(conversation, "here I am")
    assert dm.mailbox("ann").unread() == 1
    assert dm.operations("olga").verify() == ()
