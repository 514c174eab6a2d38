"""What a read answers with."""

from typing import Generic, TypeVar

import attrs

from dmcore.domain.mode import Mode

Found_co = TypeVar("Found_co", covariant=True)


@attrs.frozen
class Reading(Generic[Found_co]):
    """What a read found, with the mode read in the same statement (OPS-1).

    So is ``suspended_until_us``, the end of the suspension of the user whom it was read for, as the
    account has it (MOD-4); whoever reads a user's messages MUST give it.
    """

    mode: Mode
    found: Found_co
    suspended_until_us: int | None = None
