"""Reports, for a moderator at a terminal: the queue, one of them, and its moves. Only metadata.

What a reporter chose to show is never here: a terminal keeps what it showed, and so does whoever
records it. Evidence is looked at on the page of a report, where each look is written down (MOD-2).
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated

import typer

from dmcore.cli.options import DEFAULT_MODERATOR, DEFAULT_URL, AsJson, Url
from dmcore.cli.paging import every
from dmcore.cli.render import facts_table, listing, print_json, print_rows, sentence
from dmcore.cli.stores import lasting
from dmcore.domain.reports import (
    MadeMove,
    ReportLine,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportState,
)
from dmcore.moderation import ModerationDesk

reports = typer.Typer(
    help="Reports: what waits for moderators, and what became of it. Metadata only: no command"
    " shows what was reported, also not where the policy lets a reporter choose evidence; that is"
    " looked at on the report's page, by the moderator who took it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Moderator = Annotated[
    str, typer.Option("--as", metavar="MODERATOR", help="Who does it, for the journal.")
]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant whose reports they are.")]
Id = Annotated[str, typer.Argument(metavar="REPORT", help="The id of a report.")]


@reports.command("list")
def list_(
    *,
    state: Annotated[
        ReportState | None, typer.Option("--state", help="Only those that stand there.")
    ] = None,
    reason: Annotated[
        ReportReason | None, typer.Option("--reason", help="Only those made for this reason.")
    ] = None,
    origin: Annotated[
        ReportOrigin | None, typer.Option("--origin", help="Only those of people, or of screening.")
    ] = None,
    most: Annotated[
        int, typer.Option("--most", min=1, max=10_000, help="Show at most so many.")
    ] = 100,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the queue, oldest first. Reports about the moderator themselves are not in it."""
    with lasting(url).open() as dm:
        desk = dm.moderation(moderator, tenant=tenant)
        queue = partial(desk.reports, state=state, reason=reason, origin=origin)
        found = list(islice(every(queue), most + 1))
    lines = found[:most]
    if as_json:
        facts = [_facts(line) for line in lines]
        print_json({"reports": facts, "complete": len(found) == len(lines)})
        return
    if not lines:
        print_rows(sentence("There are no such reports."))
        return
    headings = ("report", "made", "state", "why", "about")
    rows = ((str(it.id), _when(it.made_at), it.state.value, _why(it), it.reported) for it in lines)
    print_rows(listing(headings, rows))
    if len(found) > len(lines):
        print_rows(sentence("There are more: see --most."))


@reports.command()
def show(
    report: Id,
    *,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show one report, and what was done with it: by whom, when, and what came of it."""
    with lasting(url).open() as dm:
        desk = dm.moderation(moderator, tenant=tenant)
        line = desk.report(report)
        history = list(every(partial(desk.report_history, report)))
    if as_json:
        print_json(_facts(line) | {"history": [_made(it) for it in history]})
        return
    print_rows(facts_table({name: _shown(value) for name, value in _facts(line).items()}))
    if history:
        rows = (
            (it.move.value, it.by, _when(it.at), "" if it.outcome is None else it.outcome.value)
            for it in history
        )
        print_rows(listing(("done", "by", "at", "outcome"), rows))


@reports.command()
def take(
    report: Id,
    *,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Take a report that waits. Only who took it finishes it."""
    _move(url, moderator, tenant, lambda desk: desk.take(report), as_json=as_json)


@reports.command()
def release(
    report: Id,
    *,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Put a report back that is taken, one's own or another's."""
    _move(url, moderator, tenant, lambda desk: desk.release(report), as_json=as_json)


@reports.command()
def resolve(
    report: Id,
    outcome: Annotated[ReportOutcome, typer.Argument(help="What came of it.")],
    *,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Finish a report that was found right, and say what came of it."""
    _move(url, moderator, tenant, lambda desk: desk.resolve(report, outcome), as_json=as_json)


@reports.command()
def dismiss(
    report: Id,
    *,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Finish a report in which nothing was found."""
    _move(url, moderator, tenant, lambda desk: desk.dismiss(report), as_json=as_json)


@reports.command()
def reopen(
    report: Id,
    *,
    moderator: Moderator = DEFAULT_MODERATOR,
    tenant: Tenant = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Let a finished report wait once more. What came of it before stays in its history."""
    _move(url, moderator, tenant, lambda desk: desk.reopen(report), as_json=as_json)


def _move(
    url: str,
    moderator: str,
    tenant: str,
    act: Callable[[ModerationDesk], ReportLine],
    *,
    as_json: bool,
) -> None:
    with lasting(url).open() as dm:
        line = act(dm.moderation(moderator, tenant=tenant))
    if as_json:
        print_json(_facts(line))
    else:
        print_rows(sentence(f"The report is {line.state.value} now."))


def _facts(line: ReportLine) -> dict[str, object]:
    """All that a moderator sees of a report besides its evidence, as data."""
    return {
        "id": str(line.id),
        "state": line.state.value,
        "origin": line.origin.value,
        "reported": line.reported,
        "reporter": line.reporter,
        "conversation": None if line.conversation is None else str(line.conversation),
        "messages": line.messages,
        "reason": None if line.reason is None else line.reason.value,
        "flags": list(line.flags),
        "taken_by": line.taken_by,
        "outcome": None if line.outcome is None else line.outcome.value,
        "made_at": line.made_at.isoformat(),
        "changed_at": line.changed_at.isoformat(),
    }


def _made(made: MadeMove) -> dict[str, object]:
    return {
        "number": made.number,
        "move": made.move.value,
        "by": made.by,
        "at": made.at.isoformat(),
        "outcome": None if made.outcome is None else made.outcome.value,
    }


def _why(line: ReportLine) -> str:
    return " ".join(line.flags) if line.reason is None else line.reason.value


def _shown(value: object) -> object:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else value


def _when(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
