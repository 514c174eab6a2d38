"""Every test opens stores of its own, whose statements are the same: they are compiled once.

SQLAlchemy keeps what it compiled with each engine, and would compile a third of the time.
"""

from typing import Final

from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

_COMPILED: Final[LRUCache[object, object]] = LRUCache(2_000)


def compile_once() -> None:
    """From now on all engines of one kind of database share what was compiled for one of them."""
    shared = property(lambda _: _COMPILED, lambda *_: None)
    dialect = {
        "__eq__": lambda one, other: type(one) is type(other),
        "__hash__": lambda one: hash(type(one)),
    }
    setattr(Engine, "_compiled_cache", shared)  # noqa: B010
    for name, method in dialect.items():
        setattr(DefaultDialect, name, method)
