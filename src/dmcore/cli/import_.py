"""The command ``dmcore import``: messages of another system, each at its own instant."""

from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from dmcore.adapters.clock import ManualClock, SystemClock
from dmcore.cli.failures import InvalidLine, UnreadableFile
from dmcore.cli.importing import POLICY, Imported, import_all
from dmcore.cli.interrupts import checked
from dmcore.cli.legacy import Fault, LegacyFile, Survey
from dmcore.cli.operate import words
from dmcore.cli.options import DEFAULT_URL, AsJson, Url
from dmcore.cli.render import facts_table, print_json, print_rows, progress, sentence
from dmcore.cli.stores import check_empty, lasting, messaging_on, operator_of
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
    append: Annotated[
        bool, typer.Option("--append", help="Also into a store that holds messages already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the messages of another system into a store, each at its own instant.

    Each line is an object with `id`, `sender`, `recipient`, `text` and `sent_at`, a time of
    ISO 8601 or a Unix second; `conversation` and `read` may be there too. A pair has one
    conversation here, however many it had there: what was said in any of them stands in it, in the
    order of time.

    The file is checked to its end before anything is written. A line that is not taken ends the
    command, unless `--rejected` names a file for such lines. After an interruption run it again
    with `--append`: under its `id` no message comes in twice.

    The store is set up if it is not. Messaging is turned on for the time of the import where it
    holds no messages yet; where the command is killed it stays on.
    """
    address = lasting(url)
    now_us = SystemClock().now_us()
    rules = BodyRules(
        longest=longest, largest_bytes=max(BodyRules().largest_bytes, longest * _MOST_BYTES_OF_ONE)
    )
    legacy = LegacyFile(file=file, rules=rules, latest_us=now_us)
    if rejected is not None and rejected.exists():
        raise UnreadableFile(str(rejected), "it is there already")
    survey = legacy.survey()
    if survey.faults and rejected is None:
        first, *others = survey.faults
        raise _invalid(file, first, len(others))
    clock = ManualClock(now_us)
    address.initialise()
    with address.open(policy=attrs.evolve(POLICY, body=rules), clock=clock) as dm:
        operations = operator_of(dm)
        if not append:
            check_empty(operations, "name a fresh one, or add to it with --append")
        before = operations.status().messages
        with (
            messaging_on(operations) as check,
            progress(legacy.messages(survey), total=len(survey.lines), as_json=as_json) as messages,
        ):
            imported = import_all(
                dm,
                clock,
                checked(messages, check),
                tenant=tenant,
                now_us=now_us,
                goes_on=rejected is not None,
            )
        new = operations.status().messages - before
        mode = operations.mode()
    faults = sorted([*survey.faults, *imported.refused], key=lambda it: it.line)
    if rejected is not None and faults:
        legacy.copy_lines([it.line for it in faults], rejected)
    elif faults:
        raise _invalid(file, faults[0], 0)
    facts = _facts(survey, imported, new, len(faults))
    if as_json:
        print_json({**facts, "location": address.place, "mode": mode})
        return
    print_rows(facts_table(facts))
    if rejected is not None and faults:
        print_rows(sentence(f"What was not taken is in {rejected}."))
    print_rows(sentence(f"In {address.place}; messaging is {words(mode)} there."))


def _invalid(file: Path, fault: Fault, others: int) -> InvalidLine:
    more = f" (and {others:,} more lines)" if others else ""
    return InvalidLine(str(file), fault.line, fault.reason + more)


def _facts(survey: Survey, imported: Imported, new: int, rejected: int) -> dict[str, object]:
    return {
        "messages": new,
        "there_already": imported.messages - new,
        "repeated_lines": survey.repeated,
        "rejected_lines": rejected,
        "pairs": survey.pairs,
        "merged_conversations": survey.merged,
    }
