"""The text of a message: what is accepted, and that it never shows itself by accident.

A body is stored and returned byte for byte; it is never trimmed, folded or rewritten (MSG-1).
"""

import unicodedata
from enum import StrEnum
from typing import Final, Literal

import attrs

from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidBody, InvalidSetting


class BodyReason(StrEnum):
    """Why a text was refused."""

    NOT_TEXT = "not_text"
    EMPTY = "empty"
    INVISIBLE = "invisible"
    NUL = "nul"
    LONE_SURROGATE = "lone_surrogate"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    EMOJI = "emoji"


class Body:
    """A message text in valid form, never changed. Its ``repr`` and ``str`` are redacted (LEAK-1).

    It is no attrs class: test runners and debuggers print the fields of those.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    @property
    def text(self) -> str:
        """The text itself, byte for byte."""
        text: str = object.__getattribute__(self, "_text")
        return text

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a body is never changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a body is never changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and self.text == other.text

    def __hash__(self) -> int:
        return hash((Body, self.text))

    def __reduce__(self) -> tuple[type["Body"], tuple[str]]:
        return Body, (self.text,)

    def __repr__(self) -> str:
        return "<Body redacted>"

    __str__ = __repr__


UNREADABLE: Final = Body("\ufffd")
"""What is shown in the place of a stored text that cannot be opened any more (CRYPT-1)."""


@attrs.frozen(kw_only=True)
class BodyRules:
    """What a text may be: sizes in code points and in bytes of UTF-8 (MSG-1).

    Raises ``InvalidSetting`` for limits below 1.
    """

    longest: int = 4_000
    largest_bytes: int = 16_384
    emoji: Literal["allow", "refuse"] = "allow"

    def __attrs_post_init__(self) -> None:
        for name in ("longest", "largest_bytes"):
            if not is_whole_number(getattr(self, name), least=1):
                raise InvalidSetting(f"body.{name}", "must be a whole number of at least 1")
        if self.emoji not in ("allow", "refuse"):
            raise InvalidSetting("body.emoji", "must be 'allow' or 'refuse'")


def parse_body(text: str, rules: BodyRules) -> Body:
    """Read a text under ``rules``. Raises ``InvalidBody``, which never carries the text."""
    if not isinstance(text, str):
        raise InvalidBody(BodyReason.NOT_TEXT, "a message is text")
    if text == "":
        raise InvalidBody(BodyReason.EMPTY, "a message cannot be empty")
    if len(text) > rules.longest:
        explanation = f"a message has at most {rules.longest} characters"
        raise InvalidBody(BodyReason.TOO_LONG, explanation, longest=rules.longest)
    if "\0" in text:
        raise InvalidBody(BodyReason.NUL, "a message cannot hold the NUL character")
    if not text.isascii():
        _check_encoding(text, rules)
    elif len(text) > rules.largest_bytes:
        raise _too_large(rules)
    if all(_is_invisible(character) for character in text):
        raise InvalidBody(BodyReason.INVISIBLE, "a message must show something")
    if rules.emoji == "refuse" and _has_emoji(text):
        raise InvalidBody(BodyReason.EMOJI, "emoji are not accepted here")
    return Body(text)


def _check_encoding(text: str, rules: BodyRules) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidBody(BodyReason.LONE_SURROGATE, "a message cannot hold a lone surrogate")
    if len(text.encode()) > rules.largest_bytes:
        raise _too_large(rules)


def _too_large(rules: BodyRules) -> InvalidBody:
    explanation = f"a message has at most {rules.largest_bytes} bytes"
    return InvalidBody(BodyReason.TOO_LARGE, explanation, largest_bytes=rules.largest_bytes)


# Characters outside the separator, control and format categories that draw nothing: fillers, the
# blank Braille pattern, variation selectors and the other default-ignorable code points. A
# combining mark alone, or a code point that this Python does not know yet, may be drawn and is let
# through.
_INVISIBLE: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2065),
            *(0x2800, 0x3164, 0xFFA0, 0x1D159),
            *range(0xFE00, 0xFE10),
            *range(0xFFF0, 0xFFF9),
            *range(0xE0000, 0xE1000),
        ),
    )
)
_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def _is_invisible(character: str) -> bool:
    return character in _INVISIBLE or unicodedata.category(character) in _INVISIBLE_CATEGORIES


# Code points that are drawn as emoji, after Unicode's emoji properties; the blocks of pictographs
# are taken whole, with what is not assigned in them yet. Digits, (c) and arrows are text unless a
# variation selector 16 or a keycap mark makes them emoji, so those marks count.
_EMOJI_RANGES: Final = (
    (0x20E3, 0x20E3), (0x231A, 0x231B), (0x23E9, 0x23F3), (0x23F8, 0x23FA), (0x25FD, 0x25FE),
    (0x2600, 0x2604), (0x260E, 0x260E), (0x2614, 0x2615), (0x2618, 0x2618), (0x261D, 0x261D),
    (0x2620, 0x2620), (0x2622, 0x2623), (0x2626, 0x2626), (0x262A, 0x262A), (0x262E, 0x262F),
    (0x2638, 0x263A), (0x2648, 0x2653), (0x2660, 0x2660), (0x2663, 0x2663), (0x2665, 0x2666),
    (0x2668, 0x2668), (0x267B, 0x267B), (0x267E, 0x267F), (0x2692, 0x2697), (0x2699, 0x2699),
    (0x269B, 0x269C), (0x26A0, 0x26A1), (0x26A7, 0x26A7), (0x26AA, 0x26AB), (0x26B0, 0x26B1),
    (0x26BD, 0x26BE), (0x26C4, 0x26C5), (0x26C8, 0x26C8), (0x26CE, 0x26CF), (0x26D1, 0x26D1),
    (0x26D3, 0x26D4), (0x26E9, 0x26EA), (0x26F0, 0x26F5), (0x26F7, 0x26FA), (0x26FD, 0x26FD),
    (0x2702, 0x2702), (0x2705, 0x2705), (0x2708, 0x270D), (0x270F, 0x270F), (0x2712, 0x2712),
    (0x2728, 0x2728), (0x274C, 0x274C), (0x274E, 0x274E), (0x2753, 0x2755), (0x2757, 0x2757),
    (0x2763, 0x2764), (0x2795, 0x2797), (0x27B0, 0x27B0), (0x27BF, 0x27BF), (0x2B1B, 0x2B1C),
    (0x2B50, 0x2B50), (0x2B55, 0x2B55), (0xFE0F, 0xFE0F), (0x1F004, 0x1F004), (0x1F0CF, 0x1F0CF),
    (0x1F18E, 0x1F18E), (0x1F191, 0x1F19A), (0x1F1E6, 0x1F1FF), (0x1F201, 0x1F202),
    (0x1F21A, 0x1F21A), (0x1F22F, 0x1F22F), (0x1F232, 0x1F23A), (0x1F250, 0x1F251),
    (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F7E0, 0x1F7EB), (0x1F7F0, 0x1F7F0),
    (0x1F90C, 0x1F9FF), (0x1FA70, 0x1FAFF),
)  # fmt: skip

EMOJI_CLASS: Final = "".join(rf"\u{{{first:x}}}-\u{{{last:x}}}" for first, last in _EMOJI_RANGES)
"""The same as browsers read it in the brackets of a regular expression, for who seals there."""


def _has_emoji(text: str) -> bool:
    if text.isascii():
        return False
    points = {ord(character) for character in text}
    return any(first <= point <= last for point in points for first, last in _EMOJI_RANGES)
