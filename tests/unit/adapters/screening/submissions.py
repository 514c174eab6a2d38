"""What a test submits, and texts that try to be expensive."""

import unicodedata

from hypothesis import strategies as st

from dmcore.domain.body import Body
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.screening import Submission

ANN = User(TenantId("acme"), UserId("ann"))
CARL = User(TenantId("acme"), UserId("carl"))
NOW_US = 1_000_000_000_000_000


def submitted(
    text: str,
    *,
    sender: User = ANN,
    at_us: int = NOW_US,
    is_first_contact: bool = True,
    recent_sends_us: tuple[int, ...] = (),
) -> Submission:
    """Somebody writes to Bob."""
    return Submission(
        text=Body(text),
        sender=sender,
        recipient=UserId("bob"),
        at_us=at_us,
        is_first_contact=is_first_contact,
        recent_sends_us=recent_sends_us,
    )


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
PIECES = (
    *("fuck", "f", "u", "c", "k", " ", ".", "@", "://", "/", "www", "com", "dot", "at"),
    *("0", "+", "1", "555", "-", "!", "$", "сук", "а", "e\u0301", "\u0915\u094d"),
    *("\u304b\u3099", "\u1100\u1161\u11a8", "\u0344", "\u0345", "\u00b5", "\u212b"),
    *("\u0f73", "\u200d", "\u093c\u0323", "\u2126", "\u0958", "\ufb2c"),
)
# Any text there is, and texts of what screeners look at, which chance does not find.
texts = st.one_of(
    st.text(characters, min_size=1, max_size=60),
    st.lists(
        st.sampled_from(PIECES),
        min_size=1,
        max_size=30,
    ).map("".join),
)

EXPENSIVE = {
    "one letter": "a",
    "letters and dots": "a.",
    "dots": ".",
    "signs of mail": "a@",
    "signs of mail and dots": "a.b@",
    "schemes": "a://",
    "colons": "a:b.com:",
    "digits": "1",
    "spaced digits": "1 ",
    "groups of digits": "+1-555 ",
    "marks in the wrong order": "\u0323\u0307\u094d\u093c\u3099",
    "marks": "\u0301",
    "vowel signs": "\u0915\u0941",
    "words of a phrase": "kill ",
    "spaced letters": "f u c ",
    "leet": "a$$!1",
    "look-alikes": "сук",
    "dots in words": "a dot ",
    "at in words": "a at b dot com ",
    "widest": "\ufdfa",
    "hyphens": "a-",
    "slashes": "a.b/",
    "apostrophes": "a'",
    "accents and commas": "\u00e9,",
    "disguised words": " ".join(f"{a}{b}1-\u0430{b}{a}!" for a in "abcdefgh" for b in "stuvwxyz"),
}


def of_length(kind: str, length: int) -> str:
    """So many code points of an expensive text."""
    unit = EXPENSIVE[kind]
    return (unit * (length // len(unit) + 1))[:length]


def forms(text: str) -> tuple[str, str]:
    """The composed and the decomposed form."""
    return unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
