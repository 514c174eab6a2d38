"""The first people of the collective, and what they wrote before anybody came to look.

All of it is invented, and went through the real rules.
"""

from datetime import timedelta
from typing import Final

from dmcore import DirectMessages, Message
from dmcore.adapters.clock import ManualClock
from examples.care.people import MODERATOR, OPERATOR, Member

KETTLE: Final = "kettle"
"""A program (bot.py), which is one of them."""

MEMBERS: Final = (
    Member(
        id="noor",
        name="Noor Haddad",
        about="A nurse with a van and free Tuesdays.",
        offers="Lifts to the clinic, a second pair of hands on the stairs",
    ),
    Member(
        id="ivo",
        name="Ivo Marić",
        about="Dialysis twice a week. Used to build boats.",
        offers="Sharpens anything that has an edge",
    ),
    Member(
        id="celeste",
        name="Celeste Okoye",
        about="Cooks for twelve, whoever comes.",
        offers="A warm meal by bicycle, every evening",
    ),
    Member(
        id="ruth",
        name="Ruth Abrams",
        about="Was a judge for thirty years. Sees badly, hears everything.",
        offers="Explains letters from offices, in plain words",
    ),
    Member(
        id="tam",
        name="Tâm Nguyễn",
        about="Has a workshop in the yard of number nine.",
        offers="Mends wheelchairs, prams and walkers",
    ),
    Member(
        id="jonas",
        name="Jonas Weber",
        about="New in the street.",
        offers="Opportunities",
    ),
    Member(
        id=KETTLE,
        name="Kettle",
        about="A program that is always on, where somebody started it.",
        offers="Knows who can help with what",
    ),
    Member(id="mira", name="Mira Solberg", about="Looks after the tone.", role=MODERATOR),
    Member(id="otto", name="Otto Prakash", about="Keeps it running.", role=OPERATOR),
)

ACQUAINTANCES: Final = (("noor", "ivo"), ("celeste", "ruth"))

_RIDES: Final = (
    (0, "ivo", "Is Tuesday at eight still good for you?"),
    (9, "noor", "It is. I wait at the corner, the van does not fit into the yard."),
    (2, "ivo", "Then I start down the stairs ten minutes before."),
    (4, "noor", "Take your time. I come up if you ring."),
    (290, "noor", "Home again. How are you?"),
    (3, "ivo", "Tired, but it went well. Thank you for waiting."),
    (1, "noor", "Celeste left soup at your door."),
    (1, "ivo", "I smelled it from the second floor!"),
)
"""How many minutes later, who, what; the same each week."""
_WEEKS: Final = 13
_DAY_S: Final = 86_400


def happen(dm: DirectMessages, clock: ManualClock) -> None:
    """Turn messaging on, and let the past happen until now."""
    now_us = clock.now_us()

    def it_is(**ago: int) -> None:
        clock.set_us(now_us - timedelta(**ago) // timedelta(microseconds=1))

    it_is(weeks=_WEEKS + 1, hours=8)
    dm.operations("otto").set_mode("on")
    _rides(dm, clock)
    it_is(days=6)
    _soup(dm, clock)
    it_is(days=5)
    _trouble(dm, clock)
    it_is(hours=3)
    ivo = dm.mailbox("ivo")
    ride = ivo.start("noor", "The nurse moved me to half past eight. Does that work?")
    clock.advance(seconds=40)
    ivo.send(ride.conversation, "I can also ask Tâm, if it does not.")
    it_is(minutes=25)
    dm.mailbox("celeste").start("noor", "Could you bring Ruth her portion on your way home?")
    clock.set_us(now_us)


def _rides(dm: DirectMessages, clock: ManualClock) -> None:
    """A conversation of many pages."""
    first = dm.mailbox("ivo").start("noor", "Ruth says that you drive to the clinic. I am Ivo.")
    dm.mailbox("noor").accept(first.conversation)
    for _ in range(_WEEKS):
        clock.advance(seconds=7 * _DAY_S)
        for minutes, writer, text in _RIDES:
            clock.advance(seconds=60 * minutes)
            newest = dm.mailbox(writer).send(first.conversation, text)
        clock.advance(seconds=-60 * sum(minutes for minutes, _, _ in _RIDES))
    clock.advance(seconds=8 * 3_600)
    _read(dm, newest)


def _soup(dm: DirectMessages, clock: ManualClock) -> None:
    """Replies to replies, and one that was thought better of."""
    celeste, ruth = dm.mailbox("celeste"), dm.mailbox("ruth")
    asked = ruth.start("celeste", "Is there anything without onions this week?")
    celeste.accept(asked.conversation)
    clock.advance(seconds=300)
    lentils = celeste.send(asked.conversation, "Lentils on Wednesday!", reply_to=asked.id)
    clock.advance(seconds=60)
    pie = celeste.send(asked.conversation, "And there is a pie for Friday.")
    clock.advance(seconds=200)
    ruth.send(asked.conversation, "Lentils, please. I bring the bowl back.", reply_to=lentils.id)
    clock.advance(seconds=90)
    celeste.edit(asked.conversation, pie.id, "And there is a pie for Friday, without onions.")
    wrong = ruth.send(asked.conversation, "Which door was it?")
    ruth.delete(asked.conversation, wrong.id)
    _read(dm, pie)


def _trouble(dm: DirectMessages, clock: ManualClock) -> None:
    """Somebody sells things; two report him, screening does once more, and he was muted before."""
    jonas, desk = dm.mailbox("jonas"), dm.moderation("mira")
    desk.restrict("jonas", "mute", reason="spam", for_=timedelta(days=7))
    clock.advance(seconds=_DAY_S)
    desk.lift("jonas", "mute")
    clock.advance(seconds=_DAY_S)
    hello = jonas.start("tam", "You are good with tools. Ever thought of earning real money?")
    dm.mailbox("tam").accept(hello.conversation)
    clock.advance(seconds=600)
    dm.mailbox("tam").send(hello.conversation, "I am fine, thank you.")
    clock.advance(seconds=60)
    offer = jonas.send(hello.conversation, "Look at https://riches.example before it is gone!")
    clock.advance(seconds=30)
    threat = jonas.send(hello.conversation, "You will be sorry when the yard is sold.")
    clock.advance(seconds=900)
    dm.mailbox("tam").report(
        conversation=hello.conversation, messages=[offer.id, threat.id], reason="threat"
    )
    jonas.start("celeste", "Dear neighbour, may I ask you a question about your savings?")
    clock.advance(seconds=900)
    dm.mailbox("celeste").report("jonas", reason="spam")


def _read(dm: DirectMessages, newest: Message) -> None:
    """Both have seen everything up to a message."""
    view = dm.mailbox(newest.sender).conversation(newest.conversation)
    for reader in (newest.sender, view.other):
        dm.mailbox(reader).mark_read(newest.conversation, through=newest.id)
