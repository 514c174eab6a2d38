"""What pages say before anything is begun, while messaging is switched, and to what is no form."""

import pytest
from tests.web.browsing import Browser
from tests.web.conftest import MakeHost
from tests.web.hosts import Answer, Host

from dmcore import Gate, Introduction, Mode, OpenTo, Policy, Profile
from dmcore.adapters.web import Site
from dmcore.adapters.web._values import MOST_BODY_BYTES
from dmcore.domain.ids import User


class Paying:
    """A directory in which somebody pays and most do not; nobody knows "nobody"."""

    def introduce(self, sender: User, recipient: User) -> Introduction:
        return Introduction(
            sender=Profile(is_subscribed=sender.id == "rich"),
            recipient=None if recipient.id == "nobody" else Profile(),
        )


def switch(host: Host, mode: Mode) -> None:
    host.dm.operations("operator").set_mode(mode)


def begun(host: Host) -> str:
    return str(host.dm.mailbox("bob").start("ann", "hello").conversation)


def post(host: Host, path: str, user: str | None, body: bytes, kind: str) -> Answer:
    headers = {"content-type": kind}
    return host.client.request("POST", path, user=user, body=body, headers=headers)


# Starting ---------------------------------------------------------------------------------------


@pytest.mark.promise("GATE-1")
def test_who_would_have_to_pay_is_shown_where(make_host: MakeHost) -> None:
    policy = Policy(gates=(Gate(needs_subscription=True),))
    site = Site(upgrade_url="/subscribe")
    host = make_host(policy=policy, site=site, directory=Paying())
    poor, rich = Browser.of(host, "poor"), Browser.of(host, "rich")
    page = poor.post("/open", {"user": "bob"})
    assert "You need a subscription to write to this person." in page.text
    (way,) = [each for each in page.tree.all("a") if each.text == "See subscriptions"]
    assert way.attributes["href"] == "/subscribe"
    assert not list(page.tree.all("textarea"))
    refused = poor.post("/start", {"user": "bob", "body": "hi", "key": "k"})
    assert (refused.status, refused.typed) == (402, "hi")
    assert rich.press(rich.post("/open", {"user": "bob"}), "Send", body="hi").bodies == ["hi"]


@pytest.mark.promise("PREF-1")
def test_to_be_open_to_connections_is_offered_where_somebody_knows_them(
    make_host: MakeHost,
) -> None:
    host = make_host(directory=Paying())
    ann = Browser.of(host, "ann")
    ann.press(ann.get("/settings"), "Save", open_to="connections")
    assert host.dm.mailbox("ann").preferences().open_to is OpenTo.CONNECTIONS
    offered = ann.get("/settings").tree.all("input", name="open_to")
    assert [it.attributes["value"] for it in offered] == ["everyone", "connections", "nobody"]


class Unconnected(Paying):
    """The same where nobody is connected with anybody."""

    knows_connections = False


@pytest.mark.promise("PREF-1")
def test_where_nobody_is_connected_it_is_not_offered_and_not_taken(make_host: MakeHost) -> None:
    host = make_host(directory=Unconnected())
    ann = Browser.of(host, "ann")
    page = ann.get("/settings")
    offered = page.tree.all("input", name="open_to")
    assert [it.attributes["value"] for it in offered] == ["everyone", "nobody"]
    assert ann.press(page, "Save", open_to="connections").status == 422
    assert host.dm.mailbox("ann").preferences().open_to is OpenTo.EVERYONE


@pytest.mark.promise("TEN-1", "PAIR-3")
def test_nobody_writes_to_themselves_or_to_nobody(make_host: MakeHost) -> None:
    host = make_host(directory=Paying())
    ann = Browser.of(host, "ann")
    answers = {"ann": (422, "You cannot write to yourself."), "nobody": (404, "no such person")}
    for user, (status, words) in answers.items():
        for path, fields in (("/open", {}), ("/start", {"body": "hi", "key": "k"})):
            page = ann.post(path, {"user": user, **fields})
            assert page.status == status
            assert words in page.text
            assert not list(page.tree.all("textarea"))


@pytest.mark.promise("BLOCK-1")
def test_the_page_that_begins_a_conversation_can_unblock(host: Host) -> None:
    host.dm.mailbox("ann").block("bob")
    ann = Browser.of(host, "ann")
    page = ann.post("/open", {"user": "bob"})
    assert "You have blocked this person." in page.text
    assert ann.press(page, "Unblock").path == "/blocked"
    assert list(ann.post("/open", {"user": "bob"}).tree.all("textarea"))


# The switch -------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_what_is_switched_off_says_so_and_gives_the_text_back(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    page, compose = ann.get(f"/t/{thread}"), ann.post("/open", {"user": "cyd"})
    switch(host, Mode.OFF)
    for path in ("/", f"/t/{thread}", "/settings"):
        off = ann.get(path)
        assert (off.status, off.tree.one("h1").text) == (503, "Messages are not available")
        assert "switched off" in off.text
        assert "Try again" in [way.text for way in off.tree.all("a")]
    for form in (page, compose):
        refused = ann.press(form, "Send", body="precious")
        assert (refused.status, refused.typed, refused.title) == (503, "precious", "Not sent")
        assert refused.field("key") == form.field("key")
        switch(host, Mode.ON)
        assert ann.press(refused, "Try again").bodies[-1] == "precious"
        switch(host, Mode.OFF)


@pytest.mark.promise("OPS-1")
def test_what_is_read_only_can_be_read_and_says_so(host: Host) -> None:
    thread, ann = begun(host), Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    switch(host, Mode.READ_ONLY)
    refused = ann.press(page, "Send", body="kept")
    assert (refused.status, refused.typed, refused.bodies) == (503, "kept", ["hello"])
    assert "can only be read" in refused.alert
    looked = ann.get(f"/t/{thread}")
    assert "Messages cannot be written at the moment." in looked.text
    assert not list(looked.tree.all("textarea"))
    switch(host, Mode.REPLIES_ONLY)
    assert list(ann.get(f"/t/{thread}").tree.all("textarea"))
    opened = ann.post("/open", {"user": "cyd"})
    assert "New conversations cannot be started" in opened.text
    assert not list(opened.tree.all("textarea"))
    started = ann.post("/start", {"user": "cyd", "body": "x", "key": "k"})
    assert "New conversations cannot be started" in started.alert


# Forms ------------------------------------------------------------------------------------------


NO_FORMS = (
    (b"body=x&key=k", "text/plain", 415),
    (b'{"body": "x", "key": "k"}', "application/json", 415),
    (b"body", "application/x-www-form-urlencoded", 422),
    (b"body=x", "application/x-www-form-urlencoded", 422),
    (b"key=k", "application/x-www-form-urlencoded", 422),
    (b"", "application/x-www-form-urlencoded", 422),
    (b"body=x&body=y&key=k", "application/x-www-form-urlencoded", 422),
    (b"body=%ff&key=k", "application/x-www-form-urlencoded", 422),
    (b"body=\xc3\xa9&key=k", "application/x-www-form-urlencoded", 422),
    (b"&".join(b"f%d=x" % n for n in range(21)), "application/x-www-form-urlencoded", 422),
    (b"body=" + b"x" * MOST_BODY_BYTES, "application/x-www-form-urlencoded", 413),
)


def test_what_no_form_sends_is_refused(host: Host) -> None:
    thread = begun(host)
    for body, kind, status in NO_FORMS:
        answer = post(host, f"/t/{thread}", "ann", body, kind)
        assert answer.status == status, (body[:40], kind)
    assert len(host.dm.mailbox("ann").thread(thread).items) == 1
    # And where nobody is signed in, nothing is made of it either.
    for body, kind, _ in NO_FORMS:
        assert post(host, f"/t/{thread}", None, body, kind).status in (401, 413)


def test_a_form_may_carry_what_a_framework_adds(host: Host) -> None:
    thread = begun(host)
    fields = b"csrfmiddlewaretoken=abc&body=x&key=k"
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    assert post(host, f"/t/{thread}", "ann", fields, kind).status == 303
    assert len(host.dm.mailbox("ann").thread(thread).items) == 2


def test_a_form_of_another_site_does_nothing(host: Host) -> None:
    thread = begun(host)
    for path, fields in ((f"/t/{thread}", {"body": "x", "key": "k"}), (f"/t/{thread}/block", {})):
        for place in ("cross-site", "same-site", None):
            headers = {"sec-fetch-site": place}
            answer = host.client.request("POST", path, user="ann", form=fields, headers=headers)
            assert answer.status == 403
    assert len(host.dm.mailbox("ann").thread(thread).items) == 1
    assert not host.dm.mailbox("ann").blocked().items
