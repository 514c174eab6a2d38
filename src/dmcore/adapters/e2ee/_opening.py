"""Opening: who it is from, whether it stands where it was put, and what it says, in that order.

Whatever a server hands out comes to a text or to a reason, never to an error.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from dmcore.adapters.e2ee._bytes import (
    PROTOCOL,
    VERSION,
    Header,
    Route,
    context,
    read_header,
    signed_statement,
    unpadded,
)
from dmcore.adapters.e2ee._contents import CannotOpen, Opened, Unopened
from dmcore.adapters.e2ee._memory import Known, Memory, Origin
from dmcore.adapters.e2ee._suite import KEY_NAME_SIZE, SUITE, is_signed
from dmcore.domain.envelope import Envelope
from dmcore.domain.franking import commitment_to
from dmcore.domain.ids import UserId
from dmcore.domain.message import Message
from dmcore.domain.pseudonyms import is_pseudonym


def opened(memory: Memory, message: Message, partner: UserId) -> Opened | Unopened:
    """What a message of the conversation with ``partner`` says to this device."""
    envelope = message.envelope
    if envelope is None:
        return Unopened(CannotOpen.NOTHING_SEALED)
    if (envelope.protocol, envelope.version) != (PROTOCOL, VERSION):
        return Unopened(CannotOpen.UNKNOWN_PROTOCOL)
    is_own = message.sender == memory.user
    if is_own and is_pseudonym(partner) and message.id in memory.origins:
        # Who was erased since has another name here; what was opened before was for the old one.
        partner = memory.origins[message.id].partner
    route = Route(
        tenant=memory.tenant,
        sender=message.sender,
        device=envelope.device,
        recipient=partner if is_own else memory.user,
    )
    header = read_header(envelope.header)
    if header is None or (not is_own and message.sender != partner):
        return Unopened(CannotOpen.DAMAGED)
    fault = _fault_of(memory, envelope, route) or _misplaced(memory, message, header, route)
    if fault is not None:
        return Unopened(fault)
    before = memory.opened.get(message.id)
    if before is not None and before.number == header.number:
        return before
    found = _text_of(memory, envelope, route, header)
    if isinstance(found, Opened):
        memory.opened[message.id] = found
        memory.origins[message.id] = Origin(
            sender=route.sender,
            device=route.device,
            partner=partner,
            is_edit=header.edits is not None,
            sent_at_us=message.sent_at_us,
            edited_at_us=message.edited_at_us,
            tag=message.franking,
        )
    return found


def _fault_of(memory: Memory, envelope: Envelope, route: Route) -> CannotOpen | None:
    """What is wrong with who it is said to be from, if anything."""
    identity = memory.known.get(route.sender, Known()).identities.get(envelope.device)
    if identity is None:
        return CannotOpen.UNKNOWN_DEVICE
    statement = signed_statement(
        route,
        changes=(envelope.own_changes, envelope.other_changes),
        header=envelope.header,
        commitment=envelope.commitment,
        own=envelope.own,
        other=envelope.other,
    )
    is_theirs = is_signed(identity, envelope.signature, statement)
    return None if is_theirs else CannotOpen.DAMAGED


def _misplaced(memory: Memory, message: Message, header: Header, route: Route) -> CannotOpen | None:
    """Whether it stands where its sender put it, as far as this device saw others of theirs."""
    if header.edits not in (None, message.id):
        return CannotOpen.MISPLACED
    before = memory.opened.get(message.id)
    if before is not None and before.sequence > header.sequence:
        return CannotOpen.REPLAYED
    partner = route.recipient if route.sender == memory.user else route.sender
    for id_, origin in memory.origins.items():
        if id_ == message.id or (origin.sender, origin.device) != (route.sender, route.device):
            continue
        other = memory.opened[id_]
        if other.number == header.number:
            return CannotOpen.REPLAYED
        # What was given another text later is newer than its place.
        is_exact = header.edits is None and not (origin.is_edit and id_ < message.id)
        is_as_placed = (other.sequence < header.sequence) == (id_ < message.id)
        if is_exact and not is_as_placed and origin.partner == partner:
            return CannotOpen.MISPLACED
    return None


def _text_of(memory: Memory, envelope: Envelope, route: Route, header: Header) -> Opened | Unopened:
    parts = envelope.own if route.sender == memory.user else envelope.other
    part = next((it for it in parts if it.device == memory.device), None)
    if part is None:
        return Unopened(CannotOpen.NOT_FOR_THIS_DEVICE)
    named, content = part.ciphertext[:KEY_NAME_SIZE], part.ciphertext[KEY_NAME_SIZE:]
    is_one_time, number = named[:1] == b"\x01", int.from_bytes(named[1:], "big")
    keys = memory.one_time if is_one_time else memory.prekeys
    if number not in keys:
        return Unopened(CannotOpen.KEY_GONE)
    info = context(
        route,
        owner=memory.user,
        device=memory.device,
        key=named,
        header=envelope.header,
        commitment=envelope.commitment,
    )
    private = X25519PrivateKey.from_private_bytes(keys[number])
    try:
        text, franking_key = unpadded(SUITE.decrypt(content, private, info))
    except (InvalidTag, ValueError):
        return Unopened(CannotOpen.DAMAGED)
    # A text that could not be proven to a moderator is none that is shown.
    if commitment_to(text, franking_key) != envelope.commitment:
        return Unopened(CannotOpen.DAMAGED)
    if is_one_time:
        del keys[number]
    return Opened(
        text=text, franking_key=franking_key, sequence=header.sequence, number=header.number
    )
