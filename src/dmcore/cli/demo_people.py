"""The people of the demo site, and what they wrote to each other before anybody came to look.

They and all they say are invented, and it went through the real rules. Refuses to know how it is
shown.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import attrs

from dmcore.adapters.clock import SystemClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.cli.failures import StoreNotEmpty
from dmcore.cli.fixtures import Chance, script
from dmcore.direct_messages import DirectMessages
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.domain.policy import Policy
from dmcore.operations import Operations

TENANT: Final = "demo-site"


@attrs.frozen(kw_only=True)
class Character:
    """Somebody whom a visitor of the demo can be."""

    name: str
    about: str


CHARACTERS: Final = {
    "ann": Character(name="Ann Whitlock", about="Bakes bread, wants a bike"),
    "bob": Character(name="Bob Lindqvist", about="Repairs and sells bikes"),
    "zoe": Character(name="Zoë Němcová", about="Leads the choir"),
    "layla": Character(name="ليلى منصور", about="Grows tomatoes and mint"),
    "eleni": Character(name="Ελένη Παππά", about="Lends ladders and chairs"),
    "dmytro": Character(name="Дмитро Коваль", about="Has a van and an opinion"),
}

STAFF: Final = {
    "mina": Character(name="Mina Okafor", about="Moderates: sees what was reported"),
    "oskar": Character(name="Oskar Brandt", about="Operates: turns the switch"),
}
"""Who looks after the place: one who moderates, and one who operates it."""

MODERATOR: Final = "mina"
OPERATOR: Final = "oskar"
POLICY: Final = Policy(evidence="reporter_selected")


@attrs.frozen
class Said:
    """One message of the past. Who writes has read what is there; nobody else has."""

    ago: timedelta
    sender: str
    receiver: str
    text: str


class StoryClock:
    """The machine's clock, which can be put back while the past happens."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._back_us = 0

    def now_us(self) -> int:
        return self._system.now_us() - self._back_us

    def put_back(self, span: timedelta) -> None:
        """Show an instant so long ago; no span is the present."""
        self._back_us = span // timedelta(microseconds=1)


def settle(dm: DirectMessages, operations: Operations, clock: StoryClock) -> None:
    """Turn messaging on and let the past happen, if it has not in this store.

    Raises ``StoreNotEmpty`` for a store with messages that are not this demo's.
    """
    if operations.audit("ann", tenant=TENANT, limit=1).items:
        return
    if operations.status().messages:
        raise StoreNotEmpty("the demo wants one of its own")
    operations.set_mode(Mode.ON)
    newest: dict[frozenset[str], Message] = {}
    for said in sorted([*_STORY, *_rehearsals()], key=lambda said: said.ago, reverse=True):
        clock.put_back(said.ago)
        pair = frozenset((said.sender, said.receiver))
        sender = dm.mailbox(said.sender, tenant=TENANT)
        if pair in newest:
            sender.mark_read(newest[pair].conversation, through=newest[pair].id)
        newest[pair] = sender.start(said.receiver, said.text)
    clock.put_back(timedelta(minutes=1))
    done_with = newest[frozenset(("bob", "dmytro"))]
    dm.mailbox("bob", tenant=TENANT).mark_read(done_with.conversation, through=done_with.id)
    dm.mailbox("bob", tenant=TENANT).archive(done_with.conversation)
    dm.mailbox("eleni", tenant=TENANT).block("dmytro")
    advertised = newest[frozenset(("zoe", "dmytro"))]
    dm.mailbox("zoe", tenant=TENANT).report(
        conversation=advertised.conversation, messages=[advertised.id], reason="spam"
    )
    dm.mailbox("eleni", tenant=TENANT).report("dmytro", reason="harassment")
    clock.put_back(timedelta())


def _rehearsals() -> Iterator[Said]:
    """A conversation that is longer than a page."""
    chance = Chance(SeededEntropy("the demo site"))
    ago = timedelta(days=9)
    for line in script([("zoe", "eleni")], 120, chance):
        ago -= timedelta(minutes=40, seconds=line.wait_s)
        yield Said(ago, line.sender, line.receiver, line.text)


_STORY: Final = (
    Said(timedelta(days=12), "dmytro", "bob", "You still have my long ladder."),
    Said(timedelta(days=12, minutes=-9), "bob", "dmytro", "It is yours again on Friday."),
    Said(timedelta(days=11), "dmytro", "bob", "Got it, thanks."),
    Said(timedelta(days=6), "dmytro", "eleni", "Chairs moved. Invoice?"),
    Said(timedelta(days=5), "eleni", "dmytro", "We said it was a favour."),
    Said(
        timedelta(days=4), "dmytro", "zoe", "VAN FOR HIRE! Cheapest in town. Tell the whole choir!"
    ),
    Said(timedelta(days=3), "zoe", "layla", "Čau! Will you sing with us on Thursday?"),
    Said(timedelta(days=3, minutes=-31), "layla", "zoe", "مرحبا زوي! نعم، بكل سرور."),
    Said(timedelta(days=3, minutes=-33), "layla", "zoe", "I shall be ten minutes late, though."),
    Said(timedelta(days=2), "ann", "bob", "Hi Bob, is the blue bike still for sale?"),
    Said(timedelta(days=2, minutes=-4), "bob", "ann", "Yes! Come and see it on Saturday."),
    Said(timedelta(days=2, minutes=-6), "ann", "bob", "Lovely. What time suits you?"),
    Said(
        timedelta(days=2, minutes=-20),
        "bob",
        "ann",
        "Around ten. It has new tyres and a bell, and the basket comes with it.\n"
        "The saddle squeaks a little; I shall see to that before you come.",
    ),
    Said(timedelta(days=1, hours=7), "layla", "ann", "I have far too many tomatoes. Two kilos?"),
    Said(timedelta(days=1, hours=6), "ann", "layla", "Yes please! I pay in bread."),
    Said(timedelta(days=1, hours=5), "layla", "ann", "اتفقنا! غدًا مساءً إذن."),
    Said(timedelta(hours=3), "bob", "ann", "The bike is washed and waiting."),
    Said(timedelta(hours=2, minutes=57), "bob", "ann", "Shall I keep the basket on?"),
    Said(timedelta(hours=1), "eleni", "ann", "Καλημέρα! Did the two chairs arrive?"),
    Said(timedelta(minutes=25), "dmytro", "layla", "Van is free on Sunday. Need anything moved?"),
)
