"""The marketplace as an application of Django."""

from django.apps import AppConfig


class Talent(AppConfig):
    """Nothing is done when it is loaded but hearing of accounts that go."""

    name = "examples.talent"
    label = "talent"

    def ready(self) -> None:
        """Hear of accounts that go."""
        from examples.talent import departures

        departures.listen()
