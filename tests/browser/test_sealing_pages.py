"""Two people talk where nobody else can read it, each in a browser that is a device of theirs."""

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from playwright.sync_api import Browser, Locator, Route, expect
from tests.browser.faults import cut_off, faults
from tests.browser.people import Person
from tests.browser.sealing import SEALED
from tests.browser.site import LiveSite

from dmcore.adapters.e2ee import Opened, SealingDevice
from dmcore.adapters.web import Site

PLACEHOLDER = "This message cannot be opened on this device."
ON_SERVER = "Sealed message. This page cannot open it."

pytestmark = pytest.mark.promise("CRYPT-2")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    made = LiveSite(
        tmp_path_factory.mktemp("sealing"),
        policy=SEALED,
        site=Site(is_moderator=lambda viewer: viewer.user == "mod"),
    )
    yield made
    made.close()


@attrs.frozen
class Meeting:
    """People of this site, each with a browser that is looked after."""

    browser: Browser
    site: LiveSite
    people: list[Person] = attrs.field(factory=list)

    def person(self, name: str, **options: Any) -> Person:
        self.people.append(Person(self.browser, self.site, name, **options))
        return self.people[-1]

    def end(self) -> None:
        """Nothing went wrong in any of them, and nothing left the site."""
        for person in self.people:
            person.context.close()
        for person in self.people:
            person.check()


@attrs.frozen
class Pair:
    """Ann and Bob, each at a browser that is a device of theirs, and their conversation."""

    site: LiveSite
    ann: Person
    bob: Person
    thread: str

    def held(self) -> str:
        """Everything that the site holds of the conversation, as text."""
        found = self.site.dm.mailbox("ann").thread(self.thread, limit=100).items
        return " ".join(it.body.text for it in found if it.body is not None)


@pytest.fixture(scope="module")
def pair(browser: Browser, site: LiveSite) -> Iterator[Pair]:
    meeting = Meeting(browser, site)
    ann, bob = meeting.person("ann"), meeting.person("bob")
    thread = str(site.dm.mailbox("ann").start("bob", "in the clear").conversation)
    bob.open_live(thread)
    seal(bob)
    expect(words_of(bob)).to_contain_text("ann has no device yet")
    ann.open_live(thread)
    seal(ann)
    expect(words_of(ann)).to_contain_text("Only you and bob can read this.")
    expect(words_of(bob)).to_contain_text("Only you and ann can read this.")
    yield Pair(site, ann, bob, thread)
    meeting.end()


@pytest.fixture
def meeting(browser: Browser, site: LiveSite) -> Iterator[Meeting]:
    made = Meeting(browser, site)
    yield made
    made.end()


def words_of(person: Person) -> Locator:
    """How the page says that it stands."""
    return person.page.locator("[data-dm-seals-words]")


def seal(person: Person) -> None:
    """Press the button."""
    person.page.get_by_role("button", name="Seal this conversation").click()


def test_two_talk_sealed_and_the_site_holds_none_of_it(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write("the door code is zebra")
    expect(bob.message("the door code is zebra")).to_have_count(1)
    bob.write("I know, and it is not")
    expect(ann.message("I know, and it is not")).to_have_count(1)
    expect(ann.bubbles).to_have_count(0)
    held = pair.held()
    assert "zebra" not in held
    assert "it is not" not in held
    sent = [path for method, path in pair.site.asked if method == "POST"]
    assert any(path.endswith("/key-claims") for path in sent)
    for person in (ann, bob):
        person.page.reload()
        expect(person.message("in the clear")).to_contain_text("Not sealed")
        expect(person.message("the door code is zebra")).not_to_contain_text("Not sealed")
        for text in ("in the clear", "the door code is zebra", "I know, and it is not"):
            expect(person.message(text)).to_have_count(1)
        expect(person.entries.first).to_contain_text("I know, and it is not")


def test_a_browser_that_is_no_device_reads_and_writes_nothing(pair: Pair, meeting: Meeting) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write("for two browsers")
    expect(bob.message("for two browsers")).to_have_count(1)
    other = meeting.person("bob").open_thread(pair.thread)
    expect(words_of(other)).to_contain_text("This browser is no device of yours yet")
    expect(other.texts.last).to_have_text(PLACEHOLDER)
    expect(other.texts.first).to_have_text("in the clear")
    expect(other.composer).to_be_disabled()
    other.page.get_by_role("button", name="Make this browser a device of yours").click()
    expect(other.composer).to_be_enabled()
    expect(other.texts.last).to_have_text(PLACEHOLDER)
    # The one who was there before is told, of the other's device as of their own.
    ann.write("for three")
    expect(other.texts.last).to_have_text("for three")
    expect(bob.message("for three")).to_have_count(1)
    expect(words_of(ann)).to_contain_text("bob has another device")
    ann.page.get_by_role("button", name="I have read this").click()
    expect(words_of(ann)).to_contain_text("Only you and bob can read this.")


def test_without_scripts_it_is_said_and_nothing_can_be_sent(pair: Pair, meeting: Meeting) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write("not for a page alone")
    expect(bob.message("not for a page alone")).to_have_count(1)
    plain = meeting.person("bob", java_script_enabled=False).open_thread(pair.thread)
    expect(words_of(plain)).to_contain_text("Only devices of you and ann can read this")
    expect(plain.texts.last).to_have_text(ON_SERVER)
    expect(plain.composer).to_be_disabled()
    expect(plain.page.get_by_role("button", name="Send")).to_be_disabled()


def test_a_program_and_a_browser_talk(meeting: Meeting) -> None:
    dm, bot = meeting.site.dm, SealingDevice.new("bot")
    dm.mailbox("bot").devices.add(**attrs.asdict(bot.enrolment(), recurse=False))
    thread = str(dm.mailbox("bot").start("gil", "Ask me").conversation)
    gil = meeting.person("gil").open_live(thread)
    seal(gil)
    expect(words_of(gil)).to_contain_text("Only you and bot can read this.")
    gil.write("Which door is open?")
    expect(gil.bubbles).to_have_count(0)
    mailbox = dm.mailbox("bot")
    bot.learn(mailbox.devices.keys_of("gil"))
    found = bot.open(mailbox.thread(thread).items[-1], partner="gil")
    assert isinstance(found, Opened)
    assert found.text == "Which door is open?"
    mailbox.send(thread, bot.seal("The green one", mailbox.devices.claim("gil"), to="gil"))
    expect(gil.message("The green one")).to_have_count(1)
    # Somebody has one more device between the claim and the message: it is sealed once more.
    phone = SealingDevice.new("bot")
    late = [phone]

    def claim(route: Route) -> None:
        answer = route.fetch()
        while late:
            added = attrs.asdict(late.pop().enrolment(), recurse=False)
            mailbox.devices.add(**added)
        route.fulfill(response=answer)

    gil.may_fail = True
    gil.page.route("**/key-claims", claim)
    gil.write("In a hurry")
    expect(gil.message("In a hurry")).to_have_count(1)
    gil.page.unroute("**/key-claims")
    phone.learn(mailbox.devices.keys_of("gil"))
    assert isinstance(phone.open(mailbox.thread(thread).items[-1], partner="gil"), Opened)
    gil.page.get_by_role("button", name="I have read this").click()
    gil.page.get_by_text("Be certain that it is bot").click()
    bot.learn(mailbox.devices.claim("gil").own)
    expect(gil.page.locator("[data-dm-digits]")).to_have_text(bot.safety_number("gil"))
    gil.page.get_by_role("button", name="It is the same").click()
    expect(words_of(gil)).to_contain_text("You compared your number.")
    # Whoever hands out keys of somebody else is not believed.
    stranger = SealingDevice.new("bot")
    mailbox.devices.add(**attrs.asdict(stranger.enrolment(), recurse=False))
    gil.write("Still you?")
    expect(words_of(gil)).to_contain_text("Nothing is sent until that is settled")
    expect(gil.composer).to_be_disabled()
    assert gil.composer.input_value() == "Still you?"
    gil.page.get_by_role("button", name="Accept the change").click()
    expect(gil.composer).to_be_enabled()
    gil.page.get_by_role("button", name="Send").click()
    expect(gil.message("Still you?")).to_have_count(1)


def test_what_one_sealed_one_changes_sealed(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write("at thre")
    expect(bob.message("at thre")).to_have_count(1)
    ann.composer.fill("something else")
    sent = ann.message("at thre")
    sent.locator("summary").first.click()
    sent.get_by_role("button", name="Edit").click()
    expect(ann.composer).to_have_value("at thre")
    ann.write("at three o'clock")
    for person in (ann, bob):
        expect(person.message("at three o'clock")).to_contain_text("Edited")
    expect(ann.composer).to_have_value("something else")
    ann.composer.fill("")
    assert "o'clock" not in pair.held()
    assert bob.message("at three o'clock").get_by_role("button", name="Edit").count() == 0


def test_a_first_message_is_sealed_where_all_of_them_are(
    meeting: Meeting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    policy = attrs.evolve(SEALED, sealing="by_default")
    strict = LiveSite(tmp_path_factory.mktemp("strict"), policy=policy, site=Site())
    try:
        bot = SealingDevice.new("bot")
        for name, device in (("bot", bot), ("vic", SealingDevice.new("vic"))):
            enrolment = attrs.asdict(device.enrolment(), recurse=False)
            strict.dm.mailbox(name).devices.add(**enrolment)
        vic = Meeting(meeting.browser, strict, meeting.people).person("vic")
        vic.page.goto(f"{strict.address}/people/bot")
        vic.page.get_by_role("button", name="Message").click()
        expect(words_of(vic)).to_contain_text("This browser is no device of yours yet")
        vic.page.get_by_role("button", name="Make this browser a device of yours").click()
        text = vic.page.locator("textarea[name=body]")
        expect(text).to_be_enabled()
        text.fill("The first of all")
        text.press("Enter")
        expect(vic.message("The first of all")).to_have_count(1)
        mailbox = strict.dm.mailbox("bot")
        (entry,) = mailbox.inbox().items
        bot.learn(mailbox.devices.keys_of("vic"))
        (message,) = mailbox.thread(entry.conversation).items
        found = bot.open(message, partner="vic")
        assert isinstance(found, Opened)
        assert found.text == "The first of all"
        vic.context.close()
    finally:
        strict.close()


def test_a_browser_that_is_too_old_is_told_so(pair: Pair, meeting: Meeting) -> None:
    old = meeting.person("bob")
    old.context.add_init_script("SubtleCrypto.prototype.generateKey = () => Promise.reject()")
    old.open_thread(pair.thread)
    expect(words_of(old)).to_contain_text("This browser is too old to seal")
    expect(old.composer).to_be_disabled()


def test_what_is_reported_is_proven_to_the_moderators(pair: Pair, meeting: Meeting) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write("I know where you live")
    expect(bob.message("I know where you live")).to_have_count(1)
    bob.open(f"/t/{pair.thread}/report")
    offer = bob.page.get_by_text("I know where you live")
    expect(offer).to_be_visible()
    offer.click()
    bob.page.get_by_label("A threat").check()
    bob.page.get_by_role("button", name="Send the report").click()
    expect(bob.page.get_by_role("heading", name="Your report was sent")).to_be_visible()
    bob.open_live(pair.thread)
    mod = meeting.person("mod").open("/moderation")
    mod.page.locator(".dm-row a").first.click()
    mod.page.get_by_role("button", name="Take").click()
    mod.page.get_by_role("button", name="Look at what was chosen").click()
    expect(mod.page.get_by_text("I know where you live")).to_be_visible()
    expect(mod.page.get_by_text("It is proven that exactly this was sent.")).to_be_visible()


def test_a_send_that_was_cut_off_is_repeated_with_the_same_envelope(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    bodies: list[str] = []
    ann.page.on(
        "request",
        lambda it: (
            bodies.append(it.post_data or "")
            if it.method == "POST" and it.url.endswith("/messages")
            else None
        ),
    )
    ann.may_fail = True
    left = [1]
    pair.site.fails = lambda method, path: (
        method == "POST" and path.endswith("/messages") and bool(left) and bool(left.pop())
    )
    ann.write("twice on its way")
    expect(bob.message("twice on its way")).to_have_count(1)
    expect(ann.bubbles).to_have_count(0)
    pair.site.fails = lambda _method, _path: False
    assert len(bodies) == 2
    assert len({json.loads(it)["envelope"] for it in bodies}) == 1


def test_two_windows_send_in_the_order_in_which_they_seal(pair: Pair) -> None:
    """What waited in one of them is sealed anew: nobody opens what stands behind a later one."""
    ann, bob = pair.ann, pair.bob
    ann.may_fail = True
    ann.page.route("**/messages", lambda route: route.abort())
    ann.write("from the first window")
    expect(ann.bubbles).to_contain_text("Not sent yet")
    second = ann.window()
    second.goto(ann.page.url)
    text = second.locator("textarea[name=body]")
    expect(text).to_be_enabled()
    text.fill("from the second window")
    text.press("Enter")
    expect(bob.message("from the second window")).to_have_count(1)
    ann.page.unroute("**/messages")
    ann.page.evaluate("dispatchEvent(new Event('online'))")
    expect(bob.message("from the first window")).to_have_count(1)
    expect(bob.texts.last).to_have_text("from the first window")
    expect(ann.bubbles).to_have_count(0)
    second.close()


def test_of_two_new_devices_each_is_told(pair: Pair) -> None:
    """Having read of one's own is not having read of the other's."""
    ann, dm = pair.ann, pair.site.dm
    added = []
    for name in ("ann", "bob"):
        device = SealingDevice.new(name)
        dm.mailbox(name).devices.add(**attrs.asdict(device.enrolment(), recurse=False))
        added.append((name, device.id))
    ann.page.reload()
    expect(words_of(ann)).to_contain_text("A device was added to your account")
    ann.page.get_by_role("button", name="I have read this").click()
    expect(words_of(ann)).to_contain_text("bob has another device")
    ann.page.get_by_role("button", name="I have read this").click()
    expect(words_of(ann)).to_contain_text("Only you and bob can read this.")
    for name, device_id in added:
        dm.mailbox(name).devices.remove(device_id)


def test_earlier_messages_are_opened_as_one_comes_to_them(meeting: Meeting) -> None:
    dm, bot = meeting.site.dm, SealingDevice.new("robo")
    mailbox = dm.mailbox("robo")
    mailbox.devices.add(**attrs.asdict(bot.enrolment(), recurse=False))
    thread = str(mailbox.start("lou", "Hello").conversation)
    lou = meeting.person("lou").open_live(thread)
    seal(lou)
    expect(words_of(lou)).to_contain_text("Only you and robo can read this.")
    lou.open()
    for count in range(60):
        mailbox.send(thread, bot.seal(f"line {count}", mailbox.devices.claim("lou"), to="lou"))
    lou.open_thread(thread)
    expect(lou.texts.last).to_have_text("line 59")
    lou.page.locator(".dm-scroll").last.evaluate("(it) => it.scrollTo(0, 0)")
    expect(lou.texts.first).to_have_text("Hello")
    assert PLACEHOLDER not in lou.texts.all_inner_texts()
    assert ON_SERVER not in lou.texts.all_inner_texts()


def test_everybody_can_use_it(pair: Pair, meeting: Meeting, axe: str) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write("hello")
    expect(bob.message("hello")).to_have_count(1)
    bob.page.get_by_text("Be certain that it is ann").click()
    phone = meeting.person("bob", viewport={"width": 390, "height": 844}).open_thread(pair.thread)
    expect(words_of(phone)).to_contain_text("This browser is no device of yours yet")
    for person in (bob, phone):
        assert faults(person, axe) == []
        assert cut_off(person) == []
