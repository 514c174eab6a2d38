"""What pages show: lists, conversations, and nothing that a look would change."""

import re
from datetime import timedelta

import pytest
from tests.web.browsing import Browser, Page, tree_of
from tests.web.conftest import MakeHost
from tests.web.hosts import Host

from dmcore import DirectMessages, Policy, Preferences, RateLimit
from dmcore.adapters.web import Person, Site, Viewer
from dmcore.testing.world import asking


@pytest.fixture
def ann(host: Host) -> Browser:
    return Browser.of(host, "ann")


def start(host: Host, sender: str, recipient: str, body: str = "hello") -> str:
    return str(host.dm.mailbox(sender).start(recipient, body).conversation)


def send(dm: DirectMessages, sender: str, thread: str, body: str, reply_to: str = "") -> str:
    sent = dm.mailbox(sender).send(thread, body, reply_to=reply_to or None)
    return str(sent.id)


def pass_days(host: Host, days: float) -> None:
    host.clock.advance(seconds=timedelta(days=days).total_seconds())


def marks(page: Page, name: str) -> list[str]:
    return [mark.text for mark in page.tree.classed(name)]


# Lists ------------------------------------------------------------------------------------------


def test_the_inbox_says_who_what_when_and_how_much_is_new(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann", "first")
    send(host.dm, "bob", thread, "second\nline")
    host.clock.advance(seconds=60)
    start(host, "ann", "cyd", "mine")
    page = ann.get("/")
    assert page.names == ["cyd", "bob"]
    assert marks(page, "dm-preview") == ["You: mine", "second line"]
    assert marks(page, "dm-count") == ["2 2 unread messages"]
    assert page.tree.one("span", data_dm_badge=None).text == "2 2 unread messages"
    times = [time.attributes["datetime"] for time in page.tree.all("time")]
    assert times == sorted(times, reverse=True)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{15}Z", time) for time in times)


def test_a_list_without_anything_in_it_says_what_it_is_for(ann: Browser) -> None:
    empty = {
        "/": "No conversations yet",
        "/requests": "No requests",
        "/archived": "Nothing is archived",
        "/blocked": "You have blocked nobody",
    }
    for path, words in empty.items():
        assert words in ann.get(path).text


def test_each_list_marks_its_own_tab_and_has_one_heading(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann")
    for path, tab in (("/", "Inbox"), ("/requests", "Requests"), ("/archived", "Archived")):
        page = ann.get(path)
        assert [it.text.split()[0] for it in page.tree.all("a", aria_current="page")] == [tab]
    for path in ("/", "/requests", "/archived", "/blocked", "/settings", f"/t/{thread}"):
        page = ann.get(path)
        assert len(list(page.tree.all("h1"))) == len(list(page.tree.all("main"))) == 1
        assert page.tree.one("html").attributes["lang"] == "en"
        assert list(page.tree.all(id="dm-content"))


def test_a_long_list_leads_on_to_its_end(host: Host, ann: Browser) -> None:
    for number in range(45):
        start(host, f"user-{number:02}", "ann")
        host.clock.advance(seconds=1)
    page, seen = ann.get("/"), []
    while True:
        seen += page.names
        following = [link for link in page.tree.all("a") if link.text == "Earlier conversations"]
        if not following:
            break
        page = ann.get(following[0].attributes["href"])
    assert seen == [f"user-{number:02}" for number in reversed(range(45))]


def test_requests_and_archived_conversations_have_their_own_lists(make_host: MakeHost) -> None:
    host = make_host(policy=asking())
    ann = Browser.of(host, "ann")
    start(host, "bob", "ann", "may I?")
    put_away = start(host, "ann", "cyd")
    host.dm.mailbox("ann").archive(put_away)
    assert ann.get("/").names == []
    assert ann.get("/requests").names == ["bob"]
    assert {"Accept", "Decline"} <= set(ann.get("/requests").buttons)
    assert ann.get("/archived").names == ["cyd"]
    assert "Archived" in marks(ann.get(f"/t/{put_away}"), "dm-flag")


def test_a_tab_tells_that_somebody_waits_behind_it(make_host: MakeHost) -> None:
    host = make_host(policy=asking())
    ann, box = Browser.of(host, "ann"), host.dm.mailbox("ann")
    beside = start(host, "ann", "cyd")

    def is_told() -> set[bool]:
        pages = [ann.get(path) for path in ("/", "/requests", "/archived", f"/t/{beside}")]
        marks = [page.tree.one("span", data_dm_asked_mark=None) for page in pages]
        pieces = [
            host.client.request("GET", f"/fragments/list?folder={folder}", user="ann").text
            for folder in ("inbox", "requests")
        ]
        return {
            *("hidden" not in mark.attributes for mark in marks),
            *("data-dm-asked" in tree_of(piece).one("ol").attributes for piece in pieces),
        }

    assert is_told() == {False}
    thread = start(host, "bob", "ann", "may I?")
    assert is_told() == {True}
    assert "somebody is waiting" in ann.get("/").text
    box.decline(thread)
    assert is_told() == {False}


def test_a_muted_conversation_says_so(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann")
    assert marks(ann.get("/"), "dm-flag") == []
    host.dm.mailbox("ann").mute(thread)
    assert marks(ann.get("/"), "dm-flag") == ["Muted"]
    assert ann.get(f"/t/{thread}").buttons.count("Unmute") == 1


def test_people_are_shown_as_the_host_names_them_and_without_an_account_as_deleted(
    make_host: MakeHost,
) -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def people(viewer: Viewer, users: object) -> dict[str, Person]:
        assert isinstance(users, tuple)
        asked.append((viewer.user, users))
        return {"bob": Person(name="Bob B.", url="/people/bob")}

    host = make_host(site=Site(people=people))
    thread = start(host, "bob", "ann")
    start(host, "gone", "ann")
    page = Browser.of(host, "ann").get(f"/t/{thread}")
    assert sorted(page.names) == ["Bob B.", "Deleted account"]
    assert page.tree.one("h1").one("a").attributes["href"] == "/people/bob"
    ((viewer, users),) = asked
    assert (viewer, sorted(users)) == ("ann", ["bob", "gone"])


def test_nobody_is_invited_to_write_to_an_account_that_is_gone(make_host: MakeHost) -> None:
    """What was written stays, and what is done with it; nothing more goes where nobody is."""
    policy = Policy(messages=RateLimit(count=1, window=timedelta(minutes=1)))
    host = make_host(site=Site(people=lambda _viewer, _users: {}), policy=policy)
    thread = start(host, "ann", "gone")
    ann = Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    assert "This account is gone." in page.text
    assert not list(page.tree.all("textarea"))
    assert page.bodies == ["hello"]
    message = host.dm.mailbox("ann").thread(thread).items[0].id
    edited = ann.get(f"/t/{thread}?edit={message}")
    assert ann.press(edited, "Save", body="good bye").bodies == ["good bye"]


def test_an_empty_page_asks_the_host_about_nobody(make_host: MakeHost) -> None:
    def people(_viewer: Viewer, users: object) -> dict[str, Person]:
        raise AssertionError(users)

    assert Browser.of(make_host(site=Site(people=people)), "ann").get("/").status == 200


# A conversation ---------------------------------------------------------------------------------


def test_a_conversation_stands_beside_the_list_and_is_marked_in_it(
    host: Host, ann: Browser
) -> None:
    thread = start(host, "bob", "ann", "one")
    start(host, "cyd", "ann", "two")
    host.clock.advance(seconds=1)
    send(host.dm, "ann", thread, "three")
    page = ann.get(f"/t/{thread}")
    assert page.bodies == ["one", "three"]
    assert page.names == ["bob", "cyd"]
    current = page.tree.one("a", aria_current="true")
    assert current.attributes["href"] == f"{host.client.root}/t/{thread}#dm-end"
    mine = ["data-dm-mine" in item.attributes for item in page.tree.all("li", data_dm_message=None)]
    assert mine == [False, True]


@pytest.mark.promise("MSG-5")
def test_a_deleted_message_leaves_a_mark_and_an_edited_one_says_so(
    host: Host, ann: Browser
) -> None:
    thread = start(host, "bob", "ann", "secret words")
    bob = host.dm.mailbox("bob")
    bob.delete(thread, bob.thread(thread).items[0].id)
    assert "This message was deleted" in ann.get("/").text
    changed = send(host.dm, "bob", thread, "tpyo")
    assert "Edited" not in ann.get(f"/t/{thread}").text
    bob.edit(thread, changed, "typo")
    page = ann.get(f"/t/{thread}")
    assert page.bodies == ["This message was deleted", "typo"]
    assert "Edited" in page.text
    assert "secret words" not in page.answer.text
    assert "tpyo" not in page.answer.text


@pytest.mark.promise("READ-2")
def test_own_messages_say_when_they_were_seen_unless_receipts_are_off(
    host: Host, ann: Browser
) -> None:
    thread = start(host, "ann", "bob")
    assert marks(ann.get(f"/t/{thread}"), "dm-seen") == []
    bob = host.dm.mailbox("bob")
    host.clock.advance(seconds=120)
    bob.mark_read(thread, through=bob.thread(thread).items[-1].id)
    (seen,) = marks(ann.get(f"/t/{thread}"), "dm-seen")
    assert re.fullmatch(r"Seen \d\d:\d\d", seen)
    bob.set_preferences(Preferences(receipts=False))
    assert marks(ann.get(f"/t/{thread}"), "dm-seen") == []


@pytest.mark.promise("MSG-6")
def test_an_answer_shows_what_it_answers_where_that_is_on_the_page(
    host: Host, ann: Browser
) -> None:
    thread = start(host, "bob", "ann", "the question")
    question = str(host.dm.mailbox("ann").thread(thread).items[0].id)
    send(host.dm, "ann", thread, "the answer", question)
    assert marks(ann.get(f"/t/{thread}"), "dm-quote") == ["In answer to: the question"]
    host.dm.mailbox("bob").delete(thread, question)
    page = ann.get(f"/t/{thread}")
    assert marks(page, "dm-quote") == ["In answer to: This message was deleted"]
    newer = page.tree.one("ol", data_dm_messages=None).attributes["data-dm-newer"]
    send(host.dm, "bob", thread, "well", question)
    piece = host.client.request("GET", f"/fragments/thread/{thread}?after={newer}", user="ann").text
    assert [it.text for it in tree_of(piece).classed("dm-quote")] == [
        "In answer to: This message was deleted"
    ]
    host.dm.mailbox("ann").hide(thread, question)
    page = ann.get(f"/t/{thread}")
    assert set(marks(page, "dm-quote")) == {"In answer to an earlier message"}
    assert question not in {item.attributes["id"] for item in page.tree.all("li", id=None)}


def test_what_is_answered_further_up_leads_to_the_page_before(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann", "the first")
    question = send(host.dm, "bob", thread, "the question")
    first = str(host.dm.mailbox("ann").thread(thread).items[0].id)
    for number in range(49):
        host.clock.advance(seconds=5)
        send(host.dm, "bob", thread, f"other {number}")
    send(host.dm, "ann", thread, "the answer", question)
    page = ann.get(f"/t/{thread}")
    (quote,) = page.tree.classed("dm-quote")
    assert quote.text == "In answer to: the question"
    above = ann.get(quote.attributes["href"])
    assert above.bodies == ["the first", "the question"]
    assert quote.attributes["href"].endswith(f"#m-{question}")
    for number in range(49):
        host.clock.advance(seconds=5)
        send(host.dm, "bob", thread, f"more {number}")
    send(host.dm, "ann", thread, "an answer to long ago", first)
    assert marks(ann.get(f"/t/{thread}"), "dm-quote")[-1] == "In answer to an earlier message"


def test_a_day_stands_above_its_first_message_on_whichever_page(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann", "old")
    for number in range(60):
        if number == 5:
            pass_days(host, 1.5)
        host.clock.advance(seconds=5)
        send(host.dm, "bob", thread, f"new {number}")
    newest = ann.get(f"/t/{thread}")
    assert marks(newest, "dm-day") == []
    (earlier,) = [link for link in newest.tree.all("a") if link.text == "Earlier messages"]
    older = ann.get(earlier.attributes["href"])
    assert older.bodies[:2] == ["old", "new 0"]
    assert len(marks(older, "dm-day")) == 2
    assert re.fullmatch(r"\w+day, \d+ \w+ \d{4} \(UTC\)", marks(older, "dm-day")[0])
    assert older.bodies + newest.bodies == ["old", *(f"new {number}" for number in range(60))]
    (later,) = [link for link in older.tree.all("a") if link.text == "Later messages"]
    assert ann.get(later.attributes["href"]).bodies == newest.bodies
    assert "data-dm-more" in older.tree.one("ol", data_dm_messages=None).attributes
    assert "data-dm-more" not in newest.tree.one("ol", data_dm_messages=None).attributes


def test_what_is_new_is_parted_from_what_was_read(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann", "read")
    box = host.dm.mailbox("ann")
    assert marks(ann.get(f"/t/{thread}"), "dm-new") == []
    box.mark_read(thread, through=box.thread(thread).items[0].id)
    send(host.dm, "ann", thread, "mine")
    assert marks(ann.get(f"/t/{thread}"), "dm-new") == []
    fresh = send(host.dm, "bob", thread, "new")
    page = ann.get(f"/t/{thread}")
    items = list(page.tree.one("ol", data_dm_messages=None).all("li"))
    place = next(place for place, item in enumerate(items) if "data-dm-new" in item.attributes)
    assert items[place + 1].attributes["data-dm-message"] == fresh
    assert "1 unread message" in page.text


def test_a_cleared_conversation_says_that_there_is_nothing_to_see(host: Host, ann: Browser) -> None:
    thread = start(host, "ann", "bob")
    host.dm.mailbox("ann").clear(thread)
    page = ann.get(f"/t/{thread}")
    assert page.bodies == []
    assert "There are no messages to see here." in page.text


def test_on_a_page_of_older_messages_nothing_is_marked_as_new(host: Host, ann: Browser) -> None:
    thread = start(host, "bob", "ann")
    for _ in range(51):
        host.clock.advance(seconds=5)
        send(host.dm, "ann", thread, "mine")
    box = host.dm.mailbox("ann")
    box.mark_read(thread, through=box.thread(thread).items[-1].id)
    send(host.dm, "bob", thread, "new")
    newest = ann.get(f"/t/{thread}")
    assert marks(newest, "dm-new") == ["New"]
    (earlier,) = [link for link in newest.tree.all("a") if link.text == "Earlier messages"]
    assert marks(ann.get(earlier.attributes["href"]), "dm-new") == []


@pytest.mark.promise("READ-1")
def test_no_look_changes_anything(make_host: MakeHost) -> None:
    host = make_host(policy=asking())
    thread = start(host, "bob", "ann")
    message = host.dm.mailbox("ann").thread(thread).items[0].id

    def state() -> list[object]:
        boxes = [host.dm.mailbox(user) for user in ("ann", "bob")]
        return [
            part
            for box in boxes
            for part in (box.snapshot(), box.requests(), box.changes(), box.thread(thread))
        ]

    before = state()
    ann = Browser.of(host, "ann")
    for path in ("/", "/requests", "/archived", "/blocked", "/settings", "/settings?saved=1"):
        assert ann.get(path).status == 200
    for path in (f"/t/{thread}", f"/t/{thread}?reply={message}", f"/t/{thread}?edit={message}"):
        assert ann.get(path).status == 200
    for path in (f"/fragments/thread/{thread}", "/fragments/list", "/fragments/badge"):
        assert ann.get(path).status == 200
    assert state() == before
    for path in (f"/t/{thread}/accept", f"/t/{thread}/m/{message}/hide", "/open", "/start"):
        refused = ann.get(path)
        assert (refused.status, refused.answer.headers["allow"]) == (405, "POST")
    assert state() == before
