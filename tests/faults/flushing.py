"""A process that sends under the eyes of strace, which kills it as it enters a flush of the disk.

Run as a program of its own: ``python -m tests.faults.flushing URL CONVERSATION FIRST``. It says
each acknowledgement on its standard output before it goes on.
"""

import sys
from itertools import count

from sqlalchemy import event
from tests.support.stores import engine_of

from dmcore import Policy
from dmcore.adapters import sql

# So that what is in the log goes into the database every few sends, by flushes of its own.
_CHECKPOINT_PAGES = 12


def main(url: str, conversation: str, first: str) -> None:
    """Send until killed, each message under its own text as its key."""
    with sql.open_sync(url, policy=Policy(messages=None, starts=None)) as dm:
        engine = engine_of(dm)
        engine.dispose()

        @event.listens_for(engine, "connect")
        def prepare(connection: object, _record: object) -> None:
            connection.execute(  # type: ignore[attr-defined]
                f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}"
            )

        box = dm.mailbox("ann")
        for number in count(int(first)):
            box.send(conversation, f"{number}", key=f"{number}")
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
