"""Values of the domain as JSON and back, by the types that their fields declare.

Owns no list of fields: what the domain adds to a value is stored from then on.
"""

import json
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from dmcore import Body

Value = TypeVar("Value")


def to_json(value: object) -> str:
    """A value as text."""
    return json.dumps(_plain(value))


def from_json(kind: type[Value], text: str) -> Value:
    """The value of which ``to_json`` made the text."""
    value: Value = _revived(kind, json.loads(text))
    return value


def _plain(value: Any) -> object:
    if attrs.has(type(value)):
        return {it.name: _plain(getattr(value, it.name)) for it in attrs.fields(type(value))}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Body):
        return value.text
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID | Enum):
        return str(value)
    return value


def _revived(kind: Any, plain: Any) -> Any:
    if plain is None:
        return None
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (it for it in get_args(kind) if it is not type(None))
    if isinstance(kind, NewType):
        kind = kind.__supertype__
    if get_origin(kind) is tuple:
        return tuple(_revived(get_args(kind)[0], item) for item in plain)
    if kind is bytes:
        return bytes.fromhex(plain)
    if attrs.has(kind):
        types = _types_of(kind)
        return kind(**{name: _revived(types[name], value) for name, value in plain.items()})
    return kind(plain)


@cache
def _types_of(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
