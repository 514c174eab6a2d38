"""Bytes in JSON: standard base64, read strictly, and of the sizes that keys and signatures have."""

import base64
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

NO_BASE64: Final = "no_base64"


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise PydanticCustomError(NO_BASE64, "it is not base64") from None


def spelled(content: bytes) -> str:
    """Bytes as they stand in JSON."""
    return base64.b64encode(content).decode()


def _schema(pattern: str) -> dict[str, Any]:
    return {"type": "string", "contentEncoding": "base64", "pattern": f"^[A-Za-z0-9+/]{pattern}$"}


Bytes32 = Annotated[
    bytes,
    BeforeValidator(_read),
    PlainSerializer(spelled, return_type=str),
    WithJsonSchema(_schema("{43}=")),
]
"""A key, a tag or a commitment. Whether it has its size is not decided here."""

Bytes64 = Annotated[
    bytes,
    BeforeValidator(_read),
    PlainSerializer(spelled, return_type=str),
    WithJsonSchema(_schema("{86}==")),
]
"""A signature, likewise."""
