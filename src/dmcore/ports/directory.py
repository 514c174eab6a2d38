"""The host's users, who stay in the host (EMB-5)."""

from typing import Protocol, TypeVar

from dmcore.domain.gates import Introduction
from dmcore.domain.ids import User
from dmcore.errors import InvalidSetting


class Directory(Protocol):
    """What the host knows of its users.

    Asked before a transaction, never inside one, and only when somebody is about to start a
    conversation (or asks whether they could): replies and reads never wait for it. What it raises
    reaches the caller as it is, and nothing was stored.

    Where nobody is connected with anybody, let it have an attribute ``knows_connections`` that is
    ``False``: then nobody is offered to be open to connections only, which would be to nobody.
    """

    def introduce(self, sender: User, recipient: User) -> Introduction:
        """The two profiles, and whether the two are connected in the host's sense.

        A user that does not exist in that tenant MUST come as ``None``; one of another tenant is
        such a user (TEN-1), and so is any text that is no id of the host's: whoever writes to
        somebody names them as they like.
        """
        ...


class AsyncDirectory(Protocol):
    """The same for hosts with asynchronous look-ups."""

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        """As ``Directory.introduce``."""
        ...


Asked = TypeVar("Asked", Directory, AsyncDirectory)


def asked(directory: Asked | None) -> Asked:
    """The directory of a handle whose rules say that there is one."""
    if directory is None:
        raise ValueError("rules that ask a directory were given none")
    return directory


def knows_connections(directory: object) -> bool:
    """Whether somebody may be connected with somebody, unless a directory says otherwise."""
    return getattr(directory, "knows_connections", True) is not False


def answer_of(said: object) -> Introduction:
    """What a directory said. Raises ``InvalidSetting`` where that is no introduction."""
    if not isinstance(said, Introduction):
        raise InvalidSetting("directory", "must answer with an Introduction")
    return said
