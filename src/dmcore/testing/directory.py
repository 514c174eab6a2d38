"""The host's users for a test: who they are, who knows whom, and who asked about them when.

Owns a directory in memory. Refuses to know any rule about starting.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dmcore import User
from dmcore.domain.gates import Introduction, Profile
from dmcore.domain.ids import parse_tenant_id, parse_user_id
from dmcore.ports.directory import Directory

_PATIENCE_S: Final = 20

PLAIN: Final = Profile()
STAFF: Final = Profile(is_staff=True)
INACTIVE: Final = Profile(is_active=False)


class People:
    """A directory in memory. ``asked`` is everybody who was asked about, in order.

    ``while_asked`` is called on a thread of its own each time, before the answer is given; when it
    cannot end because the asker holds something, that is a failure and no endless wait. ``fault``
    is raised instead of an answer.
    """

    def __init__(self, *names: str, tenant: str = "") -> None:
        self._profiles: dict[User, Profile] = {}
        self._connections: set[frozenset[User]] = set()
        self.asked: list[tuple[User, User]] = []
        self.fault: Exception | None = None
        self.while_asked: Callable[[], object] | None = None
        for name in names:
            self.know(name, PLAIN, tenant=tenant)

    def know(self, name: str, profile: Profile, *, tenant: str = "") -> None:
        """From now on there is such a user, and this is their profile."""
        self._profiles[user(name, tenant=tenant)] = profile

    def forget(self, name: str, *, tenant: str = "") -> None:
        """From now on there is no such user."""
        del self._profiles[user(name, tenant=tenant)]

    def connect(self, one: str, other: str, *, tenant: str = "") -> None:
        """From now on the two know each other."""
        self._connections.add(frozenset((user(one, tenant=tenant), user(other, tenant=tenant))))

    def disconnect(self, one: str, other: str, *, tenant: str = "") -> None:
        """From now on they do not."""
        self._connections.discard(frozenset((user(one, tenant=tenant), user(other, tenant=tenant))))

    def introduce(self, sender: User, recipient: User) -> Introduction:
        """As the port has it."""
        self.asked.append((sender, recipient))
        if self.while_asked is not None:
            done_elsewhere(self.while_asked)
        if self.fault is not None:
            raise self.fault
        return Introduction(
            sender=self._profiles.get(sender),
            recipient=self._profiles.get(recipient),
            are_connected=frozenset((sender, recipient)) in self._connections,
        )


def user(name: str, *, tenant: str = "") -> User:
    """A user as the directory is asked about them."""
    return User(parse_tenant_id(tenant), parse_user_id(name))


def done_elsewhere(work: Callable[[], object]) -> None:
    """Run ``work`` to its end on another thread, and pass on what went wrong."""
    faults: list[BaseException] = []
    ended = threading.Event()

    def run() -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(_PATIENCE_S), "whoever asks holds something meanwhile"
    if faults:
        raise faults[0]


if TYPE_CHECKING:

    def _conforms(people: People) -> Directory:
        return people
