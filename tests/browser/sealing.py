"""A browser's own device, driven without pages, and what the interface would carry for it."""

import base64
from datetime import timedelta
from typing import Any, Final

from tests.browser.people import Person
from tests.browser.site import MOUNT

from dmcore import DirectMessages, Policy
from dmcore.domain.devices import Device, KeyBundle, Prekey
from dmcore.domain.franking import Disclosure
from dmcore.domain.ids import parse_message_id
from dmcore.domain.message import Message

SEALED: Final = Policy(
    messages=None,
    starts=None,
    key_claims=None,
    sealing="offered",
    evidence="reporter_selected",
    edit_window=timedelta(days=1),
)

_BEGIN: Final = """
async ([root, user]) => {
  const hpke = await import(`${root}/static/hpke.js`);
  const { Device, lacks } = await import(`${root}/static/sealing.js`);
  window.device = await Device.here(user, "", hpke);
  return lacks();
}
"""
_CALL: Final = """
async ([name, given]) => {
  try {
    return { answer: await window.device[name](...given) };
  } catch (error) {
    return { code: error.code ?? String(error) };
  }
}
"""


class BrowserDevice:
    """The device of somebody at a browser, as ``SealingDevice`` is one of a program."""

    def __init__(self, person: Person, dm: DirectMessages) -> None:
        self._person = person
        self._dm = dm
        self.begin()

    def begin(self) -> None:
        """Look at it from a page that was just loaded."""
        self._person.page.goto(f"{self._person.site.address}/people/nobody")
        assert self._person.page.evaluate(_BEGIN, [MOUNT, self._person.name]) == ""

    def call(self, name: str, *given: Any) -> Any:
        """What a method of it answers, or the code of why not."""
        told = self._person.page.evaluate(_CALL, [name, list(given)])
        return told["answer"] if "answer" in told else told["code"]

    def enrol(self) -> None:
        """Add it to the directory."""
        told = self.call("enrolment")
        self._dm.mailbox(self._person.name).devices.add(
            told["device"],
            identity=base64.b64decode(told["identity"]),
            prekey=prekey_of(told["prekey"]),
            one_time_keys=[prekey_of(it) for it in told["one_time_keys"]],
        )
        self.call("confirmed")

    def renew(self) -> None:
        """Put new prekeys in the place of the old ones."""
        told = self.call("renewal")
        self._dm.mailbox(self._person.name).devices.renew(
            told["device"],
            prekey=prekey_of(told["prekey"]),
            one_time_keys=[prekey_of(it) for it in told["one_time_keys"]],
        )
        self.call("confirmed")

    def seal(self, text: str, to: str, edits: str | None = None) -> str:
        """The envelope for a text, with keys that are taken for it."""
        claim = self._dm.mailbox(self._person.name).devices.claim(to)
        told = {"own": bundle_told(claim.own), "other": bundle_told(claim.other)}
        envelope: str = self.call("seal", text, told, to, edits)
        return envelope

    def learn(self, other: str) -> Any:
        """See whose keys somebody has."""
        found = self._dm.mailbox(self._person.name).devices.keys_of(other)
        return self.call("learn", bundle_told(found))

    def open(self, message: Message, partner: str, **changed: Any) -> Any:
        """What a message says to it: a text, or the reason why not."""
        (found,) = self.call("open", [message_told(message) | changed], partner)
        return found.get("text") or found["reason"]

    def disclosure(self, message: Message) -> Disclosure:
        """What it shows of a message in a report."""
        told = self.call("disclosure", str(message.id))
        return Disclosure(
            message=parse_message_id(told["message"]),
            sender=told["sender"],
            text=told["text"],
            sent_at_us=told["sent_at_us"],
            edited_at_us=told["edited_at_us"],
            tag=base64.b64decode(told["tag"]),
            key=base64.b64decode(told["key"]),
        )


def spelled(content: bytes) -> str:
    """Bytes as the interface has them."""
    return base64.b64encode(content).decode()


def prekey_of(told: dict[str, Any]) -> Prekey:
    """A prekey as the interface reads it."""
    return Prekey(
        number=told["number"],
        public=base64.b64decode(told["public"]),
        signature=base64.b64decode(told["signature"]),
    )


def bundle_told(bundle: KeyBundle) -> dict[str, Any]:
    """Keys of somebody as the interface tells them."""
    return {
        "user": bundle.user,
        "key_changes": bundle.key_changes,
        "devices": [
            {
                "device": _device_told(it.device),
                "one_time": None if it.one_time is None else _prekey_told(it.one_time),
            }
            for it in bundle.devices
        ],
    }


def message_told(message: Message) -> dict[str, Any]:
    """A sealed message as a page tells it to the module."""
    return {
        "id": str(message.id),
        "sender": message.sender,
        "envelope": None if message.body is None else message.body.text,
        "sent_at_us": message.sent_at_us,
        "edited_at_us": message.edited_at_us,
        "tag": None if message.franking is None else spelled(message.franking),
    }


def _device_told(device: Device) -> dict[str, Any]:
    return {
        "id": str(device.id),
        "identity": spelled(device.identity),
        "prekey": _prekey_told(device.prekey),
    }


def _prekey_told(key: Prekey) -> dict[str, Any]:
    return {
        "number": key.number,
        "public": spelled(key.public),
        "signature": spelled(key.signature),
    }
