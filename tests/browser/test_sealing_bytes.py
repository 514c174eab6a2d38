"""A program and a browser speak one protocol: what either seals the other opens (CRYPT-2)."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import attrs
import pytest
from playwright.sync_api import Browser
from tests.browser.people import Person
from tests.browser.sealing import SEALED, BrowserDevice, bundle_told, spelled
from tests.browser.site import LiveSite

from dmcore import Body, Message
from dmcore.adapters.e2ee import Opened, SealingDevice
from dmcore.adapters.web import Site
from dmcore.domain.envelope import parse_envelope
from dmcore.domain.reports import EvidenceVerdict
from dmcore.errors import InvalidReport

TEXTS = ("hello", "x" * 4_000, "Grüße 👩‍👩‍👧, \r\n \u202eright to left", "\ufeffbegins with a mark")

pytestmark = pytest.mark.promise("CRYPT-2")


@attrs.frozen
class Two:
    """Ada at a browser, and Bot, who is a program."""

    site: LiveSite
    ada: BrowserDevice
    bot: SealingDevice

    def bot_says(self, text: str) -> Message:
        """Bot seals and sends, and Ada has seen whose device that is."""
        mailbox = self.site.dm.mailbox("bot")
        message = mailbox.start("ada", self.bot.seal(text, mailbox.devices.claim("ada"), to="ada"))
        self.ada.learn("bot")
        return self.seen_by("ada", message)

    def ada_says(self, text: str) -> Message:
        """Ada seals and sends, and Bot has seen whose device that is."""
        mailbox = self.site.dm.mailbox("ada")
        message = mailbox.start("bot", parse_envelope(self.ada.seal(text, "bot")))
        self.bot.learn(self.site.dm.mailbox("bot").devices.keys_of("ada"))
        return self.seen_by("bot", message)

    def seen_by(self, name: str, message: Message) -> Message:
        """A message as one of them is given it."""
        found = self.site.dm.mailbox(name).thread(message.conversation, limit=100).items
        return next(it for it in found if it.id == message.id)


@pytest.fixture(scope="module")
def two(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder: Path = tmp_path_factory.mktemp("sealing")
    site = LiveSite(folder, policy=SEALED, site=Site())
    person = Person(browser, site, "ada")
    ada, bot = BrowserDevice(person, site.dm), SealingDevice.new("bot")
    ada.enrol()
    enrolment = attrs.asdict(bot.enrolment(), recurse=False)
    site.dm.mailbox("bot").devices.add(**enrolment)
    yield Two(site, ada, bot)
    person.context.close()
    site.close()
    person.check()


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_program_seals_a_browser_opens_and_the_other_way(two: Two, text: str) -> None:
    assert two.ada.open(two.bot_says(text), "bot") == text
    found = two.bot.open(two.ada_says(text), partner="ada")
    assert isinstance(found, Opened)
    assert found.text == text


def test_one_reads_what_one_sent_oneself(two: Two) -> None:
    from_ada, from_bot = two.ada_says("mine"), two.bot_says("my own")
    assert two.ada.open(two.seen_by("ada", from_ada), "bot") == "mine"
    found = two.bot.open(two.seen_by("bot", from_bot), partner="ada")
    assert isinstance(found, Opened)


def test_a_text_is_remembered_and_its_key_is_gone(two: Two) -> None:
    message = two.bot_says("only once")
    assert two.ada.open(message, "bot") == "only once"
    two.ada.begin()
    assert two.ada.open(message, "bot") == "only once"
    assert two.ada.call("remembered", str(message.id)) == "only once"
    assert two.ada.call("forget", [str(message.id)]) is None
    assert two.ada.open(message, "bot") == "key_gone"
    assert two.ada.call("remembered", str(message.id)) is None


def test_another_text_for_a_message_is_opened_by_either(two: Two) -> None:
    message = two.bot_says("wrong")
    assert two.ada.open(message, "bot") == "wrong"
    mailbox = two.site.dm.mailbox("bot")
    claim = mailbox.devices.claim("ada")
    envelope = two.bot.seal("right", claim, to="ada", edits=message.id)
    mailbox.edit(message.conversation, message.id, envelope)
    now = two.seen_by("ada", message)
    assert two.ada.open(now, "bot") == "right"
    assert two.ada.open(attrs.evolve(now, body=message.body), "bot") == "replayed"

    mine = two.ada_says("wrong")
    two.bot.open(mine, partner="ada")
    again = parse_envelope(two.ada.seal("right", "bot", str(mine.id)))
    two.site.dm.mailbox("ada").edit(mine.conversation, mine.id, again)
    found = two.bot.open(two.seen_by("bot", mine), partner="ada")
    assert isinstance(found, Opened)
    assert found.text == "right"


def test_what_was_changed_moved_or_repeated_is_not_shown(two: Two) -> None:
    first, second = two.bot_says("first"), two.bot_says("second")
    told = json.loads(first.body.text) if first.body else {}
    for name in ("header", "commitment", "signature"):
        other = told | {name: json.loads(second.body.text)[name] if second.body else ""}
        envelope = json.dumps(other, separators=(",", ":"))
        assert two.ada.open(first, "bot", envelope=envelope) == "damaged"
    fewer = json.dumps(told | {"own": {}}, separators=(",", ":"))
    assert two.ada.open(first, "bot", envelope=fewer) == "damaged"
    assert two.ada.open(first, "bot", sender="ada") == "unknown_device"
    assert two.ada.open(first, "carl") == "damaged"
    assert two.ada.open(first, "bot", envelope="{}") == "nothing_sealed"
    assert two.ada.open(first, "bot", envelope=None) == "nothing_sealed"
    later = json.dumps(told | {"version": 2}, separators=(",", ":"))
    assert two.ada.open(first, "bot", envelope=later) == "unknown_protocol"
    stranger = json.dumps(told | {"device": str(uuid4())}, separators=(",", ":"))
    assert two.ada.open(first, "bot", envelope=stranger) == "unknown_device"
    assert two.ada.open(second, "bot") == "second"
    assert two.ada.open(first, "bot", id=str(uuid4()).replace("0", "f")) == "misplaced"
    assert two.ada.open(first, "bot") == "first"
    assert two.ada.open(second, "bot", id=str(uuid4())) == "replayed"


def test_what_a_browser_opened_it_can_prove(two: Two) -> None:
    message = two.bot_says("I know where you live")
    assert two.ada.open(message, "bot") == "I know where you live"
    kept, mailbox = two.ada.disclosure(message), two.site.dm.mailbox("ada")
    lie = attrs.evolve(kept, text="I know nothing")
    with pytest.raises(InvalidReport):
        mailbox.report(conversation=message.conversation, disclosures=[lie], reason="threat")
    report = mailbox.report(conversation=message.conversation, disclosures=[kept], reason="threat")
    desk = two.site.dm.moderation("mod")
    desk.take(report.id)
    assert [it.verdict for it in desk.evidence(report.id)] == [EvidenceVerdict.PROVEN]
    mine = two.ada_says("my own")
    assert two.ada.call("disclosure", str(mine.id)) is None


def test_the_number_to_compare_is_the_same_and_a_change_after_it_is_refused(two: Two) -> None:
    two.bot_says("hello")
    two.ada_says("hello")
    number = two.ada.call("safetyNumber", "bot")
    assert number == two.bot.safety_number("ada")
    assert two.ada.call("compared", "bot", number.replace(number[0], "x")) == "other_number"
    two.ada.call("compared", "bot", number)
    new = SealingDevice.new("bot")
    devices = two.site.dm.mailbox("bot").devices
    devices.add(**attrs.asdict(new.enrolment(one_time_keys=0), recurse=False))
    assert two.ada.learn("bot") == "keys_changed_since"
    assert two.ada.seal("not like this", "bot") == "keys_changed_since"
    two.ada.call("acceptChanges", "bot")
    assert two.ada.learn("bot") == [str(new.id)]
    assert two.ada.call("standing", "bot") == {"isCompared": False, "isChanged": True, "count": 2}
    assert two.ada.call("safetyNumber", "bot") != number
    devices.remove(new.id)
    two.ada.call("noticed", "bot")
    assert two.ada.learn("bot") == []
    # Listed again, for whoever found it.
    devices.add(**attrs.asdict(new.enrolment(one_time_keys=0), recurse=False))
    assert two.ada.learn("bot") == [str(new.id)]
    assert two.ada.call("standing", "bot")["isChanged"] is True
    two.ada.call("noticed", "bot")
    devices.remove(new.id)
    assert two.ada.learn("bot") == []


def test_a_text_that_no_report_could_hold_is_not_shown(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmcore.adapters.e2ee._device.parse_body", lambda text, _rules: Body(text))
    monkeypatch.setattr("dmcore.adapters.e2ee._device.LARGEST_TEXT", 100_000)
    for text in ("", "I will find you\0", "x" * 30_001):
        assert two.ada.open(two.bot_says(text), "bot") == "damaged"
    assert two.ada.open(two.bot_says("x" * 30_000), "bot") == "x" * 30_000
    assert two.ada.seal("x" * 30_001, "bot") == "too_long"


def test_one_reads_what_one_wrote_to_somebody_who_was_erased_since(two: Two) -> None:
    name = "erased-698b7bf2-03a7-8f87-86db-bb3e982e258d"
    sent = two.seen_by("ada", two.ada_says("good bye"))
    assert two.ada.open(sent, name) == "damaged"
    assert two.ada.open(sent, "bot") == "good bye"
    assert two.ada.open(sent, name) == "good bye"
    assert two.ada.open(sent, "carl") == "damaged"


def test_keys_that_their_device_did_not_sign_are_refused(two: Two) -> None:
    claim = two.site.dm.mailbox("ada").devices.claim("bot")
    own, other = bundle_told(claim.own), bundle_told(claim.other)
    (keys,) = other["devices"]
    forged = SealingDevice.new("bot").enrolment()
    for device in (
        keys["device"] | {"identity": spelled(forged.identity)},
        keys["device"] | {"id": str(uuid4())},
        keys["device"] | {"prekey": own["devices"][0]["device"]["prekey"]},
    ):
        bundle = other | {"devices": [keys | {"device": device}]}
        assert two.ada.call("learn", bundle) == "untrusted_keys"
    strangers = {"own": own, "other": other | {"user": "carl", "devices": []}}
    assert two.ada.call("seal", "no", strangers, "bot") == "untrusted_keys"
    nobody = {"own": own | {"devices": []}, "other": other}
    assert two.ada.call("seal", "no", nobody, "bot") == "removed"


def test_new_prekeys_are_taken_and_the_old_ones_still_open(two: Two) -> None:
    on_its_way = two.bot_says("sealed before")
    assert two.ada.call("isStale") is False
    before = two.ada.call("self")
    lost = two.ada.call("renewal")
    assert two.ada.call("isStale") is True
    again = two.ada.call("renewal")
    assert again["prekey"] == lost["prekey"]
    numbers = [{it["number"] for it in each["one_time_keys"]} for each in (lost, again)]
    assert numbers[0].isdisjoint(numbers[1])
    two.ada.renew()
    assert two.ada.call("isStale") is False
    assert two.ada.call("self")["device"] == before["device"]
    assert two.ada.open(on_its_way, "bot") == "sealed before"
    assert two.ada.open(two.bot_says("sealed after"), "bot") == "sealed after"
