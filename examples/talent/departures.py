"""Somebody's account is deleted: what they wrote goes as well, and is gone for the others too.

That it has to go is written down with the deletion itself, so it is done even where the site stops
between the two.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete

from examples.talent.models import Departure, Member


def listen() -> None:
    """Hear of accounts that are deleted, and of who signs out."""
    post_delete.connect(_depart, sender=Member)
    user_logged_out.connect(_leave)


def finish() -> None:
    """Erase what is left of everybody whose account is gone; also what was begun and not ended."""
    from examples.talent.messaging import dm

    for departure in Departure.objects.all():
        dm.operations("site").erase(departure.member)
        departure.delete()


def _depart(instance: Member, **_more: Any) -> None:
    Departure.objects.create(member=str(instance.pk))
    transaction.on_commit(finish)


def _leave(user: Member | None, **_more: Any) -> None:
    from examples.talent.messaging import messages

    if user is not None:
        messages.disconnect(str(user.pk))
