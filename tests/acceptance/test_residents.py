"""Residents: what the people of one building manager want of messages, at its FastAPI host.

The site runs in a process of its own, on PostgreSQL with row-level security.
"""

import json
from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest
from playwright.sync_api import Locator, expect
from tests.acceptance.conftest import Visit
from tests.acceptance.estate import API, Estate, Neighbour, served_estate, until
from tests.browser.faults import cut_off, faults
from tests.browser.people import PHONE, Visitor

from dmcore.adapters import sql
from dmcore.testing.postgres import PostgresServer

SECRET = "the zebra sleeps in the blue shed"
NINE = {
    ("get", "/threads"),
    ("post", "/threads"),
    ("get", "/threads/{thread}"),
    ("post", "/threads/{thread}/messages"),
    ("post", "/threads/{thread}/read"),
    ("post", "/users/{user}/block"),
    ("delete", "/users/{user}/block"),
    ("get", "/users/blocked"),
    ("get", "/unread-count"),
}


@pytest.fixture(scope="module")
def estate(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Estate]:
    with served_estate(postgres_server, tmp_path_factory.mktemp("residents")) as estate:
        yield estate


def neighbours(estate: Estate, *names: str) -> Iterator[Neighbour]:
    return (estate.moves_in(name) for name in names)


@pytest.mark.promise("TEN-1")
def test_a_recipient_is_found_within_the_organisation_only(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    tove = estate.moves_in("Tove", organisation="harbour")
    sent = ann.start(bob, "Hello Bob")
    assert bob.texts(sent["thread"]) == ["Hello Bob"]

    there, nowhere = (
        ann.ask("POST", "/threads", {"user": user, "body": "Hello"}) for user in (tove.id, "999999")
    )
    assert (there.status_code, there.json()["code"]) == (404, "unknown_user")
    assert there.content == nowhere.content
    assert tove.get("/threads")["items"] == []
    pages = [ann.page(f"/people/{user}") for user in (tove.id, "999999")]
    assert [it.status_code for it in pages] == [404, 404]
    assert pages[0].content == pages[1].content
    home = ann.page("/").text
    assert f"/people/{bob.id}" in home
    assert f"/people/{tove.id}" not in home
    assert tove.ask("GET", f"/threads/{sent['thread']}").status_code == 403


@pytest.mark.promise("OPS-8")
def test_a_recipient_is_notified_and_nothing_of_the_text_is_in_it(estate: Estate) -> None:
    ann, bob, cyd = neighbours(estate, "Ann", "Bob", "Cyd")
    first = ann.start(bob, SECRET)
    until(lambda: len(estate.news(bob)) == 1)
    (row,) = estate.news(bob)
    assert set(row) == {"organisation", "resident", "position", "sender", "conversation", "at"}
    assert (str(row["sender"]), row["conversation"]) == (ann.id, first["thread"])
    assert SECRET not in json.dumps(row)
    assert 'data-bell="1"' in bob.page("/").text
    assert 'data-bell="0"' in ann.page("/").text
    news = bob.page("/notifications").text
    assert f"/messages/t/{first['thread']}" in news
    assert "Ann wrote to you" in news
    assert SECRET not in news

    bob.read(first)
    until(lambda: estate.news(bob) == [])
    assert bob.ask("PUT", f"/threads/{first['thread']}/mute").status_code == 204
    ann.send(first["thread"], "You will not hear of this")
    cyd.start(bob, "But of this")
    until(lambda: len(estate.news(bob)) == 1)
    assert str(estate.news(bob)[0]["sender"]) == cyd.id
    bob.block(cyd)
    until(lambda: estate.news(bob) == [])


@pytest.mark.promise("MSG-2", "PAGE-2")
def test_messages_stand_in_the_order_in_which_they_were_written(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    thread = ann.start(bob, "0")["thread"]
    for number in range(1, 8):
        (bob if number % 3 else ann).send(thread, str(number))
    for reader in (ann, bob):
        assert reader.texts(thread) == [str(number) for number in range(8)]
        times = [datetime.fromisoformat(it["sent_at"]) for it in reader.messages(thread)]
        assert times == sorted(times)
    page = bob.get(f"/threads/{thread}?limit=3")
    assert [it["body"] for it in page["messages"]] == ["5", "6", "7"]


@pytest.mark.promise("READ-1", "READ-2")
def test_a_sender_learns_when_a_message_was_read(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    sent = ann.start(bob, "Hello Bob")
    bob.texts(sent["thread"])
    assert ann.messages(sent["thread"])[0]["seen_at"] is None, "looking marks nothing"
    assert bob.get("/unread-count") == {"unread": 1}

    bob.read(sent)
    seen = ann.messages(sent["thread"])[0]["seen_at"]
    assert datetime.fromisoformat(seen) >= datetime.fromisoformat(sent["sent_at"])
    assert bob.get("/unread-count") == {"unread": 0}
    assert bob.messages(sent["thread"])[0]["seen_at"] is None, "of own messages only"


@pytest.mark.promise("MSG-5")
def test_what_is_deleted_stays_as_a_place_without_a_text(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    sent = ann.start(bob, SECRET)
    path = f"/threads/{sent['thread']}/messages/{sent['id']}"
    assert bob.ask("DELETE", path).status_code == 403
    assert bob.texts(sent["thread"]) == [SECRET]

    assert ann.ask("DELETE", path).status_code == 204
    for reader in (ann, bob):
        (left,) = reader.messages(sent["thread"])
        assert (left["id"], left["body"], left["is_deleted"]) == (sent["id"], None, True)
        assert SECRET not in json.dumps(reader.get("/threads"))
    with estate.messages() as database:
        row = database.execute("SELECT body FROM dm_message WHERE id = %s", [sent["id"]])
        assert row.fetchall() == [(None,)]


@pytest.mark.promise("BLOCK-1", "BLOCK-3")
def test_a_neighbour_is_blocked_listed_and_unblocked(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    thread = bob.start(ann, "One")["thread"]
    assert ann.post(f"/people/{bob.id}/block") == 200
    assert [it["user"] for it in ann.get("/users/blocked")["items"]] == [bob.id]
    assert bob.get("/users/blocked")["items"] == []
    assert ann.get("/threads")["items"] == []
    bob.send(thread, "Two")
    assert ann.get("/unread-count") == {"unread": 0}
    refused = ann.ask("POST", f"/threads/{thread}/messages", {"body": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "you_blocked_them")
    assert "Unblock" in ann.page(f"/people/{bob.id}").text

    assert ann.post(f"/people/{bob.id}/unblock") == 200
    assert ann.get("/users/blocked")["items"] == []
    bob.send(thread, "Three")
    assert ann.texts(thread) == ["One", "Three"]
    ann.block(bob)
    assert ann.ask("DELETE", f"/users/{bob.id}/block").status_code == 204
    assert ann.get("/users/blocked")["items"] == []


def seen_by(somebody: Neighbour, other: Neighbour, thread: str) -> object:
    """All that one can find out of another by asking, without what differs in any case."""
    sent = somebody.ask("POST", f"/threads/{thread}/messages", {"body": "Are you there?"})
    entry = next(it for it in somebody.get("/threads")["items"] if it["other"] == other.id)
    conversation = somebody.get(f"/threads/{thread}")
    return (
        sent.status_code,
        sorted(sent.json()),
        [(it["body"], it["seen_at"]) for it in conversation["messages"]],
        {name: conversation["thread"][name] for name in ("folder", "request", "unread")},
        (entry["preview"]["body"], entry["unread"]),
        somebody.get(f"/users/{other.id}/can-message"),
        somebody.get(f"/threads/{thread}/presence"),
        "/people/" in somebody.page(f"/messages/t/{thread}").text.partition("dm-title")[2],
        somebody.page(f"/people/{other.id}").content,
    )


@pytest.mark.promise("BLOCK-2", "BLOCK-3")
def test_the_blocked_cannot_tell_and_see_no_profile_of_the_blocker(estate: Estate) -> None:
    """Nobody knows a neighbour who blocks them from one who is not listed and does not answer."""
    bob, blocker, silent = neighbours(estate, "Bob", "Ann", "Dan")
    threads = [bob.start(other, "Hello")["thread"] for other in (blocker, silent)]
    assert bob.page(f"/people/{blocker.id}").status_code == 200
    assert bob.page(f"/people/{silent.id}").status_code == 200

    blocker.block(bob)
    assert silent.post("/me") == 200  # with the box unticked
    hidden = bob.page(f"/people/{blocker.id}")
    assert hidden.status_code == 404
    for path in (f"/people/{silent.id}", "/people/999999", "/people/nobody"):
        nobody = bob.page(path)
        assert (nobody.status_code, nobody.content) == (404, hidden.content)
    assert bob.post(f"/people/{blocker.id}/block") == 404
    home = bob.page("/").text
    assert f"/people/{blocker.id}" not in home
    assert f"/people/{silent.id}" not in home
    one, other = (
        seen_by(bob, it, thread) for it, thread in zip((blocker, silent), threads, strict=True)
    )
    assert one == other
    assert blocker.get("/threads")["items"] == []
    assert silent.get("/unread-count") == {"unread": 2}
    assert blocker.page(f"/people/{bob.id}").status_code == 200
    assert estate.moves_in("Eve").page(f"/people/{blocker.id}").status_code == 200


def test_a_block_holds_on_the_sites_pages_while_messaging_is_off(estate: Estate) -> None:
    bob, blocker, open_to_all = neighbours(estate, "Bob", "Ann", "Dan")
    blocker.block(bob)
    url = estate.server.url(f"{estate.name}_messages")
    with sql.open_sync(url, row_security="bypass") as dm:
        dm.operations("olga").set_mode("off")
        home, hidden = bob.page("/"), bob.page(f"/people/{blocker.id}")
        seen = bob.page(f"/people/{open_to_all.id}")
        dm.operations("olga").set_mode("on")
    assert (home.status_code, hidden.status_code, seen.status_code) == (200, 404, 200)
    assert f"/people/{blocker.id}" not in home.text
    assert f"/people/{open_to_all.id}" in home.text
    assert "Messages are not available" in seen.text


def test_the_nine_endpoints_are_where_they_were_asked_for(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    sent = ann.ask("POST", "/threads", {"user": bob.id, "body": "One"})
    assert sent.status_code == 201
    message = sent.json()
    thread = message["thread"]
    asked = (
        ("GET", "/threads", None, 200),
        ("GET", f"/threads/{thread}", None, 200),
        ("POST", f"/threads/{thread}/messages", {"body": "Two"}, 201),
        ("POST", f"/threads/{thread}/read", {"through": message["id"]}, 204),
        ("GET", "/unread-count", None, 200),
        ("POST", f"/users/{ann.id}/block", None, 204),
        ("GET", "/users/blocked", None, 200),
        ("DELETE", f"/users/{ann.id}/block", None, 204),
    )
    stranger = estate.moves_in("Nobody yet")
    stranger.post("/sign-out")
    for method, path, content, status in asked:
        assert stranger.ask(method, path, content).status_code == 401
        assert bob.ask(method, path, content).status_code == status, path


def test_the_sites_own_document_describes_the_nine_endpoints(estate: Estate) -> None:
    ann = estate.moves_in("Ann")
    document = ann.page("/openapi.json").json()
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert ("get", "/api/v1/me") in operations
    described = {(method, API + path) for method, path in NINE}
    assert described <= operations.keys()
    assert all(path.startswith("/api/v1/") for _, path in operations), "and no page"
    for each in described:
        assert operations[each]["summary"]
        assert "401" in operations[each]["responses"]
    assert ann.page("/docs").status_code == 200
    assert ann.page("/api/v1/me").json()["id"] == ann.id


@pytest.mark.promise("PREF-1", "READ-2")
def test_what_people_choose_about_being_reached_and_seen_is_respected(estate: Estate) -> None:
    ann, bob = neighbours(estate, "Ann", "Bob")
    far = estate.moves_in("Far", house="House 2")
    there = ann.start(bob, "Hello")
    bob.choose(open_to="connections")
    assert far.get(f"/users/{bob.id}/can-message")["is_allowed"] is False
    refused = far.ask("POST", "/threads", {"user": bob.id, "body": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (403, "recipient_unavailable")
    estate.moves_in("Near").start(bob, "We live in one house")
    bob.choose(open_to="nobody")
    late = estate.moves_in("Late").ask("POST", "/threads", {"user": bob.id, "body": "Hello"})
    assert (late.status_code, late.json()["code"]) == (403, "recipient_unavailable")
    ann.send(there["thread"], "We wrote before")

    bob.read(there)
    assert ann.messages(there["thread"])[0]["seen_at"] is not None
    bob.choose(receipts=False)
    assert ann.messages(there["thread"])[0]["seen_at"] is None
    reply = bob.send(there["thread"], "Hello Ann")
    ann.read(reply)
    assert bob.messages(there["thread"])[-1]["seen_at"] is None, "nor the other way round"

    assert f"/people/{bob.id}" in ann.page("/").text
    bob.post("/me")
    assert f"/people/{bob.id}" not in ann.page("/").text
    assert ann.page(f"/people/{bob.id}").status_code == 404
    bob.post("/me", listed="on")
    assert ann.page(f"/people/{bob.id}").status_code == 200


@pytest.mark.promise("OPS-7")
def test_the_database_shows_the_site_the_messages_of_who_acts_and_no_others(
    estate: Estate,
) -> None:
    ann, bob, cyd = neighbours(estate, "Ann", "Bob", "Cyd")
    thread = ann.start(bob, SECRET)["thread"]
    with estate.messages() as database:
        logins = database.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert {login for (login,) in logins} == {f"{estate.name}_site", f"{estate.name}_operator"}

    counting = "SELECT count(*) FROM dm_message WHERE conversation_id = %s"
    with estate.messages_as_the_site() as site:
        for who, count in ((None, 0), (cyd, 0), (ann, 1), (bob, 1)):
            with site.transaction():
                if who is not None:
                    site.execute(
                        "SELECT set_config('dmcore.capacity', 'participant', true),"
                        " set_config('dmcore.tenant', 'linden', true),"
                        " set_config('dmcore.user', %s, true)",
                        [who.id],
                    )
                assert site.execute(counting, [thread]).fetchone() == (count,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            site.execute("UPDATE dm_installation SET mode = 'off'")


# What a person sees -------------------------------------------------------------------------------


def at_a_browser(visit: Visit, estate: Estate, who: Neighbour, **options: object) -> Visitor:
    visitor = visit(estate.served.address, **options)
    cookie = {"name": "residents", "value": who.window.cookies["residents"]}
    visitor.context.add_cookies([{**cookie, "url": estate.served.address}])  # type: ignore[typeddict-item]
    visitor.page.goto(estate.served.address)
    return visitor


def in_navigation(visitor: Visitor) -> Locator:
    """The badge beside the link to the messages."""
    links = visitor.page.get_by_role("navigation", name="Site")
    return links.get_by_role("link", name="Messages").locator("[data-dm-badge]")


def test_two_neighbours_talk_at_a_desk_and_on_a_phone(estate: Estate, visit: Visit) -> None:
    ann, bob = neighbours(estate, "Ann Field", "Bob Marsh")
    desk = at_a_browser(visit, estate, ann)
    phone = at_a_browser(visit, estate, bob, viewport=PHONE)
    phone.page.clock.install()
    phone.page.reload()
    expect(in_navigation(phone)).to_be_hidden()

    desk.page.get_by_role("link", name="Bob Marsh").click()
    desk.page.get_by_role("button", name="Message").click()
    desk.page.get_by_role("textbox").fill("Shall we carry the table up at six?")
    desk.page.get_by_role("button", name="Send").click()
    bubbles = desk.page.locator("[data-dm-message]")
    expect(bubbles).to_have_count(1)

    phone.page.clock.fast_forward(30_000)  # and nobody touches the page of the site
    expect(in_navigation(phone)).to_contain_text("1")
    phone.page.get_by_role("navigation", name="Site").get_by_role("link", name="Messages").click()
    entry = phone.page.locator("[data-dm-entry]")
    expect(entry).to_contain_text("Shall we carry the table up at six?")
    entry.get_by_role("link").click()
    expect(phone.page.locator("[data-dm-message] .dm-body")).to_have_text(
        ["Shall we carry the table up at six?"]
    )
    expect(bubbles).to_contain_text("Seen")
    expect(in_navigation(phone)).to_be_hidden()
    phone.page.get_by_role("textbox").fill("Better at seven.")
    phone.page.get_by_role("button", name="Send").click()
    expect(bubbles).to_have_count(2)  # nobody loads a page again here
    expect(desk.page.locator("[data-dm-entry]")).to_contain_text("Better at seven.")


def test_a_page_lists_whom_one_blocks_and_lets_them_go(estate: Estate, visit: Visit) -> None:
    ann, bob = neighbours(estate, "Ann Field", "Bob Marsh")
    desk = at_a_browser(visit, estate, ann)
    desk.page.goto(f"{estate.served.address}/people/{bob.id}")
    desk.page.get_by_role("button", name="Block").click()
    expect(desk.page.get_by_text("You block Bob Marsh, who is not told.")).to_be_visible()
    desk.page.get_by_role("link", name="Ann Field").click()
    desk.page.get_by_role("link", name="Blocked people").click()
    rows = desk.page.get_by_role("list", name="Blocked people").get_by_role("listitem")
    expect(rows).to_contain_text("Bob Marsh")
    desk.page.get_by_role("button", name="Unblock Bob Marsh").click()
    expect(desk.page.get_by_text("You have blocked nobody.")).to_be_visible()
    assert ann.get("/users/blocked")["items"] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_site_can_be_used_by_everybody(
    estate: Estate, visit: Visit, axe: str, theme: str
) -> None:
    look = {"color_scheme": theme, "bypass_csp": True, "viewport": {"width": 320, "height": 600}}
    ann, bob = neighbours(estate, "Ann Field", "Bob Marsh")
    ann.start(bob, "Hello Bob")
    until(lambda: len(estate.news(bob)) == 1)
    person = at_a_browser(visit, estate, bob, **look)
    person.may_fail = True  # of one page there is none
    for path in ("/", f"/people/{ann.id}", "/people/x", "/sign-in", "/me", "/notifications"):
        person.page.goto(f"{estate.served.address}{path}")
        assert (path, faults(person, axe), cut_off(person)) == (path, [], [])
