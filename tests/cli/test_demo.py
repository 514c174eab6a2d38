"""The play: a newcomer understands the product from it, and it harms no store."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run, stored

from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.cli.demo_story import BEGIN_US, Stage
from dmcore.errors import StoreBusy


def scenes(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    done = run("demo", "--script", "--json", *arguments)
    assert done.status == 0
    return {scene["title"]: scene for scene in done.facts["scenes"]}


def answers(scene: dict[str, Any]) -> list[tuple[str, str]]:
    return [(act["who"], act["answer"]) for act in scene["acts"]]


def view(scene: dict[str, Any], who: str) -> dict[str, Any]:
    (found,) = (view for view in scene["views"] if view["who"] == who)
    assert isinstance(found, dict)
    return found


def test_it_plays_in_a_new_file_and_says_where(run: Run) -> None:
    first, second = run("demo", "--script"), run("demo", "--script")
    assert first.status == second.status == 0
    places = [ran.out.partition("this store is a file")[2].split()[0] for ran in (first, second)]
    assert places[0] != places[1]
    for place in places:
        assert run("verify", "--url", f"sqlite:///{place}").status == 0
    assert not list(Path.cwd().iterdir())


def test_it_fits_into_80_columns(run: Run) -> None:
    told, _, ending = run("demo", "--script").out.partition("Next")
    assert max(map(len, told.splitlines())) == 80
    assert "dmcore status --url sqlite:///" in ending


def test_on_a_narrow_terminal_the_screens_are_below_each_other(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = run("demo", "--script", "--url", "memory:").out.partition("Next")[0].splitlines()
    assert max(map(len, lines)) <= 50
    assert not any("Ann sees" in line and "Bob sees" in line for line in lines)


def test_a_screen_without_a_size_shows_it_all_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert "Bob sees · 21 unread" in run("demo", "--script", "--url", "memory:").out


def test_every_person_and_every_step_is_on_the_page(run: Run) -> None:
    told = run("demo", "--script", "--url", "memory:").out
    for words in (
        "Ann sees · 0 unread",
        "Bob sees · 21 unread",
        "Eve sees · 0 unread",
        "Hi Bob, is the blue bike still for sale?",
        "messaging does not allow this now: it is off",
        "too many messages: try again in 40 s",
        "there is no such thing here for you",
        "this person cannot receive messages from you",
        "you have blocked this person",
        "Sound",
        "dmcore init",
    ):
        assert words in told
    assert "this store is a file" not in told


@pytest.mark.promise("OPS-1")
def test_it_begins_with_the_switch(run: Run) -> None:
    assert answers(scenes(run)["The switch"]) == [
        ("ann", "messaging_unavailable"),
        ("operator", "accepted"),
    ]


def test_two_people_meet_and_each_has_their_own_unread_count(run: Run) -> None:
    played = scenes(run)
    met = played["Ann writes to Bob"]
    assert answers(met) == [("ann", "accepted"), ("ann", "accepted")]
    assert (view(met, "ann")["unread"], view(met, "bob")["unread"]) == (0, 1)
    assert len(view(met, "bob")["thread"]) == 1
    answered = played["Bob reads and answers"]
    assert (view(answered, "ann")["unread"], view(answered, "bob")["unread"]) == (1, 0)
    assert view(answered, "ann")["inbox"] == [
        {
            "other": "bob",
            "unread": 1,
            "newest": {
                "sender": "bob",
                "text": "Yes! Come and see it on Saturday.",
                "at": "2026-03-02T09:05:00+00:00",
            },
        }
    ]


@pytest.mark.promise("CONV-1")
def test_the_stranger_gets_one_answer_to_everything(run: Run) -> None:
    tried = scenes(run)["A stranger tries"]
    assert {(act["answer"], act["detail"]) for act in tried["acts"]} == {
        ("access_denied", "there is no such thing here for you")
    }
    assert view(tried, "eve") == {
        "who": "eve",
        "unread": 0,
        "inbox": [],
        "thread": [],
        "earlier": 0,
    }


def test_the_limit_refuses_the_21st_message_until_the_minute_is_over(run: Run) -> None:
    limited = scenes(run)["Ann writes too much"]
    assert answers(limited)[1:] == [
        ("ann", "accepted"),
        ("ann", "limit_reached"),
        ("ann", "accepted"),
    ]
    assert [act["at"][11:19] for act in limited["acts"]] == [
        "09:10:00",
        "09:10:20",
        "09:10:20",
        "09:11:00",
    ]
    assert view(limited, "bob")["unread"] == 21


@pytest.mark.promise("BLOCK-2")
def test_the_blocked_person_sees_what_she_saw_before(run: Run) -> None:
    played = scenes(run)
    before, during = played["Ann writes too much"], played["Bob blocks Ann"]
    assert view(during, "ann") == view(before, "ann")
    assert answers(during) == [
        ("bob", "accepted"),
        ("ann", "recipient_unavailable"),
        ("bob", "you_blocked_them"),
    ]
    assert (view(during, "bob")["inbox"], view(during, "bob")["unread"]) == ([], 0)
    assert {spoken["sender"] for spoken in view(during, "bob")["thread"]} == {"bob"}
    after = view(played["Bob unblocks Ann"], "bob")
    assert after["unread"] == 22
    assert "Bob? Are you there?" not in {spoken["text"] for spoken in after["thread"]}


def test_it_is_the_same_on_every_store(run: Run, postgres_url: str) -> None:
    urls = ("memory:", "sqlite:///demo.db", postgres_url)
    played = [run("demo", "--script", "--json", "--url", url).facts for url in urls]
    for facts in played:
        facts.pop("location")
    assert played[0] == played[1] == played[2]
    assert (played[0]["sound"], played[0]["messages"], played[0]["mode"]) == (True, 24, "on")


def test_it_can_be_repeated_on_one_store(run: Run) -> None:
    first = scenes(run, "--file", "my demo?.db")
    second = scenes(run, "--file", "my demo?.db")
    assert Path("my demo?.db").exists()
    # Messaging is on already, so there is nothing to show about the switch.
    assert list(second) == list(first)[1:]
    assert all(second[title] == first[title] for title in second)
    assert run("demo", "--script", "--file", "my demo?.db").status == 0


@pytest.mark.parametrize("mode", ["off", "on"])
def test_it_never_plays_in_a_store_that_is_in_use(run: Run, mode: str) -> None:
    run("seed")
    run("mode", mode)
    before = stored(run)
    assert run("demo", "--script", "--url", "sqlite:///dmcore.db").code == "store_not_empty"
    assert stored(run) == before


def test_it_does_not_look_at_the_store_of_the_environment(run: Run) -> None:
    run("init")
    before = stored(run)
    assert run("demo", "--script", DMCORE_URL="sqlite:///dmcore.db").status == 0
    assert stored(run) == before


def test_a_file_and_a_url_are_one_too_many(run: Run) -> None:
    assert run("demo", "--script", "--file", "a.db", "--url", "memory:").code == "invalid_setting"
    assert not Path("a.db").exists()


def test_it_ends_with_the_findings_where_the_store_is_not_sound(run: Run) -> None:
    run("demo", "--script", "--file", "a.db")
    with closing(sqlite3.connect("a.db")) as connection:
        connection.execute("UPDATE dm_mailbox SET unread = unread + 1 WHERE user_id = 'ann'")
        connection.commit()
    done = run("demo", "--script", "--file", "a.db")
    assert done.status == 1
    assert "NOT SOUND. Findings: 1" in done.out


def test_a_store_that_fails_ends_the_play() -> None:
    """A refusal is part of the play; a broken store is not."""
    clock = ManualClock(BEGIN_US)
    with memory.open_sync(clock=clock) as dm:
        stage = Stage.set_up(dm, dm.operations("operator"), clock)

        def fail() -> None:
            raise StoreBusy

        with pytest.raises(StoreBusy):
            stage._act("ann", "writes", fail)
