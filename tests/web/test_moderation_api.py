"""Moderation over HTTP: who may, who may not, and that a GET shows nothing that was written."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from tests.web.conftest import MakeHost
from tests.web.described import next_of
from tests.web.desks import ELSEWHERE, NEIGHBOUR, ROLES, Case, on_two_sites, reported
from tests.web.hosts import Answer

from dmcore import Policy
from dmcore.adapters.web import Site, Viewer, wire
from dmcore.errors import InvalidSetting
from dmcore.testing.screening import Censor

# By their paths: what is said of whom they are for is what is asked here.
MODERATION = [it for it in wire.EVERY if it.pattern.startswith("/moderation")]
NOWHERE = str(UUID(int=0x018000000000_7000_8000_000000000001))
CONTENTS = {
    "move_report": {"move": "take"},
    "move_reports": {"reports": [NOWHERE], "move": "take"},
}


@pytest.fixture
def case(make_host: MakeHost) -> Case:
    return reported(make_host)


@contextmanager
def unchanged(case: Case) -> Iterator[None]:
    """The report and every journal are as they were."""
    before = standing(case)
    yield
    assert standing(case) == before


def standing(case: Case) -> list[object]:
    return [case.line(), *(case.journal(user) for user in ("ann", "bob", "mod", "mia", "cyd"))]


def asked(case: Case, user: str | None, headers: dict[str, str] | None = None) -> list[Answer]:
    """Every question of a moderator, about the report of the case."""
    return [
        case.api.ask(
            it.method,
            it.pattern.format(report=case.report, user="bob", kind="mute"),
            user=user,
            json=CONTENTS.get(it.name),
            headers=headers,
        )
        for it in MODERATION
    ]


# Who may ------------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-2")
def test_to_whoever_is_no_moderator_there_is_no_such_thing(case: Case) -> None:
    """The same bytes and headers as a path that leads nowhere."""
    nowhere = case.host.client.request("GET", "/api/no/such/path", user="cyd")
    with unchanged(case):
        for user in ("ann", "bob", "cyd", "olga"):
            for answer in asked(case, user):
                assert (answer.status, answer.body) == (404, nowhere.body)
                told = [{**it.headers, "date": ""} for it in (answer, nowhere)]
                assert told[0] == told[1]


def test_no_method_tells_a_participant_that_there_is_something(case: Case) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = case.api.ask(method, "/moderation/reports", user="cyd")
        assert (answer.status, answer.json()["code"]) == (404, "nothing_here")
    assert case.api.refusal("DELETE", "/moderation/reports", user="mod") == "405 method_not_allowed"


def test_nobody_is_asked_to_sign_in(case: Case) -> None:
    with unchanged(case):
        assert {answer.status for answer in asked(case, None)} == {401}


@on_two_sites
def test_a_site_that_names_no_moderators_has_no_moderation(make_host: MakeHost) -> None:
    case = reported(make_host, site=Site())
    nowhere = case.host.client.request("GET", "/api/no/such/path", user="mod")
    with unchanged(case):
        for user in ("mod", "cyd", None):
            for answer in asked(case, user):
                assert (answer.status, answer.body) == (404, nowhere.body)
    described = case.api.get("/openapi.json")["paths"]
    assert not [path for path in described if path.startswith(("/moderation", "/operations"))]
    assert "/moderation/reports" in wire.openapi("", wire.endpoints_of(ROLES))["paths"]


@on_two_sites
@pytest.mark.parametrize("answer", [None, 1, "yes"], ids=repr)
def test_only_a_clear_yes_makes_a_moderator(make_host: MakeHost, answer: object) -> None:
    case = reported(make_host, site=Site(is_moderator=lambda _: answer))  # type: ignore[arg-type, return-value]
    assert case.api.refusal("GET", "/moderation/reports", user="mod") == "404 nothing_here"


def test_a_role_may_be_asked_of_a_coroutine_where_something_awaits_it(
    make_host: MakeHost, host_kind: str
) -> None:
    async def moderates(viewer: Viewer) -> bool:
        return viewer.user == "mod"

    site = Site(is_moderator=moderates)
    if host_kind in {"flask", "django"}:
        with pytest.raises(InvalidSetting):
            make_host(site=site)
        return
    case = reported(make_host, site=site)
    assert case.api.get("/moderation/reports", user="mod")["items"]
    assert case.api.refusal("GET", "/moderation/reports", user="cyd") == "404 nothing_here"


@pytest.mark.promise("TEN-1", "MOD-2")
def test_another_tenants_moderator_finds_nothing_of_this_one(case: Case) -> None:
    with unchanged(case):
        found = case.api.get("/moderation/reports", user="mod", headers=ELSEWHERE)
        assert found == {"items": [], "next": None}
        for method, below in (("GET", ""), ("POST", "/moves"), ("POST", "/looks")):
            given = {"json": {"move": "take"}} if below == "/moves" else {}
            path = f"{case.path}{below}"
            there = case.api.ask(method, path, user="mod", headers=ELSEWHERE, **given)
            nowhere = path.replace(case.report, NOWHERE)
            not_there = case.api.ask(method, nowhere, user="mod", headers=ELSEWHERE, **given)
            assert (there.status, there.json()["code"]) == (403, "access_denied")
            assert there.body == not_there.body


def test_another_site_cannot_act_in_a_moderators_name(case: Case) -> None:
    with unchanged(case):
        for below in ("moves", "looks"):
            answer = case.api.refusal(
                "POST",
                f"{case.path}/{below}",
                user="mod",
                headers={"sec-fetch-site": "cross-site"},
            )
            assert answer == "403 cross_site"


# Evidence -----------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-1", "MOD-2", "AUD-1")
def test_evidence_is_exactly_what_was_chosen_and_each_look_is_written_down(case: Case) -> None:
    assert case.move("take").status == 200
    for looks in (1, 2):
        answer = case.look()
        (item,) = answer.json()["items"]
        assert (item["message"], item["sender"]) == (case.chosen, "bob")
        assert item["body"] == "<b>the door code is zebra</b>"
        assert NEIGHBOUR not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert case.journal("mod").count("evidence_viewed") == looks


@on_two_sites
@pytest.mark.promise("MOD-2", "AUD-1")
def test_who_has_not_taken_it_sees_nothing_and_the_attempt_is_written_down(case: Case) -> None:
    case.move("take")
    before = case.line()
    answer = case.look(user="mia")
    assert (answer.status, answer.json()["code"]) == (403, "evidence_denied")
    assert "zebra" not in answer.text
    assert case.journal("mia") == ["evidence_refused"]
    assert case.line() == before
    case.move("dismiss")
    assert case.look().json()["code"] == "evidence_denied"


@on_two_sites
@pytest.mark.promise("MOD-1")
def test_where_the_policy_shows_none_there_is_none(make_host: MakeHost) -> None:
    case = reported(make_host, policy=Policy())
    case.move("take")
    answer = case.look()
    assert answer.json()["code"] == "evidence_denied"
    assert "zebra" not in answer.text


@on_two_sites
@pytest.mark.promise("MOD-2")
def test_evidence_can_be_looked_at_for_a_time_only(case: Case) -> None:
    case.move("take")
    case.host.clock.advance(seconds=timedelta(days=30).total_seconds())
    assert case.look().json() == {"items": []}


@on_two_sites
@pytest.mark.promise("MOD-2")
def test_no_get_changes_anything_or_shows_what_was_written(case: Case) -> None:
    case.move("take")
    with unchanged(case):
        for path in ("/moderation/reports?state=taken", case.path, "/openapi.json"):
            answer = case.api.ask("GET", path, user="mod")
            assert answer.status == 200
            assert "zebra" not in answer.text
        assert case.api.refusal("GET", f"{case.path}/looks", user="mod").startswith("405")


# The queue and the life of a report ---------------------------------------------------------------


@on_two_sites
@pytest.mark.promise("MOD-3")
def test_a_report_is_taken_put_back_resolved_and_reopened(case: Case) -> None:
    for move, given, state in (
        ("take", {}, "taken"),
        ("release", {}, "pending"),
        ("take", {}, "taken"),
        ("resolve", {"outcome": "warned"}, "resolved"),
        ("reopen", {}, "pending"),
        ("take", {}, "taken"),
        ("dismiss", {}, "dismissed"),
    ):
        answer = case.move(move, **given)
        assert answer.json()["state"] == state
        assert case.line().state == state


@on_two_sites
@pytest.mark.promise("MOD-3", "PAGE-1")
def test_what_was_decided_before_it_was_reopened_stays_readable(case: Case) -> None:
    case.move("take")
    case.move("resolve", outcome="warned")
    case.move("reopen", user="mia")
    history = case.api.get(f"{case.path}/history", user="mia")
    assert history["next"] is None
    assert [(it["number"], it["move"], it["by"], it["outcome"]) for it in history["items"]] == [
        (1, "take", "mod", None),
        (2, "resolve", "mod", "warned"),
        (3, "reopen", "mia", None),
    ]
    pages = list(case.api.walk(f"{case.path}/history?limit=2", user="mod"))
    assert [it for page in pages for it in page["items"]] == history["items"]
    assert [len(page["items"]) for page in pages] == [2, 1]
    assert case.api.get(case.path, user="mod")["outcome"] is None


@on_two_sites
@pytest.mark.promise("MOD-3")
def test_a_move_that_is_not_there_changes_nothing(case: Case) -> None:
    assert case.move("dismiss").json()["code"] == "illegal_move"
    assert case.line().state == "pending"
    case.move("take")
    assert case.move("take", user="mia").json()["code"] == "illegal_move"
    assert case.move("dismiss", user="mia").json()["code"] == "taken_by_another"
    assert case.line().taken_by == "mod"
    assert case.journal("mia") == ["report_refused"] * 2
    with unchanged(case):
        for wrong in (
            {"move": "resolve"},
            {"move": "eat"},
            {"move": "dismiss", "outcome": "warned"},
        ):
            answer = case.api.ask("POST", f"{case.path}/moves", user="mod", json=wrong)
            assert (answer.status, answer.json()["code"]) == (422, "invalid_report")


@on_two_sites
@pytest.mark.promise("MOD-3")
def test_many_at_once_are_answered_one_by_one(case: Case) -> None:
    other = str(case.host.dm.mailbox("cyd").report("bob", reason="spam").id)
    case.move("take", user="mia")
    content = {"reports": [other, case.report, NOWHERE], "move": "take"}
    answer = case.api.ask("POST", "/moderation/moves", user="mod", json=content)
    told = [
        (it["asked"], it["report"] and it["report"]["state"], it["error"])
        for it in answer.json()["answers"]
    ]
    assert told == [
        (other, "taken", None),
        (case.report, None, "illegal_move"),
        (NOWHERE, None, "access_denied"),
    ]
    nothing = {"reports": [], "move": "take"}
    refused = case.api.ask("POST", "/moderation/moves", user="mod", json=nothing)
    assert refused.json()["code"] == "invalid_page_size"


@on_two_sites
@pytest.mark.promise("PAGE-1")
def test_the_queue_is_paged_by_its_links_and_filtered_before_it_is_cut(case: Case) -> None:
    spam = []
    for minute in range(5):
        case.host.clock.advance(seconds=60)
        reporter = case.host.dm.mailbox(f"user {minute}")
        spam.append(str(reporter.report("bob", reason="spam").id))
        reporter.report("bob", reason="other")
    path = "/moderation/reports?state=pending&reason=spam&limit=2"
    pages = list(case.api.walk(path, user="mod"))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [it["id"] for page in pages for it in page["items"]] == spam
    first = case.api.ask("GET", path, user="mod")
    following = next_of(first)
    assert following is not None
    assert "reason=spam" in following
    elsewhere = following.replace("reason=spam", "reason=other")
    assert case.api.refusal("GET", elsewhere, user="mod") == "422 invalid_cursor"


@pytest.mark.promise("MOD-5", "MOD-2")
def test_what_screening_flagged_stands_among_them_with_its_flags(make_host: MakeHost) -> None:
    case = reported(make_host, screeners=[Censor()])
    sent = case.host.dm.mailbox("bob").start("ann", "flag zebra")
    path = "/moderation/reports?origin=screening&limit=1"
    answer = case.api.ask("GET", path, user="mod")
    (line,) = answer.json()["items"]
    assert (line["reported"], line["thread"]) == ("bob", str(sent.conversation))
    assert (line["origin"], line["flags"], line["messages"]) == ("screening", ["link"], 1)
    assert (line["reporter"], line["reason"]) == (None, None)
    assert "zebra" not in answer.text
    (other,) = case.api.get("/moderation/reports?origin=participant", user="mod")["items"]
    assert (other["id"], other["flags"]) == (str(case.report), [])


@on_two_sites
def test_filters_that_are_not_offered_are_refused(case: Case) -> None:
    for query in ("state=old", "reason=boredom", "origin=heaven"):
        refusal = case.api.refusal("GET", f"/moderation/reports?{query}", user="mod")
        assert refusal == "422 invalid_report"


@on_two_sites
@pytest.mark.promise("MOD-2")
def test_nobody_moderates_what_is_about_themselves(case: Case) -> None:
    about = str(case.host.dm.mailbox("ann").report("mod", reason="other").id)
    assert about in {it["id"] for it in case.api.get("/moderation/reports", user="mia")["items"]}
    assert about not in {
        it["id"] for it in case.api.get("/moderation/reports", user="mod")["items"]
    }
    assert case.api.refusal("GET", f"/moderation/reports/{about}", user="mod").startswith("403")
