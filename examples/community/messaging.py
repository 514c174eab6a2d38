"""What messaging is told about the forum, and the store that it keeps for itself.

These are the lines that turn a forum into one whose people write to each other.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flask import Request

from dmcore import DirectMessages, Introduction, Profile, User
from dmcore.adapters import sql
from dmcore.adapters.clock import SystemClock
from dmcore.adapters.web import Document, Person, Site, Viewer
from dmcore.adapters.web.flask import Messages
from dmcore.ports.clock import Clock
from dmcore.presets import COMMUNITY
from examples.community.people import Member, People


class Directory:
    """Asked when somebody is about to write to somebody new: do the two have accounts?"""

    knows_connections = False

    def __init__(self, people: People) -> None:
        self._people = people

    def introduce(self, sender: User, recipient: User) -> Introduction:
        """Both profiles; ``None`` for an id that is nobody's."""
        known = self._people.with_ids([sender.id, recipient.id])
        return Introduction(
            sender=Profile() if sender.id in known else None,
            recipient=Profile() if recipient.id in known else None,
        )


def opened_store(file: Path, people: People, clock: Clock | None = None) -> DirectMessages:
    """Messages have a database of their own, which is made when it is not there."""
    url = f"sqlite:///{file}"
    if not file.exists():
        sql.initialise(url)
    return sql.open_sync(
        url, policy=COMMUNITY, directory=Directory(people), clock=clock or SystemClock()
    )


def messages_of(
    dm: DirectMessages,
    people: People,
    *,
    identify: Callable[[Request], str | None],
    layout: Callable[[Document, object], str],
) -> Messages:
    """The blueprint with the inbox, and the button and the badge for the forum's own pages."""

    def names(_viewer: Viewer, users: Sequence[str]) -> Mapping[str, Person]:
        return {
            user: Person(name=member.username, url=f"/u/{member.username}")
            for user, member in people.with_ids(users).items()
        }

    def has_role(role: str) -> Callable[[Viewer], bool]:
        return lambda viewer: role_of(people.with_ids([viewer.user]).get(viewer.user)) == role

    return Messages(
        dm,
        identify=identify,
        site=Site(
            people=names,
            layout=layout,
            is_moderator=has_role("moderator"),
            is_operator=has_role("operator"),
            # No stream holds a thread of the server: a page asks every few seconds.
            live="poll",
            sign_in_url="/sign-in",
        ),
    )


def role_of(member: Member | None) -> str | None:
    """What somebody is in the forum; nothing for strangers."""
    return None if member is None else member.role
