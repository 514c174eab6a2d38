"""The command ``dmcore import``: messages of another system, each at its own instant."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import attrs
import typer

from dmcore.adapters.clock import ManualClock, SystemClock
from dmcore.cli.failures import InvalidLine, UnreadableFile
from dmcore.cli.importing import POLICY, Importing
from dmcore.cli.interrupts import checked
from dmcore.cli.legacy import Lines, opened
from dmcore.cli.operate import words
from dmcore.cli.options import DEFAULT_URL, AsJson, Url
from dmcore.cli.render import facts_table, print_json, print_rows, progress, sentence
from dmcore.cli.stores import lasting, messaging_on, operator_of
from dmcore.domain.body import BodyRules

_MOST_BYTES_OF_ONE: Final = 4


def import_(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One JSON object in each line.")],
    url: Url = DEFAULT_URL,
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant of all the users.")] = "",
    longest: Annotated[
        int, typer.Option("--longest", min=1, help="How many characters a text may have.")
    ] = BodyRules().longest,
    rejected: Annotated[
        Path | None,
        typer.Option(
            "--rejected",
            help="Go on without lines that are not taken, and copy them into this file.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the messages of another system into a store, each at its own instant.

    Each line is an object with `id`, `sender`, `recipient`, `text` and `sent_at`, a time of
    ISO 8601 or a Unix second; `conversation` and `read` may be there too. A pair has one
    conversation here, however many it had there: what was said in any of them stands in it, in the
    order of time.

    The file is checked to its end before anything is written. A line that is no message ends the
    command, unless `--rejected` names a new file for such lines. Whoever is named in the file must
    have no messages here yet, unless they are of this import: after an interruption the same
    command goes on, and no message comes in twice. In the end all is read back and compared.

    The store is set up if it is not. Messaging is turned on for the time of the import where it
    holds no messages yet; where the command is killed it stays on.
    """
    address = lasting(url)
    now_us = SystemClock().now_us()
    usual = BodyRules()
    rules = attrs.evolve(
        usual, longest=longest, largest_bytes=max(usual.largest_bytes, longest * _MOST_BYTES_OF_ONE)
    )
    with opened(file, rules=rules, latest_us=now_us) as legacy, _new(rejected) as aside:
        survey = legacy.survey()
        if survey.faults and aside is None:
            first, *others = survey.faults
            more = f"; so are {len(others):,} more lines" if others else ""
            raise InvalidLine(str(file), first.line, f"no message: {first.reason}{more}")
        if aside is not None:
            for fault in survey.faults:
                legacy.copy_line(fault.place, aside)
        clock = ManualClock(now_us)
        address.initialise()
        with address.open(policy=attrs.evolve(POLICY, body=rules), clock=clock) as dm:
            operations = operator_of(dm)
            lines = Lines(legacy, survey)
            importing = Importing(dm=dm, clock=clock, lines=lines, tenant=tenant)
            with (
                messaging_on(operations) as check,
                progress(lines, total=len(lines), as_json=as_json) as shown,
            ):
                there = importing.begin()
                try:
                    importing.go_on(checked(shown, check))
                finally:
                    clock.set_us(SystemClock().now_us())
            mode = operations.mode()
        legacy.check_unchanged()
    facts: dict[str, object] = {
        "messages": len(lines) - there,
        "there_already": there,
        "repeated_lines": survey.repeated,
        "rejected_lines": len(survey.faults),
        "pairs": survey.pairs,
        "merged_conversations": survey.merged,
    }
    if as_json:
        print_json({**facts, "location": address.place, "mode": mode})
        return
    print_rows(facts_table(facts))
    if survey.faults:
        print_rows(sentence(f"What is no message is in {rejected}."))
    print_rows(sentence(f"In {address.place}; messaging is {words(mode)} there."))


@contextmanager
def _new(file: Path | None) -> Iterator[BinaryIO | None]:
    """A file that was not there, which nobody else may read; it stays where something went into it
    and all went well.

    Raises ``UnreadableFile``.
    """
    if file is None:
        yield None
        return
    try:
        out = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise UnreadableFile(str(file), error.strerror or "cannot be written") from None
    is_wanted = False
    try:
        with out:
            yield out
            is_wanted = out.tell() > 0
    finally:
        if not is_wanted:
            file.unlink()
