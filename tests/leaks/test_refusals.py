"""What the product refuses, it refuses without repeating it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.leaks.canary import ANN, BOB, BODY, KEY, OTHER_BODY, PASSWORD, UNLIMITED, Ear

from dmcore import (
    BodyRules,
    DirectMessages,
    Mode,
    OpenTo,
    Policy,
    Preferences,
    RateLimit,
    errors,
)
from dmcore._rules import Rules
from dmcore.adapters import memory, sql
from dmcore.adapters.sql._engine import Settings, make_engine, parse_url
from dmcore.testing.world import anatomy

NOBODYS = UUID("00000000-0000-8000-8000-000000000000")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def dm(request: pytest.FixtureRequest, ear: Ear) -> Iterator[DirectMessages]:
    """Each kind of store, loud."""
    if request.param == "memory":
        opened = memory.open_sync(policy=UNLIMITED)
    else:
        url = request.getfixturevalue(f"{request.param}_url")
        sql.initialise(url)
        opened = sql.open_sync(url, policy=UNLIMITED)
        ear.listen_to(opened)
    with opened:
        opened.operations("olga").set_mode("on")
        yield opened


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (BODY + "\ud800", BodyRules()),
        (BODY + "\0", BodyRules()),
        (BODY, BodyRules(emoji="refuse")),
        (BODY * 1_000, BodyRules()),
        (BODY, BodyRules(largest_bytes=3)),
        (BODY.encode(), BodyRules()),
        ([BODY], BodyRules()),
    ],
    ids=["surrogate", "nul", "emoji", "huge", "large", "bytes", "list"],
)
def test_a_text_that_is_refused(ear: Ear, text: Any, rules: BodyRules) -> None:
    with memory.open_sync(policy=Policy(body=rules)) as dm:
        dm.operations("olga").set_mode("on")
        error = ear.refusal(lambda: dm.mailbox(ANN).start(BOB, text))
    assert isinstance(error, errors.InvalidBody)


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("flaw", ["\ud800", "\0", "\n", "x" * 300], ids=ascii)
def test_ids_keys_and_cursors_that_are_refused(ear: Ear, dm: DirectMessages, flaw: str) -> None:
    ann = dm.mailbox(ANN)
    assert ear.refusal(lambda: dm.mailbox(ANN + flaw)).code == "invalid_id"
    assert ear.refusal(lambda: dm.mailbox(ANN, tenant=BOB + flaw)).code == "invalid_id"
    assert ear.refusal(lambda: ann.start(BOB + flaw, BODY, key=KEY)).code == "invalid_id"
    assert ear.refusal(lambda: ann.start(BOB, BODY, key=KEY + flaw)).code == "invalid_key"
    assert ear.refusal(lambda: ann.send(BODY + flaw, BODY)).code == "invalid_id"
    assert ear.refusal(lambda: ann.mark_read(NOBODYS, through=KEY + flaw)).code == "invalid_id"
    assert ear.refusal(lambda: ann.inbox(cursor=KEY + flaw)).code == "invalid_cursor"
    assert ear.refusal(lambda: ann.thread(NOBODYS, after=BODY + flaw)).code == "invalid_cursor"
    assert ear.refusal(lambda: ann.blocked(cursor=BODY + flaw)).code == "invalid_cursor"


@pytest.mark.promise("LEAK-1")
def test_what_the_rules_refuse(ear: Ear, dm: DirectMessages) -> None:
    ann, bob, olga = dm.mailbox(ANN), dm.mailbox(BOB), dm.operations("olga")
    first = ann.start(BOB, BODY, key=KEY)
    conversation = first.conversation
    assert ear.refusal(lambda: ann.start(BOB, OTHER_BODY, key=KEY)).code == "key_conflict"
    assert ear.refusal(lambda: ann.send(conversation, OTHER_BODY, key=KEY)).code == "key_conflict"
    assert ear.refusal(lambda: ann.start(ANN, BODY)).code == "cannot_message_yourself"
    assert ear.refusal(lambda: ann.send(NOBODYS, BODY, key=KEY)).code == "access_denied"
    assert ear.refusal(lambda: dm.mailbox("eve").thread(conversation)).code == "access_denied"
    assert ear.refusal(lambda: ann.mark_read(conversation, through=NOBODYS)).code == "access_denied"
    acts: tuple[Callable[[], object], ...] = (
        lambda: ann.edit(conversation, NOBODYS, BODY),
        lambda: ann.delete(conversation, NOBODYS),
        lambda: ann.hide(conversation, NOBODYS),
        lambda: ann.send(conversation, BODY, reply_to=NOBODYS),
        lambda: bob.edit(conversation, first.id, BODY),
        lambda: ann.archive(NOBODYS),
    )
    for act in acts:
        assert ear.refusal(act).code == "access_denied"
    assert ear.refusal(lambda: bob.decline(conversation)).code == "no_request"
    ann.delete(conversation, first.id)
    assert ear.refusal(lambda: ann.edit(conversation, first.id, BODY)).code == "too_late_to_edit"
    bob.block(ANN)
    assert ear.refusal(lambda: ann.send(conversation, BODY)).code == "recipient_unavailable"
    assert ear.refusal(lambda: bob.send(conversation, BODY)).code == "you_blocked_them"
    olga.set_mode(Mode.OFF)
    assert ear.refusal(lambda: ann.send(conversation, BODY)).code == "messaging_unavailable"
    assert ear.refusal(lambda: olga.set_mode(BODY)).code == "invalid_setting"
    assert olga.verify() == ()


@pytest.mark.promise("LEAK-1", "REQ-1", "PREF-1")
def test_what_a_recipient_who_is_asked_refuses(ear: Ear) -> None:
    with memory.open_sync(policy=attrs.evolve(UNLIMITED, requests="ask")) as dm:
        dm.operations("olga").set_mode("on")
        ann, bob = dm.mailbox(ANN), dm.mailbox(BOB)
        sent = ann.start(BOB, BODY, key=KEY)
        again = ear.refusal(lambda: ann.send(sent.conversation, OTHER_BODY))
        bob.decline(sent.conversation)
        declined = ear.refusal(lambda: ann.send(sent.conversation, OTHER_BODY))
        assert anatomy(again) == anatomy(declined)
        assert again.code == "not_accepted_yet"
        bob.set_preferences(Preferences(open_to=OpenTo.NOBODY))
        error = ear.refusal(lambda: dm.mailbox("eve").start(BOB, BODY))
        assert error.code == "recipient_unavailable"


@pytest.mark.promise("LEAK-1")
def test_what_the_limits_refuse(ear: Ear) -> None:
    one = RateLimit(1, timedelta(days=1))
    with memory.open_sync(policy=Policy(messages=one, starts=None)) as dm:
        dm.operations("olga").set_mode("on")
        dm.mailbox(ANN).start(BOB, BODY, key=KEY)
        error = ear.refusal(lambda: dm.mailbox(ANN).start(BOB, OTHER_BODY))
    assert error.code == "limit_reached"


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://{ANN}:{PASSWORD}@127.0.0.1:1/{BOB}",
        f"postgresql://{ANN}:{PASSWORD}@[::1]:1/{BOB}",
        f"postgresql://{ANN}:{PASSWORD}@{BOB}.invalid/db",
        f"postgresql://{ANN}:{PASSWORD}@127.0.0.1:99999999/db",
        f"postgresql://127.0.0.1:1/db?user={ANN}&password={PASSWORD}",
        f"postgresql://127.0.0.1:1/db?{PASSWORD}=1",
        f"postgresql://127.0.0.1:1/db?connect_timeout={PASSWORD}",
        f"postgresql://127.0.0.1:1/db?sslmode={PASSWORD}",
        f"postgresql://127.0.0.1:1/db?options={PASSWORD}",
        f"postgresql://{ANN}:{PASSWORD}%00@127.0.0.1:1/db",
        f"postgresql://{ANN}:{PASSWORD}\ud800@127.0.0.1:1/db",
        f"postgresql://{ANN}:{PASSWORD}@h:port/db",
        f"postgresql://{ANN}:{PASSWORD}@[::1/db",
        f"postgresql+asyncpg://{ANN}:{PASSWORD}@h/db",
        f"mysql://{ANN}:{PASSWORD}@h/db",
        f"sqlite:///no/such/folder/{PASSWORD}.db",
        f"sqlite:///{PASSWORD}\0.db",
        f"sqlite:///{PASSWORD}\ud800.db",
        f"sqlite:///:memory:?{PASSWORD}=1",
        PASSWORD,
    ],
    ids=ascii,
)
def test_an_address_that_leads_nowhere(ear: Ear, url: str) -> None:
    """No part of it: not the password, not the name, not the host."""
    for open_ in (sql.initialise, sql.open_sync):
        error = ear.refusal(lambda open_=open_: open_(url))  # type: ignore[misc]
        assert isinstance(error, errors.InvalidSetting | errors.StoreError)


@pytest.mark.promise("LEAK-1")
def test_an_open_store_does_not_show_its_address(ear: Ear) -> None:
    url = f"postgresql://{ANN}:{PASSWORD}@127.0.0.1:1/db"
    engine = make_engine(parse_url(url), Settings())
    with sql_on(engine) as dm:
        assert PASSWORD not in repr(dm) + repr(dm.mailbox(ANN)) + repr(dm.operations("olga"))
        ear.listen_to(dm)
        assert ear.refusal(dm.mailbox(ANN).inbox).code == "store_unavailable"


def sql_on(engine: Any) -> DirectMessages:
    nothing: Any = None
    return DirectMessages(
        rules=Rules(policy=UNLIMITED, clock=nothing, entropy=nothing),
        transactions=sql.SqlTransactions(engine, bytes(16)),
    )
