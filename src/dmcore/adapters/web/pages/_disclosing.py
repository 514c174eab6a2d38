"""What a browser shows of messages that it opened, in the form of a report (CRYPT-2, MOD-1).

Each is a field of its own, as the module made it. Whether it is proven is decided inside.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from dmcore.domain.franking import Disclosure
from dmcore.domain.ids import parse_message_id, parse_user_id
from dmcore.domain.instants import is_instant
from dmcore.errors import InvalidId, InvalidReport

_SHOWN: Final = "shown-"


def disclosed(form: Mapping[str, str]) -> tuple[Disclosure, ...]:
    """What is shown in a form. Raises ``InvalidReport``, which has nothing of it."""
    told = [value for name, value in form.items() if name.startswith(_SHOWN)]
    found = [_read(each) for each in told]
    shown = tuple(each for each in found if each is not None)
    if len(shown) < len(found):
        raise InvalidReport("a message is not shown as browsers show them")
    return shown


def _read(told: str) -> Disclosure | None:
    try:
        return _made(json.loads(told))
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        InvalidId,
        InvalidReport,
    ):
        return None


def _made(told: dict[str, Any]) -> Disclosure:
    times = (told["sent_at_us"], told["edited_at_us"])
    if not is_instant(times[0]) or not (times[1] is None or is_instant(times[1])):
        raise ValueError
    # What no message can hold cannot have been sent.
    told["text"].encode()
    return Disclosure(
        message=parse_message_id(told["message"]),
        sender=parse_user_id(told["sender"]),
        text=told["text"],
        sent_at_us=times[0],
        edited_at_us=times[1],
        tag=base64.b64decode(told["tag"], validate=True),
        key=base64.b64decode(told["key"], validate=True),
    )
