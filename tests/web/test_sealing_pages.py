"""What pages say where texts are sealed or can be, and that nothing falls back to the clear."""

import json
import re
from base64 import b64encode
from contextlib import nullcontext
from typing import Any

import attrs
import pytest
from tests.web.browsing import Browser, Node
from tests.web.conftest import MakeHost
from tests.web.desks import ROLES
from tests.web.hosts import ROOT, Host

from dmcore import Body, BodyRules, Policy
from dmcore.adapters.e2ee import SealingDevice
from dmcore.adapters.web.pages._assets import is_there, sealing_modules
from dmcore.adapters.web.pages._rendering import rendered
from dmcore.adapters.web.pages._sealing import Sealing
from dmcore.domain.body import parse_body
from dmcore.errors import InvalidBody
from dmcore.testing.conformance.devices import enrol
from dmcore.testing.conformance.sealing import envelope

OFFERED = Policy(sealing="offered", evidence="reporter_selected")

pytestmark = pytest.mark.promise("CRYPT-2")


@pytest.fixture(params=["asgi"])
def host_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(autouse=True)
def built() -> None:
    """What makes a browser a device; a checkout without it fails the tests, never skips them."""
    if not is_there("hpke.js"):
        pytest.fail("what seals is not built: `make sealing-assets` does")


def made(make_host: MakeHost, policy: Policy = OFFERED) -> Host:
    host = make_host(policy=policy, site=ROLES)
    for name in ("ann", "bob"):
        enrol(host.dm.mailbox(name))
    return host


def box_of(tree: Node) -> Node:
    """Where a page says how it stands."""
    return tree.one("div", data_dm_seals=None)


def test_a_sealed_conversation_lets_nobody_write_but_a_device(make_host: MakeHost) -> None:
    host = made(make_host)
    bob = host.dm.mailbox("bob")
    thread = bob.start("ann", "in the clear").conversation
    given = envelope(bob, "ann")
    said = bob.send(thread, given)
    page = Browser.of(host, "ann").get(f"/t/{thread}")
    box, fields = box_of(page.tree), page.tree.one("fieldset", data_dm_seals_writing=None)
    assert box.attributes["data-dm-seals"] == "sealed"
    assert "Only devices of you and bob can read this" in box.text
    assert "disabled" in fields.attributes
    assert [it.tag for it in fields.all("textarea")] == ["textarea"]
    (sealed,) = page.tree.all("p", data_dm_sealed=None)
    assert sealed.attributes["data-dm-sealed"] == given.text
    assert sealed.attributes["data-dm-sent-us"] == str(said.sent_at_us)
    assert "data-dm-edited-us" not in sealed.attributes
    assert len(sealed.attributes["data-dm-tag"]) == 44
    own = Browser.of(host, "bob").get(f"/t/{thread}?edit={said.id}")
    assert own.tree.one("fieldset", data_dm_seals_writing=None).text.endswith("Send")
    assert "data-dm-tag" not in own.answer.text
    assert not [it for it in own.tree.all("a") if it.text == "Edit"]


def test_a_text_that_arrives_in_the_clear_is_refused_and_given_back(make_host: MakeHost) -> None:
    host = made(make_host)
    bob = host.dm.mailbox("bob")
    thread = bob.start("ann", "hello").conversation
    ann = Browser.of(host, "ann")
    page = ann.get(f"/t/{thread}")
    assert not list(page.tree.all("fieldset", data_dm_seals_writing=None))
    bob.seal(thread)
    refused = ann.press(page, "Send", body="not sealed")
    assert refused.status == 409
    assert "has to be sealed on your device" in refused.alert
    assert refused.typed == "not sealed"
    assert "disabled" in refused.tree.one("fieldset", data_dm_seals_writing=None).attributes
    assert len(bob.thread(thread).items) == 1


def test_a_change_that_arrives_in_the_clear_is_refused_and_stays_where_it_is(
    make_host: MakeHost,
) -> None:
    host = made(make_host)
    ann, bob = (host.dm.mailbox(name) for name in ("ann", "bob"))
    said = ann.start("bob", "hello")
    browser = Browser.of(host, "ann")
    page = browser.get(f"/t/{said.conversation}?edit={said.id}")
    bob.seal(said.conversation)
    refused = browser.press(page, "Save", body="not sealed")
    assert (refused.status, refused.typed) == (409, "not sealed")
    assert "disabled" in refused.tree.one("fieldset", class_="dm-fields").attributes
    assert not list(refused.tree.all("fieldset", data_dm_seals_writing=None))
    (kept,) = bob.thread(said.conversation).items
    assert kept.body == Body("hello")


def test_where_sealing_is_offered_the_page_says_that_it_is_not_sealed(make_host: MakeHost) -> None:
    for policy, is_said in ((OFFERED, True), (Policy(), False)):
        host = made(make_host, policy)
        thread = host.dm.mailbox("bob").start("ann", "hello").conversation
        page = Browser.of(host, "ann").get(f"/t/{thread}")
        assert ("Whoever runs this site could read" in page.text) is is_said
        boxes = list(page.tree.all("div", data_dm_seals=None))
        assert [it.attributes["data-dm-seals"] for it in boxes] == ["open"] * is_said
        assert "Seal this conversation" in page.buttons if is_said else not boxes


def test_who_seals_is_told_which_signs_are_refused(make_host: MakeHost) -> None:
    """The same as are refused of a text in the clear: nobody else looks at what is sealed."""
    told = []
    for rules in (BodyRules(), BodyRules(emoji="refuse")):
        host = made(make_host, attrs.evolve(OFFERED, body=rules))
        thread = host.dm.mailbox("bob").start("ann", "hello").conversation
        box = box_of(Browser.of(host, "ann").get(f"/t/{thread}").tree)
        told.append(box.attributes.get("data-dm-emoji"))
    assert told[0] is None
    spans = re.findall(r"\\u{(\w+)}-\\u{(\w+)}", told[1] or "")
    refused = [(int(first, 16), int(last, 16)) for first, last in spans]
    assert len(refused) > 50
    for first, last in refused:
        for sign in (first - 1, first, last, last + 1):
            is_refused = any(low <= sign <= high for low, high in refused)
            with pytest.raises(InvalidBody) if is_refused else nullcontext():
                parse_body(f"a{chr(sign)}", rules)


def test_the_modules_are_where_the_page_says(make_host: MakeHost) -> None:
    host = made(make_host)
    frame = Browser.of(host, "ann").get("/").tree.one("div", data_dm=None).attributes
    assert frame["data-dm-tenant"] == ""
    for name in ("sealed", "sealing", "hpke"):
        path = frame[f"data-dm-{name}"].removeprefix(ROOT)
        found = host.client.request("GET", path, user=None)
        assert (found.status, found.headers["content-type"]) == (
            200,
            "text/javascript; charset=utf-8",
        )


def test_a_first_message_is_for_a_device_where_everything_is_sealed(make_host: MakeHost) -> None:
    host = made(make_host, Policy(sealing="by_default"))
    ann = Browser.of(host, "ann")
    page = ann.post("/open", {"user": "bob"})
    assert "disabled" in page.tree.one("fieldset", data_dm_seals_writing=None).attributes
    assert box_of(page.tree).attributes["data-dm-seals"] == "sealed"
    nobody = ann.post("/open", {"user": "carl"})
    assert "disabled" not in nobody.tree.one("form", action=f"{ROOT}/start").text
    assert not list(nobody.tree.all("div", data_dm_seals=None))


def test_one_sees_ones_devices_and_removes_one(make_host: MakeHost) -> None:
    host = made(make_host)
    ann, devices = Browser.of(host, "ann"), host.dm.mailbox("ann").devices
    (device,) = devices.list()
    page = ann.get("/settings")
    assert page.tree.one("li", data_dm_device=None).attributes["data-dm-device"] == str(device.id)
    label = f"Remove {str(device.id)[:8]}"
    Browser.of(host, "bob").post(f"/devices/{device.id}/remove", {})
    assert devices.list() == (device,)
    for _ in range(2):
        assert "The device is removed." in ann.press(page, label).text
    assert devices.list() == ()
    assert "Your devices" not in ann.get("/settings").text


# Reports ----------------------------------------------------------------------------------------


@attrs.frozen
class Threat:
    """A sealed threat of bob's, and what ann's device shows of it."""

    host: Host
    thread: str
    shown: dict[str, Any]

    def report(self, *shown: str) -> Any:
        """What ann's browser sends, with fields of its own."""
        ann = Browser.of(self.host, "ann")
        page = ann.get(f"/t/{self.thread}/report?message={self.shown['message']}")
        fields: dict[str, Any] = {f"shown-{at}": each for at, each in enumerate(shown)}
        return ann.press(page, "Send the report", reason="threat", **fields)

    def evidence(self) -> list[tuple[str | None, str | None]]:
        """What moderators see of it."""
        desk = self.host.dm.moderation("mod")
        (line,) = desk.reports().items
        desk.take(line.id)
        return [
            (None if it.body is None else it.body.text, it.verdict) for it in desk.evidence(line.id)
        ]


def threat(make_host: MakeHost, policy: Policy) -> Threat:
    host = make_host(policy=policy, site=ROLES)
    devices = {name: SealingDevice.new(name) for name in ("ann", "bob")}
    for name, device in devices.items():
        enrolment = attrs.asdict(device.enrolment(one_time_keys=1), recurse=False)
        host.dm.mailbox(name).devices.add(**enrolment)
    ann, bob = host.dm.mailbox("ann"), host.dm.mailbox("bob")
    sealed = devices["bob"].seal("I know your door", bob.devices.claim("ann"), to="ann")
    thread = bob.start("ann", sealed).conversation
    devices["ann"].learn(ann.devices.keys_of("bob"))
    (message,) = ann.thread(thread).items
    devices["ann"].open(message, partner="bob")
    kept = devices["ann"].disclosure(message.id)
    shown = attrs.asdict(kept) | {"message": str(kept.message)}
    spelled = {name: b64encode(shown[name]).decode() for name in ("tag", "key")}
    return Threat(host, str(thread), shown | spelled)


def test_what_a_browser_shows_with_a_report_is_proven(make_host: MakeHost) -> None:
    case = threat(make_host, OFFERED)
    assert "Your report was sent" in case.report(json.dumps(case.shown)).text
    assert case.evidence() == [("I know your door", "proven")]


def test_a_report_that_shows_nothing_says_that_the_message_is_sealed(make_host: MakeHost) -> None:
    case = threat(make_host, OFFERED)
    assert "Your report was sent" in case.report().text
    assert case.evidence() == [(None, "sealed")]


def test_what_is_shown_otherwise_than_it_was_sent_is_no_report(make_host: MakeHost) -> None:
    case = threat(make_host, OFFERED)
    for other in (
        {"text": "I know nothing"},
        {"text": 7},
        {"text": "\ud800"},
        {"sent_at_us": 1},
        {"sent_at_us": "1"},
        {"sent_at_us": 1 << 80},
        {"edited_at_us": "never"},
        {"edited_at_us": 1},
        {"sender": "carl"},
        {"message": "none"},
        {"tag": "AAAA"},
        {"key": "?"},
    ):
        assert case.report(json.dumps(case.shown | other)).status == 422, other
    for spelled in ("", "[]", "null", "{}", "[" * 20_000):
        assert case.report(spelled).status == 422
    assert case.host.dm.moderation("mod").reports().items == ()


def test_where_nothing_is_shown_to_moderators_nothing_is_taken(make_host: MakeHost) -> None:
    case = threat(make_host, Policy(sealing="offered"))
    assert "Your report was sent" in case.report(json.dumps(case.shown)).text
    (line,) = case.host.dm.moderation("mod").reports().items
    assert line.messages == 0


# Without what is built --------------------------------------------------------------------------


@pytest.mark.parametrize("is_sealed", [True, False])
def test_where_nothing_was_built_the_page_says_how_to_have_it(is_sealed: bool) -> None:
    sealing = Sealing(is_sealed=is_sealed, is_offered=True, is_built=False, rules=BodyRules())
    face = {"name": "Bob"}
    text = rendered("_sealing.html", sealing=sealing, modules=None, face=face)
    assert "make sealing-assets" in text
    assert "<button" not in text
    assert sealing.lets_write is not is_sealed
    with_it = attrs.evolve(sealing, is_built=True)
    assert with_it.lets_write
    modules = sealing_modules("/messages")
    built = rendered("_sealing.html", sealing=with_it, modules=modules, face=face)
    assert "make sealing-assets" not in built
