"""Who is in the marketplace when it opens for the first time, and what they wrote: all invented."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from dmcore import DirectMessages, Message
from examples.talent.models import Member

# Username, name, role, how many days the subscription goes on, what they say of themselves.
_PEOPLE: Final = (
    ("ines", "Ines Vidal", "talent", None, "Actor. Speaks four languages, two of them loudly."),
    ("tomasz", "Tomasz Bielak", "talent", None, "Dancer. Falls down stairs without a scratch."),
    ("yara", "Yara Haddad", "talent", None, "Voice of three audiobooks and one lift."),
    ("paula", "Paula Stein", "professional", 20, "Photographer, mostly faces."),
    ("oskar", "Oskar Lind", "professional", -3, "Casts short films. Will pay again soon."),
    ("northlight", "Northlight Films", "company", 300, "Feature films with weather in them."),
    ("harbour", "Harbour Theatre", "company", None, "Forty seats and a leaking roof."),
    ("visitor", "Vera Molina", "", None, "Just looking."),
    ("admin", "Ada Marsh", "", None, "Keeps the place in order."),
)
_MESSAGES: Final = (
    ("northlight", "ines", "We are casting a lighthouse keeper. Can you row?"),
    ("ines", "northlight", "I can row, and I can shout against the wind."),
    ("northlight", "ines", "Then come on Thursday at nine. Bring warm socks."),
    ("paula", "ines", "Would you sit for a portrait series? Two hours, paid."),
    ("paula", "tomasz", "I need somebody who can jump for a poster."),
)


def begin(dm: DirectMessages) -> None:
    """Fill a new marketplace; an admin turns messaging on, which is off until somebody does."""
    ids = {}
    for username, name, role, days, about in _PEOPLE:
        first, last = name.split(" ")
        paid_until = None if days is None else timezone.now() + timedelta(days=days)
        member = Member(username=username, first_name=first, last_name=last, role=role)
        member.about, member.paid_until = about, paid_until
        member.is_staff = username == "admin"
        member.set_unusable_password()
        member.save()
        ids[username] = str(member.pk)
    dm.operations(ids["admin"]).set_mode("on")
    newest: dict[frozenset[str], Message] = {}
    for sender, recipient, text in _MESSAGES:
        mailbox, pair = dm.mailbox(ids[sender]), frozenset((sender, recipient))
        if pair in newest:  # who answers has read
            mailbox.mark_read(newest[pair].conversation, through=newest[pair].id)
        newest[pair] = mailbox.start(ids[recipient], text)
