"""An operator's word list, found in the ways in which people write around one.

Whole words only: a word inside another one is not it (Scunthorpe). What that costs is listed in
``WordList``. A text is read in a fixed number of ways, and each is looked up, never searched.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import eq
from typing import TYPE_CHECKING, Final

import attrs

from dmcore.adapters.screening._actions import Action, checked_action, verdict_of
from dmcore.adapters.screening._folding import (
    LOOK_ALIKES,
    Table,
    folded,
    has_own_letters,
    is_mark,
)
from dmcore.domain.screening import Pass, Submission, Verdict, checked_reason
from dmcore.errors import InvalidSetting
from dmcore.ports.screening import Screener

_MOST_WORDS_OF_A_PHRASE: Final = 8
_LONGEST_ENTRY: Final = 100
_SHORTEST_SPACED: Final = 3
_STRETCHED: Final = 3
_EACH_ONCE: Final = (1,) * _LONGEST_ENTRY

_SYMBOLS: Final = "@$!+|€"
_APOSTROPHES: Final = frozenset("'‘’")
# A one may be an i or an l, so there are two readings.
_LEET: Final = tuple(
    str.maketrans("0134578" + _SYMBOLS, letters) for letters in ("oieastbasitie", "oleastbasltle")
)
_DIGITS: Final = "0123456789"
_LEET_DIGITS: Final = frozenset("0134578")
# Words of one letter that may stand before a spaced one: "i f u c k", "u r a …".
_ONE_LETTER_WORDS: Final = frozenset("aeimoruyавикосуя")
_MOST_BEFORE: Final = 4


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or is_mark(character)


_WORDS: Final = Table(lambda it: it if _is_of_a_word(it) else " ")
_WORDS_AND_SYMBOLS: Final = Table(lambda it: it if it in _SYMBOLS or _is_of_a_word(it) else " ")


@attrs.frozen
class _Form:
    """A word with each run of one letter written once, and how long the runs are."""

    letters: str
    runs: tuple[int, ...]

    def is_written_as(self, other: "_Form") -> bool:
        """Whether ``other`` is this word, or this word with letters stretched.

        Twice is not stretched: "good" is not "god".
        """
        return self.letters == other.letters and all(
            own == run or run >= max(own, _STRETCHED)
            for own, run in zip(self.runs, other.runs, strict=True)
        )


def _form_of(word: str) -> _Form:
    if len(word) <= _LONGEST_ENTRY and not any(map(eq, word, word[1:])):
        return _Form(word, _EACH_ONCE[: len(word)])
    # What is longer than any entry equals none, so nobody need read it to its end.
    first = islice(groupby(word), _LONGEST_ENTRY + 1)
    runs = [(letter, len(list(run))) for letter, run in first]
    return _Form("".join(letter for letter, _ in runs), tuple(length for _, length in runs))


class _Node:
    """What words lead to: those that may come next, and whether an entry ends here."""

    __slots__ = ("is_end", "next")

    def __init__(self) -> None:
        self.is_end = False
        self.next: dict[str, dict[_Form, _Node]] = {}

    def led_to(self, form: _Form) -> "_Node":
        """The node behind a word, made where there is none."""
        return self.next.setdefault(form.letters, {}).setdefault(form, _Node())

    def behind(self, readings: Sequence[_Form]) -> "Iterator[_Node]":
        """Where a word leads that may be read in several ways."""
        for reading in readings:
            for form, node in self.next.get(reading.letters, {}).items():
                if form.is_written_as(reading):
                    yield node


class _Index:
    """Words and phrases as a tree, a word for each step, and each written as one word."""

    def __init__(self, entries: Iterable[Sequence[str]]) -> None:
        self._root = _Node()
        self._joined: dict[str, list[_Form]] = {}
        for entry in entries:
            node = self._root
            for word in entry:
                node = node.led_to(_form_of(word))
            node.is_end = True
            joined = _form_of("".join(entry))
            if sum(joined.runs) >= _SHORTEST_SPACED:
                self._joined.setdefault(joined.letters, []).append(joined)

    def matches(self, stream: Sequence[Sequence[_Form]]) -> Iterator[slice]:
        """Where entries are in a stream of words, each of which may be read in several ways.

        From each word on, no further than an entry goes: how many begin alike costs nothing.
        """
        for start in range(len(stream)):
            nodes = [self._root]
            for place in range(start, len(stream)):
                nodes = [*dict.fromkeys(it for node in nodes for it in node.behind(stream[place]))]
                if not nodes:
                    break
                if any(node.is_end for node in nodes):
                    yield slice(start, place + 1)

    def has_joined(self, readings: Iterable[_Form]) -> bool:
        """Whether one of these is an entry written as one word."""
        return any(
            word.is_written_as(reading)
            for reading in readings
            for word in self._joined.get(reading.letters, ())
        )


def _leet_readings(word: str) -> Iterator[str]:
    """The word with digits and symbols read as letters, where it has letters beside them.

    One letter and digits is the name of a road.
    """
    has_digits = not _LEET_DIGITS.isdisjoint(word)
    if not has_digits and all(symbol not in word for symbol in _SYMBOLS):
        return
    letters = sum(map(str.isalpha, word))
    if letters > 1 or (letters == 1 and not has_digits):
        # What is said loudly ends in "!", which is no letter then.
        for variant in {word, word.strip("!")}:
            yield from {variant.translate(table) for table in _LEET}


def _as_latin(word: str) -> str:
    return word.translate(LOOK_ALIKES)


class _Readings(dict[str, Sequence[_Form]]):
    """The ways in which each word of one text may be read, found once for each word."""

    def __missing__(self, word: str) -> Sequence[_Form]:
        bare = word.strip(_DIGITS)
        numbered = (bare,) if bare != "" else ()
        found = [_form_of(it) for it in {word, *numbered, *_leet_readings(word)}]
        self[word] = found
        return found


class _LatinReadings(dict[str, Sequence[_Form]]):
    """The same in Latin letters: not at all, for a word of a message in its own script."""

    def __init__(self, readings: _Readings, *, is_foreign: bool) -> None:
        super().__init__()
        self._readings = readings
        self._is_foreign = is_foreign

    def __missing__(self, word: str) -> Sequence[_Form]:
        is_own = self._is_foreign and not any(it.isascii() and it.isalpha() for it in word)
        found = () if is_own else self._readings[_as_latin(word)]
        self[word] = found
        return found


def _streams(text: str) -> Iterator[list[str]]:
    """The words of a folded text, and where it has symbols also the words with those."""
    yield text.translate(_WORDS).split()
    if any(symbol in text for symbol in _SYMBOLS):
        yield text.translate(_WORDS_AND_SYMBOLS).split()


def _spaced(words: Sequence[str]) -> Iterator[str]:
    """What single letters one after the other say, and without one-letter words around it."""
    for is_single, run in groupby(words, key=lambda word: len(word) == 1):
        letters = "".join(run) if is_single else ""
        for start in range(_MOST_BEFORE + 1):
            if len(letters) - start < _SHORTEST_SPACED:
                break
            yield letters[start:]
            if letters[-1] in _ONE_LETTER_WORDS:
                yield letters[start:-1]
            if letters[start] not in _ONE_LETTER_WORDS:
                break


def _hyphened(text: str) -> Iterator[str]:
    """What stands between two spaces without its punctuation; "who're" is two words."""
    for chunk in text.split():
        if _APOSTROPHES.isdisjoint(chunk):
            for words in _streams(chunk):
                if len(words) > 1:
                    yield "".join(words)


class WordList:
    """The ``Screener`` port for the words and phrases that an operator does not want.

    Found are: other cases, accents, compatibility and full-width forms, invisible characters inside
    a word, common Cyrillic and Greek look-alikes, digits and symbols for letters, letters written
    three times and more, single letters with anything between them, and punctuation inside a word.

    Not found are: a word inside another one, a phrase written as one word, inflected forms that are
    not listed, a letter written twice for once, a word broken by spaces into larger pieces, single
    letters with another one before or after them, punctuation inside a word beside an apostrophe,
    and other spellings. One letter with digits is not read as a word ("A55"). A word of look-alikes
    alone is read as Latin only where the message has no letter of its own script. In scripts that
    write no spaces between words a word is found where something else than a letter stands around
    it.

    Raises ``InvalidSetting``, which shows no word.
    """

    __slots__ = ("_action", "_as_latin", "_as_written", "_reason")

    def __init__(
        self, words: Iterable[str], *, action: Action = "refuse", reason: str = "word"
    ) -> None:
        entries = [_entry(words) for words in _texts(words)]
        self._action = checked_action(action)
        self._reason = checked_reason(reason)
        self._as_written = _Index(entries)
        self._as_latin = _Index([list(map(_as_latin, entry)) for entry in entries])

    @property
    def reasons(self) -> tuple[str, ...]:
        return (self._reason,)

    def screen(self, submission: Submission) -> Verdict:
        if self._finds(folded(submission.text.text)):
            return verdict_of(self._action, self._reason)
        return Pass()

    def _finds(self, text: str) -> bool:
        readings = _Readings()
        latin = _LatinReadings(readings, is_foreign=has_own_letters(text))
        joined = dict.fromkeys(_hyphened(text))
        for words in _streams(text):
            joined |= dict.fromkeys(_spaced(words))
            if any(self._as_written.matches([readings[word] for word in words])):
                return True
            if text.isascii():
                continue
            # What is in Latin letters throughout is no word of another script in disguise.
            for place in self._as_latin.matches([latin[word] for word in words]):
                if not "".join(words[place]).isascii():
                    return True
        return any(
            self._as_written.has_joined(readings[word])
            or (not word.isascii() and self._as_latin.has_joined(latin[word]))
            for word in joined
        )


def _texts(words: object) -> Iterator[str]:
    if not isinstance(words, Iterable) or isinstance(words, str):
        raise InvalidSetting("screening.words", "must be several texts")
    for word in words:
        if not isinstance(word, str):
            raise InvalidSetting("screening.words", "must be texts")
        yield word


def _entry(words: str) -> list[str]:
    """A word or a phrase as it is looked up, its own symbols read as letters."""
    entry: list[str] = []
    for word in folded(words).translate(_WORDS_AND_SYMBOLS).split():
        leet = next(_leet_readings(word), None) if not word.isalnum() else None
        entry += [leet] if leet else word.translate(_WORDS).split()
    if not 1 <= len(entry) <= _MOST_WORDS_OF_A_PHRASE:
        raise InvalidSetting("screening.words", f"must hold 1 to {_MOST_WORDS_OF_A_PHRASE} words")
    if len(_as_latin("".join(entry))) > _LONGEST_ENTRY:
        raise InvalidSetting("screening.words", f"must have at most {_LONGEST_ENTRY} letters")
    return entry


if TYPE_CHECKING:

    def _conforms() -> Screener:
        return WordList([])
