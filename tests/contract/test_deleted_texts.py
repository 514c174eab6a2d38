"""What was taken back is gone from wherever its text could still be found."""

from pathlib import Path

import pytest
from tests.support.stores import SqliteHarness

from dmcore.adapters import sql
from dmcore.testing.conformance.deleted_texts import SECRET
from dmcore.testing.world import World


@pytest.mark.promise("MSG-5")
def test_the_text_is_in_no_file(sqlite_url: str) -> None:
    """What a row no longer says could still be read in the pages of its file."""
    sql.initialise(sqlite_url)
    file = Path(sqlite_url.removeprefix("sqlite:///"))

    def on_disk() -> bytes:
        return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))

    harness = SqliteHarness(sqlite_url)
    world = World(harness)
    first = world.ann.start("bob", "stays")
    secrets = [world.ann.send(first.conversation, SECRET + "!" * size) for size in (0, 90, 3_900)]
    assert SECRET.encode() in on_disk()
    for secret in secrets:
        world.ann.delete(first.conversation, secret.id)
    harness.close()
    assert b"stays" in on_disk()
    assert SECRET.encode() not in on_disk()
