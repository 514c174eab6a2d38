"""What a read answers with."""

from typing import Generic, TypeVar

import attrs

from dmcore.domain.mode import Mode

Found_co = TypeVar("Found_co", covariant=True)


@attrs.frozen
class Reading(Generic[Found_co]):
    """What a read found, with the mode read in the same statement (OPS-1)."""

    mode: Mode
    found: Found_co
