"""Devices: whose keys are given to whom, each one-time key once, and what is told of a change."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import attrs
import pytest

from dmcore import Action, Device, DmcoreError, KeyClaim, Mailbox, Policy, Prekey, RateLimit
from dmcore.domain.devices import MOST_DEVICES, safety_number
from dmcore.domain.ids import User
from dmcore.errors import (
    AccessDenied,
    AccountErased,
    DeviceConflict,
    InvalidDevice,
    InvalidId,
    LimitReached,
    MessagingUnavailable,
    NoDevice,
    RecipientUnavailable,
    StartRefused,
    Suspended,
    TooManyDevices,
    UnknownUser,
    YouBlockedThem,
)
from dmcore.ports.transactions import Actor, Capacity, Transaction, reading
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.rows import BOB
from dmcore.testing.directory import INACTIVE, PLAIN, People
from dmcore.testing.harness import Harness
from dmcore.testing.world import ABSORBING, MakeWorld, World, export_of, facts_of

OPERATOR: Final = Actor(Capacity.OPERATOR)
PHONE: Final = UUID("00000000-0000-4000-8000-000000000001")
LAPTOP: Final = UUID("00000000-0000-4000-8000-000000000002")


def prekey(number: int = 0) -> Prekey:
    """A key that nobody could use, as good as any other for a directory."""
    return Prekey(number=number, public=bytes([number % 256]) * 32, signature=bytes(64))


def enrol(box: Mailbox, device: UUID = PHONE, *, one_time: Sequence[int] = ()) -> Device:
    """Give somebody a device."""
    identity = (box.user.id.encode() * 32)[:31] + bytes([device.int % 256])
    keys = [prekey(number) for number in one_time]
    return box.devices.add(device, identity=identity, prekey=prekey(), one_time_keys=keys)


def numbers_of(claim: KeyClaim) -> list[int | None]:
    """The numbers of the one-time keys that were given."""
    keys = (it.one_time for it in claim.other.devices)
    return [None if key is None else key.number for key in keys]


class TestDevices:
    """Devices: whose keys are given to whom, each one-time key once, what is told of a change."""

    # One's own ------------------------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2")
    def test_a_device_is_there_as_it_was_added(self, world: World) -> None:
        assert world.ann.devices.list() == ()
        laptop = enrol(world.ann, LAPTOP)
        world.tick()
        phone = enrol(world.ann, one_time=[7])
        assert world.ann.devices.list() == (phone, laptop)
        assert (phone.id, phone.prekey, phone.added_at) == (PHONE, prekey(), phone.renewed_at)
        assert phone.added_at_us == laptop.added_at_us + 1_000_000
        assert world.bob.devices.list() == ()
        assert world.dm.mailbox("ann", tenant="north").devices.list() == ()
        assert world.ann.devices.user == world.ann.user
        assert world.is_sound()

    @pytest.mark.promise("CRYPT-2", "AUD-1")
    def test_each_change_is_a_fact_of_the_owner_and_of_nobody_else(self, world: World) -> None:
        world.ann.start("bob", "x")
        before, bobs = len(facts_of(world.ann)), facts_of(world.bob)
        enrol(world.ann)
        world.ann.devices.renew(PHONE, prekey=prekey(1))
        world.ann.devices.remove(PHONE)
        assert [fact.action for fact in facts_of(world.ann)[before:]] == [
            Action.DEVICE_ADDED,
            Action.DEVICE_RENEWED,
            Action.DEVICE_REMOVED,
        ]
        assert facts_of(world.bob) == bobs

    def test_adding_twice_is_adding_once(self, world: World) -> None:
        added = enrol(world.ann, one_time=[1])
        with world.unchanged():
            world.tick()
            assert enrol(world.ann, one_time=[1]) == added

    def test_one_id_has_one_identity(self, world: World) -> None:
        enrol(world.ann)
        with world.unchanged(), pytest.raises(DeviceConflict):
            world.ann.devices.add(PHONE, identity=bytes(32), prekey=prekey())
        enrol(world.bob)

    def test_there_are_so_many_devices_and_no_more(self, world: World) -> None:
        for number in range(MOST_DEVICES):
            enrol(world.ann, UUID(int=PHONE.int + number))
        with world.unchanged(), pytest.raises(TooManyDevices) as caught:
            enrol(world.ann, UUID(int=PHONE.int + MOST_DEVICES))
        assert caught.value.details == {"most": MOST_DEVICES}
        world.ann.devices.remove(PHONE)
        enrol(world.ann, UUID(int=PHONE.int + MOST_DEVICES))

    def test_renewing_replaces_all_prekeys_and_keeps_the_identity(self, world: World) -> None:
        enrol(world.ann)
        first = enrol(world.bob, one_time=[1, 2, 3])
        world.tick()
        # The same number again: what is replaced is not in the way.
        renewed = world.bob.devices.renew(PHONE, prekey=prekey(9), one_time_keys=[prekey(3)])
        assert renewed == attrs.evolve(
            first, prekey=prekey(9), renewed_at_us=first.renewed_at_us + 1_000_000
        )
        assert world.bob.devices.list() == (renewed,)
        assert numbers_of(world.ann.devices.claim("bob")) == [3]
        assert numbers_of(world.ann.devices.claim("bob")) == [None]

    def test_a_device_of_somebody_else_is_nobodys(self, world: World) -> None:
        enrol(world.bob)
        for change in (
            lambda: world.ann.devices.remove(PHONE),
            lambda: world.ann.devices.renew(PHONE, prekey=prekey()),
        ):
            with world.unchanged(), pytest.raises(AccessDenied):
                change()

    def test_a_removed_device_is_gone_with_its_keys(self, world: World) -> None:
        enrol(world.ann)
        enrol(world.bob, one_time=[1, 2])
        world.bob.devices.remove(PHONE)
        with world.unchanged(), pytest.raises(AccessDenied):
            world.bob.devices.remove(PHONE)
        with world.unchanged(), pytest.raises(NoDevice):
            world.ann.devices.claim("bob")
        enrol(world.bob)
        assert numbers_of(world.ann.devices.claim("bob")) == [None]

    def test_what_are_no_keys_is_refused(self, world: World) -> None:
        def add(device: Any = PHONE, *, identity: Any = bytes(32), **keys: Any) -> object:
            given: dict[str, Any] = {"prekey": prekey(), **keys}
            return world.ann.devices.add(device, identity=identity, **given)

        wrong: tuple[Callable[[], object], ...] = (
            lambda: add("x"),
            lambda: add(identity=bytes(31)),
            lambda: add(identity="x" * 32),
            lambda: add(prekey=None),
            lambda: add(one_time_keys=["key"]),
            lambda: add(one_time_keys=[prekey(1), prekey(1)]),
            lambda: add(one_time_keys=[prekey(number) for number in range(101)]),
            lambda: Prekey(number=-1, public=bytes(32), signature=bytes(64)),
            lambda: Prekey(number=1, public=bytes(33), signature=bytes(64)),
            lambda: Prekey(number=1, public=bytes(32), signature=bytes(63)),
        )
        for attempt in wrong:
            with world.unchanged(), pytest.raises((InvalidDevice, InvalidId)):
                attempt()

    # Taking keys ----------------------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2")
    def test_each_one_time_key_is_given_once_and_then_there_is_the_prekey(
        self, world: World
    ) -> None:
        enrol(world.ann, one_time=[1])
        enrol(world.bob, one_time=[5, 4])
        enrol(world.bob, LAPTOP, one_time=[1])
        claims = [world.ann.devices.claim("bob") for _ in range(3)]
        of_phone, of_laptop = zip(*map(numbers_of, claims), strict=True)
        assert {*of_phone[:2]} == {4, 5}
        assert (of_phone[2], *of_laptop) == (None, 1, None, None)
        for claim in claims:
            assert [it.device for it in claim.other.devices] == list(world.bob.devices.list())
            assert (claim.other.user, claim.other.key_changes) == ("bob", 2)
            assert [it.device for it in claim.own.devices] == list(world.ann.devices.list())
            assert (claim.own.user, claim.own.key_changes) == ("ann", 1)
            assert claim.own.devices[0].one_time is None

    @pytest.mark.promise("CRYPT-2", "MOD-4", "BLOCK-2")
    def test_keys_are_given_by_lot(self, world: World) -> None:
        """In an order, a device would see how many were taken for what never reached it."""
        enrol(world.ann)
        enrol(world.bob)
        keys = [prekey(number) for number in range(20)]
        for draw in (0, 21, 59, 2**62 - 1):
            world.bob.devices.renew(PHONE, prekey=prekey(), one_time_keys=keys)
            assert _drawn(world, BOB, draw) == draw % 20
        world.bob.devices.renew(PHONE, prekey=prekey(), one_time_keys=keys)
        taken = [numbers_of(world.ann.devices.claim("bob"))[0] for _ in range(20)]
        assert {*taken} == set(range(20))
        assert taken not in (list(range(20)), list(range(19, -1, -1)))

    @pytest.mark.promise("CRYPT-2")
    def test_whoever_takes_keys_at_once_gets_different_ones(self, world: World) -> None:
        enrol(world.bob, one_time=range(12))
        boxes = [world.dm.mailbox(f"user {number}") for number in range(6)]
        for box in boxes:
            enrol(box)
        with ThreadPoolExecutor(6) as pool:
            claims = [*pool.map(lambda box: [box.devices.claim("bob") for _ in "ab"], boxes)]
        taken = [number for pair in claims for claim in pair for number in numbers_of(claim)]
        assert sorted(it for it in taken if it is not None) == list(range(12))

    @pytest.mark.promise("CRYPT-2", "LIMIT-1")
    def test_keys_are_taken_so_often_and_no_more(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(key_claims=RateLimit(2, timedelta(seconds=60))))
        enrol(world.ann)
        enrol(world.bob, one_time=[1, 2, 3])
        world.ann.devices.claim("bob")
        world.tick(seconds=10)
        world.ann.devices.claim("bob")
        with world.unchanged(), pytest.raises(LimitReached) as caught:
            world.ann.devices.claim("bob")
        assert (caught.value.limit, caught.value.retry_after) == (
            "key_claims",
            timedelta(seconds=50),
        )
        world.tick(seconds=50)
        assert numbers_of(world.ann.devices.claim("bob")) != [None]

    def test_without_a_limit_nothing_is_counted(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(key_claims=None))
        enrol(world.ann)
        enrol(world.bob)
        for _ in range(70):
            world.ann.devices.claim("bob")

    def test_sealing_needs_a_device_of_each(self, world: World) -> None:
        with world.unchanged(), pytest.raises(NoDevice, match="you have"):
            world.ann.devices.claim("bob")
        enrol(world.ann)
        with world.unchanged(), pytest.raises(NoDevice, match="this person has") as caught:
            world.ann.devices.claim("bob")
        assert caught.value.details == {"whose": "theirs"}

    @pytest.mark.promise("CRYPT-2", "BLOCK-1", "BLOCK-2")
    def test_whom_nobody_may_write_to_nobody_takes_keys_of(self, make_world: MakeWorld) -> None:
        for policy, refusal in ((Policy(), RecipientUnavailable), (ABSORBING, None)):
            world = make_world(policy)
            for box in (world.ann, world.bob):
                box.devices.list() or enrol(box)
            world.bob.block("ann")
            with world.unchanged(), pytest.raises(YouBlockedThem):
                world.bob.devices.claim("ann")
            if refusal is None:
                assert world.ann.devices.claim("bob").other.user == "bob"
            else:
                with world.unchanged(), pytest.raises(refusal):
                    world.ann.devices.claim("bob")

    @pytest.mark.promise("CRYPT-2", "GATE-1")
    def test_the_host_is_asked_about_a_start(self, harness: Harness) -> None:
        people = People("ann", "bob", "cyd")
        world = World(harness, directory=people)
        for box in (world.ann, world.bob, world.cyd):
            enrol(box)
        assert world.ann.devices.claim("bob").other.user == "bob"
        people.know("ann", INACTIVE)
        with world.unchanged(), pytest.raises(StartRefused):
            world.ann.devices.claim("bob")
        with world.unchanged(), pytest.raises(UnknownUser):
            world.ann.devices.claim("nobody")
        people.know("ann", PLAIN)
        world.bob.block("ann")
        world.ann.block("cyd")
        with world.unchanged(), pytest.raises(YouBlockedThem):
            world.ann.devices.claim("cyd")

    @pytest.mark.promise("CRYPT-2", "MOD-4")
    def test_nothing_is_told_of_who_takes_keys(self, world: World) -> None:
        """Not to whom they belong to either: they would learn who was about to write."""
        enrol(world.ann)
        enrol(world.bob, one_time=[1, 2])
        before = world.bob.devices.list(), facts_of(world.bob), export_of(world.bob)
        world.ann.devices.claim("bob")
        assert (world.bob.devices.list(), facts_of(world.bob), export_of(world.bob)) == before
        assert [(it.action, it.other, it.conversation) for it in facts_of(world.ann)[1:]] == [
            (Action.KEYS_CLAIMED, "bob", None)
        ]

    # What changes ---------------------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2")
    def test_the_other_is_told_of_changed_keys_when_they_next_take_some(self, world: World) -> None:
        begun = world.ann.start("bob", "x")
        enrol(world.ann)
        enrol(world.bob)

        def news() -> list[Action]:
            world.ann.devices.claim("bob")
            facts = facts_of(world.ann)
            assert {(it.other, it.conversation) for it in facts[2:]} == {
                ("bob", begun.conversation)
            }
            return [it.action for it in facts if it.action is Action.CHANGED_KEYS_SEEN]

        # The first keys are no change.
        assert news() == news() == []
        world.bob.devices.renew(PHONE, prekey=prekey(1))
        assert news() == []
        enrol(world.bob, LAPTOP)
        assert news() == news() == [Action.CHANGED_KEYS_SEEN]
        world.bob.devices.remove(PHONE)
        assert news() == [Action.CHANGED_KEYS_SEEN] * 2
        assert world.is_sound()

    @pytest.mark.promise("CRYPT-2")
    def test_the_two_compare_one_number(self, world: World) -> None:
        world.ann.start("bob", "x")
        enrol(world.ann)
        enrol(world.bob)
        first = world.ann.devices.safety_number("bob")
        assert first == world.bob.devices.safety_number("ann")
        assert len(first.replace(" ", "")) == 60
        assert {len(group) for group in first.split()} == {5}
        keys = {it.device.identity for it in world.ann.devices.keys_of("bob").devices}
        mine = {it.identity for it in world.ann.devices.list()}
        assert safety_number(world.bob.user.id, keys, world.ann.user.id, mine) == first
        world.bob.devices.renew(PHONE, prekey=prekey(1))
        assert world.ann.devices.safety_number("bob") == first
        enrol(world.bob, LAPTOP)
        assert world.ann.devices.safety_number("bob") != first
        assert world.ann.devices.safety_number("bob") == world.bob.devices.safety_number("ann")

    def test_keys_are_shown_to_whom_one_has_a_conversation_with(self, world: World) -> None:
        enrol(world.bob)
        for look in (world.ann.devices.keys_of, world.ann.devices.safety_number):
            with world.unchanged(), pytest.raises(AccessDenied):
                look("bob")
        world.ann.start("bob", "x")
        bundle = world.ann.devices.keys_of("bob")
        assert [it.device for it in bundle.devices] == list(world.bob.devices.list())
        assert (bundle.user, bundle.key_changes) == ("bob", 1)

    # Beside other rules ---------------------------------------------------------------------------

    @pytest.mark.promise("CRYPT-2", "OPS-1")
    def test_the_switch_holds_for_devices_too(self, world: World) -> None:
        enrol(world.ann)
        enrol(world.bob)
        world.olga.set_mode("read_only")
        enrol(world.ann, LAPTOP)
        acts = {
            "claim": lambda: world.ann.devices.claim("bob"),
            "add": lambda: enrol(world.bob, LAPTOP),
            "renew": lambda: world.ann.devices.renew(PHONE, prekey=prekey()),
            "remove": lambda: world.ann.devices.remove(PHONE),
            "list": world.ann.devices.list,
        }
        with world.unchanged(), pytest.raises(MessagingUnavailable):
            acts["claim"]()
        world.olga.set_mode("off")
        for act in acts.values():
            with world.unchanged(), pytest.raises(MessagingUnavailable):
                act()

    @pytest.mark.promise("CRYPT-2", "MOD-4")
    def test_who_is_suspended_can_still_remove_a_device(self, world: World) -> None:
        enrol(world.ann)
        world.dm.moderation("mod").restrict("ann", kind="suspend", reason="spam")
        refused = (
            lambda: enrol(world.ann, LAPTOP),
            lambda: world.ann.devices.renew(PHONE, prekey=prekey()),
            lambda: world.ann.devices.claim("bob"),
        )
        for act in refused:
            with world.unchanged(), pytest.raises(Suspended):
                act()
        assert len(world.ann.devices.list()) == 1
        world.ann.devices.remove(PHONE)
        assert world.ann.devices.list() == ()

    @pytest.mark.promise("CRYPT-2", "GDPR-1")
    def test_one_gets_ones_own_devices_with_the_export(self, world: World) -> None:
        enrol(world.ann)
        enrol(world.ann, LAPTOP, one_time=[1])
        enrol(world.bob)
        world.ann.block("cyd")
        world.ann.start("bob", "x")
        whole = export_of(world.ann)
        devices = [it for it in whole if isinstance(it, Device)]
        assert devices == list(world.ann.devices.list())
        for limit in (1, 2, 3):
            assert export_of(world.ann, limit=limit) == whole

    @pytest.mark.promise("CRYPT-2", "GDPR-1")
    def test_an_erased_user_has_no_device(self, world: World) -> None:
        world.ann.start("bob", "x")
        enrol(world.ann)
        enrol(world.bob, one_time=[1])
        enrol(world.bob, LAPTOP, one_time=[1])
        assert _kept_of(world, BOB) == (2, 2)
        world.olga.erase("bob")
        assert _kept_of(world, BOB) == (0, 0)
        acts = (
            world.bob.devices.list,
            lambda: enrol(world.bob),
            lambda: world.bob.devices.remove(PHONE),
            lambda: world.bob.devices.claim("ann"),
            lambda: world.bob.devices.keys_of("ann"),
        )
        for act in acts:
            with pytest.raises(AccountErased):
                act()
        with pytest.raises(DmcoreError):
            world.ann.devices.claim("bob")
        assert world.is_sound()


def _kept_of(world: World, user: User) -> tuple[int, int]:
    """How many devices a user has, and how many one-time keys could be taken of them now."""

    def count(tx: Transaction) -> tuple[int, int]:
        return len(tx.devices.of(user)[user]), len(tx.devices.take_one_time_keys(user, 0))

    return runner_of(world.dm).run(reading(count).by(OPERATOR))


def _drawn(world: World, user: User, draw: int) -> int:
    """The number of the one-time key that would be taken of a user's only device."""

    def number(tx: Transaction) -> int:
        (key,) = tx.devices.take_one_time_keys(user, draw).values()
        return key.number

    return runner_of(world.dm).run(reading(number).by(OPERATOR))
