"""Sealing: opened in its place, with its sender's key, and nowhere and never else (CRYPT-1)."""

from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.sealed import Keys

from dmcore.adapters.crypto import _sealing
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import InvalidSetting, UnreadableText
from dmcore.ports.keyring import Place, Shelf
from dmcore.testing.world import anatomy

pytestmark = pytest.mark.promise("CRYPT-1")

ANN = User(TenantId("here"), UserId("ann"))
BOB = User(TenantId("here"), UserId("bob"))
PLACE = Place(owner=ANN, scope=UUID(int=1), message=UUID(int=2), shelf=Shelf.BODY)
TEXT = b"meet me at the bakery"

OTHER_PLACES = [
    attrs.evolve(PLACE, owner=BOB),
    attrs.evolve(PLACE, owner=User(TenantId("there"), ANN.id)),
    attrs.evolve(PLACE, scope=UUID(int=3)),
    attrs.evolve(PLACE, message=UUID(int=3)),
    *(attrs.evolve(PLACE, shelf=shelf) for shelf in Shelf if shelf is not Shelf.BODY),
]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def refused(act: Callable[[], object]) -> tuple[object, ...]:
    with pytest.raises(UnreadableText) as caught:
        act()
    return anatomy(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    content=st.binary(max_size=200),
    names=st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=20)),
    shelf=st.sampled_from(Shelf),
    ids=st.tuples(st.uuids(), st.uuids()),
)
def test_what_is_sealed_is_opened_as_it_was(
    keys: Keys, content: bytes, names: tuple[str, str], shelf: Shelf, ids: tuple[UUID, UUID]
) -> None:
    user, tenant = (name.encode("utf-8", "ignore").decode().replace("\0", "") for name in names)
    owner = User(TenantId(tenant), UserId(user or "x"))
    place = Place(owner=owner, scope=ids[0], message=ids[1], shelf=shelf)
    encryption = keys.encryption()
    sealed = encryption.seal(content, place)
    encryption.close()
    again = keys.encryption()
    assert again.open(sealed, place) == content
    again.close()


@pytest.mark.parametrize("other", OTHER_PLACES)
def test_it_is_opened_in_its_own_place_alone(keys: Keys, other: Place) -> None:
    encryption = keys.encryption()
    # So that there is a key for everybody, and for the other place too.
    encryption.seal(TEXT, other)
    sealed = encryption.seal(TEXT, PLACE)
    refused(lambda: encryption.open(sealed, other))
    assert encryption.open(sealed, PLACE) == TEXT
    encryption.close()


def test_whatever_was_changed_is_not_opened_and_tells_nothing(keys: Keys) -> None:
    encryption = keys.encryption()
    sealed = encryption.seal(TEXT, PLACE)
    changed = [
        bytes(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]) for at in range(len(sealed))
    ]
    shorter = [sealed[:size] for size in range(len(sealed))]
    told = [refused(partial(encryption.open, it, PLACE)) for it in [*changed, *shorter, TEXT]]
    assert all(one == told[0] for one in told)
    assert encryption.open(sealed, PLACE) == TEXT
    encryption.close()


def test_the_same_text_never_looks_the_same(keys: Keys) -> None:
    encryption = keys.encryption()
    sealed = [encryption.seal(TEXT, PLACE) for _ in range(200)]
    assert len({one[9:21] for one in sealed}) == len(set(sealed)) == 200
    assert not any(TEXT[:6] in one for one in sealed)
    encryption.close()


def test_each_conversation_of_a_sender_has_a_key_of_its_own(keys: Keys) -> None:
    held = keys.keyring().make(ANN)
    assert held.current is not None
    made = {_sealing._data_key(held.current, place) for place in (PLACE, *OTHER_PLACES)}
    # Another message of the same conversation and sender has the same.
    assert len(made) == 5
    assert held.current.secret not in made


# Keys that come and go --------------------------------------------------------------------------


def test_a_key_that_was_destroyed_opens_nothing_here_and_soon_nowhere(keys: Keys) -> None:
    """Not in the process that did it, and in no other after a minute (which tells nobody)."""
    clock = Clock()
    here, there = keys.encryption(monotonic=clock), keys.encryption(monotonic=clock)
    sealed = here.seal(TEXT, PLACE)
    bobs = attrs.evolve(PLACE, owner=BOB)
    of_bob = here.seal(TEXT, bobs)
    assert there.open(sealed, PLACE) == TEXT
    here.destroy(ANN)
    refused(lambda: here.open(sealed, PLACE))
    clock.now_s += _sealing.CACHED_FOR_S
    refused(lambda: there.open(sealed, PLACE))
    # Twice: once it asked, once it knew.
    refused(lambda: there.open(sealed, PLACE))
    here.destroy(ANN)
    assert here.open(of_bob, bobs) == there.open(of_bob, bobs) == TEXT
    for one in (here, there):
        one.close()


def test_who_comes_back_has_another_key(keys: Keys) -> None:
    encryption = keys.encryption()
    before = encryption.seal(TEXT, PLACE)
    encryption.destroy(ANN)
    after = encryption.seal(TEXT, PLACE)
    assert before[1:9] != after[1:9]
    refused(lambda: encryption.open(before, PLACE))
    assert encryption.open(after, PLACE) == TEXT
    encryption.close()


def test_nobody_keeps_a_key_for_longer_than_a_minute(keys: Keys) -> None:
    with pytest.raises(InvalidSetting):
        keys.encryption(cached_for_s=_sealing.CACHED_FOR_S + 1)
    with pytest.raises(InvalidSetting):
        keys.encryption(cached_for_s=-1)
    assert _sealing.CACHED_FOR_S == 60


def test_a_key_that_another_process_has_just_made_is_found_at_once(keys: Keys) -> None:
    here, there = keys.encryption(), keys.encryption()
    there.prepare([ANN])
    assert there.is_ready([ANN])
    assert not there.is_ready([ANN], writer=ANN)
    sealed = here.seal(TEXT, PLACE)
    assert there.open(sealed, PLACE) == TEXT
    keys.keyring().rotate_users()
    later = keys.encryption()
    renewed = later.seal(TEXT, PLACE)
    assert there.open(renewed, PLACE) == TEXT
    assert not later.is_current(sealed, ANN)
    assert later.is_current(renewed, ANN)
    assert later.open(sealed, PLACE) == TEXT
    for one in (here, there, later):
        one.close()


def test_what_is_in_memory_is_bounded_and_gone_when_it_is_closed(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sealing, "_MOST_USERS", 3)
    monkeypatch.setattr(_sealing, "_MOST_CIPHERS", 2)
    encryption = keys.encryption()
    people = [User(TenantId(""), UserId(str(number))) for number in range(5)]
    for user in people:
        encryption.seal(TEXT, attrs.evolve(PLACE, owner=user))
    for _ in range(5):
        encryption.seal(TEXT, attrs.evolve(PLACE, owner=people[-1], scope=uuid4()))
    assert [user for user in people if encryption.is_ready([user])] == people[-3:]
    assert len(encryption._held[people[-1]].ciphers) <= 2
    encryption.close()
    assert not any(encryption.is_ready([user]) for user in people)
    assert encryption._keyring._roots == {}  # type: ignore[attr-defined]


def test_no_key_is_in_a_repr(keys: Keys) -> None:
    encryption = keys.encryption()
    held = keys.keyring().make(ANN)
    assert held.current is not None
    shown = f"{encryption!r} {held!r} {keys.keyring()!r}"
    assert held.current.secret.hex() not in shown
    assert repr(held.current.secret) not in shown
    assert repr(encryption) == "AesGcm()"
    encryption.close()
