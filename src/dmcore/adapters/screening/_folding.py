"""Reading a text as an eye does: without case, marks and what draws nothing.

Every character is folded by itself and once, so the time is that of one look-up for each, and the
two forms of composition come to the same. It is for comparing; nobody is ever shown it.
"""

import unicodedata
from collections.abc import Callable
from itertools import groupby
from typing import Final

# Of 1.1 million characters; more than the texts of any people use. The rest is computed anew.
_MOST_REMEMBERED: Final = 8_192
# No canonical decomposition is longer.
_MOST_PARTS: Final = 4

# Letters without a sound of their own are dropped, and these marks: accents, vowel points of Hebrew
# and Arabic, variation selectors. In scripts after them marks are vowels, without which a word is
# another one.
_FIRST_OF_VOWEL_SIGNS: Final = "\u0900"
_MARKS: Final = (
    ("\u1ab0", "\u1aff"),
    ("\u1dc0", "\u1dff"),
    ("\u20d0", "\u20ff"),
    ("\ufe00", "\ufe0f"),
    ("\ufe20", "\ufe2f"),
    ("\U000e0100", "\U000e01ef"),
)
_FILLERS: Final = frozenset("\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_SAME_SIGN: Final = {
    "\u3002": ".",
    "\u2044": "/",
    "\u2215": "/",
    "\u2010": "-",
    "\u2011": "-",
    # Letters in black circles and squares, and those of flags: pictures to Unicode.
    **{chr(first + it): chr(97 + it) for first in (0x1F150, 0x1F170, 0x1F1E6) for it in range(26)},
}


class Table(dict[int, str]):
    """A translation that is made while it is used, in bounded memory."""

    def __init__(self, reading: Callable[[str], str]) -> None:
        super().__init__()
        self._reading = reading

    def __missing__(self, point: int) -> str:
        read = self._reading(chr(point))
        if len(self) < _MOST_REMEMBERED:
            self[point] = read
        return read


def is_mark(character: str) -> bool:
    """Whether it is a combining mark."""
    return unicodedata.category(character)[0] == "M"


def _is_drawn(character: str) -> bool:
    if character in _FILLERS or unicodedata.category(character) == "Cf":
        return False
    if not is_mark(character):
        return True
    if character < _FIRST_OF_VOWEL_SIGNS:
        return False
    return not any(first <= character <= last for first, last in _MARKS)


def _simplified(character: str) -> str:
    """Compatibility forms, digits and signs of other scripts as the plain ones."""
    parts = unicodedata.normalize("NFKD", character)
    if len(parts) > _MOST_PARTS:
        # A sentence in one character, of which a text could hold thousands.
        parts = character
    kept = []
    for part in parts:
        if _is_drawn(part):
            digit = unicodedata.decimal(part, None)
            kept.append(_SAME_SIGN.get(part, part) if digit is None else str(digit))
    return "".join(kept)


def _folded(character: str) -> str:
    return "".join(map(_simplified, _simplified(character).casefold()))


_SIMPLIFIED: Final = Table(_simplified)
_FOLDED: Final = Table(_folded)
_DECOMPOSED: Final = Table(lambda it: unicodedata.normalize("NFD", it))


def simplified(text: str) -> str:
    """The text with its case, and without what an eye does not tell apart."""
    return _arranged(text.translate(_SIMPLIFIED))


def is_simple(text: str) -> bool:
    """Whether simplifying changes nothing in it but the form of composition."""
    return text.isascii() or text.translate(_SIMPLIFIED) == text.translate(_DECOMPOSED)


def folded(text: str) -> str:
    """The same without case."""
    return _arranged(text.translate(_FOLDED))


def _arranged(text: str) -> str:
    """Marks in one order, whatever the form of composition; those on a Latin letter are dropped."""
    if text.isascii():
        return text
    kept = ""
    parts = []
    for are_marks, group in groupby(text, key=is_mark):
        run = "".join(group)
        if not are_marks:
            parts.append(run)
            kept = run[-1]
        elif not kept.isascii() or kept == "":
            parts.append("".join(sorted(run, key=unicodedata.combining)))
    return "".join(parts)


# Letters that look like a Latin one, after folding. The common ones: a full table would read half
# of Greek as Latin.
LOOK_ALIKES: Final = str.maketrans(
    {
        **dict(zip("авекмнорстухѕіјԁԛԝһӏ", "abekmhopctyxsijdqwhl", strict=True)),
        **dict(zip("αβεηικνορτυχγωζ", "abenikvoptuxywz", strict=True)),
        **dict(zip("øłđħıŧƒɑɡʀɴɪɢʙʜʟʏᴀᴄᴅᴇ", "oldhitfagrnigbhlyacde", strict=True)),
        **dict(zip("ᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢ", "jkmoptuvwz", strict=True)),
        "æ": "ae",
        "œ": "oe",
    }
)


def has_own_letters(text: str) -> bool:
    """Whether a folded text has Greek or Cyrillic letters that look like no Latin one."""
    return any("\u0370" <= it <= "\u052f" and ord(it) not in LOOK_ALIKES for it in set(text))
