"""The people of the marketplace: their role, their subscription, and who has left.

Knows nothing of messages.
"""

from datetime import timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What somebody is here for. Admins are Django's own ``is_staff``, whatever their role."""

    NONE = "", "Just looking"
    TALENT = "talent", "Talent"
    PROFESSIONAL = "professional", "Professional"
    COMPANY = "company", "Company"


class Member(AbstractUser):
    """Somebody with an account. A subscription is for a time, and may have ended."""

    role = models.CharField(max_length=20, choices=Role, default=Role.NONE, blank=True)
    about = models.CharField(max_length=200, blank=True)
    paid_until = models.DateTimeField(null=True, blank=True)

    @property
    def name(self) -> str:
        """How they are called on every page."""
        return str(self.get_full_name() or self.username)

    @property
    def is_subscribed(self) -> bool:
        """Whether they pay at this moment."""
        return self.paid_until is not None and self.paid_until > timezone.now()

    @property
    def gains_by_paying(self) -> bool:
        """Whether a subscription would change anything for somebody in this role."""
        return self.role in {Role.PROFESSIONAL, Role.COMPANY}

    @property
    def kind(self) -> str:
        """In one word, what they are."""
        return "Admin" if self.is_staff else str(Role(self.role).label)

    def subscribe(self) -> None:
        """Pay for a month."""
        self.paid_until = timezone.now() + timedelta(days=30)
        self.save(update_fields=["paid_until"])

    def unsubscribe(self) -> None:
        """End it now."""
        self.paid_until = timezone.now()
        self.save(update_fields=["paid_until"])


class Departure(models.Model):
    """An account is gone, and what its owner wrote has yet to go."""

    member = models.CharField(max_length=20)
