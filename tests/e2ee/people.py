"""Two people with a device each, on a store in memory, who seal what they write to each other."""

from typing import Self

import attrs
from tests.support.stores import MemoryHarness

from dmcore import Mailbox, Message, Policy
from dmcore.adapters.e2ee import Opened, SealingDevice, Unopened
from dmcore.testing.world import World

POLICY = Policy(
    messages=None,
    starts=None,
    key_claims=None,
    sealing="offered",
    blocked="absorb",
    evidence="reporter_selected",
)


@attrs.frozen
class Person:
    """Somebody with a mailbox and a device."""

    box: Mailbox
    device: SealingDevice

    @classmethod
    def of(cls, world: World, name: str, *, one_time_keys: int = 20) -> Self:
        device = SealingDevice.new(name)
        person = cls(world.dm.mailbox(name), device)
        told = device.enrolment(one_time_keys=one_time_keys)
        person.box.devices.add(**attrs.asdict(told, recurse=False))
        return person

    @property
    def name(self) -> str:
        return self.box.user.id

    def say(self, other: "Person", text: str) -> Message:
        """Claim, seal, send."""
        claim = self.box.devices.claim(other.name)
        return self.box.start(other.name, self.device.seal(text, claim, to=other.name))

    def change(self, other: "Person", message: Message, text: str) -> Message:
        claim = self.box.devices.claim(other.name)
        envelope = self.device.seal(text, claim, to=other.name, edits=message.id)
        return self.box.edit(message.conversation, message.id, envelope)

    def look(self, other: "Person") -> list[Message]:
        """The conversation as the server hands it out, after learning the other's keys."""
        self.device.learn(self.box.devices.keys_of(other.name))
        view = self.box.conversation_with(other.name)
        assert view is not None
        return list(self.box.thread(view.conversation, limit=100).items)

    def read(self, other: "Person") -> list[str]:
        """What the other said and oneself, a reason in brackets where it cannot be opened."""
        return [self.opened(message, other) for message in self.look(other)]

    def opened(self, message: Message, other: "Person") -> str:
        found = self.device.open(message, partner=other.name)
        return found.text if isinstance(found, Opened) else f"[{reason_of(found)}]"


def reason_of(found: Opened | Unopened) -> str:
    assert isinstance(found, Unopened)
    return found.reason.value


def world() -> World:
    return World(MemoryHarness(), policy=POLICY)
