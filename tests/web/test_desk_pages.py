"""Pages of moderators and operators: who finds them, what stands on them, what they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.web.browsing import Browser, Page
from tests.web.conftest import MakeHost
from tests.web.desks import ELSEWHERE, NEIGHBOUR, OPERATOR, ROLES, SECRET, Case, reported
from tests.web.hosts import Host

from dmcore import Mode, Policy
from dmcore.adapters.web import Site, pages
from dmcore.adapters.web._routing import Audience
from dmcore.testing.screening import Censor

# By their paths: what is said of whom they are for is what is asked here.
OF_ROLES = [it for it in pages.ROUTES if it.pattern.startswith(("/moderation", "/operations"))]


@pytest.fixture(params=["asgi", "flask"])
def host_kind(request: pytest.FixtureRequest) -> str:
    """One that awaits and one that blocks: what a page holds is the same in every framework."""
    kind: str = request.param
    return kind


@pytest.fixture
def case(make_host: MakeHost) -> Case:
    return reported(make_host)


@contextmanager
def unchanged(case: Case) -> Iterator[None]:
    before = standing(case)
    yield
    assert standing(case) == before


def standing(case: Case) -> list[object]:
    operations = case.host.dm.operations(OPERATOR)
    people = ("ann", "bob", "mod", "mia", "cyd", OPERATOR)
    return [case.line(), operations.mode(), *(case.journal(user) for user in people)]


def every(case: Case, user: str | None, **given: object) -> Iterator[tuple[int, bytes]]:
    for route in OF_ROLES:
        answer = case.host.client.request(
            route.method,
            route.pattern.format(report=case.report),
            user=user,
            form={"move": "take", "mode": "off", "user": "bob"} if route.method == "POST" else None,
            **given,  # type: ignore[arg-type]
        )
        yield answer.status, answer.body


def rows(page: Page) -> list[str]:
    return [row.text for row in page.tree.all("li") if "dm-row" in row.attributes["class"]]


# Who may ------------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-2", "OPS-1")
def test_to_whoever_has_no_role_there_is_no_such_page(case: Case) -> None:
    nowhere = case.host.client.request("GET", "/no/such/page", user="cyd").body
    with unchanged(case):
        for user in ("ann", "bob", "cyd"):
            assert set(every(case, user)) == {(404, nowhere)}
        assert {status for status, _ in every(case, None)} == {401}
    about = f"/moderation/reports/{case.report}"
    with unchanged(case):
        assert Browser.of(case.host, OPERATOR).get(about).status == 404
        assert Browser.of(case.host, "mod").get("/operations").status == 404
        assert Browser.of(case.host, "mod").post("/operations/mode", {"mode": "off"}).status == 404


def test_a_site_that_names_nobody_has_no_such_pages(make_host: MakeHost) -> None:
    case = reported(make_host, site=Site())
    nowhere = case.host.client.request("GET", "/no/such/page", user="mod").body
    with unchanged(case):
        for user in ("mod", OPERATOR):
            assert set(every(case, user)) == {(404, nowhere)}
        assert {status for status, _ in every(case, None)} == {404}


@pytest.mark.promise("TEN-1")
def test_a_moderator_of_another_tenant_finds_nothing(case: Case) -> None:
    client = case.host.client
    with unchanged(case):
        queue = client.request("GET", "/moderation?state=", user="mod", headers=ELSEWHERE)
        assert "There are no such reports." in queue.text
        path = f"/moderation/reports/{case.report}"
        for method, below in (("GET", ""), ("POST", "/moves"), ("POST", "/looks")):
            form = {"move": "take"} if method == "POST" else None
            answer = client.request(method, path + below, user="mod", headers=ELSEWHERE, form=form)
            assert answer.status == 403
            assert "bob" not in answer.text


def test_another_site_cannot_press_a_button(case: Case) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    posts = [it for it in OF_ROLES if it.method == "POST"]
    with unchanged(case):
        for route in posts:
            answer = case.host.client.request(
                "POST",
                route.pattern.format(report=case.report),
                user="mod" if route.audience is Audience.MODERATORS else OPERATOR,
                form={"move": "take", "mode": "off", "user": "bob"},
                headers=headers,
            )
            assert answer.status == 403, route.pattern


# Moderating ---------------------------------------------------------------------------------------


@pytest.mark.promise("MOD-2", "MOD-3", "AUD-1")
def test_a_moderator_takes_a_report_looks_and_finishes_it(case: Case) -> None:
    mod = Browser.of(case.host, "mod")
    queue = mod.get("/moderation")
    assert rows(queue)[0].startswith("Choose the report about bob A threat: bob by ann")
    about = mod.get(f"/moderation/reports/{case.report}")
    assert about.buttons == ["Take"]
    mine = mod.press(about, "Take")
    assert mine.buttons == ["Put back", "Dismiss", "Resolve", "Look at what was chosen"]
    look = mod.press(mine, "Look at what was chosen")
    assert look.path.endswith("/looks")
    assert [it.raw for it in look.tree.classed("dm-quoted")] == [SECRET]
    assert NEIGHBOUR not in look.answer.text
    assert look.title == "Evidence"
    assert look.answer.headers["cache-control"] == "no-store"
    assert case.journal("mod") == ["report_taken", "evidence_viewed"]
    done = mod.press(mine, "Resolve", outcome="warned")
    assert "Outcome Warned" in done.text
    assert done.buttons == ["Reopen"]
    assert mod.press(done, "Reopen").buttons == ["Take"]
    again = Browser.of(case.host, "mia").get(f"/moderation/reports/{case.report}")
    assert [row.split(" by ")[0] for row in rows(again)] == [
        "Taken",
        "Resolved: Warned",
        "Reopened",
    ]
    assert "by mod" in rows(again)[1]


@pytest.mark.promise("MOD-3", "PAGE-1")
def test_a_long_history_of_a_report_goes_on_behind_a_link(case: Case) -> None:
    for _ in range(11):
        case.move("take")
        case.move("release")
    mod = Browser.of(case.host, "mod")
    first = mod.get(f"/moderation/reports/{case.report}")
    assert len(rows(first)) == 20
    (link,) = [it for it in first.tree.all("a") if it.text == "Later"]
    later = mod.get(link.attributes["href"])
    assert len(rows(later)) == 2
    assert "Later" not in [it.text for it in later.tree.all("a")]


@pytest.mark.promise("MOD-2")
def test_who_has_not_taken_it_is_shown_no_way_and_no_evidence(case: Case) -> None:
    case.move("take")
    mia = Browser.of(case.host, "mia")
    page = mia.get(f"/moderation/reports/{case.report}")
    assert page.buttons == ["Put back"]
    refused = mia.post(f"/moderation/reports/{case.report}/looks", {})
    assert (refused.status, refused.alert) == (403, "What was reported is not yours to look at.")
    assert "zebra" not in refused.answer.text
    assert case.journal("mia") == ["evidence_refused"]


@pytest.mark.promise("MOD-3")
def test_a_click_that_came_too_late_shows_where_the_report_stands(case: Case) -> None:
    mod = Browser.of(case.host, "mod")
    stale = mod.get(f"/moderation/reports/{case.report}")
    case.move("take", user="mia")
    line = case.line()
    late = mod.press(stale, "Take")
    assert case.line() == line
    assert case.journal("mod") == ["report_refused"]
    assert (late.status, late.alert) == (
        409,
        "This report is no longer where it was. Please look again.",
    )
    assert "Taken by mia" in late.text
    assert mod.post(f"/moderation/reports/{case.report}/moves", {}).status == 422


def test_what_there_is_to_see_is_said_before_anybody_looks(make_host: MakeHost) -> None:
    never = reported(make_host, policy=Policy())
    about = f"/moderation/reports/{never.report}"
    assert (
        "This site shows moderators no messages." in Browser.of(never.host, "mod").get(about).text
    )
    case = reported(make_host)
    without = case.host.dm.mailbox("cyd").report("bob", reason="spam").id
    page = Browser.of(case.host, "mod").get(f"/moderation/reports/{without}")
    assert "Nothing was chosen to be shown." in page.text
    case.move("take")
    case.host.clock.advance(seconds=31 * 24 * 3600)
    look = Browser.of(case.host, "mod").post(f"/moderation/reports/{case.report}/looks", {})
    assert "There is nothing to see any more." in look.text


@pytest.mark.promise("PAGE-1")
def test_the_queue_is_filtered_and_paged(case: Case) -> None:
    ids = []
    for number in range(25):
        case.host.clock.advance(seconds=60)
        ids.append(case.host.dm.mailbox(f"user {number}").report("bob", reason="spam").id)
    case.host.dm.moderation("mia").take(ids[0])
    mod = Browser.of(case.host, "mod")
    first = mod.get("/moderation?state=&reason=spam")
    assert len(rows(first)) == 20
    assert "Taken by mia" in rows(first)[0]
    (later,) = [it for it in first.tree.all("a") if it.text == "Later reports"]
    second = mod.get(f"/moderation{later.attributes['href'].rpartition('/moderation')[2]}")
    assert len(rows(second)) == 5
    assert len(rows(mod.get("/moderation?state=taken&reason="))) == 1
    assert mod.get("/moderation?state=old").status == 422


@pytest.mark.promise("MOD-5", "MOD-2")
def test_what_screening_flagged_is_shown_as_such_and_without_content(make_host: MakeHost) -> None:
    case = reported(make_host, screeners=[Censor()])
    case.host.dm.mailbox("bob").start("ann", "FLAG zebra")
    mod = Browser.of(case.host, "mod")
    assert len(rows(mod.get("/moderation?origin=participant"))) == 1
    (row,) = rows(queue := mod.get("/moderation?origin=screening"))
    assert "Flagged: loud: bob" in row
    assert "by Screening" in row
    (line,) = case.host.dm.moderation("mod").reports(origin="screening").items
    page = mod.get(f"/moderation/reports/{line.id}")
    assert "Screening copies no message." in page.text
    assert "zebra" not in queue.text + page.text


@pytest.mark.promise("MOD-3")
def test_many_reports_at_once_are_answered_one_by_one(case: Case) -> None:
    other = case.host.dm.mailbox("cyd").report("bob", reason="spam").id
    mod = Browser.of(case.host, "mod")
    queue = mod.get("/moderation")
    assert "Tick a report first." in mod.press(queue, "Do it", move="take").text
    case.move("take", user="mia")
    boxes: dict[str, Any] = {f"item-{report}": "on" for report in (case.report, other)}
    page = mod.press(queue, "Do it", move="take", outcome="warned", **boxes)
    assert "1 of 2 done." in page.text
    assert [row.rpartition(" ")[2] for row in rows(page)] == ["done", "Taken"]
    assert "This report is no longer where it was." in rows(page)[0]
    resolved = mod.post(
        "/moderation/moves", {f"item-{other}": "on", "move": "resolve", "outcome": "referred"}
    )
    assert "1 of 1 done." in resolved.text


# Operating ----------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_one_click_turns_the_switch_and_the_page_shows_that_it_was_turned(case: Case) -> None:
    olga = Browser.of(case.host, OPERATOR)
    page = olga.get("/operations")
    assert mode_on(page) == "on"
    for button, mode in (
        ("Turn to: Off", Mode.OFF),
        ("Turn to: Read only", Mode.READ_ONLY),
        ("Turn to: Replies only", Mode.REPLIES_ONLY),
        ("Turn to: On", Mode.ON),
    ):
        page = olga.press(page, button)
        assert case.host.dm.operations(OPERATOR).mode() is mode
        assert mode_on(page) == mode.value
        assert page.tree.one(role="status").text.startswith("The switch was turned.")
    assert case.journal(OPERATOR) == ["mode_changed"] * 4
    with unchanged(case):
        assert olga.post("/operations/mode", {"mode": "maybe"}).status == 422


def mode_on(page: Page) -> str:
    return page.tree.one("dd", data_dm_mode=None).text


@pytest.mark.promise("OPS-3", "LEAK-1")
def test_the_operators_page_counts_and_shows_nobody(case: Case) -> None:
    page = Browser.of(case.host, OPERATOR).get("/operations")
    counted = [it.text for it in page.tree.all("dd")]
    assert counted[0] == "on"
    assert counted[4:7] == ["1", "2", "3"]
    assert page.tree.one("dd", data_dm_health="not_durable").text.startswith("Not durable")
    assert not {"ann", "bob", "mod"} & set(page.text.split())
    assert "zebra" not in page.answer.text


@pytest.mark.promise("AUD-1")
def test_a_journal_is_asked_for_by_a_form_and_paged(case: Case) -> None:
    case.host.dm.mailbox("ann").block("bob")
    thread, ann = case.thread, case.host.dm.mailbox("ann")
    for _ in range(30):
        ann.mute(thread)
        ann.unmute(thread)
    olga = Browser.of(case.host, OPERATOR)
    page = olga.press(olga.get("/operations"), "Show", user="ann")
    assert page.title == "Journal"
    assert "report made" in page.text
    assert "user blocked" in page.text
    assert "zebra" not in page.answer.text
    later = olga.press(page, "Later")
    shown = [len(rows(it)) for it in (page, later)]
    assert sum(shown) == len(case.journal("ann"))
    empty = olga.post("/operations/journal", {"user": "nobody else"})
    assert "Nothing is written down about a user with the id nobody else." in empty.text
    assert "Deleted account" not in empty.text
    assert olga.post("/operations/journal", {"user": ""}).status == 422


def test_no_address_of_these_pages_names_a_person(case: Case) -> None:
    host = case.host
    seen = [
        Browser.of(host, "mod").get("/moderation"),
        Browser.of(host, "mod").get(f"/moderation/reports/{case.report}"),
        Browser.of(host, OPERATOR).get("/operations"),
    ]
    for page in seen:
        for link in page.tree.all("a"):
            assert "bob" not in link.attributes["href"]
        for form in page.tree.all("form"):
            assert "bob" not in form.attributes["action"]


def test_who_holds_both_roles_holds_both(make_host: MakeHost) -> None:
    both = Site(is_moderator=lambda _: True, is_operator=lambda _: True)
    host: Host = reported(make_host, site=both).host
    someone = Browser.of(host, "anybody")
    assert someone.get("/moderation").status == someone.get("/operations").status == 200
    assert ROLES.is_moderator is not None
