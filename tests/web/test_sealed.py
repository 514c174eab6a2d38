"""Sealed messages where nothing can open them: words instead of a text, and never the envelope."""

import attrs
import pytest
from tests.web.browsing import Browser
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import ROLES
from tests.web.hosts import Host

from dmcore import Body, Disclosure, Policy
from dmcore.adapters.memory._transactions import MemoryTransactions
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.devices import enrol
from dmcore.testing.conformance.sealing import envelope

PLACEHOLDER = "Sealed message. This page cannot open it."
POLICY = Policy(sealing="offered", evidence="reporter_selected")

pytestmark = pytest.mark.promise("CRYPT-2")


@pytest.fixture(params=["asgi"])
def host_kind(request: pytest.FixtureRequest) -> str:
    """One is enough: what a page or an answer holds is made in one place for all of them."""
    kind: str = request.param
    return kind


@pytest.fixture
def host(make_host: MakeHost) -> Host:
    made = make_host(policy=POLICY, site=ROLES)
    for name in ("ann", "bob"):
        enrol(made.dm.mailbox(name))
    return made


def test_a_page_says_that_a_message_is_sealed_and_offers_no_text_for_it(host: Host) -> None:
    bob = host.dm.mailbox("bob")
    thread = bob.start("ann", "in the clear").conversation
    said = bob.send(thread, envelope(bob, "ann"))
    for name in ("ann", "bob"):
        browser = Browser.of(host, name)
        assert PLACEHOLDER in browser.get("/").text
        page = browser.get(f"/t/{thread}")
        for words in (PLACEHOLDER, "Sealed. Only devices of you and", "in the clear"):
            assert words in page.text
        assert "commitment" not in page.text
        for address in (f"/t/{thread}", f"/t/{thread}?edit={said.id}"):
            for text in browser.get(address).tree.all("textarea"):
                assert text.raw.strip() == ""


def test_what_is_shown_of_a_report_is_that_it_is_sealed(host: Host) -> None:
    ann, bob = host.dm.mailbox("ann"), host.dm.mailbox("bob")
    sent = bob.start("ann", envelope(bob, "ann"))
    made = ann.report(conversation=sent.conversation, messages=[sent.id], reason="threat")
    mod = Browser.of(host, "mod")
    mine = mod.press(mod.get(f"/moderation/reports/{made.id}"), "Take")
    look = mod.press(mine, "Look at what was chosen")
    assert "This message is sealed: nobody here knows its text" in look.text
    found = Api(host).ask("POST", f"/moderation/reports/{made.id}/looks", user="mod").json()
    assert [(item["body"], item["verdict"]) for item in found["items"]] == [(None, "sealed")]


def test_the_interface_has_the_envelope_and_no_text(host: Host) -> None:
    api, ann = Api(host), host.dm.mailbox("ann")
    given = envelope(ann, "bob")
    thread = ann.start("bob", given).conversation
    found = api.get(f"/threads/{thread}", user="bob")
    assert found["thread"]["is_sealed"]
    (message,) = found["messages"]
    assert (message["body"], message["envelope"]) == (None, given.text)
    assert not message["is_deleted"]
    permission = api.get("/users/bob/can-message")
    assert (permission["is_allowed"], permission["is_sealed"]) == (True, True)
    refused = api.refusal("POST", f"/threads/{thread}/messages", json={"body": "x"})
    assert refused == "409 sealed_only"


def test_the_page_of_evidence_says_what_is_known_of_a_text(host: Host) -> None:
    """Proven where it was sent like this, and so said where somebody changed what is stored."""
    ann, bob = host.dm.mailbox("ann"), host.dm.mailbox("bob")
    said = [bob.start("ann", text) for text in ("as it was", "as it was not")]
    runner = runner_of(host.dm)
    assert isinstance(runner, MemoryTransactions)
    rows = runner._store.postings[said[1].conversation]
    message = attrs.evolve(rows[-1].message, body=Body("put into a mouth"))
    rows[-1] = attrs.evolve(rows[-1], message=message)
    made = ann.report(
        conversation=said[0].conversation, messages=[it.id for it in said], reason="threat"
    )
    mod = Browser.of(host, "mod")
    mine = mod.press(mod.get(f"/moderation/reports/{made.id}"), "Take")
    words = mod.press(mine, "Look at what was chosen").text
    proven, altered = words.index("as it was"), words.index("put into a mouth")
    assert proven < words.index("It is proven that exactly this was sent") < altered
    assert altered < words.index("This is not what was sent: it was changed in the database")
    assert "as it was not" not in words


def test_a_text_that_a_reporter_discloses_is_shown_as_proven(host: Host) -> None:
    ann, bob = host.dm.mailbox("ann"), host.dm.mailbox("bob")
    sent = bob.start("ann", "I know where you live")
    (kept,) = ann.thread(sent.conversation).items
    bob.delete(sent.conversation, sent.id)
    shown = [Disclosure.of(kept)]
    made = ann.report(conversation=sent.conversation, disclosures=shown, reason="threat")
    mod = Browser.of(host, "mod")
    mine = mod.press(mod.get(f"/moderation/reports/{made.id}"), "Take")
    words = mod.press(mine, "Look at what was chosen").text
    assert "I know where you live" in words
    assert "It is proven that exactly this was sent" in words
    assert "This message was deleted" not in words
