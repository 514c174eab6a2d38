"""A signed transcript: whoever has the site's key knows that the site said this, and no other."""

import json
from datetime import UTC, datetime

import pytest

from dmcore import json_line
from dmcore.adapters import memory
from dmcore.adapters.crypto import Transcript, TranscriptSigner, verify_transcript
from dmcore.errors import InvalidTranscript
from dmcore.testing.world import export_of

pytestmark = pytest.mark.promise("CRYPT-2", "GDPR-1")
MADE = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def signer() -> TranscriptSigner:
    return TranscriptSigner.new()


@pytest.fixture
def lines(signer: TranscriptSigner) -> list[str]:
    with memory.open_sync() as dm:
        dm.operations("olga").set_mode("on")
        ann = dm.mailbox("ann")
        ann.start("bob", "a line\u2028with an end in it")
        exported = map(json_line, export_of(ann))
        return list(signer.signed(exported, user=ann.user, made_at=MADE))


def test_who_has_the_published_key_knows_what_the_site_said(
    signer: TranscriptSigner, lines: list[str]
) -> None:
    again = TranscriptSigner(signer.private_key)
    found = verify_transcript((f"{line}\n" for line in lines), public_key=again.public_key)
    assert isinstance(found, Transcript)
    assert (found.user.id, found.user.tenant, found.made_at, found.lines) == ("ann", "", MADE, 3)
    assert [json.loads(line)["kind"] for line in lines] == [
        *("transcript", "account", "conversation", "message", "signature")
    ]


def test_a_transcript_that_was_changed_is_none(signer: TranscriptSigner, lines: list[str]) -> None:
    said = next(line for line in lines if '"message"' in line)
    wrong: tuple[list[str], ...] = (
        [],
        lines[:-1],
        lines[1:],
        [lines[0], *lines[2:]],
        [*lines[:2], lines[3], lines[2], lines[4]],
        [line.replace("a line", "a lie") for line in lines],
        [*lines[:4], said, lines[4]],
        [*lines[:-1], '{"signature":"00"}'],
        [*lines[:-1], "[]"],
        [*lines[:-1], "not even JSON"],
    )
    for each in wrong:
        with pytest.raises(InvalidTranscript):
            verify_transcript(each, public_key=signer.public_key)
    with pytest.raises(InvalidTranscript):
        verify_transcript(lines, public_key=TranscriptSigner.new().public_key)
    with pytest.raises(InvalidTranscript):
        verify_transcript(lines, public_key=b"short")
    assert "signature" not in repr(signer)
