"""Files that are wholly there or not at all, also after a power cut."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 20
_OURS_ALONE: Final = 0o600
# What SQLite keeps beside a database; left behind, it would be taken for the next one's.
SQLITE_COMPANIONS: Final = ("-wal", "-shm", "-journal")


def check_absent(path: Path) -> None:
    """Raise ``FileExistsError`` for whatever is there under a name, a dangling link too."""
    if os.path.lexists(path):
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(path))


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block ends well, and is gone if not.

    Nobody else may look into it. Raises ``FileExistsError`` where the name is taken.
    """
    check_absent(target)
    made = _unnamed(target)
    made.mkdir(mode=0o700)
    try:
        yield made
        for file in made.iterdir():
            sync(file)
        sync(made)
        check_absent(target)
        made.rename(target)
    except BaseException:
        shutil.rmtree(made)
        raise
    sync(target.parent)


@contextmanager
def new_database(target: Path) -> Iterator[Path]:
    """The same for a SQLite file, and it is never put over one that came meanwhile."""
    for name in ("", *SQLITE_COMPANIONS):
        check_absent(_beside(target, name))
    made = _unnamed(target)
    try:
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OURS_ALONE))
        yield made
        sync(made)
        target.hardlink_to(made)
    finally:
        for name in ("", *SQLITE_COMPANIONS):
            _beside(made, name).unlink(missing_ok=True)
    sync(target.parent)


def write_new(file: Path, text: str) -> None:
    """A new file that nobody else may read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OURS_ALONE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
        out.write(text)


def sync(path: Path) -> None:
    """What a file or folder holds is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest_of(file: Path, *, copied_to: Path | None = None) -> tuple[int, str]:
    """The size of a file and its SHA-256; what was hashed is what was copied."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as found, (copied_to or Path(os.devnull)).open("wb") as copy:
        while block := found.read(_BLOCK):
            digest.update(block)
            size += copy.write(block)
    return size, digest.hexdigest()


def _unnamed(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)
