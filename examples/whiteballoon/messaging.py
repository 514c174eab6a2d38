"""What messaging is told about this place, and the two databases that stay apart.

These are the lines that turn a site into one whose people write to each other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from dmcore import DirectMessages, Introduction, Profile, User
from dmcore.adapters import sql, web
from dmcore.adapters.relay import HostReferences, Relay
from dmcore.adapters.web import Document, Site, Viewer
from dmcore.adapters.web.asgi import Messages
from dmcore.presets import WHITEBALLOON
from examples.whiteballoon.people import People

ROOT = "/messages"


class Directory:
    """Asked when somebody is about to write to somebody new: do both belong to this place?"""

    def __init__(self, people: People) -> None:
        self._people = people

    def introduce(self, sender: User, recipient: User) -> Introduction:
        """Both profiles; ``None`` for an id that is nobody's."""
        known = self._people.with_ids([sender.id, recipient.id])
        return Introduction(
            sender=Profile() if sender.id in known else None,
            recipient=Profile() if recipient.id in known else None,
        )


def opened_store(folder: Path, people: People) -> DirectMessages:
    """Messages have a database of their own, made when it is not there. Messaging is off then.

    ``host_url`` makes dmcore refuse to start in the host's own database, whatever it is called.
    """
    url, host_url = message_url(folder), host_database_url(folder)
    sql.initialise(url, host_url=host_url)
    return sql.open_sync(url, host_url=host_url, policy=WHITEBALLOON, directory=Directory(people))


def message_url(folder: Path) -> str:
    """Where the messages are."""
    return f"sqlite:///{folder / 'messages.db'}"


def host_database_url(folder: Path) -> str:
    """Where the people are."""
    return f"sqlite:///{folder / 'host.db'}"


def messages_of(
    dm: DirectMessages,
    people: People,
    *,
    identify: Callable[[Any], str | None],
    layout: Callable[[Document, object], Awaitable[str]],
) -> Messages:
    """The inbox to mount, and the button and the badge for the host's own pages."""

    def names(_viewer: Viewer, users: Sequence[str]) -> Mapping[str, web.Person]:
        return {
            user: web.Person(name=person.name, url=f"/people/{person.id}")
            for user, person in people.with_ids(users).items()
        }

    def is_admin(viewer: Viewer) -> bool:
        person = people.with_ids([viewer.user]).get(viewer.user)
        return person is not None and person.is_admin

    site = Site(people=names, layout=layout, is_operator=is_admin, sign_in_url="/sign-in")
    return Messages(dm, identify=identify, site=site)


class References:
    """Keeps references to conversations in the host's database while the site runs (OPS-2).

    They are all that the host has of messages: whose, with whom, which one, how many unread.
    """

    def __init__(self, dm: DirectMessages, host_url: str) -> None:
        self._operations = dm.operations("whiteballoon")
        self._kept = HostReferences(self._operations, host_url)
        self._kept.create()
        self._stopped, self._news = Event(), Event()
        relay = Relay(self._operations, self._kept, name="references")
        self._thread = Thread(target=relay.run, args=[self], name="references")

    def start(self) -> None:
        """Begin with whatever the table does not say yet."""
        self._operations.add_consumer("references")
        self._thread.start()

    def is_set(self) -> bool:
        """For the relay: whether to stop."""
        return self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        """For the relay, where nothing is to be done: wait, but not when something happens here."""
        self._news.wait(seconds)
        self._news.clear()
        return self._stopped.is_set()

    def look(self) -> None:
        """Something was done in this process. What others do is seen within a second."""
        self._news.set()

    def close(self) -> None:
        """Stop; what is not written yet will be when the site runs again."""
        self._stopped.set()
        self._news.set()
        self._thread.join()
        self._kept.close()
