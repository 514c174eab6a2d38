"""Reading a record of messages: who wrote to whom, and when. It knows no store and no terminal.

One attempt in each line: ``sender receiver unix_seconds``, separated by white space. Blank lines
and lines that begin with ``#`` are not attempts. What a line holds is never repeated in an error.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from dmcore.cli.failures import InvalidLine, UnreadableFile
from dmcore.domain.ids import TenantId, UserId, parse_user_id
from dmcore.domain.pair import Pair
from dmcore.errors import CannotMessageYourself, InvalidId

# Two ids of 255 characters of four bytes each, an instant, and room for white space.
LONGEST_LINE_BYTES: Final = 4_096
# The last second of the year 9999: calendars go no further.
LATEST_S: Final = 253_402_300_799
_LONGEST_S: Final = len(str(LATEST_S))
_FIELDS: Final = 3
_BYTE_ORDER_MARK: Final = "\ufeff"


@attrs.frozen(kw_only=True)
class Attempt:
    """One line: at the instant ``at_us`` the sender tries to write to the receiver."""

    line: int
    sender: UserId
    receiver: UserId
    at_us: int


@attrs.frozen(kw_only=True)
class Survey:
    """What a record holds: how many attempts, users and pairs.

    ``backward`` counts the attempts that are earlier than the one before them.
    """

    lines: int
    users: int
    pairs: int
    backward: int


@attrs.frozen(kw_only=True)
class Trace:
    """A record in a file, of which at most ``most`` attempts count. It can be read repeatedly.

    Reading raises ``UnreadableFile`` and ``InvalidLine``.
    """

    file: Path
    most: int | None = None

    def attempts(self) -> Iterator[Attempt]:
        """The attempts in the order of the file, read one by one."""
        found = 0
        for number, line in self._lines():
            if found == self.most:
                return
            try:
                attempt = parse_line(number, line)
            except (ValueError, InvalidId, CannotMessageYourself) as error:
                raise InvalidLine(str(self.file), number, str(error)) from None
            if attempt is not None:
                found += 1
                yield attempt

    def survey(self) -> Survey:
        """Read it all, so that what is wrong with it is known before anything is done with it."""
        users: set[UserId] = set()
        pairs: set[Pair] = set()
        lines = backward = before_us = 0
        for attempt in self.attempts():
            users.update((attempt.sender, attempt.receiver))
            pairs.add(Pair.of(TenantId(""), attempt.sender, attempt.receiver))
            lines += 1
            backward += attempt.at_us < before_us
            before_us = attempt.at_us
        return Survey(lines=lines, users=len(users), pairs=len(pairs), backward=backward)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        try:
            # A pipe gives what it holds once only, and a record is read twice.
            if self.file.exists() and not self.file.is_file():
                raise UnreadableFile(str(self.file), "not a regular file")
            with self.file.open("rb") as stream:
                number = 0
                while line := stream.readline(LONGEST_LINE_BYTES + 1):
                    number += 1
                    yield number, line
        except OSError as error:
            raise UnreadableFile(str(self.file), error.strerror or "cannot be read") from None


def parse_line(number: int, line: bytes) -> Attempt | None:
    """Read one line; ``None`` for a blank one and for a comment.

    Raises ``ValueError``, ``InvalidId`` or ``CannotMessageYourself``, none of which repeats it.
    """
    if len(line) > LONGEST_LINE_BYTES:
        raise ValueError(f"longer than {LONGEST_LINE_BYTES} bytes")
    fields = _text(number, line).split()
    if not fields or fields[0].startswith("#"):
        return None
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields instead of `sender receiver unix_seconds`")
    sender, receiver = parse_user_id(fields[0]), parse_user_id(fields[1])
    if sender == receiver:
        raise CannotMessageYourself
    return Attempt(
        line=number, sender=sender, receiver=receiver, at_us=_seconds(fields[2]) * 1_000_000
    )


def _text(number: int, line: bytes) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise ValueError("not UTF-8")
    # Some editors begin a file with a mark; left there, it would become part of the first id.
    return text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _seconds(field: str) -> int:
    if not (field.isascii() and field.isdigit()):
        raise ValueError("the third field is not a whole number of seconds, 0 or more")
    # The length first: turning a very long numeral into a number takes very long.
    if len(field) > _LONGEST_S or int(field) > LATEST_S:
        raise ValueError("the third field is later than the year 9999")
    return int(field)
