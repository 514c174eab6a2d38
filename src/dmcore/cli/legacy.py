"""Reading messages of another system: one JSON object in each line. It knows no store.

``{"id": 17, "sender": "ann", "recipient": "bob", "text": "…", "sent_at": "2024-05-01T12:00:00Z"}``,
and where it is known ``"conversation"`` and ``"read"``. Blank lines are no messages. What a line
holds is never repeated in an error.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from dmcore.cli.failures import UnreadableFile
from dmcore.domain.body import BodyRules, parse_body
from dmcore.domain.ids import Key, UserId, parse_key, parse_user_id
from dmcore.domain.instants import is_instant, to_us
from dmcore.domain.numbers import is_whole_number
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.errors import CannotMessageYourself, InvalidBody, InvalidId, InvalidKey

LONGEST_LINE_BYTES: Final = 1 << 20
KEY_PREFIX: Final = "dmcore-import:"
_LATEST_S: Final = 1e12
_CHANGED: Final = "it was changed while it was read"
_NEEDED: Final = frozenset({"id", "sender", "recipient", "text", "sent_at"})
_KNOWN: Final = _NEEDED | {"conversation", "read"}


class _NoMessage(Exception):
    """What is wrong with a line, without what it holds."""


_FAULTS: Final = (_NoMessage, InvalidId, InvalidBody, CannotMessageYourself)


@attrs.frozen(kw_only=True)
class Legacy:
    """One message as another system had it; ``id`` is what tells it from all others there.

    ``key`` is its idempotency key here, which no site uses for something else by chance;
    ``conversation`` is that system's name for where it stood, and ``is_read`` whether its recipient
    had read it.
    """

    id: str
    key: Key
    sender: UserId
    recipient: UserId
    text: str = attrs.field(repr=False)
    at_us: int
    conversation: str | None
    is_read: bool

    @property
    def pair(self) -> tuple[str, str]:
        """The two, in the one order there is."""
        low, high = sorted((self.sender, self.recipient))
        return low, high

    def repeats(self, other: "Legacy") -> bool:
        """Whether it is the same message once more, wherever each of the two stood."""
        mine, theirs = ((it.id, it.sender, it.recipient, it.text, it.at_us) for it in (self, other))
        return mine == theirs


Line = tuple[int, Legacy]
"""The number of a line, and the message in it."""


@attrs.frozen
class Fault:
    """A line that is no message, where it begins, and why."""

    line: int
    place: int
    reason: str


@attrs.frozen(kw_only=True)
class Survey:
    """What a file holds, in the order in which it was written.

    ``lines`` are the numbers of the lines of its messages by instant, and of one instant as in the
    file; ``places`` are where they begin, and ``unread`` those of messages that another line calls
    unread. ``merged`` counts the conversations that there were beside the first of a pair, and
    ``repeated`` the lines that say again what an earlier one said.
    """

    lines: Sequence[int]
    places: Sequence[int]
    unread: frozenset[int]
    pairs: int
    merged: int
    repeated: int
    faults: Sequence[Fault]


@attrs.frozen
class Lines:
    """The messages of a file in the order of time, read whenever they are asked for."""

    file: "LegacyFile"
    survey: Survey

    def __len__(self) -> int:
        return len(self.survey.lines)

    def __iter__(self) -> Iterator[Line]:
        for number, place in zip(self.survey.lines, self.survey.places, strict=True):
            message = self.file.message_at(place)
            is_unread = place in self.survey.unread
            yield number, attrs.evolve(message, is_read=False) if is_unread else message

    def backwards(self, count: int) -> Iterator[Legacy]:
        """The first so many, the last of them first."""
        for index in reversed(range(count)):
            yield self.file.message_at(self.survey.places[index])

    def users(self) -> Iterable[UserId]:
        """Everybody who wrote or was written to, once."""
        return {user for _, it in self for user in (it.sender, it.recipient)}


@attrs.frozen(kw_only=True)
class LegacyFile:
    """A file of messages that is open, whose texts have to keep to ``rules`` and none of which is
    later than ``latest_us``.

    Reading raises ``UnreadableFile``, also where the file is not what it was.
    """

    name: Path
    stream: BinaryIO
    rules: BodyRules
    latest_us: int
    _version: tuple[int, int] = attrs.field(init=False)

    @_version.default
    def _version_now(self) -> tuple[int, int]:
        now = os.fstat(self.stream.fileno())
        return now.st_size, now.st_mtime_ns

    def survey(self) -> Survey:
        """Read it all, so that what is wrong with it is known before anything is done with it."""
        lines, places, instants = array("q"), array("q"), array("q")
        # Where in these the message of an id is.
        known: dict[bytes, int] = {}
        pairs, named, conversations = set[bytes](), set[bytes](), set[bytes]()
        unread = set[int]()
        faults: list[Fault] = []
        repeated = 0
        for number, place, line in self._lines():
            try:
                message = self._parsed(line)
            except _FAULTS as error:
                faults.append(Fault(number, place, str(error)))
                continue
            if message is None:
                continue
            index = known.setdefault(_digest(message.id), len(lines))
            is_new = index == len(lines)
            if not is_new and not message.repeats(self.message_at(places[index])):
                reason = f"another message than that of line {lines[index]} under the same id"
                faults.append(Fault(number, place, reason))
                continue
            pair = _digest(*message.pair)
            pairs.add(pair)
            if message.conversation is not None:
                named.add(pair)
                conversations.add(_digest(*message.pair, message.conversation))
            if not is_new:
                repeated += 1
                # One of two copies of a message is of who had read it: its sender.
                if not message.is_read:
                    unread.add(places[index])
                continue
            lines.append(number)
            places.append(place)
            instants.append(message.at_us)
        self.check_unchanged()
        order = sorted(range(len(places)), key=instants.__getitem__)
        return Survey(
            lines=array("q", (lines[index] for index in order)),
            places=array("q", (places[index] for index in order)),
            unread=frozenset(unread),
            pairs=len(pairs),
            merged=len(conversations) - len(named),
            repeated=repeated,
            faults=faults,
        )

    def message_at(self, place: int) -> Legacy:
        """The message whose line begins there; it was looked at before."""
        self.stream.seek(place)
        try:
            message = self._parsed(self.stream.readline(LONGEST_LINE_BYTES + 1))
        except _FAULTS:
            message = None
        if message is None:
            raise UnreadableFile(str(self.name), _CHANGED)
        return message

    def copy_lines(self, faults: Iterable[Fault], out: BinaryIO) -> None:
        """Write lines as they are, each with an end."""
        for piece in self._pieces(faults):
            out.write(piece)

    def copies(self, faults: Iterable[Fault], there: BinaryIO) -> bool:
        """Whether a file holds these lines and nothing else."""
        return all(there.read(len(it)) == it for it in self._pieces(faults)) and not there.read(1)

    def _pieces(self, faults: Iterable[Fault]) -> Iterator[bytes]:
        for fault in faults:
            self.stream.seek(fault.place)
            first = last = self.stream.readline(LONGEST_LINE_BYTES)
            yield first
            for last in _rest_of(first, self.stream):
                yield last
            if not last.endswith(b"\n"):
                yield b"\n"

    def check_unchanged(self) -> None:
        """Raise ``UnreadableFile`` where somebody wrote into it since it was opened."""
        if self._version_now() != self._version:
            raise UnreadableFile(str(self.name), _CHANGED)

    def _lines(self) -> Iterator[tuple[int, int, bytes]]:
        """The number of each line, where it begins, and of a longest one so much as tells that."""
        number = place = 0
        while True:
            # Who asks may have looked elsewhere meanwhile.
            self.stream.seek(place)
            line = self.stream.readline(LONGEST_LINE_BYTES + 1)
            if not line:
                return
            length = len(line) + sum(map(len, _rest_of(line, self.stream)))
            number += 1
            yield number, place, line
            place += length

    def _parsed(self, line: bytes) -> Legacy | None:
        """Read one line; ``None`` for a blank one.

        Raises one of ``_FAULTS``, none of which repeats it.
        """
        if len(line) > LONGEST_LINE_BYTES:
            raise _NoMessage(f"longer than {LONGEST_LINE_BYTES} bytes")
        if not line.strip():
            return None
        fields = _fields(line)
        sender, recipient = (parse_user_id(_name(fields, it)) for it in ("sender", "recipient"))
        if is_pseudonym(sender) or is_pseudonym(recipient):
            raise _NoMessage("by or to somebody who was erased")
        if sender == recipient:
            raise CannotMessageYourself
        is_read = fields.get("read", True)
        if not isinstance(is_read, bool):
            raise _NoMessage("`read` is not true or false")
        name = _name(fields, "id")
        return Legacy(
            id=name,
            key=_key(name),
            sender=sender,
            recipient=recipient,
            text=parse_body(fields["text"], self.rules).text,
            at_us=self._instant(fields["sent_at"]),
            conversation=None
            if fields.get("conversation") is None
            else _name(fields, "conversation"),
            is_read=is_read,
        )

    def _instant(self, value: object) -> int:
        if isinstance(value, str):
            try:
                when = datetime.fromisoformat(value)
            except ValueError:
                when = None
            if when is None or when.tzinfo is None:
                raise _NoMessage("`sent_at` is not a time of ISO 8601 with its distance from UTC")
            at_us = to_us(when)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            at_us = round(value * 1_000_000) if abs(value) < _LATEST_S else -1
        else:
            raise _NoMessage("`sent_at` is neither a time of ISO 8601 nor a Unix second")
        if not (is_instant(at_us) and 0 <= at_us <= self.latest_us):
            raise _NoMessage("`sent_at` is before 1970 or in the future; numbers are seconds")
        return at_us


@contextmanager
def opened(file: Path, *, rules: BodyRules, latest_us: int) -> Iterator[LegacyFile]:
    """The file, which is the same one until the end. Raises ``UnreadableFile``."""
    try:
        # A pipe gives what it holds once only, and this is read several times.
        if file.exists() and not file.is_file():
            raise UnreadableFile(str(file), "not a regular file")
        stream = file.open("rb")
    except OSError as error:
        raise UnreadableFile(str(file), error.strerror or "cannot be read") from None
    with stream:
        yield LegacyFile(name=file, stream=stream, rules=rules, latest_us=latest_us)


def _rest_of(line: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """What is left of a line that was not read to its end, piece by piece."""
    while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE_BYTES)):
        yield line


def _fields(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _NoMessage("not UTF-8") from None
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _NoMessage("not one JSON object, with each name once")
    if not found.keys() >= _NEEDED:
        missing = ", ".join(f"`{name}`" for name in sorted(_NEEDED - found.keys()))
        raise _NoMessage(f"without {missing}")
    if not found.keys() <= _KNOWN:
        known = ", ".join(f"`{name}`" for name in sorted(_KNOWN))
        raise _NoMessage(f"with something else than {known}")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _name(fields: dict[str, Any], field: str) -> str:
    """An id, which many systems have as a number."""
    value = fields[field]
    if isinstance(value, str) or is_whole_number(value, least=0):
        return str(value)
    raise _NoMessage(f"`{field}` is neither text nor a whole number")


def _key(name: str) -> Key:
    if name:
        with suppress(InvalidKey):
            return parse_key(KEY_PREFIX + name)
    raise _NoMessage("`id` is empty, too long or no text")


def _digest(*words: str) -> bytes:
    """So many bytes in the place of words, of which none but the last may hold a NUL."""
    text = "\0".join(words)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
