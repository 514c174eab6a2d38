"""Encryption at rest: AES-256-GCM, a keyring in a database of its own, and a key file (CRYPT-1).

And exports that the site signs (CRYPT-2).
Needs the extra ``crypto``. It knows no store of messages: one is given what ``encryption`` returns.
"""

from dmcore._extras import extra

with extra("crypto"):
    from dmcore.adapters.crypto._key_file import KeyFile
    from dmcore.adapters.crypto._keyring import (
        KeyringStatus,
        Rewrapped,
        SqlKeyring,
        initialise,
        is_initialised,
        open_keyring,
    )
    from dmcore.adapters.crypto._sealing import CACHED_FOR_S, AesGcm, encryption
    from dmcore.adapters.crypto._transcripts import (
        Transcript,
        TranscriptSigner,
        verify_transcript,
    )

__all__ = [
    "CACHED_FOR_S",
    "AesGcm",
    "KeyFile",
    "KeyringStatus",
    "Rewrapped",
    "SqlKeyring",
    "Transcript",
    "TranscriptSigner",
    "encryption",
    "initialise",
    "is_initialised",
    "open_keyring",
    "verify_transcript",
]
