"""What an operator does: set up, turn the switch, look after the health. Never content (MOD-2)."""

from typing import Annotated

import attrs
import typer
from rich.console import RenderableType

from dmcore.cli.options import DEFAULT_OPERATOR, DEFAULT_URL, AsJson, Url
from dmcore.cli.render import facts_table, listing, print_json, print_rows, sentence
from dmcore.cli.stores import lasting, operator_of
from dmcore.domain.mode import Mode
from dmcore.domain.verification import Finding
from dmcore.ports.installation import StoreStatus


def init(*, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Set a database up. Messaging is off in it; doing it twice changes nothing."""
    address = lasting(url)
    created = address.initialise()
    with address.open() as dm:
        found = operator_of(dm).status()
    if as_json:
        facts = {
            "created": created,
            "store": found.store,
            "location": address.place,
            "mode": found.mode,
            "schema_version": found.schema_version,
        }
        print_json(facts)
        return
    done = "Set up" if created else "Already set up"
    print_rows(sentence(f"{done}: {address.place}. Messaging is {words(found.mode)}."))
    if found.mode is not Mode.ON:
        print_rows(sentence(f"Next: {_turning_on(url)} turns it on."))


def mode(
    *,
    new: Annotated[
        str | None,
        typer.Argument(metavar="MODE", help="off, read-only, replies-only or on."),
    ] = None,
    url: Url = DEFAULT_URL,
    operator: Annotated[
        str, typer.Option("--operator", help="Who turns the switch, for the journal.")
    ] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Show the mode, or set it: at once, in every process.

    - off: nothing works
    - read-only: reading, marking as read, blocking
    - replies-only: also writing in conversations that one has
    - on: everything
    """
    address = lasting(url)
    wanted = None if new is None else Mode.parse(new)
    with address.open() as dm:
        operations = dm.operations(operator)
        before = operations.mode() if wanted is None else operations.set_mode(wanted)
    after = wanted or before
    if as_json:
        print_json({"mode": after, "before": before, "changed": after is not before})
    elif wanted is None:
        print_rows(sentence(words(after)))
    elif after is before:
        print_rows(sentence(f"Messaging was {words(after)} already."))
    else:
        print_rows(sentence(f"Messaging: {words(before)} → {words(after)}"))


def status(*, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show mode, schema version and counts: no content, no names."""
    address = lasting(url)
    with address.open() as dm:
        found = operator_of(dm).status()
    if as_json:
        print_json({**attrs.asdict(found), "location": address.place})
        return
    rows = {
        "store": f"{found.store}, {address.place}",
        "schema version": found.schema_version,
        "mode": words(found.mode),
        **counts(found),
    }
    print_rows(facts_table(rows))
    if found.mode is Mode.OFF:
        print_rows(sentence(f"Messaging is off; {_turning_on(url)} turns it on."))


def verify(
    *,
    url: Url = DEFAULT_URL,
    most: Annotated[
        int,
        typer.Option("--most", min=1, max=10_000, help="Show at most so many findings."),
    ] = 100,
    as_json: AsJson = False,
) -> None:
    """Recount everything that is counted, and name what is wrong.

    The exit status is 0 for a sound store and 1 where there are findings.
    """
    address = lasting(url)
    with address.open() as dm:
        operations = operator_of(dm)
        findings = operations.verify(most=most)
        found = operations.status()
    if as_json:
        print_json({**verdict(findings), **counts(found), "complete": len(findings) < most})
    else:
        print_rows(*verdict_rows(findings, found))
        if len(findings) == most:
            print_rows(sentence("There may be more: see --most."))
    if findings:
        raise typer.Exit(1)


# Said by more than one command ------------------------------------------------------------------


def words(mode: Mode) -> str:
    """A mode as it is written at the command line."""
    return mode.value.replace("_", "-")


def counts(found: StoreStatus) -> dict[str, int]:
    """How much there is of everything."""
    return {
        "conversations": found.conversations,
        "messages": found.messages,
        "users": found.users,
        "blocks": found.blocks,
        "journal_entries": found.journal_entries,
    }


def verdict(findings: tuple[Finding, ...]) -> dict[str, object]:
    """What a verification found, as data."""
    return {"sound": not findings, "findings": [attrs.asdict(finding) for finding in findings]}


def verdict_rows(findings: tuple[Finding, ...], found: StoreStatus) -> tuple[RenderableType, ...]:
    """What a verification found, for a person."""
    if findings:
        table = listing(("rule", "where"), ((it.rule, it.where) for it in findings))
        return sentence(f"NOT SOUND. Findings: {len(findings)}", style="bold red"), table
    return sentence("Sound: every count agrees with a recount.", style="bold green"), facts_table(
        counts(found)
    )


def _turning_on(url: str) -> str:
    # The URL itself is not repeated: it may hold a password.
    return "`dmcore mode on`" + ("" if url == DEFAULT_URL else " with the same --url")
