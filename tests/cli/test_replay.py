"""The replay counts exactly what an independent count of the same record gives."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import Run, stored

from dmcore import Policy, RateLimit, UserId
from dmcore.adapters import memory, sql
from dmcore.adapters.clock import ManualClock
from dmcore.cli.replaying import Outcome, send_all
from dmcore.cli.trace import Attempt
from dmcore.errors import MessagingUnavailable

Line = tuple[str, str, int]
DAY_S = 86_400


def counted(
    lines: list[Line], *, messages: int = 20, starts: int = 5, longer_s: int = 0
) -> Outcome:
    """The same by brute force: look through everything accepted so far, for each line again.

    Windows that are a second ``longer_s`` are the mistake that an event still counts at their edge.
    """
    accepted: list[tuple[str, int, bool]] = []
    pairs: set[frozenset[str]] = set()
    refused = {"messages": 0, "starts": 0}
    for sender, receiver, at_s in lines:
        is_start = frozenset((sender, receiver)) not in pairs
        mine = [(at_s - when, started) for who, when, started in accepted if who == sender]
        sent = sum(age < 60 + longer_s for age, _ in mine)
        started = sum(age < DAY_S + longer_s for age, was_start in mine if was_start)
        if is_start and started >= starts:
            refused["starts"] += 1
        elif sent >= messages:
            refused["messages"] += 1
        else:
            accepted.append((sender, at_s, is_start))
            pairs.add(frozenset((sender, receiver)))
    return Outcome(
        accepted=len(accepted),
        refused_messages=refused["messages"],
        refused_starts=refused["starts"],
        refused_recipients=0,
        conversations=len(pairs),
    )


def made_up(seed: int, size: int) -> list[Line]:
    """Bursts of a few busy people, often resumed just when a window of the last burst ends."""
    chance = random.Random(seed)
    users = [f"user-{number}" for number in range(60)]
    lines: list[Line] = []
    now_s = 1_000_000_000
    sender = users[0]
    while len(lines) < size:
        began_s = now_s
        longest_gap_s = chance.choice((0, 3))
        favourite = chance.choice(users[4:])
        for _ in range(chance.choice((1, 2, 7, 25))):
            receiver = favourite if chance.random() < 0.7 else chance.choice(users[4:])
            pair = (sender, receiver) if chance.random() < 0.9 else (receiver, sender)
            lines.append((*pair, now_s))
            now_s += chance.randint(0, longest_gap_s)
        now_s = max(now_s, began_s + chance.choice((0, 59, 60, 61, 3600, DAY_S - 1, DAY_S)))
        sender = chance.choice((sender, *users[:4]))
    return lines[:size]


def written(lines: list[Line], name: str = "trace.txt") -> str:
    Path(name).write_text("".join(f"{s} {r} {at}\n" for s, r, at in lines))
    return name


def outcome(facts: dict[str, Any]) -> Outcome:
    return Outcome(**{field.name: facts[field.name] for field in attrs.fields(Outcome)})


# Exactness --------------------------------------------------------------------------------------

gaps = st.sampled_from((0, 0, 0, 1, 29, 30, 59, 60, 61, DAY_S - 60, DAY_S - 1, DAY_S, DAY_S + 1))
people = st.permutations("abcde").map(lambda names: (names[0], names[1]))


@pytest.mark.promise("LIMIT-1")
@given(st.lists(st.tuples(people, gaps), max_size=80))
def test_small_limits_refuse_exactly_what_an_independent_count_refuses(
    steps: list[tuple[tuple[str, str], int]],
) -> None:
    lines, now_s = [], 0
    for (sender, receiver), gap_s in steps:
        now_s += gap_s
        lines.append((sender, receiver, now_s))
    policy = Policy(
        messages=RateLimit(3, timedelta(seconds=60)), starts=RateLimit(2, timedelta(hours=24))
    )
    clock = ManualClock()
    with memory.open_sync(policy=policy, clock=clock) as dm:
        dm.operations("operator").set_mode("on")
        attempts = (
            Attempt(
                line=number,
                sender=UserId(sender),
                receiver=UserId(receiver),
                at_us=at_s * 1_000_000,
            )
            for number, (sender, receiver, at_s) in enumerate(lines, 1)
        )
        found = send_all(dm, clock, attempts)
        status = dm.operations("operator").status()
        assert dm.operations("operator").verify() == ()
    assert found == counted(lines, messages=3, starts=2)
    assert (status.messages, status.conversations) == (found.accepted, found.conversations)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return {"memory": "memory:", "sqlite": "sqlite:///dmcore.db"}[request.param]


@pytest.mark.promise("LIMIT-1")
def test_a_long_record_is_counted_exactly_on_every_store(run: Run, store_url: str) -> None:
    lines = made_up(seed=11, size=1200)
    expected = counted(lines)
    # The record is worth something: both limits refuse, and the edges of the windows matter.
    assert expected.refused_messages > 5
    assert expected.refused_starts > 5
    inclusive = counted(lines, longer_s=1)
    assert inclusive.refused_messages != expected.refused_messages
    assert inclusive.refused_starts != expected.refused_starts

    facts = run("replay", written(lines), "--url", store_url, "--json").facts
    assert outcome(facts) == expected
    users = {user for sender, receiver, _ in lines for user in (sender, receiver)}
    assert (facts["lines"], facts["users"], facts["backward"]) == (1200, len(users), 0)
    assert facts["pairs"] == len({frozenset(line[:2]) for line in lines})
    assert facts["messages_per_s"] > 0
    assert facts["elapsed_s"] > 0
    if store_url != "memory:":
        checked = run("verify", "--url", store_url, "--json").facts
        assert (checked["sound"], checked["messages"]) == (True, expected.accepted)
        assert checked["conversations"] == expected.conversations


@pytest.mark.promise("LIMIT-1")
@pytest.mark.parametrize(
    ("options", "limits"),
    [
        (["--no-message-limit"], {"messages": 10_000}),
        (["--no-start-limit"], {"starts": 10_000}),
        (["--no-message-limit", "--no-start-limit"], {"messages": 10_000, "starts": 10_000}),
    ],
)
def test_a_limit_can_be_switched_off(run: Run, options: list[str], limits: dict[str, int]) -> None:
    lines = made_up(seed=8, size=800)
    facts = run("replay", written(lines), "--url", "memory:", "--json", *options).facts
    assert outcome(facts) == counted(lines, **limits)


@pytest.mark.promise("LIMIT-1")
def test_an_event_exactly_one_window_old_no_longer_counts(run: Run) -> None:
    burst: list[Line] = [("ann", "bob", 100 + number) for number in range(20)]
    early, exact = ("ann", "bob", 159), ("ann", "bob", 160)
    assert outcome(
        run("replay", written([*burst, early, exact]), "--url", "memory:", "--json").facts
    ) == Outcome(
        accepted=21, refused_messages=1, refused_starts=0, refused_recipients=0, conversations=1
    )
    five: list[Line] = [("ann", f"friend-{number}", 0) for number in range(5)]
    early, exact = ("ann", "sixth", DAY_S - 1), ("ann", "sixth", DAY_S)
    assert outcome(
        run("replay", written([*five, early, exact]), "--url", "memory:", "--json").facts
    ) == Outcome(
        accepted=6, refused_messages=0, refused_starts=1, refused_recipients=0, conversations=6
    )


@pytest.mark.promise("LIMIT-1")
def test_where_both_limits_refuse_the_start_limit_is_named(run: Run) -> None:
    lines: list[Line] = [("ann", f"friend-{number}", 0) for number in range(5)]
    lines += [("ann", "friend-0", 1) for _ in range(15)]
    lines += [("ann", "sixth", 2)]
    facts = run("replay", written(lines), "--url", "memory:", "--json").facts
    assert (facts["refused_starts"], facts["refused_messages"]) == (1, 0)


# What it says -----------------------------------------------------------------------------------


def test_a_person_reads_the_same_figures(run: Run) -> None:
    lines = made_up(seed=9, size=600)
    expected = counted(lines)
    shown = " ".join(run("replay", written(lines), "--url", "memory:").out.split())
    for words in (
        "lines 600",
        f"accepted {expected.accepted}",
        f"refused by the message limit {expected.refused_messages}",
        f"refused by the start limit {expected.refused_starts}",
        f"conversations {expected.conversations}",
        "messages per second",
        "In memory; messaging is off there.",
    ):
        assert words in shown
    assert "block" not in shown
    assert "Note" not in shown


def test_blank_lines_and_comments_are_skipped_and_the_first_lines_can_be_asked_for(
    run: Run,
) -> None:
    Path("trace.txt").write_text("# sender receiver second\n\nann bob 1\nbob ann 2\nann eve 3\n")
    facts = run("replay", "trace.txt", "--url", "memory:", "--json").facts
    assert (facts["lines"], facts["accepted"]) == (3, 3)
    facts = run("replay", "trace.txt", "--url", "memory:", "--json", "--limit-lines", "2").facts
    assert (facts["lines"], facts["accepted"], facts["users"]) == (2, 2, 2)


def test_an_empty_record_is_no_error(run: Run) -> None:
    facts = run("replay", written([]), "--url", "memory:", "--json").facts
    assert (facts["lines"], facts["accepted"], facts["messages_per_s"]) == (0, 0, 0)


def test_a_record_that_goes_back_in_time_is_noticed(run: Run) -> None:
    once = written([("ann", "bob", 5), ("ann", "bob", 4), ("ann", "bob", 4)])
    assert "goes back in time once." in run("replay", once, "--url", "memory:").out
    twice = written([("ann", "bob", 5), ("ann", "bob", 4), ("ann", "bob", 3)])
    assert "goes back in time 2 times." in run("replay", twice, "--url", "memory:").out


def test_the_price_of_a_faster_sqlite_is_told(run: Run) -> None:
    done = run("replay", written([("ann", "bob", 1)]), "--synchronous", "NORMAL")
    assert "a power cut may lose the last acknowledged" in " ".join(done.out.split())
    for url in ("memory:", "postgresql://localhost/x"):
        refused = run("replay", "trace.txt", "--url", url, "--synchronous", "NORMAL")
        assert refused.code == "invalid_setting"


# The store --------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_messaging_is_on_for_the_replay_only_and_the_journal_says_so(run: Run) -> None:
    trace = written([("ann", "bob", 1)])
    assert run("replay", trace, "--json").facts["mode"] == "off"
    assert run("mode").out == "off\n"
    with sql.open_sync("sqlite:///dmcore.db") as dm:
        entries = dm.operations("operator").audit("operator").items
    assert [entry.fact.mode for entry in entries] == ["on", "off"]
    # The operator acted now, not in 1970.
    assert all(entry.fact.at.year > 2020 for entry in entries)


def test_messaging_that_was_on_stays_on(run: Run) -> None:
    run("init")
    run("mode", "on")
    assert run("replay", written([("ann", "bob", 1)]), "--json").facts["mode"] == "on"


@pytest.mark.promise("OPS-1")
@pytest.mark.parametrize("mode", ["read-only", "replies-only"])
def test_a_mode_that_an_operator_chose_is_respected(run: Run, mode: str) -> None:
    run("init")
    run("mode", mode)
    assert run("replay", written([("ann", "bob", 1)])).code == "messaging_unavailable"
    assert run("status", "--json").facts["messages"] == 0
    assert run("mode").out == f"{mode}\n"


def test_a_store_with_messages_is_left_alone_unless_asked(run: Run) -> None:
    trace = written([("ann", "bob", 1), ("bob", "ann", 2)])
    run("replay", trace)
    before = stored(run)
    assert run("replay", trace).code == "store_not_empty"
    # Also when asked, a store that is off and in use is for its operator to turn on.
    assert run("replay", trace, "--append").code == "messaging_unavailable"
    assert stored(run) == before
    run("mode", "on")
    facts = run("replay", trace, "--append", "--json").facts
    assert (facts["accepted"], facts["conversations"], facts["mode"]) == (2, 1, "on")
    assert run("status", "--json").facts["messages"] == before["messages"] + 2


def test_in_a_store_with_blocks_their_refusals_are_counted_apart(run: Run) -> None:
    run("init")
    run("mode", "on")
    with sql.open_sync("sqlite:///dmcore.db") as dm:
        dm.mailbox("ann").block("bob")
    trace = written([("ann", "bob", 1), ("bob", "ann", 2), ("bob", "eve", 3)])
    done = run("replay", trace)
    assert "refused for a block 2" in " ".join(done.out.split())
    facts = run("replay", trace, "--append", "--json").facts
    assert (facts["accepted"], facts["refused_recipients"]) == (1, 2)


def test_nothing_is_written_where_a_line_is_wrong(run: Run) -> None:
    """Not even the file of the store: the record is read to its end first."""
    written([("ann", "bob", second) for second in range(100)])
    with Path("trace.txt").open("a") as record:
        record.write("ann bob\n")
    done = run("replay", "trace.txt")
    assert done.code == "invalid_line"
    assert "trace.txt, line 101: 2 fields" in done.err
    assert not Path("dmcore.db").exists()
    # Of a record that is not read to its end, the rest does not count.
    assert run("replay", "trace.txt", "--limit-lines", "100").status == 0


def test_a_switch_that_is_turned_off_meanwhile_ends_the_replay() -> None:
    clock = ManualClock()
    with memory.open_sync(clock=clock) as dm:
        operations = dm.operations("operator")
        operations.set_mode("on")

        ann, bob = UserId("ann"), UserId("bob")

        def attempts() -> Iterator[Attempt]:
            yield Attempt(line=1, sender=ann, receiver=bob, at_us=1)
            operations.set_mode("off")
            yield Attempt(line=2, sender=ann, receiver=bob, at_us=2)

        with pytest.raises(MessagingUnavailable, match="it is off"):
            send_all(dm, clock, attempts())
        assert operations.status().messages == 1
