"""Links and contact details: what leads people out of the product.

Everything is found by cutting the text at certain characters and looking at each piece, so no text
takes more than a few passes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from dmcore.adapters.screening._actions import Action, checked_action, verdict_of
from dmcore.adapters.screening._domains import ENDINGS, FILES, WORDS
from dmcore.adapters.screening._folding import Table, is_mark, is_simple, simplified
from dmcore.adapters.screening._phones import has_phone
from dmcore.domain.screening import Pass, Submission, Verdict
from dmcore.errors import InvalidSetting
from dmcore.ports.screening import Screener

Kind: TypeAlias = Literal["link", "email", "phone"]

# What surrounds an address and is no part of one. Brackets go too: "example[.]com".
_AROUND: Final = str.maketrans(dict.fromkeys(",;()[]{}<>\"'“”‘’«»„*|`!、，（）「」『』", " "))
_DOTS: Final = frozenset({".", "dot", "punkt", "punto", "точка"})
_ATS: Final = frozenset({"@", "at", "arroba", "собака"})
_OF_A_NAME: Final = Table(lambda it: it if it in "-_." or it.isalnum() or is_mark(it) else " ")
_ENDS_OF_AN_AUTHORITY: Final = str.maketrans(dict.fromkeys("/?#\\", "/"))
_ENDS_OF_A_HOST: Final = str.maketrans(dict.fromkeys("/?#\\:", "/"))


def found_kinds(text: str, *, allowed: frozenset[str] = frozenset()) -> Iterator[Kind]:
    """What is in a text, kinds more than once; hosts in or below an ``allowed`` domain are not."""
    pieces: list[str] = []
    for chunk in text.split():
        own = simplified(chunk).translate(_AROUND).split()
        trusted = _trusted(chunk, allowed)
        for piece in own:
            yield from _in_piece(piece, trusted)
        pieces += own
    yield from _spelled_out(pieces, _trusted(text, allowed))
    if has_phone(simplified(text)):
        yield "phone"


def _trusted(text: str, allowed: frozenset[str]) -> frozenset[str]:
    """None of the domains, where a text was simplified: another one may have an accent there."""
    return allowed if is_simple(text) else frozenset()


def _in_piece(piece: str, allowed: frozenset[str]) -> Iterator[Kind]:
    """An address without a space in it: one with a scheme, a mail address, or a bare domain."""
    lowered = piece.casefold()
    before, *targets = lowered.split("://")
    if targets:
        for scheme, target in pairwise([before, *targets]):
            # Behind the last "@" is the host; a browser reads a backslash as a slash.
            authority = target.translate(_ENDS_OF_AN_AUTHORITY).partition("/")[0]
            host = authority.rpartition("@")[2].partition(":")[0]
            if scheme[-1:].isalnum() and host and not _is_allowed(host, allowed):
                yield "link"
        return
    has_mail = False
    for local, rest in pairwise(lowered.split("@")):
        host = rest.translate(_ENDS_OF_A_HOST).partition("/")[0]
        if local[-1:].isalnum() and _is_name_like(host) and not _is_allowed(host, allowed):
            has_mail = True
            yield "email"
    if not has_mail and any(_has_name(part, allowed) for part in piece.split("@")):
        yield "link"


def _has_name(piece: str, allowed: frozenset[str]) -> bool:
    """Whether an address without a scheme is in a piece: "example.com/x", "see:example.com"."""
    place = 0
    for name in piece.translate(_ENDS_OF_A_HOST).split("/"):
        place += len(name)
        after = piece[place : place + 2]
        if _is_allowed(name.casefold(), allowed) and after[:1] in ("", "/", "?", "#"):
            # What follows is its path.
            return False
        has_path = after[:1] == "/" and len(after) > 1
        if any(_is_name(labels, allowed, has_path=has_path) for labels in _names(name)):
            return True
        place += 1
    return False


def _is_name(labels: list[str], allowed: frozenset[str], *, has_path: bool) -> bool:
    """Whether a name is one of the internet, by its ending and what says so besides."""
    if _is_allowed(".".join(labels).casefold(), allowed):
        return False
    ending = labels[-1].casefold()
    if labels[0].casefold() == "www":
        return True
    if not _is_ending(ending):
        return False
    if has_path:
        return True
    if ending in FILES and len(labels) == 2:  # noqa: PLR2004 - a file has a name and an ending
        return False
    # "Fine.It is" lacks a space.
    return not (ending in WORDS and labels[-1].istitle())


def _names(text: str) -> Iterator[list[str]]:
    """The labels of what could be names of hosts: two and more, with dots between them."""
    for name in text.translate(_OF_A_NAME).replace("..", " ").split():
        labels = name.strip(".-_").split(".")
        ending = labels[-1]
        if ending and ending[0].isascii():
            # Where no spaces are written, the text goes on right behind it.
            labels[-1] = ending = "".join(next(groupby(ending, key=str.isascii))[1])
        if len(labels) > 1 and len(ending) > 1 and not ending.isdigit():
            yield labels


def _is_name_like(text: str) -> bool:
    return any(True for _ in _names(text))


def _is_ending(name: str) -> bool:
    return name in ENDINGS or name.startswith("xn--")


def _is_allowed(host: str, allowed: frozenset[str]) -> bool:
    """Whether a host is one of the allowed domains or below one."""
    if not allowed:
        return False
    labels = host.strip(".").split(".")
    # As many of its last labels as an allowed domain has; domains have few.
    most = max(domain.count(".") for domain in allowed) + 1
    return any(".".join(labels[-count:]) in allowed for count in range(1, most + 1))


def _spelled_out(pieces: Sequence[str], allowed: frozenset[str]) -> Iterator[Kind]:
    """Addresses in words: "name at example dot com", "example [.] com", "name @ example.com"."""
    words = [piece.casefold() for piece in pieces]
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        after = words[place + 1 : place + 3]
        if not before[-1:].isalnum() or not after:
            continue
        if word in _DOTS:
            ending = after[0].rstrip(".:?")
            is_known = _is_ending(ending) and ending not in WORDS
            if is_known and not _is_allowed(f"{before}.{ending}", allowed):
                is_mail = place > 1 and words[place - 2] in _ATS
                yield "email" if is_mail else "link"
        elif word == "@" and _is_name_like(after[0]) and not _is_allowed(after[0], allowed):
            yield "email"


def to_domains(domains: Iterable[str]) -> frozenset[str]:
    """Names of domains as they are compared. Raises ``InvalidSetting``."""
    if not _are_texts(domains):
        raise InvalidSetting("screening.allowed_domains", "must be several names of domains")
    lowered = frozenset(domain.casefold() for domain in domains)
    if any(not is_simple(it) or list(_names(it)) != [it.split(".")] for it in lowered):
        reason = "must be names as example.org is one, without accents"
        raise InvalidSetting("screening.allowed_domains", reason)
    return lowered


def _are_texts(value: object) -> bool:
    if not isinstance(value, tuple | list | set | frozenset):
        return False
    return all(isinstance(it, str) for it in value)


def _to_action(action: Action | None) -> Action | None:
    return None if action is None else checked_action(action)


@attrs.frozen(kw_only=True)
class LinksAndContacts:
    """The ``Screener`` port for links, mail addresses and telephone numbers.

    Each has its own action, ``None`` for none. Links and mail addresses of ``allowed_domains`` and
    what is below them are let through, if written as they are: an accent makes another domain, so
    those with one cannot be allowed. Found are links with any scheme, after "www.", and bare names
    with an ending that people meet; mail addresses; both spelled out with "dot" and "at"; and
    numbers of 8 to 15 digits that are written as telephone numbers are.

    Not found are numbers in words, handles of other services, and "name at gmail". Found wrongly
    are numbers of orders with ten or eleven digits, some long decimals, and a full stop without a
    space before a word that is an ending too, in small letters. Hence they are flagged unless said
    otherwise.

    Reasons: ``link``, ``email``, ``phone``. Raises ``InvalidSetting``.
    """

    links: Action | None = attrs.field(default="flag", converter=_to_action)
    emails: Action | None = attrs.field(default="flag", converter=_to_action)
    phones: Action | None = attrs.field(default="flag", converter=_to_action)
    allowed_domains: frozenset[str] = attrs.field(default=(), converter=to_domains)

    @property
    def reasons(self) -> tuple[str, ...]:
        return ("link", "email", "phone")

    def screen(self, submission: Submission) -> Verdict:
        kinds = set(found_kinds(submission.text.text, allowed=self.allowed_domains))
        actions = {"link": self.links, "email": self.emails, "phone": self.phones}
        for wanted in ("refuse", "flag"):
            for kind, action in actions.items():
                if action is not None and action == wanted and kind in kinds:
                    return verdict_of(action, kind)
        return Pass()


if TYPE_CHECKING:

    def _conforms() -> Screener:
        return LinksAndContacts()
