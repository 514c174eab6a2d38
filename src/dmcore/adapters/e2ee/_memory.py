"""What a device remembers: its private keys, whose keys it knows, and what it opened.

Owns how that is written down. Nothing in it is for anybody else: it is handed out under a
passphrase only.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Self
from uuid import UUID

import attrs

from dmcore.adapters.e2ee._contents import Opened
from dmcore.domain.ids import DeviceId, MessageId, TenantId, UserId

_KEPT_PREKEYS: Final = 3
_KEPT_ONE_TIME: Final = 1_000


@attrs.define
class Known:
    """What a device knows of somebody: identity keys by device, those that are used now, which of
    these it told nobody of yet, and whether the two compared their safety number since.
    """

    identities: dict[DeviceId, bytes] = attrs.field(factory=dict, repr=False)
    present: set[DeviceId] = attrs.field(factory=set)
    untold: set[DeviceId] = attrs.field(factory=set)
    is_compared: bool = False


@attrs.frozen(kw_only=True)
class Origin:
    """Where a message that was opened is from, and whether it had another text before.

    ``tag`` is what the site gave for it, with the times that it is for.
    """

    sender: UserId
    device: DeviceId
    partner: UserId
    is_edit: bool
    sent_at_us: int
    edited_at_us: int | None = None
    tag: bytes | None = attrs.field(default=None, repr=False)


@attrs.define(kw_only=True)
class Memory:
    """All of it. ``prekeys`` and ``one_time`` are private keys by their numbers; ``opened`` what
    was opened, by message, and ``origins`` where that is from.
    """

    tenant: TenantId
    user: UserId
    device: DeviceId
    identity: bytes = attrs.field(repr=False)
    next_number: int = 1
    sequence: int = 0
    prekeys: dict[int, bytes] = attrs.field(factory=dict, repr=False)
    one_time: dict[int, bytes] = attrs.field(factory=dict, repr=False)
    known: dict[UserId, Known] = attrs.field(factory=dict)
    opened: dict[MessageId, Opened] = attrs.field(factory=dict, repr=False)
    origins: dict[MessageId, Origin] = attrs.field(factory=dict)

    def number(self) -> int:
        """The next number of a key: none comes twice."""
        self.next_number += 1
        return self.next_number - 1

    def drop_old_keys(self) -> None:
        """Keep keys for what may still be under way, and no more."""
        for keys, most in ((self.prekeys, _KEPT_PREKEYS), (self.one_time, _KEPT_ONE_TIME)):
            for number in sorted(keys)[:-most]:
                del keys[number]

    def written(self) -> bytes:
        """Everything, as JSON."""
        return json.dumps(
            {
                "tenant": self.tenant,
                "user": self.user,
                "device": str(self.device),
                "identity": self.identity.hex(),
                "next_number": self.next_number,
                "sequence": self.sequence,
                "prekeys": _hexed(self.prekeys),
                "one_time": _hexed(self.one_time),
                "known": {
                    user: {
                        "identities": _hexed(known.identities),
                        "present": sorted(map(str, known.present)),
                        "untold": sorted(map(str, known.untold)),
                        "is_compared": known.is_compared,
                    }
                    for user, known in self.known.items()
                },
                "opened": {
                    str(message): [
                        it.text,
                        it.franking_key.hex(),
                        it.sequence,
                        str(it.number),
                        _spelled(self.origins[message]),
                    ]
                    for message, it in self.opened.items()
                },
            }
        ).encode()

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The same again."""
        told: dict[str, Any] = json.loads(content)
        memory = cls(
            tenant=told["tenant"],
            user=told["user"],
            device=DeviceId(UUID(told["device"])),
            identity=bytes.fromhex(told["identity"]),
            next_number=told["next_number"],
            sequence=told["sequence"],
            prekeys={int(number): bytes.fromhex(it) for number, it in told["prekeys"].items()},
            one_time={int(number): bytes.fromhex(it) for number, it in told["one_time"].items()},
        )
        for user, known in told["known"].items():
            memory.known[user] = Known(
                identities={
                    DeviceId(UUID(it)): bytes.fromhex(key)
                    for it, key in known["identities"].items()
                },
                present={DeviceId(UUID(it)) for it in known["present"]},
                untold={DeviceId(UUID(it)) for it in known["untold"]},
                is_compared=known["is_compared"],
            )
        for message, (text, key, sequence, number, origin) in told["opened"].items():
            id_ = MessageId(UUID(message))
            memory.opened[id_] = Opened(
                text=text,
                franking_key=bytes.fromhex(key),
                sequence=sequence,
                number=UUID(number),
            )
            memory.origins[id_] = _origin_of(origin)
        return memory


def _spelled(origin: Origin) -> dict[str, object]:
    tag = None if origin.tag is None else origin.tag.hex()
    return attrs.asdict(attrs.evolve(origin, tag=None)) | {
        "device": str(origin.device),
        "tag": tag,
    }


def _origin_of(told: dict[str, Any]) -> Origin:
    tag = None if told["tag"] is None else bytes.fromhex(told["tag"])
    return Origin(**told | {"device": DeviceId(UUID(told["device"])), "tag": tag})


def _hexed(keys: Mapping[Any, bytes]) -> dict[str, str]:
    return {str(name): key.hex() for name, key in keys.items()}
