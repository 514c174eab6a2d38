"""docs/capacity.md: what was measured, and what follows from it on paper."""

import os
import platform
from collections.abc import Iterator
from typing import Final

from bench.capacity import CREWS, Capacity

_MILLION: Final = 1_000_000
_PER_CONVERSATION: Final = 20
_XIDS: Final = 2_000_000_000
_TABLE_LIMIT: Final = 32 * 1024**4
_DAY_S: Final = 86_400
_CORES: Final = 16


def capacity_page(found: Capacity) -> str:
    """The page in Markdown."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Capacity) -> Iterator[str]:
    yield _INTRODUCTION
    yield f"Measured: {found.scale}; texts of {found.body_bytes:.0f} bytes on average.\n"
    yield from _held(found)
    yield from _sent(found)
    yield from _paid(found)
    yield _bottlenecks(found, _busy(found))


def _stored(found: Capacity) -> float:
    """What a message takes with its share of everything else, in bytes."""
    return found.bytes_per("message") + found.bytes_per("conversation") / _PER_CONVERSATION


def _busy(found: Capacity) -> float:
    """The sends in a second of many cores that do nothing else."""
    return _CORES * 1000 / found.work.server_ms


def _held(found: Capacity) -> Iterator[str]:
    message, conversation = found.bytes_per("message"), found.bytes_per("conversation")
    stored = _stored(found)
    journal = next(it for it in found.tables if it.name == "dm_journal")
    line = journal.total_bytes / journal.rows
    biggest = max(found.tables, key=lambda it: it.heap_bytes)
    longest = _TABLE_LIMIT / (biggest.heap_bytes / found.scale.messages)
    yield "## What one server holds\n"
    yield "| table | rows | heap | indexes | bytes for one message |"
    yield "|---|--:|--:|--:|--:|"
    for it in sorted(found.tables, key=lambda it: -it.total_bytes):
        if it.rows > 1:
            each = it.total_bytes / found.scale.messages
            sizes = f"{_mib(it.heap_bytes)} | {_mib(it.index_bytes)} | {each:.0f}"
            yield f"| `{it.name}` | {it.rows:,} | {sizes} |"
    yield ""
    yield f"**{message:,.0f} bytes for a message** (its row, its indexes, a line in the journal of"
    yield f"each of the two), {conversation:,.0f} for a conversation with both its listings,"
    yield f"{found.bytes_per('user'):,.0f} for a user. With {_PER_CONVERSATION} messages to a"
    yield f"conversation that is {stored:,.0f} bytes for a message, all in all:"
    yield f"**{1e12 / stored / 1e9:.1f} thousand million messages in a terabyte**."
    yield f"Marking as read adds a receipt and one or two journal lines, {line:.0f} bytes each;"
    yield "old lines go with `journal_kept`, old messages with `messages_kept`"
    yield "([retention](how-to/retention.md)).\n"
    yield f"The largest table is `{biggest.name}`. PostgreSQL takes 32 TB of one:"
    yield f"{longest / 1e9:,.0f} thousand million messages.\n"


def _sent(found: Capacity) -> Iterator[str]:
    log, work, busy = found.log, found.work, _busy(found)
    core = busy / _CORES
    yield "## What a send costs, and how many there are in a second\n"
    yield "| | |"
    yield "|---|--:|"
    yield f"| time, one after the other | {work.wall_ms:.2f} ms |"
    yield f"| the same without waiting for the disk | {work.unflushed_ms:.2f} ms |"
    yield f"| processor time in the application | {work.client_ms:.2f} ms |"
    yield f"| processor time in PostgreSQL | {work.server_ms:.2f} ms |"
    yield f"| write-ahead log, checkpoints far apart | {_kib(log.alone)} |"
    yield f"| write-ahead log, right after a checkpoint | {_kib(log.after_checkpoint)} |"
    for crew in CREWS:
        yield f"| {crew} processes that send all the time | {found.rates[crew]:,.0f} /s |"
    yield f"| {CREWS[-1]} processes, all in one conversation | {found.one_conversation:,.0f} /s |"
    yield ""
    yield "Processes and server share the same cores here, so the rates are those of this machine."
    yield "What carries over to another one is the processor time:\n"
    yield f"1. **The application** needs {work.client_ms:.2f} ms a send, a core of it does"
    yield f"   {1000 / work.client_ms:,.0f} a second. More processes, on more machines, do more."
    yield f"2. **PostgreSQL's processors**: {core:,.0f} sends a second for each core, so"
    yield f"   {busy:,.0f} on {_CORES} cores that do nothing else. Reading is on top of that."
    yield f"3. **The log**: at {busy:,.0f} a second it is {busy * log.alone / 1e6:,.0f} to"
    yield f"   {busy * log.after_checkpoint / 1e6:,.0f} MB a second. Commits of many share a"
    yield "   flush, so a disk bounds bytes before it bounds commits. `max_wal_size` keeps"
    yield "   checkpoints apart, with them whole pages; `wal_compression` makes those smaller.\n"
    yield "Both mailboxes and the conversation are locked from the facts to the commit. So"
    yield "one pair, or one user, has a bound of its own: the last line of the table.\n"


def _paid(found: Capacity) -> Iterator[str]:
    stored, log, copy = _stored(found), found.log, found.copy
    share = _MILLION / found.scale.messages
    yield "## What a million messages cost\n"
    yield "| | |"
    yield "|---|--:|"
    yield f"| storage, indexes and journal included | {stored * _MILLION / 1e9:.2f} GB |"
    least, most = log.alone * _MILLION / 1e9, log.after_checkpoint * _MILLION / 1e9
    yield f"| write-ahead log, archived or sent to a standby | {least:.1f} to {most:.1f} GB |"
    yield f"| a backup (`dmcore backup`, compressed) | {copy.size * share / 1e9:.2f} GB |"
    yield f"| to make it | {copy.made_s * share:.0f} s |"
    yield f"| to bring it back and verify it | {copy.restored_s * share:.0f} s |"
    yield ""
    yield "The made-up texts repeat thirty words and compress better than real ones: count up to"
    yield f"{found.body_bytes * _MILLION / 1e9:.2f} GB more for the backup. A standby doubles the"
    yield "storage, each further one adds it once more. What a gigabyte costs is your provider's.\n"
    yield "A backup of everything grows with everything. From a hundred million messages on, take"
    yield "base backups and archive the log instead ([continuous backup](how-to/backup.md))."
    yield ""


def _bottlenecks(found: Capacity, busy: float) -> str:
    in_place = ", ".join(f"`{name}` {share:.0%}" for name, share in found.in_place.items())
    days = _XIDS / busy / _DAY_S
    machine = f"{os.cpu_count()} virtual cores, {platform.machine()}, {platform.system()}"
    said = "\n".join(f"- {name}: {text}" for name, text in found.facts.items())
    return f"""\
## Where the next bottleneck is

In this order, as far as can be told from one machine:

1. **Processors**, of the application first, then of PostgreSQL.
2. **Memory.** Conversation ids are random, so a send touches a page of an index anywhere. While
   indexes and active conversations fit into memory a send costs what it costs here; beyond that it
   waits for the disk. Journal and listings of a user who is there are found in one place.
3. **Vacuum.** A send updates two mailboxes, the conversation and its listings. Updates that touched
   no index: {in_place}.
   A listing moves in its index each time and leaves an entry behind; give `dm_side` an
   `autovacuum_vacuum_scale_factor` below the usual 0.2 when it has many millions of rows.
4. **Transaction ids.** Each send takes one. At {busy:,.0f} a second tables have to be frozen every
   {days:.1f} days; at a tenth of that, every {10 * days:.0f}. Autovacuum does so if it is let.
5. **One writer.** Everything above is one server's. Past it there is only spreading.

## What more machines add

- **Standbys** ([how](how-to/cluster.md)) add that nothing acknowledged is lost with a machine. They
  add no sends: each commit waits for the other machine's flush, so a single send takes a round trip
  longer, and many at once about as long as before.
- **Several installations**, one for each group of tenants, need nothing from dmcore: users reach
  nobody outside of their own (TEN-1), so tenants can be in different databases from the first day.
- **Citus** spreads users and conversations over machines: `dmcore init --citus` lays the tables
  out, and whoever opens the store finds that by itself ([how](how-to/scale.md#citus)).
  A send asks eight times instead of twice, lies on three shards and commits in two phases, so
  expect several times its time here, and a gain from many machines only.

## Machine

- Machine: {machine}, shared with other work while this was measured
- Python: {platform.python_implementation()} {platform.python_version()}
{said}"""


def _mib(count: float) -> str:
    return f"{count / 1024**2:,.1f} MiB"


def _kib(count: float) -> str:
    return f"{count / 1024:.1f} KiB" if count >= 1024 else f"{count:.0f} B"


_INTRODUCTION: Final = """\
# Capacity

Generated by `python -m bench --capacity --write-docs`. Do not edit.

How much does one PostgreSQL take, what does it cost, and what comes after it? Figures are measured
on a database that was filled with made-up people and then written to through the public interface;
what is said of other machines follows from them on paper. How fast single calls are is on another
page ([benchmarks](benchmarks.md)).
"""
