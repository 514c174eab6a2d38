"""The randomness inside message ids."""

from typing import Protocol


class Entropy(Protocol):
    """A source of random bits for message ids.

    Uniqueness of an id does not depend on it (an id grows within its conversation, under lock),
    but that nobody can guess one does: in production it MUST be a cryptographic source. It MUST be
    safe to ask from any thread.
    """

    def draw(self) -> int:
        """A number of at least 62 random bits."""
        ...
