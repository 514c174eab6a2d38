"""What must work in Care Collective, one test for each wish."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.acceptance.collective import Collective, Neighbour, running, stored_bytes, unreachable
from tests.acceptance.conftest import Visit
from tests.acceptance.estate import until
from tests.browser.faults import cut_off, faults
from tests.browser.people import DESKTOP, PHONE, Visitor
from tests.web.scene import DEVICE, KEY, PREKEY

from dmcore.testing.postgres import PostgresServer
from examples.care.bot import Bot
from examples.care.story import KETTLE

CANARY = "the spare key hangs behind canary-4711"

LookOn = Callable[..., Visitor]


@pytest.fixture(scope="module")
def care(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collective]:
    """The site of this file."""
    with running(postgres_server, tmp_path_factory.mktemp("care")) as collective:
        yield collective


@pytest.fixture
def look_on(visit: Visit, care: Collective) -> LookOn:
    """Puts somebody in front of a browser, at a page of the site."""

    def look(who: Neighbour | None, path: str = "/", **options: Any) -> Visitor:
        visitor = visit(care.address, **options)
        if who is not None:
            who.sit_at(visitor.context)
        visitor.page.goto(f"{care.address}{path}")
        return visitor

    return look


def messages(page: Page) -> Locator:
    return page.locator("[data-dm-message] .dm-body")


def composer(page: Page) -> Locator:
    return page.locator("form[data-dm-composer] textarea")


def test_two_who_talk_see_at_once_what_is_written_who_types_who_is_there_and_what_was_seen(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben = care.join("Ada"), care.join("Ben")
    thread = ada.befriend(ben, "Is the ramp free on Friday?")
    ben.write(thread, "It is.")
    right = look_on(ben, f"/messages/t/{thread}", viewport=PHONE).page
    expect(right.locator("[data-dm-badge]").first).not_to_contain_text("1")
    left = look_on(ada, f"/messages/t/{thread}").page
    expect(left.locator("[data-dm-presence]")).to_be_visible()
    composer(right).press_sequentially("I bring")
    expect(left.locator("[data-dm-typing]")).to_have_text("Ben is typing …")
    composer(right).press_sequentially(" it over")
    composer(right).press("Enter")
    expect(messages(left).last).to_have_text("I bring it over")
    expect(left.locator("[data-dm-typing]")).to_be_hidden()
    expect(right.locator("[data-dm-message]").last).to_contain_text("Seen")
    left.goto(f"{care.address}/messages/")
    ben.write(thread, "At ten?")
    for place in (".links [data-dm-badge]", "[data-dm-entry] .dm-count"):
        expect(left.locator(place)).to_contain_text("1 unread message")


def test_a_reply_shows_what_it_answers_and_its_thread_can_be_listed(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben = care.join("Ada"), care.join("Ben")
    thread = ada.befriend(ben, "Soup or stew?")
    ada.write(thread, "And when?")
    asked = ada.get(f"/threads/{thread}")["messages"][0]["id"]
    page = look_on(ben, f"/messages/t/{thread}").page
    first = page.locator("[data-dm-message]").first
    first.locator("summary").first.click()
    with page.expect_navigation():
        first.get_by_role("link", name="Reply").click()
    composer(page).fill("Stew, please.")
    composer(page).press("Enter")
    quote = page.locator("[data-dm-message]").last.locator(".dm-quote")
    expect(quote).to_contain_text("Soup or stew?")
    stew = ada.get(f"/threads/{thread}")["messages"][-1]["id"]
    ada.write(thread, "Stew it is.", reply_to=stew)
    chain = ben.get(f"/threads/{thread}/messages/{asked}/replies")["messages"]
    assert [it["body"] for it in chain] == ["Soup or stew?", "Stew, please.", "Stew it is."]


def test_what_one_sends_stands_there_before_the_server_has_it(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben = care.join("Ada"), care.join("Ben")
    thread = ada.befriend(ben)
    page = look_on(ada, f"/messages/t/{thread}").page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/threads/*/messages", hold)
    composer(page).fill("On my way")
    composer(page).press("Enter")
    pending = page.locator(".dm-pending")
    expect(pending).to_contain_text("On my way")
    expect(pending).to_contain_text("Sending")
    assert ben.texts(thread) == ["Hello neighbour!"]
    held.pop().continue_()
    expect(messages(page).last).to_have_text("On my way")
    expect(pending).to_have_count(0)
    assert ben.texts(thread) == ["Hello neighbour!", "On my way"]


def test_a_long_history_comes_in_pieces_as_one_scrolls_up(
    care: Collective, look_on: LookOn
) -> None:
    noor = care.be("noor")
    thread = noor.get("/threads/with?user=ivo")["thread"]["id"]
    page = look_on(noor, f"/messages/t/{thread}").page
    expect(messages(page).last).to_have_text("I can also ask Tâm, if it does not.")
    counts = [messages(page).count()]
    assert counts[0] <= 50
    while (
        messages(page).first.text_content() != "Ruth says that you drive to the clinic. I am Ivo."
    ):
        messages(page).first.scroll_into_view_if_needed()
        expect(messages(page)).not_to_have_count(counts[-1])
        counts.append(messages(page).count())
        assert len(counts) < 8
    assert counts[-1] == 107


@pytest.mark.parametrize(
    ("kind", "answers", "facts"),
    [
        ("mute", ("done", "muted"), ["user_muted", "user_unmuted"]),
        ("suspend", ("suspended", "suspended"), ["user_suspended", "user_unsuspended"]),
        ("shadow_ban", ("done", "done"), ["user_shadow_banned", "user_shadow_ban_lifted"]),
    ],
)
def test_a_moderator_restricts_somebody_for_a_time_and_it_is_written_down(
    care: Collective, look_on: LookOn, kind: str, answers: tuple[str, str], facts: list[str]
) -> None:
    ada, vic = care.join("Ada"), care.join("Vic")
    thread = ada.befriend(vic)
    mira, otto = care.be("mira"), care.be("otto")
    desk = look_on(mira, "/messages/moderation").page
    desk.get_by_label("Id of the user").fill(vic.id)
    desk.get_by_role("button", name="Show").last.click()
    desk.locator(f"[name=kind][value={kind}]").check()
    desk.locator("[name=span]").select_option(label="a week")
    desk.get_by_role("button", name="Restrict").click()
    history = f"/moderation/users/{vic.id}/restrictions"
    (entry,) = mira.get(history)["items"]
    assert (entry["kind"], entry["by"], entry["until"] is not None) == (kind, "mira", True)
    reading = vic.outcome("GET", f"/threads/{thread}")
    writing = vic.outcome("POST", f"/threads/{thread}/messages", body="You cannot silence me")
    assert (reading, writing) == answers
    assert ada.texts(thread) == ["Hello neighbour!"]
    desk.get_by_role("button", name="Lift").click()
    expect(desk.get_by_role("status")).to_contain_text("Done")
    vic.write(thread, "I am sorry")
    assert ada.texts(thread) == ["Hello neighbour!", "I am sorry"]
    (entry,) = mira.get(history)["items"]
    assert entry["ended_by"] == "mira"
    assert otto.journal_of("mira")[-2:] == facts
    assert ada.outcome("GET", history) == "nothing_here"


def test_screening_refuses_some_texts_and_shows_moderators_that_others_were_sent(
    care: Collective,
) -> None:
    ada, eve = care.join("Ada"), care.join("Eve")
    first = {"user": ada.id}
    link = "Look at https://riches.example"
    assert eve.outcome("POST", "/threads", **first, body="W1re me m0ney") == "message_refused word"
    assert eve.outcome("POST", "/threads", **first, body=link) == (
        "message_refused first_contact_link"
    )
    assert ada.get("/threads?folder=requests")["items"] == []
    thread = eve.befriend(ada)
    ada.write(thread, "Hello Eve")
    eve.write(thread, link)
    assert ada.texts(thread)[-1] == link
    flagged = care.be("mira").ask("GET", "/moderation/reports?origin=screening&limit=100")
    (line,) = (it for it in flagged.json()["items"] if it["reported"] == eve.id)
    assert (line["flags"], line["reporter"], line["state"]) == (["link"], None, "pending")
    assert "riches" not in flagged.text


def test_from_a_report_to_its_end_with_what_the_reporter_chose_and_nothing_else(
    care: Collective, look_on: LookOn
) -> None:
    ada, eve = care.join("Ada"), care.join("Eve")
    thread = eve.befriend(ada, "You will be sorry")
    eve.write(thread, "This is about money")
    reporting = look_on(ada, f"/messages/t/{thread}", viewport=PHONE).page
    first = reporting.locator("[data-dm-message]").first
    first.locator("summary").first.click()
    first.get_by_role("link", name="Report").click()
    reporting.get_by_label("A threat").check()
    reporting.get_by_role("button", name="Send the report").click()
    expect(reporting.get_by_role("heading", level=1)).to_have_text("Your report was sent")
    desk = look_on(care.be("mira"), "/messages/moderation").page
    desk.get_by_role("link", name="A threat: Eve").click()
    expect(desk.locator("body")).not_to_contain_text("sorry")
    desk.get_by_role("button", name="Take").click()
    desk.get_by_role("button", name="Look at what was chosen").click()
    expect(desk.locator(".dm-quoted")).to_have_text("You will be sorry")
    desk.get_by_role("link", name="Back to the report").last.click()
    desk.get_by_label("Warned").check()
    desk.get_by_role("button", name="Resolve").click()
    expect(desk.locator(".dm-head .dm-flag")).to_have_text("Resolved")
    acts = ["report_taken", "evidence_viewed", "report_resolved"]
    assert care.be("otto").journal_of("mira")[-3:] == acts


def test_many_reports_are_worked_on_at_once_and_counted(care: Collective, look_on: LookOn) -> None:
    mia, troll = care.be("mira"), care.join("Trollo")
    for number in range(5):
        care.join(f"Witness {number}").do("POST", "/reports", user=troll.id, reason="spam")
    desk = look_on(mia, "/messages/moderation").page
    for box in desk.get_by_label("Choose the report about Trollo").all():
        box.check()
    desk.locator("[name=move]").select_option("Take")
    desk.get_by_role("button", name="Do it").click()
    expect(desk.get_by_role("status")).to_have_text("5 of 5 done.")
    desk.get_by_role("link", name="Back to the reports").last.click()
    expect(desk.locator("dt:text('Taken') + dd")).to_have_text("5")
    mine = mia.get("/moderation/reports?state=taken&limit=100")["items"]
    answers = mia.do(
        "POST",
        "/moderation/moves",
        reports=[*(it["id"] for it in mine if it["reported"] == troll.id), mine[0]["id"]],
        move="dismiss",
    )["answers"]
    assert [it["error"] for it in answers] == [None] * 5 + ["illegal_move"]


def test_what_is_edited_or_taken_back_changes_before_the_others_eyes(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben = care.join("Ada"), care.join("Ben")
    thread = ada.befriend(ben, "Come at two")
    page = look_on(ben, f"/messages/t/{thread}").page
    expect(messages(page)).to_have_text(["Come at two"])
    writing = look_on(ada, f"/messages/t/{thread}").page
    menu = writing.locator("[data-dm-message]").first
    menu.locator("summary").first.click()
    menu.get_by_role("link", name="Edit").click()
    writing.locator("textarea[name=body]").fill("Come at three")
    writing.get_by_role("button", name="Save").click()
    expect(messages(page)).to_have_text(["Come at three"])
    expect(page.locator("[data-dm-message]").first).to_contain_text("edited", ignore_case=True)
    (message,) = ada.get(f"/threads/{thread}")["messages"]
    ada.do("DELETE", f"/threads/{thread}/messages/{message['id']}")
    expect(page.locator("[data-dm-message]").first).to_contain_text("was deleted")
    assert ben.texts(thread) == [None]


def test_no_byte_of_the_databases_or_the_log_tells_what_was_written(care: Collective) -> None:
    ada, ben = care.join("Ada Canarystone"), care.join("Ben")
    thread = ada.befriend(ben, CANARY)
    ben.write(thread, "I shall find it")
    ada.write(thread, f"{CANARY}, " * 90)
    ben.do(
        "POST",
        "/reports",
        thread=thread,
        reason="other",
        messages=[ben.get(f"/threads/{thread}")["messages"][0]["id"]],
    )
    assert ben.texts(thread)[0] == CANARY
    assert b"Canarystone" in stored_bytes(care.site_url)
    for url in (care.site_url, care.messages_url):
        assert b"canary-4711" not in stored_bytes(url)
    assert "canary-4711" not in care.log
    assert (care.folder / "master.key").stat().st_mode & 0o077 == 0
    assert (care.folder / "keys.db").is_file()


def test_everybody_chooses_who_may_write_to_them_and_what_they_show(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben, cleo = care.join("Ada"), care.join("Ben"), care.join("Cleo")
    thread = ada.befriend(ben)
    page = look_on(ben, "/messages/settings").page
    page.get_by_label("Nobody").check()
    for label in ("That you have seen", "That you are typing", "That you are here"):
        page.get_by_label(label).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_have_text("Your settings are saved.")
    expect(page.get_by_label("Only people you are connected with")).to_be_visible()
    assert cleo.outcome("POST", "/threads", user=ben.id, body="Hello") == "recipient_unavailable"
    assert "Messages are not available" in cleo.page(f"/people/{ben.id}")
    page.goto(f"{care.address}/messages/t/{thread}")
    expect(messages(page)).to_have_text(["Hello neighbour!"])
    expect(page.locator("[data-dm-badge]").first).to_be_hidden()
    (message,) = ada.get(f"/threads/{thread}")["messages"]
    assert message["seen_at"] is None
    shown = ada.get(f"/threads/{thread}/presence")
    assert shown == {"is_present": False, "is_typing": False}


def test_who_opens_only_to_acquaintances_is_reached_by_those_alone(care: Collective) -> None:
    ruth, ada = care.be("ruth"), care.join("Ada")
    known = ruth.get("/preferences")
    ruth.do("PUT", "/preferences", **known | {"open_to": "connections"})
    assert ada.outcome("POST", "/threads", user="ruth", body="Hello") == "recipient_unavailable"
    assert care.be("celeste").get("/users/ruth/can-message")["is_allowed"]
    ruth.do("PUT", "/preferences", **known)
    assert ada.get("/users/ruth/can-message")["is_allowed"]


def test_one_takes_everything_away_and_is_erased_everywhere(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben = care.join("Ada"), care.join("Ben")
    thread = ada.befriend(ben, "My secret is safe with you")
    ben.write(thread, "Of course")
    page = look_on(ada, "/messages/privacy").page
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download my messages").click()
    lines = downloading.value.path().read_text(encoding="utf-8").splitlines()
    told = [it["body"] for it in map(json.loads, lines) if it["kind"] == "message"]
    assert told == ["My secret is safe with you", "Of course"]
    assert ben.http.post(f"/people/{ada.id}/remove").status_code == 404
    erasing = look_on(care.be("otto"), f"/people/{ada.id}").page
    erasing.get_by_text("Remove from the collective").click()
    erasing.get_by_role("button", name="Remove and erase").click()
    expect(erasing.get_by_role("heading", level=1)).to_have_text("Who helps with what")
    assert ada.ask("GET", "/threads").status_code == 401
    assert ben.texts(thread) == [None, "Of course"]
    assert "Deleted account" in ben.page(f"/messages/t/{thread}")
    assert ben.http.get(f"/people/{ada.id}").status_code == 404
    assert care.be("otto").http.post("/people/otto/remove").status_code == 404


def test_what_postgresql_cannot_hold_is_nobody_and_no_failure(care: Collective) -> None:
    visitor = care.join("A\0da")
    assert ">Ada<" in visitor.page("/")
    assert visitor.http.get("/people/%00").status_code == 404
    assert visitor.http.post("/sign-in", data={"member": "o\0tto"}).status_code == 404
    assert visitor.http.post("/join", data={"name": "\0"}).status_code == 303


def test_every_call_is_a_line_of_json_and_a_failure_wakes_somebody(
    care: Collective, postgres_server: PostgresServer
) -> None:
    ada, otto = care.join("Ada"), care.be("otto")
    ada.start(care.join("Ben"), CANARY)

    def newest_start() -> dict[str, Any]:
        lines = [line for line in care.log.splitlines() if '"dmcore_call": "start"' in line]
        return dict(json.loads(lines[-1])) if lines else {}

    # Nobody waits for the disk: a line stands in the file a little later.
    until(lambda: newest_start().get("dmcore_outcome") == "done")
    assert newest_start()["dmcore_duration_s"] > 0
    calls = [json.loads(line) for line in care.log.splitlines()]
    assert not [it for it in calls if it.get("dmcore_outcome") == "defect"]
    assert "None." in otto.page("/pulse")
    with unreachable(postgres_server, care.messages_url):
        assert ada.ask("GET", "/unread-count").status_code == 503
        assert ada.page("/people/noor")
    assert ada.get("/unread-count") == {"unread": 0}
    told = otto.page("/pulse")
    assert "unread by participant: store_unavailable" in told

    def alarms() -> list[str]:
        lines = [line for line in care.log.splitlines() if '"CRITICAL"' in line]
        return [json.loads(line)["said"] for line in lines]

    until(lambda: "unread by participant: store_unavailable" in alarms())
    assert ada.http.get("/pulse").status_code == 404


def test_a_neighbour_and_a_program_talk_where_the_site_reads_nothing(
    care: Collective, look_on: LookOn, tmp_path: Path
) -> None:
    bot, ada = Bot(care.address, tmp_path), care.join("Ada")
    thread = ada.do("POST", "/threads", user=KETTLE, body="Who can give me a lift?")["thread"]
    eve = care.join("Eve")
    hers = eve.do("POST", "/threads", user=KETTLE, body="And a meal?")["thread"]
    bot.look()
    page = look_on(ada, f"/messages/t/{thread}").page
    expect(messages(page).last).to_contain_text("Noor Haddad: Lifts to the clinic")
    page.get_by_role("button", name="Seal this conversation").click()
    expect(page.locator("[data-dm-seals-words]")).to_contain_text("Only you and Kettle can read")
    composer(page).fill(f"And who mends a wheelchair? {CANARY}")
    composer(page).press("Enter")
    expect(page.locator("ol[aria-label='Being sent'] > li")).to_have_count(0)
    # Nobody is kept from an answer by somebody whose keys cannot be trusted.
    eve.do("PUT", f"/devices/{DEVICE}", identity=KEY, prekey=PREKEY)
    eve.do("POST", f"/threads/{hers}/messages", body="Who mends?")
    eve.do("POST", f"/threads/{hers}/seal")

    class Misled(Bot):
        """Told by the site that Ada's conversation is not sealed, and cut off behind its answer."""

        cuts: ClassVar = [f"/threads/{thread}/read"]

        def _ask(self, method: str, path: str, *content: Any) -> Any:
            if path in self.cuts:
                self.cuts.remove(path)
                raise OSError("cut off")
            told = super()._ask(method, path, *content)
            if (method, path) == ("GET", f"/threads/{thread}"):
                told["thread"]["is_sealed"] = False
            return told

    misled = Misled(care.address, tmp_path)
    with pytest.raises(OSError, match="cut off"):
        misled.look()
    misled.look()
    assert len(eve.get(f"/threads/{hers}")["messages"]) == 3
    expect(messages(page).last).to_contain_text("Tâm Nguyễn: Mends wheelchairs")
    expect(messages(page).nth(2)).to_contain_text(CANARY)
    sealed = ada.get(f"/threads/{thread}")["messages"][2:]
    assert [it["body"] for it in sealed] == [None, None]
    assert all(it["envelope"] for it in sealed)
    # What the program said is shown to a moderator, and is proven.
    page.goto(f"{care.address}/messages/t/{thread}/report")
    page.get_by_text("Tâm Nguyễn: Mends wheelchairs").click()
    page.get_by_label("Something else").check()
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", name="Your report was sent")).to_be_visible()
    desk = look_on(care.be("mira"), "/messages/moderation").page
    desk.get_by_role("link", name="Something else: Kettle").click()
    desk.get_by_role("button", name="Take").click()
    desk.get_by_role("button", name="Look at what was chosen").click()
    expect(desk.get_by_text("Mends wheelchairs")).to_be_visible()
    expect(desk.get_by_text("It is proven that exactly this was sent.")).to_be_visible()


@pytest.mark.promise("CRYPT-2")
def test_two_neighbours_seal_what_they_say_at_a_desk_and_on_a_phone(
    care: Collective, look_on: LookOn
) -> None:
    ada, ben = care.join("Ada"), care.join("Ben")
    thread = ada.befriend(ben, "Can we talk alone?")
    left = look_on(ada, f"/messages/t/{thread}").page
    right = look_on(ben, f"/messages/t/{thread}", viewport=PHONE).page
    for page in (left, right):
        page.get_by_role("button", name="Seal this conversation").click()
    for page, other in ((left, "Ben"), (right, "Ada")):
        expect(page.locator("[data-dm-seals-words]")).to_contain_text(f"Only you and {other} can")
    for writer, reader, text in ((left, right, f"Here: {CANARY}"), (right, left, "I see it")):
        composer(writer).fill(text)
        composer(writer).press("Enter")
        expect(messages(reader).last).to_have_text(text)
    assert [it["body"] for it in ada.get(f"/threads/{thread}")["messages"][1:]] == [None, None]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out_by_a_page(
    care: Collective, look_on: LookOn, axe: str, theme: str
) -> None:
    """WCAG 2.1 AA as far as axe sees it, on the site's own pages with messaging inside."""
    options = {"color_scheme": theme, "bypass_csp": True}
    options["viewport"] = DESKTOP if theme == "light" else PHONE
    noor, mira, otto = (care.be(name) for name in ("noor", "mira", "otto"))
    thread = noor.get("/threads/with?user=ivo")["thread"]["id"]
    found = {}
    for who, paths in (
        (None, ("/", "/nowhere")),
        (noor, ("/", "/people/ruth", f"/messages/t/{thread}", "/messages/settings")),
        (mira, ("/messages/moderation",)),
        (otto, ("/people/jonas", "/pulse")),
    ):
        visitor = look_on(who, paths[0], **options)
        visitor.may_fail = True
        for path in paths:
            visitor.page.goto(f"{care.address}{path}")
            found[who and who.id, path] = faults(visitor, axe)
            assert cut_off(visitor) == [], path
    assert {place: it for place, it in found.items() if it} == {}
    assert len(found) == 9
