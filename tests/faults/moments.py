"""Doing something at one moment of what an engine does."""

from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import Engine, event

Moment = Literal["before_cursor_execute", "after_cursor_execute"]


def once_at(engine: Engine, moment: Moment, words: str, act: Callable[[Any], object]) -> list[str]:
    """Call ``act`` with the cursor at the first statement that holds ``words``.

    Returns the statements at which it happened: none yet, one afterwards.
    """
    happened: list[str] = []

    def watch(_connection: object, cursor: Any, statement: str, *_rest: object) -> None:
        if words in statement and not happened:
            happened.append(statement)
            act(cursor)

    event.listen(engine, moment, watch)
    return happened
