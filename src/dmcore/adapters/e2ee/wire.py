"""A device that speaks to the JSON interface: what is sent as JSON, what is answered as values.

Values in, contents of requests out; contents of answers in, values out. Who carries them, any
HTTP client, is not decided here. What is read here comes from whoever answers, so nothing of it is
believed: what is not in the form of the interface raises ``ValueError``, which repeats none of it.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from dmcore.adapters.e2ee._device import Enrolment, Renewal
from dmcore.domain.body import Body
from dmcore.domain.devices import Device, DeviceKeys, KeyBundle, KeyClaim, Prekey
from dmcore.domain.envelope import Envelope
from dmcore.domain.franking import Disclosure
from dmcore.domain.ids import (
    MessageId,
    parse_conversation_id,
    parse_device_id,
    parse_message_id,
    parse_user_id,
)
from dmcore.domain.instants import is_instant, to_us
from dmcore.domain.message import Message
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidDevice, InvalidId

Json = Mapping[str, Any]
_Read = TypeVar("_Read")

# What is sent ------------------------------------------------------------------------------------


def enrolment_to_json(enrolment: Enrolment) -> dict[str, Any]:
    """The content of ``PUT /devices/{device}``."""
    return {"identity": _spelled(enrolment.identity), **_keys_to_json(enrolment)}


def renewal_to_json(renewal: Renewal) -> dict[str, Any]:
    """The content of ``PUT /devices/{device}/keys``."""
    return _keys_to_json(renewal)


def envelope_to_json(envelope: Envelope) -> dict[str, Any]:
    """What stands in a content that sends or changes a message, in the place of ``body``."""
    return {"envelope": envelope.text}


def disclosure_to_json(disclosure: Disclosure) -> dict[str, Any]:
    """One of the ``disclosures`` in the content of ``POST /reports``."""
    return {
        "message": str(disclosure.message),
        "sender": disclosure.sender,
        "text": disclosure.text,
        "sent_at_us": disclosure.sent_at_us,
        "edited_at_us": disclosure.edited_at_us,
        "tag": _spelled(disclosure.tag),
        "key": _spelled(disclosure.key),
    }


def _keys_to_json(keys: Enrolment | Renewal) -> dict[str, Any]:
    return {
        "prekey": _prekey_to_json(keys.prekey),
        "one_time_keys": [_prekey_to_json(it) for it in keys.one_time_keys],
    }


def _prekey_to_json(prekey: Prekey) -> dict[str, Any]:
    return {
        "number": prekey.number,
        "public": _spelled(prekey.public),
        "signature": _spelled(prekey.signature),
    }


def _spelled(content: bytes) -> str:
    return base64.b64encode(content).decode()


# What is answered --------------------------------------------------------------------------------


def device_from_json(told: Json) -> Device:
    """A device, as ``PUT /devices/{device}`` answers and ``GET /devices`` lists. ``ValueError``."""
    return _read(_device, told)


def bundle_from_json(told: Json) -> KeyBundle:
    """The answer of ``GET /users/{user}/keys``. Raises ``ValueError``."""
    return _read(_bundle, told)


def claim_from_json(told: Json) -> KeyClaim:
    """The answer of ``POST /key-claims``. Raises ``ValueError``."""
    return _read(_claim, told)


def message_from_json(told: Json) -> Message:
    """A message, wherever the interface shows one. Raises ``ValueError``."""
    return _read(_message, told)


def _read(reader: Callable[[Any], _Read], told: object) -> _Read:
    # What is raised on the way may hold what was answered, so it ends before this is raised.
    try:
        return reader(told)
    except (KeyError, TypeError, AttributeError, ValueError, InvalidId, InvalidDevice):
        pass
    raise ValueError("this is not in the form of the interface")


def _claim(told: Any) -> KeyClaim:
    return KeyClaim(own=_bundle(told["own"]), other=_bundle(told["other"]))


def _bundle(told: Any) -> KeyBundle:
    return KeyBundle(
        user=parse_user_id(told["user"]),
        key_changes=_number(told["key_changes"]),
        devices=tuple(
            DeviceKeys(
                device=_device(it["device"]),
                one_time=None if it["one_time"] is None else _prekey(it["one_time"]),
            )
            for it in told["devices"]
        ),
    )


def _device(told: Any) -> Device:
    return Device(
        id=parse_device_id(told["id"]),
        identity=_bytes(told["identity"]),
        prekey=_prekey(told["prekey"]),
        added_at_us=_instant(told["added_at"]),
        renewed_at_us=_instant(told["renewed_at"]),
    )


def _prekey(told: Any) -> Prekey:
    return Prekey(
        number=told["number"],
        public=_bytes(told["public"]),
        signature=_bytes(told["signature"]),
    )


def _message(told: Any) -> Message:
    envelope, body = told["envelope"], told["body"]
    text = body if envelope is None else envelope
    edited, seen = told["edited_at_us"], told["seen_at"]
    return Message(
        id=parse_message_id(told["id"]),
        conversation=parse_conversation_id(told["thread"]),
        sender=parse_user_id(told["sender"]),
        body=None if text is None else Body(_text(text)),
        sent_at_us=_microseconds(told["sent_at_us"]),
        edited_at_us=None if edited is None else _microseconds(edited),
        reply_to=_reference(told["reply_to"]),
        thread_id=_reference(told["thread_root"]),
        seen_at_us=None if seen is None else _instant(seen),
        is_sealed=envelope is not None,
        franking=None if told["tag"] is None else _bytes(told["tag"]),
    )


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError
    return told


def _number(told: Any) -> int:
    if not is_whole_number(told, least=0):
        raise ValueError
    return int(told)


def _microseconds(told: Any) -> int:
    if not is_instant(told):
        raise ValueError
    return int(told)


def _instant(told: Any) -> int:
    return to_us(datetime.fromisoformat(told))


def _reference(told: Any) -> MessageId | None:
    return None if told is None else parse_message_id(told)


def _bytes(told: Any) -> bytes:
    return base64.b64decode(told, validate=True)
