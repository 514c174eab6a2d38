"""Whatever a send depends on may change between its two statements; then it is decided anew.

On PostgreSQL nothing is held between them (ADR 53). Each case changes one thing after the facts
were read and before anything is written: what comes of the send must be what would have come of it
a moment later.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import psycopg
import pytest
from sqlalchemy import Engine
from tests.conftest import IS_NIGHTLY
from tests.faults.moments import once_at
from tests.support.sealed import Keys
from tests.support.stores import asked_through, engine_of

from dmcore import DirectMessages, DmcoreError, Mailbox, Policy, Preferences, RateLimit
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.domain.account import Account
from dmcore.domain.erasure import ErasureScope
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import (
    AccountErased,
    EncryptionRequired,
    LimitReached,
    MessagingUnavailable,
    Muted,
    RecipientUnavailable,
    Suspended,
    YouBlockedThem,
)
from dmcore.ports.transactions import writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.erasing_meets import steps_of
from dmcore.testing.world import NOON_US, text_of, thread_of

STRICT = Policy(messages=RateLimit(2, timedelta(minutes=1)), starts=None)
UNLIMITED = Policy(messages=None, starts=None)
ASKING = attrs.evolve(UNLIMITED, requests="ask")
ABSORBING = attrs.evolve(UNLIMITED, blocked="absorb")
MINUTE = timedelta(minutes=1)


@attrs.frozen(kw_only=True)
class Scene:
    """A handle that sends, and another one on the same store for what happens meanwhile."""

    dm: DirectMessages
    another: DirectMessages
    url: str
    conversation: Any

    @property
    def engine(self) -> Engine:
        return engine_of(self.dm)

    def send(self, text: str = "second", key: str | None = None) -> Any:
        return self.dm.mailbox("ann").send(self.conversation, text, key=key)

    def texts(self) -> list[str]:
        return [text_of(it) for it in thread_of(self.another.mailbox("bob"), self.conversation)]


@pytest.fixture
def scene(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[Scene]:
    sql.initialise(postgres_url)
    clock, policy = ManualClock(NOON_US), getattr(request, "param", STRICT)
    with (
        sql.open_sync(postgres_url, policy=policy, clock=clock) as dm,
        sql.open_sync(postgres_url, policy=policy, clock=clock) as another,
    ):
        another.operations("olga").set_mode("on")
        conversation = another.mailbox("ann").start("bob", "first").conversation
        yield Scene(dm=dm, another=another, url=postgres_url, conversation=conversation)


Change = Callable[[Scene], object]


def restrict(scene: Scene, kind: str) -> None:
    desk = scene.another.moderation("mod")
    desk.restrict("ann", kind, reason="spam", for_=MINUTE)


REFUSING: Mapping[str, tuple[Change, type[DmcoreError]]] = {
    "the partner blocks": (
        lambda it: it.another.mailbox("bob").block("ann"),
        RecipientUnavailable,
    ),
    "the sender blocks": (lambda it: it.another.mailbox("ann").block("bob"), YouBlockedThem),
    "the limit is used up": (
        lambda it: it.another.mailbox("ann").start("cyd", "elsewhere"),
        LimitReached,
    ),
    "the switch is turned": (
        lambda it: it.another.operations("olga").set_mode("off"),
        MessagingUnavailable,
    ),
    "the partner is erased": (
        lambda it: it.another.operations("olga").erase("bob"),
        RecipientUnavailable,
    ),
    "the sender is muted": (
        lambda it: restrict(it, "mute"),
        Muted,
    ),
    "the sender is suspended": (
        lambda it: restrict(it, "suspend"),
        Suspended,
    ),
}


@pytest.mark.promise("BLOCK-2", "LIMIT-1", "MOD-4", "GDPR-1")
@pytest.mark.parametrize("name", REFUSING)
def test_what_would_be_refused_a_moment_later_is_refused(scene: Scene, name: str) -> None:
    change, refusal = REFUSING[name]
    met = once_at(scene.engine, "after_cursor_execute", "actor_box", lambda _: change(scene))
    with pytest.raises(refusal):
        scene.send()
    assert len(met) == 1
    scene.another.operations("olga").set_mode("on")
    elsewhere = name == "the limit is used up"
    assert scene.another.operations("olga").status().messages == 1 + elsewhere
    assert scene.another.operations("olga").verify() == ()


@pytest.mark.promise("CRYPT-1")
def test_no_text_is_written_in_the_clear_after_encryption_was_turned_on(
    scene: Scene, tmp_path: Path
) -> None:
    encryption = Keys(tmp_path).make().encryption()

    def turn_on(_cursor: object) -> None:
        assert sql.encrypt(scene.url, encryption=encryption)

    met = once_at(scene.engine, "after_cursor_execute", "actor_box", turn_on)
    with pytest.raises(EncryptionRequired):
        scene.send()
    assert len(met) == 1
    assert sql.count_plain(scene.url) == 1
    encryption.close()


ACCEPTED: Mapping[str, tuple[Change, list[str]]] = {
    "the partner writes": (
        lambda it: it.another.mailbox("bob").send(it.conversation, "between"),
        ["first", "between", "second"],
    ),
    "the partner reads": (
        lambda it: it.another.mailbox("bob").mark_read(
            it.conversation, through=it.another.mailbox("bob").inbox().items[0].newest
        ),
        ["first", "second"],
    ),
    "the partner chooses": (
        lambda it: it.another.mailbox("bob").set_preferences(Preferences(receipts=False)),
        ["first", "second"],
    ),
    "the partner clears": (
        lambda it: it.another.mailbox("bob").clear(it.conversation),
        ["second"],
    ),
    "the partner is written to by somebody else": (
        lambda it: it.another.mailbox("cyd").start("bob", "elsewhere"),
        ["first", "second"],
    ),
    "the sender does something else": (
        lambda it: it.another.mailbox("ann").archive(it.conversation),
        ["first", "second"],
    ),
    "the first text is changed": (
        lambda it: it.another.mailbox("ann").edit(
            it.conversation, it.another.mailbox("ann").inbox().items[0].newest, "FIRST"
        ),
        ["FIRST", "second"],
    ),
}


@pytest.mark.promise("MSG-2", "MSG-4", "READ-1")
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_happened_meanwhile_stays_and_counts(scene: Scene, name: str) -> None:
    change, expected = ACCEPTED[name]
    met = once_at(scene.engine, "after_cursor_execute", "actor_box", lambda _: change(scene))
    with asked_through(scene.dm) as asked:
        message = scene.send()
    assert len(met) == 1
    # The second time it is held.
    assert asked.count("BEGIN") == 1
    assert scene.texts() == expected
    (line,) = (
        it
        for it in scene.another.mailbox("bob").inbox().items
        if it.conversation == scene.conversation
    )
    assert line.newest == message.id
    assert scene.another.operations("olga").verify() == ()


@pytest.mark.promise("MSG-3")
def test_a_key_that_was_used_meanwhile_sends_nothing_more(scene: Scene) -> None:
    sent: list[Any] = []

    def send_first(_cursor: object) -> None:
        again = scene.another.mailbox("ann")
        sent.append(again.send(scene.conversation, "second", key="key"))

    once_at(scene.engine, "after_cursor_execute", "actor_box", send_first)
    assert [scene.send(key="key")] == sent
    assert scene.texts() == ["first", "second"]
    assert scene.another.operations("olga").verify() == ()


@pytest.mark.promise("PAIR-2")
@pytest.mark.parametrize("other", ["cyd", "zoe"])
def test_two_who_begin_with_each_other_begin_once(scene: Scene, other: str) -> None:
    """Nobody of the two was here before, or one was."""
    scene.another.mailbox("cyd").start("dan", "so that Cyd has a mailbox")

    def begin_first(_cursor: object) -> None:
        scene.another.mailbox(other).start("eve", "hello")

    met = once_at(scene.engine, "after_cursor_execute", "actor_box", begin_first)
    message = scene.dm.mailbox("eve").start(other, "hello yourself")
    assert len(met) == 1
    both = thread_of(scene.another.mailbox(other), message.conversation)
    assert [text_of(it) for it in both] == ["hello", "hello yourself"]
    assert scene.another.operations("olga").verify() == ()


@pytest.mark.promise("MSG-4")
def test_nobody_waits_for_who_holds_a_mailbox_with_what_cannot_be_taken_back(
    scene: Scene,
) -> None:
    """Somebody has the partner's mailbox: the write fails at once; who waits can go back."""
    waiting = "SELECT query FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    with (
        psycopg.connect(scene.url) as other,
        psycopg.connect(scene.url, autocommit=True) as third,
        ThreadPoolExecutor(1) as threads,
    ):
        other.execute("SELECT 1 FROM dm_mailbox WHERE user_id = 'bob' FOR UPDATE")
        sending = threads.submit(scene.send)
        found = None
        while found is None:
            assert not sending.done(), sending.result()
            found = third.execute(waiting, [other.info.backend_pid]).fetchone()
        other.rollback()
        sending.result()
    assert found[0].startswith("WITH held")
    assert scene.texts() == ["first", "second"]


@pytest.mark.promise("MSG-4")
def test_what_nobody_watches_over_is_done_under_locks(scene: Scene) -> None:
    """A use case that holds nothing of a pair could be overtaken unseen."""
    acts: tuple[Callable[[], object], ...] = (
        lambda: scene.dm.mailbox("ann").set_preferences(Preferences(typing=False)),
        lambda: scene.dm.operations("olga").set_mode("on"),
        lambda: scene.dm.operations("olga").erase("cyd"),
        lambda: scene.dm.moderation("mod").restrict("dan", "mute", reason="spam"),
    )
    for act in acts:
        with asked_through(scene.dm) as asked:
            act()
        assert asked[0] == "BEGIN" or "actor_box" not in asked[0]
        assert not any(it.startswith("WITH g") for it in asked)


def test_writes_without_facts_are_not_guarded(scene: Scene) -> None:
    """Nothing was read, so there is nothing to make sure of."""
    ann = User(TenantId(""), UserId("zoe"))
    with asked_through(scene.dm) as asked:
        runner_of(scene.dm).run(writing(lambda tx: tx.mailboxes.save(Account(user=ann))))
    assert asked[0] == "BEGIN"
    assert asked[-1] == "COMMIT"


# Erasures ---------------------------------------------------------------------------------------


def erase(scene: Scene, user: str) -> None:
    scene.another.operations("olga").erase(user)


def record(scene: Scene, user: str) -> None:
    """The ledger takes in a line about somebody whom no row names."""
    gone = scene.another.operations("olga").preview_erasure(user).pseudonym
    with psycopg.connect(scene.url) as connection:
        connection.execute("INSERT INTO dm_erasure VALUES ('', %s, 1, 2)", [gone])


@pytest.mark.promise("GDPR-1")
@pytest.mark.parametrize("change", [erase, record])
@pytest.mark.parametrize(
    ("sender", "other", "refusal"),
    [("ann", "zoe", RecipientUnavailable), ("zoe", "ann", AccountErased)],
)
def test_nobody_comes_back_who_was_never_there_and_was_erased(
    scene: Scene,
    change: Callable[[Scene, str], None],
    sender: str,
    other: str,
    refusal: type[DmcoreError],
) -> None:
    """Their mailbox came and went meanwhile, or never was: what is missing looks as it did."""
    met = once_at(scene.engine, "after_cursor_execute", "actor_box", lambda _: change(scene, "zoe"))
    with pytest.raises(refusal):
        scene.dm.mailbox(sender).start(other, "hello")
    assert len(met) == 1
    assert scene.another.operations("olga").preview_erasure("zoe").scope == ErasureScope()
    assert scene.another.operations("olga").verify() == ()


def take_step(steps: Iterator[bool], taken: list[bool], _cursor: object) -> None:
    taken.append(next(steps))


PARTNERS_ACTS: Mapping[str, Callable[[Mailbox, str, Any], object]] = {
    "clear": lambda bob, _, here: bob.clear(here),
    "hide": lambda bob, _, here: bob.hide(here, bob.thread(here).items[0].id),
    "mute": lambda bob, _, here: bob.mute(here),
    "archive": lambda bob, _, here: bob.archive(here),
    "mark read": lambda bob, _, here: bob.mark_read(here, through=bob.thread(here).items[-1].id),
    "delete": lambda bob, _, here: bob.delete(here, bob.thread(here).items[-1].id),
    "block": lambda bob, other, _: bob.block(other),
    "unblock": lambda bob, other, _: bob.unblock(other),
    "report": lambda bob, other, here: bob.report(other, conversation=here, reason="spam"),
    "send": lambda bob, _, here: bob.send(here, "still there?"),
}


def met(dm: DirectMessages, who: str, partner: str) -> UUID:
    """They have written, and the partner has read."""
    here = dm.mailbox(who).start(partner, "first").conversation
    newest = dm.mailbox(who).send(here, "second").id
    dm.mailbox(partner).send(here, "hello yourself")
    dm.mailbox(partner).mark_read(here, through=newest)
    return here


def blocked(dm: DirectMessages, who: str, partner: str) -> UUID:
    here = met(dm, who, partner)
    dm.mailbox(partner).block(who)
    return here


def declined(dm: DirectMessages, who: str, partner: str) -> UUID:
    """Nothing of theirs reaches the partner any more, also not that they go."""
    here = dm.mailbox(who).start(partner, "may I?").conversation
    dm.mailbox(partner).decline(here)
    return here


def absorbed(dm: DirectMessages, who: str, partner: str) -> UUID:
    """They wrote to somebody who has nothing of it."""
    dm.mailbox(partner).block(who)
    return dm.mailbox(who).start(partner, "first").conversation


# By day where a step tells the partner nothing.
SITUATIONS = [
    pytest.param(ASKING, declined, id="declined"),
    pytest.param(ABSORBING, absorbed, id="absorbed"),
]
if IS_NIGHTLY:
    SITUATIONS += [
        pytest.param(UNLIMITED, met, id="met"),
        pytest.param(UNLIMITED, blocked, id="blocked"),
    ]


@pytest.mark.promise("GDPR-1", "MSG-5", "READ-1")
@pytest.mark.parametrize("name", PARTNERS_ACTS)
@pytest.mark.parametrize(("scene", "before"), SITUATIONS, indirect=["scene"])
def test_a_partner_meets_each_step_of_an_erasure(
    scene: Scene, before: Callable[[DirectMessages, str, str], UUID], name: str
) -> None:
    """Whatever a step changes about a pair, nobody writes on what was read before it."""
    act = PARTNERS_ACTS[name]
    for number in count():
        # The one who goes sorts before the partner, and behind it under the new name; or not.
        who, partner = f"{'az'[number % 2]}{number}", f"b{number}"
        here = before(scene.another, who, partner)
        steps = steps_of(scene.another, who)
        if True in islice(steps, number // 2):
            break
        taken: list[bool] = []
        step = partial(take_step, steps, taken)
        once_at(scene.engine, "after_cursor_execute", "actor_box", step)
        # Where nothing can be seen there is nothing to hide.
        with suppress(DmcoreError, IndexError):
            act(scene.dm.mailbox(partner), who, here)
        scene.another.operations("olga").erase(who)
        scope = scene.another.operations("olga").preview_erasure(who).scope
        assert scope == ErasureScope(), (number, taken)
        assert scene.another.operations("olga").verify() == ()
    assert number > 8


@pytest.mark.promise("CRYPT-1", "GDPR-1")
def test_evidence_is_sealed_under_locks(postgres_url: str, tmp_path: Path) -> None:
    """A key may be made for it in the name of who wrote it, for which an erasure has to wait."""
    sql.initialise(postgres_url)
    encryption = Keys(tmp_path).make().encryption()
    sql.encrypt(postgres_url, encryption=encryption)
    policy = attrs.evolve(UNLIMITED, evidence="reporter_selected")
    with sql.open_sync(postgres_url, policy=policy, encryption=encryption) as dm:
        dm.operations("olga").set_mode("on")
        sent = dm.mailbox("ann").start("bob", "first")
        for chosen, begun in (((sent.id,), 1), ((), 0)):
            with asked_through(dm) as asked:
                dm.mailbox("bob").report(
                    "ann", conversation=sent.conversation, messages=chosen, reason="spam"
                )
            assert asked.count("BEGIN") == begun
    encryption.close()


@pytest.mark.promise("SCALE-2")
def test_what_a_server_says_that_only_follows_is_not_written_about(scene: Scene) -> None:
    """It may be old; under locks such a server says what it is. Here one only says that it is."""
    with psycopg.connect(scene.url, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(
            "CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE sql"
            " AS 'SELECT true'"
        )
        owner.execute(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog'.encode())
    with sql.open_sync(scene.url, policy=UNLIMITED) as dm, asked_through(dm) as asked:
        dm.mailbox("ann").send(scene.conversation, "second")
    assert asked.count("BEGIN") == 1
    assert scene.texts() == ["first", "second"]
