"""A secret in a file: the same after a restart, and only the site's to read."""

import secrets
from pathlib import Path


def kept_secret(file: Path) -> str:
    """What the file says; it is made when it is not there."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    return file.read_text()
