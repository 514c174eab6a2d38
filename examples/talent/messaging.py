"""What messaging is told about the marketplace, and the store that it keeps for itself.

These are the lines that turn a marketplace into one whose people write to each other. The rules
are the policy; who somebody is, the directory says.
"""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string

from dmcore import Introduction, Profile, User
from dmcore.adapters import sql
from dmcore.adapters.web import Document, Person, Site, Viewer
from dmcore.adapters.web.django import Messages
from dmcore.presets import TALENT
from examples.talent.models import Member


def members(ids: Sequence[str]) -> dict[str, Member]:
    """The members with these ids. An id is any text that somebody sent, so most may be nobody's."""
    numbers = [each for each in ids if each.isascii() and each.isdigit() and len(each) < 19]
    return {str(member.pk): member for member in Member.objects.filter(pk__in=numbers)}


class Directory:
    """Asked when somebody is about to write to somebody new: who are the two, and who pays?"""

    knows_connections = False

    def introduce(self, sender: User, recipient: User) -> Introduction:
        """Both profiles; ``None`` for an id that is nobody's."""
        found = members([sender.id, recipient.id])
        return Introduction(
            sender=_profile(found.get(sender.id)), recipient=_profile(found.get(recipient.id))
        )


def _profile(member: Member | None) -> Profile | None:
    if member is None:
        return None
    return Profile(
        roles={member.role} - {""},
        is_subscribed=member.is_subscribed,
        is_staff=member.is_staff,
        is_active=member.is_active,
    )


def _identify(request: HttpRequest) -> str | None:
    return str(request.user.pk) if request.user.is_authenticated else None


def _people(_viewer: Viewer, users: Sequence[str]) -> Mapping[str, Person]:
    return {
        user: Person(name=member.name, url=f"/members/{user}")
        for user, member in members(users).items()
        if member.is_active
    }


def _is_staff(viewer: Viewer) -> bool:
    member = members([viewer.user]).get(viewer.user)
    return member is not None and member.is_staff


def _framed(document: Document, request: object) -> str:
    return str(render_to_string("talent/messages.html", {"document": document}, request))


_file = settings.FOLDER / "messages.db"
_url = f"sqlite:///{_file}"
is_new = not _file.exists()
if is_new:
    sql.initialise(_url)
dm = sql.open_sync(_url, policy=TALENT, directory=Directory())
messages = Messages(
    dm,
    identify=_identify,
    site=Site(
        people=_people,
        layout=_framed,
        is_moderator=_is_staff,
        is_operator=_is_staff,
        upgrade_url="/subscription",
        sign_in_url="/sign-in",
    ),
)


def close() -> None:
    """Give back what is open."""
    messages.close()
    dm.close()
