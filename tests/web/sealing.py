"""People who seal over HTTP, and devices whose keys nobody could use."""

from typing import Any, Final

import attrs
from tests.web.described import Api
from tests.web.hosts import Answer
from tests.web.scene import DEVICE, KEY, PREKEY

from dmcore import Policy
from dmcore.adapters.e2ee import Opened, SealingDevice, wire

POLICY: Final = Policy(
    sealing="offered", evidence="reporter_selected", blocked="refuse", key_claims=None
)


@attrs.frozen
class Person:
    """Somebody with a device, who knows of the site what it answers."""

    api: Api
    name: str
    device: SealingDevice

    def ask(self, method: str, path: str, content: object = None, **given: Any) -> Answer:
        return self.api.ask(method, path, user=self.name, json=content, **given)

    def seal(self, text: str, to: str, **given: Any) -> dict[str, Any]:
        claim = self.ask("POST", "/key-claims", {"user": to})
        assert claim.status == 200, claim.text
        found = wire.claim_from_json(claim.json())
        return wire.envelope_to_json(self.device.seal(text, found, to=to, **given))

    def read(self, thread: str, other: str) -> list[str]:
        bundle = wire.bundle_from_json(self.api.get(f"/users/{other}/keys", user=self.name))
        self.device.learn(bundle)
        page = self.api.get(f"/threads/{thread}", user=self.name)
        messages = [wire.message_from_json(it) for it in page["messages"]]
        found = [self.device.open(it, partner=other) for it in messages]
        return [it.text for it in found if isinstance(it, Opened)]


def enrolled(api: Api, name: str) -> Person:
    person = Person(api, name, SealingDevice.new(name))
    content = wire.enrolment_to_json(person.device.enrolment(one_time_keys=5))
    answer = person.ask("PUT", f"/devices/{person.device.id}", content)
    assert answer.status == 200, answer.text
    return person


def keys(*numbers: int) -> dict[str, Any]:
    """Keys that nobody could use, as good as any other for a directory."""
    return {"prekey": PREKEY, "one_time_keys": [{**PREKEY, "number": it} for it in numbers]}


def added(api: Api, user: str, *numbers: int) -> None:
    content = {"identity": KEY, **keys(*numbers)}
    assert api.ask("PUT", f"/devices/{DEVICE}", user=user, json=content).status == 200
