"""What is known of one endpoint: how it is asked, what it answers, what can refuse it."""

import inspect
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal

import attrs
from pydantic import BaseModel

from dmcore import errors
from dmcore.adapters.web import _errors
from dmcore.adapters.web._guard import LOOKING
from dmcore.adapters.web._routing import Audience, Handler, Route
from dmcore.adapters.web._values import MOST_BODY_BYTES
from dmcore.adapters.web.wire._contents import MEDIA_TYPE
from dmcore.errors import DmcoreError

_STORE = (
    _errors.RequestTooLarge,
    errors.StoreUnavailable,
    errors.StoreBusy,
    errors.StoreRefused,
    errors.NotInitialised,
    errors.EncryptionRequired,
    errors.KeyringUnavailable,
    errors.WrongKeyring,
)
_WITH_ROLE = (*_STORE, _errors.NotSignedIn, errors.InvalidId, _errors.NothingHere)
_ALWAYS = {
    Audience.ANYONE: _STORE,
    Audience.PARTICIPANTS: (
        *_STORE,
        _errors.NotSignedIn,
        errors.Suspended,
        errors.InvalidId,
        errors.MessagingUnavailable,
        errors.AccountErased,
    ),
    Audience.MODERATORS: _WITH_ROLE,
    Audience.OPERATORS: _WITH_ROLE,
}
_ACTING = (_errors.CrossSite, _errors.UnsupportedMediaType, _errors.MalformedRequest)
# A part of the path that holds a slash, or nothing at all, makes it another path.
_WITH_ARGUMENTS = (_errors.NothingHere, _errors.MethodNotAllowed)


@attrs.frozen(kw_only=True)
class Parameter:
    """A parameter of the query, or a header."""

    name: str
    schema: Mapping[str, Any]
    description: str
    place: Literal["query", "header"] = "query"
    is_needed: bool = False


@attrs.frozen(kw_only=True)
class Endpoint:
    """One method on one kind of path.

    ``takes`` is the model of the content, ``answers`` that of the answer (``None`` where there is
    none). ``headers`` come with the answer. ``refusals`` are the errors that only this endpoint and
    few others meet; ``refused_by`` are all. What it takes has at most ``most_bytes``.
    """

    method: str
    pattern: str
    handler: Handler
    tag: str
    parameters: tuple[Parameter, ...] = ()
    takes: type[BaseModel] | None = None
    answers: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = MEDIA_TYPE
    headers: tuple[str, ...] = ()
    refusals: tuple[type[DmcoreError], ...] = ()
    audience: Audience = Audience.PARTICIPANTS
    most_bytes: int = MOST_BODY_BYTES

    @property
    def route(self) -> Route:
        """How a request finds its handler."""
        return Route(
            method=self.method,
            pattern=self.pattern,
            handler=self.handler,
            audience=self.audience,
            most_bytes=self.most_bytes,
        )

    @property
    def name(self) -> str:
        """What programs call it."""
        return self.handler.__name__

    @cached_property
    def summary(self) -> str:
        """What it does, in a line."""
        return self._prose[0].removesuffix(".")

    @cached_property
    def description(self) -> str:
        """What else there is to know, perhaps nothing."""
        return self._prose[1].replace("``", "`")

    @cached_property
    def _prose(self) -> tuple[str, str]:
        # An interpreter that was told to forget docstrings leaves the document without them.
        first, _, rest = (inspect.getdoc(self.handler) or "").partition("\n")
        return first, " ".join(rest.split())

    @cached_property
    def refused_by(self) -> tuple[type[DmcoreError], ...]:
        """Every error that it can answer with, by status and code."""
        every = {*_ALWAYS[self.audience], *self.refusals}
        if self.method not in LOOKING:
            every.update(_ACTING)
        if "{" in self.pattern:
            every.update(_WITH_ARGUMENTS)
        if "{thread}" in self.pattern:
            every.add(errors.AccessDenied)
        # Looks as well: one that waits takes a place of the user's.
        every.add(_errors.CrossSite)
        return tuple(sorted(every, key=lambda error: (error.http_status, error.code)))
