"""What the host says about itself: its people, its layout, how live it wants to be."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

import attrs

from dmcore.adapters.web._values import Document, Viewer
from dmcore.domain.ids import User
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting
from dmcore.ports.signals import Signals

DEFAULT_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


_PAGE = re.compile(r"https?://[^\s]+|/(?!/)[^\s\\]*")
_ORIGIN = re.compile(r"https?://[^\s/?#@]+")


def check_address(setting: str, address: str | None) -> None:
    """Refuse to link to anything but a page: a scheme like ``javascript:`` runs in ours."""
    if address is not None and not _PAGE.fullmatch(address):
        raise InvalidSetting(setting, "it must begin with / or http:// or https://")


@attrs.frozen(kw_only=True)
class Person:
    """How the host shows one of its users: a name, perhaps a profile to link to.

    Raises ``InvalidSetting`` for a link that is neither ``/…`` nor ``http(s)://…``.
    """

    name: str
    url: str | None = None

    def __attrs_post_init__(self) -> None:
        check_address("url", self.url)


People = Callable[[Viewer, Sequence[str]], Mapping[str, Person] | Awaitable[Mapping[str, Person]]]
"""The people with these ids, as this viewer may see them; who is missing has no account any more.
Asked once for a page. Under a blocking framework it must not be a coroutine function."""

Layout = Callable[[Document, object], str | Awaitable[str]]
"""The host's frame around a page: a whole HTML document. The second value is the framework's own
request. Under a blocking framework it must not be a coroutine function."""

IsCurrent = Callable[[Viewer], bool | Awaitable[bool]]
"""Whether this sign-in still holds; asked every few seconds while a stream is open."""

HasRole = Callable[[Viewer], bool | Awaitable[bool]]
"""Whether a viewer has a role; asked with each request that needs it. Only ``True`` is yes."""


class SignsTranscripts(Protocol):
    """What signs an export in the name of the site, as ``crypto.TranscriptSigner`` does."""

    def signed(self, lines: Iterable[str], *, user: User, made_at: datetime) -> Iterator[str]:
        """The lines between one that says whose they are and one that signs all of them.

        Each is yielded before the next one is asked for.
        """
        ...


def _origins(given: Iterable[str]) -> frozenset[str]:
    return frozenset(given)


def _each_by_id(viewer: Viewer, ids: Sequence[str]) -> Mapping[str, Person]:  # noqa: ARG001
    return {user: Person(name=user) for user in ids}


@attrs.frozen(kw_only=True)
class Site:
    """What the host supplies besides who the viewer is.

    ``live="poll"`` has no streams and lets no request wait: pages ask every ``poll_every``.
    ``most_streams`` is counted for each user and ``most_streams_in_all`` for everybody, in each
    process. ``csp`` is the policy sent with every page; with ``None`` the host sends its own, and
    forbids framing in it. ``trusted_origins`` may post forms here besides the site itself
    (``https://example.org``); for scripts of theirs that read answers, CORS is the host's to add.
    With ``transcripts`` a user can have what they take away signed, for others to verify.
    ``upgrade_url`` is where a subscription is sold, ``sign_in_url`` where one signs in.

    ``is_moderator`` says who moderates the reports of their own tenant, ``is_operator`` who
    operates the installation. Without one of them its pages and endpoints are not there, and to
    whoever has not the role they are not there either. Raises ``InvalidSetting``.
    """

    people: People = attrs.field(default=_each_by_id, repr=False)
    layout: Layout | None = attrs.field(default=None, repr=False)
    is_current: IsCurrent | None = attrs.field(default=None, repr=False)
    is_moderator: HasRole | None = attrs.field(default=None, repr=False)
    is_operator: HasRole | None = attrs.field(default=None, repr=False)
    signals: Signals | None = attrs.field(default=None, repr=False)
    transcripts: SignsTranscripts | None = attrs.field(default=None, repr=False)
    live: Literal["stream", "poll"] = "stream"
    poll_every: timedelta = timedelta(seconds=5)
    look_every: timedelta = timedelta(milliseconds=300)
    check_every: timedelta = timedelta(seconds=3)
    most_streams: int = 10
    most_streams_in_all: int = 1_000
    csp: str | None = DEFAULT_CSP
    trusted_origins: frozenset[str] = attrs.field(default=frozenset(), converter=_origins)
    upgrade_url: str | None = None
    sign_in_url: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.live not in ("stream", "poll"):
            raise InvalidSetting("live", 'it must be "stream" or "poll"')
        for name in ("poll_every", "look_every", "check_every"):
            length = getattr(self, name)
            if not isinstance(length, timedelta) or length <= timedelta(0):
                raise InvalidSetting(name, "it must be a timedelta longer than nothing")
        for name in ("most_streams", "most_streams_in_all"):
            if not is_whole_number(getattr(self, name), least=1):
                raise InvalidSetting(name, "it must be a whole number of at least 1")
        check_address("upgrade_url", self.upgrade_url)
        check_address("sign_in_url", self.sign_in_url)
        if not all(_ORIGIN.fullmatch(origin) for origin in self.trusted_origins):
            raise InvalidSetting("trusted_origins", "an origin is http(s)://host, without a path")
