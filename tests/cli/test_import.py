"""Messages of another system come in whole: one conversation for a pair, each message once."""

import json
import os
import sqlite3
import stat
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.conftest import Run
from tests.cli.test_processes import DMCORE, environment

from dmcore import DirectMessages
from dmcore.adapters import memory, sql
from dmcore.adapters.clock import ManualClock
from dmcore.cli.closed import behind_closed_doors
from dmcore.cli.failures import ImportIncomplete, MessagingIsOn, UnreadableFile
from dmcore.cli.importing import POLICY, Importing
from dmcore.cli.legacy import Line, Lines, opened
from dmcore.domain.body import BodyRules
from dmcore.errors import LimitReached, MessagingUnavailable, StoreUnavailable
from dmcore.testing.world import inbox_of, text_of, thread_of

URL = "sqlite:///dmcore.db"
NEW = "sqlite:///new.db"
AT_S = 1_714_564_800
LATER_US = AT_S * 2_000_000
SECRET = "the otter below the weir"


def line(number: object = 1, **changes: object) -> dict[str, object]:
    """One message of the old system."""
    whole: dict[str, object] = {
        "id": number,
        "sender": "ann",
        "recipient": "bob",
        "text": f"text {number}",
        "sent_at": AT_S,
    }
    return {**whole, **changes}


def written(*lines: dict[str, object] | str, name: str = "old.jsonl") -> str:
    rows = (it if isinstance(it, str) else json.dumps(it) for it in lines)
    Path(name).write_text("".join(f"{row}\n" for row in rows))
    return name


def talks(dm: DirectMessages, *users: str) -> dict[tuple[str, str], list[str]]:
    """What stands in the threads of so many users, oldest first."""
    found: dict[tuple[str, str], list[str]] = {}
    for user in users:
        box = dm.mailbox(user)
        for entry in inbox_of(box):
            thread = thread_of(box, entry.conversation)
            found[user, entry.other] = [text_of(it) for it in thread]
    return found


@contextmanager
def reading(url: str = URL) -> Iterator[DirectMessages]:
    """A sound store, in which messaging is on."""
    with sql.open_sync(url) as dm:
        operations = dm.operations("olga")
        assert operations.verify() == ()
        operations.set_mode("on")
        yield dm


@contextmanager
def open_for_a_while(url: str = URL) -> Iterator[DirectMessages]:
    """A store in which people do something before it is closed for an import."""
    with sql.open_sync(url) as dm:
        dm.operations("olga").set_mode("on")
        yield dm
        dm.operations("olga").set_mode("off")


def stored(url: str = URL, *users: str) -> dict[tuple[str, str], list[str]]:
    with reading(url) as dm:
        return talks(dm, *(users or ("ann", "bob")))


# A table as such systems have it ----------------------------------------------------------------

people = st.permutations(("ann", "bob", "cyd", "dan")).map(lambda names: tuple(names[:2]))
rows = st.lists(
    st.tuples(people, st.integers(0, 5), st.integers(0, 3), st.sampled_from(("same", "other"))),
    max_size=30,
)


@pytest.mark.promise("PAIR-1", "OPS-6")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.randoms(use_true_random=False))
def test_the_conversations_of_a_pair_become_one_and_no_message_is_lost(
    tmp_path: Path, table: list[tuple[tuple[str, str], int, int, str]], chance: Any
) -> None:
    """However the rows lie in the file, and whoever began which of the conversations."""
    lines = [
        line(
            number,
            sender=sender,
            recipient=recipient,
            sent_at=AT_S + second,
            conversation=f"{sender}{conversation}",
            text=text,
        )
        for number, ((sender, recipient), second, conversation, text) in enumerate(table)
    ]
    again = chance.sample(lines, len(lines) // 3)
    given_lines = [*lines, *again]
    chance.shuffle(given_lines)
    file = tmp_path / "old.jsonl"
    file.write_text("".join(json.dumps(it) + "\n" for it in given_lines))
    expected: dict[tuple[str, str], list[str]] = defaultdict(list)
    first_places: dict[object, int] = {}
    for place, it in enumerate(given_lines):
        first_places.setdefault(it["id"], place)
    for it in sorted(lines, key=lambda it: (it["sent_at"], first_places[it["id"]])):
        for own, other in (("sender", "recipient"), ("recipient", "sender")):
            expected[str(it[own]), str(it[other])].append(str(it["text"]))

    clock = ManualClock(LATER_US)
    with (
        opened(file, rules=BodyRules(), latest_us=LATER_US) as legacy,
        memory.open_sync(policy=POLICY, clock=clock) as dm,
    ):
        survey = legacy.survey()
        importing = Importing(dm=dm, clock=clock, lines=Lines(legacy, survey), tenant="")
        # Interrupted somewhere, and once more than is needed.
        for there, until in ((0, chance.randint(0, len(lines))), (None, None), (len(lines), None)):
            found = importing.begin()
            assert there is None or found == there
            with suppress(ImportIncomplete):
                importing.go_on(islice(importing.lines, until))
        dm.operations("olga").set_mode("on")
        assert talks(dm, "ann", "bob", "cyd", "dan") == expected
        assert dm.operations("olga").status().messages == len(lines)
        assert dm.operations("olga").verify() == ()
        assert sum(dm.mailbox(it).unread() for it in ("ann", "bob", "cyd", "dan")) == 0
    pairs = {frozenset((it["sender"], it["recipient"])) for it in lines}
    named = {(frozenset((it["sender"], it["recipient"])), it["conversation"]) for it in lines}
    assert (survey.pairs, survey.merged) == (len(pairs), len(named) - len(pairs))
    assert (survey.repeated, survey.faults) == (len(again), [])


@pytest.mark.promise("PAIR-1", "OPS-6")
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_table_with_two_conversations_for_one_pair(
    run: Run, request: pytest.FixtureRequest, store: str
) -> None:
    url = URL if store == "sqlite" else str(request.getfixturevalue("postgres_url"))
    with closing(sqlite3.connect("site.db")) as old:
        old.executescript(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, thread, author, receiver, body, at);"
            "INSERT INTO messages VALUES"
            " (1, 7, 'ann', 'bob', 'one', '2024-05-01T12:00:00Z'),"
            " (2, 9, 'bob', 'ann', 'two', '2024-05-01T12:00:01+00:00'),"
            " (3, 7, 'ann', 'bob', 'three', '2024-05-01T14:00:02+02:00'),"
            " (4, 9, 'bob', 'ann', 'three', '2024-05-01T12:00:02Z')"
        )
        found = old.execute(
            "SELECT json_object('id', id, 'sender', author, 'recipient', receiver, 'text', body,"
            " 'sent_at', at, 'conversation', thread) FROM messages ORDER BY id DESC"
        )
        file = written(*(row for (row,) in found))
    facts = run("import", file, "--url", url, "--json").facts
    assert facts.pop("location")
    assert facts == {
        "messages": 4,
        "there_already": 0,
        "repeated_lines": 0,
        "rejected_lines": 0,
        "pairs": 1,
        "merged_conversations": 1,
    }
    # What was written in the same moment stands as it does in the file.
    said = ["one", "two", "three", "three"]
    assert stored(url) == {("ann", "bob"): said, ("bob", "ann"): said}


@pytest.mark.promise("LIMIT-1")
def test_what_was_sent_before_is_not_counted_by_a_limit(run: Run) -> None:
    file = written(*(line(number, recipient=f"user {number}") for number in range(30)))
    assert run("import", file).status == 0
    with reading() as dm:
        assert dm.operations("olga").status().messages == 30
        for number in range(5):
            dm.mailbox("ann").start(f"new {number}", "hello")
        with pytest.raises(LimitReached):
            dm.mailbox("ann").start("one more", "hello")


@pytest.mark.promise("READ-1")
def test_what_was_not_read_is_unread(run: Run) -> None:
    file = written(
        line(1),
        line(2, read=True, sent_at=AT_S + 1),
        line(3, read=False, sent_at=AT_S + 2),
        line(4, sender="bob", recipient="ann", read=False),
        line(5, sender="cyd", sent_at=AT_S + 0.5, read=False),
    )
    assert run("import", file).status == 0
    with reading() as dm:
        unread = {user: dm.mailbox(user).unread() for user in ("ann", "bob", "cyd")}
        (line_of_cyd,) = inbox_of(dm.mailbox("cyd"))
    assert unread == {"ann": 1, "bob": 2, "cyd": 0}
    assert line_of_cyd.preview is not None
    assert line_of_cyd.preview.sent_at_us == AT_S * 1_000_000 + 500_000


# Killed, and run again --------------------------------------------------------------------------


@pytest.mark.promise("MSG-3", "OPS-6")
def test_after_a_kill_it_goes_on_and_nothing_is_twice(tmp_path: Path, run: Run) -> None:
    lines = [
        line(
            number, sender="ab"[number % 2], recipient="ba"[number % 2], sent_at=AT_S + number // 3
        )
        for number in range(1_500)
    ]
    file = written(*lines, "{}")
    sql.initialise(URL)
    command = ("import", file, "--rejected", "aside.jsonl")
    process = subprocess.Popen([DMCORE, *command], cwd=tmp_path, env=environment())
    with sql.open_sync(URL) as dm:
        operations = dm.operations("olga")
        while operations.status().messages < 50:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        there = operations.status().messages
        assert 50 <= there < len(lines)
        assert Path("aside.jsonl").read_text() == "{}\n"
        assert operations.mode() == "off"
    facts = run(*command, "--json").facts
    assert (facts["messages"], facts["there_already"]) == (len(lines) - there, there)
    assert stored(URL, "a") == {("a", "b"): [it["text"] for it in lines]}


# What cannot be taken ---------------------------------------------------------------------------

FAULTS: dict[str, dict[str, object] | str] = {
    "no object": f'["{SECRET}"]',
    "no JSON": SECRET,
    "nested too deep": "[" * 100_000,
    "a name twice": '{"id": 1, ' + json.dumps(line(2))[1:],
    "nothing of it": "{}",
    "a field too many": line(2, deleted=True),
    "written to oneself": line(2, recipient="ann"),
    "somebody who was erased": line(2, recipient=f"erased-{UUID(int=8 << 76 | 8 << 60)}"),
    "nobody": line(2, sender=""),
    "somebody who is a list": line(2, sender=[SECRET]),
    "an id that is a fraction": line(1.5),
    "an id that is empty": line(""),
    "an id that is too long": line("x" * 256),
    "an empty text": line(2, text=""),
    "a text that is none": line(2, text=None),
    "a text that is too long": line(2, text=SECRET * 200),
    "half a character": line(2, text="\ud800"),
    "read or not": line(2, read="yes"),
    "no time zone": line(2, sent_at="2024-05-01T12:00:00"),
    "no time": line(2, sent_at=SECRET),
    "no kind of time": line(2, sent_at=True),
    "no number": json.dumps(line(2, sent_at=float("nan"))),
    "the future": line(2, sent_at="9999-01-01T00:00:00Z"),
    "very far": line(2, sent_at=1e300),
    "before there were seconds": line(2, sent_at=-1),
    "another one under its id": line(1, text=SECRET),
    "a line without end": '{"text": "' + "x" * (1 << 20),
}


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("name", FAULTS)
def test_a_line_that_is_no_message_is_named_and_nothing_is_written(run: Run, name: str) -> None:
    file = written(line(1), "", FAULTS[name], line(3), FAULTS[name])
    done = run("import", file)
    assert done.code == "invalid_line"
    assert "old.jsonl, line 3: no message: " in done.err
    assert "; so are 1 more lines" in done.err
    assert SECRET not in done.err
    assert not Path("dmcore.db").exists()


@pytest.mark.promise("OPS-6")
def test_lines_that_are_not_taken_are_set_aside_as_they_are(run: Run) -> None:
    faults = [FAULTS["no JSON"], FAULTS["a field too many"], FAULTS["a line without end"]]
    file = written(line(1), *faults, line(3))
    Path(file).write_bytes(Path(file).read_bytes() + b"\xff without end")
    facts = run("import", file, "--rejected", "aside.jsonl", "--json").facts
    assert (facts["messages"], facts["rejected_lines"]) == (2, 4)
    assert Path("aside.jsonl").read_bytes() == b"".join(
        Path(file).read_bytes().splitlines(keepends=True)[number] for number in (1, 2, 3, 5)
    ) + b"\n"  # fmt: skip
    assert stat.S_IMODE(Path("aside.jsonl").stat().st_mode) == 0o600
    # What was set aside before an interruption is no hindrance afterwards.
    facts = run("import", file, "--rejected", "aside.jsonl", "--json").facts
    assert (facts["messages"], facts["there_already"], facts["rejected_lines"]) == (0, 2, 4)
    Path("more.jsonl").write_bytes(Path("aside.jsonl").read_bytes() + b"{}\n")
    Path("less.jsonl").write_bytes(Path("aside.jsonl").read_bytes()[:-3])
    for name in ("more.jsonl", "less.jsonl", "no/such", ".", file):
        done = run("import", file, "--rejected", name, "--url", "sqlite:///new.db")
        assert done.code == "unreadable_file"
    assert not Path("new.db").exists()
    done = run("import", file, "--rejected", "other.jsonl", "--url", "sqlite:///new.db")
    assert "What is no message is in other.jsonl." in done.out
    whole = ("import", written(line(1)), "--url", "sqlite:///another.db")
    assert run(*whole, "--rejected", "none.jsonl").status == 0
    assert not Path("none.jsonl").exists()


# Who is there already ---------------------------------------------------------------------------


@pytest.mark.promise("READ-1", "PAIR-2", "OPS-6")
@pytest.mark.parametrize(
    "before",
    [
        [("ann", "bob", "something else")],
        [("bob", "ann", "text 1")],
        [("ann", "bob", "text 1"), ("ann", "bob", "text 1")],
        [("ann", "eve", "to somebody who is not in the file")],
    ],
)
@pytest.mark.parametrize("archive", [False, True])
def test_nobody_in_the_file_may_have_other_messages(
    run: Run, before: list[tuple[str, str, str]], archive: bool
) -> None:
    """Or what is imported would stand behind them, and a marker would go over what is unread."""
    run("init")
    with open_for_a_while() as dm:
        for sender, recipient, text in before:
            sent = dm.mailbox(sender).start(recipient, text)
            for user in (sender, recipient) if archive else ():
                dm.mailbox(user).archive(sent.conversation)
    there = stored(URL, "ann", "bob", "eve")
    run("mode", "off")
    file = written(line(1), line(2, sent_at=AT_S + 1), line(3, sent_at=AT_S + 2))
    assert run("import", file).code == "store_not_empty"
    assert stored(URL, "ann", "bob", "eve") == there


def test_strangers_and_other_tenants_may_have_some(run: Run) -> None:
    run("init")
    with open_for_a_while() as dm:
        dm.mailbox("eve").start("fay", "hello")
        dm.mailbox("ann", tenant="north").start("bob", "hello")
    assert run("import", written(line(1))).status == 0
    assert stored(URL, "ann", "eve") == {("ann", "bob"): ["text 1"], ("eve", "fay"): ["hello"]}


@pytest.mark.promise("BLOCK-1", "OPS-6")
def test_what_the_store_refuses_is_told(run: Run) -> None:
    run("init")
    with open_for_a_while() as dm:
        dm.mailbox("bob").block("ann")
    file = written(line(1, sender="cyd"), line(2, sent_at=AT_S + 1), line(3, sender="dan"))
    done = run("import", file)
    assert done.code == "import_incomplete"
    assert "line 2: the store refused it: recipient_unavailable" in done.err
    with open_for_a_while() as dm:
        dm.mailbox("bob").unblock("ann")
    facts = run("import", file, "--json").facts
    assert (facts["messages"], facts["there_already"]) == (1, 2)


@pytest.mark.promise("MOD-4", "OPS-6")
@pytest.mark.parametrize("kind", ["shadow_ban", "suspend"])
def test_what_a_restriction_keeps_from_somebody_is_not_called_imported(run: Run, kind: str) -> None:
    run("init")
    with open_for_a_while() as dm:
        dm.moderation("mod").restrict("ann", kind, reason="spam")
    file = written(line(1), line(2, sender="bob", recipient="ann", sent_at=AT_S + 1))
    assert run("import", file).code == "import_incomplete"


def test_longer_texts_are_let_in_where_that_is_said(run: Run) -> None:
    file = written(line(1, text="ü" * 9_000))
    assert run("import", file).code == "invalid_line"
    assert run("import", file, "--longest", "9000").status == 0
    assert stored()["ann", "bob"] == ["ü" * 9_000]


def test_messages_of_a_tenant_stay_there(run: Run) -> None:
    assert run("import", written(line(1)), "--tenant", "north").status == 0
    with reading() as dm:
        assert inbox_of(dm.mailbox("bob")) == []
        assert len(inbox_of(dm.mailbox("bob", tenant="north"))) == 1


def test_a_file_that_cannot_be_read_or_changes_meanwhile(run: Run) -> None:
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for name in ("missing.jsonl", "folder", "pipe"):
        assert run("import", name).code == "unreadable_file"
    file = Path(written(line(1), line(2)))
    for changed in (json.dumps(line(7)), "{}", ""):
        with opened(file, rules=BodyRules(), latest_us=LATER_US) as legacy:
            survey = legacy.survey()
            file.write_text(changed)
            with pytest.raises(UnreadableFile, match="changed while it was read"):
                legacy.check_unchanged()
            with pytest.raises(UnreadableFile, match="changed while it was read"):
                list(Lines(legacy, survey))
            # Another file under its name is not looked at.
            file.unlink()
            written(line(1), line(2))


# Nobody else ------------------------------------------------------------------------------------


@contextmanager
def importing_three() -> Iterator[Importing]:
    clock = ManualClock(LATER_US)
    file = Path(written(*(line(number, sent_at=AT_S + number) for number in range(3))))
    with (
        opened(file, rules=BodyRules(), latest_us=LATER_US) as legacy,
        memory.open_sync(policy=POLICY, clock=clock) as dm,
    ):
        lines = Lines(legacy, legacy.survey())
        yield Importing(dm=dm, clock=clock, lines=lines, tenant="")


@pytest.mark.promise("OPS-1", "OPS-6")
@pytest.mark.usefixtures("run")
def test_nobody_writes_while_messages_come_in() -> None:
    """The switch stays where its operator put it: it is off, for everybody."""

    def meanwhile(importing: Importing) -> Iterator[Line]:
        for each in importing.lines:
            with pytest.raises(MessagingUnavailable):
                importing.dm.mailbox("eve").start("ann", "me too")
            yield each

    with importing_three() as importing:
        assert importing.begin() == 0
        importing.go_on(meanwhile(importing))
        operations = importing.dm.operations("olga")
        assert (operations.mode(), operations.status().messages) == ("off", 3)
        assert operations.audit("olga").items == ()


@pytest.mark.promise("OPS-1", "OPS-6")
@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("mode", ["read_only", "replies_only", "on"])
def test_where_messaging_is_turned_on_it_ends_at_once(mode: str) -> None:
    with importing_three() as importing:
        operations = importing.dm.operations("olga")

        def turned_on() -> Iterator[Line]:
            first, *others = importing.lines
            yield first
            operations.set_mode(mode)
            yield from others

        with pytest.raises(MessagingIsOn):
            importing.go_on(turned_on())
        assert operations.status().messages == 1
        with pytest.raises(MessagingIsOn):
            importing.begin()


@pytest.mark.usefixtures("run")
def test_closed_doors_are_those_of_the_store() -> None:
    with importing_three() as importing:
        behind_closed_doors(importing.dm).close()
        with pytest.raises(StoreUnavailable):
            importing.begin()


def test_the_store_has_to_last_and_messaging_has_to_be_off(run: Run) -> None:
    file = written(line(1))
    assert run("import", file, "--url", "memory:").code == "invalid_setting"
    assert run("import", file).status == 0
    assert run("import", file, "--json").facts["there_already"] == 1
    run("mode", "on")
    done = run("import", file)
    assert done.code == "messaging_is_on"
    assert "messaging is on: it has to be off" in done.err


def test_one_tenant_after_the_other(run: Run) -> None:
    for tenant in ("north", "south"):
        assert run("import", written(line(1)), "--tenant", tenant).status == 0
    assert run("import", written(line(1)), "--tenant", "a\nb", "--url", NEW).code == "invalid_id"
    assert not Path("new.db").exists()


@pytest.mark.promise("MSG-3")
def test_an_old_id_is_no_key_of_a_new_message(run: Run) -> None:
    run("import", written(line(1)))
    with reading() as dm:
        dm.mailbox("ann").start("bob", "the newest", key="1")
        assert talks(dm, "bob") == {("bob", "ann"): ["text 1", "the newest"]}


def test_a_message_is_unread_if_one_of_its_copies_is(run: Run) -> None:
    """Some systems keep one for each of the two, and who sent it has read it."""
    file = written(line(1), line(1, read=False), line(2, read=False), line(2))
    assert run("import", file, "--json").facts["repeated_lines"] == 2
    with reading() as dm:
        assert dm.mailbox("bob").unread() == 2


def test_a_file_without_a_message_is_told(run: Run) -> None:
    for content in ("", "\n\n"):
        Path("empty.jsonl").write_text(content)
        done = run("import", "empty.jsonl")
        assert done.code == "unreadable_file"
        assert not Path("dmcore.db").exists()


@pytest.mark.promise("OPS-6")
def test_lines_set_aside_never_take_the_place_of_something(run: Run) -> None:
    """Whatever the file is called: also as the store that is made."""
    whole, broken = written(line(1)), written(line(1), "{}", name="broken.jsonl")
    assert run("import", whole, "--url", NEW, "--rejected", "new.db").status == 0
    assert stored(NEW, "bob") == {("bob", "ann"): ["text 1"]}
    assert run("import", broken, "--rejected", "dmcore.db").code == "store_unavailable"
    assert Path("dmcore.db").read_bytes() == b"{}\n"
