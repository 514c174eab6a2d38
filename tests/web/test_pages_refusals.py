"""How pages say no: in words, beside what was typed, with a way out, and the same to everybody."""

from datetime import timedelta

import pytest
from tests.web.browsing import Browser
from tests.web.conftest import MakeHost
from tests.web.hosts import Host

from dmcore import BodyRules, Policy, RateLimit
from dmcore.adapters.screening import LinksAndContacts
from dmcore.adapters.web import Site
from dmcore.errors import InvalidSetting
from dmcore.testing.screening import Censor
from dmcore.testing.world import asking

NOWHERE = "00000000-0000-8000-8000-000000000000"


def begun(host: Host) -> str:
    return str(host.dm.mailbox("bob").start("ann", "hello").conversation)


# What is not yours ------------------------------------------------------------------------------


@pytest.mark.promise("CONV-1")
def test_a_third_person_gets_the_same_bytes_as_where_nothing_is(host: Host) -> None:
    thread, eve = begun(host), Browser.of(host, "eve")
    message = str(host.dm.mailbox("ann").thread(thread).items[0].id)
    before = host.dm.mailbox("ann").snapshot(), host.dm.mailbox("ann").thread(thread)
    posts: dict[str, dict[str, str]] = {
        "": {"body": "hi", "key": "k"},
        "/read": {"through": message},
        f"/m/{message}/edit": {"body": "hi"},
    }
    acts = ("mute", "unmute", "archive", "unarchive", "clear", "accept", "decline", "block")
    for act in (*acts, "unblock", f"m/{message}/delete", f"m/{message}/hide"):
        posts[f"/{act}"] = {}
    pages = [
        page
        for place in (thread, NOWHERE)
        for page in (
            eve.get(f"/t/{place}"),
            eve.get(f"/fragments/thread/{place}"),
            *(eve.post(f"/t/{place}{below}", fields) for below, fields in posts.items()),
        )
    ]
    assert {page.status for page in pages} == {403}
    assert len({page.answer.body for page in pages}) == 1
    assert "There is nothing here for you." in pages[0].text
    assert (host.dm.mailbox("ann").snapshot(), host.dm.mailbox("ann").thread(thread)) == before


@pytest.mark.promise("MOD-5")
def test_a_refused_text_stays_with_its_sender_who_is_told_why(make_host: MakeHost) -> None:
    """A new one and an edited one, in the words of the screener that ships or in plain ones."""
    host = make_host(screeners=[LinksAndContacts(links="refuse"), Censor()])
    thread, bob = begun(host), Browser.of(host, "bob")
    (first,) = host.dm.mailbox("bob").thread(thread).items
    links, plain = "Links are not accepted here.", "Please write it in another way."
    for body, words in (("see https://x.example", links), ("refuse this", plain)):
        for below, fields in (("", {"key": "k"}), (f"/m/{first.id}/edit", {})):
            page = bob.post(f"/t/{thread}{below}", {"body": body, **fields})
            assert (page.status, page.typed) == (422, body)
            assert page.alert == f"This message was not accepted. {words}"
    page = bob.press(bob.post("/open", {"user": "cyd"}), "Send", body="refuse this")
    assert (page.status, page.typed) == (422, "refuse this")
    assert host.dm.mailbox("bob").thread(thread).items == (first,)
    assert host.dm.mailbox("bob").conversation_with("cyd") is None


@pytest.mark.promise("MOD-5", "MOD-1")
def test_a_flagged_text_is_sent_and_the_page_says_nothing(make_host: MakeHost) -> None:
    def shown_after_sending(host: Host) -> str:
        thread, bob = begun(host), Browser.of(host, "bob")
        sent = bob.press(bob.get(f"/t/{thread}"), "Send", body="see https://x.example")
        assert (sent.status, sent.bodies) == (200, ["hello", "see https://x.example"])
        return sent.text

    host = make_host(screeners=[LinksAndContacts()])
    assert shown_after_sending(host) == shown_after_sending(make_host())
    (line,) = host.dm.moderation("mod").reports(origin="screening").items
    assert (line.reported, line.flags) == ("bob", ("link",))


def test_whoever_is_not_signed_in_is_asked_to_and_sees_nothing(host: Host) -> None:
    thread, nobody = begun(host), Browser.of(host, None)
    for path in ("/", "/requests", "/settings", f"/t/{thread}", "/fragments/badge"):
        page = nobody.get(path)
        assert (page.status, page.tree.one("h1").text) == (401, "Please sign in")
        assert not list(page.tree.all("a"))
    assert len(host.dm.mailbox("ann").thread(thread).items) == 1


@pytest.mark.promise("MSG-3")
def test_what_was_written_before_a_sign_in_ended_is_there_to_be_sent(host: Host) -> None:
    """Without scripts too: after signing in, the same form under the same key."""
    thread, nobody = begun(host), Browser.of(host, None)
    written = {"body": "two\r\nlines", "key": "k", "reply_to": "", "other": "x"}
    page = nobody.post(f"/t/{thread}", written)
    assert (page.status, page.tree.one("h1").text) == (401, "Please sign in")
    assert page.typed == "two\nlines"
    ann = Browser.of(host, "ann")
    for _ in range(2):
        assert ann.press(page, "Try again").bodies == ["hello", "two\nlines"]
    start = nobody.post("/start", {"user": "bob", "body": "to bob", "key": "k"})
    assert Browser.of(host, "cyd").press(start, "Try again").bodies == ["to bob"]
    for fields in ({"through": "x"}, {"body": "", "key": "k"}):
        assert not list(nobody.post(f"/t/{thread}", fields).tree.all("textarea"))


def test_the_way_to_sign_in_is_shown_to_who_is_not(make_host: MakeHost) -> None:
    host = make_host(site=Site(sign_in_url="/sign-in?next=x&y"))
    page = Browser.of(host, None).get("/")
    assert page.status == 401
    (way,) = page.tree.all("a")
    assert (way.text, way.attributes["href"]) == ("Sign in", "/sign-in?next=x&y")
    assert "Sign in" not in Browser.of(host, "ann").get("/nothing").text
    with pytest.raises(InvalidSetting, match="sign_in_url"):
        Site(sign_in_url="javascript:alert(1)")


def test_what_is_not_there_leads_back(host: Host) -> None:
    ann = Browser.of(host, "ann")
    statuses = {"/nothing": 404, "/t/not-an-id": 422, "/?cursor=bad": 422, "/open": 405}
    for path, status in statuses.items():
        page = ann.get(path)
        assert page.status == status
        assert page.tree.one("a").attributes["href"] == f"{host.client.root}/"
    assert ann.get("/fragments/list?folder=cats").status == 422


# What was typed stays ---------------------------------------------------------------------------


@pytest.mark.promise("MSG-1")
def test_a_text_that_cannot_be_sent_stays_and_the_reason_stands_beside_it(
    make_host: MakeHost,
) -> None:
    rules = BodyRules(longest=20, largest_bytes=30, emoji="refuse")
    host = make_host(policy=Policy(body=rules))
    thread, ann = begun(host), Browser.of(host, "ann")
    first = ann.get(f"/t/{thread}?reply={host.dm.mailbox('ann').thread(thread).items[0].id}")
    for body, words in (
        ("", "Write something first."),
        ("\u200b", "Write something that can be seen."),
        ("a\0b", "This text holds characters that cannot be sent."),
        ("too 🎸", "Emoji are not accepted here. Please write it in words."),
        (
            "é" * 21,
            "This message is too long: it can have 20 characters. Send it in parts.",
        ),
        (
            "é" * 19,
            "This message is too long: it can have 30 bytes. Send it in parts.",
        ),
    ):
        page = ann.press(first, "Send", body=body)
        assert (page.status, page.alert) == (422, words)
        assert page.typed.replace("\ufffd", "\0") == body
        for name in ("key", "reply_to", "through"):
            assert page.field(name) == first.field(name)
        assert page.tree.one("textarea").attributes["aria-describedby"] == "dm-error"
    assert len(host.dm.mailbox("ann").thread(thread).items) == 1
    assert ann.press(page, "Send", body="short").bodies == ["hello", "short"]


@pytest.mark.promise("LIMIT-1")
def test_a_limit_says_when_to_try_again(make_host: MakeHost) -> None:
    limit = RateLimit(count=1, window=timedelta(seconds=60))
    host = make_host(policy=Policy(messages=limit))
    thread, ann = begun(host), Browser.of(host, "ann")
    page = ann.press(ann.get(f"/t/{thread}"), "Send", body="one")
    host.clock.advance(seconds=47.5)
    words = "You have sent a lot of messages. Try again in 13 s."
    refused = ann.press(page, "Send", body="two")
    assert (refused.status, refused.alert, refused.typed) == (429, words, "two")
    assert refused.answer.headers["retry-after"] == "13"
    assert words in ann.get(f"/t/{thread}").text
    host.clock.advance(seconds=12.5)
    assert ann.press(refused, "Send").bodies == ["hello", "one", "two"]


@pytest.mark.promise("LIMIT-1")
def test_the_limit_of_starts_has_its_own_words(make_host: MakeHost) -> None:
    limit = RateLimit(count=1, window=timedelta(hours=24))
    host = make_host(policy=Policy(starts=limit))
    ann = Browser.of(host, "ann")
    page = ann.post("/open", {"user": "cyd"})
    host.dm.mailbox("ann").start("bob", "hello")
    host.clock.advance(seconds=60)
    refused = ann.press(page, "Send", body="hi")
    words = "You have started a lot of conversations. Try again in 24 hours."
    assert (refused.status, refused.alert, refused.typed) == (429, words, "hi")
    assert refused.field("user") == "cyd"
    assert host.dm.mailbox("ann").conversation_with("cyd") is None
    host.clock.advance(seconds=23 * 3600)
    assert "Try again in 59 minutes." in ann.press(page, "Send", body="hi").alert


@pytest.mark.promise("MSG-3")
def test_another_text_under_a_key_that_was_used_gets_a_new_key(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    ann.press(page, "Send", body="one")
    refused = ann.press(page, "Send", body="two")
    assert (refused.status, refused.typed) == (409, "two")
    assert "Another text from this page was already sent." in refused.alert
    assert refused.field("key") != page.field("key")
    assert ann.press(refused, "Send").bodies == ["hello", "one", "two"]
    malformed = ann.press(ann.get(f"/t/{thread}"), "Send", body="three", key="\n")
    assert malformed.status == 422
    assert ann.press(malformed, "Send").bodies[-1] == "three"


@pytest.mark.promise("BLOCK-1")
def test_whoever_blocks_is_reminded_and_can_unblock_with_the_text_kept(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    host.dm.mailbox("ann").block("bob")
    refused = ann.press(page, "Send", body="wait")
    assert (refused.status, refused.typed) == (409, "wait")
    assert "You have blocked this person." in refused.alert
    ann.press(refused, "Unblock", nth=1)
    assert ann.press(refused, "Send").bodies == ["hello", "wait"]


@pytest.mark.promise("BLOCK-2")
def test_whoever_is_blocked_reads_that_the_person_cannot_be_reached(host: Host) -> None:
    thread, bob = begun(host), Browser.of(host, "bob")
    page = bob.get(f"/t/{thread}")
    host.dm.mailbox("ann").block("bob")
    refused = bob.press(page, "Send", body="again")
    assert (refused.status, refused.typed) == (403, "again")
    assert refused.alert == "This person cannot receive messages from you."
    assert "Unblock" not in refused.buttons
    page = bob.get(f"/t/{thread}")
    assert refused.alert in page.text
    assert not list(page.tree.all("textarea"))


@pytest.mark.promise("REQ-1")
def test_a_list_of_requests_is_there_where_one_has_to_ask(make_host: MakeHost) -> None:
    for policy, is_there in ((asking(), True), (Policy(), False)):
        page = Browser.of(make_host(policy=policy), "ann").get("/")
        assert any(it.text.startswith("Requests") for it in page.tree.all("a")) is is_there


@pytest.mark.promise("REQ-1")
def test_before_acceptance_a_page_says_to_wait(make_host: MakeHost) -> None:
    host = make_host(policy=asking())
    thread, bob = begun(host), Browser.of(host, "bob")
    words = "You can write again when this person has answered."
    assert words in bob.get(f"/t/{thread}").text
    refused = bob.post(f"/t/{thread}", {"body": "please", "key": "k"})
    assert (refused.status, refused.alert, refused.typed) == (409, words, "please")


@pytest.mark.promise("MSG-5")
def test_a_change_that_comes_too_late_keeps_its_text(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(edit_window=timedelta(minutes=1)))
    thread, bob = begun(host), Browser.of(host, "bob")
    message = host.dm.mailbox("bob").thread(thread).items[0].id
    page = bob.get(f"/t/{thread}?edit={message}")
    host.clock.advance(seconds=61)
    refused = bob.press(page, "Save", body="goodbye")
    assert (refused.status, refused.typed) == (409, "goodbye")
    assert refused.alert == "This message can no longer be changed."
    assert refused.bodies == ["hello"]


@pytest.mark.promise("MSG-5")
def test_what_can_no_longer_be_changed_is_not_offered_to_be(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(edit_window=timedelta(minutes=1)))
    thread, bob = begun(host), Browser.of(host, "bob")
    host.clock.advance(seconds=60)
    host.dm.mailbox("bob").send(thread, "again")
    first, second = host.dm.mailbox("bob").thread(thread).items

    def offered() -> list[object]:
        links = [it.attributes["href"] for it in bob.get(f"/t/{thread}").tree.all("a", href=None)]
        return [it.id for it in (first, second) if any(f"edit={it.id}" in at for at in links)]

    assert offered() == [first.id, second.id]
    host.clock.advance(seconds=1)
    assert offered() == [second.id]
    assert "Save" not in bob.get(f"/t/{thread}?edit={first.id}").buttons
    assert "Save" in bob.get(f"/t/{thread}?edit={second.id}").buttons


@pytest.mark.promise("MSG-5")
def test_where_no_message_can_be_changed_nobody_is_offered_to(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(edit_window=timedelta(0)))
    thread, bob = begun(host), Browser.of(host, "bob")
    message = host.dm.mailbox("bob").thread(thread).items[0].id
    for path in (f"/t/{thread}", f"/t/{thread}?edit={message}"):
        page = bob.get(path)
        assert "Edit" not in {link.text for link in page.tree.all("a")}
        assert "Save" not in page.buttons
    fragment = host.client.request("GET", f"/fragments/thread/{thread}", user="bob").text
    assert "Delete for both" in fragment
    assert "edit=" not in fragment


def test_an_answer_to_what_was_never_there_keeps_its_text(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    refused = ann.post(f"/t/{thread}", {"body": "yes", "key": "k", "reply_to": NOWHERE})
    assert (refused.status, refused.typed) == (403, "yes")
    assert "In answer to: an earlier message" in refused.text
    assert refused.bodies == ["hello"]
