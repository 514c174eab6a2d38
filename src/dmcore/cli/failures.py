"""What can go wrong at the command line itself, and how any failure is told: in one line.

The line never shows a password of a URL, a traceback or the text of a message.
"""

import re
import sys
from pathlib import PurePath
from traceback import extract_tb
from typing import ClassVar, Final

from dmcore.errors import DmcoreError

BAD_INPUT: Final = 2
INTERRUPTED: Final = 130


class UnreadableFile(DmcoreError):
    """A file is missing, closed to us, or not a file that can be read twice."""

    code: ClassVar[str] = "unreadable_file"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}", file=file, reason=reason)


class InvalidLine(DmcoreError):
    """A line of a file is not in valid form. What it holds is not repeated: it may be anything."""

    code: ClassVar[str] = "invalid_line"

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}", file=file, line=line, reason=reason)


class StoreNotEmpty(DmcoreError):
    """A command that fills a fresh store was given one with messages in it."""

    code: ClassVar[str] = "store_not_empty"

    def __init__(self, remedy: str) -> None:
        super().__init__(f"this store already holds messages: {remedy}", remedy=remedy)


class MessagingIsOn(DmcoreError):
    """A command for which nobody may write meanwhile met a store in which somebody may."""

    code: ClassVar[str] = "messaging_is_on"

    def __init__(self, mode: str) -> None:
        text = f"messaging is {mode}: it has to be off, so that nobody writes meanwhile"
        super().__init__(text, mode=mode)


class ImportIncomplete(DmcoreError):
    """Not all of a file came in, or not as it was; what was acknowledged is stored."""

    code: ClassVar[str] = "import_incomplete"

    def __init__(self, reason: str) -> None:
        super().__init__(f"not all came in: {reason}", reason=reason)


class MissingExtra(DmcoreError):
    """An optional part of dmcore is needed and not installed."""

    code: ClassVar[str] = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs more packages: pip install "dmcore[{extra}]"', extra=extra)


class Interrupted(DmcoreError):
    """The person at the terminal stopped the command."""

    code: ClassVar[str] = "interrupted"

    def __init__(self) -> None:
        super().__init__("interrupted; what was acknowledged before is stored")


def told(error: DmcoreError) -> int:
    """Write the one line about a failure of ours; return the exit status for it."""
    tell(str(error), error.code)
    return INTERRUPTED if isinstance(error, Interrupted) else BAD_INPUT


def tell(text: str, code: str) -> None:
    """Write one line about a failure."""
    sys.stderr.write(f"error: {one_line(without_password(text))}  [{code}]\n")


def unexpected(error: Exception) -> str:
    """What may be said of an error that nobody foresaw: its kind and its place, not its words."""
    frame = extract_tb(error.__traceback__)[-1]
    place = f"{PurePath(frame.filename).name}:{frame.lineno}"
    return f"unexpected {type(error).__name__} at {place}; please report it"


def system_failure(error: OSError) -> str:
    """What the operating system says, with the file it speaks of."""
    reason = error.strerror or "the operating system refused"
    return f"{error.filename}: {reason}" if isinstance(error.filename, str) else reason


# One slash is enough: a path collapses two.
_CREDENTIALS: Final = re.compile(r":/+.*@", re.DOTALL)
_BARE_CREDENTIALS: Final = re.compile(r"[^\s/'\"]+:\S+@")
_EXTRA: Final = "unexpected extra argument"
_PASSWORD: Final = re.compile(r"(password=)[^&\s]*", re.IGNORECASE)


def without_password(text: str) -> str:
    """The text without what stands before an ``@``, where a URL keeps its password."""
    shown = _BARE_CREDENTIALS.sub("***@", _CREDENTIALS.sub("://***@", text))
    return _PASSWORD.sub(r"\1***", shown)


def usage(text: str) -> str:
    """What was wrong about the arguments. One too many is not repeated: it may be anything."""
    return "there are more arguments than this command takes" if _EXTRA in text else text


def one_line(text: str) -> str:
    """The text on one line, with what a terminal might obey made visible."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in " ".join(text.split())
    )
