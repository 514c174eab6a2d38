"""Everything a participant can do, with the forms on the pages and no script."""

from urllib.parse import quote

import pytest
from tests.web.browsing import Browser, Node, Page, tree_of
from tests.web.conftest import MakeHost
from tests.web.hosts import Host

from dmcore import OpenTo, Preferences
from dmcore.domain.conversation import Request
from dmcore.testing.world import asking


@pytest.fixture
def ann(host: Host) -> Browser:
    return Browser.of(host, "ann")


@pytest.fixture
def bob(host: Host) -> Browser:
    return Browser.of(host, "bob")


@pytest.fixture
def thread(host: Host) -> str:
    """A conversation that Bob began."""
    return str(host.dm.mailbox("bob").start("ann", "hello").conversation)


def link(page: Page, text: str) -> str:
    """Where the last link with these words leads."""
    return [each for each in page.tree.all("a") if each.text == text][-1].attributes["href"]


# Writing ----------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-1")
def test_a_message_arrives_as_it_was_typed(ann: Browser, bob: Browser, thread: str) -> None:
    typed = "\r\n  two\r\n\r\nlines & <b>signs</b> + 100 % é 🎸"
    page = ann.press(ann.get(f"/t/{thread}"), "Send", body=typed)
    expected = typed.replace("\r\n", "\n")
    assert (page.status, page.path) == (200, f"/t/{thread}")
    assert page.bodies == bob.get(f"/t/{thread}").bodies == ["hello", expected]


@pytest.mark.promise("MSG-3")
def test_the_same_form_sent_twice_is_sent_once(ann: Browser, thread: str) -> None:
    page = ann.get(f"/t/{thread}")
    ann.press(page, "Send", body="once")
    assert ann.press(page, "Send", body="once").bodies == ["hello", "once"]
    assert ann.press(ann.get(f"/t/{thread}"), "Send", body="once").bodies.count("once") == 2


@pytest.mark.promise("MSG-6")
def test_answering_shows_what_is_answered_and_can_be_given_up(
    host: Host, ann: Browser, thread: str
) -> None:
    replying = ann.get(link(ann.get(f"/t/{thread}"), "Reply"))
    assert "In answer to: hello" in replying.text
    assert "In answer to" not in ann.get(link(replying, "Cancel")).text
    ann.press(replying, "Send", body="hello yourself")
    first, second = host.dm.mailbox("bob").thread(thread).items
    assert second.reply_to == first.id


def test_an_answer_to_what_is_not_on_the_page_is_no_answer(
    host: Host, ann: Browser, thread: str
) -> None:
    page = ann.get(f"/t/{thread}?reply={thread}&edit=nothing")
    assert not list(page.tree.all("input", name="reply_to"))
    ann.press(page, "Send", body="just so")
    assert host.dm.mailbox("bob").thread(thread).items[-1].reply_to is None


@pytest.mark.promise("READ-1")
def test_answering_marks_what_was_on_the_page_as_read_and_no_more(
    host: Host, ann: Browser, thread: str
) -> None:
    box = host.dm.mailbox("ann")
    page = ann.get(f"/t/{thread}")
    host.dm.mailbox("bob").send(thread, "meanwhile")
    assert box.unread() == 2
    ann.press(page, "Send", body="answer")
    assert box.unread() == 1
    ann.press(ann.get(f"/t/{thread}"), "Send", body="answer", through="nothing")
    assert (box.unread(), len(box.thread(thread).items)) == (1, 4)


@pytest.mark.promise("READ-1")
def test_a_button_marks_as_read(host: Host, ann: Browser, thread: str) -> None:
    page = ann.press(ann.get(f"/t/{thread}"), "Mark as read")
    assert host.dm.mailbox("ann").unread() == 0
    assert "Mark as read" not in page.buttons


@pytest.mark.promise("MSG-5")
def test_an_own_message_can_be_changed(ann: Browser, bob: Browser, thread: str) -> None:
    editing = bob.get(link(bob.get(f"/t/{thread}"), "Edit"))
    assert editing.typed == "hello"
    assert not list(editing.tree.all("form", data_dm_composer=None))
    page = bob.press(editing, "Save", body="good morning")
    assert page.bodies == ann.get(f"/t/{thread}").bodies == ["good morning"]


def test_there_is_no_way_to_change_or_delete_what_the_other_wrote(
    ann: Browser, thread: str
) -> None:
    page = ann.get(f"/t/{thread}")
    (message,) = page.tree.all("li", data_dm_message=None)
    assert [each.text for each in message.all("a")] == ["Reply"]
    assert [each.text for each in message.all("button")] == ["Hide it for me"]
    path = f"/t/{thread}/m/{message.attributes['data-dm-message']}"
    asked = ann.get(f"/t/{thread}?edit={message.attributes['data-dm-message']}")
    assert asked.typed == ""
    assert ann.post(f"{path}/delete", {}).status == 403
    assert ann.post(f"{path}/edit", {"body": "changed"}).status == 403
    assert ann.get(f"/t/{thread}").bodies == ["hello"]


def asked_again(page: Page) -> list[Node]:
    """What stands above each step that is asked for once more, at the messages."""
    return [
        step.one("summary")
        for message in page.tree.all("li", data_dm_message=None)
        for step in message.classed("dm-sure")
    ]


@pytest.mark.promise("MSG-5")
def test_deleting_is_for_both_and_hiding_for_oneself(
    ann: Browser, bob: Browser, thread: str
) -> None:
    bob.press(bob.get(f"/t/{thread}"), "Send", body="second")
    looked = ann.get(f"/t/{thread}")
    assert [it.text for it in asked_again(looked)] == ["Hide for me", "Hide for me"]
    assert ann.press(looked, "Hide it for me").bodies == ["second"]
    looked = bob.get(f"/t/{thread}")
    assert [it.text for it in asked_again(looked)] == ["Delete for both", "Hide for me"] * 2
    page = bob.press(looked, "Delete it for both", nth=1)
    assert page.bodies == ["hello", "This message was deleted"]
    assert ann.get(f"/t/{thread}").bodies == ["This message was deleted"]


# One's own view ---------------------------------------------------------------------------------


@pytest.mark.promise("MSG-5")
def test_clearing_is_for_oneself(ann: Browser, bob: Browser, thread: str) -> None:
    assert ann.press(ann.get(f"/t/{thread}"), "Clear it for me").bodies == []
    assert bob.get(f"/t/{thread}").bodies == ["hello"]


@pytest.mark.promise("MSG-5")
def test_a_conversation_is_muted_and_archived_and_brought_back(
    host: Host, ann: Browser, thread: str
) -> None:
    def flags() -> tuple[bool, bool]:
        view = host.dm.mailbox("ann").conversation(thread)
        return view.is_muted, view.is_archived

    muted = ann.press(ann.get(f"/t/{thread}"), "Mute")
    assert (muted.path, flags()) == (f"/t/{thread}", (True, False))
    ann.press(muted, "Unmute")
    archived = ann.press(muted, "Archive")
    assert (archived.path, archived.names, flags()) == ("/", [], (False, True))
    back = ann.press(ann.get(f"/t/{thread}"), "Move to the inbox")
    assert (back.names, flags()) == (["bob"], (False, False))


# People -----------------------------------------------------------------------------------------


@pytest.mark.promise("BLOCK-1")
def test_blocking_ends_the_writing_and_can_be_taken_back(
    host: Host, ann: Browser, thread: str
) -> None:
    page = ann.press(ann.get(f"/t/{thread}"), "Block")
    assert "You have blocked this person" in page.text
    assert not list(page.tree.all("textarea"))
    assert [block.blocked for block in host.dm.mailbox("ann").blocked().items] == ["bob"]
    again = ann.press(page, "Unblock", nth=1)
    assert list(again.tree.all("textarea"))
    assert not host.dm.mailbox("ann").blocked().items


@pytest.mark.promise("BLOCK-3")
def test_the_list_of_blocked_people_unblocks(host: Host, ann: Browser, bob: Browser) -> None:
    for other in ("bob", "cyd"):
        host.dm.mailbox("ann").block(other)
    page = ann.get("/blocked")
    rows = [row.classed("dm-name")[0].text for row in page.tree.classed("dm-row")]
    assert rows == ["cyd", "bob"]
    assert bob.get("/blocked").tree.classed("dm-row") == []
    page = ann.press(page, "Unblock cyd")
    assert (page.path, page.buttons) == ("/blocked", ["Unblock bob"])


def test_a_long_list_of_blocked_people_leads_on(host: Host, ann: Browser) -> None:
    for number in range(51):
        host.dm.mailbox("ann").block(f"user-{number}")
    page = ann.get(link(ann.get("/blocked"), "Earlier"))
    assert page.buttons == ["Unblock user-0"]


@pytest.mark.promise("REQ-1")
def test_a_request_is_accepted_or_declined(make_host: MakeHost) -> None:
    host = make_host(policy=asking())
    ann, box = Browser.of(host, "ann"), host.dm.mailbox("ann")
    threads = {
        user: str(host.dm.mailbox(user).start("ann", "may I?").conversation)
        for user in ("bob", "cyd")
    }
    page = ann.get(f"/t/{threads['bob']}")
    assert "bob wants to write to you" in page.text
    page = ann.press(page, "Accept")
    assert (page.path, page.names) == (f"/t/{threads['bob']}", ["bob"])
    page = ann.press(ann.get("/requests"), "Decline")
    assert (page.path, page.names) == ("/requests", [])
    assert box.conversation(threads["cyd"]).request is Request.DECLINED
    declined = ann.get(f"/t/{threads['cyd']}")
    assert "You declined this request" in declined.text
    assert "Decline" not in declined.buttons
    ann.press(declined, "Accept")
    assert box.conversation(threads["cyd"]).request is None


@pytest.mark.promise("PAIR-2")
def test_opening_leads_to_the_conversation_or_to_a_page_that_begins_it(
    host: Host, ann: Browser, thread: str
) -> None:
    assert ann.post("/open", {"user": "bob"}).path == f"/t/{thread}"
    page = ann.post("/open", {"user": "cyd"})
    assert (page.status, page.path) == (200, "/new")
    assert page.tree.one("h1").text == "cyd"
    assert page.names == ["bob"]
    assert host.dm.mailbox("ann").conversation_with("cyd") is None
    begun = ann.press(page, "Send", body="good day")
    assert begun.bodies == ["good day"]
    assert ann.press(page, "Send", body="good day").bodies == ["good day"]
    assert host.dm.mailbox("cyd").unread() == 1
    assert ann.get("/new").path == begun.path


@pytest.mark.promise("LEAK-1")
def test_that_cookie_stays_on_secure_connections_where_the_page_came_by_one(host: Host) -> None:
    """Told by the browser alone: a server behind a proxy does not know how it was reached."""
    for origin in (None, "https://testserver"):
        headers = {} if origin is None else {"Origin": origin, "Host": "testserver"}
        form = {"user": "cyd"}
        answer = host.client.request("POST", "/open", user="ann", form=form, headers=headers)
        assert answer.status == 303
        assert ("Secure" in answer.headers["set-cookie"].split("; ")) == (origin is not None)


@pytest.mark.promise("LEAK-1")
def test_to_whom_one_begins_to_write_is_known_to_a_cookie_of_that_page_alone(
    host: Host, ann: Browser
) -> None:
    other = 'cyd; Path=/ é,%="'
    for user in ("cyd", other):
        form = {"user": user}
        answer = host.client.request("POST", "/open", user="ann", form=form)
        assert (answer.status, answer.headers["location"]) == (303, f"{host.client.root}/new")
        value = answer.headers["set-cookie"].partition(";")[0]
        mark, _, named = value.removeprefix("dm_new=").partition(".")
        assert (named, "ann" in mark) == (quote(user, safe=""), False)
        assert set(answer.headers["set-cookie"].split("; ")) == {
            value,
            f"Path={host.client.root}/new",
            "Max-Age=3600",
            "HttpOnly",
            "SameSite=Lax",
        }
        headers = {"cookie": f"a=1; {value}"}
        answer = host.client.request("GET", "/new", user="ann", headers=headers)
        assert tree_of(answer.text).one("h1").text == user
    page = ann.post("/open", {"user": "cyd"})
    assert ann.get("/new").tree.one("h1") == page.tree.one("h1")
    assert ann.get("/new").field("key") != page.field("key")
    assert host.dm.mailbox("cyd").unread() == 0


@pytest.mark.promise("LEAK-1")
def test_the_next_at_the_same_browser_is_not_told_to_whom_one_began_to_write(host: Host) -> None:
    answer = host.client.request("POST", "/open", user="ann", form={"user": "cyd"})
    headers = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert host.client.request("GET", "/new", user="ann", headers=headers).status == 200
    for user, tenant in (("bob", None), ("ann", "another house")):
        given = {**headers, "x-tenant": tenant}
        answer = host.client.request("GET", "/new", user=user, headers=given)
        assert (answer.status, answer.headers["location"]) == (303, f"{host.client.root}/")


@pytest.mark.parametrize("cookie", [None, "dm_new=", "dm_new={}", "dm_new={}.", "dm_new={}.%ff"])
def test_a_page_for_nobody_leads_to_the_list(host: Host, cookie: str | None) -> None:
    answer = host.client.request("POST", "/open", user="ann", form={"user": "cyd"})
    mark = answer.headers["set-cookie"].partition(".")[0].removeprefix("dm_new=")
    headers = {"cookie": cookie and cookie.format(mark)}
    answer = host.client.request("GET", "/new", user="ann", headers=headers)
    assert (answer.status, answer.headers["location"]) == (303, f"{host.client.root}/")


@pytest.mark.parametrize("cookie", ["other=1", "dm_new={}.a%00", "a=1; dm_new={}.%00; b"])
def test_a_cookie_that_names_nobody_who_can_be_leads_to_the_list(host: Host, cookie: str) -> None:
    answer = host.client.request("POST", "/open", user="ann", form={"user": "cyd"})
    mark = answer.headers["set-cookie"].partition(".")[0].removeprefix("dm_new=")
    headers = {"cookie": cookie.format(mark)}
    answer = host.client.request("GET", "/new", user="ann", headers=headers)
    assert (answer.status, answer.headers["location"]) == (303, f"{host.client.root}/")


def test_one_goes_on_where_one_writes(ann: Browser, bob: Browser, thread: str) -> None:
    page = bob.get(f"/t/{thread}")
    assert not list(page.tree.all("textarea", autofocus=None))
    for action in ("Reply", "Edit"):
        target = link(page, action)
        assert target.endswith("#dm-body")
        # A browser that goes to a part of a page focuses it, and then nothing else.
        field = bob.get(target).tree.one("textarea", id="dm-body")
        assert "autofocus" not in field.attributes
    refused = bob.press(page, "Send", body="")
    assert list(refused.tree.all("textarea", autofocus=None))
    assert list(ann.post("/open", {"user": "cyd"}).tree.all("textarea", autofocus=None))


@pytest.mark.promise("PREF-1")
def test_settings_are_shown_and_kept(host: Host, ann: Browser) -> None:
    page = ann.get("/settings")
    assert "Your settings are saved." not in page.text
    page = ann.press(page, "Save", open_to="nobody", typing=None)
    assert "Your settings are saved." in page.text
    chosen = Preferences(open_to=OpenTo.NOBODY, typing=False)
    assert host.dm.mailbox("ann").preferences() == chosen
    ann.press(page, "Save")
    assert host.dm.mailbox("ann").preferences() == chosen
    assert ann.post("/settings", {"open_to": "cats"}).status == 422
    assert ann.post("/settings", {}).status == 422
    assert [it.attributes["value"] for it in page.tree.all("input", name="open_to")] == [
        "everyone",
        "nobody",
    ]
    refused = ann.press(page, "Save", open_to="connections")
    assert (refused.status, refused.alert) == (
        422,
        "This choice is not offered here. Please take another one.",
    )
    assert host.dm.mailbox("ann").preferences() == chosen
