"""Community: what a forum wants of messages, at its Flask host.

`test_community_browser.py` looks at the same.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from tests.acceptance.windows import FlaskWindow
from tests.web.browsing import Page

from dmcore.adapters.clock import ManualClock
from dmcore.domain.instants import to_us
from examples.community.app import Community

SECRET = "the zebra sleeps in the blue shed"
MINUTE, DAY = 60, 86_400


@attrs.frozen
class Forum:
    """The forum with its clock, and who sits in front of it."""

    site: Community
    clock: ManualClock
    folder: Path

    def window(self, username: str | None = None) -> FlaskWindow:
        """A window; somebody new registers in it if there is a name."""
        window = FlaskWindow(self.site.app)
        if username is not None:
            assert window.post("/register", {"username": username}).status == 200
        return window

    def window_of(self, username: str) -> FlaskWindow:
        """A window of somebody who is there already."""
        window = FlaskWindow(self.site.app)
        window.post("/sign-in", {"username": username})
        return window

    def id_of(self, username: str) -> str:
        member = self.site.people.named(username)
        assert member is not None
        return str(member.id)

    def write(self, sender: str, recipient: str, text: str) -> str:
        """Arrange that this was written; returns the conversation."""
        mailbox = self.site.dm.mailbox(self.id_of(sender))
        return str(mailbox.start(self.id_of(recipient), text).conversation)

    def messages(self) -> int:
        return self.site.dm.operations("test").status().messages


@pytest.fixture
def forum(tmp_path: Path) -> Iterator[Forum]:
    clock = ManualClock(to_us(datetime(2026, 6, 12, 10, 30, tzinfo=UTC)))
    with Community(tmp_path, clock) as site:
        clock.advance(seconds=DAY)
        yield Forum(site, clock, tmp_path)


def started(window: FlaskWindow, other: str, text: str) -> Page:
    """Press the button on a profile, and write."""
    page = window.press(window.get(f"/u/{other}"), "Message")
    return window.press(page, "Send", body=text)


def ids_in(page: Page) -> list[str]:
    """The messages that a page shows."""
    return [it.attributes["data-dm-message"] for it in page.tree.all("li", data_dm_message=None)]


def unread(window: FlaskWindow) -> str:
    """The badge in the navigation of the forum's own pages."""
    badge = window.get("/").tree.one(data_dm_badge=None)
    return "" if "hidden" in badge.attributes else badge.text


def test_a_username_is_taken_once_whatever_the_size_of_its_letters(forum: Forum) -> None:
    forum.window("Nightjar")
    before = len(forum.site.people.everybody())
    other = forum.window()
    for username, words in (
        ("nightjar", "Somebody has this username already."),
        ("NIGHTJAR", "Somebody has this username already."),
        ("n", "3 to 20 letters"),
        ("night jar", "3 to 20 letters"),
        ("nіghtjar", "3 to 20 letters"),  # with a letter that only looks like an i
    ):
        page = other.post("/register", {"username": username})
        assert page.status == 409
        assert words in page.tree.one(role="alert").text
    assert len(forum.site.people.everybody()) == before
    with (
        closing(sqlite3.connect(forum.folder / "forum.db")) as database,
        pytest.raises(sqlite3.IntegrityError, match="UNIQUE"),
    ):
        database.execute("INSERT INTO person (username) VALUES ('nightJAR')")
    assert other.post("/register", {"username": "nightjar-2"}).status == 200


def test_the_button_on_a_profile_opens_the_conversation_or_begins_it(forum: Forum) -> None:
    ann, bob = forum.window("ann"), forum.window("bob")
    before = forum.messages()
    compose = ann.press(ann.get("/u/bob"), "Message")
    assert "You have not written to each other yet." in compose.text
    assert forum.messages() == before
    first = ann.press(compose, "Send", body="Hello Bob")
    assert first.bodies == ["Hello Bob"]
    for window, other in ((ann, "bob"), (bob, "ann")):
        again = window.press(window.get(f"/u/{other}"), "Message")
        assert again.path.partition("#")[0] == first.path.partition("#")[0]
        assert again.names == [other]
    assert "Message" not in ann.get("/u/ann").buttons
    assert forum.messages() == before + 1


def test_nobody_can_be_written_to_who_is_not_there(forum: Forum) -> None:
    ann, stranger = forum.window("ann"), forum.window()
    before = forum.messages()
    for nobody in ("4711", "9" * 40, "01", "1.5", "brin", "-1", "١"):
        form = {"user": nobody, "body": "Hello?", "key": "k"}
        assert ann.post("/messages/start", form).status == 404
    form = {"user": forum.id_of("ann"), "body": "Hello me", "key": "k"}
    assert ann.post("/messages/start", form).status == 422
    assert "Message" not in stranger.get("/u/ann").buttons
    nothing = ann.get("/u/nobody")
    assert nothing.status == 404
    assert ann.follow(nothing, "Back to the posts").status == 200
    for path in ("/messages/", "/messages/api/threads"):
        assert stranger.ask("GET", path).status == 401
    assert forum.messages() == before


def test_only_text_is_taken_and_emoji_are_refused(forum: Forum) -> None:
    ann = forum.window("ann")
    forum.window("bob")
    page = started(ann, "bob", "<b>Bread</b> & <script>alert(1)</script> https://example.org/")
    assert page.bodies == ["<b>Bread</b> & <script>alert(1)</script> https://example.org/"]
    before = forum.messages()
    for emoji in ("Fine \N{THUMBS UP SIGN}", "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"):
        refused = ann.press(page, "Send", body=emoji)
        assert refused.status == 422
        assert "Emoji are not accepted here." in refused.alert
        assert refused.typed == emoji
    assert list(page.tree.all("input", type="file")) == []
    assert forum.messages() == before
    assert ann.press(page, "Send", body="Fine :-) №1 → ½").status == 200


def test_one_sends_reads_and_deletes_what_one_wrote_oneself(forum: Forum) -> None:
    ann, bob = forum.window("ann"), forum.window("bob")
    at = started(ann, "bob", "Is it still there?").path.partition("#")[0]
    assert unread(bob) == "1 1 unread message"
    page = bob.follow(bob.get("/messages/"), "ann")
    assert page.bodies == ["Is it still there?"]
    assert unread(bob) == "1 1 unread message"  # a GET never marks
    bob.press(page, "Mark as read")
    assert unread(bob) == ""
    assert "Seen" in ann.get(at).text
    mine = bob.press(bob.get(at), "Send", body="No, sold")
    assert "Edit" not in {link.text for link in mine.tree.all("a")}
    theirs, own = ids_in(mine)
    assert bob.post(f"{at}/m/{theirs}/delete", {}).status == 403
    assert ann.get(at).bodies == ["Is it still there?", "No, sold"]
    assert bob.post(f"{at}/m/{own}/delete", {}).status == 200
    for window in (ann, bob):
        assert window.get(at).bodies == ["Is it still there?", "This message was deleted"]
        assert "sold" not in window.get("/messages/").text


def test_twenty_messages_in_a_minute_and_no_more(forum: Forum) -> None:
    ann, bob = forum.window("ann"), forum.window("bob")
    page = started(ann, "bob", "1")
    for number in range(2, 21):
        page = ann.press(page, "Send", body=str(number))
    before = forum.messages()
    refused = ann.press(page, "Send", body="21")
    assert (refused.status, refused.answer.headers["retry-after"]) == (429, str(MINUTE))
    assert refused.typed == "21"
    assert forum.messages() == before
    assert bob.press(bob.get(page.path), "Send", body="Slowly!").status == 200
    forum.clock.advance(seconds=MINUTE)
    assert ann.press(refused, "Send").bodies[-1] == "21"


def test_five_new_conversations_in_a_day_and_no_more(forum: Forum) -> None:
    ann = forum.window("ann")
    for number in range(6):
        forum.window(f"new-{number}")
    pages = [started(ann, f"new-{number}", "Hello") for number in range(5)]
    before = forum.messages()
    sixth = ann.press(ann.get("/u/new-5"), "Message")
    assert "You can start" in sixth.text or "again in" in sixth.text
    form = {"user": forum.id_of("new-5"), "body": "Hello", "key": "sixth"}
    refused = ann.post("/messages/start", form)
    assert (refused.status, refused.answer.headers["retry-after"]) == (429, str(DAY))
    assert forum.messages() == before
    assert ann.press(pages[0], "Send", body="A conversation goes on").status == 200
    forum.clock.advance(seconds=DAY)
    assert ann.post("/messages/start", form).bodies == ["Hello"]


def test_who_is_blocked_cannot_write_and_is_not_told(forum: Forum) -> None:
    ann, bob = forum.window("ann"), forum.window("bob")
    page = started(ann, "bob", "Buy my bicycle")
    blocked = bob.press(bob.get(page.path), "Block")
    assert blocked.status == 200
    assert bob.get("/messages/").names == []
    assert "ann" in bob.get("/messages/blocked").text
    before = forum.messages()
    refused = ann.press(page, "Send", body="Buy it!")  # from a page that was open before
    assert refused.status == 403
    assert "block" not in refused.alert.lower()
    assert "block" not in ann.get(page.path).tree.classed("dm-foot")[0].text.lower()
    assert forum.messages() == before
    assert "Message" in ann.get("/u/bob").buttons
    bob.press(bob.get("/messages/blocked"), "Unblock")
    assert ann.press(ann.get(page.path), "Send", body="Sorry").status == 200
    assert bob.get("/messages/").names == ["ann"]


def test_moderators_learn_of_a_report_and_not_of_a_message(forum: Forum) -> None:
    ann, bob = forum.window("ann"), forum.window("bob")
    page = started(bob, "ann", SECRET)
    form = ann.get(f"{page.path.partition('#')[0]}/report")
    assert "they cannot read anything of this conversation" in form.text
    assert list(form.tree.all("input", type="checkbox")) == []
    assert "was sent" in ann.press(form, "Send the report", reason="spam").text
    juniper = forum.window_of("juniper")
    queue = juniper.get("/messages/moderation")
    (link,) = (it for it in queue.tree.all("a") if "/moderation/reports/" in it.attributes["href"])
    report = juniper.press(juniper.get(link.attributes["href"]), "Take")
    assert "ann" in report.text
    assert "bob" in report.text
    assert juniper.post(f"{link.attributes['href']}/evidence", {}).status in {403, 404}
    for each in (queue, report, juniper.get("/messages/"), juniper.get(page.path)):
        assert "zebra" not in each.answer.text
    assert juniper.get(page.path).status == 403
    for nobody in (ann, bob):
        assert nobody.get("/messages/moderation").status == 404


def test_the_journal_holds_who_and_when_and_nothing_of_what(forum: Forum) -> None:
    ann, bob = forum.window("ann"), forum.window("bob")
    page = started(ann, "bob", SECRET)
    ann.press(page, "Send", body=f"Truly, {SECRET}")
    bob.press(bob.get(page.path), "Block")
    harbor = forum.window_of("harbor")
    journal = harbor.press(harbor.get("/messages/operations"), "Show", user=forum.id_of("ann"))
    assert len(list(journal.tree.one("ol", aria_label="Journal").all("li"))) >= 2
    assert "zebra" not in journal.answer.text
    assert ann.get("/messages/operations").status == 404
    for name in ("forum.db", "messages.db"):
        with closing(sqlite3.connect(forum.folder / name)) as database:
            tables = [
                row[0]
                for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            telling = [
                table
                for table in tables
                if "zebra" in str(database.execute(f"SELECT * FROM {table}").fetchall())
            ]
        assert telling == ([] if name == "forum.db" else ["dm_message"])


def test_an_outsider_is_answered_403_whether_or_not_there_is_anything(forum: Forum) -> None:
    ann, cyd = forum.window("ann"), forum.window("cyd")
    forum.window("bob")
    page = started(ann, "bob", SECRET)
    at = page.path.partition("#")[0]
    nothing = f"{at[:-4]}0000"
    (message,) = ids_in(page)
    before = forum.messages()
    for method, below, fields in (
        ("GET", "", None),
        ("POST", "", {"body": "Hello", "key": "k"}),
        ("POST", "/read", {"through": message}),
        ("POST", f"/m/{message}/delete", {}),
        ("POST", "/block", {}),
        ("GET", "/report", None),
    ):
        theirs, none = (cyd.ask(method, f"{it}{below}", fields) for it in (at, nothing))
        assert theirs.status == none.status == 403
        assert theirs.text.replace(at, "") == none.text.replace(nothing, "")
        assert "zebra" not in theirs.text
    place = at.replace("/t/", "/api/threads/")
    assert cyd.ask("GET", place).status == 403
    assert cyd.get("/messages/").names == []
    assert forum.messages() == before
    assert ann.ask("GET", at).status == 200


def test_lists_come_in_pages(forum: Forum) -> None:
    ann = forum.window("ann")
    for number in range(25):
        forum.window(f"new-{number}")
        forum.clock.advance(seconds=1)
        thread = forum.write(f"new-{number}", "ann", f"Hello {number}")
    newest = ann.get("/messages/")
    assert newest.names == [f"new-{number}" for number in range(24, 4, -1)]
    earlier = ann.follow(newest, "Earlier conversations")
    assert earlier.names == [f"new-{number}" for number in range(4, -1, -1)]
    for number in range(60):
        forum.clock.advance(seconds=4)
        forum.write("new-24", "ann", str(number))
    page = ann.get(f"/messages/t/{thread}")
    assert page.bodies == [str(number) for number in range(10, 60)]
    older = ann.follow(page, "Earlier messages")
    assert older.bodies == ["Hello 24", *(str(number) for number in range(10))]


def test_there_is_nothing_to_search_with(forum: Forum) -> None:
    ann = forum.window("ann")
    for path in ("/", "/messages/", "/messages/settings", "/u/brin"):
        page = ann.get(path)
        assert (
            list(page.tree.all(role="search")) == list(page.tree.all("input", type="search")) == []
        )
    for path in ("/search", "/messages/search", "/messages/api/search"):
        assert ann.ask("GET", f"{path}?q=zebra").status == 404
    described = json.loads(ann.ask("GET", "/messages/api/openapi.json").text)
    assert not [path for path in described["paths"] if "search" in path]
