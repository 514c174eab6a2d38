"""What an operator does: set up, turn the switch, look after the health. Never content (MOD-2)."""

from collections.abc import Sequence
from typing import Annotated, Final

import attrs
import typer
from rich import filesize
from rich.console import RenderableType

from dmcore.adapters import sql
from dmcore.cli.interrupts import interrupts_wait
from dmcore.cli.options import (
    DEFAULT_OPERATOR,
    DEFAULT_ROLES,
    DEFAULT_URL,
    AsJson,
    HostUrl,
    Url,
)
from dmcore.cli.render import facts_table, listing, print_json, print_rows, sentence
from dmcore.cli.stores import lasting, operator_of
from dmcore.domain.mode import Mode
from dmcore.domain.relaying import ConsumerStatus
from dmcore.domain.verification import Finding
from dmcore.errors import InvalidSetting
from dmcore.operations import Operations
from dmcore.ports.installation import RowSecurity, StorageHealth, StoreStatus

_AT_ONCE: Final = 100
_SECURED: Final = {
    RowSecurity.OFF: "off",
    RowSecurity.ON: "on",
    RowSecurity.BYPASSED: "on, and bypassed by this login: no site should use it",
}
_HEALTH: Final = {
    StorageHealth.SOUND: "sound",
    StorageHealth.NOT_DURABLE: "NOT DURABLE: a power cut may lose what was acknowledged",
    StorageHealth.READ_ONLY: "READ-ONLY: nothing can be written here",
    StorageHealth.DAMAGED: "DAMAGED: save what is whole, and restore a backup",
}


def init(
    *,
    url: Url = DEFAULT_URL,
    rls: Annotated[
        bool,
        typer.Option("--rls", help="Turn row-level security on too, and make its roles."),
    ] = False,
    roles: Annotated[
        str, typer.Option("--roles", help="With --rls: how the names of the five roles begin.")
    ] = DEFAULT_ROLES,
    host_url: HostUrl = None,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="Into a database with tables of others, on purpose."),
    ] = False,
    citus: Annotated[
        bool, typer.Option("--citus", help="Spread the tables over a Citus cluster; see below.")
    ] = False,
    only_sql: Annotated[
        bool, typer.Option("--sql", help="With --citus: only print the SQL that makes the tables.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Set a database up. Messaging is off in it; doing it twice changes nothing.

    Messages belong into a database by themselves. One that holds tables of others is refused
    unless you say --shared, and that of --host-url is refused always.

    With --rls, on PostgreSQL, the database itself shows each user's messages to nobody else. That
    needs a login that may create roles, and can be done later too.

    With --citus the tables are made on the coordinator of a Citus cluster and spread from there:
    for more than one machine can hold, not to be faster. A backup of it comes back on one.
    """
    if only_sql:
        _print_citus_sql(citus=citus, as_json=as_json)
        return
    address = lasting(url)
    created = address.initialise(
        roles=roles if rls else None, host_url=host_url, shared=shared, citus=citus
    )
    with address.open() as dm:
        found = operator_of(dm).status()
    if as_json:
        facts = {
            "created": created,
            "store": found.store,
            "location": address.place,
            "mode": found.mode,
            "schema_version": found.schema_version,
            "row_security": found.row_security,
        }
        print_json(facts)
        return
    done = "Set up" if created else "Already set up"
    print_rows(sentence(f"{done}: {address.place}. Messaging is {words(found.mode)}."))
    if rls:
        print_rows(
            sentence(f"Row-level security is on. The site's login needs {roles}_application.")
        )
    if found.mode is not Mode.ON:
        print_rows(sentence(f"Next: {turning_on(url)} turns it on."))


def _print_citus_sql(*, citus: bool, as_json: bool) -> None:
    if not citus:
        raise InvalidSetting("sql", "goes with --citus")
    if as_json:
        print_json({"sql": sql.citus_sql()})
    else:
        typer.echo(sql.citus_sql(), nl=False)


def upgrade(
    *,
    url: Url = DEFAULT_URL,
    only_check: Annotated[
        bool, typer.Option("--check", help="Only say what would be done, and what differs.")
    ] = False,
    only_sql: Annotated[
        bool, typer.Option("--sql", help="PostgreSQL: only print the SQL that it would run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a database to the schema of this dmcore; its rows stay.

    Stop the site before, and make a backup. It can be interrupted and run again. With --check the
    exit status is 1 where there is something to do, or where the tables differ otherwise.
    """
    address = lasting(url)
    address.check()
    if only_sql:
        script = sql.upgrade_sql(address.url)
        if as_json:
            print_json({"sql": script})
        else:
            typer.echo(script, nl=False)
    elif only_check:
        state = sql.check_schema(address.url)
        if as_json:
            print_json({**attrs.asdict(state), "is_current": state.is_current})
        else:
            print_rows(*_state_rows(state))
        if not state.is_current:
            raise typer.Exit(1)
    else:
        before, after = sql.upgrade(address.url)
        if as_json:
            print_json({"before": before, "after": after, "location": address.place})
        else:
            done = "Upgraded" if before != after else "Nothing to do"
            print_rows(sentence(f"{done}: {address.place} has schema version {after}."))


def _state_rows(state: sql.SchemaState) -> tuple[RenderableType, ...]:
    found = f"Schema version {state.found}, this dmcore needs {state.expected}."
    return sentence(found), *(sentence(it) for it in state.differences)


def mode(
    *,
    new: Annotated[
        str | None,
        typer.Argument(metavar="MODE", help="off, read-only, replies-only or on."),
    ] = None,
    url: Url = DEFAULT_URL,
    host_url: HostUrl = None,
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
    with address.open(host_url=host_url) as dm:
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


def status(*, url: Url = DEFAULT_URL, host_url: HostUrl = None, as_json: AsJson = False) -> None:
    """Show mode, schema version, health, sizes and counts: no content, no names.

    Health is what the database says of itself, asked with this login: whether it met a page that
    is not whole, whether anything can be written, whether what was acknowledged survives a power
    cut. The exit status is 1 where it is damaged. `dmcore verify` looks at everything.
    """
    address = lasting(url)
    with address.open(host_url=host_url) as dm:
        found = operator_of(dm).status()
        consumers = operator_of(dm).consumers()
    if as_json:
        leaving = [consumer_facts(it) for it in consumers]
        print_json({**attrs.asdict(found), "location": address.place, "consumers": leaving})
    else:
        _print_status(found, consumers, address.place, url)
    if found.health is StorageHealth.DAMAGED:
        raise typer.Exit(1)


def _print_status(
    found: StoreStatus, consumers: Sequence[ConsumerStatus], place: str, url: str
) -> None:
    rows = {
        "store": f"{found.store}, {place}",
        "schema version": found.schema_version,
        "mode": words(found.mode),
        "health": _HEALTH[found.health],
        **sizes(found),
        "row-level security": _SECURED[found.row_security],
        **counts(found),
    }
    print_rows(facts_table(rows), *consumer_rows(consumers))
    if found.mode is Mode.OFF:
        print_rows(sentence(f"Messaging is off; {turning_on(url)} turns it on."))


def verify(
    *,
    url: Url = DEFAULT_URL,
    most: Annotated[
        int,
        typer.Option("--most", min=1, max=10_000, help="Show at most so many findings."),
    ] = 100,
    repairs: Annotated[
        bool, typer.Option("--repair", help="Mend what can be derived from what is left.")
    ] = False,
    operator: Annotated[
        str, typer.Option("--operator", help="With --repair: who does it, for the journal.")
    ] = DEFAULT_OPERATOR,
    host_url: HostUrl = None,
    sample: Annotated[
        int,
        typer.Option(
            "--sample",
            min=1,
            max=100_000_000,
            help="With --host-url: compare at most so many messages, and rows of each table.",
        ),
    ] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Recount everything that is counted, and name what is wrong.

    With --repair, counters, markers, listings and bounds that are wrong are made anew from
    messages, receipts, block lists, restrictions and journals, while messaging goes on. It can be
    stopped and run again. What is gone is not made up: that stays a finding.

    With --host-url, the site's own database is looked through too, and every table and column is
    named where rows of messages are: tables of dmcore's, ids of messages, beginnings of texts. It
    is only read. Of a store or a table that is larger than --sample, part is drawn by lot.

    The exit status is 0 for a sound store and 1 where there are findings, after the repair if
    there was one.
    """
    address = lasting(url)
    with address.open(host_url=host_url) as dm:
        operations = dm.operations(operator)
        mended = _mended(operations) if repairs else []
        findings = operations.verify(most=most)
        found = operations.status()
    facts: dict[str, object] = {}
    if repairs:
        facts["mended"] = [attrs.asdict(it) for it in mended]
    elsewhere = None
    if host_url is not None:
        elsewhere = address.look_elsewhere(host_url, most=most, sample=sample)
        findings = (*findings, *elsewhere.findings)[:most]
        numbers = {it: getattr(elsewhere, it) for it in ("tables", "messages", "is_complete")}
        facts["host"] = numbers
    if as_json:
        complete = {"complete": len(findings) < most}
        print_json({**facts, **verdict(findings), **counts(found), **complete})
    else:
        if repairs:
            print_rows(sentence(f"Mended: {len(mended)}."))
        if mended:
            print_rows(listing(("rule", "where"), ((it.rule, it.where) for it in mended)))
        print_rows(*verdict_rows(findings, found))
        if elsewhere is not None:
            print_rows(*_host_rows(elsewhere))
        if len(findings) == most:
            print_rows(sentence("There may be more: see --most."))
    if findings:
        raise typer.Exit(1)


def _host_rows(elsewhere: sql.Elsewhere) -> tuple[RenderableType, ...]:
    done = f"The site's database: {elsewhere.tables} tables, {elsewhere.messages} messages compared"
    if elsewhere.is_complete:
        return (sentence(f"{done}, all there are."),)
    return (sentence(f"{done}, and not all of it could be: see --sample."),)


def _mended(operations: Operations) -> list[Finding]:
    """Everything that could be, in steps between which an interrupt takes effect."""
    mended: list[Finding] = []
    with interrupts_wait() as check:
        while some := operations.repair(most=_AT_ONCE).mended:
            mended += some
            check()
    return mended


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


def sizes(found: StoreStatus) -> dict[str, str]:
    """How much room there is taken and left, as far as it is known."""
    known = {"size": found.size_bytes, "left on the disk": found.free_bytes}
    return {name: filesize.decimal(it) for name, it in known.items() if it is not None}


def consumer_facts(found: ConsumerStatus) -> dict[str, object]:
    """How far behind a consumer of events is, as data."""
    oldest = found.oldest_at
    return {**attrs.asdict(found), "oldest_at": None if oldest is None else oldest.isoformat()}


def consumer_rows(found: Sequence[ConsumerStatus]) -> tuple[RenderableType, ...]:
    """The same of all of them, for a person; nothing where there is none."""
    headings = ("events leave for", "worker", "users behind", "oldest since", "set aside")
    rows = [
        (
            it.consumer,
            "running" if it.is_running else "none",
            f"{it.behind:,}",
            "" if it.oldest_at is None else it.oldest_at.isoformat(" ", "seconds"),
            f"{it.set_aside:,}",
        )
        for it in found
    ]
    return (listing(headings, rows),) if rows else ()


def verdict(findings: tuple[Finding, ...]) -> dict[str, object]:
    """What a verification found, as data."""
    return {"sound": not findings, "findings": [attrs.asdict(finding) for finding in findings]}


def verdict_rows(findings: tuple[Finding, ...], found: StoreStatus) -> tuple[RenderableType, ...]:
    """What a verification found, for a person."""
    rest = () if findings else (facts_table(counts(found)),)
    return *verdict_findings(findings), *rest


def verdict_findings(findings: tuple[Finding, ...]) -> tuple[RenderableType, ...]:
    """Whether a store is sound, and what is wrong."""
    if findings:
        table = listing(("rule", "where"), ((it.rule, it.where) for it in findings))
        return sentence(f"NOT SOUND. Findings: {len(findings)}", style="bold red"), table
    return (sentence("Sound: every count agrees with a recount.", style="bold green"),)


def turning_on(url: str) -> str:
    """The command that does, for somebody to read."""
    return with_url("dmcore mode on", url)


def with_url(command: str, url: str) -> str:
    """A command for the same store. The URL is not repeated: it may hold a password."""
    return f"`{command}`" + ("" if url == DEFAULT_URL else " with the same --url")
