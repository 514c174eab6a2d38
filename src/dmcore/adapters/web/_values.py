"""What goes in and out of the web adapter, whatever the framework. No framework, no rules."""

from collections.abc import AsyncIterator, Mapping

import attrs

MOST_BODY_BYTES = 256 * 1024
"""No request needs more that sends nothing sealed."""

LARGEST_BODY_BYTES = 288 * 1024
"""The largest envelope, with what JSON adds to it (CRYPT-2). A host file reads one byte more at
most, to tell that there was more.
"""


@attrs.frozen(kw_only=True)
class Viewer:
    """Who is looking, in the host's word.

    ``session`` names this sign-in, if the host has a name for it: streams of a session can be
    closed when it ends. It is never shown.
    """

    user: str
    tenant: str = ""
    session: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Request:
    """One request, below the place where the host put dmcore.

    ``root`` is that place as the browser sees it, without a slash at the end; ``path`` what follows
    it, percent-decoded, beginning with a slash. Header names are in small letters; of a repeated
    query parameter the last counts. ``viewer`` is ``None`` for somebody who is not signed in.
    ``native`` is the framework's own request, for the host's callables.
    """

    method: str
    root: str
    path: str = attrs.field(repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    viewer: Viewer | None = attrs.field(default=None, repr=False)
    native: object = attrs.field(default=None, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Document:
    """A page without the host's frame around it.

    ``head`` (links to the stylesheet and the module) and ``body`` are finished HTML. ``title``
    names the kind of page and never a person.
    """

    title: str
    head: str = attrs.field(repr=False)
    body: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Response:
    """One answer: bytes, or a stream of them that the host must close when the client is gone.

    With a ``document`` it is a page whose bytes are not made yet: its frame is missing.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = attrs.field(default=b"", repr=False)
    stream: AsyncIterator[bytes] | None = attrs.field(default=None, repr=False)
    document: Document | None = attrs.field(default=None, repr=False)

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """The same with more headers."""
        return attrs.evolve(self, headers=(*self.headers, *headers))
