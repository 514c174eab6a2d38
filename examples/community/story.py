"""Who is in the forum when it opens for the first time, and what they said: all invented."""

from typing import Final

from dmcore import DirectMessages, Message
from examples.community.people import Member, People, Post

_MEMBERS: Final = (
    Member(id=1, username="marlow", about="Grows tomatoes on a north-facing balcony, somehow."),
    Member(id=2, username="tessa_k", about="Bakes with rye. Wants a bicycle."),
    Member(id=3, username="brin", about="Repairs bicycles, sells some of them."),
    Member(id=4, username="old-oak", about="Reads everything, says little."),
    Member(id=5, username="juniper", about="Moderates the forum.", role="moderator"),
    Member(id=6, username="harbor", about="Runs the machine it stands on.", role="operator"),
)
_POSTS: Final = (
    Post(
        author="old-oak",
        board="books",
        title="Which book have you read three times?",
        text="Not because you had to. Mine is a book about moss.",
    ),
    Post(
        author="brin",
        board="bicycles",
        title="Green touring bike looks for somebody with long legs",
        text="Steel, 60 cm, new chain. It squeaks when it likes you. Write to me.",
    ),
    Post(
        author="tessa_k",
        board="bread",
        title="Rye that does not stick to everything",
        text="Wet hands, cold dough, patience. I share the starter with whoever fetches it.",
    ),
    Post(
        author="marlow",
        board="gardens",
        title="Tomatoes without sun: year two",
        text="Eleven of them. They are the size of marbles, but they are mine.",
    ),
)
_MESSAGES: Final = (
    ("tessa_k", "brin", "Is the green one still there? I have the legs for it."),
    ("brin", "tessa_k", "It is. Come on Saturday and take it for a round."),
    ("tessa_k", "brin", "I will bring bread."),
    ("marlow", "tessa_k", "Could I have some of the starter? I can trade tomatoes."),
    ("marlow", "tessa_k", "Small ones."),
)


def begin(people: People, dm: DirectMessages) -> None:
    """Fill a new forum; the operator turns messaging on, which is off until somebody does."""
    if people.everybody():
        return
    ids = {it.username: str(people.register(it.username, it.about, it.role).id) for it in _MEMBERS}
    for post in _POSTS:
        people.write(post)
    dm.operations(ids["harbor"]).set_mode("on")
    newest: dict[frozenset[str], Message] = {}
    for sender, recipient, text in _MESSAGES:
        mailbox, pair = dm.mailbox(ids[sender]), frozenset((sender, recipient))
        if pair in newest:  # who answers has read
            mailbox.mark_read(newest[pair].conversation, through=newest[pair].id)
        newest[pair] = mailbox.start(ids[recipient], text)
