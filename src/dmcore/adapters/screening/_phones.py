"""Telephone numbers, told from dates, sums and other numbers by how their digits are grouped."""

from itertools import groupby
from typing import Final

_FEWEST, _MOST = 9, 15
_FEWEST_INTERNATIONAL: Final = 8
_BARE: Final = (10, 11)
_LONGEST_GAP: Final = 3
_BOOK: Final = 13
_THOUSANDS: Final = 3
_MACHINE: Final = 4

_MARKED: Final = frozenset("0123456789+")
_BETWEEN: Final = frozenset(" \u00a0-.()/\u2012\u2013\u2212\t")


def has_phone(text: str) -> bool:
    """Whether a simplified text has a telephone number."""
    # Groups of digits that stand as near to each other as those of one number do.
    groups: list[str] = []
    for kind, run in groupby(text, key=_kind_of):
        if kind == "digits":
            part = "".join(run)
            if "+" in part[:1] and groups:
                if _is_phone(groups):
                    return True
                groups = []
            groups.append(part)
        elif kind == "between" and sum(1 for _ in run) <= _LONGEST_GAP:
            continue
        else:
            if _is_phone(groups):
                return True
            groups = []
    return _is_phone(groups)


def _kind_of(character: str) -> str:
    if character in _MARKED:
        return "digits"
    return "between" if character in _BETWEEN else "other"


def _is_phone(groups: list[str]) -> bool:
    groups = _after_a_date(groups)
    digits = "".join(groups).lstrip("+")
    if not digits.isdigit() or len(digits) > _MOST:
        return False
    if groups[0].startswith("+"):
        return len(digits) >= _FEWEST_INTERNATIONAL
    if len(digits) < _FEWEST or _is_of_a_book(digits):
        return False
    if digits.startswith("0"):
        return True
    if len(groups) == 1:
        return len(digits) in _BARE
    # "1 2 3 4 …" and "10 20 30 …" are lists, "12 000 000" is a sum, 192.168.100.200 a machine.
    is_list = max(map(len, groups)) < _THOUSANDS
    return not (is_list or _is_a_sum(groups) or _is_of_a_machine(groups))


def _after_a_date(groups: list[str]) -> list[str]:
    """The groups without the date before them: 2026-11-21, 21.11.2026."""
    date = groups[:3]
    has_year = any(
        len(it) == len("2026") and it[:2] in ("19", "20") for it in (*date[:1], *date[2:])
    )
    is_date = has_year and sum(map(len, date)) <= len("20261121")
    return groups[3:] if is_date else groups


def _is_of_a_book(digits: str) -> bool:
    return len(digits) == _BOOK and digits[:3] in ("978", "979")


def _is_a_sum(groups: list[str]) -> bool:
    first, *rest = groups
    is_grouped = all(len(group) == _THOUSANDS for group in rest)
    return is_grouped and (len(first) < _THOUSANDS or set(rest) == {"000"})


def _is_of_a_machine(groups: list[str]) -> bool:
    return len(groups) == _MACHINE and max(map(len, groups)) <= _THOUSANDS
