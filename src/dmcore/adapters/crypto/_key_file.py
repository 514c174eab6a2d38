"""A master key in a file: for who has no key management service.

One key on a line, ``id base64``, the newest last. Whoever can read the file and the keyring can
read everything, so nobody but its owner may read it.
"""

import base64
import binascii
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from dmcore.adapters.crypto._wrapping import KEY_SIZE, new_key, unwrapped, wrapped
from dmcore.errors import InvalidSetting, WrongKeyring
from dmcore.ports.keyring import MasterKey, WrappedKey

_ID_SIZE: Final = 8
_KEY: Final = "file"
_OF_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFile:
    """The ``MasterKey`` port on a file. Raises ``InvalidSetting``.

    It is read again when a key is asked for that was not in it: a process that runs on finds the
    keys that ``dmcore keys rotate`` has added since it started.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._keys = _parsed(_read(self._path))

    @classmethod
    def make(cls, path: str | Path) -> bool:
        """Write a new file with one key, for its owner alone; ``False`` where there is a file."""
        file = Path(path)
        if file.exists():
            return False
        new = _written(file, [_line()])
        try:
            # Unlike a move it never takes the place of a key that somebody else has just made.
            os.link(new, file)
        except FileExistsError:
            return False
        finally:
            new.unlink()
        _settle(file.parent)
        return True

    def renewed(self) -> Self:
        """The same file with one more key, which wraps from now on; the others still unwrap."""
        with _alone(self._path):
            lines = [*_read(self._path).splitlines(), _line()]
            _written(self._path, lines).replace(self._path)
            _settle(self._path.parent)
        return type(self)(self._path)

    def wrap(self, secret: bytes, /, *, context: bytes) -> WrappedKey:
        version, key = next(reversed(self._keys.items()))
        return WrappedKey(key=_KEY, version=version, blob=wrapped(key, secret, context))

    def unwrap(self, wrapped_: WrappedKey, /, *, context: bytes) -> bytes:
        if wrapped_.key == _KEY and wrapped_.version not in self._keys:
            self._keys = _parsed(_read(self._path))
        key = self._keys.get(wrapped_.version) if wrapped_.key == _KEY else None
        secret = None if key is None else unwrapped(key, wrapped_.blob, context)
        if secret is None:
            raise WrongKeyring("the key does not open this keyring")
        return secret

    def __repr__(self) -> str:
        return "KeyFile()"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else renews the file meanwhile, or one of two new keys would be lost.

    Who had to wait has locked a file whose place another one has taken by now, and begins again.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            raise _missing() from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                yield
                return
        finally:
            os.close(descriptor)


def _missing() -> InvalidSetting:
    return InvalidSetting("key_file", "does not exist, or cannot be read as a key file")


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            # Of the file that is open, not of what may have taken its place by now.
            if os.fstat(file.fileno()).st_mode & _OF_OTHERS:
                raise InvalidSetting("key_file", "can be read by others: chmod 600 it")
            return file.read()
    except (OSError, ValueError):
        pass
    raise _missing()


def _parsed(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for line in text.splitlines():
        name, _, encoded = line.partition(" ")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_SIZE:
            keys.clear()
            break
        keys[name] = key
    if not keys:
        raise InvalidSetting("key_file", "holds no key, or a line that is none")
    return keys


def _line() -> str:
    return f"{secrets.token_hex(_ID_SIZE)} {base64.b64encode(new_key()).decode()}"


def _written(path: Path, lines: list[str]) -> Path:
    """A new file beside ``path``, for its owner alone, that the disk has."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        raise InvalidSetting("key_file", "cannot be written") from None
    return new


def _settle(folder: Path) -> None:
    """Let the disk have the names in a folder too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if TYPE_CHECKING:

    def _conforms(path: Path) -> MasterKey:
        return KeyFile(path)
