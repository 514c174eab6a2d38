"""Restrictions over HTTP and on pages: who may, who may not, and what the other side notices."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.web.browsing import Browser, Page
from tests.web.conftest import MakeHost
from tests.web.desks import ELSEWHERE, OPERATOR, Case, on_two_sites, reported

HOUR = {"reason": "spam", "for_s": 3600}
BOB = "/moderation/users/bob"


@pytest.fixture
def case(make_host: MakeHost) -> Case:
    return reported(make_host)


@contextmanager
def unchanged(case: Case) -> Iterator[None]:
    before = standing(case)
    yield
    assert standing(case) == before


def standing(case: Case) -> list[object]:
    desk = case.host.dm.moderation("root")
    about = [(desk.about(user), desk.restrictions(user)) for user in ("ann", "bob", "mod")]
    return [*about, *(case.journal(user) for user in ("ann", "bob", "cyd", OPERATOR))]


def asked(case: Case, user: str | None, **given: Any) -> Iterator[str]:
    """Every question about restrictions, as the status and code of its refusal."""
    many = {"users": ["bob"], "kind": "mute"}
    for method, path, content in (
        ("GET", f"{BOB}/dossier", None),
        ("GET", f"{BOB}/restrictions", None),
        ("PUT", f"{BOB}/restrictions/mute", HOUR),
        ("DELETE", f"{BOB}/restrictions/mute", None),
        ("POST", "/moderation/restrictions", {**many, "reason": "spam"}),
        ("POST", "/moderation/lifts", many),
        ("GET", "/moderation/metrics", None),
    ):
        yield case.api.refusal(method, path, user=user, json=content, **given)


@pytest.mark.promise("MOD-4")
def test_nobody_but_a_moderator_restricts_or_looks(case: Case) -> None:
    with unchanged(case):
        for user in ("ann", "bob", "cyd", OPERATOR):
            assert set(asked(case, user)) == {"404 nothing_here"}
        assert set(asked(case, None)) == {"401 not_signed_in"}
        cross = {"sec-fetch-site": "cross-site"}
        assert set(asked(case, "mod", headers=cross)) == {"403 cross_site"}


@pytest.mark.promise("MOD-4")
def test_a_restriction_holds_is_listed_and_lifted(case: Case) -> None:
    made = case.api.ask("PUT", f"{BOB}/restrictions/mute", user="mod", json=HOUR).json()
    assert (made["kind"], made["by"], made["number"], made["report"]) == ("mute", "mod", 1, None)
    path = f"/threads/{case.thread}/messages"
    assert case.api.refusal("POST", path, user="bob", json={"body": "x"}) == "403 muted"
    dossier = case.api.get(f"{BOB}/dossier", user="mia")
    assert [it["kind"] for it in dossier["restrictions"]] == ["mute"]
    assert (dossier["restricted"], dossier["reports"]["pending"]) == (1, 1)
    ended = case.api.ask("DELETE", f"{BOB}/restrictions/mute", user="mia").json()
    assert ended["ended_by"] == "mia"
    assert case.api.send(case.thread, "I am back", user="bob")["body"] == "I am back"
    refusal = case.api.refusal("DELETE", f"{BOB}/restrictions/mute", user="mia")
    assert refusal == "409 not_restricted"


@on_two_sites
@pytest.mark.promise("MOD-4")
def test_who_is_called_almost_like_another_is_not_taken_for_them(case: Case) -> None:
    """Ids are compared byte for byte: one that ends with a space is somebody else."""
    mod = Browser.of(case.host, "mod")
    fields = {"kind": "suspend", "reason": "threat", "span": "day"}
    for other in ("bob ", " bob", "bob\u00a0"):
        page = mod.post("/moderation/users/restrict", {"user": other, **fields})
        assert page.status == 200
        desk = case.host.dm.moderation("root")
        assert [it.kind for it in desk.about(other).restrictions] == ["suspend"]
    assert desk.about("bob").restrictions == ()


@on_two_sites
@pytest.mark.promise("MOD-4", "PAGE-1")
def test_the_history_is_paged_newest_first(case: Case) -> None:
    for kind in ("mute", "suspend", "mute"):
        case.api.ask("PUT", f"{BOB}/restrictions/{kind}", user="mod", json={"reason": "other"})
    pages = list(case.api.walk(f"{BOB}/restrictions?limit=2", user="mod"))
    told = [(it["number"], it["kind"]) for page in pages for it in page["items"]]
    assert told == [(3, "mute"), (2, "suspend"), (1, "mute")]
    assert len(pages) == 2


@on_two_sites
def test_what_is_no_restriction_changes_nothing(case: Case) -> None:
    with unchanged(case):
        for kind, content, refusal in (
            ("ban", HOUR, "422 invalid_restriction"),
            ("mute", {"reason": "boredom"}, "422 invalid_restriction"),
            ("mute", {"reason": "spam", "for_s": 0}, "422 invalid_restriction"),
            ("mute", {"reason": "spam", "for_s": 10**30}, "422 invalid_restriction"),
            ("mute", {"reason": "spam", "for_s": -(10**30)}, "422 invalid_restriction"),
            ("mute", {"reason": "spam", "for_s": "1"}, "422 malformed_request"),
            ("mute", {"reason": "spam", "until": "tomorrow"}, "422 malformed_request"),
            ("mute", {"reason": "spam", "until": "2031-01-01T00:00:00"}, "422 invalid_restriction"),
            (
                "mute",
                {"reason": "spam", "until": "9999-12-31T23:59:59-14:00"},
                "422 invalid_restriction",
            ),
            ("mute", {**HOUR, "until": "2031-01-01T00:00:00Z"}, "422 invalid_restriction"),
            ("mute", {**HOUR, "report": case.thread}, "403 access_denied"),
        ):
            path = f"{BOB}/restrictions/{kind}"
            assert case.api.refusal("PUT", path, user="mod", json=content) == refusal, content


@on_two_sites
def test_a_restriction_ends_where_it_was_said_to_and_may_name_its_report(case: Case) -> None:
    until = (
        case.host.dm.moderation("mod").report(case.report).made_at + timedelta(days=1)
    ).isoformat()
    content = {"reason": "threat", "until": until, "report": case.report}
    made = case.api.ask("PUT", f"{BOB}/restrictions/suspend", user="mod", json=content).json()
    assert (made["report"], made["until"][:19]) == (case.report, until[:19])
    assert case.api.refusal("GET", "/threads", user="bob") == "403 suspended"
    privacy = Browser.of(case.host, "bob").get("/privacy")
    assert privacy.status == 200
    answer = case.host.client.request("GET", "/privacy/messages.jsonl", user="bob")
    assert answer.status == 200


@on_two_sites
@pytest.mark.promise("MOD-3", "MOD-4")
def test_many_at_once_are_answered_one_by_one(case: Case) -> None:
    content = {"users": ["bob", "mod", ""], "kind": "mute", "reason": "spam", "for_s": 60}
    answer = case.api.ask("POST", "/moderation/restrictions", user="mod", json=content)
    told = [(it["asked"], it["error"]) for it in answer.json()["answers"]]
    assert told == [("bob", None), ("mod", "access_denied"), ("", "invalid_id")]
    lifted = {"users": ["bob", "cyd"], "kind": "mute"}
    answer = case.api.ask("POST", "/moderation/lifts", user="mod", json=lifted)
    told = [(it["asked"], it["error"]) for it in answer.json()["answers"]]
    assert told == [("bob", None), ("cyd", "not_restricted")]


@on_two_sites
@pytest.mark.promise("TEN-1", "MOD-2")
def test_another_tenants_moderator_restricts_nobody_of_this_one(case: Case) -> None:
    path = f"{BOB}/restrictions/mute"
    with unchanged(case):
        made = case.api.ask("PUT", path, user="mod", json=HOUR, headers=ELSEWHERE)
        assert made.status == 200
        dossier = case.api.get(f"{BOB}/dossier", user="mod", headers=ELSEWHERE)
        assert dossier["reports"] == dict.fromkeys(dossier["reports"], 0)
    assert case.api.send(case.thread, "I write", user="bob")["body"] == "I write"


@on_two_sites
@pytest.mark.promise("OPS-3")
def test_few_are_not_counted_exactly(case: Case) -> None:
    metrics = case.api.get("/moderation/metrics", user="mod")
    assert metrics["reports"]["pending"] is None
    for number in range(4):
        case.host.dm.mailbox(f"user {number}").report("bob", reason="spam")
    assert case.api.get("/moderation/metrics", user="mod")["reports"]["pending"] == 5


# Pages --------------------------------------------------------------------------------------------


def rows(page: Page, label: str) -> list[str]:
    (found,) = page.tree.all("ol", aria_label=label)
    return [row.text for row in found.all("li")]


@on_two_sites
@pytest.mark.promise("MOD-4", "AUD-1")
def test_a_moderator_restricts_whom_a_report_is_about(case: Case) -> None:
    mod = Browser.of(case.host, "mod")
    page = mod.get(f"/moderation/reports/{case.report}/user")
    assert rows(page, "What holds now") == ["Nothing: they can read and write."]
    done = mod.press(page, "Restrict", kind="mute", span="week", reason="threat")
    assert done.path == f"/moderation/reports/{case.report}/user?done=1"
    assert rows(done, "What holds now")[0].startswith("Mute: A threat since")
    assert "by you" in rows(done, "All restrictions so far")[0]
    (made,) = case.host.dm.moderation("root").about("bob").restrictions
    assert (str(made.report), made.reason) == (case.report, "threat")
    lifted = mod.press(done, "Lift Mute")
    assert rows(lifted, "What holds now") == ["Nothing: they can read and write."]
    assert "ended" in rows(lifted, "All restrictions so far")[0]
    late = mod.press(done, "Lift Mute")
    assert (late.status, late.alert) == (
        409,
        "This person is under no such restriction any more.",
    )


@on_two_sites
@pytest.mark.promise("MOD-4")
def test_somebody_is_found_by_their_id_and_no_address_names_them(case: Case) -> None:
    mod = Browser.of(case.host, "mod")
    page = mod.press(mod.get("/moderation"), "Show", 1, user="bob")
    assert page.path == "/moderation/users"
    done = mod.press(page, "Restrict", kind="shadow_ban", span="ever")
    assert "for good" in rows(done, "What holds now")[0]
    assert "Done, and written down with your name." in done.text
    for _ in range(21):
        case.host.dm.moderation("mia").restrict("bob", "mute", reason="spam")
    history = mod.post("/moderation/users", {"user": "bob"})
    assert len(rows(history, "All restrictions so far")) == 20
    assert len(rows(mod.press(history, "Earlier"), "All restrictions so far")) == 2
    for link in done.tree.all("a"):
        assert "bob" not in link.attributes["href"]


@on_two_sites
def test_a_form_that_lacks_something_changes_nothing(case: Case) -> None:
    mod = Browser.of(case.host, "mod")
    with unchanged(case):
        for fields in ({}, {"kind": "mute"}, {"kind": "mute", "reason": "spam", "span": "eon"}):
            page = mod.post("/moderation/users/restrict", {"user": "bob", **fields})
            assert page.status == 422
            assert "lacks something" in page.alert
        assert mod.post("/moderation/users/restrict", {"user": "mod"}).status in {403, 422}
        assert mod.post("/moderation/users/lift", {"user": "bob"}).status == 422
        assert mod.post("/moderation/users", {"user": "mod"}).status == 403
        for path in ("", "/restrict", "/lift"):
            refused = Browser.of(case.host, "cyd").post(f"/moderation/users{path}", {"user": "bob"})
            assert refused.status == 404
