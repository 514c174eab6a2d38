"""Two devices talk: what one sealed the other opens, and what is gone is gone."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.e2ee.people import Person
from tests.e2ee.people import world as new_world

from dmcore import BodyRules, Device, Message
from dmcore.adapters.e2ee import CannotOpen, Opened, SealingDevice, Unopened
from dmcore.errors import InvalidBody, InvalidEnvelope, UntrustedKeys, WrongPassphrase
from dmcore.testing.world import World, export_of

pytestmark = pytest.mark.promise("CRYPT-2")


def test_what_one_sealed_the_other_opens_and_so_does_its_sender(ann: Person, bob: Person) -> None:
    ann.say(bob, "the door code is zebra")
    bob.say(ann, "zebra it is")
    both = ["the door code is zebra", "zebra it is"]
    assert ann.read(bob) == bob.read(ann) == both
    # Once more: by now the keys are gone and what they opened is remembered.
    assert ann.read(bob) == bob.read(ann) == both


def test_nothing_of_a_text_is_stored(ann: Person, bob: Person, world: World) -> None:
    ann.say(bob, "the door code is zebra")
    ann.change(bob, ann.look(bob)[0], "the door code is okapi")
    assert bob.read(ann) == ["the door code is okapi"]
    stored = repr(world.harness.contents()) + "".join(
        message.body.text
        for box in (ann.box, bob.box)
        for message in export_of(box)
        if isinstance(message, Message) and message.body is not None
    )
    for word in ("zebra", "okapi", "door"):
        assert word not in stored


def test_texts_of_about_one_length_look_alike(ann: Person, bob: Person) -> None:
    sizes = {
        len(message.body.text)
        for message in (ann.say(bob, "x" * length) for length in (1, 50, 200))
        if message.body is not None
    }
    assert len(sizes) == 1


def test_a_message_is_changed_and_what_it_said_before_does_not_come_back(
    ann: Person, bob: Person
) -> None:
    first = ann.say(bob, "eight")
    ann.say(bob, "nine")
    old = bob.look(ann)[0]
    assert bob.read(ann) == ["eight", "nine"]
    ann.change(bob, first, "seven")
    assert bob.read(ann) == ["seven", "nine"]
    assert bob.opened(old, ann) == "[replayed]"
    ann.box.delete(first.conversation, first.id)
    assert bob.read(ann) == ["[nothing_sealed]", "nine"]
    bob.device.forget(first.id)
    bob.device.forget(first.id)


def test_where_one_time_keys_have_run_out_the_prekey_will_do(world: World, ann: Person) -> None:
    bob = Person.of(world, "bob", one_time_keys=1)
    for text in ("1", "2", "3"):
        ann.say(bob, text)
    assert bob.read(ann) == ["1", "2", "3"]
    renewal = bob.device.renewal(one_time_keys=2)
    bob.box.devices.renew(
        renewal.device, prekey=renewal.prekey, one_time_keys=renewal.one_time_keys
    )
    ann.say(bob, "4")
    assert bob.read(ann) == ["1", "2", "3", "4"]


def test_a_recorded_text_stays_closed_once_its_key_was_used(ann: Person, bob: Person) -> None:
    """Who takes the device later, without what it opened, reads nothing of it."""
    message = ann.say(bob, "gone")
    recorded = bob.look(ann)[0]
    assert bob.read(ann) == ["gone"]
    bob.device.forget(message.id)
    assert bob.opened(recorded, ann) == "[key_gone]"


def test_keys_that_are_too_old_are_gone(ann: Person, world: World) -> None:
    eve = Person.of(world, "eve", one_time_keys=0)
    ann.say(eve, "late")
    for _ in range(3):
        eve.device.renewal(one_time_keys=400)
    assert eve.read(ann) == ["[key_gone]"]


def test_a_device_that_came_later_shows_a_placeholder_and_what_follows(
    ann: Person, bob: Person, world: World
) -> None:
    """Lost and replaced, or one more: history pages on, and nothing is lost for the others."""
    ann.say(bob, "before")
    tablet = Person.of(world, "bob")
    ann.say(bob, "after")
    assert tablet.read(ann) == ["[not_for_this_device]", "after"]
    assert bob.read(ann) == ["before", "after"]
    bob.box.devices.remove(bob.device.id)
    ann.say(bob, "later")
    assert tablet.read(ann)[2] == "later"
    assert bob.read(ann) == ["before", "after", "[not_for_this_device]"]


def test_what_is_not_sealed_in_a_way_one_knows_has_a_placeholder(
    ann: Person, bob: Person, world: World
) -> None:
    sent = ann.box.start("bob", "in the clear")
    assert bob.opened(sent, ann) == "[nothing_sealed]"
    assert SealingDevice.new("bob").open(ann.say(bob, "x"), partner="ann") == Unopened(
        CannotOpen.UNKNOWN_DEVICE
    )
    assert world.is_sound()


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(min_size=1, max_size=600).filter(str.isprintable), max_size=3))
def test_any_text_goes_round(texts: list[str]) -> None:
    place = new_world()
    ann, bob = Person.of(place, "ann"), Person.of(place, "bob")
    said = []
    for text in texts:
        try:
            ann.say(bob, text)
        except InvalidBody:
            continue
        said.append(text)
        assert bob.read(ann) == said


# Texts and keys -----------------------------------------------------------------------------------


def test_the_rules_for_texts_are_kept_by_who_seals(ann: Person, bob: Person) -> None:
    claim = ann.box.devices.claim(bob.name)
    for text, rules in (
        ("", None),
        ("x" * 4_001, None),
        ("\u200b", None),
        ("\U0001f600", BodyRules(emoji="refuse")),
    ):
        with pytest.raises(InvalidBody):
            ann.device.seal(text, claim, to="bob", rules=rules)
    long = BodyRules(longest=200_000, largest_bytes=200_000)
    ann.device.seal("é" * 15_000, claim, to="bob", rules=long)
    with pytest.raises(InvalidEnvelope, match="30000 bytes"):
        ann.device.seal("é" * 15_001, claim, to="bob", rules=long)


def test_a_device_comes_back_from_its_export_with_all_it_knows(ann: Person, bob: Person) -> None:
    ann.say(bob, "first")
    assert bob.read(ann) == ["first"]
    file = bob.device.exported("correct horse")
    again = Person(bob.box, SealingDevice.imported(file, "correct horse"))
    ann.say(bob, "second")
    assert again.read(ann) == ["first", "second"]
    again.say(ann, "third")
    assert ann.read(bob) == ["first", "second", "third"]
    twin = SealingDevice.imported(again.device.exported("p"), "p")
    assert twin.safety_number("ann") == again.device.safety_number("ann")
    assert (twin.id, twin.user) == (bob.device.id, bob.box.user)
    for wrong, passphrase in (
        (file, "correct horses"),
        (file[:-1], "correct horse"),
        (file[1:], "correct horse"),
        (file[:30], "correct horse"),
        (b"", "correct horse"),
    ):
        with pytest.raises(WrongPassphrase):
            SealingDevice.imported(wrong, passphrase)
    assert b"first" not in file


def test_the_two_see_one_number_which_the_directory_says_too(ann: Person, bob: Person) -> None:
    ann.say(bob, "x")
    bob.say(ann, "y")
    number = ann.device.safety_number("bob")
    assert number == bob.device.safety_number("ann") == ann.box.devices.safety_number("bob")


def test_who_compared_is_asked_before_a_new_device_is_sealed_for(
    ann: Person, bob: Person, world: World
) -> None:
    ann.say(bob, "x")
    number = ann.device.safety_number("bob")
    ann.device.compared("bob")
    tablet = Person.of(world, "bob")
    with pytest.raises(UntrustedKeys, match="compared"):
        ann.say(bob, "y")
    ann.device.accept_changes("bob")
    ann.say(bob, "z")
    assert tablet.read(ann)[-1] == "z"
    assert ann.device.safety_number("bob") != number


def test_new_devices_are_named_as_they_are_learned(ann: Person, bob: Person) -> None:
    ann.box.start("bob", "x")
    bundle = ann.box.devices.keys_of("bob")
    assert ann.device.learn(bundle) == (bob.device.id,)
    assert ann.device.learn(bundle) == ()


def test_a_device_that_was_met_while_sealing_is_named_afterwards(
    world: World, ann: Person, bob: Person
) -> None:
    ann.say(bob, "x")
    assert ann.device.learn(ann.box.devices.keys_of("bob")) == (bob.device.id,)
    tablet = Person.of(world, "bob")
    ann.say(bob, "y")
    again = SealingDevice.imported(ann.device.exported("p"), "p")
    for device in (ann.device, again):
        assert device.learn(ann.box.devices.keys_of("bob")) == (tablet.device.id,)
        assert device.learn(ann.box.devices.keys_of("bob")) == ()


def test_one_reads_what_one_wrote_to_somebody_who_was_erased_since(
    world: World, ann: Person, bob: Person
) -> None:
    ann.say(bob, "hello")
    sent = bob.say(ann, "good bye")
    assert bob.read(ann) == ["hello", "good bye"]
    tablet = SealingDevice.new("bob")
    world.olga.erase("ann")
    (entry,) = bob.box.inbox().items
    theirs, mine = bob.box.thread(sent.conversation).items
    found = bob.device.open(mine, partner=entry.other)
    assert isinstance(found, Opened)
    assert found.text == "good bye"
    assert isinstance(bob.device.open(theirs, partner=entry.other), Unopened)
    assert isinstance(tablet.open(mine, partner=entry.other), Unopened)
    # It was for Ann, whatever a server says of whom it is with.
    assert isinstance(bob.device.open(mine, partner="eve"), Unopened)


def test_what_a_device_holds_does_not_show(ann: Person, bob: Person) -> None:
    ann.say(bob, "the door code is zebra")
    found = bob.device.open(bob.look(ann)[0], partner="ann")
    assert isinstance(found, Opened)
    told = bob.device.enrolment()
    shown = f"{found!r} {told!r} {bob.device!r} {ann.box.devices.claim('bob')!r}"
    assert "zebra" not in shown
    assert told.identity.hex() not in shown
    (device,) = (it for it in export_of(bob.box) if isinstance(it, Device))
    assert (device.id, device.identity) == (bob.device.id, told.identity)


def test_without_its_extra_it_says_what_is_missing() -> None:
    program = """
import sys
sys.modules["cryptography"] = None
try:
    import dmcore.adapters.e2ee
except ImportError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.endswith('is not installed: pip install "dmcore[crypto]"\n')
