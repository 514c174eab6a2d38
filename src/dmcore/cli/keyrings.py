"""The keys of a store as the command line names them: a keyring by URL, a key by its file.

Named once, before the command or in the environment, so that every command opens a store whose
texts are encrypted. No key is ever an argument: those are shown to whoever lists processes.
"""

from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from dmcore.cli.failures import MissingExtra
from dmcore.errors import InvalidSetting

if TYPE_CHECKING:
    # Needs the extra, which a store without encryption does without.
    from dmcore.adapters.crypto import AesGcm, KeyFile, SqlKeyring


@attrs.frozen
class KeyAddress:
    """Where the keys are, if there are any. Its ``repr`` shows no user name and no password."""

    keyring: str | None = attrs.field(default=None, repr=False)
    key_file: Path | None = None

    @property
    def is_named(self) -> bool:
        return self.keyring is not None or self.key_file is not None

    def both(self) -> tuple[str, Path]:
        """The two, or ``InvalidSetting``."""
        if self.keyring is None or self.key_file is None:
            raise InvalidSetting(
                "keys", "name both: --keyring and --key-file, or DMCORE_KEYRING and DMCORE_KEY_FILE"
            )
        if find_spec("cryptography") is None:
            raise MissingExtra("encryption", "crypto")
        return self.keyring, self.key_file

    def master(self) -> "KeyFile":
        """The master key in the file."""
        _keyring, key_file = self.both()
        from dmcore.adapters.crypto import KeyFile

        return KeyFile(key_file)

    def open(self) -> "SqlKeyring":
        """The keyring, for an operator."""
        keyring, _key_file = self.both()
        from dmcore.adapters.crypto import open_keyring

        return open_keyring(keyring, master=self.master())

    def encryption(self) -> "AesGcm | None":
        """What a store is opened with; ``None`` where no keys are named."""
        if not self.is_named:
            return None
        keyring = self.open()
        from dmcore.adapters.crypto import AesGcm

        return AesGcm(keyring)


_NAMED: Final[ContextVar[KeyAddress | None]] = ContextVar("_NAMED", default=None)


def name_keys(keyring: str | None, key_file: Path | None) -> None:
    """What was named before the command."""
    _NAMED.set(KeyAddress(keyring or None, key_file))


def named_keys() -> KeyAddress:
    """Where the keys are, for the command that runs."""
    return _NAMED.get() or KeyAddress()
