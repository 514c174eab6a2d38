"""The command ``dmcore import``: messages of another system, each at its own instant."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from dmcore.adapters.clock import ManualClock, SystemClock
from dmcore.cli.failures import InvalidLine, UnreadableFile
from dmcore.cli.importing import POLICY, Importing
from dmcore.cli.interrupts import checked, interrupts_wait
from dmcore.cli.legacy import Fault, LegacyFile, Lines, opened
from dmcore.cli.options import DEFAULT_URL, AsJson, Url
from dmcore.cli.render import facts_table, print_json, print_rows, progress, sentence
from dmcore.cli.stores import lasting
from dmcore.domain.body import BodyRules
from dmcore.domain.ids import parse_tenant_id

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

    The store is set up if it is not. Messaging has to be off in it, and stays so: nobody else
    writes meanwhile.
    """
    address = lasting(url)
    now_us = SystemClock().now_us()
    usual = BodyRules()
    rules = attrs.evolve(
        usual, longest=longest, largest_bytes=max(usual.largest_bytes, longest * _MOST_BYTES_OF_ONE)
    )
    parse_tenant_id(tenant)
    with opened(file, rules=rules, latest_us=now_us) as legacy:
        survey = legacy.survey()
        if survey.faults and rejected is None:
            first, *others = survey.faults
            more = f"; so are {len(others):,} more lines" if others else ""
            raise InvalidLine(str(file), first.line, f"no message: {first.reason}{more}")
        lines = Lines(legacy, survey)
        if not lines:
            raise UnreadableFile(str(file), "no message is in it")
        if survey.faults and rejected is not None:
            _set_aside(legacy, survey.faults, rejected)
        clock = ManualClock(now_us)
        address.initialise()
        with address.open(policy=attrs.evolve(POLICY, body=rules), clock=clock) as dm:
            importing = Importing(dm=dm, clock=clock, lines=lines, tenant=tenant)
            with (
                interrupts_wait() as check,
                progress(lines, total=len(lines), as_json=as_json) as shown,
            ):
                there = importing.begin()
                importing.go_on(checked(shown, check))
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
        print_json({**facts, "location": address.place})
        return
    print_rows(facts_table(facts))
    if survey.faults:
        print_rows(sentence(f"What is no message is in {rejected}."))
    print_rows(sentence(f"In {address.place}; `dmcore mode on` turns messaging on there."))


def _set_aside(legacy: LegacyFile, faults: Iterable[Fault], file: Path) -> None:
    """Copy lines into a file that was not there, which nobody else may read.

    One that is there with just these lines is of the same import, before it was interrupted.
    Raises ``UnreadableFile``.
    """
    try:
        with suppress(FileExistsError):
            made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "wb") as out:
                legacy.copy_lines(faults, out)
            return
        with file.open("rb") as before:
            if not legacy.copies(faults, before):
                raise UnreadableFile(str(file), "there is a file with something else")
    except OSError as error:
        raise UnreadableFile(str(file), error.strerror or "cannot be written") from None
