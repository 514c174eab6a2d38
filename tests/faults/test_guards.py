"""Whatever a send depends on may change between its two statements; then it is decided anew.

On PostgreSQL nothing is held between them (ADR 53). Each case changes one thing after the facts
were read and before anything is written: what comes of the send must be what would have come of it
a moment later.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from sqlalchemy import Engine
from tests.faults.moments import once_at
from tests.support.sealed import Keys
from tests.support.stores import asked_through, engine_of

from dmcore import DirectMessages, DmcoreError, Policy, Preferences, RateLimit
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.domain.account import Account
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import (
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
from dmcore.testing.world import NOON_US, text_of, thread_of

STRICT = Policy(messages=RateLimit(2, timedelta(minutes=1)), starts=None)
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
def scene(postgres_url: str) -> Iterator[Scene]:
    sql.initialise(postgres_url)
    clock = ManualClock(NOON_US)
    with (
        sql.open_sync(postgres_url, policy=STRICT, clock=clock) as dm,
        sql.open_sync(postgres_url, policy=STRICT, clock=clock) as another,
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
