"""Processes that are killed in the middle of a job."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.sealed import Keys

from dmcore.adapters import crypto, sql
from dmcore.adapters.crypto import _keyring
from dmcore.adapters.crypto._wrapping import wrapped
from dmcore.adapters.sql import _encrypting


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(function: Callable[..., Any], *, at: int) -> Callable[..., Any]:
    """The same function, until it is called so often."""
    calls: list[None] = []

    def call(*given: Any, **named: Any) -> Any:
        calls.append(None)
        if len(calls) == at:
            _die()
        return function(*given, **named)

    return call


def seals_and_dies(url: str, folder: Path, rows: int) -> None:
    """Be killed inside the second transaction, with some of its rows changed."""
    _encrypting._AT_ONCE = 4  # type: ignore[misc]
    encryption = Keys(folder).encryption()
    # Of each of these messages a text and a tag.
    encryption.seal = _dying(encryption.seal, at=2 * (4 + rows))  # type: ignore[method-assign]
    list(sql.seal(url, encryption=encryption))


def rewraps_and_dies(folder: Path, rows: int) -> None:
    """Be killed inside the second transaction."""
    ring = Keys(folder).keyring()
    ring.rewrap(most=4)
    vars(_keyring)["wrapped"] = _dying(wrapped, at=rows)
    ring.rewrap(most=4)


def rotates_and_dies(folder: Path) -> None:
    """Be killed when the key file has the new key and the keyring does not know of it."""
    keys = Keys(folder)
    ring = keys.keyring()
    master = crypto.KeyFile(keys.file).renewed()
    _keyring._new_root = _dying(_keyring._new_root, at=1)
    ring.rotate_master(master)
