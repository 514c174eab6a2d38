"""Canaries, and where one could be heard: errors, their chains, logs, output.

A canary is a text that occurs nowhere else. Tests send one through everything that can go wrong,
and this file looks for it afterwards.
"""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
import pytest
from tests.support.stores import engine_of

from dmcore import DirectMessages, DmcoreError, Policy

BODY: Final = "canary-body-\U0001f426-2f6c9d"
OTHER_BODY: Final = "canary-body-\u00e9-77aa01"
KEY: Final = "canary-key-91be4d"
ANN: Final = "canary-ann-5d1c03"
BOB: Final = "canary-bob-c07e88"
PASSWORD: Final = "canary-password-3e9f"

UNLIMITED: Final = Policy(messages=None, starts=None)

# Parts of them, so that an excerpt or another spelling is heard too.
SECRETS: Final = ("canary-body", "2f6c9d", "77aa01", "canary-key", "canary-password")
PEOPLE: Final = ("canary-ann", "canary-bob")


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error and whatever can be reached from it, also where ``from None`` hides it."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [it for it in (one.__cause__, one.__context__) if it is not None]
        inside = (*one.args, *vars(one).values(), *getattr(one, "exceptions", ()))
        waiting += [it for it in inside if isinstance(it, BaseException)]


def sounds_of(error: BaseException) -> Iterator[str]:
    """Everything about an error that somebody might print or send."""
    for one in chain_of(error):
        yield str(one)
        yield repr(one)
        yield repr(one.args)
        yield repr(vars(one))
        yield repr(getattr(one, "__notes__", ()))
        for name in ("object", "statement", "params", "orig", "detail", "diag"):
            yield repr(getattr(one, name, None))
        yield "".join(traceback.format_exception(one))


def sounds_of_records(records: Sequence[logging.LogRecord]) -> Iterator[str]:
    """Everything about log records that a handler might write."""
    for record in records:
        yield record.getMessage()
        yield repr(record.msg)
        yield repr(record.args)
        yield repr(record.exc_text)
        if record.exc_info is not None and record.exc_info[1] is not None:
            yield from sounds_of(record.exc_info[1])


def heard_in(sounds: Iterator[str], canaries: Sequence[str]) -> list[str]:
    return [sound for sound in sounds if any(canary in sound for canary in canaries)]


def _caught(act: Callable[[], object]) -> Exception:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - any error at all may have something to tell
        return error
    raise AssertionError("nothing was refused")


@attrs.frozen
class Ear:
    """Listens to a whole test, at DEBUG and with the SQL echoed."""

    _log: pytest.LogCaptureFixture
    _output: pytest.CaptureFixture[str]
    _quiet: logging.Handler = attrs.field(factory=logging.NullHandler)
    _loggers: list[logging.Logger] = attrs.field(factory=list)

    def listen_to(self, dm: DirectMessages) -> None:
        """Let the engine of a SQL store tell as much as it can."""
        engine: Any = engine_of(dm)
        for loud in (engine, engine.pool):
            # Without a handler it would be given one that writes to the standard output, for good.
            logger = logging.getLogger(loud.logger.name)
            logger.addHandler(self._quiet)
            self._loggers.append(logger)
            loud.echo = "debug"

    def close(self) -> None:
        for logger in self._loggers:
            logger.removeHandler(self._quiet)

    def refusal(self, act: Callable[[], object]) -> DmcoreError:
        """The error of something that must fail, after a close look at it."""
        error = _caught(act)
        assert heard_in(sounds_of(error), (*SECRETS, *PEOPLE)) == []
        assert isinstance(error, DmcoreError)
        foreign = [it for it in chain_of(error) if not isinstance(it, DmcoreError)]
        assert foreign == []
        return error

    def heard_nothing(self) -> None:
        """Neither the log nor the output said a word."""
        assert heard_in(sounds_of_records(self._log.records), SECRETS) == []
        output = self._output.readouterr()
        assert heard_in(iter(output), (*SECRETS, *PEOPLE)) == []

    @property
    def records(self) -> list[logging.LogRecord]:
        return self._log.records
