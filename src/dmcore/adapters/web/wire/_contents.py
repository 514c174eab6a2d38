"""What a request brings: its content, read strictly, and the models of it.

A text that is refused is never repeated: whatever carries it ends before the refusal is raised.
"""

import json
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from dmcore.adapters.web._errors import MalformedRequest, UnsupportedMediaType
from dmcore.adapters.web._values import Request
from dmcore.adapters.web.wire._bytes import NO_BASE64
from dmcore.domain import preferences
from dmcore.domain.envelope import Envelope, parse_envelope
from dmcore.domain.ids import LONGEST_ID

MEDIA_TYPE: Final = "application/json"
_BOTH: Final = "both_given"

# What is told about ids and texts. Only messaging decides whether one is in valid form.
USER_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_ID,
    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
}
ID_SCHEMA: Final[dict[str, Any]] = {"type": "string", "format": "uuid"}
_User = Annotated[str, WithJsonSchema(USER_SCHEMA)]
_Id = Annotated[str, WithJsonSchema(ID_SCHEMA)]
_Body = Annotated[str, WithJsonSchema({"type": "string", "minLength": 1})]
_EITHER: Final[dict[str, Any]] = {
    "oneOf": [
        {"required": [name], "properties": {name: {"type": "string"}}}
        for name in ("body", "envelope")
    ]
}


class Content(BaseModel):
    """What every content is: the fields that are described, of the type that is described."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    def __repr__(self) -> str:
        # A content may hold the text of a message (LEAK-1).
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class NewText(Content):
    """What a message says from now on: a text, or what was sealed in the place of one."""

    model_config = ConfigDict(json_schema_extra=_EITHER)

    body: _Body | None = None
    envelope: _Body | None = None
    """A sealed text in its one spelling, of at most 262,144 characters."""

    @model_validator(mode="after")
    def _check_either(self) -> Self:
        if self.body is not None and self.envelope is not None:
            raise PydanticCustomError(_BOTH, "both are given")
        if self.body is None and self.envelope is None:
            kind = "string_type" if "body" in self.model_fields_set else "missing"
            raise PydanticCustomError(f"body_{kind}", "neither is given")
        return self

    @property
    def said(self) -> str | Envelope:
        """What messaging takes. Raises ``InvalidEnvelope``."""
        if self.envelope is not None:
            return parse_envelope(self.envelope)
        return self.body or ""


class NewConversation(NewText):
    """A message to somebody, with whom there may be no conversation yet."""

    user: _User
    """To whom."""


class NewMessage(NewText):
    """A message into a conversation."""

    reply_to: _Id | None = None
    """The message of this conversation that it answers."""


class ReadThrough(Content):
    """Up to which message everything was read."""

    through: _Id


class Preferences(Content):
    """What somebody chose about being reached and being seen, all at once."""

    open_to: Literal["everyone", "connections", "nobody"]
    """Who may start a conversation."""
    receipts: bool
    typing: bool
    presence: bool

    @classmethod
    def of(cls, found: preferences.Preferences) -> Self:
        """The same."""
        return cls(
            open_to=found.open_to.value,
            receipts=found.receipts,
            typing=found.typing,
            presence=found.presence,
        )


class Nothing(Content):
    """An empty object; sending no content at all is the same."""


Read = TypeVar("Read", bound=Content)


def content(request: Request, model: type[Read]) -> Read:
    """The content of a request. Raises ``UnsupportedMediaType`` and ``MalformedRequest``."""
    if _media_type(request) != MEDIA_TYPE:
        raise UnsupportedMediaType(MEDIA_TYPE)
    read = _read(request.body, model)
    if isinstance(read, MalformedRequest):
        raise read
    return read


def nothing(request: Request) -> None:
    """See that a request brings no content, or an empty object. Raises as ``content``.

    A content type that a form of another site can have is refused also where nothing follows it.
    """
    if request.body:
        content(request, Nothing)
    elif _media_type(request) not in {"", MEDIA_TYPE}:
        raise UnsupportedMediaType(MEDIA_TYPE)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class _TwiceError(ValueError):
    """A name stands twice in one object."""


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _no_constant(_: str) -> object:
    raise ValueError


# Where no field is wrong by itself, the one that is meant.
_MEANT: Final = {_BOTH: "envelope", "body_missing": "body", "body_string_type": "body"}
_REASONS: Final = {
    "missing": "it is missing",
    "string_type": "it must be text",
    "bool_type": "it must be true or false",
    "list_type": "it must be a list",
    "int_type": "it must be a whole number",
    "literal_error": "it is none of the choices",
    "model_type": "it is no object",
    "bytes_type": "it must be text",
    NO_BASE64: "it is not base64",
    _BOTH: "there is a text as well",
    "body_missing": "it is missing",
    "body_string_type": "it must be text",
}


def _read(body: bytes, model: type[Read]) -> Read | MalformedRequest:
    """What a body says, or what is wrong with it.

    What json and pydantic raise holds the text, so the refusal is made here and raised only after
    that is gone: it has no chain.
    """
    where = "content"
    try:
        value = json.loads(body.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant)
        return model.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # A name that no model has is the client's own word: only names of ours are repeated.
        known = [str(part) for part in fault["loc"] if part in model.model_fields]
        where = known[0] if known else _MEANT.get(fault["type"], where)
        reason = _REASONS.get(fault["type"], "it holds a name that is not known")
    except _TwiceError:
        reason = "a name stands twice in one object"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:
        reason = "it is not JSON in UTF-8"
    return MalformedRequest(where, reason)
