"""Reports from the command line: metadata, the moves, and never what was reported."""

from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.cli.conftest import Run

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.testing.screening import Censor

URL = "sqlite:///dmcore.db"
TEXT = "flag the door code is zebra"
SHOWING = Policy(evidence="reporter_selected")


@attrs.frozen
class Reported:
    """Ann reported what Bob wrote, and screening flagged it."""

    run: Run
    report: str

    def facts(self, *arguments: str) -> dict[str, Any]:
        done = self.run("reports", *arguments, "--json")
        assert done.status == 0
        return done.facts


@pytest.fixture
def reported(run: Run) -> Reported:
    run("init")
    with sql.open_sync(URL, policy=SHOWING, screeners=[Censor()]) as dm:
        dm.operations("olga").set_mode("on")
        sent = dm.mailbox("bob").start("ann", TEXT)
        made = dm.mailbox("ann").report(
            conversation=sent.conversation, messages=[sent.id], reason="threat"
        )
    return Reported(run, str(made.id))


@pytest.mark.promise("MOD-2", "MOD-5")
def test_the_queue_shows_metadata_and_is_filtered(reported: Reported) -> None:
    listed = reported.facts("list")
    assert listed["complete"] is True
    assert {(it["origin"], it["reported"], it["reporter"]) for it in listed["reports"]} == {
        ("screening", "bob", None),
        ("participant", "bob", "ann"),
    }
    (line,) = reported.facts("list", "--reason", "threat")["reports"]
    assert line["id"] == reported.report
    assert (line["state"], line["messages"], line["flags"]) == ("pending", 1, [])
    (flagged,) = reported.facts("list", "--origin", "screening")["reports"]
    assert (flagged["flags"], flagged["reason"]) == (["link"], None)
    assert reported.facts("list", "--state", "taken")["reports"] == []
    assert reported.facts("list", "--most", "1")["complete"] is False
    shown = reported.run("reports", "list", "--most", "1").out
    assert "There are more: see --most." in shown
    assert "There are no such reports." in reported.run("reports", "list", "--tenant", "north").out
    assert "bob" in reported.run("reports", "list").out


@pytest.mark.promise("MOD-3", "AUD-1")
def test_a_report_is_taken_resolved_reopened_put_back_and_dismissed(reported: Reported) -> None:
    run, report = reported.run, reported.report
    assert run("reports", "take", report, "--as", "mod").out == "The report is taken now.\n"
    assert run("reports", "dismiss", report, "--as", "mia").code == "taken_by_another"
    done = reported.facts("resolve", report, "warned", "--as", "mod")
    assert (done["state"], done["outcome"], done["taken_by"]) == ("resolved", "warned", "mod")
    assert reported.facts("reopen", report, "--as", "mia")["outcome"] is None
    for move in ("take", "release", "take", "dismiss"):
        assert run("reports", move, report, "--as", "mia").status == 0
    assert run("reports", "take", report).code == "illegal_move"
    found = reported.facts("show", report)
    assert [(it["move"], it["by"], it["outcome"]) for it in found["history"]] == [
        ("take", "mod", None),
        ("resolve", "mod", "warned"),
        ("reopen", "mia", None),
        ("take", "mia", None),
        ("release", "mia", None),
        ("take", "mia", None),
        ("dismiss", "mia", None),
    ]
    shown = run("reports", "show", report).out
    assert "dismissed" in shown
    assert "warned" in shown
    with sql.open_sync(URL) as dm:
        noted = [it.fact.action for it in dm.operations("olga").audit("mod").items]
        refused = [it.fact.action for it in dm.operations("olga").audit("moderator").items]
    assert noted == ["report_taken", "report_resolved"]
    assert refused == ["report_refused"]


@pytest.mark.promise("MOD-2", "TEN-1")
def test_what_is_not_theirs_is_as_if_it_were_not_there(reported: Reported) -> None:
    """Another tenant's, and what is reported about oneself: the same words, and nothing moves."""
    nowhere = str(UUID(int=0x018000000000_7000_8000_000000000001))
    before = reported.facts("show", reported.report)
    refused = {
        reported.run("reports", command, report, *more).err
        for command in ("show", "take", "release", "dismiss", "reopen")
        for report, more in (
            (reported.report, ("--tenant", "north")),
            (reported.report, ("--as", "bob")),
            (nowhere, ()),
        )
    }
    assert len(refused) == 1
    assert refused.pop().endswith("[access_denied]\n")
    assert reported.run("reports", "take", reported.report, "--as", "ann").code == "access_denied"
    assert reported.facts("list", "--as", "bob")["reports"] == []
    assert reported.facts("show", reported.report) == before


def test_an_id_does_not_turn_its_row_around(reported: Reported) -> None:
    """Whoever is reported chose it: it may pretend that the row says something else."""
    with sql.open_sync(URL) as dm:
        made = dm.mailbox("ann").report("bob\u202eevil\u200b", reason="spam")
    for command in (["list"], ["show", str(made.id)]):
        shown = reported.run("reports", *command, "--as", "mod").out
        assert "\u202e" not in shown
        assert "\u200b" not in shown
        assert "\\u202e" in "".join(shown.split())


@pytest.mark.promise("MOD-2", "LEAK-1")
def test_nothing_that_was_written_is_shown_to_who_took_it_either(reported: Reported) -> None:
    reported.run("reports", "take", reported.report)
    for command in (["list"], ["show", reported.report], ["release", reported.report]):
        for more in ([], ["--json"]):
            done = reported.run("reports", *command, *more)
            assert "zebra" not in done.out + done.err
            reported.run("reports", "take", reported.report)
    assert "evidence" not in reported.facts("show", reported.report)
    for wrong in (["evidence", reported.report], ["show", reported.report, "--evidence"]):
        assert reported.run("reports", *wrong).code == "usage"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "x"], "invalid_id"),
        (["take", "x"], "invalid_id"),
        (["list", "--as", ""], "invalid_id"),
        (["list", "--state", "lost"], "usage"),
        (["list", "--most", "0"], "usage"),
        (["resolve", "x", "eaten"], "usage"),
        (["resolve", "x"], "usage"),
        (["list", "--url", "memory:"], "invalid_setting"),
    ],
)
def test_a_wrong_use_is_told_in_one_line(
    reported: Reported, arguments: list[str], code: str
) -> None:
    assert reported.run("reports", *arguments).code == code


def test_a_long_queue_and_a_long_history_are_shown_whole(reported: Reported) -> None:
    with sql.open_sync(URL, policy=Policy(reports=None)) as dm:
        for number in range(103):
            dm.mailbox("ann").report(f"user {number}", reason="spam")
        desk = dm.moderation("mod")
        for _ in range(51):
            desk.take(reported.report)
            desk.release(reported.report)
    assert len(reported.facts("list", "--most", "1000")["reports"]) == 105
    assert len(reported.facts("list")["reports"]) == 100
    assert len(reported.facts("show", reported.report)["history"]) == 102
