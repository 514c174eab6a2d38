"""Sealing in a world of the proofs: what is taken for a message shows in it, to be compared."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from dmcore import Envelope, KeyBundle, Mailbox, SealedPart
from dmcore.testing.conformance.devices import enrol

_TABLET: Final = UUID("00000000-0000-4000-8000-000000000003")

Ask = Callable[[], object]


def sealed(box: Mailbox, other: str, words: str) -> Envelope | str:
    """An envelope that tells in the clear which keys were claimed for it.

    Where nothing could be sent no key is taken: what is refused in one world is left out in the
    other, and has to leave nothing behind.
    """
    if not box.can_message(other).is_allowed:
        return words
    claim = box.devices.claim(other)

    def parts(bundle: KeyBundle) -> tuple[SealedPart, ...]:
        return tuple(
            SealedPart(device=it.device.id, ciphertext=words.encode()) for it in bundle.devices
        )

    numbers = [it.one_time.number if it.one_time else None for it in claim.other.devices]
    return Envelope(
        protocol="test",
        version=1,
        device=claim.own.devices[0].device.id,
        own_changes=claim.own.key_changes,
        other_changes=claim.other.key_changes,
        header=repr(numbers).encode(),
        commitment=bytes(32),
        signature=bytes(64),
        own=parts(claim.own),
        other=parts(claim.other),
    )


def change_tablet(box: Mailbox) -> None:
    """Add a second device, or remove it again."""
    if any(it.id == _TABLET for it in box.devices.list()):
        box.devices.remove(_TABLET)
    else:
        enrol(box, _TABLET)


def about_keys(box: Mailbox, people: Sequence[str]) -> dict[str, Ask]:
    """What can be asked about devices and keys without taking any."""
    asks: dict[str, Ask] = {"devices": box.devices.list}
    for peer in people:
        if peer != box.user.id:
            asks[f"keys of {peer}"] = lambda it=peer: box.devices.keys_of(it)  # type: ignore[misc]
            asks[f"number with {peer}"] = lambda it=peer: box.devices.safety_number(it)  # type: ignore[misc]
    return asks
