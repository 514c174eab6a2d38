"""What is refused before messaging is asked at all: the errors of HTTP itself."""

from collections.abc import Collection

from dmcore.errors import DmcoreError


class NotSignedIn(DmcoreError):
    """The host knows nobody behind this request."""

    code = "not_signed_in"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("sign in first")


class CrossSite(DmcoreError):
    """A page of another site tried to act in this user's name."""

    code = "cross_site"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("this request came from another site")


class NothingHere(DmcoreError):
    """No such path. A conversation that is not the viewer's is ``AccessDenied`` (CONV-1)."""

    code = "nothing_here"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("there is no such page")


class StreamsOff(DmcoreError):
    """This site is only asked now and then (``Site.live="poll"``)."""

    code = "streams_off"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("there are no streams here: ask for changes now and then")


class MethodNotAllowed(DmcoreError):
    """The path is there, and cannot be asked like this; ``allowed`` says how it can."""

    code = "method_not_allowed"
    http_status = 405

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = ", ".join(sorted(allowed))
        super().__init__(f"this can only be asked with {self.allowed}", allowed=self.allowed)


class NotErasable(DmcoreError):
    """An operator cannot erase themselves, nor who was erased before."""

    code = "not_erasable"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this user cannot be erased")


class RequestTooLarge(DmcoreError):
    """More bytes than any such request needs."""

    code = "request_too_large"
    http_status = 413

    def __init__(self, most: int) -> None:
        super().__init__(f"such a request holds at most {most} bytes", most=most)


class UnsupportedMediaType(DmcoreError):
    """The content is of another kind than this path takes."""

    code = "unsupported_media_type"
    http_status = 415

    def __init__(self, expected: str) -> None:
        super().__init__(f"the content must be {expected}", expected=expected)


class MalformedRequest(DmcoreError):
    """The content or a parameter has not the form that the interface describes.

    ``where`` names the parameter or the field, ``reason`` what is wrong with it; never the value.
    """

    code = "malformed_request"
    http_status = 422

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}", where=where, reason=reason)


class TooManyStreams(DmcoreError):
    """This user, or all together, have as many streams open as may be.

    See ``Site.most_streams`` and ``Site.most_streams_in_all``.
    """

    code = "too_many_streams"
    http_status = 429

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} streams can be open at once", most=most)
