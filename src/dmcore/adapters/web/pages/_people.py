"""How people look on a page: a name, a link to a profile, a letter in a circle.

Asks the host once for a page. That a link leads to a page is ``Person``'s own rule.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from zlib import crc32

import attrs

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._site import Person
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.errors import InvalidSetting

GONE: Final = "Deleted account"
HUES: Final = 6
_LOOKED_AT: Final = 20


@attrs.frozen(kw_only=True)
class Face:
    """Somebody as a page shows them."""

    name: str = attrs.field(repr=False)
    url: str | None = attrs.field(default=None, repr=False)
    initial: str = attrs.field(default="", repr=False)
    hue: int = 0
    is_gone: bool = False


async def faces_of(visit: Visit, users: Iterable[str]) -> Mapping[str, Face]:
    """The faces of all these users; the host is asked once, and not at all about nobody."""
    wanted = tuple(dict.fromkeys(users))
    if not wanted:
        return {}
    # Who was erased is nobody to the host either (GDPR-1).
    known = tuple(user for user in wanted if not is_pseudonym(user))
    people = await _asked(visit, known) if known else {}
    return {user: _face(user, people.get(user)) for user in wanted}


async def _asked(visit: Visit, users: Sequence[str]) -> Mapping[str, Person]:
    found = await visit.world.ask(visit.site.people, visit.viewer, users)
    if not all(isinstance(user, str) for user in found):
        # Or everybody would look as if their account was gone.
        raise InvalidSetting("people", "must answer with user ids as text for keys")
    return found


def _face(user: str, person: Person | None) -> Face:
    hue = crc32(user.encode()) % HUES
    if person is None:
        return Face(name=GONE, initial="–", hue=hue, is_gone=True)
    return Face(name=person.name, url=person.url, initial=_initial(person.name), hue=hue)


def _initial(name: str) -> str:
    """The first letter, number or symbol, without anything that combines with it."""
    # Composing takes long over thousands of marks: the beginning is enough.
    for character in unicodedata.normalize("NFC", name[:_LOOKED_AT]):
        if unicodedata.category(character)[0] in "LNS":
            return character.upper()
    return ""
